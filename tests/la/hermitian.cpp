// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/la/hermitian.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "matrices.hpp"

using namespace cardiomm;
using namespace la_test;

namespace {

/// sum_k w_k v_k v_k^H, with v_k in row k.
template <class V, class W>
V assemble(const V& v, const W& w) {
  using C = element_of<V>;
  const auto n = index_t(v.extent(1));
  V a = make_tensor<C>(host_space{}, shape_of(v));
  for (index_t b = 0; b < index_t(v.extent(0)); ++b)
    for (index_t i = 0; i < n; ++i)
      for (index_t j = 0; j < n; ++j) {
        std::complex<double> sum = 0;
        for (index_t k = 0; k < n; ++k)
          sum += double(w(b, k)) * wide(v(b, k, i)) * std::conj(wide(v(b, k, j)));
        a(b, i, j) = la::detail::make_scalar<C>(sum.real(), sum.imag());
      }
  return a;
}

}  // namespace

TEST_CASE_TEMPLATE("hermitian_eigen reproduces its matrices", C, float, double, complex<float>,
                   complex<double>) {
  const host_space ex;
  using T = real_of<C>;
  for (const auto with : {la::backend::automatic, la::backend::portable})
    for (const index_t n : {1, 2, 3, 10, 16, 17, 33, 64})
      for (const bool full : {true, false}) {
        CAPTURE(n);
        CAPTURE(full);
        const index_t rank = full ? n + 3 : (n + 1) / 2;
        const auto r = random_matrices<C>(2, n, rank, 5);
        const auto a = product(r, false, r, true);
        const auto v = clone(ex, a);
        const auto w = make_tensor<T>(ex, shape{2, n});
        la::hermitian_eigen(ex, v, w, with);
        const double scale = double(w(0, n - 1)) + double(w(1, n - 1));
        CHECK(difference(assemble(v, w), a) < tolerance<C> * scale * 2);
        CHECK(from_identity(product(v, false, v, true)) < tolerance<C> * 20);
        for (index_t k = 1; k < n; ++k) CHECK(w(0, k) >= w(0, k - 1));
        if (!full)
          for (index_t k = 0; k < n - rank; ++k)
            CHECK(std::abs(double(w(1, k))) < tolerance<C> * scale * 2);
      }
}

TEST_CASE_TEMPLATE("both hermitian_eigen paths agree", C, float, double, complex<float>,
                   complex<double>) {
  const host_space ex;
  using T = real_of<C>;
  const index_t n = 48;
  const auto r = random_matrices<C>(2, n, n, 21);
  auto a = product(r, false, r, true);
  for (index_t i = 0; i < n; ++i) a(0, i, i) -= C(T(60));  // indefinite
  const auto v = clone(ex, a), u = clone(ex, a);
  const auto w = make_tensor<T>(ex, shape{2, n}), z = make_tensor<T>(ex, shape{2, n});
  la::hermitian_eigen(ex, v, w);
  la::hermitian_eigen(ex, u, z, la::backend::portable);
  CHECK(difference(w, z) < tolerance<C> * 400);
}

TEST_CASE_TEMPLATE("hermitian_eigen in closed form", C, float, double, complex<float>,
                   complex<double>) {
  // The second difference matrix has the eigenvalues 2 - 2 cos(pi k / (n + 1)).
  const host_space ex;
  using T = real_of<C>;
  const index_t n = 37;
  for (const auto with : {la::backend::automatic, la::backend::portable}) {
    const auto a = zeros<C>(ex, shape{1, n, n});
    for (index_t i = 0; i < n; ++i) {
      a(0, i, i) = C(T(2));
      if (i + 1 < n) a(0, i, i + 1) = a(0, i + 1, i) = C(T(-1));
    }
    const auto w = make_tensor<T>(ex, shape{1, n});
    la::hermitian_eigen(ex, a, w, with);
    for (index_t k = 0; k < n; ++k)
      CHECK(std::abs(double(w(0, k)) - (2 - 2 * std::cos(M_PI * double(k + 1) / double(n + 1)))) <
            tolerance<C> * 4);
  }
}

TEST_CASE("hermitian_eigen of easy and extreme matrices") {
  const host_space ex;
  for (const auto with : {la::backend::automatic, la::backend::portable})
    for (const float scale : {0.f, 1.f, 1e-30f, 1e30f}) {
      auto a = zeros<complex<float>>(ex, shape{1, 5, 5});
      for (int i = 0; i < 5; ++i) a(0, i, i) = complex<float>(scale);  // one eigenvalue five times
      a(0, 0, 1) = complex<float>(0, scale / 2);
      a(0, 1, 0) = complex<float>(0, -scale / 2);
      const auto w = make_tensor<float>(ex, shape{1, 5});
      la::hermitian_eigen(ex, a, w, with);
      CHECK(w(0, 0) == doctest::Approx(scale / 2).epsilon(1e-6));
      CHECK(w(0, 2) == doctest::Approx(scale).epsilon(1e-6));
      CHECK(w(0, 4) == doctest::Approx(scale * 1.5f).epsilon(1e-6));
      CHECK(from_identity(product(a, false, a, true)) < 1e-6);
    }
}

TEST_CASE("hermitian_leading leaves out the small eigenvalues") {
  const host_space ex;
  const index_t n = 40, rank = 7;
  const auto r = random_matrices<complex<float>>(3, n, rank, 9);
  const auto a = product(r, false, r, true);
  const auto v = clone(ex, a);
  const auto w = make_tensor<float>(ex, shape{3, n});
  const auto found = make_tensor<index_t>(ex, shape{3});
  la::hermitian_leading(ex, v, w, found, 1e-4);
  for (int b = 0; b < 3; ++b) CHECK(found(b) == rank);
  CHECK(difference(assemble(v, w), a) < 2e-6 * double(w(0, n - 1)) * 2);
  for (index_t k = 0; k < n - rank; ++k)
    for (index_t j = 0; j < n; ++j) CHECK(std::abs(wide(v(2, k, j))) == 0);
  CHECK_THROWS_AS(la::hermitian_leading(ex, v, w, found, 1.0), value_error);
}

TEST_CASE("hermitian_eigen refuses what it cannot handle") {
  const host_space ex;
  for (const auto with : {la::backend::automatic, la::backend::portable}) {
    auto a = zeros<complex<double>>(ex, shape{2, 3, 3});
    a(1, 2, 0) = complex<double>(0, std::numeric_limits<double>::infinity());
    const auto w = make_tensor<double>(ex, shape{2, 3});
    CHECK_THROWS_WITH_AS(
        la::hermitian_eigen(ex, a, w, with),
        "hermitian_eigen: matrix 1 of 2: expected finite numbers, found NaN or Inf", value_error);
  }
  CHECK_THROWS_AS(
      la::hermitian_eigen(ex, zeros<float>(ex, shape{1, 2, 2}), zeros<float>(ex, shape{1, 3})),
      shape_error);
  la::hermitian_eigen(ex, zeros<float>(ex, shape{0, 2, 2}), zeros<float>(ex, shape{0, 2}));
}
