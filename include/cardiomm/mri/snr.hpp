// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_SNR_HPP
#define CARDIOMM_MRI_SNR_HPP
/// \file
/// Images in units of their noise (Kellman and McVeigh, MRM 54 (2005); Xue et al., SNRAware,
/// Radiology: AI 2025): coils are whitened, every step keeps the deviation of noise, and the image
/// divided by its g map has noise of deviation 1 everywhere.

#include "cardiomm/mri/gfactor.hpp"
#include "cardiomm/mri/prewhiten.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

namespace detail {

/// out(coil, j) = k at position j % count (frame, y, x) of slice j / count.
template <class C>
struct gather_kernel {
  static constexpr const char* name = "cardiomm::mri::gather";
  const C* k;
  C* out;
  const index_t* positions;  ///< frame, offset in the plane
  shape<5> s;
  index_t count;
  KOKKOS_INLINE_FUNCTION void operator()(index_t c, index_t first, index_t last) const {
    for (index_t j = first; j < last; ++j) {
      const index_t z = j / count, p = j - z * count;
      out[c * count * s[1] + j] =
          k[((positions[2 * p] * s[1] + z) * s[2] + c) * s[3] * s[4] + positions[2 * p + 1]];
    }
  }
};

/// Maps (slice, coil, y, x) divided by the root sum of squares over coils, in place.
template <class C>
struct unit_maps_kernel {
  static constexpr const char* name = "cardiomm::mri::unit_maps";
  C* maps;
  index_t coils, pixels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t slice, index_t first, index_t last) const {
    C* m = maps + slice * coils * pixels;
    for (index_t i = first; i < last; ++i) {
      real_of<C> power = 0;
      for (index_t c = 0; c < coils; ++c) power += abs2(m[c * pixels + i]);
      const real_of<C> f = power > 0 ? 1 / math::sqrt(power) : 0;
      for (index_t c = 0; c < coils; ++c) m[c * pixels + i] *= f;
    }
  }
};

}  // namespace detail

/// Noise covariance of the coils from the data themselves: samples at both ends of the readout, of
/// the outer half of the phase encodes where these were measured, hold hardly any signal.
///
/// \param kspace  (frame, slice, coil, y, x)
/// \param mask    0/1 (frame or 1, y, x) on the host
/// \param share   part of the readout that is taken at each end
/// \return (coil, coil), as noise_covariance
/// Throws value_error where there are fewer such samples than four a coil.
template <ExecutionSpace Ex, TensorView K>
tensor<complex<double>, 2, Ex> noise_from_edge(const Ex& ex, const K& kspace,
                                               const host_tensor<std::uint8_t, 3>& mask,
                                               double share = 1.0 / 16) {
  static_assert(rank_of<K> == 5, "noise_from_edge: expected k-space (frame, slice, coil, y, x)");
  using C = element_of<K>;
  const shape<5> k = shape_of(kspace);
  const shape<3> m = shape_of(mask);
  require<shape_error>((m[0] == 1 || m[0] == k[0]) && m[1] == k[3] && m[2] == k[4],
                       "noise_from_edge: mask: expected (frame or 1, y, x) = ",
                       shape{k[0], k[3], k[4]}, ", found ", m);
  require(share > 0 && share <= 0.5,
          "noise_from_edge: share: expected a number in (0, 0.5], found ", share);
  const auto ends = std::max<index_t>(1, static_cast<index_t>(share * double(k[4])));
  std::vector<index_t> positions;
  for (const bool outer : {true, false}) {
    if (static_cast<index_t>(positions.size()) / 2 * k[1] >= 4 * k[2]) break;
    positions.clear();
    for (index_t f = 0; f < k[0]; ++f)
      for (index_t y = 0; y < k[3]; ++y) {
        if (outer && 4 * std::abs(y - k[3] / 2) < k[3]) continue;
        for (index_t x = 0; x < k[4]; ++x)
          if ((x < ends || x >= k[4] - ends) && mask(m[0] == 1 ? 0 : f, y, x)) {
            positions.push_back(f);
            positions.push_back(y * k[4] + x);
          }
      }
  }
  const index_t count = static_cast<index_t>(positions.size()) / 2;
  require(count * k[1] >= 4 * k[2],
          "noise_from_edge: expected at least 4 samples a coil at the ends ",
          "of the readout, found ", count * k[1], " of ", k[2], " coils");
  const auto host = make_tensor<index_t>(host_space(), shape{2 * count});
  std::copy(positions.begin(), positions.end(), host.data());
  const auto where = to_space(ex, host);
  const auto noise = make_tensor<C>(ex, shape{k[2], count * k[1]});
  launch::rows(ex, k[2], count * k[1],
               detail::gather_kernel<C>{kspace.data(), noise.data(), where.data(), k, count});
  ex.fence();
  return noise_covariance(ex, noise);
}

