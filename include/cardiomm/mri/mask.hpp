// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_MASK_HPP
#define CARDIOMM_MRI_MASK_HPP
/// \file
/// Undersampling masks (frame, y, x) of 0 and 1, y = phase encode, x = readout: the four patterns
/// of the CMRxRecon challenges. The acceleration is nominal: it does not count the centre lines.
/// Sources: Wang et al., arXiv:2406.19043; Tsao et al., MRM 50 (2003) for the k-t lattice.

#include <array>
#include <optional>
#include <string_view>

#include "cardiomm/mri/line_sampler.hpp"
#include "cardiomm/mri/radial_mask.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

enum class mask_pattern {
  uniform,      ///< every R-th line, the same in every frame
  kt_uniform,   ///< every R-th line, moved by one line from frame to frame
  kt_gaussian,  ///< random lines, denser at the centre, new in every frame
  kt_radial     ///< spokes on the Cartesian grid, turned by 137.5 degrees from frame to frame
};

/// Names of the patterns in the order of the enumeration.
inline constexpr std::array<std::string_view, 4> mask_pattern_names = {"uniform", "kt-uniform",
                                                                       "kt-gaussian", "kt-radial"};

/// The pattern of a name. Throws value_error for other text.
inline mask_pattern mask_pattern_of(std::string_view name) {
  for (std::size_t i = 0; i < mask_pattern_names.size(); ++i)
    if (name == mask_pattern_names[i]) return static_cast<mask_pattern>(i);
  throw value_error(
      "mask: pattern: expected uniform, kt-uniform, kt-gaussian or kt-radial, found " +
      std::string(name));
}

/// What `make_mask` makes.
struct mask_options {
  mask_pattern pattern = mask_pattern::kt_gaussian;
  double acceleration = 8;  ///< R; an integer for the uniform patterns; spokes count for 0.6 R
  index_t acs = 20;         ///< centre lines sampled in every frame; for kt_radial a centre square
  index_t frames = 1;
  index_t ny = 0;          ///< phase encodes
  index_t nx = 0;          ///< readout samples
  std::uint64_t seed = 1;  ///< below 2^32; used by kt_gaussian only
  double alpha = 0.2;      ///< share of the bell in the density of kt_gaussian, in [0, 1)
  /// kt_uniform with an odd number of frames: the pattern that the challenge's generator released,
  /// shifted by half a frame, instead of the intended one. Even numbers of frames are the same.
  bool compat_released = false;
};

namespace detail {

inline void check(const mask_options& o) {
  require(o.frames >= 1 && o.ny >= 1 && o.nx >= 1,
          "mask: shape: expected positive extents (frame, y, x), found (", o.frames, ", ", o.ny,
          ", ", o.nx, ")");
  constexpr index_t most = index_t(1) << 20;
  require(o.frames <= most && o.ny <= most && o.nx <= most &&
              o.frames * o.ny <= (index_t(1) << 36) / o.nx,
          "mask: shape: expected at most 2^20 samples an axis and 2^36 in all, found (", o.frames,
          ", ", o.ny, ", ", o.nx, ")");
  require(o.acceleration >= 1 && o.acceleration <= 1e6,
          "mask: acceleration: expected a number of at least 1, found ", o.acceleration);
  if (o.pattern == mask_pattern::kt_radial)
    require(o.acceleration <= 300, "mask: acceleration: expected at most 300 for kt-radial, found ",
            o.acceleration, ", which leaves no spoke");
  if (o.pattern == mask_pattern::uniform || o.pattern == mask_pattern::kt_uniform)
    require(o.acceleration == std::floor(o.acceleration),
            "mask: acceleration: expected an integer for the uniform patterns, found ",
            o.acceleration);
  require(o.alpha >= 0 && o.alpha < 1, "mask: alpha: expected a number in [0, 1), found ", o.alpha);
  const index_t widest = o.pattern == mask_pattern::kt_radial ? std::min(o.ny, o.nx) : o.ny;
  require(o.acs >= 0 && o.acs <= widest, "mask: acs: expected 0 to ", widest, " for the matrix ",
          o.ny, " x ", o.nx, ", found ", o.acs);
}

/// Marks phase-encode lines in a pattern (frame, y).
class line_marks {
 public:
  line_marks(index_t frames, index_t ny)
      : marks_(zeros<std::uint8_t>(host_space{}, shape{frames, ny})), frames_(frames), ny_(ny) {}
  void set(index_t frame, index_t line) { marks_(frame, line) = 1; }
  void set_linear(index_t i) { marks_.data()[i] = 1; }
  void set_centre(index_t length) {
    for (index_t f = 0; f < frames_; ++f)
      for (index_t i = 0; i < length; ++i) set(f, centre_start(ny_, length) + i);
  }
  const host_tensor<std::uint8_t, 2>& pattern() const { return marks_; }

