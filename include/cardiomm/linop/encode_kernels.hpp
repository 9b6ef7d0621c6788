// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_ENCODE_KERNELS_HPP
#define CARDIOMM_LINOP_ENCODE_KERNELS_HPP
/// \file
/// The kernels of the Cartesian encoding between images and sampled readout lines. A plane is one
/// frame and slice. Between the passes along y and along x the sampled lines of all coils of a few
/// planes lie in a buffer, as packets of W columns (fft::tile_plane).
///
/// | kernel          | from -> to                | what it does                                 |
/// |-----------------|---------------------------|----------------------------------------------|
/// | expand_columns  | image -> buffer           | times maps, transform along y, sampled lines |
/// | combine_columns | buffer -> image           | inverse along y, conjugate maps, coil sum    |
/// | scatter_lines   | buffer -> k-space         | transform along x                            |
/// | gather_lines    | k-space -> buffer         | inverse along x                              |
/// | filter_lines    | buffer -> buffer          | along x: inverse(weights * transform)        |
/// | clear_lines     | -> k-space                | zeros where nothing was sampled              |
///
/// Lines without a sample are never transformed along x. Centring costs nothing: row i of a
/// transform is index i + n / 2 (cyclic) in memory.

#include "cardiomm/fft/transpose.hpp"
#include "cardiomm/linop/sampled_lines.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop::detail {

/// Index in memory of row i of a centred transform of n points, and back.
KOKKOS_FORCEINLINE_FUNCTION index_t centred(index_t i, index_t n) {
  const index_t j = i + n / 2;
  return j < n ? j : j - n;
}
KOKKOS_FORCEINLINE_FUNCTION index_t uncentred(index_t j, index_t n) {
  return j >= n / 2 ? j - n / 2 : j - n / 2 + n;
}

/// What all kernels know.
template <class T>
struct encode_geometry {
  fft::stages<T> along_y, along_x;
  line_list<T> lines;
  const complex<T>* maps;  ///< (set, slice or 1, coil, y, x)
  T* buffer;               ///< (plane - first_plane, coil) of fft::tile_plane(most, nx)
  index_t frames, slices, coils, ny, nx, sets, map_slices;
  index_t first_plane, planes;  ///< those of this launch
  T scale;                      ///< of the transforms that the kernel ends

  template <class Tile>
  KOKKOS_FORCEINLINE_FUNCTION fft::tile_plane<Tile> plane(index_t p, index_t coil) const {
    using plane_t = fft::tile_plane<Tile>;
    return {buffer + (p * coils + coil) * plane_t::numbers(lines.most, nx), lines.most, nx};
  }
  KOKKOS_FORCEINLINE_FUNCTION index_t frame_of(index_t p) const {
    return lines.frame((first_plane + p) / slices);
  }
  KOKKOS_FORCEINLINE_FUNCTION index_t map_plane(index_t p, index_t coil, index_t set) const {
    const index_t slice = map_slices == 1 ? 0 : (first_plane + p) % slices;
    return ((set * map_slices + slice) * coils + coil) * ny * nx;
  }
};

/// Tile of W columns of one plane; planes follow each other fastest.
template <class T, class Tile>
struct column_tile {
  index_t plane, block, first;
  int valid;
  KOKKOS_FORCEINLINE_FUNCTION column_tile(const encode_geometry<T>& g, index_t index)
      : plane(index % g.planes),
        block(index / g.planes),
        first(block * Tile::width),
        valid(static_cast<int>(g.nx - first < Tile::width ? g.nx - first : Tile::width)) {}
};

template <class T>
struct expand_columns {
  static constexpr const char* name = "cardiomm::linop::expand_columns";
  encode_geometry<T> g;
  const complex<T>* image;  ///< (set, frame, slice, y, x)

  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    using L = typename Tile::number;
    using column = typename Tile::column;
    const column_tile<T, Tile> at(g, tile.index());
    const index_t ny = g.ny, nx = g.nx, next_set = g.frames * g.slices * ny * nx;
    const complex<T>* in = image + (g.first_plane + at.plane) * ny * nx + at.first;
    const int* slot = g.lines.slot + g.frame_of(at.plane) * ny;
    const fft::tile_rows<Tile> work{tile.scratch()};
    const fft::tile_rows<Tile> source{work.re(g.along_y.rows)};
    tile.for_each(g.sets, ny, [&](column c, index_t set, index_t row) {
      L re, im;
      c.load(in + set * next_set + centred(row, ny) * nx, at.valid, re, im);
      source.store(c, set * ny + row, re, im);
    });
    tile.barrier();
    for (index_t coil = 0; coil < g.coils; ++coil) {
      const auto block = g.template plane<Tile>(at.plane, coil).block(at.block);
      fft::forward(
          tile, g.along_y, work,
          [&](column c, index_t row, L& re, L& im) {
            const index_t y = centred(row, ny) * nx + at.first;
            re = im = L(T(0));
            for (index_t set = 0; set < g.sets; ++set) {
              L mr, mi, xr, xi;
              c.load(g.maps + g.map_plane(at.plane, coil, set) + y, at.valid, mr, mi);
              source.load(c, set * ny + row, xr, xi);
              re = re + (xr * mr - xi * mi);
              im = im + (xr * mi + xi * mr);
            }
          },
          [&](column c, index_t position, const L& re, const L& im) {
            if (slot[position] >= 0) block.store(c, slot[position], re, im);
          });
      tile.barrier();
    }
  }
};

