// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LA_BLOCK_GRID_HPP
#define CARDIOMM_LA_BLOCK_GRID_HPP
/// \file
/// How arrays are cut into the small matrices of block_threshold.hpp.

#include "cardiomm/core/error.hpp"
#include "cardiomm/core/shape.hpp"

namespace cardiomm::inline CARDIOMM_ABI::la {

/// A partition of arrays into matrices. An array has pixels (y, x) and `columns` values each; a
/// matrix is a block of at most by x bx pixels (rows) with all their columns. Blocks start at pixel
/// (sy, sx) and cover the pixels as a ring, cyclically; where an extent is no multiple of the
/// block's the last block is smaller.
struct block_grid {
  index_t columns, batch, ny, nx;                               ///< extents
  index_t column_stride, batch_stride, y_stride, x_stride = 1;  ///< in numbers
  index_t by, bx, sy = 0, sx = 0;

  KOKKOS_INLINE_FUNCTION index_t down() const { return (ny + by - 1) / by; }
  KOKKOS_INLINE_FUNCTION index_t across() const { return (nx + bx - 1) / bx; }
  /// Number of blocks.
  KOKKOS_INLINE_FUNCTION index_t count() const { return batch * down() * across(); }
  /// Most pixels of a block.
  KOKKOS_INLINE_FUNCTION index_t pixels() const {
    return (by < ny ? by : ny) * (bx < nx ? bx : nx);
  }
};

/// Blocks by x bx of images (frame, slice, y, x): frames are the columns, slices separate.
inline block_grid image_blocks(const shape<4>& s, index_t by, index_t bx, index_t sy = 0,
                               index_t sx = 0) {
  require(by > 0 && bx > 0, "image_blocks: expected blocks of at least 1 x 1 pixel, found ", by,
          " x ", bx);
  const auto inside = [](index_t at, index_t n) { return n > 0 ? (at % n + n) % n : 0; };
  return {s[0],
          s[1],
          s[2],
          s[3],
          s[1] * s[2] * s[3],
          s[2] * s[3],
          s[3],
          1,
          by < s[2] ? by : s[2],
          bx < s[3] ? bx : s[3],
          inside(sy, s[2]),
          inside(sx, s[3])};
}

/// Matrices (batch, m, n).
inline block_grid matrix_blocks(const shape<3>& s) {
  return {s[2], s[0], s[1], 1, 1, s[1] * s[2], s[2], 1, s[1], 1, 0, 0};
}

}  // namespace cardiomm::inline CARDIOMM_ABI::la

#endif
