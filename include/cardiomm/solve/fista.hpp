// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_SOLVE_FISTA_HPP
#define CARDIOMM_SOLVE_FISTA_HPP
/// \file
/// Accelerated proximal gradient (Beck and Teboulle 2009) with adaptive restart (O'Donoghue and
/// Candes 2015) for  1/2 |A x - y|^2 + P(x), given N = gram(A), b = A^H y and a ProximalOperator P;
/// for one problem or for many independent ones at once.
///
/// Cost of an iteration beside one N (which adds its result to a vector) and one prox, in vectors
/// of the size of x: 3 reads and 2 writes in one launch (momentum, the step's first half, copy of
/// b); gradient restart reads one more. Memory: two vectors from the workspace, three if an
/// objective is asked for. Nothing is allocated, copied or waited for inside the loop, except at
/// the looks of a criterion or monitor and in every iteration with restart by objective.
///
/// residual: |y - x| / (step |b|) for x = prox(y - step (N y - b)), which is |N x - b| / |b| where
/// P = 0. change: |x - previous x| / |x|.

#include "cardiomm/linop/norm.hpp"
#include "cardiomm/prox/concept.hpp"
#include "cardiomm/solve/criterion.hpp"
#include "cardiomm/solve/scalars.hpp"

namespace cardiomm::inline CARDIOMM_ABI::solve {

/// When the momentum is dropped.
enum class restarting {
  never,     ///< t grows as t -> (1 + sqrt(1 + 4 t^2)) / 2 for ever, as BART does
  gradient,  ///< of a system where the last step turns against the gradient map
  objective  ///< of all systems when the objective has grown; one more N and P(x) an iteration
};

struct fista_options {
  int iterations = 30;
  double tolerance = 0;  ///< stop when |x - previous x| <= tolerance |x| in every system; 0 never
  /// Length of a gradient step, at most 1 / largest eigenvalue of N; 0: found by power iteration.
  /// For masks, orthonormal transforms and maps of unit norm 1 is right.
  double step = 0;
  bool accelerate = true;  ///< else plain proximal gradient
  restarting restart = restarting::gradient;
  /// Leading axes that number independent problems, as in cg_options; neither N nor P mixes them.
  int batch_axes = 0;
  bool objective = false;    ///< work out 1/2 <x, N x> - Re <b, x> + P(x) + offset for the monitor
  double offset = 0;         ///< constant of the objective: 1/2 |y|^2
  int check_every = 4;       ///< iterations between looks of criteria and monitor
  criterion stop{};          ///< further rules
  solve::monitor monitor{};  ///< hears of every look
};

namespace detail {

/// y = x + beta (x - old); old = y + step b; returns Re <y before - x, x - old>, whose sign asks
/// for a restart.
template <class C>
struct fista_move {
  static constexpr const char* name = "cardiomm::solve::fista_move";
  const C* x;
  C* old;
  C* y;
  const C* b;
  const double* beta;
  real_of<C> step;
  index_t n;
  KOKKOS_INLINE_FUNCTION double operator()(index_t system, index_t first, index_t last) const {
    using T = real_of<C>;
    const T m = T(beta[system]), s = step;
    const T* xs = blas1::detail::reals(x + system * n);
    const T* bs = blas1::detail::reals(b + system * n);
    T* os = blas1::detail::reals(old + system * n);
    T* ys = blas1::detail::reals(y + system * n);
    return blas1::detail::strand_sum(2 * first, 2 * last, [=](index_t i) {
      const T here = xs[i], moved = here - os[i], next = here + m * moved;
      const double turn = double(ys[i] - here) * double(moved);
      ys[i] = next;
      os[i] = next + s * bs[i];
      return turn;
    });
  }
};
/// The same without the sum.
template <class C>
struct fista_glide {
  static constexpr const char* name = "cardiomm::solve::fista_glide";
  fista_move<C> f;
  index_t chunks, chunk;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    using T = real_of<C>;
    const index_t system = row / chunks, start = (row - system * chunks) * chunk;
    const index_t end = start + last < f.n ? start + last : f.n;
    const T m = T(f.beta[system]), s = f.step;
    const T* xs = blas1::detail::reals(f.x + system * f.n);
    const T* bs = blas1::detail::reals(f.b + system * f.n);
    T* os = blas1::detail::reals(f.old + system * f.n);
    T* ys = blas1::detail::reals(f.y + system * f.n);
    for (index_t i = 2 * (start + first); i < 2 * end; ++i) {
      const T next = xs[i] + m * (xs[i] - os[i]);
      ys[i] = next;
      os[i] = next + s * bs[i];
    }
  }
};
/// The first half step: y = x, out = x + step b.
template <class C>
struct fista_first {
  static constexpr const char* name = "cardiomm::solve::fista_first";
  const C* x;
  C* out;
  C* y;
  const C* b;
  real_of<C> step;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    using T = real_of<C>;
    const T* xs = blas1::detail::reals(x);
    const T* bs = blas1::detail::reals(b);
    T* os = blas1::detail::reals(out);
    T* ys = blas1::detail::reals(y);
    for (index_t i = 2 * first; i < 2 * last; ++i) {
      const T here = xs[i];
      ys[i] = here;
      os[i] = here + step * bs[i];
    }
  }
};
/// t and beta of the next iteration, per system.
struct fista_momentum {
  static constexpr const char* name = "cardiomm::solve::fista_momentum";
  double* t;
  double* beta;
  const double* turn;  ///< restart where it is positive; null: nowhere
  bool all, accelerate;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t b = first; b < last; ++b) {
      const bool again = all || (turn != nullptr && turn[b] > 0);
      const double now = again ? 1 : t[b], next = (1 + math::sqrt(1 + 4 * now * now)) / 2;
      t[b] = next;
      beta[b] = accelerate ? (now - 1) / next : 0;
    }
  }
};
/// |x - old|^2 and |y - x|^2
template <class C>
struct fista_distances {
  static constexpr const char* name = "cardiomm::solve::fista_distances";
  const C* x;
  const C* old;
  const C* y;
  index_t n;
  KOKKOS_INLINE_FUNCTION complex<double> operator()(index_t system, index_t first,
                                                    index_t last) const {
    const auto* xs = blas1::detail::reals(x + system * n);
    const auto* os = blas1::detail::reals(old + system * n);
    const auto* ys = blas1::detail::reals(y + system * n);
    const auto squares = [=](const auto* other) {
      return blas1::detail::strand_sum(2 * first, 2 * last, [=](index_t i) {
        const double d = double(xs[i]) - double(other[i]);
        return d * d;
      });
    };
    return {squares(os), squares(ys)};
  }
};

