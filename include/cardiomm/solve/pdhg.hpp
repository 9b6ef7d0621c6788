// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_SOLVE_PDHG_HPP
#define CARDIOMM_SOLVE_PDHG_HPP
/// \file
/// Primal-dual hybrid gradients: minimises  1/2 <x, N x> - Re <b, x> + F(x) + sum_i P_i(K_i x) with
/// a smooth data term by its gradient (Condat 2013, Vu 2013), or F(x) + sum_i P_i(K_i x) alone
/// (Chambolle and Pock 2011):
///
///     x' = prox_F(x - tau (N x - b + sum K_i^H u_i), tau)
///     u_i' = prox_{P_i*}(u_i + sigma K_i (2 x' - x), sigma)
///
/// Cost of an iteration beside one N, one prox of F and for each term one K, one K^H and one prox,
/// in vectors of the size of x: 3 reads and 3 writes. Terms whose prox has no closed form of its
/// conjugate add 2 reads and 2 writes of their dual. Memory: two vectors, one dual for each term,
/// one more of the largest dual. Nothing is allocated or waited for inside the loop, except at
/// looks and where the steps are adapted (after 4, 8, 12, 18, 27 ... iterations: four K more).
///
/// Steps: tau and sigma satisfy 1/tau - sigma |K|^2 = L/2 with L = |N|, so that only their ratio is
/// free. It is adapted so that primal and dual residuals, each relative to the size of K^H u and
/// K x, fall together (after Goldstein, Li and Yuan 2015, with shrinking changes).
///
/// residual: the larger of |x - previous x| / |x| and |u - previous u| / |u|.

#include <algorithm>
#include <tuple>

#include "cardiomm/prox/conjugate.hpp"
#include "cardiomm/solve/term.hpp"

namespace cardiomm::inline CARDIOMM_ABI::solve {

struct pdhg_options {
  int iterations = 100;
  double tolerance = 0;    ///< stop when the residual is at most that; 0 never
  double smoothness = 0;   ///< |N| or more; 0: by power iteration
  double norm = 0;         ///< |K|^2 = |sum K_i^H K_i| or more; 0: by power iteration
  double ratio = 1;        ///< sigma / tau to start with, in units of |N|^2 / |K|^2
  bool adapt = true;       ///< the ratio
  bool objective = false;  ///< work it out for the monitor; one more N and K
  double offset = 0;       ///< constant of the objective: 1/2 |y|^2
  int check_every = 10;
  criterion stop{};
  solve::monitor monitor{};
};

/// F = 0.
template <class T, int R, ExecutionSpace Ex = default_space>
struct no_penalty : prox::proximal_operator<no_penalty<T, R, Ex>, T, R, Ex> {
  static constexpr const char* name = "no_penalty";
  double value(const Ex&, prox::in_of<no_penalty>) const { return 0; }
  void prox(const Ex& ex, prox::in_of<no_penalty> x, double, prox::out_of<no_penalty> out) const {
    linop::detail::copy_into(ex, x, out, linop::accumulation<complex<T>>{});
  }
};

namespace detail {

/// extra = 2 z - x, x = z, z = x + tau b; b may be null
template <class C>
struct pdhg_move {
  static constexpr const char* name = "cardiomm::solve::pdhg_move";
  C* x;
  C* z;
  C* extra;
  const C* b;
  real_of<C> tau;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    using T = real_of<C>;
    T* xs = blas1::detail::reals(x);
    T* zs = blas1::detail::reals(z);
    T* es = blas1::detail::reals(extra);
    if (b == nullptr) {
      for (index_t i = 2 * first; i < 2 * last; ++i) {
        const T next = zs[i];
        es[i] = 2 * next - xs[i];
        xs[i] = next;
      }
      return;
    }
    const T* bs = blas1::detail::reals(b);
    for (index_t i = 2 * first; i < 2 * last; ++i) {
      const T next = zs[i];
      es[i] = 2 * next - xs[i];
      xs[i] = next;
      zs[i] = next + tau * bs[i];
    }
  }
};
/// z = x + tau b
template <class C>
struct pdhg_begin {
  static constexpr const char* name = "cardiomm::solve::pdhg_begin";
  const C* x;
  C* z;
  const C* b;
  real_of<C> tau;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    const auto* xs = blas1::detail::reals(x);
    auto* zs = blas1::detail::reals(z);
    if (b == nullptr)
      for (index_t i = 2 * first; i < 2 * last; ++i) zs[i] = xs[i];
    else
      for (index_t i = 2 * first; i < 2 * last; ++i)
        zs[i] = xs[i] + tau * blas1::detail::reals(b)[i];
  }
};

