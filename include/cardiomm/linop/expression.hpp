// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_EXPRESSION_HPP
#define CARDIOMM_LINOP_EXPRESSION_HPP
/// \file
/// Operators made of operators: `adjoint(A)`, `s * A`, `A + B`, `A - B`, `identity`, `zero`. Nodes
/// hold their operands by value; nothing is computed until a tensor arrives. Products are in
/// chain.hpp, A^H A is in gram.hpp.

#include "cardiomm/linop/concept.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

namespace detail {
template <class C>
struct copy_kernel {
  static constexpr const char* name = "cardiomm::linop::identity";
  const C* x;
  C* y;
  accumulation<C> acc;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) acc.put(y[i], x[i]);
  }
};
template <class C>
struct clear_kernel {
  static constexpr const char* name = "cardiomm::linop::zero";
  C* y;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) y[i] = C(0);
  }
};
/// y = alpha x or y += alpha x
template <ExecutionSpace Ex, class X, class Y, class C>
void copy_into(const Ex& ex, const X& x, const Y& y, accumulation<C> acc) {
  if (acc.plain() && x.data() == y.data()) return;
  launch::segments(ex, static_cast<index_t>(y.size()), copy_kernel<C>{x.data(), y.data(), acc});
}
}  // namespace detail

/// y = x; all extents open unless given.
template <class T, int R, ExecutionSpace Ex>
struct identity_op : linear_operator<identity_op<T, R, Ex>, T, R, R, Ex> {
  using base = linear_operator<identity_op<T, R, Ex>, T, R, R, Ex>;
  static constexpr const char* name = "identity";
  static constexpr bool unitary = true, self_adjoint = true, idempotent = true, is_diagonal = true,
                        inplace_ok = true;
  shape<R> extents = shape<R>::all_open();

  void unify(shape<R>& d, shape<R>& r) const {
    shape<R> own = extents;
    merge(own, d, name);
    merge(d, r, name);
  }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    detail::copy_into(ex, x, y, acc);
  }
  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    detail::copy_into(ex, y, x, acc);
  }
  const void* id() const { return name; }
};

/// y = 0.
template <class T, int DR, int RR, ExecutionSpace Ex>
struct zero_op : linear_operator<zero_op<T, DR, RR, Ex>, T, DR, RR, Ex> {
  using base = linear_operator<zero_op<T, DR, RR, Ex>, T, DR, RR, Ex>;
  static constexpr const char* name = "zero";
  static constexpr bool self_adjoint = DR == RR, idempotent = DR == RR, inplace_ok = DR == RR;
  shape<DR> from = shape<DR>::all_open();
  shape<RR> to = shape<RR>::all_open();

  void unify(shape<DR>& d, shape<RR>& r) const {
    shape<DR> f = from;
    shape<RR> t = to;
    merge(f, d, name);
    merge(t, r, name);
    if constexpr (DR == RR) merge(d, r, name);
  }
  void apply(const Ex& ex, domain_in<base>, range_out<base> y, acc_of<base> acc) const {
    clear(ex, y, acc);
  }
  void apply_adjoint(const Ex& ex, range_in<base>, domain_out<base> x, acc_of<base> acc) const {
    clear(ex, x, acc);
  }
  const void* id() const { return name; }

 private:
  template <class V>
  static void clear(const Ex& ex, const V& y, acc_of<base> acc) {
    if (!acc.add)
      launch::segments(ex, static_cast<index_t>(y.size()),
                       detail::clear_kernel<element_of<V>>{y.data()});
  }
};

/// A^H. `adjoint(adjoint(A))` is A.
template <class A>
struct adjoint_op : linear_operator<adjoint_op<A>, typename A::real_type, A::range_rank,
                                    A::domain_rank, typename A::execution_space> {
  using base = linear_operator<adjoint_op<A>, typename A::real_type, A::range_rank, A::domain_rank,
                               typename A::execution_space>;
  static constexpr const char* name = "adjoint";
  static constexpr bool unitary = A::unitary, is_diagonal = A::is_diagonal,
                        inplace_ok = A::inplace_ok, idempotent = A::idempotent;
  A operand;
  explicit adjoint_op(A a) : operand(std::move(a)) {}

  void unify(shape<A::range_rank>& d, shape<A::domain_rank>& r) const { operand.unify(r, d); }
  void apply(const typename A::execution_space& ex, domain_in<base> x, range_out<base> y,
             acc_of<base> acc) const {
    operand.apply_adjoint(ex, x, y, acc);
  }
  void apply_adjoint(const typename A::execution_space& ex, range_in<base> y, domain_out<base> x,
                     acc_of<base> acc) const {
    operand.apply(ex, y, x, acc);
  }
  const void* id() const { return operand.id(); }
};

