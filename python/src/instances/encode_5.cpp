// SPDX-License-Identifier: Apache-2.0
/// \file
/// The fused encoding of images with 5 axes, compiled once for all files.

#include "cardiomm/linop/sensitivity.hpp"

template class cardiomm::linop::detail::encode_pair<float, cardiomm::default_space, 5>;
