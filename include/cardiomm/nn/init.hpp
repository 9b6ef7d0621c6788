// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_INIT_HPP
#define CARDIOMM_NN_INIT_HPP
/// \file
/// First values of parameters, as the framework's rules of the same names. They belong to (seed,
/// stream), whatever the space or precision. Fans are those of extents (out, in, ...).

#include <cmath>

#include "cardiomm/core/random.hpp"
#include "cardiomm/nn/parameter.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn::init {

namespace detail {
template <class T>
struct uniform_kernel {
  static constexpr const char* name = "cardiomm::nn::init::uniform";
  T* x;
  double bound;
  std::uint64_t seed, stream;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i)
      x[i] = T(bound * (2 * random::unit(random::bits(seed, std::uint64_t(i), stream).w[0]) - 1));
  }
};
template <class T>
struct normal_kernel {
  static constexpr const char* name = "cardiomm::nn::init::normal";
  T* x;
  double mean, deviation;
  std::uint64_t seed, stream;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i)
      x[i] = T(mean + deviation * random::normal(seed, std::uint64_t(i), stream).real());
  }
};

struct fans {
  double in, out;
};
template <class T, ExecutionSpace Ex>
fans fans_of(const parameter<T, Ex>& p) {
  const auto& e = p.extents();
  require<shape_error>(e.size() >= 2, "init: expected a parameter (out, in, ...), found one of ",
                       e.size(), " extents");
  double field = 1;
  for (std::size_t d = 2; d < e.size(); ++d) field *= double(e[d]);
  return {double(e[1]) * field, double(e[0]) * field};
}
}  // namespace detail

/// All values alike.
template <class T, ExecutionSpace Ex>
void constant(const Ex& ex, const parameter<T, Ex>& p, double value) {
  Kokkos::deep_copy(ex, p.value(), T(value));
}
/// Uniform in (-bound, bound).
template <class T, ExecutionSpace Ex>
void uniform(const Ex& ex, const parameter<T, Ex>& p, double bound, std::uint64_t seed,
             std::uint64_t stream = 0) {
  launch::segments(ex, p.size(), detail::uniform_kernel<T>{p.data(), bound, seed, stream});
}
/// Normal numbers.
template <class T, ExecutionSpace Ex>
void normal(const Ex& ex, const parameter<T, Ex>& p, double mean, double deviation,
            std::uint64_t seed, std::uint64_t stream = 0) {
  launch::segments(ex, p.size(), detail::normal_kernel<T>{p.data(), mean, deviation, seed, stream});
}
/// Uniform within sqrt(6 / ((1 + a^2) fan_in)); a is the slope of the leaky relu that follows (He
/// et al., ICCV 2015).
template <class T, ExecutionSpace Ex>
void kaiming_uniform(const Ex& ex, const parameter<T, Ex>& p, double a, std::uint64_t seed,
                     std::uint64_t stream = 0) {
  uniform(ex, p, std::sqrt(6 / ((1 + a * a) * detail::fans_of(p).in)), seed, stream);
}
/// Normal of deviation sqrt(2 / ((1 + a^2) fan_in)).
template <class T, ExecutionSpace Ex>
void kaiming_normal(const Ex& ex, const parameter<T, Ex>& p, double a, std::uint64_t seed,
                    std::uint64_t stream = 0) {
  normal(ex, p, 0, std::sqrt(2 / ((1 + a * a) * detail::fans_of(p).in)), seed, stream);
}
/// Uniform within gain sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, AISTATS 2010).
template <class T, ExecutionSpace Ex>
void xavier_uniform(const Ex& ex, const parameter<T, Ex>& p, double gain, std::uint64_t seed,
                    std::uint64_t stream = 0) {
  const auto f = detail::fans_of(p);
  uniform(ex, p, gain * std::sqrt(6 / (f.in + f.out)), seed, stream);
}
/// Normal of deviation gain sqrt(2 / (fan_in + fan_out)).
template <class T, ExecutionSpace Ex>
void xavier_normal(const Ex& ex, const parameter<T, Ex>& p, double gain, std::uint64_t seed,
                   std::uint64_t stream = 0) {
  const auto f = detail::fans_of(p);
  normal(ex, p, 0, gain * std::sqrt(2 / (f.in + f.out)), seed, stream);
}
/// What the framework gives linear layers and convolutions: weight and bias uniform within
/// 1 / sqrt(fan_in of the weight). The bias may be an empty handle.
template <class T, ExecutionSpace Ex>
void framework(const Ex& ex, const parameter<T, Ex>& weight, const parameter<T, Ex>& bias,
               std::uint64_t seed) {
  kaiming_uniform(ex, weight, std::sqrt(5.0), seed, 0);
  if (bias) uniform(ex, bias, 1 / std::sqrt(detail::fans_of(weight).in), seed, 1);
}

}  // namespace cardiomm::inline CARDIOMM_ABI::nn::init

#endif
