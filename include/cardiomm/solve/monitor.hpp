// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_SOLVE_MONITOR_HPP
#define CARDIOMM_SOLVE_MONITOR_HPP
/// \file
/// What a solver tells while it runs and when it has ended.

#include <functional>
#include <limits>
#include <vector>

#include "cardiomm/core/config.hpp"

namespace cardiomm::inline CARDIOMM_ABI::solve {

/// State after some iterations. Solvers bring it to the host only when somebody listens.
struct progress {
  int iteration = 0;    ///< iterations done
  int iterations = 0;   ///< iterations asked for
  double residual = 0;  ///< largest |b - A x| / |b| of the systems, or what the solver says it is
  /// Largest |last step| / |x| of the systems; not a number unless a criterion asked for it.
  double change = std::numeric_limits<double>::quiet_NaN();
  /// What is minimised, up to a constant; not a number unless it was asked for.
  double objective = std::numeric_limits<double>::quiet_NaN();
  double seconds = 0;  ///< since the start of the solver
};

/// Called every few iterations; returning false ends the solver early.
using monitor = std::function<bool(const progress&)>;

/// How a solver ended.
struct report {
  int iterations = 0;            ///< iterations done
  bool converged = false;        ///< the tolerance was reached by all systems, or a criterion met
  bool interrupted = false;      ///< the monitor asked to stop
  bool breakdown = false;        ///< a direction with <p, A p> <= 0: A is not positive definite
  std::vector<double> residual;  ///< |b - A x| / |b| of each system (recurrence value)
};

}  // namespace cardiomm::inline CARDIOMM_ABI::solve

#endif
