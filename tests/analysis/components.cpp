// SPDX-License-Identifier: Apache-2.0
/// \file
/// Connected components of drawn masks, whose components are counted by eye.

#include "cardiomm/analysis/components.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace cardiomm;
using analysis::connectivity;
using analysis::region;

namespace {

region drawn(const shape<3>& s, const std::string& rows) {
  region r(s);
  for (std::size_t i = 0; i < rows.size(); ++i) r.inside[i] = rows[i] == '#';
  return r;
}

}  // namespace

TEST_CASE("components of a plane by sides and by corners") {
  const region m = drawn({{1, 5, 6}},
                         "##...#"
                         "#..#.#"
                         "..#..."
                         "#.....");
  const auto by_sides = analysis::find_components(m);
  CHECK(by_sides.size == std::vector<index_t>{3, 2, 1, 1, 1});
  CHECK(by_sides.number[5] == 2);
  const auto by_corners = analysis::find_components(m, connectivity::corners);
  CHECK(by_corners.size == std::vector<index_t>{3, 2, 2, 1});
  CHECK(analysis::find_components(m, connectivity::edges).size == by_corners.size);
  CHECK(analysis::largest_component(m).count() == 3);
  CHECK(analysis::without_small_components(m, 2).count() == 5);
  CHECK(analysis::without_small_components(m, 1).inside == m.inside);
  CHECK(analysis::without_small_components(m, 9).count() == 0);
}

TEST_CASE("of equal components the first in memory is the largest; empty masks stay empty") {
  const region m = drawn({{1, 2, 5}},
                         "##.##"
                         "..#..");
  const region best = analysis::largest_component(m);
  CHECK(best.at(0, 0) == 1);
  CHECK(best.at(0, 3) == 0);
  CHECK(analysis::largest_component(region(4, 4)).count() == 0);
  CHECK(analysis::find_components(region(0, 4)).size.empty());
}

TEST_CASE("components of a volume by 6, 18 and 26 neighbours") {
  // a voxel, one that shares a side, one that shares an edge, one that shares a corner
  region m(shape<3>{{4, 4, 4}});
  m.at(0, 0, 0) = m.at(0, 0, 1) = m.at(1, 1, 1) = m.at(2, 2, 2) = 1;
  CHECK(analysis::find_components(m, connectivity::faces).size == std::vector<index_t>{2, 1, 1});
  CHECK(analysis::find_components(m, connectivity::edges).size == std::vector<index_t>{3, 1});
  CHECK(analysis::find_components(m, connectivity::corners).size == std::vector<index_t>{4});
}
