// SPDX-License-Identifier: Apache-2.0
/// \file
/// Levenberg-Marquardt against scipy.optimize.least_squares (tests/data/make_mapping.py).

#include "cardiomm/solve/levenberg_marquardt.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "cardiomm/io/npy.hpp"
#include "support/shared.hpp"

using namespace cardiomm;

namespace {

// Models of the tests. Sine and cosine have no lanes; the number of a lane is handled by itself.
struct gauss {
  static constexpr int parameters = 3;
  template <class X, class L>
  KOKKOS_INLINE_FUNCTION void operator()(X x, const L* p, L& f, L* d) const {
    const L u = (L(x) - p[1]) / p[2];
    const L e = lane_traits<L>::exp(L(-0.5) * u * u);
    f = p[0] * e;
    d[0] = e;
    d[1] = f * u / p[2];
    d[2] = d[1] * u;
  }
  template <class L>
  KOKKOS_INLINE_FUNCTION void constrain(L*) const {}
};

struct damped {
  static constexpr int parameters = 4;
  template <class X, class L>
  KOKKOS_INLINE_FUNCTION void operator()(X x, const L* p, L& f, L* d) const {
    const L e = lane_traits<L>::exp(p[1] * L(-x)), angle = p[2] * L(x) + p[3];
    double a[lane_traits<L>::width], c[lane_traits<L>::width], s[lane_traits<L>::width];
    lane_traits<L>::store(a, angle);
    for (int i = 0; i < lane_traits<L>::width; ++i) {
      c[i] = math::cos(a[i]);
      s[i] = math::sin(a[i]);
    }
    d[0] = e * lane_traits<L>::load(c);
    f = p[0] * d[0];
    d[1] = f * L(-x);
    d[3] = p[0] * e * lane_traits<L>::load(s) * L(-1);
    d[2] = d[3] * L(x);
  }
  template <class L>
  KOKKOS_INLINE_FUNCTION void constrain(L*) const {}
};

struct line {
  static constexpr int parameters = 2;
  template <class X, class L>
  KOKKOS_INLINE_FUNCTION void operator()(X x, const L* p, L& f, L* d) const {
    f = p[0] + p[1] * L(x);
    d[0] = L(1);
    d[1] = L(x);
  }
  template <class L>
  KOKKOS_INLINE_FUNCTION void constrain(L*) const {}
};

struct reference {
  io::extents shape;
  std::vector<double> x, rows;
  index_t samples() const { return static_cast<index_t>(x.size()); }
  index_t items() const { return shape[0]; }
  double at(index_t item, index_t column) const {
    return rows[static_cast<std::size_t>(item * shape[1] + column)];
  }
};
reference load(const std::string& name) {
  const auto x = io::read_npy(own_path("mapping/" + name + "_x.npy"));
  const auto rows = io::read_npy(own_path("mapping/" + name + ".npy"));
  return {rows.shape, x.values<double>(), rows.values<double>()};
}

using host = host_space;

/// Fits the rows of a file from a start; the parameters are equal to 1e-6 of their size.
template <class Model, class T>
auto fit(const reference& r, std::vector<double> start, host_tensor<T, 2>& p) {
  const host ex;
  const auto x = make_tensor<double>(ex, shape{r.samples()});
  const auto y = make_tensor<T>(ex, shape{r.samples(), r.items()});
  p = make_tensor<T>(ex, shape{index_t(Model::parameters), r.items()});
  for (index_t k = 0; k < r.samples(); ++k) {
    x(k) = r.x[static_cast<std::size_t>(k)];
    for (index_t i = 0; i < r.items(); ++i) y(k, i) = static_cast<T>(r.at(i, k));
  }
  for (int j = 0; j < Model::parameters; ++j)
    for (index_t i = 0; i < r.items(); ++i)
      p(j, i) = static_cast<T>(start[static_cast<std::size_t>(j)]);
  return solve::levenberg_marquardt(ex, Model{}, x, y, p);
}

}  // namespace

