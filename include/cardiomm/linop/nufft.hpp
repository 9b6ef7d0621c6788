// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_NUFFT_HPP
#define CARDIOMM_LINOP_NUFFT_HPP
/// \file
/// The Fourier transform at any positions of k-space, by Kaiser-Bessel gridding:
///
///     y(m) = 1 / sqrt(ny nx) sum_{j, i} x(j, i)
///            exp(-2 pi i (kx(m) (i - nx / 2) / nx + ky(m) (j - ny / 2) / ny))
///
/// with integer halves, so that a trajectory of all integers from -n/2 to n/2 - 1 gives `fourier`.
/// Trajectories are (frame or 1, spoke, sample, 2), the last axis is (kx, ky), x being the readout
/// axis of images, in cycles per field of view: [-nx/2, nx/2), as BART's; positions outside are
/// taken modulo n, as the sum has it.
///
///     const linop::nufft<float> f(trajectory, {ny, nx});
///     auto g = gram(f * sensitivity(maps));          // Toeplitz: no gridding (nufft_normal.hpp)
///
/// The adjoint is the exact adjoint of the approximation, and its sums have a fixed order, whatever
/// the number of threads. A plan sorts the samples; it is shared by copies.

#include "cardiomm/linop/fourier.hpp"
#include "cardiomm/linop/nufft_plan.hpp"
#include "cardiomm/linop/sensitivity.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

namespace detail {

/// Completes a geometry for coil images (frame, slice, coil, y, x), each a plane of its own.
template <class T>
nufft_geometry<T> coil_planes(nufft_geometry<T> g, const shape<5>& coils) {
  g.maps = nullptr;
  g.frames = coils[0];
  g.slices = coils[1];
  g.all_coils = coils[2];
  g.sets = g.map_slices = 1;
  return g;
}
/// Completes a geometry for images times maps.
template <class T, class Coils>
nufft_geometry<T> image_planes(nufft_geometry<T> g, const Coils& coils, index_t frames,
                               index_t slices) {
  const shape<5> m = shape_of(coils.maps());
  g.maps = coils.maps().data();
  g.frames = frames;
  g.slices = slices;
  g.all_coils = m[2];
  g.sets = m[0];
  g.map_slices = m[1];
  return g;
}

/// f(g, first) for a few planes and coils at a time, with their buffer and, if asked for, grid.
/// `first` is false where earlier coils of the same planes were handled.
template <class T, ExecutionSpace Ex, class F>
void for_nufft_planes(const Ex& ex, nufft_geometry<T> g, bool with_grid, const F& f) {
  using plane = fft::tile_plane<launch::tile_type<T, Ex>>;
  const index_t planes = g.frames * g.slices * (g.maps == nullptr ? g.all_coils : 1);
  const index_t coils = g.maps == nullptr ? 1 : g.all_coils;
  const index_t in_buffer = plane::numbers(g.rows, g.nx), in_grid = with_grid ? g.rows * g.cols : 0;
  const index_t bytes = (in_buffer + 2 * in_grid) * index_t(sizeof(T));
  index_t some_planes = 1, some_coils = coils;
  if constexpr (launch::on_host<Ex>) {  // what stays in a cache; then what keeps threads busy
    const index_t cache = index_t(2) << 20, tiles = (g.nx + plane::numbers(1, 1) - 1) / 8 + 1;
    some_coils = std::clamp<index_t>(cache / bytes, 1, coils);
    if (some_coils == coils)
      some_planes = std::max(cache / (bytes * coils), 2 * index_t(compat::concurrency(ex)) / tiles);
  } else {
    const index_t enough = index_t(1) << 28;
    some_coils = std::clamp<index_t>(enough / bytes, 1, coils);
    some_planes = enough / (bytes * coils);
  }
  some_planes = std::clamp<index_t>(some_planes, 1, std::max<index_t>(planes, 1));
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  g.buffer = scratch.template take<T>(some_planes * some_coils * in_buffer);
  g.grid = scratch.template take<complex<T>>(some_planes * some_coils * in_grid);
  for (g.first_plane = 0; g.first_plane < planes; g.first_plane += some_planes) {
    g.planes = std::min(some_planes, planes - g.first_plane);
    for (g.first_coil = 0; g.first_coil < coils; g.first_coil += some_coils) {
      g.coils = std::min(some_coils, coils - g.first_coil);
      f(g, g.first_coil == 0);
    }
  }
}

template <class T, ExecutionSpace Ex, class K>
void over_nufft_columns(const Ex& ex, const K& kernel) {
  using rows = fft::tile_rows<launch::tile_type<T, Ex>>;
  launch::tiles<T>(
      ex, kernel.g.planes * ((kernel.g.nx + rows::pitch / 2 - 1) / (rows::pitch / 2)),
      rows::numbers(kernel.g.along_y.rows) + kernel.g.sets * rows::numbers(kernel.g.ny), kernel);
}
template <class T, ExecutionSpace Ex, class K>
void over_nufft_lines(const Ex& ex, const K& kernel) {
  using rows = fft::tile_rows<launch::tile_type<T, Ex>>;
  const index_t groups = (kernel.g.rows + rows::pitch / 2 - 1) / (rows::pitch / 2);
  launch::tiles<T>(ex, kernel.g.planes * kernel.g.coils * groups,
                   rows::numbers(kernel.g.along_x.rows), kernel);
}

/// Images to samples and back, with or without maps.
template <class T, ExecutionSpace Ex>
struct nufft_engine {
  using C = complex<T>;
  std::shared_ptr<const nufft_plan<T, Ex>> plan;

