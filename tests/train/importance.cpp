// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/train/importance.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "cardiomm/train/group_sampler.hpp"
#include "support/shared.hpp"

using namespace cardiomm;
using doctest::Approx;

TEST_CASE("inverse frequencies, scikit-learn's balanced weights") {
  const auto w = train::importance_weights({3, 6, 0, 1});
  CHECK(w[0] == Approx((1 / 3.0) / 1.5));
  CHECK(w[1] == Approx((1 / 6.0) / 1.5));
  CHECK(w[2] == 0);
  CHECK(w[0] + w[1] + w[3] == Approx(1).epsilon(1e-15));
  std::ifstream in(own_path("fairness.json"));
  for (const auto& c : nlohmann::json::parse(in).at("weights")) {
    const auto g = train::group_by(c.at("of").get<std::vector<std::string>>());
    const auto each = train::balanced_weights(g.counts());
    for (std::size_t i = 0; i < g.of.size(); ++i)
      CHECK(each[std::size_t(g.of[i])] == Approx(c.at("w")[i].get<double>()).epsilon(1e-14));
  }
  CHECK_THROWS_AS(train::importance_weights({0, 0}), value_error);
  CHECK_THROWS_AS(train::importance_weights({1, -1}), value_error);
}
