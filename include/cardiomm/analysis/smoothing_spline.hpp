// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_ANALYSIS_SMOOTHING_SPLINE_HPP
#define CARDIOMM_ANALYSIS_SMOOTHING_SPLINE_HPP
/// \file
/// The cubic smoothing spline of Dierckx: the smoothest one, in the sense of the jumps of its third
/// derivative at the knots, whose squared residuals sum up to at most s. Knots are added where the
/// residuals are large until a least-squares spline keeps to s; then a parameter p between the
/// cubic polynomial and that spline is found with residuals of s.
/// Sources: Dierckx, Curve and Surface Fitting with Splines (1993), chapters 4 and 5; Dierckx,
/// SIAM J. Numer. Anal. 19 (1982). With the constants of its program FITPACK (tolerance 0.001 s, 20
/// steps of p), which `scipy.interpolate.splrep` and `UnivariateSpline` call: equal to them.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "cardiomm/core/error.hpp"

namespace cardiomm::inline CARDIOMM_ABI::analysis {

/// A cubic spline: knots with the ends four times, and coefficients of the B-splines.
struct cubic_spline {
  std::vector<double> knots, coefficients;
  double residual = 0;  ///< sum of squared residuals of the fit
  int steps = 0;        ///< of p; 0: a least-squares or interpolating spline

  /// The value at t; outside the knots the outermost polynomials go on.
  double operator()(double t) const;
};

namespace detail::spline {

constexpr std::size_t order = 4;  // of a cubic

/// The four B-splines that are not 0 at t in [knots[l], knots[l + 1]).
inline std::array<double, order> basis(const std::vector<double>& knots, std::size_t l, double t) {
  std::array<double, order> h{1, 0, 0, 0};
  for (std::size_t j = 1; j < order; ++j) {
    const std::array<double, order> before = h;
    h[0] = 0;
    for (std::size_t i = 0; i < j; ++i) {
      const double right = knots[l + 1 + i], left = knots[l + 1 + i - j];
      if (right == left) {
        h[i + 1] = 0;
        continue;
      }
      const double f = before[i] / (right - left);
      h[i] += f * (right - t);
      h[i + 1] = f * (t - left);
    }
  }
  return h;
}

/// A Givens rotation that moves `pivot` into the diagonal element.
struct rotation {
  double cosine, sine;
  rotation(double pivot, double& diagonal) {
    const double size = std::hypot(pivot, diagonal);
    cosine = diagonal / size;
    sine = pivot / size;
    diagonal = size;
  }
  void operator()(double& row, double& triangle) const {
    const double a = row, b = triangle;
    triangle = cosine * b + sine * a;
    row = cosine * a - sine * b;
  }
};

/// Solves the upper triangular system with `width` diagonals; rows of 5.
using band = std::vector<std::array<double, order + 1>>;
inline std::vector<double> solve(const band& a, const std::vector<double>& z, std::size_t width) {
  std::vector<double> c(z.size());
  for (std::size_t i = z.size(); i-- > 0;) {
    double sum = z[i];
    for (std::size_t j = 1; j < width && i + j < z.size(); ++j) sum -= c[i + j] * a[i][j];
    c[i] = sum / a[i][0];
  }
  return c;
}

/// One set of knots: the observation matrix in triangular form and what it was made of.
class observations {
 public:
  observations(const std::vector<double>& t, const std::vector<double>& y,
               const std::vector<double>& knots)
      : t_(t), y_(y), knots_(knots) {
    const std::size_t unknowns = knots.size() - order;
    triangle.assign(unknowns, {});
    right.assign(unknowns, 0);
    values_.resize(t.size());
    first_.resize(t.size());
    std::size_t l = order - 1;
    for (std::size_t i = 0; i < t.size(); ++i) {
      while (t[i] >= knots[l + 1] && l + 1 < unknowns) ++l;
      auto h = values_[i] = basis(knots, l, t[i]);
      first_[i] = l + 1 - order;
      double rest = y[i];
      for (std::size_t k = 0; k < order; ++k) {
        if (h[k] == 0) continue;
        const std::size_t row = first_[i] + k;
        const rotation turn(h[k], triangle[row][0]);
        turn(rest, right[row]);
        for (std::size_t m = k + 1; m < order; ++m) turn(h[m], triangle[row][m - k]);
      }
      residual += rest * rest;
    }
  }
  double squared_error(const std::vector<double>& c, std::size_t i) const {
    double sum = 0;
    for (std::size_t k = 0; k < order; ++k) sum += c[first_[i] + k] * values_[i][k];
    return (sum - y_[i]) * (sum - y_[i]);
  }
  double sum_of_errors(const std::vector<double>& c) const {
    double sum = 0;
    for (std::size_t i = 0; i < t_.size(); ++i) sum += squared_error(c, i);
    return sum;
  }
  /// Squared errors between neighbouring knots; those of a point on a knot count half on each side.
  std::vector<double> errors_by_interval(const std::vector<double>& c) const {
    std::vector<double> parts;
    double part = 0;
    std::size_t l = order;  // the next knot
    for (std::size_t i = 0; i < t_.size(); ++i) {
      const bool on_knot = t_[i] >= knots_[l] && l < knots_.size() - order;
      const double error = squared_error(c, i);
      part += error;
      if (!on_knot) continue;
      ++l;
      parts.push_back(part - error / 2);
      part = error / 2;
    }
    parts.push_back(part);
    return parts;
  }

