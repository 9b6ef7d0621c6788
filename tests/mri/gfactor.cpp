// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/mri/gfactor.hpp"

#include <doctest/doctest.h>

#include "cardiomm/mri/simulate.hpp"

using namespace cardiomm;
using Ex = default_space;
using C = complex<float>;

namespace {
using mask_t = host_tensor<std::uint8_t, 3>;

mask_t lines_of(index_t ny, index_t nx, index_t r, index_t acs) {
  auto m = zeros<std::uint8_t>(host_space(), shape{index_t(1), ny, nx});
  for (index_t y = 0; y < ny; ++y)
    for (index_t x = 0; x < nx; ++x)
      m(0, y, x) = y % r == 0 || (y >= ny / 2 - acs / 2 && y < ny / 2 - acs / 2 + acs);
  return m;
}
/// Smooth maps around a disc, not of unit norm.
tensor<C, 5, Ex> smooth_maps(index_t coils, index_t ny, index_t nx) {
  auto m = make_tensor<C>(host_space(), shape{index_t(1), index_t(1), coils, ny, nx});
  for (index_t c = 0; c < coils; ++c)
    for (index_t y = 0; y < ny; ++y)
      for (index_t x = 0; x < nx; ++x) {
        const double a = 0.4 + 6.2831853 * double(c) / double(coils),
                     v = 2.0 * double(y) / double(ny) - 1, u = 2.0 * double(x) / double(nx) - 1;
        const double d =
            (v - std::sin(a)) * (v - std::sin(a)) + (u - std::cos(a)) * (u - std::cos(a));
        const double s = 1.5 * std::exp(-d), p = a + u * std::sin(a);
        m(0, 0, c, y, x) = C(float(s * std::cos(p)), float(s * std::sin(p)));
      }
  return to_space(Ex(), m);
}
/// Median over pixels of |a / b - 1|.
template <class A, class B>
double apart(const A& a, const B& b) {
  const auto x = to_host(a);
  const auto y = to_host(b);
  std::vector<double> d;
  for (std::size_t i = 0; i < x.size(); ++i)
    if (y.data()[i] > 0) d.push_back(std::abs(double(x.data()[i]) / double(y.data()[i]) - 1));
  std::nth_element(d.begin(), d.begin() + std::ptrdiff_t(d.size() / 2), d.end());
  return d[d.size() / 2];
}
template <class F>
std::string message(const F& f) {
  try {
    f();
  } catch (const error& e) {
    return e.what();
  }
  return "no error";
}
}  // namespace

TEST_CASE("two coils, R = 2: the closed formula") {
  const index_t ny = 24, nx = 19;
  const auto maps = smooth_maps(2, ny, nx);
  const auto mask = lines_of(ny, nx, 2, 0);
  const auto g = to_host(mri::gfactor(Ex(), mri::sense_noise(Ex(), mask, maps), mask, maps));
  const auto s = to_host(maps);
  int compared = 0;
  for (index_t y = 0; y < ny; ++y)
    for (index_t x = 0; x < nx; ++x) {
      // S^H S of the pixel and the one half a field of view away
      const index_t other = (y + ny / 2) % ny;
      double aa = 0, bb = 0;
      complex<double> ab(0);
      for (index_t c = 0; c < 2; ++c) {
        const auto p = s(0, 0, c, y, x), q = s(0, 0, c, other, x);
        aa += abs2(p);
        bb += abs2(q);
        ab += conj_mul(complex<double>(p.real(), p.imag()), complex<double>(q.real(), q.imag()));
      }
      const double expected = std::sqrt(aa * bb / (aa * bb - abs2(ab)));
      if (!(expected < 30)) continue;  // coils that do not tell the two apart
      ++compared;
      REQUIRE(g(0, 0, y, x) == doctest::Approx(expected).epsilon(2e-3));
    }
  CHECK(compared > 300);
}