/// Largest eigenvalue of sum K_i^H K_i, from below.
template <class C, ExecutionSpace Ex, int R, class... Terms>
double terms_norm(const Ex& ex, const shape<R>& s, const Terms&... terms) {
  if constexpr (sizeof...(Terms) == 0) return 0;
  auto x = make_tensor<C>(ex, s, "cardiomm::pdhg"), y = make_tensor<C>(ex, s, "cardiomm::pdhg");
  random::fill_normal(ex, x, 1);
  double size = blas1::norm(ex, x), estimate = 0;
  for (int i = 0; i < 30 && size > 0; ++i) {
    blas1::scale(ex, C(real_of<C>(1 / size)), x);
    bool add = false;
    [[maybe_unused]] const auto one = [&](const auto& t) {
      linop::apply(ex, linop::gram(t.transform), x, y, {C(1), add});
      add = true;
    };
    (one(terms), ...);
    size = blas1::norm(ex, y);
    std::swap(x, y);
    const double before = estimate;
    estimate = size;
    if (std::abs(estimate - before) <= 1e-3 * estimate) break;
  }
  return estimate;
}

/// N may be void: no smooth term.
template <class N, class Ex, class F, TensorView B, TensorView X, class... Terms>
report run_pdhg(const Ex& ex, const N* normal, const F& f, const B& b, const X& x,
                const pdhg_options& o, const Terms&... terms) {
  using C = element_of<X>;
  using T = real_of<C>;
  constexpr int R = rank_of<X>;
  watch observer("pdhg", o, o.tolerance > 0 ? relative_residual(o.tolerance) : criterion());
  const shape<R> s = shape_of(x);
  require(o.smoothness >= 0, "pdhg: smoothness: expected at least 0, found ", o.smoothness);
  require(o.norm >= 0, "pdhg: norm: expected at least 0, found ", o.norm);
  require(o.ratio > 0, "pdhg: ratio: expected a positive number, found ", o.ratio);
  prox::check_shape(f, s);
  double smooth = 0;
  if constexpr (!std::is_void_v<N>) {
    require<shape_error>(shape_of(b) == s, "pdhg: expected b of shape ", s, ", found ",
                         shape_of(b));
    (void)normal->range_for(s);
    smooth = o.smoothness;
    if (smooth == 0 && s.size() > 0)
      smooth = 1.03 * linop::largest_eigenvalue(ex, *normal, s, {20, 1, 1e-3});
  }
  report end;
  if (s.size() == 0) return end;
  double norm = o.norm;
  if (norm == 0) norm = 1.05 * terms_norm<C>(ex, s, terms...);

  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  const auto z = scratch.template tensor<C>(s), extra = scratch.template tensor<C>(s);
  const auto duals = std::make_tuple(scratch.template tensor<C>(terms.dual(s))...);
  const auto all = std::tie(terms...);
  constexpr std::size_t count = sizeof...(Terms);
  /// f(term, its dual) for every term
  const auto each = [&](const auto& g) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (g(std::get<I>(all), std::get<I>(duals)), ...);
    }
    (std::make_index_sequence<count>{});
  };
  each([&](const auto&, const auto& u) { Kokkos::deep_copy(ex, u, C(0)); });

  // u is as large as N x / |K|
  double ratio = o.ratio * (smooth > 0 && norm > 0 ? smooth * smooth / norm : 1);
  double tau = 0, sigma = 0;
  const auto settle = [&] {
    if (norm > 0)
      tau = 2 / (smooth / 2 + std::sqrt(smooth * smooth / 4 + 4 * ratio * norm));
    else
      tau = smooth > 0 ? 1 / smooth : 1;
    sigma = ratio * tau;
  };
  settle();
  const C* data = nullptr;
  if constexpr (!std::is_void_v<N>) data = b.data();
  const auto begin = [&] {
    launch::segments(ex, s.size(), pdhg_begin<C>{x.data(), z.data(), data, T(tau)});
  };
  double trust = 1;
  int next_adaption = 4;
  begin();
  while (end.iterations < observer.limit()) {
    const bool adapts = o.adapt && norm > 0 && end.iterations + 1 == next_adaption;
    const bool told = observer.due(end.iterations + 1);
    if constexpr (!std::is_void_v<N>) linop::apply(ex, *normal, x, z, {C(T(-tau)), true});
    each([&](const auto& t, const auto& u) {
      t.transform.apply_adjoint(ex, u, z, {C(T(-tau)), true});
    });
    f.prox(ex, z, tau, z);
    launch::segments(ex, s.size(), pdhg_move<C>{x.data(), z.data(), extra.data(), data, T(tau)});
    double dual_change = 0, dual_size = 0;
    if (!adapts && !told) {
      each([&](const auto& t, const auto& u) {
        t.transform.apply(ex, extra, u, {C(T(sigma)), true});
        prox::prox_conjugate(ex, t.function, u, sigma, u);
      });
    } else {
      // the same, and what is needed to compare with the previous iterate: x - extra = old x - x
      double d = 0, kx = 0, p = 0, khu = 0;
      typename workspace<Ex>::frame more(workspace<Ex>::of(ex));
      const auto dx = more.template tensor<C>(s), sum = more.template tensor<C>(s),
                 du_sum = more.template tensor<C>(s);
      prox::detail::combine(ex, 1, x, -1, extra, dx);
      bool add = false;
      each([&](const auto& t, const auto& u) {
        typename workspace<Ex>::frame local(workspace<Ex>::of(ex));
        const auto du = local.template tensor<C>(shape_of(u));
        linop::detail::copy_into(ex, u, du, linop::accumulation<C>{});
        t.transform.apply(ex, extra, u, {C(T(sigma)), true});
        prox::prox_conjugate(ex, t.function, u, sigma, u);
        prox::detail::combine(ex, 1, du, -1, u, du);  // old u - u
        dual_change += squares(ex, du);
        dual_size += squares(ex, u);
        if (adapts) {
          t.transform.apply_adjoint(ex, u, sum, {C(1), add});
          t.transform.apply_adjoint(ex, du, du_sum, {C(1), add});
          add = true;
          prox::detail::stretch(ex, 1 / sigma, du, du);
          t.transform.apply(ex, dx, du, {C(-1), true});
          d += squares(ex, du);
          t.transform.apply(ex, x, du, {});
          kx += squares(ex, du);
        }
      });
      if (adapts) {
        khu = squares(ex, sum);
        // The gradient of the data term before the step, (old x - x) / tau - K^H (old u), is as
        // large as K^H u in the end, and a better measure while u is still small.
        prox::detail::combine(ex, 1, sum, 1, du_sum, sum);
        prox::detail::combine(ex, 1 / tau, dx, -1, sum, sum);
        khu = std::max(khu, squares(ex, sum));
        prox::detail::combine(ex, 1 / tau, dx, -1, du_sum, du_sum);
        p = squares(ex, du_sum);
        if (p > 0 && d > 0 && kx > 0 && khu > 0) {
          // Primal residual the larger: a longer tau.
          const double change = std::sqrt((d / kx) / (p / khu));
          ratio *= std::pow(std::clamp(change, 1 / 16., 16.), trust);
          settle();
          begin();
        }
        trust *= 0.9;
        next_adaption += std::max(4, next_adaption / 2);
      }
    }
    ++end.iterations;
    if (told) {
      progress state;
      state.iteration = end.iterations;
      const auto moved = apart(ex, x, extra);
      state.change = relative(moved.real(), moved.imag());
      state.residual = std::max(state.change, relative(dual_change, dual_size));
      end.residual.assign(1, state.residual);
      if (o.objective || observer.needs(criterion::needs_objective)) {
        typename workspace<Ex>::frame more(workspace<Ex>::of(ex));
        state.objective = f.value(ex, x) + o.offset;
        if constexpr (!std::is_void_v<N>) {
          const auto nx = more.template tensor<C>(s);
          linop::apply(ex, *normal, x, nx);
          state.objective += quadratic(ex, x, nx, b);
        }
        each([&](const auto& t, const auto& u) {
          const auto kx = more.template tensor<C>(shape_of(u));
          t.transform.apply(ex, x, kx, {});
          state.objective += t.function.value(ex, kx);
        });
      }
      if (observer.stops(end, state)) break;
    }
  }
  return end;
}
}  // namespace detail

