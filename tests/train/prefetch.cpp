// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/train/prefetch.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>

#include "cardiomm/train/order.hpp"

using namespace cardiomm;

namespace {

/// Samples that take longer the lower their number, so that threads finish out of order.
class slow_source : public train::source<train::sample> {
 public:
  explicit slow_source(index_t n, index_t bad = -1) : n_(n), bad_(bad) {}
  index_t size() const override { return n_; }
  train::sample get(std::uint64_t epoch, index_t i) const override {
    const int now = ++alive;
    int before = most;
    while (now > before && !most.compare_exchange_weak(before, now)) {
    }
    ++made;
    std::this_thread::sleep_for(std::chrono::microseconds(300 * (i % 3 == 0 ? 5 : 1)));
    --alive;
    if (i == bad_) throw value_error("sample 7 cannot be made");
    train::draws d(1, epoch, static_cast<std::uint64_t>(i), "test");
    train::sample s;
    s.target = make_tensor<float>(host_space{}, shape{4, 5});
    for (std::size_t k = 0; k < s.target.size(); ++k) s.target.data()[k] = float(d.normal());
    s.name = std::to_string(i);
    return s;
  }
  std::string description() const override { return "slow"; }

  mutable std::atomic<int> made{0}, alive{0}, most{0};

 private:
  index_t n_, bad_;
};

}  // namespace

TEST_CASE("prefetch: in order, and equal to what is made one by one") {
  const slow_source from(60);
  const auto order = train::shuffled(3, 0, 60);
  for (const int threads : {0, 1, 2, 5}) {
    for (const index_t depth : {1, 3, 16}) {
      train::prefetch<train::sample> ahead(from, 4, order, threads, depth);
      CHECK(ahead.size() == 60);
      for (const index_t i : order) {
        const auto s = ahead.next();
        REQUIRE(s.has_value());
        CHECK(s->name == std::to_string(i));
        const auto expected = from.get(4, i);
        CHECK(std::equal(expected.target.data(), expected.target.data() + 20, s->target.data()));
      }
      CHECK(ahead.position() == 60);
      CHECK(!ahead.next().has_value());
      CHECK(!ahead.next().has_value());
    }
  }
}

TEST_CASE("prefetch: works ahead, but no further than its depth") {
  const slow_source from(40);
  train::prefetch<train::sample> ahead(from, 0, train::shuffled(1, 0, 40), 3, 5);
  const auto wait_for = [&](int n) {
    for (int k = 0; k < 2000 && from.made < n; ++k)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  wait_for(5);
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  CHECK(from.made == 5);
  (void)ahead.next();
  wait_for(6);
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  CHECK(from.made == 6);
  CHECK(from.most >= 2);
  CHECK(from.most <= 3);
}

TEST_CASE("prefetch: an exception comes at its place, and the others still come") {
  const slow_source from(12, 7);
  std::vector<index_t> order(12);
  std::iota(order.begin(), order.end(), index_t(0));
  for (const int threads : {0, 2}) {
    train::prefetch<train::sample> ahead(from, 0, order, threads, 4);
    for (index_t i = 0; i < 12; ++i) {
      if (i == 7)
        CHECK_THROWS_WITH_AS(ahead.next(), "sample 7 cannot be made", value_error);
      else
        CHECK(ahead.next()->name == std::to_string(i));
    }
    CHECK(!ahead.next().has_value());
  }
}

TEST_CASE("prefetch: ends cleanly at any time") {
  for (int taken = 0; taken < 6; ++taken) {
    const slow_source from(100, 2);
    train::prefetch<train::sample> ahead(from, 0, train::shuffled(1, 0, 100), 3, 8);
    for (int k = 0; k < taken; ++k) {
      try {
        (void)ahead.next();
      } catch (const value_error&) {
      }
    }
  }
  const slow_source from(3);
  train::prefetch<train::sample> none(from, 0, {}, 2, 2);
  CHECK(!none.next().has_value());
  CHECK_THROWS_AS((train::prefetch<train::sample>(from, 0, {3}, 1, 1)), value_error);
  CHECK_THROWS_AS((train::prefetch<train::sample>(from, 0, {0}, 1, 0)), value_error);
  CHECK_THROWS_AS((train::prefetch<train::sample>(from, 0, {0}, -1, 1)), value_error);
}
