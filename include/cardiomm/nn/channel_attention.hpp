// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_CHANNEL_ATTENTION_HPP
#define CARDIOMM_NN_CHANNEL_ATTENTION_HPP
/// \file
/// Channel attention: every channel is scaled by a gate that all channels' means decide,
///
///     y = x * sigmoid(W2 relu(W1 mean_yx(x)))
///
/// Source: Zhang et al., "Image super-resolution using very deep residual channel attention
/// networks", ECCV 2018. The steps are public, so that a convolution that sums its results while it
/// makes them and a residual connection need one further pass only:
///
///     attention.gates(ex, items, pixels, sums, gate);       // sums (item, channel), double
///     attention.scale_add(ex, x, gate, skip, y);            // y = skip + x * gate

#include "cardiomm/nn/activation.hpp"
#include "cardiomm/nn/channel_sums.hpp"
#include "cardiomm/nn/init.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

namespace detail {

/// out[item, j] = f(sum_i w[j, i] in[item, i]); rows are items, columns j.
template <class T, class F, ExecutionSpace Ex>
struct small_dense {
  static constexpr const char* name = "cardiomm::nn::small_dense";
  const T* w;
  const T* in;
  T* out;
  index_t n_in, n_out;
  KOKKOS_INLINE_FUNCTION void operator()(index_t item, index_t first, index_t last) const {
    using L = lane<T, Ex>;
    using traits = lane_traits<L>;
    constexpr int W = traits::width;
    const T* x = in + item * n_in;
    for (index_t j = first; j < last; ++j) {
      const T* row = w + j * n_in;
      L packet(T(0));
      index_t i = 0;
      for (; i + W <= n_in; i += W)
        packet = traits::fma(traits::load(row + i), traits::load(x + i), packet);
      T sum = traits::sum(packet);
      for (; i < n_in; ++i) sum += row[i] * x[i];
      out[item * n_out + j] = F{}.template value<T>(sum, j);
    }
  }
};
/// y = x * gate, skip + x * gate or skip - x * gate (Add 0, 1, -1); rows are pixels, columns
/// channels.
template <class T, ExecutionSpace Ex, int Add>
struct scale_channels {
  static constexpr const char* name = "cardiomm::nn::scale_channels";
  const T* x;
  const T* gate;
  const T* skip;
  T* y;
  index_t pixels, channels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const T* g = gate + row / pixels * channels;
    const index_t base = row * channels;
    packets<T, Ex>(first, last, [&](auto tag, index_t c) {
      using L = typename decltype(tag)::type;
      using traits = lane_traits<L>;
      const L v = traits::load(x + base + c), w = traits::load(g + c);
      if constexpr (Add > 0) {
        traits::store(y + base + c, traits::fma(v, w, traits::load(skip + base + c)));
      } else if constexpr (Add < 0) {
        traits::store(y + base + c, traits::fma(v, -w, traits::load(skip + base + c)));
      } else {
        traits::store(y + base + c, v * w);
      }
    });
  }
};
/// dz = dg * g (1 - g) at the sigmoid, from sums dg.
template <class T>
struct gate_slope {
  static constexpr const char* name = "cardiomm::nn::gate_slope";
  const double* dg;
  const T* gate;
  T* dz;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) dz[i] = T(dg[i]) * gate[i] * (T(1) - gate[i]);
  }
};
/// din[item, i] = sum_j w[j, i] dout[item, j], zero where `positive` is not; times `scale`.
template <class T>
struct small_dense_transposed {
  static constexpr const char* name = "cardiomm::nn::small_dense_transposed";
  const T* w;
  const T* dout;
  const T* positive;  // may be null
  T* din;
  T scale;
  index_t n_in, n_out;
  KOKKOS_INLINE_FUNCTION void operator()(index_t item, index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      T sum = T(0);
      for (index_t j = 0; j < n_out; ++j) sum += w[j * n_in + i] * dout[item * n_out + j];
      const bool open = !positive || positive[item * n_in + i] > T(0);
      din[item * n_in + i] = open ? scale * sum : T(0);
    }
  }
};
/// dw[j, i] += sum_item dout[item, j] in[item, i]; rows are j, columns i.
template <class T>
struct small_dense_weights {
  static constexpr const char* name = "cardiomm::nn::small_dense_weights";
  const T* in;
  const T* dout;
  T* dw;
  index_t items, n_in, n_out;
  KOKKOS_INLINE_FUNCTION void operator()(index_t j, index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      T sum = T(0);
      for (index_t item = 0; item < items; ++item)
        sum += dout[item * n_out + j] * in[item * n_in + i];
      dw[j * n_in + i] += sum;
    }
  }
};
/// dx = dy * gate + dmean; rows are pixels.
template <class T, ExecutionSpace Ex>
struct scale_channels_backward {
  static constexpr const char* name = "cardiomm::nn::scale_channels_backward";
  const T* dy;
  const T* gate;
  const T* dmean;
  T* dx;
  index_t pixels, channels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t item = row / pixels * channels, base = row * channels;
    packets<T, Ex>(first, last, [&](auto tag, index_t c) {
      using traits = lane_traits<typename decltype(tag)::type>;
      traits::store(dx + base + c,
                    traits::fma(traits::load(dy + base + c), traits::load(gate + item + c),
                                traits::load(dmean + item + c)));
    });
  }
};
}  // namespace detail

