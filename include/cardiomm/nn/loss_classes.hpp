// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_LOSS_CLASSES_HPP
#define CARDIOMM_NN_LOSS_CLASSES_HPP
/// \file
/// Losses of segmentation and classification: cross entropy and soft Dice of logits
/// (item, ..., class) and labels (item, ...), integers from 0. Conventions of loss.hpp.

#include <type_traits>

#include "cardiomm/nn/loss.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

namespace detail {

/// log(sum exp(x)) of `classes` numbers.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION double log_sum_exp(const T* x, index_t classes) {
  double top = double(x[0]), sum = 0;
  for (index_t c = 1; c < classes; ++c)
    if (double(x[c]) > top) top = double(x[c]);
  for (index_t c = 0; c < classes; ++c) sum += math::exp(double(x[c]) - top);
  return top + math::log(sum);
}

/// Labels that are neither a class nor `ignored`.
template <class I>
struct foreign_labels {
  static constexpr const char* name = "cardiomm::nn::foreign_labels";
  const I* label;
  index_t classes;
  long long ignored;
  KOKKOS_INLINE_FUNCTION double operator()(index_t, index_t first, index_t last) const {
    double n = 0;
    for (index_t i = first; i < last; ++i) {
      const long long c = (long long)(label[i]);
      n += c != ignored && (c < 0 || c >= classes) ? 1 : 0;
    }
    return n;
  }
};

/// Real part: the loss summed over pixels; imaginary part: what it is divided by.
template <class T, class I>
struct cross_entropy_kernel {
  static constexpr const char* name = "cardiomm::nn::cross_entropy";
  const T* x;
  const I* label;
  const T* weights;  // may be null
  index_t classes;
  long long ignored;
  double smoothing;
  KOKKOS_INLINE_FUNCTION double weight(index_t c) const {
    return weights ? double(weights[c]) : 1.0;
  }
  KOKKOS_INLINE_FUNCTION complex<double> operator()(index_t, index_t first, index_t last) const {
    double loss = 0, divisor = 0;
    for (index_t i = first; i < last; ++i) {
      if ((long long)(label[i]) == ignored) continue;
      const index_t at = index_t(label[i]);
      const T* const row = x + i * classes;
      const double all = log_sum_exp(row, classes);
      loss += (1 - smoothing) * weight(at) * (all - double(row[at]));
      if (smoothing > 0)
        for (index_t c = 0; c < classes; ++c)
          loss += smoothing / double(classes) * weight(c) * (all - double(row[c]));
      divisor += weight(at);
    }
    return {loss, divisor};
  }
};
template <class T, class I>
struct cross_entropy_gradient {
  static constexpr const char* name = "cardiomm::nn::cross_entropy_gradient";
  cross_entropy_kernel<T, I> of;
  T* dx;
  double scale;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    const index_t classes = of.classes;
    const double rest = of.smoothing / double(classes);
    double even = 0;  // weight that smoothing gives to a pixel
    for (index_t c = 0; c < classes; ++c) even += rest * of.weight(c);
    for (index_t i = first; i < last; ++i) {
      const T* const row = of.x + i * classes;
      T* const out = dx + i * classes;
      if ((long long)(of.label[i]) == of.ignored) {
        for (index_t c = 0; c < classes; ++c) out[c] = T(0);
        continue;
      }
      const index_t at = index_t(of.label[i]);
      const double all = log_sum_exp(row, classes), own = (1 - of.smoothing) * of.weight(at);
      for (index_t c = 0; c < classes; ++c) {
        const double p = math::exp(double(row[c]) - all);
        out[c] = T(scale * ((own + even) * p - (c == at ? own : 0.0) - rest * of.weight(c)));
      }
    }
  }
};

