// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_WINOGRAD_HPP
#define CARDIOMM_NN_WINOGRAD_HPP
/// \file
/// Convolutions 3 x 3 of stride 1 on hosts by minimal filtering, F(4 x 4, 3 x 3): 36 products for
/// 16 results instead of 144 (Winograd 1980; Lavin and Gray, "Fast algorithms for convolutional
/// neural networks", 2016; interpolation points 0, +-5/8, +-3/2, infinity). A block of tiles is
/// transformed, multiplied and transformed back while it is in the fast caches.

#include "cardiomm/nn/conv_geometry.hpp"
#include "cardiomm/nn/gemm.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn::conv_host {

namespace winograd {

inline constexpr int side = 6, step = 4, points = side * side;

/// The finite points besides 0 are +-P and +-Q. With +-1 and +-2 float results would be seven times
/// less exact; these are binary fractions, so that no constant of B and A is rounded.
template <class T>
struct constants {
  static constexpr T P = T(0.625), Q = T(1.5), P2 = P * P, Q2 = Q * Q;
  static constexpr T both = P2 * Q2, sum = P2 + Q2;
  static constexpr T at_p = T(1) / (2 * P2 * (P2 - Q2)), at_q = T(1) / (2 * Q2 * (Q2 - P2));
};

/// u = G g
template <class L>
KOKKOS_FORCEINLINE_FUNCTION void kernel_line(const L& g0, const L& g1, const L& g2, L* u, int s) {
  using traits = lane_traits<L>;
  using k = constants<typename traits::real>;
  const L a = traits::fma(L(k::P2), g2, g0) * L(k::at_p), b = g1 * L(k::P * k::at_p);
  const L c = traits::fma(L(k::Q2), g2, g0) * L(k::at_q), d = g1 * L(k::Q * k::at_q);
  u[0] = g0 * L(1 / k::both);
  u[s] = a + b;
  u[2 * s] = a - b;
  u[3 * s] = c + d;
  u[4 * s] = c - d;
  u[5 * s] = g2;
}
/// v = B^T d
template <class L>
KOKKOS_FORCEINLINE_FUNCTION void input_line(const L* d, L* v) {
  using traits = lane_traits<L>;
  using k = constants<typename traits::real>;
  const L a = traits::fma(L(-k::Q2), d[2], d[4]), b = traits::fma(L(-k::Q2), d[1], d[3]);
  const L c = traits::fma(L(-k::P2), d[2], d[4]), e = traits::fma(L(-k::P2), d[1], d[3]);
  v[0] = traits::fma(L(k::both), d[0], traits::fma(L(-k::sum), d[2], d[4]));
  v[1] = traits::fma(L(k::P), b, a);
  v[2] = traits::fma(L(-k::P), b, a);
  v[3] = traits::fma(L(k::Q), e, c);
  v[4] = traits::fma(L(-k::Q), e, c);
  v[5] = traits::fma(L(k::both), d[1], traits::fma(L(-k::sum), d[3], d[5]));
}
/// r = A^T m
template <class L>
KOKKOS_FORCEINLINE_FUNCTION void output_line(const L* m, L* r) {
  using traits = lane_traits<L>;
  using k = constants<typename traits::real>;
  const L a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = m[3] - m[4];
  r[0] = (m[0] + a) + c;
  r[1] = traits::fma(L(k::P), b, L(k::Q) * d);
  r[2] = traits::fma(L(k::P2), a, L(k::Q2) * c);
  r[3] = traits::fma(L(k::P2 * k::P), b, traits::fma(L(k::Q2 * k::Q), d, m[5]));
}

/// From point to point; an odd number of cache lines, so that points do not fall on one another.
template <class T>
index_t point_step(index_t numbers) {
  const index_t line = 64 / static_cast<index_t>(sizeof(T));
  return ((numbers + line - 1) / line | 1) * line;
}

/// U[point] = G g G^T as panels of B; a task is a packet of outputs and as many inputs.
template <class T, ExecutionSpace Ex>
struct transform_weights {
  static constexpr const char* name = "cardiomm::nn::winograd_weights";
  using L = lane<T, Ex>;
  using traits = lane_traits<L>;
  static constexpr int W = traits::width;
  static constexpr int taps = 9;
  weight_steps<T> w;
  index_t in_c, out_c, packets;
  T* u;

