// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/io/array.hpp"

#include <doctest/doctest.h>

#include "io/mutate.hpp"

namespace io = cardiomm::io;
using cardiomm::complex;

TEST_CASE("types know their sizes and names") {
  CHECK(io::dtype_of<bool>() == io::dtype::boolean);
  CHECK(io::dtype_of<std::int8_t>() == io::dtype::i8);
  CHECK(io::dtype_of<std::int64_t>() == io::dtype::i64);
  CHECK(io::dtype_of<std::uint16_t>() == io::dtype::u16);
  CHECK(io::dtype_of<complex<float>>() == io::dtype::c64);
  CHECK(io::dtype_of<complex<double>>() == io::dtype::c128);
  CHECK(io::size_of(io::dtype::c128) == 16);
  CHECK(io::size_of(io::dtype::f16) == 2);
  CHECK(std::string(io::name_of(io::dtype::u64)) == "uint64");
}

TEST_CASE("half precision") {
  const auto value = [](std::uint16_t bits) { return static_cast<double>(io::half{bits}); };
  CHECK(value(0x3c00) == 1);
  CHECK(value(0xc000) == -2);
  CHECK(value(0x7bff) == 65504);
  CHECK(value(0x0001) == 5.9604644775390625e-8);
  CHECK(value(0x3555) == 0.333251953125);
  CHECK(value(0x7c00) == std::numeric_limits<double>::infinity());
  CHECK(std::isnan(value(0x7e00)));
}

TEST_CASE("conversion refuses what would lose its meaning") {
  const complex<float> z[2] = {{1, 2}, {3, 4}};
  const auto* bytes = reinterpret_cast<const std::byte*>(z);
  complex<double> wide[2];
  io::convert(io::dtype::c64, bytes, 2, wide);
  CHECK(wide[1] == complex<double>(3, 4));
  float real[2];
  CHECK_THROWS_WITH_AS(io::convert(io::dtype::c64, bytes, 2, real, "mask.npy"),
                       "mask.npy: expected real values, found complex ones", cardiomm::value_error);
  const double d[3] = {255, -1, 1e300};
  std::uint8_t small[3];
  CHECK_NOTHROW(io::convert(io::dtype::f64, reinterpret_cast<const std::byte*>(d), 1, small));
  CHECK(small[0] == 255);
  CHECK_THROWS_AS(io::convert(io::dtype::f64, reinterpret_cast<const std::byte*>(d + 1), 1, small),
                  cardiomm::value_error);
  CHECK_THROWS_AS(io::convert(io::dtype::f64, reinterpret_cast<const std::byte*>(d + 2), 1, small),
                  cardiomm::value_error);
}

TEST_CASE("permute moves every element to its place") {
  const io::extents shape{2, 3, 4};
  std::vector<int> in(24), out(24);
  for (int i = 0; i < 24; ++i) in[i] = i;
  io::permute(in.data(), shape, {2, 0, 1}, out.data());
  for (int x = 0; x < 4; ++x)
    for (int s = 0; s < 2; ++s)
      for (int y = 0; y < 3; ++y) CHECK(out[(x * 2 + s) * 3 + y] == (s * 3 + y) * 4 + x);
  io::permute(in.data(), shape, {0, 1, 2}, out.data());
  CHECK(in == out);
}

TEST_CASE("counting never overflows") {
  CHECK(io::count_of({2, 3}, 8, "a") == 6);
  CHECK(io::count_of({}, 8, "a") == 1);
  CHECK(io::count_of({5, 0}, 8, "a") == 0);
  CHECK_THROWS_AS(io::count_of({cardiomm::index_t(1) << 62, 2}, 1, "a"), cardiomm::io_error);
  CHECK_THROWS_AS(io::count_of({cardiomm::index_t(1) << 60}, 16, "a"), cardiomm::io_error);
  CHECK_THROWS_AS(io::count_of({cardiomm::index_t(1) << 40, cardiomm::index_t(1) << 40, 0}, 1, "a"),
                  cardiomm::io_error);
  CHECK_THROWS_AS(io::count_of({-1}, 1, "a"), cardiomm::io_error);
}

TEST_CASE("tensors become arrays") {
  using namespace cardiomm;
  const auto t = zeros<complex<float>>(host_space{}, shape{2, 3});
  t(1, 2) = complex<float>(1, -1);
  const auto a = io::array::from(t);
  CHECK(a.type == io::dtype::c64);
  CHECK(a.shape == io::extents{2, 3});
  CHECK(a.values<complex<double>>()[5] == complex<double>(1, -1));
}
