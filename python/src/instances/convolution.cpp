// SPDX-License-Identifier: Apache-2.0
/// \file
/// Convolutions, compiled once for all files (CARDIOMM_EXTERN_INSTANCES).

#include "cardiomm/nn/conv_engine.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn::conv_engine {
CARDIOMM_CONV_INSTANCES(template, float, default_space)
}