  index_t chunks() const { return (in_c + W - 1) / W; }
  index_t point() const { return point_step<T>(in_c * packets * W); }

  void operator()(index_t task, index_t, index_t) const {
    const index_t q = task / chunks(), first = task % chunks() * W;
    const index_t n = first + W < in_c ? W : in_c - first;
    T part[W * taps * W];  // (input, tap, output)
    collect(q * W, first, n, part);
    for (index_t i = 0; i < n; ++i)
      transform(part + i * taps * W, u + gemm::packed_at<L>(packets, in_c, q, first + i));
  }
  void collect(index_t o, index_t i, index_t n, T* part) const {
    const index_t here = out_c - o < W ? out_c - o : W;
    const T* from = w.data + o * w.out + i * w.in;
    if (w.in == taps && w.y == 3 && w.x == 1 && n * taps >= W) {
      // An output's weights lie in this order: squares of W x W numbers are transposed, the last
      // one overlaps the one before it.
      for (index_t k = 0; k < n * taps; k += W) {
        if (k + W > n * taps) k = n * taps - W;
        L square[W];
        CARDIOMM_UNROLL
        for (int l = 0; l < W; ++l)
          square[l] = l < here ? traits::load(from + l * w.out + k) : L(T(0));
        launch::detail::transpose(square);
        CARDIOMM_UNROLL
        for (int l = 0; l < W; ++l) traits::store(part + (k + l) * W, square[l]);
      }
    } else {
      for (index_t j = 0; j < n; ++j)
        for (int t = 0; t < taps; ++t, part += W) {
          const T* tap = from + j * w.in + t / 3 * w.y + t % 3 * w.x;
          for (index_t l = 0; l < here; ++l) part[l] = tap[l * w.out];
          for (index_t l = here; l < W; ++l) part[l] = T(0);
        }
    }
  }
  void transform(const T* part, T* to) const {
    L half[side][3], all[side];
    CARDIOMM_UNROLL
    for (int x = 0; x < 3; ++x)
      kernel_line(traits::load(part + x * W), traits::load(part + (3 + x) * W),
                  traits::load(part + (6 + x) * W), &half[0][x], 3);
    const index_t step_u = point();
    CARDIOMM_UNROLL
    for (int y = 0; y < side; ++y) {
      kernel_line(half[y][0], half[y][1], half[y][2], all, 1);
      CARDIOMM_UNROLL
      for (int x = 0; x < side; ++x) traits::store(to + (y * side + x) * step_u, all[x]);
    }
  }
};

/// Rows of memory that will be needed soon: their lines are asked for a few at a time, while
/// products are summed, so that nobody waits for them.
struct soon {
  const char* row = nullptr;
  index_t pitch = 0, length = 0, rows = 0;  // bytes
  index_t at = 0;

  template <class T>
  soon(const T* first, index_t pitch_, index_t length_, index_t rows_)
      : row(reinterpret_cast<const char*>(first)),
        pitch(pitch_ * static_cast<index_t>(sizeof(T))),
        length(length_ * static_cast<index_t>(sizeof(T))),
        rows(rows_) {}
  index_t lines() const { return rows * ((length + 63) / 64); }
  void ask(index_t n, bool write) {
    for (; n > 0 && rows > 0; --n) {
      if (write)
        __builtin_prefetch(row + at, 1, 2);
      else
        __builtin_prefetch(row + at, 0, 2);
      at += 64;
      if (at < length) continue;
      at = 0;
      row += pitch;
      --rows;
    }
  }
};

/// A block of tiles.
template <class T, class F, ExecutionSpace Ex>
struct kernel {
  static constexpr const char* name = "cardiomm::nn::winograd";
  using L = lane<T, Ex>;
  using traits = lane_traits<L>;
  static constexpr int W = traits::width;
  conv_geometry g;
  const T* x;
  const T* u;
  T* y;
  finish<T, F> end;
  T* partial;  // sums of blocks, or null
  index_t packets, tiles_y, tiles_x;
  index_t high, wide;          // tiles of a block
  index_t blocks_y, blocks_x;  // of an item
  const T* slope;              // x passes through a PReLU of this slope, or null

