// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_SOLVE_GAUSS_NEWTON_HPP
#define CARDIOMM_SOLVE_GAUSS_NEWTON_HPP
/// \file
/// Iteratively regularised Gauss-Newton (Bakushinskii 1992) for a non-linear F:
///
///     h = argmin |DF(x) h - (y - F(x))|^2 + alpha |x + h - x0|^2     by conjugate gradients
///     x += h,  alpha = max(alpha / reduction, least)
///
/// Cost of a step beside CG (see cg.hpp; one DF^H DF an iteration): one F, one DF^H, 6 reads and 4
/// writes of the size of x, 2 reads and 1 write of the size of y. Memory: two vectors like x, one
/// like y, and CG's. It waits for a few numbers in every step.
///
/// residual: |y - F(x)| / |y|. change: |h| / |x|.

#include "cardiomm/prox/conjugate.hpp"
#include "cardiomm/solve/cg.hpp"
#include "cardiomm/solve/term.hpp"

namespace cardiomm::inline CARDIOMM_ABI::solve {

/// A non-linear map with a derivative: `linearise(ex, x)` moves the point, `evaluate(ex, y)` gives
/// F there and `derivative()` its derivative as an operator that refers to the model.
template <class M>
concept NonlinearModel = ExecutionSpace<typename M::execution_space> &&
    requires(M& m, const typename M::execution_space& ex,
             view<const typename M::value_type, M::domain_rank, typename M::execution_space> x,
             view<typename M::value_type, M::range_rank, typename M::execution_space> y) {
  m.linearise(ex, x);
  m.evaluate(ex, y);
  { m.derivative() } -> linop::OperatorLike;
};

struct gauss_newton_options {
  int iterations = 8;
  double tolerance = 0;  ///< stop when |y - F(x)| <= tolerance |y|; 0 never
  double alpha = 1;      ///< first weight of |x - x0|^2
  double least = 0;      ///< smallest weight
  double reduction = 2;  ///< of the weight, from step to step
  int inner = 100;       ///< iterations of CG at most
  /// CG ends at a relative residual of inner_tolerance |right side| / |y|, at most 0.5: loosely at
  /// first, ever more exactly as the steps get smaller.
  double inner_tolerance = 1;
  int check_every = 1;
  criterion stop{};
  solve::monitor monitor{};
};

/// Solves F(x) = y from the contents of x; x0 is what the regularisation draws to (it may be a copy
/// of the start). Throws shape_error or value_error for arguments that do not fit.
template <class Model, TensorView Y, TensorView X0, TensorView X>
requires NonlinearModel<Model> report gauss_newton(const typename Model::execution_space& ex,
                                                   Model& model, const Y& y, const X0& x0,
                                                   const X& x, const gauss_newton_options& o = {}) {
  using Ex = typename Model::execution_space;
  using C = typename Model::value_type;
  detail::watch observer("gauss_newton", o,
                         o.tolerance > 0 ? relative_residual(o.tolerance) : criterion());
  require(o.alpha > 0, "gauss_newton: alpha: expected a positive number, found ", o.alpha);
  require(o.reduction >= 1, "gauss_newton: reduction: expected at least 1, found ", o.reduction);
  require(o.least >= 0, "gauss_newton: least: expected at least 0, found ", o.least);
  require<shape_error>(shape_of(x0) == shape_of(x), "gauss_newton: expected x0 of shape ",
                       shape_of(x), ", found ", shape_of(x0));
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  const auto r = scratch.template tensor<C>(shape_of(y));
  const auto b = scratch.template tensor<C>(shape_of(x)),
             h = scratch.template tensor<C>(shape_of(x));
  const double size = detail::squares(ex, y);
  report end;
  const auto misfit = [&] {
    model.linearise(ex, x);
    model.evaluate(ex, r);
    prox::detail::combine(ex, -1, r, 1, y, r);
    const double found = detail::relative(detail::squares(ex, r), size);
    end.residual.assign(1, found);
    return found;
  };
  progress state;
  state.residual = misfit();
  cg_options inner;
  inner.iterations = o.inner;
  inner.check_every = 1;
  inner.zero_start = true;
  inner.quiet = true;
  double alpha = std::max(o.alpha, o.least);
  while (end.iterations < observer.limit()) {
    const auto derivative = model.derivative();
    linop::apply_adjoint(ex, derivative, r, b);
    prox::detail::combine(ex, 1, b, alpha, x0, b);
    prox::detail::combine(ex, 1, b, -alpha, x, b);
    Kokkos::deep_copy(ex, h, C(0));
    inner.tolerance =
        std::min(0.5, o.inner_tolerance * detail::relative(detail::squares(ex, b), size));
    const auto solved =
        cg_in_place(ex, linop::gram(derivative) + alpha * linop::identity, b, h, inner);
    end.breakdown = end.breakdown || solved.breakdown;
    prox::detail::combine(ex, 1, x, 1, h, x);
    alpha = std::max(alpha / o.reduction, o.least);
    ++end.iterations;
    state.iteration = end.iterations;
    state.residual = misfit();
    if (observer.due(end.iterations)) {
      if (observer.needs(criterion::needs_change))
        state.change = detail::relative(detail::squares(ex, h), detail::squares(ex, x));
      state.objective = 0.5 * state.residual * state.residual * size;
      if (observer.stops(end, state)) break;
    }
  }
  return end;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::solve

#endif
