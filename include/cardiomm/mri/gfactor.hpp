// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_GFACTOR_HPP
#define CARDIOMM_MRI_GFACTOR_HPP
/// \file
/// Noise of reconstructed images and the g-factor of parallel imaging (Pruessmann et al., MRM 42
/// (1999); Breuer et al., MRM 62 (2009); Robson et al., MRM 60 (2008) for replicas).
///
/// All noise here is white and of unit variance, E |n|^2 = 1 for every sample of every coil: what
/// `prewhiten` makes, with maps that were whitened as well. A noise map holds the standard
/// deviation of the complex image; then
///
///     g = deviation * |s| / sqrt(R),     |s|^2 = sum over coils |s_c|^2,
///
/// because 1 / |s| is the deviation of a fully sampled image. R is the true acceleration: all
/// samples of a frame over the sampled ones, centre lines included.

#include <map>

#include "cardiomm/core/random.hpp"
#include "cardiomm/mri/detail/gfactor_kernels.hpp"
#include "cardiomm/mri/grappa.hpp"
#include "cardiomm/mri/reconstruct.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

namespace detail {
/// exp(2 pi i j / n), j = 0 .. n - 1.
template <class T, ExecutionSpace Ex>
tensor<complex<T>, 1, Ex> turns(const Ex& ex, index_t n) {
  const auto t = make_tensor<complex<T>>(host_space(), shape{n});
  for (index_t j = 0; j < n; ++j) {
    const double a = 6.283185307179586476925 * double(j) / double(n);
    t(j) = complex<T>(T(std::cos(a)), T(std::sin(a)));
  }
  return to_space(ex, t);
}

/// The lines (frame or 1, y) of a mask; throws where it does not consist of lines.
inline host_tensor<std::uint8_t, 2> noise_lines(const char* what,
                                                const host_tensor<std::uint8_t, 3>& mask,
                                                index_t ny, index_t nx) {
  const shape<3> m = shape_of(mask);
  require<shape_error>(m[0] >= 1 && m[1] == ny && m[2] == nx, what,
                       ": mask: expected (frame or 1, y, x) of ", ny, " x ", nx, ", found ", m);
  const auto lines = line_pattern(mask);
  require(lines.has_value(), what,
          ": mask: expected whole lines; for single samples use pseudo_replica");
  for (index_t f = 0; f < m[0]; ++f)
    require(std::any_of(lines->data() + f * ny, lines->data() + (f + 1) * ny,
                        [](auto v) { return v != 0; }),
            what, ": mask: frame ", f, ": expected at least one line, found none");
  return *lines;
}

/// Frames with equal lines: the first frame of every frame's pattern.
inline std::vector<index_t> first_alike(const host_tensor<std::uint8_t, 2>& lines) {
  std::map<std::vector<std::uint8_t>, index_t> known;
  std::vector<index_t> first;
  const auto ny = static_cast<index_t>(lines.extent(1));
  for (index_t f = 0; f < static_cast<index_t>(lines.extent(0)); ++f)
    first.push_back(
        known
            .emplace(std::vector<std::uint8_t>(lines.data() + f * ny, lines.data() + (f + 1) * ny),
                     f)
            .first->second);
  return first;
}
}  // namespace detail