template <class N, class P, TensorView B, TensorView X>
report run_fista(const typename N::execution_space& ex, const N& normal, const P& p, const B& b,
                 const X& x, const fista_options& o) {
  using Ex = typename N::execution_space;
  using C = linop::value_of<N>;
  using T = real_of<C>;
  constexpr int R = N::domain_rank;
  watch observer("fista", o, o.tolerance > 0 ? relative_change(o.tolerance) : criterion());
  require(o.batch_axes >= 0 && o.batch_axes <= R, "fista: batch_axes: expected 0 to ", R,
          ", found ", o.batch_axes);
  const shape<R> s = shape_of(x);
  require<shape_error>(shape_of(b) == s, "fista: expected b of shape ", s, ", found ", shape_of(b));
  prox::check_shape(p, s);
  require<shape_error>(normal.range_for(s) == s,
                       "fista: expected an operator with equal domain "
                       "and range, found the range ",
                       normal.range_for(s), " for ", s);
  require(std::isfinite(o.step) && o.step >= 0, "fista: step: expected at least 0, found ", o.step);
  index_t systems = 1;
  for (int i = 0; i < o.batch_axes; ++i) systems *= s[i];
  const index_t size = s.size(), n = systems > 0 ? size / systems : 0;
  report end;
  if (size == 0) return end;

  double step = o.step;
  if (step == 0) {
    // 3 % above the estimate, which comes from below
    const double most = 1.03 * linop::largest_eigenvalue(ex, normal, s, {20, 1, 1e-3});
    step = most > 0 ? 1 / most : 1;
  }

  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  const auto other = scratch.template tensor<C>(s), y = scratch.template tensor<C>(s);
  view<C, R, Ex> now = x, old = other;
  const bool tells_objective = o.objective || observer.needs(criterion::needs_objective);
  const bool by_objective = o.accelerate && o.restart == restarting::objective;
  view<C, R, Ex> nx;
  if (tells_objective || by_objective) nx = scratch.template tensor<C>(s);
  double* t = scratch.template take<double>(systems);
  double* beta = scratch.template take<double>(systems);
  double* turn = scratch.template take<double>(systems);
  double* norms = scratch.template take<double>(systems);
  auto* distances = scratch.template take<complex<double>>(systems);
  const index_t chunk = launch::on_host<Ex> ? std::min<index_t>(n, 8192) : n;
  const index_t chunks = (n + chunk - 1) / chunk;
  const bool turns = o.accelerate && o.restart == restarting::gradient;

  const auto objective = [&] {
    linop::apply(ex, normal, now, nx);
    return quadratic(ex, now, nx, b) + p.value(ex, now) + o.offset;
  };
  std::vector<double> size_of_b;
  const auto look = [&] {
    progress state;
    state.iteration = end.iterations;
    if (size_of_b.empty()) {
      blas1::norm2(ex, systems, b, norms);
      size_of_b = to_vector(ex, norms, systems);
    }
    launch::sums(ex, systems, n, fista_distances<C>{now.data(), old.data(), y.data(), n},
                 distances);
    blas1::norm2(ex, systems, now, norms);
    const auto apart = to_vector(ex, distances, systems);
    const auto of = to_vector(ex, norms, systems);
    end.residual.resize(apart.size());
    state.change = 0;
    for (std::size_t i = 0; i < apart.size(); ++i) {
      end.residual[i] = relative(apart[i].imag() / (step * step), size_of_b[i]);
      state.residual = std::max(state.residual, end.residual[i]);
      state.change = std::max(state.change, relative(apart[i].real(), of[i]));
    }
    if (tells_objective) state.objective = objective();
    return state;
  };

  fill(ex, t, systems, 1);
  bool again = false;
  double value = by_objective ? objective() : 0;
  while (end.iterations < observer.limit()) {
    if (end.iterations == 0) {
      launch::segments(ex, size,
                       fista_first<C>{now.data(), old.data(), y.data(), b.data(), T(step)});
    } else {
      launch::segments(ex, systems,
                       fista_momentum{t, beta, turns && end.iterations > 1 ? turn : nullptr, again,
                                      o.accelerate});
      const fista_move<C> move{now.data(), old.data(), y.data(), b.data(), beta, T(step), n};
      if (turns)
        launch::sums(ex, systems, n, move, turn);
      else
        launch::rows(ex, systems * chunks, chunk, fista_glide<C>{move, chunks, chunk});
    }
    linop::apply(ex, normal, y, old, {C(T(-step)), true});
    p.prox(ex, old, step, old);
    std::swap(now, old);
    ++end.iterations;
    if (by_objective) {
      const double next = objective();
      again = next > value;
      value = next;
    }
    if (observer.due(end.iterations) && observer.stops(end, look())) break;
  }
  if (!observer.listens() && end.iterations > 0) (void)look();
  if (now.data() != x.data()) linop::detail::copy_into(ex, now, x, linop::accumulation<C>{});
  return end;
}
}  // namespace detail

