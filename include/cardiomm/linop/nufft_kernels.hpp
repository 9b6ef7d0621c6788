// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_NUFFT_KERNELS_HPP
#define CARDIOMM_LINOP_NUFFT_KERNELS_HPP
/// \file
/// The kernels of the non-uniform Fourier transform and of its normal operator. A plane is one
/// frame and slice; the coils of a few planes are worked on at a time.
///
/// | kernel             | from -> to        | what it does                                        |
/// |--------------------|-------------------|-----------------------------------------------------|
/// | nufft_expand       | image -> buffer   | maps, roll-off correction, padded transform along y |
/// | nufft_to_grid      | buffer -> grid    | padded transform along x                            |
/// | nufft_interpolate  | grid -> samples   | Kaiser-Bessel sums                                  |
/// | nufft_spread       | samples -> grid   | the adjoint, tile by tile of the grid               |
/// | nufft_from_grid    | grid -> buffer    | inverse along x, cropped                            |
/// | nufft_combine      | buffer -> image   | inverse along y, cropped, conjugate maps, coil sum  |
/// | nufft_filter       | buffer -> buffer  | along x: inverse(spectrum * padded transform)       |
///
/// The buffer holds, for each plane and coil, a fft::tile_plane of (positions along y, x). Rows of
/// zeros around the image are neither stored nor read.

#include "cardiomm/fft/stages.hpp"
#include "cardiomm/fft/transpose.hpp"
#include "cardiomm/linop/concept.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop::detail {

/// Row of a centred transform of length n that holds pixel i of `size` pixels, and back; -1 where
/// the row is padding.
KOKKOS_FORCEINLINE_FUNCTION index_t padded_row(index_t i, index_t size, index_t n) {
  const index_t j = i - size / 2;
  return j < 0 ? j + n : j;
}
KOKKOS_FORCEINLINE_FUNCTION index_t padded_pixel(index_t row, index_t size, index_t n) {
  if (row < size - size / 2) return row + size / 2;
  return row >= n - size / 2 ? row - (n - size / 2) : index_t(-1);
}
/// Index on a centred grid of n points of a frequency, and back.
KOKKOS_FORCEINLINE_FUNCTION index_t centred_index(index_t frequency, index_t n) {
  const index_t j = frequency + n / 2;
  return j < n ? j : j - n;
}
KOKKOS_FORCEINLINE_FUNCTION index_t frequency_at(index_t index, index_t n) {
  return index >= n / 2 ? index - n / 2 : index - n / 2 + n;
}

/// What the kernels of padded transforms know.
template <class T>
struct nufft_geometry {
  fft::stages<T> along_y, along_x;  ///< of the padded lengths
  const complex<T>* maps =
      nullptr;                  ///< (set, slice or 1, coil, y, x); null: planes are coil images
  const T* factor_y = nullptr;  ///< (y) and (x), or null: roll-off correction and scale
  const T* factor_x = nullptr;
  T* buffer = nullptr;  ///< (plane - first_plane, coil - first_coil) of fft::tile_plane(rows, nx)
  complex<T>* grid = nullptr;  ///< the same of (rows, cols)
  index_t frames, slices, all_coils, ny, nx, sets, map_slices;
  index_t rows, cols;                              ///< padded lengths
  index_t first_plane, planes, first_coil, coils;  ///< those of this launch

  template <class Tile>
  KOKKOS_FORCEINLINE_FUNCTION fft::tile_plane<Tile> plane(index_t p, index_t coil) const {
    using plane_t = fft::tile_plane<Tile>;
    return {buffer + (p * coils + coil) * plane_t::numbers(rows, nx), rows, nx};
  }
  KOKKOS_FORCEINLINE_FUNCTION complex<T>* grid_of(index_t p, index_t coil) const {
    return grid + (p * coils + coil) * rows * cols;
  }
  KOKKOS_FORCEINLINE_FUNCTION index_t map_plane(index_t p, index_t coil, index_t set) const {
    const index_t slice = map_slices == 1 ? 0 : (first_plane + p) % slices;
    return ((set * map_slices + slice) * all_coils + first_coil + coil) * ny * nx;
  }
};