  band triangle;
  std::vector<double> right;
  double residual = 0;  ///< of the least-squares spline

 private:
  const std::vector<double>&t_, &y_, &knots_;
  std::vector<std::array<double, order>> values_;
  std::vector<std::size_t> first_;
};

/// The knots with the data points and errors between them.
class knot_set {
 public:
  explicit knot_set(const std::vector<double>& t)
      : t_(t), knots(2 * order), inner_points{t.size() - 2} {
    std::fill_n(knots.begin(), order, t.front());
    std::fill_n(knots.begin() + order, order, t.back());
  }
  /// Adds a knot at the middle data point of the interval with the largest error. False where no
  /// interval has a data point left.
  bool add() {
    double most = 0;
    std::size_t where = inner_points.size(), begin = 0, at = 0;
    for (std::size_t j = 0; j < inner_points.size(); ++j) {
      if (most < errors[j] && inner_points[j] != 0) {
        most = errors[j];
        where = j;
        begin = at;
      }
      at += inner_points[j] + 1;
    }
    if (where == inner_points.size()) return false;
    const std::size_t points = inner_points[where], half = points / 2 + 1;
    const std::size_t left = half - 1, right = points - half;
    inner_points[where] = left;
    inner_points.insert(inner_points.begin() + static_cast<std::ptrdiff_t>(where) + 1, right);
    errors[where] = most * static_cast<double>(left) / static_cast<double>(points);
    errors.insert(errors.begin() + static_cast<std::ptrdiff_t>(where) + 1,
                  most * static_cast<double>(right) / static_cast<double>(points));
    knots.insert(knots.begin() + static_cast<std::ptrdiff_t>(where + order), t_[begin + half]);
    return true;
  }

 private:
  const std::vector<double>& t_;

