// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_SUPPORT_ENCODING_HPP
#define CARDIOMM_TESTS_SUPPORT_ENCODING_HPP
/// \file
/// Random Cartesian encoding problems, applied operator by operator: the reference of the kernels
/// that do the same in one sweep.

#include <cmath>

#include "cardiomm/core/blas1.hpp"
#include "cardiomm/linop/sensitivity.hpp"

namespace cardiomm_tests {

using namespace cardiomm;

template <class A, class B>
double distance(const A& a, const B& b) {
  double d = 0, n = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    d += abs2(a.data()[i] - b.data()[i]);
    n += abs2(b.data()[i]);
  }
  return n > 0 ? std::sqrt(d / n) : std::sqrt(d);
}

/// Mask, maps, an image and k-space of shape k, on the host.
template <class Mask, int ImageRank = 4>
struct encoding_problem {
  using ex_t = typename Mask::execution_space;
  using T = typename Mask::real_type;
  using C = complex<T>;
  static constexpr bool lines = std::is_same_v<Mask, linop::line_mask<T, ex_t>>;

  shape<5> k;
  tensor<C, 5, ex_t> maps;
  tensor<T, lines ? 2 : 3, ex_t> mask;
  tensor<C, ImageRank, ex_t> x;
  tensor<C, 5, ex_t> y;

  encoding_problem(shape<5> kspace, index_t map_slices, index_t mask_frames) : k(kspace) {
    const ex_t ex;
    const index_t sets = ImageRank == 5 ? 3 : 1;
    maps = make_tensor<C>(ex, shape{sets, map_slices, k[2], k[3], k[4]});
    random::fill_normal(ex, maps, 1);
    if constexpr (ImageRank == 5)
      x = make_tensor<C>(ex, shape{sets, k[0], k[1], k[3], k[4]});
    else
      x = make_tensor<C>(ex, shape{k[0], k[1], k[3], k[4]});
    random::fill_normal(ex, x, 2);
    y = make_tensor<C>(ex, k);
    random::fill_normal(ex, y, 3);
    if constexpr (lines)
      mask = make_tensor<T>(ex, shape{mask_frames, k[3]});
    else
      mask = make_tensor<T>(ex, shape{mask_frames, k[3], k[4]});
    for (index_t f = 0; f < mask_frames; ++f)  // undersampled unevenly, with whole gaps
      for (index_t j = 0; j < k[3]; ++j) {
        const bool on = (j + f) % 5 == 0 || (j * j + f) % 7 == 3;
        if constexpr (lines)
          mask(f, j) = on ? T(1) : T(0);
        else
          for (index_t i = 0; i < k[4]; ++i)
            mask(f, j, i) = (on ? (i + j) % 3 != 0 : (i * j) % 11 == 1) && j % 6 != 5 ? T(1) : T(0);
      }
  }
  Mask sampling() const { return Mask(mask); }
  auto coils() const { return linop::sensitivity_of_rank<T, ImageRank, ex_t>(maps); }
  auto encoding() const { return sampling() * linop::fourier * coils(); }

  /// A x
  auto forward(const tensor<C, ImageRank, ex_t>& image) const {
    const ex_t ex;
    auto z = make_tensor<C>(ex, k);
    linop::apply(ex, coils(), image, z);
    linop::apply(ex, linop::fourier_op<T, 5, ex_t>(), z, z);
    linop::apply(ex, sampling(), z, z);
    return z;
  }
  /// A^H y
  auto adjoint(const tensor<C, 5, ex_t>& samples) const {
    const ex_t ex;
    auto z = clone(ex, samples);
    auto image = make_tensor<C>(ex, shape_of(x));
    linop::apply(ex, sampling(), z, z);
    linop::apply_adjoint(ex, linop::fourier_op<T, 5, ex_t>(), z, z);
    linop::apply_adjoint(ex, coils(), z, image);
    return image;
  }
};

/// op x and alpha op x added to something, against `expected` = op x.
template <class Op, class X, class Y>
void check_against(const Op& op, const X& x, const Y& expected, double tolerance) {
  using C = linop::value_of<Op>;
  const typename Op::execution_space ex;
  CHECK(distance(linop::evaluate(ex, op, x), expected) < tolerance);
  const C alpha(0.75, -2);
  auto y = clone(ex, expected), z = clone(ex, expected);
  random::fill_normal(ex, y, 5);
  Kokkos::deep_copy(z, y);
  linop::apply(ex, op, x, y, {alpha, true});
  blas1::axpby(ex, alpha, expected, C(1), z);
  CHECK(distance(y, z) < tolerance);
  linop::apply(ex, op, x, y, {alpha, false});
  Kokkos::deep_copy(z, expected);
  blas1::scale(ex, alpha, z);
  CHECK(distance(y, z) < tolerance);
}

/// A fused gram, with and without a multiple of the identity, apart and in place.
template <class Gram, class X>
void check_normal(const Gram& g, const X& x, const X& expected, double tolerance) {
  using C = linop::value_of<Gram>;
  const typename Gram::execution_space ex;
  check_against(g, x, expected, tolerance);
  const auto shifted = 0.5 * linop::identity + g;
  static_assert(std::is_same_v<std::decay_t<decltype(shifted)>, Gram>);
  auto more = clone(ex, expected);
  blas1::axpby(ex, C(0.5), x, C(1), more);
  check_against(shifted, x, more, tolerance);
  auto y = clone(ex, x);
  linop::apply(ex, shifted, y, y);
  CHECK(distance(y, more) < tolerance);
}

}  // namespace cardiomm_tests

#endif
