// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LA_LEAST_SQUARES_HPP
#define CARDIOMM_LA_LEAST_SQUARES_HPP
/// \file
/// Least squares of batches of small systems, also rank-deficient and underdetermined ones, with an
/// optional Tikhonov term. Works on the singular value decomposition, which does not square the
/// condition number.

#include "cardiomm/la/svd.hpp"

namespace cardiomm::inline CARDIOMM_ABI::la {

/// How systems are regularised.
struct least_squares_options {
  double rcond = -1;  ///< singular values up to this part of the largest one count as zero;
                      ///< negative takes max(m, n) * machine epsilon, as NumPy's lstsq
  double lambda = 0;  ///< minimises 1/2 |A x - b|^2 + lambda/2 |x|^2
  backend with = backend::automatic;
};

namespace detail {

/// X = V filter(s) U^H B, column by column of B; `t` holds the k coefficients of every column.
template <class C>
struct least_squares_kernel {
  static constexpr const char* name = "cardiomm::la::least_squares";
  using T = real_of<C>;
  const C *u, *vh;
  const T* s;
  const C* rhs;
  C *t, *x;
  index_t m, n, k, p;
  double rcond, lambda;
  KOKKOS_INLINE_FUNCTION void operator()(index_t b, index_t first, index_t last) const {
    const C *ub = u + b * m * k, *vb = vh + b * k * n, *rb = rhs + b * m * p;
    const T* sb = s + b * k;
    C *tb = t + b * k * p, *xb = x + b * n * p;
    for (index_t i = 0; i < k; ++i) {
      const double value = sb[i];
      const bool kept = value > rcond * double(sb[0]) && value > 0;
      const T f = T(kept ? value / (value * value + lambda) : 0);
      for (index_t j = first; j < last; ++j) {
        C sum = C(0);
        for (index_t r = 0; r < m; ++r) sum += times(conj_of(ub[r * k + i]), rb[r * p + j]);
        tb[i * p + j] = f * sum;
      }
    }
    for (index_t i = 0; i < n; ++i)
      for (index_t j = first; j < last; ++j) {
        C sum = C(0);
        for (index_t r = 0; r < k; ++r) sum += times(conj_of(vb[r * n + i]), tb[r * p + j]);
        xb[i * p + j] = sum;
      }
  }
};

}  // namespace detail

/// The x of least norm that minimises 1/2 |A x - b|^2 + lambda/2 |x|^2.
///
/// \param a  (batch, m, n)  matrices
/// \param b  (batch, m, p)  right-hand sides
/// \param x  (batch, n, p)  solutions
/// Throws shape_error, and value_error where a matrix holds NaN or Inf or lambda is negative.
template <ExecutionSpace Ex, TensorView A, TensorView B, TensorView X>
void least_squares(const Ex& ex, const A& a, const B& b, const X& x,
                   const least_squares_options& options = {}) {
  static_assert(rank_of<A> == 3 && rank_of<B> == 3 && rank_of<X> == 3,
                "la: matrices are tensors of rank 3");
  using C = element_of<A>;
  const shape<3> sa = shape_of(a), sb = shape_of(b);
  const index_t batch = sa[0], m = sa[1], n = sa[2], k = m < n ? m : n, p = sb[2];
  require<shape_error>(sb[0] == batch && sb[1] == m && shape_of(x) == shape{batch, n, p},
                       "least_squares: of matrices ", sa, ": expected right-hand sides ",
                       shape{batch, m, p}, " and solutions ", shape{batch, n, p}, ", found ", sb,
                       " and ", shape_of(x));
  require(options.lambda >= 0, "least_squares: lambda: expected a number of at least 0, found ",
          options.lambda);
  if (x.size() == 0) return;
  const auto u = make_tensor<C>(ex, shape{batch, m, k});
  const auto s = make_tensor<real_of<C>>(ex, shape{batch, k});
  const auto vh = make_tensor<C>(ex, shape{batch, k, n});
  const auto t = make_tensor<C>(ex, shape{batch, k, p});
  svd(ex, a, u, s, vh, options.with);
  const double rcond =
      options.rcond >= 0 ? options.rcond : double(m > n ? m : n) * detail::epsilon<real_of<C>>;
  launch::rows(ex, batch, p,
               detail::least_squares_kernel<C>{u.data(), vh.data(), s.data(), b.data(), t.data(),
                                               x.data(), m, n, k, p, rcond, options.lambda});
  ex.fence();
}

}  // namespace cardiomm::inline CARDIOMM_ABI::la

#endif
