// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MODELS_PISF_PASS_HPP
#define CARDIOMM_MODELS_PISF_PASS_HPP
/// \file
/// Forward and backward of PISF's network for training, with its loss. For lines e_k after phase k,
/// images x_k before it and n points of all lines,
///
///     L = 1/n sum_k |e_k - e_ref|^2 + c/n sum_k |G_k(x_k) - x_k|^2
///
/// G_k is the step in the image domain without its threshold: Psi3(Psi2 x), and x is added in
/// residual networks. Everything that backward needs lies in one block of memory, planned once for
/// a shape.
///
///     models::pisf_pass<float, Ex> pass(ex, net, shape{items, ny, coils});
///     pass.forward(z, mask);
///     double loss = pass.loss(reference);
///     pass.backward(1.0);                  // parameters().second.gradient() += ...

#include "cardiomm/models/pisf.hpp"

namespace cardiomm::inline CARDIOMM_ABI::models {

namespace detail {

/// Sum of (a - b)^2; b may be null.
template <class T>
struct pisf_distance {
  static constexpr const char* name = "cardiomm::models::pisf_distance";
  const T *a, *b;
  KOKKOS_INLINE_FUNCTION double operator()(index_t, index_t first, index_t last) const {
    double sum = 0;
    for (index_t i = first; i < last; ++i) {
      const double d = double(a[i]) - (b ? double(b[i]) : 0.0);
      sum += d * d;
    }
    return sum;
  }
};
/// Batch 0: <dd, m (e - z) + factor eta1 q>; batch 1: <dd, q>.
template <class T>
struct pisf_step_sums {
  static constexpr const char* name = "cardiomm::models::pisf_step_sums";
  const T *dd, *e, *z, *mask, *q, *eta1;
  T factor;
  index_t channels;
  KOKKOS_INLINE_FUNCTION double operator()(index_t batch, index_t first, index_t last) const {
    double sum = 0;
    const T a = batch == 0 ? T(1) : T(0), b = batch == 0 ? factor * *eta1 : T(1);
    for (index_t i = first; i < last; ++i)
      sum += double(dd[i] * (a * mask[i / channels] * (e[i] - z[i]) + b * q[i]));
    return sum;
  }
};
/// Adds - eta2 factor sums[1] and - sums[0] to the gradients of eta1 and eta2; null: nobody asks.
template <class T>
struct pisf_step_gradient {
  static constexpr const char* name = "cardiomm::models::pisf_step_gradient";
  const double* sums;
  const T* eta2;
  T factor;
  T *deta1, *deta2;
  KOKKOS_INLINE_FUNCTION void operator()(index_t, index_t) const {
    if (deta1) *deta1 -= T(double(*eta2) * double(factor) * sums[1]);
    if (deta2) *deta2 -= T(sums[0]);
  }
};
/// - sum of sign(x) dy where |x| > lambda: the derivative of <dy, soft(x)>.
template <class T>
struct pisf_threshold_sum {
  static constexpr const char* name = "cardiomm::models::pisf_threshold_sum";
  const T *x, *dy, *lambda;
  KOKKOS_INLINE_FUNCTION double operator()(index_t, index_t first, index_t last) const {
    const T l = *lambda;
    double sum = 0;
    for (index_t i = first; i < last; ++i) {
      const T down = x[i] > l ? dy[i] : T(0);
      sum -= double(x[i] < -l ? -dy[i] : down);
    }
    return sum;
  }
};
/// dy where |x| > lambda, else 0, in place.
template <class T>
struct pisf_soft_backward {
  static constexpr const char* name = "cardiomm::models::pisf_soft_backward";
  const T *x, *lambda;
  T* d;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    const T l = *lambda;
    for (index_t i = first; i < last; ++i) d[i] = x[i] > l || x[i] < -l ? d[i] : T(0);
  }
};
/// de = (1 - eta2 m) dd + dprior
template <class T>
struct pisf_step_backward {
  static constexpr const char* name = "cardiomm::models::pisf_step_backward";
  const T *dd, *dprior, *mask, *eta2;
  T* de;
  index_t channels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const T a = T(1) - *eta2 * mask[row];
    const index_t at = row * channels;
    for (index_t c = at + first; c < at + last; ++c) de[c] = a * dd[c] + dprior[c];
  }
};
/// y = - factor eta1 eta2 x
template <class T>
struct pisf_prior_gradient {
  static constexpr const char* name = "cardiomm::models::pisf_prior_gradient";
  const T *x, *eta1, *eta2;
  T* y;
  T factor;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    const T a = -factor * *eta1 * *eta2;
    for (index_t i = first; i < last; ++i) y[i] = a * x[i];
  }
};
/// y = a (x - r), or y += a (x - r)
template <class T>
struct pisf_difference {
  static constexpr const char* name = "cardiomm::models::pisf_difference";
  const T *x, *r;
  T* y;
  T a;
  bool add;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      const T v = a * (x[i] - r[i]);
      y[i] = add ? y[i] + v : v;
    }
  }
};
/// gradient += sum
template <class T>
struct pisf_add_sum {
  static constexpr const char* name = "cardiomm::models::pisf_add_sum";
  const double* sum;
  T* gradient;
  KOKKOS_INLINE_FUNCTION void operator()(index_t, index_t) const { *gradient += T(*sum); }
};

}  // namespace detail

