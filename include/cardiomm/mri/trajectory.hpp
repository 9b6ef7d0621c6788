// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_TRAJECTORY_HPP
#define CARDIOMM_MRI_TRAJECTORY_HPP
/// \file
/// Trajectories (frame, spoke, sample, (kx, ky)) in cycles per field of view, on the host: radial
/// with uniform or golden angles, and Archimedean spirals. Radial ones are those of `bart traj -r`:
/// a spoke at angle phi runs along (sin phi, cos phi), and its samples lie half a step beside the
/// centre.
///
/// Sources: Winkelmann et al., IEEE TMI 26 (2007) for the golden angle; Wundrak et al., IEEE TMI 34
/// (2015) for the tiny ones.

#include <algorithm>
#include <cmath>

#include "cardiomm/core/tensor.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// How angles follow each other.
enum class spoke_angles {
  uniform,  ///< pi / spokes; frames are turned against each other by pi / (spokes frames)
  golden    ///< pi / (golden ratio + tiny - 1), from frame to frame without a break
};

/// What `radial_trajectory` makes.
struct radial_trajectory_options {
  index_t samples = 256;  ///< of a spoke
  index_t spokes = 32;    ///< of a frame
  index_t frames = 1;
  spoke_angles angles = spoke_angles::golden;
  int tiny = 1;  ///< golden: 1 is 111.246 degrees, 2 68.754, ..., 7 23.628; `bart traj -s`
  double readout_oversampling = 1;  ///< samples a cycle per field of view; samples reach to
                                    ///< samples / (2 readout_oversampling)
  bool centre_sampled = false;      ///< sample samples / 2 is the centre, `bart traj -c`
  bool full_circle = false;         ///< uniform: 2 pi / spokes, `bart traj -D`
};

/// Increment of the angle, radians.
inline double golden_angle(int tiny = 1) {
  require(tiny >= 1, "trajectory: tiny: expected at least 1, found ", tiny);
  return M_PI / ((1 + std::sqrt(5.0)) / 2 + tiny - 1);
}

/// Spokes through the centre.
inline host_tensor<double, 4> radial_trajectory(const radial_trajectory_options& o) {
  require(o.samples > 0 && o.spokes > 0 && o.frames > 0,
          "trajectory: expected positive numbers of samples, spokes and frames, found ", o.samples,
          ", ", o.spokes, " and ", o.frames);
  require(o.readout_oversampling > 0,
          "trajectory: readout_oversampling: expected a positive number, found ",
          o.readout_oversampling);
  const double golden = golden_angle(o.tiny);
  const double turn = (o.full_circle ? 2 * M_PI : M_PI) / double(o.spokes);
  auto k = make_tensor<double>(host_space(), shape{o.frames, o.spokes, o.samples, index_t(2)},
                               "cardiomm::trajectory");
  for (index_t f = 0; f < o.frames; ++f)
    for (index_t s = 0; s < o.spokes; ++s) {
      const double phi = o.angles == spoke_angles::golden
                             ? std::fmod(double(f * o.spokes + s) * golden, 2 * M_PI)
                             : turn * (double(s) + double(f) / double(o.frames));
      for (index_t i = 0; i < o.samples; ++i) {
        const double r =
            o.centre_sampled ? double(i - o.samples / 2) : double(i) + 0.5 - double(o.samples) / 2;
        k(f, s, i, 0) = r / o.readout_oversampling * std::sin(phi);
        k(f, s, i, 1) = r / o.readout_oversampling * std::cos(phi);
      }
    }
  return k;
}

/// What `spiral_trajectory` makes.
struct spiral_trajectory_options {
  index_t samples = 1024;  ///< of an interleaf
  index_t interleaves = 16;
  index_t frames = 1;
  double matrix = 128;  ///< pixels of the image: the spiral ends at matrix / 2 cycles
  double turns = 0;     ///< of an interleaf; 0: matrix / (2 interleaves), which samples all
  spoke_angles angles = spoke_angles::uniform;  ///< of interleaves, of the full circle
  bool constant_speed = true;  ///< samples at equal distances along the curve; else at equal angles
};

namespace detail {
/// Length of the spiral r = angle, and the angle at a length (Newton's method).
inline double spiral_length(double angle) {
  return (angle * std::sqrt(1 + angle * angle) + std::asinh(angle)) / 2;
}
inline double spiral_angle(double length) {
  double angle = std::min(length, std::sqrt(2 * length));
  for (int i = 0; i < 20; ++i)
    angle -= (spiral_length(angle) - length) / std::sqrt(1 + angle * angle);
  return angle;
}
}  // namespace detail

/// Archimedean spirals from the centre outwards, k = matrix / 2 tau exp(2 pi i turns tau).
inline host_tensor<double, 4> spiral_trajectory(const spiral_trajectory_options& o) {
  require(o.samples > 1 && o.interleaves > 0 && o.frames > 0,
          "trajectory: expected positive numbers of samples, interleaves and frames, found ",
          o.samples, ", ", o.interleaves, " and ", o.frames);
  require(o.matrix > 0 && o.turns >= 0,
          "trajectory: expected a positive matrix and turns of at least 0, found ", o.matrix,
          " and ", o.turns);
  const double turns = o.turns > 0 ? o.turns : o.matrix / (2 * double(o.interleaves));
  const double golden = 2 * golden_angle(), end = 2 * M_PI * turns;
  const double length = detail::spiral_length(end);
  auto k = make_tensor<double>(host_space(), shape{o.frames, o.interleaves, o.samples, index_t(2)},
                               "cardiomm::trajectory");
  for (index_t f = 0; f < o.frames; ++f)
    for (index_t s = 0; s < o.interleaves; ++s) {
      const double start =
          o.angles == spoke_angles::golden
              ? std::fmod(double(f * o.interleaves + s) * golden, 2 * M_PI)
              : 2 * M_PI * (double(s) + double(f) / double(o.frames)) / double(o.interleaves);
      for (index_t i = 0; i < o.samples; ++i) {
        const double t = double(i) / double(o.samples - 1);
        const double tau = o.constant_speed ? detail::spiral_angle(t * length) / end : t;
        const double phi = start + 2 * M_PI * turns * tau;
        k(f, s, i, 0) = o.matrix / 2 * tau * std::sin(phi);
        k(f, s, i, 1) = o.matrix / 2 * tau * std::cos(phi);
      }
    }
  return k;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
