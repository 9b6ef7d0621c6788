// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_PROX_DATA_HPP
#define CARDIOMM_PROX_DATA_HPP
/// \file
/// The data term as a proximal operator: P(x) = 1/2 |A x - y|^2, whose prox solves
/// (1 + sigma A^H A) u = x + sigma A^H y. Where gram(A) is diagonal this is one pass,
///
///     u = (x + sigma A^H y) / (1 + sigma d),
///
/// as for masks of k-space, averages and the identity; elsewhere the solver is given:
///
///     prox::data_term(ex, A, y, [](const auto& ex, const auto& system, const auto& right,
///                                  const auto& x) { solve::cg_in_place(ex, system, right, x); });

#include <optional>
#include <utility>

#include "cardiomm/linop/fused_normal.hpp"
#include "cardiomm/prox/conjugate.hpp"

namespace cardiomm::inline CARDIOMM_ABI::prox {

namespace detail {
/// out = (x + sigma b) / (1 + sigma d), d real
template <class T>
struct diagonal_data_kernel {
  static constexpr const char* name = "cardiomm::prox::data_term";
  const complex<T>* x;
  const complex<T>* b;
  const complex<T>* d;  ///< diagonal of gram(A)
  complex<T>* out;
  T sigma;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      const T f = 1 / (1 + sigma * d[i].real());
      out[i] = complex<T>(f * (x[i].real() + sigma * b[i].real()),
                          f * (x[i].imag() + sigma * b[i].imag()));
    }
  }
};
/// Nothing is passed in where gram(A) is diagonal.
struct closed_form {};
}  // namespace detail

/// 1/2 |A x - y|^2; made by `data_term`. `Solve` is `closed_form` for operators whose gram is
/// diagonal, else called as solve(ex, system, right, x) with x the start (the input of prox) and
/// system = 1 + sigma gram(A); it may destroy `right`.
template <class A, class Solve>
class data_term_of : public proximal_operator<data_term_of<A, Solve>, typename A::real_type,
                                              A::domain_rank, typename A::execution_space> {
  using Ex = typename A::execution_space;
  using C = typename A::value_type;
  using T = typename A::real_type;
  using base = proximal_operator<data_term_of, T, A::domain_rank, Ex>;
  using gram_type = decltype(linop::gram(std::declval<const A&>()));
  static constexpr bool closed = std::is_same_v<Solve, detail::closed_form>;

 public:
  static constexpr const char* name = "data_term";
  static constexpr double accuracy = closed ? 0 : 1e-4;

  template <TensorView Y>
  data_term_of(const Ex& ex, A a, const Y& y, Solve solve)
      : operator_(std::move(a)),
        gram_(linop::gram(operator_)),
        solve_(std::move(solve)),
        right_(make_tensor<C>(ex, operator_.domain_for(shape_of(y)), "cardiomm::data_term")) {
    linop::apply_adjoint(ex, operator_, y, right_);
    half_ = 0.5 *
            detail::total(ex, static_cast<index_t>(y.size()),
                          blas1::detail::norm2_kernel<C>{y.data(), static_cast<index_t>(y.size())});
    if constexpr (closed) {
      diagonal_ = make_tensor<C>(ex, shape_of(right_), "cardiomm::data_term");
      const auto ones = make_tensor<C>(ex, shape_of(right_));
      Kokkos::deep_copy(ex, ones, C(1));
      linop::apply(ex, gram_, ones, diagonal_);
    }
    ex.fence();
  }
  shape<A::domain_rank> domain() const { return shape_of(right_); }
  /// 1/2 <x, gram(A) x> - Re <A^H y, x> + 1/2 |y|^2
  double value(const Ex& ex, in_of<base> x) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const auto v = scratch.template tensor<C>(shape_of(x));
    linop::apply(ex, gram_, x, v);
    const index_t n = static_cast<index_t>(x.size());
    detail::combine(ex, 0.5, v, -1, right_, v);
    return half_ + detail::total(ex, n, blas1::detail::real_dot_kernel<C>{x.data(), v.data(), n});
  }
  void prox(const Ex& ex, in_of<base> x, double sigma, out_of<base> out) const {
    if constexpr (closed) {
      launch::segments(ex, static_cast<index_t>(x.size()),
                       detail::diagonal_data_kernel<T>{x.data(), right_.data(), diagonal_.data(),
                                                       out.data(), T(sigma)});
    } else {
      typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
      const auto b = scratch.template tensor<C>(shape_of(x));
      detail::combine(ex, 1, x, sigma, right_, b);
      linop::detail::copy_into(ex, x, out, linop::accumulation<C>{});
      if (sigma > 0) solve_(ex, sigma * gram_ + linop::identity, b, out);
    }
  }

 private:
  A operator_;
  gram_type gram_;
  Solve solve_;
  tensor<C, A::domain_rank, Ex> right_;
  tensor<C, A::domain_rank, Ex> diagonal_{};
  double half_ = 0;
};

/// 1/2 |A x - y|^2 for an A whose gram is diagonal.
template <class A, TensorView Y>
requires linop::OperatorLike<A>
auto data_term(const typename A::execution_space& ex, const A& a, const Y& y) {
  static_assert(decltype(linop::gram(a))::is_diagonal || A::idempotent,
                "cardiomm: gram(A) is not diagonal; give data_term a solver as last argument");
  return data_term_of<A, detail::closed_form>(ex, a, y, {});
}
/// 1/2 |A x - y|^2, the prox by `solve(ex, system, right, x)`.
template <class A, TensorView Y, class Solve>
requires linop::OperatorLike<A>
auto data_term(const typename A::execution_space& ex, const A& a, const Y& y, Solve solve) {
  return data_term_of<A, Solve>(ex, a, y, std::move(solve));
}

template <class T, ExecutionSpace Ex>
struct specimen<data_term_of<linop::diagonal<complex<T>, 4, Ex>, detail::closed_form>> {
  static auto make(const Ex& ex, size_class s, std::uint64_t seed) {
    auto w = make_tensor<complex<T>>(ex, specimen_image(s));
    auto y = make_tensor<complex<T>>(ex, specimen_image(s));
    random::fill_normal(ex, w, seed, 5);
    random::fill_normal(ex, y, seed, 6);
    return data_term(ex, linop::diagonal<complex<T>, 4, Ex>(w), y);
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
using data_specimens =
    type_list<data_term_of<linop::diagonal<complex<T>, 4, Ex>, detail::closed_form>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::prox

#endif
