// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_CORE_PROFILE_HPP
#define CARDIOMM_CORE_PROFILE_HPP
/// \file
/// Named regions that Kokkos Tools see.

#include <string>

#include "cardiomm/core/compat.hpp"

namespace cardiomm::inline CARDIOMM_ABI {

/// Opens a profiling region for the life of the object. (Kokkos::ScopedRegion is not in 3.4.)
class profile_region {
 public:
  explicit profile_region(const char* name) { Kokkos::Profiling::pushRegion(name); }
  ~profile_region() { Kokkos::Profiling::popRegion(); }
  profile_region(const profile_region&) = delete;
  profile_region& operator=(const profile_region&) = delete;
};

}  // namespace cardiomm::inline CARDIOMM_ABI

#endif
