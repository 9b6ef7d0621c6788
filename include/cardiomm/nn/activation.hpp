// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_ACTIVATION_HPP
#define CARDIOMM_NN_ACTIVATION_HPP
/// \file
/// Functions of single numbers as layers: relu, prelu, gelu (exact, with the error function),
/// quick_gelu (x sigmoid(1.702 x), as CLIP), sigmoid, tanh. Each is a functor with
///
///     template <class L> L value(L x, index_t c) const;       // L: number or packet, channel c
///     ... template <class L> L slope(L x, index_t c) const;       // derivative
///
/// so that the layer before it can apply it to its results before they are stored
/// (`PointwiseLayer`, see sequential.hpp).

#include <cmath>

#include "cardiomm/core/lane.hpp"
#include "cardiomm/core/random.hpp"
#include "cardiomm/linop/concept.hpp"
#include "cardiomm/nn/concept.hpp"
#include "cardiomm/nn/packets.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

namespace detail {

template <class L>
using real_of_lane = typename lane_traits<L>::real;
template <class L>
KOKKOS_FORCEINLINE_FUNCTION L sigmoid_of(const L& x) {
  return L(real_of_lane<L>(1)) / (L(real_of_lane<L>(1)) + lane_traits<L>::exp(-x));
}
/// f(x) number by number, for functions that packets do not have.
template <class L, class F>
KOKKOS_FORCEINLINE_FUNCTION L each(const L& x, const F& f) {
  using traits = lane_traits<L>;
  typename traits::real part[traits::width];
  traits::store(part, x);
  for (int i = 0; i < traits::width; ++i) part[i] = f(part[i]);
  return traits::load(part);
}

struct relu_function {
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION L value(const L& x, index_t) const {
    return lane_traits<L>::max(x, L(real_of_lane<L>(0)));
  }
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION L slope(const L& x, index_t) const {
    using R = real_of_lane<L>;
    return lane_traits<L>::select(x > L(R(0)), L(R(1)), L(R(0)));
  }
};
struct sigmoid_function {
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION L value(const L& x, index_t) const {
    return sigmoid_of(x);
  }
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION L slope(const L& x, index_t) const {
    const L s = sigmoid_of(x);
    return s * (L(real_of_lane<L>(1)) - s);
  }
};
struct tanh_function {
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION L value(const L& x, index_t) const {
    return each(x, [](auto v) { return std::tanh(v); });
  }
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION L slope(const L& x, index_t c) const {
    const L t = value(x, c);
    return L(real_of_lane<L>(1)) - t * t;
  }
};
struct quick_gelu_function {
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION L value(const L& x, index_t) const {
    return x * sigmoid_of(x * L(real_of_lane<L>(1.702)));
  }
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION L slope(const L& x, index_t) const {
    using R = real_of_lane<L>;
    const L s = sigmoid_of(x * L(R(1.702)));
    return s + x * L(R(1.702)) * s * (L(R(1)) - s);
  }
};
struct gelu_function {
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION L value(const L& x, index_t) const {
    return each(x, [](auto v) {
      using R = decltype(v);
      return v * R(0.5) * (R(1) + std::erf(v * R(0.70710678118654752440)));
    });
  }
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION L slope(const L& x, index_t) const {
    return each(x, [](auto v) {
      using R = decltype(v);
      return R(0.5) * (R(1) + std::erf(v * R(0.70710678118654752440))) +
             v * R(0.39894228040143267794) * std::exp(-v * v * R(0.5));
    });
  }
};
/// max(0, x) + a min(0, x); one slope, or one a channel.
template <class T>
struct prelu_function {
  const T* a;
  bool per_channel;
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION L at(index_t c) const {
    if (per_channel) return lane_traits<L>::load(a + c);
    return L(*a);
  }
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION L value(const L& x, index_t c) const {
    return lane_traits<L>::select(x > L(T(0)), x, at<L>(c) * x);
  }
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION L slope(const L& x, index_t c) const {
    return lane_traits<L>::select(x > L(T(0)), L(T(1)), at<L>(c));
  }
};

/// Rows are pixels, columns their channels.
template <class T, class F, ExecutionSpace Ex>
struct pointwise_forward {
  static constexpr const char* name = "cardiomm::nn::pointwise";
  F f;
  const T* x;
  T* y;
  index_t channels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    using L = lane<T, Ex>;
    constexpr int W = lane_traits<L>::width;
    const T* p = x + row * channels;
    T* q = y + row * channels;
    index_t c = first;
    for (; c + W <= last; c += W)
      lane_traits<L>::store(q + c, f.value(lane_traits<L>::load(p + c), c));
    for (; c < last; ++c) q[c] = f.value(p[c], c);
  }
};
template <class T, class F, ExecutionSpace Ex>
struct pointwise_backward {
  static constexpr const char* name = "cardiomm::nn::pointwise_backward";
  F f;
  const T* x;
  const T* dy;
  T* dx;
  index_t channels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    using L = lane<T, Ex>;
    constexpr int W = lane_traits<L>::width;
    const T* p = x + row * channels;
    const T* g = dy + row * channels;
    T* q = dx + row * channels;
    index_t c = first;
    for (; c + W <= last; c += W)
      lane_traits<L>::store(q + c,
                            lane_traits<L>::load(g + c) * f.slope(lane_traits<L>::load(p + c), c));
    for (; c < last; ++c) q[c] = g[c] * f.slope(p[c], c);
  }
};
/// Share of the gradient of a channel's PReLU slope: sum of dy min(0, x).
template <class T>
struct prelu_slope_sum {
  static constexpr const char* name = "cardiomm::nn::prelu_slope";
  const T* x;
  const T* dy;
  index_t channels;
  KOKKOS_INLINE_FUNCTION double operator()(index_t c, index_t first, index_t last) const {
    double sum = 0;
    for (index_t i = first; i < last; ++i) {
      const index_t at = i * channels + c;
      sum += x[at] < T(0) ? double(x[at]) * double(dy[at]) : 0.0;
    }
    return sum;
  }
};
/// The same with one slope for all, and dx = dy f'(x) in the same pass; dx may be dy, or null.
template <class T, ExecutionSpace Ex>
struct prelu_backward {
  static constexpr const char* name = "cardiomm::nn::prelu_backward";
  const T* slope;
  const T* x;
  const T* dy;
  T* dx;
  KOKKOS_INLINE_FUNCTION double operator()(index_t, index_t first, index_t last) const {
    constexpr index_t run = 256;  // added in the features' precision
    double total = 0;
    for (index_t i = first; i < last; i += run)
      total += double(part(i, i + run < last ? i + run : last));
    return total;
  }
  KOKKOS_FORCEINLINE_FUNCTION T part(index_t first, index_t last) const {
    T sum = 0;
    lane<T, Ex> wide(T(0));
    packets<T, Ex>(first, last, [&](auto tag, index_t i) {
      using L = typename decltype(tag)::type;
      using traits = lane_traits<L>;
      const L v = traits::load(x + i), d = traits::load(dy + i);
      const L below = traits::select(v > L(T(0)), L(T(0)), d);
      if constexpr (std::is_same_v<L, lane<T, Ex>>)
        wide = traits::fma(below, v, wide);
      else
        sum += traits::sum(below * v);
      if (dx) traits::store(dx + i, traits::select(v > L(T(0)), d, L(*slope) * d));
    });
    return sum + lane_traits<lane<T, Ex>>::sum(wide);
  }
};
/// gradient[i] += sum[i]
template <class T>
struct add_sums {
  static constexpr const char* name = "cardiomm::nn::add_sums";
  const double* sum;
  T* gradient;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) gradient[i] += T(sum[i]);
  }
};
}  // namespace detail

