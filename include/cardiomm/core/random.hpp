// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_CORE_RANDOM_HPP
#define CARDIOMM_CORE_RANDOM_HPP
/// \file
/// Counter-based random numbers: the value belongs to (seed, stream, index), whatever the back-end,
/// the number of threads or the order. Generator: Philox 4x32-10 (Salmon et al., SC 2011). The
/// integers are identical everywhere; the normal numbers go through log, cos and sin and agree to
/// about 1e-6.

#include "cardiomm/core/launch.hpp"

namespace cardiomm::inline CARDIOMM_ABI::random {

/// Four random 32-bit words.
struct words {
  std::uint32_t w[4];
};

/// Philox 4x32 with 10 rounds: the words that belong to a counter and a key.
KOKKOS_INLINE_FUNCTION constexpr words philox(words counter, std::uint32_t key0,
                                              std::uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t(0xD2511F53u) * counter.w[0];
    const std::uint64_t p1 = std::uint64_t(0xCD9E8D57u) * counter.w[2];
    counter = {{std::uint32_t(p1 >> 32) ^ counter.w[1] ^ key0, std::uint32_t(p1),
                std::uint32_t(p0 >> 32) ^ counter.w[3] ^ key1, std::uint32_t(p0)}};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

/// The words of item `index` of a stream under a 64-bit seed.
KOKKOS_INLINE_FUNCTION constexpr words bits(std::uint64_t seed, std::uint64_t index,
                                            std::uint64_t stream = 0) {
  return philox({{std::uint32_t(index), std::uint32_t(index >> 32), std::uint32_t(stream),
                  std::uint32_t(stream >> 32)}},
                std::uint32_t(seed), std::uint32_t(seed >> 32));
}

/// Uniform in (0, 1), 32 bits of resolution.
KOKKOS_INLINE_FUNCTION constexpr double unit(std::uint32_t w) {
  return (double(w) + 0.5) * (1.0 / 4294967296.0);
}

/// Two independent standard normal numbers (Box-Muller) as real and imaginary part.
KOKKOS_INLINE_FUNCTION complex<double> normal(std::uint64_t seed, std::uint64_t index,
                                              std::uint64_t stream = 0) {
  const words b = bits(seed, index, stream);
  const double u = unit(b.w[0]), v = 6.283185307179586476925 * unit(b.w[1]);
  const double r = math::sqrt(-2 * math::log(u));
  return {r * math::cos(v), r * math::sin(v)};
}

namespace detail {
template <class C>
struct fill_normal {
  static constexpr const char* name = "cardiomm::random::fill_normal";
  C* x;
  std::uint64_t seed, stream;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      const complex<double> z = normal(seed, std::uint64_t(i), stream);
      if constexpr (is_complex<C>)
        x[i] = C(real_of<C>(z.real()), real_of<C>(z.imag()));
      else
        x[i] = C(z.real());
    }
  }
};
template <class T>
struct fill_uniform {
  static constexpr const char* name = "cardiomm::random::fill_uniform";
  T* x;
  std::uint64_t seed, stream;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i)
      x[i] = T(unit(bits(seed, std::uint64_t(i), stream).w[0]));
  }
};
}  // namespace detail

/// Fills a tensor with standard normal numbers (unit variance of each real component).
template <ExecutionSpace Ex, TensorView V>
void fill_normal(const Ex& ex, const V& x, std::uint64_t seed, std::uint64_t stream = 0) {
  launch::segments(ex, static_cast<index_t>(x.size()),
                   detail::fill_normal<element_of<V>>{x.data(), seed, stream});
}

/// Fills a real tensor with numbers uniform in (0, 1).
template <ExecutionSpace Ex, TensorView V>
void fill_uniform(const Ex& ex, const V& x, std::uint64_t seed, std::uint64_t stream = 0) {
  launch::segments(ex, static_cast<index_t>(x.size()),
                   detail::fill_uniform<element_of<V>>{x.data(), seed, stream});
}

}  // namespace cardiomm::inline CARDIOMM_ABI::random

#endif
