// SPDX-License-Identifier: Apache-2.0
/// \file
/// Velocities and phase-sensitive images of constructed flow and recovery, known in closed form.

#include "cardiomm/analysis/phase.hpp"

#include <doctest/doctest.h>

#include "cardiomm/core/random.hpp"

using namespace cardiomm;
using analysis::psir_options;
using analysis::velocity_options;

namespace {

using host = host_space;
using C = complex<float>;
constexpr index_t frames = 6, ny = 48, nx = 64;
constexpr double pi = 3.14159265358979323846;

C turn(double size, double phase) {
  return {static_cast<float>(size * std::cos(phase)), static_cast<float>(size * std::sin(phase))};
}
bool vessel(index_t y, index_t x) { return (y - 20) * (y - 20) + (x - 40) * (x - 40) < 36; }
double flow(index_t f) { return 90 * std::sin(pi * double(f) / double(frames)) - 20; }  // cm/s
double coil(index_t y, index_t x) { return 0.03 * double(x) - 0.05 * double(y) + 1; }
double background(index_t y, index_t x) {
  const double u = analysis::detail::coordinate(x, nx), v = analysis::detail::coordinate(y, ny);
  return 0.1 + 0.15 * u - 0.08 * v + 0.03 * u * v;
}

struct scene {
  host_tensor<C, 4> encoded = make_tensor<C>(host{}, shape<4>{{frames, 1, ny, nx}});
  host_tensor<C, 4> reference = make_tensor<C>(host{}, shape<4>{{frames, 1, ny, nx}});
  scene(double venc, bool with_background, double noise) {
    for (index_t f = 0; f < frames; ++f)
      for (index_t y = 0; y < ny; ++y)
        for (index_t x = 0; x < nx; ++x) {
          const double v = vessel(y, x) ? flow(f) : 0;
          const double b = with_background ? background(y, x) : 0;
          const auto at = static_cast<std::uint64_t>((f * ny + y) * nx + x);
          const auto n = random::normal(7, at), m = random::normal(8, at);
          encoded(f, 0, y, x) = turn(100, coil(y, x) + pi * v / venc + b) +
                                C(float(noise * n.real()), float(noise * n.imag()));
          reference(f, 0, y, x) =
              turn(100, coil(y, x)) + C(float(noise * m.real()), float(noise * m.imag()));
        }
  }
};

}  // namespace

TEST_CASE("velocity is VENC times the phase difference over pi") {
  const scene s(150, false, 0);
  const auto r = analysis::velocity(host{}, s.encoded, s.reference, velocity_options{150, -1});
  for (index_t f = 0; f < frames; ++f)
    for (index_t y = 0; y < ny; ++y)
      for (index_t x = 0; x < nx; ++x) {
        const double expected = vessel(y, x) ? flow(f) : 0;
        CHECK(std::abs(r.velocity(f, 0, y, x) - expected) < 1e-3);
      }
  // phase differences instead of two images; a mask
  const auto difference = make_tensor<C>(host{}, shape_of(s.encoded));
  for (std::size_t i = 0; i < difference.size(); ++i)
    difference.data()[i] = conj_mul(s.reference.data()[i], s.encoded.data()[i]);
  const auto mask = zeros<std::uint8_t>(host{}, shape<3>{{1, ny, nx}});
  mask(0, 20, 40) = 1;
  const auto d =
      analysis::velocity(host{}, difference, host_tensor<C, 4>{}, velocity_options{150, -1}, mask);
  CHECK(d.velocity(3, 0, 20, 40) == doctest::Approx(flow(3)).epsilon(1e-5));
  CHECK(d.velocity(3, 0, 20, 41) == 0);
}

TEST_CASE("the background of still tissue goes, the flow stays") {
  const scene s(120, true, 2);
  const velocity_options o{120, 2};
  const auto r = analysis::velocity(host{}, s.encoded, s.reference, o);
  const double expected[] = {0.1, 0.15, 0, -0.08, 0.03, 0};
  for (int t = 0; t < 6; ++t) CHECK(std::abs(r.background(0, t) - expected[t]) < 3e-3);
  for (index_t f = 0; f < frames; ++f) {
    double inside = 0, outside = 0, n = 0, m = 0;
    for (index_t y = 0; y < ny; ++y)
      for (index_t x = 0; x < nx; ++x)
        if (vessel(y, x)) {
          inside += r.velocity(f, 0, y, x);
          ++n;
        } else {
          outside += r.velocity(f, 0, y, x);
          ++m;
        }
    CHECK(std::abs(inside / n - flow(f)) < 0.5);
    CHECK(std::abs(outside / m) < 0.1);
  }
  // told which tissue is still
  const auto still = zeros<std::uint8_t>(host{}, shape<3>{{1, ny, nx}});
  for (index_t y = 0; y < ny; ++y)
    for (index_t x = 0; x < nx; ++x) still(0, y, x) = !vessel(y, x) && y % 2 == 0;
  const auto told =
      analysis::velocity(host{}, s.encoded, s.reference, o, host_tensor<std::uint8_t, 3>{}, still);
  for (int t = 0; t < 6; ++t) CHECK(std::abs(told.background(0, t) - expected[t]) < 3e-3);
}

TEST_CASE("PSIR restores the sign") {
  const auto images = make_tensor<C>(host{}, shape<4>{{2, 1, ny, nx}});
  const auto reference = make_tensor<C>(host{}, shape<4>{{1, 1, ny, nx}});
  const auto truth = [](index_t f, index_t y, index_t x) {
    return (vessel(y, x) ? 60.0 : -40.0) + 10.0 * double(f);
  };
  for (index_t y = 0; y < ny; ++y)
    for (index_t x = 0; x < nx; ++x) {
      reference(0, 0, y, x) = turn(200, coil(y, x));
      for (index_t f = 0; f < 2; ++f) images(f, 0, y, x) = turn(truth(f, y, x), coil(y, x));
    }
  for (const double sigma : {0.0, 1.0}) {
    psir_options o;
    o.sigma = sigma;
    const auto p = analysis::psir(host{}, images, reference, o);
    o.normalise = true;
    const auto q = analysis::psir(host{}, images, reference, o);
    for (index_t f = 0; f < 2; ++f)
      for (index_t y = 0; y < ny; ++y)
        for (index_t x = 0; x < nx; ++x) {
          // smoothing turns the phase at the edges by a few hundredths, and cos does not mind
          CHECK(p(f, 0, y, x) == doctest::Approx(truth(f, y, x)).epsilon(5e-3));
          CHECK(q(f, 0, y, x) == doctest::Approx(truth(f, y, x) / 200).epsilon(1e-2));
        }
  }
}

TEST_CASE("input that does not fit is told") {
  const auto images = zeros<C>(host{}, shape<4>{{2, 1, 8, 8}});
  const auto other = zeros<C>(host{}, shape<4>{{2, 1, 8, 9}});
  const velocity_options none{0, -1}, high{100, 9}, some{100, 1};
  CHECK_THROWS_AS(analysis::psir(host{}, images, other), shape_error);
  CHECK_THROWS_AS(analysis::velocity(host{}, images, other, some), shape_error);
  CHECK_THROWS_WITH(analysis::velocity(host{}, images, images, none),
                    doctest::Contains("expected a finite VENC above 0, found 0"));
  CHECK_THROWS_WITH(analysis::velocity(host{}, images, images, high), doctest::Contains("found 9"));
  CHECK_THROWS_WITH(analysis::velocity(host{}, images, images, some),
                    doctest::Contains("pixels of still tissue"));
}
