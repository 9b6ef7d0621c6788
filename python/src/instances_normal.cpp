// SPDX-License-Identifier: Apache-2.0
/// \file
/// The fused normal operator of images of rank CARDIOMM_PYTHON_RANK; see instances.cpp.

#include "cardiomm/linop/sensitivity.hpp"

template class cardiomm::linop::sense_line_normal<float, cardiomm::default_space,
                                                  CARDIOMM_PYTHON_RANK>;
