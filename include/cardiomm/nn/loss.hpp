// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_LOSS_HPP
#define CARDIOMM_NN_LOSS_HPP
/// \file
/// Losses with their gradients. Each returns the value (and waits for it) and, where `dx` is given,
/// overwrites it with the gradient with respect to the first argument; that of complex numbers is
/// dL/dRe + i dL/dIm. Sums are in double.
///
///     const double loss = nn::ssim_loss(ex, image, target, data_range, dimage);
///     pass.backward(dimage);

#include "cardiomm/core/blas1.hpp"
#include "cardiomm/nn/concept.hpp"
#include "cardiomm/prox/concept.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

namespace detail {

/// |x - t|, and its gradient times `scale`.
template <class V>
struct l1_kernel {
  static constexpr const char* name = "cardiomm::nn::l1_loss";
  const V* x;
  const V* t;
  V* dx;
  real_of<V> scale;
  KOKKOS_INLINE_FUNCTION double operator()(index_t, index_t first, index_t last) const {
    using R = real_of<V>;
    double sum = 0;
    for (index_t i = first; i < last; ++i) {
      if constexpr (is_complex<V>) {
        const R re = x[i].real() - t[i].real(), im = x[i].imag() - t[i].imag();
        const R size = math::sqrt(re * re + im * im);
        sum += double(size);
        if (dx) dx[i] = size > R(0) ? V(scale * re / size, scale * im / size) : V(0);
      } else {
        const R d = x[i] - t[i];
        sum += double(d < R(0) ? -d : d);
        if (dx) dx[i] = d > R(0) ? scale : d < R(0) ? -scale : R(0);
      }
    }
    return sum;
  }
};
/// |x - t|^2, and its gradient times `scale`.
template <class V>
struct l2_kernel {
  static constexpr const char* name = "cardiomm::nn::l2_loss";
  const real_of<V>* x;
  const real_of<V>* t;
  real_of<V>* dx;
  real_of<V> scale;
  KOKKOS_INLINE_FUNCTION double operator()(index_t, index_t first, index_t last) const {
    constexpr int each = is_complex<V> ? 2 : 1;
    double sum = 0;
    for (index_t i = each * first; i < each * last; ++i) {
      const real_of<V> d = x[i] - t[i];
      sum += double(d) * double(d);
      if (dx) dx[i] = 2 * scale * d;
    }
    return sum;
  }
};
using prox::detail::total;

template <TensorView X, TensorView T, TensorView D>
void check_operands(const char* who, const X& x, const T& target, const D& dx) {
  require<shape_error>(shape_of(target) == shape_of(x), who, ": target: expected ", shape_of(x),
                       ", found ", shape_of(target));
  require<shape_error>(!dx.data() || shape_of(dx) == shape_of(x), who, ": gradient: expected ",
                       shape_of(x), ", found ", shape_of(dx));
  require<shape_error>(x.size() > 0, who, ": expected at least one number, found ", shape_of(x));
}

inline constexpr index_t ssim_window = 7;

/// Structural similarity of the window whose first pixel is (y, x), and its derivatives with
/// respect to the window's means of a, a a and a b. Rows are (item, y), columns x.
template <class T>
struct ssim_kernel {
  static constexpr const char* name = "cardiomm::nn::ssim_loss";
  const T* a;
  const T* b;
  const T* range;
  double* value;
  double* slope;  // (3, item, y, x), may be null
  index_t ny, nx, items;
  double weight;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t my = ny - ssim_window + 1, mx = nx - ssim_window + 1;
    const index_t item = row / my, y0 = row - item * my;
    const double k1 = 0.01 * double(range[item]), k2 = 0.03 * double(range[item]);
    const double c1 = k1 * k1, c2 = k2 * k2;
    constexpr double samples = ssim_window * ssim_window, unbiased = samples / (samples - 1);
    for (index_t x0 = first; x0 < last; ++x0) {
      double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
      for (index_t y = y0; y < y0 + ssim_window; ++y) {
        const T* p = a + (item * ny + y) * nx + x0;
        const T* q = b + (item * ny + y) * nx + x0;
        for (index_t x = 0; x < ssim_window; ++x) {
          const double u = double(p[x]), v = double(q[x]);
          sa += u;
          sb += v;
          saa += u * u;
          sbb += v * v;
          sab += u * v;
        }
      }
      const double ua = weight * sa, ub = weight * sb;
      const double va = unbiased * (weight * saa - ua * ua);
      const double vb = unbiased * (weight * sbb - ub * ub);
      const double vab = unbiased * (weight * sab - ua * ub);
      const double n1 = 2 * ua * ub + c1, n2 = 2 * vab + c2;
      const double d1 = ua * ua + ub * ub + c1, d2 = va + vb + c2, d = d1 * d2;
      const double s = n1 * n2 / d;
      const index_t at = row * mx + x0, all = items * my * mx;
      value[at] = s;
      if (slope) {
        slope[at] = 2 * ub * (n2 - unbiased * n1) / d - 2 * ua * s * (1 / d1 - unbiased / d2);
        slope[all + at] = -unbiased * s / d2;
        slope[2 * all + at] = 2 * unbiased * n1 / d;
      }
    }
  }
};
/// dL/da of a pixel: all windows that hold it. Rows are (item, y), columns x.
template <class T>
struct ssim_gradient {
  static constexpr const char* name = "cardiomm::nn::ssim_gradient";
  const T* a;
  const T* b;
  const double* slope;
  T* da;
  index_t ny, nx, items;
  double scale;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t my = ny - ssim_window + 1, mx = nx - ssim_window + 1, all = items * my * mx;
    const index_t item = row / ny, y = row - item * ny;
    const index_t y0 = y < ssim_window ? 0 : y - ssim_window + 1, y1 = y < my ? y + 1 : my;
    for (index_t x = first; x < last; ++x) {
      const index_t x0 = x < ssim_window ? 0 : x - ssim_window + 1, x1 = x < mx ? x + 1 : mx;
      double mean = 0, square = 0, product = 0;
      for (index_t wy = y0; wy < y1; ++wy) {
        const double* s = slope + (item * my + wy) * mx;
        for (index_t wx = x0; wx < x1; ++wx) {
          mean += s[wx];
          square += s[all + wx];
          product += s[2 * all + wx];
        }
      }
      const index_t at = row * nx + x;
      da[at] = T(scale * (mean + 2 * double(a[at]) * square + double(b[at]) * product));
    }
  }
};
template <class T>
struct plain_sum {
  static constexpr const char* name = "cardiomm::nn::plain_sum";
  const T* x;
  KOKKOS_INLINE_FUNCTION double operator()(index_t, index_t first, index_t last) const {
    double sum = 0;
    for (index_t i = first; i < last; ++i) sum += double(x[i]);
    return sum;
  }
};
}  // namespace detail

