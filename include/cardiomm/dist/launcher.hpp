// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_DIST_LAUNCHER_HPP
#define CARDIOMM_DIST_LAUNCHER_HPP
/// \file
/// Whether the program was started by mpirun or the like, told from the environment, so that a
/// program that runs alone never touches MPI.

#include <cstdlib>
#include <string>

#include "cardiomm/core/config.hpp"

namespace cardiomm::inline CARDIOMM_ABI::dist {

/// True under a launcher of MPI programs: Open MPI, MPICH and its relatives, PMIx (Slurm).
inline bool launched() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "MV2_COMM_WORLD_SIZE"})
    if (std::getenv(name) != nullptr) return true;
  return false;
}

/// Processes that the launcher says it started; 1 without one, 0 where it does not say.
inline int launched_processes() {
  if (!launched()) return 1;
  for (const char* name :
       {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"})
    if (const char* text = std::getenv(name)) return std::atoi(text);
  return 0;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::dist

#endif
