// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_SOLVE_LSQR_HPP
#define CARDIOMM_SOLVE_LSQR_HPP
/// \file
/// Damped least squares, min |A x - b|^2 + damp^2 |x - x0|^2 with x0 the start, by Golub-Kahan
/// bidiagonalisation: LSQR (Paige and Saunders 1982), whose |r| falls monotonically, and LSMR (Fong
/// and Saunders 2011), whose |A^H r| does; for one system or many independent ones at once. They
/// need A itself and keep more digits than CG on gram(A) where A is badly conditioned.
///
/// Cost of an iteration: one A and one A^H; 2 reads and 1 write of the size of b, twice (result and
/// recurrence); 5 reads and 3 writes of the size of x (LSMR 6 and 4). Memory: u and A v like b; v,
/// w and A^H u like x (LSMR one more). The scalars of the systems stay in the memory of the space;
/// nothing is allocated, copied or waited for inside the loop, except at looks.
///
/// residual: |A^H r - damp^2 (x - x0)| / |A^H b|, that of CG on the normal equations (recurrence).
/// change: of all systems together.

#include <algorithm>

#include "cardiomm/solve/criterion.hpp"
#include "cardiomm/solve/term.hpp"

namespace cardiomm::inline CARDIOMM_ABI::solve {

struct lsqr_options {
  int iterations = 30;
  double tolerance = 0;     ///< stop when the residual of every system is at most that; 0 never
  double damp = 0;          ///< root of the Tikhonov weight
  int batch_axes = 0;       ///< leading axes of x and of b that number independent systems
  bool zero_start = false;  ///< x holds zeros on entry, which saves one A
  int check_every = 4;
  criterion stop{};
  solve::monitor monitor{};
};

namespace detail {

/// Numbers of a system. The vectors are kept unnormalised: U = beta u, V = alpha v.
struct bidiagonal {
  double alpha, beta;                                  ///< |V|, |U|
  double rhobar, phibar;                               ///< LSQR
  double alphabar, zetabar, rho, cbar, sbar, rhobar2;  ///< LSMR
  double step, turn, bar;  ///< x += step w, w = v + turn w; LSMR: hbar = h + bar hbar before
  double gradient, first;  ///< |A^H r|, now and at the start
};

/// inverse, 0 of 0
KOKKOS_FORCEINLINE_FUNCTION double over(double a) { return a > 0 ? 1 / a : 0; }

/// U = s / alpha - alpha / beta U and its square, or the same of V
template <class C>
struct lanczos_kernel {
  static constexpr const char* name = "cardiomm::solve::lanczos";
  const C* s;
  C* u;
  const bidiagonal* systems;
  bool forward;
  index_t n;
  KOKKOS_INLINE_FUNCTION double operator()(index_t b, index_t first, index_t last) const {
    using T = real_of<C>;
    const bidiagonal& q = systems[b];
    const double by = forward ? q.alpha : q.beta, of = forward ? q.beta : q.alpha;
    const T scale = T(over(by)), back = T(by * over(of));
    const T* ss = blas1::detail::reals(s + b * n);
    T* us = blas1::detail::reals(u + b * n);
    return blas1::detail::strand_sum(2 * first, 2 * last, [=](index_t i) {
      const T next = scale * ss[i] - back * us[i];
      us[i] = next;
      return double(next) * double(next);
    });
  }
};

enum class bidiagonal_step { first_beta, first_alpha, beta, alpha };

template <bool Minres>
struct bidiagonal_kernel {
  static constexpr const char* name = "cardiomm::solve::bidiagonal";
  bidiagonal* systems;
  const double* squares;
  double damp;
  bidiagonal_step what;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      bidiagonal& q = systems[i];
      const double size = math::sqrt(squares[i]);
      if (what == bidiagonal_step::first_beta || what == bidiagonal_step::beta) {
        q.beta = size;
        if (what == bidiagonal_step::first_beta) q.alpha = 0;  // V is 0 still
      } else if (what == bidiagonal_step::first_alpha) {
        q.alpha = size;
        q.rhobar = q.alphabar = q.alpha;
        q.phibar = q.beta;
        q.first = q.gradient = q.zetabar = q.alpha * q.beta;
        q.rho = q.rhobar2 = q.cbar = 1;
        q.sbar = 0;
        q.step = q.turn = q.bar = 0;
      } else {
        q.alpha = size;
        Minres ? lsmr(q) : lsqr(q);
      }
    }
  }
  KOKKOS_FORCEINLINE_FUNCTION static double hypotenuse(double a, double b) {
    return math::sqrt(a * a + b * b);
  }
  KOKKOS_FORCEINLINE_FUNCTION void lsqr(bidiagonal& q) const {
    const double damped = hypotenuse(q.rhobar, damp);
    const double phibar = damped > 0 ? q.rhobar / damped * q.phibar : q.phibar;
    const double rho = hypotenuse(damped, q.beta), c = damped * over(rho), s = q.beta * over(rho);
    const double phi = c * phibar;
    q.step = phi * over(rho);
    q.turn = -s * q.alpha * over(rho);
    q.rhobar = -c * q.alpha;
    q.phibar = s * phibar;
    q.gradient = q.alpha * s * phi;
    q.gradient = q.gradient < 0 ? -q.gradient : q.gradient;
  }
  KOKKOS_FORCEINLINE_FUNCTION void lsmr(bidiagonal& q) const {
    const double alphahat = hypotenuse(q.alphabar, damp);
    const double rho_old = q.rho, rhobar_old = q.rhobar2;
    q.rho = hypotenuse(alphahat, q.beta);
    const double c = alphahat * over(q.rho), s = q.beta * over(q.rho);
    const double theta = s * q.alpha, thetabar = q.sbar * q.rho, rhotemp = q.cbar * q.rho;
    q.alphabar = c * q.alpha;
    q.rhobar2 = hypotenuse(rhotemp, theta);
    q.cbar = rhotemp * over(q.rhobar2);
    q.sbar = theta * over(q.rhobar2);
    const double zeta = q.cbar * q.zetabar;
    q.zetabar = -q.sbar * q.zetabar;
    q.bar = -thetabar * q.rho * over(rho_old * rhobar_old);
    q.step = zeta * over(q.rho * q.rhobar2);
    q.turn = -theta * over(q.rho);
    q.gradient = q.zetabar < 0 ? -q.zetabar : q.zetabar;
  }
};

