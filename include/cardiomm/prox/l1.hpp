// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_PROX_L1_HPP
#define CARDIOMM_PROX_L1_HPP
/// \file
/// Norms that act element by element: sum w |x| (complex soft threshold) and w/2 |x|^2. One read
/// and one write each.

#include <cmath>
#include <limits>

#include "cardiomm/core/blas1.hpp"
#include "cardiomm/core/lane.hpp"
#include "cardiomm/core/random.hpp"
#include "cardiomm/prox/concept.hpp"

namespace cardiomm::inline CARDIOMM_ABI::prox {

namespace detail {

/// max(0, 1 - threshold / sqrt(squares)), for a packet or a number.
template <class L>
KOKKOS_FORCEINLINE_FUNCTION L shrink_factor(const L& squares, const L& threshold) {
  using traits = lane_traits<L>;
  using T = typename traits::real;
  constexpr T tiny = sizeof(T) == 4 ? T(1.2e-38) : T(2.3e-308);
  return traits::max(L(T(0)), L(T(1)) - threshold / traits::sqrt(traits::max(squares, L(tiny))));
}

/// out[i] = shrunken in[i] for i in [first, last), thresholds t(i); W at a time. With `clip` what
/// the threshold takes away, which is in[i] shortened to t(i).
template <class Lane, class T, class F>
KOKKOS_FORCEINLINE_FUNCTION void shrink(const complex<T>* in, complex<T>* out, index_t first,
                                        index_t last, const F& t, bool clip = false) {
  const T base = clip ? T(1) : T(0), sign = clip ? T(-1) : T(1);
  constexpr int W = lane_traits<Lane>::width;
  index_t i = first;
  for (; i + W <= last; i += W) {
    const T* x = blas1::detail::reals(in + i);
    T* y = blas1::detail::reals(out + i);
    T factor[W], limit[W];
    for (int j = 0; j < W; ++j) factor[j] = x[2 * j] * x[2 * j] + x[2 * j + 1] * x[2 * j + 1];
    for (int j = 0; j < W; ++j) limit[j] = t(i + j);
    lane_traits<Lane>::store(
        factor, shrink_factor(lane_traits<Lane>::load(factor), lane_traits<Lane>::load(limit)));
    for (int j = 0; j < W; ++j) {
      const T f = base + sign * factor[j];
      y[2 * j] = f * x[2 * j];
      y[2 * j + 1] = f * x[2 * j + 1];
    }
  }
  for (; i < last; ++i) {
    const T factor = base + sign * shrink_factor(abs2(in[i]), t(i));
    out[i] = complex<T>(factor * in[i].real(), factor * in[i].imag());
  }
}

template <class T, class Lane>
struct soft_kernel {
  static constexpr const char* name = "cardiomm::prox::l1";
  const complex<T>* in;
  complex<T>* out;
  T threshold;
  bool clip;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    const T t = threshold;
    shrink<Lane>(
        in, out, first, last, [=](index_t) { return t; }, clip);
  }
};

/// Weights of rank R that are broadcast along axes of extent 1.
template <class T, int R>
struct broadcast {
  const T* weight = nullptr;
  shape<R> s{}, stride{};

  KOKKOS_FORCEINLINE_FUNCTION const T* row(index_t row) const {
    index_t offset = 0;
    for (int i = R - 2; i >= 0; --i) {
      offset += row % s[i] * stride[i];
      row /= s[i];
    }
    return weight + offset;
  }
};
/// How a tensor of weights covers data of shape s.
template <TensorView W>
auto broadcast_of(const W& weights, const shape<rank_of<W>>& s) {
  constexpr int R = rank_of<W>;
  broadcast<element_of<W>, R> b{weights.data(), s, {}};
  index_t step = 1;
  for (int i = R - 1; i >= 0; --i) {
    const index_t n = static_cast<index_t>(weights.extent(i));
    b.stride[i] = n == 1 ? 0 : step;
    step *= n;
  }
  return b;
}

template <class T, int R, class Lane>
struct weighted_soft_kernel {
  static constexpr const char* name = "cardiomm::prox::l1_weighted";
  const complex<T>* in;
  complex<T>* out;
  broadcast<T, R> weights;
  T sigma;
  bool clip;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const T* w = weights.row(row);
    const index_t n = weights.s[R - 1], step = weights.stride[R - 1];
    const T s = sigma;
    shrink<Lane>(
        in + row * n, out + row * n, first, last, [=](index_t i) { return s * w[i * step]; }, clip);
  }
};

