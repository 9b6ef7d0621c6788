// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/solve/criterion.hpp"

#include <doctest/doctest.h>

using namespace cardiomm;
using namespace cardiomm::solve;

namespace {
progress state(int iteration, double residual = 1, double change = 1, double objective = 0) {
  progress p;
  p.iteration = iteration;
  p.residual = residual;
  p.change = change;
  p.objective = objective;
  return p;
}
}  // namespace

TEST_CASE("rules stop on what they say") {
  CHECK(iterations(3).start()(state(2)) == verdict::go_on);
  CHECK(iterations(3).start()(state(3)) == verdict::spent);
  CHECK(relative_residual(0.1).start()(state(1, 0.2)) == verdict::go_on);
  CHECK(relative_residual(0.1).start()(state(1, 0.1)) == verdict::converged);
  CHECK(relative_change(0.1).start()(state(1, 1, 0.05)) == verdict::converged);
  progress late = state(1);
  late.seconds = 2;
  CHECK(seconds(1).start()(late) == verdict::spent);
  CHECK(seconds(3).start()(late) == verdict::go_on);
  CHECK_FALSE(criterion());
  CHECK(criterion().start()(state(1000, 0, 0)) == verdict::go_on);
}

TEST_CASE("and waits for both, or for one; the limit of iterations follows") {
  const auto both = relative_residual(0.1) && iterations(5);
  CHECK(both.start()(state(3, 0.01)) == verdict::go_on);
  CHECK(both.start()(state(7, 0.5)) == verdict::go_on);
  CHECK(both.start()(state(7, 0.01)) == verdict::converged);
  CHECK(both.limit() == criterion::unlimited);
  const auto either = relative_residual(0.1) || iterations(5);
  CHECK(either.start()(state(3, 0.01)) == verdict::converged);
  CHECK(either.start()(state(5, 0.5)) == verdict::spent);
  CHECK(either.start()(state(5, 0.05)) == verdict::converged);
  CHECK(either.limit() == 5);
  CHECK((either && iterations(9)).limit() == 9);
  CHECK((either || relative_change(1)).needs() ==
        (criterion::needs_residual | criterion::needs_change));
  CHECK((criterion() || either).limit() == 5);
}

TEST_CASE("a plateau is forgotten between runs") {
  const auto flat = plateau(1e-3, 2);
  auto run = flat.start();
  CHECK(run(state(1, 1, 1, 100)) == verdict::go_on);
  CHECK(run(state(2, 1, 1, 50)) == verdict::go_on);
  CHECK(run(state(3, 1, 1, 50)) == verdict::go_on);  // two looks ago it was 100
  CHECK(run(state(4, 1, 1, 49.99)) == verdict::converged);
  auto again = flat.start();
  CHECK(again(state(1, 1, 1, 49.99)) == verdict::go_on);
  auto joined = (flat || iterations(100)).start();
  CHECK(joined(state(1, 1, 1, 5)) == verdict::go_on);
  CHECK(joined(state(2, 1, 1, 5)) == verdict::go_on);
  CHECK(joined(state(3, 1, 1, 5)) == verdict::converged);
}

TEST_CASE("bad numbers are refused") {
  CHECK_THROWS_AS(iterations(-1), value_error);
  CHECK_THROWS_AS(relative_residual(-1), value_error);
  CHECK_THROWS_AS(plateau(1e-3, 0), value_error);
}