/// x += step w, w = V / alpha + turn w; LSMR: bar = w + b bar, x += step bar before
template <class C, bool Minres>
struct bidiagonal_move {
  static constexpr const char* name = "cardiomm::solve::bidiagonal_move";
  C* x;
  C* w;
  C* bar;
  const C* v;
  const bidiagonal* systems;
  index_t n, chunks, chunk;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    using T = real_of<C>;
    const index_t b = row / chunks, start = (row - b * chunks) * chunk;
    const index_t end = start + last < n ? start + last : n;
    const bidiagonal& q = systems[b];
    const T step = T(q.step), turn = T(q.turn), scale = T(over(q.alpha)), back = T(q.bar);
    T* xs = blas1::detail::reals(x + b * n);
    T* ws = blas1::detail::reals(w + b * n);
    const T* vs = blas1::detail::reals(v + b * n);
    if constexpr (Minres) {
      T* hs = blas1::detail::reals(bar + b * n);
      for (index_t i = 2 * (start + first); i < 2 * end; ++i) {
        const T h = ws[i] + back * hs[i];
        hs[i] = h;
        xs[i] += step * h;
        ws[i] = scale * vs[i] + turn * ws[i];
      }
    } else {
      for (index_t i = 2 * (start + first); i < 2 * end; ++i) {
        xs[i] += step * ws[i];
        ws[i] = scale * vs[i] + turn * ws[i];
      }
    }
  }
};