/// sum of |x|
template <class T>
struct magnitudes {
  static constexpr const char* name = "cardiomm::prox::l1_value";
  const complex<T>* x;
  KOKKOS_INLINE_FUNCTION double operator()(index_t, index_t first, index_t last) const {
    double sum = 0;
    for (index_t i = first; i < last; ++i) sum += double(math::sqrt(abs2(x[i])));
    return sum;
  }
};
/// sum of w |x|, or how often |x| > (1 + slack) w
template <class T, int R>
struct weighted_magnitudes {
  static constexpr const char* name = "cardiomm::prox::l1_weighted_value";
  const complex<T>* x;
  broadcast<T, R> weights;
  bool beyond;
  T slack;
  KOKKOS_INLINE_FUNCTION double operator()(index_t, index_t first, index_t last) const {
    const index_t n = weights.s[R - 1], step = weights.stride[R - 1];
    double sum = 0;
    for (index_t i = first; i < last; ++i) {
      const T w = weights.row(i / n)[i % n * step], size = math::sqrt(abs2(x[i]));
      sum += beyond ? double(size > w + slack * (w + T(1))) : double(w * size);
    }
    return sum;
  }
};

/// y = factor x
template <class T>
struct shrink_kernel {
  static constexpr const char* name = "cardiomm::prox::l2_squared";
  const T* in;
  T* out;
  T factor;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = 2 * first; i < 2 * last; ++i) out[i] = factor * in[i];
  }
};
template <class T>
struct above_limit {
  static constexpr const char* name = "cardiomm::prox::beyond";
  const complex<T>* x;
  T limit;
  KOKKOS_INLINE_FUNCTION double operator()(index_t, index_t first, index_t last) const {
    double count = 0;
    for (index_t i = first; i < last; ++i) count += double(abs2(x[i]) > limit * limit);
    return count;
  }
};
/// What rounding may add to a constraint, relative.
template <class T>
inline constexpr T slack = sizeof(T) == 4 ? T(1e-5) : T(1e-12);
}  // namespace detail

/// P(x) = sum w |x|, w a number or a tensor of weights whose extents of 1 are broadcast. Weights
/// are not negative.
template <class T, int R, ExecutionSpace Ex = default_space>
class l1 : public proximal_operator<l1<T, R, Ex>, T, R, Ex> {
  using base = proximal_operator<l1, T, R, Ex>;
  using Lane = lane<T, Ex>;

 public:
  static constexpr const char* name = "l1";
  explicit l1(double weight) : weight_(weight) {
    require(weight >= 0, "l1: weight: expected at least 0, found ", weight);
  }
  explicit l1(tensor<T, R, Ex> weights) : weights_(std::move(weights)) {
    const auto host = to_host(weights_);
    for (std::size_t i = 0; i < host.size(); ++i)
      require(host.data()[i] >= 0, "l1: weights: expected at least 0, found ", host.data()[i],
              " at position ", i);
  }

  shape<R> domain() const {
    auto s = shape<R>::all_open();
    if (weights_.size() > 0)
      for (int i = 0; i < R; ++i)
        if (weights_.extent(i) != 1) s[i] = static_cast<index_t>(weights_.extent(i));
    return s;
  }
  double value(const Ex& ex, in_of<base> x) const {
    const index_t n = static_cast<index_t>(x.size());
    if (weights_.size() == 0)
      return weight_ * detail::total(ex, n, detail::magnitudes<T>{x.data()});
    return detail::total(ex, n,
                         detail::weighted_magnitudes<T, R>{
                             x.data(), detail::broadcast_of(weights_, shape_of(x)), false, T(0)});
  }
  void prox(const Ex& ex, in_of<base> x, double sigma, out_of<base> out) const {
    run(ex, x, sigma, out, false);
  }
  /// prox of the conjugate: x shortened to w; any sigma.
  void prox_conjugate(const Ex& ex, in_of<base> x, double, out_of<base> out) const {
    run(ex, x, 1, out, true);
  }
  /// 0 where |v| <= w everywhere, infinity elsewhere.
  double conjugate_value(const Ex& ex, in_of<base> v) const {
    const index_t n = static_cast<index_t>(v.size());
    constexpr T slack = detail::slack<T>;
    const double beyond =
        weights_.size() == 0
            ? detail::total(
                  ex, n, detail::above_limit<T>{v.data(), T(weight_) + slack * (T(weight_) + T(1))})
            : detail::total(
                  ex, n,
                  detail::weighted_magnitudes<T, R>{
                      v.data(), detail::broadcast_of(weights_, shape_of(v)), true, slack});
    return beyond > 0 ? std::numeric_limits<double>::infinity() : 0;
  }
  double weight() const { return weight_; }
  const tensor<T, R, Ex>& weights() const { return weights_; }

