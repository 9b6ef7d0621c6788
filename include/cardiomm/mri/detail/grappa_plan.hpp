// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_DETAIL_GRAPPA_PLAN_HPP
#define CARDIOMM_MRI_DETAIL_GRAPPA_PLAN_HPP
/// \file
/// Which samples GRAPPA fills in, from which, and what is calibrated for that: host bookkeeping.

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "cardiomm/core/tensor.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// Which measured samples a missing one is made from.
enum class grappa_sources {
  nearest,  ///< the `kernel_y` nearest measured lines, half of them on either side
  window    ///< what was measured within `kernel_y` x `kernel_x` samples around it
};

/// How GRAPPA is calibrated.
struct grappa_options {
  index_t kernel_x = 5;    ///< extent of the kernel along the readout, odd
  index_t kernel_y = 4;    ///< measured lines of a kernel; with `window`, its extent in k-space
  double lambda = 0.01;    ///< Tikhonov weight relative to |A^H A|_F / unknowns
  index_t calib = 48;      ///< at most so many lines of the calibration region are used
  bool all_frames = true;  ///< calibrate on all frames together; else on the first one alone
  grappa_sources sources = grappa_sources::nearest;
  bool noise_aware = true;  ///< shrink kernels where measured lines are hardly more than noise
};

namespace detail {

/// Rows [y0, y1) and columns [x0, x1) of k-space.
struct kspace_block {
  index_t y0 = 0, y1 = 0, x0 = 0, x1 = 0;
  index_t rows() const { return y1 - y0; }
  index_t columns() const { return x1 - x0; }
};

/// The block around the centre without a missing sample, of a mask (y, x); of at most `most` rows.
inline kspace_block sampled_block(const std::uint8_t* mask, index_t ny, index_t nx, index_t most) {
  const index_t cy = ny / 2, cx = nx / 2;
  kspace_block b{cy, cy, 0, 0};
  const auto whole = [&](index_t y, index_t from, index_t to) {
    return std::all_of(mask + y * nx + from, mask + y * nx + to, [](auto v) { return v != 0; });
  };
  const auto column = [&](index_t x) {
    for (index_t y = b.y0; y < b.y1; ++y)
      if (!mask[y * nx + x]) return false;
    return true;
  };
  if (!mask[cy * nx + cx]) return b;
  b = {cy, cy + 1, cx, cx + 1};
  // A line that was measured whole is a line mask's; otherwise all four sides grow in turn.
  if (whole(cy, 0, nx)) b = {cy, cy + 1, 0, nx};
  for (bool grown = true; grown;) {
    grown = false;
    if (b.y0 > 0 && b.rows() < most && whole(b.y0 - 1, b.x0, b.x1)) --b.y0, grown = true;
    if (b.y1 < ny && b.rows() < most && whole(b.y1, b.x0, b.x1)) ++b.y1, grown = true;
    if (b.x0 > 0 && column(b.x0 - 1)) --b.x0, grown = true;
    if (b.x1 < nx && column(b.x1)) ++b.x1, grown = true;
  }
  return b;
}

}  // namespace detail

/// Calibration data of GRAPPA and where they lie.
template <class T>
struct grappa_calibration {
  host_tensor<complex<T>, 5> data;  ///< (frame, slice, coil, y, x)
  detail::kspace_block block;       ///< part of it without missing samples
};