/// Softmax of every pixel; zeros where the label is ignored.
template <class T, class I>
struct class_shares {
  static constexpr const char* name = "cardiomm::nn::class_shares";
  const T* x;
  const I* label;
  double* p;
  index_t classes;
  long long ignored;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      const bool counts = (long long)(label[i]) != ignored;
      const T* const row = x + i * classes;
      const double all = log_sum_exp(row, classes);
      for (index_t c = 0; c < classes; ++c)
        p[i * classes + c] = counts ? math::exp(double(row[c]) - all) : 0.0;
    }
  }
};
/// Of a (group, class): real part sum p t, imaginary part sum p + sum t.
template <class I>
struct dice_sums {
  static constexpr const char* name = "cardiomm::nn::dice_sums";
  const double* p;
  const I* label;
  index_t classes, pixels;  // of a group
  KOKKOS_INLINE_FUNCTION complex<double> operator()(index_t b, index_t first, index_t last) const {
    const index_t group = b / classes, c = b - group * classes;
    double both = 0, size = 0;
    for (index_t i = group * pixels + first; i < group * pixels + last; ++i) {
      const double share = p[i * classes + c];
      const bool inside = (long long)(label[i]) == (long long)(c);
      both += inside ? share : 0.0;
      size += share + (inside ? 1.0 : 0.0);
    }
    return {both, size};
  }
};
/// Dice of every (group, class), and its derivatives with respect to p inside and outside.
struct dice_values {
  static constexpr const char* name = "cardiomm::nn::dice_values";
  const complex<double>* sums;
  double* dice;
  double* inside;
  double* outside;
  index_t classes, skipped;
  double smooth, scale;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t b = first; b < last; ++b) {
      const bool counts = b % classes >= skipped;
      const double up = 2 * sums[b].real() + smooth, down = sums[b].imag() + smooth;
      const bool empty = !(down > 0);  // only without smoothing: no such pixel and none claimed
      dice[b] = !counts ? 0.0 : empty ? 1.0 : up / down;
      outside[b] = counts && !empty ? scale * up / (down * down) : 0.0;
      inside[b] = counts && !empty ? outside[b] - scale * 2 / down : 0.0;
    }
  }
};
template <class T, class I>
struct dice_gradient {
  static constexpr const char* name = "cardiomm::nn::dice_gradient";
  const double* p;
  const I* label;
  const double* inside;
  const double* outside;
  T* dx;
  index_t classes, pixels;
  long long ignored;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      const index_t group = i / pixels;
      const long long at = (long long)(label[i]);
      const double* const share = p + i * classes;
      T* const out = dx + i * classes;
      double mean = 0;
      for (index_t c = 0; c < classes; ++c)
        mean += share[c] * (at == (long long)(c) ? inside : outside)[group * classes + c];
      for (index_t c = 0; c < classes; ++c)
        out[c] =
            T(share[c] * ((at == (long long)(c) ? inside : outside)[group * classes + c] - mean));
    }
  }
};

template <TensorView X, TensorView Y, TensorView D, ExecutionSpace Ex>
index_t check_labels(const char* who, const Ex& ex, const X& logits, const Y& labels, const D& dx,
                     long long ignored) {
  static_assert(rank_of<X> >= 2 && rank_of<Y> == rank_of<X> - 1,
                "cardiomm: logits are (item, ..., class), labels (item, ...)");
  static_assert(std::is_integral_v<element_of<Y>>, "cardiomm: labels are integers");
  for (int i = 0; i < rank_of<Y>; ++i)
    require<shape_error>(labels.extent(i) == logits.extent(i), who,
                         ": labels: expected the leading extents of ", shape_of(logits), ", found ",
                         shape_of(labels));
  require<shape_error>(!dx.data() || shape_of(dx) == shape_of(logits), who, ": gradient: expected ",
                       shape_of(logits), ", found ", shape_of(dx));
  require<shape_error>(logits.size() > 0, who, ": expected at least one number, found ",
                       shape_of(logits));
  const index_t classes = index_t(logits.extent(rank_of<X> - 1)), n = index_t(labels.size());
  const double foreign =
      total(ex, n, foreign_labels<element_of<Y>>{labels.data(), classes, ignored});
  require(foreign == 0, who, ": labels: expected 0 to ", classes - 1, " or ", ignored,
          " for ignored ones, found ", (long long)(foreign), " others");
  return classes;
}
}  // namespace detail

/// What cross_entropy_loss does besides -log p; the defaults are the plain one.
template <class T, ExecutionSpace Ex = default_space>
struct cross_entropy_options {
  view<const T, 1, Ex> weights = {};  ///< one a class; empty: 1 each
  double smoothing = 0;               ///< 0 to 1: the part of the target that all classes share
  long long ignored = -100;           ///< label of pixels that do not count
};

