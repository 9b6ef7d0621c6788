// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_DIRECT_HPP
#define CARDIOMM_NN_DIRECT_HPP
/// \file
/// Convolutions on hosts as products of matrices, for every kernel and stride, and the gradient of
/// their weights. No matrix of patches is made: the few rows that a strip of results needs are
/// copied once, with their zeros around, and a pixel's neighbourhood is then one contiguous piece a
/// kernel row.

#include "cardiomm/nn/conv_geometry.hpp"
#include "cardiomm/nn/gemm.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn::conv_host {

/// Input, kernel and where results go; pads may be negative. Results (v, u) of an item lie at
/// y + v y_row + u y_col, so that they may be every second pixel.
struct direct_plan {
  index_t items, in_y, in_x, in_c, out_y, out_x, out_c, kernel_y, kernel_x, stride_y, stride_x,
      pad_y, pad_x;
  index_t y_item, y_row, y_col;

  index_t taps() const { return kernel_y * kernel_x * in_c; }
  /// Rows of A lie in x as they are.
  bool plain() const {
    return kernel_y == 1 && kernel_x == 1 && pad_x == 0 && pad_y == 0 && in_y == out_y &&
           (out_x - 1) * stride_x < in_x && stride_y == 1;
  }
};

/// The plan of a forward convolution.
inline direct_plan plan_of(const conv_geometry& g) {
  direct_plan p{g.items,    g.in_y,     g.in_x,     g.in_c,  g.out_y, g.out_x, g.out_c, g.kernel_y,
                g.kernel_x, g.stride_y, g.stride_x, g.pad_y, g.pad_x, 0,       0,       g.out_c};
  if (p.plain() && p.stride_x == 1 && p.in_x == p.out_x) {  // all pixels are one row
    p.in_x = p.out_x = g.in_y * g.in_x;
    p.in_y = p.out_y = 1;
  }
  p.y_row = p.out_x * g.out_c;
  p.y_item = p.out_y * p.y_row;
  return p;
}

/// Copies input rows [first_y, first_y + rows), columns [first_x, first_x + columns), zeros
/// outside.
template <class T>
void gather(const T* x, const direct_plan& g, index_t first_y, index_t rows, index_t first_x,
            index_t columns, T* out) {
  const index_t c = g.in_c;
  const index_t left = first_x < 0 ? (-first_x < columns ? -first_x : columns) : 0;
  index_t end = g.in_x - first_x;
  end = end < left ? left : (end > columns ? columns : end);
  for (index_t r = 0; r < rows; ++r, out += columns * c) {
    const index_t y = first_y + r;
    const bool inside = y >= 0 && y < g.in_y;
    const T* from = x + (y * g.in_x + first_x) * c;
    for (index_t i = 0; i < left * c; ++i) out[i] = T(0);
    if (inside)
      for (index_t i = left * c; i < end * c; ++i) out[i] = from[i];
    for (index_t i = inside ? end * c : left * c; i < columns * c; ++i) out[i] = T(0);
  }
}

/// Weights as the panels of B: row (ky, kx, i), column o, padded with zeros.
template <class T, ExecutionSpace Ex>
struct pack_weights {
  static constexpr const char* name = "cardiomm::nn::conv_pack";
  weight_steps<T> w;
  index_t kernel_x, in_c, out_c, rows, packets;
  T* b;
  void operator()(index_t k, index_t, index_t) const {
    using L = lane<T, Ex>;
    constexpr int W = lane_traits<L>::width;
    const index_t i = k % in_c, kx = k / in_c % kernel_x, ky = k / in_c / kernel_x;
    const T* from = w.data + i * w.in + ky * w.y + kx * w.x;
    for (index_t q = 0; q < packets; ++q) {
      T* to = b + gemm::packed_at<L>(packets, rows, q, k);
      for (index_t l = 0; l < W; ++l) {
        const index_t o = q * W + l;
        to[l] = o < out_c ? from[o * w.out] : T(0);
      }
    }
  }
};

