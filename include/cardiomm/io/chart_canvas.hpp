// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_CHART_CANVAS_HPP
#define CARDIOMM_IO_CHART_CANVAS_HPP
/// \file
/// What the charts of chart.hpp draw on: axes with ticks at round numbers, legend, marks. Also the
/// five-number summary of a box plot.

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "cardiomm/core/error.hpp"
#include "cardiomm/io/markup.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

/// Five-number summary after Tukey: quartiles by linear interpolation between order statistics,
/// whiskers at the last value within 1.5 interquartile ranges of the box.
struct box_summary {
  std::size_t n = 0, left_out = 0;  ///< finite values, and the others
  double low = 0, q1 = 0, median = 0, q3 = 0, high = 0;
  std::vector<double> outliers;  ///< rising
};

inline box_summary summarise(std::vector<double> values) {
  box_summary s;
  const auto finite =
      std::remove_if(values.begin(), values.end(), [](double v) { return !std::isfinite(v); });
  s.left_out = static_cast<std::size_t>(values.end() - finite);
  values.erase(finite, values.end());
  s.n = values.size();
  if (values.empty()) return s;
  std::sort(values.begin(), values.end());
  const auto quantile = [&](double q) {
    const double at = q * static_cast<double>(values.size() - 1);
    const auto k = static_cast<std::size_t>(at);
    const double next = values[std::min(k + 1, values.size() - 1)];
    return values[k] + (at - static_cast<double>(k)) * (next - values[k]);
  };
  s.q1 = quantile(0.25);
  s.median = quantile(0.5);
  s.q3 = quantile(0.75);
  const double reach = 1.5 * (s.q3 - s.q1);
  s.low = s.q1;
  s.high = s.q3;
  for (const double v : values)
    if (v < s.q1 - reach || v > s.q3 + reach)
      s.outliers.push_back(v);
    else {
      s.low = std::min(s.low, v);
      s.high = std::max(s.high, v);
    }
  return s;
}

/// A line across the chart, at a value of the y axis (of the x axis where `vertical`).
struct chart_line {
  double at = 0;
  std::string label;
  bool dashed = true, vertical = false;
};
/// A shaded range of the y axis.
struct chart_band {
  double low = 0, high = 0;
};

/// What all charts have.
struct chart_options {
  std::string title, x_label, y_label;  ///< with units, such as "PSNR (dB)"
  int width = 640, height = 380;        ///< pixels; the picture scales with the page
  std::vector<chart_line> lines;
  std::vector<chart_band> bands;
  std::string note;  ///< a line of small text below
};

namespace detail {

struct chart_range {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void add(double v) {
    if (!std::isfinite(v)) return;
    low = std::min(low, v);
    high = std::max(high, v);
  }
};

/// An axis whose ends are round numbers: multiples of a step of 1, 2 or 5 times a power of ten.
struct chart_axis {
  double low = 0, high = 1, step = 0.2;
  int decimals = 1;
  std::vector<double> ticks;

  chart_axis() : chart_axis(chart_range{0, 1}, 5) {}
  chart_axis(chart_range r, int about) {
    if (!(r.low <= r.high)) r = {0, 1};
    if (r.high - r.low <= 1e-12 * std::max(std::abs(r.low), std::abs(r.high))) {
      const double d = r.low == 0 ? 1 : std::abs(r.low) * 0.05;
      r = {r.low - d, r.high + d};
    }
    const double raw = (r.high - r.low) / about;
    const double ten = std::pow(10.0, std::floor(std::log10(raw)));
    const double part = raw / ten;
    step = ten * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
    const double first = std::floor(r.low / step + 1e-9), last = std::ceil(r.high / step - 1e-9);
    low = first * step;
    high = last * step;
    decimals = std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 12);
    for (double k = first; k <= last; ++k) ticks.push_back(k * step);
  }
  std::string label(double v) const {
    const double size = std::max(std::abs(low), std::abs(high));
    return size >= 1e6 || size < 1e-4 ? significant(v, 4) : fixed(v, decimals);
  }
};

enum class shape_of_series { box, marker, line };

/// Collects the elements of one chart.
class chart_canvas {
 public:
  chart_canvas(const chart_options& o, std::vector<std::string> names, shape_of_series shape,
               std::size_t left_out)
      : o_(o), names_(std::move(names)), shape_(shape) {
    note_ = o.note;
    if (left_out > 0)
      note_ += (note_.empty() ? "" : "; ") + std::to_string(left_out) + " value" +
               (left_out > 1 ? "s" : "") + " not finite, left out";
    for (const auto& l : o.lines)
      if (!l.vertical) lines_y_.add(l.at);
    for (const auto& b : o.bands) {
      lines_y_.add(b.low);
      lines_y_.add(b.high);
    }
    for (const auto& l : o.lines)
      if (l.vertical) lines_x_.add(l.at);
    top_ = o.title.empty() ? 14 : 36;
    legend();
    bottom_ = o.height - 22.0 - (o.x_label.empty() ? 8 : 22) - (note_.empty() ? 0 : 18);
    right_ = o.width - 18.0;
    for (const auto& l : o.lines)
      if (!l.vertical) right_ = std::min(right_, o.width - 10.0 - width_of(l.label, 11));
    right_ = std::max(right_, o.width * 0.5);
  }
  double left() const { return left_; }
  double plot_width() const { return right_ - left_; }

