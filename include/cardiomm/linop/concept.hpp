// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_CONCEPT_HPP
#define CARDIOMM_LINOP_CONCEPT_HPP
/// \file
/// What a linear operator is.
///
/// An operator A maps tensors of shape `domain()` to tensors of shape `range()`. Extents may be
/// `open`: they are settled by `unify` when operators are joined, or by the data. An implementer
/// derives from `linear_operator<Self, T, DomainRank, RangeRank, Space>` and writes
///
///     void unify(shape<DomainRank>& d, shape<RangeRank>& r) const;   // settle open extents or
///     throw void apply(ex, x, y, acc) const;                               // y = A x,   or y +=
///     alpha A x void apply_adjoint(ex, y, x, acc) const;                       // x = A^H y, or x
///     += alpha A^H y const void* id() const;                                        // same
///     pointer = same numbers
///
/// and, where they hold, the flags below. Users call `A * x`, `A(x)` or `linop::apply(ex, A, x,
/// y)`, which check shapes and overlap once and then dispatch. Inner product: <x, y> = sum conj(x)
/// y.

#include <concepts>
#include <utility>

#include "cardiomm/core/launch.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

/// How a result reaches its destination: y = alpha v, or y += alpha v.
template <class C>
struct accumulation {
  C alpha = C(1);
  bool add = false;

  /// True for a plain y = v.
  constexpr bool plain() const { return !add && alpha == C(1); }
  /// The same destination rule with a further factor.
  constexpr accumulation times(C s) const { return {s * alpha, add}; }

  KOKKOS_FORCEINLINE_FUNCTION void put(C& y, const C& v) const {
    const C w = mul(alpha, v);
    y = add ? C(y.real() + w.real(), y.imag() + w.imag()) : w;
  }
};

/// Every operator derives from it; tokens such as `fourier` do not.
struct operator_tag {};
/// Tokens take ranks and types from their neighbours.
struct token_tag {};

/// Static properties; an operator overrides those that hold.
struct operator_flags {
  static constexpr bool unitary = false;       ///< A^H A = A A^H = 1
  static constexpr bool self_adjoint = false;  ///< A^H = A
  static constexpr bool idempotent = false;    ///< A A = A
  static constexpr bool is_diagonal = false;   ///< a multiplication element by element
  static constexpr bool inplace_ok = false;    ///< x and y may be the same tensor
};

template <class A>
concept OperatorLike = std::derived_from<std::remove_cvref_t<A>, operator_tag>;
template <class A>
concept Token = std::derived_from<std::remove_cvref_t<A>, token_tag>;

template <OperatorLike A>
using value_of = typename std::remove_cvref_t<A>::value_type;
template <class A>
using domain_shape = shape<A::domain_rank>;
template <class A>
using range_shape = shape<A::range_rank>;
/// What apply reads and writes: borrowed tensors.
template <class A>
using domain_in = view<const typename A::value_type, A::domain_rank, typename A::execution_space>;
template <class A>
using domain_out = view<typename A::value_type, A::domain_rank, typename A::execution_space>;
template <class A>
using range_in = view<const typename A::value_type, A::range_rank, typename A::execution_space>;
template <class A>
using range_out = view<typename A::value_type, A::range_rank, typename A::execution_space>;
template <class A>
using acc_of = accumulation<typename A::value_type>;

template <class A>
concept HasApply = requires(const A& a, const typename A::execution_space& ex, domain_in<A> x,
                            range_out<A> y, acc_of<A> acc) {
  a.apply(ex, x, y, acc);
};
template <class A>
concept HasAdjoint = requires(const A& a, const typename A::execution_space& ex, range_in<A> y,
                              domain_out<A> x, acc_of<A> acc) {
  a.apply_adjoint(ex, y, x, acc);
};
template <class A>
concept HasUnify = requires(const A& a, domain_shape<A>& d, range_shape<A>& r) {
  a.unify(d, r);
};
template <class A>
concept HasId = requires(const A& a) {
  { a.id() } -> std::convertible_to<const void*>;
};

/// The contract; see the top of this file.
template <class A>
concept LinearOperator = OperatorLike<A> && ExecutionSpace<typename A::execution_space> &&
    HasApply<A> && HasAdjoint<A> && HasUnify<A> && HasId<A>;

