// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_NORMAL_HPP
#define CARDIOMM_LINOP_NORMAL_HPP
/// \file
/// Normal operators of the Cartesian encoding as single kernels; `gram` finds them by type.
///
/// For `line_mask * fourier * sensitivity` the readout transform cancels, and so do the phases that
/// centre the phase encode:
///
///     A^H A x = sum over coils of conj(s_c) F_y^H M F_y (s_c x).
///
/// A tile is W readout columns of one frame and slice. Its coils are handled one after the other in
/// scratch memory that fits the first caches; multi-coil data never exist. The mask is stored in
/// the order in which the transform leaves its frequencies, so nothing is reordered. Tiles of the
/// same columns follow each other frame by frame: their maps, kept as packets in the order of use,
/// are read from memory once.
///
/// Traffic in memory: the image read and written once, the maps read once. Memory: a copy of the
/// maps, and three images of W columns a thread.

#include "cardiomm/fft/stages.hpp"
#include "cardiomm/linop/fourier.hpp"
#include "cardiomm/linop/gram.hpp"
#include "cardiomm/linop/sampling.hpp"
#include "cardiomm/linop/sensitivity.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

namespace detail {

/// Maps (slice, coil, y, x) as packets (slice, block of W columns, coil, y, re or im, column);
/// columns beyond nx are zero.
template <class T, int W>
struct pack_maps_kernel {
  static constexpr const char* name = "cardiomm::linop::pack_maps";
  const complex<T>* maps;
  T* packed;
  shape<4> m;
  index_t blocks;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t y = row % m[2], coil = row / m[2] % m[1], block = row / (m[2] * m[1]) % blocks,
                  slice = row / (m[2] * m[1] * blocks);
    const complex<T>* in = maps + ((slice * m[1] + coil) * m[2] + y) * m[3];
    for (index_t i = first; i < last; ++i) {
      const index_t x = block * W + i;
      const complex<T> v = x < m[3] ? in[x] : complex<T>(0);
      packed[row * 2 * W + i] = v.real();
      packed[row * 2 * W + W + i] = v.imag();
    }
  }
};

/// y = alpha (A^H A x + shift x), or y += ...; see the top of the file.
template <class T>
struct line_normal_kernel {
  static constexpr const char* name = "cardiomm::linop::sense_line_normal";
  const complex<T>* x;
  complex<T>* y;
  const T* maps;     ///< packed, (slice or 1, block, coil, y, re or im, column)
  const T* weights;  ///< (frame or 1, position): mask / ny
  fft::stages<T> s;
  shape<4> image;  ///< (frame, slice, y, x)
  index_t map_slices, coils, mask_frames, blocks;
  complex<T> alpha, shift;  ///< shift is alpha times the shift of the operator
  bool add;

  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    using L = typename Tile::number;
    using column = typename Tile::column;
    const index_t frames = image[0], slices = image[1], ny = image[2], nx = image[3];
    const index_t frame = tile.index() % frames, block = tile.index() / frames % blocks,
                  slice = tile.index() / (frames * blocks);
    const index_t first = block * Tile::width;
    const int valid = static_cast<int>(nx - first < Tile::width ? nx - first : Tile::width);
    const index_t offset = (frame * slices + slice) * ny * nx + first;
    const complex<T>* in = x + offset;
    complex<T>* out = y + offset;
    const T* weight = weights + (mask_frames == 1 ? 0 : frame) * ny;
    const fft::tile_rows<Tile> work{tile.scratch()};
    const fft::tile_rows<Tile> source{work.re(s.rows)};
    const fft::tile_rows<Tile> sum{source.re(ny)};

