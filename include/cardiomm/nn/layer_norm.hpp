// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_LAYER_NORM_HPP
#define CARDIOMM_NN_LAYER_NORM_HPP
/// \file
/// Normalisation over the channels of each pixel or token (Ba, Kiros, Hinton, 2016):
///
///     y = (x - mean) / sqrt(variance + epsilon) * weight + bias
///
/// with the variance of the whole population. Sums are taken in double.

#include "cardiomm/core/blas1.hpp"
#include "cardiomm/nn/activation.hpp"
#include "cardiomm/nn/column_sum.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

namespace detail {

/// Mean of n numbers, and 1 / sqrt(variance + epsilon).
struct moments {
  double mean, scale;
};
template <class T>
KOKKOS_INLINE_FUNCTION moments moments_of(const T* x, index_t n, double epsilon) {
  const double mean =
      blas1::detail::strand_sum(0, n, [=](index_t i) { return double(x[i]); }) / double(n);
  const double variance = blas1::detail::strand_sum(0, n,
                                                    [=](index_t i) {
                                                      const double d = double(x[i]) - mean;
                                                      return d * d;
                                                    }) /
                          double(n);
  return {mean, 1 / math::sqrt(variance + epsilon)};
}

template <class T>
struct layer_norm_forward {
  static constexpr const char* name = "cardiomm::nn::layer_norm";
  const T *x, *weight, *bias;  // weight and bias may be null
  T* y;
  index_t channels;
  double epsilon;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t, index_t) const {
    const T* p = x + row * channels;
    T* q = y + row * channels;
    const moments m = moments_of(p, channels, epsilon);
    const T mean = T(m.mean), scale = T(m.scale);
    for (index_t c = 0; c < channels; ++c) {
      const T v = (p[c] - mean) * scale;
      q[c] = (weight ? v * weight[c] : v) + (bias ? bias[c] : T(0));
    }
  }
};
/// dx = scale (g - mean(g) - xhat mean(g xhat)), g = dy weight; dy xhat where the weight's gradient
/// is asked for.
template <class T>
struct layer_norm_backward {
  static constexpr const char* name = "cardiomm::nn::layer_norm_backward";
  const T *x, *weight, *dy;
  T *dx, *dy_xhat;  // either may be null
  index_t channels;
  double epsilon;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t, index_t) const {
    const index_t n = channels;
    const T* p = x + row * n;
    const T* g = dy + row * n;
    const T* w = weight;
    const moments m = moments_of(p, n, epsilon);
    const T mean = T(m.mean), scale = T(m.scale);
    if (dy_xhat)
      for (index_t c = 0; c < n; ++c) dy_xhat[row * n + c] = g[c] * ((p[c] - mean) * scale);
    if (!dx) return;
    const double sum = blas1::detail::strand_sum(
        0, n, [=](index_t c) { return double(g[c]) * (w ? double(w[c]) : 1.0); });
    const double along = blas1::detail::strand_sum(0, n, [=](index_t c) {
      return double(g[c]) * (w ? double(w[c]) : 1.0) * (double(p[c]) - m.mean) * m.scale;
    });
    const T a = T(sum / double(n)), b = T(along / double(n));
    T* q = dx + row * n;
    for (index_t c = 0; c < n; ++c)
      q[c] = scale * ((w ? g[c] * w[c] : g[c]) - a - (p[c] - mean) * scale * b);
  }
};

}  // namespace detail

/// Parameters `weight` (ones at first) and `bias` (zeros), or none.
template <class T, int R = 3, ExecutionSpace Ex = default_space>
class layer_norm : public layer<layer_norm<T, R, Ex>, T, R, R, Ex> {
 public:
  using base = layer<layer_norm, T, R, R, Ex>;
  static constexpr const char* name = "layer_norm";
  static constexpr bool inplace_ok = true;
  parameter<T, Ex> weight, bias;

  layer_norm(const Ex& ex, index_t channels, double epsilon = 1e-5, bool affine = true)
      : channels_(channels), epsilon_(epsilon) {
    require(channels > 0, "layer_norm: expected at least 1 channel, found ", channels);
    require(epsilon >= 0, "layer_norm: epsilon: expected at least 0, found ", epsilon);
    if (!affine) return;
    weight = parameter<T, Ex>(ex, {channels});
    bias = parameter<T, Ex>(ex, {channels});
    Kokkos::deep_copy(ex, weight.value(), T(1));
  }
  index_t channels() const { return channels_; }
  double epsilon() const { return epsilon_; }

  shape<R> output(const shape<R>& in) const {
    require<shape_error>(in[R - 1] == channels_, "layer_norm: expected ", channels_,
                         " channels, found features ", in);
    return in;
  }
  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y) const {
    launch::rows(ex, static_cast<index_t>(x.size()) / channels_, 1,
                 detail::layer_norm_forward<T>{x.data(), data(weight), data(bias), y.data(),
                                               channels_, epsilon_});
  }
  void backward(const Ex& ex, const typename base::in& x, const typename base::result&,
                const typename base::result& dy, const typename base::gradient& dx,
                nothing&) const {
    const index_t rows = static_cast<index_t>(x.size()) / channels_;
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const bool wanted = weight && weight.gradient();
    T* dy_xhat = wanted ? scratch.template take<T>(rows * channels_) : nullptr;
    if (wanted || dx.data())
      launch::rows(ex, rows, 1,
                   detail::layer_norm_backward<T>{x.data(), data(weight), dy.data(), dx.data(),
                                                  dy_xhat, channels_, epsilon_});
    if (wanted) add_column_sums(ex, rows, channels_, dy_xhat, weight.gradient());
    if (bias && bias.gradient()) add_column_sums(ex, rows, channels_, dy.data(), bias.gradient());
  }
  named_parameters<T, Ex> parameters() const {
    if (!weight) return {};
    return {{"weight", weight}, {"bias", bias}};
  }

 private:
  static const T* data(const parameter<T, Ex>& p) { return p ? p.data() : nullptr; }
  index_t channels_;
  double epsilon_;
};

template <class T, ExecutionSpace Ex>
struct specimen<layer_norm<T, 4, Ex>> {
  static layer_norm<T, 4, Ex> make(const Ex& ex, linop::size_class s, std::uint64_t seed) {
    layer_norm<T, 4, Ex> l(ex, domain(s)[3], 1e-3, s != linop::size_class::odd);
    if (l.weight) random::fill_normal(ex, l.weight.value(), seed);
    return l;
  }
  static shape<4> domain(linop::size_class s) {
    auto f = specimen_features(s);
    if (s == linop::size_class::tiny) f[3] = 6;  // two channels are always (-1, 1)
    return f;
  }
};
template <class T, ExecutionSpace Ex>
using layer_norm_specimens = linop::type_list<layer_norm<T, 4, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
