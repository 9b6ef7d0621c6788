// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_CONV_ENGINE_HPP
#define CARDIOMM_NN_CONV_ENGINE_HPP
/// \file
/// Which code computes a convolution: the portable kernels.

#include "cardiomm/nn/conv_portable.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn::conv_engine {

/// y = f(x * w + bias), w in the order (out, in / groups, z, y, x); bias may be null.
template <class T, ExecutionSpace Ex, class F = same_value>
void forward(const Ex& ex, const conv_sizes& s, [[maybe_unused]] bool tf32, const T* x, const T* w,
             const T* bias, T* y, const F& f = {}) {
  conv_portable::forward(ex, s, x, w, bias, y, f, conv_portable::prefers_tiles<Ex>(s));
}

/// dx = f(J^T dy + bias), J that of x * w.
template <class T, ExecutionSpace Ex, class F = same_value>
void adjoint(const Ex& ex, const conv_sizes& s, [[maybe_unused]] bool tf32, const T* dy, const T* w,
             const T* bias, T* dx, const F& f = {}) {
  conv_portable::adjoint(ex, s, dy, w, bias, dx, f, conv_portable::prefers_tiles<Ex>(s));
}

/// dw += the gradient of <dy, x * w> with respect to w.
template <class T, ExecutionSpace Ex>
void add_weight_gradient(const Ex& ex, const conv_sizes& s, [[maybe_unused]] bool tf32, const T* x,
                         const T* dy, T* dw) {
  conv_portable::add_weight_gradient(ex, s, x, dy, dw, conv_portable::prefers_tiles<Ex>(s));
}

}  // namespace cardiomm::inline CARDIOMM_ABI::nn::conv_engine

#endif
