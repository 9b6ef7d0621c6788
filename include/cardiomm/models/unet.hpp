// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MODELS_UNET_HPP
#define CARDIOMM_MODELS_UNET_HPP
/// \file
/// The U-Net of CardioMM: residual blocks with channel attention, prompts made from the text of the
/// sampling on the way up, gates made from the text of the acquisition behind every level. Source:
/// arXiv 2512.21652, descended from PromptMR (arXiv 2309.13839). Any number of levels, widths and
/// blocks; level 0 is the finest.

#include "cardiomm/models/prompt.hpp"
#include "cardiomm/models/text_gate.hpp"

namespace cardiomm::inline CARDIOMM_ABI::models {

/// Sizes of a U-Net.
struct unet_sizes {
  struct level {
    index_t width = 0;                             ///< channels below this level
    index_t encoder = 0, fuse = 0, skip = 0;       ///< blocks
    index_t prompt = 0, components = 0, side = 0;  ///< channels, number and pixels of the bank
  };
  index_t in = 2, out = 2, first = 0, bottleneck = 0, reduction = 4, embedding = 0;
  std::vector<level> levels;

  index_t width(std::size_t level) const { return level == 0 ? first : levels[level - 1].width; }
  /// Images have to be multiples of it.
  index_t multiple() const { return index_t(1) << levels.size(); }
};

namespace detail {
/// cat = [x, prompt of the sample's text]; rows are pixels, columns the channels of cat.
template <class T>
struct join_prompt {
  static constexpr const char* name = "cardiomm::models::join_prompt";
  const T* x;
  const T* prompt;
  T* cat;
  sample_items items;
  index_t pixels, n, d;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t sample = row / pixels;
    const T* a = x + row * n;
    const T* b = prompt + (items(sample) * pixels + row % pixels) * d;
    T* out = cat + row * (n + d);
    const index_t middle = last < n ? last : n;
    for (index_t c = first; c < middle; ++c) out[c] = a[c];
    for (index_t c = first < n ? n : first; c < last; ++c) out[c] = b[c - n];
  }
};
/// dx
template <class T>
struct split_features {
  static constexpr const char* name = "cardiomm::models::split_features";
  const T* dcat;
  T* dx;
  index_t n, d;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    for (index_t c = first; c < last; ++c) dx[row * n + c] = dcat[row * (n + d) + c];
  }
};
/// dprompt: the sum over the samples of a text.
template <class T>
struct split_prompt {
  static constexpr const char* name = "cardiomm::models::split_prompt";
  const T* dcat;
  T* dprompt;
  sample_items items;
  index_t samples, pixels, n, d;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t text = row / pixels, p = row % pixels;
    for (index_t c = first; c < last; ++c) {
      T sum = 0;
      for (index_t s = 0; s < samples; ++s)
        if (items(s) == text) sum += dcat[(s * pixels + p) * (n + d) + n + c];
      dprompt[row * d + c] = sum;
    }
  }
};
/// w = b a, the product of 1 x 1 convolutions (out, in); rows are out.
template <class T>
struct multiply_pointwise {
  static constexpr const char* name = "cardiomm::models::multiply_pointwise";
  const T* b;
  const T* a;
  T* w;
  index_t middle, in;
  KOKKOS_INLINE_FUNCTION void operator()(index_t o, index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      double sum = 0;
      for (index_t m = 0; m < middle; ++m) sum += double(b[o * middle + m]) * double(a[m * in + i]);
      w[o * in + i] = T(sum);
    }
  }
};
}  // namespace detail

/// The network; `shared_slope` is the slope of all activations but four (level 0's first block and
/// the blocks of gates have their own).
template <class T, ExecutionSpace Ex>
class unet {
  using in2 = view<const T, 2, Ex>;
  using in4 = view<const T, 4, Ex>;
  using out2 = view<T, 2, Ex>;
  using out4 = view<T, 4, Ex>;
  using conv2 = nn::conv<T, 2, Ex>;
  using blocks = nn::attention_blocks<T, Ex>;

