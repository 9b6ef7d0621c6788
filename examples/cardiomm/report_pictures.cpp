// SPDX-License-Identifier: Apache-2.0
/// \file
/// Pictures of a report.

#include "report_pictures.hpp"

namespace program {
namespace {

constexpr double error_gain = 5;

/// One tile of the strip: values over (moment, y, x), already divided by their own percentile.
struct tile {
  std::string name, text;
  std::vector<std::vector<float>> moments;
};

/// Moments of a stack: the frames of the middle slice, or the slices of a single frame.
struct moments_of {
  index_t count, middle_slice, shown;
  bool over_slices;
  explicit moments_of(const magnitude_stack& s)
      : count(s.frames > 1 ? s.frames : s.slices),
        middle_slice(s.slices / 2),
        shown(s.frames > 1 ? 0 : s.slices / 2),
        over_slices(s.frames == 1) {}
  const double* at(const magnitude_stack& s, index_t m) const {
    return over_slices ? s.at(0, m) : s.at(m, middle_slice);
  }
};

/// All moments divided by the 99.5th percentile over them, so that a cine does not flicker; the
/// percentile.
std::pair<std::vector<std::vector<float>>, double> scaled(const magnitude_stack& s,
                                                          const moments_of& m) {
  const auto pixels = static_cast<std::size_t>(s.ny * s.nx);
  std::vector<float> all;
  for (index_t k = 0; k < m.count; ++k) {
    const double* p = m.at(s, k);
    for (std::size_t i = 0; i < pixels; ++i) all.push_back(static_cast<float>(p[i]));
  }
  const double white = io::percentile(all.data(), static_cast<index_t>(all.size()), 99.5);
  const float scale = white > 0 ? static_cast<float>(1 / white) : 0.f;
  std::vector<std::vector<float>> out;
  for (index_t k = 0; k < m.count; ++k) {
    const auto first =
        all.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(k) * pixels);
    out.emplace_back(first, first + static_cast<std::ptrdiff_t>(pixels));
    for (float& v : out.back()) v *= scale;
  }
  return {out, white};
}

/// Means over squares of n x n pixels; an incomplete square at the edge is left out.
io::picture smaller(const io::picture& p, int n) {
  if (n <= 1 || p.height < n || p.width < n) return p;
  io::picture out(p.height / n, p.width / n);
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x) {
      int sum = n * n / 2;
      for (int j = 0; j < n; ++j)
        for (int i = 0; i < n; ++i) sum += p.row(y * n + j)[x * n + i];
      out.row(y)[x] = static_cast<std::uint8_t>(sum / (n * n));
    }
  return out;
}

std::string as_string(const io::detail::png_bytes& bytes) { return {bytes.begin(), bytes.end()}; }

io::picture draw(const std::vector<float>& values, const magnitude_stack& s) {
  return io::render(values.data(), static_cast<int>(s.ny), static_cast<int>(s.nx), {0, 1});
}

/// Width at which a picture is shown: small images are enlarged, large ones shrink on the page.
io::html_picture shown(std::string png, int width, int height, const tile& t) {
  io::html_picture p;
  p.png = std::move(png);
  const double scale = std::clamp(240.0 / std::max(width, 1), 0.5, 3.0);
  p.width = static_cast<int>(width * scale + 0.5);
  p.height = static_cast<int>(height * scale + 0.5);
  p.caption = t.name;
  p.text = t.text;
  return p;
}

