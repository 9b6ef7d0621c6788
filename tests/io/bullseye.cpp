// SPDX-License-Identifier: Apache-2.0
/// \file
/// Bull's-eye plots: places of the segments, colours, values that are missing.

#include "cardiomm/io/bullseye.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace cardiomm;

namespace {

int count(const std::string& text, const std::string& what) {
  int n = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++n;
  return n;
}

}  // namespace

TEST_CASE("sixteen sectors and the apex, coloured by their values") {
  io::bullseye b;
  b.title = "Wall <thickness>";
  b.unit = "mm";
  b.high = 16;
  for (std::size_t k = 1; k <= 16; ++k) b.values[k] = static_cast<double>(k);
  b.values[17] = std::numeric_limits<double>::quiet_NaN();
  const std::string text = io::svg(b);
  CHECK(text.rfind("<svg", 0) == 0);
  CHECK(text.find("xmlns=\"http://www.w3.org/2000/svg\"") != std::string::npos);
  CHECK(text.find("Wall &lt;thickness&gt;") != std::string::npos);
  CHECK(count(text, "<path ") == 16);
  CHECK(count(text, "<circle ") == 1);
  CHECK(count(text, "#bdbdbd") == 1);  // the apex has no value
  CHECK(text.find("segment 16: 16.00 mm") != std::string::npos);
  CHECK(text.find("segment 17: no value") != std::string::npos);
  CHECK(text.find("rgb(253,231,37)") != std::string::npos);  // the upper end of the scale
  CHECK(text == io::svg(b));
}

TEST_CASE("anterior is up and the septum on the left") {
  io::bullseye b;
  for (std::size_t k = 1; k <= 17; ++k) b.values[k] = 100 + static_cast<double>(k);
  const std::string text = io::svg(b);
  const auto place = [&](int segment) {
    const std::size_t at = text.find(">" + std::to_string(100 + segment) + ".0<");
    REQUIRE(at != std::string::npos);
    const std::size_t start = text.rfind("<text x=\"", at) + 9;
    const double x = std::stod(text.substr(start));
    const double y = std::stod(text.substr(text.find("y=\"", start) + 3));
    return std::pair<double, double>{x - 210, y - 230};
  };
  for (const int anterior : {1, 7, 13}) {
    CHECK(std::abs(place(anterior).first) < 1);
    CHECK(place(anterior).second < -40);
  }
  for (const int septal : {2, 3, 8, 9, 14}) CHECK(place(septal).first < -40);
  for (const int inferior : {4, 10, 15}) CHECK(place(inferior).second > 40);
  for (const int lateral : {5, 6, 11, 12, 16}) CHECK(place(lateral).first > 40);
}

TEST_CASE("a scale without extent is drawn") {
  io::bullseye b;
  b.low = b.high = 3;
  CHECK(io::svg(b).find("nan") == std::string::npos);
}
