// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_RADIAL_MASK_HPP
#define CARDIOMM_MRI_RADIAL_MASK_HPP
/// \file
/// Pseudo-radial sampling of a Cartesian grid: spokes are lines rotated with nearest neighbours.
/// Host only.

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "cardiomm/core/tensor.hpp"
#include "cardiomm/mri/centre.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// Spokes of a half turn, floor(180 / R); the frames have one more, because both ends are drawn.
/// Throws value_error if there is none.
inline index_t radial_beams(double acceleration) {
  const double beams = acceleration > 0 ? std::floor(1 / acceleration * 180) : 0;
  require(beams >= 1 && beams <= 1e6,
          "mask: radial acceleration: expected a number above 0 and at most 180, found ",
          acceleration);
  return static_cast<index_t>(beams);
}

namespace detail {

/// Draws spokes into one frame (y, x) of a mask. The canvas is square, its rows run along the
/// readout x and its columns along the phase encode y; it is centred on the frame.
struct spoke_painter {
  std::uint8_t* mask;
  index_t ny, nx, side;

  /// Nearest index, halves away from zero.
  static index_t nearest(double v) { return static_cast<index_t>(std::round(v)); }

  void pixel(index_t row, index_t col, double cosine, double sine) const {
    const index_t x = row - centre_start(side, nx), y = col - centre_start(side, ny);
    if (x < 0 || x >= nx || y < 0 || y >= ny) return;
    const double c = static_cast<double>(side - 1) / 2;
    const double u = static_cast<double>(col), v = static_cast<double>(row);
    // A spoke at an odd multiple of 45 degrees passes between pixels where the side is even, and
    // rounding decides these ties. Explicit fused products in this order make every compiler and
    // processor decide as scikit-image's matrix products do on those with fused products.
    const double row_offset = std::fma(cosine, -c, sine * -c) + c;
    if (nearest(std::fma(cosine, v, sine * u) + row_offset) != line()) return;
    const double col_offset = std::fma(-sine, -c, cosine * -c) + c;
    const index_t source = nearest(std::fma(-sine, v, cosine * u) + col_offset);
    if (source >= 0 && source < side) mask[y * nx + x] = 1;
  }

  /// Row of the unrotated line: the centre, or half a sample before it.
  index_t line() const { return (side + 1) / 2 - 1; }

  void spoke(double degrees) const {
    const double angle = degrees * (3.14159265358979323846 / 180);
    const double cosine = std::cos(angle), sine = std::sin(angle);
    const double c = static_cast<double>(side - 1) / 2, at = static_cast<double>(line()) - c;
    // Walk along the steeper axis; the row condition leaves at most two candidates across.
    const bool along_columns = std::abs(cosine) >= std::abs(sine);
    for (index_t i = 0; i < side; ++i) {
      const double w = static_cast<double>(i) - c;
      const double across = along_columns ? (at - sine * w) / cosine : (at - cosine * w) / sine;
      const double guess = std::floor(across + c);
      if (!(guess >= -4 && guess <= static_cast<double>(side) + 4)) continue;
      for (index_t j = static_cast<index_t>(guess) - 1; j <= static_cast<index_t>(guess) + 2; ++j)
        along_columns ? pixel(j, i, cosine, sine) : pixel(i, j, cosine, sine);
    }
  }
};

}  // namespace detail

/// Adds the spokes of one acceleration to a mask (frame, y, x): frame f starts at `frame_angle` f
/// degrees and has beams + 1 spokes over a half turn. With corner cropping the canvas has the side
/// max(ny, nx), so spokes end on a circle's bounding square; without, sqrt(2) times that.
template <TensorView V>
requires(rank_of<V> == 3) void add_spokes(const V& mask, double acceleration,
                                          double frame_angle = 137.5, bool corner_cropping = true) {
  const shape<3> s = shape_of(mask);
  const index_t beams = radial_beams(acceleration), longest = std::max(s[1], s[2]);
  const index_t side =
      corner_cropping
          ? longest
          : static_cast<index_t>(std::ceil(std::sqrt(2.0) * static_cast<double>(longest)));
  for (index_t f = 0; f < s[0]; ++f) {
    const detail::spoke_painter painter{mask.data() + f * s[1] * s[2], s[1], s[2], side};
    for (index_t k = 0; k <= beams; ++k)
      painter.spoke(frame_angle * static_cast<double>(f) +
                    static_cast<double>(k) * (180.0 / static_cast<double>(beams)));
  }
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
