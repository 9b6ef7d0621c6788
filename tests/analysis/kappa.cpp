// SPDX-License-Identifier: Apache-2.0
/// \file
/// Classes against scikit-learn (errors of kappa against statsmodels), the vector of golden.json.

#include "cardiomm/analysis/kappa.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "support/shared.hpp"

using cardiomm::analysis::confusion;
using cardiomm::analysis::kappa_weights;

namespace {
void check_near(double found, const nlohmann::json& expected) {
  if (expected.is_null() || std::isnan(expected.get<double>()))
    CHECK(std::isnan(found));
  else
    CHECK(found == doctest::Approx(expected.get<double>()).epsilon(1e-13).scale(1e-3));
}
}  // namespace

TEST_CASE("lists of classes score as scikit-learn scores them") {
  const auto cases = nlohmann::json::parse(std::ifstream(own_path("scores/classes.json")));
  CHECK(cases.size() == 5);
  for (const auto& c : cases) {
    CAPTURE(c["name"].get<std::string>());
    const confusion m(c["true"].get<std::vector<int>>(), c["pred"].get<std::vector<int>>());
    CHECK(m.classes() == c["labels"].get<std::vector<int>>());
    for (std::size_t i = 0; i < m.classes().size(); ++i) {
      check_near(m.f1(i), c["f1"][i]);
      for (std::size_t j = 0; j < m.classes().size(); ++j)
        CHECK(m(i, j) == c["matrix"][i][j].get<int>());
    }
    check_near(m.accuracy(), c["accuracy"]);
    check_near(m.balanced_accuracy(), c["balanced"]);
    for (const auto& [w, name] : {std::pair{kappa_weights::none, "none"},
                                  {kappa_weights::linear, "linear"},
                                  {kappa_weights::quadratic, "quadratic"}}) {
      check_near(m.kappa(w), c["kappa"][name]);
      check_near(m.kappa_error(w), c["error"][name]);
    }
  }
}

TEST_CASE("the twenty cases of the specification") {
  const confusion m({0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 0, 1, 2, 0, 1, 2, 0, 1},
                    {0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 1, 0, 1, 2, 0, 0, 2, 1, 1});
  CHECK(m.accuracy() == doctest::Approx(0.75).epsilon(1e-14));
  CHECK(m.kappa() == doctest::Approx(0.6240601503759398).epsilon(1e-12));
  CHECK(m.kappa(kappa_weights::linear) == doctest::Approx(0.7093023255813954).epsilon(1e-12));
  CHECK(m.kappa(kappa_weights::quadratic) == doctest::Approx(0.8).epsilon(1e-12));
}

TEST_CASE("one class, no cases, lists that do not fit") {
  const confusion one({3, 3}, {3, 3});
  CHECK(one.accuracy() == 1);
  CHECK(std::isnan(one.kappa()));
  CHECK(std::isnan(one.kappa_error()));
  CHECK_THROWS_AS(confusion({1}, {1, 2}), cardiomm::shape_error);
  CHECK_THROWS_AS(confusion({}, {}), cardiomm::value_error);
}
