// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_CHAIN_HPP
#define CARDIOMM_LINOP_CHAIN_HPP
/// \file
/// Products of operators. `operator*` builds one flat chain whatever the brackets, so that patterns
/// are recognised by type. Intermediate tensors come from the workspace of the execution space; two
/// serve a chain of any length, none where the remaining operators work in place. A chain whose
/// types have a `fused_chain` is applied by its kernels instead (linop/encode.hpp).

#include <algorithm>
#include <tuple>

#include "cardiomm/linop/expression.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

/// Customisation point: kernels for a whole chain. A specialisation has `value = true`, a
/// constructor from the operators, and the operators' apply and apply_adjoint.
template <class... Ops>
struct fused_chain {
  static constexpr bool value = false;
  explicit fused_chain(const std::tuple<Ops...>&) {}
};

/// Ops[0] * Ops[1] * ... ; the last one is applied first.
template <class... Ops>
class chain : public linear_operator<
                  chain<Ops...>, typename std::tuple_element_t<0, std::tuple<Ops...>>::real_type,
                  std::tuple_element_t<sizeof...(Ops) - 1, std::tuple<Ops...>>::domain_rank,
                  std::tuple_element_t<0, std::tuple<Ops...>>::range_rank,
                  typename std::tuple_element_t<0, std::tuple<Ops...>>::execution_space> {
  static constexpr std::size_t count = sizeof...(Ops);
  using all = std::tuple<Ops...>;
  template <std::size_t I>
  using op = std::tuple_element_t<I, all>;
  using Ex = typename op<0>::execution_space;
  using base = linear_operator<chain, typename op<0>::real_type, op<count - 1>::domain_rank,
                               op<0>::range_rank, Ex>;
  using C = typename op<0>::value_type;
  /// Shapes between the operators: [0] the range, [count] the domain.
  using shapes = std::tuple<shape<Ops::range_rank>..., shape<op<count - 1>::domain_rank>>;
  using fused = fused_chain<Ops...>;

 public:
  static constexpr const char* name = "chain";
  static constexpr bool unitary = (Ops::unitary && ...);
  static constexpr bool inplace_ok = (Ops::inplace_ok && ...);
  static constexpr bool is_diagonal = (Ops::is_diagonal && ...);

  explicit chain(Ops... ops) : chain(all(std::move(ops)...)) {}
  explicit chain(all ops) : ops_(std::move(ops)), fused_(ops_) { (void)this->domain(); }

  void unify(shape<base::domain_rank>& d, shape<base::range_rank>& r) const {
    shapes s = settle(d, r);
    d = std::get<count>(s);
    r = std::get<0>(s);
  }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    if constexpr (fused::value) {  // and nothing else is compiled
      fused_.apply(ex, x, y, acc);
    } else {
      const shapes s = settle(shape_of(x), shape_of(y));
      typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
      buffers b{scratch, largest(s), nullptr, nullptr};
      forward<count>(ex, s, b, x, nullptr, y, acc);
    }
  }
  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    if constexpr (fused::value) {
      fused_.apply_adjoint(ex, y, x, acc);
    } else {
      const shapes s = settle(shape_of(x), shape_of(y));
      typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
      buffers b{scratch, largest(s), nullptr, nullptr};
      backward<0>(ex, s, b, y, nullptr, x, acc);
    }
  }
  /// Operators of a chain decide together, see same().
  const void* id() const { return std::get<0>(ops_).id(); }
  const all& operators() const { return ops_; }
  /// What applies the whole chain, if anything does.
  const fused_chain<Ops...>& kernels() const { return fused_; }

 private:
  struct buffers {
    typename workspace<Ex>::frame& scratch;
    index_t size;
    C* a;
    C* b;
    /// Memory that is not `used`.
    C* other(const C* used) {
      C*& p = used != nullptr && used == a ? b : a;
      if (p == nullptr) p = scratch.template take<C>(size);
      return p;
    }
  };

  template <std::size_t... I>
  static void sweep(const all& ops, shapes& s, std::index_sequence<I...>) {
    (std::get<I>(ops).unify(std::get<I + 1>(s), std::get<I>(s)), ...);
  }
  template <std::size_t... I>
  static void sweep_back(const all& ops, shapes& s, std::index_sequence<I...>) {
    (std::get<count - 1 - I>(ops).unify(std::get<count - I>(s), std::get<count - 1 - I>(s)), ...);
  }
  shapes settle(const shape<base::domain_rank>& d, const shape<base::range_rank>& r) const {
    shapes s{shape<Ops::range_rank>::all_open()..., d};
    std::get<0>(s) = r;
    sweep(ops_, s, std::make_index_sequence<count>{});
    sweep_back(ops_, s, std::make_index_sequence<count>{});
    return s;
  }
  static index_t largest(const shapes& s) {
    return std::apply([](const auto&... e) { return std::max({e.size()...}); }, s);
  }
  /// True if the operators First, First + Step, ... up to Last all work in place.
  template <std::size_t First, std::size_t Last>
  static constexpr bool all_inplace() {
    if constexpr (First >= Last)
      return true;
    else
      return op<First>::inplace_ok && all_inplace<First + 1, Last>();
  }

  // Applies operators I-1, ..., 0 to `in`; `mine` is the buffer that `in` lies in, if any.
  template <std::size_t I, class In>
  void forward(const Ex& ex, const shapes& s, buffers& b, const In& in, C* mine,
               const range_out<base>& y, acc_of<base> acc) const {
    const auto& a = std::get<I - 1>(ops_);
    if constexpr (I == 1) {
      a.apply(ex, in, y, acc);
    } else {
      constexpr int rank = op<I - 1>::range_rank;
      C* target = op<I - 1>::inplace_ok && mine ? mine : nullptr;
      if constexpr (all_inplace<0, I - 1>())
        if (acc.plain() && !target) target = y.data();
      if (!target) target = b.other(mine);
      const view<C, rank, Ex> out(target, cardiomm::detail::layout_of(std::get<I - 1>(s)));
      a.apply(ex, in, out, {});
      forward<I - 1>(ex, s, b, view<const C, rank, Ex>(out), target, y, acc);
    }
  }
  // Applies the adjoints of operators I, ..., count-1 to `in`.
  template <std::size_t I, class In>
  void backward(const Ex& ex, const shapes& s, buffers& b, const In& in, C* mine,
                const domain_out<base>& x, acc_of<base> acc) const {
    const auto& a = std::get<I>(ops_);
    if constexpr (I + 1 == count) {
      a.apply_adjoint(ex, in, x, acc);
    } else {
      constexpr int rank = op<I>::domain_rank;
      C* target = op<I>::inplace_ok && mine ? mine : nullptr;
      if constexpr (all_inplace<I + 1, count>())
        if (acc.plain() && !target) target = x.data();
      if (!target) target = b.other(mine);
      const view<C, rank, Ex> out(target, cardiomm::detail::layout_of(std::get<I + 1>(s)));
      a.apply_adjoint(ex, in, out, {});
      backward<I + 1>(ex, s, b, view<const C, rank, Ex>(out), target, x, acc);
    }
  }

  all ops_;
  [[no_unique_address]] fused fused_;
};

