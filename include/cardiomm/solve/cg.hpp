// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_SOLVE_CG_HPP
#define CARDIOMM_SOLVE_CG_HPP
/// \file
/// Conjugate gradients for A x = b with a Hermitian positive (semi-)definite A (Hestenes and
/// Stiefel 1952), for one system or for many independent ones at once.
///
/// Cost of an iteration, in vectors of the size of x: one A, 7 reads and 3 writes. Operators that
/// work along (linop::SweepsCG) spare 2 reads on hosts; on devices they do the updates of x and p
/// too, which leaves 4 reads and 3 writes beside their own one of each. (On hosts three plain
/// passes at the bandwidth of the last cache take less time than one whose rows are far apart.)
/// Memory: r, p, q from the workspace. The scalars of the systems stay in the memory of the space;
/// nothing is allocated, copied or waited for inside the loop, except every `check_every`
/// iterations when a tolerance or a monitor asks for the residual. Sums are accumulated in double.

#include <algorithm>
#include <cmath>
#include <functional>

#include "cardiomm/core/blas1.hpp"
#include "cardiomm/linop/fused_normal.hpp"
#include "cardiomm/solve/criterion.hpp"
#include "cardiomm/solve/scalars.hpp"

namespace cardiomm::inline CARDIOMM_ABI::solve {

struct cg_options {
  int iterations = 30;
  /// Stop when |b - A x| <= tolerance |b| in every system; 0 never. A system that has arrived rests
  /// while the others go on, so its result does not depend on its company.
  double tolerance = 0;
  /// Leading axes that number independent systems: 0 one system; 2 for images (frame, slice, y, x)
  /// solves each frame and slice by itself, which is right only if A does not mix them.
  int batch_axes = 0;
  bool zero_start = false;   ///< x holds zeros on entry, which saves one A
  int check_every = 4;       ///< iterations between looks at the residual
  criterion stop{};          ///< further rules; `change` is |alpha p| / |x| of the last step
  solve::monitor monitor{};  ///< hears of them
  bool quiet = false;        ///< no residuals in the report, which spares the wait at the end
  /// Where several processes hold parts of the same systems: adds host numbers over all of them, in
  /// place (dist::communicator::sum). Every process calls cg with the same options; a part is not
  /// empty. Left out: one process holds everything.
  std::function<void(double* numbers, index_t count)> sum{};
};

namespace detail {

/// x += alpha p, p = r + beta p; a factor of zero stands for a vector that is not read
template <class C>
struct cg_direction {
  static constexpr const char* name = "cardiomm::solve::cg_direction";
  linop::cg_sweep<C> s;
  index_t n;
  index_t chunks;
  index_t chunk;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    using T = real_of<C>;
    const index_t b = row / chunks, start = (row - b * chunks) * chunk;
    const T alpha = T(s.alpha[b]), beta = s.beta == nullptr ? T(0) : T(s.beta[b]);
    auto* xb = blas1::detail::reals(s.x + b * n);
    auto* pb = blas1::detail::reals(s.p + b * n);
    const index_t end = start + last < n ? start + last : n;
    if (s.beta == nullptr) {  // the end of the loop
      if (alpha != T(0))
        for (index_t i = 2 * (start + first); i < 2 * end; ++i) xb[i] += alpha * pb[i];
      return;
    }
    const auto* rb = blas1::detail::reals(s.r + b * n);
    if (alpha == T(0) && beta == T(0))
      for (index_t i = 2 * (start + first); i < 2 * end; ++i) pb[i] = rb[i];
    else
      for (index_t i = 2 * (start + first); i < 2 * end; ++i) {
        xb[i] += alpha * pb[i];
        pb[i] = rb[i] + beta * pb[i];
      }
  }
};

/// r -= alpha q; returns the part of the new |r|^2.
template <class C>
struct cg_residual {
  static constexpr const char* name = "cardiomm::solve::cg_residual";
  C* r;
  const C* q;
  const double* alpha;
  index_t n;
  KOKKOS_INLINE_FUNCTION double operator()(index_t b, index_t first, index_t last) const {
    const real_of<C> step = real_of<C>(alpha[b]);
    auto* rb = blas1::detail::reals(r + b * n);
    const auto* qb = blas1::detail::reals(q + b * n);
    return blas1::detail::strand_sum(2 * first, 2 * last, [=](index_t i) {
      const auto left = rb[i] - step * qb[i];
      rb[i] = left;
      return double(left) * double(left);
    });
  }
};

/// Sums of the parts of <p, q> that an operator left behind.
struct cg_parts {
  static constexpr const char* name = "cardiomm::solve::cg_parts";
  const double* partial;
  double* pq;
  index_t parts;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t b = first; b < last; ++b) {
      double sum = 0;
      for (index_t i = 0; i < parts; ++i) sum += partial[b * parts + i];
      pq[b] = sum;
    }
  }
};