/// Base of layers that are a function of each number; Self has `function()`.
template <class Self, class T, int R, ExecutionSpace Ex>
struct pointwise_layer : layer<Self, T, R, R, Ex> {
  using base = layer<Self, T, R, R, Ex>;
  static constexpr bool inplace_ok = true;
  static constexpr bool pointwise = true;

  shape<R> output(const shape<R>& s) const { return s; }
  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y) const {
    const auto f = self().function();
    const index_t c = static_cast<index_t>(x.extent(R - 1));
    launch::rows(ex, c > 0 ? static_cast<index_t>(x.size()) / c : 0, c,
                 detail::pointwise_forward<T, decltype(f), Ex>{f, x.data(), y.data(), c});
  }
  void backward(const Ex& ex, const typename base::in& x, const typename base::result&,
                const typename base::result& dy, const typename base::gradient& dx,
                nothing&) const {
    if (!dx.data()) return;
    const auto f = self().function();
    const index_t c = static_cast<index_t>(x.extent(R - 1));
    launch::rows(
        ex, c > 0 ? static_cast<index_t>(x.size()) / c : 0, c,
        detail::pointwise_backward<T, decltype(f), Ex>{f, x.data(), dy.data(), dx.data(), c});
  }

 private:
  const Self& self() const { return static_cast<const Self&>(*this); }
};

/// A layer whose function can be applied by the layer before it.
template <class L>
concept PointwiseLayer = LayerLike<L> && requires {
  requires L::pointwise;
};

#define CARDIOMM_NN_POINTWISE(layer_name)                               \
  template <class T, int R = 4, ExecutionSpace Ex = default_space>      \
  struct layer_name : pointwise_layer<layer_name<T, R, Ex>, T, R, Ex> { \
    static constexpr const char* name = #layer_name;                    \
    detail::layer_name##_function function() const { return {}; }       \
  }
