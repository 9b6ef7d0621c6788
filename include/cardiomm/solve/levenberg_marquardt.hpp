// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_SOLVE_LEVENBERG_MARQUARDT_HPP
#define CARDIOMM_SOLVE_LEVENBERG_MARQUARDT_HPP
/// \file
/// Levenberg-Marquardt for many small curves at once: 1/2 sum_k (f(x_k; p) - y_k)^2 with P = 1 to 4
/// parameters and up to 64 samples, a lane of the processor or a thread of the device a curve, all
/// curves in one launch. Source: Marquardt, J SIAM 11 (1963) 431-441; the step is bounded by the
/// damped normal equations with unit diagonal, as in More, LNM 630 (1978) 105-116.
///
/// A model is a functor over lane packets that kernels can copy:
///
///     struct decay {
///       static constexpr int parameters = 2;
///       template <class X, class L>  // f and its derivatives by the parameters
///       KOKKOS_INLINE_FUNCTION void operator()(X x, const L* p, L& f, L* derivative) const {
///         const L e = lane_traits<L>::exp(p[1] * L(-x));
///         f = p[0] * e;
///         derivative[0] = e;
///         derivative[1] = f * L(-x);
///       }
///       template <class L>  // keeps parameters in their bounds
///       KOKKOS_INLINE_FUNCTION void constrain(L*) const {}
///     };
///
/// Cost of an iteration: one evaluation of f and its derivatives, of a trial point that is kept if
/// it is better; memory is read once for all iterations.

#include "cardiomm/core/lane.hpp"
#include "cardiomm/core/launch.hpp"
#include "cardiomm/core/tile.hpp"

