// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_NORMAL_HPP
#define CARDIOMM_LINOP_NORMAL_HPP
/// \file
/// The normal operator of line-masked SENSE as a single kernel; `gram` finds it by type.
///
/// For `line_mask * fourier * sensitivity` the readout transform cancels, and so do the phases that
/// centre the phase encode:
///
///     A^H A x = sum over coils of conj(s_c) F_y^H M F_y (s_c x).
///
/// With several sets of maps (soft-SENSE) s_c x is a sum over sets, and the result has a part for
/// each set.
///
/// A tile is W readout columns of one frame and slice. Its coils are handled one after the other in
/// scratch memory that fits the first caches; multi-coil data never exist. The transform is planned
/// for the mask (fft/filter.hpp): frequencies that were not measured cost nothing, and none is put
/// into its natural order. Tiles of the same columns follow each other frame by frame: their maps,
/// kept as packets in the order of use, are read from memory once.
///
/// Traffic in memory: the image read and written once, the maps read once. Memory: a copy of the
/// maps, and an image of W columns, its sum and its transform a thread.

#include "cardiomm/linop/fourier.hpp"
#include "cardiomm/linop/fused_normal.hpp"
#include "cardiomm/linop/sampling.hpp"
#include "cardiomm/linop/sensitivity.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

namespace detail {

/// y = alpha (A^H A x + shift x), or y += ...; see the top of the file. With a `cg_sweep` its p
/// takes the place of x.
///
/// Soft: several sets of maps. One set is a kernel of its own, which is all that maps of one set
/// compile: each holds the butterflies of all radices.
template <class T, bool Soft>
struct line_normal_kernel {
  static constexpr const char* name = "cardiomm::linop::sense_line_normal";
  const complex<T>* x;
  complex<T>* y;
  const T* maps;  ///< packed, (set, slice or 1, block, coil, slot of y, re or im, column)
  fft::filter_tables<T> f;
  shape<4> image;  ///< (frame, slice, y, x)
  index_t sets, map_slices, coils, mask_frames, blocks;
  complex<T> alpha, shift;  ///< shift is alpha times the shift of the operator
  bool add;
  cg_sweep<complex<T>> cg;

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
    const index_t next_set = image.size();
    const complex<T>* in = x + offset;
    complex<T>* out = y + offset;
    const index_t image_plane = frame * slices + slice;
    const index_t map_pitch = fft::tile_rows<Tile>::numbers(ny);
    const index_t next_map = map_slices * blocks * coils * map_pitch;
    const index_t count = Soft ? sets : 1;
    const fft::tile_rows<Tile> work{tile.scratch()};
    const fft::tile_rows<Tile> source{work.re(f.scratch_rows())};
    const fft::tile_rows<Tile> sum{source.re(count * ny)};

    const bool update = cg.x != nullptr;
    const T step = update ? T(cg.alpha[image_plane / cg.planes]) : T(0);
    const T keep = update ? T(cg.beta[image_plane / cg.planes]) : T(0);
    const auto begin = [&](column c, index_t set, index_t row, index_t slot) {
      const index_t at = set * next_set + row * nx;
      L re, im;
      if (update) {
        c.load(cg.r + offset + at, valid, re, im);
        if (step != T(0) || keep != T(0)) {
          L pr, pi, xr, xi;
          c.load(cg.p + offset + at, valid, pr, pi);
          c.load(cg.x + offset + at, valid, xr, xi);
          c.store(cg.x + offset + at, valid, xr + L(step) * pr, xi + L(step) * pi);
          re = re + L(keep) * pr;
          im = im + L(keep) * pi;
        }
        c.store(cg.p + offset + at, valid, re, im);
      } else {
        c.load(in + at, valid, re, im);
      }
      source.store(c, set * ny + slot, re, im);
      sum.store(c, set * ny + slot, L(T(0)), L(T(0)));
    };
    for (index_t set = 0; set < count; ++set)
      tile.for_each(f.blocks, f.points, [&](column c, index_t b, index_t j) {
        begin(c, set, b * f.points + j, j * f.blocks + b);
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
      const T* map_of_coil = maps + plane * map_pitch;
      fft::filter(
          tile, f, mask_frames == 1 ? index_t(0) : frame, work,
          [&](column c, index_t, index_t slot, L& re, L& im) {
            const fft::tile_rows<const Tile> map{map_of_coil};
            L mr, mi, xr, xi;
            map.load(c, slot, mr, mi);
            source.load(c, slot, xr, xi);
            re = xr * mr - xi * mi;
            im = xr * mi + xi * mr;
            if constexpr (Soft) {  // nvcc 13 loses its way without these braces
              for (index_t set = 1; set < count; ++set) {
                const fft::tile_rows<const Tile> more{map_of_coil + set * next_map};
                more.load(c, slot, mr, mi);
                source.load(c, set * ny + slot, xr, xi);
                re = re + (xr * mr - xi * mi);
                im = im + (xr * mi + xi * mr);
              }
            }
          },
          [&](column c, index_t, index_t slot, const L& re, const L& im) {
            for (index_t set = 0; set < count; ++set) {
              const fft::tile_rows<const Tile> map{map_of_coil + set * next_map};
              L mr, mi, ar, ai;
              map.load(c, slot, mr, mi);
              sum.load(c, set * ny + slot, ar, ai);
              sum.store(c, set * ny + slot, ar + re * mr + im * mi, ai + im * mr - re * mi);
            }
          });
      tile.barrier();
    }
    const L alpha_re(alpha.real()), alpha_im(alpha.imag());
    const L shift_re(shift.real()), shift_im(shift.imag());
    packet_sum<L> product;
    const auto finish = [&](column c, index_t set, index_t row, index_t slot) {
      complex<T>* to = out + set * next_set + row * nx;
      L ar, ai, xr, xi;
      sum.load(c, set * ny + slot, ar, ai);
      source.load(c, set * ny + slot, xr, xi);
      L re = alpha_re * ar - alpha_im * ai + shift_re * xr - shift_im * xi;
      L im = alpha_re * ai + alpha_im * ar + shift_re * xi + shift_im * xr;
      if (add) {
        L yr, yi;
        c.load(to, valid, yr, yi);
        re = re + yr;
        im = im + yi;
      }
      c.store(to, valid, re, im);
      if (cg.partial != nullptr) product.add(re * xr + im * xi);
    };
    for (index_t set = 0; set < count; ++set)
      tile.for_each(f.blocks, f.points, [&](column c, index_t b, index_t j) {
        finish(c, set, b * f.points + j, j * f.blocks + b);
      });
    if (cg.partial != nullptr) {
      const double part = tile.sum(product.total());
      cg.partial[image_plane * blocks + block] = part;
    }
    tile.barrier();
  }
};

}  // namespace detail

