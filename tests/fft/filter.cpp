// SPDX-License-Identifier: Apache-2.0
/// \file
/// The filter planned for its weights against the definition: adjoint transform of the weighed
/// transform.
#include "cardiomm/fft/filter.hpp"

#include <doctest/doctest.h>

#include <complex>
#include <random>
#include <vector>

using namespace cardiomm;

namespace {

using ex_t = host_space;
using wide = std::complex<double>;

/// Column w of tile t holds (w + 1) times the line; tile t takes pattern t.
template <class T>
struct filter_kernel {
  static constexpr const char* name = "cardiomm::test::filter";
  fft::filter_tables<T> f;
  const complex<T>* x;
  complex<T>* y;
  bool slots;  ///< whether x and y are in the order of slots
  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    using L = typename Tile::number;
    using column = typename Tile::column;
    const fft::tile_rows<Tile> scratch{tile.scratch()};
    const index_t offset = tile.index() * f.s.length * Tile::width;
    const complex<T>* from = x + offset;
    complex<T>* to = y + offset;
    fft::filter(
        tile, f, tile.index(), scratch,
        [&](column c, index_t row, index_t slot, L& re, L& im) {
          c.load(from + (slots ? slot : row) * Tile::width, Tile::width, re, im);
        },
        [&](column c, index_t row, index_t slot, const L& re, const L& im) {
          c.store(to + (slots ? slot : row) * Tile::width, Tile::width, re, im);
        });
    tile.barrier();
  }
};

/// Patterns of weights: none, one line at 0, one elsewhere, a pair, all, undersampled with a
/// centre, random, a single remainder.
template <class T>
host_tensor<T, 2> patterns(index_t n, unsigned seed) {
  std::mt19937 g(seed);
  std::uniform_real_distribution<double> d(0, 1);
  auto w = zeros<T>(host_space(), shape{index_t(8), n});
  w(1, 0) = T(2);
  w(2, n / 3) = T(1);
  w(3, 1 % n) = T(1);
  w(3, (n - 1) % n) = T(3);
  for (index_t k = 0; k < n; ++k) {
    w(4, k) = T(1);
    w(5, k) = (k + 3) % 8 == 0 || k < n / 20 || k > n - n / 20 ? T(1) : T(0);
    w(6, k) = d(g) < 0.2 ? static_cast<T>(d(g)) : T(0);
    w(7, k) = k % 4 == 1 ? T(1) : T(0);
  }
  return w;
}

template <class T>
double worst_error(index_t n, const std::vector<int>& radices) {
  const ex_t ex;
  constexpr index_t W = launch::tile_width<T, ex_t>;
  const auto weights = patterns<T>(n, static_cast<unsigned>(n));
  const index_t tiles = static_cast<index_t>(weights.extent(0));
  const fft::line_filter<T, ex_t> filter(
      ex, weights, radices.empty() ? fft::detail::filter_radices<T>(weights) : radices);
  const fft::filter_tables<T>& f = filter.tables();
  std::mt19937 g(static_cast<unsigned>(n));
  std::normal_distribution<double> d;
  std::vector<wide> x, root;
  for (index_t i = 0; i < n; ++i) {
    x.emplace_back(static_cast<T>(d(g)), static_cast<T>(d(g)));
    root.push_back(std::polar(1.0, 6.283185307179586476925286766559 * double(i) / double(n)));
  }
  double worst = 0;
  for (bool slots : {false, true}) {
    if (slots)
      for (index_t i = 0; i < n; ++i) REQUIRE(f.row(f.slot(i)) == i);
    const auto place = [&](index_t row) { return slots ? f.slot(row) : row; };
    std::vector<complex<T>> in(static_cast<std::size_t>(tiles * n * W)), out(in.size());
    for (index_t t = 0; t < tiles; ++t)
      for (index_t i = 0; i < n; ++i)
        for (index_t w = 0; w < W; ++w)
          in[(t * n + place(i)) * W + w] = complex<T>(static_cast<T>(x[i].real()) * T(w + 1),
                                                      static_cast<T>(x[i].imag()) * T(w + 1));
    launch::tiles<T>(ex, tiles, filter.scratch_numbers(),
                     filter_kernel<T>{f, in.data(), out.data(), slots});
    for (index_t t = 0; t < tiles; ++t) {
      std::vector<wide> y(static_cast<std::size_t>(n));
      double size = 0, error = 0;
      for (index_t k = 0; k < n; ++k) {
        if (weights(t, k) == T(0)) continue;
        wide sum = 0;
        for (index_t j = 0; j < n; ++j) sum += x[j] * std::conj(root[j * k % n]);
        sum *= double(weights(t, k));
        for (index_t j = 0; j < n; ++j) y[j] += sum * root[j * k % n];
      }
      for (index_t i = 0; i < n; ++i) {
        size = std::max(size, std::abs(y[i]));
        for (index_t w = 0; w < W; ++w) {
          const auto v = out[(t * n + place(i)) * W + w];
          error = std::max(error, std::abs(wide(v.real(), v.imag()) / double(w + 1) - y[i]));
        }
      }
      if (size == 0)
        CHECK(error == 0);
      else
        worst = std::max(worst, error / size);
    }
  }
  return worst;
}

}  // namespace

