// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_STACK_HPP
#define CARDIOMM_LINOP_STACK_HPP
/// \file
/// Stacks of operators. Blocks are concatenated along the leading axis, so that every block of a
/// tensor is contiguous and nothing is copied:
///
///     vstack(A, B) x        = [A x; B x]        one input, ranges concatenated
///     hstack(A, B) [x; y]   = A x + B y         domains concatenated, one output
///     block_diagonal(A, B)  = [A, 0; 0, B]      both concatenated
///
/// The leading extents that are concatenated must be known (not open).

#include "cardiomm/linop/gram.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

enum class stacking { vertical, horizontal, diagonal };

/// A stack of two operators; longer stacks nest.
template <stacking Kind, class A, class B>
class stack_op : public linear_operator<stack_op<Kind, A, B>, typename A::real_type, A::domain_rank,
                                        A::range_rank, typename A::execution_space> {
  using Ex = typename A::execution_space;
  using base = linear_operator<stack_op, typename A::real_type, A::domain_rank, A::range_rank, Ex>;
  using C = typename A::value_type;
  static constexpr bool splits_domain = Kind != stacking::vertical;
  static constexpr bool splits_range = Kind != stacking::horizontal;

 public:
  static constexpr const char* name = Kind == stacking::vertical     ? "vstack"
                                      : Kind == stacking::horizontal ? "hstack"
                                                                     : "block_diagonal";
  static constexpr bool unitary = Kind == stacking::diagonal && A::unitary && B::unitary;
  static constexpr bool self_adjoint =
      Kind == stacking::diagonal && A::self_adjoint && B::self_adjoint;
  static constexpr bool idempotent = Kind == stacking::diagonal && A::idempotent && B::idempotent;
  static constexpr bool is_diagonal =
      Kind == stacking::diagonal && A::is_diagonal && B::is_diagonal;

  stack_op(A a, B b) : first_(std::move(a)), second_(std::move(b)) {
    const auto d = first_.domain();
    const auto r = first_.range();
    require<shape_error>(!splits_domain || d[0] != open, name,
                         ": expected a known leading extent of the first domain, found ", d);
    require<shape_error>(!splits_range || r[0] != open, name,
                         ": expected a known leading extent of the first range, found ", r);
    (void)this->domain();
  }

  void unify(shape<A::domain_rank>& d, shape<A::range_rank>& r) const {
    for (int sweep = 0; sweep < 2; ++sweep) {
      auto d1 = first_.domain(), d2 = second_.domain();
      auto r1 = first_.range(), r2 = second_.range();
      share<splits_domain>(d, d1, d2);
      share<splits_range>(r, r1, r2);
      first_.unify(d1, r1);
      second_.unify(d2, r2);
      join<splits_domain>(d, d1, d2);
      join<splits_range>(r, r1, r2);
    }
  }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    const auto x2 = part<splits_domain>(x, first_.domain()[0], true);
    const auto y2 = part<splits_range>(y, first_.range()[0], true);
    first_.apply(ex, part<splits_domain>(x, first_.domain()[0], false),
                 part<splits_range>(y, first_.range()[0], false), acc);
    second_.apply(ex, x2, y2, splits_range ? acc : acc_of<base>{acc.alpha, true});
  }
  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    const auto x2 = part<splits_domain>(x, first_.domain()[0], true);
    const auto y2 = part<splits_range>(y, first_.range()[0], true);
    first_.apply_adjoint(ex, part<splits_range>(y, first_.range()[0], false),
                         part<splits_domain>(x, first_.domain()[0], false), acc);
    second_.apply_adjoint(ex, y2, x2, splits_domain ? acc : acc_of<base>{acc.alpha, true});
  }
  const void* id() const { return this; }
  const A& first() const { return first_; }
  const B& second() const { return second_; }

 private:
  /// Hands what is known of the whole to the parts.
  template <bool Split, int R>
  static void share(const shape<R>& whole, shape<R>& a, shape<R>& b) {
    for (int i = 0; i < R; ++i) {
      if (Split && i == 0) {
        if (whole[0] != open && b[0] == open) b[0] = whole[0] - a[0];
        continue;
      }
      index_t w = whole[i];
      merge(a[i], w, name, "extent");
      merge(b[i], w, name, "extent");
    }
  }
  /// And the parts to the whole.
  template <bool Split, int R>
  static void join(shape<R>& whole, shape<R>& a, shape<R>& b) {
    for (int i = 0; i < R; ++i) {
      if (Split && i == 0) {
        index_t sum = b[0] == open ? open : a[0] + b[0];
        merge(whole[0], sum, name, "leading extent");
        continue;
      }
      merge(a[i], b[i], name, "extent");
      merge(whole[i], a[i], name, "extent");
    }
  }
  template <bool Split, TensorView V>
  static V part(const V& v, index_t first, bool second) {
    if constexpr (!Split) return v;
    auto s = shape_of(v);
    const index_t row = s[0] ? s.size() / s[0] : 0;
    s[0] = second ? s[0] - first : first;
    return V(v.data() + (second ? first * row : 0), cardiomm::detail::layout_of(s));
  }
  A first_;
  B second_;
};