 public:
  std::vector<double> knots;
  std::vector<std::size_t> inner_points;  ///< data points strictly between neighbouring knots
  std::vector<double> errors;
};

/// Jumps of the third derivative of the B-splines at the inner knots.
inline band jumps(const std::vector<double>& knots) {
  const std::size_t unknowns = knots.size() - order, inner = unknowns - order;
  const double scale = static_cast<double>(inner + 1) / (knots[unknowns] - knots[order - 1]);
  band b(inner);
  for (std::size_t row = 0; row < inner; ++row) {
    const std::size_t l = row + order;
    std::array<double, 2 * order> h{};
    for (std::size_t j = 0; j < order; ++j) {
      h[j] = knots[l] - knots[l + j - order];
      h[j + order] = knots[l] - knots[l + j + 1];
    }
    for (std::size_t j = 0; j <= order; ++j) {
      double product = h[j];
      for (std::size_t i = 1; i < order; ++i) product *= h[j + i] * scale;
      b[row][j] = (knots[row + j + order] - knots[row + j]) / product;
    }
  }
  return b;
}

/// Coefficients of the smoothing spline with parameter p: the observations with the jumps over p
/// below them.
inline std::vector<double> smooth(const observations& o, const band& b, double p) {
  band g = o.triangle;
  std::vector<double> c = o.right;
  const std::size_t n = g.size(), inner = b.size();
  for (auto& row : g) row[order] = 0;
  for (std::size_t it = 0; it < inner; ++it) {
    std::array<double, order + 1> h;
    for (std::size_t i = 0; i <= order; ++i) h[i] = b[it][i] / p;
    double rest = 0;
    for (std::size_t j = it; j < n; ++j) {
      const rotation turn(h[0], g[j][0]);
      turn(rest, c[j]);
      if (j + 1 == n) break;
      const std::size_t width = j >= inner ? n - 1 - j : order;
      for (std::size_t i = 0; i < width; ++i) {
        turn(h[i + 1], g[j][i + 1]);
        h[i] = h[i + 1];
      }
      h[width] = 0;
    }
  }
  return solve(g, c, order + 1);
}

/// Root of a rational function through three points (p, f), the third one perhaps at infinity
/// (p < 0); narrows the bracket.
inline double next_parameter(double& p1, double& f1, double p2, double f2, double& p3, double& f3) {
  double p;
  if (p3 > 0) {
    const double h1 = f1 * (f2 - f3), h2 = f2 * (f3 - f1), h3 = f3 * (f1 - f2);
    p = -(p1 * p2 * h3 + p2 * p3 * h1 + p3 * p1 * h2) / (p1 * h1 + p2 * h2 + p3 * h3);
  } else
    p = (p1 * (f1 - f3) * f2 - p2 * (f2 - f3) * f1) / ((f1 - f2) * f3);
  (f2 < 0 ? p3 : p1) = p2;
  (f2 < 0 ? f3 : f1) = f2;
  return p;
}

}  // namespace detail::spline

inline double cubic_spline::operator()(double t) const {
  namespace d = detail::spline;
  std::size_t l = d::order - 1;
  const std::size_t unknowns = coefficients.size();
  while (l + 1 < unknowns && t >= knots[l + 1]) ++l;
  const auto h = d::basis(knots, l, t);
  double sum = 0;
  for (std::size_t k = 0; k < d::order; ++k) sum += coefficients[l + 1 - d::order + k] * h[k];
  return sum;
}

/// The cubic smoothing spline of points (t, y), t strictly increasing, at least 4 of them, with
/// unit weights; s = 0 interpolates. When there are `pause` knots, they are tried before others are
/// added, one at first: `splrep` has no such number, `UnivariateSpline` has max(m / 2, 8) of m
/// points, which can lead to other knots. Throws shape_error or value_error for other points.
inline cubic_spline smoothing_spline(const std::vector<double>& t, const std::vector<double>& y,
                                     double s, std::size_t pause = 0) {
  namespace d = detail::spline;
  const std::size_t m = t.size();
  require<shape_error>(m >= d::order && y.size() == m,
                       "spline: expected at least 4 points with a value each, found ", m, " and ",
                       y.size());
  require<value_error>(std::isfinite(s) && s >= 0, "spline: expected s of at least 0, found ", s);
  for (std::size_t i = 0; i < m; ++i)
    require<value_error>(std::isfinite(t[i]) && std::isfinite(y[i]) && (i == 0 || t[i] > t[i - 1]),
                         "spline: expected finite points in increasing order, found a different one"
                         " at ",
                         i);
  const double tolerance = 0.001 * s;
  const std::size_t most = m + d::order;  // knots of the interpolating spline
  const auto interpolating = [&] {
    std::vector<double> knots(d::order, t.front());
    for (std::size_t i = 2; i + 2 < m; ++i) knots.push_back(t[i]);
    knots.insert(knots.end(), d::order, t.back());
    return knots;
  };
  d::knot_set set(t);
  if (s == 0) set.knots = interpolating();
  double first_error = 0, last_error = 0;  // of the polynomial, of the knots before
  std::size_t added = 0;
  for (std::size_t round = 0; round <= m; ++round) {
    const d::observations o(t, y, set.knots);
    cubic_spline result{set.knots, d::solve(o.triangle, o.right, d::order), o.residual, 0};
    const double over = o.residual - s;
    const bool polynomial = set.knots.size() == 2 * d::order;
    if (polynomial) first_error = o.residual;
    if (std::abs(over) < tolerance || (polynomial && over < 0) ||
        (set.knots.size() >= most && over >= 0))
      return result;
    if (over < 0) {
      // these knots suffice: less of their spline, until the residuals are s
      constexpr double con1 = 0.1, con9 = 0.9, con4 = 0.04;
      const d::band b = d::jumps(set.knots);
      double p1 = 0, f1 = first_error - s, p3 = -1, f3 = over, p = 0;
      for (const auto& row : o.triangle) p += row[0];
      p = static_cast<double>(o.triangle.size()) / p;
      bool below = false, above = false;
      for (int step = 1; step <= 20; ++step) {
        result.coefficients = d::smooth(o, b, p);
        result.residual = o.sum_of_errors(result.coefficients);
        result.steps = step;
        const double p2 = p, f2 = result.residual - s;
        if (std::abs(f2) < tolerance) break;
        if (!below) {
          if (f2 - f3 <= tolerance) {  // p is too large
            p3 = p2;
            f3 = f2;
            p *= con4;
            if (p <= p1) p = p1 * con9 + p2 * con1;
            continue;
          }
          below = f2 < 0;
        }
        if (!above) {
          if (f1 - f2 <= tolerance) {  // p is too small
            p1 = p2;
            f1 = f2;
            p /= con4;
            if (p3 >= 0 && p >= p3) p = p2 * con1 + p3 * con9;
            continue;
          }
          above = f2 > 0;
        }
        if (f2 >= f1 || f2 <= f3) break;  // not as theory expects: this is as near as it gets
        p = d::next_parameter(p1, f1, p2, f2, p3, f3);
      }
      return result;
    }
    // more knots, as many as the last ones promise to be enough, at most twice as many as then
    if (polynomial || set.knots.size() == pause)
      added = 1;
    else {
      const double gain = last_error - o.residual;
      const auto wanted = gain > tolerance
                              ? static_cast<std::int64_t>(static_cast<double>(added) * over / gain)
                              : static_cast<std::int64_t>(2 * added);
      added = static_cast<std::size_t>(std::min<std::int64_t>(
          static_cast<std::int64_t>(2 * added),
          std::max<std::int64_t>({wanted, static_cast<std::int64_t>(added / 2), 1})));
    }
    last_error = o.residual;
    set.errors = o.errors_by_interval(result.coefficients);
    for (std::size_t i = 0; i < added && set.knots.size() < most; ++i) {
      if (!set.add()) return result;
      if (set.knots.size() == most) set.knots = interpolating();
      if (set.knots.size() == pause) break;
    }
  }
  throw value_error("spline: the knots did not come to an end");
}

}  // namespace cardiomm::inline CARDIOMM_ABI::analysis

#endif
