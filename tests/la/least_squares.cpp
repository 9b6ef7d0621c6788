// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/la/least_squares.hpp"

#include <doctest/doctest.h>

#include "matrices.hpp"

using namespace cardiomm;
using namespace la_test;

TEST_CASE_TEMPLATE("least_squares solves and leaves an orthogonal residual", C, float, double,
                   complex<float>, complex<double>) {
  const host_space ex;
  for (const auto with : {la::backend::automatic, la::backend::portable})
    for (const shape<2> n : {shape{1, 1}, shape{9, 4}, shape{4, 9}, shape{6, 6}}) {
      CAPTURE(n[0]);
      CAPTURE(n[1]);
      const auto a = random_matrices<C>(2, n[0], n[1], 61);
      const auto b = random_matrices<C>(2, n[0], 3, 62);
      const auto x = make_tensor<C>(ex, shape{2, n[1], 3});
      la::least_squares(ex, a, b, x, {.with = with});
      const auto r = product(a, false, x, false);
      for (std::size_t i = 0; i < r.size(); ++i) r.data()[i] -= b.data()[i];
      // A^H (A x - b) = 0
      CHECK(difference(product(a, true, r, false), zeros<C>(ex, shape{2, n[1], 3})) <
            tolerance<C> * 500);
    }
}

TEST_CASE_TEMPLATE("least_squares takes the shortest solution of a deficient system", C, float,
                   double, complex<float>, complex<double>) {
  const host_space ex;
  for (const auto with : {la::backend::automatic, la::backend::portable}) {
    const auto a = deficient<C>(1, 8, 6, 3, 71);
    // A solution in the row space of A is the shortest one.
    const auto x = product(a, true, random_matrices<C>(1, 8, 2, 72), false);
    const auto b = product(a, false, x, false);
    const auto found = make_tensor<C>(ex, shape_of(x));
    la::least_squares(ex, a, b, found, {.with = with});
    CHECK(difference(found, x) < tolerance<C> * 2000);
  }
}

TEST_CASE("least_squares with a Tikhonov term solves the normal equations") {
  const host_space ex;
  const double lambda = 0.7;
  const auto a = random_matrices<complex<double>>(1, 7, 4, 81);
  const auto b = random_matrices<complex<double>>(1, 7, 1, 82);
  const auto x = make_tensor<complex<double>>(ex, shape{1, 4, 1});
  la::least_squares(ex, a, b, x, {.lambda = lambda});
  const auto left = product(a, true, product(a, false, x, false), false);
  for (std::size_t i = 0; i < left.size(); ++i) left.data()[i] += lambda * x.data()[i];
  CHECK(difference(left, product(a, true, b, false)) < 1e-12);
  CHECK_THROWS_AS(la::least_squares(ex, a, b, x, {.lambda = -1}), value_error);
  CHECK_THROWS_AS(la::least_squares(ex, a, b, b), shape_error);
}
