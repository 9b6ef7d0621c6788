// SPDX-License-Identifier: Apache-2.0
/// \file
/// The fused encoding of images of rank CARDIOMM_PYTHON_RANK; see instances.cpp.

#include "cardiomm/linop/sensitivity.hpp"

template class cardiomm::linop::detail::encode_pair<float, cardiomm::default_space,
                                                    CARDIOMM_PYTHON_RANK>;
