// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MODELS_PISF_IMAGE_HPP
#define CARDIOMM_MODELS_PISF_IMAGE_HPP
/// \file
/// Two-dimensional k-space by a network of lines: an inverse Fourier transform along the readout
/// (hybrid space), every readout position a line, the lines by the network, back to k-space, and a
/// few steps with the calibration kernel (mri/calibration_enhance.hpp).
///
/// Coils are those of the weights: more are compressed to them, fewer are followed by zeros. Each
/// line is divided by the largest root sum of squares of its zero-filled image and multiplied by it
/// afterwards.

#include <algorithm>

#include "cardiomm/fft/transform.hpp"
#include "cardiomm/models/pisf.hpp"
#include "cardiomm/mri/calibration_enhance.hpp"
#include "cardiomm/mri/coil_compress.hpp"
#include "cardiomm/mri/mask.hpp"

namespace cardiomm::inline CARDIOMM_ABI::models {

struct pisf_image_options {
  index_t batch = 64;        ///< lines of one call of the network
  bool keep_samples = true;  ///< what was measured is put back at the end
  int enhance = 5;           ///< steps with the calibration kernel; 0: none
  double enhance_step = 1;   ///< see mri::enhance_options
};

namespace detail {

/// Lines (x, y, coil) of planes (coil, y, x), coils beyond those of the plane zero; rows (x, y).
template <class C>
struct planes_to_lines {
  static constexpr const char* name = "cardiomm::models::planes_to_lines";
  const C* planes;
  C* lines;
  index_t coils, ny, nx, wide;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t x = row / ny, y = row - x * ny;
    for (index_t c = first; c < last; ++c)
      lines[row * wide + c] = c < coils ? planes[(c * ny + y) * nx + x] : C(0);
  }
};
/// And back; rows are (coil, y).
template <class C>
struct lines_to_planes {
  static constexpr const char* name = "cardiomm::models::lines_to_planes";
  const C* lines;
  C* planes;
  index_t ny, wide, nx;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t c = row / ny, y = row - c * ny;
    for (index_t x = first; x < last; ++x) planes[row * nx + x] = lines[(x * ny + y) * wide + c];
  }
};
/// The largest root sum of squares of images (line, y, coil), or 1; rows are lines.
template <class C>
struct line_scale {
  static constexpr const char* name = "cardiomm::models::line_scale";
  using T = real_of<C>;
  const C* image;
  T* scale;
  index_t ny, coils;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t l = first; l < last; ++l) {
      double most = 0;
      for (index_t y = 0; y < ny; ++y) {
        double sum = 0;
        for (index_t c = 0; c < coils; ++c) sum += double(abs2(image[(l * ny + y) * coils + c]));
        most = sum > most ? sum : most;
      }
      scale[l] = most > 0 ? T(math::sqrt(most)) : T(1);
    }
  }
};
/// y = a x, with a = scale[line] or its inverse, and measured samples put back; rows (line, y).
template <class C>
struct line_scaled {
  static constexpr const char* name = "cardiomm::models::line_scaled";
  using T = real_of<C>;
  const C* x;
  const T* scale;
  C* y;
  index_t ny, coils;
  bool divide;
  const C* measured;         // may be null
  const std::uint8_t* mask;  // (y,), of measured
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const T s = scale[row / ny], a = divide ? T(1) / s : s;
    const bool keep = measured && mask[row % ny];
    for (index_t c = row * coils + first; c < row * coils + last; ++c)
      y[c] = keep ? measured[c] : a * x[c];
  }
};

}  // namespace detail

