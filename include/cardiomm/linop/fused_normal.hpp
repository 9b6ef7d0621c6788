// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_FUSED_NORMAL_HPP
#define CARDIOMM_LINOP_FUSED_NORMAL_HPP
/// \file
/// What normal operators that are one kernel share: they carry a multiple of the identity, so that
/// `gram(A) + rho * identity` stays one kernel, and they hold the maps as packets in the order in
/// which tiles read them.

#include "cardiomm/core/tile.hpp"
#include "cardiomm/fft/stages.hpp"
#include "cardiomm/linop/gram.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

namespace detail {

/// Maps (plane, coil, y, x) as packets (plane, block of W columns, coil, y, re or im, column);
/// columns beyond nx are zero. Planes are sets times slices.
template <class T, int W>
struct pack_maps_kernel {
  static constexpr const char* name = "cardiomm::linop::pack_maps";
  const complex<T>* maps;
  T* packed;
  shape<4> m;
  index_t blocks;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t y = row % m[2], coil = row / m[2] % m[1], block = row / (m[2] * m[1]) % blocks,
                  plane = row / (m[2] * m[1] * blocks);
    const complex<T>* in = maps + ((plane * m[1] + coil) * m[2] + y) * m[3];
    for (index_t i = first; i < last; ++i) {
      const index_t x = block * W + i;
      const complex<T> v = x < m[3] ? in[x] : complex<T>(0);
      packed[row * 2 * W + i] = v.real();
      packed[row * 2 * W + W + i] = v.imag();
    }
  }
};

/// Blocks of W columns that cover nx.
template <class T, ExecutionSpace Ex>
constexpr index_t column_blocks(index_t nx) {
  return (nx + launch::tile_width<T, Ex> - 1) / launch::tile_width<T, Ex>;
}

/// Packets of maps (set, slice, coil, y, x), see pack_maps_kernel.
template <class T, ExecutionSpace Ex>
tensor<T, 1, Ex> pack_maps(const Ex& ex, const view<const complex<T>, 5, Ex>& maps) {
  constexpr int W = launch::tile_width<T, Ex>;
  const shape<5> m = shape_of(maps);
  const index_t blocks = column_blocks<T, Ex>(m[4]), rows = m[0] * m[1] * blocks * m[2] * m[3];
  auto packed = make_tensor<T>(ex, shape{rows * 2 * W}, "cardiomm::linop::packed_maps");
  launch::rows(ex, rows, W,
               pack_maps_kernel<T, W>{maps.data(), packed.data(),
                                      shape<4>{{m[0] * m[1], m[2], m[3], m[4]}}, blocks});
  return packed;
}

/// Mask (frame, y) of k-space as weights (frame, position) of a transform along y: mask / ny. DC is
/// at ny / 2 in the mask and first in the transform.
template <class T, ExecutionSpace Ex>
tensor<T, 2, Ex> weights_by_position(const tensor<T, 2, Ex>& mask, const fft::line<T, Ex>& line) {
  const index_t frames = static_cast<index_t>(mask.extent(0)), ny = line.length();
  const auto lines = to_host(mask);
  auto weights = make_tensor<T>(host_space(), shape{frames, ny}, "cardiomm::linop::weights");
  for (index_t f = 0; f < frames; ++f)
    for (index_t p = 0; p < ny; ++p)
      weights(f, p) = lines(f, (line.frequency(p) + ny / 2) % ny) / static_cast<T>(ny);
  return to_space(Ex(), weights);
}

}  // namespace detail

/// Base of A^H A + shift as one kernel.
template <class Self, class T, int Rank, ExecutionSpace Ex>
class fused_normal : public linear_operator<Self, T, Rank, Rank, Ex> {
  using base = linear_operator<Self, T, Rank, Rank, Ex>;

 public:
  static constexpr bool self_adjoint = true;

  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    static_cast<const Self&>(*this).apply(ex, y, x, acc);
  }
  /// The same operator with `s` more on its diagonal. Real, so that it stays self-adjoint.
  Self shifted(T s) const {
    Self copy = static_cast<const Self&>(*this);
    copy.shift_ += s;
    return copy;
  }
  T shift() const { return shift_; }

 private:
  friend Self;
  fused_normal() = default;
  T shift_ = 0;
};

template <class A>
concept FusedNormal = OperatorLike<A> && requires(const A& a, typename A::real_type s) {
  { a.shifted(s) } -> std::same_as<A>;
};

/// gram(A) + rho * identity in the same kernel.
template <class A, class S>
requires OperatorLike<A> && FusedNormal<A> && std::is_arithmetic_v<S>
auto operator+(const A& a, const scaled_identity_token<S>& rho) {
  return a.shifted(static_cast<typename A::real_type>(rho.factor));
}
template <class A, class S>
requires OperatorLike<A> && FusedNormal<A> && std::is_arithmetic_v<S>
auto operator+(const scaled_identity_token<S>& rho, const A& a) { return a + rho; }
template <class A>
requires OperatorLike<A> && FusedNormal<A>
auto operator+(const A& a, identity_token) { return a.shifted(1); }
template <class A>
requires OperatorLike<A> && FusedNormal<A>
auto operator+(identity_token, const A& a) { return a.shifted(1); }

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