/// Noise of SENSE images, (E^H E + lambda)^-1 E^H y, exactly: the deviation (frame, slice, y, x).
/// With lambda = 0 and every R-th line this is the formula of folded pixels; other patterns of
/// lines, centre lines and lambda are as exact. Frames are those of the mask.
///
/// \param mask    0/1 (frame or 1, y, x) of whole lines
/// \param maps    (1, slice, coil, y, x)
/// \param lambda  as of `sense`
template <ExecutionSpace Ex, TensorView M>
auto sense_noise(const Ex& ex, const host_tensor<std::uint8_t, 3>& mask, const M& maps,
                 double lambda = 0) -> tensor<real_of<element_of<M>>, 4, Ex> {
  using C = element_of<M>;
  using T = real_of<C>;
  using L = lane<T, Ex>;
  using kernel = detail::sense_noise_kernel<T, L>;
  static_assert(rank_of<M> == 5, "sense_noise: expected maps (1, slice, coil, y, x)");
  const shape<5> m = shape_of(maps);
  require<shape_error>(m[0] == 1 && m.size() > 0,
                       "sense_noise: maps: expected one set (1, slice, coil, y, x), found ", m);
  require(lambda >= 0 && lambda < 1e6, "sense_noise: lambda: expected at least 0, found ", lambda);
  const auto lines = detail::noise_lines("sense_noise", mask, m[3], m[4]);
  const auto first = detail::first_alike(lines);
  const index_t frames = static_cast<index_t>(first.size()), pixels = m[3] * m[4];
  auto out = make_tensor<T>(ex, shape{frames, m[1], m[3], m[4]}, "cardiomm::sense_noise");
  const index_t items = (m[4] + kernel::W - 1) / kernel::W, each = kernel::scratch(m[2], m[3]);
  const index_t most =
      std::max<index_t>(1, std::min(items, (index_t(256) << 20) / (each * index_t(sizeof(T)))));
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  T* room = scratch.template take<T>(most * each);
  for (index_t f = 0; f < frames; ++f) {
    const index_t same = first[static_cast<std::size_t>(f)];
    if (same != f) {
      Kokkos::deep_copy(ex, slice(out, f), slice(out, same));
      continue;
    }
    const auto psf = make_tensor<C>(host_space(), shape{m[3]});
    for (index_t d = 0; d < m[3]; ++d) {
      double re = 0, im = 0;
      for (index_t k = 0; k < m[3]; ++k)
        if (lines(f, k)) {
          const auto w = fft::unit_root((k - m[3] / 2) * d, m[3]);
          re += w.real();
          im -= w.imag();
        }
      psf(d) = C(T(re / double(m[3])), T(im / double(m[3])));
    }
    const auto on_device = to_space(ex, psf);
    for (index_t z = 0; z < m[1]; ++z)
      for (index_t i = 0; i < items; i += most)
        launch::rows(
            ex, std::min(most, items - i), 1,
            kernel{maps.data() + z * m[2] * pixels, on_device.data(),
                   out.data() + (f * m[1] + z) * pixels, room, m[2], m[3], m[4], i, T(lambda)});
    ex.fence();
  }
  return out;
}