namespace detail {
template <class A>
struct is_chain : std::false_type {};
template <class... Ops>
struct is_chain<chain<Ops...>> : std::true_type {};

template <class A>
auto as_tuple(const A& a) {
  if constexpr (is_chain<A>::value)
    return a.operators();
  else
    return std::tuple<A>(a);
}
template <class... Ops>
auto make_chain(const std::tuple<Ops...>& ops) {
  if constexpr (sizeof...(Ops) == 1)
    return std::get<0>(ops);
  else
    return chain<Ops...>(ops);
}
}  // namespace detail

/// A B; identity and zero are absorbed, scalars move to the front.
template <class A, class B>
requires OperatorLike<A> && OperatorLike<B>
auto operator*(const A& a, const B& b) {
  static_assert(A::domain_rank == B::range_rank,
                "cardiomm: in A * B the rank of B's range must be that of A's domain; images are "
                "(frame, slice, y, x), k-space is (frame, slice, coil, y, x)");
  if constexpr (A::domain_rank == B::range_rank && detail::assert_same_world<A, B>() &&
                assert_operator<A>() && assert_operator<B>()) {
    if constexpr (detail::is_scaled<A>::value)
      return a.factor * (a.operand * b);
    else if constexpr (detail::is_scaled<B>::value)
      return b.factor * (a * b.operand);
    else if constexpr (detail::is_identity<A>::value)
      return b;
    else if constexpr (detail::is_identity<B>::value)
      return a;
    else if constexpr (detail::is_zero<A>::value || detail::is_zero<B>::value) {
      zero_op<typename A::real_type, B::domain_rank, A::range_rank, typename A::execution_space> z;
      z.from = b.domain();
      z.to = a.range();
      return z;
    } else
      return detail::make_chain(std::tuple_cat(detail::as_tuple(a), detail::as_tuple(b)));
  }
}
template <class A>
requires OperatorLike<A>
auto operator*(const A& a, identity_token) { return a; }
template <class A>
requires OperatorLike<A>
auto operator*(identity_token, const A& a) { return a; }
template <class A, class S>
requires OperatorLike<A>
auto operator*(const scaled_identity_token<S>& t, const A& a) { return t.factor * a; }
template <class A, class S>
requires OperatorLike<A>
auto operator*(const A& a, const scaled_identity_token<S>& t) { return t.factor * a; }

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

// adjoint(A) * A is a product too; every unit that multiplies must know it.
#include "cardiomm/linop/gram.hpp"      // IWYU pragma: export
#include "cardiomm/linop/mistakes.hpp"  // IWYU pragma: export

#endif
