// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_NORM_HPP
#define CARDIOMM_LINOP_NORM_HPP
/// \file
/// Spectral norm by power iteration on gram(A).

#include <cmath>

#include "cardiomm/core/blas1.hpp"
#include "cardiomm/core/random.hpp"
#include "cardiomm/linop/gram.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

struct norm_options {
  int iterations = 30;
  std::uint64_t seed = 1;   ///< of the random start
  double tolerance = 1e-6;  ///< stop when the estimate changes by less, relative; 0 never
};

/// Largest eigenvalue of a self-adjoint, positive semi-definite N (a gram) on tensors of shape d,
/// from below. Throws shape_error if d does not fit N.
template <class N>
requires OperatorLike<N>
double largest_eigenvalue(const typename N::execution_space& ex, const N& normal,
                          shape<N::domain_rank> d, norm_options options = {}) {
  using C = value_of<N>;
  require(options.iterations > 0, "norm: iterations: expected a positive number, found ",
          options.iterations);
  (void)normal.range_for(d);
  auto x = make_tensor<C>(ex, d, "cardiomm::norm");
  auto y = make_tensor<C>(ex, d, "cardiomm::norm");
  random::fill_normal(ex, x, options.seed);
  double size = blas1::norm(ex, x), estimate = 0;
  for (int i = 0; i < options.iterations && size > 0; ++i) {
    blas1::scale(ex, C(real_of<C>(1 / size)), x);
    apply(ex, normal, x, y);
    size = blas1::norm(ex, y);
    std::swap(x, y);
    const double before = estimate;
    estimate = size;
    if (std::abs(estimate - before) <= options.tolerance * estimate) break;
  }
  return estimate;
}

/// Largest singular value of A on a domain of shape d, from below. Throws shape_error if d does not
/// fit A.
template <class A>
requires OperatorLike<A>
double norm(const typename A::execution_space& ex, const A& a, shape<A::domain_rank> d,
            norm_options options = {}) {
  (void)a.range_for(d);
  return std::sqrt(largest_eigenvalue(ex, gram(a), d, options));
}

/// The same on the operator's own domain; open extents count as one, as the operator treats them
/// alike.
template <class A>
requires OperatorLike<A>
double norm(const A& a, norm_options options = {}) {
  auto d = a.domain();
  for (int i = 0; i < A::domain_rank; ++i)
    if (d[i] == open) d[i] = 1;
  return norm(typename A::execution_space(), a, d, options);
}

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
