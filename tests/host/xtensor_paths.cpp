// SPDX-License-Identifier: Apache-2.0
/// \file
/// One include serves every layout of xtensor's headers: containers, adaptors and evaluation.

#include "cardiomm/host/xtensor_paths.hpp"

#include <doctest/doctest.h>

#include <vector>

TEST_CASE("containers, adaptors and evaluation are there") {
  std::vector<double> data = {1, 2, 3, 4, 5, 6};
  const std::vector<std::size_t> extents = {2, 3};
  auto adapted = xt::adapt(data, extents);
  adapted(1, 2) = 60;
  CHECK(data[5] == 60);
  const xt::xtensor<double, 2> doubled = 2 * adapted;
  CHECK(doubled(0, 1) == 4);
  const xt::xarray<double> dynamic = adapted;
  CHECK(dynamic.dimension() == 2);
  const auto values = xt::eval(dynamic + doubled);
  CHECK(values(1, 2) == 180);
}
