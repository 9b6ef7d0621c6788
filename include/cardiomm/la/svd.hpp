// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LA_SVD_HPP
#define CARDIOMM_LA_SVD_HPP
/// \file
/// Thin singular value decompositions of batches of matrices: A = U diag(s) V^H.
///
/// The own kernel is the one-sided Jacobi method (Hestenes 1958; Demmel and Veselic 1992): columns
/// are rotated against each other until they are orthogonal. It finds small singular values to high
/// relative accuracy and needs no other storage than U and V.

#include "cardiomm/la/batch.hpp"

#if CARDIOMM_HAS_LAPACK
#include <algorithm>
#include <vector>
#endif

namespace cardiomm::inline CARDIOMM_ABI::la {

namespace detail {

/// One matrix: B = A (or A^H where A is wide), rows of `w` the columns of B, rows of `v` those of
/// V.
template <class C>
struct jacobi_svd_kernel {
  static constexpr const char* name = "cardiomm::la::svd";
  using T = real_of<C>;
  const C* a;
  C* u;
  T* s;
  C* vh;
  outcome* status;
  C* room;
  index_t rows, cols, group_first;

  static constexpr index_t scratch(index_t rows, index_t cols) {
    const index_t big = rows > cols ? rows : cols, small = rows > cols ? cols : rows;
    return small * big + small * small;
  }

  KOKKOS_INLINE_FUNCTION void operator()(index_t item, index_t, index_t) const {
    const index_t b = group_first + item;
    const bool wide = rows < cols;
    const index_t m = wide ? cols : rows, n = wide ? rows : cols;
    const C* ab = a + b * rows * cols;
    const double big = largest(ab, rows * cols);
    if (!(big < __builtin_huge_val())) {
      status[b] = {outcome::not_finite, 0};
      return;
    }
    const double scale = big > 0 ? 1 / big : 1;
    C* w = room + item * scratch(rows, cols);
    C* v = w + n * m;
    for (index_t j = 0; j < n; ++j) {
      for (index_t i = 0; i < m; ++i) {
        const C x = wide ? ab[j * cols + i] : ab[i * cols + j];
        const double im = double(imag_part(x)) * scale;
        w[j * m + i] = make_scalar<C>(double(real_part(x)) * scale, wide ? -im : im);
      }
      for (index_t i = 0; i < n; ++i) v[j * n + i] = C(T(i == j ? 1 : 0));
    }
    const bool done = orthogonalise(w, v, m, n);
    status[b] = {done ? outcome::fine : outcome::no_convergence, 0};
    if (!done) return;
    T* sb = s + b * n;
    for (index_t j = 0; j < n; ++j) sb[j] = T(math::sqrt(square(w + j * m, m)));
    sort(w, v, sb, m, n);
    complete(w, sb, m, n);
    // B = W V^H: A = W V^H, or A = V W^H where A is wide.
    C *ub = u + b * rows * n, *vb = vh + b * n * cols;
    for (index_t j = 0; j < n; ++j) {
      sb[j] = T(double(sb[j]) * big);
      const C *left = wide ? v + j * n : w + j * m, *right = wide ? w + j * m : v + j * n;
      for (index_t i = 0; i < rows; ++i) ub[i * n + j] = left[i];
      for (index_t i = 0; i < cols; ++i) vb[j * cols + i] = conj_of(right[i]);
    }
  }

 private:
  KOKKOS_INLINE_FUNCTION static double square(const C* x, index_t m) {
    double sum = 0;
    for (index_t i = 0; i < m; ++i) {
      const double re = real_part(x[i]), im = imag_part(x[i]);
      sum += re * re + im * im;
    }
    return sum;
  }
  /// <x, y>
  KOKKOS_INLINE_FUNCTION static void inner(const C* x, const C* y, index_t m, double& re,
                                           double& im) {
    re = im = 0;
    for (index_t i = 0; i < m; ++i) {
      const double xr = real_part(x[i]), xi = imag_part(x[i]);
      const double yr = real_part(y[i]), yi = imag_part(y[i]);
      re += xr * yr + xi * yi;
      im += xr * yi - xi * yr;
    }
  }
  /// (x, y) <- (c x - s conj(p) y, s x + c conj(p) y)
  KOKKOS_INLINE_FUNCTION static void turn(C* x, C* y, index_t m, double c, double s, double pr,
                                          double pi) {
    const T ct = T(c), st = T(s);
    const C conj_phase = make_scalar<C>(pr, -pi);
    for (index_t i = 0; i < m; ++i) {
      const C f = times(conj_phase, y[i]);
      y[i] = st * x[i] + ct * f;
      x[i] = ct * x[i] - st * f;
    }
  }

