// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/la/svd.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "cardiomm/la/lapack.hpp"
#include "matrices.hpp"

using namespace cardiomm;
using namespace la_test;

namespace {

template <class C>
struct factors {
  host_tensor<C, 3> u, vh;
  host_tensor<real_of<C>, 2> s;
};

template <class A>
factors<element_of<A>> decompose(const A& a, la::backend with) {
  using C = element_of<A>;
  const host_space ex;
  const shape<3> n = shape_of(a);
  const index_t k = std::min(n[1], n[2]);
  factors<C> f{make_tensor<C>(ex, shape{n[0], n[1], k}), make_tensor<C>(ex, shape{n[0], k, n[2]}),
               make_tensor<real_of<C>>(ex, shape{n[0], k})};
  la::svd(ex, a, f.u, f.s, f.vh, with);
  return f;
}

template <class C>
host_tensor<C, 3> assemble(const factors<C>& f) {
  const auto us = clone(host_space{}, f.u);
  for (std::size_t b = 0; b < us.extent(0); ++b)
    for (std::size_t i = 0; i < us.extent(1); ++i)
      for (std::size_t k = 0; k < us.extent(2); ++k) us(b, i, k) *= f.s(b, k);
  return product(us, false, f.vh, false);
}

}  // namespace

TEST_CASE_TEMPLATE("svd reproduces its matrices", C, float, double, complex<float>,
                   complex<double>) {
  for (const auto with : {la::backend::automatic, la::backend::portable})
    for (const shape<2> n : {shape{1, 1}, shape{1, 5}, shape{5, 1}, shape{4, 4}, shape{12, 7},
                             shape{7, 12}, shape{40, 24}, shape{24, 40}})
      for (const index_t rank : {n[0] + n[1], index_t(1), std::min(n[0], n[1]) / 2 + 1}) {
        CAPTURE(n[0]);
        CAPTURE(n[1]);
        CAPTURE(rank);
        const auto a = deficient<C>(2, n[0], n[1], rank, 31);
        const auto f = decompose(a, with);
        const double scale = double(f.s(0, 0)) + double(f.s(1, 0));
        CHECK(difference(assemble(f), a) < tolerance<C> * scale * 2);
        CHECK(from_identity(product(f.u, true, f.u, false)) < tolerance<C> * 10);
        CHECK(from_identity(product(f.vh, false, f.vh, true)) < tolerance<C> * 10);
        for (std::size_t k = 1; k < f.s.extent(1); ++k) CHECK(f.s(0, k) <= f.s(0, k - 1));
        for (auto k = std::size_t(rank); k < f.s.extent(1); ++k)
          CHECK(double(f.s(1, k)) < tolerance<C> * scale * 2);
      }
}

TEST_CASE_TEMPLATE("both svd paths find the same singular values", C, float, double, complex<float>,
                   complex<double>) {
  const auto a = random_matrices<C>(3, 20, 13, 41);
  const auto f = decompose(a, la::backend::automatic), g = decompose(a, la::backend::portable);
  CHECK(difference(f.s, g.s) < tolerance<C> * 20);
}

TEST_CASE("svd in closed form") {
  // [[3, 0], [4, 5]] has the singular values 3 sqrt(5) and sqrt(5).
  auto a = zeros<double>(host_space{}, shape{1, 2, 2});
  a(0, 0, 0) = 3;
  a(0, 1, 0) = 4;
  a(0, 1, 1) = 5;
  for (const auto with : {la::backend::automatic, la::backend::portable}) {
    const auto f = decompose(a, with);
    CHECK(f.s(0, 0) == doctest::Approx(3 * std::sqrt(5.0)).epsilon(1e-14));
    CHECK(f.s(0, 1) == doctest::Approx(std::sqrt(5.0)).epsilon(1e-14));
  }
}

TEST_CASE("svd of zero and extreme matrices") {
  for (const auto with : {la::backend::automatic, la::backend::portable})
    for (const float scale : {0.f, 1e-30f, 1e30f}) {
      const auto a = random_matrices<complex<float>>(1, 6, 4, 51);
      for (std::size_t i = 0; i < a.size(); ++i) a.data()[i] *= scale;
      const auto f = decompose(a, with);
      CHECK(from_identity(product(f.u, true, f.u, false)) < 1e-5);
      CHECK(difference(assemble(f), a) <= 1e-5 * scale);
    }
}

TEST_CASE("svd refuses what it cannot handle") {
  for (const auto with : {la::backend::automatic, la::backend::portable}) {
    auto a = random_matrices<float>(2, 3, 2, 1);
    a(0, 1, 1) = std::numeric_limits<float>::quiet_NaN();
    CHECK_THROWS_WITH_AS(decompose(a, with),
                         "svd: matrix 0 of 2: expected finite numbers, found NaN or Inf",
                         value_error);
  }
  const host_space ex;
  const auto a = zeros<float>(ex, shape{1, 3, 2});
  CHECK_THROWS_AS(la::svd(ex, a, zeros<float>(ex, shape{1, 3, 3}), zeros<float>(ex, shape{1, 2}),
                          zeros<float>(ex, shape{1, 2, 2})),
                  shape_error);
}
