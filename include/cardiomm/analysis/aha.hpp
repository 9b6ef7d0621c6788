// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_ANALYSIS_AHA_HPP
#define CARDIOMM_ANALYSIS_AHA_HPP
/// \file
/// The 16 segments of the American Heart Association: which part of the ventricle a short-axis
/// slice belongs to, and which sector a point of it. Source: Cerqueira et al., Circulation 105
/// (2002). Segment 17, the apex, is not seen in short-axis slices.

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "cardiomm/analysis/contour.hpp"

namespace cardiomm::inline CARDIOMM_ABI::analysis {

using vector3 = std::array<double, 3>;

inline vector3 difference_of(const vector3& a, const vector3& b) {
  return {a[0] - b[0], a[1] - b[1], a[2] - b[2]};
}
inline double dot(const vector3& a, const vector3& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
inline vector3 cross(const vector3& a, const vector3& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
inline vector3 normalised(const vector3& a) {
  const double size = std::sqrt(dot(a, a));
  return size > 0 ? vector3{a[0] / size, a[1] / size, a[2] / size} : a;
}

/// Row-major 4 x 4 matrix from voxel indices (x, y, z, 1) to mm, as NIfTI has it.
using affine_matrix = std::array<double, 16>;
inline vector3 to_world(const affine_matrix& a, double x, double y, double z) {
  vector3 p;
  for (std::size_t i = 0; i < 3; ++i)
    p[i] = a[4 * i] * x + a[4 * i + 1] * y + a[4 * i + 2] * z + a[4 * i + 3];
  return p;
}
inline vector3 column_of(const affine_matrix& a, std::size_t j) {
  return {a[j], a[4 + j], a[8 + j]};
}

enum class heart_part { basal, mid, apical };

/// The part of slice `i` of `m` slices that are counted from base to apex: thirds, the fuller ones
/// first.
inline heart_part part_of_slice(index_t i, index_t m) {
  return i < (m + 2) / 3       ? heart_part::basal
         : i < (2 * m + 2) / 3 ? heart_part::mid
                               : heart_part::apical;
}

/// The segment, 1 to 16, of an angle in degrees from anterior (0) over septal (90) and inferior
/// (180) to lateral (-90). A border belongs to the sector above it.
inline int aha_segment(heart_part part, double degrees) {
  const int sectors = part == heart_part::apical ? 4 : 6;
  const double width = 360.0 / sectors;
  const int sector = static_cast<int>(std::floor((degrees + width / 2) / width));
  const int first = part == heart_part::basal ? 1 : part == heart_part::mid ? 7 : 13;
  return first + (sector % sectors + sectors) % sectors;
}

/// Directions of the left ventricle in mm space, unit vectors.
struct aha_frame {
  vector3 lv_to_septum{1, 0, 0}, inferior_to_anterior{0, 1, 0}, apex_to_base{0, 0, 1};

  /// Angle in degrees, in (-180, 180], of a vector from the centre of the cavity.
  double degrees(const vector3& d) const {
    return std::atan2(dot(d, lv_to_septum), dot(d, inferior_to_anterior)) * 57.29577951308232;
  }
};

/// The slice direction of an affine, flipped to positive z: towards the base where the axes of the
/// scanner are known; files with a positive diagonal and no orientation have to store the base
/// last.
inline vector3 base_direction(const affine_matrix& affine) {
  vector3 d = normalised(column_of(affine, 2));
  return d[2] < 0 ? vector3{-d[0], -d[1], -d[2]} : d;
}

/// How the middle of the septum is chosen among the border pixels that touch the right ventricle.
enum class septum_middle {
  angular,  ///< half way along the arc that they cover, seen from the centre of the cavity
  listed    ///< the element at round(n / 2), halves to even: wrong where the arc wraps round the
            ///< start of the contour; what the published scripts do
};

/// Unit vector from `centre` to the middle of the septum; points in mm, on the plane spanned by
/// the directions `u` and `v`.
inline vector3 septal_direction(const std::vector<vector3>& septum, const vector3& centre,
                                const vector3& u, const vector3& v,
                                septum_middle middle = septum_middle::angular) {
  require<value_error>(!septum.empty(), "septum: expected at least one point, found none");
  if (middle == septum_middle::listed) {
    const auto at =
        static_cast<std::size_t>(std::nearbyint(static_cast<double>(septum.size()) / 2));
    return normalised(difference_of(septum[std::min(at, septum.size() - 1)], centre));
  }
  const vector3 e = normalised(u), n = normalised(cross(u, v)), f = cross(n, e);
  std::vector<double> angles;
  for (const vector3& p : septum) {
    const vector3 d = difference_of(p, centre);
    angles.push_back(std::atan2(dot(d, f), dot(d, e)));
  }
  std::sort(angles.begin(), angles.end());
  // the arc is what the largest gap leaves
  constexpr double turn = 6.283185307179586;
  std::size_t last = angles.size() - 1;
  double gap = angles.front() + turn - angles.back(), first = angles.front();
  double length = angles.back() - angles.front();
  for (std::size_t i = 0; i < last; ++i)
    if (angles[i + 1] - angles[i] > gap) {
      gap = angles[i + 1] - angles[i];
      first = angles[i + 1];
      length = turn - gap;
    }
  const double angle = first + length / 2, c = std::cos(angle), s = std::sin(angle);
  return {c * e[0] + s * f[0], c * e[1] + s * f[1], c * e[2] + s * f[2]};
}

}  // namespace cardiomm::inline CARDIOMM_ABI::analysis

#endif
