// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_HOST_EXCHANGE_HPP
#define CARDIOMM_HOST_EXCHANGE_HPP
/// \file
/// xtensor in and out: `to_tensor` and `to_xtensor` copy, `borrow` does not. xtensor's types stop
/// here; operators, solvers and layers see tensors only.

#include <algorithm>
#include <cstdint>

#include "cardiomm/core/tensor.hpp"
#include "cardiomm/host/xtensor_paths.hpp"

namespace cardiomm::inline CARDIOMM_ABI::host {

namespace detail {
template <class T>
struct kernel_value {
  using type = T;
};
template <class T>
struct kernel_value<std::complex<T>> {
  using type = complex<T>;
};
/// std::complex becomes the complex number of kernels.
template <class T>
using kernel_value_t = typename kernel_value<std::remove_const_t<T>>::type;

template <class T>
struct host_value {
  using type = T;
};
template <class T>
struct host_value<Kokkos::complex<T>> {
  using type = std::complex<T>;
};
template <class T>
using host_value_t = typename host_value<std::remove_const_t<T>>::type;

template <int R, class X>
shape<R> shape_of(const X& x, const char* what) {
  require<shape_error>(x.dimension() == static_cast<std::size_t>(R), what, ": expected ", R,
                       " axes, found ", x.dimension());
  shape<R> s{};
  for (int i = 0; i < R; ++i) s[i] = static_cast<index_t>(x.shape()[static_cast<std::size_t>(i)]);
  return s;
}

template <class X>
inline constexpr int static_rank_of =
    static_cast<int>(std::tuple_size<typename std::remove_cvref_t<X>::shape_type>::value);

template <class X>
concept FixedRank = requires {
  std::tuple_size<typename std::remove_cvref_t<X>::shape_type>::value;
};
}  // namespace detail

/// Evaluates an xtensor expression of R axes into a tensor of the space (one copy to it).
/// Throws shape_error if the rank differs.
template <int R, ExecutionSpace Ex, class X>
auto to_tensor(const Ex& ex, const X& expression) {
  using T = detail::kernel_value_t<typename X::value_type>;
  const auto s = detail::shape_of<R>(expression, "to_tensor");
  auto host = make_tensor<T>(host_space{}, s, "cardiomm::host::to_tensor");
  T* out = host.data();
  for (auto it = expression.template begin<xt::layout_type::row_major>(),
            end = expression.template end<xt::layout_type::row_major>();
       it != end; ++it) {
    const typename X::value_type v = *it;
    if constexpr (is_complex<T>)
      *out++ = T(v.real(), v.imag());
    else
      *out++ = v;
  }
  return to_space(ex, host);
}

/// The same where the type says how many axes there are.
template <ExecutionSpace Ex, class X>
requires detail::FixedRank<X>
auto to_tensor(const Ex& ex, const X& expression) {
  return to_tensor<detail::static_rank_of<X>>(ex, expression);
}

/// A copy of a tensor of any space as a row-major xt::xtensor; complex values are std::complex.
template <TensorView V>
auto to_xtensor(const V& values) {
  using T = detail::host_value_t<element_of<V>>;
  constexpr std::size_t rank = static_cast<std::size_t>(rank_of<V>);
  const auto host = to_host(values);
  std::array<std::size_t, rank> s{};
  for (std::size_t i = 0; i < rank; ++i) s[i] = host.extent(i);
  xt::xtensor<T, rank, xt::layout_type::row_major> x(s);
  const auto* in = host.data();
  for (auto it = x.storage().begin(); it != x.storage().end(); ++it, ++in) {
    if constexpr (is_complex<element_of<V>>)
      *it = T(in->real(), in->imag());
    else
      *it = *in;
  }
  return x;
}

/// A host view of the memory of an xtensor container of R axes, without a copy; the container has
/// to outlive it. Throws shape_error if the rank differs or the memory is not row-major and
/// contiguous, value_error if it is not aligned as complex numbers of kernels need it.
template <int R, class X>
requires(!std::is_const_v<X>) auto borrow(X& container) {
  using T = detail::kernel_value_t<typename X::value_type>;
  const auto s = detail::shape_of<R>(container, "borrow");
  index_t expected = 1;
  for (int i = R; i-- > 0;) {
    const auto stride = static_cast<index_t>(container.strides()[static_cast<std::size_t>(i)]);
    // the stride of an axis of length one is never used, and xtensor stores 0 there
    require<shape_error>(s[i] <= 1 || stride == expected,
                         "borrow: expected row-major contiguous memory, found stride ", stride,
                         " instead of ", expected, " on axis ", i, " of ", s);
    expected *= s[i];
  }
  auto* data = container.data() + container.data_offset();
  require(reinterpret_cast<std::uintptr_t>(data) % alignof(T) == 0,
          "borrow: expected memory aligned to ", alignof(T), " bytes, found ",
          reinterpret_cast<std::uintptr_t>(data) % alignof(T), " bytes beyond that");
  return cardiomm::borrow(host_space{}, reinterpret_cast<T*>(data), s);
}
/// The same where the type says how many axes there are.
template <class X>
requires(detail::FixedRank<X> && !std::is_const_v<X>) auto borrow(X& container) {
  return borrow<detail::static_rank_of<X>>(container);
}
/// A temporary would be gone before the view is used.
template <int R, class X>
requires(!std::is_lvalue_reference_v<X>) void borrow(X&& container) = delete;
template <class X>
requires(!std::is_lvalue_reference_v<X>) void borrow(X&& container) = delete;

}  // namespace cardiomm::inline CARDIOMM_ABI::host

#endif