/// Minimises 1/2 <x, N x> - Re <b, x> + F(x) + sum P_i(K_i x) from the contents of x, with
/// N = gram(A), b = A^H y and terms made by `term(P, K)`. b, x (domain of A), not overlapping.
/// Throws shape_error or value_error for arguments that do not fit.
template <class N, class F, TensorView B, TensorView X, class... Terms>
requires linop::OperatorLike<N> && prox::ProxLike<F> &&(detail::is_penalty<Terms>&&...)report
    pdhg(const typename N::execution_space& ex, const N& normal, const F& f, const B& b, const X& x,
         const pdhg_options& options, const Terms&... terms) {
  if constexpr (detail::assert_problem<N, F, B, X>() && detail::assert_terms<N, Terms...>())
    return detail::run_pdhg<N>(ex, &normal, f, b, x, options, terms...);
  else
    return {};
}

/// The same with F = 0.
template <class N, TensorView B, TensorView X, class... Terms>
requires linop::OperatorLike<N> &&(detail::is_penalty<Terms>&&...)report
    pdhg(const typename N::execution_space& ex, const N& normal, const B& b, const X& x,
         const pdhg_options& options, const Terms&... terms) {
  const no_penalty<typename N::real_type, N::domain_rank, typename N::execution_space> none;
  return pdhg(ex, normal, none, b, x, options, terms...);
}

/// Chambolle-Pock: minimises F(x) + sum P_i(K_i x) from the contents of x.
template <class F, TensorView X, class... Terms>
requires prox::ProxLike<F> &&(detail::is_penalty<Terms>&&...)report
    pdhg(const typename F::execution_space& ex, const F& f, const X& x, const pdhg_options& options,
         const Terms&... terms) {
  if constexpr (prox::assert_prox<F>() && prox::detail::assert_operand<F, X>())
    return detail::run_pdhg<void>(ex, static_cast<const void*>(nullptr), f, x, x, options,
                                  terms...);
  else
    return {};
}

}  // namespace cardiomm::inline CARDIOMM_ABI::solve

#endif
