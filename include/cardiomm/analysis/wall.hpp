// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_ANALYSIS_WALL_HPP
#define CARDIOMM_ANALYSIS_WALL_HPP
/// \file
/// Thickness of the wall of the left ventricle on the AHA segments, from a short-axis stack of
/// labels at end diastole: distance of each point of the smoothed inner contour to the nearest
/// point of the smoothed outer contour of the same slice.
/// Source: ukbb_cardiac, Bai et al., JCMR 20:65 (2018), whose released order of steps this follows.

#include <limits>
#include <optional>
#include <string>

#include "cardiomm/analysis/aha.hpp"
#include "cardiomm/analysis/ventricles.hpp"

namespace cardiomm::inline CARDIOMM_ABI::analysis {

struct wall_options {
  index_t least_pixels = 10;  ///< of a label in a slice, of a piece of myocardium
  index_t least_slices = 6;   ///< with both cavity and myocardium
  double smooth = 0.05;       ///< s of the contours' splines per point, pixels^2
  septum_middle middle = septum_middle::angular;
  bool base_first = false;  ///< the base has the lowest z, against the usual orientation
};

/// A point of the inner contour.
struct wall_point {
  vector3 place;         ///< mm
  double thickness = 0;  ///< mm
  int segment = 0;       ///< 1 to 16
  index_t slice = 0;
};

/// Thickness in mm: [1] to [16] are the segments, [0] is all points ("Global"). NaN where a segment
/// has no point.
struct wall_thickness {
  std::array<double, 17> mean{}, maximum{};
  std::array<index_t, 17> points_in{};
  std::vector<wall_point> points;
  aha_frame frame;
  std::string reason;  ///< why there is no thickness; empty where there is
};

namespace detail::wall {

/// The masks of a slice after cleaning. Planes are indexed (x, y), as the published scripts do:
/// contours start and run accordingly.
struct slice_masks {
  region endo, myo, epi, rv;
};

template <class V>
region plane_of(const V& labels, index_t z, int label) {
  const auto s = shape_of(labels);
  region plane(s[2], s[1]);
  for (index_t y = 0; y < s[1]; ++y)
    for (index_t x = 0; x < s[2]; ++x) plane.at(x, y) = static_cast<int>(labels(z, y, x)) == label;
  return plane;
}

template <class V>
slice_masks clean(const V& labels, index_t z, const label_names& names, index_t least) {
  slice_masks m;
  m.endo = largest_component(plane_of(labels, z, names.lv));
  m.myo = without_small_components(plane_of(labels, z, names.myo), least);
  region both = m.endo;
  for (std::size_t i = 0; i < both.inside.size(); ++i) both.inside[i] |= m.myo.inside[i];
  m.epi = largest_component(both);
  m.rv = largest_component(plane_of(labels, z, names.rv));
  return m;
}

inline vector3 centroid(const region& plane, const affine_matrix& affine, index_t z) {
  double x = 0, y = 0;
  for (index_t i = 0; i < plane.rows(); ++i)
    for (index_t j = 0; j < plane.columns(); ++j)
      if (plane.at(i, j)) {
        x += static_cast<double>(i);
        y += static_cast<double>(j);
      }
  const double n = static_cast<double>(plane.count());
  return to_world(affine, x / n, y / n, static_cast<double>(z));
}

inline vector3 world_of(const point& p, const affine_matrix& affine, index_t z) {
  return to_world(affine, p.row, p.column, static_cast<double>(z));
}

}  // namespace detail::wall

/// Directions of a ventricle from its mid slice: septum where the outer contour touches the right
/// ventricle, which is dilated by a pixel until it does. Both masks must have pixels.
inline aha_frame frame_of(const region& endo, const region& epi, const region& rv,
                          const affine_matrix& affine, index_t z,
                          septum_middle middle = septum_middle::angular) {
  require<value_error>(endo.count() > 0 && epi.count() > 0 && rv.count() > 0,
                       "segments: expected pixels of both ventricles in slice ", z);
  const auto border = outer_border(epi);
  std::vector<vector3> septum;
  region near = rv;
  while (septum.empty()) {
    near = dilated(near);
    for (const point& p : border)
      if (near.at(static_cast<index_t>(p.row), static_cast<index_t>(p.column)))
        septum.push_back(detail::wall::world_of(p, affine, z));
  }
  aha_frame f;
  f.lv_to_septum = septal_direction(septum, detail::wall::centroid(endo, affine, z),
                                    column_of(affine, 0), column_of(affine, 1), middle);
  f.apex_to_base = base_direction(affine);
  f.inferior_to_anterior = cross(f.apex_to_base, f.lv_to_septum);
  return f;
}

/// Wall thickness of labels (z, y, x) in host memory. What fails the quality control (labels with
/// too few voxels, too few or torn slices, no septum in the mid slice) has a `reason` and no
/// thickness.
template <TensorView V>
wall_thickness measure_wall(const V& labels, const label_names& names, const affine_matrix& affine,
                            const wall_options& o = {}) {
  static_assert(rank_of<V> == 3, "labels of a volume are (z, y, x)");
  namespace d = detail::wall;
  wall_thickness result;
  result.mean.fill(std::numeric_limits<double>::quiet_NaN());
  result.maximum = result.mean;
  const auto refuse = [&](std::string why) {
    result.reason = std::move(why);
    return result;
  };
  const auto s = shape_of(labels);
  const std::pair<const char*, int> needed[] = {
      {"lv", names.lv}, {"myo", names.myo}, {"rv", names.rv}};
  for (const auto& n : needed)
    if (n.second == 0) return refuse(std::string("no label is named ") + n.first);
  const label_counts total = count_labels(labels.data(), s.size(), names);
  const index_t voxels[] = {total.lv, total.myo, total.rv};
  for (std::size_t i = 0; i < 3; ++i)
    if (voxels[i] < o.least_pixels)
      return refuse("label " + std::to_string(needed[i].second) + " (" + needed[i].first +
                    ") has " + std::to_string(voxels[i]) + " voxels, fewer than " +
                    std::to_string(o.least_pixels));
  std::vector<index_t> slices;
  double weighted = 0;
  for (index_t z = 0; z < s[0]; ++z) {
    const label_counts c = count_labels(&labels(z, 0, 0), s[1] * s[2], names);
    weighted += static_cast<double>(z * c.lv);
    if (c.lv >= o.least_pixels && c.myo >= o.least_pixels) slices.push_back(z);
  }
  const auto m = static_cast<index_t>(slices.size());
  if (m < o.least_slices)
    return refuse(std::to_string(m) + " slices have both cavity and myocardium, fewer than " +
                  std::to_string(o.least_slices));
  if (slices.back() - slices.front() + 1 != m)
    return refuse("the slices with cavity and myocardium are not contiguous");
  const auto z0 = static_cast<index_t>(std::nearbyint(weighted / static_cast<double>(total.lv)));
  const d::slice_masks mid = d::clean(labels, z0, names, o.least_pixels);
  if (mid.endo.count() == 0 || mid.epi.count() < o.least_pixels)
    return refuse("the mid slice " + std::to_string(z0) + " has no left ventricle");
  if (mid.rv.count() < o.least_pixels)
    return refuse("the mid slice " + std::to_string(z0) + " has " + std::to_string(mid.rv.count()) +
                  " pixels of the right ventricle, fewer than " + std::to_string(o.least_pixels));
  result.frame = frame_of(mid.endo, mid.epi, mid.rv, affine, z0, o.middle);
  if (o.base_first) {
    for (double& v : result.frame.apex_to_base) v = -v;
    for (double& v : result.frame.inferior_to_anterior) v = -v;
  }
  const bool up = to_world(affine, 0, 0, 1)[2] > to_world(affine, 0, 0, 0)[2];
  std::array<double, 17> sum{};
  for (index_t i = 0; i < m; ++i) {
    const index_t z = up == o.base_first ? slices.front() + i : slices.back() - i;
    const d::slice_masks c = d::clean(labels, z, names, o.least_pixels);
    if (c.endo.count() < o.least_pixels || c.myo.count() < o.least_pixels) continue;
    const auto inner = smoothed_contour(outer_border(c.endo), o.smooth);
    std::vector<vector3> outer;
    for (const point& p : smoothed_contour(outer_border(c.epi), o.smooth))
      outer.push_back(d::world_of(p, affine, z));
    const vector3 centre = d::centroid(c.endo, affine, z);
    const heart_part part = part_of_slice(i, m);
    for (const point& p : inner) {
      wall_point w;
      w.place = d::world_of(p, affine, z);
      w.slice = z;
      w.thickness = std::numeric_limits<double>::infinity();
      for (const vector3& q : outer) {
        const vector3 gap = difference_of(q, w.place);
        w.thickness = std::min(w.thickness, dot(gap, gap));
      }
      w.thickness = std::sqrt(w.thickness);
      w.segment = aha_segment(part, result.frame.degrees(difference_of(w.place, centre)));
      for (const int at : {0, w.segment}) {
        const auto k = static_cast<std::size_t>(at);
        sum[k] += w.thickness;
        result.maximum[k] =
            result.points_in[k] == 0 ? w.thickness : std::max(result.maximum[k], w.thickness);
        ++result.points_in[k];
      }
      result.points.push_back(w);
    }
  }
  for (std::size_t k = 0; k < 17; ++k)
    if (result.points_in[k] > 0) result.mean[k] = sum[k] / static_cast<double>(result.points_in[k]);
  if (result.points.empty()) result.reason = "no slice is left after cleaning";
  return result;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::analysis

#endif
