// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_CONV_GEOMETRY_HPP
#define CARDIOMM_NN_CONV_GEOMETRY_HPP
/// \file
/// Sizes of a convolution of two spatial axes, as the kernels of hosts take them.

#include "cardiomm/core/config.hpp"
#include "cardiomm/core/shape.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

/// y(n, v, u, o) = sum over (i, ky, kx) of w(o, i, ky, kx) x(n, v sy + ky - py, u sx + kx - px, i),
/// zero outside of x. Features are (item, y, x, channel), contiguous.
struct conv_geometry {
  index_t items = 1;
  index_t in_y = 1, in_x = 1, in_c = 1;
  index_t out_y = 1, out_x = 1, out_c = 1;
  index_t kernel_y = 3, kernel_x = 3;
  index_t stride_y = 1, stride_x = 1;
  index_t pad_y = 1, pad_x = 1;  ///< zeros before the first row and column
  index_t dilation_y = 1, dilation_x = 1;
  index_t groups = 1;
};

/// The function of single numbers that changes nothing.
struct same_value {
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION L value(const L& x, index_t) const {
    return x;
  }
};

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
