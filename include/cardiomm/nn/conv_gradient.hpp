// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_CONV_GRADIENT_HPP
#define CARDIOMM_NN_CONV_GRADIENT_HPP
/// \file
/// The gradient of a convolution's weights on hosts: for every kernel row a product of matrices,
/// neighbourhoods times gradients, summed over the pixels.

#include "cardiomm/nn/direct.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn::conv_host {

/// The share of one run of result rows. Runs do not depend on the number of threads and are added
/// in their order. Products have the neighbourhoods (kernel column, input) as rows and the results
/// as columns, or with `few` results the other way round, so that packets are full.
template <class T, ExecutionSpace Ex>
struct gradient_kernel {
  static constexpr const char* name = "cardiomm::nn::conv_weight_gradient";
  using L = lane<T, Ex>;
  static constexpr int W = lane_traits<L>::width;
  direct_plan g;
  const T* x;
  const T* dy;
  const T* slope;  // x passes through a PReLU of this slope, or null
  T* partial;      // (run, kernel row, depth, padded out), or (.., out, padded depth) with few
  bool few;
  index_t packets, run, parts;
  index_t together, columns;  // rows and pixels of a product

  gradient_kernel(const direct_plan& plan, const T* x_, const T* dy_, const T* slope_, int threads)
      : g(plan), x(x_), dy(dy_), slope(slope_), partial(nullptr) {
    few = W > 1 && g.out_c <= 4 && depth() >= W;
    packets = gemm::packets_of<L>(few ? depth() : g.out_c);
    // Runs of some hundred pixels, sixteen at most; products long enough to hide reading their
    // sums. Kernel rows share what is gathered, unless there are more threads than runs.
    const index_t rows = g.items * g.out_y, least = 512, most_runs = 16, most = 256;
    run = (least + g.out_x - 1) / g.out_x;
    if (run < (rows + most_runs - 1) / most_runs) run = (rows + most_runs - 1) / most_runs;
    columns = g.out_x < most ? g.out_x : most;
    together = most / columns < run ? most / columns : run;
    parts = threads > most_runs / 2 ? g.kernel_y : 1;
  }
  index_t runs() const { return (g.items * g.out_y + run - 1) / run; }
  index_t tasks() const { return runs() * parts; }
  index_t wide(index_t n) const { return (n - 1) * g.stride_x + g.kernel_x; }
  index_t depth() const { return g.kernel_x * g.in_c; }
  /// Numbers of a kernel row's share.
  index_t share() const { return (few ? g.out_c : depth()) * packets * W; }
  index_t gathered() const {
    return ((together - 1) * g.stride_y + g.kernel_y) * wide(columns) * g.in_c;
  }
  index_t scratch() const {
    return (few ? 0 : together * columns * packets * W) + gathered() + 128;
  }

