// SPDX-License-Identifier: Apache-2.0
/// \file
/// Percentiles against numpy.percentile, whose values stand here.

#include "cardiomm/io/percentile.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

namespace cm = cardiomm;

TEST_CASE("percentiles are NumPy's, between order statistics on a line") {
  const std::vector<float> v = {7, -2, 3.5f, 11, 0, 4, 4, 1};
  const auto of = [&](double p) {
    return cm::io::percentile(v.data(), static_cast<cm::index_t>(v.size()), p);
  };
  CHECK(of(0) == -2);
  CHECK(of(10) == doctest::Approx(-0.6));
  CHECK(of(50) == doctest::Approx(3.75));
  CHECK(of(99.5) == doctest::Approx(10.86));
  CHECK(of(100) == 11);
}

TEST_CASE("percentiles leave out what is not finite; nothing at all gives 0") {
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> v = {nan, 2, inf, 4, -inf};
  CHECK(cm::io::percentile(v.data(), 5, 50) == 3);
  CHECK(cm::io::percentile(v.data() + 1, 1, 75) == 2);
  CHECK(cm::io::percentile(v.data(), 1, 50) == 0);
  CHECK(cm::io::percentile(v.data(), 0, 50) == 0);
}
