// SPDX-License-Identifier: Apache-2.0
/// \file
/// Agreement of methods against SciPy and pingouin, Lin's example, the CoV of the specification.

#include "cardiomm/analysis/agreement.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "support/shared.hpp"

namespace analysis = cardiomm::analysis;
using nlohmann::json;
using numbers = std::vector<double>;

namespace {
json reference_values() { return json::parse(std::ifstream(own_path("scores/methods.json"))); }

void near(double found, double expected, double tolerance = 1e-9) {
  CHECK(std::abs(found - expected) <= tolerance * std::max(std::abs(expected), 1e-12));
}
void near(const analysis::estimate& found, const json& expected) {
  near(found.value, expected[0].get<double>());
  near(found.low, expected[1].get<double>());
  near(found.high, expected[2].get<double>());
}
}  // namespace

TEST_CASE("pairs of measurements as SciPy sees them") {
  const json all = reference_values();
  CHECK(all["pairs"].size() >= 6);
  for (const json& c : all["pairs"]) {
    CAPTURE(c["name"].get<std::string>());
    const auto a = c["a"].get<numbers>(), b = c["b"].get<numbers>();
    const auto r = analysis::compare_methods(a, b);
    CHECK(r.pairs == static_cast<cardiomm::index_t>(a.size()));
    near(r.sd, c["sd"]);
    near(r.bias, c["bias"]);
    near(r.lower, c["lower"]);
    near(r.upper, c["upper"]);
    near(r.p, c["p"]);
    near(r.slope, c["slope"]);
    near(r.intercept, c["intercept"]);
    near(r.slope_p, c["slope_p"]);
    near(r.mean_absolute, c["mad"]);
    const auto p = analysis::pearson(a, b), s = analysis::spearman(a, b);
    near(p.r.value, c["pearson"][0].get<double>());
    if (a.size() > 3) near(p.r, c["pearson"]);
    near(p.p, c["pearson_p"]);
    near(s.r.value, c["spearman"]);
    if (c["spearman_p"].get<double>() > 0) near(s.p, c["spearman_p"]);
    const auto l = analysis::concordance(a, b);
    near(l.value, c["ccc"]);
    CHECK(l.low < l.value);
    CHECK(l.value < l.high);
    const auto back = analysis::compare_methods(b, a);
    CHECK(back.bias.value == doctest::Approx(-r.bias.value));
  }
}

TEST_CASE("intraclass correlations as pingouin has them") {
  const json all = reference_values();
  CHECK(all["ratings"].size() == 4);
  for (const json& c : all["ratings"]) {
    CAPTURE(c["name"].get<std::string>());
    const auto forms = analysis::intraclass(c["raters"].get<std::vector<numbers>>());
    for (std::size_t i = 0; i < 6; ++i) {
      const json& e = c["rows"][i];
      const auto& f = forms[i];
      CAPTURE(f.name);
      near(f.icc.value, e[0]);
      near(f.f, e[1]);
      CHECK(f.df1 == e[2].get<double>());
      CHECK(f.df2 == e[3].get<double>());
      near(f.p, e[4]);
      near(f.icc.low, e[5]);
      near(f.icc.high, e[6]);
    }
  }
  // the published table of Shrout and Fleiss
  const auto forms = analysis::intraclass(all["ratings"][0]["raters"].get<std::vector<numbers>>());
  const double published[] = {0.17, 0.29, 0.71, 0.44, 0.62, 0.91};
  for (std::size_t i = 0; i < 6; ++i) CHECK(std::abs(forms[i].icc.value - published[i]) < 0.006);
}

TEST_CASE("raters that agree entirely, or say nothing") {
  const numbers v = {1, 2, 4, 8}, constant = {5, 5, 5, 5}, shifted = {2, 3, 5, 9};
  for (const auto& f : analysis::intraclass({v, v})) {
    CAPTURE(f.name);
    CHECK(f.icc.value == 1);
    CHECK(f.icc.low == 1);
    CHECK(f.icc.high == 1);
    CHECK(f.p == 0);
  }
  const auto moved = analysis::intraclass({v, shifted});
  CHECK(moved[2].icc.value == 1);
  CHECK(moved[1].icc.value < 0.99);
  CHECK(moved[1].icc.low < moved[1].icc.value);
  for (const auto& f : analysis::intraclass({constant, constant})) CHECK(std::isnan(f.icc.value));
  const auto same = analysis::compare_methods(v, v);
  CHECK(same.bias.value == 0);
  CHECK(same.sd == 0);
  CHECK(std::isnan(same.p));
  CHECK(analysis::compare_methods(shifted, v).p == 0);
  CHECK(std::isnan(analysis::pearson(v, constant).r.value));
  CHECK(analysis::pearson(v, shifted).r.value == 1);
  CHECK(analysis::concordance(v, v).value == 1);
  CHECK(std::isnan(analysis::concordance(constant, constant).value));
}

TEST_CASE("repeatability: the numbers of the specification, and by hand") {
  const numbers x = {60, 55, 40, 30}, y = {58, 57, 37, 33};
  const auto r = analysis::repeat_of(x, y);
  CHECK(100 * r.cov == doctest::Approx(4.68598313).epsilon(1e-8));
  CHECK(r.within_sd == doctest::Approx(std::sqrt((4 + 4 + 9 + 9) / 8.0)));
  CHECK(r.coefficient == doctest::Approx(2.7718585823 * r.within_sd).epsilon(1e-9));
  CHECK(std::isnan(analysis::repeat_of({1, 2}, {-1, 3}).cov));
}

TEST_CASE("what cannot be compared is refused by name") {
  CHECK_THROWS_AS(analysis::compare_methods({1, 2}, {1}), cardiomm::shape_error);
  CHECK_THROWS_AS(analysis::compare_methods({1}, {1}), cardiomm::value_error);
  CHECK_THROWS_AS(analysis::compare_methods({1, NAN}, {1, 2}), cardiomm::value_error);
  CHECK_THROWS_AS(analysis::compare_methods({1, 3}, {1, 2}, 1.5), cardiomm::value_error);
  CHECK_THROWS_AS(analysis::intraclass({{1, 2}}), cardiomm::value_error);
  CHECK_THROWS_AS(analysis::intraclass({{1, 2}, {1, 2, 3}}), cardiomm::shape_error);
  CHECK_THROWS_AS(analysis::pearson({1, INFINITY}, {1, 2}), cardiomm::value_error);
}
