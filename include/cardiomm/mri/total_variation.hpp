// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_TOTAL_VARIATION_HPP
#define CARDIOMM_MRI_TOTAL_VARIATION_HPP
/// \file
/// Reconstruction with total variation in time (k-t sparse SENSE, Feng et al. 2013) or space
/// (Rudin, Osher and Fatemi 1992; Block et al. 2007).

#include "cardiomm/mri/detail/regularised.hpp"
#include "cardiomm/prox/total_variation.hpp"
#include "cardiomm/solve/fista.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// Along which axes neighbours are compared.
enum class variation { time, space };

/// How `total_variation` solves.
struct total_variation_options {
  double lambda = 0.01;  ///< weight of the variation, in units of k-space; maps of unit norm
  int iterations = 30;
  double tolerance = 0;  ///< relative change of the image at which the solver stops; 0 never
  variation along = variation::time;
  bool periodic = true;       ///< the first frame follows the last, as in BART and SigPy
  bool isotropic = true;      ///< space: as BART; else as SigPy
  int inner_iterations = 20;  ///< of the dual, which goes on where the last iteration left it
  int check_every = 4;
  solve::monitor monitor{};
};

/// Minimises 1/2 |A x - y|^2 + lambda TV(x) by FISTA from zero, A = sampling * fourier * maps; TV
/// as in prox/total_variation.hpp. Arguments and result as `sense`.
template <ExecutionSpace Ex, TensorView K, TensorView M>
auto total_variation(const Ex& ex, const K& kspace, const host_tensor<std::uint8_t, 3>& mask,
                     const M& maps, const total_variation_options& options = {}) {
  using T = real_of<element_of<K>>;
  const profile_region region("cardiomm::mri::total_variation");
  const auto& o = options;
  const prox::total_variation_options inner{.periodic = o.periodic,
                                            .isotropic = o.isotropic,
                                            .iterations = o.inner_iterations,
                                            .tolerance = 0,
                                            .warm = true};
  return detail::regularised(
      ex, "total_variation", kspace, mask, maps, o.lambda,
      [&](const auto& a, const auto& b, const auto& x, double step) {
        const auto solve_with = [&](const auto& tv) {
          return solve::fista(ex, linop::gram(a), tv, b, x,
                              {.iterations = o.iterations,
                               .tolerance = o.tolerance,
                               .step = step,
                               .check_every = o.check_every,
                               .monitor = o.monitor});
        };
        if (o.along == variation::time)
          return solve_with(prox::total_variation_in_time<T, Ex, 5>(o.lambda, shape_of(x), inner));
        return solve_with(prox::total_variation_in_space<T, Ex, 5>(o.lambda, shape_of(x), inner));
      });
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
