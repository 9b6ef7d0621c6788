// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/train/group_sampler.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace cardiomm;
using doctest::Approx;

namespace {

/// 90 samples of b, 8 of a, 2 of c.
train::grouping uneven() {
  std::vector<std::string> of;
  for (int i = 0; i < 100; ++i) of.push_back(i % 12 == 5 ? "a" : i % 50 == 7 ? "c" : "b");
  return train::group_by(of);
}

struct labelled : train::source<int> {
  index_t size() const override { return 4; }
  int get(std::uint64_t, index_t i) const override { return int(i); }
  train::groups groups_of(index_t i) const override {
    train::groups g{{"vendor", i % 2 ? "Siemens" : "GE"}, {"field", "3T"}};
    if (i == 3) g.erase("field");
    return g;
  }
  std::string description() const override { return "labelled"; }
};

}  // namespace

TEST_CASE("groups of samples") {
  const train::grouping g = uneven();
  CHECK(g.names == std::vector<std::string>{"a", "b", "c"});
  CHECK(g.counts() == std::vector<index_t>{8, 90, 2});
  const labelled samples;
  const auto vendors = train::group_by(samples, "vendor");
  CHECK(vendors.names == std::vector<std::string>{"GE", "Siemens"});
  CHECK(vendors.of == std::vector<index_t>{0, 1, 0, 1});
  CHECK_THROWS_WITH_AS(train::group_by(samples, "field"),
                       "groups: field: expected a group that is known before sample 3 is made "
                       "(known: vendor)",
                       value_error);
}

TEST_CASE("weighted draws have the shares of the weights") {
  const std::vector<double> w = {1, 0, 3, 0.5, 5.5};
  const index_t n = 100000;
  const auto order = train::weighted_order(3, 7, w, n);
  std::vector<double> share(5, 0);
  for (const index_t i : order) share[std::size_t(i)] += 1 / double(n);
  CHECK(share[1] == 0);
  for (std::size_t i = 0; i < 5; ++i) CHECK(std::abs(share[i] - w[i] / 10) <= 0.01);
  CHECK(train::weighted_order(3, 7, w, n) == order);
  CHECK(train::weighted_order(3, 8, w, n) != order);
  CHECK(train::weighted_order(4, 7, w, n) != order);
  CHECK_THROWS_AS(train::weighted_order(0, 0, {0, 0}, 5), value_error);
  CHECK_THROWS_AS(train::weighted_order(0, 0, {1, -1}, 5), value_error);
}

TEST_CASE("weighted permutations: each sample once, heavy ones early") {
  const std::vector<double> even(6, 1);
  std::vector<double> first(6, 0);
  for (std::uint64_t epoch = 0; epoch < 20000; ++epoch) {
    const auto order = train::weighted_permutation(9, epoch, even);
    CHECK(std::set<index_t>(order.begin(), order.end()).size() == 6);
    first[std::size_t(order[0])] += 1 / 20000.0;
  }
  for (const double f : first) CHECK(std::abs(f - 1 / 6.0) <= 0.01);
  std::vector<double> w = {1, 3, 0}, lead(3, 0);
  for (std::uint64_t epoch = 0; epoch < 20000; ++epoch) {
    const auto order = train::weighted_permutation(9, epoch, w);
    CHECK(order.size() == 2);
    lead[std::size_t(order[0])] += 1 / 20000.0;
  }
  CHECK(std::abs(lead[1] - 0.75) <= 0.01);
}

TEST_CASE("balanced orders: equal shares, exactly so in batches") {
  const train::grouping g = uneven();
  const index_t n = 100000;
  for (const bool replacement : {true, false}) {
    const auto order = train::balanced_order(1, 2, g, n, replacement);
    REQUIRE(index_t(order.size()) == n);
    std::vector<double> group(3, 0), sample(100, 0);
    for (const index_t i : order) {
      group[std::size_t(g.of[std::size_t(i)])] += 1 / double(n);
      sample[std::size_t(i)] += 1;
    }
    for (const double s : group) CHECK(std::abs(s - 1 / 3.0) <= 0.0001);
    for (std::size_t i = 0; i < 100; ++i) {  // even within the group
      const double expected = double(n) / 3 / double(g.counts()[std::size_t(g.of[i])]);
      CHECK(std::abs(sample[i] - expected) <= (replacement ? 6 * std::sqrt(expected) : 1.5));
    }
    for (std::size_t k = 0; k + 3 <= 3000; k += 3) {
      std::set<index_t> batch;
      for (std::size_t i = k; i < k + 3; ++i) batch.insert(g.of[std::size_t(order[i])]);
      CHECK(batch.size() == 3);
    }
    CHECK(train::balanced_order(1, 2, g, n, replacement) == order);
    CHECK(train::balanced_order(1, 3, g, n, replacement) != order);
    // A longer epoch begins like a shorter one.
    const auto part = train::balanced_order(1, 2, g, 500, replacement);
    CHECK(std::equal(part.begin(), part.end(), order.begin()));
  }
}
