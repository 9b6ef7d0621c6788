// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LA_HERMITIAN_HPP
#define CARDIOMM_LA_HERMITIAN_HPP
/// \file
/// Eigenvalues and eigenvectors of batches of Hermitian (or real symmetric) matrices.
///
/// The own kernel (detail/tridiagonal.hpp) reduces to tridiagonal form by Householder reflections,
/// with the update of one step fused into the product of the next, and diagonalises by implicit QL.
/// It works on lanes, and it can leave out the vectors that are not wanted.

#include "cardiomm/la/batch.hpp"
#include "cardiomm/la/detail/tridiagonal.hpp"

#if CARDIOMM_HAS_LAPACK
#include <vector>
#endif

namespace cardiomm::inline CARDIOMM_ABI::la {

namespace detail {

#if CARDIOMM_HAS_LAPACK
template <class C>
struct hermitian_lapack {
  static constexpr const char* name = "cardiomm::la::hermitian_lapack";
  using T = real_of<C>;
  C* a;
  T* w;
  outcome* status;
  int n;
  void operator()(index_t b, index_t, index_t) const {
    C* ab = a + b * n * n;
    if (!(largest(ab, index_t(n) * n) < __builtin_huge_val())) {
      status[b] = {outcome::not_finite, 0};
      return;
    }
    int info = 0;
    const int m = n;
    std::vector<int> iwork(static_cast<std::size_t>(3 + 5 * m));
    const int liwork = static_cast<int>(iwork.size());
    // Row-major A is column-major conj(A): the columns found, rows in memory, are conj(v_k).
    if constexpr (is_complex<C>) {
      const int lwork = 2 * m + m * m, lrwork = 1 + 5 * m + 2 * m * m;
      std::vector<C> work(static_cast<std::size_t>(lwork));
      std::vector<T> rwork(static_cast<std::size_t>(lrwork));
      if constexpr (sizeof(T) == 4)
        lapack::cheevd_("V", "U", &m, ab, &m, w + b * n, work.data(), &lwork, rwork.data(), &lrwork,
                        iwork.data(), &liwork, &info, 1, 1);
      else
        lapack::zheevd_("V", "U", &m, ab, &m, w + b * n, work.data(), &lwork, rwork.data(), &lrwork,
                        iwork.data(), &liwork, &info, 1, 1);
      for (index_t i = 0; i < index_t(n) * n; ++i) ab[i] = conj_of(ab[i]);
    } else {
      const int lwork = 1 + 6 * m + 2 * m * m;
      std::vector<T> work(static_cast<std::size_t>(lwork));
      if constexpr (sizeof(T) == 4)
        lapack::ssyevd_("V", "U", &m, ab, &m, w + b * n, work.data(), &lwork, iwork.data(), &liwork,
                        &info, 1, 1);
      else
        lapack::dsyevd_("V", "U", &m, ab, &m, w + b * n, work.data(), &lwork, iwork.data(), &liwork,
                        &info, 1, 1);
    }
    status[b] = {info == 0 ? outcome::fine : outcome::no_convergence, info};
  }
};
#endif

template <ExecutionSpace Ex, TensorView A, TensorView W>
void hermitian_portable(const Ex& ex, const A& a, const W& w, double relative,
                        const outcomes<Ex>& status, index_t* found) {
  using T = real_of<element_of<A>>;
  using kernel = eigen_kernel<element_of<A>, lane<T, Ex>>;
  const auto batch = static_cast<index_t>(a.extent(0)), n = static_cast<index_t>(a.extent(1));
  const index_t each = kernel::scratch(n);
  // As many matrices at a time as 64 MiB of scratch serve.
  index_t group = (index_t(64) << 20) / (each * static_cast<index_t>(sizeof(T)));
  group = group < 1 ? 1 : group > batch ? batch : group;
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  T* room = scratch.template take<T>(group * each);
  for (index_t b = 0; b < batch; b += group) {
    const index_t count = b + group < batch ? group : batch - b;
    launch::rows(ex, count, 1,
                 kernel{a.data() + b * n * n, w.data() + b * n, status.data() + b,
                        found == nullptr ? nullptr : found + b, room, n, relative});
  }
}

template <TensorView A, TensorView W>
void check_hermitian(const char* what, const A& a, const W& w) {
  static_assert(rank_of<A> == 3 && rank_of<W> == 2,
                "la: matrices are tensors of rank 3, eigenvalues of rank 2");
  static_assert(std::is_same_v<real_of<element_of<A>>, element_of<W>>);
  require<shape_error>(
      a.extent(1) == a.extent(2) && w.extent(0) == a.extent(0) && w.extent(1) == a.extent(1), what,
      ": expected matrices (batch, n, n) and eigenvalues (batch, n), found ", shape_of(a), " and ",
      shape_of(w));
}

}  // namespace detail

/// Eigenvalues in ascending order and orthonormal eigenvectors: A = sum_k w_k v_k v_k^H.
///
/// \param a  (batch, n, n)  Hermitian; replaced by the eigenvectors, v_k in *row* k
/// \param w  (batch, n)     eigenvalues
/// Throws shape_error, and value_error where a matrix holds NaN or Inf.
template <ExecutionSpace Ex, TensorView A, TensorView W>
void hermitian_eigen(const Ex& ex, const A& a, const W& w, backend with = backend::automatic) {
  detail::check_hermitian("hermitian_eigen", a, w);
  if (a.size() == 0) return;
  const auto batch = static_cast<index_t>(a.extent(0));
  const auto status = make_tensor<detail::outcome>(ex, shape{batch}, "cardiomm::la::status");
#if CARDIOMM_HAS_LAPACK
  if constexpr (has_lapack<Ex>)
    if (with == backend::automatic) {
      launch::rows(ex, batch, 1,
                   detail::hermitian_lapack<element_of<A>>{a.data(), w.data(), status.data(),
                                                           static_cast<int>(a.extent(1))});
      return detail::raise(ex, status, "hermitian_eigen");
    }
#endif
  (void)with;
  detail::hermitian_portable(ex, a, w, -1, status, nullptr);
  detail::raise(ex, status, "hermitian_eigen");
}

/// The eigenvectors of the large eigenvalues only, those above `relative` times the largest one;
/// always by the own kernel, which saves the work for the others.
///
/// \param a      (batch, n, n)  Hermitian; its last found(b) rows become those eigenvectors, in
///                              ascending order of their eigenvalues, the other rows become zero
/// \param w      (batch, n)     all eigenvalues, ascending
/// \param found  (batch)        numbers of eigenvectors
template <ExecutionSpace Ex, TensorView A, TensorView W, TensorView F>
void hermitian_leading(const Ex& ex, const A& a, const W& w, const F& found, double relative) {
  detail::check_hermitian("hermitian_leading", a, w);
  static_assert(rank_of<F> == 1 && std::is_same_v<element_of<F>, index_t>);
  require<shape_error>(found.extent(0) == a.extent(0), "hermitian_leading: expected ", a.extent(0),
                       " counts, found ", found.extent(0));
  require(relative >= 0 && relative < 1,
          "hermitian_leading: threshold: expected a number in [0, 1), found ", relative);
  if (a.size() == 0) return;
  const auto status = make_tensor<detail::outcome>(ex, shape{static_cast<index_t>(a.extent(0))},
                                                   "cardiomm::la::status");
  detail::hermitian_portable(ex, a, w, relative, status, found.data());
  detail::raise(ex, status, "hermitian_leading");
}

}  // namespace cardiomm::inline CARDIOMM_ABI::la

#endif
