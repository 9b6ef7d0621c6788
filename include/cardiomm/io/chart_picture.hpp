// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_CHART_PICTURE_HPP
#define CARDIOMM_IO_CHART_PICTURE_HPP
/// \file
/// Curves as a grey picture, for places where SVG is not shown. The letters are a small raster font
/// of lower-case letters, digits and a few signs.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>

#include "cardiomm/io/chart.hpp"
#include "cardiomm/io/image.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

namespace detail {

/// Seven rows of five dots; upper-case letters are shown as lower-case ones, others as a blank.
inline std::array<std::uint8_t, 7> glyph_of(char c) {
  using rows = std::array<std::uint8_t, 7>;
  static constexpr rows digits[] = {
      {0x0E, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0E}, {0x04, 0x0C, 0x04, 0x04, 0x04, 0x04, 0x0E},
      {0x0E, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1F}, {0x1F, 0x02, 0x04, 0x02, 0x01, 0x11, 0x0E},
      {0x02, 0x06, 0x0A, 0x12, 0x1F, 0x02, 0x02}, {0x1F, 0x10, 0x1E, 0x01, 0x01, 0x11, 0x0E},
      {0x06, 0x08, 0x10, 0x1E, 0x11, 0x11, 0x0E}, {0x1F, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08},
      {0x0E, 0x11, 0x11, 0x0E, 0x11, 0x11, 0x0E}, {0x0E, 0x11, 0x11, 0x0F, 0x01, 0x02, 0x0C}};
  static constexpr rows letters[] = {
      {0, 0, 0x0E, 0x01, 0x0F, 0x11, 0x0F},       {0x10, 0x10, 0x16, 0x19, 0x11, 0x11, 0x1E},
      {0, 0, 0x0E, 0x10, 0x10, 0x11, 0x0E},       {0x01, 0x01, 0x0D, 0x13, 0x11, 0x11, 0x0F},
      {0, 0, 0x0E, 0x11, 0x1F, 0x10, 0x0E},       {0x06, 0x09, 0x08, 0x1C, 0x08, 0x08, 0x08},
      {0, 0x0F, 0x11, 0x11, 0x0F, 0x01, 0x0E},    {0x10, 0x10, 0x16, 0x19, 0x11, 0x11, 0x11},
      {0x04, 0, 0x0C, 0x04, 0x04, 0x04, 0x0E},    {0x02, 0, 0x06, 0x02, 0x02, 0x12, 0x0C},
      {0x10, 0x10, 0x12, 0x14, 0x18, 0x14, 0x12}, {0x0C, 0x04, 0x04, 0x04, 0x04, 0x04, 0x0E},
      {0, 0, 0x1A, 0x15, 0x15, 0x11, 0x11},       {0, 0, 0x16, 0x19, 0x11, 0x11, 0x11},
      {0, 0, 0x0E, 0x11, 0x11, 0x11, 0x0E},       {0, 0, 0x1E, 0x11, 0x1E, 0x10, 0x10},
      {0, 0, 0x0D, 0x13, 0x0F, 0x01, 0x01},       {0, 0, 0x16, 0x19, 0x10, 0x10, 0x10},
      {0, 0, 0x0E, 0x10, 0x0E, 0x01, 0x1E},       {0x08, 0x08, 0x1C, 0x08, 0x08, 0x09, 0x06},
      {0, 0, 0x11, 0x11, 0x11, 0x13, 0x0D},       {0, 0, 0x11, 0x11, 0x11, 0x0A, 0x04},
      {0, 0, 0x11, 0x11, 0x15, 0x15, 0x0A},       {0, 0, 0x11, 0x0A, 0x04, 0x0A, 0x11},
      {0, 0, 0x11, 0x11, 0x0F, 0x01, 0x0E},       {0, 0, 0x1F, 0x02, 0x04, 0x08, 0x1F}};
  if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (c >= '0' && c <= '9') return digits[c - '0'];
  if (c >= 'a' && c <= 'z') return letters[c - 'a'];
  switch (c) {
    case '.':
      return {0, 0, 0, 0, 0, 0x0C, 0x0C};
    case '-':
      return {0, 0, 0, 0x1F, 0, 0, 0};
    case '+':
      return {0, 0x04, 0x04, 0x1F, 0x04, 0x04, 0};
    case '(':
      return {0x02, 0x04, 0x08, 0x08, 0x08, 0x04, 0x02};
    case ')':
      return {0x08, 0x04, 0x02, 0x02, 0x02, 0x04, 0x08};
    case '%':
      return {0x18, 0x19, 0x02, 0x04, 0x08, 0x13, 0x03};
    default:
      return {};
  }
}

/// Marks on a white picture; coordinates in pixels, from the upper left corner.
class sketch {
 public:
  sketch(int height, int width) : picture_(height, width) {
    std::fill(picture_.pixels.begin(), picture_.pixels.end(), std::uint8_t(255));
  }
  const picture& done() const { return picture_; }
  void dot(double x, double y, double radius, std::uint8_t grey) {
    for (int j = int(std::floor(y - radius)); j <= int(std::ceil(y + radius)); ++j)
      for (int i = int(std::floor(x - radius)); i <= int(std::ceil(x + radius)); ++i)
        if (i >= 0 && j >= 0 && i < picture_.width && j < picture_.height &&
            (i - x) * (i - x) + (j - y) * (j - y) <= radius * radius)
          picture_.row(j)[i] = std::min(picture_.row(j)[i], grey);
  }
  void line(double x0, double y0, double x1, double y1, double radius, std::uint8_t grey) {
    const int n = int(std::ceil(2 * std::hypot(x1 - x0, y1 - y0))) + 1;
    for (int k = 0; k <= n; ++k) dot(x0 + (x1 - x0) * k / n, y0 + (y1 - y0) * k / n, radius, grey);
  }
  static constexpr int dots = 2, advance = 6 * dots, letter_height = 7 * dots;
  /// (x, y) is the upper left corner.
  void text(double x, double y, const std::string& words) {
    for (const char c : words) {
      const auto rows = glyph_of(c);
      for (int j = 0; j < letter_height; ++j)
        for (int i = 0; i < 5 * dots; ++i)
          if (rows[std::size_t(j / dots)] >> (4 - i / dots) & 1) {
            const int px = int(x) + i, py = int(y) + j;
            if (px >= 0 && py >= 0 && px < picture_.width && py < picture_.height)
              picture_.row(py)[px] = 0;
          }
      x += advance;
    }
  }