template <class T>
struct combine_columns {
  static constexpr const char* name = "cardiomm::linop::combine_columns";
  encode_geometry<T> g;
  const complex<T>* shifted;  ///< image of which `shift` times is added, or null
  complex<T>* image;          ///< (set, frame, slice, y, x), may be `shifted`
  complex<T> alpha, shift;    ///< alpha includes the scale of the transforms
  bool add;

  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    using L = typename Tile::number;
    using column = typename Tile::column;
    const column_tile<T, Tile> at(g, tile.index());
    const index_t ny = g.ny, nx = g.nx, next_set = g.frames * g.slices * ny * nx;
    const index_t offset = (g.first_plane + at.plane) * ny * nx + at.first;
    const int* slot = g.lines.slot + g.frame_of(at.plane) * ny;
    const fft::tile_rows<Tile> work{tile.scratch()};
    const fft::tile_rows<Tile> sum{work.re(g.along_y.rows)};
    tile.for_each(g.sets * ny, [&](column c, index_t row) { sum.store(c, row, L(T(0)), L(T(0))); });
    tile.barrier();
    for (index_t coil = 0; coil < g.coils; ++coil) {
      const auto block = g.template plane<Tile>(at.plane, coil).block(at.block);
      fft::adjoint(
          tile, g.along_y, work,
          [&](column c, index_t position, L& re, L& im) {
            if (slot[position] >= 0)
              block.load(c, slot[position], re, im);
            else
              re = im = L(T(0));
          },
          [&](column c, index_t row, const L& re, const L& im) {
            const index_t y = centred(row, ny) * nx + at.first;
            for (index_t set = 0; set < g.sets; ++set) {
              L mr, mi, ar, ai;
              c.load(g.maps + g.map_plane(at.plane, coil, set) + y, at.valid, mr, mi);
              sum.load(c, set * ny + row, ar, ai);
              sum.store(c, set * ny + row, ar + re * mr + im * mi, ai + im * mr - re * mi);
            }
          });
      tile.barrier();
    }
    const L alpha_re(alpha.real()), alpha_im(alpha.imag());
    const L shift_re(shift.real()), shift_im(shift.imag());
    tile.for_each(g.sets, ny, [&](column c, index_t set, index_t row) {
      const index_t to = offset + set * next_set + centred(row, ny) * nx;
      L ar, ai, xr, xi;
      sum.load(c, set * ny + row, ar, ai);
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

/// Tile of W sampled lines of one plane and coil; `valid` is 0 beyond the last.
template <class T, class Tile>
struct line_tile {
  index_t coil, plane, first, frame, group;
  int valid;
  const int* lines;
  const T* weights;  ///< (x, W), or null
  KOKKOS_FORCEINLINE_FUNCTION line_tile(const encode_geometry<T>& g, index_t index)
      : coil(index / g.lines.groups % g.coils),
        plane(index / (g.lines.groups * g.coils)),
        first(index % g.lines.groups * Tile::width),
        frame(g.frame_of(plane)),
        group(index % g.lines.groups),
        lines(g.lines.line + frame * g.lines.most + first),
        weights(g.lines.weights == nullptr
                    ? nullptr
                    : g.lines.weights + (frame * g.lines.groups + group) * g.nx * Tile::width) {
    const index_t left = g.lines.count[frame] - first;
    valid = static_cast<int>(left <= 0 ? 0 : left < Tile::width ? left : Tile::width);
  }
  KOKKOS_FORCEINLINE_FUNCTION index_t row(int w) const { return first + w; }
  /// Offset in k-space (frame, slice, coil, y, x).
  KOKKOS_FORCEINLINE_FUNCTION index_t offset(const encode_geometry<T>& g, int w) const {
    return (((g.first_plane + plane) * g.coils + coil) * g.ny + lines[w]) * g.nx;
  }
};

template <class T>
struct gather_lines {
  static constexpr const char* name = "cardiomm::linop::gather_lines";
  encode_geometry<T> g;
  const complex<T>* kspace;

  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    using L = typename Tile::number;
    using column = typename Tile::column;
    const line_tile<T, Tile> at(g, tile.index());
    if (at.valid == 0) return;
    const index_t nx = g.nx;
    const fft::tile_rows<Tile> rows{tile.scratch()};
    fft::load_lines(
        tile, nx, at.valid, [&](int w) { return kspace + at.offset(g, w); },
        [&](column c, index_t j, L re, L im) {
          if (at.weights != nullptr) {
            const L weight = c.load(at.weights + j * Tile::width);
            re = re * weight;
            im = im * weight;
          }
          rows.store(c, g.along_x.position[uncentred(j, nx)], re, im);
        });
    tile.barrier();
    fft::adjoint(tile, g.along_x, rows, rows);
    tile.barrier();
    fft::store_plane(
        tile, g.template plane<Tile>(at.plane, at.coil), at.valid, [&](int w) { return at.row(w); },
        rows, [&](index_t x) { return uncentred(x, nx); });
    tile.barrier();
  }
};

template <class T>
struct scatter_lines {
  static constexpr const char* name = "cardiomm::linop::scatter_lines";
  encode_geometry<T> g;
  complex<T>* kspace;
  complex<T> alpha;  ///< includes the scale of the transforms

  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    using L = typename Tile::number;
    using column = typename Tile::column;
    const line_tile<T, Tile> at(g, tile.index());
    if (at.valid == 0) return;
    const index_t nx = g.nx;
    const L alpha_re(alpha.real()), alpha_im(alpha.imag());
    const fft::tile_rows<Tile> rows{tile.scratch()};
    fft::load_plane(
        tile, g.template plane<Tile>(at.plane, at.coil), at.valid, [&](int w) { return at.row(w); },
        rows, [&](index_t x) { return uncentred(x, nx); });
    tile.barrier();
    fft::forward(tile, g.along_x, rows, rows);
    tile.barrier();
    fft::store_lines(
        tile, nx, at.valid, [&](int w) { return kspace + at.offset(g, w); },
        [&](column c, index_t j, L& re, L& im) {
          L xr, xi;
          rows.load(c, g.along_x.position[uncentred(j, nx)], xr, xi);
          re = alpha_re * xr - alpha_im * xi;
          im = alpha_re * xi + alpha_im * xr;
          if (at.weights != nullptr) {
            const L weight = c.load(at.weights + j * Tile::width);
            re = re * weight;
            im = im * weight;
          }
        });
    tile.barrier();
  }
};

template <class T>
struct filter_lines {
  static constexpr const char* name = "cardiomm::linop::filter_lines";
  encode_geometry<T> g;

  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    using column = typename Tile::column;
    const line_tile<T, Tile> at(g, tile.index());
    if (at.valid == 0) return;
    const fft::tile_rows<Tile> rows{tile.scratch()};
    const auto plane = g.template plane<Tile>(at.plane, at.coil);
    const auto row = [&](int w) { return at.row(w); };
    const auto same = [](index_t x) { return x; };
    fft::load_plane(tile, plane, at.valid, row, rows, same);
    tile.barrier();
    fft::filter(tile, g.along_x, rows, rows, [&](column c, index_t p) {
      return c.load(at.weights + centred(g.along_x.frequency[p], g.nx) * Tile::width);
    });
    tile.barrier();
    fft::store_plane(tile, plane, at.valid, row, rows, same);
    tile.barrier();
  }
};

/// Zeros in the lines of k-space that have no sample.
template <class T>
struct clear_lines {
  static constexpr const char* name = "cardiomm::linop::clear_lines";
  encode_geometry<T> g;
  complex<T>* kspace;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t y = row % g.ny, frame = g.lines.frame(row / (g.ny * g.coils * g.slices));
    const index_t position = g.along_y.position[uncentred(y, g.ny)];
    if (g.lines.slot[frame * g.ny + position] >= 0) return;
    for (index_t x = first; x < last; ++x) kspace[row * g.nx + x] = complex<T>(0);
  }
};

}  // namespace cardiomm::inline CARDIOMM_ABI::linop::detail

#endif
