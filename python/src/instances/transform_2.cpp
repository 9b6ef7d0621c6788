// SPDX-License-Identifier: Apache-2.0
/// \file
/// Transforms over 2 of the axes, compiled once for all files (CARDIOMM_EXTERN_INSTANCES).

#include "cardiomm/fft/plan.hpp"

template class cardiomm::fft::plan<float, 2, cardiomm::default_space>;
