// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_CALIBRATE_HPP
#define CARDIOMM_MRI_CALIBRATE_HPP
/// \file
/// Coil maps from the fully sampled centre of k-space: ESPIRiT (Uecker et al., Magn Reson Med 71,
/// 2014, 990-1001). The maps agree with those of BART's ecalib, whose option -t is compared with
/// squared singular values: threshold 0.02 here is -t 0.0004 there.

#include <cmath>
#include <string>
#include <vector>

#include "cardiomm/core/profile.hpp"
#include "cardiomm/mri/detail/calibration_block.hpp"
#include "cardiomm/mri/detail/espirit_kernels.hpp"
#include "cardiomm/mri/detail/espirit_pixels.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// How `espirit` works.
struct espirit_options {
  index_t calib = -1;       ///< upper limit of the calibration block per axis, see
                            ///< calibration_region; negative takes 24 or the matrix
  index_t kernel = 6;       ///< extent of the k-space kernels (half the matrix, rounded up, where
                            ///< that is smaller)
  double threshold = 0.02;  ///< kernels with singular values up to this part of the largest one
                            ///< belong to the null space
  double crop = 0.8;        ///< maps are zero where the eigenvalue (0 .. 1) does not exceed this
  index_t sets = 1;         ///< eigenvectors per pixel
};

namespace detail {

/// Weights (n, 2k - 1) that interpolate a trigonometric polynomial of degree k - 1 from 2k - 1
/// samples over one period to the pixels u = (i - n/2) / n: the Dirichlet kernel.
template <class T>
std::vector<T> dirichlet_weights(index_t n, index_t k) {
  const index_t g = 2 * k - 1;
  std::vector<T> w(static_cast<std::size_t>(n * g));
  for (index_t i = 0; i < n; ++i)
    for (index_t f = 0; f < g; ++f) {
      const double u = double(i - n / 2) / double(n) - double(f) / double(g);
      double sum = 1;
      for (index_t d = 1; d < k; ++d) sum += 2 * std::cos(2 * M_PI * double(d) * u);
      w[static_cast<std::size_t>(i * g + f)] = T(sum / double(g));
    }
  return w;
}

/// Rows that one packet of vectors travels through.
inline constexpr index_t espirit_strip = 8;

/// Scratch of espirit_image in numbers: rows are taken in blocks of `strips` strips, whose
/// coefficients (`rows` a strip) and vectors (`room` a strip) fill 64 MiB at most.
struct espirit_scratch {
  index_t strips, rows, room;
};
template <class T, ExecutionSpace Ex>
espirit_scratch espirit_room(const espirit_sizes& n, index_t ny, index_t nx, index_t sets) {
  constexpr index_t W = lane_width<T, Ex>;
  const index_t packets = (nx + W - 1) / W;
  const index_t room =
      (launch::on_host<Ex> ? 1 : packets) * packet_eigen<T, lane<T, Ex>>::scratch(n.coils, sets);
  const index_t rows = espirit_strip * 2 * n.pairs() * (2 * n.kx - 1);
  const index_t bytes = (rows + room) * static_cast<index_t>(sizeof(T));
  const index_t all = (ny + espirit_strip - 1) / espirit_strip;
  return {std::clamp<index_t>((index_t(64) << 20) / bytes, 1, all), rows, room};
}

/// Maps and eigenvalues (set, slice, ...) of one slice from its calibration.
template <class T, ExecutionSpace Ex, TensorView M>
void espirit_image(const Ex& ex, const espirit_slice<T>& found, const espirit_sizes& n,
                   const espirit_options& options, index_t slice, const M& maps,
                   const tensor<T, 4, Ex>& values) {
  using L = lane<T, Ex>;
  constexpr index_t W = lane_width<T, Ex>;
  constexpr index_t strip = espirit_strip;
  const shape<5> s = shape_of(maps);
  const index_t ny = s[3], nx = s[4], packets = (nx + W - 1) / W;
  const index_t gy = 2 * n.ky - 1, gx = 2 * n.kx - 1, length = 2 * n.pairs() * gx;

  const auto weight_y = upload(ex, dirichlet_weights<T>(ny, n.ky));
  const std::vector<T> by_pixel = dirichlet_weights<T>(nx, n.kx);
  std::vector<T> transposed(static_cast<std::size_t>(gx * packets * W), T(0));
  for (index_t x = 0; x < nx; ++x)
    for (index_t f = 0; f < gx; ++f)
      transposed[static_cast<std::size_t>(f * packets * W + x)] =
          by_pixel[static_cast<std::size_t>(x * gx + f)];
  const auto weight_x = upload(ex, transposed);
  const auto grid = to_space(ex, found.grid);
  const auto coil = to_space(ex, found.coil);

  const auto plan = espirit_room<T, Ex>(n, ny, nx, s[0]);
  const index_t strips = plan.strips, per_strip = plan.room;
  const auto rows = make_tensor<T>(ex, shape{strips * plan.rows}, "cardiomm::espirit_rows");
  const auto room = make_tensor<T>(ex, shape{strips * per_strip}, "cardiomm::espirit_scratch");

  const index_t image = n.coils * ny * nx;
  for (index_t y0 = 0; y0 < ny; y0 += strips * strip) {
    const index_t y1 = y0 + strips * strip < ny ? y0 + strips * strip : ny;
    launch::rows(
        ex, y1 - y0, length,
        espirit_row_kernel<T, L>{grid.data(), weight_y.data(), rows.data(), y0, gy, length});
    launch::rows(ex, (y1 - y0 + strip - 1) / strip, packets,
                 espirit_pixel_kernel<T, L>{
                     rows.data(), weight_x.data(), coil.data(), maps.data() + slice * image,
                     values.data() == nullptr ? nullptr : values.data() + slice * ny * nx,
                     room.data(), n.coils, s[0], ny, nx, y0, y1, strip, gx, packets, s[1] * image,
                     s[1] * ny * nx, T(options.crop), launch::on_host<Ex>});
  }
  ex.fence();  // the scratch ends here
}

}  // namespace detail