/// Hybrid space: lines (x, y, coils) of k-space planes (coil, y, x) after an inverse transform
/// along x; coils that the planes lack are zero.
template <ExecutionSpace Ex, TensorView K>
auto hybrid_lines(const Ex& ex, const K& planes, index_t coils) -> tensor<element_of<K>, 3, Ex> {
  using C = element_of<K>;
  const shape<3> s = shape_of(planes);
  require<shape_error>(s.size() > 0 && s[0] <= coils,
                       "hybrid_lines: expected planes (coil, y, x) of ", "at most ", coils,
                       " coils, found ", s);
  const auto hybrid = make_tensor<C>(ex, s);
  fft::ifft(ex, planes, hybrid, {2});
  const auto lines = make_tensor<C>(ex, shape{s[2], s[1], coils});
  launch::rows(ex, s[2] * s[1], coils,
               detail::planes_to_lines<C>{hybrid.data(), lines.data(), s[0], s[1], s[2], coils});
  return lines;
}
/// Back to k-space planes (coil, y, x) of the first `coils` coils.
template <ExecutionSpace Ex, TensorView L>
auto planes_of_hybrid(const Ex& ex, const L& lines, index_t coils) -> tensor<element_of<L>, 3, Ex> {
  using C = element_of<L>;
  const shape<3> s = shape_of(lines);
  require<shape_error>(s.size() > 0 && coils >= 1 && coils <= s[2],
                       "planes_of_hybrid: expected lines (x, y, coil) of at least ", coils,
                       " coils, found ", s);
  const auto planes = make_tensor<C>(ex, shape{coils, s[1], s[0]});
  launch::rows(ex, coils * s[1], s[0],
               detail::lines_to_planes<C>{lines.data(), planes.data(), s[1], s[2], s[0]});
  fft::fft(ex, planes, planes, {2});
  return planes;
}

/// K-space of min(coils, J) coils, and what each line was divided by.
template <class T, ExecutionSpace Ex>
struct pisf_result {
  tensor<complex<T>, 5, Ex> kspace;  ///< (frame, slice, coil, y, x)
  tensor<T, 3, Ex> scale;            ///< (slice, frame, x)
};

namespace detail {

/// One slice: k-space (frame, 1, coil, y, x) with the coils of the network or fewer, in place.
/// `lines` is the pattern (frame or 1, y), `scale` (frame, x).
template <class T, ExecutionSpace Ex>
void reconstruct_slice(const Ex& ex, const pisf<T, Ex>& net,
                       const tensor<complex<T>, 5, Ex>& kspace,
                       const host_tensor<std::uint8_t, 2>& pattern, T* scale,
                       const pisf_image_options& options) {
  using C = complex<T>;
  const shape<5> k = shape_of(kspace);
  const index_t coils = net.sizes().coils, ny = k[3], nx = k[4], line = ny * coils;
  for (index_t frame = 0; frame < k[0]; ++frame, scale += nx) {
    const auto planes = borrow(ex, kspace.data() + frame * k[2] * ny * nx, shape{k[2], ny, nx});
    const auto lines = hybrid_lines(ex, planes, coils);
    const auto out = make_tensor<C>(ex, shape_of(lines));
    fft::ifft(ex, lines, out, {1});
    launch::segments(ex, nx, line_scale<C>{out.data(), scale, ny, coils});
    const std::uint8_t* own = pattern.data() + (pattern.extent(0) == 1 ? 0 : frame) * ny;
    const auto mask = make_tensor<std::uint8_t>(host_space{}, shape{ny});
    const auto masks = make_tensor<T>(host_space{}, shape{options.batch, ny});
    std::copy_n(own, ny, mask.data());
    for (index_t i = 0; i < options.batch * ny; ++i) masks.data()[i] = T(mask(i % ny));
    const auto sampled = to_space(ex, mask);
    const auto each = to_space(ex, masks);
    for (index_t x = 0; x < nx; x += options.batch) {
      const index_t n = std::min(options.batch, nx - x);
      const auto some = borrow(ex, out.data() + x * line, shape{n, ny, coils});
      launch::rows(ex, n * ny, coils,
                   line_scaled<C>{lines.data() + x * line, scale + x, some.data(), ny, coils, true,
                                  nullptr, nullptr});
      net.forward(ex, some, borrow(ex, static_cast<const T*>(each.data()), shape{n, ny}), some);
    }
    launch::rows(ex, nx * ny, coils,
                 line_scaled<C>{out.data(), scale, out.data(), ny, coils, false,
                                options.keep_samples ? lines.data() : nullptr, sampled.data()});
    Kokkos::deep_copy(ex, planes, planes_of_hybrid(ex, out, k[2]));
    ex.fence();
  }
}

}  // namespace detail

