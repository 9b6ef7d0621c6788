// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_SOLVE_CHECK_HPP
#define CARDIOMM_SOLVE_CHECK_HPP
/// \file
/// What a solver's answer has to be, told without a solver: the dense solution of small systems,
/// the distance from a fixed point, the objective and how it falls. For tests of solvers, ours or
/// a user's; sizes of a few hundred unknowns.

#include <algorithm>
#include <cmath>
#include <vector>

#include "cardiomm/core/blas1.hpp"
#include "cardiomm/linop/expression.hpp"
#include "cardiomm/prox/concept.hpp"

namespace cardiomm::inline CARDIOMM_ABI::solve::check {

/// The matrix (range, domain) of an operator on the domain d, column by column.
template <class A>
requires linop::OperatorLike<A> host_tensor < complex<double>,
2 > dense(const typename A::execution_space& ex, const A& a, const shape<A::domain_rank>& d) {
  using C = linop::value_of<A>;
  const auto x = zeros<C>(host_space(), d);
  const auto y = make_tensor<C>(ex, a.range_for(d));
  auto matrix =
      make_tensor<complex<double>>(host_space(), shape{static_cast<index_t>(y.size()), d.size()});
  for (index_t j = 0; j < d.size(); ++j) {
    x.data()[j] = C(1);
    linop::apply(ex, a, to_space(ex, x), y);
    ex.fence();
    const auto column = to_host(y);
    for (index_t i = 0; i < static_cast<index_t>(y.size()); ++i)
      matrix(i, j) = complex<double>(column.data()[i].real(), column.data()[i].imag());
    x.data()[j] = C(0);
  }
  return matrix;
}

/// x of A x = b by elimination with pivots of the dense matrix. Throws value_error for a singular
/// one.
template <class A, TensorView B>
requires linop::OperatorLike<A>
auto dense_solution(const typename A::execution_space& ex, const A& a, const B& b) {
  using C = linop::value_of<A>;
  const auto d = shape_of(b);
  const auto m = dense(ex, a, d);
  const index_t n = d.size();
  require<shape_error>(static_cast<index_t>(m.extent(0)) == n,
                       "dense_solution: expected an operator with equal domain and range, found ",
                       m.extent(0), " x ", n);
  const auto given = to_host(b);
  std::vector<complex<double>> r(static_cast<std::size_t>(n));
  for (index_t i = 0; i < n; ++i)
    r[static_cast<std::size_t>(i)] =
        complex<double>(given.data()[i].real(), given.data()[i].imag());
  for (index_t k = 0; k < n; ++k) {
    index_t pivot = k;
    for (index_t i = k + 1; i < n; ++i)
      if (abs2(m(i, k)) > abs2(m(pivot, k))) pivot = i;
    require(abs2(m(pivot, k)) > 0, "dense_solution: expected an invertible operator, found rank ",
            k, " of ", n);
    for (index_t j = k; j < n && pivot != k; ++j) std::swap(m(k, j), m(pivot, j));
    std::swap(r[static_cast<std::size_t>(k)], r[static_cast<std::size_t>(pivot)]);
    for (index_t i = k + 1; i < n; ++i) {
      const complex<double> f = m(i, k) / m(k, k);
      if (abs2(f) == 0) continue;
      for (index_t j = k; j < n; ++j) m(i, j) -= f * m(k, j);
      r[static_cast<std::size_t>(i)] -= f * r[static_cast<std::size_t>(k)];
    }
  }
  const auto x = make_tensor<C>(host_space(), d);
  for (index_t k = n - 1; k >= 0; --k) {
    complex<double> sum = r[static_cast<std::size_t>(k)];
    for (index_t j = k + 1; j < n; ++j) sum -= m(k, j) * r[static_cast<std::size_t>(j)];
    r[static_cast<std::size_t>(k)] = sum / m(k, k);
    const auto& v = r[static_cast<std::size_t>(k)];
    x.data()[k] = C(real_of<C>(v.real()), real_of<C>(v.imag()));
  }
  return to_space(ex, x);
}

/// 1/2 <x, N x> - Re <b, x> + P(x), from its definition.
template <class N, class P, TensorView B, TensorView X>
double objective(const typename N::execution_space& ex, const N& normal, const P& p, const B& b,
                 const X& x) {
  auto nx = make_tensor<linop::value_of<N>>(ex, shape_of(x));
  linop::apply(ex, normal, x, nx);
  return 0.5 * blas1::dot(ex, x, nx).real() - blas1::dot(ex, b, x).real() + p.value(ex, x);
}

/// |prox(x - step (N x - b), step) - x| / |x|: zero at the minima of the objective and nowhere
/// else, for every positive step.
template <class N, class P, TensorView B, TensorView X>
double defect(const typename N::execution_space& ex, const N& normal, const P& p, const B& b,
              const X& x, double step) {
  using C = linop::value_of<N>;
  auto z = clone(ex, x);
  linop::apply(ex, normal, x, z, {C(-step), true});
  blas1::axpby(ex, C(step), b, C(1), z);
  prox::apply(ex, p, z, step, z);
  blas1::axpby(ex, C(-1), x, C(1), z);
  return blas1::norm(ex, z) / blas1::norm(ex, x);
}

/// The largest rise from one number to the next over how much they fall as a whole; 0 where a
/// sequence is monotone, infinite where it does not fall.
inline double largest_rise(const std::vector<double>& numbers) {
  if (numbers.size() < 2) return 0;
  double rise = 0;
  for (std::size_t i = 1; i < numbers.size(); ++i)
    rise = std::max(rise, numbers[i] - numbers[i - 1]);
  return rise > 0 ? rise / std::max(0.0, numbers.front() - numbers.back()) : 0;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::solve::check

#endif