/// Turns a broken contract into one sentence, at the first use of the operator.
template <class A>
constexpr bool assert_operator() {
  static_assert(HasApply<A>,
                "cardiomm: this operator lacks `apply(ex, x, y, acc) const`; add it (see "
                "linop/concept.hpp)");
  static_assert(HasAdjoint<A>,
                "cardiomm: this operator lacks `apply_adjoint(ex, y, x, acc) const`; add it (see "
                "linop/concept.hpp)");
  static_assert(HasUnify<A>,
                "cardiomm: this operator lacks `unify(domain_shape, range_shape) const`; add it "
                "(see linop/concept.hpp)");
  static_assert(HasId<A>,
                "cardiomm: this operator lacks `id() const`; return the address of its "
                "numbers (see linop/concept.hpp)");
  return LinearOperator<A>;
}

/// Makes two extents equal, either of which may be open. Throws shape_error if they differ.
inline void merge(index_t& a, index_t& b, const char* who, const char* axis) {
  if (a == open)
    a = b;
  else if (b == open)
    b = a;
  else
    require<shape_error>(a == b, who, ": ", axis, ": expected equal extents, found ", a, " and ",
                         b);
}

/// Makes two shapes equal, extent by extent.
template <int R>
void merge(shape<R>& a, shape<R>& b, const char* who) {
  const shape<R> a0 = a, b0 = b;
  for (int i = 0; i < R; ++i) {
    require<shape_error>(a[i] == open || b[i] == open || a[i] == b[i], who, ": expected shape ", a0,
                         ", found ", b0);
    if (a[i] == open) a[i] = b[i];
    b[i] = a[i];
  }
}

/// Base of operators: types, shapes and the call operator.
template <class Self, class T, int DomainRank, int RangeRank, ExecutionSpace Space>
struct linear_operator : operator_tag, operator_flags {
  using real_type = T;
  using value_type = complex<T>;
  using execution_space = Space;
  static constexpr int domain_rank = DomainRank;
  static constexpr int range_rank = RangeRank;

  /// Shape of x in A x; open extents are taken from the data.
  shape<DomainRank> domain() const { return shapes().first; }
  /// Shape of A x.
  shape<RangeRank> range() const { return shapes().second; }
  /// Shape of A x for an x of shape d. Throws shape_error if d does not fit.
  shape<RangeRank> range_for(shape<DomainRank> d) const {
    auto r = shape<RangeRank>::all_open();
    self().unify(d, r);
    require<shape_error>(r.resolved(), Self::name, ": the range ", r, " of the domain ", d,
                         " is not settled; give the operator its extents");
    return r;
  }
  /// Shape of A^H y for a y of shape r. Throws shape_error if r does not fit.
  shape<DomainRank> domain_for(shape<RangeRank> r) const {
    auto d = shape<DomainRank>::all_open();
    self().unify(d, r);
    require<shape_error>(d.resolved(), Self::name, ": the domain ", d, " of the range ", r,
                         " is not settled; give the operator its extents");
    return d;
  }
  /// A x as a new tensor, on the default instance of the space.
  template <TensorView X>
  auto operator()(const X& x) const;

 private:
  const Self& self() const { return static_cast<const Self&>(*this); }
  std::pair<shape<DomainRank>, shape<RangeRank>> shapes() const {
    auto d = shape<DomainRank>::all_open();
    auto r = shape<RangeRank>::all_open();
    self().unify(d, r);
    return {d, r};
  }
};

namespace detail {
template <TensorView X, TensorView Y>
bool overlap(const X& x, const Y& y) {
  const auto* x0 = reinterpret_cast<const char*>(x.data());
  const auto* y0 = reinterpret_cast<const char*>(y.data());
  return x0 < y0 + y.size() * sizeof(*y.data()) && y0 < x0 + x.size() * sizeof(*x.data());
}

template <class A, int R, TensorView X>
constexpr bool assert_operand() {
  static_assert(rank_of<X> == R,
                "cardiomm: the tensor's rank is not the operator's; images are (frame, slice, y, "
                "x), k-space is (frame, slice, coil, y, x), extents of 1 are free");
  static_assert(std::is_same_v<element_of<X>, value_of<A>>,
                "cardiomm: the tensor's element type is not the operator's complex<T>; convert "
                "the data or build the operator in the other precision");
  static_assert(
      Kokkos::SpaceAccessibility<typename A::execution_space, typename X::memory_space>::accessible,
      "cardiomm: the tensor lives in memory that the operator's execution space cannot "
      "reach; move it with to_space(ex, x)");
  return rank_of<X> == R && std::is_same_v<element_of<X>, value_of<A>>;
}
}  // namespace detail

