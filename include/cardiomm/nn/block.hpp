// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_BLOCK_HPP
#define CARDIOMM_NN_BLOCK_HPP
/// \file
/// Blocks that networks repeat: the residual block with channel attention, and a row of them.
///
///     y = x + attention(conv(prelu(conv(x))))
///
/// Source: the residual channel attention block of Zhang et al., ECCV 2018. The second convolution
/// sums its results while it makes them, and one pass does gate and residual. For backward two
/// features are kept, the results of both convolutions; in a row of blocks the inputs of all but
/// the first are found from the output, x = y - gate * result.

#include "cardiomm/nn/channel_attention.hpp"
#include "cardiomm/nn/conv.hpp"
#include "cardiomm/nn/sequential.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

/// x + attention(conv(prelu(conv(x)))), width n, 3 x 3 without bias. Parameters as in the papers'
/// code: CA.conv_du.0.weight, CA.conv_du.2.weight, body.0.weight, body.1.weight (the slope, may be
/// shared), body.2.weight.
template <class T, ExecutionSpace Ex = default_space>
class attention_block : public layer<attention_block<T, Ex>, T, 4, 4, Ex> {
 public:
  using base = layer<attention_block, T, 4, 4, Ex>;
  static constexpr const char* name = "attention_block";
  static constexpr bool inplace_ok = true;
  struct tape {
    view<T, 4, Ex> a, c;  ///< results of the first and the second convolution
    typename channel_attention<T, Ex>::tape gate;
  };

  conv<T, 2, Ex> first, second;
  prelu<T, 4, Ex> activation;
  channel_attention<T, Ex> attention;

  /// The slope is new, or shared where one is given. Random as the framework starts it, or zeros
  /// for someone who fills the parameters next.
  attention_block(const Ex& ex, index_t n, index_t reduction = 4,
                  const parameter<T, Ex>& shared_slope = {}, bool random = true)
      : first(make(ex, n, random, 1)),
        second(make(ex, n, random, 2)),
        activation(shared_slope ? prelu<T, 4, Ex>(shared_slope) : prelu<T, 4, Ex>(ex)),
        attention(ex, n, reduction, 3) {}

  index_t width() const { return first.in_channels(); }
  shape<4> output(const shape<4>& in) const { return first.output(in); }
  tape record(memory<Ex>& m, const shape<4>& in) const {
    tape t;
    t.a = m.template take<T>(in);
    t.c = m.template take<T>(in);
    t.gate = attention.record(m, in);
    return t;
  }

  /// y may be x.
  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const shape<4> s = output(shape_of(x));
    const auto r = scratch.template tensor<T>(s);
    T* gate = scratch.template take<T>(s[0] * s[3]);
    branch(ex, x, r, gate);
    attention.scale_add(ex, r, gate, x, y);
  }
  /// What is added to x, in two parts: r = conv(prelu(conv(x))) and its gates (item, channel).
  void branch(const Ex& ex, const typename base::in& x, const typename base::out& r,
              T* gate) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const shape<4> s = output(shape_of(x));
    const auto inner = scratch.template tensor<T>(s);
    double* sums = scratch.template take<double>(s[0] * s[3]);
    first.forward_fused(ex, x, inner, activation.function());
    second.forward_sums(ex, inner, r, same_value{}, sums);
    attention.gates(ex, s[0], s[1] * s[2], sums, gate);
  }
  /// The same for backward; the parts are t.c and t.gate.gate.
  void branch(const Ex& ex, const typename base::in& x, tape& t) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const shape<4> s = output(shape_of(x));
    double* sums = scratch.template take<double>(s[0] * s[3]);
    first.forward(ex, x, t.a);
    second.forward_activated(ex, t.a, activation.weight.data(), t.c, sums);
    attention.gates(ex, s[0], s[1] * s[2], sums, t.gate);
  }
  /// y may be x.
  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y,
               tape& t) const {
    branch(ex, x, t);
    advance(ex, x, y, t);
  }
  /// y once more, from what branch or forward left; y may be x.
  void advance(const Ex& ex, const typename base::in& x, const typename base::out& y,
               const tape& t) const {
    attention.scale_add(ex, t.c, t.gate.gate.data(), x, y);
  }
  /// x of the y of forward; x may be y.
  void restore(const Ex& ex, const typename base::result& y, const typename base::gradient& x,
               const tape& t) const {
    attention.scale_subtract(ex, t.c, t.gate.gate.data(), y, x);
  }
  /// Does not read y; dx may be dy.
  void backward(const Ex& ex, const typename base::in& x, const typename base::result& y,
                const typename base::result& dy, const typename base::gradient& dx, tape& t) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const shape<4> s = shape_of(x);
    const auto dc = scratch.template tensor<T>(s), d = scratch.template tensor<T>(s);
    nothing none;
    attention.backward(ex, t.c, y, dy, dc, t.gate);
    second.backward_activated(ex, t.a, activation.weight.data(), dc, d);
    activation.backward(ex, t.a, d, d, d, none);
    first.backward(ex, x, t.a, d, dx.data() ? dc : dx, none);
    if (dx.data()) add(ex, dy, dc, dx);
  }
  named_parameters<T, Ex> parameters() const {
    named_parameters<T, Ex> all;
    append(all, "CA.", attention.parameters());
    append(all, "body.0.", first.parameters());
    append(all, "body.1.", activation.parameters());
    append(all, "body.2.", second.parameters());
    return all;
  }

 private:
  static conv<T, 2, Ex> make(const Ex& ex, index_t n, bool random, std::uint64_t seed) {
    auto o = conv_options<2>::same(3);
    o.bias = false;
    if (random) return conv<T, 2, Ex>(ex, n, n, o, seed);
    return conv<T, 2, Ex>(parameter<T, Ex>(ex, {n, n, 3, 3}), {}, o);
  }
};

