// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_SOLVE_SCALARS_HPP
#define CARDIOMM_SOLVE_SCALARS_HPP
/// \file
/// What solvers do with the few numbers that steer them.

#include <cmath>
#include <vector>

#include "cardiomm/core/blas1.hpp"
#include "cardiomm/linop/gram.hpp"
#include "cardiomm/prox/concept.hpp"

namespace cardiomm::inline CARDIOMM_ABI::solve::detail {

/// Small arrays of the space, seen by the host (waits).
template <class V, ExecutionSpace Ex>
std::vector<V> to_vector(const Ex& ex, const V* data, index_t n) {
  ex.fence();
  if constexpr (launch::on_host<Ex>) {
    return std::vector<V>(data, data + n);
  } else {
    std::vector<V> out(static_cast<std::size_t>(n));
    Kokkos::deep_copy(host_view<V, 1>(out.data(), out.size()), borrow(ex, data, shape{n}));
    return out;
  }
}

struct fill_kernel {
  static constexpr const char* name = "cardiomm::solve::fill";
  double* out;
  double value;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) out[i] = value;
  }
};
template <ExecutionSpace Ex>
void fill(const Ex& ex, double* out, index_t n, double value) {
  launch::segments(ex, n, fill_kernel{out, value});
}

/// sqrt(squares / of), 0 where both are 0, infinite where only `of` is.
inline double relative(double squares, double of) {
  return squares == 0 ? 0 : std::sqrt(squares / of);
}

/// Re <x, n / 2 - b>
template <class C>
struct quadratic_kernel {
  static constexpr const char* name = "cardiomm::solve::quadratic";
  const C* x;
  const C* nx;
  const C* b;
  KOKKOS_INLINE_FUNCTION double operator()(index_t, index_t first, index_t last) const {
    const auto* xs = blas1::detail::reals(x);
    const auto* ns = blas1::detail::reals(nx);
    const auto* bs = blas1::detail::reals(b);
    return blas1::detail::strand_sum(2 * first, 2 * last, [=](index_t i) {
      return double(xs[i]) * (double(ns[i]) / 2 - double(bs[i]));
    });
  }
};
/// 1/2 <x, N x> - Re <b, x>, brought to the host.
template <ExecutionSpace Ex, TensorView X, TensorView NX, TensorView B>
double quadratic(const Ex& ex, const X& x, const NX& nx, const B& b) {
  return prox::detail::total(ex, static_cast<index_t>(x.size()),
                             quadratic_kernel<element_of<X>>{x.data(), nx.data(), b.data()});
}

/// A normal operator, a proximal operator and two tensors that fit each other, or one sentence.
template <class N, class P, TensorView B, TensorView X>
constexpr bool assert_problem() {
  static_assert(N::domain_rank == N::range_rank,
                "cardiomm: this solver needs an operator with equal domain and range: gram(A)");
  static_assert(N::domain_rank == P::rank,
                "cardiomm: the proximal operator's rank is not that of the images of gram(A)");
  return N::domain_rank == N::range_rank && N::domain_rank == P::rank &&
         linop::assert_operator<N>() && prox::assert_prox<P>() &&
         linop::detail::assert_operand<N, N::domain_rank, B>() &&
         linop::detail::assert_operand<N, N::domain_rank, X>() &&
         prox::detail::assert_operand<P, X>();
}

}  // namespace cardiomm::inline CARDIOMM_ABI::solve::detail

#endif
