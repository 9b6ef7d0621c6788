// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_GRAM_HPP
#define CARDIOMM_LINOP_GRAM_HPP
/// \file
/// `gram(A)` is A^H A, rewritten when the expression is built:
///
/// | A                        | gram(A)                                       |
/// |--------------------------|-----------------------------------------------|
/// | unitary, identity        | identity                                      |
/// | s A                      | abs(s)^2 gram(A)                              |
/// | self-adjoint, idempotent | A (masks)                                     |
/// | diagonal(w)              | diagonal(abs(w)^2)                            |
/// | B... * A                 | A^H gram(B...) A, so a unitary front drops out |
/// | a type with `gram_of`    | what the specialisation returns               |
/// | anything else            | A, then A^H, through the workspace            |
///
/// A specialisation `template <...> struct gram_of<chain<...>>` with `static auto make(const
/// chain<...>&)` supplies a fused kernel for a pattern (linop/normal.hpp). `gram(A)` is the
/// documented spelling; `adjoint(A) * A` is recognised too if both are the same object, which is
/// asked of `id()` once.

#include "cardiomm/linop/chain.hpp"
#include "cardiomm/linop/diagonal.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

/// A^H G A for a self-adjoint G on the range of A.
template <class G, class A>
class sandwich : public linear_operator<sandwich<G, A>, typename A::real_type, A::domain_rank,
                                        A::domain_rank, typename A::execution_space> {
  using Ex = typename A::execution_space;
  using base = linear_operator<sandwich, typename A::real_type, A::domain_rank, A::domain_rank, Ex>;
  using C = typename A::value_type;

 public:
  static constexpr const char* name = "gram";
  static constexpr bool self_adjoint = true;
  sandwich(G g, A a) : inner_(std::move(g)), operand_(std::move(a)) { (void)this->domain(); }

  void unify(shape<A::domain_rank>& d, shape<A::domain_rank>& r) const {
    merge(d, r, name);
    (void)middle(d);
    r = d;
  }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    auto d = shape_of(x);
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const auto z = scratch.template tensor<C>(middle(d));
    operand_.apply(ex, x, z, {});
    if constexpr (is_identity<G>) {
      operand_.apply_adjoint(ex, z, y, acc);
    } else if constexpr (G::inplace_ok) {
      inner_.apply(ex, z, z, {});
      operand_.apply_adjoint(ex, z, y, acc);
    } else {
      const auto w = scratch.template tensor<C>(shape_of(z));
      inner_.apply(ex, z, w, {});
      operand_.apply_adjoint(ex, w, y, acc);
    }
  }
  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    apply(ex, y, x, acc);
  }
  const void* id() const { return operand_.id(); }
  const G& inner() const { return inner_; }
  const A& operand() const { return operand_; }

 private:
  template <class X>
  static constexpr bool is_identity = detail::is_identity<X>::value;

  /// Shape of A x; settles open extents of d on the way.
  shape<A::range_rank> middle(shape<A::domain_rank>& d) const {
    auto m = shape<A::range_rank>::all_open();
    auto n = m;
    operand_.unify(d, m);
    inner_.unify(m, n);
    operand_.unify(d, m);
    return m;
  }
  G inner_;
  A operand_;
};

/// Customisation point: what gram(A) returns for a type.
template <class A>
struct gram_of;

template <class A>
requires OperatorLike<A>
auto gram(const A& a);

namespace detail {
template <class A>
concept HasGram = requires(const A& a) {
  gram_of<A>::make(a);
};
template <class A>
struct is_diagonal_op : std::false_type {};
template <class W, int R, class Ex>
struct is_diagonal_op<diagonal<W, R, Ex>> : std::true_type {};

template <class W>
struct squares_kernel {
  static constexpr const char* name = "cardiomm::linop::diagonal_gram";
  const W* w;
  real_of<W>* out;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) out[i] = abs2(w[i]);
  }
};
template <class W, int R, class Ex>
diagonal<real_of<W>, R, Ex> diagonal_gram(const diagonal<W, R, Ex>& a) {
  const Ex ex;
  auto squares = make_tensor<real_of<W>>(ex, shape_of(a.weights()), "cardiomm::diagonal_gram");
  launch::segments(ex, static_cast<index_t>(squares.size()),
                   squares_kernel<W>{a.weights().data(), squares.data()});
  return diagonal<real_of<W>, R, Ex>(squares);
}

