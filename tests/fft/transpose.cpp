// SPDX-License-Identifier: Apache-2.0
/// \file
/// Transforms of planes in a tile's scratch, along both axes, against the definition.
#include "cardiomm/fft/transpose.hpp"

#include <doctest/doctest.h>

#include <complex>
#include <random>
#include <vector>

#include "cardiomm/fft/stages.hpp"

using namespace cardiomm;

namespace {

using ex_t = host_space;
using wide = std::complex<double>;
constexpr double two_pi = 6.283185307179586476925286766559;

template <class T>
std::vector<complex<T>> random_numbers(index_t n, unsigned seed) {
  std::mt19937 g(seed);
  std::normal_distribution<double> d;
  std::vector<complex<T>> x;
  for (index_t i = 0; i < n; ++i) {
    const T re = static_cast<T>(d(g)), im = static_cast<T>(d(g));
    x.emplace_back(re, im);
  }
  return x;
}

/// Transform of `count` lines of n numbers by the definition: number j of line l is at
/// offset(l) + j * step.
template <class Offset>
void define(std::vector<wide>& x, index_t count, index_t n, index_t step, const Offset& offset,
            int sign) {
  std::vector<wide> line(static_cast<std::size_t>(n)), root;
  for (index_t k = 0; k < n; ++k)
    root.push_back(std::polar(1.0, sign * two_pi * double(k) / double(n)));
  for (index_t l = 0; l < count; ++l) {
    for (index_t k = 0; k < n; ++k) {
      line[k] = 0;
      for (index_t j = 0; j < n; ++j) line[k] += x[offset(l) + j * step] * root[j * k % n];
    }
    for (index_t k = 0; k < n; ++k) x[offset(l) + k * step] = line[k];
  }
}
void define_plane(std::vector<wide>& x, index_t ny, index_t nx, int sign) {
  define(
      x, nx, ny, nx, [](index_t l) { return l; }, sign);
  define(
      x, ny, nx, 1, [nx](index_t l) { return l * nx; }, sign);
}

template <class T>
double distance(const std::vector<complex<T>>& a, const std::vector<wide>& b) {
  double d = 0, n = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    d += std::norm(wide(a[i].real(), a[i].imag()) - b[i]);
    n += std::norm(b[i]);
  }
  return std::sqrt(d / n);
}

template <class T>
struct plane_kernel {
  static constexpr const char* name = "cardiomm::test::plane";
  enum what { spectrum, point_filter } task;
  const complex<T>* x;
  complex<T>* y;
  const T* weights;  ///< (ny, nx) in the order of the frequencies
  index_t ny, nx;
  fft::stages<T> along_y, along_x;

  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    using L = typename Tile::number;
    using column = typename Tile::column;
    constexpr int W = Tile::width;
    const fft::tile_plane<Tile> plane{tile.scratch(), ny, nx};
    const fft::tile_rows<Tile> line{plane.base + plane.numbers(ny, nx)};
    const fft::tile_rows<Tile> work{line.re(along_x.rows)};
    const auto width = [&](index_t first) {
      return static_cast<int>(nx - first < W ? nx - first : W);
    };
    for (index_t b = 0; b < plane.blocks(); ++b) {
      const auto rows = plane.block(b);
      tile.for_each(ny, [&](column c, index_t i) {
        L re, im;
        c.load(x + i * nx + b * W, width(b * W), re, im);
        rows.store(c, i, re, im);
      });
      tile.barrier();
      fft::forward(tile, along_y, rows, work);
      tile.barrier();
    }
    for (index_t first = 0; first < ny; first += W) {
      const int valid = static_cast<int>(ny - first < W ? ny - first : W);
      const auto row = [&](int w) { return first + w; };
      const auto same = [](index_t i) { return i; };
      fft::load_plane(tile, plane, valid, row, line, same);
      tile.barrier();
      if (task == spectrum) {
        fft::forward(tile, along_x, line, line);
        tile.barrier();
        fft::store_lines(
            tile, nx, valid, [&](int w) { return y + along_y.frequency[first + w] * nx; },
            [&](column c, index_t k, L& re, L& im) { line.load(c, along_x.position[k], re, im); });
      } else {
        fft::filter(tile, along_x, line, line, [&](column c, index_t p) {
          T part[W] = {};
          for (int w = 0; w < valid; ++w)
            part[w] = weights[along_y.frequency[first + w] * nx + along_x.frequency[p]];
          return c.load(part);
        });
        tile.barrier();
        fft::store_plane(tile, plane, valid, row, line, same);
      }
      tile.barrier();
    }
    if (task == spectrum) return;
    for (index_t b = 0; b < plane.blocks(); ++b) {
      const auto rows = plane.block(b);
      fft::adjoint(tile, along_y, rows, work);
      tile.barrier();
      tile.for_each(ny, [&](column c, index_t i) {
        L re, im;
        rows.load(c, i, re, im);
        c.store(y + i * nx + b * W, width(b * W), re, im);
      });
      tile.barrier();
    }
  }
};