/// Noise of GRAPPA images of one slice, combined by maps, x = sum conj(s_c) x_c / |s|^2: the
/// deviation (frame, y, x) over the frames that the kernels were made for. Every measured sample's
/// share of the image is known from the kernels; what is neglected is that kernels are cut at both
/// ends of the readout.
///
/// \param kernels  the kernels; measured centre lines count as measured
/// \param lines    0/1 (frame or 1, y), as the kernels were made with
/// \param maps     (1, slice or 1, coil, y, x), of which `slice` is used
template <class T, ExecutionSpace Ex, TensorView M>
auto grappa_noise(const Ex& ex, const grappa_kernels<T, Ex>& kernels,
                  const host_tensor<std::uint8_t, 2>& lines, const M& maps, index_t slice = 0)
    -> tensor<T, 3, Ex> {
  using C = complex<T>;
  using L = lane<T, Ex>;
  constexpr index_t W = lane_traits<L>::width;
  const shape<5> m = shape_of(maps);
  const shape<2> pattern = shape_of(lines);
  require<shape_error>(
      m[0] == 1 && m[2] == kernels.coils() && m[3] == pattern[1] && slice >= 0 && slice < m[1],
      "grappa_noise: maps: expected (1, slice, coil, y, x) of ", kernels.coils(), " coils, ",
      pattern[1], " lines and more than ", slice, " slices, found ", m);
  const auto& plan = kernels.plan();
  require<shape_error>(static_cast<index_t>(plan.frame_start.size()) == pattern[0] + 1,
                       "grappa_noise: lines: expected the ", plan.frame_start.size() - 1,
                       " frames of the kernels, found ", pattern);
  const index_t coils = m[2], ny = m[3], nx = m[4], pixels = ny * nx;
  const index_t kx = kernels.options().kernel_x;
  const auto combine = make_tensor<C>(ex, shape{coils, ny, nx});
  launch::segments(ex, pixels,
                   detail::combination_kernel<C>{maps.data() + slice * coils * pixels,
                                                 combine.data(), coils, pixels});
  const auto turns_y = detail::turns<T>(ex, ny), turns_x = detail::turns<T>(ex, nx);
  auto out = make_tensor<T>(ex, shape{pattern[0], ny, nx}, "cardiomm::grappa_noise");
  Kokkos::deep_copy(ex, out, T(0));
  const auto first = detail::first_alike(lines);
  const index_t items = (nx + W - 1) / W;
  for (index_t f = 0; f < pattern[0]; ++f) {
    const index_t same = first[static_cast<std::size_t>(f)];
    if (same != f) {
      Kokkos::deep_copy(ex, cardiomm::slice(out, f), cardiomm::slice(out, same));
      continue;
    }
    // Measured lines that make the same lines around them in the same way count together.
    using use = std::array<index_t, 3>;  // distance, kernel, which source of it
    std::map<index_t, std::vector<use>> used;
    std::map<std::pair<index_t, index_t>, index_t> line_of;
    for (index_t y = 0; y < ny; ++y)
      if (lines(f, y)) used[y];
    for (index_t i = plan.frame_start[std::size_t(f)]; i < plan.frame_start[std::size_t(f) + 1];
         ++i) {
      const auto& l = plan.lines[static_cast<std::size_t>(i)];
      for (index_t s = 0; s < l.lines; ++s) {
        const index_t y = plan.sources[static_cast<std::size_t>(l.first + s)];
        used[y].push_back({l.target - y, l.weights, s});
        line_of[{l.weights, s}] = i;
      }
    }
    std::map<std::vector<use>, index_t> classes;
    for (auto& [y, list] : used) {
      std::sort(list.begin(), list.end());
      ++classes[list];
    }
    for (const auto& [list, count] : classes) {
      const index_t each = coils * kx * coils, uses = static_cast<index_t>(list.size());
      const auto w = make_tensor<C>(host_space(), shape{std::max<index_t>(1, uses * each)});
      const auto u =
          make_tensor<detail::grappa_use>(host_space(), shape{std::max<index_t>(1, uses)});
      for (index_t j = 0; j < uses; ++j) {
        const auto& [distance, target, source] = list[static_cast<std::size_t>(j)];
        u(j) = {distance, j * each};
        const index_t line = line_of[{target, source}];
        for (index_t d = 0; d < coils; ++d)
          for (index_t i = 0; i < kx; ++i)
            for (index_t c = 0; c < coils; ++c)
              w(j * each + (d * kx + i) * coils + c) = kernels.weight(line, source, d, i, c);
      }
      const auto weights = to_space(ex, w);
      const auto where = to_space(ex, u);
      typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
      T* room =
          scratch.template take<T>(items * std::max<index_t>(1, uses) * coils * coils * 2 * W);
      launch::rows(ex, items, 1,
                   detail::grappa_noise_kernel<T, L>{combine.data(), weights.data(), where.data(),
                                                     turns_y.data(), turns_x.data(),
                                                     out.data() + f * pixels, room, uses, coils, ny,
                                                     nx, kx, T(double(count) / double(ny))});
      ex.fence();
    }
    launch::segments(ex, pixels, detail::root_kernel<T>{out.data() + f * pixels});
    ex.fence();
  }
  return out;
}

/// How replicas are made.
struct replica_options {
  index_t replicas = 300;
  std::uint64_t seed = 1;
};

