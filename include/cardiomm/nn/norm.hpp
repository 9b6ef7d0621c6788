// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_NORM_HPP
#define CARDIOMM_NN_NORM_HPP
/// \file
/// Normalisation of features (item, spatial..., channel) with any number of spatial axes,
///
///     y = (x - mean) / sqrt(variance + eps) * weight + bias,
///
/// mean and variance (divisor n) over the pixels of each channel of each item (`instance_norm`,
/// Ulyanov et al., arXiv 1607.08022), of neighbouring channels of each item (`group_norm`, Wu and
/// He, ECCV 2018), or of each channel of all items (`batch_norm`, Ioffe and Szegedy, ICML 2015).
/// Statistics are taken in double and in two passes. Layer norm: layer_norm.hpp.

#include <memory>

#include "cardiomm/nn/activation.hpp"
#include "cardiomm/nn/norm_kernels.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

/// Mean and 1 / deviation of every (item, channel).
template <class T, ExecutionSpace Ex>
struct norm_tape {
  view<T, 2, Ex> mean, rdev;
};

/// Base of the norms. Self has `norm_sets sets(shape)` and may replace `statistics`.
template <class Self, class T, int R, ExecutionSpace Ex>
class norm_layer : public layer<Self, T, R, R, Ex> {
 public:
  using base = layer<Self, T, R, R, Ex>;
  using tape = norm_tape<T, Ex>;
  parameter<T, Ex> weight, bias;  ///< one number a channel; absent where not affine

  /// Ones and zeros.
  norm_layer(const Ex& ex, index_t channels, double eps, bool affine)
      : channels_(channels), eps_(eps) {
    require<shape_error>(channels >= 1, Self::name, ": expected at least one channel, found ",
                         channels);
    require(eps >= 0, Self::name, ": eps: expected at least 0, found ", eps);
    if (!affine) return;
    weight = parameter<T, Ex>(ex, {channels});
    bias = parameter<T, Ex>(ex, {channels});
    Kokkos::deep_copy(ex, weight.value(), T(1));
  }