  void forward(const Ex& ex, const nufft_geometry<T>& all, const C* image, C* samples,
               accumulation<C> acc) const;
  void adjoint(const Ex& ex, const nufft_geometry<T>& all, const C* samples, C* image,
               accumulation<C> acc) const;

 private:
  static index_t per_frame(const nufft_geometry<T>& g) {
    return g.slices * (g.maps == nullptr ? g.all_coils : 1);
  }
};

// Not inline: see the end of fft/plan.hpp.
template <class T, ExecutionSpace Ex>
void nufft_engine<T, Ex>::forward(const Ex& ex, const nufft_geometry<T>& all, const C* image,
                                  C* samples, accumulation<C> acc) const {
  const nufft_points<T> points = plan->points();
  const index_t chunk = 64, chunks = (points.count + chunk - 1) / chunk;
  for_nufft_planes<T>(ex, all, true, [&](const nufft_geometry<T>& g, bool) {
    over_nufft_columns<T>(ex, nufft_expand<T>{g, image});
    over_nufft_lines<T>(ex, nufft_to_grid<T>{g});
    with_nufft_width(plan->width(), [&](auto w) {
      launch::rows(ex, g.planes * g.coils * chunks, chunk,
                   nufft_interpolate<T, decltype(w)::value>{g, points, samples, per_frame(g),
                                                            chunks, chunk, acc});
    });
  });
}
template <class T, ExecutionSpace Ex>
void nufft_engine<T, Ex>::adjoint(const Ex& ex, const nufft_geometry<T>& all, const C* samples,
                                  C* image, accumulation<C> acc) const {
  const nufft_points<T> points = plan->points();
  for_nufft_planes<T>(ex, all, true, [&](const nufft_geometry<T>& g, bool first) {
    launch::segments(ex, g.planes * g.coils * g.rows * g.cols, nufft_clear<T>{g.grid});
    with_nufft_width(plan->width(), [&](auto w) {
      for (const index_t odd : {0, 1, 2, 3})
        launch::rows(ex, g.planes * g.coils * (points.tiles.size() / 4), 1,
                     nufft_spread<T, decltype(w)::value>{g, points, samples, per_frame(g), odd / 2,
                                                         odd % 2});
    });
    over_nufft_lines<T>(ex, nufft_from_grid<T>{g});
    over_nufft_columns<T>(ex,
                          nufft_combine<T>{g, nullptr, image, acc.alpha, C(0), acc.add || !first});
  });
}

}  // namespace detail

/// Coil images (frame, slice, coil, y, x) -> samples (frame, slice, coil, spoke, sample); see the
/// top of this file. One frame of the trajectory serves any number of frames.
template <class T, ExecutionSpace Ex = default_space>
class nufft : public linear_operator<nufft<T, Ex>, T, 5, 5, Ex> {
  using base = linear_operator<nufft<T, Ex>, T, 5, 5, Ex>;

 public:
  static constexpr const char* name = "nufft";

  /// \param trajectory  real, (frame or 1, spoke, sample, (kx, ky)), cycles per field of view
  /// \param image       extents (y, x) of images
  /// Throws shape_error for other shapes, value_error for options out of range and for positions
  /// that are not finite.
  template <TensorView K>
  nufft(const K& trajectory, const shape<2>& image, const nufft_options& options = {}) {
    static_assert(rank_of<K> == 4 && std::is_floating_point_v<element_of<K>>,
                  "cardiomm: nufft needs a real trajectory (frame or 1, spoke, sample, 2)");
    const auto given = to_host(trajectory);
    auto k = make_tensor<double>(host_space(), shape_of(given), "cardiomm::trajectory");
    std::copy_n(given.data(), given.size(), k.data());
    engine_.plan = std::make_shared<const detail::nufft_plan<T, Ex>>(Ex(), k, image, options);
  }