/// Noise of any reconstruction by pseudo multiple replicas: noise of unit variance is added to the
/// sampled points again and again. The same numbers for every space and number of threads.
///
/// \param kspace       (frame, slice, coil, y, x); zeros where the reconstruction is linear
/// \param mask         0/1 (frame or 1, y, x) on the host
/// \param reconstruct  reconstruct(k-space) returns a tensor of any rank
/// \return the standard deviation of every pixel
template <ExecutionSpace Ex, TensorView K, class F>
auto pseudo_replica(const Ex& ex, const K& kspace, const host_tensor<std::uint8_t, 3>& mask,
                    const F& reconstruct, const replica_options& options = {}) {
  using C = element_of<K>;
  static_assert(rank_of<K> == 5, "pseudo_replica: expected k-space (frame, slice, coil, y, x)");
  using image = std::decay_t<decltype(reconstruct(std::declval<tensor<C, 5, Ex>>()))>;
  using T = real_of<element_of<image>>;
  const shape<5> k = shape_of(kspace);
  const shape<3> m = shape_of(mask);
  require<shape_error>((m[0] == 1 || m[0] == k[0]) && m[1] == k[3] && m[2] == k[4],
                       "pseudo_replica: mask: expected (frame or 1, y, x) = ",
                       shape{k[0], k[3], k[4]}, ", found ", m);
  require(options.replicas >= 2, "pseudo_replica: replicas: expected at least 2, found ",
          options.replicas);
  const auto sampled = to_space(ex, mask);
  const auto noisy = make_tensor<C>(ex, k, "cardiomm::replica");
  tensor<complex<double>, 1, Ex> sum;
  tensor<double, 1, Ex> square;
  tensor<T, rank_of<image>, Ex> out;
  for (index_t r = 0; r < options.replicas; ++r) {
    launch::rows(ex, k[0] * k[1] * k[2] * k[3], k[4],
                 detail::replica_kernel<C>{kspace.data(), noisy.data(), sampled.data(), k[1] * k[2],
                                           k[3], k[4], m[0], options.seed, std::uint64_t(r)});
    const image x = reconstruct(noisy);
    const auto size = static_cast<index_t>(x.size());
    if (r == 0) {
      sum = zeros<complex<double>>(ex, shape{size});
      square = zeros<double>(ex, shape{size});
      out = make_tensor<T>(ex, shape_of(x), "cardiomm::deviation");
    }
    launch::segments(
        ex, size,
        detail::replica_sum_kernel<element_of<image>>{x.data(), sum.data(), square.data()});
    ex.fence();
  }
  launch::segments(ex, static_cast<index_t>(out.size()),
                   detail::replica_deviation_kernel<T>{sum.data(), square.data(), out.data(),
                                                       double(options.replicas)});
  ex.fence();
  return out;
}

/// The g-factor of a noise map; see the top of this file.
///
/// \param deviation  (frame, slice, y, x)
/// \param mask       0/1 (frame or 1, y, x) on the host
/// \param maps       (1, slice or 1, coil, y, x)
/// \return g (frame, slice, y, x); 0 where no coil sees anything
template <ExecutionSpace Ex, TensorView D, TensorView M>
auto gfactor(const Ex& ex, const D& deviation, const host_tensor<std::uint8_t, 3>& mask,
             const M& maps) -> tensor<real_of<element_of<M>>, 4, Ex> {
  static_assert(rank_of<D> == 4 && rank_of<M> == 5,
                "gfactor: expected a noise map (frame, slice, y, x) and maps of rank 5");
  using C = element_of<M>;
  using T = real_of<C>;
  const shape<4> d = shape_of(deviation);
  const shape<5> m = shape_of(maps);
  const shape<3> w = shape_of(mask);
  require<shape_error>(m[0] == 1 && (m[1] == 1 || m[1] == d[1]) && m[3] == d[2] && m[4] == d[3],
                       "gfactor: maps: expected (1, slice or 1, coil, y, x) of a noise map ", d,
                       ", found ", m);
  require<shape_error>((w[0] == 1 || w[0] == d[0]) && w[1] == d[2] && w[2] == d[3],
                       "gfactor: mask: expected (frame or 1, y, x) of a noise map ", d, ", found ",
                       w);
  auto g = make_tensor<T>(ex, d, "cardiomm::gfactor");
  const index_t pixels = d[2] * d[3];
  for (index_t f = 0; f < d[0]; ++f) {
    const std::uint8_t* frame = mask.data() + (w[0] == 1 ? 0 : f) * pixels;
    const auto sampled =
        std::count_if(frame, frame + pixels, [](std::uint8_t v) { return v != 0; });
    for (index_t z = 0; z < d[1]; ++z)
      launch::segments(ex, pixels,
                       detail::gfactor_kernel<C>{deviation.data() + (f * d[1] + z) * pixels,
                                                 maps.data() + (m[1] == 1 ? 0 : z) * m[2] * pixels,
                                                 g.data() + (f * d[1] + z) * pixels, m[2], pixels,
                                                 T(std::sqrt(double(sampled) / double(pixels)))});
  }
  ex.fence();
  return g;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
