// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_SOLVE_CG_HPP
#define CARDIOMM_SOLVE_CG_HPP
/// \file
/// Conjugate gradients for A x = b with a Hermitian positive (semi-)definite A (Hestenes and
/// Stiefel 1952), for one system or for many independent ones at once.
///
/// Cost of an iteration, in vectors of the size of x: one A, 8 reads and 3 writes. Memory: r, p, q
/// from the workspace. The scalars of the systems stay in the memory of the space; nothing is
/// allocated, copied or waited for inside the loop, except every `check_every` iterations when a
/// tolerance or a monitor asks for the residual. Sums are accumulated in double.

#include <algorithm>
#include <cmath>
#include <functional>

#include "cardiomm/core/blas1.hpp"
#include "cardiomm/linop/expression.hpp"
#include "cardiomm/solve/monitor.hpp"

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
  solve::monitor monitor{};  ///< hears of them
  /// Where several processes hold parts of the same systems: adds host numbers over all of them, in
  /// place (dist::communicator::sum). Every process calls cg with the same options; a part is not
  /// empty. Left out: one process holds everything.
  std::function<void(double* numbers, index_t count)> sum{};
};

namespace detail {

/// x += alpha p, r -= alpha q with alpha = rr / pq; returns the part of the new |r|^2.
template <class C>
struct cg_step {
  static constexpr const char* name = "cardiomm::solve::cg_step";
  C* x;
  C* r;
  const C* p;
  const C* q;
  const double* rr;
  const double* pq;
  const double* limit;
  index_t n;
  KOKKOS_INLINE_FUNCTION double operator()(index_t b, index_t first, index_t last) const {
    using T = real_of<C>;
    const bool go = rr[b] > limit[b] && pq[b] > 0;
    const T alpha = go ? T(rr[b] / pq[b]) : T(0);
    auto* xb = blas1::detail::reals(x + b * n);
    auto* rb = blas1::detail::reals(r + b * n);
    const auto* pb = blas1::detail::reals(p + b * n);
    const auto* qb = blas1::detail::reals(q + b * n);
    return blas1::detail::strand_sum(2 * first, 2 * last, [=](index_t i) {
      xb[i] += alpha * pb[i];
      const T left = rb[i] - alpha * qb[i];
      rb[i] = left;
      return double(left) * double(left);
    });
  }
};

/// p = r + beta p with beta = new / old
template <class C>
struct cg_direction {
  static constexpr const char* name = "cardiomm::solve::cg_direction";
  C* p;
  const C* r;
  const double* rr_old;
  const double* rr_new;
  index_t n;
  index_t chunks;
  index_t chunk;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    using T = real_of<C>;
    const index_t b = row / chunks, start = (row - b * chunks) * chunk;
    const T beta = rr_old[b] > 0 ? T(rr_new[b] / rr_old[b]) : T(0);
    auto* pb = blas1::detail::reals(p + b * n);
    const auto* rb = blas1::detail::reals(r + b * n);
    const index_t end = start + last < n ? start + last : n;
    for (index_t i = 2 * (start + first); i < 2 * end; ++i) pb[i] = rb[i] + beta * pb[i];
  }
};

/// limit = tolerance^2 |b|^2
struct cg_limit {
  static constexpr const char* name = "cardiomm::solve::cg_limit";
  double* limit;
  const double* bb;
  double factor;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) limit[i] = factor * bb[i];
  }
};

/// Small arrays of the space, seen by the host.
template <class V, ExecutionSpace Ex>
std::vector<V> to_vector(const Ex& ex, const V* data, index_t n) {
  std::vector<V> out(static_cast<std::size_t>(n));
  ex.fence();
  Kokkos::View<V*, Kokkos::HostSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>> host(out.data(),
                                                                                    out.size());
  Kokkos::View<const V*, typename Ex::memory_space, Kokkos::MemoryTraits<Kokkos::Unmanaged>> there(
      data, out.size());
  Kokkos::deep_copy(host, there);
  return out;
}

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