 public:
  struct level {
    blocks encoder;
    conv2 down;
    blocks skip;
    models::prompt<T, Ex> prompt;
    blocks fuse;
    conv2 reduce, up;
    nn::attention_block<T, Ex> last;
    text_gate<T, Ex> gate;
    nn::parameter<T, Ex> merged;  ///< up times reduce, made anew by every inference
  };

  /// Random as the framework starts it, or `random` false: the blocks, where nearly all parameters
  /// are, are zero for someone who fills them next.
  unet(const Ex& ex, const unet_sizes& sizes, const nn::parameter<T, Ex>& shared_slope,
       bool random = true)
      : sizes_(sizes),
        head_(ex, sizes.in, sizes.first, models::prompt<T, Ex>::convolution(3)),
        tail_(ex, sizes.first, sizes.out, models::prompt<T, Ex>::convolution(5)) {
    const auto row = [&](index_t n, index_t count, bool own_first = false) {
      blocks b;
      for (index_t i = 0; i < count; ++i)
        b.blocks.emplace_back(ex, n, sizes.reduction,
                              own_first && i == 0 ? nn::parameter<T, Ex>() : shared_slope, random);
      return b;
    };
    const auto plain = [](index_t width) { return models::prompt<T, Ex>::convolution(width); };
    for (std::size_t l = 0; l < sizes.levels.size(); ++l) {
      const auto& s = sizes.levels[l];
      const index_t n = sizes.width(l), m = s.width;
      auto strided = nn::conv_options<2>::same(3);
      strided.stride = {2, 2};
      levels_.push_back(
          level{row(n, s.encoder, l == 0), conv2(ex, n, m, strided), row(n, s.skip),
                models::prompt<T, Ex>(ex, s.components, s.prompt, s.side, sizes.embedding),
                row(m + s.prompt, s.fuse), conv2(ex, m + s.prompt, m, plain(1)),
                conv2(ex, m, n, plain(1)),
                nn::attention_block<T, Ex>(ex, n, sizes.reduction, shared_slope, random),
                text_gate<T, Ex>(ex, n, sizes.embedding, sizes.reduction, random),
                nn::parameter<T, Ex>(ex, {n, m + s.prompt, 1, 1}, false)});
    }
    bottleneck_ =
        row(sizes.levels.empty() ? sizes.first : sizes.levels.back().width, sizes.bottleneck);
  }

  const unet_sizes& sizes() const { return sizes_; }
  const std::vector<level>& levels() const { return levels_; }
  const blocks& bottleneck() const { return bottleneck_; }

  /// Prompts (text, y, x, channel) of all levels for images of ny x nx.
  std::vector<tensor<T, 4, Ex>> prompts(const Ex& ex, const in2& sampling, index_t ny,
                                        index_t nx) const {
    std::vector<tensor<T, 4, Ex>> all;
    for (std::size_t l = 0; l < levels_.size(); ++l) {
      all.push_back(make_tensor<T>(
          ex, levels_[l].prompt.output(index_t(sampling.extent(0)), ny >> (l + 1), nx >> (l + 1)),
          "cardiomm::models::prompt"));
      levels_[l].prompt.forward(ex, sampling, all.back());
    }
    return all;
  }