/// y = A x (or accumulated). Throws shape_error if shapes do not fit, value_error if x and y
/// overlap although A does not work in place.
template <class A, TensorView X, TensorView Y>
requires OperatorLike<A>
void apply(const typename A::execution_space& ex, const A& a, const X& x, const Y& y,
           acc_of<A> acc = {}) {
  if constexpr (assert_operator<A>() && detail::assert_operand<A, A::domain_rank, X>() &&
                detail::assert_operand<A, A::range_rank, Y>()) {
    auto d = shape_of(x);
    auto r = shape_of(y);
    a.unify(d, r);
    require(!detail::overlap(x, y) || (A::inplace_ok && (const void*)x.data() == y.data()), A::name,
            ": expected separate input and output, found overlapping ones");
    a.apply(ex, x, y, acc);
  }
}

/// x = A^H y (or accumulated); checks as in apply.
template <class A, TensorView Y, TensorView X>
requires OperatorLike<A>
void apply_adjoint(const typename A::execution_space& ex, const A& a, const Y& y, const X& x,
                   acc_of<A> acc = {}) {
  if constexpr (assert_operator<A>() && detail::assert_operand<A, A::range_rank, Y>() &&
                detail::assert_operand<A, A::domain_rank, X>()) {
    auto d = shape_of(x);
    auto r = shape_of(y);
    a.unify(d, r);
    require(!detail::overlap(x, y) || (A::inplace_ok && (const void*)x.data() == y.data()), A::name,
            ": expected separate input and output, found overlapping ones");
    a.apply_adjoint(ex, y, x, acc);
  }
}

/// A x as a new tensor.
template <class A, TensorView X>
requires OperatorLike<A>
auto evaluate(const typename A::execution_space& ex, const A& a, const X& x) {
  if constexpr (assert_operator<A>() && detail::assert_operand<A, A::domain_rank, X>()) {
    auto y = make_tensor<value_of<A>>(ex, a.range_for(shape_of(x)), "cardiomm::result");
    apply(ex, a, x, y);
    return y;
  }
}

template <class Self, class T, int DomainRank, int RangeRank, ExecutionSpace Space>
template <TensorView X>
auto linear_operator<Self, T, DomainRank, RangeRank, Space>::operator()(const X& x) const {
  return evaluate(Space(), self(), x);
}

/// A * x
template <class A, TensorView X>
requires OperatorLike<A>
auto operator*(const A& a, const X& x) { return evaluate(typename A::execution_space(), a, x); }

/// Random instances for the shared property checks: a specialisation has
/// `static Op make(const Space&, size_class, seed)` and `static shape<> domain(size_class)`.
enum class size_class { tiny, odd, multiple_of_four, wide, singleton };
inline constexpr size_class all_sizes[] = {size_class::tiny, size_class::odd,
                                           size_class::multiple_of_four, size_class::wide,
                                           size_class::singleton};
template <class Op>
struct specimen;
/// The operators of a header, for the generated tests.
template <class... Ops>
struct type_list {};

/// Shape (frame, slice, coil, y, x) of specimens.
constexpr shape<5> specimen_kspace(size_class s) {
  switch (s) {
    case size_class::tiny:
      return {{2, 1, 2, 4, 4}};
    case size_class::odd:
      return {{3, 2, 3, 7, 9}};
    case size_class::multiple_of_four:
      return {{2, 1, 4, 12, 16}};
    case size_class::wide:
      return {{1, 2, 2, 10, 37}};
    case size_class::singleton:
      return {{1, 1, 1, 6, 1}};
  }
  return {{1, 1, 1, 1, 1}};
}
/// Shape (frame, slice, y, x) of specimens.
constexpr shape<4> specimen_image(size_class s) {
  const shape<5> k = specimen_kspace(s);
  return {{k[0], k[1], k[3], k[4]}};
}

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
