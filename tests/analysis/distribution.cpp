// SPDX-License-Identifier: Apache-2.0
/// \file
/// Tails and quantiles against SciPy.

#include "cardiomm/analysis/distribution.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "support/shared.hpp"

namespace analysis = cardiomm::analysis;

TEST_CASE("tails and quantiles are SciPy's") {
  const auto rows = nlohmann::json::parse(std::ifstream(own_path("scores/distributions.json")));
  CHECK(rows.size() > 500);
  double worst = 0;
  for (const auto& r : rows) {
    const auto name = r[0].get<std::string>();
    const double x = r[1], n = r[2], d = r[3], expected = r[4];
    const double found = name == "t_above"           ? analysis::t_above(x, n)
                         : name == "t_exceeded"      ? analysis::t_exceeded(x, n)
                         : name == "f_above"         ? analysis::f_above(x, n, d)
                         : name == "f_exceeded"      ? analysis::f_exceeded(x, n, d)
                         : name == "normal_above"    ? analysis::normal_above(x)
                         : name == "normal_exceeded" ? analysis::normal_exceeded(x)
                                                     : NAN;
    CAPTURE(name);
    CAPTURE(x);
    CAPTURE(n);
    CAPTURE(d);
    CAPTURE(expected);
    CAPTURE(found);
    // relative, so in far tails too; quantiles near zero are as good as their neighbourhood
    const double error = std::abs(found - expected) / std::max(std::abs(expected), 1e-250);
    const bool small = std::abs(found - expected) < 1e-15;
    worst = std::max(worst, small ? 0 : error);
    CHECK((small || error < 1e-9));
  }
  MESSAGE("largest relative error: ", worst);
}

TEST_CASE("ends and errors of the distributions") {
  CHECK(analysis::t_above(INFINITY, 3) == 0);
  CHECK(analysis::t_above(-INFINITY, 3) == 1);
  CHECK(analysis::f_above(0, 3, 4) == 1);
  CHECK(analysis::f_above(INFINITY, 3, 4) == 0);
  CHECK(std::isnan(analysis::f_above(NAN, 3, 4)));
  CHECK(std::isinf(analysis::t_exceeded(0, 3)));
  CHECK(analysis::f_exceeded(1, 3, 4) == 0);
  CHECK(analysis::incomplete_beta(2, 3, 0, 1) == 0);
  CHECK(analysis::incomplete_beta(2, 3, 1, 0) == 1);
  CHECK(analysis::incomplete_beta(1, 1, 0.25, 0.75) == doctest::Approx(0.25).epsilon(1e-14));
  CHECK_THROWS_AS(analysis::t_above(1, 0), cardiomm::value_error);
  CHECK_THROWS_AS(analysis::f_above(1, 2, -1), cardiomm::value_error);
  CHECK_THROWS_AS(analysis::normal_exceeded(1.5), cardiomm::value_error);
  CHECK_THROWS_AS(analysis::t_exceeded(NAN, 2), cardiomm::value_error);
}