/// Few results a pixel: packets run along the sum, so that no lane is wasted on absent channels.
template <class L, int R, int N>
void dots(const typename lane_traits<L>::real* a, index_t a_row, index_t segments, index_t segment,
          index_t depth, const typename lane_traits<L>::real* w, index_t w_row,
          typename lane_traits<L>::real* c, index_t c_row) {
  using T = typename lane_traits<L>::real;
  using traits = lane_traits<L>;
  constexpr int W = traits::width;
  L sum[R][N];
  T rest[R][N];
  for (int r = 0; r < R; ++r)
    for (int n = 0; n < N; ++n) sum[r][n] = L(T(0)), rest[r][n] = T(0);
  for (index_t s = 0; s < segments; ++s, a += segment, w += depth) {
    index_t k = 0;
    for (; k + W <= depth; k += W) {
      L right[N];
      CARDIOMM_UNROLL
      for (int n = 0; n < N; ++n) right[n] = traits::load(w + n * w_row + k);
      CARDIOMM_UNROLL
      for (int r = 0; r < R; ++r) {
        const L left = traits::load(a + r * a_row + k);
        CARDIOMM_UNROLL
        for (int n = 0; n < N; ++n) sum[r][n] = traits::fma(left, right[n], sum[r][n]);
      }
    }
    for (; k < depth; ++k)
      for (int r = 0; r < R; ++r)
        for (int n = 0; n < N; ++n) rest[r][n] += a[r * a_row + k] * w[n * w_row + k];
  }
  for (int r = 0; r < R; ++r)
    for (int n = 0; n < N; ++n) c[r * c_row + n] = traits::sum(sum[r][n]) + rest[r][n];
}

inline constexpr int most_dots = 4;
template <class L, int N>
void dot_rows(index_t m, const typename lane_traits<L>::real* a, index_t a_row, index_t segments,
              index_t segment, index_t depth, const typename lane_traits<L>::real* w,
              typename lane_traits<L>::real* c, index_t c_row) {
  constexpr int R = 12 / N;
  const index_t w_row = segments * depth;
  index_t i = 0;
  for (; i + R <= m; i += R)
    dots<L, R, N>(a + i * a_row, a_row, segments, segment, depth, w, w_row, c + i * c_row, c_row);
  for (; i < m; ++i)
    dots<L, 1, N>(a + i * a_row, a_row, segments, segment, depth, w, w_row, c + i * c_row, c_row);
}

/// One strip of results: `rows` rows of at most `columns` pixels.
template <class T, class F, ExecutionSpace Ex>
struct direct_kernel {
  static constexpr const char* name = "cardiomm::nn::conv_direct";
  using L = lane<T, Ex>;
  using traits = lane_traits<L>;
  static constexpr int W = traits::width;
  direct_plan g;
  const T* x;
  const T* b;
  T* y;
  finish<T, F> end;
  T* partial;  // sums of strips, or null
  bool few;    // by dots
  index_t packets, rows, columns, strips_y, strips_x;

  /// Sizes of strips: they fill a good part of the fast caches.
  void cut() {
    const index_t most = 128;
    strips_x = (g.out_x + most - 1) / most;
    columns = (g.out_x + strips_x - 1) / strips_x;
    rows = 256 / columns > 1 ? 256 / columns : 1;
    const index_t room = 192 * 1024 / static_cast<index_t>(sizeof(T));
    while (rows > 1 && gathered() > room) --rows;
    while (columns > 8 && gathered() > room) {
      columns = (columns + 1) / 2;
      strips_x = (g.out_x + columns - 1) / columns;
    }
    if (rows > g.out_y) rows = g.out_y;
    strips_y = (g.out_y + rows - 1) / rows;
  }
  index_t gathered() const {
    return g.plain() ? 0 : (gather_rows(rows) * gather_columns(columns)) * g.in_c;
  }
  index_t gather_rows(index_t r) const { return (r - 1) * g.stride_y + g.kernel_y; }
  index_t gather_columns(index_t c) const { return (c - 1) * g.stride_x + g.kernel_x; }
  index_t padded_c() const { return packets * W; }
  index_t scratch() const { return gathered() + 64 + columns * padded_c(); }
  index_t strips() const { return g.items * strips_y * strips_x; }

