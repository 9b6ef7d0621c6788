// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/la/cholesky.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "matrices.hpp"

using namespace cardiomm;
using namespace la_test;

TEST_CASE_TEMPLATE("cholesky reproduces its matrices", C, float, double, complex<float>,
                   complex<double>) {
  const host_space ex;
  for (const auto with : {la::backend::automatic, la::backend::portable})
    for (const index_t n : {1, 2, 3, 8, 31}) {
      CAPTURE(n);
      const auto r = random_matrices<C>(3, n, n + 4, 11);
      const auto a = product(r, false, r, true);
      const auto l = clone(ex, a);
      la::cholesky(ex, l, with);
      CHECK(difference(product(l, false, l, true), a) < tolerance<C> * double(n + 4) * 4);
      for (index_t i = 0; i < n; ++i)
        for (index_t j = i + 1; j < n; ++j) CHECK(std::abs(wide(l(1, i, j))) == 0);
      // A x = b
      const auto x = random_matrices<C>(3, n, 2, 12);
      const auto b = product(a, false, x, false);
      la::cholesky_solve(ex, l, b);
      CHECK(difference(b, x) < tolerance<C> * 2000);
      // L y = b
      const auto c = product(l, false, x, false);
      la::lower_solve(ex, l, c);
      CHECK(difference(c, x) < tolerance<C> * 2000);
    }
}

TEST_CASE("cholesky of a known matrix") {
  const host_space ex;
  auto a = make_tensor<double>(ex, shape{1, 2, 2});
  a(0, 0, 0) = 4;
  a(0, 0, 1) = a(0, 1, 0) = 2;
  a(0, 1, 1) = 10;
  for (const auto with : {la::backend::automatic, la::backend::portable}) {
    const auto l = clone(ex, a);
    la::cholesky(ex, l, with);
    CHECK(l(0, 0, 0) == doctest::Approx(2));
    CHECK(l(0, 1, 0) == doctest::Approx(1));
    CHECK(l(0, 1, 1) == doctest::Approx(3));
    CHECK(l(0, 0, 1) == 0);
  }
}

TEST_CASE("cholesky says which matrix cannot be factored") {
  const host_space ex;
  for (const auto with : {la::backend::automatic, la::backend::portable}) {
    auto a = zeros<complex<float>>(ex, shape{3, 2, 2});
    for (int b = 0; b < 3; ++b) a(b, 0, 0) = a(b, 1, 1) = complex<float>(1);
    a(1, 1, 1) = complex<float>(-1);
    auto l = clone(ex, a);
    CHECK_THROWS_WITH_AS(la::cholesky(ex, l, with),
                         "cholesky: matrix 1 of 3: expected a positive definite matrix, found a "
                         "pivot that is not positive in row 1",
                         value_error);
    a(2, 0, 0) = complex<float>(std::numeric_limits<float>::quiet_NaN());
    a(1, 1, 1) = complex<float>(1);
    l = clone(ex, a);
    CHECK_THROWS_WITH_AS(la::cholesky(ex, l, with),
                         "cholesky: matrix 2 of 3: expected finite numbers, found NaN or Inf",
                         value_error);
  }
  const auto wrong = zeros<float>(ex, shape{1, 2, 3});
  CHECK_THROWS_AS(la::cholesky(ex, wrong), shape_error);
  const auto l = zeros<float>(ex, shape{1, 2, 2});
  CHECK_THROWS_AS(la::cholesky_solve(ex, l, zeros<float>(ex, shape{1, 3, 2})), shape_error);
}