/// A^H G A with the rules that need no kernel.
template <class G, class A>
auto make_sandwich(const G& g, const A& a) {
  if constexpr (is_identity<G>::value)
    return gram(a);
  else if constexpr (is_scaled<G>::value)
    return g.factor * make_sandwich(g.operand, a);
  else
    return sandwich<G, A>(g, a);
}
template <class... Ops>
auto chain_gram(const chain<Ops...>& a) {
  constexpr std::size_t n = sizeof...(Ops);
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    const auto front = make_chain(std::make_tuple(std::get<I>(a.operators())...));
    return make_sandwich(gram(front), std::get<n - 1>(a.operators()));
  }
  (std::make_index_sequence<n - 1>{});
}
}  // namespace detail

/// A^H A, see the top of this file.
template <class A>
requires OperatorLike<A>
auto gram(const A& a) {
  if constexpr (assert_operator<A>()) {
    using bound = identity_op<typename A::real_type, A::domain_rank, typename A::execution_space>;
    if constexpr (detail::HasGram<A>)
      return gram_of<A>::make(a);
    else if constexpr (A::unitary) {
      bound same;
      same.extents = a.domain();
      return same;
    } else if constexpr (detail::is_scaled<A>::value) {
      const auto s = a.factor;
      return (s.real() * s.real() + s.imag() * s.imag()) * gram(a.operand);
    } else if constexpr (A::self_adjoint && A::idempotent)
      return a;
    else if constexpr (detail::is_diagonal_op<A>::value)
      return detail::diagonal_gram(a);
    else if constexpr (detail::is_chain<A>::value)
      return detail::chain_gram(a);
    else {
      using middle = identity_op<typename A::real_type, A::range_rank, typename A::execution_space>;
      return sandwich<middle, A>(middle{}, a);
    }
  }
}

/// True if both operators hold the same numbers; only asked of equal types.
template <class A>
bool same(const A& a, const A& b) {
  if constexpr (detail::is_chain<A>::value)
    return std::apply(
        [&](const auto&... left) {
          return std::apply([&](const auto&... right) { return (same(left, right) && ...); },
                            b.operators());
        },
        a.operators());
  else if constexpr (detail::is_adjoint<A>::value || detail::is_scaled<A>::value) {
    if constexpr (detail::is_scaled<A>::value)
      if (!(a.factor == b.factor)) return false;
    return same(a.operand, b.operand);
  } else
    return a.id() == b.id();
}

/// A^H B of equal types: the gram where A and B are the same object, else the product. One branch
/// an apply.
template <class A>
class adjoint_product
    : public linear_operator<adjoint_product<A>, typename A::real_type, A::domain_rank,
                             A::domain_rank, typename A::execution_space> {
  using Ex = typename A::execution_space;
  using base =
      linear_operator<adjoint_product, typename A::real_type, A::domain_rank, A::domain_rank, Ex>;
  using gram_type = decltype(gram(std::declval<const A&>()));

 public:
  static constexpr const char* name = "adjoint(A) * B";
  adjoint_product(const A& a, const A& b)
      : product_(adjoint_op<A>(a), b), gram_(gram(b)), same_(same(a, b)) {}

  void unify(shape<A::domain_rank>& d, shape<A::domain_rank>& r) const {
    same_ ? gram_.unify(d, r) : product_.unify(d, r);
  }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    same_ ? gram_.apply(ex, x, y, acc) : product_.apply(ex, x, y, acc);
  }
  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    same_ ? gram_.apply(ex, y, x, acc) : product_.apply_adjoint(ex, y, x, acc);
  }
  const void* id() const { return product_.id(); }
  /// True if the gram is used.
  bool recognised() const { return same_; }

 private:
  chain<adjoint_op<A>, A> product_;
  gram_type gram_;
  bool same_;
};

template <class A>
requires OperatorLike<A>
auto operator*(const adjoint_op<A>& a, const A& b) { return adjoint_product<A>(a.operand, b); }

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
