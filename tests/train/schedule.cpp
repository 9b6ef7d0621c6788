// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/train/schedule.hpp"

#include "support/optimiser_reference.hpp"

using namespace cardiomm;

namespace {
/// PyTorch's rate before each step.
void check_rates(const std::string& name, const train::schedule& s) {
  CAPTURE(name);
  const auto expected = cardiomm_tests::optimiser_cases().at("rates." + name).tensor<double, 1>();
  for (std::size_t k = 0; k < expected.extent(0); ++k) {
    CAPTURE(k);
    CHECK(s.rate(k) == doctest::Approx(expected(k)).epsilon(1e-12));
  }
}
train::schedule_options of_kind(const char* name) {
  train::schedule_options o;
  o.kind = train::schedule_kind_of(name);
  CHECK(std::string(name_of(o.kind)) == name);
  return o;
}
}  // namespace

TEST_CASE("schedules are PyTorch's") {
  auto o = of_kind("constant");
  o.warm_up = 6;
  check_rates("constant_warm", {o, 0.02, 12, 1});
  o = of_kind("step");
  check_rates("step", {o, 0.02, 15, 1});
  o = of_kind("cosine");
  o.minimum = 1e-4;
  check_rates("cosine", {o, 0.02, 40, 1});
  o.warm_up = 6;
  check_rates("cosine_warm", {o, 0.02, 40, 10});
  o = of_kind("one_cycle");
  check_rates("one_cycle", {o, 0.02, 40, 1});
  o.rise = 0.5;
  o.divide = 10;
  o.divide_end = 100;
  check_rates("one_cycle_sharp", {o, 0.02, 17, 1});
}

TEST_CASE("steps and epochs: the published recipe, and what comes after the end") {
  const train::schedule s({}, 2e-4, 15 * 100, 100);
  CHECK(s.rate(0) == doctest::Approx(2e-4));
  CHECK(s.rate(499) == doctest::Approx(2e-4));
  CHECK(s.rate(500) == doctest::Approx(6e-5));
  CHECK(s.rate(1499) == doctest::Approx(1.8e-5));
  auto o = of_kind("step");
  o.per_epoch = false;
  CHECK(train::schedule(o, 1, 1500, 100).rate(5) == doctest::Approx(0.3));
  o = of_kind("cosine");
  o.minimum = 0.1;
  const train::schedule c(o, 1, 100, 10);
  CHECK(c.rate(50) == doctest::Approx(0.55));
  CHECK(c.rate(100) == doctest::Approx(0.1));
  CHECK(c.rate(1000) == doctest::Approx(0.1));
  o.per_epoch = true;
  const train::schedule e(o, 1, 100, 10);
  CHECK(e.rate(59) == doctest::Approx(0.55));
  CHECK(e.rate(9) == 1);
  o.warm_up = 100;  // nothing but warm-up
  CHECK(train::schedule(o, 1, 100, 10).rate(100) == doctest::Approx(1));
  const train::schedule cycle(of_kind("one_cycle"), 1, 10, 1);
  CHECK(cycle.rate(2) == doctest::Approx(1));
  CHECK(cycle.rate(9) == doctest::Approx(1 / 25e4));
  CHECK(cycle.rate(90) == doctest::Approx(1 / 25e4));
}

TEST_CASE("schedules name what does not fit") {
  CHECK_THROWS_WITH_AS(
      train::schedule_kind_of("poly"),
      "schedule: kind: expected constant, step, cosine or one_cycle, found \"poly\"", value_error);
  CHECK_THROWS_AS(train::schedule({}, -1, 10, 1), value_error);
  CHECK_THROWS_AS(train::schedule({}, 1, 0, 1), value_error);
  train::schedule_options o;
  o.every = 0;
  CHECK_THROWS_WITH_AS(train::schedule(o, 1, 10, 1),
                       "schedule: every: expected at least 1, found 0", value_error);
  o = {};
  o.warm_up_start = 2;
  CHECK_THROWS_AS(train::schedule(o, 1, 10, 1), value_error);
}
