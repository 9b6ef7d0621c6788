// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/linop/expression.hpp"

#include <doctest/doctest.h>

#include "cardiomm/linop/chain.hpp"
#include "cardiomm/linop/check.hpp"
#include "cardiomm/linop/crop.hpp"
#include "cardiomm/linop/diagonal.hpp"
#include "cardiomm/linop/fourier.hpp"
#include "cardiomm/linop/sampling.hpp"
#include "cardiomm/linop/sensitivity.hpp"

using namespace cardiomm;
using namespace cardiomm::linop;
using Ex = default_space;
using C = complex<double>;

namespace {
template <class Op>
auto made(size_class s = size_class::multiple_of_four, std::uint64_t seed = 3) {
  return specimen<Op>::make(Ex(), s, seed);
}
template <class V>
double apart(const V& a, const V& b) {
  return check::detail::distance(Ex(), a, b);
}
template <class A>
auto noise_for(const A&, shape<A::domain_rank> d, std::uint64_t seed = 1) {
  return check::detail::noise<value_of<A>>(Ex(), d, seed, 1);
}
}  // namespace

TEST_CASE("products are flat whatever the brackets") {
  const auto m = made<line_mask<double, Ex>>();
  const auto s = made<sensitivity<double, Ex>>();
  const auto left = (m * fourier) * s;
  const auto right = m * (fourier * s);
  using expected = chain<line_mask<double, Ex>, fourier_op<double, 5, Ex>, sensitivity<double, Ex>>;
  static_assert(std::is_same_v<decltype(left), const expected>);
  static_assert(std::is_same_v<decltype(right), const expected>);
  const auto x = noise_for(left, specimen_image(size_class::multiple_of_four));
  CHECK(apart(left * x, right * x) == 0);
  CHECK(apart(left(x), left * x) == 0);
}

TEST_CASE("identity, zero and scalars are rewritten when the expression is built") {
  const auto s = made<sensitivity<double, Ex>>();
  using S = sensitivity<double, Ex>;
  static_assert(std::is_same_v<decltype(s * identity), S>);
  static_assert(std::is_same_v<decltype(identity * s), S>);
  static_assert(std::is_same_v<decltype(s + zero), S>);
  static_assert(std::is_same_v<decltype(zero + s), S>);
  static_assert(std::is_same_v<decltype(2.0 * s), scaled_op<S>>);
  static_assert(std::is_same_v<decltype(3 * (2.0 * s)), scaled_op<S>>);
  static_assert(std::is_same_v<decltype(2.0 * identity * s), scaled_op<S>>);
  static_assert(std::is_same_v<decltype(adjoint(adjoint(s))), S>);
  const auto m = made<line_mask<double, Ex>>();
  static_assert(std::is_same_v<decltype(adjoint(m)), line_mask<double, Ex>>);  // self-adjoint
  static_assert(std::is_same_v<decltype(m * (2.0 * s)),
                               scaled_op<chain<line_mask<double, Ex>, S>>>);  // scalars in front
  const auto x = noise_for(s, specimen_image(size_class::multiple_of_four));
  auto twice = s * x;
  blas1::scale(Ex(), C(6), twice);
  CHECK(apart((3 * (2.0 * s)) * x, twice) < 1e-15);
  CHECK((3 * (2.0 * s)).factor == C(6));
  auto minus = s * x;
  blas1::scale(Ex(), C(-1), minus);
  CHECK(apart((-s) * x, minus) < 1e-15);
  CHECK(blas1::norm(Ex(), (s - s) * x) == 0);
  zero_op<double, 5, 5, Ex> none;
  none.from = none.to = specimen_kspace(size_class::multiple_of_four);
  static_assert(std::is_same_v<decltype(none * s), zero_op<double, 4, 5, Ex>>);
  CHECK(blas1::norm(Ex(), evaluate(Ex(), none * s, x)) == 0);
}

TEST_CASE("open extents are settled by neighbours or by the data") {
  const auto m = make_tensor<float>(host_space(), shape{12});
  Kokkos::deep_copy(m, 1.0f);
  const line_mask lines(m);  // one mask for any number of frames
  static_assert(std::is_same_v<decltype(lines), const line_mask<float, host_space>>);
  CHECK(to_string(lines.domain()) == "(*, *, *, 12, *)");
  const auto s = zeros<complex<float>>(host_space(), shape{4, 12, 16});
  const auto a = lines * fourier * sensitivity(s);
  CHECK(to_string(a.domain()) == "(*, *, 12, 16)");
  CHECK(to_string(a.range()) == "(*, *, 4, 12, 16)");
  CHECK(to_string(a.range_for({{7, 2, 12, 16}})) == "(7, 2, 4, 12, 16)");
  CHECK(to_string((gram(a) + 0.5 * identity).domain()) == "(*, *, 12, 16)");
  const fourier_op<float, 4, Ex> bare;
  CHECK_THROWS_AS(bare.range_for({{open, 1, 2, 3}}), shape_error);
}

