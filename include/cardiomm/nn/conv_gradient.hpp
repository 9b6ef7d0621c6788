// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_CONV_GRADIENT_HPP
#define CARDIOMM_NN_CONV_GRADIENT_HPP
/// \file
/// The gradient of a convolution's weights on hosts: for every kernel row a product of matrices,
/// neighbourhoods times gradients, summed over the pixels.

#include "cardiomm/nn/direct.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn::conv_host {

/// The share of one kernel row and one run of result rows. Runs do not depend on the number of
/// threads and are added in their order.
template <class T, ExecutionSpace Ex>
struct gradient_kernel {
  static constexpr const char* name = "cardiomm::nn::conv_weight_gradient";
  using L = lane<T, Ex>;
  static constexpr int W = lane_traits<L>::width;
  direct_plan g;
  const T* x;
  const T* dy;
  T* partial;  // (run, kernel row, kernel column, in, padded out)
  index_t packets, run, columns;

  index_t runs() const { return (g.items * g.out_y + run - 1) / run; }
  index_t wide(index_t n) const { return (n - 1) * g.stride_x + g.kernel_x; }
  index_t depth() const { return g.kernel_x * g.in_c; }
  index_t scratch() const { return columns * packets * W + 64 + wide(columns) * g.in_c; }

  template <class Tile>
  void operator()(const Tile& tile) const {
    const index_t ky = tile.index() % g.kernel_y, r = tile.index() / g.kernel_y;
    const index_t c_row = packets * W;
    T* c = partial + tile.index() * depth() * c_row;
    T* right = tile.scratch();
    T* left = right + columns * c_row + 64;
    for (index_t i = 0; i < depth() * c_row; ++i) c[i] = T(0);
    const index_t rows = g.items * g.out_y;
    for (index_t row = r * run; row < (r + 1) * run && row < rows; ++row) {
      const index_t item = row / g.out_y, v = row % g.out_y;
      const index_t from = v * g.stride_y + ky - g.pad_y;
      if (from < 0 || from >= g.in_y) continue;
      for (index_t u = 0; u < g.out_x; u += columns) {
        const index_t n = u + columns < g.out_x ? columns : g.out_x - u;
        gather(x + item * g.in_y * g.in_x * g.in_c, g, from, 1, u * g.stride_x - g.pad_x, wide(n),
               left);
        const T* d = dy + (row * g.out_x + u) * g.out_c;
        const T* b = d;
        index_t b_row = g.out_c;
        if (g.out_c != c_row) {  // padded to whole packets
          for (index_t i = 0; i < n; ++i) {
            for (index_t o = 0; o < g.out_c; ++o) right[i * c_row + o] = d[i * g.out_c + o];
            for (index_t o = g.out_c; o < c_row; ++o) right[i * c_row + o] = T(0);
          }
          b = right;
          b_row = c_row;
        }
        gemm::multiply_plain<L>(depth(), packets,
                                {left, 1, g.stride_x * g.in_c, 1, 0, n, b, c, c_row, true}, b_row);
      }
    }
  }
};

/// dweight(o, i, ky, kx) += the runs.
template <class T>
struct add_runs {
  static constexpr const char* name = "cardiomm::nn::conv_add_runs";
  const T* partial;
  T* dweight;
  index_t in_c, kernel_y, kernel_x, c_row, runs;
  KOKKOS_INLINE_FUNCTION void operator()(index_t o, index_t first, index_t last) const {
    const index_t taps = kernel_y * kernel_x;
    for (index_t k = first; k < last; ++k) {
      const index_t i = k / taps, t = k % taps;
      double sum = 0;
      for (index_t r = 0; r < runs; ++r) sum += partial[((r * taps + t) * in_c + i) * c_row + o];
      dweight[o * in_c * taps + k] += T(sum);
    }
  }
};
template <class T>
struct bias_gradient {
  static constexpr const char* name = "cardiomm::nn::conv_bias_gradient";
  const T* dy;
  index_t channels;
  KOKKOS_INLINE_FUNCTION double operator()(index_t c, index_t first, index_t last) const {
    double sum = 0;
    for (index_t i = first; i < last; ++i) sum += dy[i * channels + c];
    return sum;
  }
};

}  // namespace cardiomm::inline CARDIOMM_ABI::nn::conv_host

#endif
