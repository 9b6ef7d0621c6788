// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_PROX_CONJUGATE_HPP
#define CARDIOMM_PROX_CONJUGATE_HPP
/// \file
/// Proximal operators made of others:
///
/// | function            | spelling         | prox with sigma at x                           |
/// |---------------------|------------------|------------------------------------------------|
/// | P*(v)               | `conjugate(P)`   | x - sigma prox_P(x / sigma, 1 / sigma), Moreau |
/// | a P(x), a > 0       | `a * P`          | prox_P(x, a sigma)                             |
/// | P(s x), s != 0 real | `dilated(P, s)`  | prox_P(s x, s^2 sigma) / s                     |
/// | P(x - c)            | `shifted(P, c)`  | c + prox_P(x - c, sigma)                       |
/// | P(U x), U unitary   | `composed(P, U)` | U^H prox_P(U x, sigma)                         |

#include "cardiomm/prox/l1.hpp"

namespace cardiomm::inline CARDIOMM_ABI::prox {

namespace detail {
/// out = a x + b y; out may be x or y
template <class T>
struct combine_kernel {
  static constexpr const char* name = "cardiomm::prox::combine";
  T a;
  const T* x;
  T b;
  const T* y;
  T* out;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = 2 * first; i < 2 * last; ++i) out[i] = a * x[i] + b * y[i];
  }
};
template <ExecutionSpace Ex, class X, class Y, class Out>
void combine(const Ex& ex, double a, const X& x, double b, const Y& y, const Out& out) {
  using T = real_of<element_of<Out>>;
  launch::segments(
      ex, static_cast<index_t>(out.size()),
      combine_kernel<T>{T(a), blas1::detail::reals(x.data()), T(b), blas1::detail::reals(y.data()),
                        blas1::detail::reals(out.data())});
}
template <ExecutionSpace Ex, class X, class Out>
void stretch(const Ex& ex, double a, const X& x, const Out& out) {
  using T = real_of<element_of<Out>>;
  launch::segments(
      ex, static_cast<index_t>(out.size()),
      shrink_kernel<T>{blas1::detail::reals(x.data()), blas1::detail::reals(out.data()), T(a)});
}
}  // namespace detail

/// out = prox of P* with sigma at x, by P's own formula or Moreau's identity (2 reads and 2 writes
/// more than a prox of P); x and out may be the same tensor. sigma > 0.
template <class P>
void prox_conjugate(const typename P::execution_space& ex, const P& p, in_of<P> x, double sigma,
                    out_of<P> out) {
  if constexpr (HasProxConjugate<P>) {
    p.prox_conjugate(ex, x, sigma, out);
  } else {
    using Ex = typename P::execution_space;
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const auto v = scratch.template tensor<typename P::value_type>(shape_of(x));
    detail::stretch(ex, 1 / sigma, x, v);
    p.prox(ex, v, 1 / sigma, v);
    detail::combine(ex, 1, x, -sigma, v, out);
  }
}

/// The convex conjugate P*(v) = sup over x of Re <v, x> - P(x).
template <class P>
class conjugate_of : public proximal_operator<conjugate_of<P>, typename P::real_type, P::rank,
                                              typename P::execution_space> {
  using Ex = typename P::execution_space;

 public:
  static constexpr const char* name = "conjugate";
  static constexpr double accuracy = P::accuracy;
  static_assert(P::convex,
                "cardiomm: only a convex function has a conjugate that Moreau's "
                "identity holds for");
  explicit conjugate_of(P p) : inner_(std::move(p)) {}

  shape<P::rank> domain() const { return inner_.domain(); }
  /// Throws value_error where P does not know the value of its conjugate.
  double value(const Ex& ex, in_of<P> v) const {
    if constexpr (HasConjugateValue<P>) {
      return inner_.conjugate_value(ex, v);
    } else {
      require(false, "conjugate: ", P::name,
              " does not know the value of its conjugate; give it "
              "`conjugate_value(ex, v)`");
      return 0;
    }
  }
  void prox(const Ex& ex, in_of<P> x, double sigma, out_of<P> out) const {
    if (sigma == 0) sigma = 1e-30;  // the limit: the projection onto the domain of P*
    prox::prox_conjugate(ex, inner_, x, sigma, out);
  }
  double conjugate_value(const Ex& ex, in_of<P> x) const { return inner_.value(ex, x); }
  void prox_conjugate(const Ex& ex, in_of<P> x, double sigma, out_of<P> out) const {
    inner_.prox(ex, x, sigma, out);
  }
  const P& inner() const { return inner_; }

 private:
  P inner_;
};

