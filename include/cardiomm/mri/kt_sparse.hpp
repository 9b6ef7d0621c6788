// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_KT_SPARSE_HPP
#define CARDIOMM_MRI_KT_SPARSE_HPP
/// \file
/// Sparsity in x-f space: k-t SPARSE-SENSE (Otazo et al. 2010), k-t FOCUSS (Jung et al. 2009).

#include "cardiomm/mri/detail/regularised.hpp"
#include "cardiomm/prox/frequency.hpp"
#include "cardiomm/solve/fista.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// How `kt_sparse` solves.
struct kt_sparse_options {
  double lambda = 0.01;  ///< weight of |F_t x|_1, in units of k-space; maps of unit norm
  int iterations = 30;
  double tolerance = 0;    ///< relative change of the image at which the solver stops; 0 never
  bool keep_mean = false;  ///< the mean over the frames is not thresholded
  int check_every = 4;
  solve::monitor monitor{};
};

/// Minimises 1/2 |A x - y|^2 + lambda |F_t x|_1 by FISTA from zero; A = sampling * fourier * maps,
/// F_t the orthonormal transform along the frames. Arguments and result as `sense`.
template <ExecutionSpace Ex, TensorView K, TensorView M>
auto kt_sparse(const Ex& ex, const K& kspace, const host_tensor<std::uint8_t, 3>& mask,
               const M& maps, const kt_sparse_options& options = {}) {
  using T = real_of<element_of<K>>;
  const profile_region region("cardiomm::mri::kt_sparse");
  const auto& o = options;
  return detail::regularised(ex, "kt_sparse", kspace, mask, maps, o.lambda,
                             [&](const auto& normal, const auto& b, const auto& x, double step) {
                               const prox::frequency_l1<T, Ex, 5> sparse(o.lambda, shape_of(x)[1],
                                                                         o.keep_mean);
                               return solve::fista(ex, normal, sparse, b, x,
                                                   {.iterations = o.iterations,
                                                    .tolerance = o.tolerance,
                                                    .step = step,
                                                    .check_every = o.check_every,
                                                    .monitor = o.monitor});
                             });
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
