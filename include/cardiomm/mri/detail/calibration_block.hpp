// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_DETAIL_CALIBRATION_BLOCK_HPP
#define CARDIOMM_MRI_DETAIL_CALIBRATION_BLOCK_HPP
/// \file
/// The calibration data of a scan: the largest fully sampled block around the centre of k-space,
/// averaged over the frames that sampled each point.

#include <vector>

#include "cardiomm/core/launch.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// Limit of the calibration block per axis, unless another one is asked for.
inline constexpr index_t default_calib = 24;

/// Calibration data on the host.
template <class T>
struct calibration {
  host_tensor<complex<T>, 4> data;  ///< (slice, coil, y, x) of the block, arbitrary units
  index_t y0, x0;                   ///< its first row and column in the k-space matrix
};

namespace detail {

/// Adds the frames in which a point was sampled, that is, in which any coil is not zero.
template <class C>
struct sampled_frames_kernel {
  static constexpr const char* name = "cardiomm::mri::sampled_frames";
  const C* k;
  int* count;
  index_t frames, slices, coils, ny, nx, by, bx, y0, x0;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t s = row / by, y = y0 + row - s * by;
    for (index_t x = first; x < last; ++x) {
      int n = 0;
      for (index_t f = 0; f < frames; ++f) {
        bool any = false;
        for (index_t c = 0; c < coils && !any; ++c) {
          const C v = k[(((f * slices + s) * coils + c) * ny + y) * nx + x0 + x];
          any = v.real() != 0 || v.imag() != 0;
        }
        n += any ? 1 : 0;
      }
      count[row * bx + x] += n;
    }
  }
};

/// Adds the samples of all frames, in their order.
template <class C>
struct frame_sum_kernel {
  static constexpr const char* name = "cardiomm::mri::frame_sum";
  const C* k;
  complex<double>* sum;
  index_t frames, slices, coils, ny, nx, by, bx, y0, x0;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t image = row / by, y = row - image * by;
    for (index_t x = first; x < last; ++x) {
      const complex<double> before = sum[row * bx + x];
      double re = before.real(), im = before.imag();
      for (index_t f = 0; f < frames; ++f) {
        const C v = k[((f * slices * coils + image) * ny + y0 + y) * nx + x0 + x];
        re += double(v.real());
        im += double(v.imag());
      }
      sum[row * bx + x] = complex<double>(re, im);
    }
  }
};

/// Extents of the largest block that is centred like the limit block, has at least least_y x
/// least_x points and misses none; (0, 0) where there is none.
inline shape<2> largest_block(const std::vector<char>& missing, index_t by, index_t bx,
                              index_t least_y, index_t least_x) {
  std::vector<index_t> sum(static_cast<std::size_t>((by + 1) * (bx + 1)), 0);  // prefix sums
  const auto at = [&](index_t y, index_t x) -> index_t& {
    return sum[static_cast<std::size_t>(y * (bx + 1) + x)];
  };
  for (index_t y = 0; y < by; ++y)
    for (index_t x = 0; x < bx; ++x)
      at(y + 1, x + 1) = at(y, x + 1) + at(y + 1, x) - at(y, x) +
                         (missing[static_cast<std::size_t>(y * bx + x)] ? 1 : 0);
  shape<2> best{0, 0};
  for (index_t h = least_y; h <= by; ++h)
    for (index_t w = bx; w >= least_x; --w) {
      const index_t y = by / 2 - h / 2, x = bx / 2 - w / 2;
      if (at(y + h, x + w) - at(y, x + w) - at(y + h, x) + at(y, x) > 0) continue;
      const index_t area = h * w, found = best[0] * best[1];
      const bool squarer = (h < w ? h : w) > (best[0] < best[1] ? best[0] : best[1]);
      if (area > found || (area == found && squarer)) best = shape<2>{h, w};
      break;
    }
  return best;
}

}  // namespace detail

/// Sums over frames of the centre of k-space, from which the calibration data are made. They can be
/// continued with further frames, which gives what all frames at once give.
struct calibration_sums {
  host_tensor<complex<double>, 4> sum;  ///< (slice, coil, y, x) of the centre
  host_tensor<int, 3> count;            ///< frames that sampled a point (slice, y, x)
  shape<2> matrix;                      ///< (y, x) of k-space
};

/// Extents (y, x) of the centre that is looked at. Throws as calibration_region for a limit that
/// does not fit k-space (frame, slice, coil, y, x) of these extents.
inline shape<2> calibration_limits(const shape<5>& n, index_t calib = -1) {
  require<shape_error>(n.size() > 0, "calibration: expected k-space (frame, slice, coil, y, ",
                       "x) without empty axes, found ", n);
  require(calib != 0, "calibration: calib: expected a positive number of lines, found 0");
  require(calib <= (n[3] > n[4] ? n[3] : n[4]), "calibration: calib: expected a region within the ",
          "matrix of ", n[3], " x ", n[4], ", found ", calib, " x ", calib);
  const index_t limit = calib < 0 ? default_calib : calib;
  return {{limit < n[3] ? limit : n[3], limit < n[4] ? limit : n[4]}};
}

