// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_MISTAKES_HPP
#define CARDIOMM_LINOP_MISTAKES_HPP
/// \file
/// Overloads for what is easily written by mistake: each stops the compiler with one sentence,
/// where it would list every `operator*` it knows instead. docs/errors.md quotes them. They take
/// types that no other overload takes, so correct code never meets them.

#include <complex>

#include "cardiomm/linop/expression.hpp"

namespace cardiomm::inline CARDIOMM_ABI {

namespace detail {
/// False, but known only when T is.
template <class T>
inline constexpr bool mistaken = false;
}  // namespace detail

template <class T, int R>
auto zeros(const shape<R>&) {
  static_assert(
      detail::mistaken<T>,
      "cardiomm: zeros needs the execution space first: zeros<T>(default_space(), shape), "
      "or host_space()");
  return host_tensor<T, R>();
}
template <class T, int R>
auto make_tensor(const shape<R>&) {
  static_assert(detail::mistaken<T>,
                "cardiomm: make_tensor needs the execution space first: "
                "make_tensor<T>(default_space(), shape), or host_space()");
  return host_tensor<T, R>();
}

namespace linop {

/// A View that is no tensor: its layout is another one.
template <class V>
concept ForeignView = compat::is_view<V> && !TensorView<V>;

template <class A, ForeignView V>
requires OperatorLike<A>
auto operator*(const A& a, const V&) {
  static_assert(cardiomm::detail::mistaken<V>,
                "cardiomm: the layout of this View is not LayoutRight, where x, the readout, is "
                "contiguous; copy it into a tensor<T, rank>");
  return a;
}
template <TensorView V, class A>
requires OperatorLike<A> || Token<A>
auto operator*(const V&, const A& a) {
  static_assert(
      cardiomm::detail::mistaken<V>,
      "cardiomm: a tensor stands left of an operator; A * x applies A to x, and a tensor "
      "becomes an operator by line_mask(m), point_mask(m), sensitivity(s) or diagonal(d)");
  return a;
}
template <class A, ScalarFactor S>
requires OperatorLike<A>
auto operator+(const A& a, const S&) {
  static_assert(cardiomm::detail::mistaken<S>,
                "cardiomm: a number cannot be added to an operator; did you mean A + lambda * "
                "identity?");
  return a;
}
template <ScalarFactor S, class A>
requires OperatorLike<A>
auto operator+(const S& s, const A& a) { return a + s; }
template <class A, ScalarFactor S>
requires OperatorLike<A>
auto operator-(const A& a, const S& s) { return a + s; }
template <class T, class A>
requires OperatorLike<A>
auto operator*(const std::complex<T>&, const A& a) {
  static_assert(cardiomm::detail::mistaken<T>,
                "cardiomm: complex factors of operators are cardiomm::complex<T>, not "
                "std::complex<T>");
  return a;
}

}  // namespace linop
}  // namespace cardiomm::inline CARDIOMM_ABI

#endif