  void horizontal(chart_range r) {
    r.add(lines_x_.low);
    r.add(lines_x_.high);
    x_ = chart_axis(r, std::clamp(o_.width / 90, 2, 8));
  }
  void vertical(chart_range r) {
    r.add(lines_y_.low);
    r.add(lines_y_.high);
    y_ = chart_axis(r, std::clamp(o_.height / 60, 2, 8));
    double widest = 0;
    for (const double t : y_.ticks) widest = std::max(widest, width_of(y_.label(t), 11));
    left_ = (o_.y_label.empty() ? 12 : 32) + widest + 8;
  }
  /// Names below the axis instead of numbers, and a second line of small text below each.
  void categories(const std::vector<std::string>& names, const std::vector<std::string>& below) {
    names_x_ = names;
    below_x_ = below;
  }
  void axes() {
    double angle = 0;
    if (!names_x_.empty()) angle = fit_categories();
    body_ += "<g class=\"cm-grid\">";
    for (const double t : y_.ticks) line(left_, y(t), right_, y(t));
    if (names_x_.empty())
      for (const double t : x_.ticks) line(x(t), top_, x(t), bottom_);
    body_ += "</g>";
    for (const auto& b : o_.bands) {
      const double high = y(std::max(b.low, b.high)), low = y(std::min(b.low, b.high));
      body_ += "<rect class=\"cm-band\"" + number("x", left_) + number("y", high) +
               number("width", right_ - left_) + number("height", low - high) + "/>";
    }
    body_ += "<g class=\"cm-axis\">";
    line(left_, bottom_, right_, bottom_);
    line(left_, top_, left_, bottom_);
    body_ += "</g>";
    for (const double t : y_.ticks) text(left_ - 6, y(t) + 4, y_.label(t), 11, "end");
    if (names_x_.empty())
      for (const double t : x_.ticks) text(x(t), bottom_ + 16, x_.label(t), 11, "middle");
    const double slot =
        plot_width() / static_cast<double>(std::max<std::size_t>(1, names_x_.size()));
    for (std::size_t i = 0; i < names_x_.size(); ++i) {
      const double middle = left_ + slot * (static_cast<double>(i) + 0.5);
      if (angle == 0) {
        text(middle, bottom_ + 16, names_x_[i], 11, "middle");
        text(middle, bottom_ + 29, below_x_[i], 9.5, "middle", "cm-soft");
      } else
        text(middle + 4, bottom_ + 14, shortened(names_x_[i], 30) + " (" + below_x_[i] + ")", 10,
             "end", "", angle);
    }
    const double note_space = note_.empty() ? 0 : 18;
    if (!o_.x_label.empty())
      text((left_ + right_) / 2, o_.height - 10 - note_space, o_.x_label, 12, "middle");
    if (!o_.y_label.empty()) text(16, (top_ + bottom_) / 2, o_.y_label, 12, "middle", "", -90);
    if (!o_.title.empty()) text(o_.width / 2.0, 22, o_.title, 14, "middle", "cm-title");
    if (!note_.empty()) text(left_, o_.height - 8, note_, 10, "start", "cm-soft");
    double last = -1e9;  // labels of lines that lie close are moved apart
    std::vector<chart_line> sorted;
    for (const auto& l : o_.lines) {
      body_ +=
          std::string("<g class=\"cm-line\"") + (l.dashed ? " stroke-dasharray=\"6 4\">" : ">");
      if (l.vertical)
        line(x(l.at), top_, x(l.at), bottom_);
      else
        line(left_, y(l.at), right_, y(l.at));
      body_ += "</g>";
      if (l.vertical)
        text(x(l.at) + 4, top_ + 12, l.label, 11, "start");
      else
        sorted.push_back(l);
    }
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const chart_line& a, const chart_line& b) { return a.at > b.at; });
    for (const auto& l : sorted) {
      const double at = std::max(y(l.at) + 4, last + 13);
      text(right_ + 5, at, l.label, 11, "start");
      last = at;
    }
  }
  void identity() {
    body_ += "<g class=\"cm-line\" stroke-dasharray=\"6 4\">";
    line(x(std::max(x_.low, y_.low)), y(std::max(x_.low, y_.low)), x(std::min(x_.high, y_.high)),
         y(std::min(x_.high, y_.high)));
    body_ += "</g>";
  }
  void box(const box_summary& b, const std::vector<double>& values, double middle, double width,
           std::size_t s, const std::string& where) {
    if (b.n == 0) return;
    const double half = width / 2;
    body_ += "<g" + colours(s) + "><title>" +
             escaped(where + ": median " + significant(b.median, 5) + ", quartiles " +
                     significant(b.q1, 5) + " to " + significant(b.q3, 5) + ", whiskers " +
                     significant(b.low, 5) + " to " + significant(b.high, 5) +
                     ", n = " + std::to_string(b.n)) +
             "</title>";
    line(middle, y(b.high), middle, y(b.q3));
    line(middle, y(b.q1), middle, y(b.low));
    line(middle - half / 2, y(b.high), middle + half / 2, y(b.high));
    line(middle - half / 2, y(b.low), middle + half / 2, y(b.low));
    body_ += "<rect fill-opacity=\"0.25\"" + number("x", middle - half) + number("y", y(b.q3)) +
             number("width", width) + number("height", std::max(y(b.q1) - y(b.q3), 0.5)) + "/>";
    body_ += "<g stroke-width=\"2.5\">";
    line(middle - half, y(b.median), middle + half, y(b.median));
    body_ += "</g></g>";
    if (b.n <= 8) {  // a box of so few values says less than they do
      for (const double v : values)
        if (std::isfinite(v)) mark(middle, y(v), s, "", 2.2);
    } else
      for (const double v : b.outliers)
        mark(middle, y(v), s, where + ": " + significant(v, 5), 2.6);
  }
  void marker(double at_x, double at_y, std::size_t s, const std::string& label) {
    const std::string numbers = "(" + significant(at_x, 5) + ", " + significant(at_y, 5) + ")";
    mark(x(at_x), y(at_y), s, label.empty() ? numbers : label + " " + numbers, 3.6);
  }
  void curve(const std::vector<double>& at_x, const std::vector<double>& at_y, std::size_t s,
             bool markers) {
    static constexpr const char* dashes[] = {"", "7 3", "2 3", "8 3 2 3", "12 4"};
    std::string path;
    bool on = false;
    for (std::size_t i = 0; i < at_x.size(); ++i) {
      const bool good = std::isfinite(at_x[i]) && std::isfinite(at_y[i]);
      if (good) path += (on ? "L" : "M") + round2(x(at_x[i])) + " " + round2(y(at_y[i]));
      on = good;
    }
    const std::string dash = dashes[s % 5];
    body_ += "<path fill=\"none\" stroke=\"" + std::string(colour(s)) + "\" stroke-width=\"1.8\"" +
             (dash.empty() ? "" : " stroke-dasharray=\"" + dash + "\"") + " d=\"" + path + "\"/>";
    if (markers)
      for (std::size_t i = 0; i < at_x.size(); ++i)
        if (std::isfinite(at_x[i]) && std::isfinite(at_y[i]))
          marker(at_x[i], at_y[i], s, names_[s]);
  }
  std::string finish() const {
    const std::string w = std::to_string(o_.width), h = std::to_string(o_.height);
    return "<svg class=\"cm-chart\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + w + " " +
           h + "\" width=\"" + w + "\" height=\"" + h +
           "\" role=\"img\" font-family=\"Helvetica, Arial, sans-serif\"><title>" +
           escaped(o_.title) + "</title>" + style() + body_ + "</svg>\n";
  }

 private:
  static const char* style() {
    return "<style>.cm-chart{color:#222}.cm-chart text{fill:currentColor}"
           ".cm-chart .cm-title{font-weight:bold}.cm-chart .cm-soft{opacity:.7}"
           ".cm-chart .cm-grid line{stroke:currentColor;stroke-opacity:.14}"
           ".cm-chart .cm-axis line{stroke:currentColor;stroke-opacity:.7}"
           ".cm-chart .cm-line line{stroke:currentColor;stroke-opacity:.8}"
           ".cm-chart .cm-band{fill:currentColor;fill-opacity:.07}"
           "@media screen and (prefers-color-scheme:dark){.cm-chart{color:#ddd}}</style>";
  }
  static const char* colour(std::size_t s) {
    static constexpr const char* palette[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                              "#e69f00", "#56b4e9", "#7f7f7f"};
    return palette[s % 7];
  }
  static std::string colours(std::size_t s) {
    return " stroke=\"" + std::string(colour(s)) + "\" fill=\"" + colour(s) + "\"";
  }
  static std::string round2(double v) {
    std::string t = fixed(v, 2);
    while (t.back() == '0') t.pop_back();
    if (t.back() == '.') t.pop_back();
    return t;
  }
  static std::string number(const char* name, double v) {
    return std::string(" ") + name + "=\"" + round2(v) + "\"";
  }
  /// About the width of text; only the space left for labels depends on it.
  static double width_of(const std::string& text, double size) {
    double n = 0;
    for (const char c : text) n += (static_cast<unsigned char>(c) >> 6) != 2 ? 1 : 0;
    return 0.57 * size * n;
  }
  static std::string shortened(const std::string& text, std::size_t letters) {
    std::size_t n = 0, at = 0;
    for (; at < text.size(); ++at)
      if ((static_cast<unsigned char>(text[at]) >> 6) != 2 && n++ == letters - 1) break;
    return at < text.size() ? text.substr(0, at) + "\xe2\x80\xa6" : text;
  }
  double x(double v) const { return left_ + (v - x_.low) / (x_.high - x_.low) * plot_width(); }
  double y(double v) const {
    return bottom_ - (v - y_.low) / (y_.high - y_.low) * (bottom_ - top_);
  }
  void line(double x1, double y1, double x2, double y2) {
    body_ +=
        "<line" + number("x1", x1) + number("y1", y1) + number("x2", x2) + number("y2", y2) + "/>";
  }
  void text(double at_x, double at_y, const std::string& what, double size, const char* anchor,
            const char* kind = "", double angle = 0) {
    if (what.empty()) return;
    body_ += "<text" + number("x", at_x) + number("y", at_y) + number("font-size", size) +
             " text-anchor=\"" + anchor + "\"";
    if (*kind) body_ += std::string(" class=\"") + kind + "\"";
    if (angle != 0)
      body_ +=
          " transform=\"rotate(" + round2(angle) + " " + round2(at_x) + " " + round2(at_y) + ")\"";
    body_ += ">" + escaped(what) + "</text>";
  }
  /// A mark whose form tells the series, as its colour does.
  void mark(double cx, double cy, std::size_t s, const std::string& label, double r) {
    body_ += "<g fill-opacity=\"0.75\"" + colours(s) + " stroke-opacity=\"0.9\">";
    if (!label.empty()) body_ += "<title>" + escaped(label) + "</title>";
    const auto p = [&](double dx, double dy) {
      return round2(cx + dx * r) + "," + round2(cy + dy * r) + " ";
    };
    if (s % 4 == 0)
      body_ += "<circle" + number("cx", cx) + number("cy", cy) + number("r", r) + "/>";
    else if (s % 4 == 1)
      body_ += "<polygon points=\"" + p(-.9, -.9) + p(.9, -.9) + p(.9, .9) + p(-.9, .9) + "\"/>";
    else if (s % 4 == 2)
      body_ += "<polygon points=\"" + p(0, -1.2) + p(1.1, .8) + p(-1.1, .8) + "\"/>";
    else
      body_ += "<polygon points=\"" + p(0, -1.25) + p(1.25, 0) + p(0, 1.25) + p(-1.25, 0) + "\"/>";
    body_ += "</g>";
  }
  /// Names of the series above the plot, in as many rows as they need.
  void legend() {
    if (names_.size() < 2) return;
    double at = 16;
    for (std::size_t s = 0; s < names_.size(); ++s) {
      const std::string name = shortened(names_[s], 48);
      const double need = width_of(name, 11) + 34;
      if (at > 16 && at + need > o_.width - 8) {
        at = 16;
        top_ += 17;
      }
      const double row = top_ + 2;
      if (shape_ == shape_of_series::box)
        body_ += "<rect fill-opacity=\"0.3\"" + colours(s) + number("x", at) +
                 number("y", row - 5) + " width=\"16\" height=\"10\"/>";
      else
        mark(at + 8, row, s, "", 3.6);
      text(at + 22, row + 4, name, 11, "start");
      at += need;
    }
    top_ += 20;
  }
  /// Room for the categories; the angle at which they are written.
  double fit_categories() {
    const double slot = plot_width() / static_cast<double>(names_x_.size());
    double widest = 0, longest = 0;
    for (std::size_t i = 0; i < names_x_.size(); ++i) {
      widest = std::max({widest, width_of(names_x_[i], 11), width_of(below_x_[i], 9.5)});
      longest = std::max(longest, width_of(shortened(names_x_[i], 30) + below_x_[i] + "   ", 10));
    }
    if (widest + 6 <= slot) {
      bottom_ -= 13;
      return 0;
    }
    constexpr double degrees = 35;
    bottom_ -= std::sin(degrees * 3.14159265358979 / 180) * longest;
    bottom_ = std::max(bottom_, top_ + 60);
    return -degrees;
  }

  const chart_options& o_;
  std::vector<std::string> names_, names_x_, below_x_;
  shape_of_series shape_;
  std::string note_, body_;
  chart_range lines_x_, lines_y_;
  chart_axis x_, y_;
  double left_ = 40, right_ = 0, top_ = 0, bottom_ = 0;
};

}  // namespace detail
}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