template <class T, ExecutionSpace Ex = default_space>
class pisf_pass {
  using C = complex<T>;
  using chain = line_chain<T, Ex>;
  using in3 = view<const T, 3, Ex>;

 public:
  /// For lines of this shape (item, y, coil). `constraint` is c of the loss.
  pisf_pass(const Ex& ex, const pisf<T, Ex>& net, const shape<3>& lines, double constraint = 0.01)
      : ex_(ex), net_(net), lines_(lines), constraint_(constraint) {
    net.check(lines, shape{lines[0], lines[1]});
    nn::memory<Ex> count;
    plan(count);
    block_ = make_tensor<char>(ex, shape<1>{{index_t(count.used())}}, "cardiomm::models::pisf");
    nn::memory<Ex> hand(block_.data(), count.used());
    plan(hand);
  }
  std::size_t bytes() const { return block_.extent(0); }
  const shape<3>& lines() const { return lines_; }

  /// Measured lines z and masks (item, y), which have to stay as they are until `backward`; the
  /// result (item, y, coil) stays until the next call.
  view<const C, 3, Ex> forward(const view<const C, 3, Ex>& z, const view<const T, 2, Ex>& mask) {
    require<shape_error>(shape_of(z) == lines_, "pisf: lines: expected ", lines_, ", found ",
                         shape_of(z));
    net_.check(lines_, shape_of(mask));
    z_ = reinterpret_cast<const T*>(z.data());
    mask_ = mask;
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex_));
    const auto s = scratch.template tensor<T>(f_);
    const pisf_sizes& o = net_.sizes();
    const index_t n = f_.size(), inner = n / f_[2] * o.filters;
    const T* e = z_;
    for (std::size_t k = 0; k < kept_.size(); ++k) {
      state& t = kept_[k];
      const auto& p = net_.phases()[k];
      nn::forward(ex_, p.prior, in3(e, layout()), t.q, t.prior);
      launch::rows(ex_, f_[0] * f_[1], f_[2],
                   detail::pisf_step<T>{e, z_, mask_.data(), t.q.data(), p.eta1.data(),
                                        p.eta2.data(), t.x.data(), T(o.factor), f_[2]});
      detail::line_transform(ex_, lines_, fft::direction::inverse, t.x.data(), t.x.data());
      nn::forward(ex_, p.analysis, in3(t.x), t.u, t.analysis);
      const T* added = o.residual ? t.x.data() : nullptr;
      if (o.threshold_last) {
        nn::forward(ex_, p.synthesis, in3(t.u), t.h, t.synthesis);
        launch::segments(ex_, n,
                         detail::pisf_soft<T>{t.h.data(), p.lambda.data(), added, s.data()});
      } else {
        launch::segments(ex_, inner,
                         detail::pisf_soft<T>{t.u.data(), p.lambda.data(), nullptr, t.v.data()});
        nn::forward(ex_, p.synthesis, in3(t.v), s, t.synthesis);
        if (added) launch::segments(ex_, n, detail::pisf_add<T>{added, s.data(), T(1)});
        if (constrained()) nn::forward(ex_, p.synthesis, in3(t.u), t.h, t.exact);
      }
      detail::line_transform(ex_, lines_, fft::direction::forward, s.data(), t.e.data());
      e = t.e.data();
    }
    return view<const C, 3, Ex>(reinterpret_cast<const C*>(e),
                                ::cardiomm::detail::layout_of(lines_));
  }

  /// The loss of the last forward; `reference` (item, y, coil) has to stay until `backward`. Waits
  /// for the result.
  double loss(const view<const C, 3, Ex>& reference) {
    require<shape_error>(shape_of(reference) == lines_, "pisf: reference: expected ", lines_,
                         ", found ", shape_of(reference));
    reference_ = reinterpret_cast<const T*>(reference.data());
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex_));
    const std::size_t count = kept_.size();
    const auto sums = scratch.template tensor<double>(shape<1>{{index_t(2 * count)}});
    Kokkos::deep_copy(ex_, sums, 0.0);
    for (std::size_t k = 0; k < count; ++k) {
      const state& t = kept_[k];
      launch::sums(ex_, 1, f_.size(), detail::pisf_distance<T>{t.e.data(), reference_},
                   sums.data() + 2 * k);
      if (constrained())
        launch::sums(ex_, 1, f_.size(), detail::pisf_distance<T>{t.h.data(), removed(t)},
                     sums.data() + 2 * k + 1);
    }
    ex_.fence();
    const auto host = to_host(sums);
    double data = 0, exact = 0;
    for (std::size_t k = 0; k < count; ++k) data += host(2 * k), exact += host(2 * k + 1);
    last_ = host(2 * count - 2) / points();
    return (data + constraint_ * exact) / points();
  }
  /// |e_K - e_ref|^2 / n of the last phase, after `loss`.
  double last_distance() const { return last_; }

  /// Adds `weight` times the gradient of the loss to the gradients of the parameters. Tells
  /// `finished(first, last)` which of them are complete, as numbers in the order of the network's
  /// list.
  template <class Finished>
  void backward(double weight, const Finished& finished) {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex_));
    const pisf_sizes& o = net_.sizes();
    const index_t n = f_.size(), inner = n / f_[2] * o.filters;
    const auto de = scratch.template tensor<T>(f_), dg = scratch.template tensor<T>(f_),
               dx = scratch.template tensor<T>(f_), dh = scratch.template tensor<T>(f_);
    const shape<3> wide{{f_[0], f_[1], o.filters}};
    const auto du = scratch.template tensor<T>(wide), dw = scratch.template tensor<T>(wide);
    double* sums = scratch.template take<double>(2);
    const T data = T(2 * weight / points()), exact = T(2 * weight * constraint_ / points());
    std::size_t end = 0;
    for (const auto& p : net_.phases()) end += p.parameters().size();
    for (std::size_t k = kept_.size(); k-- > 0;) {
      state& t = kept_[k];
      const auto& p = net_.phases()[k];
      launch::segments(ex_, n,
                       detail::pisf_difference<T>{t.e.data(), reference_, de.data(), data,
                                                  k + 1 < kept_.size()});
      detail::line_transform(ex_, lines_, fft::direction::inverse, de.data(), dg.data());
      if (o.residual)
        Kokkos::deep_copy(ex_, dx, dg);
      else
        Kokkos::deep_copy(ex_, dx, T(0));
      if (constrained()) difference(t, dh.data(), exact);
      if (o.threshold_last) {
        threshold(p, t.h.data(), dg.data(), n, sums);
        if (constrained())
          launch::segments(ex_, n, detail::pisf_add<T>{dh.data(), dg.data(), T(1)});
        p.synthesis.backward(ex_, t.u, t.h, dg, du, t.synthesis);
      } else {
        p.synthesis.backward(ex_, t.v, {}, dg, du, t.synthesis);
        threshold(p, t.u.data(), du.data(), inner, sums);
        if (constrained()) {
          p.synthesis.backward(ex_, t.u, t.h, dh, dw, t.exact);
          launch::segments(ex_, inner, detail::pisf_add<T>{dw.data(), du.data(), T(1)});
        }
      }
      if (constrained() && !o.residual)
        launch::segments(ex_, n, detail::pisf_add<T>{dh.data(), dx.data(), T(-1)});
      p.analysis.backward(ex_, t.x, t.u, du, dg, t.analysis);
      launch::segments(ex_, n, detail::pisf_add<T>{dg.data(), dx.data(), T(1)});
      detail::line_transform(ex_, lines_, fft::direction::forward, dx.data(), dx.data());

      const T* e = k == 0 ? z_ : kept_[k - 1].e.data();
      launch::sums(ex_, 2, n,
                   detail::pisf_step_sums<T>{dx.data(), e, z_, mask_.data(), t.q.data(),
                                             p.eta1.data(), T(o.factor), f_[2]},
                   sums);
      launch::segments(ex_, 1,
                       detail::pisf_step_gradient<T>{sums, p.eta2.data(), T(o.factor),
                                                     p.eta1.gradient(), p.eta2.gradient()});
      launch::segments(ex_, n,
                       detail::pisf_prior_gradient<T>{dx.data(), p.eta1.data(), p.eta2.data(),
                                                      dg.data(), T(o.factor)});
      const bool first = k == 0;
      p.prior.backward(ex_, in3(e, layout()), t.q, dg, first ? view<T, 3, Ex>() : dh, t.prior);
      if (!first)
        launch::rows(ex_, f_[0] * f_[1], f_[2],
                     detail::pisf_step_backward<T>{dx.data(), dh.data(), mask_.data(),
                                                   p.eta2.data(), de.data(), f_[2]});
      const std::size_t begin = end - p.parameters().size();
      finished(begin, end);
      end = begin;
    }
  }
  void backward(double weight) {
    backward(weight, [](std::size_t, std::size_t) {});
  }

 private:
  struct state {
    view<T, 3, Ex> q, x, u, v, h, e;  ///< D1(e), F^-1 d, Psi2 x, soft, Psi3 Psi2 x, the new line
    typename chain::tape prior, analysis, synthesis, exact;
  };
  double points() const { return double(lines_[0]) * double(lines_[1]); }
  bool constrained() const { return constraint_ > 0; }
  Kokkos::LayoutRight layout() const { return ::cardiomm::detail::layout_of(f_); }
  /// What Psi3(Psi2 x) should be; null: zero.
  const T* removed(const state& t) const { return net_.sizes().residual ? nullptr : t.x.data(); }

  void plan(nn::memory<Ex>& m) {
    f_ = pisf<T, Ex>::features(lines_);
    const shape<3> wide{{f_[0], f_[1], net_.sizes().filters}};
    const bool last = net_.sizes().threshold_last;
    kept_.clear();
    for (const auto& p : net_.phases()) {
      state t;
      for (auto* v : {&t.q, &t.x, &t.e}) *v = m.template take<T>(f_);
      t.u = m.template take<T>(wide);
      if (!last) t.v = m.template take<T>(wide);
      if (last || constrained()) t.h = m.template take<T>(f_);
      t.prior = p.prior.record(m, f_);
      t.analysis = p.analysis.record(m, f_);
      t.synthesis = p.synthesis.record(m, wide);
      if (!last && constrained()) t.exact = p.synthesis.record(m, wide);
      kept_.push_back(std::move(t));
    }
  }
  /// dh = a (h - what it should be)
  void difference(const state& t, T* dh, T a) const {
    if (const T* r = removed(t)) {
      launch::segments(ex_, f_.size(), detail::pisf_difference<T>{t.h.data(), r, dh, a, false});
    } else {
      Kokkos::deep_copy(ex_, view<T, 3, Ex>(dh, layout()), T(0));
      launch::segments(ex_, f_.size(), detail::pisf_add<T>{t.h.data(), dh, a});
    }
  }
  /// Through soft(x, lambda), in place.
  void threshold(const pisf_phase<T, Ex>& p, const T* x, T* d, index_t n, double* sum) const {
    if (p.lambda.gradient()) {
      launch::sums(ex_, 1, n, detail::pisf_threshold_sum<T>{x, d, p.lambda.data()}, sum);
      launch::segments(ex_, 1, detail::pisf_add_sum<T>{sum, p.lambda.gradient()});
    }
    launch::segments(ex_, n, detail::pisf_soft_backward<T>{x, p.lambda.data(), d});
  }

  Ex ex_;
  pisf<T, Ex> net_;
  shape<3> lines_, f_{};
  double constraint_, last_ = 0;
  tensor<char, 1, Ex> block_;
  std::vector<state> kept_;
  const T *z_ = nullptr, *reference_ = nullptr;
  view<const T, 2, Ex> mask_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::models

#endif
