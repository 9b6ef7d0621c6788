// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_ANALYSIS_AGREEMENT_HPP
#define CARDIOMM_ANALYSIS_AGREEMENT_HPP
/// \file
/// Agreement of measurements of the same subjects by two methods, observers or visits: Bland and
/// Altman's limits, intraclass correlations, correlations, repeatability. Host only.
///
/// What has no value (a correlation of constant numbers) is NaN; too few or unequal numbers throw.

#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "cardiomm/analysis/distribution.hpp"

namespace cardiomm::inline CARDIOMM_ABI::analysis {

/// A number with its confidence limits.
struct estimate {
  double value = 0, low = 0, high = 0;
};

namespace detail {

inline void require_pairs(const char* what, const std::vector<double>& a,
                          const std::vector<double>& b, std::size_t least) {
  require<shape_error>(a.size() == b.size(), what, ": expected ", a.size(),
                       " values of the second method, as of the first, found ", b.size());
  require(a.size() >= least, what, ": expected at least ", least, " pairs, found ", a.size());
  for (const auto* v : {&a, &b})
    for (const double x : *v)
      require(std::isfinite(x), what, ": expected finite values, found ", x);
}
inline void require_confidence(const char* what, double level) {
  require(level > 0 && level < 1, what, ": expected a confidence between 0 and 1, found ", level);
}

inline double mean(const std::vector<double>& v) {
  return std::accumulate(v.begin(), v.end(), 0.0) / double(v.size());
}
/// Sums of squares and products about the means.
struct moments {
  double mean_a, mean_b, aa = 0, bb = 0, ab = 0;
  moments(const std::vector<double>& a, const std::vector<double>& b)
      : mean_a(mean(a)), mean_b(mean(b)) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      aa += (a[i] - mean_a) * (a[i] - mean_a);
      bb += (b[i] - mean_b) * (b[i] - mean_b);
      ab += (a[i] - mean_a) * (b[i] - mean_b);
    }
  }
};

inline double undefined() { return std::numeric_limits<double>::quiet_NaN(); }

/// Correlation with p value and limits by Fisher's z.
struct correlated {
  estimate r;
  double p;
};
inline correlated with_limits(double r, double n, double level) {
  if (std::isnan(r)) return {{r, r, r}, r};
  r = std::min(1.0, std::max(-1.0, r));
  const double left = (1 - r) * (1 + r);
  const double t = left > 0 ? r * std::sqrt((n - 2) / left)
                            : std::copysign(std::numeric_limits<double>::infinity(), r);
  const double p = n > 2 ? std::min(1.0, 2 * t_above(std::abs(t), n - 2)) : undefined();
  if (n <= 3) return {{r, undefined(), undefined()}, p};
  const double z = std::atanh(r), reach = normal_exceeded((1 - level) / 2) / std::sqrt(n - 3);
  return {{r, std::tanh(z - reach), std::tanh(z + reach)}, p};
}

/// Ranks from 1, ties share their mean.
inline std::vector<double> ranks(const std::vector<double>& v) {
  std::vector<std::size_t> order(v.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::sort(order.begin(), order.end(), [&](auto i, auto j) { return v[i] < v[j]; });
  std::vector<double> r(v.size());
  for (std::size_t i = 0; i < v.size();) {
    std::size_t j = i;
    while (j < v.size() && v[order[j]] == v[order[i]]) ++j;
    for (std::size_t k = i; k < j; ++k) r[order[k]] = 0.5 * double(i + j + 1);
    i = j;
  }
  return r;
}

}  // namespace detail

/// Differences a - b of two methods (Bland and Altman, Lancet 1:307, 1986).
struct bland_altman {
  index_t pairs = 0;
  estimate bias;  ///< mean of a - b
  double sd = 0;  ///< of the differences, n - 1
  estimate lower,
      upper;             ///< limits of agreement, bias -+ width * sd, standard error sqrt(3 / n) sd
  double p = 0;          ///< of no bias: paired t test, two-sided
  estimate slope;        ///< of the differences over the means: proportional bias
  double intercept = 0;  ///< of that line
  double slope_p = 0;    ///< of no slope, two-sided
  double mean_absolute = 0;  ///< mean of |a - b|
};

