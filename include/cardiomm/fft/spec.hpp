// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_FFT_SPEC_HPP
#define CARDIOMM_FFT_SPEC_HPP
/// \file
/// What a Fourier transform is, apart from the data and the number of them.

#include <cmath>
#include <tuple>

#include "cardiomm/core/error.hpp"
#include "cardiomm/core/shape.hpp"

namespace cardiomm::inline CARDIOMM_ABI::fft {

/// Sign of the exponent: forward is exp(-2 pi i j k / n), image to k-space.
enum class direction { forward, inverse };

/// orthonormal divides by the square root of the number of points, in both directions.
enum class norm { orthonormal, none };

/// Where the origin of both domains lies: `centred` puts it at index n / 2 (rounded down), as
/// fftshift(fft(ifftshift(x))); `none` at index 0, also for operators that folded the centring
/// phases (phase.hpp) into their own factors.
enum class centering { centred, none };

/// Transforms of R neighbouring axes of arrays (batch, lengths..., inner): inner = 1 for the last R
/// axes; the 1-D transform along y of (batch, y, x) has inner = nx.
template <int R>
struct spec {
  static_assert(1 <= R && R <= 3, "fft::spec: transforms have one, two or three axes");
  shape<R> lengths;
  fft::direction direction = direction::forward;
  fft::norm norm = norm::orthonormal;
  fft::centering centering = centering::centred;
  index_t inner = 1;

  /// Points of one transform.
  index_t points() const { return lengths.size(); }
  /// Numbers in one batch member.
  index_t numbers() const { return lengths.size() * inner; }
  /// The factor of `norm`.
  double scale() const;
  /// Throws value_error unless lengths and inner are positive.
  void check() const {
    for (int i = 0; i < R; ++i)
      require(lengths[i] > 0, "fft: lengths: expected at least 1, found ", lengths);
    require(inner > 0, "fft: inner: expected at least 1, found ", inner);
  }
  /// Sorts specs in caches.
  auto key() const {
    index_t n[3] = {0, 0, 0};
    for (int i = 0; i < R; ++i) n[i] = lengths[i];
    return std::make_tuple(R, n[0], n[1], n[2], static_cast<int>(direction), static_cast<int>(norm),
                           static_cast<int>(centering), inner);
  }
};

template <int R>
double spec<R>::scale() const {
  return norm == norm::orthonormal ? 1.0 / std::sqrt(static_cast<double>(points())) : 1.0;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::fft

#endif