namespace detail {
template <stacking Kind, class A, class B>
auto make_stack(const A& a, const B& b) {
  static_assert(A::domain_rank == B::domain_rank && A::range_rank == B::range_rank,
                "cardiomm: stacked operators need equal ranks");
  if constexpr (A::domain_rank == B::domain_rank && A::range_rank == B::range_rank &&
                assert_same_world<A, B>() && assert_operator<A>() && assert_operator<B>())
    return stack_op<Kind, A, B>(a, b);
}
}  // namespace detail

/// [A; B; ...]
template <class A, class B, class... More>
auto vstack(const A& a, const B& b, const More&... more) {
  if constexpr (sizeof...(More) == 0)
    return detail::make_stack<stacking::vertical>(a, b);
  else
    return vstack(detail::make_stack<stacking::vertical>(a, b), more...);
}
/// [A, B, ...]
template <class A, class B, class... More>
auto hstack(const A& a, const B& b, const More&... more) {
  if constexpr (sizeof...(More) == 0)
    return detail::make_stack<stacking::horizontal>(a, b);
  else
    return hstack(detail::make_stack<stacking::horizontal>(a, b), more...);
}
/// diag(A, B, ...)
template <class A, class B, class... More>
auto block_diagonal(const A& a, const B& b, const More&... more) {
  if constexpr (sizeof...(More) == 0)
    return detail::make_stack<stacking::diagonal>(a, b);
  else
    return block_diagonal(detail::make_stack<stacking::diagonal>(a, b), more...);
}

/// gram([A; B]) = gram(A) + gram(B); gram(diag(A, B)) = diag(gram(A), gram(B)).
template <class A, class B>
struct gram_of<stack_op<stacking::vertical, A, B>> {
  static auto make(const stack_op<stacking::vertical, A, B>& s) {
    return gram(s.first()) + gram(s.second());
  }
};
template <class A, class B>
struct gram_of<stack_op<stacking::diagonal, A, B>> {
  static auto make(const stack_op<stacking::diagonal, A, B>& s) {
    return block_diagonal(gram(s.first()), gram(s.second()));
  }
};

template <stacking Kind, class T, ExecutionSpace Ex>
struct specimen<stack_op<Kind, scaled_op<identity_op<T, 4, Ex>>, identity_op<T, 4, Ex>>> {
  using same = identity_op<T, 4, Ex>;
  static stack_op<Kind, scaled_op<same>, same> make(const Ex&, size_class s, std::uint64_t) {
    same a, b;
    a.extents = specimen_image(s);
    b.extents = second(s);
    return {complex<T>(T(0.5), T(-1.25)) * a, b};
  }
  static shape<4> domain(size_class s) {
    shape<4> d = specimen_image(s);
    if (Kind != stacking::vertical) d[0] += second(s)[0];
    return d;
  }

 private:
  /// Blocks of unequal size where the kind allows it.
  static shape<4> second(size_class s) {
    shape<4> d = specimen_image(s);
    if (Kind == stacking::diagonal) d[0] += 1;
    return d;
  }
};
template <class T, ExecutionSpace Ex>
using stack_specimens = type_list<
    stack_op<stacking::vertical, scaled_op<identity_op<T, 4, Ex>>, identity_op<T, 4, Ex>>,
    stack_op<stacking::horizontal, scaled_op<identity_op<T, 4, Ex>>, identity_op<T, 4, Ex>>,
    stack_op<stacking::diagonal, scaled_op<identity_op<T, 4, Ex>>, identity_op<T, 4, Ex>>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
