// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_ANALYSIS_CONTOUR_HPP
#define CARDIOMM_ANALYSIS_CONTOUR_HPP
/// \file
/// Border pixels of masks in the order of a walk along the border, dilation by a square, and the
/// smoothing of closed contours.
/// Source: Suzuki and Abe, CVGIP 30 (1985), border following; as OpenCV's findContours with
/// RETR_EXTERNAL and CHAIN_APPROX_NONE has it: the same points in the same order.

#include <array>

#include "cardiomm/analysis/components.hpp"
#include "cardiomm/analysis/smoothing_spline.hpp"

namespace cardiomm::inline CARDIOMM_ABI::analysis {

/// A place in a plane, in pixels.
struct point {
  double row = 0, column = 0;
};

/// Pixels of the outer border of the component (8 neighbours) that comes first in memory, starting
/// at its first pixel and going down its left side; a pixel that is passed twice is listed twice.
/// Empty for an empty mask. The mask is one plane.
inline std::vector<point> outer_border(const region& mask) {
  require<shape_error>(mask.slices() == 1, "contour: expected one plane, found ", mask.slices());
  constexpr int dy[] = {0, -1, -1, -1, 0, 1, 1, 1}, dx[] = {1, 1, 0, -1, -1, -1, 0, 1};
  const index_t ny = mask.rows(), nx = mask.columns();
  const auto inside = [&](index_t y, index_t x) {
    return y >= 0 && x >= 0 && y < ny && x < nx && mask.at(y, x) != 0;
  };
  std::vector<point> border;
  const auto first = std::find(mask.inside.begin(), mask.inside.end(), std::uint8_t(1));
  if (first == mask.inside.end()) return border;
  const index_t start = first - mask.inside.begin(), y0 = start / nx, x0 = start % nx;
  // the last neighbour of the walk: clockwise from the left
  int side = 4;
  do side = (side + 7) & 7;
  while (!inside(y0 + dy[side], x0 + dx[side]) && side != 4);
  if (side == 4) return {{double(y0), double(x0)}};
  const index_t y1 = y0 + dy[side], x1 = x0 + dx[side];
  index_t y = y0, x = x0;
  while (true) {
    do side = (side + 1) & 7;  // the next one, counter-clockwise from where the walk came
    while (!inside(y + dy[side], x + dx[side]));
    border.push_back({double(y), double(x)});
    const index_t next_y = y + dy[side], next_x = x + dx[side];
    if (next_y == y0 && next_x == x0 && y == y1 && x == x1) return border;
    y = next_y;
    x = next_x;
    side = (side + 4) & 7;
  }
}

/// The mask of one plane dilated by a square of 3 x 3 pixels.
inline region dilated(const region& mask) {
  require<shape_error>(mask.slices() == 1, "dilation: expected one plane, found ", mask.slices());
  const index_t ny = mask.rows(), nx = mask.columns();
  region out(ny, nx);
  for (index_t y = 0; y < ny; ++y)
    for (index_t x = 0; x < nx; ++x) {
      if (!mask.at(y, x)) continue;
      for (index_t j = std::max<index_t>(0, y - 1); j <= std::min(ny - 1, y + 1); ++j)
        for (index_t i = std::max<index_t>(0, x - 1); i <= std::min(nx - 1, x + 1); ++i)
          out.at(j, i) = 1;
    }
  return out;
}

/// A closed contour of N points smoothed and sampled at `factor` N places: point i lies at i / N,
/// half a period is added on both sides, and a cubic smoothing spline with s = `smooth` times the
/// number of points is fitted to each coordinate. Contours of fewer than 4 points are returned as
/// they are: a cubic spline needs 4.
inline std::vector<point> smoothed_contour(const std::vector<point>& closed, double smooth = 0.05,
                                           int factor = 4) {
  const auto n = static_cast<index_t>(closed.size()), half = n / 2;
  if (n < 4) return closed;
  const double step = 1 / static_cast<double>(n);
  std::vector<double> t, rows, columns;
  for (index_t i = -half; i < n + half; ++i) {
    // as the sums of the original: the second period starts at 1 exactly
    t.push_back(i < n ? static_cast<double>(i) * step : 1 + static_cast<double>(i - n) * step);
    const point& p = closed[static_cast<std::size_t>((i + n) % n)];
    rows.push_back(p.row);
    columns.push_back(p.column);
  }
  const double s = smooth * static_cast<double>(t.size());
  const std::size_t pause = std::max<std::size_t>(t.size() / 2, 8);  // as UnivariateSpline
  const cubic_spline along = smoothing_spline(t, rows, s, pause);
  const cubic_spline across = smoothing_spline(t, columns, s, pause);
  std::vector<point> out(static_cast<std::size_t>(n * factor));
  const double fine = 1 / static_cast<double>(n * factor);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double at = static_cast<double>(i) * fine;
    out[i] = {along(at), across(at)};
  }
  return out;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::analysis

#endif
