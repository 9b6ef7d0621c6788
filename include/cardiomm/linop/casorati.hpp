// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_CASORATI_HPP
#define CARDIOMM_LINOP_CASORATI_HPP
/// \file
/// Casorati matrices of an image series: (frame, slice, y, x) is cut into blocks of pixels that do
/// not overlap, (block, pixel, frame), one matrix each. Blocks go row by row, slice after slice;
/// pixels of a block as well.
///
/// Where the extents do not divide, the last blocks of an axis hang over the edge and hold zeros
/// there, as in BART. A shift turns the image circularly first, out[(i + shift) mod n] = in[i], so
/// that the grid of blocks lies elsewhere; what is cut at an edge is then neighbours on the circle.
/// Every pixel is in one block once: C^H C = 1.

#include "cardiomm/core/random.hpp"
#include "cardiomm/core/tile.hpp"
#include "cardiomm/linop/gram.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

/// How an image is cut.
struct block_grid {
  index_t height = 8, width = 8;  ///< of a block, in pixels
  index_t shift_y = 0, shift_x = 0;
};

namespace detail {

struct casorati_layout {
  index_t frames, slices, ny, nx, height, width, down, across, shift_y, shift_x;

  casorati_layout(const shape<4>& s, const block_grid& g)
      : frames(s[0]),
        slices(s[1]),
        ny(s[2]),
        nx(s[3]),
        height(g.height),
        width(g.width),
        down((ny + g.height - 1) / g.height),
        across((nx + g.width - 1) / g.width),
        shift_y(ny > 0 ? (g.shift_y % ny + ny) % ny : 0),
        shift_x(nx > 0 ? (g.shift_x % nx + nx) % nx : 0) {}
};

/// A block as its matrix (pixel, frame), or back. On hosts frame by frame: pixels that are
/// neighbours in the image are read together, while the matrix stays in the first cache.
template <class C, bool Adjoint>
struct casorati_kernel {
  static constexpr const char* name = "cardiomm::linop::casorati";
  const C* in;
  C* out;
  casorati_layout at;
  accumulation<C> acc;
  /// Numbers (pixel, frame) of a block.
  KOKKOS_INLINE_FUNCTION void operator()(index_t block, index_t first, index_t last) const {
    const index_t in_slice = block % (at.down * at.across), slice = block / (at.down * at.across);
    const index_t y0 = in_slice / at.across * at.height, x0 = in_slice % at.across * at.width;
    if (last - first == 1) {
      const index_t p = first / at.frames, f = first - p * at.frames;
      const index_t r = p / at.width, c = p - r * at.width;
      return row(block, slice, y0 + r, x0, r, c, c + 1, f);
    }
    for (index_t f = 0; f < at.frames; ++f)
      for (index_t r = 0; r < at.height; ++r) row(block, slice, y0 + r, x0, r, 0, at.width, f);
  }

 private:
  /// Pixels [c, end) of row r of a block that starts at x0, one frame.
  KOKKOS_FORCEINLINE_FUNCTION void row(index_t block, index_t slice, index_t y, index_t x0,
                                       index_t r, index_t c, index_t end, index_t f) const {
    const index_t place = (block * at.height * at.width + r * at.width) * at.frames + f;
    const bool inside = y < at.ny;
    index_t ys = y - at.shift_y;
    ys += ys < 0 ? at.ny : 0;
    const index_t line = ((f * at.slices + slice) * at.ny + ys) * at.nx;
    if constexpr (!Adjoint)  // rows of a block are pages apart: ask for those of the next block
      if (inside && end - c > 1 && x0 + 2 * at.width <= at.nx)
        launch::prefetch(in + line + (x0 + at.width - at.shift_x + (x0 < at.shift_x ? at.nx : 0)),
                         at.width);
    // columns up to `wrap` come from the other end of the line, those from `stop` on from nowhere
    const index_t room = inside ? at.nx - x0 : 0, stop = end < room ? end : (c < room ? room : c);
    const index_t turn = at.shift_x - x0;
    const index_t wrap = turn < c ? c : (turn < stop ? turn : stop);
    const index_t i = line + x0 - at.shift_x;
    move(place, i + at.nx, c, wrap);
    move(place, i, wrap, stop);
    if constexpr (!Adjoint)
      if (!acc.add)
        for (index_t k = stop; k < end; ++k) out[place + k * at.frames] = C(0);
  }
  KOKKOS_FORCEINLINE_FUNCTION void move(index_t p, index_t i, index_t first, index_t last) const {
    for (index_t k = first; k < last; ++k)
      if constexpr (Adjoint)
        acc.put(out[i + k], in[p + k * at.frames]);
      else
        acc.put(out[p + k * at.frames], in[i + k]);
  }
};

}  // namespace detail