/// max(0, x)
CARDIOMM_NN_POINTWISE(relu);
/// 1 / (1 + exp(-x))
CARDIOMM_NN_POINTWISE(sigmoid);
CARDIOMM_NN_POINTWISE(tanh);
/// x Phi(x), Phi the distribution function of the standard normal distribution.
CARDIOMM_NN_POINTWISE(gelu);
/// x sigmoid(1.702 x)
CARDIOMM_NN_POINTWISE(quick_gelu);
#undef CARDIOMM_NN_POINTWISE

/// max(0, x) + a min(0, x). `weight` has one value, or one for each channel; 0.25 at first.
template <class T, int R = 4, ExecutionSpace Ex = default_space>
struct prelu : pointwise_layer<prelu<T, R, Ex>, T, R, Ex> {
  using base = layer<prelu, T, R, R, Ex>;
  static constexpr const char* name = "prelu";
  parameter<T, Ex> weight;

  explicit prelu(const Ex& ex, index_t slopes = 1) : weight(ex, {slopes}) {
    Kokkos::deep_copy(ex, weight.value(), T(0.25));
  }
  /// Shares the slopes of another layer.
  explicit prelu(parameter<T, Ex> shared) : weight(std::move(shared)) {}

  shape<R> output(const shape<R>& s) const {
    require<shape_error>(weight.size() == 1 || weight.size() == s[R - 1],
                         "prelu: expected 1 slope or ", s[R - 1], ", found ", weight.size());
    return s;
  }
  detail::prelu_function<T> function() const { return {weight.data(), weight.size() > 1}; }
  void backward(const Ex& ex, const typename base::in& x, const typename base::result& y,
                const typename base::result& dy, const typename base::gradient& dx,
                nothing& t) const {
    const index_t n = weight.size();
    if (weight.gradient() && n == 1) {
      typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
      double* sum = scratch.template take<double>(1);
      launch::sums(ex, 1, static_cast<index_t>(x.size()),
                   detail::prelu_backward<T, Ex>{weight.data(), x.data(), dy.data(), dx.data()},
                   sum);
      launch::segments(ex, 1, detail::add_sums<T>{sum, weight.gradient()});
      return;
    }
    if (weight.gradient()) {
      typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
      double* sums = scratch.template take<double>(n);
      launch::sums(ex, n, static_cast<index_t>(x.size()) / n,
                   detail::prelu_slope_sum<T>{x.data(), dy.data(), n}, sums);
      launch::segments(ex, n, detail::add_sums<T>{sums, weight.gradient()});
    }
    pointwise_layer<prelu, T, R, Ex>::backward(ex, x, y, dy, dx, t);
  }
  named_parameters<T, Ex> parameters() const { return {{"weight", weight}}; }
};

/// Shape (item, y, x, channel) of specimens.
constexpr shape<4> specimen_features(linop::size_class s) {
  switch (s) {
    case linop::size_class::tiny:
      return {{1, 4, 4, 2}};
    case linop::size_class::odd:
      return {{2, 5, 7, 3}};
    case linop::size_class::multiple_of_four:
      return {{1, 8, 12, 16}};
    case linop::size_class::wide:
      return {{1, 6, 9, 37}};
    case linop::size_class::singleton:
      return {{1, 1, 1, 5}};
  }
  return {{1, 1, 1, 1}};
}
template <template <class, int, ExecutionSpace> class L, class T, ExecutionSpace Ex>
struct pointwise_specimen {
  static L<T, 4, Ex> make(const Ex& ex, linop::size_class s, std::uint64_t) {
    if constexpr (std::is_default_constructible_v<L<T, 4, Ex>>)
      return L<T, 4, Ex>();
    else
      return L<T, 4, Ex>(ex, s == linop::size_class::odd ? specimen_features(s)[3] : 1);
  }
  static shape<4> domain(linop::size_class s) { return specimen_features(s); }
};
template <class T, ExecutionSpace Ex>
struct specimen<relu<T, 4, Ex>> : pointwise_specimen<relu, T, Ex> {};
template <class T, ExecutionSpace Ex>
struct specimen<prelu<T, 4, Ex>> : pointwise_specimen<prelu, T, Ex> {};
template <class T, ExecutionSpace Ex>
struct specimen<sigmoid<T, 4, Ex>> : pointwise_specimen<sigmoid, T, Ex> {};
template <class T, ExecutionSpace Ex>
struct specimen<tanh<T, 4, Ex>> : pointwise_specimen<tanh, T, Ex> {};
template <class T, ExecutionSpace Ex>
struct specimen<gelu<T, 4, Ex>> : pointwise_specimen<gelu, T, Ex> {};
template <class T, ExecutionSpace Ex>
struct specimen<quick_gelu<T, 4, Ex>> : pointwise_specimen<quick_gelu, T, Ex> {};
template <class T, ExecutionSpace Ex>
using activation_specimens = linop::type_list<relu<T, 4, Ex>, prelu<T, 4, Ex>, sigmoid<T, 4, Ex>,
                                              tanh<T, 4, Ex>, gelu<T, 4, Ex>, quick_gelu<T, 4, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
