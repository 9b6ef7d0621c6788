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

/// U[point] = G g G^T for every input channel and packet of outputs, as panels of B.
template <class T, ExecutionSpace Ex>
struct transform_weights {
  static constexpr const char* name = "cardiomm::nn::winograd_weights";
  weight_steps<T> w;
  index_t in_c, out_c, packets;
  T* u;
  void operator()(index_t i, index_t, index_t) const {
    using L = lane<T, Ex>;
    constexpr int W = lane_traits<L>::width;
    for (index_t q = 0; q < packets; ++q) {
      T part[9][W];
      const T* from = w.data + i * w.in + q * W * w.out;
      const index_t here = out_c - q * W < W ? out_c - q * W : W;
      for (index_t l = 0; l < here; ++l, from += w.out)
        for (int y = 0; y < 3; ++y)
          for (int x = 0; x < 3; ++x) part[3 * y + x][l] = from[y * w.y + x * w.x];
      for (index_t l = here; l < W; ++l)
        for (int t = 0; t < 9; ++t) part[t][l] = T(0);
      L half[side][3], all[side];
      CARDIOMM_UNROLL
      for (int x = 0; x < 3; ++x)
        kernel_line(lane_traits<L>::load(part[x]), lane_traits<L>::load(part[3 + x]),
                    lane_traits<L>::load(part[6 + x]), &half[0][x], 3);
      T* to = u + gemm::packed_at<L>(packets, in_c, q, i);
      const index_t point = in_c * packets * W;
      CARDIOMM_UNROLL
      for (int y = 0; y < side; ++y) {
        kernel_line(half[y][0], half[y][1], half[y][2], all, 1);
        CARDIOMM_UNROLL
        for (int x = 0; x < side; ++x) lane_traits<L>::store(to + (y * side + x) * point, all[x]);
      }
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
  index_t packets, tiles_y, tiles_x, block, blocks;

  /// A block's input and output of all points stay in the second cache; blocks are equal and lie
  /// within an item.
  void cut() {
    tiles_y = (g.out_y + step - 1) / step;
    tiles_x = (g.out_x + step - 1) / step;
    const index_t all = tiles_y * tiles_x;
    const index_t room = 640 * 1024 / static_cast<index_t>(sizeof(T));
    index_t most = room / (points * (v_row() + packets * W));
    most = most < 16 ? 16 : (most > 64 ? 64 : most);
    blocks = (all + most - 1) / most;
    if (blocks > 1) blocks = (blocks + 1) / 2 * 2;
    block = (all + blocks - 1) / blocks;
    blocks = (all + block - 1) / block;
  }
  index_t v_row() const { return g.in_c < W ? W : g.in_c; }
  // An odd number of cache lines from point to point, so that they do not fall on one another.
  static index_t odd_lines(index_t n) {
    const index_t line = 64 / static_cast<index_t>(sizeof(T));
    return ((n + line - 1) / line | 1) * line;
  }
  index_t v_point() const { return odd_lines(block * v_row()); }
  index_t m_point() const { return odd_lines(block * packets * W); }
  index_t scratch() const { return points * (v_point() + m_point()) + v_row() + W; }

  template <class Tile>
  void operator()(const Tile& tile) const {
    const index_t item = tile.index() / blocks, first = tile.index() % blocks * block;
    const index_t all = tiles_y * tiles_x;
    const index_t n = first + block < all ? block : all - first;
    T* zero = tile.scratch();
    T* v = zero + (v_row() + 15) / 16 * 16;
    T* m = v + points * v_point();
    T* sum = partial ? partial + tile.index() * g.out_c : nullptr;
    for (index_t i = 0; i < v_row(); ++i) zero[i] = T(0);
    if (sum)
      for (index_t i = 0; i < g.out_c; ++i) sum[i] = T(0);
    const T* image = x + item * g.in_y * g.in_x * g.in_c;
    for (index_t t = 0; t < n; ++t)
      read(image, zero, (first + t) / tiles_x, (first + t) % tiles_x, v + t * v_row());
    const index_t u_point = g.in_c * packets * W;
    for (int p = 0; p < points; ++p)
      gemm::multiply<L>(n, packets,
                        {v + p * v_point(), v_row(), 1, 1, 0, g.in_c, u + p * u_point,
                         m + p * m_point(), packets * W, false});
    T* result = y + item * g.out_y * g.out_x * g.out_c;
    for (index_t t = 0; t < n; ++t)
      write(m + t * packets * W, (first + t) / tiles_x, (first + t) % tiles_x, result, sum);
  }

  void read(const T* image, const T* zero, index_t ty, index_t tx, T* v) const {
    const index_t y0 = ty * step - g.pad_y, x0 = tx * step - g.pad_x;
    const index_t c = g.in_c;
    if (y0 >= 0 && x0 >= 0 && y0 + side <= g.in_y && x0 + side <= g.in_x) {
      const T* from = image + (y0 * g.in_x + x0) * c;
      const index_t row = g.in_x * c;
      channels([=](int r, int s) { return from + r * row + s * c; }, v);
    } else {
      const T* from[points];
      for (int r = 0; r < side; ++r)
        for (int s = 0; s < side; ++s) {
          const index_t yy = y0 + r, xx = x0 + s;
          const bool inside = yy >= 0 && yy < g.in_y && xx >= 0 && xx < g.in_x;
          from[r * side + s] = inside ? image + (yy * g.in_x + xx) * c : zero;
        }
      channels([&](int r, int s) { return from[r * side + s]; }, v);
    }
  }
  template <class At>
  KOKKOS_FORCEINLINE_FUNCTION void channels(const At& at, T* v) const {
    index_t c = 0;
    for (; c + W <= g.in_c; c += W)
      packet([&](int r, int s) CARDIOMM_INLINED { return traits::load(at(r, s) + c); }, v + c);
    if (c == g.in_c) return;
    if (g.in_c > W) {
      c = g.in_c - W;
      packet([&](int r, int s) CARDIOMM_INLINED { return traits::load(at(r, s) + c); }, v + c);
    } else {
      packet(
          [&](int r, int s) {
            T part[W] = {};
            for (index_t i = 0; i < g.in_c; ++i) part[i] = at(r, s)[i];
            return traits::load(part);
          },
          v);
    }
  }
  template <class Load>
  KOKKOS_FORCEINLINE_FUNCTION void packet(const Load& load, T* v) const {
    L half[side][side], d[side], out[side];
    const index_t point = v_point();
    CARDIOMM_UNROLL
    for (int s = 0; s < side; ++s) {
      CARDIOMM_UNROLL
      for (int r = 0; r < side; ++r) d[r] = load(r, s);
      input_line(d, out);
      CARDIOMM_UNROLL
      for (int r = 0; r < side; ++r) half[r][s] = out[r];
    }
    CARDIOMM_UNROLL
    for (int r = 0; r < side; ++r) {
      input_line(half[r], out);
      CARDIOMM_UNROLL
      for (int s = 0; s < side; ++s) traits::store(v + (r * side + s) * point, out[s]);
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
    const index_t point = m_point();
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
              const T* bias, T* y, const F& f, double* sums) {
  using L = lane<T, Ex>;
  constexpr int W = lane_traits<L>::width;
  if (g.items * g.out_y * g.out_x <= 0) return;
  typename workspace<Ex>::frame frame(workspace<Ex>::of(ex));
  const index_t packets = gemm::packets_of<L>(g.out_c);
  T* u = frame.template take<T>(points * g.in_c * packets * W);
  launch::rows(ex, g.in_c, packets, transform_weights<T, Ex>{w, g.in_c, g.out_c, packets, u});
  kernel<T, F, Ex> k{g, x, u, y, {f, bias}, nullptr, packets, 1, 1, 1, 1};
  k.cut();
  if (sums) k.partial = frame.template take<T>(g.items * k.blocks * g.out_c);
  launch::tiles<T>(ex, g.items * k.blocks, k.scratch() + 16, k);
  if (sums) launch::rows(ex, g.items, g.out_c, add_blocks<T>{k.partial, sums, k.blocks, g.out_c});
}

}  // namespace winograd

}  // namespace cardiomm::inline CARDIOMM_ABI::nn::conv_host

#endif