/// Reconstructs k-space (frame, slice, coil, y, x), zero where the mask (frame or 1, y, x) is,
/// which has to consist of whole lines. Coils are compressed slice by slice. Slices whose centre is
/// not sampled densely enough for a calibration kernel go without its steps. Throws shape_error and
/// value_error for what does not fit.
template <class T, ExecutionSpace Ex>
pisf_result<T, Ex> reconstruct_lines(const Ex& ex, const pisf<T, Ex>& net,
                                     const tensor<complex<T>, 5, Ex>& kspace,
                                     const host_tensor<std::uint8_t, 3>& mask,
                                     const pisf_image_options& options = {}) {
  using C = complex<T>;
  shape<5> k = shape_of(kspace);
  const shape<3> m = shape_of(mask);
  require<shape_error>(k.size() > 0, "pisf: k-space: expected samples, found shape ", k);
  require<shape_error>((m[0] == 1 || m[0] == k[0]) && m[1] == k[3] && m[2] == k[4],
                       "pisf: mask: expected (frame or 1, y, x) = ", shape{k[0], k[3], k[4]},
                       ", found ", m);
  require(options.batch >= 1 && options.enhance >= 0,
          "pisf: expected at least 1 line of a batch and 0 steps, found ", options.batch, " and ",
          options.enhance);
  const auto pattern = mri::line_pattern(mask);
  require(pattern.has_value(),
          "pisf: mask: expected whole phase-encode lines, found single samples");
  const index_t plane = k[3] * k[4], given = k[2] * plane;
  k[2] = std::min(k[2], net.sizes().coils);
  const index_t kept = k[2] * plane;
  net.set_training(false);
  const auto masks = to_space(ex, mask);
  pisf_result<T, Ex> result{make_tensor<C>(ex, k, "cardiomm::kspace"),
                            make_tensor<T>(ex, shape{k[1], k[0], k[4]})};
  for (index_t s = 0; s < k[1]; ++s) {
    auto one = make_tensor<C>(ex, shape{k[0], index_t(1), given / plane, k[3], k[4]});
    for (index_t f = 0; f < k[0]; ++f)
      Kokkos::deep_copy(ex, borrow(ex, one.data() + f * given, shape{given}),
                        borrow(ex, kspace.data() + (f * k[1] + s) * given, shape{given}));
    if (given > kept) one = mri::compress(ex, mri::find_compression(ex, one, k[2]).matrix, one);
    host_tensor<complex<double>, 4> kernel;
    if (options.enhance > 0 && k[2] > 1) {  // one coil says little of its neighbours
      try {
        kernel = mri::calibration_kernel(ex, one, 0);
      } catch (const value_error&) {
      }
    }
    detail::reconstruct_slice(ex, net, one, *pattern, result.scale.data() + s * k[0] * k[4],
                              options);
    for (index_t f = 0; f < k[0]; ++f) {
      if (kernel.size() > 0)
        mri::enhance(ex, kernel,
                     borrow(ex, masks.data() + (m[0] == 1 ? 0 : f) * plane, shape{k[3], k[4]}),
                     borrow(ex, one.data() + f * kept, shape{k[2], k[3], k[4]}),
                     {options.enhance, options.enhance_step});
      Kokkos::deep_copy(ex, borrow(ex, result.kspace.data() + (f * k[1] + s) * kept, shape{kept}),
                        borrow(ex, one.data() + f * kept, shape{kept}));
    }
  }
  ex.fence();
  return result;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::models

#endif
