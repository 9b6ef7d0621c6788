// SPDX-License-Identifier: Apache-2.0
/// \file
/// Free functions: conventions that NumPy users know.
#include "cardiomm/fft/transform.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace cardiomm;

namespace {
using ex_t = host_space;

template <int R>
host_tensor<complex<double>, R> numbered(const shape<R>& s) {
  auto x = make_tensor<complex<double>>(ex_t(), s);
  for (std::size_t i = 0; i < x.size(); ++i)
    x.data()[i] = complex<double>(std::sin(1.0 + 3.0 * double(i)), std::cos(2.0 * double(i)));
  return x;
}
template <class A, class B>
double distance(const A& a, const B& b) {
  double d = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    d = std::max(d, std::sqrt(abs2(a.data()[i] - b.data()[i])));
  return d;
}
}  // namespace

TEST_CASE("a constant image is one number in the centre of k-space") {
  for (auto s : {shape<2>{{6, 8}}, shape<2>{{5, 7}}, shape<2>{{2, 9}}}) {
    auto x = make_tensor<complex<float>>(ex_t(), s);
    for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = 1;
    auto k = fft::fft(ex_t(), x);
    for (index_t y = 0; y < s[0]; ++y)
      for (index_t j = 0; j < s[1]; ++j) {
        const double expected = y == s[0] / 2 && j == s[1] / 2 ? std::sqrt(double(s.size())) : 0.0;
        CHECK(k(y, j).real() == doctest::Approx(expected).epsilon(1e-6));
        CHECK(std::abs(k(y, j).imag()) < 1e-6);
      }
  }
}

TEST_CASE("the centred transform is fftshift(fft(ifftshift(x)))") {
  const ex_t ex;
  for (auto s : {shape<3>{{3, 6, 8}}, shape<3>{{2, 5, 7}}, shape<3>{{2, 10, 13}}}) {
    const auto x = numbered(s);
    const auto shifted =
        fft::fft(ex, fft::ifftshift(ex, x), {}, fft::norm::orthonormal, fft::centering::none);
    CHECK(distance(fft::fft(ex, x), fft::fftshift(ex, shifted)) < 1e-14);
    CHECK(distance(fft::ifft(ex, fft::fft(ex, x)), x) < 1e-14);
  }
}

TEST_CASE("axes: any, in any order, negative, and all at once") {
  const ex_t ex;
  const auto x = numbered(shape<4>{{3, 4, 5, 6}});
  const auto both = fft::fft(ex, x, {1, 3});
  CHECK(distance(both, fft::fft(ex, fft::fft(ex, x, {3}), {1})) < 1e-14);
  CHECK(distance(both, fft::fft(ex, x, {-1, -3})) < 1e-14);
  CHECK(distance(fft::fft(ex, x, {1, 2}), fft::fft(ex, fft::fft(ex, x, {1}), {2})) < 1e-14);
  auto in_place = clone(ex, x);
  fft::fft(ex, in_place, in_place, {0, 1, 2, 3});
  CHECK(distance(in_place, fft::fft(ex, fft::fft(ex, x, {0, 1}), {2, 3})) < 1e-14);
  CHECK_THROWS_AS(fft::fft(ex, x, {4}), shape_error);
  CHECK_THROWS_AS(fft::fft(ex, x, {1, -3}), shape_error);
  CHECK_THROWS_AS(fft::fft(ex, x, numbered(shape<4>{{3, 4, 5, 7}})), shape_error);
}

TEST_CASE("vectors have one axis") {
  const ex_t ex;
  const auto x = numbered(shape<1>{{11}});
  CHECK(distance(fft::ifft(ex, fft::fft(ex, x)), x) < 1e-14);
}

TEST_CASE("roll and shifts move what they say") {
  const ex_t ex;
  auto x = make_tensor<float>(ex, shape<2>{{2, 5}});
  for (int i = 0; i < 10; ++i) x.data()[i] = float(i);
  const auto r = fft::roll(ex, x, 1, 1);
  CHECK(r(0, 0) == 4);
  CHECK(r(0, 1) == 0);
  CHECK(r(1, 4) == 8);
  const auto l = fft::roll(ex, x, -7, -1);
  CHECK(l(0, 0) == 2);
  const auto down = fft::roll(ex, x, 3, 0);
  CHECK(down(0, 0) == 5);
  const auto s = fft::fftshift(ex, x);  // NumPy: index 0 goes to n // 2
  CHECK(s(1, 2) == 0);
  const auto back = fft::ifftshift(ex, s);
  for (int i = 0; i < 10; ++i) CHECK(back.data()[i] == x.data()[i]);
}

TEST_CASE("an empty batch is no work") {
  const ex_t ex;
  const auto x = make_tensor<complex<float>>(ex, shape<3>{{0, 4, 4}});
  CHECK(fft::fft(ex, x).size() == 0);
}
