// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_CENTRE_HPP
#define CARDIOMM_MRI_CENTRE_HPP
/// \file
/// Where the centre of k-space lies, and padding and cropping about it. The sample of frequency
/// zero of a line of length n has the index n / 2 (integer division), so the centred block of
/// length m starts at n / 2 - m / 2. Masks, calibration blocks and interpolation by zero filling
/// share this rule.

#include <algorithm>

#include "cardiomm/core/tensor.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// First index of the centred block of `length` samples in a line of `n`; negative if it is wider.
constexpr index_t centre_start(index_t n, index_t length) { return n / 2 - length / 2; }

namespace detail {

/// Copies the centred block that src and dst have in common along every axis.
template <class T, int R>
void copy_centre(const T* src, const shape<R>& from, T* dst, const shape<R>& to) {
  shape<R> block{}, at{};
  for (int d = 0; d < R; ++d) block[d] = std::min(from[d], to[d]);
  if (block.size() == 0) return;
  const index_t n = block[R - 1], rows = block.size() / n;
  for (index_t row = 0; row < rows; ++row) {
    index_t s = 0, t = 0;
    for (int d = 0; d < R; ++d) {
      s = s * from[d] + at[d] + centre_start(from[d], block[d]);
      t = t * to[d] + at[d] + centre_start(to[d], block[d]);
    }
    std::copy(src + s, src + s + n, dst + t);
    for (int d = R - 2; d >= 0 && ++at[d] == block[d]; --d) at[d] = 0;
  }
}

template <int Q, int R>
shape<Q> with_leading_ones(const shape<R>& s) {
  shape<Q> full{};
  for (int d = 0; d < Q; ++d) full[d] = d < Q - R ? 1 : s[d - (Q - R)];
  return full;
}

}  // namespace detail

/// A copy of host data with zeros around it. Missing leading axes of x count as extents of 1.
/// Throws shape_error if an axis would shrink.
template <TensorView V, int Q>
host_tensor<element_of<V>, Q> zero_pad(const V& x, const shape<Q>& size) {
  static_assert(Q >= rank_of<V>, "zero_pad: the new shape needs at least the axes of the data");
  const shape<Q> from = detail::with_leading_ones<Q>(shape_of(x));
  for (int d = 0; d < Q; ++d)
    require<shape_error>(size[d] >= from[d], "zero_pad: expected extents of at least ", from,
                         ", found ", size);
  auto out = zeros<element_of<V>>(host_space{}, size);
  detail::copy_centre<element_of<V>>(x.data(), from, out.data(), size);
  return out;
}

/// A copy of the centre of host data. Throws shape_error if an axis would grow or vanish.
template <TensorView V, int R>
host_tensor<element_of<V>, R> centre_crop(const V& x, const shape<R>& size) {
  static_assert(R == rank_of<V>, "centre_crop: the new shape needs the axes of the data");
  for (int d = 0; d < R; ++d)
    require<shape_error>(size[d] >= 1 && size[d] <= static_cast<index_t>(x.extent(d)),
                         "centre_crop: expected extents between 1 and ", shape_of(x), ", found ",
                         size);
  auto out = make_tensor<element_of<V>>(host_space{}, size);
  detail::copy_centre<element_of<V>>(x.data(), shape_of(x), out.data(), size);
  return out;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
