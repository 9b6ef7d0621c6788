// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_CONV_HPP
#define CARDIOMM_NN_CONV_HPP
/// \file
/// Convolutions along one, two or three axes, as layers: stride, padding by zeros, dilation, groups
/// (depthwise: as many groups as channels). As everywhere in networks they are correlations:
/// y[p, o] = bias[o] + sum over (c, k) of weight[o, c, k] x[p stride - padding + k dilation, c].
///
///     nn::conv<float, 2, Ex> a(ex, 10, 64);                            // 3 x 3, keeps the size
///     nn::conv<float, 2, Ex> b(ex, 64, 64, {.stride = {2, 2}, .padding = {1, 1}, .bias = false});

#include "cardiomm/linop/concept.hpp"
#include "cardiomm/nn/column_sum.hpp"
#include "cardiomm/nn/concept.hpp"
#include "cardiomm/nn/conv_engine.hpp"
#include "cardiomm/nn/init.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

namespace detail {

/// Weight and bias of convolutions, in the order (first, second, kernel...).
template <class T, int D, ExecutionSpace Ex>
parameter<T, Ex> conv_weight(const Ex& ex, index_t first, index_t second,
                             const conv_options<D>& o) {
  std::vector<index_t> extents{first, second};
  extents.insert(extents.end(), o.kernel.begin(), o.kernel.end());
  return parameter<T, Ex>(ex, extents);
}
/// Options with the kernel (and whether there is a bias) of given parameters.
template <class T, int D, ExecutionSpace Ex>
conv_options<D> conv_options_of(const char* what, const parameter<T, Ex>& weight,
                                const parameter<T, Ex>& bias, index_t channels, conv_options<D> o) {
  const auto& e = weight.extents();
  for (int d = 0; d < D; ++d) o.kernel[d] = e[2 + d];
  o.bias = static_cast<bool>(bias);
  require<shape_error>(!bias || bias.size() == channels, what, ": bias: expected ", channels,
                       " values, found ", o.bias ? bias.size() : 0);
  return o;
}
template <class T, int D, ExecutionSpace Ex>
const parameter<T, Ex>& checked_weight(const char* what, const parameter<T, Ex>& weight) {
  const std::size_t rank = weight ? weight.extents().size() : 0;
  require<shape_error>(rank == D + 2, what, ": weight: expected ", D + 2, " extents, found ", rank);
  return weight;
}
template <int D>
conv_options<D> convolution_only(const conv_options<D>& o) {
  for (int d = 0; d < D; ++d)
    require(o.output_padding[d] == 0,
            "conv: output_padding: expected 0, it belongs to transposed convolutions, found ",
            o.output_padding[d]);
  return o;
}

}  // namespace detail

/// A convolution with D spatial axes on features (item, spatial..., channel). Parameters: "weight"
/// (out, in / groups, [z, [y,]] x) and, unless switched off, "bias" (out).
template <class T, int D = 2, ExecutionSpace Ex = default_space>
class conv : public layer<conv<T, D, Ex>, T, D + 2, D + 2, Ex> {
  static_assert(D >= 1 && D <= 3, "cardiomm: conv: one, two or three spatial axes");

 public:
  using base = layer<conv, T, D + 2, D + 2, Ex>;
  static constexpr const char* name = "conv";

  /// First values are uniform within 1 / sqrt(in / groups * kernel), and belong to the seed.
  conv(const Ex& ex, index_t in, index_t out,
       const conv_options<D>& options = conv_options<D>::same(3), std::uint64_t seed = 0)
      : options_(detail::convolution_only(options)), in_(in), out_(out) {
    detail::check_conv(name, options_, in, out);
    weight_ = detail::conv_weight<T, D>(ex, out, in / options_.groups, options_);
    if (options_.bias) bias_ = parameter<T, Ex>(ex, {out});
    init::framework(ex, weight_, bias_, seed);
  }
  /// With given parameters, shared with their other users. The kernel's size is the weight's; the
  /// bias may be empty.
  conv(parameter<T, Ex> weight, parameter<T, Ex> bias, const conv_options<D>& options = {})
      : options_(detail::conv_options_of(name, detail::checked_weight<T, D, Ex>(name, weight), bias,
                                         weight.extents()[0], detail::convolution_only(options))),
        in_(weight.extents()[1] * options.groups),
        out_(weight.extents()[0]),
        weight_(std::move(weight)),
        bias_(std::move(bias)) {
    detail::check_conv(name, options_, in_, out_);
  }

  const conv_options<D>& options() const { return options_; }
  index_t in_channels() const { return in_; }
  index_t out_channels() const { return out_; }
  const parameter<T, Ex>& weight() const { return weight_; }
  /// An empty handle where there is none.
  const parameter<T, Ex>& bias() const { return bias_; }

