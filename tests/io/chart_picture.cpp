// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/io/chart_picture.hpp"

#include <doctest/doctest.h>

using namespace cardiomm;

TEST_CASE("charts as pictures: curves are where their values are, on a white ground") {
  io::line_chart c;
  c.title = "Training";
  c.x_label = "step";
  c.y_label = "loss";
  c.width = 320;
  c.height = 200;
  c.series = {{"training", {0, 10}, {1, 1}}, {"validation", {0, 5, 10}, {0, NAN, 2}}};
  const io::picture p = io::draw(c);
  REQUIRE(p.width == 640);
  REQUIRE(p.height == 400);
  CHECK(p.row(399)[639] == 255);
  const auto rows_of = [&](int grey, int x) {
    std::vector<int> rows;
    for (int y = 60; y < 330; ++y)
      if (p.row(y)[x] == grey) rows.push_back(y);
    return rows;
  };
  // the grey curve is level and in the middle of 0 to 2
  const auto level = rows_of(150, 300);
  REQUIRE(!level.empty());
  CHECK(std::abs(level.front() - 195) <= 3);
  CHECK(level == rows_of(150, 500));
  // the black one is interrupted by the value that is not finite
  CHECK(rows_of(0, 300).empty());
  CHECK(std::count(p.pixels.begin(), p.pixels.end(), std::uint8_t(0)) > 200);
  // one value, or none, is a picture too
  c.series = {{"training", {3}, {0.5}}};
  CHECK(io::draw(c).pixels != p.pixels);
  c.series.clear();
  CHECK(io::draw(c).width == 640);
  CHECK(io::detail::glyph_of('T') == io::detail::glyph_of('t'));
  CHECK(io::detail::glyph_of('0') != io::detail::glyph_of('o'));
}