/// Extents (y, x) of the kernels in a matrix, and the checks of the options.
inline shape<2> espirit_kernel(const espirit_options& options, index_t coils, index_t ny,
                               index_t nx) {
  require(options.kernel >= 1, "ESPIRiT: kernel: expected a positive extent, found ",
          options.kernel);
  require(options.threshold >= 0 && options.threshold < 1,
          "ESPIRiT: threshold: expected a number in [0, 1), found ", options.threshold);
  require(options.crop >= 0 && options.crop < 1,
          "ESPIRiT: crop: expected a number in [0, 1), found ", options.crop);
  require(options.sets >= 1 && options.sets <= coils, "ESPIRiT: sets: expected 1 to ", coils,
          " (coils), found ", options.sets);
  const index_t limit = options.calib < 0 ? default_calib : options.calib;
  require(limit >= options.kernel, "ESPIRiT: calib: expected at least the kernel's extent ",
          options.kernel, ", found ", limit);
  return {{std::min(options.kernel, (ny + 1) / 2), std::min(options.kernel, (nx + 1) / 2)}};
}

/// Bytes that `espirit` takes for a while beside its maps, for k-space of the given extents.
template <class T, ExecutionSpace Ex>
index_t espirit_scratch_bytes(const shape<5>& kspace, const espirit_options& options) {
  const shape<2> block = calibration_limits(kspace, options.calib);
  const shape<2> kernel = espirit_kernel(options, kspace[2], kspace[3], kspace[4]);
  const detail::espirit_sizes n{kspace[2], block[0], block[1], kernel[0], kernel[1]};
  const auto plan = detail::espirit_room<T, Ex>(n, kspace[3], kspace[4], options.sets);
  const index_t rows = std::min(n.windows(), n.columns());
  // matrix, its Gram matrix and the eigenvectors' scratch; a quarter of the kernels carry signal
  const index_t calibrate = 2 * n.windows() * n.columns() + 6 * rows * rows +
                            rows / 4 * 2 * n.coils * (n.grid() + n.kx * n.ky);
  const index_t sums = kspace[1] * kspace[2] * block.size();
  return std::max(calibrate, plan.strips * (plan.rows + plan.room)) * index_t(sizeof(T)) +
         sums * index_t(sizeof(complex<double>) + sizeof(complex<T>));
}

/// ESPIRiT from calibration data that were made before, for some or all slices.
///
/// \param data    (slice, coil, y, x) on the host, of finish_calibration with `least` of
///                espirit_kernel
/// \param matrix  (y, x) of the maps
/// Otherwise as below.
template <class T, ExecutionSpace Ex>
tensor<complex<T>, 5, Ex> espirit(const Ex& ex, const host_view<const complex<T>, 4>& data,
                                  const shape<2>& matrix, const espirit_options& options,
                                  tensor<T, 4, Ex>* eigenvalues = nullptr) {
  const profile_region region("cardiomm::mri::espirit");
  const shape<4> b = shape_of(data);
  const shape<2> kernel = espirit_kernel(options, b[1], matrix[0], matrix[1]);
  const detail::espirit_sizes sizes{b[1], b[2], b[3], kernel[0], kernel[1]};
  const auto maps = make_tensor<complex<T>>(
      ex, shape{options.sets, b[0], b[1], matrix[0], matrix[1]}, "cardiomm::maps");
  tensor<T, 4, Ex> values;
  if (eigenvalues != nullptr)
    *eigenvalues = values = make_tensor<T>(ex, shape{options.sets, b[0], matrix[0], matrix[1]});
  for (index_t s = 0; s < b[0]; ++s) {
    const auto found =
        detail::espirit_calibrate(data.data() + s * b[1] * b[2] * b[3], sizes, options.threshold);
    detail::espirit_image(ex, found, sizes, options, s, maps, values);
  }
  return maps;
}

/// ESPIRiT coil maps. Slices are calibrated one by one; all frames share the maps.
///
/// Where the eigenvalue exceeds `crop`: sum over coils of |s|^2 = 1, and the phase is relative to
/// the first singular vector of the calibration data (that coil combination has real positive
/// sensitivity); elsewhere the maps are zero.
///
/// \param kspace       (frame, slice, coil, y, x)  centred; samples not acquired are zero
/// \param eigenvalues  if given, becomes the eigenvalues (set, slice, y, x), about 1 in the object
/// \return             (set, slice, coil, y, x), unitless
/// Throws what calibration_region throws, and value_error for options outside their range.
template <ExecutionSpace Ex, TensorView K>
auto espirit(const Ex& ex, const K& kspace, const espirit_options& options = {},
             tensor<real_of<element_of<K>>, 4, Ex>* eigenvalues = nullptr)
    -> tensor<complex<real_of<element_of<K>>>, 5, Ex> {
  static_assert(rank_of<K> == 5 && is_complex<element_of<K>>,
                "espirit: expected complex k-space (frame, slice, coil, y, x)");
  using T = real_of<element_of<K>>;
  const shape<5> n = shape_of(kspace);
  const shape<2> kernel = espirit_kernel(options, n[2], n[3], n[4]);
  const auto block = calibration_region(ex, kspace, options.calib, kernel);
  return espirit<T>(ex, host_view<const complex<T>, 4>(block.data), shape{n[3], n[4]}, options,
                    eigenvalues);
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
