// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/train/sampling.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace cardiomm;
using doctest::Approx;

namespace {

/// 20 samples: vendor A 15 times, B 5 times; field 3T except for four of A.
struct mixed : train::source<int> {
  index_t size() const override { return 20; }
  int get(std::uint64_t, index_t i) const override { return int(i); }
  train::groups groups_of(index_t i) const override {
    return {{"vendor", i % 4 == 3 ? "B" : "A"}, {"field", i < 4 && i != 3 ? "5T" : "3T"}};
  }
  std::string description() const override { return "mixed"; }
};

train::sampling_options with(const char* balance, const char* importance, double eta) {
  train::sampling_options o;
  o.balance = balance;
  o.importance = importance;
  o.group_dro = eta;
  return o;
}

}  // namespace

TEST_CASE("by default every sample comes once, with weight 1") {
  const mixed samples;
  train::sampling plan({}, samples);
  const auto order = plan.order(1, 2);
  CHECK(order == train::shuffled(1, 2, 20));
  CHECK(plan.weight({}) == 1);
  plan.observe({}, 0.5);
  plan.update();
  CHECK(plan.pending().empty());
  CHECK(plan.weights().empty());
  plan.set_weights({});
  CHECK_THROWS_AS(plan.set_weights({1}), shape_error);
}

TEST_CASE("balanced epochs, importance weights, both together") {
  const mixed samples;
  const train::sampling even(with("vendor", "", 0), samples);
  int of_b = 0;
  for (const index_t i : even.order(3, 0)) of_b += i % 4 == 3;
  CHECK(of_b == 10);
  const train::sampling heavy(with("", "vendor", 0), samples);
  CHECK(heavy.order(3, 0) == train::shuffled(3, 0, 20));
  CHECK(heavy.weight(samples.groups_of(0)) == Approx(20 / 30.0));
  CHECK(heavy.weight(samples.groups_of(3)) == Approx(2));
  CHECK_THROWS_AS(heavy.weight({{"vendor", "C"}}), value_error);
  CHECK_THROWS_AS(heavy.weight({{"field", "3T"}}), value_error);
  CHECK_THROWS_AS(train::sampling(with("scanner", "", 0), samples), value_error);
}

TEST_CASE("Group DRO: factors have mean 1 over the order, weights follow the losses") {
  const mixed samples;
  for (const char* balance : {"", "vendor", "field"}) {
    CAPTURE(balance);
    auto o = with(balance, "", 0.2);
    o.by = "vendor";
    train::sampling plan(o, samples);
    CHECK(plan.names() == std::vector<std::string>{"A", "B"});
    double mean = 0;
    int n = 0;
    for (std::uint64_t epoch = 0; epoch < 400; ++epoch)
      for (const index_t i : plan.order(1, epoch)) {
        mean += plan.weight(samples.groups_of(i));
        ++n;
      }
    CHECK(mean / n == Approx(1).epsilon(0.03));
    plan.observe(samples.groups_of(0), 1);
    plan.observe(samples.groups_of(1), 2);
    plan.observe(samples.groups_of(3), 4);
    CHECK(plan.pending() == std::vector<double>{3, 4, 2, 1});
    plan.update();
    const double a = plan.weight(samples.groups_of(0)), b = plan.weight(samples.groups_of(3));
    const double share = 1 / (1 + (plan.weights()[0] / a) / (plan.weights()[1] / b));  // of B
    CHECK(share == Approx(std::string(balance) == ""         ? 0.25
                          : std::string(balance) == "vendor" ? 0.5
                                                             : 5 / 17.0 / 2));
    const double l[] = {3 / (3 * (1 - share)), 4 / (3 * share)};
    CHECK(plan.weights()[1] == Approx(1 / (1 + std::exp(0.2 * (l[0] - l[1])))));
    train::sampling again(o, samples);
    again.set_weights(plan.weights());
    CHECK(again.weight(samples.groups_of(3)) == plan.weight(samples.groups_of(3)));
  }
  auto o = with("", "", 0.01);
  CHECK_THROWS_AS(train::sampling(o, samples), value_error);
  o.by = "acceleration";
  CHECK_THROWS_AS(train::sampling(o, samples), value_error);
  o.groups = {"4", "8"};  // known once a sample is made
  train::sampling drawn(o, samples);
  drawn.observe({{"acceleration", "8"}}, 1);
  drawn.update();
  CHECK(drawn.weight({{"acceleration", "8"}}) > 1);
  CHECK_THROWS_AS(drawn.weight({{"acceleration", "16"}}), value_error);
  o.groups = {"4", "4"};
  CHECK_THROWS_AS(train::sampling(o, samples), value_error);
}
