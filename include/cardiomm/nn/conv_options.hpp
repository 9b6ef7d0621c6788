// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_CONV_OPTIONS_HPP
#define CARDIOMM_NN_CONV_OPTIONS_HPP
/// \file
/// Options of convolutions, and their sizes padded to three spatial axes (z, y, x), as kernels and
/// back-ends take them. out[p] = sum_k w[k] in[p stride - padding + k dilation].

#include <array>

#include "cardiomm/core/error.hpp"
#include "cardiomm/nn/conv_geometry.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

namespace detail {
template <int D>
constexpr std::array<index_t, D> filled(index_t v) {
  std::array<index_t, D> a{};
  for (int d = 0; d < D; ++d) a[d] = v;
  return a;
}
}  // namespace detail

/// Options of convolutions with D spatial axes, slowest axis first: (z, y, x).
template <int D>
struct conv_options {
  std::array<index_t, D> kernel = detail::filled<D>(3);
  std::array<index_t, D> stride = detail::filled<D>(1);
  std::array<index_t, D> padding = detail::filled<D>(0);  ///< zeros on both sides
  std::array<index_t, D> dilation = detail::filled<D>(1);
  index_t groups = 1;  ///< in channels: depthwise
  bool bias = true;
  bool tf32 = false;  ///< on devices, float32 products may be rounded to 10 bits
  std::array<index_t, D> output_padding = detail::filled<D>(0);  ///< transposed convolutions only

  /// An odd kernel, the same along all axes, that keeps the size at stride 1.
  static conv_options same(index_t width, index_t dilated = 1) {
    require(width > 0 && width % 2 == 1, "conv: same: expected an odd kernel, found ", width);
    conv_options o;
    o.kernel = detail::filled<D>(width);
    o.dilation = detail::filled<D>(dilated);
    o.padding = detail::filled<D>(dilated * (width / 2));
    return o;
  }
};

/// Sizes of one convolution; copied into kernels.
struct conv_sizes {
  index_t items = 0;
  index_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1};
  index_t in_channels = 0, out_channels = 0, groups = 1;
  index_t kernel[3] = {1, 1, 1}, stride[3] = {1, 1, 1}, padding[3] = {0, 0, 0},
          dilation[3] = {1, 1, 1};

  KOKKOS_FORCEINLINE_FUNCTION index_t in_pixels() const { return items * in[0] * in[1] * in[2]; }
  KOKKOS_FORCEINLINE_FUNCTION index_t out_pixels() const {
    return items * out[0] * out[1] * out[2];
  }
  KOKKOS_FORCEINLINE_FUNCTION index_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  /// Channels of a group.
  KOKKOS_FORCEINLINE_FUNCTION index_t group_in() const { return in_channels / groups; }
  KOKKOS_FORCEINLINE_FUNCTION index_t group_out() const { return out_channels / groups; }
  index_t weights() const { return out_channels * group_in() * taps(); }
  /// Two axes are enough: planes along the first are as good as items.
  bool flat() const {
    return in[0] == out[0] && kernel[0] == 1 && padding[0] == 0 && stride[0] == 1;
  }
  /// The same along two axes, where `flat()`.
  conv_geometry plane() const {
    return {items * in[0], in[1],       in[2],       in_channels, out[1],    out[2],
            out_channels,  kernel[1],   kernel[2],   stride[1],   stride[2], padding[1],
            padding[2],    dilation[1], dilation[2], groups};
  }
  /// Outputs [begin, end) along an axis whose input at tap k exists.
  KOKKOS_FORCEINLINE_FUNCTION void reach(int axis, index_t k, index_t& begin, index_t& end) const {
    const index_t shift = padding[axis] - k * dilation[axis];
    begin = shift > 0 ? (shift + stride[axis] - 1) / stride[axis] : 0;
    const index_t room = in[axis] + shift;
    end = room > 0 ? (room + stride[axis] - 1) / stride[axis] : 0;
    if (end > out[axis]) end = out[axis];
    if (begin > end) begin = end;
  }

  friend bool operator==(const conv_sizes& a, const conv_sizes& b) {
    bool same = a.items == b.items && a.in_channels == b.in_channels &&
                a.out_channels == b.out_channels && a.groups == b.groups;
    for (int d = 0; d < 3; ++d)
      same = same && a.in[d] == b.in[d] && a.out[d] == b.out[d] && a.kernel[d] == b.kernel[d] &&
             a.stride[d] == b.stride[d] && a.padding[d] == b.padding[d] &&
             a.dilation[d] == b.dilation[d];
    return same;
  }
};

/// Output size of a convolution along an axis; not positive where the kernel does not fit.
constexpr index_t conv_extent(index_t in, index_t kernel, index_t stride, index_t padding,
                              index_t dilation) {
  const index_t room = in + 2 * padding - dilation * (kernel - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}
/// Output size of a transposed convolution along an axis.
constexpr index_t conv_transpose_extent(index_t in, index_t kernel, index_t stride, index_t padding,
                                        index_t dilation, index_t output_padding) {
  return (in - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1;
}

namespace detail {

/// Throws value_error or shape_error, with one line, unless the options make sense.
template <int D>
void check_conv(const char* what, const conv_options<D>& o, index_t in, index_t out) {
  require<shape_error>(in > 0 && out > 0, what, ": expected at least one channel, found ", in,
                       " in and ", out, " out");
  require<shape_error>(o.groups > 0 && in % o.groups == 0 && out % o.groups == 0, what,
                       ": groups: expected a divisor of ", in, " in and ", out,
                       " out channels, found ", o.groups);
  for (int d = 0; d < D; ++d) {
    require(o.kernel[d] > 0, what, ": kernel: expected positive sizes, found ", o.kernel[d],
            " along axis ", d);
    require(o.stride[d] > 0, what, ": stride: expected positive numbers, found ", o.stride[d],
            " along axis ", d);
    require(o.padding[d] >= 0, what, ": padding: expected numbers of at least 0, found ",
            o.padding[d], " along axis ", d);
    require(o.dilation[d] > 0, what, ": dilation: expected positive numbers, found ", o.dilation[d],
            " along axis ", d);
    require(o.output_padding[d] >= 0 &&
                (o.output_padding[d] < o.stride[d] || o.output_padding[d] < o.dilation[d] ||
                 o.output_padding[d] == 0),
            what, ": output_padding: expected less than the stride ", o.stride[d],
            " or the dilation ", o.dilation[d], ", found ", o.output_padding[d], " along axis ", d);
  }
}

/// The geometry of features `in` (of the convolution's input) and `out`.
template <int D>
conv_sizes sizes_of(const conv_options<D>& o, const shape<D + 2>& in, const shape<D + 2>& out) {
  conv_sizes g;
  g.items = in[0];
  g.in_channels = in[D + 1];
  g.out_channels = out[D + 1];
  g.groups = o.groups;
  for (int d = 0; d < D; ++d) {
    const int a = 3 - D + d;
    g.in[a] = in[1 + d];
    g.out[a] = out[1 + d];
    g.kernel[a] = o.kernel[d];
    g.stride[a] = o.stride[d];
    g.padding[a] = o.padding[d];
    g.dilation[a] = o.dilation[d];
  }
  return g;
}

}  // namespace detail

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
