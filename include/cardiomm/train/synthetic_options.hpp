// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_SYNTHETIC_OPTIONS_HPP
#define CARDIOMM_TRAIN_SYNTHETIC_OPTIONS_HPP
/// \file
/// What the synthetic generator makes, as plain numbers; see train/synthetic.hpp.

#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "cardiomm/core/error.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// Range [low, high] that something is drawn from.
struct span_of {
  double low = 0, high = 0;
};

/// Options of `synthetic_frames`. Subjects are numbered first_subject .. first_subject + subjects -
/// 1: sources whose numbers do not overlap show different subjects.
struct synthetic_options {
  std::uint64_t seed = 42;
  index_t first_subject = 0;
  index_t subjects = 500;
  index_t frames_per_subject = 2;  ///< over one beat, frame 0 at end diastole
  index_t neighbours = 1;          ///< adjacent frames in the k-space of a sample: 1, 3, 5, ...

  index_t smallest = 96, largest = 192;  ///< of ny and nx
  index_t step = 16;                     ///< ny and nx are multiples of it
  index_t min_coils = 1, max_coils = 12;
  double single_coil = 0.1;  ///< share of subjects with one coil (if min_coils is 1)

  span_of snr = {12, 120};        ///< mean of the body over the noise of a coil, log-uniform
  bool clean_target = false;      ///< target without noise, instead of that of the noisy data
  span_of pixel_mm = {1.1, 3.0};  ///< pixel size, log-uniform
  double phase = 1;               ///< strength of the image phase; 0: coils' phase only
  double texture = 1;             ///< strength of the texture of tissues
  double motion = 1;              ///< strength of contraction and respiration
  double noise_correlation =
      0.2;               ///< largest share of noise that neighbouring coils have in common
  double padded = 0.20;  ///< share of subjects with a zero-filled rim or a partial echo in k-space
  double grain = 0;  ///< share of subjects whose object is grainy: noise that coils see as signal
  span_of grain_snr = {6, 60};  ///< mean of such an object over its grain, log-uniform

  double torso = 0.45, head = 0.15, scene = 0.40;  ///< shares of the anatomy families
};

namespace detail {

inline void check(const synthetic_options& o) {
  const char* who = "synthetic: ";
  const auto whole = [&](const char* what, index_t value, index_t least, index_t most) {
    require(value >= least && value <= most, who, what, ": expected ", least, " to ", most,
            ", found ", value);
  };
  const auto number = [&](const char* what, double value, double least, double most) {
    require(value >= least && value <= most, who, what, ": expected ", least, " to ", most,
            ", found ", value);
  };
  const auto range = [&](const char* what, const span_of& s, double least, double most) {
    require(s.low >= least && s.high <= most && s.low <= s.high, who, what,
            ": expected low and high in order from ", least, " to ", most, ", found ", s.low, ", ",
            s.high);
  };
  constexpr index_t many = 1000000000;
  whole("first_subject", o.first_subject, 0, many);
  whole("subjects", o.subjects, 1, many);
  whole("frames_per_subject", o.frames_per_subject, 1, 1000);
  whole("neighbours", o.neighbours, 1, 15);
  require(o.neighbours % 2 == 1, who, "neighbours: expected an odd number, found ", o.neighbours);
  whole("smallest", o.smallest, 32, 1024);
  whole("largest", o.largest, o.smallest, 1024);
  whole("step", o.step, 2, 256);
  require(o.step % 2 == 0, who, "step: expected an even number, found ", o.step);
  require(o.largest / o.step * o.step >= o.smallest, who, "step: expected a multiple from ",
          o.smallest, " to ", o.largest, ", found none of ", o.step);
  whole("min_coils", o.min_coils, 1, 64);
  whole("max_coils", o.max_coils, o.min_coils, 64);
  number("single_coil", o.single_coil, 0, 1);
  range("snr", o.snr, 0.1, 1e9);
  range("pixel_mm", o.pixel_mm, 0.2, 10);
  number("phase", o.phase, 0, 10);
  number("texture", o.texture, 0, 5);
  number("motion", o.motion, 0, 1.5);
  number("noise_correlation", o.noise_correlation, 0, 0.9);
  number("padded", o.padded, 0, 1);
  number("grain", o.grain, 0, 1);
  range("grain_snr", o.grain_snr, 0.1, 1e9);
  number("torso", o.torso, 0, 1e9);
  number("head", o.head, 0, 1e9);
  number("scene", o.scene, 0, 1e9);
  require(o.torso + o.head + o.scene > 0, who,
          "torso, head, scene: expected a share above 0, found none");
}

}  // namespace detail

/// One line with every option.
inline std::string describe(const synthetic_options& o) {
  std::ostringstream s;
  s.precision(std::numeric_limits<double>::max_digits10);
  s << "synthetic 1: seed " << o.seed << ", subjects " << o.first_subject << " + " << o.subjects
    << ", frames " << o.frames_per_subject << ", neighbours " << o.neighbours << ", sizes "
    << o.smallest << " to " << o.largest << " by " << o.step << ", coils " << o.min_coils << " to "
    << o.max_coils << " (single " << o.single_coil << "), snr " << o.snr.low << " to " << o.snr.high
    << (o.clean_target ? ", clean target" : "") << ", pixels " << o.pixel_mm.low << " to "
    << o.pixel_mm.high << " mm, phase " << o.phase << ", texture " << o.texture << ", motion "
    << o.motion << ", noise correlation " << o.noise_correlation << ", padded " << o.padded
    << ", torso " << o.torso << ", head " << o.head << ", scene " << o.scene;
  if (o.grain > 0)
    s << ", grain " << o.grain << " of snr " << o.grain_snr.low << " to " << o.grain_snr.high;
  return s.str();
}

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
