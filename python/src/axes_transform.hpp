// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_PYTHON_AXES_TRANSFORM_HPP
#define CARDIOMM_PYTHON_AXES_TRANSFORM_HPP
/// \file
/// The Fourier transform of an array whose rank is known at run time; the plans are those of
/// fft/transform.hpp.

#include <vector>

#include "binding.hpp"
#include "cardiomm/fft/cache.hpp"

namespace binding {

using dims = std::vector<index_t>;

/// y = transform of x over `axes` (counted from 0); y may be x.
inline void transform_axes(const space& ex, const dims& s, const std::vector<int>& axes,
                           bool inverse, bool orthonormal, bool centred, const C* x, C* y) {
  namespace fft = cardiomm::fft;
  const auto way = inverse ? fft::direction::inverse : fft::direction::forward;
  const auto scaled = orthonormal ? fft::norm::orthonormal : fft::norm::none;
  const auto where = centred ? fft::centering::centred : fft::centering::none;
  index_t size = 1;
  for (const index_t n : s) size *= n;
  if (size == 0) return;
  const auto inner_of = [&](int axis) {
    index_t n = 1;
    for (std::size_t d = std::size_t(axis) + 1; d < s.size(); ++d) n *= s[d];
    return n;
  };
  const auto length = [&](int axis) { return s[std::size_t(axis)]; };
  if (axes.size() == 2 && axes[1] == axes[0] + 1) {
    const fft::spec<2> what{shape<2>{{length(axes[0]), length(axes[1])}}, way, scaled, where,
                            inner_of(axes[1])};
    return fft::cached_plan<float>(ex, what)->execute(ex, size / what.numbers(), x, y);
  }
  for (auto a = axes.rbegin(); a != axes.rend(); ++a) {
    const fft::spec<1> what{shape<1>{{length(*a)}}, way, scaled, where, inner_of(*a)};
    fft::cached_plan<float>(ex, what)->execute(ex, size / what.numbers(), x, y);
    x = y;
  }
}

}  // namespace binding

#endif
