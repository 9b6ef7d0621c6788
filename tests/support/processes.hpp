// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_PROCESSES_HPP
#define CARDIOMM_TESTS_PROCESSES_HPP
/// \file
/// The processes that a test was started with.

#include "cardiomm/dist/communicator.hpp"

namespace cardiomm_tests {

/// MPI can be started once only.
inline const cardiomm::dist::communicator& world() {
  static const cardiomm::dist::environment processes;
  return processes.world();
}

}  // namespace cardiomm_tests

#endif
