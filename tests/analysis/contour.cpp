// SPDX-License-Identifier: Apache-2.0
/// \file
/// Borders equal to OpenCV's, smoothed ones to SciPy's UnivariateSpline
/// (tests/data/phenotypes.json, written by make_phenotypes.py).

#include "cardiomm/analysis/contour.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "support/shared.hpp"

using namespace cardiomm;
using analysis::point;
using analysis::region;

TEST_CASE("borders have the points and the order of OpenCV's findContours") {
  const auto cases =
      nlohmann::json::parse(std::ifstream(own_path("phenotypes.json"))).at("contours");
  REQUIRE(cases.size() == 14);
  int smoothed = 0;
  for (const auto& c : cases) {
    region m(c["rows"].get<index_t>(), c["columns"].get<index_t>());
    const auto text = c["mask"].get<std::string>();
    for (std::size_t i = 0; i < text.size(); ++i) m.inside[i] = text[i] == '1';
    const auto border = analysis::outer_border(m);
    REQUIRE(border.size() == c["border"].size());
    bool same = true;
    for (std::size_t i = 0; i < border.size(); ++i)
      same = same && border[i].row == c["border"][i][0] && border[i].column == c["border"][i][1];
    CHECK(same);
    if (!c.contains("smooth")) continue;
    ++smoothed;
    const auto fine = analysis::smoothed_contour(border);
    REQUIRE(fine.size() == 4 * border.size());
    for (std::size_t i = 0; i < c["smooth"].size(); ++i) {
      CHECK(fine[7 * i].row == doctest::Approx(c["smooth"][i][0].get<double>()).epsilon(1e-7));
      CHECK(fine[7 * i].column == doctest::Approx(c["smooth"][i][1].get<double>()).epsilon(1e-7));
    }
  }
  CHECK(smoothed >= 4);
}

TEST_CASE("a smoothed circle is rounder than its pixels; degenerate contours stay") {
  region disc(41, 41);
  for (index_t y = 0; y < 41; ++y)
    for (index_t x = 0; x < 41; ++x)
      disc.at(y, x) = (y - 20) * (y - 20) + (x - 20) * (x - 20) <= 225;
  const auto rough = analysis::outer_border(disc);
  double low = 1e9, high = 0, low_rough = 1e9, high_rough = 0;
  for (const point& p : rough) {
    const double r = std::hypot(p.row - 20, p.column - 20);
    low_rough = std::min(low_rough, r);
    high_rough = std::max(high_rough, r);
  }
  for (const point& p : analysis::smoothed_contour(rough)) {
    const double r = std::hypot(p.row - 20, p.column - 20);
    low = std::min(low, r);
    high = std::max(high, r);
  }
  CHECK(high - low < 0.75 * (high_rough - low_rough));
  CHECK(low > 14);
  CHECK(high < 15.2);
  region two(3, 3);
  two.at(1, 1) = two.at(1, 2) = 1;
  CHECK(analysis::smoothed_contour(analysis::outer_border(two)).size() == 2);
  CHECK(analysis::outer_border(region(3, 3)).empty());
}

TEST_CASE("dilation by a square") {
  region m(5, 6);
  m.at(0, 0) = m.at(3, 4) = 1;
  const region d = analysis::dilated(m);
  CHECK(d.count() == 4 + 9);
  CHECK(d.at(1, 1) == 1);
  CHECK(d.at(2, 3) == 1);
  CHECK(d.at(4, 5) == 1);
  CHECK(d.at(1, 2) == 0);
}
