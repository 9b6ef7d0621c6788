// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_CARDIOMM_HPP
#define CARDIOMM_CARDIOMM_HPP
/// \file
/// Everything but file formats (io/), exchange with xtensor (host/) and processes (dist/), which need
/// other libraries. For users; the library and its tests include the headers that they need.

#include "cardiomm/analysis/mapping.hpp"
#include "cardiomm/analysis/phase.hpp"
#include "cardiomm/core/blas1.hpp"
#include "cardiomm/core/profile.hpp"
#include "cardiomm/core/random.hpp"
#include "cardiomm/core/runtime.hpp"
#include "cardiomm/fft/transform.hpp"
#include "cardiomm/la/cholesky.hpp"
#include "cardiomm/la/hermitian.hpp"
#include "cardiomm/la/least_squares.hpp"
#include "cardiomm/la/svd.hpp"
#include "cardiomm/linop/any.hpp"
#include "cardiomm/linop/check.hpp"
#include "cardiomm/linop/crop.hpp"
#include "cardiomm/linop/norm.hpp"
#include "cardiomm/linop/stack.hpp"
#include "cardiomm/linop/uniform.hpp"
#include "cardiomm/mri/calibrate.hpp"
#include "cardiomm/mri/coil_compress.hpp"
#include "cardiomm/mri/metrics.hpp"
#include "cardiomm/mri/prewhiten.hpp"
#include "cardiomm/mri/reconstruct.hpp"
#include "cardiomm/mri/simulate.hpp"
#include "cardiomm/solve/direct.hpp"

#endif
