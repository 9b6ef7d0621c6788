// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_COLOUR_HPP
#define CARDIOMM_IO_COLOUR_HPP
/// \file
/// Coloured pictures of quantities: colour map, bar with numbers and unit, PNG through libpng.
/// Colours: viridis of matplotlib (CC0) and the red-blue scale of Brewer (Apache-2.0), at anchors.

#include <array>

#include "cardiomm/io/image.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

/// Picture of three bytes a pixel, rows from top to bottom.
struct colour_picture {
  int height = 0, width = 0;
  std::vector<std::uint8_t> rgb;

  colour_picture() = default;
  colour_picture(int h, int w)
      : height(h), width(w), rgb(3 * static_cast<std::size_t>(h) * static_cast<std::size_t>(w)) {}
  std::uint8_t* at(int y, int x) {
    return rgb.data() + 3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                             static_cast<std::size_t>(x));
  }
};

/// viridis: dark is low; diverging: blue below the middle, white, red above; grey.
enum class colours { viridis, diverging, grey };

/// The colour of a place between 0 and 1 of a scale.
inline std::array<std::uint8_t, 3> colour_at(colours map, double place) {
  static constexpr std::uint32_t viridis[] = {
      0x440154, 0x481a6c, 0x472f7d, 0x414487, 0x39568c, 0x31688e, 0x2a788e, 0x23888e,
      0x1f988b, 0x22a884, 0x35b779, 0x54c568, 0x7ad151, 0xa5db36, 0xd2e21b, 0xfde725};
  static constexpr std::uint32_t diverging[] = {0x053061, 0x2166ac, 0x4393c3, 0x92c5de,
                                                0xd1e5f0, 0xf7f7f7, 0xfddbc7, 0xf4a582,
                                                0xd6604d, 0xb2182b, 0x67001f};
  static constexpr std::uint32_t grey[] = {0x000000, 0xffffff};
  const std::uint32_t* anchors = map == colours::viridis     ? viridis
                                 : map == colours::diverging ? diverging
                                                             : grey;
  const int last = map == colours::viridis ? 15 : map == colours::diverging ? 10 : 1;
  const double p = (place > 0 ? std::min(place, 1.0) : 0) * last;
  const int below = std::min(static_cast<int>(p), last - 1);
  std::array<std::uint8_t, 3> result{};
  for (int c = 0; c < 3; ++c) {
    const int shift = 16 - 8 * c;
    const double a = anchors[below] >> shift & 255, b = anchors[below + 1] >> shift & 255;
    result[static_cast<std::size_t>(c)] =
        static_cast<std::uint8_t>(a + (p - below) * (b - a) + 0.5);
  }
  return result;
}

namespace detail {
/// Letters of 5 x 7 pixels, a number a row, the lowest bit on the right. Others are blank.
inline const std::uint8_t* glyph(char c) {
  struct letter {
    char name;
    std::uint8_t rows[7];
  };
  static constexpr letter letters[] = {
      {'0', {14, 17, 19, 21, 25, 17, 14}}, {'1', {4, 12, 4, 4, 4, 4, 14}},
      {'2', {14, 17, 1, 2, 4, 8, 31}},     {'3', {31, 2, 4, 2, 1, 17, 14}},
      {'4', {2, 6, 10, 18, 31, 2, 2}},     {'5', {31, 16, 30, 1, 1, 17, 14}},
      {'6', {6, 8, 16, 30, 17, 17, 14}},   {'7', {31, 1, 2, 4, 8, 8, 8}},
      {'8', {14, 17, 17, 14, 17, 17, 14}}, {'9', {14, 17, 17, 15, 1, 2, 12}},
      {'-', {0, 0, 0, 31, 0, 0, 0}},       {'+', {0, 4, 4, 31, 4, 4, 0}},
      {'.', {0, 0, 0, 0, 0, 12, 12}},      {'/', {0, 1, 2, 4, 8, 16, 0}},
      {'c', {0, 0, 14, 16, 16, 17, 14}},   {'e', {0, 0, 14, 17, 31, 16, 14}},
      {'m', {0, 0, 26, 21, 21, 17, 17}},   {'s', {0, 0, 14, 16, 14, 1, 30}}};
  static constexpr std::uint8_t blank[7] = {};
  for (const letter& l : letters)
    if (l.name == c) return l.rows;
  return blank;
}
/// White letters, cut off at the edges.
inline void write_text(colour_picture& p, int y, int x, int size, const std::string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::uint8_t* rows = glyph(text[i]);
    for (int j = 0; j < 7 * size; ++j)
      for (int k = 0; k < 5 * size; ++k) {
        const int py = y + j, px = x + k + static_cast<int>(i) * 6 * size;
        if ((rows[j / size] >> (4 - k / size) & 1) == 0) continue;
        if (py < 0 || py >= p.height || px < 0 || px >= p.width) continue;
        std::fill_n(p.at(py, px), 3, std::uint8_t(255));
      }
  }
}
inline std::string tick_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}
}  // namespace detail