/// Tile of W columns of one plane.
template <class T, class Tile>
struct nufft_columns {
  index_t plane, block, first;
  int valid;
  typename Tile::real factor[Tile::on_host ? Tile::width : 1];
  KOKKOS_FORCEINLINE_FUNCTION nufft_columns(const nufft_geometry<T>& g, index_t index)
      : plane(index % g.planes),
        block(index / g.planes),
        first(block * Tile::width),
        valid(static_cast<int>(g.nx - first < Tile::width ? g.nx - first : Tile::width)) {
    if constexpr (Tile::on_host) {
      for (int i = 0; i < Tile::width; ++i)
        factor[i] = g.factor_x != nullptr && i < valid ? g.factor_x[first + i] : T(1);
    }
  }
  /// Correction of the columns.
  KOKKOS_FORCEINLINE_FUNCTION typename Tile::number along_x(const nufft_geometry<T>& g,
                                                            typename Tile::column c) const {
    if constexpr (Tile::on_host) {
      return c.load(factor);
    } else {
      return g.factor_x != nullptr && c.column < valid ? g.factor_x[first + c.column] : T(1);
    }
  }
  KOKKOS_FORCEINLINE_FUNCTION T along_y(const nufft_geometry<T>& g, index_t y) const {
    return g.factor_y != nullptr ? g.factor_y[y] : T(1);
  }
};

template <class T>
struct nufft_expand {
  static constexpr const char* name = "cardiomm::linop::nufft_expand";
  nufft_geometry<T> g;
  const complex<T>* image;  ///< (set, frame, slice, y, x)

  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    using L = typename Tile::number;
    using column = typename Tile::column;
    const nufft_columns<T, Tile> at(g, tile.index());
    const index_t ny = g.ny, nx = g.nx, next_set = g.frames * g.slices * ny * nx;
    const complex<T>* in = image + (g.first_plane + at.plane) * ny * nx + at.first;
    const fft::tile_rows<Tile> work{tile.scratch()};
    const fft::tile_rows<Tile> source{work.re(g.along_y.rows)};
    tile.for_each(g.sets, ny, [&](column c, index_t set, index_t y) {
      const L factor = at.along_x(g, c) * L(at.along_y(g, y));
      L re, im;
      c.load(in + set * next_set + y * nx, at.valid, re, im);
      source.store(c, set * ny + y, re * factor, im * factor);
    });
    tile.barrier();
    for (index_t coil = 0; coil < g.coils; ++coil) {
      const auto block = g.template plane<Tile>(at.plane, coil).block(at.block);
      fft::forward(
          tile, g.along_y, work,
          [&](column c, index_t row, L& re, L& im) {
            const index_t y = padded_pixel(row, ny, g.rows);
            re = im = L(T(0));
            if (y < 0) return;
            if (g.maps == nullptr) {
              source.load(c, y, re, im);
              return;
            }
            for (index_t set = 0; set < g.sets; ++set) {
              L mr, mi, xr, xi;
              c.load(g.maps + g.map_plane(at.plane, coil, set) + y * nx + at.first, at.valid, mr,
                     mi);
              source.load(c, set * ny + y, xr, xi);
              re = re + (xr * mr - xi * mi);
              im = im + (xr * mi + xi * mr);
            }
          },
          [&](column c, index_t position, const L& re, const L& im) {
            block.store(c, position, re, im);
          });
      tile.barrier();
    }
  }
};

