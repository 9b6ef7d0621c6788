// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_PROX_CONCEPT_HPP
#define CARDIOMM_PROX_CONCEPT_HPP
/// \file
/// What a proximal operator is: a function P of complex tensors with its weight inside, together
/// with
///
///     prox(x, sigma) = argmin over u of  sigma P(u) + 1/2 |u - x|^2.
///
/// An implementer derives from `proximal_operator<Self, T, Rank, Space>` and writes
///
///     double value(ex, x) const;                 // P(x), on the host; waits
///     void prox(ex, x, sigma, out) const;        // x and out may be the same tensor
///     shape<Rank> domain() const;                // optional: extents that are fixed, others open
///
/// and a `name`; where they are known in closed form, `conjugate_value(ex, v)` and
/// `prox_conjugate(ex, x, sigma, out)` of P*(v) = sup_x Re <v, x> - P(x). All are const and
/// allocate nothing: scratch is taken from `workspace<Ex>::frame`. Users call `prox::apply` and
/// `prox::value`, which check shapes; solvers check once.

#include <string>

#include "cardiomm/linop/concept.hpp"

namespace cardiomm::inline CARDIOMM_ABI::prox {

/// Every proximal operator derives from it.
struct prox_tag {};

/// Static properties; an operator overrides those that hold.
struct prox_flags {
  static constexpr bool convex = true;
  static constexpr bool indicator = false;  ///< values are 0 and infinity; sigma has no effect
  /// Relative error of the result where it comes from an inner iteration; 0: exact.
  static constexpr double accuracy = 0;
};

/// What prox reads and writes: borrowed tensors.
template <class P>
using in_of = view<const typename P::value_type, P::rank, typename P::execution_space>;
template <class P>
using out_of = view<typename P::value_type, P::rank, typename P::execution_space>;

template <class P>
concept ProxLike = std::derived_from<std::remove_cvref_t<P>, prox_tag>;

template <class P>
concept HasValue = requires(const P& p, const typename P::execution_space& ex, in_of<P> x) {
  { p.value(ex, x) } -> std::convertible_to<double>;
};
template <class P>
concept HasProx = requires(const P& p, const typename P::execution_space& ex, in_of<P> x,
                           double sigma, out_of<P> out) {
  p.prox(ex, x, sigma, out);
};
template <class P>
concept HasDomain = requires(const P& p) {
  { p.domain() } -> std::same_as<shape<P::rank>>;
};
/// Knows the value of its convex conjugate sup_x Re <v, x> - P(x) in closed form.
template <class P>
concept HasConjugateValue = requires(const P& p, const typename P::execution_space& ex,
                                     in_of<P> v) {
  { p.conjugate_value(ex, v) } -> std::convertible_to<double>;
};

/// Knows the prox of its conjugate without the detour of Moreau's identity.
template <class P>
concept HasProxConjugate = requires(const P& p, const typename P::execution_space& ex, in_of<P> x,
                                    double sigma, out_of<P> out) {
  p.prox_conjugate(ex, x, sigma, out);
};

/// The contract; see the top of this file.
template <class P>
concept ProximalOperator = ProxLike<P> && ExecutionSpace<typename P::execution_space> &&
    HasValue<P> && HasProx<P> && HasDomain<P>;

/// Turns a broken contract into one sentence, at the first use.
template <class P>
constexpr bool assert_prox() {
  static_assert(HasValue<P>,
                "cardiomm: this proximal operator lacks `double value(ex, x) const`; add it (see "
                "prox/concept.hpp)");
  static_assert(HasProx<P>,
                "cardiomm: this proximal operator lacks `prox(ex, x, sigma, out) const`; add it "
                "(see prox/concept.hpp)");
  return ProximalOperator<P>;
}

/// Base of proximal operators: types, and a domain whose extents are all open.
template <class Self, class T, int Rank, ExecutionSpace Space>
struct proximal_operator : prox_tag, prox_flags {
  using real_type = T;
  using value_type = complex<T>;
  using execution_space = Space;
  static constexpr int rank = Rank;

  shape<Rank> domain() const { return shape<Rank>::all_open(); }
};

/// Throws shape_error if a tensor of shape s is not in the domain of P.
template <class P>
void check_shape(const P& p, shape<P::rank> s) {
  auto d = p.domain();
  linop::merge(d, s, P::name);
}

namespace detail {
template <class P, TensorView X>
constexpr bool assert_operand() {
  static_assert(rank_of<X> == P::rank,
                "cardiomm: the tensor's rank is not that of the proximal operator; images are "
                "(frame, slice, y, x), coil data are (frame, slice, coil, y, x)");
  static_assert(std::is_same_v<element_of<X>, typename P::value_type>,
                "cardiomm: the tensor's element type is not the complex<T> of the proximal "
                "operator; convert the data or build the operator in the other precision");
  return rank_of<X> == P::rank && std::is_same_v<element_of<X>, typename P::value_type>;
}

/// Sum of f(0, first, last) over [0, n), brought to the host (waits).
template <ExecutionSpace Ex, class F>
double total(const Ex& ex, index_t n, const F& f) {
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  double* sum = scratch.template take<double>(1);
  launch::sums(ex, 1, n, f, sum);
  ex.fence();
  double out = 0;
  Kokkos::deep_copy(host_view<double, 1>(&out, std::size_t(1)),
                    view<const double, 1, Ex>(sum, std::size_t(1)));
  return out;
}
}  // namespace detail

/// out = argmin over u of sigma P(u) + 1/2 |u - x|^2; x and out may be the same tensor. Throws
/// shape_error if shapes do not fit, value_error if sigma is negative or the tensors overlap
/// partly.
template <class P, TensorView X, TensorView Y>
requires ProxLike<P>
void apply(const typename P::execution_space& ex, const P& p, const X& x, double sigma,
           const Y& out) {
  if constexpr (assert_prox<P>() && detail::assert_operand<P, X>() &&
                detail::assert_operand<P, Y>()) {
    check_shape(p, shape_of(x));
    require<shape_error>(shape_of(x) == shape_of(out), P::name, ": expected a result of shape ",
                         shape_of(x), ", found ", shape_of(out));
    require(sigma >= 0, P::name, ": sigma: expected at least 0, found ", sigma);
    require((const void*)x.data() == out.data() || !linop::detail::overlap(x, out), P::name,
            ": expected equal or separate input and output, found overlapping ones");
    p.prox(ex, x, sigma, out);
  }
}

/// P(x). Throws shape_error if x is not in the domain.
template <class P, TensorView X>
requires ProxLike<P>
double value(const typename P::execution_space& ex, const P& p, const X& x) {
  if constexpr (assert_prox<P>() && detail::assert_operand<P, X>()) {
    check_shape(p, shape_of(x));
    return p.value(ex, x);
  } else {
    return 0;
  }
}

/// Random instances for the shared property checks (prox/check.hpp): a specialisation has
/// `static P make(const Space&, linop::size_class, seed)` and `static shape<> domain(size_class)`;
/// `NAME_specimens<T, Space>` lists those of the header NAME.hpp as a linop::type_list.
template <class P>
struct specimen;
using linop::size_class;
using linop::specimen_image;
using linop::specimen_kspace;
using linop::type_list;

}  // namespace cardiomm::inline CARDIOMM_ABI::prox

#endif