/// Cross entropy of softmax(logits), PyTorch's mean: with p = softmax(x_i), label y_i, C classes,
///
///     sum_i [(1 - s) w(y_i) (-log p_i(y_i)) + s / C sum_c w(c) (-log p_i(c))] / sum_i w(y_i)
///
/// over the pixels that are not ignored (NaN where there is none, or none with a weight). Logits
/// (item, ..., class), labels (item, ...) of any integer type, gradient with respect to the logits.
/// Throws shape_error if shapes do not fit, value_error for labels that are no class.
template <ExecutionSpace Ex, TensorView X, TensorView Y>
double cross_entropy_loss(const Ex& ex, const X& logits, const Y& labels,
                          const gradient_of<X>& dx = {},
                          const cross_entropy_options<element_of<X>, space_of<X>>& options = {}) {
  using T = element_of<X>;
  using I = element_of<Y>;
  const char* const who = "cross_entropy_loss";
  const index_t classes = detail::check_labels(who, ex, logits, labels, dx, options.ignored);
  require<shape_error>(!options.weights.data() || index_t(options.weights.extent(0)) == classes,
                       who, ": weights: expected ", classes, " numbers, found ",
                       options.weights.extent(0));
  require(options.smoothing >= 0 && options.smoothing <= 1, who,
          ": smoothing: expected 0 to 1, found ", options.smoothing);
  const index_t n = index_t(labels.size());
  const detail::cross_entropy_kernel<T, I> kernel{logits.data(),          labels.data(),
                                                  options.weights.data(), classes,
                                                  options.ignored,        options.smoothing};
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  auto* const sum = scratch.template take<complex<double>>(1);
  launch::sums(ex, 1, n, kernel, sum);
  ex.fence();
  complex<double> found;
  Kokkos::deep_copy(host_view<complex<double>, 1>(&found, std::size_t(1)),
                    view<const complex<double>, 1, Ex>(sum, std::size_t(1)));
  if (dx.data())
    launch::segments(ex, n,
                     detail::cross_entropy_gradient<T, I>{kernel, dx.data(), 1 / found.imag()});
  return found.real() / found.imag();
}

/// How soft_dice_loss counts.
struct soft_dice_options {
  bool background = true;    ///< false: class 0 does not count
  bool per_item = true;      ///< Dice of every item, then their mean; false: of all together
  double smooth = 1e-5;      ///< added to both sides of the quotient
  long long ignored = -100;  ///< label of pixels that do not count
};

/// 1 - mean over classes (and items) of
///
///     (2 sum_i p_i(c) [y_i = c] + s) / (sum_i p_i(c) + sum_i [y_i = c] + s),   p =
///     softmax(logits),
///
/// with sums over the pixels that are not ignored, s = `smooth` (Milletari et al., 3DV 2016, with
/// plain sums; MONAI's DiceLoss(softmax, to_onehot_y)). With s = 0 a class that is neither there
/// nor claimed has Dice 1 and no gradient. Logits (item, ..., class), labels (item, ...). Throws
/// shape_error if shapes do not fit, value_error for labels that are no class or if no class is
/// left.
template <ExecutionSpace Ex, TensorView X, TensorView Y>
double soft_dice_loss(const Ex& ex, const X& logits, const Y& labels, const gradient_of<X>& dx = {},
                      const soft_dice_options& options = {}) {
  using T = element_of<X>;
  using I = element_of<Y>;
  const char* const who = "soft_dice_loss";
  const index_t classes = detail::check_labels(who, ex, logits, labels, dx, options.ignored);
  const index_t skipped = options.background ? 0 : 1;
  require(classes > skipped, who, ": expected a class besides the background, found ", classes,
          " in all");
  require(options.smooth >= 0, who, ": smooth: expected at least 0, found ", options.smooth);
  const index_t n = index_t(labels.size());
  const index_t groups = options.per_item ? index_t(labels.extent(0)) : 1, pixels = n / groups;
  const index_t all = groups * classes;
  const double counted = double(groups * (classes - skipped));
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  double* const p = scratch.template take<double>(n * classes);
  auto* const sums = scratch.template take<complex<double>>(all);
  double* const dice = scratch.template take<double>(3 * all);
  launch::segments(
      ex, n, detail::class_shares<T, I>{logits.data(), labels.data(), p, classes, options.ignored});
  launch::sums(ex, all, pixels, detail::dice_sums<I>{p, labels.data(), classes, pixels}, sums);
  launch::segments(ex, all,
                   detail::dice_values{sums, dice, dice + all, dice + 2 * all, classes, skipped,
                                       options.smooth, 1 / counted});
  if (dx.data())
    launch::segments(ex, n,
                     detail::dice_gradient<T, I>{p, labels.data(), dice + all, dice + 2 * all,
                                                 dx.data(), classes, pixels, options.ignored});
  return 1 - detail::total(ex, all, detail::plain_sum<double>{dice}) / counted;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
