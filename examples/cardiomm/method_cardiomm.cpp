// SPDX-License-Identifier: Apache-2.0
/// \file
/// `recon --method cardiomm` in float.

#include "network_run.hpp"

namespace program {

template void run_network<float>(const recon_command&, const recon_inputs&, const common_options&);

}  // namespace program
