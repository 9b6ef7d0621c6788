// SPDX-License-Identifier: Apache-2.0
/// \file
/// Indices of padded and centred grids, and interpolation at single samples, of which nufft.cpp
/// tests the whole.

#include "cardiomm/linop/nufft_kernels.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <vector>

using namespace cardiomm;
using namespace cardiomm::linop::detail;

TEST_CASE("pixels in the rows of a padded transform, and back") {
  for (const auto& [size, n] : {std::pair<index_t, index_t>{6, 12}, {7, 14}, {5, 12}, {4, 4}}) {
    std::set<index_t> rows;
    for (index_t i = 0; i < size; ++i) {
      const index_t row = padded_row(i, size, n);
      CHECK(padded_pixel(row, size, n) == i);
      CHECK((row - (i - size / 2) + n) % n == 0);  // the centre pixel lies in row 0
      rows.insert(row);
    }
    for (index_t row = 0; row < n; ++row)
      if (rows.count(row) == 0) CHECK(padded_pixel(row, size, n) == -1);
  }
}

TEST_CASE("frequencies on a centred grid, and back") {
  for (const index_t n : {2, 5, 8})
    for (index_t i = 0; i < n; ++i) {
      CHECK(centred_index(frequency_at(i, n), n) == i);
      CHECK(frequency_at(n / 2, n) == 0);
    }
  CHECK(wrapped(-1, 8) == 7);
  CHECK(wrapped(8, 8) == 0);
  CHECK(wrapped(3, 8) == 3);
}

namespace {
/// Two polynomials of degree 2 in t = 2 far - 1.
const std::vector<double> taps = {0.5, -1, 2, 3, 1, 4};
nufft_points<double> points() {
  nufft_points<double> p{};
  p.taps = taps.data();
  p.powers = 3;
  p.frames = 1;
  p.tiles = shape<2>{{2, 2}};
  return p;
}
double tap(int j, double far) {
  const double t = 2 * far - 1;
  return (taps[std::size_t(j)] * t + taps[std::size_t(2 + j)]) * t + taps[std::size_t(4 + j)];
}
}  // namespace

TEST_CASE("kernels are polynomials of the distance to the first grid point") {
  for (const double far : {0.0, 0.3, 1.0}) {
    double w[2];
    nufft_taps<2>(points(), far, w);
    for (int j = 0; j < 2; ++j) CHECK(w[j] == doctest::Approx(tap(j, far)));
  }
}

TEST_CASE("a sample interpolates what its adjoint spreads, across the edge too") {
  constexpr index_t rows = 6, cols = 4;
  std::vector<complex<double>> grid(rows * cols), spread(rows * cols);
  for (std::size_t i = 0; i < grid.size(); ++i)
    grid[i] = complex<double>(std::sin(double(i)), double(i % 5));
  nufft_geometry<double> g{};
  g.rows = rows;
  g.cols = cols;
  g.coils = g.all_coils = g.planes = 1;
  auto p = points();
  p.count = 2;
  // the second one wraps around in both directions
  const nufft_point<double> samples[2] = {{0.25, 0.75, 1, 2, 1}, {0.5, 0.1, 3, 5, 0}};
  p.point = samples;
  complex<double> values[2];
  g.grid = grid.data();
  const nufft_interpolate<double, 2> interpolate{g, p, values, 1, 1, 2, {}};
  interpolate(0, 0, 2);
  const std::int32_t begin[5] = {0, 2, 2, 2, 2};
  p.begin = begin;
  const complex<double> put[2] = {{0.5, -2}, {1, 3}};
  g.grid = spread.data();
  const linop::detail::nufft_spread<double, 2> spreads{g, p, put, 1, 0, 0};
  spreads(0, 0, 1);
  complex<double> left(0), right(0);
  for (int i = 0; i < 2; ++i) {
    const auto& s = samples[i];
    complex<double> sum(0);
    for (int a = 0; a < 2; ++a)
      for (int b = 0; b < 2; ++b)
        sum += tap(a, s.far_y) * tap(b, s.far_x) *
               grid[std::size_t((s.y + a) % rows * cols + (s.x + b) % cols)];
    CHECK(values[s.index].real() == doctest::Approx(sum.real()));
    CHECK(values[s.index].imag() == doctest::Approx(sum.imag()));
    left += conj_mul(put[i], values[i]);
  }
  for (std::size_t i = 0; i < grid.size(); ++i) right += conj_mul(spread[i], grid[i]);
  CHECK(left.real() == doctest::Approx(right.real()));
  CHECK(left.imag() == doctest::Approx(right.imag()));
}
