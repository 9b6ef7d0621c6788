// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_SOLVE_ADMM_HPP
#define CARDIOMM_SOLVE_ADMM_HPP
/// \file
/// Alternating directions (Boyd et al. 2011): minimises  1/2 <x, N x> - Re <b, x> + sum_i P_i(K_i
/// x) by
///
///     (N + rho sum K_i^H K_i) x = b + rho sum K_i^H (z_i - u_i)     some steps of CG, warm
///     z_i' = prox_{P_i}(h_i + u_i, 1 / rho),   h_i = alpha K_i x + (1 - alpha) z_i
///     u_i' = u_i + h_i - z_i'
///
/// Cost of an iteration beside `inner` CG iterations (see cg.hpp; one N, K_i and K_i^H each) and
/// one prox, one K and one K^H for each term, in vectors: 2 reads and 2 writes of the size of x, 3
/// reads and 3 writes of the size of each dual, over-relaxation 2 reads and 1 write more. Memory: x
/// once, three vectors for each dual, and CG's. Nothing is allocated, copied or waited for inside
/// the loop, except at looks and where rho is balanced.
///
/// Residual balancing (He, Yang and Wang 2000) with relative residuals (Wohlberg 2017):
/// primal |K x - z| / max(|K x|, |z|), dual |z - previous z| / |u|; where one is five times the
/// other, rho is multiplied by the root of their ratio, in the first half of the iterations only.
///
/// residual: the larger of the two.

#include <algorithm>
#include <tuple>

#include "cardiomm/prox/conjugate.hpp"
#include "cardiomm/solve/cg.hpp"
#include "cardiomm/solve/term.hpp"

namespace cardiomm::inline CARDIOMM_ABI::solve {

struct admm_options {
  int iterations = 50;
  double tolerance = 0;   ///< stop when the residual is at most that; 0 never
  double rho = 0.5;       ///< in units of N, whose norm is about 1 for unit-norm maps
  double relaxation = 1;  ///< alpha, 1 to 1.8; BART takes 1.6
  bool balance = true;    ///< rho by residual balancing
  int inner = 10;         ///< iterations of CG, fewer where `inner_tolerance` is reached
  double inner_tolerance = 0;
  int batch_axes = 0;      ///< of the systems that CG solves; see cg_options
  bool objective = false;  ///< work it out for the monitor; one more N and K
  double offset = 0;       ///< constant of the objective: 1/2 |y|^2
  int check_every = 5;
  criterion stop{};
  solve::monitor monitor{};
};

namespace detail {

/// u -= w, w = 2 w - u before = z' - u', z = w before; returns |z' - z|^2.
template <class C>
struct admm_split {
  static constexpr const char* name = "cardiomm::solve::admm_split";
  C* u;
  C* z;
  C* w;
  KOKKOS_INLINE_FUNCTION double operator()(index_t, index_t first, index_t last) const {
    auto* us = blas1::detail::reals(u);
    auto* zs = blas1::detail::reals(z);
    auto* ws = blas1::detail::reals(w);
    return blas1::detail::strand_sum(2 * first, 2 * last, [=](index_t i) {
      const auto next = ws[i], left = us[i] - next;
      const double moved = double(next) - double(zs[i]);
      us[i] = left;
      zs[i] = next;
      ws[i] = next - left;
      return moved * moved;
    });
  }
};

/// N + rho sum K_i^H K_i; identities become one multiple of the identity, which fused normal
/// operators take along.
template <class N>
auto admm_operator(const N& n, double) {
  return n;
}
template <class N, class Term, class... Terms>
auto admm_operator(const N& n, double rho, const Term& t, const Terms&... terms) {
  const auto g = linop::gram(t.transform);
  if constexpr (linop::detail::is_identity<std::remove_const_t<decltype(g)>>::value)
    return admm_operator(n + rho * linop::identity, rho, terms...);
  else
    return admm_operator(n, rho, terms...) + rho * g;
}

template <class N, TensorView B, TensorView X, class... Terms>
report run_admm(const typename N::execution_space& ex, const N& normal, const B& b, const X& x,
                const admm_options& o, const Terms&... terms) {
  using Ex = typename N::execution_space;
  using C = linop::value_of<N>;
  using T = real_of<C>;
  constexpr int R = N::domain_rank;
  watch observer("admm", o, o.tolerance > 0 ? relative_residual(o.tolerance) : criterion());
  require(o.rho > 0, "admm: rho: expected a positive number, found ", o.rho);
  require(o.relaxation > 0 && o.relaxation < 2, "admm: relaxation: expected 0 to 2, found ",
          o.relaxation);
  require(o.inner > 0, "admm: inner: expected a positive number, found ", o.inner);
  const shape<R> s = shape_of(x);
  require<shape_error>(shape_of(b) == s, "admm: expected b of shape ", s, ", found ", shape_of(b));
  (void)normal.range_for(s);
  report end;
  if (s.size() == 0) return end;

  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  const auto right = scratch.template tensor<C>(s);
  const auto u = std::make_tuple(scratch.template tensor<C>(terms.dual(s))...);
  const auto z = std::make_tuple(scratch.template tensor<C>(terms.dual(s))...);
  const auto w = std::make_tuple(scratch.template tensor<C>(terms.dual(s))...);
  double* moved = scratch.template take<double>(sizeof...(Terms));
  const auto all = std::tie(terms...);
  /// f(index, term, u, z, w) for every term
  const auto each = [&](const auto& f) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (f(I, std::get<I>(all), std::get<I>(u), std::get<I>(z), std::get<I>(w)), ...);
    }
    (std::make_index_sequence<sizeof...(Terms)>{});
  };
  // z = K x, u = 0
  each([&](std::size_t, const auto& t, const auto& uk, const auto& zk, const auto& wk) {
    t.transform.apply(ex, x, zk, {});
    Kokkos::deep_copy(ex, wk, zk);
    Kokkos::deep_copy(ex, uk, C(0));
  });