/// alpha = |r|^2 / <p, q>; zero for a system that has arrived.
struct cg_alpha {
  static constexpr const char* name = "cardiomm::solve::cg_alpha";
  double* alpha;
  const double* rr;
  const double* pq;
  const double* limit;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t b = first; b < last; ++b)
      alpha[b] = rr[b] > limit[b] && pq[b] > 0 ? rr[b] / pq[b] : 0;
  }
};

/// beta = new |r|^2 / old; adds what the quadratic fell by, twice, to `gain` if given
struct cg_beta {
  static constexpr const char* name = "cardiomm::solve::cg_beta";
  double* beta;
  const double* rr_old;
  const double* rr_new;
  const double* alpha;
  double* gain;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t b = first; b < last; ++b) {
      beta[b] = rr_old[b] > 0 ? rr_new[b] / rr_old[b] : 0;
      if (gain != nullptr) gain[b] += alpha[b] * rr_old[b];
    }
  }
};

/// limit = tolerance^2 |b|^2, and the factors before the first iteration
struct cg_start {
  static constexpr const char* name = "cardiomm::solve::cg_start";
  double* limit;
  double* alpha;
  double* beta;
  const double* bb;
  double factor;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t b = first; b < last; ++b) {
      limit[b] = factor * bb[b];
      alpha[b] = beta[b] = 0;
    }
  }
};

/// Adds small arrays of the space over all processes.
template <ExecutionSpace Ex>
void sum_processes(const Ex& ex, const cg_options& o, double* data, index_t n) {
  if (!o.sum) return;
  if constexpr (launch::on_host<Ex>) {
    ex.fence();
    o.sum(data, n);
  } else {
    std::vector<double> host = to_vector(ex, data, n);
    o.sum(host.data(), n);
    Kokkos::deep_copy(borrow(ex, data, shape{n}),
                      host_view<const double, 1>(host.data(), host.size()));
  }
}

