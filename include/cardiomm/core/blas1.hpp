// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_CORE_BLAS1_HPP
#define CARDIOMM_CORE_BLAS1_HPP
/// \file
/// Vector operations on tensors. Sums are accumulated in double. Batched forms treat a tensor as
/// `batches` equal consecutive vectors and keep one scalar for each in the memory of the space.

#include "cardiomm/core/launch.hpp"

namespace cardiomm::inline CARDIOMM_ABI::blas1 {

namespace detail {

/// Numbers that are summed side by side, so that a strict compiler may still use vectors.
inline constexpr int strands = 16;

/// A complex array as twice as many reals.
template <class C>
KOKKOS_FORCEINLINE_FUNCTION const real_of<C>* reals(const C* x) {
  return reinterpret_cast<const real_of<C>*>(x);
}
template <class C>
KOKKOS_FORCEINLINE_FUNCTION real_of<C>* reals(C* x) requires(!std::is_const_v<C>) {
  return reinterpret_cast<real_of<C>*>(x);
}
template <class C>
inline constexpr int reals_each = is_complex<C> ? 2 : 1;

/// Sum of term(i) over [first, last) in `strands` double accumulators.
template <class F>
KOKKOS_FORCEINLINE_FUNCTION double strand_sum(index_t first, index_t last, const F& term) {
  double part[strands] = {};
  index_t i = first;
  for (; i + strands <= last; i += strands)
    for (int j = 0; j < strands; ++j) part[j] += term(i + j);
  double sum = 0;
  for (; i < last; ++i) sum += term(i);
  for (int j = 0; j < strands; ++j) sum += part[j];
  return sum;
}

template <class C>
struct dot_kernel {
  static constexpr const char* name = "cardiomm::blas1::dot";
  const C* x;
  const C* y;
  index_t n;
  KOKKOS_INLINE_FUNCTION complex<double> operator()(index_t b, index_t first, index_t last) const {
    constexpr int each = reals_each<C>;
    const auto* xb = reals(x + b * n);
    const auto* yb = reals(y + b * n);
    const double re = strand_sum(each * first, each * last,
                                 [=](index_t i) { return double(xb[i]) * double(yb[i]); });
    double im = 0;
    if constexpr (is_complex<C>)
      im = strand_sum(first, last, [=](index_t i) {
        return double(xb[2 * i]) * double(yb[2 * i + 1]) -
               double(xb[2 * i + 1]) * double(yb[2 * i]);
      });
    return {re, im};
  }
};
template <class C>
struct real_dot_kernel {
  static constexpr const char* name = "cardiomm::blas1::real_dot";
  const C* x;
  const C* y;
  index_t n;
  KOKKOS_INLINE_FUNCTION double operator()(index_t b, index_t first, index_t last) const {
    const auto* xb = reals(x + b * n);
    const auto* yb = reals(y + b * n);
    return strand_sum(reals_each<C> * first, reals_each<C> * last,
                      [=](index_t i) { return double(xb[i]) * double(yb[i]); });
  }
};
template <class C>
struct norm2_kernel {
  static constexpr const char* name = "cardiomm::blas1::norm2";
  const C* x;
  index_t n;
  KOKKOS_INLINE_FUNCTION double operator()(index_t b, index_t first, index_t last) const {
    const auto* xb = reals(x + b * n);
    return strand_sum(reals_each<C> * first, reals_each<C> * last,
                      [=](index_t i) { return double(xb[i]) * double(xb[i]); });
  }
};
template <class C>
struct axpby_kernel {
  static constexpr const char* name = "cardiomm::blas1::axpby";
  C a;
  const C* x;
  C b;
  C* y;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i)
      if constexpr (is_complex<C>)
        y[i] = mul(a, x[i]) + mul(b, y[i]);
      else
        y[i] = a * x[i] + b * y[i];
  }
};
template <class C>
struct scale_kernel {
  static constexpr const char* name = "cardiomm::blas1::scale";
  C a;
  C* x;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i)
      if constexpr (is_complex<C>)
        x[i] = mul(a, x[i]);
      else
        x[i] *= a;
  }
};
}  // namespace detail

/// out[b] = <x_b, y_b> = sum conj(x) y for `batches` vectors; stays in the memory of the space.
template <ExecutionSpace Ex, TensorView X, TensorView Y>
void dot(const Ex& ex, index_t batches, const X& x, const Y& y, complex<double>* out) {
  const index_t n = static_cast<index_t>(x.size()) / batches;
  launch::sums(ex, batches, n, detail::dot_kernel<element_of<X>>{x.data(), y.data(), n}, out);
}

/// out[b] = Re <x_b, y_b> for `batches` vectors; stays in the memory of the space.
template <ExecutionSpace Ex, TensorView X, TensorView Y>
void real_dot(const Ex& ex, index_t batches, const X& x, const Y& y, double* out) {
  const index_t n = static_cast<index_t>(x.size()) / batches;
  launch::sums(ex, batches, n, detail::real_dot_kernel<element_of<X>>{x.data(), y.data(), n}, out);
}

/// out[b] = |x_b|^2 for `batches` vectors; stays in the memory of the space.
template <ExecutionSpace Ex, TensorView X>
void norm2(const Ex& ex, index_t batches, const X& x, double* out) {
  const index_t n = static_cast<index_t>(x.size()) / batches;
  launch::sums(ex, batches, n, detail::norm2_kernel<element_of<X>>{x.data(), n}, out);
}

/// <x, y> = sum conj(x) y, brought to the host (waits).
template <ExecutionSpace Ex, TensorView X, TensorView Y>
complex<double> dot(const Ex& ex, const X& x, const Y& y) {
  require<shape_error>(x.size() == y.size(), "dot: expected equal shapes, found ", shape_of(x),
                       " and ", shape_of(y));
  tensor<complex<double>, 1, Ex> out("cardiomm::dot", 1);
  dot(ex, 1, x, y, out.data());
  ex.fence();
  return to_host(out)(0);
}

/// |x| = sqrt(sum |x|^2), brought to the host (waits).
template <ExecutionSpace Ex, TensorView X>
double norm(const Ex& ex, const X& x) {
  tensor<double, 1, Ex> out("cardiomm::norm", 1);
  norm2(ex, 1, x, out.data());
  ex.fence();
  return std::sqrt(to_host(out)(0));
}

/// y = a x + b y. Throws shape_error if the shapes differ.
template <ExecutionSpace Ex, TensorView X, TensorView Y>
void axpby(const Ex& ex, element_of<Y> a, const X& x, element_of<Y> b, const Y& y) {
  require<shape_error>(x.size() == y.size(), "axpby: expected equal shapes, found ", shape_of(x),
                       " and ", shape_of(y));
  launch::segments(ex, static_cast<index_t>(x.size()),
                   detail::axpby_kernel<element_of<Y>>{a, x.data(), b, y.data()});
}

/// x = a x.
template <ExecutionSpace Ex, TensorView X>
void scale(const Ex& ex, element_of<X> a, const X& x) {
  launch::segments(ex, static_cast<index_t>(x.size()),
                   detail::scale_kernel<element_of<X>>{a, x.data()});
}

}  // namespace cardiomm::inline CARDIOMM_ABI::blas1

#endif
