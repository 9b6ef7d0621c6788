// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LA_CHOLESKY_HPP
#define CARDIOMM_LA_CHOLESKY_HPP
/// \file
/// Cholesky factorisation A = L L^H of batches of Hermitian positive definite matrices, and the
/// solutions of the systems that follow from it.

#include "cardiomm/la/batch.hpp"

namespace cardiomm::inline CARDIOMM_ABI::la {

namespace detail {

/// Column by column (left-looking); only the lower triangle of the input is read.
template <class C>
struct cholesky_kernel {
  static constexpr const char* name = "cardiomm::la::cholesky";
  C* a;
  outcome* status;
  index_t n;
  KOKKOS_INLINE_FUNCTION void operator()(index_t b, index_t, index_t) const {
    C* l = a + b * n * n;
    outcome result;
    for (index_t j = 0; j < n && result.code == outcome::fine; ++j) {
      double pivot = double(real_part(l[j * n + j]));
      for (index_t k = 0; k < j; ++k) pivot -= double(abs2(l[j * n + k]));
      if (!(pivot > 0)) {
        result.code = outcome::not_definite;
        result.at = static_cast<int>(j);
        break;
      }
      const double root = math::sqrt(pivot);
      l[j * n + j] = make_scalar<C>(root, 0);
      for (index_t i = j + 1; i < n; ++i) {
        double re = double(real_part(l[i * n + j])), im = double(imag_part(l[i * n + j]));
        for (index_t k = 0; k < j; ++k) {
          const C p = times(l[i * n + k], conj_of(l[j * n + k]));
          re -= double(real_part(p));
          im -= double(imag_part(p));
        }
        l[i * n + j] = make_scalar<C>(re / root, im / root);
      }
    }
    for (index_t i = 0; i < n; ++i)
      for (index_t j = i + 1; j < n; ++j) l[i * n + j] = C(0);
    status[b] = result;
  }
};

/// A matrix with NaN or Inf is told apart from one that is not definite.
template <class C>
struct finite_kernel {
  static constexpr const char* name = "cardiomm::la::finite";
  const C* a;
  outcome* status;
  index_t size;
  KOKKOS_INLINE_FUNCTION void operator()(index_t b, index_t, index_t) const {
    status[b] = {
        largest(a + b * size, size) < __builtin_huge_val() ? outcome::fine : outcome::not_finite,
        0};
  }
};

#if CARDIOMM_HAS_LAPACK
template <class C>
struct cholesky_lapack {
  static constexpr const char* name = "cardiomm::la::cholesky_lapack";
  C* a;
  outcome* status;
  int n;
  void operator()(index_t b, index_t, index_t) const {
    C* l = a + b * n * n;
    int info = 0;
    // The row-major lower triangle is the column-major upper one of conj(A), whose factor is L^T.
    if constexpr (std::is_same_v<C, float>)
      lapack::spotrf_("U", &n, l, &n, &info, 1);
    else if constexpr (std::is_same_v<C, double>)
      lapack::dpotrf_("U", &n, l, &n, &info, 1);
    else if constexpr (std::is_same_v<C, complex<float>>)
      lapack::cpotrf_("U", &n, l, &n, &info, 1);
    else
      lapack::zpotrf_("U", &n, l, &n, &info, 1);
    for (int i = 0; i < n; ++i)
      for (int j = i + 1; j < n; ++j) l[i * n + j] = C(0);
    status[b] = {info == 0 ? outcome::fine : outcome::not_definite, info - 1};
  }
};
#endif

/// L y = b, then (if `both`) L^H x = y, in place of b.
template <class C>
struct triangular_kernel {
  static constexpr const char* name = "cardiomm::la::triangular";
  const C* l;
  C* x;
  index_t n, m;
  bool both;
  KOKKOS_INLINE_FUNCTION void operator()(index_t b, index_t first, index_t last) const {
    const C* lb = l + b * n * n;
    C* xb = x + b * n * m;
    for (index_t i = 0; i < n; ++i) {
      for (index_t k = 0; k < i; ++k)
        for (index_t j = first; j < last; ++j) xb[i * m + j] -= times(lb[i * n + k], xb[k * m + j]);
      const real_of<C> inverse = real_of<C>(1) / real_part(lb[i * n + i]);
      for (index_t j = first; j < last; ++j) xb[i * m + j] *= inverse;
    }
    if (!both) return;
    for (index_t i = n - 1; i >= 0; --i) {
      for (index_t k = i + 1; k < n; ++k)
        for (index_t j = first; j < last; ++j)
          xb[i * m + j] -= times(conj_of(lb[k * n + i]), xb[k * m + j]);
      const real_of<C> inverse = real_of<C>(1) / real_part(lb[i * n + i]);
      for (index_t j = first; j < last; ++j) xb[i * m + j] *= inverse;
    }
  }
};

template <TensorView L, TensorView B>
void check_triangular(const char* what, const L& l, const B& b) {
  static_assert(rank_of<L> == 3 && rank_of<B> == 3, "la: matrices are tensors of rank 3");
  static_assert(std::is_same_v<element_of<L>, element_of<B>>);
  require<shape_error>(
      l.extent(1) == l.extent(2) && l.extent(0) == b.extent(0) && l.extent(1) == b.extent(1), what,
      ": expected a factor (batch, n, n) and right-hand sides (batch, n, m), found ", shape_of(l),
      " and ", shape_of(b));
}

}  // namespace detail

/// Replaces every matrix by its lower factor L, A = L L^H; the upper triangle becomes zero.
///
/// \param a  (batch, n, n)  Hermitian positive definite; the lower triangle is read
/// Throws shape_error if a matrix is not square, value_error if one is not positive definite or
/// holds NaN or Inf.
template <ExecutionSpace Ex, TensorView A>
void cholesky(const Ex& ex, const A& a, backend with = backend::automatic) {
  static_assert(rank_of<A> == 3, "la: matrices are tensors of rank 3");
  using C = element_of<A>;
  require<shape_error>(a.extent(1) == a.extent(2),
                       "cholesky: expected square matrices (batch, n, n), found ", shape_of(a));
  const auto batch = static_cast<index_t>(a.extent(0)), n = static_cast<index_t>(a.extent(1));
  if (a.size() == 0) return;
  const auto status = make_tensor<detail::outcome>(ex, shape{batch}, "cardiomm::la::status");
  launch::rows(ex, batch, 1, detail::finite_kernel<C>{a.data(), status.data(), n * n});
  detail::raise(ex, status, "cholesky");
#if CARDIOMM_HAS_LAPACK
  if constexpr (has_lapack<Ex>)
    if (with == backend::automatic) {
      launch::rows(ex, batch, 1,
                   detail::cholesky_lapack<C>{a.data(), status.data(), static_cast<int>(n)});
      return detail::raise(ex, status, "cholesky");
    }
#endif
  (void)with;
  launch::rows(ex, batch, 1, detail::cholesky_kernel<C>{a.data(), status.data(), n});
  detail::raise(ex, status, "cholesky");
}

/// Solves L L^H x = b in place, with the factors that `cholesky` left.
///
/// \param l  (batch, n, n)  lower factors
/// \param b  (batch, n, m)  right-hand sides, replaced by the solutions
template <ExecutionSpace Ex, TensorView L, TensorView B>
void cholesky_solve(const Ex& ex, const L& l, const B& b) {
  detail::check_triangular("cholesky_solve", l, b);
  launch::rows(ex, static_cast<index_t>(b.extent(0)), static_cast<index_t>(b.extent(2)),
               detail::triangular_kernel<element_of<B>>{l.data(), b.data(),
                                                        static_cast<index_t>(b.extent(1)),
                                                        static_cast<index_t>(b.extent(2)), true});
}

/// Solves L x = b in place (L lower triangular with a real diagonal).
///
/// \param l  (batch, n, n)  lower factors
/// \param b  (batch, n, m)  right-hand sides, replaced by the solutions
template <ExecutionSpace Ex, TensorView L, TensorView B>
void lower_solve(const Ex& ex, const L& l, const B& b) {
  detail::check_triangular("lower_solve", l, b);
  launch::rows(ex, static_cast<index_t>(b.extent(0)), static_cast<index_t>(b.extent(2)),
               detail::triangular_kernel<element_of<B>>{l.data(), b.data(),
                                                        static_cast<index_t>(b.extent(1)),
                                                        static_cast<index_t>(b.extent(2)), false});
}

}  // namespace cardiomm::inline CARDIOMM_ABI::la

#endif