  shape<R> output(const shape<R>& s) const {
    require<shape_error>(s[R - 1] == channels_ && s.size() > 0, Self::name, ": expected ",
                         channels_, " channels and at least one number, found ", s);
    return s;
  }
  tape record(memory<Ex>& m, const shape<R>& s) const {
    tape t;
    t.mean = m.template take<T>(shape<2>{{s[0], channels_}});
    t.rdev = m.template take<T>(shape<2>{{s[0], channels_}});
    return t;
  }
  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y) const {
    forward_fused(ex, x, y, same_value{});
  }
  /// y = f of the result, number by number.
  template <class F>
  void forward_fused(const Ex& ex, const typename base::in& x, const typename base::out& y,
                     const F& f) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const shape<2> s{{static_cast<index_t>(x.extent(0)), channels_}};
    const tape t{scratch.template tensor<T>(s), scratch.template tensor<T>(s)};
    self().statistics(ex, x, t, false);
    apply(ex, x, y, t, f);
  }
  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y,
               tape& t) const {
    self().statistics(ex, x, t, true);
    apply(ex, x, y, t, same_value{});
  }
  void backward(const Ex& ex, const typename base::in& x, const typename base::result& y,
                const typename base::result& dy, const typename base::gradient& dx, tape& t) const {
    (void)y;
    const detail::norm_sets sets = self().sets(shape_of(x));
    const index_t all = sets.items * sets.channels;
    const bool train = weight && (weight.gradient() || bias.gradient());
    const bool fixed = !self().depends_on_input();
    if (!dx.data() && !train) return;
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    double* sums = scratch.template take<double>(2 * all);
    T* means = scratch.template take<T>(2 * all);
    if (train || !fixed)
      channel_sums<T>(ex, sets.items, sets.pixels, sets.channels,
                      detail::norm_gradient_sums<T>{x.data(), dy.data(), t.mean.data(),
                                                    t.rdev.data(), sets.channels},
                      sums);
    if (train) {
      T* gradients[2] = {bias.gradient(), weight.gradient()};
      for (index_t k = 0; k < 2; ++k)
        if (gradients[k])
          launch::segments(
              ex, channels_,
              detail::norm_parameter_gradient<T>{sums, gradients[k], sets.items, channels_, k});
    }
    if (!dx.data()) return;
    const T* w = weight ? weight.data() : nullptr;
    if (!fixed)
      launch::segments(ex, sets.count(), detail::spread_gradient<T>{sets, sums, w, means});
    launch::rows(ex, sets.items * sets.pixels, channels_,
                 detail::norm_backward<T, Ex>{x.data(), dy.data(), t.mean.data(), t.rdev.data(), w,
                                              fixed ? nullptr : means, dx.data(), sets.pixels,
                                              channels_, all});
  }
  named_parameters<T, Ex> parameters() const {
    if (!weight) return {};
    return {{"weight", weight}, {"bias", bias}};
  }
  index_t channels() const { return channels_; }
  double eps() const { return eps_; }

  bool depends_on_input() const { return true; }
  /// Mean and 1 / deviation of x; `keep` is true in a pass that will go backward.
  void statistics(const Ex& ex, const typename base::in& x, const tape& t, bool keep) const {
    (void)keep;
    measure(ex, x, t, nullptr, nullptr, 0);
  }

 protected:
  detail::norm_sets sets_of(const shape<R>& s, index_t width, bool across) const {
    return {s[0], s.size() / (s[0] * channels_), channels_, width, across};
  }
  /// Statistics of x, which move running averages by `momentum` where given.
  void measure(const Ex& ex, const typename base::in& x, const tape& t, T* running_mean,
               T* running_variance, double momentum) const {
    const detail::norm_sets sets = self().sets(shape_of(x));
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    double* sums = scratch.template take<double>(sets.items * sets.channels);
    channel_sums(ex, x, sums);
    launch::segments(
        ex, sets.count(),
        detail::spread_sets<T>{sets, sums, t.mean.data(), false, 0, running_mean, momentum, 1});
    channel_sums<T>(ex, sets.items, sets.pixels, sets.channels,
                    detail::sum_of_squares<T>{x.data(), t.mean.data(), channels_}, sums);
    // The running variance is an estimate: divisor n - 1.
    const double n = double(sets.size());
    launch::segments(ex, sets.count(),
                     detail::spread_sets<T>{sets, sums, t.rdev.data(), true, eps_, running_variance,
                                            momentum, n / (n - 1)});
  }

 private:
  const Self& self() const { return static_cast<const Self&>(*this); }
  template <class F>
  void apply(const Ex& ex, const typename base::in& x, const typename base::out& y, const tape& t,
             const F& f) const {
    const detail::norm_sets sets = self().sets(shape_of(x));
    launch::rows(ex, sets.items * sets.pixels, channels_,
                 detail::norm_forward<T, F, Ex>{
                     x.data(), t.mean.data(), t.rdev.data(), weight ? weight.data() : nullptr,
                     weight ? bias.data() : nullptr, y.data(), sets.pixels, channels_, f});
  }
  index_t channels_;
  double eps_;
};

/// Statistics of each channel of each item.
template <class T, int R = 4, ExecutionSpace Ex = default_space>
struct instance_norm : norm_layer<instance_norm<T, R, Ex>, T, R, Ex> {
  static constexpr const char* name = "instance_norm";
  explicit instance_norm(const Ex& ex, index_t channels, double eps = 1e-5, bool affine = false)
      : norm_layer<instance_norm, T, R, Ex>(ex, channels, eps, affine) {}
  detail::norm_sets sets(const shape<R>& s) const { return this->sets_of(s, 1, false); }
};

/// Statistics of `groups` groups of neighbouring channels of each item. Throws shape_error where
/// the channels do not divide into them.
template <class T, int R = 4, ExecutionSpace Ex = default_space>
class group_norm : public norm_layer<group_norm<T, R, Ex>, T, R, Ex> {
 public:
  static constexpr const char* name = "group_norm";
  group_norm(const Ex& ex, index_t groups, index_t channels, double eps = 1e-5, bool affine = true)
      : norm_layer<group_norm, T, R, Ex>(ex, channels, eps, affine), groups_(groups) {
    require<shape_error>(groups >= 1 && channels % groups == 0,
                         "group_norm: expected a number of groups that divides ", channels,
                         " channels, found ", groups);
  }
  detail::norm_sets sets(const shape<R>& s) const {
    return this->sets_of(s, this->channels() / groups_, false);
  }

 private:
  index_t groups_;
};