/// Sums of no frames yet, for k-space (frame, slice, coil, y, x) of the given extents and a block
/// of at most `calib` points along each axis; see calibration_region.
inline calibration_sums empty_calibration(const shape<5>& n, index_t calib = -1) {
  const shape<2> b = calibration_limits(n, calib);
  const host_space host;
  calibration_sums s{zeros<complex<double>>(host, shape{n[1], n[2], b[0], b[1]}, "cardiomm::sums"),
                     zeros<int>(host, shape{n[1], b[0], b[1]}, "cardiomm::sampled"),
                     {{n[3], n[4]}}};
  host.fence();
  return s;
}

/// Adds frames.
template <ExecutionSpace Ex, TensorView K>
void add_calibration(const Ex& ex, const K& kspace, const calibration_sums& sums) {
  using C = element_of<K>;
  const shape<5> n = shape_of(kspace);
  const shape<4> b = shape_of(sums.sum);
  require<shape_error>(
      b[0] == n[1] && b[1] == n[2] && sums.matrix[0] == n[3] && sums.matrix[1] == n[4],
      "calibration: sums ", b, " of a matrix ", sums.matrix, ": expected k-space that fits, found ",
      n);
  const index_t by = b[2], bx = b[3], y0 = n[3] / 2 - by / 2, x0 = n[4] / 2 - bx / 2;
  const auto count = to_space(ex, sums.count);
  const auto sum = to_space(ex, sums.sum);
  launch::rows(ex, n[1] * by, bx,
               detail::sampled_frames_kernel<C>{kspace.data(), count.data(), n[0], n[1], n[2], n[3],
                                                n[4], by, bx, y0, x0});
  launch::rows(ex, n[1] * n[2] * by, bx,
               detail::frame_sum_kernel<C>{kspace.data(), sum.data(), n[0], n[1], n[2], n[3], n[4],
                                           by, bx, y0, x0});
  ex.fence();
  copy(sums.count, count);
  copy(sums.sum, sum);
}

/// The calibration block of the sums: see calibration_region.
template <class T>
calibration<T> finish_calibration(const calibration_sums& sums, shape<2> least = {1, 1}) {
  const shape<4> n = shape_of(sums.sum);
  const index_t by = n[2], bx = n[3], ny = sums.matrix[0], nx = sums.matrix[1];
  std::vector<char> missing(static_cast<std::size_t>(by * bx), 0);
  index_t sampled = 0;
  for (index_t s = 0; s < n[0]; ++s)
    for (index_t i = 0; i < by * bx; ++i) {
      const bool here = sums.count.data()[s * by * bx + i] > 0;
      sampled += here ? 1 : 0;
      if (!here) missing[static_cast<std::size_t>(i)] = 1;
    }
  require(sampled > 0, "calibration: expected k-space with signal at its centre, found zeros only");
  const shape<2> b = detail::largest_block(missing, by, bx, least[0], least[1]);
  require(b[0] > 0, "calibration: expected a fully sampled centre of at least ", least[0], " x ",
          least[1], " points (y x x) around (", ny / 2, ", ", nx / 2,
          "), found a smaller one or none");

  const index_t cy = by / 2 - b[0] / 2, cx = bx / 2 - b[1] / 2;
  calibration<T> result{
      make_tensor<complex<T>>(host_space{}, shape{n[0], n[1], b[0], b[1]}, "cardiomm::calibration"),
      ny / 2 - by / 2 + cy, nx / 2 - bx / 2 + cx};
  for (index_t image = 0; image < n[0] * n[1]; ++image)
    for (index_t y = 0; y < b[0]; ++y)
      for (index_t x = 0; x < b[1]; ++x) {
        const index_t at = (cy + y) * bx + cx + x;
        const double scale = 1.0 / sums.count.data()[image / n[1] * by * bx + at];
        const complex<double> v = sums.sum.data()[image * by * bx + at];
        const complex<T> mean(T(v.real() * scale), T(v.imag() * scale));
        require(double(abs2(complex<double>(mean.real(), mean.imag()))) < __builtin_huge_val(),
                "calibration: expected finite k-space, found NaN or ", "Inf in coil ", image % n[1],
                " at (", result.y0 + y, ", ", result.x0 + x, ")");
        result.data.data()[(image * b[0] + y) * b[1] + x] = mean;
      }
  return result;
}

/// Finds the calibration block: centred on the zero frequency (index n/2), at most `calib` points
/// along each axis, shrunk to the largest block in which every point of every slice was sampled in
/// some frame. A point counts as sampled where any coil is not zero. The data are the sum over the
/// frames divided by the number of frames that sampled the point.
///
/// \param kspace  (frame, slice, coil, y, x)  centred, samples that were not acquired are zero
/// \param calib   limit per axis; negative takes 24, or the matrix where that is smaller
/// \param least   points (y, x) that the block must have at least, as an ESPIRiT kernel has
/// Throws value_error where calib is 0 or larger than the matrix, the centre is not sampled densely
/// enough, or the block holds NaN, Inf or zeros only; shape_error for empty k-space.
template <ExecutionSpace Ex, TensorView K>
calibration<real_of<element_of<K>>> calibration_region(const Ex& ex, const K& kspace,
                                                       index_t calib = -1,
                                                       shape<2> least = {1, 1}) {
  static_assert(rank_of<K> == 5, "calibration_region: expected (frame, slice, coil, y, x)");
  const auto sums = empty_calibration(shape_of(kspace), calib);
  add_calibration(ex, kspace, sums);
  return finish_calibration<real_of<element_of<K>>>(sums, least);
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
