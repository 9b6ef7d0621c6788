// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MODELS_PROMPT_HPP
#define CARDIOMM_MODELS_PROMPT_HPP
/// \file
/// Features made from a text alone: a bank of components, weighted by a softmax of the embedding,
/// resized and convolved. They depend on text and size only, so inference makes them once.

#include "cardiomm/models/conditioning.hpp"
#include "cardiomm/nn/conv.hpp"
#include "cardiomm/nn/resize.hpp"

namespace cardiomm::inline CARDIOMM_ABI::models {

namespace detail {

/// out(item, y, x, channel) = sum over l of w(item, l) bank(l, channel, y, x)
template <class T>
struct mix_components {
  static constexpr const char* name = "cardiomm::models::mix_components";
  const T* bank;
  const T* w;
  T* out;
  index_t components, channels, pixels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t item = row / pixels, p = row % pixels;
    for (index_t c = first; c < last; ++c) {
      T sum = 0;
      for (index_t l = 0; l < components; ++l)
        sum += w[item * components + l] * bank[(l * channels + c) * pixels + p];
      out[row * channels + c] = sum;
    }
  }
};
/// dbank += w d
template <class T>
struct mix_components_bank {
  static constexpr const char* name = "cardiomm::models::mix_components_bank";
  const T* w;
  const T* d;
  T* dbank;
  index_t items, components, channels, pixels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t l = row / channels, c = row % channels;
    for (index_t p = first; p < last; ++p) {
      T sum = 0;
      for (index_t item = 0; item < items; ++item)
        sum += w[item * components + l] * d[(item * pixels + p) * channels + c];
      dbank[row * pixels + p] += sum;
    }
  }
};
/// dw(item, l) = <bank_l, d>
template <class T>
struct mix_components_weight {
  static constexpr const char* name = "cardiomm::models::mix_components_weight";
  const T* bank;
  const T* d;
  index_t components, channels, pixels;
  KOKKOS_INLINE_FUNCTION double operator()(index_t batch, index_t first, index_t last) const {
    const index_t item = batch / components, l = batch % components;
    double sum = 0;
    for (index_t i = first; i < last; ++i)
      sum += double(bank[(l * channels + i % channels) * pixels + i / channels]) *
             double(d[item * channels * pixels + i]);
    return sum;
  }
};
}  // namespace detail

/// Prompt (item, y, x, channel) of embeddings (item, length). The bank is [1, components, channels,
/// side, side] and not trained unless `bank.set_trainable(true)`.
template <class T, ExecutionSpace Ex>
class prompt {
  using in2 = view<const T, 2, Ex>;
  using in4 = view<const T, 4, Ex>;
  using out4 = view<T, 4, Ex>;

 public:
  nn::parameter<T, Ex> bank;
  text_vector<T, true, Ex> weights;
  nn::conv<T, 2, Ex> last;

  prompt(const Ex& ex, index_t components, index_t channels, index_t side, index_t length)
      : bank(ex, {1, components, channels, side, side}, false),
        weights(ex, components, length),
        last(nn::conv<T, 2, Ex>(ex, channels, channels, convolution(3))) {}

  index_t channels() const { return bank.extents()[2]; }
  shape<4> output(index_t items, index_t ny, index_t nx) const {
    return {{items, ny, nx, channels()}};
  }

  struct tape {
    view<T, 2, Ex> w;
    out4 mixed, resized;
  };
  tape record(nn::memory<Ex>& m, const shape<4>& out) const {
    tape t;
    t.w = m.template take<T>(shape{out[0], weights.size()});
    t.mixed = m.template take<T>(small(out));
    t.resized = m.template take<T>(out);
    return t;
  }
  void forward(const Ex& ex, const in2& e, const out4& y) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const shape<4> out = shape_of(y);
    tape t;
    t.w = scratch.template tensor<T>(shape{out[0], weights.size()});
    t.mixed = scratch.template tensor<T>(small(out));
    t.resized = scratch.template tensor<T>(out);
    forward(ex, e, y, t);
  }
  void forward(const Ex& ex, const in2& e, const out4& y, tape& t) const {
    const auto& b = bank.extents();
    weights.forward(ex, e, t.w);
    launch::rows(ex, index_t(y.extent(0)) * b[3] * b[4], b[2],
                 detail::mix_components<T>{bank.data(), t.w.data(), t.mixed.data(), b[1], b[2],
                                           b[3] * b[4]});
    scale(y).forward(ex, t.mixed, t.resized);
    last.forward(ex, t.resized, y);
  }
  /// de is added to, unless null.
  void backward(const Ex& ex, const in2& e, const in4& y, const in4& dy, const view<T, 2, Ex>& de,
                tape& t) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const auto& b = bank.extents();
    const index_t items = index_t(y.extent(0)), pixels = b[3] * b[4];
    const auto dresized = scratch.template tensor<T>(shape_of(y));
    const auto dmixed = scratch.template tensor<T>(shape_of(t.mixed));
    nn::nothing none;
    last.backward(ex, t.resized, y, dy, dresized, none);
    scale(y).backward(ex, t.mixed, t.resized, dresized, dmixed, none);
    if (bank.gradient())
      launch::rows(ex, b[1] * b[2], pixels,
                   detail::mix_components_bank<T>{t.w.data(), dmixed.data(), bank.gradient(), items,
                                                  b[1], b[2], pixels});
    double* dw = scratch.template take<double>(items * b[1]);
    launch::sums(ex, items * b[1], b[2] * pixels,
                 detail::mix_components_weight<T>{bank.data(), dmixed.data(), b[1], b[2], pixels},
                 dw);
    weights.backward(ex, e, t.w, dw, de);
  }
  nn::named_parameters<T, Ex> parameters() const {
    return {{"prompt_param", bank},
            {"linear_layer2.weight", weights.map.weight},
            {"linear_layer2.bias", weights.map.bias},
            {"dec_conv3x3.weight", last.weight()}};
  }
  static nn::conv_options<2> convolution(index_t width) {
    auto o = nn::conv_options<2>::same(width);
    o.bias = false;
    return o;
  }

 private:
  shape<4> small(const shape<4>& out) const {
    return {{out[0], bank.extents()[3], bank.extents()[4], channels()}};
  }
  template <class Y>
  static nn::resize<T, Ex> scale(const Y& y) {
    return nn::resize<T, Ex>::to(index_t(y.extent(1)), index_t(y.extent(2)));
  }
};

}  // namespace cardiomm::inline CARDIOMM_ABI::models

#endif