/// A^H A + shift for A = line_mask * fourier * sensitivity, in one kernel. Image (frame, slice, y,
/// x), or (set, frame, slice, y, x) for A = line_mask * fourier * soft_sensitivity; x and y may be
/// the same tensor.
template <class T, ExecutionSpace Ex = default_space, int ImageRank = 4>
class sense_line_normal
    : public fused_normal<sense_line_normal<T, Ex, ImageRank>, T, ImageRank, Ex> {
  using base = linear_operator<sense_line_normal<T, Ex, ImageRank>, T, ImageRank, ImageRank, Ex>;
  using C = complex<T>;
  static constexpr int lead = ImageRank - 4;

 public:
  static constexpr const char* name = "sense_line_normal";
  static constexpr bool inplace_ok = true;

  /// mask and maps must agree in their y extents; throws shape_error otherwise.
  sense_line_normal(const line_mask<T, Ex>& mask, const sensitivity_of_rank<T, ImageRank, Ex>& maps)
      : maps_(maps),
        filter_(detail::filter_of_mask<T, Ex>(checked(mask, maps).mask(), mask.series())),
        packed_(detail::pack_maps<T>(Ex(), maps.maps(), filter_->tables().blocks)),
        id_(mask.id()) {}

  void unify(shape<ImageRank>& d, shape<ImageRank>& r) const {
    const shape<5> m = shape_of(maps_.maps());
    auto own = shape<ImageRank>::all_open();
    if constexpr (lead == 1) own[0] = m[0];
    if (filter_->patterns() != 1) own[lead] = filter_->patterns();
    if (m[1] != 1) own[lead + 1] = m[1];
    own[lead + 2] = m[3];
    own[lead + 3] = m[4];
    merge(own, d, name);
    merge(d, r, name);
  }
  void apply(const Ex& ex, view<const C, ImageRank, Ex> x, view<C, ImageRank, Ex> y,
             accumulation<C> acc) const {
    run(ex, x.data(), y, acc, {});
  }
  const void* id() const { return id_; }

  /// See cg_sweep. Systems may be single planes, frames or the whole series; with several sets only
  /// the whole series.
  bool sweeps(int batch_axes) const { return lead == 1 ? batch_axes == 0 : batch_axes <= 2; }
  index_t sweep_partials(const shape<ImageRank>& d) const {
    return d[lead] * d[lead + 1] * detail::column_blocks<T, Ex>(d[lead + 3]);
  }
  void apply_sweep(const Ex& ex, const cg_sweep<C>& sweep, view<C, ImageRank, Ex> q) const {
    run(ex, sweep.p, q, {}, sweep);
  }

 private:
  void run(const Ex& ex, const C* x, view<C, ImageRank, Ex> y, accumulation<C> acc,
           const cg_sweep<C>& sweep) const;
  template <bool Soft>
  void launch_kernel(const Ex& ex, const C* x, view<C, ImageRank, Ex> y, accumulation<C> acc,
                     const cg_sweep<C>& sweep) const;
  static const line_mask<T, Ex>& checked(const line_mask<T, Ex>& mask,
                                         const sensitivity_of_rank<T, ImageRank, Ex>& maps) {
    const index_t ny = static_cast<index_t>(mask.mask().extent(1)), my = shape_of(maps.maps())[3];
    require<shape_error>(ny == my, name, ": y: expected equal extents, found a mask of ", ny,
                         " lines and maps of ", my);
    return mask;
  }

  sensitivity_of_rank<T, ImageRank, Ex> maps_;
  std::shared_ptr<const fft::line_filter<T, Ex>> filter_;
  tensor<T, 1, Ex> packed_;
  const void* id_;
};

