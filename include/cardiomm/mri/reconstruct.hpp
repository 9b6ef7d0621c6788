// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_RECONSTRUCT_HPP
#define CARDIOMM_MRI_RECONSTRUCT_HPP
/// \file
/// Cartesian reconstructions of k-space (frame, slice, coil, y, x), centred, orthonormal, DC at
/// n/2.

#include <algorithm>
#include <functional>
#include <vector>

#include "cardiomm/core/profile.hpp"
#include "cardiomm/linop/crop.hpp"
#include "cardiomm/mri/encoding.hpp"
#include "cardiomm/mri/mask.hpp"
#include "cardiomm/solve/cg.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

namespace detail {
/// mask(f, y, x) = 1 where any slice or coil has a sample
template <class C>
struct sampled_kernel {
  static constexpr const char* name = "cardiomm::mri::sampling_of";
  const C* kspace;
  std::uint8_t* mask;
  shape<5> s;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t f = row / s[3], y = row % s[3], planes = s[1] * s[2];
    std::uint8_t* out = mask + row * s[4];
    for (index_t x = first; x < last; ++x) out[x] = 0;
    for (index_t p = 0; p < planes; ++p) {
      const C* in = kspace + ((f * planes + p) * s[3] + y) * s[4];
      for (index_t x = first; x < last; ++x)
        out[x] |= std::uint8_t(!(in[x].real() == 0 && in[x].imag() == 0));
    }
  }
};

/// image(y, x) = sqrt(sum over coils of |coils(c, y, x)|^2) of one frame and slice
template <class C>
struct rss_kernel {
  static constexpr const char* name = "cardiomm::mri::rss";
  const C* coils;
  real_of<C>* image;
  index_t count, pixels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      real_of<C> s = 0;
      for (index_t c = 0; c < count; ++c) s += abs2(coils[c * pixels + i]);
      image[i] = math::sqrt(s);
    }
  }
};
}  // namespace detail

/// Where k-space was sampled, from its zeros: 0/1 (frame, y, x) on the host; a sample counts if it
/// is not zero in any slice or coil.
template <ExecutionSpace Ex, TensorView K>
host_tensor<std::uint8_t, 3> sampling_of(const Ex& ex, const K& kspace) {
  const shape<5> s = shape_of(kspace);
  auto mask = make_tensor<std::uint8_t>(ex, shape{s[0], s[3], s[4]}, "cardiomm::sampling");
  launch::rows(ex, s[0] * s[3], s[4],
               detail::sampled_kernel<element_of<K>>{kspace.data(), mask.data(), s});
  ex.fence();
  return to_host(mask);
}

/// Root sum of squares over coils of the inverse transform; (frame, slice, y, x), real.
template <ExecutionSpace Ex, TensorView K>
auto rss(const Ex& ex, const K& kspace) {
  using C = element_of<K>;
  using T = real_of<C>;
  const shape<5> s = shape_of(kspace);
  auto image = make_tensor<T>(ex, shape{s[0], s[1], s[3], s[4]}, "cardiomm::rss");
  auto coils = make_tensor<C>(ex, shape{index_t(1), s[1], s[2], s[3], s[4]}, "cardiomm::rss");
  const linop::fourier_op<T, 5, Ex> transform;
  for (index_t f = 0; f < s[0]; ++f) {
    const auto frame = borrow(ex, kspace.data() + f * coils.size(), shape_of(coils));
    linop::apply_adjoint(ex, transform, frame, coils);
    const index_t pixels = s[3] * s[4];
    for (index_t z = 0; z < s[1]; ++z)
      launch::segments(ex, pixels,
                       detail::rss_kernel<C>{coils.data() + z * s[2] * pixels,
                                             image.data() + (f * s[1] + z) * pixels, s[2], pixels});
  }
  ex.fence();
  return image;
}

/// Removes twofold readout oversampling: keeps the centre nx/2 of the image's readout.
/// kspace (frame, slice, coil, y, x) -> (frame, slice, coil, y, x / 2).
template <ExecutionSpace Ex, TensorView K>
auto crop_readout(const Ex& ex, const K& kspace) {
  using C = element_of<K>;
  using T = real_of<C>;
  const shape<5> s = shape_of(kspace);
  require<shape_error>(s[4] >= 2, "crop_readout: expected at least 2 readout samples, found ",
                       s[4]);
  const linop::fourier_op<T, 5, Ex, linop::along_x> readout;
  const linop::crop<T, 5, Ex> half({{open, open, open, open, s[4]}},
                                   {{open, open, open, open, s[4] / 2}});
  return linop::evaluate(ex, readout * half * linop::adjoint(readout), kspace);
}

/// How `sense` solves.
struct sense_options {
  double lambda = 0.01;  ///< weight of 1/2 |x|^2 beside 1/2 |A x - y|^2, unit-norm maps
  int iterations = 30;
  double tolerance = 0;  ///< relative residual at which a system stops; 0 never
  bool joint = false;    ///< one system of all frames and slices, as BART; else one for each
  int check_every = 4;
  solve::monitor monitor{};
  /// With `joint`, where several processes hold frames or slices of one series; see
  /// solve::cg_options::sum.
  std::function<void(double* numbers, index_t count)> sum{};
  /// Mask (frame, y, x) of the whole series where only some frames of it are given: their images
  /// are the same, bit for bit, as among all frames. Left out: these are all.
  host_tensor<std::uint8_t, 3> series{};
};