 private:
  picture picture_;
};

}  // namespace detail

/// The chart, two pixels for one of its width and height. The first curve is grey, the others are
/// black with marks.
inline picture draw(const line_chart& c) {
  using detail::sketch;
  sketch s(2 * c.height, 2 * c.width);
  detail::chart_range rx, ry;
  for (const auto& one : c.series)
    for (std::size_t i = 0; i < std::min(one.x.size(), one.y.size()); ++i)
      if (std::isfinite(one.y[i])) {
        rx.add(one.x[i]);
        ry.add(one.y[i]);
      }
  const detail::chart_axis ax(rx, 8), ay(ry, 6);
  std::size_t widest = 1;
  for (const double t : ay.ticks) widest = std::max(widest, ay.label(t).size());
  const double left = double(widest + 2) * sketch::advance, right = 2.0 * c.width - 30;
  const double top = 60, bottom = 2.0 * c.height - 70;
  const auto x_of = [&](double v) {
    return left + (v - ax.low) / (ax.high - ax.low) * (right - left);
  };
  const auto y_of = [&](double v) {
    return bottom - (v - ay.low) / (ay.high - ay.low) * (bottom - top);
  };
  for (const double t : ay.ticks) {
    s.line(left, y_of(t), right, y_of(t), 0.5, 225);
    const std::string label = ay.label(t);
    s.text(left - 8 - double(label.size()) * sketch::advance, y_of(t) - 7, label);
  }
  for (const double t : ax.ticks) {
    s.line(x_of(t), bottom, x_of(t), bottom + 8, 1, 90);
    const std::string label = ax.label(t);
    s.text(x_of(t) - double(label.size()) * sketch::advance / 2, bottom + 14, label);
  }
  s.line(left, top, left, bottom, 1, 90);
  s.line(left, bottom, right, bottom, 1, 90);
  double at = left;
  for (std::size_t k = 0; k < c.series.size(); ++k) {
    const auto& one = c.series[k];
    const std::uint8_t grey = k == 0 ? 150 : 0;
    const double radius = k == 0 ? 1 : 2;
    const std::size_t n = std::min(one.x.size(), one.y.size());
    for (std::size_t i = 0; i < n; ++i) {
      if (!std::isfinite(one.y[i]) || !std::isfinite(one.x[i])) continue;
      if (k > 0 || n == 1) s.dot(x_of(one.x[i]), y_of(one.y[i]), 5, grey);
      if (i > 0 && std::isfinite(one.y[i - 1]) && std::isfinite(one.x[i - 1]))
        s.line(x_of(one.x[i - 1]), y_of(one.y[i - 1]), x_of(one.x[i]), y_of(one.y[i]), radius,
               grey);
    }
    s.line(at, 37, at + 40, 37, radius, grey);
    s.text(at + 52, 30, one.name);
    at += 90 + double(one.name.size()) * sketch::advance;
  }
  s.text(left, 8, c.title.empty() ? c.y_label : c.title + " (" + c.y_label + ")");
  s.text((left + right - double(c.x_label.size()) * sketch::advance) / 2, bottom + 40, c.x_label);
  return s.done();
}

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
