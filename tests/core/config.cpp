// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/core/config.hpp"

#include <doctest/doctest.h>

#include <string>

#include "cardiomm/core/compat.hpp"

TEST_CASE("the version's text is made of its numbers, and of the project's") {
  const std::string text = std::to_string(CARDIOMM_VERSION_MAJOR) + "." +
                           std::to_string(CARDIOMM_VERSION_MINOR) + "." +
                           std::to_string(CARDIOMM_VERSION_PATCH);
  CHECK(text == CARDIOMM_VERSION_STRING);
  CHECK(text == CARDIOMM_CMAKE_VERSION);
}

TEST_CASE("the Kokkos that CMake reported is the one that was compiled against") {
  const std::string text = std::to_string(cardiomm::compat::version_major) + "." +
                           std::to_string(cardiomm::compat::version_minor) + "." +
                           std::to_string(cardiomm::compat::version_patch);
  CHECK(text == CARDIOMM_CMAKE_KOKKOS);
}

TEST_CASE("the namespace carries the width of the lanes") {
  CHECK(CARDIOMM_LANE_BYTES == (CARDIOMM_HAS_XSIMD ? CARDIOMM_EXPECTED_LANE_BYTES : 0));
}