// Not inline: see the end of fft/plan.hpp.
template <class T, ExecutionSpace Ex, int ImageRank>
void sense_line_normal<T, Ex, ImageRank>::run(const Ex& ex, const C* x, view<C, ImageRank, Ex> y,
                                              accumulation<C> acc, const cg_sweep<C>& sweep) const {
  if constexpr (lead == 1)
    if (shape_of(maps_.maps())[0] != 1) return launch_kernel<true>(ex, x, y, acc, sweep);
  launch_kernel<false>(ex, x, y, acc, sweep);
}
template <class T, ExecutionSpace Ex, int ImageRank>
template <bool Soft>
void sense_line_normal<T, Ex, ImageRank>::launch_kernel(const Ex& ex, const C* x,
                                                        view<C, ImageRank, Ex> y,
                                                        accumulation<C> acc,
                                                        const cg_sweep<C>& sweep) const {
  const shape<ImageRank> s = shape_of(y);
  const shape<5> m = shape_of(maps_.maps());
  detail::line_normal_kernel<T, Soft> kernel;
  kernel.x = x;
  kernel.y = y.data();
  kernel.maps = packed_.data();
  kernel.f = filter_->tables();
  for (int i = 0; i < 4; ++i) kernel.image[i] = s[lead + i];
  kernel.sets = m[0];
  kernel.map_slices = m[1];
  kernel.coils = m[2];
  kernel.mask_frames = filter_->patterns();
  kernel.blocks = detail::column_blocks<T, Ex>(m[4]);
  kernel.alpha = acc.alpha;
  kernel.shift = this->shift() * acc.alpha;
  kernel.add = acc.add;
  kernel.cg = sweep;
  using rows = fft::tile_rows<launch::tile_type<T, Ex>>;
  launch::tiles<T>(ex, kernel.image[0] * kernel.image[1] * kernel.blocks,
                   filter_->scratch_numbers() + 2 * m[0] * rows::numbers(m[3]), kernel);
}
#if CARDIOMM_EXTERN_INSTANCES
extern template class sense_line_normal<float, default_space>;
extern template class sense_line_normal<double, default_space>;
extern template class sense_line_normal<float, default_space, 5>;
extern template class sense_line_normal<double, default_space, 5>;
#ifdef KOKKOS_ENABLE_SERIAL
extern template class sense_line_normal<float, Kokkos::Serial>;
extern template class sense_line_normal<double, Kokkos::Serial>;
extern template class sense_line_normal<float, Kokkos::Serial, 5>;
extern template class sense_line_normal<double, Kokkos::Serial, 5>;
#endif
#endif

template <class T, ExecutionSpace Ex>
struct gram_of<chain<line_mask<T, Ex>, fourier_op<T, 5, Ex>, sensitivity<T, Ex>>> {
  static auto make(const chain<line_mask<T, Ex>, fourier_op<T, 5, Ex>, sensitivity<T, Ex>>& a) {
    return sense_line_normal<T, Ex>(std::get<0>(a.operators()), std::get<2>(a.operators()));
  }
};
template <class T, ExecutionSpace Ex>
struct gram_of<chain<line_mask<T, Ex>, fourier_op<T, 5, Ex>, soft_sensitivity<T, Ex>>> {
  static auto make(
      const chain<line_mask<T, Ex>, fourier_op<T, 5, Ex>, soft_sensitivity<T, Ex>>& a) {
    return sense_line_normal<T, Ex, 5>(std::get<0>(a.operators()), std::get<2>(a.operators()));
  }
};

template <class T, ExecutionSpace Ex, int ImageRank>
struct specimen<sense_line_normal<T, Ex, ImageRank>> {
  using coils = sensitivity_of_rank<T, ImageRank, Ex>;
  static auto make(const Ex& ex, size_class s, std::uint64_t seed) {
    return sense_line_normal<T, Ex, ImageRank>(specimen<line_mask<T, Ex>>::make(ex, s, seed),
                                               specimen<coils>::make(ex, s, seed + 1))
        .shifted(T(0.25));
  }
  static auto domain(size_class s) { return specimen<coils>::domain(s); }
};
template <class T, ExecutionSpace Ex>
using normal_specimens = type_list<sense_line_normal<T, Ex>, sense_line_normal<T, Ex, 5>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