/// Minimises 1/2 <x, N x> - Re <b, x> + P(x) from the contents of x, with N = gram(A) and b = A^H
/// y. b, x (domain of A), not overlapping. Throws shape_error or value_error for arguments that do
/// not fit.
template <class N, class P, TensorView B, TensorView X>
requires linop::OperatorLike<N> && prox::ProxLike<P> report
fista(const typename N::execution_space& ex, const N& normal, const P& p, const B& b, const X& x,
      const fista_options& options = {}) {
  if constexpr (detail::assert_problem<N, P, B, X>())
    return detail::run_fista(ex, normal, p, b, x, options);
  else
    return {};
}

/// The same from zero; returns x.
template <class N, class P, TensorView B>
requires linop::OperatorLike<N> && prox::ProxLike<P>
auto fista(const N& normal, const P& p, const B& b, const fista_options& options = {}) {
  const typename N::execution_space ex;
  auto x = zeros<linop::value_of<N>>(ex, shape_of(b), "cardiomm::fista");
  fista(ex, normal, p, b, x, options);
  return x;
}

/// Arguments that are not what their places are for: one sentence, see docs/errors.md.
template <class N, class P, TensorView B>
requires(!ExecutionSpace<N> && !TensorView<P> &&
         !(linop::OperatorLike<N> && prox::ProxLike<P>)) auto fista(const N&, const P&, const B& b,
                                                                    const fista_options& = {}) {
  static_assert(
      cardiomm::detail::mistaken<N>,
      "cardiomm: fista(gram(A), P, b) needs a linear operator, then a proximal one such as "
      "prox::l1; here they are not");
  return b;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::solve

#endif