/// Images (frame, slice, ny, nx) to matrices (block, pixel, frame).
template <class T, ExecutionSpace Ex = default_space>
class casorati : public linear_operator<casorati<T, Ex>, T, 4, 3, Ex> {
  using base = linear_operator<casorati<T, Ex>, T, 4, 3, Ex>;
  using C = complex<T>;

 public:
  static constexpr const char* name = "casorati";

  /// Throws shape_error for an empty image, value_error for empty blocks.
  casorati(index_t slices, index_t ny, index_t nx, const block_grid& grid = {})
      : slices_(slices), ny_(ny), nx_(nx), grid_(grid) {
    require<shape_error>(slices > 0 && ny > 0 && nx > 0,
                         "casorati: expected extents (slice, y, x) of at least 1, found ",
                         shape{slices, ny, nx});
    require(grid.height > 0 && grid.width > 0,
            "casorati: expected blocks of at least one pixel, found ", grid.height, " x ",
            grid.width);
  }
  void unify(shape<4>& d, shape<3>& r) const {
    shape<4> image{{open, slices_, ny_, nx_}};
    merge(image, d, "casorati: image");
    index_t blocks = slices_ * ((ny_ + grid_.height - 1) / grid_.height) *
                     ((nx_ + grid_.width - 1) / grid_.width);
    index_t pixels = grid_.height * grid_.width;
    merge(blocks, r[0], name, "blocks");
    merge(pixels, r[1], name, "pixels of a block");
    merge(d[0], r[2], name, "frames");
  }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    run<false>(ex, shape_of(x), shape_of(y), x.data(), y.data(), acc);
  }
  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    run<true>(ex, shape_of(x), shape_of(y), y.data(), x.data(), acc);
  }
  const void* id() const { return this; }
  const block_grid& grid() const { return grid_; }
  /// Shape of the images, frames open.
  shape<4> image() const { return {{open, slices_, ny_, nx_}}; }

 private:
  template <bool Adjoint>
  void run(const Ex& ex, const shape<4>& image, const shape<3>& matrices, const C* in, C* out,
           acc_of<base> acc) const {
    launch::rows(ex, matrices[0], matrices[1] * matrices[2],
                 detail::casorati_kernel<C, Adjoint>{in, out, {image, grid_}, acc});
  }
  index_t slices_, ny_, nx_;
  block_grid grid_;
};

/// C^H C = 1
template <class T, ExecutionSpace Ex>
struct gram_of<casorati<T, Ex>> {
  static identity_op<T, 4, Ex> make(const casorati<T, Ex>& a) {
    identity_op<T, 4, Ex> one;
    one.extents = a.image();
    return one;
  }
};

template <class T, ExecutionSpace Ex>
struct specimen<casorati<T, Ex>> {
  static casorati<T, Ex> make(const Ex&, size_class s, std::uint64_t) {
    // a table, because g++ 12 with -O2 and AVX-512 mixes up constants that are chosen by branches
    static constexpr index_t grids[][4] = {
        {2, 2, 0, 0}, {3, 4, 2, -1}, {16, 8, 0, 40}, {4, 4, 3, 1}};
    const index_t* g = grids[s == size_class::tiny   ? 0
                             : s == size_class::odd  ? 1
                             : s == size_class::wide ? 2
                                                     : 3];
    const shape<4> d = domain(s);
    return {d[1], d[2], d[3], {g[0], g[1], g[2], g[3]}};
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
using casorati_specimens = type_list<casorati<T, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