/// Bland and Altman's analysis of pairs. Limits are at bias -+ `width` standard deviations, their
/// confidence limits by Student's t. Throws shape_error for lists of different length, value_error
/// for fewer than 2 pairs, values that are not finite or a confidence outside (0, 1).
inline bland_altman compare_methods(const std::vector<double>& a, const std::vector<double>& b,
                                    double level = 0.95, double width = 1.96) {
  detail::require_pairs("Bland-Altman", a, b, 2);
  detail::require_confidence("Bland-Altman", level);
  const std::size_t count = a.size();
  const double n = double(count);
  std::vector<double> d(count), m(count);
  for (std::size_t i = 0; i < count; ++i) {
    d[i] = a[i] - b[i];
    m[i] = 0.5 * (a[i] + b[i]);
  }
  bland_altman r;
  r.pairs = static_cast<index_t>(count);
  const detail::moments s(m, d);
  r.sd = std::sqrt(s.bb / (n - 1));
  const double t = t_exceeded((1 - level) / 2, n - 1), se = r.sd / std::sqrt(n);
  const auto around = [](double v, double reach) { return estimate{v, v - reach, v + reach}; };
  r.bias = around(s.mean_b, t * se);
  r.lower = around(s.mean_b - width * r.sd, t * std::sqrt(3.0) * se);
  r.upper = around(s.mean_b + width * r.sd, t * std::sqrt(3.0) * se);
  const auto two_sided = [](double x, double error, double degrees) {
    if (error == 0) return x == 0 ? detail::undefined() : 0.0;
    return 2 * t_above(std::abs(x) / error, degrees);
  };
  r.p = two_sided(s.mean_b, se, n - 1);
  for (const double x : d) r.mean_absolute += std::abs(x) / n;
  const double slope = s.aa > 0 ? s.ab / s.aa : detail::undefined();
  r.intercept = s.mean_b - slope * s.mean_a;
  r.slope = {slope, detail::undefined(), detail::undefined()};
  r.slope_p = detail::undefined();
  if (n > 2 && s.aa > 0) {
    const double rest = std::max(0.0, s.bb - slope * s.ab);
    const double error = std::sqrt(rest / (n - 2) / s.aa);
    r.slope = around(slope, t_exceeded((1 - level) / 2, n - 2) * error);
    r.slope_p = two_sided(slope, error, n - 2);
  }
  return r;
}

/// Pearson's correlation, p value of none (two-sided, Student's t) and limits by Fisher's z.
inline detail::correlated pearson(const std::vector<double>& a, const std::vector<double>& b,
                                  double level = 0.95) {
  detail::require_pairs("Pearson", a, b, 2);
  detail::require_confidence("Pearson", level);
  const detail::moments s(a, b);
  return detail::with_limits(
      s.aa > 0 && s.bb > 0 ? s.ab / std::sqrt(s.aa) / std::sqrt(s.bb) : detail::undefined(),
      double(a.size()), level);
}

/// Spearman's correlation: Pearson's of the ranks, ties sharing theirs.
inline detail::correlated spearman(const std::vector<double>& a, const std::vector<double>& b,
                                   double level = 0.95) {
  detail::require_pairs("Spearman", a, b, 2);
  return pearson(detail::ranks(a), detail::ranks(b), level);
}

/// Lin's concordance correlation, 2 s_ab / (s_aa + s_bb + (mean a - mean b)^2) with variances over
/// n, limits by his z (Biometrics 45:255, 1989, corrected 56:324, 2000).
inline estimate concordance(const std::vector<double>& a, const std::vector<double>& b,
                            double level = 0.95) {
  detail::require_pairs("concordance", a, b, 2);
  detail::require_confidence("concordance", level);
  const detail::moments s(a, b);
  const double n = double(a.size()), shift = s.mean_a - s.mean_b;
  const double all = s.aa + s.bb + n * shift * shift;
  const double c = all > 0 ? 2 * s.ab / all : detail::undefined();
  estimate e{c, detail::undefined(), detail::undefined()};
  if (n < 3 || !(s.aa > 0) || !(s.bb > 0)) return e;
  const double r = s.ab / std::sqrt(s.aa) / std::sqrt(s.bb);
  if (c >= 1) return {c, c, c};
  if (r == 0) return e;
  const double u = shift * shift * n / std::sqrt(s.aa * s.bb), q = 1 - c * c;
  const double variance =
      ((1 - r * r) * c * c / (q * r * r) + 2 * c * c * c * (1 - c) * u / (r * q * q) -
       c * c * c * c * u * u / (2 * r * r * q * q)) /
      (n - 2);
  const double z = std::atanh(c),
               reach = normal_exceeded((1 - level) / 2) * std::sqrt(std::max(0.0, variance));
  e.low = std::tanh(z - reach);
  e.high = std::tanh(z + reach);
  return e;
}

/// How well a measurement repeats, from pairs of the same method.
struct repeatability {
  double within_sd;    ///< sqrt(mean(d^2 / 2))
  double coefficient;  ///< 1.96 sqrt(2) within_sd: 95 % of two measurements differ by less
  double cov;          ///< sqrt(mean((d^2 / 2) / mean^2)), a part of 1; NaN where a mean is 0
};

inline repeatability repeat_of(const std::vector<double>& a, const std::vector<double>& b) {
  detail::require_pairs("repeatability", a, b, 1);
  double square = 0, relative = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = a[i] - b[i], m = 0.5 * (a[i] + b[i]);
    square += d * d / 2;
    relative += m == 0 ? detail::undefined() : d * d / 2 / (m * m);
  }
  const double n = double(a.size()), sd = std::sqrt(square / n);
  return {sd, 1.96 * std::sqrt(2.0) * sd, std::sqrt(relative / n)};
}

/// An intraclass correlation with its F test.
struct icc_form {
  const char* name;       ///< Shrout and Fleiss: ICC1, ICC2, ICC3, ICC1k, ICC2k, ICC3k
  const char* describes;  ///< in McGraw and Wong's words
  estimate icc;
  double f, df1, df2, p;
};

