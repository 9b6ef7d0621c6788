// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_CORE_TENSOR_HPP
#define CARDIOMM_CORE_TENSOR_HPP
/// \file
/// Tensors are Kokkos Views with LayoutRight, on every back-end: x, the readout, is contiguous.
/// `tensor` owns its memory (shared), `view` borrows it and is what kernels and operators take.

#include <algorithm>
#include <string>
#include <type_traits>
#include <vector>

#include "cardiomm/core/concepts.hpp"
#include "cardiomm/core/error.hpp"
#include "cardiomm/core/pages.hpp"
#include "cardiomm/core/shape.hpp"

namespace cardiomm::inline CARDIOMM_ABI {

namespace detail {
template <class T, int R>
struct data_type {
  using type = typename data_type<T, R - 1>::type*;
};
template <class T>
struct data_type<T, 0> {
  using type = T;
};
}  // namespace detail

/// Reference-counted array of rank R in the memory of Space, row-major.
template <class T, int R, ExecutionSpace Space = default_space>
using tensor = Kokkos::View<typename detail::data_type<T, R>::type, Kokkos::LayoutRight,
                            typename Space::memory_space>;

/// The same without ownership; every tensor converts to it. T may be const.
template <class T, int R, ExecutionSpace Space = default_space>
using view = Kokkos::View<typename detail::data_type<T, R>::type, Kokkos::LayoutRight,
                          typename Space::memory_space, Kokkos::MemoryTraits<Kokkos::Unmanaged>>;

/// A tensor in host memory.
template <class T, int R>
using host_tensor = tensor<T, R, host_space>;
template <class T, int R>
using host_view = view<T, R, host_space>;

/// Rank of a tensor type.
template <TensorView V>
inline constexpr int rank_of = compat::rank_of<std::remove_cvref_t<V>>;

/// Element type without const.
template <TensorView V>
using element_of = typename std::remove_cvref_t<V>::non_const_value_type;

/// Execution space that belongs to the memory of a tensor.
template <TensorView V>
using space_of = typename std::remove_cvref_t<V>::execution_space;

/// Extents of a tensor.
template <TensorView V>
KOKKOS_INLINE_FUNCTION shape<rank_of<V>> shape_of(const V& v) {
  shape<rank_of<V>> s{};
  for (int i = 0; i < rank_of<V>; ++i) s[i] = static_cast<index_t>(v.extent(i));
  return s;
}

namespace detail {
template <int R>
Kokkos::LayoutRight layout_of(const shape<R>& s) {
  Kokkos::LayoutRight layout;
  for (int i = 0; i < R; ++i) {
    require<shape_error>(s[i] >= 0, "tensor: expected extents of at least 0, found ", s);
    layout.dimension[i] = static_cast<std::size_t>(s[i]);
  }
  return layout;
}
}  // namespace detail

/// New tensor with undefined contents.
template <class T, ExecutionSpace Space, int R>
tensor<T, R, Space> make_tensor(const Space& ex, const shape<R>& s,
                                const std::string& label = "cardiomm::tensor") {
  (void)ex;
  tensor<T, R, Space> t(Kokkos::view_alloc(Kokkos::WithoutInitializing, label),
                        detail::layout_of(s));
  if constexpr (std::is_same_v<typename Space::memory_space, Kokkos::HostSpace>)
    detail::prefer_large_pages(t.data(), t.size() * sizeof(T));
  return t;
}

namespace detail {
/// One kernel for all ranks: Kokkos's own fill has one for each, which every unit would compile.
template <class T>
struct clear_kernel {
  T* data;
  KOKKOS_FUNCTION void operator()(index_t i) const { data[i] = T(0); }
};
}  // namespace detail

/// New tensor of zeros (ordered on `ex`).
template <class T, ExecutionSpace Space, int R>
tensor<T, R, Space> zeros(const Space& ex, const shape<R>& s,
                          const std::string& label = "cardiomm::tensor") {
  auto t = make_tensor<T>(ex, s, label);
  Kokkos::parallel_for("cardiomm::zeros",
                       Kokkos::RangePolicy<Space, Kokkos::IndexType<index_t>>(ex, 0, s.size()),
                       detail::clear_kernel<T>{t.data()});
  return t;
}

/// New tensor with the elements of a host's vector; waits for them.
template <class T, ExecutionSpace Space>
tensor<T, 1, Space> upload(const Space& ex, const std::vector<T>& values,
                           const std::string& label = "cardiomm::tensor") {
  auto t = make_tensor<T>(ex, shape<1>{{static_cast<index_t>(values.size())}}, label);
  if constexpr (Kokkos::SpaceAccessibility<Kokkos::HostSpace,
                                           typename Space::memory_space>::accessible)
    std::copy(values.begin(), values.end(), t.data());
  else
    Kokkos::deep_copy(t, host_view<const T, 1>(values.data(), values.size()));
  return t;
}

/// Borrowed view of other memory with the given extents.
template <class T, ExecutionSpace Space, int R>
view<T, R, Space> borrow(const Space&, T* data, const shape<R>& s) {
  return view<T, R, Space>(data, detail::layout_of(s));
}

/// The i-th sub-tensor along the leading axis, borrowed.
template <TensorView V>
requires(rank_of<V> > 1) auto slice(const V& v, index_t i) {
  using T = typename V::value_type;
  shape<rank_of<V> - 1> s{};
  for (int d = 0; d + 1 < rank_of<V>; ++d) s[d] = static_cast<index_t>(v.extent(d + 1));
  return view<T, rank_of<V> - 1, space_of<V>>(v.data() + i * s.size(), detail::layout_of(s));
}

/// The same elements with other extents, borrowed. Throws shape_error if the counts differ.
template <TensorView V, int R>
view<typename V::value_type, R, space_of<V>> reshape(const V& v, const shape<R>& s) {
  require<shape_error>(s.size() == static_cast<index_t>(v.size()), "reshape: expected ", v.size(),
                       " elements, found ", s);
  return view<typename V::value_type, R, space_of<V>>(v.data(), detail::layout_of(s));
}

/// All elements as a vector, borrowed.
template <TensorView V>
auto flatten(const V& v) {
  return reshape(v, shape<1>{{static_cast<index_t>(v.size())}});
}

/// Copies between tensors of equal shape, possibly of different memory; waits for the result.
template <TensorView Dst, TensorView Src>
void copy(const Dst& dst, const Src& src) {
  require<shape_error>(shape_of(dst) == shape_of(src), "copy: expected ", shape_of(dst), ", found ",
                       shape_of(src));
  Kokkos::deep_copy(dst, src);
}

/// A new tensor with the same contents.
template <ExecutionSpace Space, TensorView V>
tensor<element_of<V>, rank_of<V>, Space> clone(const Space& ex, const V& v) {
  auto t = make_tensor<element_of<V>>(ex, shape_of(v));
  Kokkos::deep_copy(ex, t, v);
  return t;
}

/// The tensor in the memory of `Space`; the same object if it is there already.
template <ExecutionSpace Space, TensorView V>
tensor<element_of<V>, rank_of<V>, Space> to_space(const Space& ex, const V& v) {
  if constexpr (std::is_convertible_v<V, tensor<element_of<V>, rank_of<V>, Space>> &&
                !V::memory_traits::is_unmanaged)
    return v;
  else {
    auto t = make_tensor<element_of<V>>(ex, shape_of(v));
    Kokkos::deep_copy(t, v);
    return t;
  }
}

/// The tensor in host memory; the same object if it is there already.
template <TensorView V>
host_tensor<element_of<V>, rank_of<V>> to_host(const V& v) {
  return to_space(host_space{}, v);
}

}  // namespace cardiomm::inline CARDIOMM_ABI

#endif
