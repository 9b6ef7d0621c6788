// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_PACKETS_HPP
#define CARDIOMM_NN_PACKETS_HPP
/// \file
/// The channels of a pixel as lane packets. Networks have 12, 24, 36, 72 ... channels, so that the
/// last widest packet is rarely full: the rest is taken by halves and quarters before single
/// numbers.

#include "cardiomm/core/lane.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

namespace detail {
template <class L>
struct packet_tag {
  using type = L;
};
#if CARDIOMM_HAS_XSIMD
template <class T, int N>
using sized_packet = xsimd::make_sized_batch_t<T, N>;
#else
template <class T, int N>
using sized_packet = void;
#endif
}  // namespace detail

/// The function of single numbers that changes nothing.
struct same_value {
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION L value(const L& x, index_t) const {
    return x;
  }
};

/// f(tag, i) for packets that cover [first, last): `typename decltype(tag)::type` is the packet,
/// i its first number.
template <class T, ExecutionSpace Ex, class F>
KOKKOS_FORCEINLINE_FUNCTION void packets(index_t first, index_t last, const F& f) {
  using L = lane<T, Ex>;
  constexpr int W = lane_traits<L>::width;
  index_t i = first;
  for (; i + W <= last; i += W) f(detail::packet_tag<L>{}, i);
  if constexpr (W >= 8) {
    using H = detail::sized_packet<T, W / 2>;
    if constexpr (!std::is_void_v<H>) {
      if (i + W / 2 <= last) {
        f(detail::packet_tag<H>{}, i);
        i += W / 2;
      }
    }
  }
  if constexpr (W >= 16) {
    using Q = detail::sized_packet<T, W / 4>;
    if constexpr (!std::is_void_v<Q>) {
      if (i + W / 4 <= last) {
        f(detail::packet_tag<Q>{}, i);
        i += W / 4;
      }
    }
  }
  if constexpr (W > 1)
    for (; i < last; ++i) f(detail::packet_tag<T>{}, i);
}

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
