// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_GRAPPA_HPP
#define CARDIOMM_MRI_GRAPPA_HPP
/// \file
/// GRAPPA (Griswold et al., MRM 47 (2002)): every missing sample of k-space is a linear combination
/// of measured ones near it, of all coils. The weights are found in a calibration region without
/// missing samples, one set for every distinct pattern of sources around a target, by Tikhonov
/// regularised least squares,
///
///     (A^H A + lambda |A^H A|_F / n) w = A^H b.
///
/// Lines of zeros surround k-space; measured samples stay as they are. Any pattern of lines
/// (uniform, shifted from frame to frame, irregular) and of single samples will do.

#include "cardiomm/core/profile.hpp"
#include "cardiomm/mri/detail/grappa_points.hpp"
#include "cardiomm/mri/mask.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

namespace detail {

inline void check(const grappa_options& o) {
  require(o.kernel_x >= 1 && o.kernel_x <= grappa_widest && o.kernel_x % 2 == 1,
          "grappa: kernel_x: expected an odd number from 1 to ", grappa_widest, ", found ",
          o.kernel_x);
  require(o.kernel_y >= 1 && o.kernel_y <= 32, "grappa: kernel_y: expected 1 to 32 lines, found ",
          o.kernel_y);
  require(o.lambda >= 0 && o.lambda < 1e6,
          "grappa: lambda: expected a number of at least 0, found ", o.lambda);
  require(o.calib >= 1, "grappa: calib: expected at least 1 line, found ", o.calib);
}

/// Lines that the table of products may have, for 256 MiB at most.
inline index_t grappa_rows(index_t calib, index_t coils, index_t kx) {
  index_t rows = calib;
  while (rows > 1 && grappa_products<float>::size(rows, coils, kx) > (index_t(1) << 25)) --rows;
  return rows;
}

}  // namespace detail

/// The calibration region of k-space: the block around the centre that is sampled in the first
/// frame, or in all frames.
///
/// Throws shape_error if the mask does not fit, value_error if the centre was not sampled.
template <ExecutionSpace Ex, TensorView K>
auto find_grappa_calibration(const Ex& ex, const K& kspace,
                             const host_tensor<std::uint8_t, 3>& mask,
                             const grappa_options& options = {})
    -> grappa_calibration<real_of<element_of<K>>> {
  using C = element_of<K>;
  static_assert(rank_of<K> == 5, "grappa: expected k-space (frame, slice, coil, y, x)");
  detail::check(options);
  const shape<5> k = shape_of(kspace);
  const shape<3> m = shape_of(mask);
  require<shape_error>(k.size() > 0, "grappa: k-space: expected samples, found shape ", k);
  require<shape_error>((m[0] == 1 || m[0] == k[0]) && m[1] == k[3] && m[2] == k[4],
                       "grappa: mask: expected (frame or 1, y, x) = ", shape{k[0], k[3], k[4]},
                       ", found ", m);
  const index_t frames = options.all_frames ? k[0] : 1, plane = m[1] * m[2];
  auto common = make_tensor<std::uint8_t>(host_space(), shape{plane});
  std::copy_n(mask.data(), plane, common.data());
  if (options.all_frames)
    for (index_t i = plane; i < static_cast<index_t>(mask.size()); ++i)
      if (!mask.data()[i]) common(i % plane) = 0;
  const index_t rows = detail::grappa_rows(std::min(options.calib, k[3]), k[2], options.kernel_x);
  const auto b = detail::sampled_block(common.data(), m[1], m[2], rows);
  require(b.rows() > 0, "grappa: calibration: expected lines around the centre of k-space that ",
          options.all_frames ? "all frames have" : "the first frame has",
          ", found none; give calibration data instead");
  // Only the block travels to the host.
  grappa_calibration<real_of<C>> found{
      make_tensor<C>(host_space(), shape{frames, k[1], k[2], b.rows(), k[4]}),
      {0, b.rows(), b.x0, b.x1}};
  const auto on_device = make_tensor<C>(ex, shape_of(found.data));
  for (index_t p = 0; p < frames * k[1] * k[2]; ++p)
    Kokkos::deep_copy(ex,
                      borrow(ex, on_device.data() + p * b.rows() * k[4], shape{b.rows() * k[4]}),
                      borrow(ex, kspace.data() + (p * k[3] + b.y0) * k[4], shape{b.rows() * k[4]}));
  ex.fence();
  Kokkos::deep_copy(found.data, on_device);
  return found;
}

