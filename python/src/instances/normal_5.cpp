// SPDX-License-Identifier: Apache-2.0
/// \file
/// The fused normal operator of images with 5 axes, compiled once for all files.

#include "cardiomm/linop/sensitivity.hpp"

template class cardiomm::linop::sense_line_normal<float, cardiomm::default_space, 5>;