/// r holds b on entry and the residual at the end.
template <class A, TensorView B, TensorView X>
report run_cg(const typename A::execution_space& ex, const A& a, const B& r, const X& x,
              const cg_options& o) {
  using Ex = typename A::execution_space;
  using C = linop::value_of<A>;
  constexpr int R = A::domain_rank;
  watch observer("cg", o, o.tolerance > 0 ? relative_residual(o.tolerance) : criterion());
  require(o.batch_axes >= 0 && o.batch_axes <= R, "cg: batch_axes: expected 0 to ", R, ", found ",
          o.batch_axes);
  const shape<R> s = shape_of(x);
  require<shape_error>(shape_of(r) == s, "cg: expected b of shape ", s, ", found ", shape_of(r));
  index_t systems = 1;
  for (int i = 0; i < o.batch_axes; ++i) systems *= s[i];
  const index_t size = s.size(), n = systems > 0 ? size / systems : 0;

  report end;
  if (size == 0) return end;
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  const auto p = scratch.template tensor<C>(s);
  const auto q = scratch.template tensor<C>(s);
  const auto scalars = [&] { return scratch.template take<double>(systems); };
  double *rr = scalars(), *rr_new = scalars(), *bb = scalars(), *limit = scalars();
  double *pq = scalars(), *alpha = scalars(), *beta = scalars();

  blas1::norm2(ex, systems, r, bb);
  sum_processes(ex, o, bb, systems);
  if (!o.zero_start) linop::apply(ex, a, x, r, {C(-1), true});
  blas1::norm2(ex, systems, r, rr);
  sum_processes(ex, o, rr, systems);
  launch::segments(ex, systems, cg_start{limit, alpha, beta, bb, o.tolerance * o.tolerance});

  linop::cg_sweep<C> sweep;
  sweep.x = x.data();
  sweep.p = p.data();
  sweep.r = r.data();
  sweep.alpha = alpha;
  sweep.beta = beta;
  const index_t chunk = launch::on_host<Ex> ? std::min<index_t>(n, 8192) : n;
  const index_t chunks = (n + chunk - 1) / chunk;
  const auto update = [&] {
    launch::rows(ex, systems * chunks, chunk, cg_direction<C>{sweep, n, chunks, chunk});
  };
  index_t parts = 0;
  if constexpr (linop::SweepsCG<A>)
    if (a.sweeps(o.batch_axes)) {
      parts = a.sweep_partials(s) / systems;
      sweep.partial = scratch.template take<double>(parts * systems);
      sweep.planes = n / (s[R - 2] * s[R - 1]);
    }
  /// x += alpha p, p = r + beta p, q = A p, pq = <p, q>
  const auto advance = [&] {
    if constexpr (linop::SweepsCG<A>)
      if (parts > 0) {
        linop::cg_sweep<C> along = sweep;
        if constexpr (launch::on_host<Ex>) {
          update();
          along.x = nullptr;
        }
        a.apply_sweep(ex, along, q);
        launch::segments(ex, systems, cg_parts{sweep.partial, pq, parts});
        return;
      }
    update();
    linop::apply(ex, a, p, q);
    blas1::real_dot(ex, systems, p, q, pq);
  };
  const bool tells_objective = observer.needs(criterion::needs_objective);
  double* gain = nullptr;  // what the objective has fallen by, twice
  if (tells_objective) {
    gain = scalars();
    fill(ex, gain, systems, 0);
  }
  const auto look = [&](const double* now) {
    const auto found = to_vector(ex, now, systems), of = to_vector(ex, bb, systems);
    end.residual.resize(found.size());
    double worst = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      end.residual[i] = of[i] > 0 ? std::sqrt(found[i] / of[i]) : 0;
      worst = std::max(worst, end.residual[i]);
    }
    return worst;
  };
  const auto note_breakdown = [&](const double* now) {
    const auto curvature = to_vector(ex, pq, systems), left = to_vector(ex, now, systems),
               stop = to_vector(ex, limit, systems);
    for (std::size_t i = 0; i < left.size(); ++i)
      end.breakdown = end.breakdown || (left[i] > stop[i] && !(curvature[i] > 0));
  };
  const auto state_of = [&](const double* now) {
    progress state;
    state.iteration = end.iterations;
    state.residual = look(now);
    if (observer.needs(criterion::needs_change) && end.iterations > 0) {
      blas1::norm2(ex, systems, p, pq);  // the step alpha p is not in x yet
      sum_processes(ex, o, pq, systems);
      const auto squares = to_vector(ex, pq, systems), a0 = to_vector(ex, alpha, systems);
      blas1::norm2(ex, systems, x, pq);
      sum_processes(ex, o, pq, systems);
      const auto of = to_vector(ex, pq, systems);
      state.change = 0;
      for (std::size_t i = 0; i < of.size(); ++i)
        state.change = std::max(state.change, relative(a0[i] * a0[i] * squares[i], of[i]));
    }
    if (tells_objective) {
      state.objective = 0;
      for (const double g : to_vector(ex, gain, systems)) state.objective -= g / 2;
    }
    return state;
  };

  if (o.tolerance > 0) end.converged = look(rr) <= o.tolerance;
  while (end.iterations < observer.limit() && !end.converged) {
    advance();
    sum_processes(ex, o, pq, systems);
    launch::segments(ex, systems, cg_alpha{alpha, rr, pq, limit});
    launch::sums(ex, systems, n, cg_residual<C>{r.data(), q.data(), alpha, n}, rr_new);
    sum_processes(ex, o, rr_new, systems);
    launch::segments(ex, systems, cg_beta{beta, rr, rr_new, alpha, gain});
    std::swap(rr, rr_new);
    ++end.iterations;
    if (observer.due(end.iterations)) {
      if (observer.needs(criterion::needs_change) && !end.breakdown) note_breakdown(rr);
      if (observer.stops(end, state_of(rr))) break;
    }
  }
  sweep.beta = nullptr;  // what is left to do for x
  update();
  if (o.quiet) return end;
  (void)look(rr);
  if (end.iterations > 0 && !end.breakdown) note_breakdown(rr);
  return end;
}