/// Calibration data without missing samples: (frame, slice, coil, y, x), any y and x extent.
template <TensorView V>
auto given_grappa_calibration(const V& data, const grappa_options& options = {})
    -> grappa_calibration<real_of<element_of<V>>> {
  static_assert(rank_of<V> == 5, "grappa: expected calibration (frame, slice, coil, y, x)");
  detail::check(options);
  const shape<5> n = shape_of(data);
  require<shape_error>(n.size() > 0, "grappa: calibration: expected samples, found shape ", n);
  const index_t rows = detail::grappa_rows(std::min(options.calib, n[3]), n[2], options.kernel_x);
  const index_t first = n[3] / 2 - rows / 2;
  return {to_host(data), {first, first + rows, 0, n[4]}};
}

/// Mean power of the samples of every line of one slice and of its noise.
struct line_powers {
  std::vector<double> line;  ///< (y,), over frames and coils; 0 for lines that no frame has
  double noise = 0;          ///< from both ends of the readout
};

/// Powers of the lines (frame or 1, y) of a slice of k-space (frame, slice, coil, y, x).
template <ExecutionSpace Ex, TensorView K>
line_powers line_power(const Ex& ex, const K& kspace, index_t slice,
                       const host_tensor<std::uint8_t, 2>& lines) {
  const shape<5> k = shape_of(kspace);
  const index_t edge = std::max<index_t>(1, k[4] / 16);
  const auto sums = make_tensor<double>(ex, shape{k[0], k[3], index_t(2)});
  Kokkos::deep_copy(ex, sums, 0.0);
  for (index_t f = 0; f < k[0]; ++f)
    launch::rows(ex, k[3], 1,
                 detail::grappa_power_kernel<element_of<K>>{
                     kspace.data() + (f * k[1] + slice) * k[2] * k[3] * k[4],
                     sums.data() + f * k[3] * 2, k[2], k[3], k[4], edge});
  ex.fence();
  const auto host = to_host(sums);
  line_powers found;
  std::vector<double> ends;
  double measured = 0;
  for (index_t y = 0; y < k[3]; ++y) {
    double line = 0, end = 0, count = 0;
    for (index_t f = 0; f < k[0]; ++f)
      if (lines(lines.extent(0) == 1 ? 0 : f, y)) {
        line += host(f, y, 0);
        end += host(f, y, 1);
        ++count;
      }
    found.line.push_back(count > 0 ? line / (count * double(k[2] * k[4])) : 0);
    measured += count;
    if (count > 0) ends.push_back(end / (count * double(k[2] * 2 * edge)));
  }
  const double each = double(k[0] * k[2] * 2 * edge) * measured / double(k[0] * k[3]);
  found.noise = detail::noise_power(std::move(ends), each);
  return found;
}

/// The kernels of one slice for a pattern of lines. Made once, applied to as many data as wanted:
/// frames, replicas of noise.
template <class T, ExecutionSpace Ex>
class grappa_kernels {
  using C = complex<T>;
  using L = lane<T, Ex>;
  static constexpr index_t M = detail::grappa_tile<L>;

 public:
  /// \param lines  0/1 (frame or 1, y)
  /// \param power  from line_power, or none: the data are taken to be free of noise
  /// Throws value_error where the calibration region is too small for any kernel.
  grappa_kernels(const Ex& ex, const grappa_calibration<T>& calibration, index_t slice,
                 const host_tensor<std::uint8_t, 2>& lines, const grappa_options& options = {},
                 const line_powers& power = {})
      : options_(options),
        ny_(static_cast<index_t>(lines.extent(1))),
        frames_(static_cast<index_t>(lines.extent(0))) {
    detail::check(options);
    const auto& b = calibration.block;
    coils_ = static_cast<index_t>(calibration.data.extent(2));
    tiles_ = (coils_ + M - 1) / M;
    const index_t windows = b.columns() - options.kernel_x + 1;
    const auto frames = static_cast<index_t>(calibration.data.extent(0));
    plan_ = detail::plan_grappa(lines, coils_, options, b.rows(),
                                std::max<index_t>(0, windows) * frames, power.line, power.noise);
    const bool missing =
        std::any_of(lines.data(), lines.data() + lines.size(), [](auto v) { return v == 0; });
    require(!missing || !plan_.lines.empty(), "grappa: calibration: ", b.rows(), " lines of ",
            b.columns(), " samples are too few for any kernel of ", options.kernel_x,
            " samples and ", coils_, " coils, or no line was sampled");
    const double top = missing ? detail::grappa_scale(calibration.data, slice, b) : 1;
    solve(ex, calibration, slice, top);
    sampled_ = to_space(ex, lines);
  }