template <class T>
struct nufft_combine {
  static constexpr const char* name = "cardiomm::linop::nufft_combine";
  nufft_geometry<T> g;
  const complex<T>* shifted;  ///< image of which `shift` times is added, or null
  complex<T>* image;          ///< (set, frame, slice, y, x)
  complex<T> alpha, shift;
  bool add;

  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    using L = typename Tile::number;
    using column = typename Tile::column;
    const nufft_columns<T, Tile> at(g, tile.index());
    const index_t ny = g.ny, nx = g.nx, next_set = g.frames * g.slices * ny * nx;
    const index_t offset = (g.first_plane + at.plane) * ny * nx + at.first;
    const fft::tile_rows<Tile> work{tile.scratch()};
    const fft::tile_rows<Tile> sum{work.re(g.along_y.rows)};
    tile.for_each(g.sets * ny, [&](column c, index_t row) { sum.store(c, row, L(T(0)), L(T(0))); });
    tile.barrier();
    for (index_t coil = 0; coil < g.coils; ++coil) {
      const auto block = g.template plane<Tile>(at.plane, coil).block(at.block);
      fft::adjoint(
          tile, g.along_y, work,
          [&](column c, index_t position, L& re, L& im) { block.load(c, position, re, im); },
          [&](column c, index_t row, const L& re, const L& im) {
            const index_t y = padded_pixel(row, ny, g.rows);
            if (y < 0) return;
            if (g.maps == nullptr) {
              sum.store(c, y, re, im);
              return;
            }
            for (index_t set = 0; set < g.sets; ++set) {
              L mr, mi, ar, ai;
              c.load(g.maps + g.map_plane(at.plane, coil, set) + y * nx + at.first, at.valid, mr,
                     mi);
              sum.load(c, set * ny + y, ar, ai);
              sum.store(c, set * ny + y, ar + re * mr + im * mi, ai + im * mr - re * mi);
            }
          });
      tile.barrier();
    }
    const L alpha_re(alpha.real()), alpha_im(alpha.imag());
    const L shift_re(shift.real()), shift_im(shift.imag());
    tile.for_each(g.sets, ny, [&](column c, index_t set, index_t y) {
      const index_t to = offset + set * next_set + y * nx;
      const L factor = at.along_x(g, c) * L(at.along_y(g, y));
      L ar, ai, xr, xi;
      sum.load(c, set * ny + y, ar, ai);
      ar = ar * factor;
      ai = ai * factor;
      L re = alpha_re * ar - alpha_im * ai, im = alpha_re * ai + alpha_im * ar;
      if (shifted != nullptr) {
        c.load(shifted + to, at.valid, xr, xi);
        re = re + (shift_re * xr - shift_im * xi);
        im = im + (shift_re * xi + shift_im * xr);
      }
      if (add) {
        c.load(image + to, at.valid, xr, xi);
        re = re + xr;
        im = im + xi;
      }
      c.store(image + to, at.valid, re, im);
    });
    tile.barrier();
  }
};

/// Tile of W rows (positions along y) of one plane and coil of the buffer.
template <class T, class Tile>
struct nufft_lines {
  index_t groups, coil, plane, first;
  int valid;
  KOKKOS_FORCEINLINE_FUNCTION nufft_lines(const nufft_geometry<T>& g, index_t index)
      : groups((g.rows + Tile::width - 1) / Tile::width),
        coil(index / groups % g.coils),
        plane(index / (groups * g.coils)),
        first(index % groups * Tile::width),
        valid(static_cast<int>(g.rows - first < Tile::width ? g.rows - first : Tile::width)) {}
  /// Row of the grid.
  KOKKOS_FORCEINLINE_FUNCTION complex<T>* grid(const nufft_geometry<T>& g, int w) const {
    return g.grid_of(plane, coil) + centred_index(g.along_y.frequency[first + w], g.rows) * g.cols;
  }
  /// Fills `rows` with the buffer's lines and zeros around them.
  KOKKOS_FORCEINLINE_FUNCTION void load(const Tile& tile, const nufft_geometry<T>& g,
                                        fft::tile_rows<Tile> rows) const {
    using L = typename Tile::number;
    const index_t from = g.nx - g.nx / 2, to = g.cols - g.nx / 2, n = g.nx, cols = g.cols;
    fft::load_plane(
        tile, g.template plane<Tile>(plane, coil), valid, [&](int w) { return first + w; }, rows,
        [&](index_t x) { return padded_row(x, n, cols); });
    tile.for_each(to - from, [&](typename Tile::column c, index_t i) {
      rows.store(c, from + i, L(T(0)), L(T(0)));
    });
    tile.barrier();
  }
  KOKKOS_FORCEINLINE_FUNCTION void store(const Tile& tile, const nufft_geometry<T>& g,
                                         fft::tile_rows<Tile> rows) const {
    const index_t n = g.nx, cols = g.cols;
    fft::store_plane(
        tile, g.template plane<Tile>(plane, coil), valid, [&](int w) { return first + w; }, rows,
        [&](index_t x) { return padded_row(x, n, cols); });
    tile.barrier();
  }
};

template <class T>
struct nufft_to_grid {
  static constexpr const char* name = "cardiomm::linop::nufft_to_grid";
  nufft_geometry<T> g;

  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    using L = typename Tile::number;
    using column = typename Tile::column;
    const nufft_lines<T, Tile> at(g, tile.index());
    const fft::tile_rows<Tile> rows{tile.scratch()};
    at.load(tile, g, rows);
    fft::forward(tile, g.along_x, rows, rows);
    tile.barrier();
    fft::store_lines(
        tile, g.cols, at.valid, [&](int w) { return at.grid(g, w); },
        [&](column c, index_t j, L& re, L& im) {
          rows.load(c, g.along_x.position[frequency_at(j, g.cols)], re, im);
        });
    tile.barrier();
  }
};