/// An image series and how its solver ended.
template <class C, ExecutionSpace Ex>
struct sense_result {
  tensor<C, 5, Ex> image;  ///< (set, frame, slice, y, x)
  solve::report report;
};

namespace detail {

template <class A, TensorView K, TensorView X>
solve::report solve_sense(const typename A::execution_space& ex, const A& a, const K& kspace,
                          const X& x, const sense_options& o, int batch_axes) {
  typename workspace<typename A::execution_space>::frame scratch(
      workspace<typename A::execution_space>::of(ex));
  const auto b = scratch.template tensor<linop::value_of<A>>(shape_of(x));
  linop::apply_adjoint(ex, a, kspace, b);
  solve::cg_options c;
  c.iterations = o.iterations;
  c.tolerance = o.tolerance;
  c.batch_axes = o.joint ? 0 : batch_axes;
  c.zero_start = true;
  c.check_every = o.check_every;
  c.monitor = o.monitor;
  if (o.joint) c.sum = o.sum;
  return solve::cg_in_place(ex, linop::gram(a) + o.lambda * linop::identity, b, x, c);
}

/// One frame of a mask (frame or 1, y, x).
inline host_tensor<std::uint8_t, 3> mask_frame(const host_tensor<std::uint8_t, 3>& mask,
                                               index_t frame) {
  auto one = make_tensor<std::uint8_t>(
      host_space(), shape{index_t(1), index_t(mask.extent(1)), index_t(mask.extent(2))});
  const index_t f = mask.extent(0) == 1 ? 0 : frame;
  std::copy_n(mask.data() + f * index_t(one.size()), one.size(), one.data());
  return one;
}

/// The lines (frame, y) of those frames that consist of whole lines.
inline host_tensor<std::uint8_t, 2> line_frames(const host_tensor<std::uint8_t, 3>& mask) {
  std::vector<host_tensor<std::uint8_t, 2>> found;
  for (index_t f = 0; f < static_cast<index_t>(mask.extent(0)); ++f)
    if (const auto lines = line_pattern(mask_frame(mask, f))) found.push_back(*lines);
  const auto all = make_tensor<std::uint8_t>(
      host_space(),
      shape{static_cast<index_t>(found.size()), static_cast<index_t>(mask.extent(1))});
  for (std::size_t f = 0; f < found.size(); ++f)
    std::copy_n(found[f].data(), found[f].size(), all.data() + f * found[f].size());
  return all;
}

/// Calls f with the sampling operator of a mask: whole lines where it consists of them. `series` is
/// the mask of the whole series, or empty; of one joint system all parts are handled alike.
template <class T, ExecutionSpace Ex, class F>
auto with_sampling(const host_tensor<std::uint8_t, 3>& mask, F&& f,
                   const host_tensor<std::uint8_t, 3>& series = {}, bool joint = false) {
  const auto lines = line_pattern(mask);
  const bool part = series.size() > 0;
  if (!lines || (part && joint && !line_pattern(series))) return f(linop::point_mask<T, Ex>(mask));
  if (part) return f(linop::line_mask<T, Ex>(*lines, line_frames(series)));
  return f(linop::line_mask<T, Ex>(*lines));
}

/// Throws shape_error or value_error if mask or maps do not fit k-space.
template <TensorView K, TensorView M>
void check_encoding(const K& kspace, const host_tensor<std::uint8_t, 3>& mask, const M& maps) {
  const shape<5> k = shape_of(kspace), m = shape_of(maps);
  const shape<3> w = shape_of(mask);
  require<shape_error>(k.size() > 0, "reconstruct: k-space: expected samples, found shape ", k);
  require<shape_error>((w[0] == 1 || w[0] == k[0]) && w[1] == k[3] && w[2] == k[4],
                       "reconstruct: mask: expected (frame or 1, y, x) = ", shape{k[0], k[3], k[4]},
                       ", found ", w);
  require<shape_error>((m[1] == 1 || m[1] == k[1]) && m[2] == k[2] && m[3] == k[3] && m[4] == k[4],
                       "reconstruct: maps: expected (set, slice or 1, coil, y, x) = ",
                       shape{m[0], k[1], k[2], k[3], k[4]}, ", found ", m);
  require(
      std::any_of(mask.data(), mask.data() + mask.size(), [](std::uint8_t v) { return v != 0; }),
      "reconstruct: mask: expected at least one sample, found none");
}
}  // namespace detail

