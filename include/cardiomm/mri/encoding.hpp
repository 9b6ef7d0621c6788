// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_ENCODING_HPP
#define CARDIOMM_MRI_ENCODING_HPP
/// \file
/// The Cartesian encoding operator image (frame, slice, y, x) -> k-space (frame, slice, coil, y,
/// x): sampling * Fourier transform * coil sensitivities. The names are those of the types that
/// fused kernels recognise (linop/normal.hpp).

#include "cardiomm/linop/fourier.hpp"
#include "cardiomm/linop/sampling.hpp"
#include "cardiomm/linop/sensitivity.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// Whole readout lines measured, one set of maps: `line_mask(m) * fourier * sensitivity(s)`.
template <class T, ExecutionSpace Ex>
using line_encoding =
    linop::chain<linop::line_mask<T, Ex>, linop::fourier_op<T, 5, Ex>, linop::sensitivity<T, Ex>>;

/// Single samples measured, one set of maps.
template <class T, ExecutionSpace Ex>
using point_encoding =
    linop::chain<linop::point_mask<T, Ex>, linop::fourier_op<T, 5, Ex>, linop::sensitivity<T, Ex>>;

/// sampling * fourier * coils for any sampling and sensitivity operator.
template <class Sampling, class Coils>
auto encoding(const Sampling& sampling, const Coils& coils) {
  return sampling * linop::fourier * coils;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
