// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/core/blas1.hpp"

#include <doctest/doctest.h>

#include <complex>
#include <vector>

#include "cardiomm/core/random.hpp"

using namespace cardiomm;

namespace {
template <class C>
std::vector<std::complex<long double>> values(const host_tensor<C, 1>& t) {
  std::vector<std::complex<long double>> v;
  for (std::size_t i = 0; i < t.size(); ++i)
    if constexpr (is_complex<C>)
      v.emplace_back(t(i).real(), t(i).imag());
    else
      v.emplace_back(t(i), 0);
  return v;
}
}  // namespace

TEST_CASE_TEMPLATE("dot, norm, axpby and scale against long double", C, float, double,
                   complex<float>, complex<double>) {
  const default_space ex;
  const double eps = std::is_same_v<real_of<C>, float> ? 1e-6 : 1e-14;
  for (const index_t n : {index_t(1), index_t(31), index_t(12345)}) {
    const auto x = make_tensor<C>(ex, shape{n}), y = make_tensor<C>(ex, shape{n});
    random::fill_normal(ex, x, 1);
    random::fill_normal(ex, y, 2);
    const auto a = values<C>(to_host(x)), b = values<C>(to_host(y));
    std::complex<long double> dot = 0;
    long double xx = 0;
    for (std::size_t i = 0; i < a.size(); ++i) dot += std::conj(a[i]) * b[i], xx += std::norm(a[i]);
    const auto found = blas1::dot(ex, x, y);
    CHECK(std::abs(found.real() - double(dot.real())) <= 1e-12 * double(n));
    CHECK(std::abs(found.imag() - double(dot.imag())) <= 1e-12 * double(n));
    CHECK(blas1::norm(ex, x) == doctest::Approx(double(std::sqrt(xx))).epsilon(1e-7));

    C s, t;
    if constexpr (is_complex<C>)
      s = C(real_of<C>(0.5), real_of<C>(-2)), t = C(real_of<C>(1.5), real_of<C>(0.25));
    else
      s = C(0.5), t = C(1.5);
    const std::complex<long double> ls = values<C>([&] {
      host_tensor<C, 1> h("s", 1);
      h(0) = s;
      return h;
    }())[0];
    const std::complex<long double> lt = values<C>([&] {
      host_tensor<C, 1> h("t", 1);
      h(0) = t;
      return h;
    }())[0];
    blas1::axpby(ex, s, x, t, y);
    blas1::scale(ex, s, x);
    const auto c = values<C>(to_host(y)), d = values<C>(to_host(x));
    double worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      worst = std::max(worst, double(std::abs(c[i] - (ls * a[i] + lt * b[i]))));
      worst = std::max(worst, double(std::abs(d[i] - ls * a[i])));
    }
    CHECK(worst < 20 * eps);
  }
  CHECK_THROWS_AS(blas1::dot(ex, zeros<C>(ex, shape{3}), zeros<C>(ex, shape{4})), shape_error);
}

TEST_CASE("sums are in double and do not depend on the order of magnitude of the rest") {
  const default_space ex;
  const index_t n = 1 << 22;  // a float sum of ones would stop growing at 2^24, of squares earlier
  const auto x = make_tensor<float>(ex, shape{n});
  Kokkos::deep_copy(x, 3.0f);
  CHECK(blas1::norm(ex, x) == doctest::Approx(3.0 * 2048).epsilon(1e-12));
}

TEST_CASE("batched sums keep the systems apart") {
  const default_space ex;
  const auto x = make_tensor<complex<float>>(ex, shape{5, 100});
  random::fill_normal(ex, x, 9);
  const auto out = zeros<double>(ex, shape{5});
  blas1::norm2(ex, 5, x, out.data());
  ex.fence();
  const auto host = to_host(out);
  for (index_t b = 0; b < 5; ++b)
    CHECK(std::sqrt(host(b)) == doctest::Approx(blas1::norm(ex, slice(x, b))).epsilon(1e-12));
}
