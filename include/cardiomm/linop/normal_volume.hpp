// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_NORMAL_VOLUME_HPP
#define CARDIOMM_LINOP_NORMAL_VOLUME_HPP
/// \file
/// The normal operator of SENSE with two phase encodes, `partition_mask * fourier_zyx *
/// sensitivity`, as a single kernel; `gram` finds it by type. The readout transform cancels, and so
/// do all centring phases:
///
///     A^H A x = sum over coils of conj(s_c) F_y^H F_z^H M F_z F_y (s_c x).
///
/// A tile is W readout columns of one frame with all their partitions: one coil at a time in
/// scratch memory, where both transforms run in place. Multi-coil data never exist.

#include "cardiomm/linop/fourier.hpp"
#include "cardiomm/linop/fused_normal.hpp"
#include "cardiomm/linop/sampling.hpp"
#include "cardiomm/linop/sensitivity.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

namespace detail {

/// y = alpha (A^H A x + shift x), or y += ...; see the top of the file.
template <class T>
struct volume_normal_kernel {
  static constexpr const char* name = "cardiomm::linop::sense_volume_normal";
  const complex<T>* x;
  complex<T>* y;
  const T* maps;  ///< packed, (partition or 1, block, coil, y, re or im, column)
  fft::stages<T> along_y;
  fft::filter_tables<T> along_z;  ///< patterns (frame or 1, position along y): mask / (ny nz)
  shape<4> image;                 ///< (frame, partition, y, x)
  index_t map_slices, coils, mask_frames, blocks;
  complex<T> alpha, shift;  ///< shift is alpha times the shift of the operator
  bool add;

  /// Scratch numbers of a tile: a coil's plane, the sum, and a line (of Bluestein's length).
  template <class Tile>
  index_t scratch() const {
    const index_t line =
        along_y.rows > along_z.scratch_rows() ? along_y.rows : along_z.scratch_rows();
    return fft::tile_rows<Tile>::numbers(2 * image[1] * image[2] + line);
  }

  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    using L = typename Tile::number;
    using column = typename Tile::column;
    using rows = fft::tile_rows<Tile>;
    const index_t frames = image[0], nz = image[1], ny = image[2], nx = image[3];
    const index_t frame = tile.index() % frames, block = tile.index() / frames;
    const index_t first = block * Tile::width;
    const int valid = static_cast<int>(nx - first < Tile::width ? nx - first : Tile::width);
    const complex<T>* in = x + frame * nz * ny * nx + first;
    complex<T>* out = y + frame * nz * ny * nx + first;
    const index_t pattern = (mask_frames == 1 ? 0 : frame) * ny;
    const rows plane{tile.scratch()};
    const rows sum{plane.re(nz * ny)};
    const rows line{sum.re(nz * ny)};
    const auto map_of = [&](index_t z, index_t coil) {
      return fft::tile_rows<const Tile>{
          maps + (((map_slices == 1 ? 0 : z) * blocks + block) * coils + coil) * rows::numbers(ny)};
    };

    tile.for_each(nz * ny, [&](column c, index_t row) { sum.store(c, row, L(T(0)), L(T(0))); });
    tile.barrier();
    for (index_t coil = 0; coil < coils; ++coil) {
      for (index_t z = 0; z < nz; ++z) {
        const auto map = map_of(z, coil);
        fft::forward(
            tile, along_y, line,
            [&](column c, index_t row, L& re, L& im) {
              L mr, mi, xr, xi;
              map.load(c, row, mr, mi);
              c.load(in + (z * ny + row) * nx, valid, xr, xi);
              re = xr * mr - xi * mi;
              im = xr * mi + xi * mr;
            },
            [&](column c, index_t position, const L& re, const L& im) {
              plane.store(c, z * ny + position, re, im);
            });
        tile.barrier();
      }
      for (index_t j = 0; j < ny; ++j) {
        const fft::strided_rows<Tile> column_of_z{plane.re(j), ny};
        fft::filter(
            tile, along_z, pattern + j, line,
            [&](column c, index_t z, L& re, L& im) { column_of_z.load(c, z, re, im); },
            [&](column c, index_t z, const L& re, const L& im) {
              column_of_z.store(c, z, re, im);
            });
        tile.barrier();
      }
      for (index_t z = 0; z < nz; ++z) {
        const auto map = map_of(z, coil);
        fft::adjoint(
            tile, along_y, line,
            [&](column c, index_t position, L& re, L& im) {
              plane.load(c, z * ny + position, re, im);
            },
            [&](column c, index_t row, const L& re, const L& im) {
              L mr, mi, ar, ai;
              map.load(c, row, mr, mi);
              sum.load(c, z * ny + row, ar, ai);
              sum.store(c, z * ny + row, ar + re * mr + im * mi, ai + im * mr - re * mi);
            });
        tile.barrier();
      }
    }
    const L alpha_re(alpha.real()), alpha_im(alpha.imag());
    const L shift_re(shift.real()), shift_im(shift.imag());
    tile.for_each(nz * ny, [&](column c, index_t row) {
      L ar, ai, xr, xi;
      sum.load(c, row, ar, ai);
      c.load(in + row * nx, valid, xr, xi);
      L re = alpha_re * ar - alpha_im * ai + shift_re * xr - shift_im * xi;
      L im = alpha_re * ai + alpha_im * ar + shift_re * xi + shift_im * xr;
      if (add) {
        c.load(out + row * nx, valid, xr, xi);
        re = re + xr;
        im = im + xi;
      }
      c.store(out + row * nx, valid, re, im);
    });
    tile.barrier();
  }
};

}  // namespace detail

