// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_CONV_TILE_HPP
#define CARDIOMM_NN_CONV_TILE_HPP
/// \file
/// Convolutions as products of matrices whose entries are found on the way (implicit GEMM), in
/// tiles of 64 x 64 results: what devices run where there is no library. Two slabs of 16 columns
/// and rows lie in shared memory, and each thread adds up a block of 4 x 4 results.

#include "cardiomm/core/tile.hpp"
#include "cardiomm/nn/conv_options.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn::conv_portable::detail {

/// A pixel by its axes.
struct pixel_place {
  index_t item, axis[3];
};

/// Which pixels of the input an output pixel reads, or, for the adjoint, to which outputs an input
/// pixel went.
template <bool Adjoint>
struct pixel_taps {
  /// Added to an index it makes it negative.
  static constexpr index_t outside = -(index_t(1) << 60);
  conv_sizes s;

  KOKKOS_FORCEINLINE_FUNCTION pixel_place place(index_t pixel) const {
    const index_t* here = Adjoint ? s.in : s.out;
    pixel_place p;
    index_t rest = pixel / here[2];
    p.axis[2] = pixel - rest * here[2];
    pixel = rest;
    rest /= here[1];
    p.axis[1] = pixel - rest * here[1];
    p.item = rest / here[0];
    p.axis[0] = rest - p.item * here[0];
    return p;
  }
  /// What one axis brings to the index of the other pixel at tap k; `outside`: there is none.
  KOKKOS_FORCEINLINE_FUNCTION index_t along(int a, const pixel_place& at, index_t k) const {
    const index_t* there = Adjoint ? s.out : s.in;
    index_t i;
    if constexpr (Adjoint) {
      const index_t shifted = at.axis[a] + s.padding[a] - k * s.dilation[a];
      i = shifted / s.stride[a];
      if (shifted < 0 || i * s.stride[a] != shifted) return outside;
    } else {
      i = at.axis[a] * s.stride[a] - s.padding[a] + k * s.dilation[a];
    }
    if (i < 0 || i >= there[a]) return outside;
    if (a == 2) return i;
    if (a == 1) return i * there[2];
    return (at.item * there[0] + i) * there[1] * there[2];
  }
  /// The other pixel; negative: none.
  KOKKOS_FORCEINLINE_FUNCTION index_t source(const pixel_place& at, index_t kz, index_t ky,
                                             index_t kx) const {
    return along(0, at, kz) + along(1, at, ky) + along(2, at, kx);
  }
};
using forward_taps = pixel_taps<false>;
using adjoint_taps = pixel_taps<true>;

/// Arrays and channel counts of a gathering convolution: from `from` channels to `to`.
template <class T>
struct gather_data {
  const T* x;
  const T* w;     ///< (tap, source channel of the group, channel)
  const T* bias;  ///< may be null
  T* y;
  index_t from, to, group_from, group_to;
  const T* zeros;  ///< hosts: what pixels outside are
};

/// Rows are pixels, columns channels of a group, the sum is over (tap, source channel).
template <class T, class Taps, class F>
struct gather_product {
  using value = T;
  static constexpr const char* name = "cardiomm::nn::conv_tiles";
  /// Neighbours in memory: those of the sum, or the rows?
  static constexpr bool sum_is_fast = true;
  Taps taps;
  gather_data<T> d;
  F f;
  KOKKOS_FORCEINLINE_FUNCTION T left(index_t group, index_t m, index_t k) const {
    const index_t t = k / d.group_from, c = k - t * d.group_from;
    const index_t rest = t / taps.s.kernel[2], kx = t - rest * taps.s.kernel[2];
    const index_t kz = rest / taps.s.kernel[1], ky = rest - kz * taps.s.kernel[1];
    const index_t source = taps.source(taps.place(m), kz, ky, kx);
    return source < 0 ? T(0) : d.x[source * d.from + group * d.group_from + c];
  }
  KOKKOS_FORCEINLINE_FUNCTION T right(index_t group, index_t k, index_t n) const {
    return d.w[k * d.to + group * d.group_to + n];
  }
  KOKKOS_FORCEINLINE_FUNCTION void put(index_t group, index_t m, index_t n, T v) const {
    const index_t c = group * d.group_to + n;
    d.y[m * d.to + c] = f.value(d.bias ? v + d.bias[c] : v, c);
  }
};