  template <class Tile>
  void operator()(const Tile& tile) const {
    const index_t part = tile.index() % parts, r = tile.index() / parts;
    const index_t rows = g.items * g.out_y, end = (r + 1) * run < rows ? (r + 1) * run : rows;
    const index_t ky = parts > 1 ? part : 0, kernel_rows = parts > 1 ? 1 : g.kernel_y;
    bool add = false;
    for (index_t row = r * run; row < end;) {
      index_t n = g.out_y - row % g.out_y;  // of the same item
      n = n < end - row ? n : end - row;
      n = n < together ? n : together;
      for (index_t u = 0; u < g.out_x; u += columns, add = true)
        product(tile.scratch(), r, ky, kernel_rows, row, n, u,
                u + columns < g.out_x ? columns : g.out_x - u, add);
      row += n;
    }
  }
  /// Adds n_rows rows of n pixels to the shares of kernel rows [ky, ky + kernel_rows).
  void product(T* left, index_t r, index_t ky, index_t kernel_rows, index_t row, index_t n_rows,
               index_t u, index_t n, bool add) const {
    const index_t item = row / g.out_y, v = row % g.out_y, c_row = packets * W;
    const T* image = x + item * g.in_y * g.in_x * g.in_c;
    const T* a = image + (v * g.in_x + u * g.stride_x) * g.in_c;
    index_t line = g.in_x * g.in_c;
    if (!g.plain() || slope || few) {
      line = wide(n) * g.in_c;
      const index_t lines = (n_rows - 1) * g.stride_y + kernel_rows;
      gather(image, g, v * g.stride_y + ky - g.pad_y, lines, u * g.stride_x - g.pad_x, wide(n),
             left);
      if (slope) activate(left, lines * line);
      a = left;
    }
    const T* b = dy + (row * g.out_x + u) * g.out_c;
    T* const room = left + gathered() + 64;
    const index_t pixels = n_rows * n, step = g.stride_x * g.in_c;
    if (few) {  // b is the left matrix: its rows are results
      for (index_t k = 0; k < kernel_rows; ++k) {
        T* c = partial + (r * g.kernel_y + ky + k) * share();
        for (index_t i = 0; i < n_rows; ++i)
          gemm::multiply_plain<L>(g.out_c, packets,
                                  {b + i * n * g.out_c, 1, g.out_c, 1, 0, n,
                                   a + (i * g.stride_y + k) * line, c, c_row, add || i > 0},
                                  step);
      }
      return;
    }
    // The last packet of a pixel goes on into the next one, in columns that nobody reads; at the
    // end of memory pixels are padded.
    index_t b_row = g.out_c;
    if ((row * g.out_x + u + pixels) * g.out_c + c_row - g.out_c >
        g.items * g.out_y * g.out_x * g.out_c) {
      for (index_t j = 0; j < pixels; ++j)
        for (index_t o = 0; o < c_row; ++o)
          room[j * c_row + o] = o < g.out_c ? b[j * g.out_c + o] : T(0);
      b = room;
      b_row = c_row;
    }
    for (index_t k = 0; k < kernel_rows; ++k)
      gemm::multiply_plain<L>(depth(), packets,
                              {a + k * line, 1, step, n_rows, g.stride_y * line, n, b,
                               partial + (r * g.kernel_y + ky + k) * share(), c_row, add},
                              b_row);
  }
  void activate(T* v, index_t n) const {
    using traits = lane_traits<L>;
    index_t i = 0;
    for (; i + W <= n; i += W) {
      const L p = traits::load(v + i);
      traits::store(v + i, traits::select(p > L(T(0)), p, L(*slope) * p));
    }
    for (; i < n; ++i) v[i] = v[i] > T(0) ? v[i] : *slope * v[i];
  }
};

/// dweight(o, i, ky, kx) += the runs, added in double.
template <class T>
struct add_runs {
  static constexpr const char* name = "cardiomm::nn::conv_add_runs";
  const T* partial;
  T* dweight;
  index_t in_c, kernel_y, kernel_x, runs;
  index_t run, row, column, in, out;  // steps in partial
  KOKKOS_INLINE_FUNCTION void operator()(index_t i, index_t first, index_t last) const {
    constexpr index_t block = 16;
    const index_t taps = kernel_y * kernel_x;
    for (index_t t = 0; t < taps; ++t) {
      const T* from = partial + t / kernel_x * row + t % kernel_x * column + i * in;
      for (index_t o = first; o < last; o += block) {
        const index_t n = o + block < last ? block : last - o;
        double sum[block] = {};
        for (index_t r = 0; r < runs; ++r) {
          const T* p = from + r * run + o * out;
          if (n == block && out == 1)
            for (index_t j = 0; j < block; ++j) sum[j] += p[j];
          else
            for (index_t j = 0; j < n; ++j) sum[j] += p[j * out];
        }
        for (index_t j = 0; j < n; ++j) dweight[((o + j) * in_c + i) * taps + t] += T(sum[j]);
      }
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
