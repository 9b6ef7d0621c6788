// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LA_LAPACK_HPP
#define CARDIOMM_LA_LAPACK_HPP
/// \file
/// The Fortran routines of LAPACK behind the host path, with the hidden lengths of their character
/// arguments. Complex arrays are passed as void*, so that no complex type is preferred.

#include <cstddef>

#include "cardiomm/core/config.hpp"

#if CARDIOMM_HAS_LAPACK
namespace cardiomm::inline CARDIOMM_ABI::la::lapack {

extern "C" {
void spotrf_(const char*, const int*, float*, const int*, int*, std::size_t);
void dpotrf_(const char*, const int*, double*, const int*, int*, std::size_t);
void cpotrf_(const char*, const int*, void*, const int*, int*, std::size_t);
void zpotrf_(const char*, const int*, void*, const int*, int*, std::size_t);
void ssyevd_(const char*, const char*, const int*, float*, const int*, float*, float*, const int*,
             int*, const int*, int*, std::size_t, std::size_t);
void dsyevd_(const char*, const char*, const int*, double*, const int*, double*, double*,
             const int*, int*, const int*, int*, std::size_t, std::size_t);
void cheevd_(const char*, const char*, const int*, void*, const int*, float*, void*, const int*,
             float*, const int*, int*, const int*, int*, std::size_t, std::size_t);
void zheevd_(const char*, const char*, const int*, void*, const int*, double*, void*, const int*,
             double*, const int*, int*, const int*, int*, std::size_t, std::size_t);
void sgesdd_(const char*, const int*, const int*, float*, const int*, float*, float*, const int*,
             float*, const int*, float*, const int*, int*, int*, std::size_t);
void dgesdd_(const char*, const int*, const int*, double*, const int*, double*, double*, const int*,
             double*, const int*, double*, const int*, int*, int*, std::size_t);
void cgesdd_(const char*, const int*, const int*, void*, const int*, float*, void*, const int*,
             void*, const int*, void*, const int*, float*, int*, int*, std::size_t);
void zgesdd_(const char*, const int*, const int*, void*, const int*, double*, void*, const int*,
             void*, const int*, void*, const int*, double*, int*, int*, std::size_t);
}

}  // namespace cardiomm::inline CARDIOMM_ABI::la::lapack
#endif

#endif