  KOKKOS_INLINE_FUNCTION static bool orthogonalise(C* w, C* v, index_t m, index_t n) {
    constexpr double eps = epsilon<T>;
    double all = 0;
    for (index_t j = 0; j < n; ++j) all += square(w + j * m, m);
    const double negligible = eps * eps * all;
    for (int sweep = 0; sweep < 60; ++sweep) {
      bool changed = false;
      for (index_t p = 0; p + 1 < n; ++p)
        for (index_t q = p + 1; q < n; ++q) {
          const double alpha = square(w + p * m, m), beta = square(w + q * m, m);
          double gr, gi;
          inner(w + p * m, w + q * m, m, gr, gi);
          const double gamma = hypotenuse(gr, gi);
          if (alpha <= negligible && beta <= negligible) continue;
          const double small = alpha < beta ? alpha : beta, large = alpha < beta ? beta : alpha;
          // A column of rounding errors need not be made orthogonal to better than those errors.
          const double floor = small < negligible ? negligible : small;
          if (gamma <= 2 * eps * math::sqrt(large) * math::sqrt(floor) || gamma == 0) continue;
          changed = true;
          const double zeta = (beta - alpha) / (2 * gamma);
          const double t = (zeta < 0 ? -1 : 1) / (magnitude(zeta) + hypotenuse(1, zeta));
          const double c = 1 / math::sqrt(1 + t * t), sn = c * t;
          turn(w + p * m, w + q * m, m, c, sn, gr / gamma, gi / gamma);
          turn(v + p * n, v + q * n, n, c, sn, gr / gamma, gi / gamma);
        }
      if (!changed) return true;
    }
    return false;
  }

  KOKKOS_INLINE_FUNCTION static void sort(C* w, C* v, T* s, index_t m, index_t n) {
    for (index_t k = 0; k < n; ++k) {
      index_t best = k;
      for (index_t j = k + 1; j < n; ++j)
        if (s[j] > s[best]) best = j;
      if (best == k) continue;
      const T t = s[k];
      s[k] = s[best];
      s[best] = t;
      for (index_t i = 0; i < m; ++i) swap(w[k * m + i], w[best * m + i]);
      for (index_t i = 0; i < n; ++i) swap(v[k * n + i], v[best * n + i]);
    }
  }
  KOKKOS_FORCEINLINE_FUNCTION static void swap(C& x, C& y) {
    const C t = x;
    x = y;
    y = t;
  }