/// How images in units of noise are made.
struct snr_options {
  double lambda = 0.01;        ///< as of `sense`, for whitened maps of unit norm
  int iterations = 50;         ///< of conjugate gradients
  bool per_component = false;  ///< noise of deviation 1 of the real and of the imaginary part each
  index_t replicas = 300;      ///< where the mask does not consist of lines
  std::uint64_t seed = 1;
};

/// An image in units of noise.
template <class T, ExecutionSpace Ex>
struct snr_result {
  tensor<complex<T>, 4, Ex> image;  ///< (frame, slice, y, x); its noise has the deviation g
  tensor<T, 4, Ex> g;               ///< (frame of the mask or 1, slice, y, x)
};

/// SENSE images in units of noise: k-space and maps are whitened, maps brought to unit norm, and
/// the image is scaled so that its noise has the deviation g, sqrt(E |n|^2) of the complex pixel;
/// g is exact for masks of lines, and from replicas for others. Fully sampled g is 1 where a coil
/// sees anything (lambda aside).
///
/// \param kspace  (frame, slice, coil, y, x)
/// \param mask    0/1 (frame or 1, y, x) on the host
/// \param maps    (1, slice or 1, coil, y, x) of the coils as measured
/// \param psi     (coil, coil) from noise_covariance or noise_from_edge
template <ExecutionSpace Ex, TensorView K, TensorView M, TensorView P>
auto snr_units(const Ex& ex, const K& kspace, const host_tensor<std::uint8_t, 3>& mask,
               const M& maps, const P& psi, const snr_options& options = {})
    -> snr_result<real_of<element_of<K>>, Ex> {
  using C = element_of<K>;
  using T = real_of<C>;
  detail::check_encoding(kspace, mask, maps);
  const shape<5> k = shape_of(kspace), m = shape_of(maps);
  require<shape_error>(m[0] == 1, "snr_units: maps: expected one set, found ", m);
  const auto w = whitening_matrix<T>(ex, psi);
  const auto white = clone(ex, kspace);
  prewhiten(ex, w, white);
  const auto seen = clone(ex, maps);
  prewhiten(ex, w, seen);
  const index_t pixels = k[3] * k[4];
  launch::rows(ex, m[1], pixels, detail::unit_maps_kernel<C>{seen.data(), k[2], pixels});
  const sense_options solver{.lambda = options.lambda, .iterations = options.iterations};
  snr_result<T, Ex> out;
  auto found = sense(ex, white, mask, seen, solver);
  out.image = make_tensor<C>(ex, shape{k[0], k[1], k[3], k[4]}, "cardiomm::snr_units");
  Kokkos::deep_copy(ex, flatten(out.image), flatten(found.image));
  tensor<T, 4, Ex> deviation;
  if (line_pattern(mask)) {
    deviation = sense_noise(ex, mask, seen, options.lambda);
  } else {
    Kokkos::deep_copy(ex, white, C(0));
    const index_t frames = static_cast<index_t>(mask.extent(0));
    const auto part = borrow(ex, white.data(), shape{frames, k[1], k[2], k[3], k[4]});
    const auto all = pseudo_replica(
        ex, part, mask, [&](const auto& n) { return sense(ex, n, mask, seen, solver).image; },
        {.replicas = options.replicas, .seed = options.seed});
    deviation = make_tensor<T>(ex, shape{frames, k[1], k[3], k[4]});
    Kokkos::deep_copy(ex, flatten(deviation), flatten(all));
  }
  out.g = gfactor(ex, deviation, mask, seen);
  for (index_t f = 0; f < k[0]; ++f) {
    const std::uint8_t* frame = mask.data() + (mask.extent(0) == 1 ? 0 : f) * pixels;
    const auto sampled =
        std::count_if(frame, frame + pixels, [](std::uint8_t v) { return v != 0; });
    const double scale =
        std::sqrt(double(sampled) / double(pixels) * (options.per_component ? 2 : 1));
    blas1::scale(ex, C(T(scale)), slice(out.image, f));
  }
  ex.fence();
  return out;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
