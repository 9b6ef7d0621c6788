// SPDX-License-Identifier: Apache-2.0
/// \file
/// `recon --method cardiomm` in double.

#include "network_run.hpp"

namespace program {

template void run_network<double>(const recon_command&, const recon_inputs&, const common_options&);

}  // namespace program
