// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/linop/average.hpp"

#include <doctest/doctest.h>

#include "cardiomm/linop/check.hpp"

using namespace cardiomm;
using Ex = default_space;
using C = complex<float>;

namespace {
tensor<C, 4, Ex> series(index_t frames) {
  auto t = make_tensor<C>(host_space(), shape<4>{{frames, 1, 2, 3}});
  for (std::size_t i = 0; i < t.size(); ++i) t.data()[i] = C(float(i * i % 17), float(i));
  return to_space(Ex(), t);
}
template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const error& e) {
    return e.what();
  }
  return "";
}
void check_means(const linop::sample_groups& groups, index_t frames) {
  const auto x = series(frames);
  const auto h = to_host(x);
  const auto y = to_host(linop::average<float, 4, Ex>(0, groups) * x);
  REQUIRE(y.extent(0) == groups.members.size());
  for (std::size_t g = 0; g < groups.members.size(); ++g)
    for (index_t j = 0; j < 6; ++j) {
      C sum(0);
      for (const index_t f : groups.members[g]) sum += h.data()[f * 6 + j];
      const float n = float(groups.members[g].size());
      const C found = y.data()[index_t(g) * 6 + j];
      CHECK(found.real() == doctest::Approx(sum.real() / n));
      CHECK(found.imag() == doctest::Approx(sum.imag() / n));
    }
}
}  // namespace

TEST_CASE("means of groups") {
  const linop::sample_groups all = linop::whole_axis(5);
  REQUIRE(all.members.size() == 1);
  CHECK(all.members[0] == std::vector<index_t>{0, 1, 2, 3, 4});
  const linop::sample_groups windows = linop::sliding_windows(5, 3, 2);
  REQUIRE(windows.members.size() == 3);
  CHECK(windows.members[2] == std::vector<index_t>{4, 0, 1});
  const linop::sample_groups ending = linop::sliding_windows(5, 3, 2, false);
  CHECK(ending.members[2] == std::vector<index_t>{4});
  const linop::sample_groups again = linop::repetitions(6, 3);
  REQUIRE(again.members.size() == 2);
  CHECK(again.members[1] == std::vector<index_t>{1, 3, 5});
  check_means(all, 5);
  check_means(windows, 5);
  check_means(ending, 5);
  check_means(again, 6);
}

TEST_CASE("averages of bad arguments") {
  using A = linop::average<float, 4, Ex>;
  CHECK(message_of([] { A(4, linop::whole_axis(3)); }) ==
        "average: expected an axis in [0, 4), found 4");
  CHECK(message_of([] { A(0, {3, {}}); }) == "average: expected at least one group, found none");
  CHECK(message_of([] {
          A(0, {3, {{0}, {}}});
        }) == "average: group 1: expected samples, found none");
  CHECK(message_of([] {
          A(0, {3, {{0, 3}}});
        }) == "average: group 0: expected samples in [0, 3), found 3");
  CHECK(message_of([] { linop::repetitions(7, 2); }) ==
        "repetitions: expected a divisor of the extent 7, found 2");
  CHECK_THROWS_AS(linop::sliding_windows(4, 5), value_error);
  CHECK_THROWS_AS(A(0, linop::whole_axis(3)) * series(4), shape_error);
}
