// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_CORE_LANE_HPP
#define CARDIOMM_CORE_LANE_HPP
/// \file
/// A lane packet: several real numbers that one instruction handles. On hosts it is an xsimd batch
/// of the widest instruction set of the translation unit, on devices (and without xsimd) the number
/// itself. Kernels written over `lane<T, Space>` serve both.

#include "cardiomm/core/concepts.hpp"
#include "cardiomm/core/shape.hpp"
#if CARDIOMM_HAS_XSIMD
#include <xsimd/xsimd.hpp>
#endif

namespace cardiomm::inline CARDIOMM_ABI {

namespace detail {
template <class T, class Space>
struct lane_of {
#if CARDIOMM_HAS_XSIMD
  using type = std::conditional_t<
      Kokkos::SpaceAccessibility<Kokkos::HostSpace, typename Space::memory_space>::accessible,
      xsimd::batch<T>, T>;
#else
  using type = T;
#endif
};
}  // namespace detail

/// xsimd::batch<T> on hosts, T on devices.
template <class T, ExecutionSpace Space>
using lane = typename detail::lane_of<T, Space>::type;

/// Operations on a packet type L. The general case is the plain number.
template <class L>
struct lane_traits {
  using real = L;
  static constexpr int width = 1;
  KOKKOS_FORCEINLINE_FUNCTION static L load(const real* p) { return *p; }
  KOKKOS_FORCEINLINE_FUNCTION static void store(real* p, L v) { *p = v; }
  KOKKOS_FORCEINLINE_FUNCTION static L fma(L a, L b, L c) { return a * b + c; }
  KOKKOS_FORCEINLINE_FUNCTION static L sqrt(L a) { return math::sqrt(a); }
  KOKKOS_FORCEINLINE_FUNCTION static L max(L a, L b) { return a < b ? b : a; }
  KOKKOS_FORCEINLINE_FUNCTION static real sum(L a) { return a; }
  /// Result of a comparison; `&`, `|` and `!` work on it.
  using mask = bool;
  KOKKOS_FORCEINLINE_FUNCTION static L exp(L a) { return math::exp(a); }
  KOKKOS_FORCEINLINE_FUNCTION static L select(mask m, L a, L b) { return m ? a : b; }
  KOKKOS_FORCEINLINE_FUNCTION static bool any(mask m) { return m; }
};

#if CARDIOMM_HAS_XSIMD
template <class T, class A>
struct lane_traits<xsimd::batch<T, A>> {
  using L = xsimd::batch<T, A>;
  using real = T;
  static constexpr int width = static_cast<int>(L::size);
  KOKKOS_FORCEINLINE_FUNCTION static L load(const T* p) { return L::load_unaligned(p); }
  KOKKOS_FORCEINLINE_FUNCTION static void store(T* p, const L& v) { v.store_unaligned(p); }
  KOKKOS_FORCEINLINE_FUNCTION static L fma(const L& a, const L& b, const L& c) {
    return xsimd::fma(a, b, c);
  }
  KOKKOS_FORCEINLINE_FUNCTION static L sqrt(const L& a) { return xsimd::sqrt(a); }
  KOKKOS_FORCEINLINE_FUNCTION static L max(const L& a, const L& b) { return xsimd::max(a, b); }
  KOKKOS_FORCEINLINE_FUNCTION static T sum(const L& a) {
    T s = 0;
    T part[width];
    store(part, a);
    for (int i = 0; i < width; ++i) s += part[i];
    return s;
  }
  using mask = xsimd::batch_bool<T, A>;
  KOKKOS_FORCEINLINE_FUNCTION static L exp(const L& a) { return xsimd::exp(a); }
  KOKKOS_FORCEINLINE_FUNCTION static L select(const mask& m, const L& a, const L& b) {
    return xsimd::select(m, a, b);
  }
  KOKKOS_FORCEINLINE_FUNCTION static bool any(const mask& m) { return xsimd::any(m); }
};
#endif

/// Numbers in a packet.
template <class T, ExecutionSpace Space>
inline constexpr int lane_width = lane_traits<lane<T, Space>>::width;

/// Name of the instruction set of the packets, for `info` and the benchmark context.
inline const char* lane_name() {
#if !CARDIOMM_HAS_XSIMD
  return "scalar (no xsimd)";
#elif defined(__AVX512F__)
  return "AVX-512";
#elif defined(__AVX2__)
  return "AVX2";
#elif defined(__AVX__)
  return "AVX";
#elif defined(__ARM_NEON)
  return "NEON";
#else
  return "SSE2";
#endif
}

}  // namespace cardiomm::inline CARDIOMM_ABI

#endif
