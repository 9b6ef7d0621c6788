// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/core/tensor.hpp"

#include <doctest/doctest.h>

#include <complex>

#include "cardiomm/core/complex.hpp"
#include "cardiomm/core/error.hpp"
#include "cardiomm/core/shape.hpp"

using namespace cardiomm;

TEST_CASE("shapes print, compare and know when they are settled") {
  CHECK(to_string(shape<3>{{25, open, 256}}) == "(25, *, 256)");
  CHECK(to_string(shape<1>{{7}}) == "(7,)");
  CHECK(shape{2, 3, 4}.size() == 24);
  CHECK_FALSE(shape<2>{{open, 4}}.resolved());
  CHECK(shape<2>::all_open() == shape<2>{{open, open}});
  CHECK_FALSE(shape{1, 2} == shape{2, 1});
}

TEST_CASE("errors carry the sentence and the place of the check") {
  const unsigned line = __LINE__ + 2;
  try {
    require<shape_error>(1 == 2, "cg: expected b of shape ", shape{3, 4}, ", found ", 5);
    FAIL("require did not throw");
  } catch (const error& e) {
    CHECK(std::string(e.what()) == "cg: expected b of shape (3, 4), found 5");
    CHECK(e.where().line() == line);
  }
  CHECK_NOTHROW(require(true, "never shown"));
  CHECK_THROWS_AS(require(false, "x"), value_error);
}

TEST_CASE("tensors are row-major with x contiguous on every back-end") {
  const default_space ex;
  const auto t = zeros<complex<float>>(ex, shape{2, 3, 5});
  CHECK(t.stride(2) == 1);
  CHECK(t.stride(1) == 5);
  CHECK(t.stride(0) == 15);
  static_assert(rank_of<decltype(t)> == 3);
  static_assert(std::is_same_v<element_of<decltype(t)>, complex<float>>);
  const auto host = to_host(t);
  for (index_t i = 0; i < 30; ++i) CHECK(host.data()[i] == complex<float>(0));
}

TEST_CASE("slices and reshapes borrow the same memory") {
  const host_space ex;
  const auto t = make_tensor<double>(ex, shape{4, 3, 2});
  for (int i = 0; i < 24; ++i) t.data()[i] = i;
  const auto s = slice(t, 2);
  CHECK(shape_of(s) == shape{3, 2});
  CHECK(s(1, 1) == 15);
  s(1, 1) = -1;
  CHECK(t(2, 1, 1) == -1);
  CHECK(reshape(t, shape{6, 4})(3, 3) == -1);
  CHECK(flatten(t).extent(0) == 24);
  CHECK_THROWS_AS(reshape(t, shape{5, 5}), shape_error);
}

TEST_CASE("copies and clones") {
  const default_space ex;
  const auto host = make_tensor<float>(host_space(), shape{3, 4});
  for (int i = 0; i < 12; ++i) host.data()[i] = float(i);
  const auto there = to_space(ex, host);
  const auto twin = clone(ex, there);
  CHECK(twin.data() != there.data());
  const auto back = to_host(twin);
  for (int i = 0; i < 12; ++i) CHECK(back.data()[i] == float(i));
  CHECK_THROWS_AS(copy(host, make_tensor<float>(host_space(), shape{4, 3})), shape_error);
  CHECK(to_host(host).data() == host.data());  // nothing to move, nothing copied
  CHECK_THROWS_AS(make_tensor<float>(ex, shape<2>{{-3, 2}}), shape_error);
}

TEST_CASE("complex products follow the definition") {
  const std::complex<double> a(1.5, -2), b(0.25, 3);
  const complex<double> x(1.5, -2), y(0.25, 3);
  const auto same = [](complex<double> u, std::complex<double> v) {
    return u.real() == v.real() && u.imag() == v.imag();
  };
  CHECK(same(mul(x, y), a * b));
  CHECK(same(conj_mul(x, y), std::conj(a) * b));
  CHECK(abs2(x) == std::norm(a));
  static_assert(std::is_same_v<real_of<std::complex<float>>, float>);
  static_assert(is_complex<complex<double>> && !is_complex<float>);
}
