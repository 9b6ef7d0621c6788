// SPDX-License-Identifier: Apache-2.0
/// \file
/// Segments: counts of a ring by NumPy (golden.json of the specification), borders, thirds, septum.

#include "cardiomm/analysis/aha.hpp"

#include <doctest/doctest.h>

using namespace cardiomm;
using analysis::aha_segment;
using analysis::heart_part;
using analysis::septum_middle;
using analysis::vector3;

TEST_CASE("a ring of 420 pixels falls into the sectors as counted outside") {
  const analysis::aha_frame f;  // septum along x, anterior along y
  std::array<int, 17> count{};
  for (int x = 0; x < 64; ++x)
    for (int y = 0; y < 64; ++y) {
      const int square = (x - 32) * (x - 32) + (y - 32) * (y - 32);
      if (square < 64 || square > 196) continue;
      const double degrees = f.degrees({double(x - 32), double(y - 32), 0});
      for (const heart_part part : {heart_part::basal, heart_part::mid, heart_part::apical})
        ++count[static_cast<std::size_t>(aha_segment(part, degrees))];
    }
  const std::array<int, 17> expected{0,  71, 66, 73, 71,  66,  73,  71, 66,
                                     73, 71, 66, 73, 105, 105, 105, 105};
  CHECK(count == expected);
}

TEST_CASE("borders belong to the sector above") {
  const std::pair<double, int> basal[] = {
      {-30, 1},  {29.999, 1}, {30, 2},   {90, 3},    {149.9, 3}, {150, 4},  {180, 4},
      {-180, 4}, {-150.1, 4}, {-150, 5}, {-90.1, 5}, {-90, 6},   {-30.1, 6}};
  for (const auto& b : basal) {
    CHECK(aha_segment(heart_part::basal, b.first) == b.second);
    CHECK(aha_segment(heart_part::mid, b.first) == b.second + 6);
  }
  const std::pair<double, int> apical[] = {{-45, 13},  {44.9, 13}, {45, 14},   {134.9, 14},
                                           {135, 15},  {180, 15},  {-180, 15}, {-135.1, 15},
                                           {-135, 16}, {-45.1, 16}};
  for (const auto& b : apical) CHECK(aha_segment(heart_part::apical, b.first) == b.second);
}

TEST_CASE("thirds of the slices, the fuller ones first") {
  const auto parts = [](index_t m) {
    std::string text;
    for (index_t i = 0; i < m; ++i) text += "bma"[static_cast<int>(analysis::part_of_slice(i, m))];
    return text;
  };
  CHECK(parts(6) == "bbmmaa");
  CHECK(parts(7) == "bbbmmaa");
  CHECK(parts(8) == "bbbmmmaa");
  CHECK(parts(9) == "bbbmmmaaa");
  CHECK(parts(1) == "b");
}

TEST_CASE("the angular middle does not depend on where the contour starts") {
  const vector3 centre{5, 5, 0}, u{1, 0, 0}, v{0, 1, 0};
  std::vector<vector3> arc;
  for (int d = 140; d <= 240; d += 5) {
    const double a = d * 0.017453292519943295;
    arc.push_back({5 + 10 * std::cos(a), 5 + 10 * std::sin(a), 0});
  }
  const double middle = 190 * 0.017453292519943295;
  for (std::size_t start = 0; start < arc.size(); ++start) {
    std::rotate(arc.begin(), arc.begin() + 1, arc.end());
    const vector3 s = analysis::septal_direction(arc, centre, u, v);
    CHECK(s[0] == doctest::Approx(std::cos(middle)));
    CHECK(s[1] == doctest::Approx(std::sin(middle)));
  }
  // in order the element in the middle says the same, from the middle of the arc it does not
  const auto listed = [&] {
    return analysis::septal_direction(arc, centre, u, v, septum_middle::listed);
  };
  CHECK(listed()[0] == doctest::Approx(std::cos(middle)));
  std::rotate(arc.begin(), arc.begin() + 10, arc.end());
  CHECK(std::abs(listed()[1] - std::sin(middle)) > 0.3);
  CHECK_THROWS_AS(analysis::septal_direction({}, centre, u, v), value_error);
}