/// Zero-filled image A^H y, combined over coils with conjugate maps. Arguments as `sense`.
template <ExecutionSpace Ex, TensorView K, TensorView M>
auto zero_filled(const Ex& ex, const K& kspace, const host_tensor<std::uint8_t, 3>& mask,
                 const M& maps) {
  using C = element_of<K>;
  using T = real_of<C>;
  detail::check_encoding(kspace, mask, maps);
  const shape<5> k = shape_of(kspace);
  auto image = make_tensor<C>(ex, shape{index_t(maps.extent(0)), k[0], k[1], k[3], k[4]},
                              "cardiomm::zero_filled");
  detail::with_sampling<T, Ex>(mask, [&](const auto& sampling) {
    linop::apply_adjoint(ex, encoding(sampling, linop::soft_sensitivity<T, Ex>(maps)), kspace,
                         image);
  });
  ex.fence();
  return image;
}

/// CG-SENSE (Pruessmann et al. 2001) from zero: minimises 1/2 |A x - y|^2 + lambda/2 |x|^2 over the
/// image x with A = sampling * fourier * maps; no rescaling of the data. With several sets of maps
/// (soft-SENSE) the sets of a frame are solved together.
///
/// \param kspace  (frame, slice, coil, y, x), any scale
/// \param mask    0/1 (frame or 1, y, x) on the host
/// \param maps    (set, slice or 1, coil, y, x), unitless
/// \return image (set, frame, slice, y, x) in units of k-space
/// Throws shape_error and value_error for arguments that do not fit each other.
template <ExecutionSpace Ex, TensorView K, TensorView M>
auto sense(const Ex& ex, const K& kspace, const host_tensor<std::uint8_t, 3>& mask, const M& maps,
           const sense_options& options = {}) {
  using C = element_of<K>;
  using T = real_of<C>;
  const profile_region region("cardiomm::mri::sense");
  detail::check_encoding(kspace, mask, maps);
  require(options.lambda >= 0, "sense: lambda: expected at least 0, found ", options.lambda);
  const shape<5> k = shape_of(kspace);
  const index_t sets = static_cast<index_t>(maps.extent(0));
  sense_result<C, Ex> out;
  out.image = zeros<C>(ex, shape{sets, k[0], k[1], k[3], k[4]}, "cardiomm::sense");
  if (sets == 1) {
    const auto image = reshape(out.image, shape{k[0], k[1], k[3], k[4]});
    detail::with_sampling<T, Ex>(
        mask,
        [&](const auto& sampling) {
          out.report = detail::solve_sense(ex, encoding(sampling, linop::sensitivity<T, Ex>(maps)),
                                           kspace, image, options, 2);
        },
        options.series, options.joint);
  } else if (options.joint || (k[0] == 1 && k[1] == 1)) {
    detail::with_sampling<T, Ex>(
        mask,
        [&](const auto& sampling) {
          out.report =
              detail::solve_sense(ex, encoding(sampling, linop::soft_sensitivity<T, Ex>(maps)),
                                  kspace, out.image, options, 0);
        },
        options.joint ? options.series : host_tensor<std::uint8_t, 3>(), options.joint);
  } else {  // the sets of one frame are one system: frame and slice are not the leading axes
    const index_t pixels = k[3] * k[4];
    auto one = make_tensor<C>(ex, shape{sets, index_t(1), index_t(1), k[3], k[4]});
    for (index_t i = 0; i < k[0] * k[1] && !out.report.interrupted; ++i) {
      const index_t f = i / k[1], z = maps.extent(1) == 1 ? 0 : i % k[1];
      auto maps_of = make_tensor<C>(ex, shape{sets, index_t(1), k[2], k[3], k[4]});
      for (index_t s = 0; s < sets; ++s)
        linop::detail::copy_into(
            ex,
            borrow(ex, maps.data() + (s * index_t(maps.extent(1)) + z) * k[2] * pixels,
                   shape{k[2] * pixels}),
            borrow(ex, maps_of.data() + s * k[2] * pixels, shape{k[2] * pixels}),
            linop::accumulation<C>{});
      Kokkos::deep_copy(ex, one, C(0));
      const auto data = borrow(ex, kspace.data() + i * k[2] * pixels,
                               shape{index_t(1), index_t(1), k[2], k[3], k[4]});
      solve::report part;
      detail::with_sampling<T, Ex>(detail::mask_frame(mask, f), [&](const auto& sampling) {
        part = detail::solve_sense(ex, encoding(sampling, linop::soft_sensitivity<T, Ex>(maps_of)),
                                   data, one, options, 0);
      });
      for (index_t s = 0; s < sets; ++s)
        linop::detail::copy_into(
            ex, borrow(ex, one.data() + s * pixels, shape{pixels}),
            borrow(ex, out.image.data() + (s * k[0] * k[1] + i) * pixels, shape{pixels}),
            linop::accumulation<C>{});
      out.report.iterations = std::max(out.report.iterations, part.iterations);
      out.report.converged = (i == 0 || out.report.converged) && part.converged;
      out.report.interrupted = part.interrupted;
      out.report.breakdown = out.report.breakdown || part.breakdown;
      out.report.residual.insert(out.report.residual.end(), part.residual.begin(),
                                 part.residual.end());
    }
  }
  ex.fence();
  return out;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
