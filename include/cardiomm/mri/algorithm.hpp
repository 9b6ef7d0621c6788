// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_ALGORITHM_HPP
#define CARDIOMM_MRI_ALGORITHM_HPP
/// \file
/// The solvers that recipes with a regulariser offer.

#include "cardiomm/core/config.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// How 1/2 |A x - y|^2 + R(x) is minimised.
enum class algorithm {
  fista,  ///< accelerated proximal gradients: fastest where the prox of R is cheap
  admm,   ///< splitting with inner conjugate gradients
  pdhg    ///< primal-dual steps
};

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
