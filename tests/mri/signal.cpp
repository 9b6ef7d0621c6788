// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/mri/signal.hpp"

#include <doctest/doctest.h>

using namespace cardiomm;

namespace {

constexpr double pi = 3.14159265358979323846;

/// The steady state by repetition: pulse about x (of alternating sign), precession, relaxation.
complex<double> bloch(const mri::relaxation_times& r, double tr, double flip, double phase,
                      bool spoil) {
  double m[3] = {0, 0, r.density};
  const auto relax = [&](double t, double turn) {
    const double e1 = std::exp(-t / r.t1), e2 = std::exp(-t / r.t2);
    const double x = m[0], y = m[1];
    m[0] = e2 * (x * std::cos(turn) - y * std::sin(turn));
    m[1] = e2 * (x * std::sin(turn) + y * std::cos(turn));
    m[2] = r.density + (m[2] - r.density) * e1;
  };
  complex<double> echo;
  for (int k = 0; k < 6000; ++k) {
    const double a = spoil || k % 2 == 0 ? flip : -flip;
    const double y = m[1], z = m[2];
    m[1] = y * std::cos(a) + z * std::sin(a);
    m[2] = z * std::cos(a) - y * std::sin(a);
    if (spoil) {
      echo = complex<double>(m[0], m[1]);
      relax(tr, 0);
      m[0] = m[1] = 0;
    } else {
      relax(tr / 2, phase / 2);
      echo = complex<double>(m[0], m[1]);
      relax(tr / 2, phase / 2);
    }
  }
  return echo;
}

}  // namespace

TEST_CASE("steady states are those of Bloch's equations") {
  for (const double t2 : {40.0, 250.0})
    for (const double degrees : {15.0, 60.0}) {
      const mri::relaxation_times r{900, t2, .8};
      const double a = degrees * pi / 180;
      for (const double phase : {0.0, .6, 2.0, 3.0, 4.4}) {
        const auto truth = bloch(r, 4, a, phase, false);
        const auto s = mri::balanced_steady_state(r, 4, a, phase);
        CHECK(std::hypot(s.real(), s.imag()) ==
              doctest::Approx(std::hypot(truth.real(), truth.imag())).epsilon(1e-6));
        // relative to resonance the phase is the same, up to the pulse's sign
        const auto zero = mri::balanced_steady_state(r, 4, a, 0);
        const auto bloch_zero = bloch(r, 4, a, 0, false);
        const auto p = conj_mul(zero, s), q = conj_mul(bloch_zero, truth);
        const double turn = std::atan2(p.imag(), p.real()) - std::atan2(q.imag(), q.real());
        CHECK(std::fabs(std::sin(turn)) < 1e-6);
        CHECK(std::cos(turn) > 0);
      }
      const double e1 = std::exp(-4 / r.t1), e2 = std::exp(-4 / r.t2);
      const auto s = mri::balanced_steady_state(r, 4, a, 0);
      CHECK(std::hypot(s.real(), s.imag()) ==
            doctest::Approx(.8 * std::sin(a) * (1 - e1) / (1 - (e1 - e2) * std::cos(a) - e1 * e2) *
                            std::sqrt(e2)));
      const auto spoiled = bloch(r, 10, a, 0, true);
      CHECK(mri::spoiled_gradient_echo(r, 10, 0, a, 30) ==
            doctest::Approx(std::hypot(spoiled.real(), spoiled.imag())).epsilon(1e-9));
    }
}

TEST_CASE("the Ernst angle gives most, inversion nulls at its time") {
  const mri::relaxation_times r{700, 60, 1};
  const double best = mri::ernst_angle(r.t1, 12);
  for (const double other : {.98, 1.02})
    CHECK(mri::spoiled_gradient_echo(r, 12, 2, best, 30) >
          mri::spoiled_gradient_echo(r, 12, 2, other * best, 30));
  for (const double tr : {800.0, 3000.0}) {
    const double ti = mri::null_time(r.t1, tr);
    CHECK(mri::inversion_recovery(r, tr, ti) == doctest::Approx(0).epsilon(1e-12));
    CHECK(mri::inversion_recovery(r, tr, .9 * ti) < 0);
  }
  CHECK(mri::null_time(r.t1, 1e9) == doctest::Approx(r.t1 * std::log(2.0)));
  CHECK(mri::saturation_recovery(r, r.t1) == doctest::Approx(1 - std::exp(-1.0)));
  CHECK(mri::spin_echo(r, 1e9, 60) == doctest::Approx(std::exp(-1.0)));
  CHECK(mri::enhanced_t1(1000, .2, 5) == doctest::Approx(500));
}

TEST_CASE("relaxation times follow the field") {
  using mri::tissue;
  CHECK(mri::tissue_times(tissue::myocardium, 1.5).t1 == doctest::Approx(1030));
  CHECK(mri::tissue_times(tissue::myocardium, 3).t2 == doctest::Approx(45));
  for (int t = 1; t < static_cast<int>(tissue::count); ++t) {
    double before = 0;
    for (const double field : {.55, 1.0, 1.5, 2.0, 3.0, 5.0}) {
      const auto r = mri::tissue_times(static_cast<tissue>(t), field);
      CHECK(r.t1 >= before);
      CHECK(r.t2 > 0);
      CHECK(r.t2 < r.t1);
      before = r.t1;
    }
  }
  CHECK_THROWS_AS(mri::tissue_times(tissue::fat, 0), value_error);
}