    tile.for_each(ny, [&](column c, index_t row) {
      L re, im;
      c.load(in + row * nx, valid, re, im);
      source.store(c, row, re, im);
      sum.store(c, row, L(T(0)), L(T(0)));
    });
    tile.barrier();
    for (index_t coil = 0; coil < coils; ++coil) {
      if constexpr (Tile::on_host) {  // the next frame's columns: far apart, so no hardware does it
        if (frame + 1 < frames)
          for (index_t row = coil * ny / coils; row < (coil + 1) * ny / coils; ++row) {
            launch::prefetch(in + slices * ny * nx + row * nx, valid);
            launch::prefetch(out + slices * ny * nx + row * nx, valid);
          }
      }
      const index_t plane = ((map_slices == 1 ? 0 : slice) * blocks + block) * coils + coil;
      const fft::tile_rows<const Tile> map{maps + plane * fft::tile_rows<Tile>::numbers(ny)};
      fft::filter(
          tile, s, work,
          [&](column c, index_t row, L& re, L& im) {
            L mr, mi, xr, xi;
            map.load(c, row, mr, mi);
            source.load(c, row, xr, xi);
            re = xr * mr - xi * mi;
            im = xr * mi + xi * mr;
          },
          [=](index_t position) { return weight[position]; },
          [&](column c, index_t row, const L& re, const L& im) {
            L mr, mi, ar, ai;
            map.load(c, row, mr, mi);
            sum.load(c, row, ar, ai);
            sum.store(c, row, ar + re * mr + im * mi, ai + im * mr - re * mi);
          });
      tile.barrier();
    }
    const L alpha_re(alpha.real()), alpha_im(alpha.imag());
    const L shift_re(shift.real()), shift_im(shift.imag());
    tile.for_each(ny, [&](column c, index_t row) {
      L ar, ai, xr, xi;
      sum.load(c, row, ar, ai);
      source.load(c, row, xr, xi);
      L re = alpha_re * ar - alpha_im * ai + shift_re * xr - shift_im * xi;
      L im = alpha_re * ai + alpha_im * ar + shift_re * xi + shift_im * xr;
      if (add) {
        L yr, yi;
        c.load(out + row * nx, valid, yr, yi);
        re = re + yr;
        im = im + yi;
      }
      c.store(out + row * nx, valid, re, im);
    });
    tile.barrier();
  }
};

}  // namespace detail

/// A^H A + shift for A = line_mask * fourier * sensitivity, in one kernel. Image (frame, slice, y,
/// x); x and y may be the same tensor.
template <class T, ExecutionSpace Ex = default_space>
class sense_line_normal : public linear_operator<sense_line_normal<T, Ex>, T, 4, 4, Ex> {
  using base = linear_operator<sense_line_normal<T, Ex>, T, 4, 4, Ex>;
  using C = complex<T>;
  static constexpr int W = launch::tile_width<T, Ex>;

 public:
  static constexpr const char* name = "sense_line_normal";
  static constexpr bool self_adjoint = true, inplace_ok = true;

  /// mask and maps must agree in their y extents; throws shape_error otherwise.
  sense_line_normal(const line_mask<T, Ex>& mask, const sensitivity<T, Ex>& maps)
      : maps_(maps),
        line_(std::make_shared<fft::line<T, Ex>>(Ex(), checked_lines(mask, maps))),
        id_(mask.id()) {
    const index_t frames = static_cast<index_t>(mask.mask().extent(0));
    const index_t ny = line_->length();
    const auto lines = to_host(mask.mask());
    auto weights = make_tensor<T>(host_space(), shape{frames, ny}, "cardiomm::linop::weights");
    for (index_t f = 0; f < frames; ++f)
      for (index_t p = 0; p < ny; ++p)  // DC is at ny / 2 in the mask and first in the transform
        weights(f, p) = lines(f, (line_->frequency(p) + ny / 2) % ny) / static_cast<T>(ny);
    weights_ = to_space(Ex(), weights);
    const shape<5> m = shape_of(maps.maps());
    const shape<4> planes{{m[1], m[2], m[3], m[4]}};
    blocks_ = (m[4] + W - 1) / W;
    packed_ = make_tensor<T>(Ex(), shape{m[1] * blocks_ * m[2] * m[3] * 2 * W},
                             "cardiomm::linop::packed_maps");
    launch::rows(
        Ex(), m[1] * blocks_ * m[2] * m[3], W,
        detail::pack_maps_kernel<T, W>{maps.maps().data(), packed_.data(), planes, blocks_});
  }

