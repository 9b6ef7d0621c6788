// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_SOURCE_SPACE_HPP
#define CARDIOMM_TRAIN_SOURCE_SPACE_HPP
/// \file
/// Where sources of samples compute.

#include "cardiomm/core/concepts.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// The thread that calls, because several samples are made at once, each by one thread, while the
/// network has the processors. (Where Kokkos was built without Serial: the host's space.)
#ifdef KOKKOS_ENABLE_SERIAL
using source_space = Kokkos::Serial;
#else
using source_space = host_space;
#endif

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
