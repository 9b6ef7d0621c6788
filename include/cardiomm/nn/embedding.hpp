// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_EMBEDDING_HPP
#define CARDIOMM_NN_EMBEDDING_HPP
/// \file
/// Tables of learned vectors: `embedding` gives the row of each token's id, `positions` adds the
/// row of each token's place in its text.

#include "cardiomm/nn/activation.hpp"
#include "cardiomm/nn/init.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

namespace detail {

/// Rows are tokens. An id outside the table gives NaN: kernels cannot throw.
template <class T>
struct embedding_forward {
  static constexpr const char* name = "cardiomm::nn::embedding";
  const std::int32_t* ids;
  const T* table;
  T* y;
  index_t entries, channels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t token, index_t first, index_t last) const {
    const index_t id = ids[token];
    const bool known = id >= 0 && id < entries;
    for (index_t c = first; c < last; ++c)
      y[token * channels + c] = known ? table[id * channels + c] : T(NAN);
  }
};
/// A task owns some channels and adds the tokens one after the other, so that ids may repeat and
/// the order is always the same.
template <class T>
struct embedding_backward {
  static constexpr const char* name = "cardiomm::nn::embedding_backward";
  const std::int32_t* ids;
  const T* dy;
  T* gradient;
  index_t tokens, entries, channels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t t = 0; t < tokens; ++t) {
      const index_t id = ids[t];
      if (id < 0 || id >= entries) continue;
      for (index_t c = first; c < last; ++c) gradient[id * channels + c] += dy[t * channels + c];
    }
  }
};
/// Rows are places of all items. Without a table it is a copy.
template <class T>
struct positions_forward {
  static constexpr const char* name = "cardiomm::nn::positions";
  const T *x, *table;
  T* y;
  index_t tokens, channels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t place = row % tokens;
    for (index_t c = first; c < last; ++c)
      y[row * channels + c] = x[row * channels + c] + (table ? table[place * channels + c] : T(0));
  }
};
/// Rows are places of one item.
template <class T>
struct positions_backward {
  static constexpr const char* name = "cardiomm::nn::positions_backward";
  const T* dy;
  T* gradient;
  index_t items, tokens, channels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t place, index_t first, index_t last) const {
    for (index_t c = first; c < last; ++c) {
      double sum = 0;
      for (index_t i = 0; i < items; ++i) sum += double(dy[(i * tokens + place) * channels + c]);
      gradient[place * channels + c] += T(sum);
    }
  }
};

}  // namespace detail

/// Ids (item, token) to features (item, token, channel). Parameter: `weight` (entries, channels),
/// normal numbers at first. Its input is not differentiable, so it is no layer of `a | b`.
template <class T, ExecutionSpace Ex = default_space>
class embedding {
 public:
  using value_type = T;
  using execution_space = Ex;
  static constexpr const char* name = "embedding";
  parameter<T, Ex> weight;

  embedding(const Ex& ex, index_t entries, index_t channels, std::uint64_t seed = 0)
      : weight(ex, {entries, channels}) {
    init::normal(ex, weight, 0, 1, seed);
  }
  /// Shares a table.
  explicit embedding(parameter<T, Ex> table) : weight(std::move(table)) {
    require<shape_error>(weight.extents().size() == 2, "embedding: expected a table of two axes");
  }
  index_t entries() const { return weight.extents()[0]; }
  index_t channels() const { return weight.extents()[1]; }

  shape<3> output(const shape<2>& ids) const { return {{ids[0], ids[1], channels()}}; }
  /// Ids outside 0 .. entries - 1 give NaN.
  void forward(const Ex& ex, const view<const std::int32_t, 2, Ex>& ids,
               const view<T, 3, Ex>& y) const {
    launch::rows(
        ex, static_cast<index_t>(ids.size()), channels(),
        detail::embedding_forward<T>{ids.data(), weight.data(), y.data(), entries(), channels()});
  }
  /// Adds to the weight's gradient; the same ids give the same sum to the last bit.
  void backward(const Ex& ex, const view<const std::int32_t, 2, Ex>& ids,
                const view<const T, 3, Ex>& dy) const {
    if (!weight.gradient()) return;
    launch::segments(
        ex, channels(),
        detail::embedding_backward<T>{ids.data(), dy.data(), weight.gradient(),
                                      static_cast<index_t>(ids.size()), entries(), channels()});
  }
  named_parameters<T, Ex> parameters() const { return {{"weight", weight}}; }
};

/// y[item, token] = x[item, token] + weight[token]. Parameter: `weight` (longest text, channels).
template <class T, ExecutionSpace Ex = default_space>
class positions : public layer<positions<T, Ex>, T, 3, 3, Ex> {
 public:
  using base = layer<positions, T, 3, 3, Ex>;
  static constexpr const char* name = "positions";
  static constexpr bool inplace_ok = true;
  parameter<T, Ex> weight;

  positions(const Ex& ex, index_t longest, index_t channels, std::uint64_t seed = 0)
      : weight(ex, {longest, channels}) {
    init::normal(ex, weight, 0, 1, seed);
  }
  /// Shares a table.
  explicit positions(parameter<T, Ex> table) : weight(std::move(table)) {
    require<shape_error>(weight.extents().size() == 2, "positions: expected a table of two axes");
  }
  shape<3> output(const shape<3>& in) const {
    require<shape_error>(in[1] <= weight.extents()[0] && in[2] == weight.extents()[1],
                         "positions: expected at most ", weight.extents()[0], " tokens of ",
                         weight.extents()[1], " channels, found features ", in);
    return in;
  }
  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y) const {
    const auto s = shape_of(x);
    launch::rows(ex, s[0] * s[1], s[2],
                 detail::positions_forward<T>{x.data(), weight.data(), y.data(), s[1], s[2]});
  }
  void backward(const Ex& ex, const typename base::in& x, const typename base::result&,
                const typename base::result& dy, const typename base::gradient& dx,
                nothing&) const {
    const auto s = shape_of(x);
    if (weight.gradient())
      launch::rows(ex, s[1], s[2],
                   detail::positions_backward<T>{dy.data(), weight.gradient(), s[0], s[1], s[2]});
    if (dx.data())
      launch::rows(ex, s[0] * s[1], s[2],
                   detail::positions_forward<T>{dy.data(), nullptr, dx.data(), s[1], s[2]});
  }
  named_parameters<T, Ex> parameters() const { return {{"weight", weight}}; }
};

/// Shape (item, token, channel) of specimens.
constexpr shape<3> specimen_tokens(linop::size_class s) {
  const auto f = specimen_features(s);
  return {{f[0] + 1, f[2], s == linop::size_class::multiple_of_four ? index_t(16) : 6 * f[3]}};
}
template <class T, ExecutionSpace Ex>
struct specimen<positions<T, Ex>> {
  static positions<T, Ex> make(const Ex& ex, linop::size_class s, std::uint64_t seed) {
    return positions<T, Ex>(ex, domain(s)[1] + 2, domain(s)[2], seed);
  }
  static shape<3> domain(linop::size_class s) { return specimen_tokens(s); }
};
template <class T, ExecutionSpace Ex>
using embedding_specimens = linop::type_list<positions<T, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