/// y = x * sigmoid(W2 relu(W1 mean_yx(x))); parameters `conv_du.0.weight` (channels / reduction,
/// channels, 1, 1) and `conv_du.2.weight` (channels, channels / reduction, 1, 1), as in the papers'
/// code.
template <class T, ExecutionSpace Ex = default_space>
class channel_attention : public layer<channel_attention<T, Ex>, T, 4, 4, Ex> {
 public:
  using base = layer<channel_attention, T, 4, 4, Ex>;
  static constexpr const char* name = "channel_attention";
  parameter<T, Ex> down, up;

  /// What backward needs: mean and gate (item, channel), hidden (item, channels / reduction).
  struct tape {
    view<T, 2, Ex> mean, hidden, gate;
  };

  /// Random values of the framework (init.hpp). Throws value_error where channels / reduction is
  /// below 1.
  channel_attention(const Ex& ex, index_t channels, index_t reduction = 4, std::uint64_t seed = 0)
      : down(ex, {narrow(channels, reduction), channels, 1, 1}),
        up(ex, {channels, narrow(channels, reduction), 1, 1}) {
    init::framework(ex, down, {}, seed);
    init::framework(ex, up, {}, seed + 1);
  }

  index_t channels() const { return up.extents()[0]; }
  index_t hidden() const { return down.extents()[0]; }

  shape<4> output(const shape<4>& s) const {
    require<shape_error>(s[3] == channels(), "channel_attention: expected ", channels(),
                         " channels, found ", s);
    return s;
  }
  tape record(memory<Ex>& m, const shape<4>& s) const {
    tape t;
    t.mean = m.template take<T>(shape<2>{{s[0], channels()}});
    t.hidden = m.template take<T>(shape<2>{{s[0], hidden()}});
    t.gate = m.template take<T>(shape<2>{{s[0], channels()}});
    return t;
  }

