// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_LOSS_IMAGE_HPP
#define CARDIOMM_NN_LOSS_IMAGE_HPP
/// \file
/// Further losses of images, with the conventions of loss.hpp: Charbonnier's smooth |x - t|, and
/// the perpendicular loss, which sees the phase of complex numbers.

#include "cardiomm/nn/loss.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

namespace detail {

/// sqrt(|x - t|^2 + eps^2), and its gradient times `scale`.
template <class V>
struct charbonnier_kernel {
  static constexpr const char* name = "cardiomm::nn::charbonnier_loss";
  const V* x;
  const V* t;
  V* dx;
  double square;  // of eps
  double scale;
  KOKKOS_INLINE_FUNCTION double operator()(index_t, index_t first, index_t last) const {
    using R = real_of<V>;
    double sum = 0;
    for (index_t i = first; i < last; ++i) {
      if constexpr (is_complex<V>) {
        const double re = double(x[i].real()) - double(t[i].real());
        const double im = double(x[i].imag()) - double(t[i].imag());
        const double size = math::sqrt(re * re + im * im + square);
        sum += size;
        if (dx) dx[i] = size > 0 ? V(R(scale * re / size), R(scale * im / size)) : V(0);
      } else {
        const double d = double(x[i]) - double(t[i]), size = math::sqrt(d * d + square);
        sum += size;
        if (dx) dx[i] = size > 0 ? R(scale * d / size) : R(0);
      }
    }
    return sum;
  }
};

/// Distance of t from the line through 0 and x, and its gradient with respect to x.
template <class V>
struct perpendicular_kernel {
  static constexpr const char* name = "cardiomm::nn::perpendicular_loss";
  const V* x;
  const V* t;
  V* dx;
  double eps;
  double scale;
  KOKKOS_INLINE_FUNCTION double operator()(index_t, index_t first, index_t last) const {
    using R = real_of<V>;
    double sum = 0;
    for (index_t i = first; i < last; ++i) {
      const double a = double(x[i].real()), b = double(x[i].imag());
      const double c = double(t[i].real()), d = double(t[i].imag());
      const double size = math::sqrt(a * a + b * b), cross = a * d - b * c;
      const double area = cross < 0 ? -cross : cross, low = size + eps;
      const double p = low > 0 ? area / low : 0;
      // The phase of 0 counts as 0.
      const bool behind = (size > 0 ? a * c + b * d : c) < 0;
      sum += behind ? 2 * math::sqrt(c * c + d * d) - p : p;
      if (!dx) continue;
      // Parallel up to rounding is parallel: a fused multiply-add gives +-1e-17 for 0, and at the
      // kink that would be a gradient of its own.
      const double kink = 4e-16 * size * math::sqrt(c * c + d * d);
      const double sign = double(cross > kink) - double(cross < -kink);
      const double some = double(size > 0), divisor = size + (1 - some);
      const double to = some * scale * (1 - 2 * double(behind)) / (low + (1 - some));
      const double pull = p / divisor;
      const double re = to * (sign * d - a * pull), im = -to * (sign * c + b * pull);
      dx[i] = V(R(re), R(im));
    }
    return sum;
  }
};

}  // namespace detail

/// mean sqrt(|x - target|^2 + eps^2); complex numbers by their modulus. Source: Charbonnier et al.,
/// ICIP 1994; eps as SNRAware (arXiv 2503.18162). Throws shape_error if shapes differ, value_error
/// if eps is negative.
template <ExecutionSpace Ex, TensorView X, TensorView Y>
double charbonnier_loss(const Ex& ex, const X& x, const Y& target, const gradient_of<X>& dx = {},
                        double eps = 1e-3) {
  detail::check_operands("charbonnier_loss", x, target, dx);
  require(eps >= 0, "charbonnier_loss: eps: expected at least 0, found ", eps);
  const index_t n = static_cast<index_t>(x.size());
  return detail::total(ex, n,
                       detail::charbonnier_kernel<element_of<X>>{x.data(), target.data(), dx.data(),
                                                                 eps * eps, 1 / double(n)}) /
         double(n);
}

/// mean over complex numbers of
///
///     P = |Re x Im t - Im x Re t| / (|x| + eps),   2 |t| - P where cos(arg x - arg t) < 0,
///
/// the distance of the target from the line of the prediction's phase, going on to 2 |t| for the
/// opposite phase. It does not see the modulus of x: add another loss. The gradient is 0 where x is
/// 0 and on the kink. Source: Terpstra et al., Med. Image Anal. 80 (2022); the form with eps:
/// SNRAware (arXiv 2503.18162). Throws shape_error if shapes differ, value_error if eps is
/// negative.
template <ExecutionSpace Ex, TensorView X, TensorView Y>
double perpendicular_loss(const Ex& ex, const X& x, const Y& target, const gradient_of<X>& dx = {},
                          double eps = 1e-8) {
  static_assert(is_complex<element_of<X>>,
                "cardiomm: perpendicular_loss takes complex numbers, of which it sees the phase");
  detail::check_operands("perpendicular_loss", x, target, dx);
  require(eps >= 0, "perpendicular_loss: eps: expected at least 0, found ", eps);
  const index_t n = static_cast<index_t>(x.size());
  return detail::total(ex, n,
                       detail::perpendicular_kernel<element_of<X>>{x.data(), target.data(),
                                                                   dx.data(), eps, 1 / double(n)}) /
         double(n);
}

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
