// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_PROX_STACK_HPP
#define CARDIOMM_PROX_STACK_HPP
/// \file
/// Separable functions: `stack(P, Q, ...)` is P of the first part, Q of the second ... along the
/// slowest axis of the domain (as an image and its map sets, or low rank and sparse parts), each
/// part with extent 1 or a given one.

#include <tuple>
#include <vector>

#include "cardiomm/prox/l1.hpp"

namespace cardiomm::inline CARDIOMM_ABI::prox {

/// sum_i P_i(x_i); x_i are `extents[i]` entries of the leading axis of x.
template <class... Ps>
class stack_of
    : public proximal_operator<
          stack_of<Ps...>, typename std::tuple_element_t<0, std::tuple<Ps...>>::real_type,
          std::tuple_element_t<0, std::tuple<Ps...>>::rank,
          typename std::tuple_element_t<0, std::tuple<Ps...>>::execution_space> {
  using first = std::tuple_element_t<0, std::tuple<Ps...>>;
  using Ex = typename first::execution_space;
  using C = typename first::value_type;
  static constexpr int R = first::rank;
  static constexpr std::size_t count = sizeof...(Ps);
  using base = proximal_operator<stack_of, typename first::real_type, R, Ex>;
  static_assert(((Ps::rank == R) && ...), "cardiomm: parts of a stack need equal ranks");
  static_assert((std::is_same_v<typename Ps::value_type, C> && ...),
                "cardiomm: parts of a stack need equal precisions");

 public:
  static constexpr const char* name = "stack";
  static constexpr bool convex = (Ps::convex && ...), indicator = (Ps::indicator && ...);
  static constexpr double accuracy = std::max({Ps::accuracy...});

  stack_of(std::vector<index_t> extents, Ps... parts)
      : extents_(std::move(extents)), parts_(std::move(parts)...) {
    require<shape_error>(extents_.size() == count, "stack: expected ", count, " extents, found ",
                         extents_.size());
    domain_ = shape<R>::all_open();
    std::size_t i = 0;
    const auto settle = [&](const auto& p) {
      require<shape_error>(extents_[i] > 0, "stack: expected positive extents, found ",
                           extents_[i]);
      auto d = p.domain(), own = domain_;
      own[0] = extents_[i++];
      linop::merge(own, d, name);
      domain_ = own;
    };
    std::apply([&](const auto&... p) { (settle(p), ...); }, parts_);
    domain_[0] = 0;
    for (const index_t n : extents_) domain_[0] += n;
  }

  shape<R> domain() const { return domain_; }
  double value(const Ex& ex, in_of<base> x) const {
    double sum = 0;
    each(shape_of(x), [&](const auto& p, index_t from, const shape<R>& s) {
      sum += p.value(ex, borrow(ex, x.data() + from, s));
    });
    return sum;
  }
  void prox(const Ex& ex, in_of<base> x, double sigma, out_of<base> out) const {
    each(shape_of(x), [&](const auto& p, index_t from, const shape<R>& s) {
      p.prox(ex, borrow(ex, x.data() + from, s), sigma, borrow(ex, out.data() + from, s));
    });
  }
  /// The conjugate of a separable sum is the sum of the conjugates.
  double conjugate_value(const Ex& ex, in_of<base> v) const requires(HasConjugateValue<Ps>&&...) {
    double sum = 0;
    each(shape_of(v), [&](const auto& p, index_t from, const shape<R>& s) {
      sum += p.conjugate_value(ex, borrow(ex, v.data() + from, s));
    });
    return sum;
  }
  template <std::size_t I>
  const auto& part() const {
    return std::get<I>(parts_);
  }

 private:
  /// f(part, offset of its first number, its shape)
  template <class F>
  void each(shape<R> s, const F& f) const {
    index_t from = 0;
    std::size_t i = 0;
    const auto one = [&](const auto& p) {
      s[0] = extents_[i++];
      f(p, from, s);
      from += s.size();
    };
    std::apply([&](const auto&... p) { (one(p), ...); }, parts_);
  }
  std::vector<index_t> extents_;
  std::tuple<Ps...> parts_;
  shape<R> domain_;
};

/// P(x_0) + Q(x_1) + ..., one entry of the leading axis each.
template <class... Ps>
requires(ProxLike<Ps>&&...) auto stack(const Ps&... parts) {
  return stack_of<Ps...>(std::vector<index_t>(sizeof...(Ps), 1), parts...);
}
/// The same with extents[i] entries for each.
template <class... Ps>
requires(ProxLike<Ps>&&...) auto stack(const std::vector<index_t>& extents, const Ps&... parts) {
  return stack_of<Ps...>(extents, parts...);
}

template <class T, ExecutionSpace Ex>
struct specimen<stack_of<l1<T, 5, Ex>, l2_squared<T, 5, Ex>>> {
  static auto make(const Ex&, size_class s, std::uint64_t) {
    return stack({s == size_class::odd ? index_t(2) : index_t(1), 1}, l1<T, 5, Ex>(0.6),
                 l2_squared<T, 5, Ex>(1.5));
  }
  static shape<5> domain(size_class s) {
    const shape<4> i = specimen_image(s);
    return {{s == size_class::odd ? 3 : 2, i[0], i[1], i[2], i[3]}};
  }
};
template <class T, ExecutionSpace Ex>
using stack_specimens = type_list<stack_of<l1<T, 5, Ex>, l2_squared<T, 5, Ex>>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::prox

#endif
