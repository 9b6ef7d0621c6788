// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_CORE_SHAPE_HPP
#define CARDIOMM_CORE_SHAPE_HPP
/// \file
/// Extents of tensors. An extent may be `open`: an operator that does not fix it (a Fourier
/// transform fixes none) takes it from its neighbours or from the data.

#include <cstdint>
#include <string>

#include "cardiomm/core/config.hpp"

namespace cardiomm::inline CARDIOMM_ABI {

using index_t = std::int64_t;

/// Marks an extent that is not known yet.
inline constexpr index_t open = -1;

/// R extents, slowest axis first.
template <int R>
struct shape {
  static constexpr int rank = R;
  index_t extent[R > 0 ? R : 1];

  KOKKOS_FORCEINLINE_FUNCTION constexpr index_t& operator[](int i) { return extent[i]; }
  KOKKOS_FORCEINLINE_FUNCTION constexpr index_t operator[](int i) const { return extent[i]; }

  /// A shape whose extents are all open.
  static constexpr shape all_open() {
    shape s{};
    for (int i = 0; i < R; ++i) s.extent[i] = open;
    return s;
  }
  /// Number of elements; meaningful only when no extent is open.
  KOKKOS_INLINE_FUNCTION constexpr index_t size() const {
    index_t n = 1;
    for (int i = 0; i < R; ++i) n *= extent[i];
    return n;
  }
  constexpr bool resolved() const {
    for (int i = 0; i < R; ++i)
      if (extent[i] == open) return false;
    return true;
  }
  friend constexpr bool operator==(const shape& a, const shape& b) {
    for (int i = 0; i < R; ++i)
      if (a.extent[i] != b.extent[i]) return false;
    return true;
  }
};

template <class... I>
shape(I...) -> shape<static_cast<int>(sizeof...(I))>;

/// "(25, 1, 10, 208, 256)"; open extents print as "*".
template <int R>
std::string to_string(const shape<R>& s) {
  std::string text = "(";
  for (int i = 0; i < R; ++i) {
    if (i) text += ", ";
    text += s[i] == open ? std::string("*") : std::to_string(s[i]);
  }
  return text + (R == 1 ? ",)" : ")");
}

}  // namespace cardiomm::inline CARDIOMM_ABI

#endif
