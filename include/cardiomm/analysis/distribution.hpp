// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_ANALYSIS_DISTRIBUTION_HPP
#define CARDIOMM_ANALYSIS_DISTRIBUTION_HPP
/// \file
/// Normal, Student's t and F distributions: upper tails (p values) and quantiles (confidence
/// limits). Tails are computed as such, so that small p values keep their digits. Host only.

#include <algorithm>
#include <cmath>
#include <limits>

#include "cardiomm/core/error.hpp"

namespace cardiomm::inline CARDIOMM_ABI::analysis {

namespace detail {

/// log Gamma(x) less Stirling's formula, x >= 10.
inline double stirling_rest(double x) {
  const double y = 1 / (x * x);
  return (1.0 / 12 -
          y * (1.0 / 360 -
               y * (1.0 / 1260 - y * (1.0 / 1680 - y * (1.0 / 1188 - y * 691 / 360360))))) /
         x;
}

/// log of the beta function without the cancellation of three log Gamma (as in R's lbeta).
inline double log_beta(double a, double b) {
  const double p = std::min(a, b), q = std::max(a, b);
  if (p >= 10)
    return 0.91893853320467274178 - 0.5 * std::log(q) + stirling_rest(p) + stirling_rest(q) -
           stirling_rest(p + q) + (p - 0.5) * std::log(p / (p + q)) + q * std::log1p(-p / (p + q));
  if (q >= 10)
    return std::lgamma(p) + stirling_rest(q) - stirling_rest(p + q) + p - p * std::log(p + q) +
           (q - 0.5) * std::log1p(-p / (p + q));
  return std::lgamma(p) + std::lgamma(q) - std::lgamma(p + q);
}

/// The continued fraction of the incomplete beta function, by Lentz's method; it converges within
/// some sqrt(a + b) steps for x below (a + 1) / (a + b + 2).
inline double beta_fraction(double a, double b, double x) {
  constexpr double tiny = 1e-300;
  const auto kept = [](double v) { return std::abs(v) < tiny ? tiny : v; };
  double c = 1, d = 1 / kept(1 - (a + b) * x / (a + 1)), f = d;
  for (int m = 1; m < 100000; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / kept(1 + even * d);
    c = kept(1 + even / c);
    f *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / kept(1 + odd * d);
    c = kept(1 + odd / c);
    f *= d * c;
    if (std::abs(d * c - 1) < 1e-16) break;
  }
  return f;
}

/// The x in [low, high] where the falling f passes p.
template <class F>
double where_falls_to(double p, double low, double high, F&& f) {
  for (int i = 0; i < 200; ++i) {
    const double x = low + (high - low) / 2;
    if (x <= low || x >= high) break;
    (f(x) > p ? low : high) = x;
  }
  return low + (high - low) / 2;
}

inline void require_degrees(const char* what, double n) {
  require(n > 0 && !std::isnan(n), what, ": expected degrees of freedom above 0, found ", n);
}
inline void require_probability(const char* what, double p) {
  require(p >= 0 && p <= 1, what, ": expected a probability of 0 to 1, found ", p);
}

}  // namespace detail

/// The regularised incomplete beta function I_x(a, b), where y = 1 - x is given apart so that
/// neither end loses digits.
inline double incomplete_beta(double a, double b, double x, double y) {
  require(a > 0 && b > 0, "incomplete beta: expected a and b above 0, found ", a, " and ", b);
  require(x >= 0 && y >= 0, "incomplete beta: expected x of 0 to 1, found ", x);
  if (x == 0) return 0;
  if (y == 0) return 1;
  const double front = std::exp(a * std::log(x) + b * std::log(y) - detail::log_beta(a, b));
  if (x < (a + 1) / (a + b + 2)) return front * detail::beta_fraction(a, b, x) / a;
  return 1 - front * detail::beta_fraction(b, a, y) / b;
}

/// P(Z > z) of the standard normal distribution.
inline double normal_above(double z) { return 0.5 * std::erfc(z / std::sqrt(2.0)); }

/// P(T > t) of Student's t with n degrees of freedom. Throws value_error for n <= 0.
inline double t_above(double t, double n) {
  detail::require_degrees("t", n);
  if (std::isnan(t)) return t;
  if (std::isinf(t)) return t > 0 ? 0 : 1;
  const double s = t * t, tail = 0.5 * incomplete_beta(n / 2, 0.5, n / (n + s), s / (n + s));
  return t > 0 ? tail : 1 - tail;
}

/// P(F > f) of the F distribution with n and d degrees of freedom, which need not be integers.
inline double f_above(double f, double n, double d) {
  detail::require_degrees("F", n);
  detail::require_degrees("F", d);
  if (std::isnan(f)) return f;
  if (f <= 0) return 1;
  if (std::isinf(f)) return 0;
  const double whole = d + n * f;
  return incomplete_beta(d / 2, n / 2, d / whole, n * f / whole);
}

/// The z that is exceeded with probability p.
inline double normal_exceeded(double p) {
  detail::require_probability("normal", p);
  if (p > 0.5) return -normal_exceeded(1 - p);
  if (p == 0) return std::numeric_limits<double>::infinity();
  return detail::where_falls_to(p, 0.0, 40.0, normal_above);
}

/// The t that is exceeded with probability p; p = 0.025 is for two-sided limits of 95 %.
inline double t_exceeded(double p, double n) {
  detail::require_probability("t", p);
  detail::require_degrees("t", n);
  if (p > 0.5) return -t_exceeded(1 - p, n);
  if (p == 0) return std::numeric_limits<double>::infinity();
  if (p == 0.5) return 0;
  return std::exp(
      detail::where_falls_to(p, -700.0, 700.0, [&](double u) { return t_above(std::exp(u), n); }));
}

/// The f that is exceeded with probability p.
inline double f_exceeded(double p, double n, double d) {
  detail::require_probability("F", p);
  detail::require_degrees("F", n);
  detail::require_degrees("F", d);
  if (p == 0) return std::numeric_limits<double>::infinity();
  if (p == 1) return 0;
  return std::exp(detail::where_falls_to(p, -700.0, 700.0,
                                         [&](double u) { return f_above(std::exp(u), n, d); }));
}

}  // namespace cardiomm::inline CARDIOMM_ABI::analysis

#endif
