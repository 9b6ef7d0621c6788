// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_FFT_TRANSFORM_HPP
#define CARDIOMM_FFT_TRANSFORM_HPP
/// \file
/// Free functions on tensors: fft, ifft, roll, fftshift, ifftshift.
///
///     auto k = fft::fft(ex, x);              // last two axes, centred, orthonormal
///     auto k = fft::fft(ex, x, {1, 3});      // these axes
///     fft::ifft(ex, k, x);                   // into x, which may be k

#include <vector>

#include "cardiomm/core/tensor.hpp"
#include "cardiomm/fft/cache.hpp"

namespace cardiomm::inline CARDIOMM_ABI::fft {

/// Axes of a tensor, counted from 0; negative ones from the end. Empty: the last two, or the only.
using axes = std::vector<int>;

namespace detail {

template <class Error = shape_error>
std::vector<int> checked_axes(const axes& list, int rank, const char* who) {
  std::vector<int> result = list;
  if (result.empty())
    for (int a = rank > 1 ? rank - 2 : 0; a < rank; ++a) result.push_back(a);
  std::vector<bool> seen(static_cast<std::size_t>(rank), false);
  for (int& a : result) {
    const int given = a;
    if (a < 0) a += rank;
    require<Error>(0 <= a && a < rank, who, ": axes: expected -", rank, " to ", rank - 1,
                   ", found ", given);
    require<Error>(!seen[static_cast<std::size_t>(a)], who, ": axes: found ", given, " twice");
    seen[static_cast<std::size_t>(a)] = true;
  }
  return result;
}

template <class T, ExecutionSpace Ex, TensorView X, TensorView Y>
void transform(const Ex& ex, direction way, const X& x, const Y& y, const axes& list, norm scaled,
               centering where) {
  constexpr int R = rank_of<X>;
  const std::vector<int> chosen = checked_axes(list, R, "fft");
  const shape<R> s = shape_of(x);
  require<shape_error>(s == shape_of(y), "fft: expected an output of shape ", s, ", found ",
                       shape_of(y));
  if (s.size() == 0) return;
  const complex<T>* in = x.data();
  const auto inner_of = [&](int axis) {
    index_t n = 1;
    for (int d = axis + 1; d < R; ++d) n *= s[d];
    return n;
  };
  if (chosen.size() == 2 && chosen[1] == chosen[0] + 1) {
    const spec<2> what{shape<2>{{s[chosen[0]], s[chosen[1]]}}, way, scaled, where,
                       inner_of(chosen[1])};
    cached_plan<T>(ex, what)->execute(ex, s.size() / what.numbers(), in, y.data());
    return;
  }
  for (auto a = chosen.rbegin(); a != chosen.rend(); ++a) {
    const spec<1> what{shape<1>{{s[*a]}}, way, scaled, where, inner_of(*a)};
    cached_plan<T>(ex, what)->execute(ex, s.size() / what.numbers(), in, y.data());
    in = y.data();
  }
}

template <class C>
struct roll_kernel {
  static constexpr const char* name = "cardiomm::fft::roll";
  const C* in;
  C* out;
  index_t n, inner, by;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t o = row / n, j = row - o * n, to = j + by < n ? j + by : j + by - n;
    const C* x = in + row * inner;
    C* y = out + (o * n + to) * inner;
    for (index_t i = first; i < last; ++i) y[i] = x[i];
  }
};

}  // namespace detail

/// y = Fourier transform of x over `list`. Tensors of equal shape, the same or apart.
template <ExecutionSpace Ex, TensorView X, TensorView Y>
requires(is_complex<element_of<X>>) void fft(const Ex& ex, const X& x, const Y& y,
                                             const axes& list = {}, norm scaled = norm::orthonormal,
                                             centering where = centering::centred) {
  detail::transform<real_of<element_of<X>>>(ex, direction::forward, x, y, list, scaled, where);
}
/// The transform of x in a new tensor.
template <ExecutionSpace Ex, TensorView X>
requires(is_complex<element_of<X>>) auto fft(const Ex& ex, const X& x, const axes& list = {},
                                             norm scaled = norm::orthonormal,
                                             centering where = centering::centred) {
  auto y = make_tensor<element_of<X>>(ex, shape_of(x), "cardiomm::fft");
  fft(ex, x, y, list, scaled, where);
  return y;
}
/// y = inverse Fourier transform of x over `list` (exponent with +; norm::none divides by nothing).
template <ExecutionSpace Ex, TensorView X, TensorView Y>
requires(is_complex<element_of<X>>) void ifft(const Ex& ex, const X& x, const Y& y,
                                              const axes& list = {},
                                              norm scaled = norm::orthonormal,
                                              centering where = centering::centred) {
  detail::transform<real_of<element_of<X>>>(ex, direction::inverse, x, y, list, scaled, where);
}
/// The inverse transform of x in a new tensor.
template <ExecutionSpace Ex, TensorView X>
requires(is_complex<element_of<X>>) auto ifft(const Ex& ex, const X& x, const axes& list = {},
                                              norm scaled = norm::orthonormal,
                                              centering where = centering::centred) {
  auto y = make_tensor<element_of<X>>(ex, shape_of(x), "cardiomm::ifft");
  ifft(ex, x, y, list, scaled, where);
  return y;
}

/// A copy whose item i along `axis` moved to i + by (cyclic, by may be negative).
template <ExecutionSpace Ex, TensorView X>
tensor<element_of<X>, rank_of<X>, Ex> roll(const Ex& ex, const X& x, index_t by, int axis) {
  constexpr int R = rank_of<X>;
  const int a = detail::checked_axes({axis}, R, "roll")[0];
  const shape<R> s = shape_of(x);
  auto y = make_tensor<element_of<X>>(ex, s, "cardiomm::fft::roll");
  index_t inner = 1, n = s[a];
  for (int d = a + 1; d < R; ++d) inner *= s[d];
  if (s.size() == 0) return y;
  by = (by % n + n) % n;
  launch::rows(ex, s.size() / inner, inner,
               detail::roll_kernel<element_of<X>>{x.data(), y.data(), n, inner, by});
  return y;
}
/// Moves index 0 to n / 2 (rounded down) along `list`; empty: the last two axes.
template <ExecutionSpace Ex, TensorView X>
tensor<element_of<X>, rank_of<X>, Ex> fftshift(const Ex& ex, const X& x, const axes& list = {}) {
  auto y = clone(ex, x);
  for (int a : detail::checked_axes(list, rank_of<X>, "fftshift"))
    y = roll(ex, y, static_cast<index_t>(x.extent(a)) / 2, a);
  return y;
}
/// The inverse of fftshift: moves index n / 2 to 0.
template <ExecutionSpace Ex, TensorView X>
tensor<element_of<X>, rank_of<X>, Ex> ifftshift(const Ex& ex, const X& x, const axes& list = {}) {
  auto y = clone(ex, x);
  for (int a : detail::checked_axes(list, rank_of<X>, "ifftshift"))
    y = roll(ex, y, -(static_cast<index_t>(x.extent(a)) / 2), a);
  return y;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::fft

#endif
