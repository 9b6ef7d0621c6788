// SPDX-License-Identifier: Apache-2.0
/// \file
/// Pictures of `cardiomm run`, and images in other formats.

#include "cardiomm/io/image.hpp"
#include "magnitude.hpp"
#include "output.hpp"
#include "run_steps.hpp"

namespace program {
namespace {

/// Magnitudes (frame, slice, y, x); several sets of maps are put together.
struct stack {
  index_t frames = 1, slices = 1, ny = 1, nx = 1;
  std::vector<float> values;
  const float* at(index_t f, index_t z) const { return values.data() + (f * slices + z) * ny * nx; }
  index_t size() const { return static_cast<index_t>(values.size()); }
};

stack read_stack(const std::string& path) {
  using enum axis;
  const opened file = open_array(path);
  const source from = name_axes(file, role::image, {});
  stack s{from.extent(frame), from.extent(slice), from.extent(y), from.extent(x), {}};
  s.values = read_magnitudes<float>(file, from, {frame, slice, y, x});
  return s;
}

io::window window_of(const stack& s) {
  return {0, std::max(1e-30, 1.1 * io::percentile(s.values.data(), s.size(), 99.5))};
}
io::picture draw(const stack& s, index_t f, index_t z, io::window w) {
  return io::render(s.at(f, z), int(s.ny), int(s.nx), w);
}
bool fits(const stack& a, const stack& b) {
  return a.frames == b.frames && a.slices == b.slices && a.ny == b.ny && a.nx == b.nx;
}

/// The factor that brings an image to the scale of another.
double factor_to(const stack& image, const stack& reference) {
  double cross = 0, own = 0;
  for (std::size_t i = 0; i < image.values.size(); ++i) {
    cross += double(image.values[i]) * reference.values[i];
    own += double(image.values[i]) * image.values[i];
  }
  return own > 0 ? cross / own : 1;
}

}  // namespace

void draw_pictures(const picture_set& p) {
  stack image = read_stack(p.image);
  const io::window w = window_of(image);
  const index_t f = image.frames / 2, z = image.slices / 2;
  std::vector<io::picture> tiles;
  constexpr index_t most = 64;
  if (image.slices > 1)
    for (index_t i = 0; i < std::min(image.slices, most); ++i)
      tiles.push_back(draw(image, f, i, w));
  else
    for (index_t i = 0; i < std::min(image.frames, most); ++i)
      tiles.push_back(draw(image, i, z, w));
  io::write_png(p.mosaic, io::mosaic(tiles));
  if (!p.cine.empty()) {
    std::vector<io::picture> frames;
    for (index_t i = 0; i < image.frames; ++i) frames.push_back(draw(image, i, z, w));
    io::write_apng(p.cine, frames, 60);
  }
  // zero-filled, reconstruction, reference, error x 5: on one scale
  std::vector<io::picture> row;
  stack reference;
  if (!p.reference.empty()) reference = read_stack(p.reference);
  const bool compared = !p.reference.empty() && fits(reference, image);
  const io::window scale = compared ? window_of(reference) : w;
  const auto add = [&](stack s, double factor) {
    for (float& v : s.values) v = float(v * factor);
    row.push_back(draw(s, f, z, scale));
  };
  if (!p.zero_filled.empty()) {
    const stack zero = read_stack(p.zero_filled);
    if (fits(zero, image))
      add(zero, compared ? factor_to(zero, reference) : factor_to(zero, image));
  }
  const double factor = compared ? factor_to(image, reference) : 1;
  add(image, factor);
  if (compared) {
    add(reference, 1);
    stack error = reference;
    for (std::size_t i = 0; i < error.values.size(); ++i)
      error.values[i] =
          float(5 * std::abs(factor * double(image.values[i]) - double(reference.values[i])));
    add(error, 1);
  }
  io::write_png(p.comparison, io::mosaic(row, static_cast<int>(row.size())));
}

void write_nifti_image(const std::string& image, const geometry& voxel, const std::string& out) {
  using enum axis;
  const stack s = read_stack(image);
  array_output file(out, io::existing::replace);
  output_details details;
  details.voxel = voxel;
  file.describe(details);
  file.write({frame, slice, y, x}, {s.frames, s.slices, s.ny, s.nx}, s.values.data());
  file.commit();
}

void copy_reference(const std::string& from, const std::string& out) {
  using enum axis;
  const stack s = read_stack(from);
  array_output file(out, io::existing::replace);
  axes order;
  extents shape;
  if (s.frames > 1 || s.slices > 1) order = {frame}, shape = {s.frames};
  if (s.slices > 1) order.push_back(slice), shape.push_back(s.slices);
  order.insert(order.end(), {y, x});
  shape.insert(shape.end(), {s.ny, s.nx});
  file.write(order, shape, s.values.data());
  file.commit();
}

std::optional<double> difference_of_images(const std::string& a, const std::string& b) {
  const stack x = read_stack(a), y = read_stack(b);
  if (!fits(x, y)) return std::nullopt;
  double worst = 0, top = 0;
  for (std::size_t i = 0; i < x.values.size(); ++i) {
    worst = std::max(worst, std::abs(double(x.values[i]) - y.values[i]));
    top = std::max(top, std::abs(double(y.values[i])));
  }
  if (top == 0) return std::nullopt;
  return worst / top;
}

}  // namespace program
