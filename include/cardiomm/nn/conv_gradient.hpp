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
  index_t packets, run;
  index_t together, columns;  // rows and pixels of a product

  /// Runs of some hundred pixels, sixteen at most; products long enough to hide reading their sums.
  void cut() {
    const index_t rows = g.items * g.out_y, least = 512, most_runs = 16, most = 256;
    run = (least + g.out_x - 1) / g.out_x;
    if (run < (rows + most_runs - 1) / most_runs) run = (rows + most_runs - 1) / most_runs;
    columns = g.out_x < most ? g.out_x : most;
    together = most / columns < run ? most / columns : run;
  }
  index_t runs() const { return (g.items * g.out_y + run - 1) / run; }
  index_t wide(index_t n) const { return (n - 1) * g.stride_x + g.kernel_x; }
  index_t depth() const { return g.kernel_x * g.in_c; }
  index_t scratch() const {
    return together * (columns * packets * W + wide(columns) * g.in_c) + 64;
  }

  template <class Tile>
  void operator()(const Tile& tile) const {
    const index_t ky = tile.index() % g.kernel_y, r = tile.index() / g.kernel_y;
    const index_t c_row = packets * W;
    T* c = partial + tile.index() * depth() * c_row;
    for (index_t i = 0; i < depth() * c_row; ++i) c[i] = T(0);
    const index_t rows = g.items * g.out_y, end = (r + 1) * run < rows ? (r + 1) * run : rows;
    for (index_t row = r * run; row < end; row += together)
      for (index_t u = 0; u < g.out_x; u += columns)
        product(tile.scratch(), ky, row, row + together < end ? together : end - row, u,
                u + columns < g.out_x ? columns : g.out_x - u, c);
  }
  /// Adds n_rows rows of n pixels.
  void product(T* right, index_t ky, index_t row, index_t n_rows, index_t u, index_t n,
               T* c) const {
    const index_t c_row = packets * W, segment = wide(n) * g.in_c;
    T* left = right + together * columns * c_row + 64;
    for (index_t i = 0; i < n_rows; ++i) {
      const index_t item = (row + i) / g.out_y, v = (row + i) % g.out_y;
      gather(x + item * g.in_y * g.in_x * g.in_c, g, v * g.stride_y + ky - g.pad_y, 1,
             u * g.stride_x - g.pad_x, wide(n), left + i * segment);
    }
    const T* b = dy + (row * g.out_x + u) * g.out_c;
    if (g.out_c != c_row || n != g.out_x) {  // padded to whole packets
      T* to = right;
      for (index_t i = 0; i < n_rows; ++i)
        for (index_t j = 0; j < n; ++j, to += c_row) {
          const T* from = b + (i * g.out_x + j) * g.out_c;
          for (index_t o = 0; o < g.out_c; ++o) to[o] = from[o];
          for (index_t o = g.out_c; o < c_row; ++o) to[o] = T(0);
        }
      b = right;
    }
    gemm::multiply_plain<L>(depth(), packets,
                            {left, 1, g.stride_x * g.in_c, n_rows, segment, n, b, c, c_row, true},
                            c_row);
  }
};

/// dweight(o, i, ky, kx) += the runs.
template <class T>
struct add_runs {
  static constexpr const char* name = "cardiomm::nn::conv_add_runs";
  const T* partial;
  T* dweight;
  index_t in_c, kernel_y, kernel_x, c_row, runs;
  KOKKOS_INLINE_FUNCTION void operator()(index_t i, index_t first, index_t last) const {
    const index_t taps = kernel_y * kernel_x;
    for (index_t o = first; o < last; ++o)
      for (index_t t = 0; t < taps; ++t) {
        double sum = 0;
        for (index_t r = 0; r < runs; ++r) sum += partial[((r * taps + t) * in_c + i) * c_row + o];
        dweight[(o * in_c + i) * taps + t] += T(sum);
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
