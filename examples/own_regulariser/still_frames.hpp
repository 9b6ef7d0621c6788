// SPDX-License-Identifier: Apache-2.0
/// \file
/// A regulariser of one's own: most pixels of a cine series do not move. With m the mean over time,
///
///     P(x) = w  sum over pixels  ( sum over frames |x_f - m|^2 )^(1/2)
///
/// shortens each pixel's deviation from its mean as one vector and leaves the mean alone.
#pragma once

#include <limits>

#include "cardiomm/prox/concept.hpp"

namespace mine {
using namespace cardiomm;

/// On images (frame, slice, y, x). T is float or double, Ex a Kokkos execution space.
template <class T, class Ex = default_space>
class still_frames : public prox::proximal_operator<still_frames<T, Ex>, T, 4, Ex> {
 public:
  using C = complex<T>;
  using in = view<const C, 4, Ex>;
  static constexpr const char* name = "still_frames";

  explicit still_frames(double weight) : weight_(weight) {}

  /// P(x)
  double value(const Ex& ex, in x) const { return weight_ * deviations(ex, x, false); }

  /// out = argmin over u of sigma P(u) + 1/2 |u - x|^2; x and out may be the same.
  void prox(const Ex& ex, in x, double sigma, view<C, 4, Ex> out) const {
    const auto frames = x.extent(0), pixels = x.size() / frames;
    const T threshold = T(sigma * weight_);
    Kokkos::parallel_for(
        "still_frames", Kokkos::RangePolicy<Ex>(ex, 0, pixels), KOKKOS_LAMBDA(std::size_t i) {
          C mean(0);
          T size = 0;
          pixel(x.data() + i, frames, pixels, mean, size);
          const T keep = size > threshold ? 1 - threshold / size : T(0);
          for (std::size_t f = 0; f < frames; ++f)
            out.data()[f * pixels + i] = mean + keep * (x.data()[f * pixels + i] - mean);
        });
  }

  /// P*(v), optional: 0 where every pixel of v has mean 0 and length up to w, else infinite.
  /// Solvers do not need it; with it the shared checks test Moreau's identity as well.
  double conjugate_value(const Ex& ex, in v) const {
    return deviations(ex, v, true) > 0 ? std::numeric_limits<double>::infinity() : 0;
  }

  /// The mean of a pixel over time, and the length of what deviates from it.
  KOKKOS_INLINE_FUNCTION static void pixel(const C* x, std::size_t frames, std::size_t step,
                                           C& mean, T& size) {
    for (std::size_t f = 0; f < frames; ++f) mean += x[f * step];
    mean *= T(1) / T(frames);
    T sum = 0;
    for (std::size_t f = 0; f < frames; ++f) sum += abs2(x[f * step] - mean);
    size = math::sqrt(sum);
  }

  /// Sum of the lengths, or the number of pixels outside the domain of P*, but for rounding.
  double deviations(const Ex& ex, in x, bool outside) const {
    const auto frames = x.extent(0), pixels = x.size() / frames;
    const T w = T(weight_), slack = T(1e-4) * (1 + w);
    double sum = 0;
    Kokkos::parallel_reduce(
        "still_frames", Kokkos::RangePolicy<Ex>(ex, 0, pixels),
        KOKKOS_LAMBDA(std::size_t i, double& part) {
          C mean(0);
          T size = 0;
          pixel(x.data() + i, frames, pixels, mean, size);
          const bool far = size > w + slack || abs2(mean) > slack * slack;
          part += outside ? double(far) : double(size);
        },
        sum);
    return sum;
  }

 private:
  double weight_;
};

}  // namespace mine
