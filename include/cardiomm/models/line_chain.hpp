// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MODELS_LINE_CHAIN_HPP
#define CARDIOMM_MODELS_LINE_CHAIN_HPP
/// \file
/// A row of convolutions along lines, features (item, x, channel), with batch norm and relu after
/// all but the last:
///
///     y = conv(relu(norm(conv( ... relu(norm(conv(x)))))))
///
/// Without a tape and with running averages, norms are folded into the convolutions before them.

#include <optional>

#include "cardiomm/nn/conv.hpp"
#include "cardiomm/nn/norm.hpp"

namespace cardiomm::inline CARDIOMM_ABI::models {

namespace detail {
/// weight' = weight g / s, bias' = bias - mean g / s, g the norm's slope, s its deviation.
template <class T>
struct fold_norm {
  static constexpr const char* name = "cardiomm::models::fold_norm";
  const T *weight, *slope, *shift, *mean, *variance;
  T *folded, *bias;
  double eps;
  index_t taps;
  KOKKOS_INLINE_FUNCTION void operator()(index_t channel, index_t first, index_t last) const {
    const T g = T(double(slope[channel]) / math::sqrt(double(variance[channel]) + eps));
    for (index_t i = first; i < last; ++i)
      folded[channel * taps + i] = g * weight[channel * taps + i];
    if (first == 0) bias[channel] = shift[channel] - mean[channel] * g;
  }
};
}  // namespace detail

/// Parameters of layer i: "i.weight", "i.norm.weight", "i.norm.bias", "i.norm.running_mean",
/// "i.norm.running_var"; "i.bias" where no norm follows.
template <class T, ExecutionSpace Ex = default_space>
class line_chain : public nn::layer<line_chain<T, Ex>, T, 3, 3, Ex> {
 public:
  using base = nn::layer<line_chain, T, 3, 3, Ex>;
  static constexpr const char* name = "line_chain";
  struct tape {
    std::vector<view<T, 3, Ex>> before, after;  ///< of norm, of relu
    std::vector<nn::norm_tape<T, Ex>> norms;
  };

  /// `layers` convolutions from `in` over `filters` to `out` channels; Xavier's first weights, zero
  /// biases, the last weights times `last_gain`.
  line_chain(const Ex& ex, index_t in, index_t filters, index_t out, index_t layers, index_t kernel,
             bool norm, double last_gain, std::uint64_t seed) {
    require(layers >= 1, "line_chain: expected at least 1 layer, found ", layers);
    for (index_t i = 0; i < layers; ++i) {
      const bool last = i + 1 == layers;
      auto o = nn::conv_options<1>::same(kernel);
      o.bias = last || !norm;
      convs_.emplace_back(ex, i == 0 ? in : filters, last ? out : filters, o);
      nn::init::xavier_uniform(ex, convs_.back().weight(), last ? last_gain : 1, seed,
                               std::uint64_t(i));
      if (o.bias) nn::init::constant(ex, convs_.back().bias(), 0);
      if (norm && !last) norms_.emplace_back(ex, filters);
    }
  }

  index_t layers() const { return index_t(convs_.size()); }
  bool normalised() const { return !norms_.empty(); }
  void set_training(bool yes) const {
    for (const auto& n : norms_) n.set_training(yes);
  }