  /// Fills the missing lines of frames and one slice.
  ///
  /// \param kspace  (frame, slice, coil, y, x); what was not sampled is not looked at
  /// \param full    the same shape; only `slice` is written
  template <TensorView K, TensorView Y>
  void apply(const Ex& ex, const K& kspace, index_t slice, const Y& full) const {
    const shape<5> k = shape_of(kspace);
    require<shape_error>(shape_of(full) == k && k[2] == coils_ && k[3] == ny_ &&
                             (frames_ == 1 || frames_ == k[0]) && slice >= 0 && slice < k[1],
                         "grappa: kernels of ", frames_, " frames, ", coils_, " coils and ", ny_,
                         " lines: expected such k-space, found ", k);
    constexpr index_t W = lane_traits<L>::width;
    const index_t before = options_.kernel_x / 2;
    const index_t pitch = (k[4] + 2 * W - 1) / (2 * W) * 2 * W + options_.kernel_x + W;
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    T* planes = scratch.template take<T>(coils_ * ny_ * 2 * pitch);
    for (index_t f = 0; f < k[0]; ++f) {
      const index_t m = frames_ == 1 ? 0 : f;
      const index_t at = (f * k[1] + slice) * coils_ * ny_ * k[4];
      launch::rows(
          ex, coils_ * ny_, pitch,
          detail::grappa_split_kernel<C>{kspace.data() + at, full.data() + at, planes,
                                         sampled_.data() + m * ny_, ny_, k[4], pitch, before});
      const index_t first = plan_.frame_start[static_cast<std::size_t>(m)];
      const index_t count = plan_.frame_start[static_cast<std::size_t>(m + 1)] - first;
      launch::rows(ex, count * tiles_, k[4],
                   detail::grappa_line_kernel<C, L>{planes, weights_.data(), lines_.data() + first,
                                                    sources_.data(), full.data() + at, coils_,
                                                    tiles_, ny_, k[4], pitch, options_.kernel_x});
    }
  }

  /// Missing lines that are filled; others are too far from what was sampled and become zero.
  const detail::grappa_plan& plan() const { return plan_; }
  /// Distinct kernels: patterns of sources and target.
  index_t kernels() const { return plan_.targets; }
  index_t coils() const { return coils_; }
  const grappa_options& options() const { return options_; }

  /// The weight of sample x + i - kernel_x / 2 of source line `source` and coil `from` in coil `to`
  /// of missing line `line` (an index into plan().lines). On hosts only.
  C weight(index_t line, index_t source, index_t from, index_t i, index_t to) const {
    const auto& l = plan_.lines[static_cast<std::size_t>(line)];
    const index_t taps = l.lines * coils_ * options_.kernel_x;
    const T* w =
        host_weights_.data() +
        (l.offset * tiles_ + to / M * taps + (source * coils_ + from) * options_.kernel_x + i) * 2 *
            M +
        to % M * 2;
    return C(w[0], w[1]);
  }

 private:
  void solve(const Ex& ex, const grappa_calibration<T>& calibration, index_t slice, double top) {
    const index_t kx = options_.kernel_x;
    std::vector<index_t> offset(static_cast<std::size_t>(plan_.targets));
    index_t taps = 0;
    for (const auto& g : plan_.groups)
      for (const auto& t : g.targets) {
        offset[static_cast<std::size_t>(t.second)] = taps;
        taps += static_cast<index_t>(g.sources.size()) * coils_ * kx;
      }
    for (auto& l : plan_.lines) l.offset = offset[static_cast<std::size_t>(l.weights)];
    const host_space host;
    host_weights_ = zeros<T>(host, shape{std::max<index_t>(1, taps * tiles_ * 2 * M)});
    host.fence();
    if (!plan_.groups.empty()) {
      const detail::grappa_tables<float> tables(calibration.data, slice, calibration.block, kx,
                                                1 / top);
      detail::solve_grappa(
          tables, plan_.groups, options_.lambda,
          [&](index_t target, index_t n, index_t stride, const complex<double>* x) {
            for (index_t o = 0; o < coils_; ++o) {
              T* w = host_weights_.data() +
                     (offset[static_cast<std::size_t>(target)] * tiles_ + o / M * n) * 2 * M +
                     o % M * 2;
              for (index_t j = 0; j < n; ++j) {
                w[j * 2 * M] = T(x[j * stride + o].real());
                w[j * 2 * M + 1] = T(x[j * stride + o].imag());
              }
            }
          });
    }
    weights_ = to_space(ex, host_weights_);
    const auto copied = [&](const auto& from) {
      using V = typename std::decay_t<decltype(from)>::value_type;
      const auto t = make_tensor<V>(host, shape{std::max<index_t>(1, index_t(from.size()))});
      std::copy(from.begin(), from.end(), t.data());
      return to_space(ex, t);
    };
    lines_ = copied(plan_.lines);
    sources_ = copied(plan_.sources);
  }

