// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_PRODUCT_HPP
#define CARDIOMM_NN_PRODUCT_HPP
/// \file
/// The matrix product of dense layers, c = a b, for matrices whose axes lie anywhere. On hosts
/// panels of b two packets wide are copied to where they are contiguous and stay in the first cache
/// while rows of a pass; on devices a thread makes a number. Sums run over pieces of 256, so that
/// their rounding errors grow slowly, in an order that does not depend on the number of threads.

#include "cardiomm/core/tile.hpp"
#include "cardiomm/nn/packets.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

/// An operand: element (i, j) lies at data[i row + j column].
template <class T>
struct operand {
  const T* data;
  index_t row, column;
};

namespace detail {

template <class T, class F>
struct product_number {
  static constexpr const char* name = "cardiomm::nn::product";
  operand<T> a, b;
  const T* bias;
  T* c;
  index_t inner, columns;
  bool accumulate;
  F f;
  KOKKOS_INLINE_FUNCTION void operator()(index_t i, index_t first, index_t last) const {
    for (index_t j = first; j < last; ++j) {
      const T* p = a.data + i * a.row;
      const T* q = b.data + j * b.column;
      T total = accumulate ? c[i * columns + j] : bias ? bias[j] : T(0);
      for (index_t k = 0; k < inner;) {
        const index_t stop = k + 256 < inner ? k + 256 : inner;
        T sum = T(0);
        for (; k < stop; ++k) sum += p[k * a.column] * q[k * b.row];
        total += sum;
      }
      c[i * columns + j] = f.value(total, j);
    }
  }
};

/// A task is a block of rows and a panel of columns of c.
template <class T, class F, ExecutionSpace Ex>
struct product_block {
  static constexpr const char* name = "cardiomm::nn::product";
  using L = lane<T, Ex>;
  using traits = lane_traits<L>;
  static constexpr index_t W = traits::width, panel_width = 2 * W, most_inner = 256;
  /// Sums held in registers: this many rows of two packets.
  static constexpr int tall = W * sizeof(T) >= 64 ? 8 : 6;
  static constexpr index_t rows_of_block = 48 * tall;

  operand<T> a, b;
  const T* bias;
  T* c;
  index_t rows, inner, columns, panels;
  bool accumulate;
  F f;

  KOKKOS_INLINE_FUNCTION void operator()(index_t task, index_t, index_t) const {
    const index_t block = task / panels, j = (task - block * panels) * panel_width;
    const index_t from = block * rows_of_block;
    const index_t to = from + rows_of_block < rows ? from + rows_of_block : rows;
    const index_t valid = columns - j < panel_width ? columns - j : panel_width;
    alignas(64) T panel[most_inner * panel_width];
    index_t k = 0;
    do {
      const index_t n = inner - k < most_inner ? inner - k : most_inner;
      pack(panel, k, n, j, valid);
      for (index_t i = from; i < to; i += tall)
        tile(panel, i, to - i < tall ? to - i : tall, j, valid, k, n);
      k += n;
    } while (k < inner);
  }

 private:
  KOKKOS_INLINE_FUNCTION void pack(T* panel, index_t k, index_t n, index_t j, index_t valid) const {
    const T* from = b.data + k * b.row + j * b.column;
    if (b.column == 1 && valid == panel_width) {
      for (index_t p = 0; p < n; ++p)
        for (index_t l = 0; l < panel_width; ++l) panel[p * panel_width + l] = from[p * b.row + l];
      return;
    }
    for (index_t l = 0; l < panel_width; ++l)
      for (index_t p = 0; p < n; ++p)
        panel[p * panel_width + l] = l < valid ? from[p * b.row + l * b.column] : T(0);
  }
  /// c(i .. i + m - 1, j ...) += a(.., k .. k + n - 1) panel. Rows that are not there are the last
  /// one, and are not stored.
  KOKKOS_INLINE_FUNCTION void tile(const T* panel, index_t i, index_t m, index_t j, index_t valid,
                                   index_t k, index_t n) const {
    const T* row[tall];
    L sum[tall][2];
    CARDIOMM_UNROLL
    for (int r = 0; r < tall; ++r) {
      row[r] = a.data + (i + (r < m ? r : m - 1)) * a.row + k * a.column;
      sum[r][0] = L(T(0));
      sum[r][1] = L(T(0));
    }
    const index_t step = a.column;
    for (index_t p = 0; p < n; ++p) {
      const L b0 = traits::load(panel + p * panel_width);
      const L b1 = traits::load(panel + p * panel_width + W);
      CARDIOMM_UNROLL
      for (int r = 0; r < tall; ++r) {
        const L v(row[r][p * step]);
        sum[r][0] = traits::fma(v, b0, sum[r][0]);
        sum[r][1] = traits::fma(v, b1, sum[r][1]);
      }
    }
    const bool first = k == 0 && !accumulate, last = k + n >= inner;
    CARDIOMM_UNROLL
    for (int r = 0; r < tall; ++r) {
      if (r >= m) continue;
      CARDIOMM_UNROLL
      for (int h = 0; h < 2; ++h) put(sum[r][h], i + r, j + h * W, valid - h * W, first, last);
    }
  }
  KOKKOS_FORCEINLINE_FUNCTION void put(L v, index_t i, index_t j, index_t valid, bool first,
                                       bool last) const {
    T* to = c + i * columns + j;
    if (valid >= W) {
      if (!first)
        v = v + traits::load(to);
      else if (bias)
        v = v + traits::load(bias + j);
      traits::store(to, last ? f.value(v, j) : v);
      return;
    }
    T part[W];
    traits::store(part, v);
    for (index_t l = 0; l < valid; ++l) {
      const T sum = part[l] + (!first ? to[l] : bias ? bias[j + l] : T(0));
      to[l] = last ? f.value(sum, j + l) : sum;
    }
  }
};

}  // namespace detail

/// c (rows, columns) = f(a b + bias), a (rows, inner), b (inner, columns); bias may be null. With
/// `accumulate` c = f(c + a b) instead. f.value(x, column) is applied to packets or numbers.
template <class T, ExecutionSpace Ex, class F = same_value>
void product(const Ex& ex, index_t rows, index_t inner, index_t columns, const operand<T>& a,
             const operand<T>& b, T* c, const T* bias = nullptr, bool accumulate = false,
             const F& f = {}) {
  if (rows <= 0 || columns <= 0) return;
  if constexpr (launch::on_host<Ex>) {
    using block = detail::product_block<T, F, Ex>;
    const index_t panels = (columns + block::panel_width - 1) / block::panel_width;
    const index_t blocks = (rows + block::rows_of_block - 1) / block::rows_of_block;
    launch::rows(ex, blocks * panels, 1,
                 block{a, b, bias, c, rows, inner, columns, panels, accumulate, f});
  } else {
    launch::rows(ex, rows, columns,
                 detail::product_number<T, F>{a, b, bias, c, inner, columns, accumulate, f});
  }
}

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
