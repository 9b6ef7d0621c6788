// SPDX-License-Identifier: Apache-2.0
/// \file
/// The transforms and the fused encoding, compiled once for all files of the binding
/// (CARDIOMM_EXTERN_INSTANCES): float on the default space.

#include "cardiomm/fft/plan.hpp"

template class cardiomm::fft::plan<float, CARDIOMM_PYTHON_AXES, cardiomm::default_space>;