/// A gradient that nobody needs.
template <TensorView X>
using gradient_of = view<element_of<X>, rank_of<X>, space_of<X>>;

/// mean |x - target|; the gradient where they are equal is 0. Throws shape_error if shapes differ.
template <ExecutionSpace Ex, TensorView X, TensorView Y>
double l1_loss(const Ex& ex, const X& x, const Y& target, const gradient_of<X>& dx = {}) {
  using V = element_of<X>;
  detail::check_operands("l1_loss", x, target, dx);
  const index_t n = static_cast<index_t>(x.size());
  const auto scale = real_of<V>(1) / real_of<V>(n);
  return detail::total(ex, n, detail::l1_kernel<V>{x.data(), target.data(), dx.data(), scale}) /
         double(n);
}

/// mean |x - target|^2. Throws shape_error if shapes differ.
template <ExecutionSpace Ex, TensorView X, TensorView Y>
double l2_loss(const Ex& ex, const X& x, const Y& target, const gradient_of<X>& dx = {}) {
  using V = element_of<X>;
  using R = real_of<V>;
  detail::check_operands("l2_loss", x, target, dx);
  const index_t n = static_cast<index_t>(x.size());
  const detail::l2_kernel<V> kernel{reinterpret_cast<const R*>(x.data()),
                                    reinterpret_cast<const R*>(target.data()),
                                    reinterpret_cast<R*>(dx.data()), R(1) / R(n)};
  return detail::total(ex, n, kernel) / double(n);
}

/// 1 - mean structural similarity of images (item, y, x) over all items and all pixels whose 7 x 7
/// window lies inside the image, with K1 = 0.01, K2 = 0.03, sample covariances (49 / 48) and
/// `data_range` one number for each item. The window's weight is 1/49 rounded to float in every
/// precision, as the reference (fastMRI) keeps it: an exact 1/49 changes the loss by 1e-7. Source:
/// Wang et al., IEEE TIP 13 (2004). Computed in double. Throws shape_error for images smaller than
/// the window or of different shapes.
template <ExecutionSpace Ex, TensorView X, TensorView Y, TensorView D>
double ssim_loss(const Ex& ex, const X& x, const Y& target, const D& data_range,
                 const gradient_of<X>& dx = {}) {
  using T = element_of<X>;
  static_assert(rank_of<X> == 3 && rank_of<D> == 1,
                "cardiomm: ssim_loss takes images (item, y, x) and one data range an item");
  detail::check_operands("ssim_loss", x, target, dx);
  const index_t items = static_cast<index_t>(x.extent(0));
  const index_t ny = static_cast<index_t>(x.extent(1)), nx = static_cast<index_t>(x.extent(2));
  const index_t my = ny - detail::ssim_window + 1, mx = nx - detail::ssim_window + 1;
  require<shape_error>(my >= 1 && mx >= 1, "ssim_loss: expected at least 7 x 7 pixels, found ", ny,
                       " x ", nx);
  require<shape_error>(static_cast<index_t>(data_range.extent(0)) == items,
                       "ssim_loss: data range: expected ", items, " numbers, found ",
                       data_range.extent(0));
  const index_t n = items * my * mx;
  const double weight = double(1.0f / 49.0f);
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  double* value = scratch.template take<double>(n);
  double* slope = dx.data() ? scratch.template take<double>(3 * n) : nullptr;
  launch::rows(ex, items * my, mx,
               detail::ssim_kernel<T>{x.data(), target.data(), data_range.data(), value, slope, ny,
                                      nx, items, weight});
  if (slope)
    launch::rows(ex, items * ny, nx,
                 detail::ssim_gradient<T>{x.data(), target.data(), slope, dx.data(), ny, nx, items,
                                          -weight / double(n)});
  return 1 - detail::total(ex, n, detail::plain_sum<double>{value}) / double(n);
}

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