namespace cardiomm::inline CARDIOMM_ABI::solve {

/// Most samples of a curve.
inline constexpr int lm_samples = 64;

/// When a fit ends. `tolerance` is the length of a step in standard deviations of the parameters,
/// `floor` the relative change of the curve that counts as none (for data without noise).
struct lm_options {
  int iterations = 50;
  double tolerance = 1e-4;
  double floor = 0;  ///< 0: 1e-6 in float, 1e-12 in double
};

/// Parameters of a packet of curves with the normal equations there: gradient J^T r, lower triangle
/// of J^T J row by row, cost |r|^2.
template <class L, int P>
struct lm_state {
  static constexpr int pairs = P * (P + 1) / 2;
  L p[P], gradient[P], hessian[pairs], cost;
};

/// The normal equations at s.p.
template <class Model, class L, int P, class R>
KOKKOS_FORCEINLINE_FUNCTION void lm_evaluate(const Model& model, int n, const R* x, const L* y,
                                             lm_state<L, P>& s) {
  static_assert(P == Model::parameters && P >= 1 && P <= 4);
  using lanes = lane_traits<L>;
  // sums in registers: the arrays of s are memory to the compiler
  L cost(0), gradient[P], hessian[lm_state<L, P>::pairs], p[P];
  CARDIOMM_UNROLL
  for (int i = 0; i < P; ++i) {
    gradient[i] = L(0);
    p[i] = s.p[i];
  }
  CARDIOMM_UNROLL
  for (int i = 0; i < lm_state<L, P>::pairs; ++i) hessian[i] = L(0);
  for (int k = 0; k < n; ++k) {
    L f, d[P];
    model(x[k], p, f, d);
    const L r = f - y[k];
    cost = lanes::fma(r, r, cost);
    CARDIOMM_UNROLL
    for (int i = 0; i < P; ++i) {
      gradient[i] = lanes::fma(d[i], r, gradient[i]);
      CARDIOMM_UNROLL
      for (int j = 0; j <= i; ++j)
        hessian[i * (i + 1) / 2 + j] = lanes::fma(d[i], d[j], hessian[i * (i + 1) / 2 + j]);
    }
  }
  s.cost = cost;
  CARDIOMM_UNROLL
  for (int i = 0; i < P; ++i) s.gradient[i] = gradient[i];
  CARDIOMM_UNROLL
  for (int i = 0; i < lm_state<L, P>::pairs; ++i) s.hessian[i] = hessian[i];
}

namespace detail {

template <class L>
using real_of_lane = typename lane_traits<L>::real;

/// Factor of D (J^T J) D + lambda I with D = diag(J^T J)^(-1/2), unit diagonal, row by row; the
/// diagonal of the factor is stored as its inverse.
template <class L, int P>
KOKKOS_FORCEINLINE_FUNCTION void lm_factor(const lm_state<L, P>& s, const L& lambda, L* scale,
                                           L* factor) {
  using R = real_of_lane<L>;
  using lanes = lane_traits<L>;
  const L least(sizeof(R) == 4 ? R(1e-30) : R(1e-200));
  const L smallest(sizeof(R) == 4 ? R(1e-7) : R(1e-15));
  CARDIOMM_UNROLL
  for (int i = 0; i < P; ++i) {
    scale[i] = L(R(1)) / lanes::sqrt(lanes::max(s.hessian[i * (i + 1) / 2 + i], least));
    CARDIOMM_UNROLL
    for (int j = 0; j <= i; ++j) {
      const int at = i * (i + 1) / 2 + j;
      L a = i == j ? L(R(1)) + lambda : s.hessian[at] * scale[i] * scale[j];
      CARDIOMM_UNROLL
      for (int k = 0; k < j; ++k) a = a - factor[i * (i + 1) / 2 + k] * factor[j * (j + 1) / 2 + k];
      factor[at] =
          i == j ? L(R(1)) / lanes::sqrt(lanes::max(a, smallest)) : a * factor[j * (j + 1) / 2 + j];
    }
  }
}

/// b = (L L^T)^-1 b
template <class L, int P>
KOKKOS_FORCEINLINE_FUNCTION void lm_substitute(const L* factor, L* b) {
  CARDIOMM_UNROLL
  for (int i = 0; i < P; ++i) {
    CARDIOMM_UNROLL
    for (int k = 0; k < i; ++k) b[i] = b[i] - factor[i * (i + 1) / 2 + k] * b[k];
    b[i] = b[i] * factor[i * (i + 1) / 2 + i];
  }
  CARDIOMM_UNROLL
  for (int i = P - 1; i >= 0; --i) {
    CARDIOMM_UNROLL
    for (int k = i + 1; k < P; ++k) b[i] = b[i] - factor[k * (k + 1) / 2 + i] * b[k];
    b[i] = b[i] * factor[i * (i + 1) / 2 + i];
  }
}

/// d^T (J^T J) d
template <class L, int P>
KOKKOS_FORCEINLINE_FUNCTION L lm_length(const lm_state<L, P>& s, const L* d) {
  L sum(0);
  CARDIOMM_UNROLL
  for (int i = 0; i < P; ++i) {
    L row = s.hessian[i * (i + 1) / 2 + i] * d[i];
    CARDIOMM_UNROLL
    for (int j = 0; j < i; ++j) {
      const L a = s.hessian[i * (i + 1) / 2 + j] * d[j];
      row = row + a + a;
    }
    sum = sum + row * d[i];
  }
  return sum;
}

}  // namespace detail

/// Fits a packet of curves from s.p, those of `active`; leaves the best parameters and the normal
/// equations there in s. Returns the lanes that converged.
///
/// \param x  n places, the same for all lanes
/// \param y  n packets of samples
template <class Model, class L, int P, class R>
KOKKOS_INLINE_FUNCTION typename lane_traits<L>::mask lm_fit(
    const Model& model, int n, const R* x, const L* y, const typename lane_traits<L>::mask& active,
    const lm_options& options, lm_state<L, P>& s) {
  using lanes = lane_traits<L>;
  using mask = typename lanes::mask;
  lm_evaluate(model, n, x, y, s);
  L size(0);
  for (int k = 0; k < n; ++k) size = lanes::fma(y[k], y[k], size);
  const R floor = options.floor > 0 ? R(options.floor) : sizeof(R) == 4 ? R(1e-6) : R(1e-12);
  const L least = size * L(floor * floor), tolerance(R(options.tolerance * options.tolerance));
  const L rounding(R(1) + (sizeof(R) == 4 ? R(4e-7) : R(1e-15)));
  L lambda(R(1e-3));
  mask running = active, converged = running & !running;
  for (int iteration = 0; iteration < options.iterations && lanes::any(running); ++iteration) {
    L scale[P], factor[lm_state<L, P>::pairs], step[P];
    detail::lm_factor(s, lambda, scale, factor);
    CARDIOMM_UNROLL
    for (int i = 0; i < P; ++i) step[i] = L(0) - s.gradient[i] * scale[i];
    detail::lm_substitute<L, P>(factor, step);
    lm_state<L, P> trial;
    CARDIOMM_UNROLL
    for (int i = 0; i < P; ++i) trial.p[i] = s.p[i] + step[i] * scale[i];
    model.constrain(trial.p);
    CARDIOMM_UNROLL
    for (int i = 0; i < P; ++i) step[i] = trial.p[i] - s.p[i];
    lm_evaluate(model, n, x, y, trial);
    const L length = detail::lm_length(s, step);
    const mask better = running & (trial.cost <= s.cost * rounding);
    // small because it is damped does not count
    const mask small = running & (length <= lanes::fma(tolerance, s.cost, least)) &
                       (better | (lambda < L(R(0.01))));
    s.cost = lanes::select(better, trial.cost, s.cost);
    CARDIOMM_UNROLL
    for (int i = 0; i < P; ++i) {
      s.p[i] = lanes::select(better, trial.p[i], s.p[i]);
      s.gradient[i] = lanes::select(better, trial.gradient[i], s.gradient[i]);
    }
    CARDIOMM_UNROLL
    for (int i = 0; i < lm_state<L, P>::pairs; ++i)
      s.hessian[i] = lanes::select(better, trial.hessian[i], s.hessian[i]);
    lambda = lanes::select(better, lanes::max(lambda * L(R(0.1)), L(R(1e-7))), lambda * L(R(10)));
    converged = converged | small;
    running = running & !small & (lambda < L(R(1e8)));
  }
  return converged;
}

/// Covariance of the parameters divided by the variance of a sample: (J^T J)^-1, lower triangle.
template <class L, int P>
KOKKOS_INLINE_FUNCTION void lm_covariance(const lm_state<L, P>& s, L* covariance) {
  L scale[P], factor[lm_state<L, P>::pairs];
  detail::lm_factor(s, L(0), scale, factor);
  CARDIOMM_UNROLL
  for (int j = 0; j < P; ++j) {
    L column[P];
    CARDIOMM_UNROLL
    for (int i = 0; i < P; ++i) column[i] = i == j ? scale[i] : L(0);
    detail::lm_substitute<L, P>(factor, column);
    CARDIOMM_UNROLL
    for (int i = j; i < P; ++i) covariance[i * (i + 1) / 2 + j] = column[i] * scale[i];
  }
}

namespace detail {

/// Curves of a launch item: a chunk of neighbours on hosts, one on devices.
inline constexpr index_t lm_chunk = 64;

/// A packet of neighbours [i, i + width) that ends at n; the last lanes repeat the last one.
template <class L, class T>
KOKKOS_FORCEINLINE_FUNCTION L lm_load(const T* from, index_t i, index_t n) {
  using lanes = lane_traits<L>;
  using R = typename lanes::real;
  if constexpr (std::is_same_v<R, T>) {
    if (i + lanes::width <= n) return lanes::load(from + i);
  }
  R part[lanes::width];
  for (int w = 0; w < lanes::width; ++w) part[w] = R(from[i + w < n ? i + w : n - 1]);
  return lanes::load(part);
}
template <class L, class T>
KOKKOS_FORCEINLINE_FUNCTION void lm_store(T* to, index_t i, index_t n, const L& v) {
  using lanes = lane_traits<L>;
  using R = typename lanes::real;
  if constexpr (std::is_same_v<R, T>) {
    if (i + lanes::width <= n) return lanes::store(to + i, v);
  }
  R part[lanes::width];
  lanes::store(part, v);
  for (int w = 0; w < lanes::width && i + w < n; ++w) to[i + w] = T(part[w]);
}

template <class Model, class T, class Ex>
struct lm_kernel {
  static constexpr const char* name = "cardiomm::solve::levenberg_marquardt";
  static constexpr int P = Model::parameters;
  Model model;
  lm_options options;
  int samples;
  index_t items;
  const double* x;
  const T* y;
  T *p, *covariance, *cost;
  std::uint8_t* converged;

  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    using L = lane<double, Ex>;
    using lanes = lane_traits<L>;
    const index_t end = row * lm_chunk + last < items ? row * lm_chunk + last : items;
    for (index_t i = row * lm_chunk + first; i < end; i += lanes::width) {
      L v[lm_samples];
      for (int k = 0; k < samples; ++k) v[k] = lm_load<L>(y + k * items, i, end);
      lm_state<L, P> s;
      for (int j = 0; j < P; ++j) s.p[j] = lm_load<L>(p + j * items, i, end);
      const auto done = lm_fit(model, samples, x, v, L(0) < L(1), options, s);
      for (int j = 0; j < P; ++j) lm_store(p + j * items, i, end, s.p[j]);
      L c[lm_state<L, P>::pairs];
      lm_covariance(s, c);
      const L variance = samples > P ? s.cost * L(1.0 / (samples - P)) : L(__builtin_huge_val());
      for (int j = 0; j < lm_state<L, P>::pairs; ++j)
        lm_store(covariance + j * items, i, end, c[j] * variance);
      lm_store(cost, i, end, s.cost);
      lm_store(converged, i, end, lanes::select(done, L(1), L(0)));
    }
  }
};

}  // namespace detail

