// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_IMAGE_HPP
#define CARDIOMM_IO_IMAGE_HPP
/// \file
/// Pictures of magnitude images: window, mosaic of frames, error map; grey PNG through libpng and
/// animated PNG of a cine. Source: PNG specification, third edition (W3C), chunks acTL, fcTL, fdAT.

#include <png.h>
#include <zlib.h>

#include <cmath>

#include "cardiomm/io/array.hpp"
#include "cardiomm/io/percentile.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

/// Grey picture, 8 bits, rows from top to bottom.
struct picture {
  int height = 0, width = 0;
  std::vector<std::uint8_t> pixels;

  picture() = default;
  picture(int h, int w)
      : height(h), width(w), pixels(static_cast<std::size_t>(h) * static_cast<std::size_t>(w)) {}
  std::uint8_t* row(int y) {
    return pixels.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width);
  }
  const std::uint8_t* row(int y) const { return const_cast<picture*>(this)->row(y); }
};

/// Values that become black and white.
struct window {
  double low = 0, high = 1;
};

/// values (y, x) in a window; what is not finite becomes black.
inline picture render(const float* values, int height, int width, window w) {
  picture p(height, width);
  const double scale = w.high > w.low ? 255 / (w.high - w.low) : 0;
  for (std::size_t i = 0; i < p.pixels.size(); ++i) {
    const double v = (double(values[i]) - w.low) * scale;
    p.pixels[i] = v > 0 ? static_cast<std::uint8_t>(std::min(v, 255.0) + 0.5) : 0;
  }
  return p;
}

/// |image - reference| of magnitudes, the input of a rendered error map; n values.
inline std::vector<float> error_map(const float* image, const float* reference, index_t n) {
  std::vector<float> e(static_cast<std::size_t>(n));
  for (index_t i = 0; i < n; ++i)
    e[static_cast<std::size_t>(i)] = std::abs(image[i] - reference[i]);
  return e;
}

/// Places pictures of equal size side by side, `columns` in a row (0: about as wide as high), with
/// a grey line of one pixel between them.
inline picture mosaic(const std::vector<picture>& tiles, int columns = 0) {
  require(!tiles.empty(), "mosaic: expected at least one picture, found none");
  const int n = static_cast<int>(tiles.size()), h = tiles[0].height, w = tiles[0].width;
  require(columns >= 0, "mosaic: expected columns of at least 0, found ", columns);
  if (columns == 0)
    columns =
        static_cast<int>(std::ceil(std::sqrt(double(n) * double(h) / double(std::max(w, 1)))));
  columns = std::clamp(columns, 1, n);
  const int rows = (n + columns - 1) / columns;
  picture all(rows * (h + 1) - 1, columns * (w + 1) - 1);
  std::fill(all.pixels.begin(), all.pixels.end(), std::uint8_t(64));
  for (int i = 0; i < n; ++i) {
    const picture& t = tiles[static_cast<std::size_t>(i)];
    require<shape_error>(t.height == h && t.width == w, "mosaic: expected pictures of ", h, " x ",
                         w, ", found ", t.height, " x ", t.width);
    for (int y = 0; y < h; ++y)
      std::copy_n(t.row(y), w, all.row(i / columns * (h + 1) + y) + i % columns * (w + 1));
  }
  return all;
}

namespace detail {
using png_bytes = std::vector<unsigned char>;

/// A PNG file in memory, by libpng.
inline png_bytes encode_png(const picture& p) {
  require(p.width > 0 && p.height > 0, "png: expected a picture of at least 1 x 1, found ",
          p.height, " x ", p.width);
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(p.width);
  image.height = static_cast<png_uint_32>(p.height);
  image.format = PNG_FORMAT_GRAY;
  png_alloc_size_t size = 0;
  png_bytes bytes;
  for (int pass = 0; pass < 2; ++pass) {  // the first asks for the size
    require<io_error>(png_image_write_to_memory(&image, pass ? bytes.data() : nullptr, &size, 0,
                                                p.pixels.data(), 0, nullptr) != 0,
                      "png: cannot be encoded: ", image.message);
    bytes.resize(size);
  }
  return bytes;
}

inline void put_u32(png_bytes& out, std::uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<unsigned char>(v >> shift));
}
inline std::uint32_t get_u32(const unsigned char* p) {
  return std::uint32_t(p[0]) << 24 | std::uint32_t(p[1]) << 16 | std::uint32_t(p[2]) << 8 | p[3];
}
/// Appends a chunk: length, name, body, checksum.
inline void put_chunk(png_bytes& out, const char* name, const png_bytes& body) {
  put_u32(out, static_cast<std::uint32_t>(body.size()));
  const std::size_t start = out.size();
  out.insert(out.end(), name, name + 4);
  out.insert(out.end(), body.begin(), body.end());
  put_u32(out, static_cast<std::uint32_t>(
                   crc32(0, out.data() + start, static_cast<uInt>(out.size() - start))));
}
/// f(name, body, size) for every chunk of a PNG that libpng made.
template <class F>
void for_each_chunk(const png_bytes& png, F&& f) {
  for (std::size_t at = 8; at + 12 <= png.size();) {
    const std::uint32_t size = get_u32(png.data() + at);
    f(std::string(png.begin() + static_cast<std::ptrdiff_t>(at) + 4,
                  png.begin() + static_cast<std::ptrdiff_t>(at) + 8),
      png.data() + at + 8, size);
    at += 12 + size;
  }
}
}  // namespace detail

