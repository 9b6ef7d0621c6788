// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_PHANTOM_HPP
#define CARDIOMM_MRI_PHANTOM_HPP
/// \file
/// A beating heart in a chest, made of ellipses: short-axis sections at any position along the long
/// axis, z, and any state of contraction. Every ellipse lies wholly inside its parent and beside
/// its siblings, so intensities add up without occlusion, k-space has a closed form (ellipse.hpp),
/// and areas and volumes are known exactly.
///
/// The left ventricle is half an ellipsoid from the base (z = -45 mm) to the apex (z = 50 mm), the
/// right one a flatter half beside it. Both contract in the section plane only, by the same share
/// everywhere: EF of the left ventricle 60 %, of the right one 52 %, whichever slices are imaged.
/// The myocardium of a section keeps its area, so it thickens. Papillary muscles belong to the
/// blood pool's volume and label. Intensities are those of a balanced steady-state cine, blood = 1.

#include "cardiomm/mri/ellipse.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// Labels of the phantom. (The files of CMRxRecon use several orders; readers take it as argument.)
enum phantom_label : std::uint8_t {
  label_background = 0,
  label_lv = 1,          ///< blood pool of the left ventricle, papillary muscles included
  label_myocardium = 2,  ///< wall of the left ventricle
  label_rv = 3           ///< blood pool of the right ventricle
};

/// The ventricles in one section.
struct heart_section {
  double lv_radius = 0;   ///< blood pool, mm
  double epi_radius = 0;  ///< outer border of the myocardium, mm
  double rv_minor = 0;    ///< semi-axis of the right blood pool along the line between the pools
  double rv_major = 0;    ///< semi-axis across
  double lv_x = 0, lv_y = 0, rv_x = 0, rv_y = 0;  ///< centres, mm

  double lv_area() const { return pi * lv_radius * lv_radius; }
  double myocardium_area() const { return pi * epi_radius * epi_radius - lv_area(); }
  double rv_area() const { return pi * rv_minor * rv_major; }

  static constexpr double pi = 3.14159265358979323846;
};

namespace detail::chest {

constexpr double base = -45;  // z of the valve plane, mm
constexpr double lv_ejection = 0.60, rv_ejection = 0.52;
constexpr double tilt = 0.384;  // of the line from the left to the right ventricle, radians
constexpr double heart_x = 4, heart_y = -14;
constexpr double rv_wall = 2.5, gap = 1;  // mm

/// Square of the radius at z of half an ellipsoid of `length`, relative to that at z = 0.
inline double taper(double z, double length) {
  const auto square = [&](double at) { return 1 - (at - base) * (at - base) / (length * length); };
  return z < base ? 0.0 : std::fmax(0.0, square(z)) / square(0);
}

}  // namespace detail::chest

/// Contraction at a phase of the cycle (from 0 to 1, periodic): 0 at end diastole (phase 0), 1 at
/// end systole (0.35 to 0.40), early filling, rest, and the kick of the atria.
inline double contraction_at(double phase) {
  constexpr double half_pi = heart_section::pi / 2;
  const double p = phase - std::floor(phase);
  const auto falling = [&](double from, double length) {
    const double c = std::cos(half_pi * (p - from) / length);
    return c * c;
  };
  if (p < 0.35) return 1 - falling(0, 0.35);
  if (p < 0.40) return 1;
  if (p < 0.65) return 0.22 + 0.78 * falling(0.40, 0.25);
  return p < 0.85 ? 0.22 : 0.22 * falling(0.85, 0.15);
}

/// The ventricles at position z (mm, from the base at -45 to the apex) and a contraction in [0, 1].
/// A ventricle that the section misses has zero radii.
inline heart_section section_of_heart(double z, double contraction) {
  namespace c = detail::chest;
  const double rest = 23 * std::sqrt(c::taper(z, 95)), outer = 31.5 * std::sqrt(c::taper(z, 106));
  const double rv = std::sqrt(c::taper(z, 88)), right = rv > 0.25 ? rv : 0;
  const double lv_scale = 1 - (1 - std::sqrt(1 - c::lv_ejection)) * contraction;
  const double rv_scale = 1 - (1 - std::sqrt(1 - c::rv_ejection)) * contraction;
  heart_section s;
  s.lv_radius = rest * lv_scale;
  s.epi_radius = std::sqrt(s.lv_radius * s.lv_radius + outer * outer - rest * rest);
  s.rv_minor = 16 * right * rv_scale;
  s.rv_major = 31 * right * rv_scale;
  // The pair is centred in the pericardium at end diastole; the left ventricle then stays and the
  // right one follows the septum.
  const double across = right > 0 ? 2 * (16 * right + c::rv_wall) : 0;
  const double to_lv = (2 * outer + c::gap + across) / 2 - outer;
  const double to_rv = to_lv - (s.epi_radius + c::gap + c::rv_wall + s.rv_minor);
  s.lv_x = c::heart_x + to_lv * std::cos(c::tilt);
  s.lv_y = c::heart_y + to_lv * std::sin(c::tilt);
  s.rv_x = c::heart_x + to_rv * std::cos(c::tilt);
  s.rv_y = c::heart_y + to_rv * std::sin(c::tilt);
  return s;
}