 private:
  void run(const Ex& ex, in_of<base> x, double sigma, out_of<base> out, bool clip) const {
    if (weights_.size() == 0) {
      launch::segments(
          ex, static_cast<index_t>(x.size()),
          detail::soft_kernel<T, Lane>{x.data(), out.data(), T(sigma * weight_), clip});
      return;
    }
    const auto s = shape_of(x);
    launch::rows(ex, s[R - 1] ? s.size() / s[R - 1] : 0, s[R - 1],
                 detail::weighted_soft_kernel<T, R, Lane>{
                     x.data(), out.data(), detail::broadcast_of(weights_, s), T(sigma), clip});
  }
  double weight_ = 0;
  tensor<T, R, Ex> weights_{};
};

/// P(x) = w/2 |x|^2, w >= 0.
template <class T, int R, ExecutionSpace Ex = default_space>
class l2_squared : public proximal_operator<l2_squared<T, R, Ex>, T, R, Ex> {
  using base = proximal_operator<l2_squared, T, R, Ex>;

 public:
  static constexpr const char* name = "l2_squared";
  explicit l2_squared(double weight) : weight_(weight) {
    require(weight >= 0, "l2_squared: weight: expected at least 0, found ", weight);
  }
  double value(const Ex& ex, in_of<base> x) const { return weight_ / 2 * squares(ex, x); }
  void prox(const Ex& ex, in_of<base> x, double sigma, out_of<base> out) const {
    launch::segments(
        ex, static_cast<index_t>(x.size()),
        detail::shrink_kernel<T>{blas1::detail::reals(x.data()), blas1::detail::reals(out.data()),
                                 T(1 / (1 + sigma * weight_))});
  }
  /// prox of the conjugate |v|^2 / (2 w)
  void prox_conjugate(const Ex& ex, in_of<base> x, double sigma, out_of<base> out) const {
    const double factor = weight_ > 0 ? weight_ / (weight_ + sigma) : 0;
    launch::segments(ex, static_cast<index_t>(x.size()),
                     detail::shrink_kernel<T>{blas1::detail::reals(x.data()),
                                              blas1::detail::reals(out.data()), T(factor)});
  }
  /// |v|^2 / (2 w); for w = 0 infinity unless v = 0.
  double conjugate_value(const Ex& ex, in_of<base> v) const {
    const double s = squares(ex, v);
    return s == 0 ? 0 : s / (2 * weight_);
  }
  double weight() const { return weight_; }

 private:
  static double squares(const Ex& ex, in_of<base> x) {
    const index_t n = static_cast<index_t>(x.size());
    return detail::total(ex, n, blas1::detail::norm2_kernel<complex<T>>{x.data(), n});
  }
  double weight_;
};

template <class T, ExecutionSpace Ex>
struct specimen<l1<T, 4, Ex>> {
  static l1<T, 4, Ex> make(const Ex& ex, size_class s, std::uint64_t seed) {
    if (s == size_class::tiny || s == size_class::wide) return l1<T, 4, Ex>(0.7);
    shape<4> w = specimen_image(s);
    if (s == size_class::odd) w[0] = 1;               // broadcast over frames
    if (s == size_class::multiple_of_four) w[3] = 1;  // and along the readout
    auto weights = make_tensor<T>(ex, w);
    random::fill_uniform(ex, weights, seed);
    return l1<T, 4, Ex>(weights);
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
struct specimen<l2_squared<T, 4, Ex>> {
  static l2_squared<T, 4, Ex> make(const Ex&, size_class, std::uint64_t) {
    return l2_squared<T, 4, Ex>(1.3);
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
using l1_specimens = type_list<l1<T, 4, Ex>, l2_squared<T, 4, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::prox

#endif
