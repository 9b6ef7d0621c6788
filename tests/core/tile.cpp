// SPDX-License-Identifier: Apache-2.0
/// \file
/// Tiles: columns, tails, scratch and the permutations of packets.
#include "cardiomm/core/tile.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "support/counters.hpp"

using namespace cardiomm;

namespace {
using ex_t = host_space;

/// out(row, column) = sum of in(0 .. row, column), by way of scratch.
template <class T>
struct running_sum {
  static constexpr const char* name = "cardiomm::test::running_sum";
  const complex<T>* in;
  complex<T>* out;
  index_t rows, columns;
  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    using L = typename Tile::number;
    using column = typename Tile::column;
    const index_t first = tile.index() * Tile::width;
    const int valid =
        static_cast<int>(columns - first < Tile::width ? columns - first : Tile::width);
    T* re = tile.scratch();
    T* im = re + rows * Tile::width;
    tile.for_each(rows, [&](column c, index_t row) {
      L a, b;
      c.load(in + row * columns + first, valid, a, b);
      c.store(re + row * Tile::width, a);
      c.store(im + row * Tile::width, b);
    });
    tile.barrier();
    tile.for_each(index_t(1), rows, [&](column c, index_t zero, index_t row) {
      L a(T(0)), b(T(0));
      for (index_t r = zero; r <= row; ++r) {
        a = a + c.load(re + r * Tile::width);
        b = b + c.load(im + r * Tile::width);
      }
      c.store(out + row * columns + first, valid, a, b);
    });
    tile.barrier();
  }
};

template <class T>
void check_sums(index_t rows, index_t columns) {
  const ex_t ex;
  constexpr index_t W = launch::tile_width<T, ex_t>;
  std::vector<complex<T>> in(static_cast<std::size_t>(rows * columns)), out(in.size() + 8, T(-7));
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = complex<T>(T(i % 13), T(i % 7));
  const running_sum<T> f{in.data(), out.data(), rows, columns};
  const auto run = [&] { launch::tiles<T>(ex, (columns + W - 1) / W, 2 * rows * W, f); };
  run();
  CAPTURE(rows);
  CAPTURE(columns);
  bool equal = true;
  for (index_t c = 0; c < columns; ++c) {
    complex<T> sum = 0;
    for (index_t r = 0; r < rows; ++r) {
      sum += in[r * columns + c];
      equal = equal && out[r * columns + c] == sum;
    }
  }
  CHECK(equal);
  for (std::size_t i = in.size(); i < out.size(); ++i) CHECK(out[i] == complex<T>(-7));
  const auto counts = cardiomm_tests::count_events(run);
  CHECK_MESSAGE(counts.none(), counts);
}

template <class T>
void check_permutations() {
  using L = lane<T, ex_t>;
  using traits = lane_traits<L>;
  constexpr int W = traits::width;
  T numbers[2 * W], result[2 * W];
  for (int i = 0; i < 2 * W; ++i) numbers[i] = T(i);
  L a = traits::load(numbers), b = traits::load(numbers + W);
  launch::detail::deinterleave(a, b);
  traits::store(result, a);
  traits::store(result + W, b);
  for (int i = 0; i < W; ++i) {
    CHECK(result[i] == T(W > 1 ? 2 * i : i));
    CHECK(result[W + i] == T(W > 1 ? 2 * i + 1 : W + i));
  }
  launch::detail::interleave(a, b);
  traits::store(result, a);
  traits::store(result + W, b);
  for (int i = 0; i < 2 * W; ++i) CHECK(result[i] == T(i));
  L block[W];
  T one[W];
  for (int i = 0; i < W; ++i) {
    for (int j = 0; j < W; ++j) one[j] = T(100 * i + j);
    block[i] = traits::load(one);
  }
  launch::detail::transpose(block);
  for (int i = 0; i < W; ++i) {
    traits::store(one, block[i]);
    for (int j = 0; j < W; ++j) CHECK(one[j] == T(100 * j + i));
  }
}

/// Every tile fills its scratch with its number and looks again.
struct own_scratch {
  static constexpr const char* name = "cardiomm::test::own_scratch";
  int* wrong;
  index_t rows;
  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    using column = typename Tile::column;
    using L = typename Tile::number;
    const float mine = static_cast<float>(tile.index());
    tile.for_each(
        rows, [&](column c, index_t row) { c.store(tile.scratch() + row * Tile::width, L(mine)); });
    tile.barrier();
    int bad = 0;
    for (index_t i = 0; i < rows * Tile::width; ++i) bad += tile.scratch()[i] != mine;
    wrong[tile.index()] = bad;
    tile.barrier();
  }
};
}  // namespace

TEST_CASE("columns of every count, whole and partial packets") {
  for (index_t rows : {1, 5, 40})
    for (index_t columns : {1, 7, 8, 15, 16, 17, 100}) {
      check_sums<float>(rows, columns);
      check_sums<double>(rows, columns);
    }
}

TEST_CASE("packets are split, merged and transposed") {
  check_permutations<float>();
  check_permutations<double>();
}

TEST_CASE("tiles that run at the same time have scratch of their own") {
  const ex_t ex;
  std::vector<int> wrong(500, -1);
  launch::tiles<float>(ex, 500, 64 * launch::tile_width<float, ex_t>,
                       own_scratch{wrong.data(), 64});
  for (int w : wrong) CHECK(w == 0);
}

TEST_CASE("no tiles are no work") {
  const ex_t ex;
  launch::tiles<float>(ex, 0, 16, own_scratch{nullptr, 1});
  CHECK(launch::tile_width<float, ex_t> == lane_width<float, ex_t>);
}