/// What does not move in a section at z: body, lungs and their vessels, spine, liver, sternum, the
/// fat around the heart, and the atria behind the base.
inline std::vector<ellipse> resting_ellipses(double z) {
  namespace c = detail::chest;
  const double fat = .85, muscle = .33, lung = .05, vertebra = .50, liver = .42;
  std::vector<ellipse> e = {
      {0, 0, 158, 112, 0, fat},
      {0, 0, 149, 103, 0, muscle - fat},
      {-101, -4, 35, 60, .12, lung - muscle},
      {106, 2, 31, 58, -.12, lung - muscle},
      {0, 66, 19, 16, 0, vertebra - muscle},
      {0, 91, 8, 7, 0, .90 - muscle},
      {0, -86, 15, 6, 0, vertebra - muscle},
      {-60, 70, 27, 15, .15, liver - muscle},
      {-66, 70, 4, 3, .6, .70 - liver},
      {-52, 73, 2.5, 2.5, 0, .70 - liver},
  };
  const double vessels[][3] = {{-95, -22, 3.0}, {-110, 10, 2.5}, {-92, 16, 3.5}, {-104, -38, 2.0},
                               {104, -18, 3.0}, {112, 14, 2.5},  {98, 20, 3.5},  {106, 40, 2.0}};
  for (const auto& v : vessels) e.push_back({v[0], v[1], v[2], v[2], 0, .60 - lung});
  if (z < 80) {
    const double scale = z <= 0 ? 1 : std::sqrt(1 - z * z / 6400);
    e.push_back({c::heart_x, c::heart_y, 64 * scale, 57 * scale, c::tilt, .60 - muscle});
  }
  if (z < c::base && z > c::base - 40) {
    const double q = std::sqrt(1 - (z - c::base) * (z - c::base) / 1600);
    const double dx = std::cos(c::tilt), dy = std::sin(c::tilt);
    e.push_back({c::heart_x + 24 * dx, c::heart_y + 24 * dy, 24 * q, 28 * q, c::tilt, .97 - .60});
    e.push_back({c::heart_x - 29 * dx, c::heart_y - 29 * dy, 22 * q, 27 * q, c::tilt, .94 - .60});
  }
  return e;
}

/// What beats in a section: ventricles with walls and papillary muscles, descending aorta.
inline std::vector<ellipse> beating_ellipses(double z, double contraction) {
  namespace c = detail::chest;
  const double wall = .38, surround = .60, blood = 1;
  const heart_section s = section_of_heart(z, contraction);
  const double aorta = 11 + .6 * contraction;
  std::vector<ellipse> e = {{35, 58, aorta, aorta, 0, .95 - .33}};
  if (s.rv_minor > 0) {
    e.push_back({s.rv_x, s.rv_y, s.rv_minor + c::rv_wall, s.rv_major + c::rv_wall, c::tilt,
                 wall - surround});
    e.push_back({s.rv_x, s.rv_y, s.rv_minor, s.rv_major, c::tilt, .96 - wall, label_rv});
  }
  if (s.epi_radius > 0)
    e.push_back({s.lv_x, s.lv_y, s.epi_radius, s.epi_radius, 0, wall - surround, label_myocardium});
  if (s.lv_radius > 0)
    e.push_back({s.lv_x, s.lv_y, s.lv_radius, s.lv_radius, 0, blood - wall, label_lv});
  if (section_of_heart(z, 0).lv_radius > 9)
    for (const double angle : {0.9, 3.9})
      e.push_back({s.lv_x + .60 * s.lv_radius * std::cos(angle),
                   s.lv_y + .60 * s.lv_radius * std::sin(angle), .17 * s.lv_radius,
                   .14 * s.lv_radius, angle, .40 - blood});
  return e;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
