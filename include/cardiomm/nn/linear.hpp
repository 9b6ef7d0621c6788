// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_LINEAR_HPP
#define CARDIOMM_NN_LINEAR_HPP
/// \file
/// Dense layer over channels: y[.., o] = sum_i weight[o][i] x[.., i] + bias[o].

#include "cardiomm/nn/activation.hpp"
#include "cardiomm/nn/column_sum.hpp"
#include "cardiomm/nn/init.hpp"
#include "cardiomm/nn/product.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

/// Features (.., in) to (.., out). Parameters: `weight` (out, in) and, unless left out, `bias`
/// (out); random at first, uniform within 1 / sqrt(in).
template <class T, int R = 2, ExecutionSpace Ex = default_space>
class linear : public layer<linear<T, R, Ex>, T, R, R, Ex> {
 public:
  using base = layer<linear, T, R, R, Ex>;
  static constexpr const char* name = "linear";
  parameter<T, Ex> weight, bias;  ///< bias may be an empty handle

  linear(const Ex& ex, index_t in, index_t out, bool with_bias = true, std::uint64_t seed = 0)
      : weight(ex, {out, in}) {
    if (with_bias) bias = parameter<T, Ex>(ex, {out});
    if (in > 0) init::framework(ex, weight, bias, seed);
  }
  /// Shares parameters. Throws shape_error if they do not fit.
  explicit linear(parameter<T, Ex> w, parameter<T, Ex> b = {})
      : weight(std::move(w)), bias(std::move(b)) {
    require<shape_error>(weight.extents().size() == 2,
                         "linear: weight: expected extents (out, in), found ",
                         weight.extents().size(), " of them");
    require<shape_error>(!bias || bias.size() == out_channels(), "linear: bias: expected ",
                         out_channels(), " values, found ", bias ? bias.size() : 0);
  }
  index_t in_channels() const { return weight.extents()[1]; }
  index_t out_channels() const { return weight.extents()[0]; }

  shape<R> output(const shape<R>& in) const {
    require<shape_error>(in[R - 1] == in_channels(), "linear: expected ", in_channels(),
                         " channels, found features ", in);
    shape<R> out = in;
    out[R - 1] = out_channels();
    return out;
  }
  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y) const {
    forward_fused(ex, x, y, same_value{});
  }
  /// y = f(linear(x)), see sequential.hpp.
  template <class F>
  void forward_fused(const Ex& ex, const typename base::in& x, const typename base::out& y,
                     const F& f) const {
    const index_t n = in_channels();
    product<T>(ex, rows_of(x), n, out_channels(), {x.data(), n, 1}, {weight.data(), 1, n}, y.data(),
               bias ? bias.data() : nullptr, false, f);
  }
  void backward(const Ex& ex, const typename base::in& x, const typename base::result&,
                const typename base::result& dy, const typename base::gradient& dx,
                nothing&) const {
    const index_t n = in_channels(), m = out_channels(), rows = rows_of(x);
    if (weight.gradient())
      product<T>(ex, m, rows, n, {dy.data(), 1, m}, {x.data(), n, 1}, weight.gradient(), nullptr,
                 true);
    if (bias && bias.gradient()) add_column_sums(ex, rows, m, dy.data(), bias.gradient());
    if (dx.data()) product<T>(ex, rows, m, n, {dy.data(), m, 1}, {weight.data(), n, 1}, dx.data());
  }
  named_parameters<T, Ex> parameters() const {
    named_parameters<T, Ex> all{{"weight", weight}};
    if (bias) all.emplace_back("bias", bias);
    return all;
  }

 private:
  template <class X>
  static index_t rows_of(const X& x) {
    index_t n = 1;
    for (int i = 0; i + 1 < R; ++i) n *= static_cast<index_t>(x.extent(i));
    return n;
  }
};

template <class T, ExecutionSpace Ex>
struct specimen<linear<T, 2, Ex>> {
  static linear<T, 2, Ex> make(const Ex& ex, linop::size_class s, std::uint64_t seed) {
    const index_t in = domain(s)[1];
    return linear<T, 2, Ex>(ex, in, s == linop::size_class::wide ? 300 : 5,
                            s != linop::size_class::odd, seed);
  }
  static shape<2> domain(linop::size_class s) {
    const auto f = specimen_features(s);
    return {{f[1] * f[2], s == linop::size_class::multiple_of_four ? index_t(16) : 9 * f[3] + 1}};
  }
};
template <class T, ExecutionSpace Ex>
struct specimen<linear<T, 4, Ex>> {
  static linear<T, 4, Ex> make(const Ex& ex, linop::size_class s, std::uint64_t seed) {
    return linear<T, 4, Ex>(ex, specimen_features(s)[3], 7, true, seed);
  }
  static shape<4> domain(linop::size_class s) { return specimen_features(s); }
};
template <class T, ExecutionSpace Ex>
using linear_specimens = linop::type_list<linear<T, 2, Ex>, linear<T, 4, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
