// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_ATTENTION_HPP
#define CARDIOMM_NN_ATTENTION_HPP
/// \file
/// Multi-head attention, softmax(q k^T / sqrt(head width)) v per head (Vaswani et al., NeurIPS
/// 2017): of the tokens of an item among themselves, of tokens to those of another sequence, and of
/// the pixels of 2-D windows, shifted or not (Liu et al., "Swin Transformer", ICCV 2021).
/// Parameters have the names q_proj, k_proj, v_proj, out_proj, each with weight and bias.

#include "cardiomm/core/blas1.hpp"
#include "cardiomm/nn/attention_kernels.hpp"
#include "cardiomm/nn/embedding.hpp"
#include "cardiomm/nn/linear.hpp"
#include "cardiomm/nn/sequential.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

struct attention_options {
  index_t heads = 1;
  bool causal = false;  ///< token i sees tokens 0 .. i
  bool bias = true;     ///< of the four projections
};

namespace detail {

/// What backward needs: projections, results of the heads, logarithms of the sums of weights.
template <class T, int R, ExecutionSpace Ex>
struct attention_tape {
  view<T, R, Ex> q, k, v, heads;
  view<T, 1, Ex> log_sum;
};

/// The projections of features of rank R and what runs between them; x asks, e answers.
template <class T, int R, ExecutionSpace Ex>
struct attention_parts {
  using features = view<const T, R, Ex>;
  using tape = attention_tape<T, R, Ex>;
  linear<T, R, Ex> q_proj, k_proj, v_proj, out_proj;
  index_t heads;

  attention_parts(const Ex& ex, index_t channels, index_t other, const attention_options& o,
                  std::uint64_t seed)
      : q_proj(ex, channels, channels, o.bias, seed),
        k_proj(ex, other, channels, o.bias, seed + 1),
        v_proj(ex, other, channels, o.bias, seed + 2),
        out_proj(ex, channels, channels, o.bias, seed + 3),
        heads(o.heads) {
    require(o.heads > 0 && channels % o.heads == 0, "attention: expected a divisor of the ",
            channels, " channels as number of heads, found ", o.heads);
  }
  /// `take(tag, shape)` gives memory.
  template <class Map, class Take>
  tape room(const Map& map, const shape<R>& x, const shape<R>& e, const Take& take) const {
    tape t;
    t.q = take(q_proj.output(x));
    t.k = take(k_proj.output(e));
    t.v = take(v_proj.output(e));
    t.heads = take(q_proj.output(x));
    t.log_sum = take(shape<1>{{map.groups() * heads * map.queries}});
    return t;
  }
  template <class Map>
  tape scratch(const Map& map, const shape<R>& x, const shape<R>& e,
               typename workspace<Ex>::frame& frame) const {
    return room(map, x, e, [&](const auto& s) { return frame.template tensor<T>(s); });
  }
  template <class Map>
  attention_data<T, Map, Ex> data(const Map& map, const tape& t, const T* table) const {
    const index_t width = q_proj.out_channels() / heads;
    return {map,
            t.q.data(),
            t.k.data(),
            t.v.data(),
            table,
            t.heads.data(),
            t.log_sum.data(),
            heads,
            width,
            T(1 / std::sqrt(double(width)))};
  }
  template <class Map>
  void forward(const Ex& ex, const Map& map, const features& x, const features& e,
               const view<T, R, Ex>& y, const tape& t, const T* table) const {
    q_proj.forward(ex, x, t.q);
    k_proj.forward(ex, e, t.k);
    v_proj.forward(ex, e, t.v);
    launch::rows(ex, map.groups() * heads * map.queries, 1,
                 attention_forward<T, Map, Ex>{data(map, t, table)});
    out_proj.forward(ex, t.heads, y);
  }
  /// dx and de may be null; where they are the same memory both gradients are added there.
  template <class Map>
  void backward(const Ex& ex, const Map& map, const features& x, const features& e,
                const features& y, const features& dy, const view<T, R, Ex>& dx,
                const view<T, R, Ex>& de, const tape& t, const T* table, T* table_gradient) const {
    typename workspace<Ex>::frame frame(workspace<Ex>::of(ex));
    nothing none;
    const auto g = scratch(map, shape_of(x), shape_of(e), frame);  // gradients of what t holds
    out_proj.backward(ex, t.heads, y, dy, g.heads, none);
    const auto d = data(map, t, table);
    const T* along = g.log_sum.data();
    launch::rows(
        ex, map.groups() * heads * map.queries, 1,
        attention_query_gradient<T, Map, Ex>{d, g.heads.data(), g.q.data(), g.log_sum.data()});
    launch::rows(
        ex, map.groups() * heads * map.keys, 1,
        attention_key_gradient<T, Map, Ex>{d, g.heads.data(), along, g.k.data(), g.v.data()});
    if (table_gradient)
      launch::rows(ex, map.offsets() * heads, 1,
                   attention_table_gradient<T, Map, Ex>{d, g.heads.data(), along, table_gradient});
    q_proj.backward(ex, x, t.q, g.q, dx, none);
    if (!de.data()) {
      k_proj.backward(ex, e, t.k, g.k, de, none);
      v_proj.backward(ex, e, t.v, g.v, de, none);
      return;
    }
    const auto more = frame.template tensor<T>(shape_of(e));
    const bool same = dx.data() == de.data();
    k_proj.backward(ex, e, t.k, g.k, same ? more : de, none);
    if (same) add(ex, more, de);
    v_proj.backward(ex, e, t.v, g.v, more, none);
    add(ex, more, de);
  }
  named_parameters<T, Ex> parameters() const {
    named_parameters<T, Ex> all;
    append(all, "q_proj.", q_proj.parameters());
    append(all, "k_proj.", k_proj.parameters());
    append(all, "v_proj.", v_proj.parameters());
    append(all, "out_proj.", out_proj.parameters());
    return all;
  }
};

/// Layers whose x asks and answers; Self has `map(shape)`, `table()` and `table_gradient()`.
template <class Self, class T, int R, ExecutionSpace Ex>
struct self_attention_layer : layer<Self, T, R, R, Ex>, attention_parts<T, R, Ex> {
  using base = layer<Self, T, R, R, Ex>;
  using parts = attention_parts<T, R, Ex>;
  using tape = typename parts::tape;
  using parts::parts;

