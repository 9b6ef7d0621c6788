// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_CORE_CONFIG_HPP
#define CARDIOMM_CORE_CONFIG_HPP
/// \file
/// Version, feature macros and the inline ABI namespace. Every other header includes this one.
///
/// Feature macros (0 or 1, set by CMake on the target `cardiomm::cardiomm`, guessed here for users
/// who only add the include folder): CARDIOMM_HAS_XSIMD, CARDIOMM_HAS_FFTW, CARDIOMM_HAS_CUFFT,
/// CARDIOMM_HAS_HIPFFT, CARDIOMM_HAS_LAPACK.

#include <Kokkos_Macros.hpp>

#define CARDIOMM_VERSION_MAJOR 0
#define CARDIOMM_VERSION_MINOR 1
#define CARDIOMM_VERSION_PATCH 0
#define CARDIOMM_VERSION_STRING "0.1.0"

// A device compiler reads host headers too, and intrinsics do not survive that: lanes are one wide.
#if defined(__CUDACC__) || defined(__HIPCC__)
#undef CARDIOMM_HAS_XSIMD
#define CARDIOMM_HAS_XSIMD 0
#endif
#ifndef CARDIOMM_HAS_XSIMD
#if __has_include(<xsimd/xsimd.hpp>)
#define CARDIOMM_HAS_XSIMD 1
#else
#define CARDIOMM_HAS_XSIMD 0
#endif
#endif
#ifndef CARDIOMM_HAS_FFTW
#define CARDIOMM_HAS_FFTW 0  // a library has to be linked as well, so it is never guessed
#endif
#ifndef CARDIOMM_HAS_CUFFT
#define CARDIOMM_HAS_CUFFT 0
#endif
#ifndef CARDIOMM_HAS_HIPFFT
#define CARDIOMM_HAS_HIPFFT 0
#endif
#ifndef CARDIOMM_EXTERN_INSTANCES
#define CARDIOMM_EXTERN_INSTANCES 0  // 1: heavy templates are compiled elsewhere and linked
#endif
#ifndef CARDIOMM_HAS_LAPACK
#define CARDIOMM_HAS_LAPACK 0
#endif

// Two translation units built with different vector flags, or with differently aligned complex
// numbers, would silently share inline functions (ODR). The namespace name keeps them apart.
#if !CARDIOMM_HAS_XSIMD
#define CARDIOMM_LANE_BYTES 0
#define CARDIOMM_ABI_LANE l0
#elif defined(__AVX512F__)
#define CARDIOMM_LANE_BYTES 64
#define CARDIOMM_ABI_LANE l64
#elif defined(__AVX__)
#define CARDIOMM_LANE_BYTES 32
#define CARDIOMM_ABI_LANE l32
#else
#define CARDIOMM_LANE_BYTES 16
#define CARDIOMM_ABI_LANE l16
#endif
#ifdef KOKKOS_ENABLE_COMPLEX_ALIGN
#define CARDIOMM_ABI_COMPLEX aligned
#else
#define CARDIOMM_ABI_COMPLEX packed
#endif
#define CARDIOMM_ABI_JOIN2(a, b, c) a##_##b##_##c
#define CARDIOMM_ABI_JOIN(a, b, c) CARDIOMM_ABI_JOIN2(a, b, c)
/// Name of the inline namespace; headers open `namespace cardiomm::inline CARDIOMM_ABI::layer {`.
#define CARDIOMM_ABI CARDIOMM_ABI_JOIN(v0, CARDIOMM_ABI_LANE, CARDIOMM_ABI_COMPLEX)

#endif
