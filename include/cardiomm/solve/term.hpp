// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_SOLVE_TERM_HPP
#define CARDIOMM_SOLVE_TERM_HPP
/// \file
/// A regulariser P(K x): a proximal operator behind a linear one. Splitting solvers (admm, pdhg)
/// take any number of them:
///
///     solve::admm(ex, gram(A), b, x, options, term(l1, gradient), term(nuclear));

#include "cardiomm/linop/norm.hpp"
#include "cardiomm/solve/criterion.hpp"
#include "cardiomm/solve/scalars.hpp"

namespace cardiomm::inline CARDIOMM_ABI::solve {

/// P(K x)
template <class P, class K>
struct penalty {
  using prox_type = P;
  using operator_type = K;
  P function;
  K transform;

  /// Shape of K x for x of shape d. Throws shape_error if P does not take it.
  shape<K::range_rank> dual(const shape<K::domain_rank>& d) const {
    const auto r = transform.range_for(d);
    prox::check_shape(function, r);
    return r;
  }
};

/// P(K x).
template <class P, class K>
requires prox::ProxLike<P> && linop::OperatorLike<K> penalty<P, K> term(const P& p, const K& k) {
  static_assert(K::range_rank == P::rank,
                "cardiomm: the proximal operator's rank is not that of the range of its transform");
  static_assert(std::is_same_v<typename K::value_type, typename P::value_type>,
                "cardiomm: the proximal operator and its transform have different precisions");
  return {p, k};
}
/// P(x).
template <class P>
requires prox::ProxLike<P>
auto term(const P& p) {
  return term(p, linop::identity_op<typename P::real_type, P::rank, typename P::execution_space>{});
}

namespace detail {
template <class>
inline constexpr bool is_penalty = false;
template <class P, class K>
inline constexpr bool is_penalty<penalty<P, K>> = true;

/// Terms that fit images of N's domain, or one sentence.
template <class N, class... Terms>
constexpr bool assert_terms() {
  static_assert(((Terms::operator_type::domain_rank == N::domain_rank) && ...),
                "cardiomm: the domain of a term's transform has not the rank of the images");
  static_assert(
      (std::is_same_v<typename Terms::operator_type::value_type, typename N::value_type> && ...),
      "cardiomm: a term has another precision than gram(A)");
  return ((Terms::operator_type::domain_rank == N::domain_rank) && ...) &&
         (std::is_same_v<typename Terms::operator_type::value_type, typename N::value_type> && ...);
}

/// sum of squares of a and b apart, and of a
template <class C>
struct apart_kernel {
  static constexpr const char* name = "cardiomm::solve::apart";
  const C* a;
  const C* b;
  KOKKOS_INLINE_FUNCTION complex<double> operator()(index_t, index_t first, index_t last) const {
    const auto* as = blas1::detail::reals(a);
    const auto* bs = blas1::detail::reals(b);
    const double apart = blas1::detail::strand_sum(2 * first, 2 * last, [=](index_t i) {
      const double d = double(as[i]) - double(bs[i]);
      return d * d;
    });
    const double size = blas1::detail::strand_sum(
        2 * first, 2 * last, [=](index_t i) { return double(as[i]) * double(as[i]); });
    return {apart, size};
  }
};
/// |a - b|^2 and |a|^2, brought to the host.
template <ExecutionSpace Ex, TensorView A, TensorView B>
complex<double> apart(const Ex& ex, const A& a, const B& b) {
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  auto* sum = scratch.template take<complex<double>>(1);
  launch::sums(ex, 1, static_cast<index_t>(a.size()),
               apart_kernel<element_of<A>>{a.data(), b.data()}, sum);
  return to_vector(ex, sum, 1)[0];
}
/// |a|^2, brought to the host.
template <ExecutionSpace Ex, TensorView A>
double squares(const Ex& ex, const A& a) {
  const index_t n = static_cast<index_t>(a.size());
  return prox::detail::total(ex, n, blas1::detail::norm2_kernel<element_of<A>>{a.data(), n});
}
}  // namespace detail

}  // namespace cardiomm::inline CARDIOMM_ABI::solve

#endif
