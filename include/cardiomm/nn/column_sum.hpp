// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_COLUMN_SUM_HPP
#define CARDIOMM_NN_COLUMN_SUM_HPP
/// \file
/// Sums over pixels for every channel, as the gradients of biases are. The parts do not depend on
/// the number of threads, so the result does not either.

#include "cardiomm/core/launch.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

namespace detail {

/// Rows are parts, columns are channels.
template <class T>
struct column_parts {
  static constexpr const char* name = "cardiomm::nn::column_parts";
  const T* x;
  double* part;
  index_t pixels, channels, chunk;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    double* sum = part + row * channels;
    const index_t begin = row * chunk, end = begin + chunk < pixels ? begin + chunk : pixels;
    for (index_t c = first; c < last; ++c) sum[c] = 0;
    for (index_t p = begin; p < end; ++p)
      for (index_t c = first; c < last; ++c) sum[c] += double(x[p * channels + c]);
  }
};
/// gradient[i] += sum of `parts` arrays of n numbers.
template <class S, class T>
struct add_parts {
  static constexpr const char* name = "cardiomm::nn::add_parts";
  const S* part;
  T* gradient;
  index_t parts, n;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      double sum = 0;
      for (index_t s = 0; s < parts; ++s) sum += double(part[s * n + i]);
      gradient[i] += T(sum);
    }
  }
};

}  // namespace detail

/// gradient[c] += sum over the pixels of x (pixels, channels), in double.
template <class T, ExecutionSpace Ex>
void add_column_sums(const Ex& ex, index_t pixels, index_t channels, const T* x, T* gradient) {
  if (pixels <= 0 || channels <= 0) return;
  index_t chunk = 256;
  while (chunk * 256 < pixels) chunk *= 2;
  const index_t parts = (pixels + chunk - 1) / chunk;
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  double* part = scratch.template take<double>(parts * channels);
  launch::rows(ex, parts, channels, detail::column_parts<T>{x, part, pixels, channels, chunk});
  launch::segments(ex, channels, detail::add_parts<double, T>{part, gradient, parts, channels});
}

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
