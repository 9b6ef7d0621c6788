// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_CONV_HOST_HPP
#define CARDIOMM_NN_CONV_HOST_HPP
/// \file
/// Convolutions of two spatial axes on hosts: Winograd's minimal filtering for 3 x 3 of stride 1
/// (winograd.hpp), products of matrices without copies of patches for all others (direct.hpp).
/// Call inside `if constexpr (launch::on_host<Ex>)`. Scratch comes from the workspace; results do
/// not depend on the number of threads.

#include "cardiomm/nn/activation.hpp"
#include "cardiomm/nn/conv_gradient.hpp"
#include "cardiomm/nn/winograd.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn::conv_host {

/// True where the functions below know this geometry: any kernel and stride, but neither groups nor
/// dilation.
inline bool usable(const conv_geometry& g) {
  return g.groups == 1 && g.dilation_y == 1 && g.dilation_x == 1;
}

namespace detail {
template <class T>
weight_steps<T> steps_of(const conv_geometry& g, const T* w) {
  return {w, g.in_c * g.kernel_y * g.kernel_x, g.kernel_y * g.kernel_x, g.kernel_x, 1};
}

/// Inputs p, p + s, p + 2 s, ... of one axis get their gradient by a correlation of stride 1 with
/// every s-th tap, backwards.
struct axis_phase {
  index_t first_tap, taps, pad, count;
  axis_phase(index_t phase, index_t in, index_t kernel, index_t stride, index_t pad_before)
      : first_tap((phase + pad_before) % stride),
        taps(kernel > first_tap ? (kernel - first_tap + stride - 1) / stride : 0),
        pad(taps - 1 - (phase + pad_before - first_tap) / stride),
        count(in > phase ? (in - phase + stride - 1) / stride : 0) {}
};

template <class T>
struct fill_phase {
  static constexpr const char* name = "cardiomm::nn::conv_fill";
  T* y;
  index_t rows, columns, item, row, column, channels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t i, index_t first, index_t last) const {
    T* out = y + i / columns / rows * item + i / columns % rows * row + i % columns * column;
    for (index_t c = first; c < last; ++c) out[c] = T(0);
  }
};
}  // namespace detail

/// True where `forward` takes a slope.
template <class T, ExecutionSpace Ex>
bool activates(const conv_geometry& g) {
  return winograd::pays<T, Ex>(g);
}

/// y = f(x * w + bias), w in the order (out, in, y, x); bias may be null. Where `sums` is not null,
/// sums[item * out_c + channel] = sum of y over the pixels, which channel attention wants. With
/// `slope` x passes through a PReLU first, where `activates` says so.
template <class T, ExecutionSpace Ex, class F = same_value>
void forward(const Ex& ex, const conv_geometry& g, const T* x, const T* weight, const T* bias, T* y,
             const F& f = {}, double* sums = nullptr, const T* slope = nullptr) {
  const auto w = detail::steps_of(g, weight);
  if (winograd::pays<T, Ex>(g))
    winograd::convolve(ex, g, x, w, bias, y, f, sums, slope);
  else
    direct(ex, plan_of(g), x, w, bias, y, f, sums);
}

/// dx = J^T dy, overwritten. This is also the forward of the transposed convolution, with g that of
/// the convolution whose adjoint it is.
template <class T, ExecutionSpace Ex>
void backward_input(const Ex& ex, const conv_geometry& g, const T* dy, const T* weight, T* dx) {
  const auto w = detail::steps_of(g, weight);
  for (index_t py = 0; py < g.stride_y; ++py)
    for (index_t px = 0; px < g.stride_x; ++px) {
      const detail::axis_phase ay(py, g.in_y, g.kernel_y, g.stride_y, g.pad_y);
      const detail::axis_phase ax(px, g.in_x, g.kernel_x, g.stride_x, g.pad_x);
      if (ay.count == 0 || ax.count == 0) continue;
      T* const out = dx + (py * g.in_x + px) * g.in_c;
      const index_t item = g.in_y * g.in_x * g.in_c, row = g.stride_y * g.in_x * g.in_c;
      const index_t column = g.stride_x * g.in_c;
      if (ay.taps == 0 || ax.taps == 0) {
        launch::rows(ex, g.items * ay.count * ax.count, g.in_c,
                     detail::fill_phase<T>{out, ay.count, ax.count, item, row, column, g.in_c});
        continue;
      }
      const index_t last_y = ay.first_tap + g.stride_y * (ay.taps - 1);
      const index_t last_x = ax.first_tap + g.stride_x * (ax.taps - 1);
      const weight_steps<T> back{w.data + last_y * w.y + last_x * w.x, w.in, w.out,
                                 -g.stride_y * w.y, -g.stride_x * w.x};
      conv_geometry t = g;
      t.in_y = g.out_y, t.in_x = g.out_x, t.in_c = g.out_c;
      t.out_y = ay.count, t.out_x = ax.count, t.out_c = g.in_c;
      t.kernel_y = ay.taps, t.kernel_x = ax.taps;
      t.stride_y = t.stride_x = 1;
      t.pad_y = ay.pad, t.pad_x = ax.pad;
      const bool dense = g.stride_y == 1 && g.stride_x == 1;
      if (dense && winograd::pays<T, Ex>(t)) {
        winograd::convolve(ex, t, dy, back, static_cast<const T*>(nullptr), dx, same_value{},
                           nullptr);
      } else {
        auto plan = plan_of(t);
        if (!dense) {
          plan = {t.items,    t.in_y, t.in_x, t.in_c,  t.out_y, t.out_x, t.out_c, t.kernel_y,
                  t.kernel_x, 1,      1,      t.pad_y, t.pad_x, item,    row,     column};
        }
        direct(ex, plan, dy, back, static_cast<const T*>(nullptr), out, same_value{}, nullptr);
      }
    }
}

/// dweight += the gradient, in the order of the weights; so dbias, unless null. With `slope` x
/// passes through a PReLU first.
template <class T, ExecutionSpace Ex>
void backward_weight(const Ex& ex, const conv_geometry& g, const T* x, const T* dy, T* dweight,
                     T* dbias = nullptr, const T* slope = nullptr) {
  typename workspace<Ex>::frame frame(workspace<Ex>::of(ex));
  if (dweight && g.items * g.out_y * g.out_x > 0) {
    gradient_kernel<T, Ex> k(plan_of(g), x, dy, slope, compat::concurrency(ex));
    const index_t share = k.share(), padded = k.packets * k.W;
    k.partial = frame.template take<T>(k.runs() * g.kernel_y * share);
    launch::tiles<T>(ex, k.tasks(), k.scratch(), k);
    launch::rows(ex, g.in_c, g.out_c,
                 add_runs<T>{k.partial, dweight, g.in_c, g.kernel_y, g.kernel_x, k.runs(),
                             g.kernel_y * share, share, k.few ? g.in_c : g.in_c * padded,
                             k.few ? 1 : padded, k.few ? padded : 1});
  }
  if (dbias) {
    double* sums = frame.template take<double>(g.out_c);
    launch::sums(ex, g.out_c, g.items * g.out_y * g.out_x, bias_gradient<T>{dy, g.out_c}, sums);
    launch::segments(ex, g.out_c, nn::detail::add_sums<T>{sums, dbias});
  }
}

}  // namespace cardiomm::inline CARDIOMM_ABI::nn::conv_host

#endif