TEST_CASE("SENSE: analytic noise is that of replicas, with centre lines and regularised too") {
  const index_t ny = 36, nx = 40;
  const auto maps = smooth_maps(4, ny, nx);
  for (const double lambda : {0.0, 0.05}) {
    const auto mask = lines_of(ny, nx, 3, lambda > 0 ? 8 : 0);
    const auto analytic = mri::sense_noise(Ex(), mask, maps, lambda);
    const auto zero = zeros<C>(Ex(), shape{1, 1, 4, ny, nx});
    const auto replicas = mri::pseudo_replica(
        Ex(), zero, mask,
        [&](const auto& k) {
          return mri::sense(Ex(), k, mask, maps, {.lambda = lambda, .iterations = 150}).image;
        },
        {.replicas = 300});
    CHECK(shape_of(replicas) == shape<5>{{1, 1, 1, ny, nx}});
    const double d = apart(reshape(replicas, shape{1, 1, ny, nx}), analytic);
    MESSAGE("lambda ", lambda, ": replicas and formula differ by ", d, " (median)");
    CHECK(d < 0.05);
  }
}

TEST_CASE("GRAPPA: analytic noise is that of replicas") {
  mri::phantom_options p;
  p.coils = 6, p.frames = 1, p.ny = 64, p.nx = 64, p.snr = 40;
  const auto data = mri::simulate(p);
  const auto maps = to_space(Ex(), reshape(data.maps, shape{1, 1, 6, 64, 64}));
  const auto mask = lines_of(64, 64, 2, 20);
  const auto lines = *mri::line_pattern(mask);
  const auto k = to_space(Ex(), data.kspace);
  const mri::grappa_options o{.noise_aware = false};
  const mri::grappa_kernels<float, Ex> kernels(Ex(), mri::find_grappa_calibration(Ex(), k, mask, o),
                                               0, lines, o);
  const auto analytic = mri::grappa_noise(Ex(), kernels, lines, maps);
  const auto full = lines_of(64, 64, 1, 0);
  const auto zero = zeros<C>(Ex(), shape{1, 1, 6, 64, 64});
  const auto filled = make_tensor<C>(Ex(), shape{1, 1, 6, 64, 64});
  const auto replicas = mri::pseudo_replica(Ex(), zero, mask, [&](const auto& noise) {
    kernels.apply(Ex(), noise, 0, filled);
    return mri::zero_filled(Ex(), filled, full, maps);
  });
  const double d = apart(reshape(replicas, shape{1, 64, 64}), analytic);
  MESSAGE("replicas and formula differ by ", d, " (median)");
  CHECK(d < 0.05);
  const auto g = to_host(mri::gfactor(Ex(), reshape(analytic, shape{1, 1, 64, 64}), mask, maps));
  double mean = 0;
  for (std::size_t i = 0; i < g.size(); ++i) mean += g.data()[i] / double(g.size());
  CHECK(mean > 0.9);
  CHECK(mean < 2);
}

TEST_CASE("full sampling has g = 1; frames of a pattern; errors") {
  const auto maps = smooth_maps(3, 12, 10);
  auto mask = zeros<std::uint8_t>(host_space(), shape{3, 12, 10});
  for (index_t i = 0; i < 360; ++i) mask.data()[i] = i / 120 != 1 || i / 10 % 2 == 0;
  const auto deviation = mri::sense_noise(Ex(), mask, maps);
  CHECK(shape_of(deviation) == shape<4>{{3, 1, 12, 10}});
  const auto g = to_host(mri::gfactor(Ex(), deviation, mask, maps));
  for (index_t i = 0; i < 120; ++i) {
    CHECK(g.data()[i] == doctest::Approx(1).epsilon(1e-4));
    CHECK(g.data()[i] == g.data()[240 + i]);
    CHECK(g.data()[120 + i] > 1 - 1e-4);
  }
  auto points = clone(host_space(), mask);
  points(1, 0, 3) = 0;
  CHECK(message([&] { mri::sense_noise(Ex(), points, maps); }) ==
        "sense_noise: mask: expected whole lines; for single samples use pseudo_replica");
  CHECK(message([&] { mri::sense_noise(Ex(), mask, maps, -1); }) ==
        "sense_noise: lambda: expected at least 0, found -1");
  CHECK(message([&] { mri::sense_noise(Ex(), lines_of(13, 10, 1, 0), maps); }) ==
        "sense_noise: mask: expected (frame or 1, y, x) of 12 x 10, found (1, 13, 10)");
  const auto k = zeros<C>(Ex(), shape{3, 1, 3, 12, 10});
  CHECK(message([&] {
          mri::pseudo_replica(Ex(), k, mask, [&](const auto& n) { return mri::rss(Ex(), n); },
                              {.replicas = 1});
        }) == "pseudo_replica: replicas: expected at least 2, found 1");
}
