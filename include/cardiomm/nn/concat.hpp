// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_CONCAT_HPP
#define CARDIOMM_NN_CONCAT_HPP
/// \file
/// Features side by side along their channels, and apart again, which is the adjoint:
///
///     nn::concat(ex, a, b, y);        // y = [a, b]
///     nn::split(ex, dy, da, db);      // [da, db] = dy; either may be null

#include "cardiomm/nn/concept.hpp"
#include "cardiomm/nn/packets.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

namespace detail {
/// Copies `width` channels of every pixel; rows are pixels.
template <class V, ExecutionSpace Ex>
struct copy_channels {
  static constexpr const char* name = "cardiomm::nn::copy_channels";
  const V* from;
  V* to;
  index_t from_pitch, to_pitch;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    using T = real_of<V>;
    constexpr index_t each = is_complex<V> ? 2 : 1;
    const T* p = reinterpret_cast<const T*>(from + row * from_pitch);
    T* q = reinterpret_cast<T*>(to + row * to_pitch);
    packets<T, Ex>(each * first, each * last, [&](auto tag, index_t c) {
      using traits = lane_traits<typename decltype(tag)::type>;
      traits::store(q + c, traits::load(p + c));
    });
  }
};
/// The shape of [a, b]. Throws shape_error unless all extents but the channels are equal.
template <int R>
shape<R> joined(const shape<R>& a, const shape<R>& b) {
  for (int i = 0; i + 1 < R; ++i)
    require<shape_error>(a[i] == b[i], "concat: expected features that differ in channels only, ",
                         "found ", a, " and ", b);
  shape<R> y = a;
  y[R - 1] += b[R - 1];
  return y;
}
}  // namespace detail

/// y = [a, b] along the channels. Throws shape_error if the shapes do not fit.
template <ExecutionSpace Ex, TensorView A, TensorView B, TensorView Y>
void concat(const Ex& ex, const A& a, const B& b, const Y& y) {
  using V = element_of<Y>;
  constexpr int R = rank_of<Y>;
  const auto s = detail::joined(shape_of(a), shape_of(b));
  require<shape_error>(shape_of(y) == s, "concat: expected a result of ", s, ", found ",
                       shape_of(y));
  if (s.size() == 0) return;
  const index_t c = s[R - 1], pixels = s.size() / c;
  const index_t n = static_cast<index_t>(a.extent(R - 1));
  launch::rows(ex, pixels, n, detail::copy_channels<V, Ex>{a.data(), y.data(), n, c});
  launch::rows(ex, pixels, c - n, detail::copy_channels<V, Ex>{b.data(), y.data() + n, c - n, c});
}

/// [a, b] = y along the channels; a part whose data() is null is left out, its extents count.
/// Throws shape_error if the shapes do not fit.
template <ExecutionSpace Ex, TensorView Y, TensorView A, TensorView B>
void split(const Ex& ex, const Y& y, const A& a, const B& b) {
  using V = element_of<Y>;
  constexpr int R = rank_of<Y>;
  const auto s = detail::joined(shape_of(a), shape_of(b));
  require<shape_error>(shape_of(y) == s, "split: expected features of ", s, ", found ",
                       shape_of(y));
  if (s.size() == 0) return;
  const index_t c = s[R - 1], pixels = s.size() / c;
  const index_t n = static_cast<index_t>(a.extent(R - 1));
  if (a.data()) launch::rows(ex, pixels, n, detail::copy_channels<V, Ex>{y.data(), a.data(), c, n});
  if (b.data())
    launch::rows(ex, pixels, c - n, detail::copy_channels<V, Ex>{y.data() + n, b.data(), c, c - n});
}

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
