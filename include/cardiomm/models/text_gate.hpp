// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MODELS_TEXT_GATE_HPP
#define CARDIOMM_MODELS_TEXT_GATE_HPP
/// \file
/// Features steered by a text: y = x + block(g (gamma x + beta)), the gates g = sigmoid(W e + b)
/// one for each channel.

#include "cardiomm/models/conditioning.hpp"
#include "cardiomm/nn/block.hpp"

namespace cardiomm::inline CARDIOMM_ABI::models {

namespace detail {

/// f = g (gamma x + beta), or with `Backward` dx = g gamma df + dy; rows are pixels.
template <class T, ExecutionSpace Ex, bool Backward>
struct gate_kernel {
  static constexpr const char* name = "cardiomm::models::text_gate";
  const T* gate;
  const T* gamma;
  const T* beta;
  const T* x;   // df with Backward
  const T* dy;  // Backward only
  T* y;
  sample_items items;
  index_t pixels, channels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const T* g = gate + items(row / pixels) * channels;
    const index_t at = row * channels;
    nn::packets<T, Ex>(first, last, [&](auto tag, index_t c) {
      using traits = lane_traits<typename decltype(tag)::type>;
      const auto v = traits::load(x + at + c), w = traits::load(g + c);
      const auto a = traits::load(gamma + c);
      if constexpr (Backward) {
        traits::store(y + at + c, traits::fma(w * a, v, traits::load(dy + at + c)));
      } else {
        traits::store(y + at + c, w * traits::fma(a, v, traits::load(beta + c)));
      }
    });
  }
};
/// y = x + g (gamma x + beta) + r * attention in one pass; rows are pixels.
template <class T, ExecutionSpace Ex>
struct gate_finish {
  static constexpr const char* name = "cardiomm::models::text_gate_finish";
  const T* gate;
  const T* gamma;
  const T* beta;
  const T* attention;
  const T* r;
  const T* x;
  T* y;
  sample_items items;
  index_t pixels, channels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const T* g = gate + items(row / pixels) * channels;
    const T* a = attention + row / pixels * channels;
    const index_t at = row * channels;
    nn::packets<T, Ex>(first, last, [&](auto tag, index_t c) {
      using traits = lane_traits<typename decltype(tag)::type>;
      const auto v = traits::load(x + at + c), w = traits::load(g + c);
      const auto f = w * traits::fma(traits::load(gamma + c), v, traits::load(beta + c));
      traits::store(y + at + c, v + traits::fma(traits::load(r + at + c), traits::load(a + c), f));
    });
  }
};
/// Sums over pixels of df x and df.
template <class T>
struct gate_terms {
  static constexpr int count = 2;
  const T* df;
  const T* x;
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION void add(L* sum, index_t, index_t at, index_t) const {
    using traits = lane_traits<L>;
    const L d = traits::load(df + at);
    sum[0] = traits::fma(d, traits::load(x + at), sum[0]);
    sum[1] = sum[1] + d;
  }
};
/// From these sums (sample, 2, channel): gradients of gamma, beta and of the gates (item, channel).
template <class T>
struct gate_parameters {
  static constexpr const char* name = "cardiomm::models::text_gate_parameters";
  const double* sums;
  const T* gate;
  const T* gamma;
  const T* beta;
  T* dgamma;
  T* dbeta;
  double* dgate;
  sample_items items;
  index_t samples, texts, channels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t c = first; c < last; ++c) {
      for (index_t i = 0; i < texts; ++i) dgate[i * channels + c] = 0;
      double a = 0, b = 0;
      for (index_t s = 0; s < samples; ++s) {
        const double with_x = sums[(2 * s) * channels + c],
                     plain = sums[(2 * s + 1) * channels + c];
        const index_t at = items(s) * channels + c;
        a += double(gate[at]) * with_x;
        b += double(gate[at]) * plain;
        dgate[at] += double(gamma[c]) * with_x + double(beta[c]) * plain;
      }
      if (dgamma) dgamma[c] += T(a);
      if (dbeta) dbeta[c] += T(b);
    }
  }
};
}  // namespace detail

/// x + block(g (gamma x + beta)) on features of n channels; embeddings (text, length). gamma and
/// beta are zero at first, which makes it the identity.
template <class T, ExecutionSpace Ex>
class text_gate {
  using in2 = view<const T, 2, Ex>;
  using in4 = view<const T, 4, Ex>;
  using out4 = view<T, 4, Ex>;

 public:
  nn::parameter<T, Ex> gamma, beta;
  text_vector<T, false, Ex> gates;
  nn::attention_block<T, Ex> block;