/// a P(x), a >= 0.
template <class P>
class scaled : public proximal_operator<scaled<P>, typename P::real_type, P::rank,
                                        typename P::execution_space> {
  using Ex = typename P::execution_space;

 public:
  static constexpr const char* name = "scaled";
  static constexpr bool convex = P::convex, indicator = P::indicator;
  static constexpr double accuracy = P::accuracy;
  scaled(double factor, P p) : factor_(factor), inner_(std::move(p)) {
    require(factor > 0, "scaled: factor: expected a positive number, found ", factor);
  }
  shape<P::rank> domain() const { return inner_.domain(); }
  double value(const Ex& ex, in_of<P> x) const { return factor_ * inner_.value(ex, x); }
  void prox(const Ex& ex, in_of<P> x, double sigma, out_of<P> out) const {
    inner_.prox(ex, x, factor_ * sigma, out);
  }
  double factor() const { return factor_; }
  const P& inner() const { return inner_; }

 private:
  double factor_;
  P inner_;
};

/// P(s x) with a real s other than 0.
template <class P>
class dilation : public proximal_operator<dilation<P>, typename P::real_type, P::rank,
                                          typename P::execution_space> {
  using Ex = typename P::execution_space;

 public:
  static constexpr const char* name = "dilated";
  static constexpr bool convex = P::convex, indicator = P::indicator;
  static constexpr double accuracy = P::accuracy;
  dilation(P p, double factor) : inner_(std::move(p)), factor_(factor) {
    require(factor != 0 && std::isfinite(factor),
            "dilated: factor: expected a number other than 0, found ", factor);
  }
  shape<P::rank> domain() const { return inner_.domain(); }
  double value(const Ex& ex, in_of<P> x) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const auto v = scratch.template tensor<typename P::value_type>(shape_of(x));
    detail::stretch(ex, factor_, x, v);
    return inner_.value(ex, v);
  }
  void prox(const Ex& ex, in_of<P> x, double sigma, out_of<P> out) const {
    detail::stretch(ex, factor_, x, out);
    inner_.prox(ex, out, factor_ * factor_ * sigma, out);
    detail::stretch(ex, 1 / factor_, out, out);
  }
  const P& inner() const { return inner_; }

 private:
  P inner_;
  double factor_;
};

/// P(x - c).
template <class P>
class shift : public proximal_operator<shift<P>, typename P::real_type, P::rank,
                                       typename P::execution_space> {
  using Ex = typename P::execution_space;
  using C = typename P::value_type;

 public:
  static constexpr const char* name = "shifted";
  static constexpr bool convex = P::convex, indicator = P::indicator;
  static constexpr double accuracy = P::accuracy;
  shift(P p, tensor<C, P::rank, Ex> centre) : inner_(std::move(p)), centre_(std::move(centre)) {
    check_shape(inner_, shape_of(centre_));
  }
  shape<P::rank> domain() const { return shape_of(centre_); }
  double value(const Ex& ex, in_of<P> x) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const auto v = scratch.template tensor<C>(shape_of(x));
    detail::combine(ex, 1, x, -1, centre_, v);
    return inner_.value(ex, v);
  }
  void prox(const Ex& ex, in_of<P> x, double sigma, out_of<P> out) const {
    detail::combine(ex, 1, x, -1, centre_, out);
    inner_.prox(ex, out, sigma, out);
    detail::combine(ex, 1, out, 1, centre_, out);
  }
  /// P*(v) + Re <v, c>
  double conjugate_value(const Ex& ex, in_of<P> v) const requires HasConjugateValue<P> {
    const index_t n = static_cast<index_t>(v.size());
    return inner_.conjugate_value(ex, v) +
           detail::total(ex, n, blas1::detail::real_dot_kernel<C>{v.data(), centre_.data(), n});
  }
  const P& inner() const { return inner_; }

 private:
  P inner_;
  tensor<C, P::rank, Ex> centre_;
};

