// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_FFT_TRANSPOSE_HPP
#define CARDIOMM_FFT_TRANSPOSE_HPP
/// \file
/// Lines across a tile: W contiguous lines of memory, or W rows of a plane in scratch, become the
/// columns of tile rows and back, so that a transform along x runs on packets like one along y.
///
/// On hosts packets are transposed in registers; on devices neighbouring threads take neighbouring
/// numbers of memory. All functions leave it to the caller to pass `tile.barrier()` afterwards.

#include "cardiomm/fft/line.hpp"

namespace cardiomm::inline CARDIOMM_ABI::fft {

/// A plane of ny x nx complex numbers in a tile's scratch: blocks of W columns (the last one
/// padded), in each the rows y one after the other, as tile_rows.
template <class Tile>
struct tile_plane {
  using T = typename Tile::real;
  T* base;
  index_t ny, nx;

  static KOKKOS_FORCEINLINE_FUNCTION index_t blocks(index_t nx) {
    return (nx + Tile::width - 1) / Tile::width;
  }
  /// Numbers of T for a plane.
  static KOKKOS_FORCEINLINE_FUNCTION index_t numbers(index_t ny, index_t nx) {
    return blocks(nx) * ny * tile_rows<Tile>::pitch;
  }
  KOKKOS_FORCEINLINE_FUNCTION index_t blocks() const { return blocks(nx); }
  /// Rows y of the columns W b .. W b + W - 1.
  KOKKOS_FORCEINLINE_FUNCTION tile_rows<Tile> block(index_t b) const {
    return {base + b * ny * tile_rows<Tile>::pitch};
  }
};

namespace detail {

/// g(column, j) for W lines of n numbers, so that threads side by side have j side by side.
template <class Tile, class G>
KOKKOS_FORCEINLINE_FUNCTION void along_lines(const Tile& tile, index_t n, const G& g) {
  using column = typename Tile::column;
  tile.for_each(n, [&](column c, index_t i) {
    if constexpr (Tile::on_host)
      g(c, 0, i);  // packets of one number
    else {
      const index_t flat = i * Tile::width + c.column, w = flat / n;
      g(column{static_cast<int>(w)}, static_cast<int>(w), flat - w * n);
    }
  });
}

}  // namespace detail

/// put(column, j, re, im) gets element j < n of the lines at line(w), w < valid; others are zero.
template <class Tile, class Line, class Put>
KOKKOS_INLINE_FUNCTION void load_lines(const Tile& tile, index_t n, int valid, const Line& line,
                                       const Put& put) {
  using T = typename Tile::real;
  using L = typename Tile::number;
  if constexpr (Tile::on_host && Tile::width > 1) {
    constexpr int W = Tile::width, H = W / 2;
    const complex<T>* x[W];
    for (int w = 0; w < W; ++w) x[w] = line(w < valid ? w : 0);
    index_t j = 0;
    if (valid == W)
      for (; j + H <= n; j += H) {
        L v[W];
        CARDIOMM_UNROLL
        for (int w = 0; w < W; ++w)
          v[w] = lane_traits<L>::load(reinterpret_cast<const T*>(x[w] + j));
        launch::detail::transpose(v);
        CARDIOMM_UNROLL
        for (int i = 0; i < H; ++i) put({}, j + i, v[2 * i], v[2 * i + 1]);
      }
    for (; j < n; j += H) {
      const int some = static_cast<int>(n - j < H ? n - j : H);
      L v[W];
      for (int w = 0; w < W; ++w) {
        T part[W] = {};
        if (w < valid)
          for (int i = 0; i < some; ++i) {
            part[2 * i] = x[w][j + i].real();
            part[2 * i + 1] = x[w][j + i].imag();
          }
        v[w] = lane_traits<L>::load(part);
      }
      launch::detail::transpose(v);
      for (int i = 0; i < some; ++i) put({}, j + i, v[2 * i], v[2 * i + 1]);
    }
  } else {
    detail::along_lines(tile, n, [&](typename Tile::column c, int w, index_t j) {
      const complex<T> v = w < valid ? line(w)[j] : complex<T>(0);
      put(c, j, v.real(), v.imag());
    });
  }
}

/// The lines at line(w), w < valid, get element k < n from get(column, k, re, im).
template <class Tile, class Line, class Get>
KOKKOS_INLINE_FUNCTION void store_lines(const Tile& tile, index_t n, int valid, const Line& line,
                                        const Get& get) {
  using T = typename Tile::real;
  using L = typename Tile::number;
  if constexpr (Tile::on_host && Tile::width > 1) {
    constexpr int W = Tile::width, H = W / 2;
    complex<T>* y[W];
    for (int w = 0; w < W; ++w) y[w] = line(w < valid ? w : 0);
    for (index_t k = 0; k < n; k += H) {
      const int some = static_cast<int>(n - k < H ? n - k : H);
      L v[W];
      CARDIOMM_UNROLL
      for (int i = 0; i < H; ++i) get({}, i < some ? k + i : k, v[2 * i], v[2 * i + 1]);
      launch::detail::transpose(v);
      if (some == H && valid == W) {
        CARDIOMM_UNROLL
        for (int w = 0; w < W; ++w) lane_traits<L>::store(reinterpret_cast<T*>(y[w] + k), v[w]);
      } else {
        for (int w = 0; w < valid; ++w) {
          T part[W];
          lane_traits<L>::store(part, v[w]);
          for (int i = 0; i < some; ++i) y[w][k + i] = complex<T>(part[2 * i], part[2 * i + 1]);
        }
      }
    }
  } else {
    detail::along_lines(tile, n, [&](typename Tile::column c, int w, index_t k) {
      if (w >= valid) return;
      T re, im;
      get(c, k, re, im);
      line(w)[k] = complex<T>(re, im);
    });
  }
}

namespace detail {

template <bool ToRows, class Tile, class Row, class Rows, class Place>
KOKKOS_INLINE_FUNCTION void turn_plane(const Tile& tile, tile_plane<Tile> plane, int valid,
                                       const Row& row, Rows rows, const Place& place) {
  using L = typename Tile::number;
  constexpr int W = Tile::width;
  if constexpr (Tile::on_host && W > 1) {
    index_t y[W];
    for (int w = 0; w < W; ++w) y[w] = row(w < valid ? w : 0);
    for (index_t b = 0; b < plane.blocks(); ++b) {
      const tile_rows<Tile> block = plane.block(b);
      const index_t first = b * W;
      const int some = static_cast<int>(plane.nx - first < W ? plane.nx - first : W);
      for (int part = 0; part < 2; ++part) {
        const auto in_plane = [&](int w) { return part ? block.im(y[w]) : block.re(y[w]); };
        const auto in_rows = [&](int i) {
          const index_t at = place(first + (i < some ? i : 0));
          return part ? rows.im(at) : rows.re(at);
        };
        L v[W];
        CARDIOMM_UNROLL
        for (int w = 0; w < W; ++w) v[w] = lane_traits<L>::load(ToRows ? in_plane(w) : in_rows(w));
        launch::detail::transpose(v);
        if ((ToRows ? some : valid) == W) {
          CARDIOMM_UNROLL
          for (int w = 0; w < W; ++w)
            lane_traits<L>::store(ToRows ? in_rows(w) : in_plane(w), v[w]);
        } else {
          for (int w = 0; w < (ToRows ? some : valid); ++w)
            lane_traits<L>::store(ToRows ? in_rows(w) : in_plane(w), v[w]);
        }
      }
    }
  } else {
    along_lines(tile, plane.nx, [&](typename Tile::column, int w, index_t x) {
      const tile_rows<Tile> block = plane.block(x / W);
      const index_t column = x % W, at = place(x), y = row(w < valid ? w : 0);
      if constexpr (ToRows) {
        rows.re(at)[w] = block.re(y)[column];
        rows.im(at)[w] = block.im(y)[column];
      } else if (w < valid) {
        block.re(y)[column] = rows.re(at)[w];
        block.im(y)[column] = rows.im(at)[w];
      }
    });
  }
}

}  // namespace detail

/// Rows row(w), w < valid, of a plane become the columns of `rows`; x goes to row place(x). Columns
/// beyond `valid` hold copies of the first.
template <class Tile, class Row, class Rows, class Place>
KOKKOS_INLINE_FUNCTION void load_plane(const Tile& tile, tile_plane<Tile> plane, int valid,
                                       const Row& row, Rows rows, const Place& place) {
  detail::turn_plane<true>(tile, plane, valid, row, rows, place);
}
/// The inverse of load_plane: row row(w) of the plane gets column w < valid.
template <class Tile, class Row, class Rows, class Place>
KOKKOS_INLINE_FUNCTION void store_plane(const Tile& tile, tile_plane<Tile> plane, int valid,
                                        const Row& row, Rows rows, const Place& place) {
  detail::turn_plane<false>(tile, plane, valid, row, rows, place);
}

}  // namespace cardiomm::inline CARDIOMM_ABI::fft

#endif