  void unify(shape<5>& d, shape<5>& r) const {
    const shape<4> k = shape_of(plan().trajectory());
    index_t frames = k[0] == 1 ? open : k[0], ny = plan().image()[0], nx = plan().image()[1];
    index_t spokes = k[1], samples = k[2];
    merge(frames, r[0], name, "frame");
    merge(d[0], r[0], name, "frame");
    merge(d[1], r[1], name, "slice");
    merge(d[2], r[2], name, "coil");
    merge(ny, d[3], name, "y");
    merge(nx, d[4], name, "x");
    merge(spokes, r[3], name, "spoke");
    merge(samples, r[4], name, "sample");
  }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    engine_.forward(ex, detail::coil_planes(plan().geometry(), shape_of(x)), x.data(), y.data(),
                    acc);
  }
  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    engine_.adjoint(ex, detail::coil_planes(plan().geometry(), shape_of(x)), y.data(), x.data(),
                    acc);
  }
  const void* id() const { return engine_.plan.get(); }
  const detail::nufft_plan<T, Ex>& plan() const { return *engine_.plan; }
  const detail::nufft_engine<T, Ex>& engine() const { return engine_; }

 private:
  detail::nufft_engine<T, Ex> engine_;
};

/// nufft * maps without coil images.
template <class T, ExecutionSpace Ex, class Coils>
requires CoilMaps<Coils>
struct fused_chain<nufft<T, Ex>, Coils> {
  static constexpr bool value = true;
  static constexpr int rank = Coils::domain_rank;
  using C = complex<T>;
  explicit fused_chain(const std::tuple<nufft<T, Ex>, Coils>& ops)
      : engine_(std::get<0>(ops).engine()), coils_(std::get<1>(ops)) {}

  void apply(const Ex& ex, view<const C, rank, Ex> x, view<C, 5, Ex> y, accumulation<C> acc) const {
    engine_.forward(ex, geometry(shape_of(y)), x.data(), y.data(), acc);
  }
  void apply_adjoint(const Ex& ex, view<const C, 5, Ex> y, view<C, rank, Ex> x,
                     accumulation<C> acc) const {
    engine_.adjoint(ex, geometry(shape_of(y)), y.data(), x.data(), acc);
  }

 private:
  detail::nufft_geometry<T> geometry(const shape<5>& samples) const {
    return detail::image_planes(engine_.plan->geometry(), coils_, samples[0], samples[1]);
  }
  detail::nufft_engine<T, Ex> engine_;
  Coils coils_;
};

namespace detail {
/// Random trajectory for specimens; one frame for all in some of them.
inline host_tensor<double, 4> random_trajectory(size_class s, std::uint64_t seed) {
  const shape<5> k = specimen_kspace(s);
  auto t = make_tensor<double>(host_space(), shape{s == size_class::odd ? k[0] : index_t(1),
                                                   index_t(3), index_t(11), index_t(2)});
  random::fill_uniform(host_space(), t, seed);
  for (std::size_t i = 0; i < t.size(); ++i)
    t.data()[i] = (t.data()[i] - 0.5) * double(i % 2 == 0 ? k[4] : k[3]);
  return t;
}
/// Options for which approximations agree to rounding.
template <class T>
constexpr nufft_options specimen_nufft_options() {
  return {std::is_same_v<T, float> ? 1e-7 : 1e-15, 2};
}
}  // namespace detail

template <class T, ExecutionSpace Ex>
struct specimen<nufft<T, Ex>> {
  static nufft<T, Ex> make(const Ex&, size_class s, std::uint64_t seed) {
    const shape<5> k = specimen_kspace(s);
    return nufft<T, Ex>(detail::random_trajectory(s, seed), shape{k[3], k[4]},
                        detail::specimen_nufft_options<T>());
  }
  static shape<5> domain(size_class s) { return specimen_kspace(s); }
};
template <class T, ExecutionSpace Ex, class Coils>
requires CoilMaps<Coils>
struct specimen<chain<nufft<T, Ex>, Coils>> {
  static auto make(const Ex& ex, size_class s, std::uint64_t seed) {
    return specimen<nufft<T, Ex>>::make(ex, s, seed) * specimen<Coils>::make(ex, s, seed + 1);
  }
  static auto domain(size_class s) { return specimen<Coils>::domain(s); }
};
template <class T, ExecutionSpace Ex>
using nufft_specimens = type_list<nufft<T, Ex>, chain<nufft<T, Ex>, sensitivity<T, Ex>>,
                                  chain<nufft<T, Ex>, soft_sensitivity<T, Ex>>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

// The gram of all of them, see the end of sensitivity.hpp.
#include "cardiomm/linop/nufft_normal.hpp"  // IWYU pragma: export

#endif