template <class T>
void check_planes(index_t ny, index_t nx, double tolerance) {
  CAPTURE(ny);
  CAPTURE(nx);
  const ex_t ex;
  const auto x = random_numbers<T>(ny * nx, 7);
  std::vector<T> weights;
  for (index_t i = 0; i < ny * nx; ++i) weights.push_back(i % 3 ? T(0) : T(1 + i % 5));
  std::vector<complex<T>> y(x.size());
  const fft::line<T, ex_t> line_y(ex, ny), line_x(ex, nx);
  using rows = fft::tile_rows<launch::tile_type<T, ex_t>>;
  using plane = fft::tile_plane<launch::tile_type<T, ex_t>>;
  plane_kernel<T> kernel{
      plane_kernel<T>::spectrum, x.data(),       y.data(), weights.data(), ny, nx,
      line_y.stages(),           line_x.stages()};
  const index_t scratch =
      plane::numbers(ny, nx) + rows::numbers(line_x.stages().rows) + line_y.work_numbers();
  launch::tiles<T>(ex, 1, scratch, kernel);
  std::vector<wide> expected;
  for (const auto& v : x) expected.emplace_back(v.real(), v.imag());
  define_plane(expected, ny, nx, -1);
  CHECK(distance(y, expected) < tolerance);
  kernel.task = plane_kernel<T>::point_filter;
  launch::tiles<T>(ex, 1, scratch, kernel);
  for (std::size_t i = 0; i < expected.size(); ++i) expected[i] *= weights[i];
  define_plane(expected, ny, nx, 1);
  CHECK(distance(y, expected) < tolerance);
}

/// Two transformed axes (z, y) of one tile: y along neighbouring rows, z along rows ny apart.
template <class T>
struct volume_kernel {
  static constexpr const char* name = "cardiomm::test::volume";
  complex<T>* x;  ///< (z, y, W)
  const T* weights;
  index_t nz, ny;
  fft::stages<T> along_z, along_y;
  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    using L = typename Tile::number;
    using column = typename Tile::column;
    constexpr int W = Tile::width;
    const fft::tile_rows<Tile> rows{tile.scratch()};
    const fft::tile_rows<Tile> work{rows.re(nz * ny)};
    tile.for_each(nz * ny, [&](column c, index_t i) {
      L re, im;
      c.load(x + i * W, W, re, im);
      rows.store(c, i, re, im);
    });
    tile.barrier();
    for (index_t z = 0; z < nz; ++z) {
      fft::forward(tile, along_y, fft::tile_rows<Tile>{rows.re(z * ny)}, work);
      tile.barrier();
    }
    for (index_t p = 0; p < ny; ++p) {
      fft::filter(tile, along_z, fft::strided_rows<Tile>{rows.re(p), ny}, work, [&](index_t q) {
        return weights[along_z.frequency[q] * ny + along_y.frequency[p]];
      });
      tile.barrier();
    }
    for (index_t z = 0; z < nz; ++z) {
      fft::adjoint(tile, along_y, fft::tile_rows<Tile>{rows.re(z * ny)}, work);
      tile.barrier();
    }
    tile.for_each(nz * ny, [&](column c, index_t i) {
      L re, im;
      rows.load(c, i, re, im);
      c.store(x + i * W, W, re, im);
    });
    tile.barrier();
  }
};

template <class T>
void check_volumes(index_t nz, index_t ny, double tolerance) {
  CAPTURE(nz);
  CAPTURE(ny);
  const ex_t ex;
  constexpr index_t W = launch::tile_width<T, ex_t>;
  auto x = random_numbers<T>(nz * ny * W, 8);
  std::vector<wide> expected;
  for (const auto& v : x) expected.emplace_back(v.real(), v.imag());
  std::vector<T> weights;
  for (index_t i = 0; i < nz * ny; ++i) weights.push_back(i % 4 ? T(0) : T(1 + i % 3));
  const fft::line<T, ex_t> line_z(ex, nz), line_y(ex, ny);
  using rows = fft::tile_rows<launch::tile_type<T, ex_t>>;
  const index_t work = std::max(line_z.work_numbers(), line_y.work_numbers());
  launch::tiles<T>(
      ex, 1, rows::numbers(nz * ny) + work,
      volume_kernel<T>{x.data(), weights.data(), nz, ny, line_z.stages(), line_y.stages()});
  const auto both = [&](int sign) {
    define(
        expected, ny * W, nz, ny * W, [](index_t l) { return l; }, sign);
    define(
        expected, nz * W, ny, W, [&](index_t l) { return l / W * ny * W + l % W; }, sign);
  };
  both(-1);
  for (std::size_t i = 0; i < expected.size(); ++i) expected[i] *= weights[i / W];
  both(1);
  CHECK(distance(x, expected) < tolerance);
}

}  // namespace

TEST_CASE("planes in scratch, both axes, equal the definition") {
  for (index_t ny : {1, 2, 7, 16, 20, 33, 47})  // whole and partial packets, odd, Bluestein
    for (index_t nx : {1, 5, 8, 16, 31, 47, 48}) {
      check_planes<double>(ny, nx, 2e-15);
      check_planes<float>(ny, nx, 1e-6);
    }
}

TEST_CASE("a filter over two phase encodes equals the definition") {
  for (index_t nz : {1, 4, 9, 47, 16})
    for (index_t ny : {1, 6, 13, 24, 53}) {
      check_volumes<double>(nz, ny, 2e-15);
      check_volumes<float>(nz, ny, 1e-6);
    }
}
