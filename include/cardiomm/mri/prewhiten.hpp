// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_PREWHITEN_HPP
#define CARDIOMM_MRI_PREWHITEN_HPP
/// \file
/// Noise prewhitening: from a scan without signal, the coil matrix that makes the noise white with
/// unit variance (Roemer et al. 1990; Pruessmann et al. 2001, appendix B).

#include "cardiomm/la/channels.hpp"
#include "cardiomm/la/cholesky.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

namespace detail {

/// Any tensor as (outer, coil, inner).
template <TensorView V>
auto by_coil(const V& v, int coil_axis) {
  require<shape_error>(coil_axis >= 0 && coil_axis < rank_of<V>, "coil axis: expected one of the ",
                       rank_of<V>, " axes, found ", coil_axis);
  index_t outer = 1, inner = 1;
  for (int d = 0; d < coil_axis; ++d) outer *= static_cast<index_t>(v.extent(d));
  for (int d = coil_axis + 1; d < rank_of<V>; ++d) inner *= static_cast<index_t>(v.extent(d));
  return reshape(v, shape{outer, static_cast<index_t>(v.extent(coil_axis)), inner});
}

template <class C>
struct scaled_copy_kernel {
  static constexpr const char* name = "cardiomm::mri::scaled_copy";
  const complex<double>* from;
  C* to;
  double factor;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i)
      to[i] = C(real_of<C>(from[i].real() * factor), real_of<C>(from[i].imag() * factor));
  }
};

}  // namespace detail

/// Covariance of the coils' noise, psi(i, j) = mean of n_i conj(n_j) over all samples; the noise is
/// taken to have zero mean.
///
/// \param noise      (..., coil, samples), or any layout with the coil axis named
/// \return           (coil, coil), in the square of the data's units
/// Throws value_error where there are fewer samples than coils, NaN or Inf.
template <ExecutionSpace Ex, TensorView N>
tensor<complex<double>, 2, Ex> noise_covariance(const Ex& ex, const N& noise,
                                                int coil_axis = rank_of<N> - 2) {
  static_assert(rank_of<N> >= 2, "noise_covariance: expected noise (..., coil, samples)");
  const auto n = detail::by_coil(noise, coil_axis);
  const auto coils = static_cast<index_t>(n.extent(1));
  require(coils > 0, "noise_covariance: expected at least one coil, found noise ", shape_of(noise));
  const index_t samples = static_cast<index_t>(n.size()) / coils;
  require(samples >= coils, "noise_covariance: expected at least as many samples as coils, found ",
          samples, " samples of ", coils, " coils");
  const auto psi = la::channel_gram(ex, n);
  launch::segments(
      ex, coils * coils,
      detail::scaled_copy_kernel<complex<double>>{psi.data(), psi.data(), 1.0 / double(samples)});
  const auto host = to_host(psi);
  for (index_t c = 0; c < coils; ++c) {
    const double power = host(c, c).real();
    require(power < __builtin_huge_val(), "noise_covariance: coil ", c,
            ": expected finite samples, found NaN or Inf");
    require(power > 0, "noise_covariance: coil ", c, ": expected noise, found zeros only");
  }
  return psi;
}

/// The whitening matrix W = L^-1 of psi = L L^H: the coils W y have uncorrelated noise of unit
/// variance, W psi W^H = 1.
///
/// \param psi  (coil, coil)  noise covariance
/// \return     (coil, coil)  lower triangular
/// Throws value_error where psi is not positive definite.
template <class T, ExecutionSpace Ex, TensorView P>
tensor<complex<T>, 2, Ex> whitening_matrix(const Ex& ex, const P& psi) {
  const shape<2> n = shape_of(psi);
  require<shape_error>(n[0] == n[1], "whitening_matrix: expected a square covariance, found ", n);
  const host_space host;
  const auto l = clone(host, to_host(psi));
  const auto inverse = zeros<complex<double>>(host, n);
  for (index_t c = 0; c < n[0]; ++c) inverse(c, c) = complex<double>(1);
  const auto l3 = reshape(l, shape{1, n[0], n[0]});
  const auto dependent = "whitening_matrix: expected the covariance of linearly independent coils";
  try {
    la::cholesky(host, l3);
  } catch (const value_error& reason) {
    throw value_error(dependent + (" (" + std::string(reason.what()) + ")"));
  }
  for (index_t c = 0; c < n[0]; ++c) {
    // What the coils before it leave of a coil's variance; 1e-6 is what sums in float can tell.
    double variance = 0;
    for (index_t d = 0; d <= c; ++d) variance += abs2(l(c, d));
    require(abs2(l(c, c)) > 1e-6 * variance, dependent, ", found coil ", c,
            " to be a combination of the ones before it");
  }
  la::lower_solve(host, l3, reshape(inverse, shape{1, n[0], n[0]}));
  host.fence();
  const auto w = make_tensor<complex<T>>(host, n);
  launch::segments(host, n.size(),
                   detail::scaled_copy_kernel<complex<T>>{inverse.data(), w.data(), 1});
  host.fence();
  return to_space(ex, w);
}

/// Applies a whitening matrix to k-space or any data with a coil axis, in place.
///
/// \param w       (coil, coil)                   from whitening_matrix
/// \param kspace  (frame, slice, coil, y, x)     or any layout with the coil axis named
template <ExecutionSpace Ex, TensorView W, TensorView K>
void prewhiten(const Ex& ex, const W& w, const K& kspace, int coil_axis = 2) {
  const auto k = detail::by_coil(kspace, coil_axis);
  require<shape_error>(w.extent(0) == k.extent(1) && w.extent(1) == k.extent(1),
                       "prewhiten: noise of ", w.extent(1), " coils: expected data of as many, ",
                       "found ", shape_of(kspace));
  la::channel_mix(ex, w, k, k);
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