  /// What a block needs stays in the second cache, beside the weights where these are small. More
  /// tiles in a block make hardly a difference; few blocks leave threads without work.
  void cut() {
    const index_t most_wide = 16, most = 24, least_blocks = 4;
    tiles_y = (g.out_y + step - 1) / step;
    tiles_x = (g.out_x + step - 1) / step;
    blocks_x = (tiles_x + most_wide - 1) / most_wide;
    wide = (tiles_x + blocks_x - 1) / blocks_x;
    blocks_x = (tiles_x + wide - 1) / wide;
    high = most / wide < tiles_y ? most / wide : tiles_y;
    blocks_y = (tiles_y + high - 1) / high;
    if (blocks_y > 1 && g.items * blocks() < least_blocks) blocks_y = (blocks_y + 1) / 2 * 2;
    high = (tiles_y + blocks_y - 1) / blocks_y;
    blocks_y = (tiles_y + high - 1) / high;
  }
  index_t blocks() const { return blocks_y * blocks_x; }
  /// Numbers of one tile and one point, of the input and of the products.
  index_t v_row() const { return g.in_c < W ? W : g.in_c; }
  index_t m_row() const { return packets * W; }
  index_t row() const { return v_row() > m_row() ? v_row() : m_row(); }
  index_t slot() const { return point_step<T>(high * wide * row()); }
  index_t scratch() const { return (points + 1) * slot(); }

  /// The products of a point are written over the input of the point before it, which lies in the
  /// first cache and is not needed any more.
  template <class Tile>
  void operator()(const Tile& tile) const {
    const place here = at(tile.index());
    const auto [item, ty, tx, ny, nx] = here;
    T* const m = tile.scratch();
    T* const v = m + slot();
    T* sum = partial ? partial + tile.index() * g.out_c : nullptr;
    if (sum)
      for (index_t i = 0; i < g.out_c; ++i) sum[i] = T(0);
    const T* image = x + item * g.in_y * g.in_x * g.in_c;
    for (index_t t = 0; t < ny; ++t) read(image, ty + t, tx, nx, v + t * nx * v_row());
    soon results = output(here), next = input(at(tile.index() + 1));
    const index_t pauses = points * gemm::errands(ny * nx, packets);
    const index_t lines = (results.lines() + next.lines() + pauses - 1) / pauses;
    const auto ask = [&] {
      if (results.rows > 0)
        results.ask(lines, true);
      else
        next.ask(lines, false);
    };
    const index_t u_point = point_step<T>(g.in_c * m_row());
    for (int p = 0; p < points; ++p)
      gemm::multiply<L>(ny * nx, packets,
                        {v + p * slot(), v_row(), 1, 1, 0, g.in_c, u + p * u_point, m + p * slot(),
                         m_row(), false},
                        ask);
    T* result = y + item * g.out_y * g.out_x * g.out_c;
    for (index_t t = 0; t < ny * nx; ++t)
      write(m + t * m_row(), ty + t / nx, tx + t % nx, result, sum);
  }

  struct place {
    index_t item, ty, tx, ny, nx;
  };
  place at(index_t index) const {
    const index_t in_item = index % blocks();
    const index_t ty = in_item / blocks_x * high, tx = in_item % blocks_x * wide;
    return {index / blocks(), ty, tx, ty + high < tiles_y ? high : tiles_y - ty,
            tx + wide < tiles_x ? wide : tiles_x - tx};
  }
  static index_t within(index_t i, index_t n) { return i < 0 ? 0 : (i > n ? n : i); }
  soon output(const place& p) const {
    const index_t y0 = p.ty * step, y1 = within((p.ty + p.ny) * step, g.out_y);
    const index_t x0 = p.tx * step, x1 = within((p.tx + p.nx) * step, g.out_x);
    return {y + ((p.item * g.out_y + y0) * g.out_x + x0) * g.out_c, g.out_x * g.out_c,
            (x1 - x0) * g.out_c, y1 - y0};
  }
  soon input(const place& p) const {
    if (p.item >= g.items) return {x, 0, 0, 0};
    const index_t y0 = within(p.ty * step - g.pad_y, g.in_y);
    const index_t y1 = within((p.ty + p.ny) * step + 2 - g.pad_y, g.in_y);
    const index_t x0 = within(p.tx * step - g.pad_x, g.in_x);
    const index_t x1 = within((p.tx + p.nx) * step + 2 - g.pad_x, g.in_x);
    return {x + ((p.item * g.in_y + y0) * g.in_x + x0) * g.in_c, g.in_x * g.in_c,
            (x1 - x0) * g.in_c, x1 > x0 ? y1 - y0 : 0};
  }