/// Blocks one after the other, as many as there are; none is the identity. Parameters "0.", "1.".
template <class T, ExecutionSpace Ex = default_space>
class attention_blocks : public layer<attention_blocks<T, Ex>, T, 4, 4, Ex> {
 public:
  using base = layer<attention_blocks, T, 4, 4, Ex>;
  static constexpr const char* name = "attention_blocks";
  static constexpr bool inplace_ok = true;
  using tape = std::vector<typename attention_block<T, Ex>::tape>;
  std::vector<attention_block<T, Ex>> blocks;

  shape<4> output(const shape<4>& in) const { return blocks.empty() ? in : blocks[0].output(in); }
  tape record(memory<Ex>& m, const shape<4>& in) const {
    tape t;
    for (const auto& b : blocks) t.push_back(b.record(m, in));
    return t;
  }
  /// y may be x.
  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y) const {
    if (blocks.empty() && x.data() != y.data()) Kokkos::deep_copy(ex, y, x);
    for (std::size_t i = 0; i < blocks.size(); ++i)
      blocks[i].forward(ex, i == 0 ? x : typename base::in(y), y);
  }
  /// y may be x.
  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y,
               tape& t) const {
    if (blocks.empty() && x.data() != y.data()) Kokkos::deep_copy(ex, y, x);
    for (std::size_t i = 0; i < blocks.size(); ++i)
      blocks[i].forward(ex, i == 0 ? x : typename base::in(y), y, t[i]);
  }
  /// x of the y of forward; x may be y.
  void restore(const Ex& ex, const typename base::result& y, const typename base::gradient& x,
               const tape& t) const {
    if (blocks.empty() && x.data() != y.data()) Kokkos::deep_copy(ex, x, y);
    for (std::size_t i = blocks.size(); i-- > 0;)
      blocks[i].restore(ex, i + 1 == blocks.size() ? y : typename base::result(x), x, t[i]);
  }
  /// dx may be dy; one of x and y may be null.
  void backward(const Ex& ex, const typename base::in& x, const typename base::result& y,
                const typename base::result& dy, const typename base::gradient& dx, tape& t) const {
    const std::size_t n = blocks.size();
    if (n == 0) {
      if (dx.data() && dx.data() != dy.data()) Kokkos::deep_copy(ex, dx, dy);
      return;
    }
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const shape<4> s = shape_of(dy);
    view<T, 4, Ex> before, d;  // input of a block, gradient of its output
    if (n > 1 || !x.data()) before = scratch.template tensor<T>(s);
    if (n > 1) d = scratch.template tensor<T>(s);
    if (!y.data())
      for (std::size_t i = 0; i + 1 < n; ++i)
        blocks[i].advance(ex, i == 0 ? x : typename base::in(before), before, t[i]);
    bool there = !y.data();  // `before` is the input of the last block
    for (std::size_t i = n; i-- > 0;) {
      const bool given = i == 0 && x.data();
      if (!given && !there)
        blocks[i].restore(ex, i + 1 == n ? y : typename base::result(before), before, t[i]);
      there = false;
      blocks[i].backward(ex, given ? x : typename base::in(before), y,
                         i + 1 == n ? dy : typename base::result(d), i == 0 ? dx : d, t[i]);
    }
  }
  named_parameters<T, Ex> parameters() const {
    named_parameters<T, Ex> all;
    for (std::size_t i = 0; i < blocks.size(); ++i)
      append(all, std::to_string(i) + ".", blocks[i].parameters());
    return all;
  }
};

template <class T, ExecutionSpace Ex>
struct specimen<attention_block<T, Ex>> {
  static attention_block<T, Ex> make(const Ex& ex, linop::size_class s, std::uint64_t) {
    attention_block<T, Ex> block(ex, specimen_features(s)[3], 2);
    init::constant(ex, block.activation.weight, 1);  // no kinks for differences to fall over
    return block;
  }
  static shape<4> domain(linop::size_class s) { return specimen_features(s); }
};
template <class T, ExecutionSpace Ex>
struct specimen<attention_blocks<T, Ex>> {
  static attention_blocks<T, Ex> make(const Ex& ex, linop::size_class s, std::uint64_t) {
    attention_blocks<T, Ex> row;
    const parameter<T, Ex> slope(ex, {1});
    init::constant(ex, slope, 1);
    const int count = s == linop::size_class::odd ? 3 : s == linop::size_class::tiny ? 1 : 2;
    for (int i = 0; i < count; ++i) row.blocks.emplace_back(ex, specimen_features(s)[3], 2, slope);
    return row;
  }
  static shape<4> domain(linop::size_class s) { return specimen_features(s); }
};
template <class T, ExecutionSpace Ex>
using block_specimens = linop::type_list<attention_block<T, Ex>, attention_blocks<T, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
