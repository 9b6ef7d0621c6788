// SPDX-License-Identifier: Apache-2.0
/// \file
/// Smoothing splines equal to scipy.interpolate.splrep (tests/data/phenotypes.json, written by
/// make_phenotypes.py), and what their definition says.

#include "cardiomm/analysis/smoothing_spline.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "support/shared.hpp"

using namespace cardiomm;
using analysis::smoothing_spline;

TEST_CASE("knots, residual and values are those of FITPACK") {
  const auto cases =
      nlohmann::json::parse(std::ifstream(own_path("phenotypes.json"))).at("splines");
  REQUIRE(cases.size() == 10);
  for (const auto& c : cases) {
    const double s = c["s"];
    const auto f =
        smoothing_spline(c["t"].get<std::vector<double>>(), c["y"].get<std::vector<double>>(), s);
    CHECK(f.knots.size() == c["knots"].get<std::size_t>());
    CHECK(std::abs(f.residual - c["residual"].get<double>()) < 1e-7 * (1 + s));
    for (std::size_t i = 0; i < c["at"].size(); ++i)
      CHECK(std::abs(f(c["at"][i].get<double>()) - c["values"][i].get<double>()) < 1e-6);
  }
}

TEST_CASE("s = 0 interpolates, a large s gives the least-squares cubic, s between is kept") {
  std::vector<double> t, y;
  for (int i = 0; i < 40; ++i) {
    t.push_back(0.1 * i + 0.01 * (i % 3));
    y.push_back(std::sin(t.back()) + 0.2 * ((i * 7) % 5 - 2));
  }
  const auto exact = smoothing_spline(t, y, 0);
  for (std::size_t i = 0; i < t.size(); ++i) CHECK(exact(t[i]) == doctest::Approx(y[i]));
  CHECK(smoothing_spline(t, y, 1e6).knots.size() == 8);
  for (const double s : {0.5, 1.0, 2.0}) {
    const auto f = smoothing_spline(t, y, s);
    double sum = 0;
    for (std::size_t i = 0; i < t.size(); ++i) sum += (f(t[i]) - y[i]) * (f(t[i]) - y[i]);
    CHECK(sum == doctest::Approx(s).epsilon(0.0011));
    CHECK(f.residual == doctest::Approx(sum));
    CHECK(f.steps > 0);
  }
  std::vector<double> cubic;
  for (const double v : t) cubic.push_back(1 - v + 0.5 * v * v * v);
  const auto same = smoothing_spline(t, cubic, 1e-9);
  CHECK(same.knots.size() == 8);
  CHECK(same(1.234) == doctest::Approx(1 - 1.234 + 0.5 * 1.234 * 1.234 * 1.234));
}

TEST_CASE("points that are no function are refused") {
  CHECK_THROWS_AS(smoothing_spline({0, 1, 2}, {0, 1, 2}, 0), shape_error);
  CHECK_THROWS_AS(smoothing_spline({0, 1, 2, 3}, {0, 1, 2}, 0), shape_error);
  CHECK_THROWS_AS(smoothing_spline({0, 1, 1, 3}, {0, 1, 2, 3}, 0), value_error);
  CHECK_THROWS_AS(smoothing_spline({0, 1, 2, 3}, {0, NAN, 2, 3}, 0), value_error);
  CHECK_THROWS_AS(smoothing_spline({0, 1, 2, 3}, {0, 1, 2, 3}, -1), value_error);
}