template <bool Minres, class A, TensorView B, TensorView X>
report run_bidiagonal(const typename A::execution_space& ex, const A& a, const B& b, const X& x,
                      const lsqr_options& o) {
  using Ex = typename A::execution_space;
  using C = linop::value_of<A>;
  constexpr const char* who = Minres ? "lsmr" : "lsqr";
  watch observer(who, o, o.tolerance > 0 ? relative_residual(o.tolerance) : criterion());
  require(o.damp >= 0, who, ": damp: expected at least 0, found ", o.damp);
  constexpr int most = std::min(A::domain_rank, A::range_rank);
  require(o.batch_axes >= 0 && o.batch_axes <= most, who, ": batch_axes: expected 0 to ", most,
          ", found ", o.batch_axes);
  const auto s = shape_of(x);
  require<shape_error>(a.range_for(s) == shape_of(b), who, ": expected b of shape ", a.range_for(s),
                       ", found ", shape_of(b));
  index_t systems = 1;
  for (int i = 0; i < o.batch_axes; ++i) {
    systems *= s[i];
    require<shape_error>(static_cast<index_t>(b.extent(i)) == s[i], who,
                         ": batch_axes: expected equal leading extents of x and b, found ", s,
                         " and ", shape_of(b));
  }
  report end;
  const index_t size = s.size();
  if (size == 0 || b.size() == 0) return end;
  const index_t n = size / systems, m = static_cast<index_t>(b.size()) / systems;

  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  const auto u = scratch.template tensor<C>(shape_of(b)),
             av = scratch.template tensor<C>(shape_of(b));
  const auto v = scratch.template tensor<C>(s), w = scratch.template tensor<C>(s),
             ahu = scratch.template tensor<C>(s);
  view<C, A::domain_rank, Ex> bar;
  if constexpr (Minres) {
    bar = scratch.template tensor<C>(s);
    Kokkos::deep_copy(ex, bar, C(0));
  }
  const bool wants_change = observer.needs(criterion::needs_change);
  view<C, A::domain_rank, Ex> before;
  if (wants_change) before = scratch.template tensor<C>(s);
  require(!observer.needs(criterion::needs_objective), who,
          ": stop: expected rules on residual, change, iterations and seconds, found plateau");
  auto* state = scratch.template take<bidiagonal>(systems);
  double* squares = scratch.template take<double>(systems);
  const auto note = [&](bidiagonal_step what) {
    launch::segments(ex, systems, bidiagonal_kernel<Minres>{state, squares, o.damp, what});
  };
  const index_t chunk = launch::on_host<Ex> ? std::min<index_t>(n, 8192) : n;
  const index_t chunks = (n + chunk - 1) / chunk;
  const auto move = [&] {
    launch::rows(ex, systems * chunks, chunk,
                 bidiagonal_move<C, Minres>{x.data(), w.data(), bar.data(), v.data(), state, n,
                                            chunks, chunk});
  };

  linop::detail::copy_into(ex, b, u, linop::accumulation<C>{});
  if (!o.zero_start) linop::apply(ex, a, x, u, {C(-1), true});
  blas1::norm2(ex, systems, u, squares);
  note(bidiagonal_step::first_beta);
  linop::apply_adjoint(ex, a, u, ahu);
  Kokkos::deep_copy(ex, v, C(0));
  launch::sums(ex, systems, n, lanczos_kernel<C>{ahu.data(), v.data(), state, false, n}, squares);
  note(bidiagonal_step::first_alpha);
  Kokkos::deep_copy(ex, w, C(0));
  move();  // w = v

  const auto look = [&] {
    const auto now = to_vector(ex, state, systems);
    end.residual.resize(now.size());
    progress p;
    p.iteration = end.iterations;
    for (std::size_t i = 0; i < now.size(); ++i) {
      end.residual[i] = now[i].first > 0 ? now[i].gradient / now[i].first : 0;
      p.residual = std::max(p.residual, end.residual[i]);
    }
    return p;
  };
  while (end.iterations < observer.limit()) {
    linop::apply(ex, a, v, av);
    launch::sums(ex, systems, m, lanczos_kernel<C>{av.data(), u.data(), state, true, m}, squares);
    note(bidiagonal_step::beta);
    linop::apply_adjoint(ex, a, u, ahu);
    launch::sums(ex, systems, n, lanczos_kernel<C>{ahu.data(), v.data(), state, false, n}, squares);
    note(bidiagonal_step::alpha);
    const bool told = observer.due(end.iterations + 1);
    if (told && wants_change) linop::detail::copy_into(ex, x, before, linop::accumulation<C>{});
    move();
    ++end.iterations;
    if (told) {
      progress p = look();
      if (wants_change) {
        const auto found = apart(ex, x, before);
        p.change = relative(found.real(), found.imag());
      }
      if (observer.stops(end, p)) break;
    }
  }
  (void)look();
  return end;
}
}  // namespace detail

/// LSQR from the contents of x; b (range of A), x (domain), not overlapping. Throws shape_error or
/// value_error for arguments that do not fit.
template <class A, TensorView B, TensorView X>
requires linop::OperatorLike<A> report lsqr(const typename A::execution_space& ex, const A& a,
                                            const B& b, const X& x,
                                            const lsqr_options& options = {}) {
  if constexpr (linop::assert_operator<A>() &&
                linop::detail::assert_operand<A, A::range_rank, B>() &&
                linop::detail::assert_operand<A, A::domain_rank, X>())
    return detail::run_bidiagonal<false>(ex, a, b, x, options);
  else
    return {};
}

/// LSMR; as lsqr.
template <class A, TensorView B, TensorView X>
requires linop::OperatorLike<A> report lsmr(const typename A::execution_space& ex, const A& a,
                                            const B& b, const X& x,
                                            const lsqr_options& options = {}) {
  if constexpr (linop::assert_operator<A>() &&
                linop::detail::assert_operand<A, A::range_rank, B>() &&
                linop::detail::assert_operand<A, A::domain_rank, X>())
    return detail::run_bidiagonal<true>(ex, a, b, x, options);
  else
    return {};
}

}  // namespace cardiomm::inline CARDIOMM_ABI::solve

#endif
