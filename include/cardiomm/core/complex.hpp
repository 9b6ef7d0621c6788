// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_CORE_COMPLEX_HPP
#define CARDIOMM_CORE_COMPLEX_HPP
/// \file
/// Complex numbers of kernels: Kokkos::complex with the few products that reconstruction needs.
/// Inner product everywhere: <x, y> = sum conj(x) y.

#include <Kokkos_Complex.hpp>
#include <complex>
#include <type_traits>

#include "cardiomm/core/compat.hpp"

namespace cardiomm::inline CARDIOMM_ABI {

template <class T>
using complex = Kokkos::complex<T>;

// std::complex, Kokkos::complex and T[2] are exchanged by pointer. The alignment is *not* asserted:
// it is 4 for complex<float> where Kokkos was built without COMPLEX_ALIGN.
static_assert(sizeof(complex<float>) == 8 && sizeof(complex<double>) == 16);

template <class C>
struct real_type_of {
  using type = C;
};
template <class T>
struct real_type_of<Kokkos::complex<T>> {
  using type = T;
};
template <class T>
struct real_type_of<std::complex<T>> {
  using type = T;
};
/// T for complex<T> (also const, std::complex), T for real T.
template <class C>
using real_of = typename real_type_of<std::remove_const_t<C>>::type;

template <class C>
inline constexpr bool is_complex = !std::is_same_v<real_of<C>, std::remove_const_t<C>>;

/// conj(a) * b
template <class T>
KOKKOS_FORCEINLINE_FUNCTION constexpr complex<T> conj_mul(const complex<T>& a,
                                                          const complex<T>& b) {
  return {a.real() * b.real() + a.imag() * b.imag(), a.real() * b.imag() - a.imag() * b.real()};
}

/// a * b by the plain formula; no NaN recovery as in std::complex.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION constexpr complex<T> mul(const complex<T>& a, const complex<T>& b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

/// |a|^2
template <class T>
KOKKOS_FORCEINLINE_FUNCTION constexpr T abs2(const complex<T>& a) {
  return a.real() * a.real() + a.imag() * a.imag();
}
KOKKOS_FORCEINLINE_FUNCTION constexpr float abs2(float a) { return a * a; }
KOKKOS_FORCEINLINE_FUNCTION constexpr double abs2(double a) { return a * a; }

}  // namespace cardiomm::inline CARDIOMM_ABI

#endif
