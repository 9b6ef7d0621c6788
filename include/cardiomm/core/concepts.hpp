// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_CORE_CONCEPTS_HPP
#define CARDIOMM_CORE_CONCEPTS_HPP
/// \file
/// Concepts shared by all layers.

#include <concepts>
#include <type_traits>

#include "cardiomm/core/compat.hpp"
#include "cardiomm/core/complex.hpp"

namespace cardiomm::inline CARDIOMM_ABI {

/// Kokkos::Serial, Kokkos::OpenMP, Kokkos::Cuda, ...
template <class S>
concept ExecutionSpace = compat::is_execution_space<S>;

/// float, double or a complex number of them.
template <class T>
concept Scalar = std::floating_point<real_of<T>>;

/// A Kokkos View with LayoutRight of any rank.
template <class V>
concept TensorView = compat::is_view<std::remove_cvref_t<V>> &&
    std::same_as<typename std::remove_cvref_t<V>::array_layout, Kokkos::LayoutRight>;

/// The host space that library code uses for host-only work.
using host_space = Kokkos::DefaultHostExecutionSpace;
/// The space that operators use unless told otherwise.
using default_space = Kokkos::DefaultExecutionSpace;

}  // namespace cardiomm::inline CARDIOMM_ABI

#endif
