// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_LA_MATRICES_HPP
#define CARDIOMM_TESTS_LA_MATRICES_HPP
/// \file
/// Random batches of matrices and residuals, computed in double by plain loops.

#include <cmath>
#include <complex>

#include "cardiomm/core/random.hpp"
#include "cardiomm/la/batch.hpp"

namespace la_test {

using namespace cardiomm;

template <class C>
std::complex<double> wide(const C& c) {
  return {double(la::detail::real_part(c)), double(la::detail::imag_part(c))};
}

template <class C>
host_tensor<C, 3> random_matrices(index_t batch, index_t m, index_t n, int seed) {
  auto a = make_tensor<C>(host_space{}, shape{batch, m, n});
  random::fill_normal(host_space{}, a, std::uint64_t(seed));
  return a;
}

/// op(a) op(b) of one matrix of the batch, where op conjugates and transposes if asked.
template <class A, class B>
host_tensor<element_of<A>, 3> product(const A& a, bool ha, const B& b, bool hb) {
  using C = element_of<A>;
  const auto m = index_t(a.extent(ha ? 2 : 1)), k = index_t(a.extent(ha ? 1 : 2)),
             n = index_t(b.extent(hb ? 1 : 2));
  auto c = make_tensor<C>(host_space{}, shape{index_t(a.extent(0)), m, n});
  for (index_t s = 0; s < index_t(a.extent(0)); ++s)
    for (index_t i = 0; i < m; ++i)
      for (index_t j = 0; j < n; ++j) {
        std::complex<double> sum = 0;
        for (index_t r = 0; r < k; ++r)
          sum += (ha ? std::conj(wide(a(s, r, i))) : wide(a(s, i, r))) *
                 (hb ? std::conj(wide(b(s, j, r))) : wide(b(s, r, j)));
        c(s, i, j) = la::detail::make_scalar<C>(sum.real(), sum.imag());
      }
  return c;
}

/// Largest |a - b| over the tensors.
template <class A, class B>
double difference(const A& a, const B& b) {
  REQUIRE(a.size() == b.size());
  double big = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    big = std::max(big, std::abs(wide(a.data()[i]) - wide(b.data()[i])));
  return big;
}

/// Largest |a - 1| of square matrices.
template <class A>
double from_identity(const A& a) {
  double big = 0;
  for (std::size_t s = 0; s < a.extent(0); ++s)
    for (std::size_t i = 0; i < a.extent(1); ++i)
      for (std::size_t j = 0; j < a.extent(2); ++j)
        big = std::max(big, std::abs(wide(a(s, i, j)) - double(i == j)));
  return big;
}

/// Random matrices of a given rank and scale: a product of two random ones.
template <class C>
host_tensor<C, 3> deficient(index_t batch, index_t m, index_t n, index_t rank, int seed) {
  return product(random_matrices<C>(batch, m, rank, seed), false,
                 random_matrices<C>(batch, rank, n, seed + 1), false);
}

template <class C>
inline constexpr double tolerance = sizeof(real_of<C>) == 4 ? 2e-6 : 5e-15;

}  // namespace la_test

#endif
