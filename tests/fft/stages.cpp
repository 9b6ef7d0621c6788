// SPDX-License-Identifier: Apache-2.0
/// \file
/// The staged transform against the definition of the discrete Fourier transform.
#include "cardiomm/fft/stages.hpp"

#include <doctest/doctest.h>

#include <complex>
#include <random>
#include <vector>

#include "cardiomm/fft/codelets.hpp"
#include "cardiomm/fft/line.hpp"

using namespace cardiomm;

namespace {

using ex_t = host_space;

template <class T>
std::vector<std::complex<long double>> random_line(index_t n, unsigned seed) {
  std::mt19937 g(seed);
  std::normal_distribution<double> d;
  std::vector<std::complex<long double>> x;
  for (index_t i = 0; i < n; ++i) {
    const T re = static_cast<T>(d(g)), im = static_cast<T>(d(g));
    x.emplace_back(re, im);
  }
  return x;
}

std::vector<std::complex<long double>> naive(const std::vector<std::complex<long double>>& x) {
  const index_t n = static_cast<index_t>(x.size());
  std::vector<std::complex<long double>> y(x.size());
  const long double w = -2 * 3.141592653589793238462643383279502884L / static_cast<long double>(n);
  std::vector<std::complex<long double>> root;
  for (index_t k = 0; k < n; ++k) root.push_back(std::polar(1.0L, w * static_cast<long double>(k)));
  for (index_t k = 0; k < n; ++k)
    for (index_t j = 0; j < n; ++j) y[k] += x[j] * root[j * k % n];
  return y;
}

/// Columns of a tile: column w holds (w + 1) times the line.
template <class T>
struct columns_kernel {
  static constexpr const char* name = "cardiomm::test::columns";
  fft::stages<T> s;
  complex<T>* data;
  bool adjoint;
  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    using L = typename Tile::number;
    using column = typename Tile::column;
    const fft::tile_rows<Tile> scratch{tile.scratch()};
    complex<T>* x = data + tile.index() * s.length * Tile::width;
    const auto load = [&](column c, index_t j, L& re, L& im) {
      c.load(x + j * Tile::width, Tile::width, re, im);
    };
    const auto store = [&](column c, index_t j, const L& re, const L& im) {
      c.store(x + j * Tile::width, Tile::width, re, im);
    };
    if (adjoint)
      fft::adjoint(tile, s, scratch, load, store);
    else
      fft::forward(tile, s, scratch, load, store);
  }
};

template <class T>
double worst_error(index_t n) {
  const ex_t ex;
  constexpr int W = launch::tile_width<T, ex_t>;
  const index_t tiles = 3;
  const fft::line<T, ex_t> line(ex, n);
  const auto x = random_line<T>(n, static_cast<unsigned>(n));
  const auto y = naive(x);
  std::vector<complex<T>> data(static_cast<std::size_t>(tiles * n * W));
  for (index_t t = 0; t < tiles; ++t)
    for (index_t j = 0; j < n; ++j)
      for (int w = 0; w < W; ++w)
        data[(t * n + j) * W + w] = complex<T>(static_cast<T>(x[j].real()) * T(w + 1),
                                               static_cast<T>(x[j].imag()) * T(w + 1));
  columns_kernel<T> kernel{line.stages(), data.data(), false};
  launch::tiles<T>(ex, tiles, line.scratch_numbers(), kernel);
  long double size = 0, error = 0;
  for (const auto& v : y) size = std::max(size, std::abs(v));
  for (index_t t = 0; t < tiles; ++t)
    for (index_t p = 0; p < n; ++p)
      for (int w = 0; w < W; ++w) {
        const auto v = data[(t * n + p) * W + w];
        const std::complex<long double> expected =
            y[line.frequency(p)] * static_cast<long double>(w + 1);
        error = std::max(error, std::abs(std::complex<long double>(v.real(), v.imag()) - expected) /
                                    (size * (w + 1)));
      }
  CHECK(line.position(line.frequency(n - 1)) == n - 1);
  // adjoint(forward(x)) = n x
  kernel.adjoint = true;
  launch::tiles<T>(ex, tiles, line.scratch_numbers(), kernel);
  long double most = 0, back = 0;
  for (const auto& v : x) most = std::max(most, std::abs(v));
  for (index_t j = 0; j < n; ++j) {
    const auto v = data[((tiles - 1) * n + j) * W + W - 1];
    const auto expected = x[j] * static_cast<long double>(W) * static_cast<long double>(n);
    back = std::max(
        back, std::abs(std::complex<long double>(v.real(), v.imag()) - expected) / (most * W * n));
  }
  return static_cast<double>(std::max(error, back));
}

std::vector<index_t> lengths() {
  std::vector<index_t> n;
  for (index_t i = 1; i <= 64; ++i) n.push_back(i);
  for (index_t i : {67,  81,  94,  97,  121, 125, 127, 128, 162, 168,  169,  204,  208,
                    246, 256, 343, 384, 400, 448, 509, 512, 640, 1009, 1024, 1849, 2048})
    n.push_back(i);
  return n;
}

}  // namespace

TEST_CASE("every length equals the definition in double") {
  for (index_t n : lengths()) {
    CAPTURE(n);
    CHECK(worst_error<double>(n) < 2e-15);
  }
}

TEST_CASE("every length equals the definition in float") {
  for (index_t n : lengths()) {
    CAPTURE(n);
    CHECK(worst_error<float>(n) < 1e-6);
  }
}

TEST_CASE("radices multiply to the length, and primes above 43 have none") {
  for (index_t n = 1; n < 2000; ++n) {
    index_t product = 1, rest = n;
    for (int r : fft::factorize(n)) product *= r;
    for (index_t p = 2; p <= 43; ++p)
      while (rest % p == 0) rest /= p;
    CAPTURE(n);
    if (rest == 1)
      CHECK(product == n);
    else
      CHECK(fft::factorize(n).empty());
  }
}

TEST_CASE("unit roots are exact on the axes and close to the circle") {
  for (index_t n : {4, 8, 12, 100, 1009}) {
    CHECK(fft::unit_root(0, n) == std::complex<long double>(1, 0));
    CHECK(fft::unit_root(n, n).real() == 1.0L);
    for (index_t k = -n; k < 2 * n; ++k) {
      const long double a = -2 * 3.141592653589793238462643383279502884L *
                            static_cast<long double>(k) / static_cast<long double>(n);
      CHECK(std::abs(fft::unit_root(k, n) - std::polar(1.0L, a)) < 1e-17L);
    }
  }
  CHECK(fft::unit_root(1, 4) == std::complex<long double>(0, -1));
  CHECK(fft::unit_root(3, 4) == std::complex<long double>(0, 1));
  CHECK(fft::unit_root(2, 4) == std::complex<long double>(-1, 0));
}

TEST_CASE("a length below one is refused") {
  CHECK_THROWS_AS((fft::line<float, ex_t>(ex_t(), 0)), value_error);
}
