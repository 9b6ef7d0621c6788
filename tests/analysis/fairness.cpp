// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/analysis/fairness.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "support/shared.hpp"

using namespace cardiomm;
using doctest::Approx;

namespace {
nlohmann::json reference() {
  std::ifstream in(own_path("fairness.json"));
  return nlohmann::json::parse(in);
}
}  // namespace

TEST_CASE("Mann and Whitney's test is SciPy's") {
  for (const auto& c : reference().at("mann_whitney")) {
    const auto a = c.at("a").get<std::vector<double>>(), b = c.at("b").get<std::vector<double>>();
    CAPTURE(a.size());
    CAPTURE(b.size());
    const auto r = analysis::compare_groups(a, b);
    CHECK(r.u == c.at("u").get<double>());
    CHECK(r.p == Approx(c.at("p").get<double>()).epsilon(1e-12));
    const auto other = analysis::compare_groups(b, a);
    CHECK(other.p == Approx(r.p).epsilon(1e-13));
    CHECK(other.share == Approx(1 - r.share));
  }
  CHECK(std::isnan(analysis::compare_groups({1, 1}, {1, 1, 1}).p));
  CHECK_THROWS_AS(analysis::compare_groups({}, {1}), value_error);
}

TEST_CASE("the report: means, gap, skewed error ratio, intervals") {
  const auto c = reference().at("report");
  const auto values = c.at("values").get<analysis::grouped_values>();
  analysis::fairness_options o;
  o.resamples = 20000;
  const auto r = analysis::fairness_report(values, o);
  REQUIRE(r.groups.size() == 3);
  for (std::size_t g = 0; g < 3; ++g) {
    CHECK(r.groups[g].mean.value == Approx(c.at("means")[g].get<double>()).epsilon(1e-13));
    CHECK(r.groups[g].sd == Approx(c.at("sds")[g].get<double>()).epsilon(1e-12));
    CHECK(r.groups[g].median == Approx(c.at("medians")[g].get<double>()).epsilon(1e-13));
    CHECK(r.groups[g].smallest < r.groups[g].median);
    CHECK(r.groups[g].largest > r.groups[g].median);
  }
  CHECK(r.groups[1].subjects == 11);
  CHECK(r.mean == Approx(c.at("mean").get<double>()).epsilon(1e-13));
  CHECK(r.gap.value == Approx(c.at("gap").get<double>()).epsilon(1e-12));
  CHECK(r.ser.value == Approx(c.at("ser").get<double>()).epsilon(1e-12));
  CHECK(r.sd == Approx(c.at("sd").get<double>()).epsilon(1e-12));
  CHECK(r.best == "c");
  CHECK(r.worst == "b");
  CHECK(r.pairs.size() == 3);
  CHECK(r.pairs[1].first == "a");
  CHECK(r.pairs[1].second == "c");
  // Other random numbers: 20,000 resamples know a limit to about 2 % of the interval.
  const auto interval = [&](const char* name, const analysis::estimate& e) {
    const double low = c.at(name)[0], high = c.at(name)[1], width = high - low;
    CHECK(std::abs(e.low - low) <= 0.03 * width);
    CHECK(std::abs(e.high - high) <= 0.03 * width);
  };
  interval("interval_b", r.groups[1].mean);
  interval("interval_gap", r.gap);
  CHECK(r.ser.low < r.ser.value);
  CHECK(r.ser.high > r.ser.value);
  CHECK(analysis::fairness_report(values, o).gap.low == r.gap.low);  // the seed decides
}

TEST_CASE("errors that are better small, one group, perfect groups") {
  analysis::fairness_options o;
  o.perfect = 0;
  o.resamples = 100;
  const auto nmse = analysis::fairness_report({{"4", {0.01, 0.02}}, {"8", {0.05, 0.07}}}, o);
  CHECK(nmse.best == "4");
  CHECK(nmse.ser.value == Approx(4));
  o.perfect = std::numeric_limits<double>::infinity();
  const auto psnr = analysis::fairness_report({{"4", {30, 32}}, {"8", {35, 37}}}, o);
  CHECK(psnr.best == "8");
  CHECK(psnr.gap.value == Approx(5));
  CHECK(std::isnan(psnr.ser.value));
  o.perfect = 1;
  const auto one = analysis::fairness_report({{"only", {0.9}}}, o);
  CHECK(one.gap.value == 0);
  CHECK(one.ser.value == 1);
  CHECK(one.pairs.empty());
  CHECK(std::isnan(one.groups[0].sd));
  CHECK(one.groups[0].mean.low == 0.9);
  CHECK(std::isinf(analysis::fairness_report({{"a", {1}}, {"b", {0.5}}}, o).ser.value));
  CHECK(std::isnan(analysis::fairness_report({{"a", {1}}, {"b", {1}}}, o).ser.value));
  CHECK_THROWS_WITH_AS(analysis::fairness_report({{"a", {1}}, {"b", {}}}, o),
                       "fairness: group b: expected values, found none", value_error);
  CHECK_THROWS_AS(analysis::fairness_report({}, o), value_error);
}

TEST_CASE("frames of a subject count as one value") {
  const auto v = analysis::subject_means({"3T", "3T", "3T", "5T"}, {"p1", "p1", "p2", "p1"},
                                         {0.5, 0.7, 0.9, 0.1});
  CHECK(v.at("3T").size() == 2);
  CHECK(v.at("3T")[0] == Approx(0.6));
  CHECK(v.at("5T")[0] == 0.1);
  CHECK_THROWS_AS(analysis::subject_means({"a"}, {}, {1}), shape_error);
}
