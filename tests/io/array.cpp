// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/io/array.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "io/mutate.hpp"

namespace io = cardiomm::io;
using cardiomm::complex;
using cardiomm::index_t;

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

TEST_CASE("parts of a stored array, in any order, both byte orders and both layouts") {
  const cardiomm_tests::scratch folder;
  const io::extents shape{3, 4, 1, 5, 6};
  std::vector<float> values(3 * 4 * 5 * 6);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = float(i);
  std::mt19937 random(3);
  const auto below = [&](index_t n) { return index_t(random() % std::uint64_t(n)); };
  for (const bool swapped : {false, true})
    for (const bool column_major : {false, true}) {
      std::vector<float> stored = values;  // as it lies in the file
      if (column_major) io::permute(values.data(), shape, {4, 3, 2, 1, 0}, stored.data());
      std::string bytes(reinterpret_cast<const char*>(stored.data()), stored.size() * 4);
      for (std::size_t i = 0; swapped && i < bytes.size(); i += 4)
        std::reverse(bytes.begin() + std::ptrdiff_t(i), bytes.begin() + std::ptrdiff_t(i) + 4);
      cardiomm_tests::spit(folder / "a", "abc" + bytes);
      io::stored_array::place where;
      where.shape = shape;
      where.offset = 3;
      where.swapped = swapped;
      where.column_major = column_major;
      const io::stored_array array(std::make_shared<const io::input_file>(folder / "a"), where);
      CHECK(array.pitch(1) == (column_major ? 3 * 4 : 1 * 5 * 6 * 4));
      for (int trial = 0; trial < 40; ++trial) {
        std::vector<io::stored_array::range> part(5);
        std::vector<std::size_t> order{0, 1, 2, 3, 4};
        std::shuffle(order.begin(), order.end(), random);
        index_t n = 1;
        for (const std::size_t d : order) {
          const index_t first = below(shape[d]), count = 1 + below(shape[d] - first);
          part[d] = {first, count, n};
          n *= count;
        }
        std::vector<double> out(std::size_t(n), -1);
        array.read(part, out.data());
        std::vector<index_t> at(5, 0);
        bool same = true;
        for (index_t i = 0; i < n; ++i) {
          index_t from = 0, to = 0;
          for (std::size_t d = 0; d < 5; ++d) {
            from = from * shape[d] + part[d].first + at[d];
            to += at[d] * part[d].step;
          }
          same = same && out[std::size_t(to)] == double(values[std::size_t(from)]);
          for (std::size_t d = 5; d-- > 0 && ++at[d] == part[d].count;) at[d] = 0;
        }
        CHECK(same);
      }
      std::vector<io::stored_array::range> outside(5, {0, 1, 1});
      outside[3] = {4, 2, 1};
      double none = 0;
      CHECK_THROWS_AS(array.read(outside, &none), cardiomm::shape_error);
      outside[3] = {5, 0, 1};  // an empty part is one
      CHECK_NOTHROW(array.read(outside, &none));
    }
}

TEST_CASE("a part that is larger than the window it is read through") {
  const cardiomm_tests::scratch folder;
  const index_t ny = 700, nx = 900;
  std::vector<float> values(std::size_t(ny * nx));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = float(i);
  cardiomm_tests::spit(folder / "a", std::string(reinterpret_cast<const char*>(values.data()),
                                                 values.size() * sizeof(float)));
  io::stored_array::place where;
  where.shape = {ny, nx};
  const io::stored_array array(std::make_shared<const io::input_file>(folder / "a"), where);
  std::vector<double> turned(std::size_t(ny * 800));
  array.read({{0, ny, 1}, {50, 800, ny}}, turned.data());  // (x, y) of a part of x
  std::vector<float> whole(values.size()), last(static_cast<std::size_t>(nx));
  array.read(whole.data());
  CHECK(whole == values);
  array.read({{ny - 1, 1, nx}, {0, nx, 1}}, last.data());
  bool same = true;
  for (index_t y = 0; y < ny; ++y)
    for (index_t x = 0; x < 800; ++x)
      same = same && turned[std::size_t(x * ny + y)] == double(y * nx + 50 + x);
  CHECK(same);
  CHECK(last.front() == float((ny - 1) * nx));
}
