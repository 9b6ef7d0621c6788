// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_CONV_ENGINE_HPP
#define CARDIOMM_NN_CONV_ENGINE_HPP
/// \file
/// Which code computes a convolution: on hosts conv_host.hpp where it knows the geometry (two axes,
/// neither groups nor dilation), on devices the vendor's library where there is one, and else the
/// portable kernels.

#include "cardiomm/nn/backend/cudnn.hpp"
#include "cardiomm/nn/backend/miopen.hpp"
#include "cardiomm/nn/channel_sums.hpp"
#include "cardiomm/nn/conv_host.hpp"
#include "cardiomm/nn/conv_portable.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn::conv_engine {

namespace detail {
/// The vendor's library of a device; void: none.
template <ExecutionSpace Ex>
struct library_of {
  using type = void;
};
#if CARDIOMM_HAS_CUDNN && defined(KOKKOS_ENABLE_CUDA)
template <>
struct library_of<Kokkos::Cuda> {
  using type = nn::detail::cudnn_api;
};
#endif
#if CARDIOMM_HAS_MIOPEN && defined(KOKKOS_ENABLE_HIP)
template <>
struct library_of<Kokkos::HIP> {
  using type = nn::detail::miopen_api;
};
#endif
template <ExecutionSpace Ex>
inline constexpr bool has_library = !std::is_void_v<typename library_of<Ex>::type>;

template <ExecutionSpace Ex, class T>
bool by_library(const Ex& ex, const conv_sizes& s, bool tf32, conv_pass pass, const T* x,
                const T* w, const T* y) {
  return nn::detail::library_conv<typename library_of<Ex>::type>(
      ex, s, tf32, pass, const_cast<T*>(x), const_cast<T*>(w), const_cast<T*>(y));
}
template <ExecutionSpace Ex>
bool by_host(const conv_sizes& s) {
  return launch::on_host<Ex> && s.flat() && conv_host::usable(s.plane());
}
}  // namespace detail

/// y = f(x * w + bias), w in the order (out, in / groups, z, y, x); bias may be null.
template <class T, ExecutionSpace Ex, class F = same_value>
void forward(const Ex& ex, const conv_sizes& s, [[maybe_unused]] bool tf32, const T* x, const T* w,
             const T* bias, T* y, const F& f = {}) {
  if constexpr (launch::on_host<Ex>) {
    if (detail::by_host<Ex>(s)) return conv_host::forward(ex, s.plane(), x, w, bias, y, f);
  } else if constexpr (detail::has_library<Ex>) {
    if (detail::by_library(ex, s, tf32, conv_pass::forward, x, w, y))
      return conv_portable::finish(ex, s.out_pixels(), s.out_channels, bias, y, f);
  }
  conv_portable::forward(ex, s, x, w, bias, y, f, conv_portable::prefers_tiles<Ex>(s));
}

/// The same, and sums[item, channel] = sum of y over the item's pixels, in the memory of the space.
template <class T, ExecutionSpace Ex, class F = same_value>
void forward_sums(const Ex& ex, const conv_sizes& s, bool tf32, const T* x, const T* w,
                  const T* bias, T* y, const F& f, double* sums) {
  if constexpr (launch::on_host<Ex>) {
    if (detail::by_host<Ex>(s) && s.in[0] == 1)
      return conv_host::forward(ex, s.plane(), x, w, bias, y, f, sums);
  }
  forward(ex, s, tf32, x, w, bias, y, f);
  const index_t pixels = s.out[0] * s.out[1] * s.out[2];
  channel_sums<T>(ex, s.items, pixels, s.out_channels, nn::detail::sum_of_values<T>{y}, sums);
}

/// Convolutions of prelu(x) with one slope, without storing it where that can be: y and its sums as
/// above, and dw += the gradient.
template <class T, ExecutionSpace Ex>
void forward_activated(const Ex& ex, const conv_sizes& s, bool tf32, const T* x, const T* slope,
                       const T* w, const T* bias, T* y, double* sums) {
  if constexpr (launch::on_host<Ex>) {
    if (detail::by_host<Ex>(s) && s.in[0] == 1 && conv_host::activates<T, Ex>(s.plane()))
      return conv_host::forward(ex, s.plane(), x, w, bias, y, same_value{}, sums, slope);
  }
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  const index_t n = s.in_pixels() * s.in_channels;
  T* const active = scratch.template take<T>(n);
  using function = nn::detail::prelu_function<T>;
  launch::rows(
      ex, s.in_pixels(), s.in_channels,
      nn::detail::pointwise_forward<T, function, Ex>{{slope, false}, x, active, s.in_channels});
  forward_sums(ex, s, tf32, active, w, bias, y, same_value{}, sums);
}
template <class T, ExecutionSpace Ex>
void add_weight_gradient(const Ex& ex, const conv_sizes& s, bool tf32, const T* x, const T* dy,
                         T* dw);
