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
  const T* maps;     ///< packed, (partition or 1, block, coil, y, re or im, column)
  const T* weights;  ///< (frame or 1, position along y, position along z): mask / (ny nz)
  fft::stages<T> along_y, along_z;
  shape<4> image;  ///< (frame, partition, y, x)
  index_t map_slices, coils, mask_frames, blocks;
  complex<T> alpha, shift;  ///< shift is alpha times the shift of the operator
  bool add;

  /// Scratch numbers of a tile: a coil's plane, the sum, and a line (of Bluestein's length).
  template <class Tile>
  index_t scratch() const {
    const index_t line = along_y.rows > along_z.rows ? along_y.rows : along_z.rows;
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
    const T* weight = weights + (mask_frames == 1 ? 0 : frame) * ny * nz;
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
        const T* weight_of_line = weight + j * nz;
        fft::filter(tile, along_z, fft::strided_rows<Tile>{plane.re(j), ny}, line,
                    [=](index_t position) { return weight_of_line[position]; });
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
    along_z_ = std::make_shared<line>(Ex(), w[1]);
    packed_ = detail::pack_maps<T>(Ex(), maps.maps());
    const auto lines = to_host(mask.mask());
    auto weights =
        make_tensor<T>(host_space(), shape{w[0], w[2], w[1]}, "cardiomm::linop::weights");
    for (index_t f = 0; f < w[0]; ++f)
      for (index_t p = 0; p < w[2]; ++p)
        for (index_t q = 0; q < w[1]; ++q)
          weights(f, p, q) = lines(f, (along_z_->frequency(q) + w[1] / 2) % w[1],
                                   (along_y_->frequency(p) + w[2] / 2) % w[2]) /
                             static_cast<T>(w[1] * w[2]);
    weights_ = to_space(Ex(), weights);
  }

  void unify(shape<4>& d, shape<4>& r) const {
    const shape<5> m = shape_of(maps_.maps());
    shape<4> own{{open, along_z_->length(), m[3], m[4]}};
    if (weights_.extent(0) != 1) own[0] = static_cast<index_t>(weights_.extent(0));
    merge(own, d, name);
    merge(d, r, name);
  }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    const shape<5> m = shape_of(maps_.maps());
    detail::volume_normal_kernel<T> kernel;
    kernel.x = x.data();
    kernel.y = y.data();
    kernel.maps = packed_.data();
    kernel.weights = weights_.data();
    kernel.along_y = along_y_->stages();
    kernel.along_z = along_z_->stages();
    kernel.image = shape_of(x);
    kernel.map_slices = m[1];
    kernel.coils = m[2];
    kernel.mask_frames = static_cast<index_t>(weights_.extent(0));
    kernel.blocks = detail::column_blocks<T, Ex>(m[4]);
    kernel.alpha = acc.alpha;
    kernel.shift = this->shift() * acc.alpha;
    kernel.add = acc.add;
    launch::tiles<T>(ex, kernel.image[0] * kernel.blocks,
                     kernel.template scratch<launch::tile_type<T, Ex>>(), kernel);
  }
  const void* id() const { return id_; }

 private:
  sensitivity<T, Ex> maps_;
  std::shared_ptr<const line> along_y_, along_z_;
  tensor<T, 3, Ex> weights_;
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