  grappa_options options_;
  index_t coils_ = 0, tiles_ = 0, ny_, frames_;
  detail::grappa_plan plan_;
  host_tensor<T, 1> host_weights_;
  tensor<T, 1, Ex> weights_;
  tensor<detail::grappa_line, 1, Ex> lines_;
  tensor<index_t, 1, Ex> sources_;
  tensor<std::uint8_t, 2, Ex> sampled_;
};

/// Full k-space of all coils by GRAPPA with given calibration data.
///
/// \param kspace       (frame, slice, coil, y, x)
/// \param mask         0/1 (frame or 1, y, x) on the host
/// \param calibration  from find_grappa_calibration or given_grappa_calibration
/// \return (frame, slice, coil, y, x): measured samples unchanged; missing lines that no kernel
///         reaches (beyond the sampled range, or farther from sampled ones than the calibration
///         region is wide) are zero
/// Throws shape_error and value_error for arguments that do not fit each other.
template <ExecutionSpace Ex, TensorView K>
auto grappa(const Ex& ex, const K& kspace, const host_tensor<std::uint8_t, 3>& mask,
            const grappa_calibration<real_of<element_of<K>>>& calibration,
            const grappa_options& options = {}) -> tensor<element_of<K>, 5, Ex> {
  using C = element_of<K>;
  using T = real_of<C>;
  static_assert(rank_of<K> == 5, "grappa: expected k-space (frame, slice, coil, y, x)");
  const profile_region region("cardiomm::mri::grappa");
  detail::check(options);
  const shape<5> k = shape_of(kspace), c = shape_of(calibration.data);
  const shape<3> m = shape_of(mask);
  require<shape_error>(k.size() > 0, "grappa: k-space: expected samples, found shape ", k);
  require<shape_error>((m[0] == 1 || m[0] == k[0]) && m[1] == k[3] && m[2] == k[4],
                       "grappa: mask: expected (frame or 1, y, x) = ", shape{k[0], k[3], k[4]},
                       ", found ", m);
  require<shape_error>((c[1] == 1 || c[1] == k[1]) && c[2] == k[2],
                       "grappa: calibration: expected (frame, slice or 1, coil, y, x) of ", k[1],
                       " slices and ", k[2], " coils, found ", c);
  auto full = make_tensor<C>(ex, k, "cardiomm::grappa");
  const auto lines = line_pattern(mask);
  for (index_t z = 0; z < k[1]; ++z) {
    const index_t from = c[1] == 1 ? 0 : z;
    if (lines)
      grappa_kernels<T, Ex>(ex, calibration, from, *lines, options,
                            options.noise_aware ? line_power(ex, kspace, z, *lines) : line_powers{})
          .apply(ex, kspace, z, full);
    else
      detail::grappa_points(ex, kspace, mask, calibration, from, z, options, full);
    ex.fence();
  }
  return full;
}

/// Full k-space of all coils by GRAPPA, calibrated on its own fully sampled centre. Arguments as
/// above; combine coils by `rss`, or by maps with `zero_filled` and a full mask.
template <ExecutionSpace Ex, TensorView K>
auto grappa(const Ex& ex, const K& kspace, const host_tensor<std::uint8_t, 3>& mask,
            const grappa_options& options = {}) -> tensor<element_of<K>, 5, Ex> {
  return grappa(ex, kspace, mask, find_grappa_calibration(ex, kspace, mask, options), options);
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