  shape<R> output(const shape<R>& in) const { return this->q_proj.output(in); }
  tape record(memory<Ex>& m, const shape<R>& in) const {
    return parts::room(self().map(in), in, in,
                       [&](const auto& s) { return m.template take<T>(s); });
  }
  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y) const {
    typename workspace<Ex>::frame frame(workspace<Ex>::of(ex));
    const auto map = self().map(shape_of(x));
    parts::forward(ex, map, x, x, y, parts::scratch(map, shape_of(x), shape_of(x), frame),
                   self().table());
  }
  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y,
               tape& t) const {
    parts::forward(ex, self().map(shape_of(x)), x, x, y, t, self().table());
  }
  void backward(const Ex& ex, const typename base::in& x, const typename base::result& y,
                const typename base::result& dy, const typename base::gradient& dx, tape& t) const {
    parts::backward(ex, self().map(shape_of(x)), x, x, y, dy, dx, dx, t, self().table(),
                    self().table_gradient());
  }

 private:
  const Self& self() const { return static_cast<const Self&>(*this); }
};

}  // namespace detail

/// Attention among the tokens of an item; features (item, token, channel).
template <class T, ExecutionSpace Ex = default_space>
class self_attention : public detail::self_attention_layer<self_attention<T, Ex>, T, 3, Ex> {
 public:
  using parts = detail::self_attention_layer<self_attention, T, 3, Ex>;
  static constexpr const char* name = "self_attention";
  self_attention(const Ex& ex, index_t channels, const attention_options& o, std::uint64_t seed = 0)
      : parts(ex, channels, channels, o, seed), causal_(o.causal) {}
  named_parameters<T, Ex> parameters() const {
    return detail::attention_parts<T, 3, Ex>::parameters();
  }
  detail::token_map map(const shape<3>& s) const { return {s[0], s[1], s[1], causal_}; }
  const T* table() const { return nullptr; }
  T* table_gradient() const { return nullptr; }

 private:
  bool causal_;
};

/// Tokens of x (item, token, channel) ask those of e (item, other token, other channel).
template <class T, ExecutionSpace Ex = default_space>
class cross_attention {
 public:
  using value_type = T;
  using execution_space = Ex;
  using tape = detail::attention_tape<T, 3, Ex>;
  using features = view<const T, 3, Ex>;
  static constexpr const char* name = "cross_attention";

  cross_attention(const Ex& ex, index_t channels, index_t other_channels,
                  const attention_options& o, std::uint64_t seed = 0)
      : parts_(ex, channels, other_channels, o, seed), causal_(o.causal) {}

  shape<3> output(const shape<3>& x, const shape<3>& e) const {
    require<shape_error>(x[0] == e[0], "cross_attention: expected as many items on both sides, ",
                         "found ", x, " and ", e);
    parts_.k_proj.output(e);
    return parts_.q_proj.output(x);
  }
  tape record(memory<Ex>& m, const shape<3>& x, const shape<3>& e) const {
    return parts_.room(map(x, e), x, e, [&](const auto& s) { return m.template take<T>(s); });
  }
  void forward(const Ex& ex, const features& x, const features& e, const view<T, 3, Ex>& y) const {
    typename workspace<Ex>::frame frame(workspace<Ex>::of(ex));
    const auto m = map(shape_of(x), shape_of(e));
    parts_.forward(ex, m, x, e, y, parts_.scratch(m, shape_of(x), shape_of(e), frame), nullptr);
  }
  void forward(const Ex& ex, const features& x, const features& e, const view<T, 3, Ex>& y,
               tape& t) const {
    parts_.forward(ex, map(shape_of(x), shape_of(e)), x, e, y, t, nullptr);
  }
  /// dx and de are overwritten, or may be null; they may not be the same memory.
  void backward(const Ex& ex, const features& x, const features& e, const features& y,
                const features& dy, const view<T, 3, Ex>& dx, const view<T, 3, Ex>& de,
                tape& t) const {
    parts_.backward(ex, map(shape_of(x), shape_of(e)), x, e, y, dy, dx, de, t, nullptr, nullptr);
  }
  named_parameters<T, Ex> parameters() const { return parts_.parameters(); }