  /// Scales the columns to unit length; where the singular value is zero (up to rounding), takes a
  /// unit vector made orthogonal to the columns before it.
  KOKKOS_INLINE_FUNCTION static void complete(C* w, const T* s, index_t m, index_t n) {
    for (index_t k = 0; k < n; ++k) {
      C* x = w + k * m;
      if (double(s[k]) > epsilon<T> * double(m) * double(s[0])) {
        const T f = T(1 / double(s[k]));
        for (index_t i = 0; i < m; ++i) x[i] *= f;
        continue;
      }
      for (index_t e = 0; e < m; ++e) {
        for (index_t i = 0; i < m; ++i) x[i] = C(T(i == e ? 1 : 0));
        for (int twice = 0; twice < 2; ++twice)
          for (index_t j = 0; j < k; ++j) {
            double re, im;
            inner(w + j * m, x, m, re, im);
            const C f = make_scalar<C>(re, im);
            for (index_t i = 0; i < m; ++i) x[i] -= times(f, w[j * m + i]);
          }
        const double rest = square(x, m);
        if (rest * 2 * double(m) < 1) continue;  // one of the m directions keeps at least 1/m
        const T f = T(1 / math::sqrt(rest));
        for (index_t i = 0; i < m; ++i) x[i] *= f;
        break;
      }
    }
  }
};

#if CARDIOMM_HAS_LAPACK
template <class C>
struct svd_lapack {
  static constexpr const char* name = "cardiomm::la::svd_lapack";
  using T = real_of<C>;
  const C* a;
  C* u;
  T* s;
  C* vh;
  outcome* status;
  int rows, cols;
  void operator()(index_t b, index_t, index_t) const {
    const index_t size = index_t(rows) * cols;
    const C* ab = a + b * size;
    if (!(largest(ab, size) < __builtin_huge_val())) {
      status[b] = {outcome::not_finite, 0};
      return;
    }
    const int small = std::min(rows, cols), big = std::max(rows, cols);
    std::vector<C> copy(ab, ab + size);
    std::vector<int> iwork(static_cast<std::size_t>(8 * small));
    C *ub = u + b * rows * small, *vb = vh + b * small * cols;
    T* sb = s + b * small;
    int info = 0;
    // Row-major A is column-major A^T = V* S U^T: the two factors change places.
    if constexpr (is_complex<C>) {
      const int lwork = small * small + 4 * small + 2 * big;
      const std::size_t lrwork = static_cast<std::size_t>(
          std::max(5 * small * small + 5 * small, 2 * big * small + 2 * small * small + small));
      std::vector<C> work(static_cast<std::size_t>(lwork));
      std::vector<T> rwork(lrwork);
      if constexpr (sizeof(T) == 4)
        lapack::cgesdd_("S", &cols, &rows, copy.data(), &cols, sb, vb, &cols, ub, &small,
                        work.data(), &lwork, rwork.data(), iwork.data(), &info, 1);
      else
        lapack::zgesdd_("S", &cols, &rows, copy.data(), &cols, sb, vb, &cols, ub, &small,
                        work.data(), &lwork, rwork.data(), iwork.data(), &info, 1);
    } else {
      const int lwork = 4 * small * small + 7 * small + std::max(big, 3 * small + big);
      std::vector<T> work(static_cast<std::size_t>(lwork));
      if constexpr (sizeof(T) == 4)
        lapack::sgesdd_("S", &cols, &rows, copy.data(), &cols, sb, vb, &cols, ub, &small,
                        work.data(), &lwork, iwork.data(), &info, 1);
      else
        lapack::dgesdd_("S", &cols, &rows, copy.data(), &cols, sb, vb, &cols, ub, &small,
                        work.data(), &lwork, iwork.data(), &info, 1);
    }
    status[b] = {info == 0 ? outcome::fine : outcome::no_convergence, info};
  }
};
#endif

}  // namespace detail

/// Thin singular value decomposition A = U diag(s) V^H with k = min(m, n).
///
/// \param a   (batch, m, n)  matrices
/// \param u   (batch, m, k)  left singular vectors in columns, orthonormal even where A is
/// deficient \param s   (batch, k)     singular values, descending \param vh  (batch, k, n)
/// conjugated right singular vectors in rows Throws shape_error, and value_error where a matrix
/// holds NaN or Inf.
template <ExecutionSpace Ex, TensorView A, TensorView U, TensorView S, TensorView V>
void svd(const Ex& ex, const A& a, const U& u, const S& s, const V& vh,
         backend with = backend::automatic) {
  static_assert(rank_of<A> == 3 && rank_of<U> == 3 && rank_of<S> == 2 && rank_of<V> == 3,
                "la: matrices are tensors of rank 3, singular values of rank 2");
  using C = element_of<A>;
  const shape<3> sa = shape_of(a);
  const index_t batch = sa[0], m = sa[1], n = sa[2], k = m < n ? m : n;
  require<shape_error>(shape_of(u) == shape{batch, m, k} && shape_of(s) == shape{batch, k} &&
                           shape_of(vh) == shape{batch, k, n},
                       "svd: of matrices ", sa, ": expected ", shape{batch, m, k}, ", ",
                       shape{batch, k}, " and ", shape{batch, k, n}, ", found ", shape_of(u), ", ",
                       shape_of(s), " and ", shape_of(vh));
  if (a.size() == 0) return;
  const auto status = make_tensor<detail::outcome>(ex, shape{batch}, "cardiomm::la::status");
#if CARDIOMM_HAS_LAPACK
  if constexpr (has_lapack<Ex>)
    if (with == backend::automatic) {
      launch::rows(ex, batch, 1,
                   detail::svd_lapack<C>{a.data(), u.data(), s.data(), vh.data(), status.data(),
                                         static_cast<int>(m), static_cast<int>(n)});
      return detail::raise(ex, status, "svd");
    }
#endif
  (void)with;
  using kernel = detail::jacobi_svd_kernel<C>;
  const index_t each = kernel::scratch(m, n);
  index_t group = (index_t(64) << 20) / (each * static_cast<index_t>(sizeof(C)));
  group = group < 1 ? 1 : group > batch ? batch : group;
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  C* room = scratch.template take<C>(group * each);
  for (index_t b = 0; b < batch; b += group)
    launch::rows(ex, b + group < batch ? group : batch - b, 1,
                 kernel{a.data(), u.data(), s.data(), vh.data(), status.data(), room, m, n, b});
  detail::raise(ex, status, "svd");
}

}  // namespace cardiomm::inline CARDIOMM_ABI::la

#endif
