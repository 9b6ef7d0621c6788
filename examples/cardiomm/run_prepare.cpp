// SPDX-License-Identifier: Apache-2.0
/// \file
/// K-space of `cardiomm run` from what is not k-space yet, and masks.

#include "cardiomm/fft/transform.hpp"
#include "cardiomm/mri/mask.hpp"
#include "cardiomm/mri/reconstruct.hpp"
#include "output.hpp"
#include "run_steps.hpp"

namespace program {
namespace {

using space = cardiomm::default_space;
using value = complex<float>;
constexpr auto order5 = [] { return axes{axis::frame, axis::slice, axis::coil, axis::y, axis::x}; };

/// Where the values of a case lie.
source source_of_case(const opened& file, const scan_case& s) {
  source from{file.values.path(), s.order, file.values.shape(), file.phase_plane};
  return from;
}

/// Writes (frame, slice, coil, y, x) frame by frame; fill(frame, values of a frame).
template <class F>
void write_frames(const std::string& path, const shape<5>& s, F&& fill) {
  array_output out(path, io::existing::replace);
  extents sizes;
  for (int i = 0; i < 5; ++i) sizes.push_back(s[i]);
  axes kept = {axis::coil, axis::y, axis::x};
  if (s[1] > 1) kept = order5();
  out.begin(order5(), sizes, kept, io::dtype::c64, false);
  const index_t plane = s[3] * s[4], planes = s[1] * s[2];
  std::vector<value> frame(static_cast<std::size_t>(planes * plane));
  for (index_t f = 0; f < s[0]; ++f) {
    stop_if_interrupted();
    fill(f, frame.data());
    for (index_t p = 0; p < planes; ++p)
      out.put_plane({f, p / s[2], p % s[2]}, frame.data() + p * plane);
  }
  out.commit();
}

/// The centre from index 0 to n/2 along y and x.
void move_centre(value* plane, index_t ny, index_t nx, std::vector<value>& scratch) {
  scratch.assign(plane, plane + ny * nx);
  for (index_t y = 0; y < ny; ++y)
    for (index_t x = 0; x < nx; ++x)
      plane[(y + ny / 2) % ny * nx + (x + nx / 2) % nx] = scratch[std::size_t(y * nx + x)];
}

void write_mask_values(const std::string& path, const std::vector<std::uint8_t>& mask, index_t f,
                       index_t ny, index_t nx) {
  array_output out(path, io::existing::replace);
  out.write({axis::frame, axis::y, axis::x}, {f, ny, nx}, mask.data());
  out.commit();
}

}  // namespace

void prepare_array(const scan_case& s, const std::string& out) {
  const opened file = open_array(s.kspace, role::kspace);
  require_complex(file, role::kspace);
  const source from = source_of_case(file, s);
  shape<5> in = s.size;
  std::vector<index_t> rows;
  if (s.from == scan_case::origin::lines) {
    const opened index = open_array(s.index, role::image);
    std::vector<double> v(static_cast<std::size_t>(index.values.size()));
    index.values.read(v.data());
    for (const double r : v) {
      require<value_error>(r >= 0 && r < double(s.size[3]) && r == std::floor(r), s.index,
                           ": expected numbers of lines from 0 to ", s.size[3] - 1, ", found ", r);
      rows.push_back(static_cast<index_t>(r));
    }
    in[3] = static_cast<index_t>(rows.size());
  }
  const space ex;
  const index_t plane = in[3] * in[4], planes = in[1] * in[2], wide = s.size[3] * s.size[4];
  std::vector<value> raw(static_cast<std::size_t>(planes * plane)), scratch;
  write_frames(out, s.size, [&](index_t f, value* frame) {
    read_ordered(file, from, order5(), raw.data(), {{axis::frame, f, 1}});
    require_finite(cardiomm::borrow(host_space{}, raw.data(), shape{planes, in[3], in[4]}), from,
                   {axis::coil, axis::y, axis::x});
    if (s.from == scan_case::origin::coil_images) {
      const auto host = cardiomm::borrow(host_space{}, raw.data(), shape{planes, in[3], in[4]});
      const auto k = cardiomm::to_host(cardiomm::fft::fft(ex, cardiomm::to_space(ex, host)));
      std::copy_n(k.data(), k.size(), frame);
    } else if (!rows.empty()) {
      std::fill_n(frame, planes * wide, value(0));
      for (index_t p = 0; p < planes; ++p)
        for (std::size_t r = 0; r < rows.size(); ++r)
          std::copy_n(raw.data() + p * plane + index_t(r) * in[4], in[4],
                      frame + p * wide + rows[r] * in[4]);
    } else {
      std::copy(raw.begin(), raw.end(), frame);
      if (s.uncentred)
        for (index_t p = 0; p < planes; ++p) move_centre(frame + p * plane, in[3], in[4], scratch);
    }
  });
}

void write_mask(const std::string& path, const axes& order, const mask_target& t,
                const std::string& out) {
  const opened file = open_array(path, role::mask);
  const extents& s = file.values.shape();
  const axes wanted = {axis::frame, axis::y, axis::x};
  index_t n[3] = {1, 1, 1};
  std::vector<io::stored_array::range> part;
  for (const index_t e : s) part.push_back({0, e, 0});
  index_t step = 1;
  for (int w = 2; w >= 0; --w)
    for (std::size_t i = 0; i < order.size(); ++i)
      if (order[i] == wanted[static_cast<std::size_t>(w)]) {
        part[i].step = step;
        n[w] = s[i];
        step *= s[i];
      }
  std::vector<float> v(static_cast<std::size_t>(file.values.size()));
  if (io::is_complex_type(file.values.type())) {
    std::vector<value> c(v.size());
    file.values.read(part, c.data());
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = float(cardiomm::abs2(c[i]));
  } else
    file.values.read(part, v.data());
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(t.frames * t.ny * t.nx));
  for (index_t f = 0; f < t.frames; ++f)
    for (index_t y = 0; y < t.ny; ++y)
      for (index_t x = 0; x < t.nx; ++x)
        mask[std::size_t((f * t.ny + y) * t.nx + x)] =
            v[std::size_t(((n[0] == 1 ? 0 : f) * n[1] + y) * n[2] + (n[2] == 1 ? 0 : x))] != 0;
  write_mask_values(out, mask, t.frames, t.ny, t.nx);
}

