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
  /// Pixel within the planes of a frame, or -1 where a block hangs over the edge.
  KOKKOS_INLINE_FUNCTION index_t pixel(index_t block, index_t p) const {
    const index_t slice = block / (down * across), in_slice = block - slice * down * across;
    index_t y = in_slice / across * height + p / width;
    index_t x = in_slice % across * width + p % width;
    if (y >= ny || x >= nx) return -1;
    y -= shift_y;
    x -= shift_x;
    return (slice * ny + (y < 0 ? y + ny : y)) * nx + (x < 0 ? x + nx : x);
  }
  /// Row of the matrices, block * pixels + pixel, that holds a pixel of the planes of a frame.
  KOKKOS_INLINE_FUNCTION index_t row(index_t slice, index_t y, index_t x) const {
    y += shift_y;
    x += shift_x;
    y -= y >= ny ? ny : 0;
    x -= x >= nx ? nx : 0;
    const index_t block = (slice * down + y / height) * across + x / width;
    return block * height * width + y % height * width + x % width;
  }
};

/// Rows (block, pixel) of the matrices, frame by frame.
template <class C>
struct casorati_kernel {
  static constexpr const char* name = "cardiomm::linop::casorati";
  const C* image;
  C* matrices;
  casorati_layout at;
  accumulation<C> acc;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t pixels = at.height * at.width, block = row / pixels;
    const index_t from = at.pixel(block, row - block * pixels);
    const index_t frame = at.slices * at.ny * at.nx;
    C* to = matrices + row * at.frames;
    if (from >= 0)
      for (index_t f = first; f < last; ++f) acc.put(to[f], image[f * frame + from]);
    else if (!acc.add)
      for (index_t f = first; f < last; ++f) to[f] = C(0);
  }
};
/// Rows (frame, slice, y) of the image.
template <class C>
struct uncasorati_kernel {
  static constexpr const char* name = "cardiomm::linop::casorati_adjoint";
  const C* matrices;
  C* image;
  casorati_layout at;
  accumulation<C> acc;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t y = row % at.ny, slice = row / at.ny % at.slices, f = row / (at.ny * at.slices);
    for (index_t x = first; x < last; ++x)
      acc.put(image[row * at.nx + x], matrices[at.row(slice, y, x) * at.frames + f]);
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
    const shape<3> s = shape_of(y);
    launch::rows(ex, s[0] * s[1], s[2],
                 detail::casorati_kernel<C>{x.data(), y.data(), {shape_of(x), grid_}, acc});
  }
  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    const shape<4> s = shape_of(x);
    launch::rows(ex, s[0] * s[1] * s[2], s[3],
                 detail::uncasorati_kernel<C>{y.data(), x.data(), {s, grid_}, acc});
  }
  const void* id() const { return this; }
  const block_grid& grid() const { return grid_; }
  /// Shape of the images, frames open.
  shape<4> image() const { return {{open, slices_, ny_, nx_}}; }

 private:
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
    const shape<4> d = domain(s);
    if (s == size_class::tiny) return {d[1], d[2], d[3], {2, 2, 0, 0}};
    if (s == size_class::odd) return {d[1], d[2], d[3], {3, 4, 2, -1}};
    if (s == size_class::wide) return {d[1], d[2], d[3], {16, 8, 0, 40}};
    return {d[1], d[2], d[3], {4, 4, 3, 1}};
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
using casorati_specimens = type_list<casorati<T, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
