// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MODELS_CONDITIONING_HPP
#define CARDIOMM_MODELS_CONDITIONING_HPP
/// \file
/// How texts act on features: a vector of numbers from a text embedding, by a sigmoid (gates) or a
/// softmax (weights of components). One vector an item; which samples (coils, frames) of a batch
/// belong to an item is `sample_items`.

#include "cardiomm/nn/linear.hpp"
#include "cardiomm/nn/sequential.hpp"
#include "cardiomm/nn/softmax.hpp"

namespace cardiomm::inline CARDIOMM_ABI::models {

/// Item of a sample: the samples of an item are neighbours, or with `tiled` the items repeat
/// (0, 1, .., 0, 1, ..) as the reference has it, which differs only where an item's samples are
/// several and texts differ.
struct sample_items {
  index_t items = 1, per_item = 1, first = 0;
  bool tiled = false;
  KOKKOS_FORCEINLINE_FUNCTION index_t operator()(index_t sample) const {
    return tiled ? (first + sample) % items : (first + sample) / per_item;
  }
  /// From the i-th sample on.
  sample_items from(index_t i) const {
    sample_items s = *this;
    s.first += i;
    return s;
  }
};

/// Items of both texts: gates come from the acquisition's, prompts from the sampling's. Either may
/// be one for all.
struct text_items {
  sample_items acquisition, sampling;
  text_items from(index_t i) const { return {acquisition.from(i), sampling.from(i)}; }
};

namespace detail {

/// dz, before the sigmoid or softmax, of dy.
template <class T, bool Softmax>
struct text_vector_slope {
  static constexpr const char* name = "cardiomm::models::text_vector_slope";
  const T* y;
  const double* dy;
  T* dz;
  index_t n;
  KOKKOS_INLINE_FUNCTION void operator()(index_t item, index_t, index_t) const {
    const T* v = y + item * n;
    const double* g = dy + item * n;
    double along = 0;
    if constexpr (Softmax)
      for (index_t i = 0; i < n; ++i) along += double(v[i]) * g[i];
    for (index_t i = 0; i < n; ++i)
      dz[item * n + i] = T(double(v[i]) * (Softmax ? g[i] - along : g[i] * (1 - double(v[i]))));
  }
};
}  // namespace detail

/// y(item, n) = sigmoid(W e + b), or softmax over the n numbers; e (item, length).
template <class T, bool Softmax, ExecutionSpace Ex>
struct text_vector {
  nn::linear<T, 2, Ex> map;

  text_vector(const Ex& ex, index_t n, index_t length) : map(ex, length, n) {}
  index_t size() const { return map.out_channels(); }

  void forward(const Ex& ex, const view<const T, 2, Ex>& e, const view<T, 2, Ex>& y) const {
    (void)map.output(shape_of(e));
    if constexpr (Softmax) {
      map.forward(ex, e, y);
      nn::softmax<T, 2, Ex>().forward(ex, y, y);
    } else {
      map.forward_fused(ex, e, y, nn::detail::sigmoid_function{});
    }
  }
  /// de is added to, unless it is null.
  void backward(const Ex& ex, const view<const T, 2, Ex>& e, const view<const T, 2, Ex>& y,
                const double* dy, const view<T, 2, Ex>& de) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const auto dz = scratch.template tensor<T>(shape_of(y));
    launch::rows(ex, index_t(e.extent(0)), 1,
                 detail::text_vector_slope<T, Softmax>{y.data(), dy, dz.data(), size()});
    view<T, 2, Ex> more;
    if (de.data()) more = scratch.template tensor<T>(shape_of(de));
    nn::nothing none;
    map.backward(ex, e, y, dz, more, none);
    if (de.data()) nn::add(ex, more, de);
  }
};

}  // namespace cardiomm::inline CARDIOMM_ABI::models

#endif