/// s A with a complex number s.
template <class A>
struct scaled_op : linear_operator<scaled_op<A>, typename A::real_type, A::domain_rank,
                                   A::range_rank, typename A::execution_space> {
  using base = linear_operator<scaled_op<A>, typename A::real_type, A::domain_rank, A::range_rank,
                               typename A::execution_space>;
  using C = typename A::value_type;
  static constexpr const char* name = "scaled";
  static constexpr bool is_diagonal = A::is_diagonal, inplace_ok = A::inplace_ok;
  C factor;
  A operand;
  scaled_op(C s, A a) : factor(s), operand(std::move(a)) {}

  void unify(shape<A::domain_rank>& d, shape<A::range_rank>& r) const { operand.unify(d, r); }
  void apply(const typename A::execution_space& ex, domain_in<base> x, range_out<base> y,
             acc_of<base> acc) const {
    operand.apply(ex, x, y, acc.times(factor));
  }
  void apply_adjoint(const typename A::execution_space& ex, range_in<base> y, domain_out<base> x,
                     acc_of<base> acc) const {
    operand.apply_adjoint(ex, y, x, acc.times(Kokkos::conj(factor)));
  }
  const void* id() const { return this; }
};

/// A + B.
template <class A, class B>
struct sum_op : linear_operator<sum_op<A, B>, typename A::real_type, A::domain_rank, A::range_rank,
                                typename A::execution_space> {
  using base = linear_operator<sum_op<A, B>, typename A::real_type, A::domain_rank, A::range_rank,
                               typename A::execution_space>;
  static constexpr const char* name = "sum";
  static constexpr bool self_adjoint = A::self_adjoint && B::self_adjoint;
  A left;
  B right;
  sum_op(A a, B b) : left(std::move(a)), right(std::move(b)) { (void)this->domain(); }

  void unify(shape<A::domain_rank>& d, shape<A::range_rank>& r) const {
    left.unify(d, r);
    right.unify(d, r);
    left.unify(d, r);
  }
  void apply(const typename A::execution_space& ex, domain_in<base> x, range_out<base> y,
             acc_of<base> acc) const {
    left.apply(ex, x, y, acc);
    right.apply(ex, x, y, {acc.alpha, true});
  }
  void apply_adjoint(const typename A::execution_space& ex, range_in<base> y, domain_out<base> x,
                     acc_of<base> acc) const {
    left.apply_adjoint(ex, y, x, acc);
    right.apply_adjoint(ex, y, x, {acc.alpha, true});
  }
  const void* id() const { return this; }
};

/// `identity` before it knows rank, precision and space.
struct identity_token : token_tag {
  template <class T, int R, class Ex>
  static identity_op<T, R, Ex> bind() {
    return {};
  }
};
/// s * identity, not bound yet.
template <class S>
struct scaled_identity_token : token_tag {
  S factor;
};
struct zero_token : token_tag {};
inline constexpr identity_token identity;
inline constexpr zero_token zero;

template <class S>
concept ScalarFactor = std::is_arithmetic_v<S> || is_complex<S>;

namespace detail {
template <class C, class S>
constexpr C to_value(const S& s) {
  using T = real_of<C>;
  if constexpr (is_complex<S>)
    return C(static_cast<T>(s.real()), static_cast<T>(s.imag()));
  else
    return C(static_cast<T>(s), T(0));
}
template <class A>
struct is_adjoint : std::false_type {};
template <class A>
struct is_adjoint<adjoint_op<A>> : std::true_type {};
template <class A>
struct is_scaled : std::false_type {};
template <class A>
struct is_scaled<scaled_op<A>> : std::true_type {};
template <class A>
struct is_zero : std::false_type {};
template <class T, int DR, int RR, class Ex>
struct is_zero<zero_op<T, DR, RR, Ex>> : std::true_type {};
template <class A>
struct is_identity : std::false_type {};
template <class T, int R, class Ex>
struct is_identity<identity_op<T, R, Ex>> : std::true_type {};

template <class A, class B>
constexpr bool assert_same_world() {
  static_assert(std::is_same_v<typename A::execution_space, typename B::execution_space>,
                "cardiomm: the operands belong to different execution spaces; build both for one "
                "space (move their tensors with to_space(ex, x))");
  static_assert(std::is_same_v<typename A::value_type, typename B::value_type>,
                "cardiomm: the operands have different precisions; build both with the same T, "
                "for example line_mask<double>(m)");
  return std::is_same_v<typename A::execution_space, typename B::execution_space> &&
         std::is_same_v<typename A::value_type, typename B::value_type>;
}
}  // namespace detail

