// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_SOLVE_DIRECT_HPP
#define CARDIOMM_SOLVE_DIRECT_HPP
/// \file
/// Solutions without iteration, where the type of the operator allows one:
///
///     auto A = uniform_mask<float>(ny, 4) * fourier * sensitivity(s);
///     auto x = solve::direct(gram(A) + lambda * identity, adjoint(A) * y);   // Cartesian SENSE

#include "cardiomm/linop/concept.hpp"

namespace cardiomm::inline CARDIOMM_ABI::solve {

/// Operators that bring their inverse as `solve(ex, b, x)`.
template <class A>
concept Solvable = linop::OperatorLike<A> && A::domain_rank ==
                   A::range_rank&& requires(const A& a, const typename A::execution_space& ex,
                                            linop::range_in<A> b, linop::domain_out<A> x) {
  a.solve(ex, b, x);
};

/// x = A^-1 b. Throws shape_error for tensors that do not fit.
template <class A, TensorView B, TensorView X>
requires linop::OperatorLike<A>
void direct(const typename A::execution_space& ex, const A& a, const B& b, const X& x) {
  static_assert(Solvable<A>,
                "cardiomm: no direct solution is known for this operator; use solve::cg. There is "
                "one for gram(uniform_mask * fourier * sensitivity) + lambda * identity");
  if constexpr (Solvable<A> && linop::detail::assert_operand<A, A::range_rank, B>() &&
                linop::detail::assert_operand<A, A::domain_rank, X>()) {
    auto d = shape_of(x);
    auto r = shape_of(b);
    a.unify(d, r);
    a.solve(ex, b, x);
  }
}

/// A^-1 b as a new tensor.
template <class A, TensorView B>
requires linop::OperatorLike<A>
auto direct(const A& a, const B& b) {
  const typename A::execution_space ex;
  auto x = make_tensor<linop::value_of<A>>(ex, a.domain_for(shape_of(b)), "cardiomm::direct");
  direct(ex, a, b, x);
  return x;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::solve

#endif