  shape<D + 2> output(const shape<D + 2>& x) const {
    require<shape_error>(x[D + 1] == in_, "conv: expected ", in_, " channels, found features ", x);
    shape<D + 2> y = x;
    y[D + 1] = out_;
    for (int d = 0; d < D; ++d) {
      y[1 + d] = conv_extent(x[1 + d], options_.kernel[d], options_.stride[d], options_.padding[d],
                             options_.dilation[d]);
      require<shape_error>(y[1 + d] > 0, "conv: expected at least ",
                           options_.dilation[d] * (options_.kernel[d] - 1) + 1,
                           " pixels, padding included, along axis ", d, ", found features ", x,
                           " and a padding of ", options_.padding[d]);
    }
    return y;
  }

  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y) const {
    forward_fused(ex, x, y, same_value{});
  }
  /// y = f(conv(x)), f as in activation.hpp.
  template <class F>
  void forward_fused(const Ex& ex, const typename base::in& x, const typename base::out& y,
                     const F& f) const {
    conv_engine::forward(ex, sizes(x, y), options_.tf32, x.data(), weight_.data(), bias_data(),
                         y.data(), f);
  }
  /// The same, and sums[item, channel] = sum of y over the item's pixels, which channel attention
  /// wants; in the memory of the space.
  template <class F>
  void forward_sums(const Ex& ex, const typename base::in& x, const typename base::out& y,
                    const F& f, double* sums) const {
    conv_engine::forward_sums(ex, sizes(x, y), options_.tf32, x.data(), weight_.data(), bias_data(),
                              y.data(), f, sums);
  }
  /// y = conv(prelu(x)) with one slope, and its sums.
  void forward_activated(const Ex& ex, const typename base::in& x, const T* slope,
                         const typename base::out& y, double* sums) const {
    conv_engine::forward_activated(ex, sizes(x, y), options_.tf32, x.data(), slope, weight_.data(),
                                   bias_data(), y.data(), sums);
  }
  void backward(const Ex& ex, const typename base::in& x, const typename base::result&,
                const typename base::result& dy, const typename base::gradient& dx,
                nothing&) const {
    if (weight_.gradient())
      conv_engine::add_weight_gradient(ex, sizes(x, dy), options_.tf32, x.data(), dy.data(),
                                       weight_.gradient());
    backward_rest(ex, x, dy, dx);
  }
  /// Backward of forward_activated as far as prelu(x).
  void backward_activated(const Ex& ex, const typename base::in& x, const T* slope,
                          const typename base::result& dy,
                          const typename base::gradient& dx) const {
    if (weight_.gradient())
      conv_engine::add_activated_gradient(ex, sizes(x, dy), options_.tf32, x.data(), slope,
                                          dy.data(), weight_.gradient());
    backward_rest(ex, x, dy, dx);
  }
  named_parameters<T, Ex> parameters() const {
    named_parameters<T, Ex> all{{"weight", weight_}};
    if (bias_) all.emplace_back("bias", bias_);
    return all;
  }

 private:
  void backward_rest(const Ex& ex, const typename base::in& x, const typename base::result& dy,
                     const typename base::gradient& dx) const {
    const conv_sizes s = sizes(x, dy);
    if (bias_ && bias_.gradient())
      add_column_sums(ex, s.out_pixels(), out_, dy.data(), bias_.gradient());
    if (dx.data())
      conv_engine::adjoint(ex, s, options_.tf32, dy.data(), weight_.data(),
                           static_cast<const T*>(nullptr), dx.data());
  }
  const T* bias_data() const { return bias_ ? bias_.data() : nullptr; }
  template <class X, class Y>
  conv_sizes sizes(const X& x, const Y& y) const {
    return detail::sizes_of(options_, shape_of(x), shape_of(y));
  }

  conv_options<D> options_;
  index_t in_, out_;
  parameter<T, Ex> weight_, bias_;
};

namespace detail {
/// Options of specimens, one kind a size class: kernels, strides, groups, dilation.
template <int D>
conv_options<D> specimen_options(linop::size_class s) {
  conv_options<D> o = conv_options<D>::same(3);
  switch (s) {
    case linop::size_class::tiny:
      break;
    case linop::size_class::odd:
      o.stride[D - 1] = 2;
      o.stride[0] = D > 1 ? 3 : 2;
      o.bias = false;
      break;
    case linop::size_class::multiple_of_four:
      o.groups = 4;
      o.dilation[D - 1] = 2;
      break;
    case linop::size_class::wide:
      o.groups = 37;
      break;
    case linop::size_class::singleton:
      o.kernel[0] = 1;
      o.padding[0] = 0;
      break;
  }
  return o;
}
template <int D>
shape<D + 2> specimen_shape(linop::size_class s) {
  shape<D + 2> x = shape<D + 2>::all_open();
  const index_t item[5] = {1, 2, 1, 1, 1}, far[5] = {3, 2, 4, 2, 1}, middle[5] = {4, 5, 8, 3, 1},
                near[5] = {4, 7, 6, 9, 1}, channel[5] = {2, 3, 16, 37, 5};
  const int i = static_cast<int>(s);
  const index_t spatial[3] = {far[i], middle[i], near[i]};
  x[0] = item[i];
  for (int d = 0; d < D; ++d) x[1 + d] = spatial[3 - D + d];
  x[D + 1] = channel[i];
  return x;
}
}  // namespace detail

template <class T, int D, ExecutionSpace Ex>
struct specimen<conv<T, D, Ex>> {
  static conv<T, D, Ex> make(const Ex& ex, linop::size_class s, std::uint64_t seed) {
    const index_t in = domain(s)[D + 1];
    const index_t out = s == linop::size_class::odd ? 19 : s == linop::size_class::wide ? 74 : in;
    return conv<T, D, Ex>(ex, in, out, detail::specimen_options<D>(s), seed);
  }
  static shape<D + 2> domain(linop::size_class s) { return detail::specimen_shape<D>(s); }
};
template <class T, ExecutionSpace Ex>
using conv_specimens = linop::type_list<conv<T, 1, Ex>, conv<T, 2, Ex>, conv<T, 3, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
