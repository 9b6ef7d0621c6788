// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_L1_WAVELET_HPP
#define CARDIOMM_MRI_L1_WAVELET_HPP
/// \file
/// Compressed sensing with wavelets (Lustig et al. 2007), frame by frame.

#include "cardiomm/mri/detail/regularised.hpp"
#include "cardiomm/prox/wavelet.hpp"
#include "cardiomm/solve/fista.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// How `l1_wavelet` solves.
struct l1_wavelet_options {
  double lambda = 0.005;  ///< weight of |W x|_1, in units of k-space; maps of unit norm
  int iterations = 30;
  double tolerance = 0;          ///< relative change of the image at which all frames stop; 0 never
  std::string wavelet = "dau2";  ///< haar, dau2 ... dau8
  int levels = 3;                ///< 0: as many as extents of 16 allow, as BART
  bool random_shift = false;     ///< of the wavelet's grid in every iteration, as BART's default
  /// periodic: orthogonal; symmetric: BART's coefficients at the edges
  linop::wavelet_boundary boundary = linop::wavelet_boundary::periodic;
  /// A gradient step of the data term after the last threshold, as BART 0.8; no longer the minimum.
  bool data_step = false;
  int check_every = 4;
  solve::monitor monitor{};
};

/// Minimises 1/2 |A x - y|^2 + lambda |W x|_1 by FISTA from zero; A = sampling * fourier * maps, W
/// the wavelet transform of every frame. Arguments and result as `sense`.
template <ExecutionSpace Ex, TensorView K, TensorView M>
auto l1_wavelet(const Ex& ex, const K& kspace, const host_tensor<std::uint8_t, 3>& mask,
                const M& maps, const l1_wavelet_options& options = {}) {
  using T = real_of<element_of<K>>;
  const profile_region region("cardiomm::mri::l1_wavelet");
  const index_t ny = static_cast<index_t>(kspace.extent(3)),
                nx = static_cast<index_t>(kspace.extent(4));
  const auto& o = options;
  const prox::wavelet_l1<T, 5, Ex> sparse(o.lambda, ny, nx,
                                          {o.wavelet, o.levels, o.boundary, o.random_shift});
  return detail::regularised(ex, "l1_wavelet", kspace, mask, maps, o.lambda,
                             [&](const auto& normal, const auto& b, const auto& x, double step) {
                               const auto report =
                                   solve::fista(ex, normal, sparse, b, x,
                                                {.iterations = o.iterations,
                                                 .tolerance = o.tolerance,
                                                 .step = step,
                                                 .batch_axes = detail::frames_apart(shape_of(x)[0]),
                                                 .check_every = o.check_every,
                                                 .monitor = o.monitor});
                               if (o.data_step) detail::data_step(ex, normal, b, x, step);
                               return report;
                             });
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