template <class T>
struct nufft_from_grid {
  static constexpr const char* name = "cardiomm::linop::nufft_from_grid";
  nufft_geometry<T> g;

  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    using L = typename Tile::number;
    using column = typename Tile::column;
    const nufft_lines<T, Tile> at(g, tile.index());
    const fft::tile_rows<Tile> rows{tile.scratch()};
    fft::load_lines(
        tile, g.cols, at.valid, [&](int w) { return at.grid(g, w); },
        [&](column c, index_t j, L re, L im) {
          rows.store(c, g.along_x.position[frequency_at(j, g.cols)], re, im);
        });
    tile.barrier();
    fft::adjoint(tile, g.along_x, rows, rows);
    tile.barrier();
    at.store(tile, g, rows);
  }
};

template <class T>
struct nufft_filter {
  static constexpr const char* name = "cardiomm::linop::nufft_filter";
  nufft_geometry<T> g;
  const T* spectrum;  ///< (frame, slice, coil, each or 1; group of W rows; position along x; W)
  shape<3> patterns;

  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    using column = typename Tile::column;
    const nufft_lines<T, Tile> at(g, tile.index());
    const fft::tile_rows<Tile> rows{tile.scratch()};
    at.load(tile, g, rows);
    // Without maps the planes are coil images, numbered (frame, slice, coil).
    index_t rest = g.first_plane + at.plane, coil = g.first_coil + at.coil;
    if (g.maps == nullptr) {
      coil = rest % g.all_coils;
      rest /= g.all_coils;
    }
    const index_t slice = patterns[1] == 1 ? 0 : rest % g.slices;
    const index_t frame = patterns[0] == 1 ? 0 : rest / g.slices;
    if (patterns[2] == 1) coil = 0;
    const index_t pattern = (frame * patterns[1] + slice) * patterns[2] + coil;
    const T* weights =
        spectrum + (pattern * at.groups + at.first / Tile::width) * g.cols * Tile::width;
    fft::filter(tile, g.along_x, rows, rows,
                [&](column c, index_t p) { return c.load(weights + p * Tile::width); });
    tile.barrier();
    at.store(tile, g, rows);
  }
};

/// A sample: where its W x W grid points begin, and how far it lies from there (0 .. 1).
template <class T>
struct nufft_point {
  T far_x, far_y;
  std::int32_t x, y;
  std::int32_t index;  ///< in the user's order
};

/// Samples in the order of tiles of the grid.
template <class T>
struct nufft_points {
  const nufft_point<T>* point;  ///< (frame or 1, count)
  const std::int32_t* begin;    ///< (frame or 1, tiles + 1)
  const T* taps;                ///< (powers, W) polynomials of the kernel, highest power first
  int powers;
  index_t frames, count;  ///< of the trajectory
  shape<2> tiles;         ///< even numbers of at least W grid points each
};

/// The kernel at the W grid points of an axis.
template <int W, class T>
KOKKOS_FORCEINLINE_FUNCTION void nufft_taps(const nufft_points<T>& p, T far, T (&w)[W]) {
  const T t = 2 * far - 1;
  for (int j = 0; j < W; ++j) w[j] = p.taps[j];
  for (int d = 1; d < p.powers; ++d)
    for (int j = 0; j < W; ++j) w[j] = w[j] * t + p.taps[d * W + j];
}
KOKKOS_FORCEINLINE_FUNCTION index_t wrapped(index_t i, index_t n) {
  return i < 0 ? i + n : i >= n ? i - n : i;
}

