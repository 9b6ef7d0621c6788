// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LA_BATCH_HPP
#define CARDIOMM_LA_BATCH_HPP
/// \file
/// What the small dense algebra shares: choice of the implementation, status of every matrix of a
/// batch, scalar helpers.
///
/// Matrices are row-major, tensors of rank 3 (matrix, row, column), float or double, real or
/// complex. A matrix is one work item: a host thread or a device thread handles it alone. The
/// functions wait for their result, because a matrix that cannot be handled is reported by an
/// exception.

#include "cardiomm/core/launch.hpp"
#include "cardiomm/la/lapack.hpp"

namespace cardiomm::inline CARDIOMM_ABI::la {

/// Which implementation runs: `automatic` takes LAPACK on hosts if the library was built with it
/// (CARDIOMM_HAS_LAPACK), `portable` the own kernels, which every space has.
enum class backend { automatic, portable };

/// True where `automatic` means LAPACK.
template <ExecutionSpace Ex>
inline constexpr bool has_lapack = CARDIOMM_HAS_LAPACK&& launch::on_host<Ex>;

namespace detail {

template <class C>
KOKKOS_FORCEINLINE_FUNCTION constexpr C conj_of(const C& a) {
  if constexpr (is_complex<C>)
    return C(a.real(), -a.imag());
  else
    return a;
}
template <class C>
KOKKOS_FORCEINLINE_FUNCTION constexpr real_of<C> real_part(const C& a) {
  if constexpr (is_complex<C>)
    return a.real();
  else
    return a;
}
template <class C>
KOKKOS_FORCEINLINE_FUNCTION constexpr real_of<C> imag_part(const C& a) {
  if constexpr (is_complex<C>)
    return a.imag();
  else
    return real_of<C>(0);
}
template <class C>
KOKKOS_FORCEINLINE_FUNCTION constexpr C make_scalar(double re, double im) {
  if constexpr (is_complex<C>)
    return C(real_of<C>(re), real_of<C>(im));
  else
    return C(re);
}
/// a * b by the plain formula.
template <class C>
KOKKOS_FORCEINLINE_FUNCTION constexpr C times(const C& a, const C& b) {
  if constexpr (is_complex<C>)
    return mul(a, b);
  else
    return a * b;
}
KOKKOS_FORCEINLINE_FUNCTION double magnitude(double a) { return a < 0 ? -a : a; }
KOKKOS_FORCEINLINE_FUNCTION double hypotenuse(double a, double b) {
  a = magnitude(a);
  b = magnitude(b);
  const double big = a > b ? a : b, small = a > b ? b : a;
  if (big == 0) return 0;
  const double q = small / big;
  return big * math::sqrt(1 + q * q);
}
/// Distance from 1 to the next number of the type.
template <class T>
inline constexpr double epsilon = sizeof(T) == 4 ? 1.1920928955078125e-7 : 2.220446049250313e-16;

/// Largest |component| of n numbers; infinity where one is NaN or Inf.
template <class C>
KOKKOS_INLINE_FUNCTION double largest(const C* a, index_t n) {
  constexpr double infinity = __builtin_huge_val();
  double big = 0;
  for (index_t i = 0; i < n; ++i) {
    const double re = magnitude(double(real_part(a[i])));
    const double im = magnitude(double(imag_part(a[i])));
    if (!(re < infinity) || !(im < infinity)) return infinity;
    big = re > big ? re : big;
    big = im > big ? im : big;
  }
  return big;
}

/// What became of a matrix; `at` says where (a pivot, or what LAPACK returned).
struct outcome {
  enum code_t : int { fine, not_finite, not_definite, no_convergence };
  int code = fine;
  int at = 0;
};
template <ExecutionSpace Ex>
using outcomes = tensor<outcome, 1, Ex>;

/// Waits, then throws value_error for the first matrix that failed.
template <ExecutionSpace Ex>
void raise(const Ex& ex, const outcomes<Ex>& all, const char* what) {
  ex.fence();
  const auto host = to_host(all);
  for (std::size_t b = 0; b < host.extent(0); ++b) {
    const outcome o = host(b);
    require(o.code != outcome::not_finite, what, ": matrix ", b, " of ", host.extent(0),
            ": expected finite numbers, found NaN or Inf");
    require(o.code != outcome::not_definite, what, ": matrix ", b, " of ", host.extent(0),
            ": expected a positive definite matrix, found a pivot that is not positive in row ",
            o.at);
    require(o.code != outcome::no_convergence, what, ": matrix ", b, " of ", host.extent(0),
            ": the iteration did not converge");
  }
}

}  // namespace detail

}  // namespace cardiomm::inline CARDIOMM_ABI::la

#endif
