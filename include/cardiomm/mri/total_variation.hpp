// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_TOTAL_VARIATION_HPP
#define CARDIOMM_MRI_TOTAL_VARIATION_HPP
/// \file
/// Reconstruction with total variation in time (k-t sparse SENSE, Feng et al. 2013) or space
/// (Rudin, Osher and Fatemi 1992; Block et al. 2007).

#include "cardiomm/linop/difference.hpp"
#include "cardiomm/mri/algorithm.hpp"
#include "cardiomm/mri/detail/regularised.hpp"
#include "cardiomm/prox/total_variation.hpp"
#include "cardiomm/solve/admm.hpp"
#include "cardiomm/solve/fista.hpp"
#include "cardiomm/solve/pdhg.hpp"

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
  algorithm solver = algorithm::fista;
  double rho = 0.5;       ///< admm: to start with, then balanced
  int cg_iterations = 5;  ///< admm: of the linear systems
  int check_every = 4;
  solve::monitor monitor{};
};

namespace detail {

/// The minimum from x on; `tv` is the prox of a term, D the operator and P the function of the same
/// term in parts, P(D x), for the splitting solvers.
template <class N, TensorView B, TensorView X, class V, class Term>
solve::report solve_variation(const typename N::execution_space& ex, const N& normal, const B& b,
                              const X& x, double step, const total_variation_options& o,
                              const V& tv, const Term& parts, double norm) {
  if (o.solver == algorithm::admm)
    return solve::admm(ex, normal, b, x,
                       {.iterations = o.iterations,
                        .tolerance = o.tolerance,
                        .rho = o.rho,
                        .inner = o.cg_iterations,
                        .check_every = o.check_every,
                        .monitor = o.monitor},
                       parts);
  if (o.solver == algorithm::pdhg)
    return solve::pdhg(ex, normal, b, x,
                       {.iterations = o.iterations,
                        .tolerance = o.tolerance,
                        .smoothness = 1 / step,
                        .norm = norm,
                        .check_every = o.check_every,
                        .monitor = o.monitor},
                       parts);
  return solve::fista(ex, normal, tv, b, x,
                      {.iterations = o.iterations,
                       .tolerance = o.tolerance,
                       .step = step,
                       .check_every = o.check_every,
                       .monitor = o.monitor});
}

}  // namespace detail

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
      [&](const auto& normal, const auto& b, const auto& x, double step) {
        if (o.along == variation::space) {
          const prox::total_variation_in_space<T, Ex, 5> tv(o.lambda, shape_of(x), inner);
          return detail::solve_variation(ex, normal, b, x, step, o, tv, solve::term(tv), 1);
        }
        const prox::total_variation_in_time<T, Ex, 5> tv(o.lambda, shape_of(x), inner);
        const linop::difference<T, Ex, 5> d(linop::axis::frame,
                                            o.periodic ? linop::ends::periodic : linop::ends::free);
        return detail::solve_variation(ex, normal, b, x, step, o, tv,
                                       solve::term(prox::l1<T, 5, Ex>(o.lambda), d), 4);
      });
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
