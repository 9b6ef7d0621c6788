// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_PROX_CHECK_HPP
#define CARDIOMM_PROX_CHECK_HPP
/// \file
/// The laws of proximal operators, for yours too; no test framework needed. Each returns a relative
/// error, to be compared with `tolerance<P>`. Random inputs come from a seed.
///
///     prox::check::optimality_error(ex, P, shape, 0.5, seed) < prox::check::tolerance<decltype(P)>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cardiomm/linop/check.hpp"
#include "cardiomm/prox/concept.hpp"

namespace cardiomm::inline CARDIOMM_ABI::prox::check {

/// What rounding and inner iterations allow.
template <class P>
inline constexpr double tolerance = std::max(std::is_same_v<typename P::real_type, float> ? 5e-6
                                                                                          : 1e-12,
                                             3 * P::accuracy);

namespace detail {
using linop::check::detail::distance;
using linop::check::detail::noise;

/// Re <x, y>
template <class Ex, TensorView V>
double product(const Ex& ex, const V& x, const V& y) {
  return blas1::dot(ex, x, y).real();
}
/// a - b as a new tensor
template <class Ex, TensorView V>
auto difference(const Ex& ex, const V& a, const V& b) {
  auto d = clone(ex, a);
  blas1::axpby(ex, element_of<V>(-1), b, element_of<V>(1), d);
  return d;
}
template <class P, TensorView V>
auto prox_of(const typename P::execution_space& ex, const P& p, const V& x, double sigma) {
  auto u = make_tensor<typename P::value_type>(ex, shape_of(x), "cardiomm::check");
  apply(ex, p, x, sigma, u);
  return u;
}
}  // namespace detail

/// Excess of |u - v|^2 over Re <u - v, x - z> for u = prox(x), v = prox(z): firm non-expansiveness.
template <class P>
double expansion_error(const typename P::execution_space& ex, const P& p, const shape<P::rank>& s,
                       double sigma, std::uint64_t seed) {
  using C = typename P::value_type;
  const auto x = detail::noise<C>(ex, s, seed, 1), z = detail::noise<C>(ex, s, seed, 2);
  const auto d =
      detail::difference(ex, detail::prox_of(ex, p, x, sigma), detail::prox_of(ex, p, z, sigma));
  const auto e = detail::difference(ex, x, z);
  const double all = detail::product(ex, e, e);
  return std::max(0., detail::product(ex, d, d) - detail::product(ex, d, e)) / (all > 0 ? all : 1);
}

/// How much sigma P(w) + 1/2 |w - x|^2 + ... falls below what strong convexity promises for
/// u = prox(x): sigma P(w) >= sigma P(u) + Re <x - u, w - u> for every w, that is (x - u) / sigma
/// is a subgradient of P at u. w runs over neighbours of u at several distances, x, 0 and other
/// results of prox. Infinite if P(u) is.
template <class P>
double optimality_error(const typename P::execution_space& ex, const P& p, const shape<P::rank>& s,
                        double sigma, std::uint64_t seed) {
  using C = typename P::value_type;
  using T = typename P::real_type;
  const auto x = detail::noise<C>(ex, s, seed, 1);
  const auto u = detail::prox_of(ex, p, x, sigma);
  const auto normal = detail::difference(ex, x, u);
  const double pu = sigma * p.value(ex, u), size = detail::product(ex, x, x);
  if (!std::isfinite(pu)) return std::numeric_limits<double>::infinity();
  double worst = 0;
  const auto compare = [&](const auto& w) {
    const double pw = sigma * p.value(ex, w);
    const double bound = pu + detail::product(ex, normal, detail::difference(ex, w, u));
    if (pw < bound) worst = std::max(worst, (bound - pw) / (size + std::abs(pu)));
  };
  auto w = make_tensor<C>(ex, s, "cardiomm::check");
  compare(x);
  Kokkos::deep_copy(w, C(0));
  compare(w);
  for (const double step : {2., 0.1, 0.01, -0.01, -0.1}) {
    const auto n = detail::noise<C>(ex, s, seed, 3);
    Kokkos::deep_copy(w, u);
    blas1::axpby(ex, C(T(step)), n, C(1), w);
    compare(w);
    compare(detail::prox_of(ex, p, w, sigma));  // feasible where P is an indicator
    Kokkos::deep_copy(w, u);
    blas1::axpby(ex, C(T(step)), normal, C(1), w);  // along the way back to x and beyond
    compare(w);
    Kokkos::deep_copy(w, u);
    blas1::scale(ex, C(T(1 + step)), w);
    compare(w);
  }
  return worst;
}

/// |prox in place - prox| / |prox|, and with the input untouched by the latter.
template <class P>
double in_place_error(const typename P::execution_space& ex, const P& p, const shape<P::rank>& s,
                      double sigma, std::uint64_t seed) {
  using C = typename P::value_type;
  const auto x = detail::noise<C>(ex, s, seed, 1);
  auto z = clone(ex, x);
  const auto u = detail::prox_of(ex, p, x, sigma);
  const double kept = detail::distance(ex, x, z);
  apply(ex, p, z, sigma, z);
  return std::max(kept, detail::distance(ex, z, u));
}

/// Moreau: with u = prox(x) and v = (x - u) / sigma, P(u) + P*(v) = Re <u, v>; needs the
/// conjugate's value in closed form, 0 where P does not know it.
template <class P>
double moreau_error(const typename P::execution_space& ex, const P& p, const shape<P::rank>& s,
                    double sigma, std::uint64_t seed) {
  if constexpr (HasConjugateValue<P>) {
    using C = typename P::value_type;
    using T = typename P::real_type;
    const auto x = detail::noise<C>(ex, s, seed, 1);
    const auto u = detail::prox_of(ex, p, x, sigma);
    auto v = detail::difference(ex, x, u);
    blas1::scale(ex, C(T(1 / sigma)), v);
    const double left = p.value(ex, u) + p.conjugate_value(ex, v);
    return std::abs(left - detail::product(ex, u, v)) / (detail::product(ex, x, x) / sigma);
  } else {
    (void)ex, (void)p, (void)s, (void)sigma, (void)seed;
    return 0;
  }
}

/// Operators with a prox of their conjugate: its distance from Moreau's
/// x - sigma prox(x / sigma, 1 / sigma), relative to x, out of place and in place.
template <class P>
double conjugate_error(const typename P::execution_space& ex, const P& p, const shape<P::rank>& s,
                       double sigma, std::uint64_t seed) {
  if constexpr (HasProxConjugate<P>) {
    using C = typename P::value_type;
    using T = typename P::real_type;
    const auto x = detail::noise<C>(ex, s, seed, 1);
    auto v = clone(ex, x), expected = clone(ex, x);
    blas1::scale(ex, C(T(1 / sigma)), v);
    apply(ex, p, v, 1 / sigma, v);
    blas1::axpby(ex, C(T(-sigma)), v, C(1), expected);
    p.prox_conjugate(ex, x, sigma, v);
    auto z = clone(ex, x);
    p.prox_conjugate(ex, z, sigma, z);
    const double size = blas1::norm(ex, x);
    return std::max(detail::distance(ex, v, expected, size), detail::distance(ex, z, v, size));
  } else {
    (void)ex, (void)p, (void)s, (void)sigma, (void)seed;
    return 0;
  }
}

/// Indicators only: |prox(prox(x)) - prox(x)| and the effect of sigma, relative.
template <class P>
double projection_error(const typename P::execution_space& ex, const P& p, const shape<P::rank>& s,
                        double sigma, std::uint64_t seed) {
  if constexpr (P::indicator) {
    const auto x = detail::noise<typename P::value_type>(ex, s, seed, 1);
    const auto u = detail::prox_of(ex, p, x, sigma);
    return std::max(detail::distance(ex, detail::prox_of(ex, p, u, sigma), u),
                    detail::distance(ex, detail::prox_of(ex, p, x, 2 * sigma), u));
  } else {
    (void)ex, (void)p, (void)s, (void)sigma, (void)seed;
    return 0;
  }
}

/// |prox with sigma = 0 - x| / |x|, for functions that are finite everywhere.
template <class P>
double zero_step_error(const typename P::execution_space& ex, const P& p, const shape<P::rank>& s,
                       std::uint64_t seed) {
  if constexpr (!P::indicator) {
    const auto x = detail::noise<typename P::value_type>(ex, s, seed, 1);
    if (!std::isfinite(p.value(ex, x))) return 0;
    return detail::distance(ex, detail::prox_of(ex, p, x, 0), x);
  } else {
    (void)ex, (void)p, (void)s, (void)seed;
    return 0;
  }
}

/// The largest error of all laws; firm non-expansiveness and optimality of convex functions only.
template <class P>
double worst_error(const typename P::execution_space& ex, const P& p, const shape<P::rank>& s,
                   double sigma, std::uint64_t seed) {
  double worst =
      std::max({in_place_error(ex, p, s, sigma, seed), projection_error(ex, p, s, sigma, seed),
                zero_step_error(ex, p, s, seed)});
  if constexpr (P::convex)
    worst =
        std::max({worst, expansion_error(ex, p, s, sigma, seed),
                  optimality_error(ex, p, s, sigma, seed), moreau_error(ex, p, s, sigma, seed)});
  return worst;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::prox::check

#endif
