// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_PARTIAL_FOURIER_HPP
#define CARDIOMM_MRI_PARTIAL_FOURIER_HPP
/// \file
/// Partial Fourier: k-space that was measured on one side farther than on the other is completed
/// from the smooth phase of its symmetric centre. Homodyne detection (Noll, Nishimura and Macovski,
/// IEEE TMI 10 (1991)) and projection onto convex sets (Haacke, Lindskog and Lin, JMR 92 (1991)).

#include <array>
#include <cmath>
#include <vector>

#include "cardiomm/core/blas1.hpp"
#include "cardiomm/linop/fourier.hpp"
#include "cardiomm/mri/filter.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// How the other side is completed.
enum class partial_fourier_method { homodyne, pocs };

/// What was measured and how it is completed.
struct partial_fourier_options {
  partial_fourier_method method = partial_fourier_method::pocs;
  int axis = 3;         ///< of k-space: 3 the phase encode y, 4 the readout x
  index_t first = 0;    ///< first sample that was measured along the axis
  index_t last = -1;    ///< last one; -1: up to the end
  int iterations = 12;  ///< of pocs
};

/// First and last sample along y (axis 1) or x (axis 2) that a mask (frame, y, x) has anywhere.
/// Throws value_error if it has none.
inline std::array<index_t, 2> measured_range(const host_tensor<std::uint8_t, 3>& mask, int axis) {
  require(axis == 1 || axis == 2, "measured_range: axis: expected 1 (y) or 2 (x), found ", axis);
  const shape<3> m = shape_of(mask);
  std::array<index_t, 2> range = {m[axis], -1};
  for (index_t i = 0; i < m.size(); ++i)
    if (mask.data()[i]) {
      const index_t at = axis == 2 ? i % m[2] : i / m[2] % m[1];
      range[0] = std::min(range[0], at);
      range[1] = std::max(range[1], at);
    }
  require(range[1] >= 0, "measured_range: expected a mask with samples, found none");
  return range;
}

namespace detail {

/// Windows of partial Fourier along an axis of n samples, DC at n / 2.
struct partial_windows {
  std::vector<double> centre;  ///< for the phase: the symmetric band with a cosine edge
  std::vector<double> weight;  ///< homodyne: w(k) + w(-k) = 2, a ramp across the band
  std::vector<double> kept;    ///< 1 where measured
};
inline partial_windows windows_of(index_t n, index_t first, index_t last) {
  const index_t c = n / 2, half = std::min(c - first, last - c);
  const bool start = c - first < last - c;  // the side of low indices is cut
  partial_windows w;
  for (index_t i = 0; i < n; ++i) {
    const double d = double(i - c);
    const double a = std::abs(d) / double(half + 1);
    w.centre.push_back(a < 1 ? 0.5 * (1 + std::cos(3.14159265358979323846 * a)) : 0);
    const double ramp = std::min(2.0, std::max(0.0, 1 + (start ? d : -d) / double(half + 1)));
    const bool on = i >= first && i <= last;
    const bool alone = n % 2 == 0 && i == 0;  // has no opposite
    w.weight.push_back(!on ? 0 : alone ? 1 : ramp);
    w.kept.push_back(on ? 1 : 0);
  }
  return w;
}

/// The part of x in phase with p (homodyne), or |x| with the phase of p (pocs); in place.
template <class C>
struct set_phase_kernel {
  static constexpr const char* name = "cardiomm::mri::set_phase";
  C* x;
  const C* p;
  bool real_part;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    using T = real_of<C>;
    for (index_t i = first; i < last; ++i) {
      const T size = abs2(p[i]);
      const C turn = size > 0 ? p[i] * (1 / math::sqrt(size)) : C(1);
      const T value = real_part ? conj_mul(turn, x[i]).real() : math::sqrt(abs2(x[i]));
      x[i] = turn * value;
    }
  }
};

/// x(a, i, b) = k(a, i, b) where i was measured; rows are (a, i).
template <class C>
struct keep_measured_kernel {
  static constexpr const char* name = "cardiomm::mri::keep_measured";
  C* x;
  const C* k;
  index_t length, inner, low, high;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t at = row % length;
    if (at < low || at > high) return;
    for (index_t i = first; i < last; ++i) x[row * inner + i] = k[row * inner + i];
  }
};

}  // namespace detail

/// Completes k-space, image by image: every coil for itself, or a combined image given as one coil.
/// What lies within the measured range has to be complete along the axis (after GRAPPA, say).
///
/// \param kspace  (frame, slice, coil, y, x); what was not measured is not looked at
/// \return (frame, slice, coil, y, x); pocs leaves measured samples as they are, homodyne does not
/// Throws value_error if less than the centre and one neighbour on both sides was measured.
template <ExecutionSpace Ex, TensorView K>
auto partial_fourier(const Ex& ex, const K& kspace, const partial_fourier_options& options)
    -> tensor<element_of<K>, 5, Ex> {
  static_assert(rank_of<K> == 5, "partial_fourier: expected k-space (frame, slice, coil, y, x)");
  using C = element_of<K>;
  using T = real_of<C>;
  const shape<5> k = shape_of(kspace);
  require(options.axis == 3 || options.axis == 4,
          "partial_fourier: axis: expected 3 (y) or 4 (x), found ", options.axis);
  const index_t n = k[options.axis], first = options.first;
  const index_t last = options.last < 0 ? n - 1 : options.last;
  require(first >= 0 && last < n && first < n / 2 && last > n / 2,
          "partial_fourier: expected a measured range within 0 .. ", n - 1,
          " on both sides of the centre ", n / 2, ", found ", first, " .. ", last);
  require(options.iterations >= 1, "partial_fourier: iterations: expected at least 1, found ",
          options.iterations);
  const auto windows = detail::windows_of(n, first, last);
  const bool homodyne = options.method == partial_fourier_method::homodyne;
  const linop::fourier_op<T, 5, Ex> fourier;
  auto out = make_tensor<C>(ex, k, "cardiomm::partial_fourier");
  shape<5> one = k;
  one[0] = 1;
  const auto phase = make_tensor<C>(ex, one, "cardiomm::phase");
  const index_t inner = options.axis == 3 ? k[4] : 1;
  for (index_t f = 0; f < k[0]; ++f) {
    const auto data = borrow(ex, kspace.data() + f * one.size(), one);
    const auto x = borrow(ex, out.data() + f * one.size(), one);
    Kokkos::deep_copy(ex, phase, data);
    apply_filter(ex, windows.centre, phase, options.axis);
    linop::apply_adjoint(ex, fourier, phase, phase);
    Kokkos::deep_copy(ex, x, data);
    apply_filter(ex, homodyne ? windows.weight : windows.kept, x, options.axis);
    for (int i = 0; i < (homodyne ? 1 : options.iterations); ++i) {
      linop::apply_adjoint(ex, fourier, x, x);
      launch::segments(ex, one.size(),
                       detail::set_phase_kernel<C>{x.data(), phase.data(), homodyne});
      linop::apply(ex, fourier, x, x);
      if (!homodyne)
        launch::rows(ex, one.size() / inner, inner,
                     detail::keep_measured_kernel<C>{x.data(), data.data(), n, inner, first, last});
    }
  }
  ex.fence();
  return out;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
