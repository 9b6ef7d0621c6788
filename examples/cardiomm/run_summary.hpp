// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_RUN_SUMMARY_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_RUN_SUMMARY_HPP
/// \file
/// All cases of `cardiomm run` one after the other, then scores and report.

#include "run_plan.hpp"

namespace program {

/// Writes RESULT. Throws cardiomm::error at the end if a case failed, interrupted after a signal.
void run_summary(const run_command& c, const folder_plan& plan, const common_options& common);

}  // namespace program

#endif
