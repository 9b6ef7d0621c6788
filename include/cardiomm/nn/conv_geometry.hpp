// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_CONV_GEOMETRY_HPP
#define CARDIOMM_NN_CONV_GEOMETRY_HPP
/// \file
/// Sizes of a convolution of two spatial axes, as the kernels of hosts take them, and what these
/// kernels share.

#include "cardiomm/nn/packets.hpp"

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

namespace conv_host {

/// How a convolution reads its weights: w(o, i, ky, kx) = data[o out + i in + ky y + kx x]. Flipped
/// and transposed weights are negative and exchanged steps.
template <class T>
struct weight_steps {
  const T* data;
  index_t out, in, y, x;
};

/// What happens to a result before it is stored: bias, the following function, sums.
template <class T, class F>
struct finish {
  F f;
  const T* bias;  ///< may be null
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION L operator()(const L& v, index_t c) const {
    return f.value(bias ? v + lane_traits<L>::load(bias + c) : v, c);
  }
};

/// The packet without its first n numbers, which the packet before it has already counted.
template <class L>
KOKKOS_FORCEINLINE_FUNCTION L without_first(const L& v, int n) {
  using traits = lane_traits<L>;
  typename traits::real part[traits::width];
  traits::store(part, v);
  for (int i = 0; i < n; ++i) part[i] = 0;
  return traits::load(part);
}

/// sums(item, channel) = sum over the blocks of an item, in their order.
template <class T>
struct add_blocks {
  static constexpr const char* name = "cardiomm::nn::conv_sums";
  const T* partial;
  double* sums;
  index_t blocks, channels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t item, index_t first, index_t last) const {
    for (index_t c = first; c < last; ++c) {
      double sum = 0;
      for (index_t b = 0; b < blocks; ++b) sum += partial[(item * blocks + b) * channels + c];
      sums[item * channels + c] = sum;
    }
  }
};

}  // namespace conv_host

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
