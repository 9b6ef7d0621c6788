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

/// Largest singular value of A on a domain of shape d, from below. Throws shape_error if d does not
/// fit A.
template <class A>
requires OperatorLike<A>
double norm(const typename A::execution_space& ex, const A& a, shape<A::domain_rank> d,
            norm_options options = {}) {
  require(options.iterations > 0, "norm: iterations: expected a positive number, found ",
          options.iterations);
  (void)a.range_for(d);
  const auto normal = gram(a);
  auto x = make_tensor<value_of<A>>(ex, d, "cardiomm::norm");
  auto y = make_tensor<value_of<A>>(ex, d, "cardiomm::norm");
  random::fill_normal(ex, x, options.seed);
  double size = blas1::norm(ex, x), estimate = 0;
  for (int i = 0; i < options.iterations && size > 0; ++i) {
    blas1::scale(ex, value_of<A>(real_of<value_of<A>>(1 / size)), x);
    apply(ex, normal, x, y);
    size = blas1::norm(ex, y);
    std::swap(x, y);
    const double before = estimate;
    estimate = size;
    if (std::abs(estimate - before) <= options.tolerance * estimate) break;
  }
  return std::sqrt(estimate);
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
