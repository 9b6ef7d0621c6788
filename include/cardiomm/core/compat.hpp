// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_CORE_COMPAT_HPP
#define CARDIOMM_CORE_COMPAT_HPP
/// \file
/// The only file that looks at KOKKOS_VERSION: what changed between Kokkos 3.4 and 5.x.

#include <Kokkos_Core.hpp>
#include <cstdint>
#if KOKKOS_VERSION < 30700
#include <Kokkos_MathematicalFunctions.hpp>
#endif

#include "cardiomm/core/config.hpp"

namespace cardiomm::inline CARDIOMM_ABI {

/// Mathematical functions that work on hosts and devices (they were experimental before 3.7).
namespace math {
#if KOKKOS_VERSION < 30700
using Kokkos::Experimental::atan2;
using Kokkos::Experimental::cos;
using Kokkos::Experimental::exp;
using Kokkos::Experimental::floor;
using Kokkos::Experimental::log;
using Kokkos::Experimental::pow;
using Kokkos::Experimental::sin;
using Kokkos::Experimental::sqrt;
#else
using Kokkos::atan2;
using Kokkos::cos;
using Kokkos::exp;
using Kokkos::floor;
using Kokkos::log;
using Kokkos::pow;
using Kokkos::sin;
using Kokkos::sqrt;
#endif
}  // namespace math

namespace compat {

/// Rank of a View: an enumerator, a constant or a constexpr member, depending on the version.
template <class View>
inline constexpr int rank_of = static_cast<int>(View::rank);

template <class View>
inline constexpr bool is_view = Kokkos::is_view<View>::value;

template <class Space>
inline constexpr bool is_execution_space = Kokkos::is_execution_space<Space>::value;

/// Kokkos version as "5.2.2".
inline constexpr int version_major = KOKKOS_VERSION / 10000;
inline constexpr int version_minor = KOKKOS_VERSION / 100 % 100;
inline constexpr int version_patch = KOKKOS_VERSION % 100;

/// Identifier of an execution space instance; 0 for spaces that have one instance only.
template <class Space>
std::uint32_t instance_id(const Space& ex) {
  return ex.impl_instance_id();
}

/// Threads of an execution space instance. (OpenMP of 4.x makes an instance to answer, which
/// allocates, unless it is given one.)
template <class Space>
int concurrency(const Space& ex) {
  if constexpr (requires { ex.concurrency(ex); })
    return ex.concurrency(ex);
  else
    return ex.concurrency();
}

/// Kokkos::initialize with a number of host threads; 0 leaves the choice to Kokkos.
inline void initialize(int threads) {
#if KOKKOS_VERSION < 30700
  Kokkos::InitArguments arguments;
  if (threads > 0) arguments.num_threads = threads;
  Kokkos::initialize(arguments);
#else
  Kokkos::InitializationSettings settings;
  if (threads > 0) settings.set_num_threads(threads);
  Kokkos::initialize(settings);
#endif
}

}  // namespace compat
}  // namespace cardiomm::inline CARDIOMM_ABI

#endif