  void unify(shape<4>& d, shape<4>& r) const {
    const shape<5> m = shape_of(maps_.maps());
    shape<4> own{{open, m[1] == 1 ? open : m[1], m[3], m[4]}};
    if (weights_.extent(0) != 1) own[0] = static_cast<index_t>(weights_.extent(0));
    merge(own, d, name);
    merge(d, r, name);
  }
  void apply(const Ex& ex, view<const C, 4, Ex> x, view<C, 4, Ex> y, accumulation<C> acc) const;
  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    apply(ex, y, x, acc);
  }
  const void* id() const { return id_; }

  /// The same operator with `s` more on its diagonal. Real, so that it stays self-adjoint.
  sense_line_normal shifted(T s) const {
    sense_line_normal copy = *this;
    copy.shift_ = C(shift_.real() + s, T(0));
    return copy;
  }
  T shift() const { return shift_.real(); }

 private:
  static index_t checked_lines(const line_mask<T, Ex>& mask, const sensitivity<T, Ex>& maps) {
    const index_t ny = static_cast<index_t>(mask.mask().extent(1)), my = shape_of(maps.maps())[3];
    require<shape_error>(ny == my, name, ": y: expected equal extents, found a mask of ", ny,
                         " lines and maps of ", my);
    return ny;
  }

  sensitivity<T, Ex> maps_;
  std::shared_ptr<const fft::line<T, Ex>> line_;
  tensor<T, 2, Ex> weights_;
  tensor<T, 1, Ex> packed_;
  index_t blocks_ = 0;
  C shift_{0};
  const void* id_;
};

// Not inline: see the end of fft/plan.hpp.
template <class T, ExecutionSpace Ex>
void sense_line_normal<T, Ex>::apply(const Ex& ex, view<const C, 4, Ex> x, view<C, 4, Ex> y,
                                     accumulation<C> acc) const {
  const shape<4> s = shape_of(x);
  const shape<5> m = shape_of(maps_.maps());
  detail::line_normal_kernel<T> kernel;
  kernel.x = x.data();
  kernel.y = y.data();
  kernel.maps = packed_.data();
  kernel.weights = weights_.data();
  kernel.s = line_->stages();
  kernel.image = s;
  kernel.map_slices = m[1];
  kernel.coils = m[2];
  kernel.mask_frames = static_cast<index_t>(weights_.extent(0));
  kernel.blocks = blocks_;
  kernel.alpha = acc.alpha;
  kernel.shift = mul(acc.alpha, shift_);
  kernel.add = acc.add;
  using rows = fft::tile_rows<launch::tile_type<T, Ex>>;
  launch::tiles<T>(ex, s[0] * s[1] * blocks_, line_->scratch_numbers() + 2 * rows::numbers(s[2]),
                   kernel);
}
#if CARDIOMM_EXTERN_INSTANCES
extern template class sense_line_normal<float, default_space>;
extern template class sense_line_normal<double, default_space>;
#ifdef KOKKOS_ENABLE_SERIAL
extern template class sense_line_normal<float, Kokkos::Serial>;
extern template class sense_line_normal<double, Kokkos::Serial>;
#endif
#endif

/// gram(A) + rho * identity in the same kernel.
template <class T, ExecutionSpace Ex, class S>
requires std::is_arithmetic_v<S>
auto operator+(const sense_line_normal<T, Ex>& a, const scaled_identity_token<S>& rho) {
  return a.shifted(static_cast<T>(rho.factor));
}
template <class T, ExecutionSpace Ex, class S>
requires std::is_arithmetic_v<S>
auto operator+(const scaled_identity_token<S>& rho, const sense_line_normal<T, Ex>& a) {
  return a + rho;
}
template <class T, ExecutionSpace Ex>
auto operator+(const sense_line_normal<T, Ex>& a, identity_token) {
  return a.shifted(T(1));
}
template <class T, ExecutionSpace Ex>
auto operator+(identity_token, const sense_line_normal<T, Ex>& a) {
  return a.shifted(T(1));
}

template <class T, ExecutionSpace Ex>
struct gram_of<chain<line_mask<T, Ex>, fourier_op<T, 5, Ex>, sensitivity<T, Ex>>> {
  static auto make(const chain<line_mask<T, Ex>, fourier_op<T, 5, Ex>, sensitivity<T, Ex>>& a) {
    return sense_line_normal<T, Ex>(std::get<0>(a.operators()), std::get<2>(a.operators()));
  }
};

template <class T, ExecutionSpace Ex>
struct specimen<sense_line_normal<T, Ex>> {
  static auto make(const Ex& ex, size_class s, std::uint64_t seed) {
    return sense_line_normal<T, Ex>(specimen<line_mask<T, Ex>>::make(ex, s, seed),
                                    specimen<sensitivity<T, Ex>>::make(ex, s, seed + 1))
        .shifted(T(0.25));
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
using normal_specimens = type_list<sense_line_normal<T, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
