// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_SIGNAL_HPP
#define CARDIOMM_MRI_SIGNAL_HPP
/// \file
/// Steady-state signals of the sequences that cardiac and brain protocols are made of, and the
/// relaxation times of tissues at four field strengths. Times in ms, angles in radians, signals
/// relative to the equilibrium magnetisation (proton density 1).
///
/// Sources: Bernstein, King, Zhou, Handbook of MRI Pulse Sequences (2004), chapters 14, 16, 18;
/// Hargreaves et al., Magn Reson Med 46:149 (2001) for bSSFP off resonance. Relaxation times:
/// Stanisz et al., Magn Reson Med 54:507 (2005), de Bazelaire et al., Radiology 230:652 (2004),
/// Campbell-Washburn et al., Radiology 293:384 (2019) for 0.55 T; values at 5 T are extrapolated
/// along T1 = a B^b through those at 1.5 T and 3 T.

#include <array>
#include <cmath>

#include "cardiomm/core/complex.hpp"
#include "cardiomm/core/error.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// Relaxation times (ms) and proton density of a tissue.
struct relaxation_times {
  double t1 = 1000, t2 = 50, density = 1;
};

/// Spoiled gradient echo: sin(a) (1 - E1) / (1 - cos(a) E1) exp(-TE / T2*), T2* given as t2_star.
inline double spoiled_gradient_echo(const relaxation_times& r, double tr, double te, double flip,
                                    double t2_star) {
  const double e1 = std::exp(-tr / r.t1);
  return r.density * std::sin(flip) * (1 - e1) / (1 - std::cos(flip) * e1) *
         std::exp(-te / t2_star);
}

/// Flip angle of the largest spoiled signal, arccos(exp(-TR / T1)).
inline double ernst_angle(double t1, double tr) { return std::acos(std::exp(-tr / t1)); }

/// Balanced steady-state free precession, echo at TR / 2, with alternating pulses and a precession
/// of `phase` radians by off-resonance in a TR; complex, in the frame of the pulse before. On
/// resonance its magnitude is
/// sin(a) (1 - E1) / (1 - (E1 - E2) cos(a) - E1 E2) exp(-TE / T2).
inline complex<double> balanced_steady_state(const relaxation_times& r, double tr, double flip,
                                             double phase) {
  const double e1 = std::exp(-tr / r.t1), e2 = std::exp(-tr / r.t2);
  const double ca = std::cos(flip), sa = std::sin(flip);
  const double theta = phase + 3.14159265358979323846;  // alternation of the pulses
  const double ct = std::cos(theta), st = std::sin(theta);
  const double d = (1 - e1 * ca) * (1 - e2 * ct) - e2 * (e1 - ca) * (e2 - ct);
  const double m = r.density * (1 - e1) * sa / d;
  const double re = m * (1 - e2 * ct), im = m * e2 * st;  // just after the pulse
  // half a TR of decay and precession
  const double decay = std::sqrt(e2), c = std::cos(phase / 2), s = std::sin(phase / 2);
  return {decay * (re * c - im * s), decay * (re * s + im * c)};
}

/// Spin echo: (1 - 2 exp(-(TR - TE / 2) / T1) + exp(-TR / T1)) exp(-TE / T2).
inline double spin_echo(const relaxation_times& r, double tr, double te) {
  return r.density * (1 - 2 * std::exp(-(tr - te / 2) / r.t1) + std::exp(-tr / r.t1)) *
         std::exp(-te / r.t2);
}

/// Longitudinal magnetisation TI after an inversion that recurs every TR, signed:
/// (1 - 2 exp(-TI / T1) + exp(-TR / T1)).
inline double inversion_recovery(const relaxation_times& r, double tr, double ti) {
  return r.density * (1 - 2 * std::exp(-ti / r.t1) + std::exp(-tr / r.t1));
}

/// Inversion time at which that is zero: T1 (log 2 - log(1 + exp(-TR / T1))).
inline double null_time(double t1, double tr) {
  return t1 * (std::log(2.0) - std::log1p(std::exp(-tr / t1)));
}

/// Longitudinal magnetisation TD after a saturation: 1 - exp(-TD / T1).
inline double saturation_recovery(const relaxation_times& r, double td) {
  return r.density * (1 - std::exp(-td / r.t1));
}

/// T1 with a contrast agent: 1 / (1 / T1 + r1 c), c in mmol/l, r1 in 1 / (s mmol/l).
inline double enhanced_t1(double t1, double concentration, double relaxivity = 4.5) {
  return 1 / (1 / t1 + relaxivity * concentration / 1000);
}

/// Tissues with known relaxation.
enum class tissue : int {
  air,
  lung,
  fat,
  muscle,
  myocardium,
  blood,         ///< arterial
  venous_blood,  ///< right heart, veins
  liver,
  spleen,
  bone,    ///< cortical
  marrow,  ///< of vertebrae, half fat
  fluid,   ///< cerebrospinal and other free water
  white_matter,
  grey_matter,
  skin,
  count
};

/// Relaxation times of a tissue at `field` tesla (interpolated in log B between 0.55, 1.5, 3, 5).
inline relaxation_times tissue_times(tissue what, double field) {
  require(field > 0.1 && field < 12, "tissue times: field: expected 0.1 to 12 T, found ", field);
  struct row {
    double t1[4], t2[4], density;
  };
  static constexpr std::array<row, static_cast<std::size_t>(tissue::count)> table = {{
      {{1000, 1000, 1000, 1000}, {50, 50, 50, 50}, 0},
      {{971, 1200, 1270, 1320}, {61, 41, 25, 18}, .17},
      {{187, 343, 382, 410}, {93, 58, 68, 60}, .90},
      {{550, 1008, 1412, 1700}, {45, 44, 40, 35}, .78},
      {{701, 1030, 1320, 1560}, {58, 50, 45, 40}, .80},
      {{1122, 1500, 1900, 2100}, {263, 250, 170, 120}, .92},
      {{1150, 1550, 1930, 2130}, {170, 150, 75, 50}, .92},
      {{339, 586, 809, 980}, {66, 46, 34, 29}, .72},
      {{700, 1057, 1328, 1520}, {90, 79, 61, 52}, .80},
      {{300, 340, 380, 400}, {4, 3, 2, 2}, .12},
      {{310, 549, 586, 610}, {70, 49, 49, 45}, .75},
      {{3800, 4200, 4300, 4400}, {1900, 1900, 1600, 1300}, 1},
      {{493, 745, 960, 1150}, {89, 74, 69, 58}, .70},
      {{717, 1124, 1500, 1760}, {112, 95, 90, 72}, .82},
      {{500, 750, 900, 1000}, {40, 35, 30, 26}, .60},
  }};
  constexpr double at[4] = {0.55, 1.5, 3, 5};
  const row& r = table[static_cast<std::size_t>(what)];
  int i = 0;
  while (i < 2 && field > at[i + 1]) ++i;
  const double w =
      std::fmin(1.0, std::fmax(0.0, std::log(field / at[i]) / std::log(at[i + 1] / at[i])));
  const auto mix = [&](const double(&v)[4]) { return v[i] * std::pow(v[i + 1] / v[i], w); };
  return {mix(r.t1), mix(r.t2), r.density};
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
