// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_ENCODE_HPP
#define CARDIOMM_LINOP_ENCODE_HPP
/// \file
/// The chains `line_mask * fourier * sensitivity` and `point_mask * fourier * sensitivity` (one set
/// of maps or several) as pairs of kernels, forward and adjoint: multi-coil images never exist, and
/// only sampled lines are transformed along the readout. `chain` finds them by type.
///
/// Traffic in memory: the image and the maps of each plane read (written) once, the sampled lines
/// once. Workspace: the sampled lines of all coils of one plane (more planes where one would leave
/// threads idle).

#include <algorithm>
#include <memory>

#include "cardiomm/linop/encode_kernels.hpp"
#include "cardiomm/linop/fourier.hpp"
#include "cardiomm/linop/fused_normal.hpp"
#include "cardiomm/linop/sensitivity.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

namespace detail {

/// Applies the kernels of encode_kernels.hpp, a few planes at a time.
template <class T, ExecutionSpace Ex, int ImageRank>
class encode_pair {
  using C = complex<T>;
  static constexpr int lead = ImageRank - 4;
  using coils_type = sensitivity_of_rank<T, ImageRank, Ex>;

 public:
  template <class Mask>
  encode_pair(const Mask& mask, const coils_type& coils)
      : along_y_(
            std::make_shared<fft::line<T, Ex>>(Ex(), static_cast<index_t>(mask.mask().extent(1)))),
        along_x_(std::make_shared<fft::line<T, Ex>>(Ex(), shape_of(coils.maps())[4])),
        lines_(std::make_shared<sampled_lines<T, Ex>>(mask, *along_y_)),
        coils_(coils) {}

  /// y = alpha A x, or y += alpha A x. x image, y (frame, slice, coil, y, x).
  void apply(const Ex& ex, view<const C, ImageRank, Ex> x, view<C, 5, Ex> y,
             accumulation<C> acc) const;
  /// x = alpha A^H y, or x += alpha A^H y.
  void apply_adjoint(const Ex& ex, view<const C, 5, Ex> y, view<C, ImageRank, Ex> x,
                     accumulation<C> acc) const;
  /// y = alpha (A^H A + shift) x, or y += ...; x and y may be the same tensor. Point masks only.
  void apply_normal(const Ex& ex, view<const C, ImageRank, Ex> x, view<C, ImageRank, Ex> y, T shift,
                    accumulation<C> acc) const;

  const fft::line<T, Ex>& along_y() const { return *along_y_; }

 private:
  using tile = launch::tile_type<T, Ex>;

  encode_geometry<T> geometry(const shape<ImageRank>& image) const {
    encode_geometry<T> g;
    const shape<5> m = shape_of(coils_.maps());
    g.along_y = along_y_->stages();
    g.along_x = along_x_->stages();
    g.lines = lines_->list();
    g.maps = coils_.maps().data();
    g.frames = image[lead];
    g.slices = image[lead + 1];
    g.coils = m[2];
    g.ny = m[3];
    g.nx = m[4];
    g.sets = m[0];
    g.map_slices = m[1];
    g.scale = static_cast<T>(1 / std::sqrt(static_cast<double>(g.ny * g.nx)));
    return g;
  }
  /// f(g) for a few planes at a time, with a buffer for their sampled lines.
  template <class F>
  void for_planes(const Ex& ex, encode_geometry<T> g, const F& f) const {
    const index_t all = g.frames * g.slices;
    const index_t numbers = g.coils * fft::tile_plane<tile>::numbers(g.lines.most, g.nx);
    index_t some;
    if constexpr (launch::on_host<Ex>) {
      const index_t tiles = column_blocks<T, Ex>(g.nx);
      some = (4 * static_cast<index_t>(compat::concurrency(ex)) + tiles - 1) / tiles;
    } else {  // a quarter of a gigabyte keeps any device busy
      some = (index_t(1) << 28) / (std::max<index_t>(numbers, 1) * index_t(sizeof(T)));
    }
    some = std::clamp<index_t>(some, 1, std::max<index_t>(all, 1));
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    g.buffer = scratch.template take<T>(some * numbers);
    for (g.first_plane = 0; g.first_plane < all; g.first_plane += some) {
      g.planes = std::min(some, all - g.first_plane);
      f(g);
    }
  }
  template <class K>
  void over_columns(const Ex& ex, const K& kernel) const {
    using rows = fft::tile_rows<tile>;
    launch::tiles<T>(ex, kernel.g.planes * column_blocks<T, Ex>(kernel.g.nx),
                     along_y_->scratch_numbers() + kernel.g.sets * rows::numbers(kernel.g.ny),
                     kernel);
  }
  template <class K>
  void over_lines(const Ex& ex, const K& kernel) const {
    launch::tiles<T>(ex, kernel.g.planes * kernel.g.coils * kernel.g.lines.groups,
                     along_x_->scratch_numbers(), kernel);
  }