template <class A, TensorView B, TensorView X>
constexpr bool assert_square() {
  static_assert(A::domain_rank == A::range_rank,
                "cardiomm: cg needs an operator with equal domain and range: gram(A), or gram(A) + "
                "lambda * identity");
  return A::domain_rank == A::range_rank && linop::detail::assert_operand<A, A::domain_rank, B>() &&
         linop::detail::assert_operand<A, A::domain_rank, X>();
}
}  // namespace detail

/// Solves A x = b, starting from the contents of x; b becomes the residual, which saves a vector.
/// b, x (domain of A), not overlapping. Throws shape_error or value_error for arguments that do not
/// fit.
template <class A, TensorView B, TensorView X>
requires linop::OperatorLike<A> report cg_in_place(const typename A::execution_space& ex,
                                                   const A& a, const B& b, const X& x,
                                                   const cg_options& options = {}) {
  if constexpr (detail::assert_square<A, B, X>())
    return detail::run_cg(ex, a, b, x, options);
  else
    return {};
}

/// Solves A x = b, starting from the contents of x; as cg_in_place, but leaves b as it is.
template <class A, TensorView B, TensorView X>
requires linop::OperatorLike<A> report cg(const typename A::execution_space& ex, const A& a,
                                          const B& b, const X& x, const cg_options& options = {}) {
  if constexpr (detail::assert_square<A, B, X>()) {
    using Ex = typename A::execution_space;
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const auto r = scratch.template tensor<linop::value_of<A>>(shape_of(b));
    linop::detail::copy_into(ex, b, r, linop::accumulation<linop::value_of<A>>{});
    return detail::run_cg(ex, a, r, x, options);
  } else {
    return {};
  }
}

/// Solves A x = b, starting from zero; returns x.
template <class A, TensorView B>
requires linop::OperatorLike<A>
auto cg(const A& a, const B& b, const cg_options& options = {}) {
  if constexpr (detail::assert_square<A, B, B>()) {
    const typename A::execution_space ex;
    auto x = zeros<linop::value_of<A>>(ex, shape_of(b), "cardiomm::cg");
    cg_options from_zero = options;
    from_zero.zero_start = true;
    cg(ex, a, b, x, from_zero);
    return x;
  }
}

/// A regulariser in the place of the operator: one sentence, see docs/errors.md.
template <class P, TensorView B>
requires prox::ProxLike<P>
auto cg(const P&, const B& b, const cg_options& = {}) {
  static_assert(cardiomm::detail::mistaken<P>,
                "cardiomm: cg needs a linear operator, and this is a proximal one; regularisers go "
                "to fista(gram(A), P, b), admm or pdhg");
  return b;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::solve

#endif
