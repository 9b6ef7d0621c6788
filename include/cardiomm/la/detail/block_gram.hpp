// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LA_DETAIL_BLOCK_GRAM_HPP
#define CARDIOMM_LA_DETAIL_BLOCK_GRAM_HPP
/// \file
/// Products of one small matrix that lies in scratch as planes: column i of the matrix is a plane
/// of real parts and one of imaginary parts, padded with zeros to whole packets. Columns are padded
/// to a multiple of four.

#include "cardiomm/core/tile.hpp"
#include "cardiomm/la/batch.hpp"

namespace cardiomm::inline CARDIOMM_ABI::la::detail {

#if CARDIOMM_TILE_SHUFFLES
/// Lane l of part[0] becomes the sum of part[l].
template <int D, class L>
KOKKOS_FORCEINLINE_FUNCTION void halve(L* part) {
  constexpr int W = lane_traits<L>::width;
  if constexpr (D < W) {
    CARDIOMM_UNROLL
    for (int i = 0; i < W / (2 * D); ++i) {
      L x = part[2 * i], y = part[2 * i + 1];
      launch::detail::shuffles<L>::template swap_blocks<D>(x, y,
                                                           std::make_integer_sequence<int, W>{});
      part[i] = x + y;
    }
    halve<2 * D>(part);
  }
}
#endif

/// Sums over the lanes of `Count` packets, in order.
template <class L, int Count>
KOKKOS_FORCEINLINE_FUNCTION void packet_sums(L* v, typename lane_traits<L>::real* out) {
  using lanes = lane_traits<L>;
#if CARDIOMM_TILE_SHUFFLES
  constexpr int W = lanes::width;
  if constexpr (W > 1 && Count % W == 0) {
    for (int group = 0; group < Count / W; ++group) {
      L* part = v + group * W;
      halve<1>(part);
      lanes::store(out + group * W, part[0]);
    }
    return;
  }
#endif
  for (int i = 0; i < Count; ++i) out[i] = lanes::sum(v[i]);
}

template <class L>
struct block_products {
  using lanes = lane_traits<L>;
  using T = typename lanes::real;
  static constexpr index_t W = lanes::width;

  static KOKKOS_INLINE_FUNCTION index_t padded_columns(index_t n) { return (n + 3) / 4 * 4; }
  static KOKKOS_INLINE_FUNCTION index_t padded_rows(index_t m) { return (m + W - 1) / W * W; }

  /// Lower half of G = X^H X for n columns of `stride` rows to g, where numbers are `lane` apart:
  /// element (i, j) at (i (i + 1) / 2 + j) * 2 * lane. Returns |G|, the Frobenius norm, an upper
  /// bound of its largest eigenvalue.
  static KOKKOS_INLINE_FUNCTION T gram(const T* x, index_t n, index_t stride, T* g, index_t lane) {
    T off = 0, diagonal = 0;
    T sums[16];
    for (index_t i = 0; i < n; i += 2)
      for (index_t j = 0; j <= i + 1; j += 4) {
        tile(x + i * 2 * stride, x + j * 2 * stride, stride, sums);
        for (index_t p = 0; p < 2; ++p)
          for (index_t q = 0; q < 4; ++q) {
            const index_t r = i + p, c = j + q;
            if (r >= n || c > r) continue;
            T* to = g + (r * (r + 1) / 2 + c) * 2 * lane;
            const T re = sums[4 * p + q], im = r == c ? T(0) : sums[8 + 4 * p + q];
            to[0] = re;
            to[lane] = im;
            (r == c ? diagonal : off) += re * re + im * im;
          }
      }
    return math::sqrt(diagonal + 2 * off);
  }

  /// Y = X M: `to` columns from `from` ones; M (from, to) complex numbers, re and im in turn.
  static KOKKOS_INLINE_FUNCTION void multiply(const T* x, index_t from, const T* m, index_t to,
                                              T* y, index_t stride) {
    constexpr index_t most = W >= 16 ? 4 : 2;
    index_t r = 0;
    for (; r + most * W <= stride; r += most * W) columns<most>(x + r, from, m, to, y + r, stride);
    if constexpr (most == 4)
      if (r + 2 * W <= stride) {
        columns<2>(x + r, from, m, to, y + r, stride);
        r += 2 * W;
      }
    if (r < stride) columns<1>(x + r, from, m, to, y + r, stride);
  }

