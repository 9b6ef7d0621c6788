// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_SUPPORT_SPACES_HPP
#define CARDIOMM_TESTS_SUPPORT_SPACES_HPP
/// \file
/// The space whose results the others are compared with.

#include "cardiomm/core/compat.hpp"

namespace cardiomm_tests {

#if defined(KOKKOS_ENABLE_SERIAL)
using reference_space = Kokkos::Serial;
#else  // a package may bring OpenMP only
using reference_space = Kokkos::DefaultHostExecutionSpace;
#endif

}  // namespace cardiomm_tests

#endif