TEST_CASE("three parameters, their covariance and the residual are SciPy's") {
  const auto r = load("gauss");
  host_tensor<double, 2> p;
  const auto result = fit<gauss, double>(r, {3, 0, 1}, p);
  const index_t n = r.samples(), diagonal[] = {0, 2, 5};
  for (index_t i = 0; i < r.items(); ++i) {
    CAPTURE(i);
    CHECK(result.converged(i) == 1);
    for (index_t j = 0; j < 3; ++j) {
      CHECK(p(j, i) == doctest::Approx(r.at(i, n + j)).epsilon(1e-4));
      CHECK(result.covariance(diagonal[j], i) == doctest::Approx(r.at(i, n + 4 + j)).epsilon(1e-2));
    }
    CHECK(result.cost(i) == doctest::Approx(r.at(i, n + 3)).epsilon(1e-7));
  }
}

TEST_CASE("four parameters in float storage are SciPy's") {
  const auto r = load("damped");
  host_tensor<float, 2> p;
  const auto result = fit<damped, float>(r, {2, 0.3, 2, 0}, p);
  const index_t n = r.samples();
  for (index_t i = 0; i < r.items(); ++i) {
    CAPTURE(i);
    CHECK(result.converged(i) == 1);
    for (index_t j = 0; j < 4; ++j)
      CHECK(std::abs(p(j, i) - r.at(i, n + j)) < 1e-4 * (1 + std::abs(r.at(i, n + j))));
    CHECK(result.cost(i) == doctest::Approx(r.at(i, n + 4)).epsilon(1e-4));
  }
}

TEST_CASE("a straight line is exact and its covariance that of the textbook") {
  reference r;
  r.x = {0, 1, 2, 3};
  r.shape = {3, 4};
  r.rows = {1, 3, 5, 7, /**/ 0, 0, 0, 0, /**/ 1, 0, 1, 0};
  host_tensor<double, 2> p;
  const auto result = fit<line, double>(r, {10, -10}, p);
  for (index_t i = 0; i < 3; ++i) CHECK(result.converged(i) == 1);
  CHECK(p(0, 0) == doctest::Approx(1).epsilon(1e-9));
  CHECK(p(1, 0) == doctest::Approx(2).epsilon(1e-9));
  CHECK(std::abs(p(1, 1)) < 1e-6);
  // |r|^2 = 0.8, 2 degrees of freedom, sum (x - mean)^2 = 5
  CHECK(p(1, 2) == doctest::Approx(-0.2).epsilon(1e-6));
  CHECK(result.cost(2) == doctest::Approx(0.8).epsilon(1e-9));
  CHECK(result.covariance(2, 2) == doctest::Approx(0.4 / 5).epsilon(1e-6));
  CHECK(result.covariance(0, 2) == doctest::Approx(0.4 * (0.25 + 2.25 / 5)).epsilon(1e-6));
  CHECK(result.covariance(1, 2) == doctest::Approx(-0.4 * 1.5 / 5).epsilon(1e-6));
}

TEST_CASE("curves that cannot be fitted are told and leave the others alone") {
  reference r;
  r.x = {0, 1, 2, 3};
  r.shape = {2, 4};
  r.rows = {1, NAN, 5, 7, /**/ 1, 3, 5, 7};
  host_tensor<double, 2> p;
  const auto result = fit<line, double>(r, {0, 0}, p);
  CHECK(result.converged(0) == 0);
  CHECK(result.converged(1) == 1);
  CHECK(p(1, 1) == doctest::Approx(2));
}

TEST_CASE("shapes that do not fit are refused") {
  const host ex;
  const auto x = zeros<double>(ex, shape{4}), few = zeros<double>(ex, shape{1});
  const auto y = zeros<double>(ex, shape{4, 5}), one = zeros<double>(ex, shape{1, 5});
  const auto p = zeros<double>(ex, shape{2, 5}), three = zeros<double>(ex, shape{3, 5});
  CHECK_THROWS_AS(solve::levenberg_marquardt(ex, line{}, few, y, p), shape_error);
  CHECK_THROWS_AS(solve::levenberg_marquardt(ex, line{}, x, y, three), shape_error);
  CHECK_THROWS_WITH_AS(solve::levenberg_marquardt(ex, line{}, few, one, p),
                       doctest::Contains("expected 2 to 64 samples, found 1"), shape_error);
}