/// The six intraclass correlations of Shrout and Fleiss (Psychol Bull 86:420, 1979) with F test and
/// limits: of single measurements and of means of all raters, with raters that differ from subject
/// to subject (1), are a sample (2, absolute agreement) or are all there are (3, consistency).
///
/// \param raters  one list per method or observer, all of the same subjects
/// Throws shape_error for lists of different length, value_error for fewer than 2 raters or
/// subjects, values that are not finite, or a confidence outside (0, 1).
inline std::array<icc_form, 6> intraclass(const std::vector<std::vector<double>>& raters,
                                          double level = 0.95) {
  detail::require_confidence("ICC", level);
  require(raters.size() >= 2, "ICC: expected at least 2 raters, found ", raters.size());
  for (const auto& r : raters) detail::require_pairs("ICC", raters.front(), r, 2);
  const std::size_t subjects = raters.front().size();
  const double n = double(subjects), k = double(raters.size());
  double grand = 0;
  for (const auto& r : raters) grand += detail::mean(r) / k;
  double between = 0, within = 0, across = 0, rest = 0;
  std::vector<double> rater_mean;
  for (const auto& r : raters) {
    rater_mean.push_back(detail::mean(r) - grand);
    across += n * rater_mean.back() * rater_mean.back();
  }
  for (std::size_t i = 0; i < subjects; ++i) {
    double m = 0;
    for (const auto& r : raters) m += (r[i] - grand) / k;
    between += k * m * m;
    for (std::size_t j = 0; j < raters.size(); ++j) {
      const double x = raters[j][i] - grand - m;
      within += x * x;
      rest += (x - rater_mean[j]) * (x - rater_mean[j]);
    }
  }
  const double d1 = n - 1, dw = n * (k - 1), de = (n - 1) * (k - 1);
  const double msb = between / d1, msw = within / dw, msj = across / (k - 1);
  // what rounding leaves of a rest that is none
  const double mse = rest > 1e-24 * (between + within) ? rest / de : 0;
  const double a = (1 - level) / 2;
  const double f1 = msb / msw, f3 = msb / mse;
  const double i1 = (msb - msw) / (msb + (k - 1) * msw);
  const double i2 = (msb - mse) / (msb + (k - 1) * mse + k * (msj - mse) / n);
  const double i3 = (msb - mse) / (msb + (k - 1) * mse);
  std::array<icc_form, 6> r{{
      {"ICC1", "single measurements, raters at random", {i1, 0, 0}, f1, d1, dw, 0},
      {"ICC2", "single measurements, absolute agreement", {i2, 0, 0}, f3, d1, de, 0},
      {"ICC3", "single measurements, consistency", {i3, 0, 0}, f3, d1, de, 0},
      {"ICC1k", "means of raters at random", {(msb - msw) / msb, 0, 0}, f1, d1, dw, 0},
      {"ICC2k",
       "means, absolute agreement",
       {(msb - mse) / (msb + (msj - mse) / n), 0, 0},
       f3,
       d1,
       de,
       0},
      {"ICC3k", "means, consistency", {(msb - mse) / msb, 0, 0}, f3, d1, de, 0},
  }};
  for (auto& form : r) form.p = f_above(form.f, form.df1, form.df2);
  // limits of the forms 1 and 3; an endless F, of raters without any difference, has the limit 1
  const auto limits = [&](double f, double df2, estimate& single, estimate& mean) {
    if (std::isnan(f)) {
      single.low = single.high = mean.low = mean.high = f;
      return;
    }
    const auto of = [&](double v) { return std::isinf(v) ? 1.0 : (v - 1) / (v + k - 1); };
    const double low = f / f_exceeded(a, d1, df2), high = f * f_exceeded(a, df2, d1);
    single.low = of(low);
    single.high = of(high);
    mean.low = 1 - 1 / low;
    mean.high = 1 - 1 / high;
  };
  limits(f1, dw, r[0].icc, r[3].icc);
  limits(f3, de, r[2].icc, r[5].icc);
  estimate& two = r[1].icc;
  if (std::isnan(f3) || std::isnan(i2)) {
    two.low = two.high = detail::undefined();
  } else {
    // Satterthwaite's degrees of freedom; written without msj / mse, which may be endless
    const double x = k * i2 * msj, y = (n * (1 + (k - 1) * i2) - k * i2) * mse;
    const double top = de * (x + y) * (x + y), bottom = d1 * x * x + y * y;
    const double v = bottom > 0 ? top / bottom : de;
    const double upper = f_exceeded(a, d1, v), lower = f_exceeded(a, v, d1);
    const double others = k * msj + (k * n - k - n) * mse;
    two.low = n * (msb - upper * mse) / (upper * others + n * msb);
    two.high = n * (lower * msb - mse) / (others + n * lower * msb);
  }
  r[4].icc.low = k * two.low / (1 + two.low * (k - 1));
  r[4].icc.high = k * two.high / (1 + two.high * (k - 1));
  return r;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::analysis

#endif
