// SPDX-License-Identifier: Apache-2.0
/// \file
/// Ellipses: the closed-form k-space against SciPy's Bessel function and against a fine raster.
#include "cardiomm/mri/ellipse.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "cardiomm/fft/transform.hpp"

using namespace cardiomm;

TEST_CASE("ellipse: J1(z) / z against SciPy") {
  const double table[][2] = {{1e-06, 0.5},
                             {0.5, 0.48453691535},
                             {1, 0.440050585745},
                             {2.9, 0.129457752349},
                             {3.1, 0.0970713332584},
                             {5, -0.0655158275183},
                             {10, 0.00434727461689},
                             {50, -0.0019502365625},
                             {200, -0.000271522690912},
                             {1000, 4.72831190709e-06}};
  for (const auto& [z, value] : table)
    CHECK(std::abs(mri::detail::bessel_j1_over(z) - value) < 6e-8 / std::fmax(1, z));
}

TEST_CASE("ellipse: a centred disc has the transform that tables give") {
  const mri::image_plane grid{9, 12, 2.0, 3.0, 0};
  const auto k = mri::ellipse_kspace(host_space{}, {{0, 0, 10, 10, 0, 2}}, grid);
  const double scale = 1 / (6 * std::sqrt(108.0));
  CHECK(k(4, 6).real() == doctest::Approx(2 * 314.159265358979 * scale).epsilon(1e-7));
  CHECK(std::abs(k(4, 6).imag()) < 1e-12);
  // One step along x is 1 / 36 cycles per mm: 2 a J1(2 pi r k) / k * r.
  const double z = 2 * 3.14159265358979 * 10 / 36;
  CHECK(k(4, 7).real() ==
        doctest::Approx(2 * 314.159265358979 * scale * 2 * std::cyl_bessel_j(1, z) / z)
            .epsilon(1e-6));
}

TEST_CASE("ellipse: k-space agrees with the transform of a fine raster") {
  const std::vector<mri::ellipse> shapes = {
      {3, -5, 60, 40, 0.4, 1.0, 1}, {-10, 8, 20, 12, -1.1, -0.5, 2}, {30, -12, 9, 14, 2.0, 0.7}};
  for (const auto& [ny, nx] : {std::pair<index_t, index_t>{32, 48}, {27, 33}}) {
    const mri::image_plane grid{ny, nx, 160.0 / double(ny), 200.0 / double(nx), 0};
    const auto exact = mri::ellipse_kspace(host_space{}, shapes, grid);
    // Pixels 1/32 as wide; their size and the shift of their centres are divided out below.
    const index_t fine = 32;
    auto raster = zeros<complex<double>>(host_space{}, shape{ny * fine, nx * fine});
    const double hy = grid.dy / double(fine), hx = grid.dx / double(fine);
    for (index_t i = 0; i < ny * fine; ++i)
      for (index_t j = 0; j < nx * fine; ++j)
        for (const auto& e : shapes)
          if (e.contains(double(j - nx * fine / 2) * hx, double(i - ny * fine / 2) * hy))
            raster(i, j) += e.value;
    fft::fft(host_space{}, raster, raster);
    double error = 0, norm = 0;
    for (index_t i = 0; i < ny; ++i)
      for (index_t j = 0; j < nx; ++j) {
        const auto approximate = raster(i - ny / 2 + ny * fine / 2, j - nx / 2 + nx * fine / 2);
        const double scale = 1 / double(fine);  // sqrt of the pixels over the pixels
        error += abs2(complex<double>(exact(i, j).real() - scale * approximate.real(),
                                      exact(i, j).imag() - scale * approximate.imag()));
        norm += abs2(exact(i, j));
      }
    CHECK(std::sqrt(error / norm) < 2e-3);
  }
}

TEST_CASE("ellipse: areas and labels") {
  const mri::ellipse e{1, 2, 30, 12, 0.7, 1, 5};
  const mri::image_plane grid{400, 400, 0.2, 0.2, 0};
  std::vector<std::uint8_t> labels(400 * 400, 9);
  mri::draw_labels({e, {1, 2, 6, 6, 0, 1, 0}, {1, 2, 3, 3, 0, 1, 7}}, grid, labels.data());
  double outer = 0, inner = 0;
  for (const auto l : labels) {
    outer += l == 5 ? 0.04 : 0;
    inner += l == 7 ? 0.04 : 0;
  }
  CHECK(outer + inner == doctest::Approx(e.area()).epsilon(2e-3));
  CHECK(inner == doctest::Approx(28.2743).epsilon(1e-2));
  CHECK(labels[0] == 0);
  CHECK(e.contains(1 + 29.9 * std::cos(0.7), 2 + 29.9 * std::sin(0.7)));
  CHECK(!e.contains(1 - 12.1 * std::sin(0.7), 2 + 12.1 * std::cos(0.7)));
}
