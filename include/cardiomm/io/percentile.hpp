// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_PERCENTILE_HPP
#define CARDIOMM_IO_PERCENTILE_HPP
/// \file
/// Percentiles, by which pictures get their window and exported images their scale.

#include <algorithm>
#include <cmath>
#include <vector>

#include "cardiomm/core/shape.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

/// Percentile p (0 to 100) of values, linear between order statistics as NumPy does it; values that
/// are not finite are left out, none at all gives 0.
inline double percentile(const float* values, index_t n, double p) {
  std::vector<float> v;
  v.reserve(static_cast<std::size_t>(n));
  for (index_t i = 0; i < n; ++i)
    if (std::isfinite(values[i])) v.push_back(values[i]);
  if (v.empty()) return 0;
  const double at = p / 100 * static_cast<double>(v.size() - 1);
  const auto below = static_cast<std::ptrdiff_t>(at);
  std::nth_element(v.begin(), v.begin() + below, v.end());
  const double a = v[static_cast<std::size_t>(below)];
  if (below + 1 == static_cast<std::ptrdiff_t>(v.size())) return a;
  const double b = *std::min_element(v.begin() + below + 1, v.end());
  return a + (at - static_cast<double>(below)) * (b - a);
}

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
