// SPDX-License-Identifier: Apache-2.0
/// \file
/// Charts: numbers against NumPy, marks counted in the SVG, text that could break the markup.
#include "cardiomm/io/chart.hpp"
#include "cardiomm/io/chart_canvas.hpp"

#include <doctest/doctest.h>

#include <limits>

namespace io = cardiomm::io;

namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++n;
  return n;
}

/// Every element is closed, in the right order.
bool balanced(const std::string& text) {
  std::vector<std::string> open;
  for (std::size_t at = 0; (at = text.find('<', at)) != std::string::npos;) {
    const std::size_t end = text.find('>', at);
    if (end == std::string::npos) return false;
    const std::string tag = text.substr(at + 1, end - at - 1);
    const std::string name =
        tag.substr(tag[0] == '/', tag.find_first_of(" /", 1) - (tag[0] == '/'));
    if (tag[0] == '/') {
      if (open.empty() || open.back() != tag.substr(1)) return false;
      open.pop_back();
    } else if (tag.back() != '/')
      open.push_back(name);
    at = end;
  }
  return open.empty();
}

}  // namespace

TEST_CASE("chart: quartiles, whiskers and outliers as NumPy and Tukey have them") {
  // numpy.percentile([1, 2, 3, 4, 5, 6, 7, 30], [25, 50, 75]) = 2.75, 4.5, 6.25
  const auto s = io::summarise(
      {30, 2, 7, 1, 4, 5, 6, 3, std::nan(""), std::numeric_limits<double>::infinity()});
  CHECK(s.n == 8);
  CHECK(s.left_out == 2);
  CHECK(s.q1 == doctest::Approx(2.75));
  CHECK(s.median == doctest::Approx(4.5));
  CHECK(s.q3 == doctest::Approx(6.25));
  CHECK(s.low == 1);
  CHECK(s.high == 7);  // 30 lies above 6.25 + 1.5 * 3.5 = 11.5
  CHECK(s.outliers == std::vector<double>{30});
  CHECK(io::summarise({}).n == 0);
  const auto one = io::summarise({5});
  CHECK(one.q1 == 5);
  CHECK(one.high == 5);
}

TEST_CASE("chart: axes end at round numbers that hold the values") {
  using axis = io::detail::chart_axis;
  const axis a({27.3, 41.8}, 6);
  CHECK(a.low == doctest::Approx(25));
  CHECK(a.high == doctest::Approx(45));
  CHECK(a.step == doctest::Approx(5));
  CHECK(a.label(30) == "30");
  const axis small({0.9123, 0.9881}, 6);
  CHECK(small.step == doctest::Approx(0.02));
  CHECK(small.label(small.ticks[0]) == "0.90");
  for (const double lo : {-3e5, -1.0, 0.0, 1e-9, 7.0})
    for (const double width : {1e-12, 0.3, 1.0, 9.99, 1e7}) {
      const axis t({lo, lo + width}, 6);
      CHECK(t.low <= lo + 1e-8 * t.step);
      CHECK(t.high >= lo + width - 1e-8 * t.step);
      CHECK(t.ticks.size() >= 2);
      CHECK(t.ticks.size() <= 9);
    }
  const axis flat({4, 4}, 6), none({1, 0}, 6);
  CHECK(flat.low < 4);
  CHECK(flat.high > 4);
  CHECK(none.low == 0);
}

TEST_CASE("chart: box plot") {
  io::box_plot p;
  p.title = "PSNR <of> \"all\" & 'more'";
  p.y_label = "PSNR (dB)";
  p.categories = {"R 4", "R 8"};
  p.series = {{"sense", {{38, 37, 39, 36, 35, 36, 37, 38, 39, 50}, {33, std::nan("")}}},
              {"<b>zf</b>", {{28, 27, 29}, {}}}};
  const std::string s = io::svg(p);
  CHECK(balanced(s));
  CHECK(s == io::svg(p));
  CHECK(s.find("PSNR &lt;of&gt; &quot;all&quot; &amp; &#39;more&#39;") != std::string::npos);
  CHECK(s.find("<b>") == std::string::npos);
  CHECK(count(s, "<rect fill-opacity=\"0.25\"") == 3);  // no box for the empty list
  CHECK(count(s, "n = 10/3") == 1);
  CHECK(count(s, "median 37.5") == 1);
  CHECK(count(s, ": 50</title>") == 1);  // the outlier
  CHECK(s.find("1 value not finite, left out") != std::string::npos);
  p.series[0].values.pop_back();
  CHECK_THROWS_WITH_AS(io::svg(p), doctest::Contains("2 categories, found 1"),
                       cardiomm::shape_error);
  p.categories.clear();
  p.series.clear();
  CHECK(balanced(io::svg(p)));
}

TEST_CASE("chart: long categories are turned, and stay inside") {
  io::box_plot p;
  io::box_plot::one s{"x", {}};
  for (int i = 0; i < 24; ++i) {
    p.categories.push_back("ktGaussian" + std::to_string(i));
    s.values.push_back({double(i), i + 1.0});
  }
  p.series = {s};
  const std::string text = io::svg(p);
  CHECK(count(text, "rotate(-35") == 24);
  CHECK(balanced(text));
}

TEST_CASE("chart: scatter plot with lines and bands") {
  io::scatter_plot p;
  p.title = "EF";
  p.x_label = "mean (%)";
  p.series = {{"a", {{1, 2, "P001"}, {2, 3, ""}, {3, std::nan(""), ""}}}};
  p.lines = {{0.5, "bias 0.5", false}, {4, "+1.96 SD"}, {-3, "-1.96 SD"}, {2, "end", true, true}};
  p.bands = {{-3, 4}};
  const std::string s = io::svg(p);
  CHECK(balanced(s));
  CHECK(count(s, "<circle") == 2);
  CHECK(count(s, "cm-band\"") == 1);
  CHECK(count(s, "class=\"cm-line\"") == 4);
  CHECK(s.find("P001 (1, 2)") != std::string::npos);
  CHECK(s.find("1 value not finite") != std::string::npos);
  p.identity = true;
  CHECK(count(io::svg(p), "class=\"cm-line\"") == 5);
}

TEST_CASE("chart: curves break where a value is missing") {
  io::line_chart p;
  p.series = {{"lv", {0, 1, 2, 3}, {1, 2, std::nan(""), 4}}, {"rv", {0, 3}, {2, 2}}};
  p.markers = false;
  const std::string s = io::svg(p);
  CHECK(balanced(s));
  CHECK(count(s, "<path") == 2);
  const auto d = s.find(" d=\"");
  CHECK(count(s.substr(d, s.find('"', d + 4) - d), "M") == 2);
  p.series[0].y.pop_back();
  CHECK_THROWS_AS(io::svg(p), cardiomm::shape_error);
}

TEST_CASE("markup: text, numbers, base64") {
  CHECK(io::escaped("a\x01\x7f\xff\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xc0\xaf") ==
        "a  \xef\xbf\xbd\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(io::escaped("\xe2\x82") == "\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(io::fixed(-0.00001, 2) == "0.00");
  CHECK(io::fixed(33.45343, 4) == "33.4534");
  CHECK(io::fixed(std::numeric_limits<double>::infinity(), 4) == "inf");
  CHECK(io::significant(1234567, 5) == "1.2346e+06");
  // RFC 4648, section 10
  CHECK(io::base64("", 0) == "");
  CHECK(io::base64("f", 1) == "Zg==");
  CHECK(io::base64("fo", 2) == "Zm8=");
  CHECK(io::base64("foobar", 6) == "Zm9vYmFy");
}