template <class A, TensorView B, TensorView X>
report run_cg(const typename A::execution_space& ex, const A& a, const B& b, const X& x,
              const cg_options& o) {
  using Ex = typename A::execution_space;
  using C = linop::value_of<A>;
  constexpr int R = A::domain_rank;
  require(o.iterations >= 0, "cg: iterations: expected at least 0, found ", o.iterations);
  require(o.tolerance >= 0, "cg: tolerance: expected at least 0, found ", o.tolerance);
  require(o.batch_axes >= 0 && o.batch_axes <= R, "cg: batch_axes: expected 0 to ", R, ", found ",
          o.batch_axes);
  require(o.check_every > 0, "cg: check_every: expected a positive number, found ", o.check_every);
  const shape<R> s = shape_of(x);
  require<shape_error>(shape_of(b) == s, "cg: expected b of shape ", s, ", found ", shape_of(b));
  index_t systems = 1;
  for (int i = 0; i < o.batch_axes; ++i) systems *= s[i];
  const index_t size = s.size(), n = systems > 0 ? size / systems : 0;

  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  const auto r = scratch.template tensor<C>(s);
  const auto p = scratch.template tensor<C>(s);
  const auto q = scratch.template tensor<C>(s);
  double* rr = scratch.template take<double>(systems);
  double* rr_new = scratch.template take<double>(systems);
  double* bb = scratch.template take<double>(systems);
  double* limit = scratch.template take<double>(systems);
  double* pq = scratch.template take<double>(systems);

  report end;
  if (size == 0) return end;
  linop::detail::copy_into(ex, b, r, linop::accumulation<C>{});
  blas1::norm2(ex, systems, r, bb);
  sum_processes(ex, o, bb, systems);
  if (!o.zero_start) linop::apply(ex, a, x, r, {C(-1), true});
  linop::detail::copy_into(ex, r, p, linop::accumulation<C>{});
  blas1::norm2(ex, systems, r, rr);
  sum_processes(ex, o, rr, systems);
  launch::segments(ex, systems, cg_limit{limit, bb, o.tolerance * o.tolerance});

  const index_t chunk = launch::on_host<Ex> ? std::min<index_t>(n, 8192) : n;
  const index_t chunks = (n + chunk - 1) / chunk;
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
  const bool listened = o.tolerance > 0 || o.monitor;

  if (o.tolerance > 0) end.converged = look(rr) <= o.tolerance;
  while (end.iterations < o.iterations && !end.converged) {
    linop::apply(ex, a, p, q);
    blas1::real_dot(ex, systems, p, q, pq);
    sum_processes(ex, o, pq, systems);
    launch::sums(ex, systems, n,
                 cg_step<C>{x.data(), r.data(), p.data(), q.data(), rr, pq, limit, n}, rr_new);
    sum_processes(ex, o, rr_new, systems);
    launch::rows(ex, systems * chunks, chunk,
                 cg_direction<C>{p.data(), r.data(), rr, rr_new, n, chunks, chunk});
    std::swap(rr, rr_new);
    ++end.iterations;
    if (listened && (end.iterations % o.check_every == 0 || end.iterations == o.iterations)) {
      const double worst = look(rr);
      end.converged = o.tolerance > 0 && worst <= o.tolerance;
      if (o.monitor && !o.monitor({end.iterations, o.iterations, worst})) {
        end.interrupted = true;
        break;
      }
    }
  }
  (void)look(rr);
  if (end.iterations > 0) {
    const auto curvature = to_vector(ex, pq, systems), left = to_vector(ex, rr, systems),
               stop = to_vector(ex, limit, systems);
    for (std::size_t i = 0; i < left.size(); ++i)
      end.breakdown = end.breakdown || (left[i] > stop[i] && !(curvature[i] > 0));
  }
  return end;
}
}  // namespace detail

/// Solves A x = b, starting from the contents of x. b, x (domain of A), not overlapping. Throws
/// shape_error or value_error for arguments that do not fit.
template <class A, TensorView B, TensorView X>
requires linop::OperatorLike<A> report cg(const typename A::execution_space& ex, const A& a,
                                          const B& b, const X& x, const cg_options& options = {}) {
  static_assert(A::domain_rank == A::range_rank,
                "cardiomm: cg needs an operator with equal domain and range: gram(A), or gram(A) + "
                "lambda * identity");
  if constexpr (A::domain_rank == A::range_rank &&
                linop::detail::assert_operand<A, A::domain_rank, B>() &&
                linop::detail::assert_operand<A, A::domain_rank, X>())
    return detail::run_cg(ex, a, b, x, options);
  else
    return {};
}

/// Solves A x = b, starting from zero; returns x.
template <class A, TensorView B>
requires linop::OperatorLike<A>
auto cg(const A& a, const B& b, const cg_options& options = {}) {
  static_assert(A::domain_rank == A::range_rank,
                "cardiomm: cg needs an operator with equal domain and range: gram(A), or gram(A) + "
                "lambda * identity");
  if constexpr (A::domain_rank == A::range_rank &&
                linop::detail::assert_operand<A, A::domain_rank, B>()) {
    const typename A::execution_space ex;
    auto x = zeros<linop::value_of<A>>(ex, shape_of(b), "cardiomm::cg");
    cg_options from_zero = options;
    from_zero.zero_start = true;
    detail::run_cg(ex, a, b, x, from_zero);
    return x;
  }
}

}  // namespace cardiomm::inline CARDIOMM_ABI::solve

#endif
