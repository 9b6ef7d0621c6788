// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_NORM_KERNELS_HPP
#define CARDIOMM_NN_NORM_KERNELS_HPP
/// \file
/// What instance, group and batch norm share. A *set* is what one mean and one variance are taken
/// of: some neighbouring channels of one item, or of all items. Mean and 1 / deviation are kept for
/// every (item, channel), so that the passes over the features do not know of sets:
///
///     y = (x - mean) rdev w + b
///     dx = rdev (w dy - mean_set(w dy) - xhat mean_set(w dy xhat)),   xhat = (x - mean) rdev

#include "cardiomm/nn/channel_sums.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn::detail {

/// Features as (item, pixel, channel), and how their channels form sets.
struct norm_sets {
  index_t items, pixels, channels;
  index_t width;  ///< channels of a set
  bool across;    ///< a set spans all items

  KOKKOS_INLINE_FUNCTION index_t count() const { return (across ? 1 : items) * channels / width; }
  /// Numbers of a set.
  KOKKOS_INLINE_FUNCTION index_t size() const { return (across ? items : 1) * pixels * width; }
};

/// (x - mean)^2
template <class T>
struct sum_of_squares {
  static constexpr int count = 1;
  const T* x;
  const T* mean;
  index_t channels;
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION void add(L* sum, index_t item, index_t at, index_t c) const {
    using traits = lane_traits<L>;
    const L d = traits::load(x + at) - traits::load(mean + item * channels + c);
    sum[0] = traits::fma(d, d, sum[0]);
  }
};
/// dy and dy xhat
template <class T>
struct norm_gradient_sums {
  static constexpr int count = 2;
  const T* x;
  const T* dy;
  const T* mean;
  const T* rdev;
  index_t channels;
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION void add(L* sum, index_t item, index_t at, index_t c) const {
    using traits = lane_traits<L>;
    const index_t i = item * channels + c;
    const L g = traits::load(dy + at);
    const L xhat = (traits::load(x + at) - traits::load(mean + i)) * traits::load(rdev + i);
    sum[0] = sum[0] + g;
    sum[1] = traits::fma(g, xhat, sum[1]);
  }
};

/// Sums (item, channel) to means of their sets, or to 1 / sqrt(mean + eps); each is written for all
/// (item, channel) of the set. Where `running` is given (sets of one channel) it moves there too:
/// running = (1 - momentum) running + momentum * mean * factor.
template <class T>
struct spread_sets {
  static constexpr const char* name = "cardiomm::nn::spread_sets";
  norm_sets sets;
  const double* sums;
  T* out;
  bool deviation;
  double eps;
  T* running;
  double momentum, factor;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    const index_t groups = sets.channels / sets.width;
    for (index_t s = first; s < last; ++s) {
      const index_t item0 = sets.across ? 0 : s / groups, c0 = s % groups * sets.width;
      const index_t item1 = sets.across ? sets.items : item0 + 1;
      double sum = 0;
      for (index_t i = item0; i < item1; ++i)
        for (index_t c = c0; c < c0 + sets.width; ++c) sum += sums[i * sets.channels + c];
      const double mean = sum / double(sets.size());
      const T value = T(deviation ? 1 / math::sqrt(mean + eps) : mean);
      for (index_t i = item0; i < item1; ++i)
        for (index_t c = c0; c < c0 + sets.width; ++c) out[i * sets.channels + c] = value;
      if (running) running[c0] = T((1 - momentum) * double(running[c0]) + momentum * mean * factor);
    }
  }
};
/// Sums (item, 2, channel) of norm_gradient_sums, times the channel's weight, to their means over
/// the set, for every (item, channel): out (2, item, channel).
template <class T>
struct spread_gradient {
  static constexpr const char* name = "cardiomm::nn::spread_gradient";
  norm_sets sets;
  const double* sums;
  const T* weight;  // may be null
  T* out;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    const index_t groups = sets.channels / sets.width, all = sets.items * sets.channels;
    for (index_t s = first; s < last; ++s) {
      const index_t item0 = sets.across ? 0 : s / groups, c0 = s % groups * sets.width;
      const index_t item1 = sets.across ? sets.items : item0 + 1;
      double sum[2] = {0, 0};
      for (index_t i = item0; i < item1; ++i)
        for (index_t c = c0; c < c0 + sets.width; ++c)
          for (int k = 0; k < 2; ++k)
            sum[k] += (weight ? double(weight[c]) : 1.0) * sums[(2 * i + k) * sets.channels + c];
      for (int k = 0; k < 2; ++k)
        for (index_t i = item0; i < item1; ++i)
          for (index_t c = c0; c < c0 + sets.width; ++c)
            out[k * all + i * sets.channels + c] = T(sum[k] / double(sets.size()));
    }
  }
};
/// Running mean and variance as mean and 1 / deviation of every (item, channel); rows are items.
template <class T>
struct spread_running {
  static constexpr const char* name = "cardiomm::nn::spread_running";
  const T* running_mean;
  const T* running_variance;
  T* mean;
  T* rdev;
  double eps;
  index_t channels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t item, index_t first, index_t last) const {
    for (index_t c = first; c < last; ++c) {
      mean[item * channels + c] = running_mean[c];
      rdev[item * channels + c] = T(1 / math::sqrt(double(running_variance[c]) + eps));
    }
  }
};