/// values (images, height, width) side by side in a window, small ones enlarged, with a bar of the
/// colours and five numbers at its right. Where `shown` is 0 (or a value is not finite) the picture
/// is black; shown may be null.
inline colour_picture render_map(const float* values, const std::uint8_t* shown, int images,
                                 int height, int width, window w, colours map,
                                 const std::string& unit) {
  require(images > 0 && height > 0 && width > 0,
          "picture: expected at least one image of 1 x 1, found ", images, " of ", height, " x ",
          width);
  const int columns = std::clamp(
      static_cast<int>(std::ceil(std::sqrt(double(images) * double(height) / double(width)))), 1,
      images);
  const int rows = (images + columns - 1) / columns;
  const int zoom = std::clamp(384 / (std::max(rows * height, columns * width)), 1, 16);
  const int tall = rows * height * zoom, wide = columns * width * zoom;
  const int text = tall >= 512 ? 2 : 1, bar = 12 * text;
  const int margin = 4 * text, room = 6 * text * 7;
  colour_picture p(std::max(tall, 80 * text), wide + bar + room + 3 * margin);
  const double scale = w.high > w.low ? 1 / (w.high - w.low) : 0;
  for (int y = 0; y < tall; ++y)
    for (int x = 0; x < wide; ++x) {
      const int i = y / zoom, j = x / zoom, image = i / height * columns + j / width;
      if (image >= images) continue;
      const auto at = (static_cast<std::size_t>(image) * static_cast<std::size_t>(height) +
                       static_cast<std::size_t>(i % height)) *
                          static_cast<std::size_t>(width) +
                      static_cast<std::size_t>(j % width);
      if (!std::isfinite(values[at]) || (shown != nullptr && shown[at] == 0)) continue;
      const auto c = colour_at(map, (double(values[at]) - w.low) * scale);
      std::copy(c.begin(), c.end(), p.at(y, x));
    }
  const int top = 11 * text, bottom = p.height - 8 * text, left = wide + margin;
  for (int y = top; y < bottom; ++y) {
    const auto c = colour_at(map, double(bottom - 1 - y) / (bottom - 1 - top));
    for (int x = left; x < left + bar; ++x) std::copy(c.begin(), c.end(), p.at(y, x));
  }
  for (int t = 0; t <= 4; ++t) {
    const int y = bottom - 1 - (bottom - 1 - top) * t / 4;
    for (int x = left + bar; x < left + bar + margin / 2; ++x)
      std::fill_n(p.at(y, x), 3, std::uint8_t(255));
    detail::write_text(p, std::clamp(y - 3 * text, 0, p.height - 7 * text), left + bar + margin,
                       text, detail::tick_text(w.low + (w.high - w.low) * t / 4));
  }
  detail::write_text(p, text, left, text, unit);
  return p;
}

/// Writes a coloured PNG to a file that the caller commits.
inline void put_png(atomic_file& out, const colour_picture& p) {
  require(p.width > 0 && p.height > 0, "png: expected a picture of at least 1 x 1, found ",
          p.height, " x ", p.width);
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(p.width);
  image.height = static_cast<png_uint_32>(p.height);
  image.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = 0;
  detail::png_bytes bytes;
  for (int pass = 0; pass < 2; ++pass) {  // the first asks for the size
    require<io_error>(png_image_write_to_memory(&image, pass ? bytes.data() : nullptr, &size, 0,
                                                p.rgb.data(), 0, nullptr) != 0,
                      "png: cannot be encoded: ", image.message);
    bytes.resize(size);
  }
  out.write(bytes.data(), bytes.size());
}

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