/// The cine of all tiles side by side within `most` bytes: smaller pixels first, then fewer frames.
void add_cine(group_pictures& out, const std::vector<tile>& tiles, const magnitude_stack& s,
              index_t count, bool over_slices, int delay, std::size_t most) {
  const bool below = tiles.size() > 3;
  const int columns = below ? static_cast<int>(tiles.size() / 2) + 1 : 3;
  const auto strip = [&](index_t k, int n) {
    std::vector<io::picture> rows[2];  // reference and images, errors below where there are several
    for (std::size_t i = 0; i < tiles.size(); ++i)
      rows[below && i > 0 && i % 2 == 0].push_back(
          smaller(draw(tiles[i].moments[std::size_t(k)], s), n));
    if (below) rows[1].insert(rows[1].begin(), io::picture(rows[0][0].height, rows[0][0].width));
    rows[0].insert(rows[0].end(), rows[1].begin(), rows[1].end());
    return io::mosaic(rows[0], columns);
  };
  // about 420 pixels of width are enough for each tile
  int n = std::max<int>(1, static_cast<int>(s.nx / 420));
  index_t every = 1;
  const auto estimate = [&] {
    return io::detail::encode_png(strip(count / 2, n)).size() *
           static_cast<std::size_t>((count + every - 1) / every);
  };
  while (estimate() > most && s.nx / (n + 1) >= 96) ++n;
  while (estimate() > most && every < count) ++every;
  std::vector<io::picture> frames;
  for (index_t k = 0; k < count; k += every) frames.push_back(strip(k, n));
  if (frames.size() < 2) return;
  const int shown_delay = static_cast<int>(
      std::min<index_t>(65535, (over_slices ? std::max(delay, 300) : delay) * every));
  io::html_picture p;
  p.png = as_string(io::encode_apng(frames, shown_delay));
  const double scale = std::clamp(240.0 * columns / std::max(frames[0].width, 1), 0.5, 3.0);
  p.width = static_cast<int>(frames[0].width * scale + 0.5);
  p.height = static_cast<int>(frames[0].height * scale + 0.5);
  p.caption = std::string(over_slices ? "Slices" : "Cine") + " of the same pictures, " +
              std::to_string(frames.size()) + (over_slices ? " slices, " : " frames, ") +
              std::to_string(shown_delay) + " ms each";
  if (n > 1 || every > 1) {
    p.caption += "; to keep the page small";
    if (n > 1)
      p.caption += ", " + std::to_string(n) + " x " + std::to_string(n) + " pixels are one";
    if (every > 1) p.caption += ", one of " + std::to_string(every) + " is shown";
  }
  p.text = p.caption;
  out.cine.push_back(std::move(p));
}

}  // namespace

group_pictures make_pictures(const shown_group& group, const eval_options& o, int delay,
                             std::size_t most) {
  group_pictures out;
  std::vector<tile> tiles;
  std::optional<magnitude_stack> first;
  std::optional<moments_of> m;
  std::string whites;
  try {
    for (const scored_file* f : group.files) {
      auto [reference, image] = load_pair(f->files, o);
      if (!first) {
        m.emplace(reference);
        auto [moments, white] = scaled(reference, *m);
        tiles.push_back({"Reference", "reference image", std::move(moments)});
        whites = "reference " + io::significant(white, 4);
        first = std::move(reference);
      }
      auto [moments, white] = scaled(image, *m);
      const std::string method = f->files.who.method;
      whites += ", " + (method.empty() ? "image" : method) + " " + io::significant(white, 4);
      std::vector<std::vector<float>> errors;
      for (std::size_t k = 0; k < moments.size(); ++k) {
        const auto& r = tiles[0].moments[k];
        errors.push_back(
            io::error_map(moments[k].data(), r.data(), static_cast<index_t>(r.size())));
        for (float& v : errors.back()) v *= static_cast<float>(error_gain);
      }
      tiles.push_back({method, "reconstruction by " + method, std::move(moments)});
      tiles.push_back({"Error of " + method + " x " + io::fixed(error_gain, 0),
                       "error of " + method, std::move(errors)});
    }
  } catch (const cardiomm::error& e) {
    out.problem = one_line(e.what());
    return out;
  }
  const magnitude_stack& s = *first;
  const int still = std::max<int>(1, static_cast<int>(s.nx / 640));
  for (const tile& t : tiles) {
    const auto p = smaller(draw(t.moments[static_cast<std::size_t>(m->shown)], s), still);
    if (tiles.size() == 3 || out.stills.size() < 2 || out.stills.back().size() == 2)
      out.stills.emplace_back();
    out.stills.back().push_back(shown(as_string(io::detail::encode_png(p)), p.width, p.height, t));
  }
  out.about = m->over_slices ? (s.slices > 1 ? "Slice " + std::to_string(m->shown + 1) + " of " +
                                                   std::to_string(s.slices)
                                             : std::string("One image"))
                             : "Slice " + std::to_string(m->middle_slice + 1) + " of " +
                                   std::to_string(s.slices) + ", frame " +
                                   std::to_string(m->shown + 1) + " of " + std::to_string(s.frames);
  out.about += ", " + std::to_string(s.ny) + " x " + std::to_string(s.nx) +
               " pixels. White is the 99.5th percentile of each image: " + whites + ".";
  const std::size_t used = out.bytes();
  if (m->count > 1)
    add_cine(out, tiles, s, m->count, m->over_slices, delay, most > used ? most - used : 0);
  return out;
}

}  // namespace program
