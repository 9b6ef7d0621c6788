// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/mri/snr.hpp"

#include <doctest/doctest.h>

using namespace cardiomm;
using Ex = default_space;
using C = complex<float>;

namespace {
constexpr index_t coils = 4, ny = 40, nx = 48;
/// Mixes white coils: the root of the covariance of correlated noise.
C mixing(index_t i, index_t j) {
  return i == j ? C(1 + 0.3f * float(i)) : j < i ? C(0.3f, 0.1f * float(i - j)) : C(0);
}
tensor<C, 5, Ex> coloured(index_t frames, std::uint64_t seed) {
  const auto n = make_tensor<C>(host_space(), shape{frames, index_t(1), coils, ny, nx});
  random::fill_normal(host_space(), n, seed);
  for (index_t f = 0; f < frames; ++f)
    for (index_t p = 0; p < ny * nx; ++p)
      for (index_t i = coils - 1; i >= 0; --i) {
        C sum(0);
        for (index_t j = 0; j <= i; ++j)
          sum += mixing(i, j) * n.data()[(f * coils + j) * ny * nx + p];
        n.data()[(f * coils + i) * ny * nx + p] = sum;
      }
  return to_space(Ex(), n);
}
tensor<C, 5, Ex> maps() {
  auto m = make_tensor<C>(host_space(), shape{index_t(1), index_t(1), coils, ny, nx});
  for (index_t c = 0; c < coils; ++c)
    for (index_t y = 0; y < ny; ++y)
      for (index_t x = 0; x < nx; ++x) {
        const double a = 0.4 + 1.5707963 * double(c), v = double(y) / 20 - 1,
                     u = double(x) / 24 - 1;
        const double d =
            (v - std::sin(a)) * (v - std::sin(a)) + (u - std::cos(a)) * (u - std::cos(a));
        const double p = a + u * std::sin(a);
        m(0, 0, c, y, x) = C(float(std::exp(-d) * std::cos(p)), float(std::exp(-d) * std::sin(p)));
      }
  return to_space(Ex(), m);
}
host_tensor<std::uint8_t, 3> mask_of(bool lines) {
  auto m = zeros<std::uint8_t>(host_space(), shape{index_t(1), ny, nx});
  for (index_t y = 0; y < ny; ++y)
    for (index_t x = 0; x < nx; ++x)
      m(0, y, x) = (lines ? y % 2 == 0 : (x + y) % 2 == 0) || std::abs(y - ny / 2) < 4;
  return m;
}
}  // namespace

TEST_CASE("noise divided by g has deviation 1, whatever the coils and the sampling") {
  const auto scan = coloured(4, 1);
  const auto psi = mri::noise_covariance(Ex(), scan, 2);
  for (const bool lines : {true, false}) {
    const auto mask = mask_of(lines);
    const auto noise = coloured(lines ? 200 : 40, 2);
    const auto host = to_host(noise);
    for (index_t i = 0; i < index_t(host.size()); ++i)
      if (!mask.data()[i % (ny * nx)]) host.data()[i] = C(0);
    const auto k = to_space(Ex(), host);
    const auto found =
        mri::snr_units(Ex(), k, mask, maps(), psi, {.per_component = lines, .replicas = 100});
    const auto image = to_host(found.image);
    const auto g = to_host(found.g);
    CHECK(shape_of(found.g) == shape<4>{{1, 1, ny, nx}});
    double all = 0, worst = 0;
    for (index_t p = 0; p < ny * nx; ++p) {
      double sum = 0;
      for (index_t f = 0; f < index_t(image.extent(0)); ++f)
        sum += abs2(image.data()[f * ny * nx + p]);
      const double d =
          std::sqrt(sum / double(image.extent(0))) / g.data()[p] / (lines ? std::sqrt(2) : 1);
      all += d / double(ny * nx);
      worst = std::max(worst, std::abs(d - 1));
    }
    CHECK(all == doctest::Approx(1).epsilon(0.03));
    CHECK(worst < (lines ? 0.2 : 0.5));  // 200 and 40 samples of noise a pixel
  }
}

TEST_CASE("noise is found at the ends of the readout") {
  const auto k = coloured(3, 5);
  const auto host = to_host(k);
  for (index_t f = 0; f < 3; ++f)  // signal in the centre only
    for (index_t c = 0; c < coils; ++c)
      for (index_t y = 16; y < 24; ++y)
        for (index_t x = 18; x < 30; ++x) host(f, 0, c, y, x) += C(500.f, 100.f * float(c));
  const auto data = to_space(Ex(), host);
  const auto edge = to_host(mri::noise_from_edge(Ex(), data, mask_of(false), 0.1));
  double worst = 0;
  for (index_t i = 0; i < coils; ++i)
    for (index_t j = 0; j < coils; ++j) {
      complex<double> expected(0);  // 2 M M^H: fill_normal has variance 1 in each component
      for (index_t l = 0; l < coils; ++l) {
        const C a = mixing(i, l), b = mixing(j, l);
        expected += 2.0 * conj_mul(complex<double>(b.real(), b.imag()),
                                   complex<double>(a.real(), a.imag()));
      }
      worst = std::max(worst, std::sqrt(abs2(edge(i, j) - expected)));
    }
  CHECK(worst < 1);
  CHECK_THROWS_WITH_AS(mri::noise_from_edge(Ex(), data, mask_of(false), 0.7),
                       "noise_from_edge: share: expected a number in (0, 0.5], found 0.7",
                       value_error);
  const auto none = zeros<std::uint8_t>(host_space(), shape{index_t(1), ny, nx});
  CHECK_THROWS_WITH_AS(mri::noise_from_edge(Ex(), data, none),
                       "noise_from_edge: expected at least 4 samples a coil at the ends of the "
                       "readout, found 0 of 4 coils",
                       value_error);
}
