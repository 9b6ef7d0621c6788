// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_COLUMN_SUM_HPP
#define CARDIOMM_NN_COLUMN_SUM_HPP
/// \file
/// The gradient of a bias: sums of every channel over all pixels.

#include "cardiomm/nn/activation.hpp"
#include "cardiomm/nn/channel_sums.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

/// gradient[c] += sum over the pixels of x (pixels, channels), in double.
template <class T, ExecutionSpace Ex>
void add_column_sums(const Ex& ex, index_t pixels, index_t channels, const T* x, T* gradient) {
  if (pixels <= 0 || channels <= 0) return;
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  double* sums = scratch.template take<double>(channels);
  channel_sums<T>(ex, 1, pixels, channels, detail::sum_of_values<T>{x}, sums);
  launch::segments(ex, channels, detail::add_sums<T>{sums, gradient});
}

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
