// SPDX-License-Identifier: Apache-2.0
/// \file
/// An unrolled network of one's own: steps x <- x - s (A^H A x - A^H y) along the gradient of the
/// data term, each followed by a small convolutional network, x <- x + R(x). A^H A is an expression
/// of the operator algebra, so its kernels and its adjoint come with its type.
#pragma once

#include "cardiomm/linop/check.hpp"
#include "cardiomm/nn/conv.hpp"
#include "cardiomm/nn/sequential.hpp"

namespace mine {
using namespace cardiomm;

/// Layer of features (frame, y, x, {re, im}), which are complex images (frame, slice, y, x) in the
/// same memory. N is A^H A, b is A^H y; the step size is learned.
template <class N>
class gradient_step
    : public nn::layer<gradient_step<N>, typename N::real_type, 4, 4, typename N::execution_space> {
 public:
  using Ex = typename N::execution_space;
  using T = typename N::real_type;
  using C = complex<T>;
  using features = view<T, 4, Ex>;
  using const_features = view<const T, 4, Ex>;
  static constexpr const char* name = "gradient_step";

  gradient_step(const Ex& ex, const N& normal, const tensor<C, 4, Ex>& b)
      : normal_(normal), b_(b), size_(ex, {1}) {
    nn::init::constant(ex, size_, T(1));
  }
  nn::named_parameters<T, Ex> parameters() const { return {{"size", size_}}; }
  shape<4> output(const shape<4>& in) const { return in; }

  /// y = x - s (N x - b)
  void forward(const Ex& ex, const_features x, features y) const {
    const T s = size();
    Kokkos::deep_copy(ex, y, x);
    linop::apply(ex, normal_, images(x), images(y), {C(-s), true});
    blas1::axpby(ex, C(s), b_, C(1), images(y));
  }
  /// dx = dy - s N dy, because N is its own adjoint; ds += Re <dy, b - N x> = Re <dy, y - x> / s.
  void backward(const Ex& ex, const_features x, const_features y, const_features dy, features dx,
                nn::nothing&) const {
    const T s = size();
    if (size_.gradient()) {
      const double moved = blas1::dot(ex, dy, y).real() - blas1::dot(ex, dy, x).real();
      const auto ds = to_host(size_.gradient_view());
      ds(0) += T(moved / s);
      copy(size_.gradient_view(), ds);
    }
    if (dx.data() == nullptr) return;  // nobody needs it
    Kokkos::deep_copy(ex, dx, dy);
    linop::apply(ex, normal_, images(dy), images(dx), {C(-s), true});
  }

 private:
  T size() const { return to_host(size_.value())(0); }
  template <class V>
  static auto images(const V& v) {
    using to = std::conditional_t<std::is_const_v<typename V::value_type>, const C, C>;
    const auto s = shape_of(v);
    return borrow(Ex(), reinterpret_cast<to*>(v.data()), shape<4>{{s[0], 1, s[1], s[2]}});
  }
  N normal_;
  tensor<C, 4, Ex> b_;
  nn::parameter<T, Ex> size_;
};

/// Three steps, each with a regulariser that starts as zero. Try another one: tapes, memory and
/// backward pass follow from the type.
template <class N, class B>
auto unrolled(const typename N::execution_space& ex, const N& normal, const B& b) {
  using T = typename N::real_type;
  const auto same = nn::conv_options<2>::same(3);
  const auto cascade = [&](std::uint64_t seed) {
    const nn::conv<T> last(ex, 16, 2, same, seed + 2);
    for (const auto& p : last.parameters()) nn::init::constant(ex, p.second, T(0));
    const auto regulariser = nn::conv<T>(ex, 2, 16, same, seed) | nn::prelu<T>(ex) |
                             nn::conv<T>(ex, 16, 16, same, seed + 1) | nn::prelu<T>(ex) | last;
    return gradient_step<N>(ex, normal, b) | nn::residual(regulariser);
  };
  return cascade(10) | cascade(20) | cascade(30);
}

}  // namespace mine