 private:
  host_tensor<std::uint8_t, 2> marks_;
  index_t frames_, ny_;
};

/// The lattice |line - frame| = 0 mod R, or its released form: for an odd number of frames the
/// linear index moves back by half a frame of lines (and half a line more, which rounds forward at
/// the middle of an odd frame), and what falls before the first line lands on it.
inline void mark_lattice(line_marks& marks, const mask_options& o) {
  const index_t step = static_cast<index_t>(o.acceleration);
  const bool shifted = o.compat_released && o.frames % 2 == 1;
  for (index_t f = 0; f < o.frames; ++f)
    for (index_t line = (f % step); line < o.ny; line += step) {
      if (!shifted) {
        marks.set(f, line);
        continue;
      }
      index_t i = f * o.ny + line - o.ny / 2;
      if (o.ny % 2 == 1 && line == o.ny / 2) i += o.ny;
      require(i < o.frames * o.ny, "mask: the released kt-uniform pattern does not exist for ",
              o.frames, " frames of ", o.ny, " lines with acceleration ", step,
              ": a sample falls beyond the last frame; leave out the compatibility option");
      marks.set_linear(std::max<index_t>(i, 0));
    }
}

}  // namespace detail

/// The phase-encode lines (frame, y) of the patterns uniform, kt_uniform and kt_gaussian, centre
/// lines included. Throws value_error for options that no mask can have, and for kt_radial.
inline host_tensor<std::uint8_t, 2> make_line_mask(const mask_options& o) {
  detail::check(o);
  require(o.pattern != mask_pattern::kt_radial,
          "mask: pattern: expected whole lines, found kt-radial");
  detail::line_marks marks(o.frames, o.ny);
  if (o.pattern == mask_pattern::uniform) {
    for (index_t f = 0; f < o.frames; ++f)
      for (index_t line = 0; line < o.ny; line += static_cast<index_t>(o.acceleration))
        marks.set(f, line);
  } else if (o.pattern == mask_pattern::kt_uniform) {
    detail::mark_lattice(marks, o);
  } else {
    const auto seeds = frame_seeds(o.seed, o.frames);
    for (index_t f = 0; f < o.frames; ++f) {
      const auto lines =
          gaussian_lines(o.ny, o.acceleration, o.alpha, seeds[static_cast<std::size_t>(f)]);
      require(o.acs + static_cast<index_t>(lines.size()) > 0, "mask: acceleration ", o.acceleration,
              " leaves none of ", o.ny, " lines and there are no centre lines: the mask is empty");
      for (const index_t line : lines) marks.set(f, line);
    }
  }
  marks.set_centre(o.acs);
  return marks.pattern();
}

/// A mask (frame, y, x) of 0 and 1. Throws value_error for options that no mask can have.
inline host_tensor<std::uint8_t, 3> make_mask(const mask_options& o) {
  detail::check(o);
  auto mask = zeros<std::uint8_t>(host_space{}, shape{o.frames, o.ny, o.nx});
  if (o.pattern == mask_pattern::kt_radial) {
    add_spokes(mask, 0.6 * o.acceleration);
    const index_t y = centre_start(o.ny, o.acs), x = centre_start(o.nx, o.acs);
    for (index_t f = 0; f < o.frames; ++f)
      for (index_t i = 0; i < o.acs; ++i)
        for (index_t j = 0; j < o.acs; ++j) mask(f, y + i, x + j) = 1;
  } else {
    const auto lines = make_line_mask(o);
    for (index_t row = 0; row < o.frames * o.ny; ++row)
      std::fill_n(mask.data() + row * o.nx, o.nx, lines.data()[row]);
  }
  return mask;
}

/// The lines (frame, y) of a mask (frame, y, x) on the host that is constant along the readout, or
/// nothing if it is not. Elements may be of any type that compares with 0.
template <TensorView V>
requires(rank_of<V> == 3) std::optional<host_tensor<std::uint8_t, 2>> line_pattern(const V& mask) {
  const shape<3> s = shape_of(mask);
  auto lines = zeros<std::uint8_t>(host_space{}, shape{s[0], s[1]});
  for (index_t row = 0; row < s[0] * s[1]; ++row) {
    const auto* samples = mask.data() + row * s[2];
    for (index_t x = 0; x < s[2]; ++x)
      if ((samples[x] != 0) != (samples[0] != 0)) return std::nullopt;
    lines.data()[row] = s[2] > 0 && samples[0] != 0;
  }
  return lines;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
