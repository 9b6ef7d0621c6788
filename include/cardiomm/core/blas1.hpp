// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_CORE_BLAS1_HPP
#define CARDIOMM_CORE_BLAS1_HPP
/// \file
/// Vector operations on tensors. Sums are accumulated in double. Batched forms treat a tensor as
/// `batches` equal consecutive vectors and keep one scalar for each in the memory of the space.

#include "cardiomm/core/launch.hpp"

namespace cardiomm::inline CARDIOMM_ABI::blas1 {

namespace detail {
template <class C>
struct dot_kernel {
  static constexpr const char* name = "cardiomm::blas1::dot";
  const C* x;
  const C* y;
  index_t n;
  KOKKOS_INLINE_FUNCTION complex<double> operator()(index_t b, index_t first, index_t last) const {
    double re = 0, im = 0;
    const C* xb = x + b * n;
    const C* yb = y + b * n;
    for (index_t i = first; i < last; ++i) {
      if constexpr (is_complex<C>) {
        const double xr = xb[i].real(), xi = xb[i].imag(), yr = yb[i].real(), yi = yb[i].imag();
        re += xr * yr + xi * yi;
        im += xr * yi - xi * yr;
      } else
        re += double(xb[i]) * double(yb[i]);
    }
    return {re, im};
  }
};
template <class C>
struct norm2_kernel {
  static constexpr const char* name = "cardiomm::blas1::norm2";
  const C* x;
  index_t n;
  KOKKOS_INLINE_FUNCTION double operator()(index_t b, index_t first, index_t last) const {
    double s = 0;
    const C* xb = x + b * n;
    for (index_t i = first; i < last; ++i) s += double(abs2(xb[i]));
    return s;
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
