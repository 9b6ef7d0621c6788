// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_FILTER_HPP
#define CARDIOMM_MRI_FILTER_HPP
/// \file
/// K-space filters that keep the standard deviation of noise: every window is divided by the root
/// of its mean square, and steps that change the number of samples are scaled by the root of the
/// ratio (Xue et al., SNRAware, Radiology: AI 2025). Data in units of noise stay in them.

#include <cmath>
#include <vector>

#include "cardiomm/core/blas1.hpp"
#include "cardiomm/linop/crop.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// Divides a window by the root of its mean square. Throws value_error if it is zero everywhere.
inline std::vector<double> keep_noise(std::vector<double> window) {
  double sum = 0;
  for (const double w : window) sum += w * w;
  require(sum > 0 && sum < __builtin_huge_val(),
          "filter: expected a finite window that is not zero everywhere");
  const double scale = std::sqrt(double(window.size()) / sum);
  for (double& w : window) w *= scale;
  return window;
}

/// Symmetric Gaussian exp(-sigma^2 t^2 / 2), t = -1 .. 1 over the samples, with unit mean square.
/// An even number of samples has none opposite to the first one, which becomes 0.
inline std::vector<double> gaussian_filter(index_t samples, double sigma) {
  require(samples >= 3, "gaussian_filter: expected at least 3 samples, found ", samples);
  require(sigma >= 0 && sigma < 1e3, "gaussian_filter: sigma: expected a number of at least 0, ",
          "found ", sigma);
  std::vector<double> w(static_cast<std::size_t>(samples), 0.0);
  const index_t odd = samples % 2 == 0 ? samples - 1 : samples;
  for (index_t i = 0; i < odd; ++i) {
    const double t = -1 + 2.0 * double(i) / double(odd - 1);
    w[static_cast<std::size_t>(samples - odd + i)] = std::exp(-sigma * sigma * t * t / 2);
  }
  return keep_noise(std::move(w));
}

/// Window of partial k-space: 1 on the kept samples first .. last (both included), falling to 0
/// over `edge` samples, 1/2 (1 - cos(2 pi k / (2 edge + 1))), at the cut sides; where nothing is
/// cut at both. Unit mean square.
inline std::vector<double> partial_fourier_filter(index_t samples, index_t first, index_t last,
                                                  index_t edge = 10) {
  require(samples >= 1 && first >= 0 && first <= last && last < samples,
          "partial_fourier_filter: expected kept samples within 0 .. ", samples - 1, ", found ",
          first, " .. ", last);
  const bool both = first == 0 && last == samples - 1;
  const bool low = first > 0 || both, high = last < samples - 1 || both;
  require(edge >= 0 && edge * (int(low) + int(high)) <= last - first + 1,
          "partial_fourier_filter: edge: expected 0 to ",
          (last - first + 1) / (int(low) + int(high)), " samples, found ", edge);
  std::vector<double> w(static_cast<std::size_t>(samples), 0.0);
  for (index_t i = first; i <= last; ++i) w[static_cast<std::size_t>(i)] = 1;
  constexpr double pi = 3.14159265358979323846;
  for (index_t k = 1; k <= edge; ++k) {
    const double value = 0.5 * (1 - std::cos(2 * pi * double(k) / double(2 * edge + 1)));
    if (low) w[static_cast<std::size_t>(first + k - 1)] = value;
    if (high) w[static_cast<std::size_t>(last - k + 1)] = value;
  }
  return keep_noise(std::move(w));
}

namespace detail {

/// x(a, i, b) *= w(i) for (outer, axis, inner); rows are (a, i).
template <class C>
struct window_kernel {
  static constexpr const char* name = "cardiomm::mri::window";
  C* x;
  const real_of<C>* w;
  index_t length, inner;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const real_of<C> factor = w[row % length];
    for (index_t i = first; i < last; ++i) x[row * inner + i] *= factor;
  }
};

}  // namespace detail