TEST_CASE("what does not fit is refused when the expression is built or applied") {
  const auto m = zeros<float>(host_space(), shape{3, 12});
  const auto s = zeros<complex<float>>(host_space(), shape{4, 13, 16});
  CHECK_THROWS_AS(line_mask(m) * fourier * sensitivity(s), shape_error);
  const auto fits = sensitivity(zeros<complex<float>>(host_space(), shape{4, 12, 16}));
  const auto a = line_mask(m) * fourier * fits;
  CHECK_THROWS_AS(a * zeros<complex<float>>(host_space(), shape{5, 1, 12, 16}), shape_error);
  try {
    (void)(a * zeros<complex<float>>(host_space(), shape{3, 1, 12, 15}));
    FAIL("a wrong readout was accepted");
  } catch (const shape_error& e) {
    const std::string text = e.what();
    CHECK(text.find("15") != std::string::npos);
    CHECK(text.find("16") != std::string::npos);
  }
  CHECK_THROWS_AS(sensitivity(zeros<complex<float>>(host_space(), shape<5>{{2, 1, 4, 12, 16}})),
                  shape_error);  // two sets need soft_sensitivity
  CHECK_THROWS_AS(sensitivity(zeros<complex<float>>(host_space(), shape<3>{{0, 12, 16}})),
                  shape_error);
}

TEST_CASE("masks keep lines and points, and take any numeric type") {
  const host_space ex;
  const auto bytes = zeros<std::uint8_t>(ex, shape{2, 4});
  bytes(0, 1) = 1;
  bytes(1, 3) = 255;
  auto k = make_tensor<complex<float>>(ex, shape{2, 1, 2, 4, 3});
  Kokkos::deep_copy(k, complex<float>(2, -1));
  const auto kept = line_mask(bytes) * k;
  for (index_t f = 0; f < 2; ++f)
    for (index_t c = 0; c < 2; ++c)
      for (index_t y = 0; y < 4; ++y)
        for (index_t x = 0; x < 3; ++x) {
          const bool in = (f == 0 && y == 1) || (f == 1 && y == 3);
          CHECK(kept(f, 0, c, y, x) == (in ? complex<float>(2, -1) : complex<float>(0)));
        }
  const auto points = zeros<double>(ex, shape{4, 3});
  points(2, 1) = -0.5;  // not zero: sampled
  const auto one = point_mask<float, host_space>(points) * k;
  CHECK(blas1::norm(ex, one) == doctest::Approx(std::sqrt(4 * 5.0)));
  CHECK(one(1, 0, 1, 2, 1) == complex<float>(2, -1));
}

TEST_CASE("crop keeps the centre n/2 and its adjoint pads") {
  const host_space ex;
  for (const index_t n : {5, 6, 7, 8})
    for (index_t m = 1; m <= n; ++m) {
      const crop<double, 2, host_space> cut({{open, n}}, {{open, m}});
      auto x = zeros<C>(ex, shape{index_t(3), n});
      x(1, n / 2) = C(1);
      const auto y = cut * x;
      CHECK(shape_of(y) == shape{index_t(3), m});
      CHECK(y(1, m / 2) == C(1));
      CHECK(blas1::norm(ex, y) == 1);
      const auto back = adjoint(cut);
      auto padded = zeros<C>(ex, shape{index_t(3), n});
      linop::apply(ex, back, y, padded);
      CHECK(apart(padded, x) == 0);
    }
  CHECK_THROWS_AS((crop<double, 2, host_space>({{4, 4}}, {{4, 5}})), shape_error);
  CHECK_THROWS_AS((crop<double, 2, host_space>({{open, 4}}, {{3, 4}})), shape_error);
}

TEST_CASE("the Fourier operator is the centred orthonormal transform") {
  // A point at the centre has a flat spectrum without phase; a shift by one is a linear phase.
  const host_space ex;
  for (const shape<4> s :
       {shape<4>{{1, 1, 6, 8}}, shape<4>{{1, 1, 5, 7}}, shape<4>{{1, 1, 4, 9}}}) {
    const fourier_op<double, 4, host_space> f;
    auto x = zeros<C>(ex, s);
    x(0, 0, s[2] / 2, s[3] / 2 + 1) = C(1);
    const auto k = f * x;
    const double scale = 1 / std::sqrt(double(s[2] * s[3]));
    double worst = 0;
    for (index_t y = 0; y < s[2]; ++y)
      for (index_t i = 0; i < s[3]; ++i) {
        const double angle = -2 * 3.14159265358979323846 * double(i - s[3] / 2) / double(s[3]);
        const C expected(scale * std::cos(angle), scale * std::sin(angle));
        const C d = k(0, 0, y, i) - expected;
        worst = std::max(worst, std::sqrt(abs2(d)));
      }
    CHECK(worst < 1e-15);
  }
}