TEST_CASE("filters of every length equal the definition") {
  std::vector<index_t> lengths;
  for (index_t n = 1; n <= 90; ++n) lengths.push_back(n);
  for (index_t n : {94, 97, 121, 128, 162, 168, 204, 208, 246, 256, 289, 301, 344, 448, 512})
    lengths.push_back(n);
  for (index_t n : lengths) {
    CAPTURE(n);
    CHECK(worst_error<double>(n, {}) < 2e-14);
    CHECK(worst_error<float>(n, {}) < 3e-6);
  }
}

TEST_CASE("filters of any radices equal the definition") {
  using list = std::vector<int>;
  for (const list& radices :
       {list{16},        list{41},         list{2, 3},    list{6, 5},    list{12, 7},
        list{3, 37},     list{8, 4, 8},    list{4, 8, 8}, list{16, 16},  list{16, 2, 8},
        list{6, 41},     list{3, 2, 41},   list{12, 17},  list{9, 9, 2}, list{6, 9, 3},
        list{7, 9},      list{9, 7, 5},    list{13, 13},  list{43, 2},   list{2, 8, 16},
        list{5, 11, 13}, list{12, 15, 16}, list{6, 7, 2}}) {
    index_t n = 1;
    for (int r : radices) n *= r;
    CAPTURE(n);
    CAPTURE(radices.front());
    CHECK(worst_error<double>(n, radices) < 2e-14);
    CHECK(worst_error<float>(n, radices) < 3e-6);
  }
}

TEST_CASE("a radix where no stage has it is refused") {
  using list = std::vector<int>;
  for (const list& radices :
       {list{6}, list{12}, list{5, 12}, list{2, 16, 8}, list{10, 3}, list{47}, list{2, 1, 3}}) {
    index_t n = 1;
    for (int r : radices) n *= r;
    CAPTURE(n);
    CHECK_THROWS_AS((fft::line<float, ex_t>(ex_t(), n, radices)), value_error);
  }
}

TEST_CASE("the plan follows the weights") {
  auto w = zeros<float>(host_space(), shape{index_t(1), index_t(256)});
  for (index_t k = 0; k < 256; k += 8) w(0, k) = 1;
  const fft::line_filter<float, ex_t> sparse(ex_t(), w);
  const fft::filter_tables<float>& f = sparse.tables();
  REQUIRE(f.blocks >= 4);
  REQUIRE(f.blocks <= 16);
  int empty = 0;
  for (int b = 0; b < f.blocks; ++b) empty += f.first[b] >= 0 && f.first[b] == f.last[b];
  CHECK(empty >= f.blocks - f.blocks / 8 - 1);
  CHECK_THROWS_AS((fft::line_filter<float, ex_t>(
                      ex_t(), zeros<float>(host_space(), shape{index_t(1), index_t(0)}))),
                  value_error);
}