  shape<3> output(const shape<3>& in) const {
    shape<3> s = in;
    for (const auto& c : convs_) s = c.output(s);
    return s;
  }
  tape record(nn::memory<Ex>& m, const shape<3>& in) const {
    tape t;
    for (std::size_t i = 0; i + 1 < convs_.size(); ++i) {
      const shape<3> s = convs_[i].output(in_shape(in, i));
      if (normalised()) {
        t.before.push_back(m.template take<T>(s));
        t.norms.push_back(norms_[i].record(m, s));
      }
      t.after.push_back(m.template take<T>(s));
    }
    return t;
  }

  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    view<T, 3, Ex> kept[2];
    for (std::size_t b = 0; b < 2; ++b)
      if (convs_.size() > b + 1) kept[b] = scratch.template tensor<T>(inner_shape(shape_of(x)));
    typename base::in from = x;
    for (std::size_t i = 0; i + 1 < convs_.size(); ++i) {
      const auto to = kept[i % 2];
      if (!normalised()) {
        convs_[i].forward_fused(ex, from, to, nn::detail::relu_function{});
      } else if (norms_[i].training()) {
        convs_[i].forward(ex, from, to);
        norms_[i].forward_fused(ex, to, to, nn::detail::relu_function{});
      } else {
        folded(ex, i, from, to);
      }
      from = to;
    }
    convs_.back().forward(ex, from, y);
  }
  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y,
               tape& t) const {
    typename base::in from = x;
    for (std::size_t i = 0; i + 1 < convs_.size(); ++i) {
      if (normalised()) {
        convs_[i].forward(ex, from, t.before[i]);
        norms_[i].statistics(ex, t.before[i], t.norms[i], true);
        const shape<3> s = shape_of(t.before[i]);
        launch::rows(ex, s[0] * s[1], s[2],
                     nn::detail::norm_forward<T, nn::detail::relu_function, Ex>{
                         t.before[i].data(), t.norms[i].mean.data(), t.norms[i].rdev.data(),
                         norms_[i].weight.data(), norms_[i].bias.data(), t.after[i].data(), s[1],
                         s[2], nn::detail::relu_function{}});
      } else {
        convs_[i].forward_fused(ex, from, t.after[i], nn::detail::relu_function{});
      }
      from = t.after[i];
    }
    convs_.back().forward(ex, from, y);
  }
  void backward(const Ex& ex, const typename base::in& x, const typename base::result& y,
                const typename base::result& dy, const typename base::gradient& dx, tape& t) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    nn::nothing none;
    view<T, 3, Ex> d[2];
    for (std::size_t b = 0; b < 2; ++b)
      if (convs_.size() > b + 1) d[b] = scratch.template tensor<T>(inner_shape(shape_of(x)));
    typename base::result from = dy, out = y;
    for (std::size_t i = convs_.size(); i-- > 0;) {
      const typename base::in in = i == 0 ? x : typename base::in(t.after[i - 1]);
      const auto to = i == 0 ? dx : d[(convs_.size() - 1 - i) % 2];
      convs_[i].backward(ex, in, out, from, to, none);
      if (i == 0) break;
      nn::relu<T, 3, Ex>().backward(ex, in, in, to, to, none);
      if (normalised()) {
        norms_[i - 1].backward(ex, t.before[i - 1], in, to, to, t.norms[i - 1]);
        out = t.before[i - 1];
      } else {
        out = in;
      }
      from = to;
    }
  }
  nn::named_parameters<T, Ex> parameters() const {
    nn::named_parameters<T, Ex> all;
    for (std::size_t i = 0; i < convs_.size(); ++i) {
      const std::string prefix = std::to_string(i) + ".";
      append(all, prefix, convs_[i].parameters());
      if (i < norms_.size()) append(all, prefix + "norm.", norms_[i].parameters());
    }
    return all;
  }

 private:
  shape<3> in_shape(const shape<3>& in, std::size_t i) const {
    return i == 0 ? in : inner_shape(in);
  }
  shape<3> inner_shape(const shape<3>& in) const {
    return {{in[0], in[1], convs_.front().out_channels()}};
  }
  void folded(const Ex& ex, std::size_t i, const typename base::in& x,
              const typename base::out& y) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const auto& c = convs_[i];
    const auto& n = norms_[i];
    const index_t out = c.out_channels(), taps = c.weight().size() / out;
    T* weight = scratch.template take<T>(out * taps);
    T* bias = scratch.template take<T>(out);
    launch::rows(ex, out, taps,
                 detail::fold_norm<T>{c.weight().data(), n.weight.data(), n.bias.data(),
                                      n.running_mean.data(), n.running_var.data(), weight, bias,
                                      n.eps(), taps});
    nn::conv_engine::forward(ex, nn::detail::sizes_of(c.options(), shape_of(x), shape_of(y)), false,
                             x.data(), weight, bias, y.data(), nn::detail::relu_function{});
  }

  std::vector<nn::conv<T, 1, Ex>> convs_;
  std::vector<nn::batch_norm<T, 3, Ex>> norms_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::models

#endif
