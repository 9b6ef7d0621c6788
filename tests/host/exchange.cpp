// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/host/exchange.hpp"

#include <doctest/doctest.h>

using namespace cardiomm;

namespace {
template <class X>
concept CanBorrow = requires(X&& x) {
  host::borrow(std::forward<X>(x));
};
using container = xt::xtensor<std::complex<float>, 2>;
static_assert(CanBorrow<container&>);
static_assert(!CanBorrow<container>);         // a temporary
static_assert(!CanBorrow<const container&>);  // the view could be written to
}  // namespace

TEST_CASE_TEMPLATE("expressions become tensors and come back", T, float, double) {
  xt::xtensor<std::complex<T>, 3> a({2, 3, 5});
  for (std::size_t i = 0; i < a.size(); ++i) a.data()[i] = {T(i), -T(i)};
  const auto t = host::to_tensor(default_space{}, a + a);
  static_assert(rank_of<decltype(t)> == 3);
  static_assert(std::is_same_v<element_of<decltype(t)>, complex<T>>);
  const auto on_host = to_host(t);
  CHECK(on_host(1, 2, 3) == complex<T>(2 * 28, -2 * 28));
  const auto back = host::to_xtensor(t);
  CHECK(back.shape() == a.shape());
  CHECK(back(1, 2, 3) == std::complex<T>(56, -56));
  CHECK(back == a + a);
}

TEST_CASE("columns-first containers are read row by row, ranks of xarray at run time") {
  xt::xtensor<float, 2, xt::layout_type::column_major> a({2, 3});
  for (std::size_t y = 0; y < 2; ++y)
    for (std::size_t x = 0; x < 3; ++x) a(y, x) = float(10 * y + x);
  CHECK(to_host(host::to_tensor(default_space{}, a))(1, 2) == 12);
  CHECK(to_host(host::to_tensor(default_space{}, a)).data()[2] == 2);
  const xt::xarray<double> dynamic = {{1, 2}, {3, 4}};
  CHECK(host::to_tensor<2>(host_space{}, dynamic)(1, 0) == 3);
  CHECK_THROWS_AS(host::to_tensor<3>(host_space{}, dynamic), shape_error);
}

TEST_CASE("borrow shares the memory") {
  container a({4, 6});
  a.fill(std::complex<float>(1, 2));
  const auto v = host::borrow(a);
  CHECK(reinterpret_cast<const void*>(v.data()) == reinterpret_cast<const void*>(a.data()));
  CHECK(v.extent(0) == 4);
  v(3, 5) = complex<float>(7, 8);
  CHECK(a(3, 5) == std::complex<float>(7, 8));
  xt::xtensor<double, 3> one({1, 5, 1});
  CHECK(host::borrow(one).extent(1) == 5);
  xt::xarray<float> dynamic = {{1, 2, 3}};
  CHECK(host::borrow<2>(dynamic)(0, 2) == 3);
  CHECK_THROWS_WITH_AS(host::borrow<3>(dynamic), doctest::Contains("expected 3 axes, found 2"),
                       shape_error);
}

TEST_CASE("borrow says why it cannot") {
  xt::xtensor<float, 2, xt::layout_type::column_major> columns({4, 6});
  CHECK_THROWS_WITH_AS(host::borrow(columns), doctest::Contains("row-major contiguous"),
                       shape_error);
  std::vector<float> numbers(10);
  // complex numbers that start one float late: 4 bytes off an 8-byte boundary
  auto* start = numbers.data();
  if (reinterpret_cast<std::uintptr_t>(start) % 8 == 0) ++start;
  auto* shifted = reinterpret_cast<std::complex<float>*>(start);
  const std::array<std::size_t, 1> extent = {3};
  auto adapted = xt::adapt(shifted, 3, xt::no_ownership(), extent);
  if (alignof(complex<float>) == 8)
    CHECK_THROWS_WITH_AS(host::borrow(adapted), doctest::Contains("aligned to 8 bytes"),
                         value_error);
  else
    CHECK(host::borrow(adapted).extent(0) == 3);  // this Kokkos asks for 4 bytes only
}