 private:
  detail::token_map map(const shape<3>& x, const shape<3>& e) const {
    return {x[0], x[1], e[1], causal_};
  }
  detail::attention_parts<T, 3, Ex> parts_;
  bool causal_;
};

struct window_options {
  index_t heads = 1;
  index_t rows = 8, columns = 8;              ///< of a window
  index_t shift_rows = 0, shift_columns = 0;  ///< how far windows are moved, cyclically
  bool bias = true;                           ///< of the four projections
  bool relative_positions = true;             ///< a learned score for each distance and head
};

/// Attention among the pixels of a window; features (item, y, x, channel). With
/// relative_positions there is a parameter `relative_position_bias_table` (distances, heads).
/// Where the size is no multiple of the window's, windows at the border are smaller.
template <class T, ExecutionSpace Ex = default_space>
class window_attention : public detail::self_attention_layer<window_attention<T, Ex>, T, 4, Ex> {
 public:
  using parts = detail::self_attention_layer<window_attention, T, 4, Ex>;
  static constexpr const char* name = "window_attention";
  parameter<T, Ex> relative_position_bias_table;  ///< may be an empty handle

  window_attention(const Ex& ex, index_t channels, const window_options& o, std::uint64_t seed = 0)
      : parts(ex, channels, channels, attention_options{o.heads, false, o.bias}, seed),
        options_(o) {
    require(o.rows > 0 && o.columns > 0, "window_attention: expected windows of at least 1 x 1, ",
            "found ", o.rows, " x ", o.columns);
    require(o.shift_rows >= 0 && o.shift_rows < o.rows && o.shift_columns >= 0 &&
                o.shift_columns < o.columns,
            "window_attention: expected a shift of at least 0 and less than the window, found ",
            o.shift_rows, " and ", o.shift_columns);
    if (!o.relative_positions) return;
    relative_position_bias_table =
        parameter<T, Ex>(ex, {(2 * o.rows - 1) * (2 * o.columns - 1), o.heads});
    init::normal(ex, relative_position_bias_table, 0, 0.02, seed + 4);
  }
  named_parameters<T, Ex> parameters() const {
    auto all = detail::attention_parts<T, 4, Ex>::parameters();
    if (relative_position_bias_table)
      all.emplace_back("relative_position_bias_table", relative_position_bias_table);
    return all;
  }
  detail::window_map map(const shape<4>& s) const {
    return detail::window_map::of(s, options_.rows, options_.columns, options_.shift_rows,
                                  options_.shift_columns);
  }
  const T* table() const {
    return relative_position_bias_table ? relative_position_bias_table.data() : nullptr;
  }
  T* table_gradient() const {
    return relative_position_bias_table ? relative_position_bias_table.gradient() : nullptr;
  }

 private:
  window_options options_;
};

template <class T, ExecutionSpace Ex>
struct specimen<self_attention<T, Ex>> {
  static self_attention<T, Ex> make(const Ex& ex, linop::size_class s, std::uint64_t seed) {
    return self_attention<T, Ex>(
        ex, domain(s)[2], {2, s == linop::size_class::odd, s != linop::size_class::wide}, seed);
  }
  static shape<3> domain(linop::size_class s) {
    auto f = specimen_tokens(s);
    if (s == linop::size_class::wide) f = {{2, 37, 40}};
    return f;
  }
};
template <class T, ExecutionSpace Ex>
struct specimen<window_attention<T, Ex>> {
  static window_attention<T, Ex> make(const Ex& ex, linop::size_class s, std::uint64_t seed) {
    const bool shifted = s == linop::size_class::odd || s == linop::size_class::multiple_of_four;
    return window_attention<T, Ex>(ex, domain(s)[3],
                                   {2, 4, 3, shifted ? index_t(2) : 0, shifted ? index_t(1) : 0,
                                    true, s != linop::size_class::tiny},
                                   seed);
  }
  static shape<4> domain(linop::size_class s) {
    auto f = specimen_features(s);
    f[3] = 6;
    return f;
  }
};
template <class T, ExecutionSpace Ex>
using attention_specimens = linop::type_list<self_attention<T, Ex>, window_attention<T, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