/// Statistics of each channel over all items while training, running averages else. A pass that
/// keeps a tape moves `running_mean` and `running_var` (parameters without gradient; `running_var`
/// takes the estimate with divisor n - 1): r = (1 - momentum) r + momentum * statistic. The mode is
/// shared by all copies of the layer.
template <class T, int R = 4, ExecutionSpace Ex = default_space>
class batch_norm : public norm_layer<batch_norm<T, R, Ex>, T, R, Ex> {
 public:
  using parent = norm_layer<batch_norm, T, R, Ex>;
  using base = typename parent::base;
  static constexpr const char* name = "batch_norm";
  parameter<T, Ex> running_mean, running_var;

  explicit batch_norm(const Ex& ex, index_t channels, double eps = 1e-5, double momentum = 0.1,
                      bool affine = true)
      : parent(ex, channels, eps, affine),
        running_mean(ex, {channels}, false),
        running_var(ex, {channels}, false),
        training_(std::make_shared<bool>(false)),
        momentum_(momentum) {
    Kokkos::deep_copy(ex, running_var.value(), T(1));
  }
  /// False at first: running averages are used.
  void set_training(bool yes) const { *training_ = yes; }
  bool training() const { return *training_; }

  detail::norm_sets sets(const shape<R>& s) const { return this->sets_of(s, 1, true); }
  bool depends_on_input() const { return *training_; }
  void statistics(const Ex& ex, const typename base::in& x, const norm_tape<T, Ex>& t,
                  bool keep) const {
    if (!*training_) {
      launch::rows(ex, static_cast<index_t>(x.extent(0)), this->channels(),
                   detail::spread_running<T>{running_mean.data(), running_var.data(), t.mean.data(),
                                             t.rdev.data(), this->eps(), this->channels()});
      return;
    }
    const auto all = sets(shape_of(x));
    require<shape_error>(all.size() > 1,
                         "batch_norm: expected more than one number a channel while training, "
                         "found ",
                         shape_of(x));
    this->measure(ex, x, t, keep ? running_mean.data() : nullptr,
                  keep ? running_var.data() : nullptr, momentum_);
  }
  named_parameters<T, Ex> parameters() const {
    auto all = parent::parameters();
    all.emplace_back("running_mean", running_mean);
    all.emplace_back("running_var", running_var);
    return all;
  }

 private:
  std::shared_ptr<bool> training_;
  double momentum_;
};

/// Random weights, and for a batch norm running averages of its own.
template <class L, class Ex>
L random_norm(const Ex& ex, L l, std::uint64_t seed) {
  std::uint64_t stream = 0;
  for (const auto& p : l.parameters()) random::fill_uniform(ex, p.second.value(), seed, stream++);
  return l;
}
/// The singleton has one pixel, of which a variance says nothing: x = mean, a slope of 0.
constexpr shape<4> norm_domain(linop::size_class s) {
  return s == linop::size_class::singleton ? shape<4>{{1, 1, 7, 5}} : specimen_features(s);
}
template <class T, ExecutionSpace Ex>
struct specimen<instance_norm<T, 4, Ex>> {
  static instance_norm<T, 4, Ex> make(const Ex& ex, linop::size_class s, std::uint64_t seed) {
    const bool affine = s != linop::size_class::odd;
    return random_norm(ex, instance_norm<T, 4, Ex>(ex, norm_domain(s)[3], 1e-3, affine), seed);
  }
  static shape<4> domain(linop::size_class s) { return norm_domain(s); }
};
template <class T, ExecutionSpace Ex>
struct specimen<group_norm<T, 4, Ex>> {
  static group_norm<T, 4, Ex> make(const Ex& ex, linop::size_class s, std::uint64_t seed) {
    const index_t c = norm_domain(s)[3], groups = c % 4 == 0 ? 4 : 1;
    return random_norm(ex, group_norm<T, 4, Ex>(ex, groups, c), seed);
  }
  static shape<4> domain(linop::size_class s) { return norm_domain(s); }
};
template <class T, ExecutionSpace Ex>
struct specimen<batch_norm<T, 4, Ex>> {
  static batch_norm<T, 4, Ex> make(const Ex& ex, linop::size_class s, std::uint64_t seed) {
    const auto l = random_norm(ex, batch_norm<T, 4, Ex>(ex, norm_domain(s)[3]), seed);
    l.set_training(s == linop::size_class::odd || s == linop::size_class::wide);
    return l;
  }
  static shape<4> domain(linop::size_class s) { return norm_domain(s); }
};
template <class T, ExecutionSpace Ex>
using norm_specimens =
    linop::type_list<instance_norm<T, 4, Ex>, group_norm<T, 4, Ex>, batch_norm<T, 4, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