/// What `levenberg_marquardt` leaves: (pair, item) lower triangles of the covariance of the
/// parameters, with the variance of a sample |r|^2 / (samples - P) (infinite where samples = P);
/// (item) |r|^2; (item) 1 where the fit converged.
template <class T, ExecutionSpace Ex>
struct lm_result {
  tensor<T, 2, Ex> covariance;
  tensor<T, 1, Ex> cost;
  tensor<std::uint8_t, 1, Ex> converged;
};

/// Fits all curves in one launch; the arithmetic is double.
///
/// \param x  (sample)        places, host or device
/// \param y  (sample, item)  samples
/// \param p  (P, item)       start, replaced by the parameters of least squares
/// Throws shape_error for shapes that do not fit, or with fewer samples than parameters or more
/// than 64.
template <class Model, ExecutionSpace Ex, TensorView X, TensorView Y, TensorView V>
lm_result<element_of<Y>, Ex> levenberg_marquardt(const Ex& ex, const Model& model, const X& x,
                                                 const Y& y, const V& p,
                                                 const lm_options& options = {}) {
  using T = element_of<Y>;
  static_assert(rank_of<X> == 1 && rank_of<Y> == 2 && rank_of<V> == 2);
  static_assert(std::is_same_v<T, element_of<V>>);
  constexpr int P = Model::parameters;
  const auto samples = static_cast<index_t>(y.extent(0)), items = static_cast<index_t>(y.extent(1));
  require<shape_error>(static_cast<index_t>(x.extent(0)) == samples,
                       "levenberg_marquardt: expected ", samples, " places for the samples ",
                       shape_of(y), ", found ", x.extent(0));
  require<shape_error>(
      static_cast<index_t>(p.extent(0)) == P && static_cast<index_t>(p.extent(1)) == items,
      "levenberg_marquardt: expected parameters ", shape{index_t(P), items}, ", found ",
      shape_of(p));
  require<shape_error>(samples >= P && samples <= lm_samples, "levenberg_marquardt: expected ", P,
                       " to ", lm_samples, " samples, found ", samples);
  require(options.iterations > 0, "levenberg_marquardt: expected at least 1 iteration, found ",
          options.iterations);
  lm_result<T, Ex> r{make_tensor<T>(ex, shape{index_t(P * (P + 1) / 2), items}),
                     make_tensor<T>(ex, shape{items}), make_tensor<std::uint8_t>(ex, shape{items})};
  const auto places = make_tensor<double>(ex, shape{samples});
  const auto host = to_host(x);
  const auto mirror = make_tensor<double>(host_space{}, shape{samples});
  for (index_t k = 0; k < samples; ++k) mirror(k) = static_cast<double>(host(k));
  Kokkos::deep_copy(places, mirror);
  launch::rows(ex, (items + detail::lm_chunk - 1) / detail::lm_chunk, detail::lm_chunk,
               detail::lm_kernel<Model, T, Ex>{
                   model, options, static_cast<int>(samples), items, places.data(), y.data(),
                   p.data(), r.covariance.data(), r.cost.data(), r.converged.data()});
  ex.fence();
  return r;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::solve

#endif
