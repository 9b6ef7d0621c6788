// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_FFT_PHASE_HPP
#define CARDIOMM_FFT_PHASE_HPP
/// \file
/// The phases that turn a transform with its origin at index 0 into the centred one. With
/// c = n / 2 rounded down,
///
///     sum_j x_j exp(-2 pi i (j - c) (k - c) / n)
///        = kspace_phase(n, k) sum_j image_phase(n, j) x_j exp(-2 pi i j k / n),
///     image_phase(n, j) = exp(2 pi i c j / n),  kspace_phase(n, k) = exp(2 pi i c (k - c) / n).
///
/// For even n they are signs: (-1)^j and (-1)^(k - n / 2); for multiples of four the constant is
/// one. The inverse transform has their conjugates. Operators fold them into factors that they
/// multiply by anyway (as in BART's sense/model.c); the built-in transform shifts indices instead.

#include <cmath>
#include <complex>

#include "cardiomm/core/shape.hpp"

namespace cardiomm::inline CARDIOMM_ABI::fft {

/// exp(-2 pi i k / n) in long double, to the last bit on the axes.
inline std::complex<long double> unit_root(index_t k, index_t n) {
  k %= n;
  if (k < 0) k += n;
  const index_t octant = 8 * k / n;  // sine and cosine are asked for angles up to pi / 4 only
  const auto angle = [n](index_t fourth) {
    return 1.570796326794896619231321691639751442L * static_cast<long double>(fourth) /
           static_cast<long double>(n);
  };
  switch (octant) {
    case 0:
      return {std::cos(angle(4 * k)), -std::sin(angle(4 * k))};
    case 1:
    case 2:
      return {-std::sin(angle(4 * k - n)), -std::cos(angle(4 * k - n))};
    case 3:
    case 4:
      return {-std::cos(angle(4 * k - 2 * n)), std::sin(angle(4 * k - 2 * n))};
    case 5:
    case 6:
      return {std::sin(angle(4 * k - 3 * n)), std::cos(angle(4 * k - 3 * n))};
    default:
      return {std::cos(angle(4 * k - 4 * n)), -std::sin(angle(4 * k - 4 * n))};
  }
}

/// Factor of sample j of the image before an uncentred forward transform of n points.
inline std::complex<long double> image_phase(index_t n, index_t j) {
  return unit_root(-(n / 2) * j, n);
}

/// Factor of frequency k after an uncentred forward transform of n points.
inline std::complex<long double> kspace_phase(index_t n, index_t k) {
  return unit_root(-(n / 2) * (k - n / 2), n);
}

}  // namespace cardiomm::inline CARDIOMM_ABI::fft

#endif