/// y = f((x - mean) rdev w + b); rows are pixels of all items, columns channels.
template <class T, class F, ExecutionSpace Ex>
struct norm_forward {
  static constexpr const char* name = "cardiomm::nn::norm";
  const T* x;
  const T* mean;
  const T* rdev;
  const T* weight;  // both may be null
  const T* bias;
  T* y;
  index_t pixels, channels;
  F f;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t base = row * channels, item = row / pixels * channels;
    packets<T, Ex>(first, last, [&](auto tag, index_t c) {
      using L = typename decltype(tag)::type;
      using traits = lane_traits<L>;
      L v = (traits::load(x + base + c) - traits::load(mean + item + c)) *
            traits::load(rdev + item + c);
      if (weight) v = traits::fma(v, traits::load(weight + c), traits::load(bias + c));
      traits::store(y + base + c, f.value(v, c));
    });
  }
};
/// dx = rdev (w dy - m1 - xhat m2); `means` (2, item, channel) is null where mean and deviation do
/// not depend on x.
template <class T, ExecutionSpace Ex>
struct norm_backward {
  static constexpr const char* name = "cardiomm::nn::norm_backward";
  const T* x;
  const T* dy;
  const T* mean;
  const T* rdev;
  const T* weight;
  const T* means;
  T* dx;
  index_t pixels, channels, all;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t base = row * channels, item = row / pixels * channels;
    packets<T, Ex>(first, last, [&](auto tag, index_t c) {
      using traits = lane_traits<typename decltype(tag)::type>;
      const auto r = traits::load(rdev + item + c);
      auto g = traits::load(dy + base + c);
      if (weight) g = g * traits::load(weight + c);
      if (means) {
        const auto xhat = (traits::load(x + base + c) - traits::load(mean + item + c)) * r;
        g = g - traits::load(means + item + c) - xhat * traits::load(means + all + item + c);
      }
      traits::store(dx + base + c, g * r);
    });
  }
};
/// dw += sum over items of sums (item, 2, channel), part k.
template <class T>
struct norm_parameter_gradient {
  static constexpr const char* name = "cardiomm::nn::norm_parameter_gradient";
  const double* sums;
  T* gradient;
  index_t items, channels, k;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t c = first; c < last; ++c) {
      double sum = 0;
      for (index_t i = 0; i < items; ++i) sum += sums[(2 * i + k) * channels + c];
      gradient[c] += T(sum);
    }
  }
};

}  // namespace cardiomm::inline CARDIOMM_ABI::nn::detail

#endif