  /// Transforms n neighbouring tiles.
  void read(const T* image, index_t ty, index_t tx, index_t n, T* v) const {
    if (slope) {
      const L a(*slope);
      read(image, ty, tx, n, v, [a](const L& d) { return traits::select(d > L(T(0)), d, a * d); });
    } else {
      read(image, ty, tx, n, v, [](const L& d) { return d; });
    }
  }
  template <class G>
  void read(const T* image, index_t ty, index_t tx, index_t n, T* v, const G& of) const {
    const auto plain = [&](const T* p) { return of(traits::load(p)); };
    index_t c = 0;
    for (; c + W <= g.in_c; c += W) strip(image + c, ty, tx, n, v + c, plain);
    if (c == g.in_c) return;
    if (g.in_c > W) {
      c = g.in_c - W;
      strip(image + c, ty, tx, n, v + c, plain);
    } else {
      const index_t valid = g.in_c;
      strip(image, ty, tx, n, v, [&](const T* p) {
        T part[W] = {};
        for (index_t i = 0; i < valid; ++i) part[i] = p[i];
        return of(traits::load(part));
      });
    }
  }
  /// One packet of channels. Columns that two tiles share are transformed once.
  template <class Load>
  KOKKOS_FORCEINLINE_FUNCTION void strip(const T* image, index_t ty, index_t tx, index_t n, T* v,
                                         const Load& load) const {
    const index_t y0 = ty * step - g.pad_y, x0 = tx * step - g.pad_x, c = g.in_c;
    const T* rows[side];
    bool all = true;
    for (int r = 0; r < side; ++r) {
      const bool inside = y0 + r >= 0 && y0 + r < g.in_y;
      rows[r] = inside ? image + ((y0 + r) * g.in_x + x0) * c : nullptr;
      all = all && inside;
    }
    const index_t point = slot();
    L half[side][side];
    const auto column = [&](index_t at, int s) CARDIOMM_INLINED {
      L d[side], out[side];
      const index_t xx = x0 + at;
      if (all && xx >= 0 && xx < g.in_x) {
        CARDIOMM_UNROLL
        for (int r = 0; r < side; ++r) d[r] = load(rows[r] + at * c);
      } else {
        for (int r = 0; r < side; ++r)
          d[r] = rows[r] && xx >= 0 && xx < g.in_x ? load(rows[r] + at * c) : L(T(0));
      }
      input_line(d, out);
      CARDIOMM_UNROLL
      for (int r = 0; r < side; ++r) half[r][s] = out[r];
    };
    column(0, 0);
    column(1, 1);
    for (index_t t = 0; t < n; ++t, v += v_row()) {
      CARDIOMM_UNROLL
      for (int s = 2; s < side; ++s) column(t * step + s, s);
      CARDIOMM_UNROLL
      for (int r = 0; r < side; ++r) {
        L out[side];
        input_line(half[r], out);
        CARDIOMM_UNROLL
        for (int s = 0; s < side; ++s) traits::store(v + (r * side + s) * point, out[s]);
        half[r][0] = half[r][step];
        half[r][1] = half[r][step + 1];
      }
    }
  }

