// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_SOFTMAX_HPP
#define CARDIOMM_NN_SOFTMAX_HPP
/// \file
/// Softmax along the channels, y_c = exp(x_c - m) / sum_k exp(x_k - m) with m = max_k x_k, so that
/// large numbers do not overflow.

#include "cardiomm/nn/activation.hpp"
#include "cardiomm/nn/packets.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

namespace detail {
/// Rows are pixels; one call a row.
template <class T, ExecutionSpace Ex>
struct softmax_forward {
  static constexpr const char* name = "cardiomm::nn::softmax";
  const T* x;
  T* y;
  index_t channels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t, index_t) const {
    const T* p = x + row * channels;
    T* q = y + row * channels;
    T most = p[0];
    for (index_t c = 1; c < channels; ++c) most = most < p[c] ? p[c] : most;
    T sum = T(0);
    packets<T, Ex>(0, channels, [&](auto tag, index_t c) {
      using L = typename decltype(tag)::type;
      const L e = lane_traits<L>::exp(lane_traits<L>::load(p + c) - L(most));
      lane_traits<L>::store(q + c, e);
      sum += lane_traits<L>::sum(e);
    });
    const T factor = T(1) / sum;
    for (index_t c = 0; c < channels; ++c) q[c] *= factor;
  }
};
/// dx = y (dy - sum_k y_k dy_k); y is made again from x, so that a residual around it may be.
template <class T, ExecutionSpace Ex>
struct softmax_backward {
  static constexpr const char* name = "cardiomm::nn::softmax_backward";
  const T* x;
  const T* dy;
  T* dx;
  index_t channels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t, index_t) const {
    softmax_forward<T, Ex>{x, dx, channels}(row, 0, 1);
    const T* g = dy + row * channels;
    T* q = dx + row * channels;
    T along = T(0);
    for (index_t c = 0; c < channels; ++c) along += q[c] * g[c];
    for (index_t c = 0; c < channels; ++c) q[c] *= g[c] - along;
  }
};
}  // namespace detail

/// Softmax along the last axis of a tensor of any rank.
template <class T, int R = 4, ExecutionSpace Ex = default_space>
struct softmax : layer<softmax<T, R, Ex>, T, R, R, Ex> {
  using base = layer<softmax, T, R, R, Ex>;
  static constexpr const char* name = "softmax";
  static constexpr bool inplace_ok = true;

  shape<R> output(const shape<R>& s) const {
    require<shape_error>(s[R - 1] >= 1, "softmax: expected at least one channel, found ", s);
    return s;
  }
  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y) const {
    const index_t c = output(shape_of(x))[R - 1];
    launch::rows(ex, static_cast<index_t>(x.size()) / c, 1,
                 detail::softmax_forward<T, Ex>{x.data(), y.data(), c});
  }
  void backward(const Ex& ex, const typename base::in& x, const typename base::result&,
                const typename base::result& dy, const typename base::gradient& dx,
                nothing&) const {
    if (!dx.data()) return;
    const index_t c = static_cast<index_t>(x.extent(R - 1));
    launch::rows(ex, static_cast<index_t>(x.size()) / c, 1,
                 detail::softmax_backward<T, Ex>{x.data(), dy.data(), dx.data(), c});
  }
};

template <class T, ExecutionSpace Ex>
struct specimen<softmax<T, 4, Ex>> {
  static softmax<T, 4, Ex> make(const Ex&, linop::size_class, std::uint64_t) { return {}; }
  static shape<4> domain(linop::size_class s) { return specimen_features(s); }
};
template <class T, ExecutionSpace Ex>
using softmax_specimens = linop::type_list<softmax<T, 4, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