void find_mask(const ready_case& r, const std::string& out) {
  const opened file = open_array(r.kspace, role::kspace);
  const source from =
      name_axes(file, role::kspace, r.axes_text.empty() ? axes{} : parse_axes(r.axes_text));
  const shape<5>& s = r.size;
  const index_t plane = s[3] * s[4], planes = s[1] * s[2];
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(s[0] * plane));
  std::vector<value> frame(static_cast<std::size_t>(planes * plane));
  for (index_t f = 0; f < s[0]; ++f) {
    stop_if_interrupted();
    read_ordered(file, from, order5(), frame.data(), {{axis::frame, f, 1}});
    for (index_t p = 0; p < planes; ++p)
      for (index_t i = 0; i < plane; ++i)
        if (cardiomm::abs2(frame[std::size_t(p * plane + i)]) > 0)
          mask[std::size_t(f * plane + i)] = 1;
  }
  require<value_error>(std::count(mask.begin(), mask.end(), std::uint8_t(1)) > 0, r.kspace,
                       ": expected samples, found zeros only");
  write_mask_values(out, mask, s[0], s[3], s[4]);
}

void make_mask_file(const run_command& c, const shape<5>& size, const std::string& out) {
  cardiomm::mri::mask_options o;
  o.pattern = cardiomm::mri::mask_pattern_of(!c.pattern.empty() ? c.pattern
                                             : size[0] > 1      ? "kt-uniform"
                                                                : "uniform");
  o.acceleration = c.acceleration.value_or(4);
  o.acs = std::min(c.acs_lines, size[3]);
  o.frames = size[0];
  o.ny = size[3];
  o.nx = size[4];
  o.seed = static_cast<std::uint64_t>(c.seed);
  const auto mask = cardiomm::mri::make_mask(o);
  write_mask_values(out, std::vector<std::uint8_t>(mask.data(), mask.data() + mask.size()), size[0],
                    size[3], size[4]);
}

sampling_facts sampling_of_mask(const std::string& path) {
  const opened file = open_array(path, role::mask);
  const extents& s = file.values.shape();
  const index_t ny = s[1], nx = s[2];
  std::vector<std::uint8_t> m(static_cast<std::size_t>(file.values.size()));
  file.values.read(m.data());
  sampling_facts facts;
  facts.share = double(std::count(m.begin(), m.end(), std::uint8_t(1))) / double(m.size());
  for (std::size_t row = 0; row < m.size(); row += std::size_t(nx)) {
    const auto n = std::count(m.data() + row, m.data() + row + nx, std::uint8_t(1));
    facts.lines = facts.lines && (n == 0 || 2 * n > nx);
  }
  const auto sampled = [&](index_t y, index_t x) { return m[std::size_t(y * nx + x)] != 0; };
  const index_t most = facts.lines ? ny / 2 : std::min(ny, nx) / 2;
  index_t half = 0;
  for (bool good = true; half < most;) {
    const index_t y0 = ny / 2 - half - 1, y1 = ny / 2 + half;
    const index_t x0 = facts.lines ? nx / 2 : nx / 2 - half - 1,
                  x1 = facts.lines ? nx / 2 : nx / 2 + half;
    for (index_t y = y0; y <= y1; ++y)
      for (index_t x = x0; x <= x1; ++x) good = good && sampled(y, x);
    if (!good) break;
    ++half;
  }
  facts.acs = 2 * half;
  return facts;
}

}  // namespace program