/// Samples of one plane and coil, a chunk of neighbours at a time.
template <class T, int W>
struct nufft_interpolate {
  static constexpr const char* name = "cardiomm::linop::nufft_interpolate";
  nufft_geometry<T> g;
  nufft_points<T> p;
  complex<T>* samples;  ///< (frame, slice, coil, sample)
  index_t per_frame, chunks, chunk;
  accumulation<complex<T>> acc;

  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t begin = row % chunks * chunk, coil = row / chunks % g.coils,
                  plane = row / (chunks * g.coils), all = g.first_plane + plane;
    const complex<T>* grid = g.grid_of(plane, coil);
    const nufft_point<T>* points =
        p.point + (p.frames == 1 ? index_t(0) : all / per_frame) * p.count;
    complex<T>* out =
        samples + (g.maps == nullptr ? all : all * g.all_coils + g.first_coil + coil) * p.count;
    const index_t end = begin + last < p.count ? begin + last : p.count;
    for (index_t i = begin + first; i < end; ++i) {
      const nufft_point<T> at = points[i];
      T wx[W], wy[W], line[2 * W] = {};
      nufft_taps<W>(p, at.far_x, wx);
      nufft_taps<W>(p, at.far_y, wy);
      if (at.x >= 0 && at.y >= 0 && at.x + W <= g.cols && at.y + W <= g.rows) {
        const T* in = reinterpret_cast<const T*>(grid + at.y * g.cols + at.x);
        for (int j = 0; j < W; ++j, in += 2 * g.cols)
          for (int k = 0; k < 2 * W; ++k) line[k] += wy[j] * in[k];
      } else {
        for (int j = 0; j < W; ++j) {
          const complex<T>* in = grid + wrapped(at.y + j, g.rows) * g.cols;
          for (int k = 0; k < W; ++k) {
            const complex<T> v = in[wrapped(at.x + k, g.cols)];
            line[2 * k] += wy[j] * v.real();
            line[2 * k + 1] += wy[j] * v.imag();
          }
        }
      }
      T re = 0, im = 0;
      for (int k = 0; k < W; ++k) {
        re += wx[k] * line[2 * k];
        im += wx[k] * line[2 * k + 1];
      }
      acc.put(out[at.index], complex<T>(re, im));
    }
  }
};

/// Every second tile along both axes at a time: their samples never touch the same grid points, so
/// sums need no atomics, and their order is always the same.
template <class T, int W>
struct nufft_spread {
  static constexpr const char* name = "cardiomm::linop::nufft_spread";
  nufft_geometry<T> g;
  nufft_points<T> p;
  const complex<T>* samples;  ///< (frame, slice, coil, sample)
  index_t per_frame, odd_y, odd_x;

  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t half_x = p.tiles[1] / 2, half = p.tiles[0] / 2 * half_x;
    for (index_t step = first; step < last; ++step) {  // one, see launch::rows
      const index_t tile = row % half, coil = row / half % g.coils, plane = row / (half * g.coils),
                    all = g.first_plane + plane;
      const index_t frame = p.frames == 1 ? index_t(0) : all / per_frame;
      const index_t number =
          (2 * (tile / half_x) + odd_y) * p.tiles[1] + 2 * (tile % half_x) + odd_x;
      const std::int32_t* begin = p.begin + frame * (p.tiles.size() + 1) + number;
      const nufft_point<T>* points = p.point + frame * p.count;
      const complex<T>* in =
          samples + (g.maps == nullptr ? all : all * g.all_coils + g.first_coil + coil) * p.count;
      complex<T>* grid = g.grid_of(plane, coil);
      for (index_t i = begin[0]; i < begin[1]; ++i) put(grid, points[i], in[points[i].index]);
    }
  }
  KOKKOS_FORCEINLINE_FUNCTION void put(complex<T>* grid, const nufft_point<T>& at,
                                       const complex<T>& v) const {
    T wx[W], wy[W], line[2 * W];
    nufft_taps<W>(p, at.far_x, wx);
    nufft_taps<W>(p, at.far_y, wy);
    for (int k = 0; k < W; ++k) {
      line[2 * k] = wx[k] * v.real();
      line[2 * k + 1] = wx[k] * v.imag();
    }
    if (at.x >= 0 && at.y >= 0 && at.x + W <= g.cols && at.y + W <= g.rows) {
      T* out = reinterpret_cast<T*>(grid + at.y * g.cols + at.x);
      for (int j = 0; j < W; ++j, out += 2 * g.cols)
        for (int k = 0; k < 2 * W; ++k) out[k] += wy[j] * line[k];
    } else {
      for (int j = 0; j < W; ++j) {
        complex<T>* out = grid + wrapped(at.y + j, g.rows) * g.cols;
        for (int k = 0; k < W; ++k) {
          complex<T>& to = out[wrapped(at.x + k, g.cols)];
          to = complex<T>(to.real() + wy[j] * line[2 * k], to.imag() + wy[j] * line[2 * k + 1]);
        }
      }
    }
  }
};

template <class T>
struct nufft_clear {
  static constexpr const char* name = "cardiomm::linop::nufft_clear";
  complex<T>* grid;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) grid[i] = complex<T>(0);
  }
};

}  // namespace cardiomm::inline CARDIOMM_ABI::linop::detail

#endif