  template <class Tile>
  void operator()(const Tile& tile) const {
    const index_t sx = tile.index() % strips_x, rest = tile.index() / strips_x;
    const index_t sy = rest % strips_y, item = rest / strips_y;
    const index_t y0 = sy * rows, y1 = y0 + rows < g.out_y ? y0 + rows : g.out_y;
    const index_t x0 = sx * columns, x1 = x0 + columns < g.out_x ? x0 + columns : g.out_x;
    const index_t m = x1 > x0 ? x1 - x0 : 0;
    T* c = tile.scratch();
    T* in = c + columns * padded_c() + 64;
    const T* image = x + item * g.in_y * g.in_x * g.in_c;
    T* sum = partial ? partial + tile.index() * g.out_c : nullptr;
    if (sum)
      for (index_t i = 0; i < g.out_c; ++i) sum[i] = T(0);
    const index_t wide = gather_columns(m);
    if (!g.plain() && m > 0)
      gather(image, g, y0 * g.stride_y - g.pad_y, gather_rows(y1 - y0), x0 * g.stride_x - g.pad_x,
             wide, in);
    for (index_t v = y0; v < y1; ++v) {
      const T* a;
      index_t segment = 0;
      if (g.plain()) {
        a = image + (v * g.in_x + x0 * g.stride_x) * g.in_c;
      } else {
        a = in + (v - y0) * g.stride_y * wide * g.in_c;
        segment = wide * g.in_c;
      }
      const index_t a_row = g.stride_x * g.in_c, depth = g.kernel_x * g.in_c;
      if (few)
        by_dots(m, a, a_row, segment, depth, c);
      else
        gemm::multiply<L>(m, packets,
                          {a, a_row, 1, g.kernel_y, segment, depth, b, c, padded_c(), false});
      T* out = y + item * g.y_item + v * g.y_row + x0 * g.y_col;
      for (index_t i = 0; i < m; ++i) store(c + i * padded_c(), out + i * g.y_col, sum);
    }
  }
  void by_dots(index_t m, const T* a, index_t a_row, index_t segment, index_t depth, T* c) const {
    const index_t n = g.kernel_y, c_row = padded_c();
    if (g.out_c == 1) dot_rows<L, 1>(m, a, a_row, n, segment, depth, b, c, c_row);
    if (g.out_c == 2) dot_rows<L, 2>(m, a, a_row, n, segment, depth, b, c, c_row);
    if (g.out_c == 3) dot_rows<L, 3>(m, a, a_row, n, segment, depth, b, c, c_row);
    if (g.out_c == 4) dot_rows<L, 4>(m, a, a_row, n, segment, depth, b, c, c_row);
  }
  /// One pixel.
  void store(const T* c, T* out, T* sum) const {
    index_t o = 0;
    for (; o + W <= g.out_c; o += W) {
      const L v = end(traits::load(c + o), o);
      traits::store(out + o, v);
      if (sum) traits::store(sum + o, traits::load(sum + o) + v);
    }
    if (o < g.out_c && g.out_c > W) {  // the last packet overlaps the one before it
      const index_t last = g.out_c - W;
      const L v = end(traits::load(c + last), last);
      traits::store(out + last, v);
      if (sum)
        traits::store(sum + last,
                      traits::load(sum + last) + without_first(v, static_cast<int>(o - last)));
    } else {
      for (; o < g.out_c; ++o) {
        const T v = end(c[o], o);
        out[o] = v;
        if (sum) sum[o] += v;
      }
    }
  }
};

/// Weights in the order (o, ky, kx, i), for dots.
template <class T>
struct plain_weights {
  static constexpr const char* name = "cardiomm::nn::conv_plain_weights";
  weight_steps<T> w;
  index_t kernel_x, in_c, rows;
  T* b;
  void operator()(index_t o, index_t first, index_t last) const {
    for (index_t k = first; k < last; ++k)
      b[o * rows + k] = w.data[o * w.out + k % in_c * w.in + k / in_c / kernel_x * w.y +
                               k / in_c % kernel_x * w.x];
  }
};

template <class T, ExecutionSpace Ex, class F>
void direct(const Ex& ex, const direct_plan& g, const T* x, const weight_steps<T>& w, const T* bias,
            T* y, const F& f, double* sums) {
  using L = lane<T, Ex>;
  constexpr int W = lane_traits<L>::width;
  if (g.items * g.out_y * g.out_x * g.out_c <= 0) return;
  typename workspace<Ex>::frame frame(workspace<Ex>::of(ex));
  const index_t packets = gemm::packets_of<L>(g.out_c);
  const bool few = g.out_c <= most_dots && W > 1 && g.kernel_x * g.in_c >= 2 * W;
  T* b = frame.template take<T>(few ? g.out_c * g.taps() : g.taps() * packets * W);
  if (few)
    launch::rows(ex, g.out_c, g.taps(), plain_weights<T>{w, g.kernel_x, g.in_c, g.taps(), b});
  else
    launch::rows(ex, g.taps(), packets,
                 pack_weights<T, Ex>{w, g.kernel_x, g.in_c, g.out_c, g.taps(), packets, b});
  direct_kernel<T, F, Ex> k{g, x, b, y, {f, bias}, nullptr, few, packets, 1, 1, 1, 1};
  k.cut();
  if (sums) k.partial = frame.template take<T>(k.strips() * g.out_c);
  launch::tiles<T>(ex, k.strips(), k.scratch(), k);
  if (sums)
    launch::rows(ex, g.items, g.out_c,
                 add_blocks<T>{k.partial, sums, k.strips_y * k.strips_x, g.out_c});
}

}  // namespace cardiomm::inline CARDIOMM_ABI::nn::conv_host

#endif