template <class T, ExecutionSpace Ex>
void add_activated_gradient(const Ex& ex, const conv_sizes& s, bool tf32, const T* x,
                            const T* slope, const T* dy, T* dw) {
  if constexpr (launch::on_host<Ex>) {
    if (detail::by_host<Ex>(s))
      return conv_host::backward_weight(ex, s.plane(), x, dy, dw, static_cast<T*>(nullptr), slope);
  }
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  const index_t n = s.in_pixels() * s.in_channels;
  T* const active = scratch.template take<T>(n);
  using function = nn::detail::prelu_function<T>;
  launch::rows(
      ex, s.in_pixels(), s.in_channels,
      nn::detail::pointwise_forward<T, function, Ex>{{slope, false}, x, active, s.in_channels});
  add_weight_gradient(ex, s, tf32, static_cast<const T*>(active), dy, dw);
}

/// dx = f(J^T dy + bias), J that of x * w.
template <class T, ExecutionSpace Ex, class F = same_value>
void adjoint(const Ex& ex, const conv_sizes& s, [[maybe_unused]] bool tf32, const T* dy, const T* w,
             const T* bias, T* dx, const F& f = {}) {
  if constexpr (launch::on_host<Ex>) {
    if (detail::by_host<Ex>(s)) {
      conv_host::backward_input(ex, s.plane(), dy, w, dx);
      return conv_portable::finish(ex, s.in_pixels(), s.in_channels, bias, dx, f);
    }
  } else if constexpr (detail::has_library<Ex>) {
    if (detail::by_library(ex, s, tf32, conv_pass::adjoint, static_cast<const T*>(dx), w, dy))
      return conv_portable::finish(ex, s.in_pixels(), s.in_channels, bias, dx, f);
  }
  conv_portable::adjoint(ex, s, dy, w, bias, dx, f, conv_portable::prefers_tiles<Ex>(s));
}

/// dw += the gradient of <dy, x * w> with respect to w.
template <class T, ExecutionSpace Ex>
void add_weight_gradient(const Ex& ex, const conv_sizes& s, [[maybe_unused]] bool tf32, const T* x,
                         const T* dy, T* dw) {
  if constexpr (launch::on_host<Ex>) {
    if (detail::by_host<Ex>(s)) return conv_host::backward_weight(ex, s.plane(), x, dy, dw);
  } else if constexpr (detail::has_library<Ex>) {
    if (detail::by_library(ex, s, tf32, conv_pass::weight, x, static_cast<const T*>(dw), dy))
      return;
  }
  conv_portable::add_weight_gradient(ex, s, x, dy, dw, conv_portable::prefers_tiles<Ex>(s));
}

/// All of the above for one precision and space: KIND is `template`, in a unit that compiles them
/// for others, or `extern template`. To be used in this namespace.
#define CARDIOMM_CONV_INSTANCES(KIND, T, SPACE)                                                    \
  KIND void forward<T, SPACE>(const SPACE&, const conv_sizes&, bool, const T*, const T*, const T*, \
                              T*, const same_value&);                                              \
  KIND void forward<T, SPACE>(const SPACE&, const conv_sizes&, bool, const T*, const T*, const T*, \
                              T*, const nn::detail::relu_function&);                               \
  KIND void forward<T, SPACE>(const SPACE&, const conv_sizes&, bool, const T*, const T*, const T*, \
                              T*, const nn::detail::prelu_function<T>&);                           \
  KIND void forward_sums<T, SPACE>(const SPACE&, const conv_sizes&, bool, const T*, const T*,      \
                                   const T*, T*, const same_value&, double*);                      \
  KIND void forward_activated<T, SPACE>(const SPACE&, const conv_sizes&, bool, const T*, const T*, \
                                        const T*, const T*, T*, double*);                          \
  KIND void add_activated_gradient<T, SPACE>(const SPACE&, const conv_sizes&, bool, const T*,      \
                                             const T*, const T*, T*);                              \
  KIND void adjoint<T, SPACE>(const SPACE&, const conv_sizes&, bool, const T*, const T*, const T*, \
                              T*, const same_value&);                                              \
  KIND void add_weight_gradient<T, SPACE>(const SPACE&, const conv_sizes&, bool, const T*,         \
                                          const T*, T*);

#if CARDIOMM_EXTERN_INSTANCES  // see cmake/instances.cmake
CARDIOMM_CONV_INSTANCES(extern template, float, default_space)
CARDIOMM_CONV_INSTANCES(extern template, double, default_space)
#ifdef KOKKOS_ENABLE_SERIAL
CARDIOMM_CONV_INSTANCES(extern template, float, Kokkos::Serial)
CARDIOMM_CONV_INSTANCES(extern template, double, Kokkos::Serial)
#endif
#endif

}  // namespace cardiomm::inline CARDIOMM_ABI::nn::conv_engine

#endif
