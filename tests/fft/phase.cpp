// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/fft/phase.hpp"

#include <doctest/doctest.h>

#include <complex>
#include <vector>

#include "cardiomm/fft/spec.hpp"

using namespace cardiomm;
using number = std::complex<long double>;

TEST_CASE("folded phases turn the uncentred transform into the centred one, for every parity") {
  for (index_t n = 1; n <= 17; ++n) {
    const index_t c = n / 2;
    std::vector<number> x;
    for (index_t j = 0; j < n; ++j) x.emplace_back(0.3L + 0.1L * j * j, 1.0L - 0.2L * j);
    long double worst = 0;
    for (index_t k = 0; k < n; ++k) {
      number centred = 0, folded = 0;
      for (index_t j = 0; j < n; ++j) {
        const long double turn = 2 * 3.141592653589793238462643L / static_cast<long double>(n);
        centred += x[j] * std::polar(1.0L, -turn * static_cast<long double>((j - c) * (k - c)));
        folded += x[j] * fft::image_phase(n, j) *
                  std::polar(1.0L, -turn * static_cast<long double>(j * k));
      }
      worst = std::max(worst, std::abs(centred - fft::kspace_phase(n, k) * folded));
    }
    CHECK(worst < 1e-15L * 500);
  }
}

TEST_CASE("the phases of even lengths are signs") {
  for (const index_t n : {2, 4, 6, 8, 162, 208})
    for (index_t j = 0; j < n; ++j) {
      CHECK(fft::image_phase(n, j) == number(j % 2 ? -1 : 1, 0));
      CHECK(fft::kspace_phase(n, j) == number((j - n / 2) % 2 ? -1 : 1, 0));
    }
}

TEST_CASE("specs know their sizes, their norm and what they refuse") {
  fft::spec<2> what{shape<2>{{6, 8}}};
  what.inner = 3;
  CHECK(what.points() == 48);
  CHECK(what.numbers() == 144);
  CHECK(what.scale() == doctest::Approx(1 / std::sqrt(48.0)));
  fft::spec<2> other = what;
  CHECK(what.key() == other.key());
  other.direction = fft::direction::inverse;
  CHECK(what.key() != other.key());
  other.lengths[1] = 0;
  CHECK_THROWS_AS(other.check(), value_error);
}