/// P(U x) with a unitary operator U.
template <class P, class U>
class composition : public proximal_operator<composition<P, U>, typename P::real_type,
                                             U::domain_rank, typename P::execution_space> {
  using Ex = typename P::execution_space;
  using C = typename P::value_type;
  using base = proximal_operator<composition, typename P::real_type, U::domain_rank, Ex>;
  static_assert(U::unitary,
                "cardiomm: composed(P, U) needs a unitary U; for others give P and the "
                "operator to solve::admm or solve::pdhg as a term");
  static_assert(U::range_rank == P::rank, "cardiomm: the ranks of P and of the range of U differ");

 public:
  static constexpr const char* name = "composed";
  static constexpr bool convex = P::convex, indicator = P::indicator;
  static constexpr double accuracy = P::accuracy;
  composition(P p, U u) : inner_(std::move(p)), transform_(std::move(u)) {
    auto d = shape<U::domain_rank>::all_open();
    auto r = inner_.domain();
    transform_.unify(d, r);
    domain_ = d;
  }
  shape<U::domain_rank> domain() const { return domain_; }
  double value(const Ex& ex, in_of<base> x) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const auto v = scratch.template tensor<C>(transform_.range_for(shape_of(x)));
    transform_.apply(ex, x, v, {});
    return inner_.value(ex, v);
  }
  void prox(const Ex& ex, in_of<base> x, double sigma, out_of<base> out) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const auto v = scratch.template tensor<C>(transform_.range_for(shape_of(x)));
    transform_.apply(ex, x, v, {});
    inner_.prox(ex, v, sigma, v);
    transform_.apply_adjoint(ex, v, out, {});
  }
  const P& inner() const { return inner_; }
  const U& transform() const { return transform_; }

 private:
  P inner_;
  U transform_;
  shape<U::domain_rank> domain_;
};

/// P*; conjugate(conjugate(P)) is P.
template <class P>
requires ProxLike<P>
auto conjugate(const P& p) { return conjugate_of<P>(p); }
template <class P>
P conjugate(const conjugate_of<P>& p) {
  return p.inner();
}
/// a P(x)
template <class P>
requires ProxLike<P>
auto operator*(double a, const P& p) { return scaled<P>(a, p); }
/// P(s x)
template <class P>
requires ProxLike<P>
auto dilated(const P& p, double s) { return dilation<P>(p, s); }
/// P(x - c)
template <class P, TensorView V>
requires ProxLike<P>
auto shifted(const P& p, const V& c) {
  return shift<P>(p, to_space(typename P::execution_space(), c));
}
/// P(U x)
template <class P, class U>
requires ProxLike<P> && linop::OperatorLike<U>
auto composed(const P& p, const U& u) { return composition<P, U>(p, u); }

template <class T, ExecutionSpace Ex>
struct specimen<conjugate_of<l1<T, 4, Ex>>> {
  static auto make(const Ex& ex, size_class s, std::uint64_t seed) {
    return conjugate(specimen<l1<T, 4, Ex>>::make(ex, s, seed));
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
struct specimen<conjugate_of<shift<l1<T, 4, Ex>>>> {
  static auto make(const Ex& ex, size_class s, std::uint64_t seed) {
    return conjugate(specimen<shift<l1<T, 4, Ex>>>::make(ex, s, seed));
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
struct specimen<scaled<l1<T, 4, Ex>>> {
  static auto make(const Ex& ex, size_class s, std::uint64_t seed) {
    return 1.7 * specimen<l1<T, 4, Ex>>::make(ex, s, seed);
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
struct specimen<dilation<l2_squared<T, 4, Ex>>> {
  static auto make(const Ex&, size_class, std::uint64_t) {
    return dilated(l2_squared<T, 4, Ex>(0.8), -1.4);
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
struct specimen<shift<l1<T, 4, Ex>>> {
  static auto make(const Ex& ex, size_class s, std::uint64_t seed) {
    auto c = make_tensor<complex<T>>(ex, specimen_image(s));
    random::fill_normal(ex, c, seed, 9);
    return shift<l1<T, 4, Ex>>(specimen<l1<T, 4, Ex>>::make(ex, s, seed), c);
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
using conjugate_specimens =
    type_list<conjugate_of<l1<T, 4, Ex>>, conjugate_of<shift<l1<T, 4, Ex>>>, scaled<l1<T, 4, Ex>>,
              dilation<l2_squared<T, 4, Ex>>, shift<l1<T, 4, Ex>>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::prox

#endif