  cg_options inner;
  inner.iterations = o.inner;
  inner.tolerance = o.inner_tolerance;
  inner.batch_axes = o.batch_axes;
  inner.check_every = o.inner_tolerance > 0 ? 2 : o.inner;
  inner.quiet = true;
  double rho = o.rho;
  auto system = admm_operator(normal, rho, terms...);
  const bool wants_change = observer.needs(criterion::needs_change);
  view<C, R, Ex> before;
  if (wants_change) before = scratch.template tensor<C>(s);

  while (end.iterations < observer.limit()) {
    const bool told = observer.due(end.iterations + 1);
    const bool balances = o.balance && (end.iterations == 1 || end.iterations % 5 == 4) &&
                          2 * end.iterations < observer.limit();
    linop::detail::copy_into(ex, b, right, linop::accumulation<C>{});
    each([&](std::size_t, const auto& t, const auto&, const auto&, const auto& wk) {
      t.transform.apply_adjoint(ex, wk, right, {C(T(rho)), true});
    });
    if (wants_change && told) linop::detail::copy_into(ex, x, before, linop::accumulation<C>{});
    inner.zero_start = false;
    cg_in_place(ex, system, right, x, inner);
    each([&](std::size_t k, const auto& t, const auto& uk, const auto& zk, const auto& wk) {
      t.transform.apply(ex, x, uk, {C(T(o.relaxation)), true});
      if (o.relaxation != 1) prox::detail::combine(ex, 1, uk, 1 - o.relaxation, zk, uk);
      t.function.prox(ex, uk, 1 / rho, wk);
      launch::sums(ex, 1, static_cast<index_t>(uk.size()),
                   admm_split<C>{uk.data(), zk.data(), wk.data()}, moved + k);
    });
    ++end.iterations;
    if (!told && !balances) continue;

    const auto steps = to_vector(ex, moved, index_t(sizeof...(Terms)));
    double gap = 0, size = 0, kx_size = 0, step = 0, dual = 0;
    each([&](std::size_t k, const auto& t, const auto& uk, const auto& zk, const auto&) {
      typename workspace<Ex>::frame more(workspace<Ex>::of(ex));
      const auto kx = more.template tensor<C>(shape_of(uk));
      t.transform.apply(ex, x, kx, {});
      const auto found = apart(ex, kx, zk);
      gap += found.real();
      kx_size += found.imag();
      size += squares(ex, zk);
      dual += squares(ex, uk);
      step += steps[k];
    });
    const double primal = relative(gap, std::max(size, kx_size)),
                 away = step > 0 && dual == 0 ? 1 : relative(step, dual);
    if (told) {
      progress state;
      state.iteration = end.iterations;
      state.residual = std::max(primal, away);
      end.residual.assign(1, state.residual);
      if (wants_change) {
        const auto found = apart(ex, x, before);
        state.change = relative(found.real(), found.imag());
      }
      if (o.objective || observer.needs(criterion::needs_objective)) {
        typename workspace<Ex>::frame more(workspace<Ex>::of(ex));
        const auto nx = more.template tensor<C>(s);
        linop::apply(ex, normal, x, nx);
        state.objective = quadratic(ex, x, nx, b) + o.offset;
        each([&](std::size_t, const auto& t, const auto& uk, const auto&, const auto&) {
          const auto kx = more.template tensor<C>(shape_of(uk));
          t.transform.apply(ex, x, kx, {});
          state.objective += t.function.value(ex, kx);
        });
      }
      if (observer.stops(end, state)) break;
    }
    if (balances && (primal > 5 * away || away > 5 * primal)) {
      const double factor = std::clamp(std::sqrt(primal / away), 0.1, 10.);
      rho *= factor;
      each([&](std::size_t, const auto&, const auto& uk, const auto& zk, const auto& wk) {
        prox::detail::stretch(ex, 1 / factor, uk, uk);
        prox::detail::combine(ex, 1, zk, -1, uk, wk);
      });
      std::destroy_at(&system);
      std::construct_at(&system, admm_operator(normal, rho, terms...));
    }
  }
  return end;
}
}  // namespace detail

/// Minimises 1/2 <x, N x> - Re <b, x> + sum P_i(K_i x) from the contents of x, with N = gram(A),
/// b = A^H y and terms made by `term(P, K)` or `term(P)`. b, x (domain of A), not overlapping.
/// Throws shape_error or value_error for arguments that do not fit.
template <class N, TensorView B, TensorView X, class... Terms>
requires linop::OperatorLike<N> &&(sizeof...(Terms) > 0) &&
    (detail::is_penalty<Terms> && ...) report
    admm(const typename N::execution_space& ex, const N& normal, const B& b, const X& x,
         const admm_options& options, const Terms&... terms) {
  if constexpr (detail::assert_square<N, B, X>() && detail::assert_terms<N, Terms...>())
    return detail::run_admm(ex, normal, b, x, options, terms...);
  else
    return {};
}

}  // namespace cardiomm::inline CARDIOMM_ABI::solve

#endif