/// Writes a grey PNG file.
inline void write_png(const std::string& path, const picture& p,
                      existing policy = existing::replace) {
  atomic_file out(path, policy);
  const auto bytes = detail::encode_png(p);
  out.write(bytes.data(), bytes.size());
  out.commit();
}

/// An animated PNG that loops for ever; viewers without animation show the first frame. `delay` in
/// ms per frame. Throws shape_error if the frames differ in size.
inline detail::png_bytes encode_apng(const std::vector<picture>& frames, int delay) {
  require(!frames.empty(), "apng: expected at least one frame, found none");
  require(delay > 0 && delay < 65536, "apng: expected a delay of 1 to 65535 ms, found ", delay);
  detail::png_bytes file;
  std::uint32_t sequence = 0;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    require<shape_error>(frames[i].width == frames[0].width && frames[i].height == frames[0].height,
                         "apng: expected frames of ", frames[0].height, " x ", frames[0].width,
                         ", found ", frames[i].height, " x ", frames[i].width);
    const auto png = detail::encode_png(frames[i]);
    const auto frame_control = [&] {
      detail::png_bytes body;
      detail::put_u32(body, sequence++);
      detail::put_u32(body, static_cast<std::uint32_t>(frames[i].width));
      detail::put_u32(body, static_cast<std::uint32_t>(frames[i].height));
      detail::put_u32(body, 0);  // offset in x and y
      detail::put_u32(body, 0);
      body.push_back(static_cast<unsigned char>(delay >> 8));
      body.push_back(static_cast<unsigned char>(delay & 255));
      body.push_back(1000 >> 8);  // delay is a fraction of a second
      body.push_back(1000 & 255);
      body.push_back(0);  // leave the frame, replace by the next
      body.push_back(0);
      detail::put_chunk(file, "fcTL", body);
    };
    if (i == 0) file.assign(png.begin(), png.begin() + 8);
    bool controlled = false;
    detail::for_each_chunk(
        png, [&](const std::string& name, const unsigned char* body, std::uint32_t size) {
          if (name == "IDAT") {
            if (!controlled) frame_control();
            controlled = true;
            detail::png_bytes data;
            if (i > 0) detail::put_u32(data, sequence++);
            data.insert(data.end(), body, body + size);
            detail::put_chunk(file, i == 0 ? "IDAT" : "fdAT", data);
          } else if (i == 0 && name != "IEND") {
            detail::put_chunk(file, name.c_str(), detail::png_bytes(body, body + size));
            if (name != "IHDR") return;
            detail::png_bytes control;
            detail::put_u32(control, static_cast<std::uint32_t>(frames.size()));
            detail::put_u32(control, 0);  // plays for ever
            detail::put_chunk(file, "acTL", control);
          }
        });
  }
  detail::put_chunk(file, "IEND", {});
  return file;
}

/// Writes an animated PNG.
inline void write_apng(const std::string& path, const std::vector<picture>& frames, int delay,
                       existing policy = existing::replace) {
  atomic_file out(path, policy);
  const auto bytes = encode_apng(frames, delay);
  out.write(bytes.data(), bytes.size());
  out.commit();
}

/// Reads a PNG file as grey; of an animation the first frame. Throws io_error.
inline picture read_png(const byte_source& file) {
  const std::string& path = file.path();
  require<io_error>(file.size() <= (std::uint64_t(1) << 30), path,
                    ": expected a PNG file of at most 1 GiB, found ", file.size(), " bytes");
  detail::png_bytes bytes(static_cast<std::size_t>(file.size()));
  file.read(0, bytes.data(), bytes.size());
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  require<io_error>(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) != 0, path,
                    ": expected a PNG file: ", image.message);
  image.format = PNG_FORMAT_GRAY;
  const bool fits = std::uint64_t(image.width) * image.height <= (1u << 28);
  if (!fits) png_image_free(&image);
  require<io_error>(fits, path, ": expected at most 2^28 pixels, found ", image.height, " x ",
                    image.width);
  picture p(static_cast<int>(image.height), static_cast<int>(image.width));
  require<io_error>(png_image_finish_read(&image, nullptr, p.pixels.data(), 0, nullptr) != 0, path,
                    ": cannot be decoded: ", image.message);
  return p;
}

inline picture read_png(const std::string& path) { return read_png(input_file(path)); }

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