 private:
  /// sums[4 p + q] = Re, sums[8 + 4 p + q] = Im of <x_q of the second, x_p of the first>^*
  static KOKKOS_FORCEINLINE_FUNCTION void tile(const T* xi, const T* xj, index_t stride, T* sums) {
    L acc[16];
    CARDIOMM_UNROLL
    for (int k = 0; k < 16; ++k) acc[k] = L(T(0));
    for (index_t r = 0; r < stride; r += W) {
      const L ar0 = lanes::load(xi + r), ai0 = lanes::load(xi + stride + r);
      const L ar1 = lanes::load(xi + 2 * stride + r), ai1 = lanes::load(xi + 3 * stride + r);
      CARDIOMM_UNROLL
      for (int q = 0; q < 4; ++q) {
        const L br = lanes::load(xj + 2 * q * stride + r);
        const L bi = lanes::load(xj + (2 * q + 1) * stride + r);
        // conj(x_i) x_j
        acc[q] = lanes::fma(ar0, br, lanes::fma(ai0, bi, acc[q]));
        acc[8 + q] = lanes::fma(ar0, bi, acc[8 + q]) - ai0 * br;
        acc[4 + q] = lanes::fma(ar1, br, lanes::fma(ai1, bi, acc[4 + q]));
        acc[12 + q] = lanes::fma(ar1, bi, acc[12 + q]) - ai1 * br;
      }
    }
    packet_sums<L, 16>(acc, sums);
  }

  template <index_t P>
  static KOKKOS_FORCEINLINE_FUNCTION void columns(const T* x, index_t from, const T* m, index_t to,
                                                  T* y, index_t stride) {
    index_t j = 0;
    for (; j + 2 <= to; j += 2) block<P, 2>(x, from, m + 2 * j, to, y + 2 * j * stride, stride);
    if (j < to) block<P, 1>(x, from, m + 2 * j, to, y + 2 * j * stride, stride);
  }
  template <index_t P, index_t J>
  static KOKKOS_FORCEINLINE_FUNCTION void block(const T* x, index_t from, const T* m, index_t to,
                                                T* y, index_t stride) {
    L yr[P][J], yi[P][J];
    CARDIOMM_UNROLL
    for (index_t p = 0; p < P; ++p) {
      CARDIOMM_UNROLL
      for (index_t j = 0; j < J; ++j) yr[p][j] = yi[p][j] = L(T(0));
    }
    for (index_t i = 0; i < from; ++i) {
      const T *re = x + 2 * i * stride, *im = re + stride, *f = m + 2 * i * to;
      L mr[J], mi[J];
      CARDIOMM_UNROLL
      for (index_t j = 0; j < J; ++j) {
        mr[j] = L(f[2 * j]);
        mi[j] = L(f[2 * j + 1]);
      }
      CARDIOMM_UNROLL
      for (index_t p = 0; p < P; ++p) {
        const L xr = lanes::load(re + p * W), xi = lanes::load(im + p * W);
        CARDIOMM_UNROLL
        for (index_t j = 0; j < J; ++j) {
          yr[p][j] = lanes::fma(xr, mr[j], yr[p][j]) - xi * mi[j];
          yi[p][j] = lanes::fma(xr, mi[j], lanes::fma(xi, mr[j], yi[p][j]));
        }
      }
    }
    CARDIOMM_UNROLL
    for (index_t p = 0; p < P; ++p) {
      CARDIOMM_UNROLL
      for (index_t j = 0; j < J; ++j) {
        lanes::store(y + 2 * j * stride + p * W, yr[p][j]);
        lanes::store(y + (2 * j + 1) * stride + p * W, yi[p][j]);
      }
    }
  }
};

}  // namespace cardiomm::inline CARDIOMM_ABI::la::detail

#endif
