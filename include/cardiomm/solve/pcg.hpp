// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_SOLVE_PCG_HPP
#define CARDIOMM_SOLVE_PCG_HPP
/// \file
/// Preconditioned conjugate gradients: A x = b with an operator M that is self-adjoint, positive
/// definite and close to the inverse of A (a diagonal, a circulant F^H D F, ...).
///
/// Cost of an iteration, in vectors of the size of x: one A, one M, 9 reads and 3 writes. Memory:
/// r, z, p, q. Everything else is as in cg.hpp, whose options it shares: systems in batches,
/// scalars in the memory of the space, systems that have arrived rest. The residual is |b - A x| /
/// |b|.

#include "cardiomm/solve/cg.hpp"

namespace cardiomm::inline CARDIOMM_ABI::solve {

namespace detail {
/// alpha = <r, z> / <p, q>; zero for a system that has arrived.
struct pcg_alpha {
  static constexpr const char* name = "cardiomm::solve::pcg_alpha";
  double* alpha;
  const double* rr;
  const double* rz;
  const double* pq;
  const double* limit;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t b = first; b < last; ++b)
      alpha[b] = rr[b] > limit[b] && pq[b] > 0 ? rz[b] / pq[b] : 0;
  }
};

template <class A, class M, TensorView B, TensorView X>
report run_pcg(const typename A::execution_space& ex, const A& a, const M& m, const B& b,
               const X& x, const cg_options& o) {
  using Ex = typename A::execution_space;
  using C = linop::value_of<A>;
  constexpr int R = A::domain_rank;
  watch observer("pcg", o, o.tolerance > 0 ? relative_residual(o.tolerance) : criterion());
  require(o.batch_axes >= 0 && o.batch_axes <= R, "pcg: batch_axes: expected 0 to ", R, ", found ",
          o.batch_axes);
  const shape<R> s = shape_of(x);
  require<shape_error>(shape_of(b) == s, "pcg: expected b of shape ", s, ", found ", shape_of(b));
  index_t systems = 1;
  for (int i = 0; i < o.batch_axes; ++i) systems *= s[i];
  const index_t size = s.size(), n = systems > 0 ? size / systems : 0;
  report end;
  if (size == 0) return end;
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  const auto vector = [&] { return scratch.template tensor<C>(s); };
  const auto r = vector(), z = vector(), p = vector(), q = vector();
  const auto scalars = [&] { return scratch.template take<double>(systems); };
  double *rr = scalars(), *bb = scalars(), *limit = scalars(), *rz = scalars(), *rz_new = scalars();
  double *pq = scalars(), *alpha = scalars(), *beta = scalars();

  linop::detail::copy_into(ex, b, r, linop::accumulation<C>{});
  blas1::norm2(ex, systems, r, bb);
  sum_processes(ex, o, bb, systems);
  if (!o.zero_start) linop::apply(ex, a, x, r, {C(-1), true});
  blas1::norm2(ex, systems, r, rr);
  sum_processes(ex, o, rr, systems);
  launch::segments(ex, systems, cg_start{limit, alpha, beta, bb, o.tolerance * o.tolerance});
  linop::apply(ex, m, r, z);
  blas1::real_dot(ex, systems, r, z, rz);
  sum_processes(ex, o, rz, systems);

  linop::cg_sweep<C> sweep;
  sweep.x = x.data();
  sweep.p = p.data();
  sweep.r = z.data();  // p = z + beta p
  sweep.alpha = alpha;
  sweep.beta = beta;
  const index_t chunk = launch::on_host<Ex> ? std::min<index_t>(n, 8192) : n;
  const index_t chunks = (n + chunk - 1) / chunk;
  const auto update = [&] {
    launch::rows(ex, systems * chunks, chunk, cg_direction<C>{sweep, n, chunks, chunk});
  };
  const auto look = [&] {
    const auto found = to_vector(ex, rr, systems), of = to_vector(ex, bb, systems);
    end.residual.resize(found.size());
    progress state;
    state.iteration = end.iterations;
    for (std::size_t i = 0; i < found.size(); ++i) {
      end.residual[i] = of[i] > 0 ? std::sqrt(found[i] / of[i]) : 0;
      state.residual = std::max(state.residual, end.residual[i]);
    }
    return state;
  };
  require(!observer.needs(criterion::needs_change | criterion::needs_objective),
          "pcg: stop: expected rules on residual, iterations and seconds, found change or plateau");
  if (o.tolerance > 0) end.converged = look().residual <= o.tolerance;
  while (end.iterations < observer.limit() && !end.converged) {
    update();
    linop::apply(ex, a, p, q);
    blas1::real_dot(ex, systems, p, q, pq);
    sum_processes(ex, o, pq, systems);
    launch::segments(ex, systems, pcg_alpha{alpha, rr, rz, pq, limit});
    launch::sums(ex, systems, n, cg_residual<C>{r.data(), q.data(), alpha, n}, rr);
    sum_processes(ex, o, rr, systems);
    linop::apply(ex, m, r, z);
    blas1::real_dot(ex, systems, r, z, rz_new);
    sum_processes(ex, o, rz_new, systems);
    launch::segments(ex, systems, cg_beta{beta, rz, rz_new, alpha, nullptr});
    std::swap(rz, rz_new);
    ++end.iterations;
    if (observer.due(end.iterations) && observer.stops(end, look())) break;
  }
  sweep.beta = nullptr;
  update();
  if (o.quiet) return end;
  (void)look();
  if (end.iterations > 0) {
    const auto curvature = to_vector(ex, pq, systems), left = to_vector(ex, rr, systems),
               stop = to_vector(ex, limit, systems);
    for (std::size_t i = 0; i < left.size(); ++i)
      end.breakdown = end.breakdown || (left[i] > stop[i] && !(curvature[i] > 0));
  }
  return end;
}
}  // namespace detail

/// Solves A x = b from the contents of x with the preconditioner M, about the inverse of A. b, x
/// (domain of A), not overlapping. Throws shape_error or value_error for arguments that do not fit.
template <class A, class M, TensorView B, TensorView X>
requires linop::OperatorLike<A> && linop::OperatorLike<M> report
pcg(const typename A::execution_space& ex, const A& a, const M& m, const B& b, const X& x,
    const cg_options& options = {}) {
  static_assert(A::domain_rank == M::domain_rank && M::domain_rank == M::range_rank,
                "cardiomm: pcg needs a preconditioner with the ranks of the operator");
  if constexpr (detail::assert_square<A, B, X>())
    return detail::run_pcg(ex, a, m, b, x, options);
  else
    return {};
}

}  // namespace cardiomm::inline CARDIOMM_ABI::solve

#endif