/// A^H.
template <class A>
requires OperatorLike<A>
auto adjoint(const A& a) {
  if constexpr (assert_operator<A>()) {
    if constexpr (detail::is_adjoint<A>::value)
      return a.operand;
    else if constexpr (A::self_adjoint)
      return a;
    else
      return adjoint_op<A>(a);
  }
}

/// s A; factors of nested scalings are multiplied.
template <class S, class A>
requires ScalarFactor<S> && OperatorLike<A>
auto operator*(const S& s, const A& a) {
  using C = typename A::value_type;
  if constexpr (detail::is_scaled<A>::value)
    return A(detail::to_value<C>(s) * a.factor, a.operand);
  else
    return scaled_op<A>(detail::to_value<C>(s), a);
}
template <class A, class S>
requires ScalarFactor<S> && OperatorLike<A>
auto operator*(const A& a, const S& s) { return s * a; }
template <class A>
requires OperatorLike<A>
auto operator-(const A& a) { return -1 * a; }
template <ScalarFactor S>
scaled_identity_token<S> operator*(const S& s, identity_token) {
  return {{}, s};
}
template <ScalarFactor S>
scaled_identity_token<S> operator*(identity_token, const S& s) {
  return {{}, s};
}

/// A + B; zero is absorbed.
template <class A, class B>
requires OperatorLike<A> && OperatorLike<B>
auto operator+(const A& a, const B& b) {
  static_assert(A::domain_rank == B::domain_rank && A::range_rank == B::range_rank,
                "cardiomm: a sum needs operators of equal ranks; compare domain_rank and "
                "range_rank of both");
  if constexpr (A::domain_rank == B::domain_rank && A::range_rank == B::range_rank &&
                detail::assert_same_world<A, B>() && assert_operator<A>() && assert_operator<B>()) {
    if constexpr (detail::is_zero<B>::value)
      return a;
    else if constexpr (detail::is_zero<A>::value)
      return b;
    else
      return sum_op<A, B>(a, b);
  }
}
template <class A, class B>
requires OperatorLike<A> && OperatorLike<B>
auto operator-(const A& a, const B& b) { return a + (-1 * b); }

template <class A>
requires OperatorLike<A>
auto bind_identity(const A&) {
  static_assert(A::domain_rank == A::range_rank,
                "cardiomm: identity can be added only to an operator with equal domain and range; "
                "did you mean gram(A) + lambda * identity?");
  return identity_op<typename A::real_type, A::domain_rank, typename A::execution_space>{};
}
template <class A>
requires OperatorLike<A>
auto operator+(const A& a, identity_token) { return a + bind_identity(a); }
template <class A>
requires OperatorLike<A>
auto operator+(identity_token, const A& a) { return a + bind_identity(a); }
template <class A, class S>
requires OperatorLike<A>
auto operator+(const A& a, const scaled_identity_token<S>& t) {
  return a + t.factor * bind_identity(a);
}
template <class A, class S>
requires OperatorLike<A>
auto operator+(const scaled_identity_token<S>& t, const A& a) { return a + t; }
template <class A>
requires OperatorLike<A>
auto operator-(const A& a, identity_token) { return a + (-1.0) * bind_identity(a); }
template <class A>
requires OperatorLike<A>
auto operator+(const A& a, zero_token) { return a; }
template <class A>
requires OperatorLike<A>
auto operator+(zero_token, const A& a) { return a; }

template <class T, ExecutionSpace Ex>
struct specimen<identity_op<T, 4, Ex>> {
  static identity_op<T, 4, Ex> make(const Ex&, size_class, std::uint64_t) { return {}; }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
struct specimen<zero_op<T, 4, 5, Ex>> {
  static zero_op<T, 4, 5, Ex> make(const Ex&, size_class s, std::uint64_t) {
    zero_op<T, 4, 5, Ex> z;
    z.from = specimen_image(s);
    z.to = specimen_kspace(s);
    return z;
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
struct specimen<scaled_op<identity_op<T, 4, Ex>>> {
  static auto make(const Ex&, size_class, std::uint64_t) {
    return complex<T>(T(0.5), T(-1.25)) * identity_op<T, 4, Ex>{};
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
struct specimen<sum_op<scaled_op<identity_op<T, 4, Ex>>, identity_op<T, 4, Ex>>> {
  static auto make(const Ex&, size_class, std::uint64_t) {
    return complex<T>(T(0.5), T(2)) * identity_op<T, 4, Ex>{} + identity;
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
using expression_specimens =
    type_list<identity_op<T, 4, Ex>, zero_op<T, 4, 5, Ex>, scaled_op<identity_op<T, 4, Ex>>,
              sum_op<scaled_op<identity_op<T, 4, Ex>>, identity_op<T, 4, Ex>>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
