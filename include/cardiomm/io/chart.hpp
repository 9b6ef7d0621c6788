// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_CHART_HPP
#define CARDIOMM_IO_CHART_HPP
/// \file
/// Small charts as SVG text: box plots by category, scatter plots with lines and bands
/// (Bland-Altman), curves. No script and nothing from outside; readable on light and dark pages;
/// series differ by colour (Okabe and Ito, distinguishable for the colour-blind) and by marker or
/// dash. Values that are not finite are left out and counted below the chart.
///
///     io::box_plot p;
///     p.title = "PSNR";
///     p.y_label = "PSNR (dB)";
///     p.categories = {"R 4", "R 8"};
///     p.series = {{"sense", {{38.1, 37.2, 39.0}, {33.0, 34.5, 32.2}}}};
///     std::string text = io::svg(p);

#include <algorithm>
#include <string>
#include <vector>

#include "cardiomm/io/chart_canvas.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

/// Values grouped by category, several series side by side.
struct box_plot : chart_options {
  struct one {
    std::string name;
    std::vector<std::vector<double>> values;  ///< a list for each category
  };
  std::vector<std::string> categories;
  std::vector<one> series;
};

/// Points of several series.
struct scatter_plot : chart_options {
  struct point {
    double x = 0, y = 0;
    std::string label;  ///< shown when the mouse rests on it
  };
  struct one {
    std::string name;
    std::vector<point> points;
  };
  std::vector<one> series;
  bool identity = false;  ///< draws y = x and gives both axes the same range
};

/// Curves; y[i] belongs to x[i]. A value that is not finite interrupts the curve.
struct line_chart : chart_options {
  struct one {
    std::string name;
    std::vector<double> x, y;
  };
  std::vector<one> series;
  bool markers = true;
};

/// The chart as an <svg> element.
inline std::string svg(const box_plot& p) {
  const std::size_t columns = p.categories.size(), count = p.series.size();
  std::vector<std::vector<box_summary>> boxes(count);
  detail::chart_range y;
  std::size_t left_out = 0;
  std::vector<std::string> names;
  for (std::size_t s = 0; s < count; ++s) {
    require<shape_error>(p.series[s].values.size() == columns, "box plot: series ",
                         p.series[s].name, ": expected values for ", columns, " categories, found ",
                         p.series[s].values.size());
    names.push_back(p.series[s].name);
    for (const auto& values : p.series[s].values) {
      boxes[s].push_back(summarise(values));
      left_out += boxes[s].back().left_out;
      for (const double v : values) y.add(v);
    }
  }
  std::vector<std::string> below;  // n under each category: one number where all series agree
  for (std::size_t c = 0; c < columns; ++c) {
    std::string text;
    bool same = true;
    for (std::size_t s = 0; s < count; ++s) {
      same = same && boxes[s][c].n == boxes[0][c].n;
      text += (s ? "/" : "") + std::to_string(boxes[s][c].n);
    }
    below.push_back("n = " + (same && count > 0 ? std::to_string(boxes[0][c].n) : text));
  }
  detail::chart_canvas canvas(p, names, detail::shape_of_series::box, left_out);
  canvas.categories(p.categories, below);
  canvas.vertical(y);
  canvas.axes();
  const double slot = canvas.plot_width() / static_cast<double>(std::max<std::size_t>(columns, 1));
  const double each =
      std::min(0.8 * slot / static_cast<double>(std::max<std::size_t>(count, 1)), 44.0);
  for (std::size_t c = 0; c < columns; ++c)
    for (std::size_t s = 0; s < count; ++s) {
      const double middle =
          canvas.left() + slot * (static_cast<double>(c) + 0.5) +
          each * (static_cast<double>(s) - 0.5 * (static_cast<double>(count) - 1));
      const std::string where =
          (count > 1 ? p.series[s].name + ", " : std::string()) + p.categories[c];
      canvas.box(boxes[s][c], p.series[s].values[c], middle, 0.8 * each, s, where);
    }
  return canvas.finish();
}

inline std::string svg(const scatter_plot& p) {
  detail::chart_range x, y;
  std::size_t left_out = 0;
  std::vector<std::string> names;
  for (const auto& s : p.series) {
    names.push_back(s.name);
    for (const auto& at : s.points)
      if (std::isfinite(at.x) && std::isfinite(at.y)) {
        x.add(at.x);
        y.add(at.y);
      } else
        ++left_out;
  }
  if (p.identity) {
    x.add(y.low);
    x.add(y.high);
    y = x;
  }
  detail::chart_canvas canvas(p, names, detail::shape_of_series::marker, left_out);
  canvas.horizontal(x);
  canvas.vertical(y);
  canvas.axes();
  if (p.identity) canvas.identity();
  for (std::size_t s = 0; s < p.series.size(); ++s)
    for (const auto& at : p.series[s].points)
      if (std::isfinite(at.x) && std::isfinite(at.y)) canvas.marker(at.x, at.y, s, at.label);
  return canvas.finish();
}

inline std::string svg(const line_chart& p) {
  detail::chart_range x, y;
  std::size_t left_out = 0;
  std::vector<std::string> names;
  for (const auto& s : p.series) {
    require<shape_error>(s.x.size() == s.y.size(), "line chart: series ", s.name, ": expected ",
                         s.x.size(), " values for as many places, found ", s.y.size());
    names.push_back(s.name);
    for (std::size_t i = 0; i < s.x.size(); ++i)
      if (std::isfinite(s.x[i]) && std::isfinite(s.y[i])) {
        x.add(s.x[i]);
        y.add(s.y[i]);
      } else
        ++left_out;
  }
  detail::chart_canvas canvas(p, names, detail::shape_of_series::line, left_out);
  canvas.horizontal(x);
  canvas.vertical(y);
  canvas.axes();
  for (std::size_t s = 0; s < p.series.size(); ++s)
    canvas.curve(p.series[s].x, p.series[s].y, s, p.markers);
  return canvas.finish();
}

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
