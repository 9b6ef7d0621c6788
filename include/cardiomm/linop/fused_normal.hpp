// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_FUSED_NORMAL_HPP
#define CARDIOMM_LINOP_FUSED_NORMAL_HPP
/// \file
/// What normal operators that are one kernel share: they carry a multiple of the identity, so that
/// `gram(A) + rho * identity` stays one kernel, they hold the maps as packets in the order in which
/// tiles read them, and they can do a solver's vector work in the same sweep.

#include "cardiomm/core/tile.hpp"
#include "cardiomm/fft/filter.hpp"
#include "cardiomm/linop/gram.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

namespace detail {

/// Maps (plane, coil, y, x) as packets (plane, block of W columns, coil, y, re or im, column);
/// columns beyond nx are zero. Planes are sets times slices. With several `parts` the rows are in
/// the order of a filter's slots (fft/filter.hpp): parts of ny / parts rows, interleaved.
template <class T, int W>
struct pack_maps_kernel {
  static constexpr const char* name = "cardiomm::linop::pack_maps";
  const complex<T>* maps;
  T* packed;
  shape<4> m;
  index_t blocks, parts;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t slot = row % m[2], y = slot % parts * (m[2] / parts) + slot / parts;
    const index_t coil = row / m[2] % m[1], block = row / (m[2] * m[1]) % blocks,
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
tensor<T, 1, Ex> pack_maps(const Ex& ex, const view<const complex<T>, 5, Ex>& maps,
                           index_t parts = 1) {
  constexpr int W = launch::tile_width<T, Ex>;
  const shape<5> m = shape_of(maps);
  const index_t blocks = column_blocks<T, Ex>(m[4]), rows = m[0] * m[1] * blocks * m[2] * m[3];
  auto packed = make_tensor<T>(ex, shape{rows * 2 * W}, "cardiomm::linop::packed_maps");
  launch::rows(ex, rows, W,
               pack_maps_kernel<T, W>{maps.data(), packed.data(),
                                      shape<4>{{m[0] * m[1], m[2], m[3], m[4]}}, blocks, parts});
  return packed;
}

/// Masks (frame, y) as weights of a transform along y and back: divided by ny, DC first.
template <class T, ExecutionSpace Ex>
host_tensor<T, 2> weights_of_mask(const tensor<T, 2, Ex>& mask) {
  const index_t frames = static_cast<index_t>(mask.extent(0)),
                ny = static_cast<index_t>(mask.extent(1));
  const auto lines = to_host(mask);
  auto weights = make_tensor<T>(host_space(), shape{frames, ny}, "cardiomm::linop::weights");
  for (index_t f = 0; f < frames; ++f)
    for (index_t k = 0; k < ny; ++k)
      weights(f, k) = lines(f, (k + ny / 2) % ny) / static_cast<T>(ny);
  return weights;
}

/// The transform along y and back between masks (frame, y) of k-space, with the radices that suit
/// the series of which they are some frames.
template <class T, ExecutionSpace Ex>
std::shared_ptr<const fft::line_filter<T, Ex>> filter_of_mask(const tensor<T, 2, Ex>& mask,
                                                              const tensor<T, 2, Ex>& series) {
  const auto weights = weights_of_mask<T, Ex>(mask);
  const auto radices = fft::detail::filter_radices<T>(
      series.data() == mask.data() ? weights : weights_of_mask<T, Ex>(series));
  return std::make_shared<const fft::line_filter<T, Ex>>(Ex(), weights, radices);
}

/// A sum in double of packets (hosts) or numbers (devices); a few at a time in their own precision.
template <class L>
class packet_sum {
  using T = typename lane_traits<L>::real;
  static constexpr int W = lane_traits<L>::width, most = 8;

 public:
  KOKKOS_FORCEINLINE_FUNCTION void add(const L& v) {
    part_ = part_ + v;
    if (++count_ == most) flush();
  }
  KOKKOS_FORCEINLINE_FUNCTION double total() {
    flush();
    double sum = 0;
    for (int i = 0; i < W; ++i) sum += sum_[i];
    return sum;
  }

 private:
  KOKKOS_FORCEINLINE_FUNCTION void flush() {
    T part[W];
    lane_traits<L>::store(part, part_);
    for (int i = 0; i < W; ++i) sum_[i] += double(part[i]);
    part_ = L(T(0));
    count_ = 0;
  }
  double sum_[W] = {};
  L part_ = L(T(0));
  int count_ = 0;
};

}  // namespace detail

/// The vector work of conjugate gradients that an operator can do while it passes over its input:
/// q = A p and the parts of <p, q>; before them x += alpha p and p = r + beta p if `x` is given.
/// Factors of zero stand for vectors that are not read. `planes` neighbouring planes (frame, slice)
/// are one system.
template <class C>
struct cg_sweep {
  C* x = nullptr;
  C* p = nullptr;
  const C* r = nullptr;
  const double* alpha = nullptr;  ///< (system), on the space of the operator
  const double* beta = nullptr;   ///< (system)
  double* partial = nullptr;      ///< `sweep_partials(shape)` numbers, systems one after the other
  index_t planes = 0;
};

/// Operators with the sweep built in; `sweeps(batch_axes)` tells for which systems.
template <class A>
concept SweepsCG = OperatorLike<A> &&
    requires(const A& a, const typename A::execution_space& ex,
             const cg_sweep<typename A::value_type>& s, range_out<A> q, domain_shape<A> d) {
  a.apply_sweep(ex, s, q);
  { a.sweep_partials(d) } -> std::convertible_to<index_t>;
  { a.sweeps(1) } -> std::convertible_to<bool>;
};

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
