// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_CONV_TRANSPOSE_HPP
#define CARDIOMM_NN_CONV_TRANSPOSE_HPP
/// \file
/// Transposed convolutions: the adjoint of a convolution with the same options, plus a bias. A
/// stride makes the features larger:
/// out = (in - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1.
///
///     nn::conv_transpose<float, 2, Ex> up(ex, 64, 32, {.kernel = {2, 2}, .stride = {2, 2}});

#include "cardiomm/nn/conv.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

/// A transposed convolution with D spatial axes on features (item, spatial..., channel).
/// Parameters: "weight" (in, out / groups, [z, [y,]] x) and, unless switched off, "bias" (out).
template <class T, int D = 2, ExecutionSpace Ex = default_space>
class conv_transpose : public layer<conv_transpose<T, D, Ex>, T, D + 2, D + 2, Ex> {
  static_assert(D >= 1 && D <= 3, "cardiomm: conv_transpose: one, two or three spatial axes");

 public:
  using base = layer<conv_transpose, T, D + 2, D + 2, Ex>;
  static constexpr const char* name = "conv_transpose";

  /// First values are uniform within 1 / sqrt(out / groups * kernel), as the framework's, and
  /// belong to the seed.
  conv_transpose(const Ex& ex, index_t in, index_t out, const conv_options<D>& options,
                 std::uint64_t seed = 0)
      : options_(options), in_(in), out_(out) {
    detail::check_conv(name, options_, in, out);
    weight_ = detail::conv_weight<T, D>(ex, in, out / options_.groups, options_);
    if (options_.bias) bias_ = parameter<T, Ex>(ex, {out});
    init::framework(ex, weight_, bias_, seed);
  }
  /// With given parameters, shared with their other users. The kernel's size is the weight's; the
  /// bias may be empty.
  conv_transpose(parameter<T, Ex> weight, parameter<T, Ex> bias,
                 const conv_options<D>& options = {})
      : options_(detail::conv_options_of(name, detail::checked_weight<T, D, Ex>(name, weight), bias,
                                         weight.extents()[1] * options.groups, options)),
        in_(weight.extents()[0]),
        out_(weight.extents()[1] * options.groups),
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
    require<shape_error>(x[D + 1] == in_, "conv_transpose: expected ", in_,
                         " channels, found features ", x);
    shape<D + 2> y = x;
    y[D + 1] = out_;
    for (int d = 0; d < D; ++d) {
      y[1 + d] = conv_transpose_extent(x[1 + d], options_.kernel[d], options_.stride[d],
                                       options_.padding[d], options_.dilation[d],
                                       options_.output_padding[d]);
      require<shape_error>(
          x[1 + d] > 0 && y[1 + d] > 0, "conv_transpose: expected more pixels than a padding of ",
          options_.padding[d], " takes away along axis ", d, ", found features ", x);
    }
    return y;
  }

  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y) const {
    forward_fused(ex, x, y, same_value{});
  }
  /// y = f(conv_transpose(x)), f as in activation.hpp.
  template <class F>
  void forward_fused(const Ex& ex, const typename base::in& x, const typename base::out& y,
                     const F& f) const {
    conv_engine::adjoint(ex, sizes(x, y), options_.tf32, x.data(), weight_.data(),
                         bias_ ? static_cast<const T*>(bias_.data()) : nullptr, y.data(), f);
  }
  void backward(const Ex& ex, const typename base::in& x, const typename base::result&,
                const typename base::result& dy, const typename base::gradient& dx,
                nothing&) const {
    const conv_sizes s = sizes(x, dy);
    if (dx.data())
      conv_engine::forward(ex, s, options_.tf32, dy.data(), weight_.data(),
                           static_cast<const T*>(nullptr), dx.data());
    if (weight_.gradient())
      conv_engine::add_weight_gradient(ex, s, options_.tf32, dy.data(), x.data(),
                                       weight_.gradient());
    if (bias_ && bias_.gradient())
      add_column_sums(ex, s.in_pixels(), out_, dy.data(), bias_.gradient());
  }
  named_parameters<T, Ex> parameters() const {
    named_parameters<T, Ex> all{{"weight", weight_}};
    if (bias_) all.emplace_back("bias", bias_);
    return all;
  }

 private:
  /// Those of the convolution whose adjoint this is: it reads y and writes x.
  template <class X, class Y>
  conv_sizes sizes(const X& x, const Y& y) const {
    return detail::sizes_of(options_, shape_of(y), shape_of(x));
  }

  conv_options<D> options_;
  index_t in_, out_;
  parameter<T, Ex> weight_, bias_;
};

template <class T, int D, ExecutionSpace Ex>
struct specimen<conv_transpose<T, D, Ex>> {
  static conv_transpose<T, D, Ex> make(const Ex& ex, linop::size_class s, std::uint64_t seed) {
    const index_t in = domain(s)[D + 1];
    const index_t out = s == linop::size_class::odd ? 19 : s == linop::size_class::wide ? 74 : in;
    auto o = detail::specimen_options<D>(s);
    if (s == linop::size_class::odd) o.output_padding[D - 1] = 1;
    if (s == linop::size_class::tiny) {
      o.kernel = o.stride = detail::filled<D>(2);
      o.padding = detail::filled<D>(0);
    }
    return conv_transpose<T, D, Ex>(ex, in, out, o, seed);
  }
  static shape<D + 2> domain(linop::size_class s) { return detail::specimen_shape<D>(s); }
};
template <class T, ExecutionSpace Ex>
using conv_transpose_specimens =
    linop::type_list<conv_transpose<T, 1, Ex>, conv_transpose<T, 2, Ex>, conv_transpose<T, 3, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
