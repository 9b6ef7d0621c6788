// SPDX-License-Identifier: Apache-2.0
/// \file
/// Coil maps: the field of a loop on its axis has a closed form; the norm over the coils is one.
#include "cardiomm/mri/coils.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace cardiomm;

TEST_CASE("coils: field on the axis of a loop") {
  // The first loop of 10 stands at x = 205 mm with its axis along x: B_x ~ a^2 / (a^2 + d^2)^(3/2),
  // and B_y = 0. The softening adds 400 mm^2, a chord's length shortens the loop by a known share.
  const auto wires = mri::detail::loops_around_chest(10);
  REQUIRE(wires.size() == 240);
  double radius = 0;
  for (int i = 0; i < mri::detail::wires_per_loop; ++i)
    radius += std::hypot(wires[std::size_t(i)].y, wires[std::size_t(i)].z) / 24;
  CHECK(radius == doctest::Approx(62.48 * std::cos(3.14159265 / 24)).epsilon(1e-3));
  const mri::image_plane grid{3, 300, 1, 1, 0};
  auto field = make_tensor<complex<double>>(host_space{}, shape{index_t(10), grid.ny, grid.nx});
  launch::rows(host_space{}, 10 * grid.ny, grid.nx,
               mri::detail::loop_field<double>{wires.data(), field.data(), grid});
  const auto expected = [&](double x) {
    const double d = 205 - x;
    return 1 / std::pow(radius * radius + d * d + 400, 1.5);
  };
  const auto at = [&](int x) { return field(0, 1, x + 150); };
  for (const int x : {-100, 0, 60, 140}) {
    CHECK(at(x).real() / at(0).real() == doctest::Approx(expected(x) / expected(0)).epsilon(1e-9));
    CHECK(std::abs(at(x).imag()) < 1e-12 * std::abs(at(x).real()));
  }
}

TEST_CASE("coils: unit norm, different coils, rows along z") {
  for (const index_t coils : {1, 2, 10, 13, 30}) {
    const mri::image_plane grid{37, 52, 7.9, 6.9, 12};
    const auto maps = mri::biot_savart_maps<float>(host_space{}, coils, grid);
    double worst = 0;
    for (index_t i = 0; i < 37 * 52; ++i) {
      double sum = 0;
      for (index_t c = 0; c < coils; ++c) sum += abs2(maps.data()[c * 37 * 52 + i]);
      worst = std::max(worst, std::abs(sum - 1));
    }
    CHECK(worst < 1e-6);
    double coupling = 0;  // of the first coil with the others, over the body
    for (index_t c = 1; c < coils; ++c) {
      complex<double> dot = 0;
      double a = 0, b = 0;
      for (index_t i = 10; i < 27; ++i)
        for (index_t j = 13; j < 39; ++j) {
          const auto p = maps(0, i, j), q = maps(c, i, j);
          dot += complex<double>(conj_mul(p, q).real(), conj_mul(p, q).imag());
          a += abs2(p);
          b += abs2(q);
        }
      coupling = std::max(coupling, std::sqrt(abs2(dot) / (a * b)));
    }
    CHECK(coupling < 0.998);
  }
  CHECK(mri::detail::loops_around_chest(13).size() == 13 * 24);
  CHECK_THROWS_AS(mri::biot_savart_maps<float>(host_space{}, 0, {8, 8, 1, 1, 0}), value_error);
}