/// Rows are output channels of a group, columns (input channel of the group, tap), the sum is over
/// the pixels of a part; batches are (part, group).
template <class T>
struct weight_product {
  using value = T;
  static constexpr const char* name = "cardiomm::nn::conv_weight_tiles";
  static constexpr bool sum_is_fast = false;
  forward_taps taps;
  const T* x;
  const T* dy;
  T* part;
  index_t chunk;  ///< pixels of a part
  KOKKOS_FORCEINLINE_FUNCTION T left(index_t batch, index_t m, index_t k) const {
    const conv_sizes& s = taps.s;
    const index_t p = batch / s.groups, group = batch - p * s.groups;
    const index_t pixel = p * chunk + k;
    return pixel < s.out_pixels() ? dy[pixel * s.out_channels + group * s.group_out() + m] : T(0);
  }
  KOKKOS_FORCEINLINE_FUNCTION T right(index_t batch, index_t k, index_t n) const {
    const conv_sizes& s = taps.s;
    const index_t p = batch / s.groups, group = batch - p * s.groups;
    const index_t pixel = p * chunk + k;
    if (pixel >= s.out_pixels()) return T(0);
    const index_t t = n / s.group_in(), c = n - t * s.group_in();
    const index_t rest = t / s.kernel[2], kx = t - rest * s.kernel[2];
    const index_t kz = rest / s.kernel[1], ky = rest - kz * s.kernel[1];
    const index_t source = taps.source(taps.place(pixel), kz, ky, kx);
    return source < 0 ? T(0) : x[source * s.in_channels + group * s.group_in() + c];
  }
  KOKKOS_FORCEINLINE_FUNCTION void put(index_t batch, index_t m, index_t n, T v) const {
    const conv_sizes& s = taps.s;
    const index_t p = batch / s.groups, group = batch - p * s.groups;
    const index_t t = n / s.group_in(), c = n - t * s.group_in();
    const index_t o = group * s.group_out() + m;
    part[((p * s.out_channels + o) * s.group_in() + c) * s.taps() + t] = v;
  }
};

/// op.put(batch, m, n, sum over k of op.left(batch, m, k) op.right(batch, k, n)).
template <class Op>
struct product_tiles {
  static constexpr const char* name = Op::name;
  using T = typename Op::value;
  static constexpr int side = 64, depth = 16;
  static constexpr int pitch = side + 1;  ///< spreads columns over the banks of shared memory
  static constexpr index_t scratch = 2 * depth * pitch + side * pitch;
  Op op;
  index_t rows, cols, sum, tiles_down, tiles_across;

  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    constexpr int W = Tile::width, packets = side / W;
    constexpr int P = packets < 4 ? packets : 4, N = 4;  // a thread's block: P packets x N columns
    using number = typename Tile::number;
    const index_t across = tile.index() % tiles_across, down = tile.index() / tiles_across;
    const index_t batch = down / tiles_down;
    const index_t m0 = (down - batch * tiles_down) * side, n0 = across * side;
    T* a = tile.scratch();
    T* b = a + depth * pitch;
    T* total = b + depth * pitch;
    for (index_t k0 = 0; k0 < sum; k0 += depth) {
      every(tile, depth * side, [&](index_t e) {
        const index_t k = Op::sum_is_fast ? e % depth : e / side;
        const index_t m = Op::sum_is_fast ? e / depth : e % side;
        a[k * pitch + m] = m0 + m < rows && k0 + k < sum ? op.left(batch, m0 + m, k0 + k) : T(0);
      });
      every(tile, depth * side, [&](index_t e) {
        const index_t k = e / side, n = e % side;
        b[k * pitch + n] = n0 + n < cols && k0 + k < sum ? op.right(batch, k0 + k, n0 + n) : T(0);
      });
      tile.barrier();
      tile.for_each(packets / P, side / N, [&](auto c, index_t i, index_t j) {
        T* mine = total + j * N * pitch + i * P * W;
        number s[N][P];
        for (int n = 0; n < N; ++n)
          for (int p = 0; p < P; ++p)
            s[n][p] = k0 > 0 ? c.load(mine + n * pitch + p * W) : number(T(0));
        for (int k = 0; k < depth; ++k) {
          number v[P];
          for (int p = 0; p < P; ++p) v[p] = c.load(a + k * pitch + (i * P + p) * W);
          for (int n = 0; n < N; ++n) {
            const number w(b[k * pitch + j * N + n]);
            for (int p = 0; p < P; ++p) s[n][p] = lane_traits<number>::fma(v[p], w, s[n][p]);
          }
        }
        for (int n = 0; n < N; ++n)
          for (int p = 0; p < P; ++p) c.store(mine + n * pitch + p * W, s[n][p]);
      });
      tile.barrier();
    }
    every(tile, side * side, [&](index_t e) {
      const index_t m = Op::sum_is_fast ? e / side : e % side;
      const index_t n = Op::sum_is_fast ? e % side : e / side;
      if (m0 + m < rows && n0 + n < cols) op.put(batch, m0 + m, n0 + n, total[n * pitch + m]);
    });
  }

 private:
  /// g(e) for e in [0, n), one a thread on devices; n is a multiple of the tile's width.
  template <class Tile, class G>
  static KOKKOS_FORCEINLINE_FUNCTION void every(const Tile& tile, index_t n, const G& g) {
    if constexpr (Tile::on_host) {
      for (index_t e = 0; e < n; ++e) g(e);
    } else {
      tile.for_each(n / Tile::width, [&](auto c, index_t i) { g(i * Tile::width + c.column); });
    }
  }
};

/// Runs an implicit product: `batches` matrices of rows x cols, sums of `sum` terms.
template <ExecutionSpace Ex, class Op>
void product(const Ex& ex, index_t batches, index_t rows, index_t cols, index_t sum, const Op& op) {
  using kernel = product_tiles<Op>;
  const index_t down = (rows + kernel::side - 1) / kernel::side;
  const index_t across = (cols + kernel::side - 1) / kernel::side;
  launch::tiles<typename Op::value>(ex, batches * down * across, kernel::scratch,
                                    kernel{op, rows, cols, sum, down, across});
}

}  // namespace cardiomm::inline CARDIOMM_ABI::nn::conv_portable::detail

#endif