namespace detail {

/// Kernels that share a normal matrix: source lines relative to the first one, and the lines that
/// sources and targets reach over.
struct grappa_group {
  std::vector<int> sources;        ///< ascending, the first is 0
  int low = 0, high = 0;           ///< window in lines, relative to the first source
  int level = 0;                   ///< noise over signal where it is used is 2^level
  std::map<int, index_t> targets;  ///< line relative to the first source -> number of its weights
};

/// One missing line of a frame.
struct grappa_line {
  index_t target;   ///< line
  index_t weights;  ///< number of the target's weights
  index_t first;    ///< into `sources` of the plan
  index_t lines;    ///< source lines
  index_t offset;   ///< of the weights, in target rows of one source line, filled in later
};

/// Level of a group whose data are free of noise, and the one where filling in makes no sense.
inline constexpr int noise_free = -20, noise_only = 7;

/// Noise over signal as a power of two, of samples with a power.
inline int noise_level(double power, double noise) {
  const double signal = power - noise;
  if (!(signal > noise * std::ldexp(1.0, -noise_only))) return noise_only;
  return std::max(noise_free, static_cast<int>(std::lround(std::log2(noise / signal))));
}

/// Power of the noise from the powers of several parts of k-space, means of `each` samples. Noise
/// is the same in all parts, up to chance. Where they differ by more they are signal, and the least
/// of them is too much.
inline double noise_power(std::vector<double> parts, double each) {
  if (parts.empty()) return 0;
  std::sort(parts.begin(), parts.end());
  const double least = parts[parts.size() / 50] * (1 + 2 / std::sqrt(each));
  const double more = std::max(least, parts[parts.size() / 4]);
  const double ratio = more > 0 ? least / more : 0;
  return least * ratio * ratio * ratio;
}

/// Noise over signal of a line as a power of two, from the powers of the two measured lines nearest
/// to it; `power` is 0 for lines that were not measured.
inline int noise_level(const std::vector<double>& power, double noise, index_t y) {
  if (power.empty() || !(noise > 0)) return noise_free;
  const auto n = static_cast<index_t>(power.size());
  double sum = 0;
  int found = 0;
  for (const index_t step : {index_t(-1), index_t(1)})
    for (index_t v = y; v >= 0 && v < n; v += step)
      if (power[static_cast<std::size_t>(v)] > 0) {
        sum += power[static_cast<std::size_t>(v)];
        ++found;
        break;
      }
  if (found == 0) return noise_free;
  return noise_level(sum / found, noise);
}

/// What to do for line masks.
struct grappa_plan {
  std::vector<grappa_group> groups;
  std::vector<grappa_line> lines;
  std::vector<index_t> frame_start;  ///< first of `lines` of every frame, and their number
  std::vector<index_t> sources;      ///< lines
  index_t targets = 0;               ///< different kernels
};

/// Lines that a missing one is made from, ascending; empty where it stays zero.
inline std::vector<index_t> source_lines(const std::vector<index_t>& sampled, index_t y,
                                         const grappa_options& o, index_t widest_gap,
                                         index_t most_lines, index_t unknowns_per_line,
                                         index_t equations_per_row) {
  std::vector<index_t> s;
  const auto above = std::lower_bound(sampled.begin(), sampled.end(), y);
  const index_t below = above - sampled.begin(), n = static_cast<index_t>(sampled.size());
  if (o.sources == grappa_sources::window) {
    for (const index_t line : sampled)
      if (line >= y - o.kernel_y / 2 && line < y - o.kernel_y / 2 + o.kernel_y) s.push_back(line);
  } else {
    // Beyond the outermost lines only as far as the gaps between lines are wide.
    const bool before = below == 0, behind = below == n;
    if ((before && sampled.front() - y >= widest_gap) ||
        (behind && y - sampled.back() >= widest_gap))
      return s;
    index_t first = below - o.kernel_y / 2, last = first + o.kernel_y;
    if (first < 0) last = std::min(n, last - first), first = 0;
    if (last > n) first = std::max<index_t>(0, first - (last - n)), last = n;
    s.assign(sampled.begin() + first, sampled.begin() + last);
  }
  // Kernels that the calibration region cannot determine lose their farthest line: they fit at
  // fewer than half of its lines, or have more than a third as many unknowns as equations.
  while (!s.empty()) {
    const index_t span = std::max(s.back(), y) - std::min(s.front(), y) + 1;
    const index_t rows = most_lines - span + 1;
    if (rows > 0 && 2 * rows >= most_lines &&
        rows * equations_per_row >= 3 * unknowns_per_line * static_cast<index_t>(s.size()))
      break;
    if (std::abs(s.front() - y) > std::abs(s.back() - y))
      s.erase(s.begin());
    else
      s.pop_back();
  }
  return s;
}

/// Plans the missing lines of a pattern (frame, y).
///
/// \param rows       lines of the calibration region
/// \param equations  windows along its readout, times frames
/// \param power      of every line, 0 where it was not measured; empty: no noise
/// \param noise      power of the noise
inline grappa_plan plan_grappa(const host_tensor<std::uint8_t, 2>& pattern, index_t coils,
                               const grappa_options& o, index_t rows, index_t equations,
                               const std::vector<double>& power, double noise) {
  grappa_plan plan;
  std::map<std::vector<int>, index_t> known;
  const auto frames = static_cast<index_t>(pattern.extent(0));
  const auto ny = static_cast<index_t>(pattern.extent(1));
  for (index_t f = 0; f < frames; ++f) {
    plan.frame_start.push_back(static_cast<index_t>(plan.lines.size()));
    std::vector<index_t> sampled;
    for (index_t y = 0; y < ny; ++y)
      if (pattern(f, y)) sampled.push_back(y);
    index_t widest = 1;
    for (std::size_t i = 1; i < sampled.size(); ++i)
      widest = std::max(widest, sampled[i] - sampled[i - 1]);
    for (index_t y = 0; y < ny; ++y) {
      if (pattern(f, y)) continue;
      const auto s = source_lines(sampled, y, o, widest, rows, o.kernel_x * coils, equations);
      const int level = noise_level(power, noise, y);
      if (s.empty() || level >= noise_only) continue;
      const int target = static_cast<int>(y - s.front());
      const int low = std::min(0, target), last = static_cast<int>(s.back() - s.front());
      std::vector<int> key = {low, std::max(last, target), level};
      for (const index_t line : s) key.push_back(static_cast<int>(line - s.front()));
      const auto [at, fresh] = known.emplace(key, static_cast<index_t>(plan.groups.size()));
      if (fresh) plan.groups.push_back({{key.begin() + 3, key.end()}, key[0], key[1], level, {}});
      auto& group = plan.groups[static_cast<std::size_t>(at->second)];
      const auto [weights, first] = group.targets.emplace(target, plan.targets);
      if (first) ++plan.targets;
      plan.lines.push_back({y, weights->second, static_cast<index_t>(plan.sources.size()),
                            static_cast<index_t>(s.size()), 0});
      plan.sources.insert(plan.sources.end(), s.begin(), s.end());
    }
  }
  plan.frame_start.push_back(static_cast<index_t>(plan.lines.size()));
  return plan;
}

}  // namespace detail

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