  std::shared_ptr<const fft::line<T, Ex>> along_y_, along_x_;
  std::shared_ptr<const sampled_lines<T, Ex>> lines_;
  coils_type coils_;
};

// Not inline: see the end of fft/plan.hpp.
template <class T, ExecutionSpace Ex, int ImageRank>
void encode_pair<T, Ex, ImageRank>::apply(const Ex& ex, view<const C, ImageRank, Ex> x,
                                          view<C, 5, Ex> y, accumulation<C> acc) const {
  if (acc.add) {  // the sum needs the old values line by line; the rare case pays with memory
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const auto result = scratch.template tensor<C>(shape_of(y));
    apply(ex, x, result, {});
    copy_into(ex, result, y, acc);
    return;
  }
  encode_geometry<T> all = geometry(shape_of(x));
  launch::rows(ex, all.frames * all.slices * all.coils * all.ny, all.nx,
               clear_lines<T>{all, y.data()});
  for_planes(ex, all, [&](const encode_geometry<T>& g) {
    over_columns(ex, expand_columns<T>{g, x.data()});
    over_lines(ex, scatter_lines<T>{g, y.data(), g.scale * acc.alpha});
  });
}

template <class T, ExecutionSpace Ex, int ImageRank>
void encode_pair<T, Ex, ImageRank>::apply_adjoint(const Ex& ex, view<const C, 5, Ex> y,
                                                  view<C, ImageRank, Ex> x,
                                                  accumulation<C> acc) const {
  for_planes(ex, geometry(shape_of(x)), [&](const encode_geometry<T>& g) {
    over_lines(ex, gather_lines<T>{g, y.data()});
    over_columns(ex, combine_columns<T>{g, nullptr, x.data(), g.scale * acc.alpha, C(0), acc.add});
  });
}

template <class T, ExecutionSpace Ex, int ImageRank>
void encode_pair<T, Ex, ImageRank>::apply_normal(const Ex& ex, view<const C, ImageRank, Ex> x,
                                                 view<C, ImageRank, Ex> y, T shift,
                                                 accumulation<C> acc) const {
  for_planes(ex, geometry(shape_of(x)), [&](const encode_geometry<T>& g) {
    over_columns(ex, expand_columns<T>{g, x.data()});
    over_lines(ex, filter_lines<T>{g});
    over_columns(ex, combine_columns<T>{g, x.data(), y.data(), g.scale * g.scale * acc.alpha,
                                        shift * acc.alpha, acc.add});
  });
}

}  // namespace detail

#if CARDIOMM_EXTERN_INSTANCES
#define CARDIOMM_EXTERN_ENCODE(Space)                          \
  extern template class detail::encode_pair<float, Space, 4>;  \
  extern template class detail::encode_pair<double, Space, 4>; \
  extern template class detail::encode_pair<float, Space, 5>;  \
  extern template class detail::encode_pair<double, Space, 5>;
CARDIOMM_EXTERN_ENCODE(default_space)
#ifdef KOKKOS_ENABLE_SERIAL
CARDIOMM_EXTERN_ENCODE(Kokkos::Serial)
#endif
#undef CARDIOMM_EXTERN_ENCODE
#endif

template <class M>
concept CartesianMask = OperatorLike<M> &&
    (std::same_as<M, line_mask<typename M::real_type, typename M::execution_space>> ||
     std::same_as<M, point_mask<typename M::real_type, typename M::execution_space>>);
template <class S>
concept CoilMaps = OperatorLike<S> && std::same_as<
    S, sensitivity_of_rank<typename S::real_type, S::domain_rank, typename S::execution_space>>;

/// The kernels of mask * fourier * maps.
template <class Mask, class T, ExecutionSpace Ex, class Coils>
requires CartesianMask<Mask> && CoilMaps<Coils>
struct fused_chain<Mask, fourier_op<T, 5, Ex>, Coils>
    : detail::encode_pair<T, Ex, Coils::domain_rank> {
  static constexpr bool value = true;
  explicit fused_chain(const std::tuple<Mask, fourier_op<T, 5, Ex>, Coils>& ops)
      : detail::encode_pair<T, Ex, Coils::domain_rank>(std::get<0>(ops), std::get<2>(ops)) {}
};

/// The four encodings, for the shared property checks.
template <class Mask, class T, ExecutionSpace Ex, class Coils>
requires CartesianMask<Mask> && CoilMaps<Coils>
struct specimen<chain<Mask, fourier_op<T, 5, Ex>, Coils>> {
  static auto make(const Ex& ex, size_class s, std::uint64_t seed) {
    return chain<Mask, fourier_op<T, 5, Ex>, Coils>(specimen<Mask>::make(ex, s, seed), {},
                                                    specimen<Coils>::make(ex, s, seed + 1));
  }
  static auto domain(size_class s) { return specimen<Coils>::domain(s); }
};
template <class T, ExecutionSpace Ex>
using encode_specimens =
    type_list<chain<line_mask<T, Ex>, fourier_op<T, 5, Ex>, sensitivity<T, Ex>>,
              chain<point_mask<T, Ex>, fourier_op<T, 5, Ex>, sensitivity<T, Ex>>,
              chain<line_mask<T, Ex>, fourier_op<T, 5, Ex>, soft_sensitivity<T, Ex>>,
              chain<point_mask<T, Ex>, fourier_op<T, 5, Ex>, soft_sensitivity<T, Ex>>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

// The gram of a point encoding, see the end of sensitivity.hpp.
#include "cardiomm/linop/normal_point.hpp"  // IWYU pragma: export

#endif