  /// y = network(x), features (sample, y, x, channel), keeping nothing. `acquisition` (text,
  /// length); `prompts` as above.
  void forward(const Ex& ex, const in4& x, const in2& acquisition,
               const std::vector<tensor<T, 4, Ex>>& prompts, const text_items& items,
               const out4& y) const {
    check(shape_of(x));
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    std::vector<out4> e;  // what is skipped, later the result of the level
    e.push_back(scratch.template tensor<T>(head_.output(shape_of(x))));
    head_.forward(ex, x, e[0]);
    for (const level& l : levels_) {
      l.encoder.forward(ex, e.back(), e.back());
      const auto below = scratch.template tensor<T>(l.down.output(shape_of(e.back())));
      l.down.forward(ex, e.back(), below);
      e.push_back(below);
    }
    bottleneck_.forward(ex, e.back(), e.back());
    for (std::size_t i = levels_.size(); i-- > 0;) {
      const level& l = levels_[i];
      const in4 from = e[i + 1];
      l.skip.forward(ex, e[i], e[i]);
      {
        typename workspace<Ex>::frame inner(workspace<Ex>::of(ex));
        const auto cat = inner.template tensor<T>(joined(from, l));
        join(ex, from, prompts[i], items.sampling, cat);
        l.fuse.forward(ex, cat, cat);
        // Resizing and 1 x 1 convolutions commute, so both are applied to the smaller image.
        const auto& w = l.merged.extents();
        launch::rows(ex, w[0], w[1],
                     detail::multiply_pointwise<T>{l.up.weight().data(), l.reduce.weight().data(),
                                                   l.merged.data(), l.up.in_channels(), w[1]});
        const conv2 pointwise(l.merged, {}, models::prompt<T, Ex>::convolution(1));
        const auto small = inner.template tensor<T>(pointwise.output(shape_of(cat)));
        pointwise.forward(ex, cat, small);
        twice().forward_add(ex, small, e[i], e[i]);
      }
      l.last.forward(ex, e[i], e[i]);
      l.gate.forward(ex, e[i], acquisition, items.acquisition, e[i]);
    }
    tail_.forward(ex, e[0], y);
  }