/// Multiplies data by a window along one axis, in place.
///
/// \param data  any rank; k-space (frame, slice, coil, y, x): axis 4 is the readout, 3 the phase
///              encode, 0 (after a transform along it) time
/// Throws shape_error if the window does not fit the axis.
template <ExecutionSpace Ex, TensorView K>
void apply_filter(const Ex& ex, const std::vector<double>& window, const K& data, int axis) {
  using C = element_of<K>;
  using T = real_of<C>;
  constexpr int rank = rank_of<K>;
  require<shape_error>(axis >= 0 && axis < rank, "filter: axis: expected one of the ", rank,
                       " axes, found ", axis);
  const auto length = static_cast<index_t>(data.extent(axis));
  require<shape_error>(static_cast<index_t>(window.size()) == length, "filter: window of ",
                       window.size(), " samples: expected data ", "of as many along axis ", axis,
                       ", found ", shape_of(data));
  index_t inner = 1;
  for (int d = axis + 1; d < rank; ++d) inner *= static_cast<index_t>(data.extent(d));
  const auto host = make_tensor<T>(host_space(), shape{length});
  for (index_t i = 0; i < length; ++i) host(i) = T(window[static_cast<std::size_t>(i)]);
  const auto w = to_space(ex, host);
  const index_t rows = inner > 0 ? static_cast<index_t>(data.size()) / inner : 0;
  launch::rows(ex, rows, inner, detail::window_kernel<C>{data.data(), w.data(), length, inner});
  ex.fence();  // the window is given back here
}

/// Keeps the centre ny x nx of k-space and multiplies by the root of the ratio of samples, which
/// keeps the noise of the (smaller) image where the filter had set the others to zero: the
/// resolution is reduced, the matrix stays.
///
/// \param kspace  (frame, slice, coil, y, x), in place
template <ExecutionSpace Ex, TensorView K>
void reduce_resolution(const Ex& ex, const K& kspace, index_t ny, index_t nx) {
  static_assert(rank_of<K> == 5, "reduce_resolution: expected (frame, slice, coil, y, x)");
  const shape<5> k = shape_of(kspace);
  require<shape_error>(ny >= 1 && ny <= k[3] && nx >= 1 && nx <= k[4],
                       "reduce_resolution: expected 1 to ", k[3], " x ", k[4], " samples, found ",
                       ny, " x ", nx);
  const auto box = [](index_t n, index_t kept) {
    std::vector<double> w(static_cast<std::size_t>(n), 0.0);
    for (index_t i = 0; i < kept; ++i) w[static_cast<std::size_t>(n / 2 - kept / 2 + i)] = 1;
    return keep_noise(std::move(w));
  };
  apply_filter(ex, box(k[3], ny), kspace, 3);
  apply_filter(ex, box(k[4], nx), kspace, 4);
}

/// K-space surrounded by zeros to ny x nx: a finer image. Multiplied by the root of the ratio of
/// samples, so that the noise of the image keeps its standard deviation.
///
/// \return (frame, slice, coil, ny, nx)
template <ExecutionSpace Ex, TensorView K>
auto interpolate(const Ex& ex, const K& kspace, index_t ny, index_t nx)
    -> tensor<element_of<K>, 5, Ex> {
  static_assert(rank_of<K> == 5, "interpolate: expected (frame, slice, coil, y, x)");
  using C = element_of<K>;
  using T = real_of<C>;
  const shape<5> k = shape_of(kspace);
  require<shape_error>(ny >= k[3] && nx >= k[4], "interpolate: expected at least ", k[3], " x ",
                       k[4], " samples, found ", ny, " x ", nx);
  auto out = make_tensor<C>(ex, shape{k[0], k[1], k[2], ny, nx}, "cardiomm::interpolate");
  if (k.size() == 0) return out;
  const linop::crop<T, 5, Ex> cut({{open, open, open, ny, nx}}, {{open, open, open, k[3], k[4]}});
  linop::apply_adjoint(ex, cut, kspace, out);
  blas1::scale(ex, C(T(std::sqrt(double(ny * nx) / double(k[3] * k[4])))), out);
  ex.fence();
  return out;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