  void write(const T* m, index_t ty, index_t tx, T* result, T* sum) const {
    const index_t y0 = ty * step, x0 = tx * step;
    const int ny = static_cast<int>(g.out_y - y0 < step ? g.out_y - y0 : step);
    const int nx = static_cast<int>(g.out_x - x0 < step ? g.out_x - x0 : step);
    T* out = result + (y0 * g.out_x + x0) * g.out_c;
    index_t c = 0;
    for (; c + W <= g.out_c; c += W) back(m + c, out, c, 0, ny, nx, sum);
    if (c == g.out_c) return;
    if (g.out_c > W) {  // the last packet overlaps the one before it
      const index_t last = g.out_c - W;
      back(m + last, out, last, static_cast<int>(c - last), ny, nx, sum);
    } else {
      L r[step][step];
      T part[W];
      pixels(m, r);
      for (int i = 0; i < ny; ++i)
        for (int j = 0; j < nx; ++j) {
          traits::store(part, r[i][j]);
          for (index_t o = 0; o < g.out_c; ++o) {
            const T value = end(part[o], o);
            out[(i * g.out_x + j) * g.out_c + o] = value;
            if (sum) sum[o] += value;
          }
        }
    }
  }
  KOKKOS_FORCEINLINE_FUNCTION void pixels(const T* m, L (&r)[step][step]) const {
    L half[step][side], d[side], out[step];
    const index_t point = slot();
    CARDIOMM_UNROLL
    for (int s = 0; s < side; ++s) {
      CARDIOMM_UNROLL
      for (int i = 0; i < side; ++i) d[i] = traits::load(m + (i * side + s) * point);
      output_line(d, out);
      CARDIOMM_UNROLL
      for (int i = 0; i < step; ++i) half[i][s] = out[i];
    }
    CARDIOMM_UNROLL
    for (int i = 0; i < step; ++i) output_line(half[i], r[i]);
  }
  /// Results of one packet of channels from c on; the sum leaves the first `counted` out.
  KOKKOS_FORCEINLINE_FUNCTION void back(const T* m, T* out, index_t c, int counted, int ny, int nx,
                                        T* sum) const {
    L r[step][step];
    pixels(m, r);
    L total(T(0));
    const index_t row = g.out_x * g.out_c;
    if (ny == step && nx == step) {
      CARDIOMM_UNROLL
      for (int i = 0; i < step; ++i) {
        CARDIOMM_UNROLL
        for (int j = 0; j < step; ++j) {
          const L value = end(r[i][j], c);
          total = total + value;
          traits::store(out + i * row + j * g.out_c + c, value);
        }
      }
    } else {
      for (int i = 0; i < ny; ++i)
        for (int j = 0; j < nx; ++j) {
          const L value = end(r[i][j], c);
          total = total + value;
          traits::store(out + i * row + j * g.out_c + c, value);
        }
    }
    if (sum) {
      if (counted > 0) total = without_first(total, counted);
      traits::store(sum + c, traits::load(sum + c) + total);
    }
  }
};

/// True where minimal filtering does less work.
template <class T, ExecutionSpace Ex>
bool pays(const conv_geometry& g) {
  constexpr int W = lane_width<T, Ex>;
  return g.kernel_y == 3 && g.kernel_x == 3 && g.stride_y == 1 && g.stride_x == 1 &&
         2 * g.in_c >= W && 2 * g.out_c >= W && g.items * g.out_y * g.out_x >= 64;
}

template <class T, ExecutionSpace Ex, class F>
void convolve(const Ex& ex, const conv_geometry& g, const T* x, const weight_steps<T>& w,
              const T* bias, T* y, const F& f, double* sums, const T* slope = nullptr) {
  using L = lane<T, Ex>;
  constexpr int W = lane_traits<L>::width;
  if (g.items * g.out_y * g.out_x <= 0) return;
  typename workspace<Ex>::frame frame(workspace<Ex>::of(ex));
  const index_t packets = gemm::packets_of<L>(g.out_c);
  T* u = frame.template take<T>(points * point_step<T>(g.in_c * packets * W));
  const transform_weights<T, Ex> weights{w, g.in_c, g.out_c, packets, u};
  launch::rows(ex, packets * weights.chunks(), 1, weights);
  kernel<T, F, Ex> k{g, x, u, y, {f, bias}, nullptr, packets, 1, 1, 1, 1, 1, 1, slope};
  k.cut();
  if (sums) k.partial = frame.template take<T>(g.items * k.blocks() * g.out_c);
  launch::tiles<T>(ex, g.items * k.blocks(), k.scratch(), k);
  if (sums) launch::rows(ex, g.items, g.out_c, add_blocks<T>{k.partial, sums, k.blocks(), g.out_c});
}

}  // namespace winograd

}  // namespace cardiomm::inline CARDIOMM_ABI::nn::conv_host

#endif