  /// gate (item, channel) from the sums of x over its pixels (item, channel).
  void gates(const Ex& ex, index_t items, index_t pixels, const double* sums, T* gate) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    decide(ex, items, pixels, sums, scratch.template take<T>(items * channels()),
           scratch.template take<T>(items * hidden()), gate);
  }
  /// The same for backward; the gates are t.gate.
  void gates(const Ex& ex, index_t items, index_t pixels, const double* sums, tape& t) const {
    decide(ex, items, pixels, sums, t.mean.data(), t.hidden.data(), t.gate.data());
  }
  /// y = x * gate; y may be x.
  void scale(const Ex& ex, const typename base::in& x, const T* gate,
             const typename base::out& y) const {
    apply<0>(ex, x, gate, nullptr, y);
  }
  /// y = skip + x * gate; y may be x or skip.
  void scale_add(const Ex& ex, const typename base::in& x, const T* gate,
                 const typename base::in& skip, const typename base::out& y) const {
    apply<1>(ex, x, gate, skip.data(), y);
  }
  /// y = skip - x * gate; y may be x or skip.
  void scale_subtract(const Ex& ex, const typename base::in& x, const T* gate,
                      const typename base::in& skip, const typename base::out& y) const {
    apply<-1>(ex, x, gate, skip.data(), y);
  }

  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const auto s = output(shape_of(x));
    double* sums = scratch.template take<double>(s[0] * s[3]);
    T* gate = scratch.template take<T>(s[0] * s[3]);
    channel_sums(ex, x, sums);
    gates(ex, s[0], s[1] * s[2], sums, gate);
    scale(ex, x, gate, y);
  }
  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y,
               tape& t) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const auto s = output(shape_of(x));
    double* sums = scratch.template take<double>(s[0] * s[3]);
    channel_sums(ex, x, sums);
    gates(ex, s[0], s[1] * s[2], sums, t);
    scale(ex, x, t.gate.data(), y);
  }
  /// Does not read y, so that it serves y = skip + x * gate too.
  void backward(const Ex& ex, const typename base::in& x, const typename base::result& y,
                const typename base::result& dy, const typename base::gradient& dx, tape& t) const {
    (void)y;
    const auto s = shape_of(x);
    const index_t items = s[0], pixels = s[1] * s[2], c = s[3], h = hidden();
    if (!dx.data() && !down.gradient() && !up.gradient()) return;
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    double* dg = scratch.template take<double>(items * c);
    T* dz = scratch.template take<T>(items * c);
    T* dh = scratch.template take<T>(items * h);
    channel_sums<T>(ex, items, pixels, c, detail::sum_of_products<T>{dy.data(), x.data()}, dg);
    launch::segments(ex, items * c, detail::gate_slope<T>{dg, t.gate.data(), dz});
    launch::rows(ex, items, h,
                 detail::small_dense_transposed<T>{up.data(), dz, t.hidden.data(), dh, T(1), h, c});
    if (up.gradient())
      launch::rows(ex, c, h,
                   detail::small_dense_weights<T>{t.hidden.data(), dz, up.gradient(), items, h, c});
    if (down.gradient())
      launch::rows(ex, h, c,
                   detail::small_dense_weights<T>{t.mean.data(), dh, down.gradient(), items, c, h});
    if (!dx.data()) return;
    // dz is free now: it takes the gradient of the mean, a share for each pixel.
    launch::rows(
        ex, items, c,
        detail::small_dense_transposed<T>{down.data(), dh, nullptr, dz, T(1) / T(pixels), c, h});
    launch::rows(
        ex, items * pixels, c,
        detail::scale_channels_backward<T, Ex>{dy.data(), t.gate.data(), dz, dx.data(), pixels, c});
  }
  named_parameters<T, Ex> parameters() const {
    return {{"conv_du.0.weight", down}, {"conv_du.2.weight", up}};
  }

 private:
  static index_t narrow(index_t channels, index_t reduction) {
    require(reduction >= 1 && channels / reduction >= 1,
            "channel_attention: expected at least as many channels as the reduction, found ",
            channels, " and ", reduction);
    return channels / reduction;
  }
  void decide(const Ex& ex, index_t items, index_t pixels, const double* sums, T* mean, T* inner,
              T* gate) const {
    const index_t c = channels(), h = hidden();
    launch::segments(ex, items * c, detail::mean_of_sums<T>{sums, double(pixels), mean});
    launch::rows(ex, items, h,
                 detail::small_dense<T, detail::relu_function, Ex>{down.data(), mean, inner, c, h});
    launch::rows(
        ex, items, c,
        detail::small_dense<T, detail::sigmoid_function, Ex>{up.data(), inner, gate, h, c});
  }
  template <int Add>
  void apply(const Ex& ex, const typename base::in& x, const T* gate, const T* skip,
             const typename base::out& y) const {
    const auto s = shape_of(x);
    launch::rows(
        ex, s[0] * s[1] * s[2], s[3],
        detail::scale_channels<T, Ex, Add>{x.data(), gate, skip, y.data(), s[1] * s[2], s[3]});
  }
};

template <class T, ExecutionSpace Ex>
struct specimen<channel_attention<T, Ex>> {
  static channel_attention<T, Ex> make(const Ex& ex, linop::size_class s, std::uint64_t seed) {
    const channel_attention<T, Ex> l(ex, specimen_features(s)[3], 2);
    random::fill_normal(ex, l.down.value(), seed, 1);
    random::fill_normal(ex, l.up.value(), seed, 2);
    return l;
  }
  static shape<4> domain(linop::size_class s) { return specimen_features(s); }
};
template <class T, ExecutionSpace Ex>
using channel_attention_specimens = linop::type_list<channel_attention<T, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
