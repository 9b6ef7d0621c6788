// SPDX-License-Identifier: Apache-2.0
/// \file
/// Transforms over 1 of the axes, compiled once for all files (CARDIOMM_EXTERN_INSTANCES).

#include "cardiomm/fft/plan.hpp"

template class cardiomm::fft::plan<float, 1, cardiomm::default_space>;