  text_gate(const Ex& ex, index_t n, index_t length, index_t reduction, bool random = true)
      : gamma(ex, {1, n, 1, 1}),
        beta(ex, {1, n, 1, 1}),
        gates(ex, n, length),
        block(ex, n, reduction, {}, random) {}

  struct tape {
    view<T, 2, Ex> gate;
    typename nn::attention_block<T, Ex>::tape inner;
  };
  tape record(nn::memory<Ex>& m, const shape<4>& s, index_t texts) const {
    tape t;
    t.gate = m.template take<T>(shape{texts, s[3]});
    t.inner = block.record(m, s);
    return t;
  }
  /// y may be x.
  void forward(const Ex& ex, const in4& x, const in2& e, const sample_items& items,
               const out4& y) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const auto g = scratch.template tensor<T>(shape{index_t(e.extent(0)), gates.size()});
    const auto f = scratch.template tensor<T>(shape_of(x));
    gates.forward(ex, e, g);
    launch_gate<false>(ex, g, x, {}, items, f);
    const shape<4> s = shape_of(x);
    const auto r = scratch.template tensor<T>(s);
    T* attention = scratch.template take<T>(s[0] * s[3]);
    block.branch(ex, f, r, attention);
    finish(ex, g, attention, r, x, items, y);
  }
  void forward(const Ex& ex, const in4& x, const in2& e, const sample_items& items, const out4& y,
               tape& t) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const auto f = scratch.template tensor<T>(shape_of(x));
    gates.forward(ex, e, t.gate);
    launch_gate<false>(ex, t.gate, x, {}, items, f);
    block.branch(ex, f, t.inner);
    again(ex, x, items, y, t);
  }
  /// y once more, from what forward left; y may be x.
  void again(const Ex& ex, const in4& x, const sample_items& items, const out4& y,
             const tape& t) const {
    finish(ex, t.gate, t.inner.gate.gate.data(), t.inner.c, x, items, y);
  }
  /// de is added to, unless null; dx may be dy.
  void backward(const Ex& ex, const in4& x, const in2& e, const sample_items& items, const in4& dy,
                const out4& dx, const view<T, 2, Ex>& de, tape& t) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const shape<4> s = shape_of(x);
    const index_t texts = index_t(e.extent(0));
    const auto df = scratch.template tensor<T>(s);
    const auto f = scratch.template tensor<T>(s);
    double* sums = scratch.template take<double>(2 * s[0] * s[3]);
    double* dgate = scratch.template take<double>(texts * s[3]);
    launch_gate<false>(ex, t.gate, x, {}, items, f);
    block.backward(ex, f, f, dy, df, t.inner);
    nn::channel_sums<T>(ex, s[0], s[1] * s[2], s[3], detail::gate_terms<T>{df.data(), x.data()},
                        sums);
    launch::segments(
        ex, s[3],
        detail::gate_parameters<T>{sums, t.gate.data(), gamma.data(), beta.data(), gamma.gradient(),
                                   beta.gradient(), dgate, items, s[0], texts, s[3]});
    gates.backward(ex, e, t.gate, dgate, de);
    launch_gate<true>(ex, t.gate, df, dy, items, dx);
  }
  nn::named_parameters<T, Ex> parameters() const {
    nn::named_parameters<T, Ex> all{{"beta", beta},
                                    {"gamma", gamma},
                                    {"fc.weight", gates.map.weight},
                                    {"fc.bias", gates.map.bias}};
    nn::append(all, "block.", block.parameters());
    return all;
  }

 private:
  void finish(const Ex& ex, const in2& g, const T* attention, const in4& r, const in4& x,
              const sample_items& items, const out4& y) const {
    const shape<4> s = shape_of(x);
    launch::rows(
        ex, s[0] * s[1] * s[2], s[3],
        detail::gate_finish<T, Ex>{g.data(), gamma.data(), beta.data(), attention, r.data(),
                                   x.data(), y.data(), items, s[1] * s[2], s[3]});
  }
  template <bool Backward>
  void launch_gate(const Ex& ex, const in2& g, const in4& x, const in4& dy,
                   const sample_items& items, const out4& y) const {
    const shape<4> s = shape_of(x);
    launch::rows(
        ex, s[0] * s[1] * s[2], s[3],
        detail::gate_kernel<T, Ex, Backward>{g.data(), gamma.data(), beta.data(), x.data(),
                                             dy.data(), y.data(), items, s[1] * s[2], s[3]});
  }
};

}  // namespace cardiomm::inline CARDIOMM_ABI::models

#endif