/// A^H A + shift for A = partition_mask * fourier_zyx * sensitivity, in one kernel. Image (frame,
/// partition, y, x); x and y may be the same tensor.
template <class T, ExecutionSpace Ex = default_space>
class sense_volume_normal : public fused_normal<sense_volume_normal<T, Ex>, T, 4, Ex> {
  using base = linear_operator<sense_volume_normal<T, Ex>, T, 4, 4, Ex>;
  using C = complex<T>;
  using line = fft::line<T, Ex>;

 public:
  static constexpr const char* name = "sense_volume_normal";
  static constexpr bool inplace_ok = true;

  /// Throws shape_error if mask and maps do not fit each other.
  sense_volume_normal(const partition_mask<T, Ex>& mask, const sensitivity<T, Ex>& maps)
      : maps_(maps), id_(mask.id()) {
    const shape<3> w = shape_of(mask.mask());
    const shape<5> m = shape_of(maps.maps());
    require<shape_error>(w[2] == m[3] && (m[1] == 1 || w[1] == m[1]), name,
                         ": expected a mask of (partition, y) = ", shape{m[1], m[3]}, ", found ",
                         shape{w[1], w[2]});
    along_y_ = std::make_shared<line>(Ex(), w[2]);
    packed_ = detail::pack_maps<T>(Ex(), maps.maps());
    const auto lines = to_host(mask.mask());
    auto weights =
        make_tensor<T>(host_space(), shape{w[0] * w[2], w[1]}, "cardiomm::linop::weights");
    for (index_t f = 0; f < w[0]; ++f)
      for (index_t p = 0; p < w[2]; ++p)
        for (index_t k = 0; k < w[1]; ++k)
          weights(f * w[2] + p, k) =
              lines(f, (k + w[1] / 2) % w[1], (along_y_->frequency(p) + w[2] / 2) % w[2]) /
              static_cast<T>(w[1] * w[2]);
    along_z_ = std::make_shared<fft::line_filter<T, Ex>>(Ex(), weights);
  }

  void unify(shape<4>& d, shape<4>& r) const {
    const shape<5> m = shape_of(maps_.maps());
    shape<4> own{{open, along_z_->length(), m[3], m[4]}};
    if (mask_frames() != 1) own[0] = mask_frames();
    merge(own, d, name);
    merge(d, r, name);
  }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    const shape<5> m = shape_of(maps_.maps());
    detail::volume_normal_kernel<T> kernel;
    kernel.x = x.data();
    kernel.y = y.data();
    kernel.maps = packed_.data();
    kernel.along_y = along_y_->stages();
    kernel.along_z = along_z_->tables();
    kernel.image = shape_of(x);
    kernel.map_slices = m[1];
    kernel.coils = m[2];
    kernel.mask_frames = mask_frames();
    kernel.blocks = detail::column_blocks<T, Ex>(m[4]);
    kernel.alpha = acc.alpha;
    kernel.shift = this->shift() * acc.alpha;
    kernel.add = acc.add;
    launch::tiles<T>(ex, kernel.image[0] * kernel.blocks,
                     kernel.template scratch<launch::tile_type<T, Ex>>(), kernel);
  }
  const void* id() const { return id_; }

 private:
  index_t mask_frames() const { return along_z_->patterns() / along_y_->length(); }

  sensitivity<T, Ex> maps_;
  std::shared_ptr<const line> along_y_;
  std::shared_ptr<const fft::line_filter<T, Ex>> along_z_;
  tensor<T, 1, Ex> packed_;
  const void* id_;
};

template <class T, ExecutionSpace Ex>
struct gram_of<chain<partition_mask<T, Ex>, fourier_op<T, 5, Ex, along_zyx>, sensitivity<T, Ex>>> {
  template <class A>
  static auto make(const A& a) {
    return sense_volume_normal<T, Ex>(std::get<0>(a.operators()), std::get<2>(a.operators()));
  }
};

template <class T, ExecutionSpace Ex>
struct specimen<sense_volume_normal<T, Ex>> {
  static auto make(const Ex& ex, size_class s, std::uint64_t seed) {
    return sense_volume_normal<T, Ex>(specimen<partition_mask<T, Ex>>::make(ex, s, seed),
                                      specimen<sensitivity<T, Ex>>::make(ex, s, seed + 1))
        .shifted(T(0.25));
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
using normal_volume_specimens = type_list<sense_volume_normal<T, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