  /// Everything that backward needs: what a level skips and the sum behind its last block, the
  /// features of the level below with its prompt, the results of all convolutions of blocks. All
  /// else is found from these again.
  struct tape {
    struct level {
      out4 e, z, fused;
      typename blocks::tape encoder, skip, fuse;
      typename models::prompt<T, Ex>::tape prompt;
      typename nn::attention_block<T, Ex>::tape last;
      typename text_gate<T, Ex>::tape gate;
    };
    std::vector<level> levels;
    out4 bottom;
    typename blocks::tape bottleneck;
    index_t texts = 1;
  };
  tape record(nn::memory<Ex>& m, const shape<4>& x, index_t texts) const {
    check(x);
    tape t;
    t.texts = texts;
    shape<4> s = head_.output(x);
    for (const level& l : levels_) {
      typename tape::level& k = t.levels.emplace_back();
      const shape<4> below = l.down.output(s);
      shape<4> cat = below;
      cat[3] = l.reduce.in_channels();
      k.e = m.template take<T>(s);
      k.z = m.template take<T>(s);
      k.fused = m.template take<T>(cat);
      k.encoder = l.encoder.record(m, s);
      k.skip = l.skip.record(m, s);
      k.fuse = l.fuse.record(m, cat);
      k.prompt = l.prompt.record(m, l.prompt.output(texts, below[1], below[2]));
      k.last = l.last.record(m, s);
      k.gate = l.gate.record(m, s, texts);
      s = below;
    }
    t.bottom = m.template take<T>(s);
    t.bottleneck = bottleneck_.record(m, s);
    return t;
  }
  void forward(const Ex& ex, const in4& x, const in2& acquisition, const in2& sampling,
               const text_items& items, const out4& y, tape& t) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    head_.forward(ex, x, skipped(t, 0));
    for (std::size_t i = 0; i < levels_.size(); ++i) {
      const out4 e = t.levels[i].e;
      levels_[i].encoder.forward(ex, e, e, t.levels[i].encoder);
      levels_[i].down.forward(ex, e, skipped(t, i + 1));
    }
    bottleneck_.forward(ex, t.bottom, t.bottom, t.bottleneck);
    out4 from = t.bottom;  // result of the level below
    for (std::size_t i = levels_.size(); i-- > 0;) {
      const level& l = levels_[i];
      auto& k = t.levels[i];
      const auto sum = scratch.template tensor<T>(shape_of(k.e));
      typename workspace<Ex>::frame inner(workspace<Ex>::of(ex));
      const auto prompt = inner.template tensor<T>(shape_of_prompt(k, l, t.texts));
      const auto reduced = inner.template tensor<T>(l.reduce.output(shape_of(k.fused)));
      const auto small = inner.template tensor<T>(l.up.output(shape_of(reduced)));
      l.prompt.forward(ex, sampling, prompt, k.prompt);
      join(ex, from, prompt, items.sampling, k.fused);
      l.fuse.forward(ex, k.fused, k.fused, k.fuse);
      l.reduce.forward(ex, k.fused, reduced);
      l.up.forward(ex, reduced, small);
      l.skip.forward(ex, k.e, sum, k.skip);
      twice().forward_add(ex, small, sum, sum);
      l.last.forward(ex, sum, k.z, k.last);
      l.gate.forward(ex, k.z, acquisition, items.acquisition, sum, k.gate);
      from = sum;
    }
    tail_.forward(ex, from, y);
  }
  /// dx, unless null, is overwritten; gradients of the embeddings are added to, unless null.
  void backward(const Ex& ex, const in4& x, const in2& acquisition, const in2& sampling,
                const text_items& items, const in4& y, const in4& dy, const out4& dx,
                const out2& dacquisition, const out2& dsampling, tape& t) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    nn::nothing none;
    std::vector<out4> d;  // of the results of levels on the way down, then of e on the way up
    for (std::size_t i = 0; i <= levels_.size(); ++i)
      d.push_back(scratch.template tensor<T>(shape_of(skipped(t, i))));
    std::vector<out4> de;
    if (levels_.empty()) {
      tail_.backward(ex, t.bottom, y, dy, d[0], none);
    } else {
      typename workspace<Ex>::frame inner(workspace<Ex>::of(ex));
      const auto& k = t.levels[0];
      const auto out = inner.template tensor<T>(shape_of(k.z));
      levels_[0].gate.again(ex, k.z, items.acquisition, out, k.gate);
      tail_.backward(ex, out, y, dy, d[0], none);
    }
    for (std::size_t i = 0; i < levels_.size(); ++i) {
      const level& l = levels_[i];
      auto& k = t.levels[i];
      de.push_back(scratch.template tensor<T>(shape_of(k.e)));
      {
        typename workspace<Ex>::frame inner(workspace<Ex>::of(ex));
        const auto sum = inner.template tensor<T>(shape_of(k.z));
        l.gate.backward(ex, k.z, acquisition, items.acquisition, d[i], d[i], dacquisition, k.gate);
        l.last.restore(ex, k.z, sum, k.last);
        l.last.backward(ex, sum, k.z, d[i], d[i], k.last);
      }
      l.skip.backward(ex, k.e, {}, d[i], de[i], k.skip);
      typename workspace<Ex>::frame inner(workspace<Ex>::of(ex));
      const auto reduced = inner.template tensor<T>(l.reduce.output(shape_of(k.fused)));
      const auto dsmall = inner.template tensor<T>(l.up.output(shape_of(reduced)));
      const auto dcat = inner.template tensor<T>(shape_of(k.fused));
      const auto dprompt = inner.template tensor<T>(shape_of_prompt(k, l, t.texts));
      twice().backward(ex, dsmall, d[i], d[i], dsmall, none);
      l.reduce.forward(ex, k.fused, reduced);
      l.up.backward(ex, reduced, dsmall, dsmall, reduced, none);
      l.reduce.backward(ex, k.fused, reduced, reduced, dcat, none);
      l.fuse.backward(ex, {}, k.fused, dcat, dcat, k.fuse);
      const shape<4> s = shape_of(d[i + 1]);
      const index_t pixels = s[1] * s[2], depth = l.prompt.channels();
      launch::rows(ex, s[0] * pixels, s[3],
                   detail::split_features<T>{dcat.data(), d[i + 1].data(), s[3], depth});
      launch::rows(ex, t.texts * pixels, depth,
                   detail::split_prompt<T>{dcat.data(), dprompt.data(), items.sampling, s[0],
                                           pixels, s[3], depth});
      l.prompt.backward(ex, sampling, dprompt, dprompt, dsampling, k.prompt);
    }
    bottleneck_.backward(ex, {}, t.bottom, d.back(), d.back(), t.bottleneck);
    for (std::size_t i = levels_.size(); i-- > 0;) {
      auto& k = t.levels[i];
      typename workspace<Ex>::frame inner(workspace<Ex>::of(ex));
      const auto more = inner.template tensor<T>(shape_of(k.e));
      levels_[i].down.backward(ex, k.e, d[i + 1], d[i + 1], more, none);
      nn::add(ex, more, de[i], d[i]);
      levels_[i].encoder.backward(ex, {}, k.e, d[i], d[i], k.encoder);
    }
    head_.backward(ex, x, d[0], d[0], dx, none);
  }

  /// Under the original names, in the original order.
  nn::named_parameters<T, Ex> parameters() const {
    nn::named_parameters<T, Ex> all;
    const auto number = [](std::size_t l) { return std::to_string(l + 1) + "."; };
    nn::append(all, "feat_extract.", head_.parameters());
    for (std::size_t l = 0; l < levels_.size(); ++l) {
      nn::append(all, "enc_level" + number(l) + "encoder.", levels_[l].encoder.parameters());
      nn::append(all, "enc_level" + number(l) + "down.", levels_[l].down.parameters());
    }
    for (std::size_t l = 0; l < levels_.size(); ++l)
      nn::append(all, "skip_attn" + number(l) + "skip_attn.", levels_[l].skip.parameters());
    nn::append(all, "bottleneck.", bottleneck_.parameters());
    for (std::size_t l = levels_.size(); l-- > 0;) {
      nn::append(all, "prompt_level" + number(l), levels_[l].prompt.parameters());
      nn::append(all, "dec_level" + number(l) + "fuse.", levels_[l].fuse.parameters());
      nn::append(all, "dec_level" + number(l) + "reduce.", levels_[l].reduce.parameters());
      nn::append(all, "dec_level" + number(l) + "up.1.", levels_[l].up.parameters());
      nn::append(all, "dec_level" + number(l) + "ca.", levels_[l].last.parameters());
      nn::append(all, "metacond_level" + number(l), levels_[l].gate.parameters());
    }
    nn::append(all, "conv_last.", tail_.parameters());
    return all;
  }

 private:
  void check(const shape<4>& x) const {
    const index_t m = sizes_.multiple();
    require<shape_error>(x[1] % m == 0 && x[2] % m == 0 && x[1] > 0 && x[2] > 0,
                         "unet: expected multiples of ", m, " pixels, found features ", x);
  }
  static nn::resize<T, Ex> twice() { return nn::resize<T, Ex>::by(2); }
  /// What level i skips, at first its input; behind the last level the deepest features.
  static out4 skipped(const tape& t, std::size_t i) {
    return i < t.levels.size() ? t.levels[i].e : t.bottom;
  }
  static shape<4> shape_of_prompt(const typename tape::level& k, const level& l, index_t texts) {
    return l.prompt.output(texts, index_t(k.fused.extent(1)), index_t(k.fused.extent(2)));
  }
  static shape<4> joined(const in4& x, const level& l) {
    shape<4> s = shape_of(x);
    s[3] += l.prompt.channels();
    return s;
  }
  static void join(const Ex& ex, const in4& x, const in4& prompt, const sample_items& items,
                   const out4& cat) {
    const shape<4> s = shape_of(x);
    const index_t d = index_t(prompt.extent(3));
    launch::rows(
        ex, s[0] * s[1] * s[2], s[3] + d,
        detail::join_prompt<T>{x.data(), prompt.data(), cat.data(), items, s[1] * s[2], s[3], d});
  }

  unet_sizes sizes_;
  conv2 head_, tail_;
  std::vector<level> levels_;
  blocks bottleneck_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::models

#endif
