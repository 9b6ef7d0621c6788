// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_ATTENTION_KERNELS_HPP
#define CARDIOMM_NN_ATTENTION_KERNELS_HPP
/// \file
/// Softmax attention between tokens of a group, head by head: which rows of a matrix form a group,
/// and who sees whom, is said by a map. The softmax runs along with the sums (Milakov and
/// Gimelshein, 2018), so that no matrix of weights is stored; backward makes the weights again from
/// the logarithm of their sum (Dao et al., NeurIPS 2022).

#include <cmath>

#include "cardiomm/core/lane.hpp"
#include "cardiomm/core/launch.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn::detail {

/// Every item is a group; queries and keys lie one after the other.
struct token_map {
  index_t items, queries, keys;
  bool causal;
  KOKKOS_INLINE_FUNCTION index_t groups() const { return items; }
  KOKKOS_INLINE_FUNCTION index_t query_row(index_t group, index_t t) const {
    return group * queries + t;
  }
  KOKKOS_INLINE_FUNCTION index_t key_row(index_t group, index_t t) const {
    return group * keys + t;
  }
  KOKKOS_INLINE_FUNCTION bool sees(index_t, index_t query, index_t key) const {
    return !causal || key <= query;
  }
  KOKKOS_INLINE_FUNCTION index_t offset(index_t, index_t) const { return 0; }
  static constexpr index_t offsets() { return 0; }
};

/// Windows of features (item, y, x, channel), moved by a cyclic shift; pixels see those of their
/// window that were neighbours before the shift. Windows reach over the border where the size is no
/// multiple of theirs; what lies outside is left out.
struct window_map {
  index_t items, height, width, wy, wx, sy, sx, ny, nx, queries, keys;
  static window_map of(const shape<4>& s, index_t wy, index_t wx, index_t sy, index_t sx) {
    // a window that holds everything is not shifted
    return {s[0],
            s[1],
            s[2],
            wy,
            wx,
            wy >= s[1] ? 0 : sy,
            wx >= s[2] ? 0 : sx,
            (s[1] + wy - 1) / wy,
            (s[2] + wx - 1) / wx,
            wy * wx,
            wy * wx};
  }
  KOKKOS_INLINE_FUNCTION index_t groups() const { return items * ny * nx; }
  KOKKOS_INLINE_FUNCTION index_t query_row(index_t group, index_t t) const {
    const int windows = int(ny * nx), item = int(group) / windows, w = int(group) % windows;
    int y = w / int(nx) * int(wy) + int(t) / int(wx) + int(sy);
    int x = w % int(nx) * int(wx) + int(t) % int(wx) + int(sx);
    if (y >= int(ny * wy)) y -= int(ny * wy);
    if (x >= int(nx * wx)) x -= int(nx * wx);
    return y < height && x < width ? (item * height + y) * width + x : index_t(-1);
  }
  KOKKOS_INLINE_FUNCTION index_t key_row(index_t group, index_t t) const {
    return query_row(group, t);
  }
  KOKKOS_INLINE_FUNCTION bool sees(index_t group, index_t query, index_t key) const {
    return (sy == 0 && sx == 0) || side(group, query) == side(group, key);
  }
  /// Which sides of the seam of the shift a token lies on.
  KOKKOS_INLINE_FUNCTION int side(index_t group, index_t t) const {
    const int w = int(group) % int(ny * nx);
    const int y = w / int(nx) * int(wy) + int(t) / int(wx);
    const int x = w % int(nx) * int(wx) + int(t) % int(wx);
    return (sy > 0 && y >= int(ny * wy - sy) ? 1 : 0) + (sx > 0 && x >= int(nx * wx - sx) ? 2 : 0);
  }
  /// Number of the distance between two places of a window.
  KOKKOS_INLINE_FUNCTION index_t offset(index_t query, index_t key) const {
    const int dy = int(query) / int(wx) - int(key) / int(wx) + int(wy) - 1;
    const int dx = int(query) % int(wx) - int(key) % int(wx) + int(wx) - 1;
    return dy * (2 * int(wx) - 1) + dx;
  }
  KOKKOS_INLINE_FUNCTION index_t offsets() const { return (2 * wy - 1) * (2 * wx - 1); }
};

/// Matrices (row, head, number of the head) of queries, keys, values and results; `table` (offset,
/// head) is added to the scores, and may be null.
template <class T, class Map, ExecutionSpace Ex>
struct attention_data {
  Map map;
  const T *q, *k, *v, *table;
  T *out, *log_sum;  // log_sum (group, head, query)
  index_t heads, width;
  T scale;

  struct place {
    index_t group, head, token;
  };
  KOKKOS_INLINE_FUNCTION place query_of(index_t task) const { return split(task, map.queries); }
  KOKKOS_INLINE_FUNCTION place key_of(index_t task) const { return split(task, map.keys); }
  KOKKOS_INLINE_FUNCTION place split(index_t task, index_t tokens) const {
    const index_t rest = task / tokens;
    return {rest / heads, rest % heads, task % tokens};
  }
  template <class P>
  KOKKOS_INLINE_FUNCTION P* at(P* rows, index_t row, index_t head) const {
    return rows + (row * heads + head) * width;
  }
  KOKKOS_INLINE_FUNCTION T score(const T* query, index_t key_row, const place& p,
                                 index_t key) const {
    const T s = scale * product_of(query, at(k, key_row, p.head), width);
    return table ? s + table[map.offset(p.token, key) * heads + p.head] : s;
  }
  KOKKOS_INLINE_FUNCTION static T product_of(const T* a, const T* b, index_t n) {
    using L = lane<T, Ex>;
    using traits = lane_traits<L>;
    L packet = L(T(0));
    index_t i = 0;
    for (; i + traits::width <= n; i += traits::width)
      packet = traits::fma(traits::load(a + i), traits::load(b + i), packet);
    T sum = T(0);
    for (; i < n; ++i) sum += a[i] * b[i];
    return sum + traits::sum(packet);
  }
};

/// A task is a query of a head of a group.
template <class T, class Map, ExecutionSpace Ex>
struct attention_forward {
  static constexpr const char* name = "cardiomm::nn::attention";
  attention_data<T, Map, Ex> d;
  KOKKOS_INLINE_FUNCTION void operator()(index_t task, index_t, index_t) const {
    constexpr index_t most = 16;
    const auto p = d.query_of(task);
    const index_t row = d.map.query_row(p.group, p.token);
    if (row < 0) return;
    const T* query = d.at(d.q, row, p.head);
    T* out = d.at(d.out, row, p.head);
    for (index_t c = 0; c < d.width; ++c) out[c] = T(0);
    T largest = -T(INFINITY), sum = T(0);
    for (index_t first = 0; first < d.map.keys; first += most) {
      T score[most];
      index_t rows[most], n = 0;
      T top = largest;
      for (index_t j = first; j < d.map.keys && j < first + most; ++j) {
        rows[n] = d.map.key_row(p.group, j);
        if (rows[n] < 0 || !d.map.sees(p.group, p.token, j)) continue;
        score[n] = d.score(query, rows[n], p, j);
        top = score[n] > top ? score[n] : top;
        ++n;
      }
      if (n == 0) continue;
      const T before = math::exp(largest - top);
      largest = top;
      sum *= before;
      for (index_t c = 0; c < d.width; ++c) out[c] *= before;
      for (index_t i = 0; i < n; ++i) {
        const T weight = math::exp(score[i] - top);
        const T* value = d.at(d.v, rows[i], p.head);
        sum += weight;
        for (index_t c = 0; c < d.width; ++c) out[c] += weight * value[c];
      }
    }
    // a query that sees nobody gets zeros, and no gradient
    d.log_sum[task] = sum > T(0) ? largest + math::log(sum) : T(INFINITY);
    const T inverse = sum > T(0) ? T(1) / sum : T(0);
    for (index_t c = 0; c < d.width; ++c) out[c] *= inverse;
  }
};

/// dq of a query, and <dout, out>, which its keys need.
template <class T, class Map, ExecutionSpace Ex>
struct attention_query_gradient {
  static constexpr const char* name = "cardiomm::nn::attention_query_gradient";
  attention_data<T, Map, Ex> d;
  const T* dout;
  T *dq, *along;  // along (group, head, query)
  KOKKOS_INLINE_FUNCTION void operator()(index_t task, index_t, index_t) const {
    const auto p = d.query_of(task);
    const index_t row = d.map.query_row(p.group, p.token);
    if (row < 0) return;
    const T* query = d.at(d.q, row, p.head);
    const T* g = d.at(dout, row, p.head);
    T* to = d.at(dq, row, p.head);
    const T mean = d.product_of(g, d.at(d.out, row, p.head), d.width);
    along[task] = mean;
    for (index_t c = 0; c < d.width; ++c) to[c] = T(0);
    for (index_t j = 0; j < d.map.keys; ++j) {
      const index_t other = d.map.key_row(p.group, j);
      if (other < 0 || !d.map.sees(p.group, p.token, j)) continue;
      const T weight = math::exp(d.score(query, other, p, j) - d.log_sum[task]);
      const T slope = weight * (d.product_of(g, d.at(d.v, other, p.head), d.width) - mean);
      const T* key = d.at(d.k, other, p.head);
      for (index_t c = 0; c < d.width; ++c) to[c] += d.scale * slope * key[c];
    }
  }
};

/// dk and dv of a key.
template <class T, class Map, ExecutionSpace Ex>
struct attention_key_gradient {
  static constexpr const char* name = "cardiomm::nn::attention_key_gradient";
  attention_data<T, Map, Ex> d;
  const T *dout, *along;
  T *dk, *dv;
  KOKKOS_INLINE_FUNCTION void operator()(index_t task, index_t, index_t) const {
    const auto p = d.key_of(task);
    const index_t row = d.map.key_row(p.group, p.token);
    if (row < 0) return;
    const T* value = d.at(d.v, row, p.head);
    T* to_k = d.at(dk, row, p.head);
    T* to_v = d.at(dv, row, p.head);
    for (index_t c = 0; c < d.width; ++c) to_k[c] = to_v[c] = T(0);
    for (index_t i = 0; i < d.map.queries; ++i) {
      const index_t other = d.map.query_row(p.group, i);
      if (other < 0 || !d.map.sees(p.group, i, p.token)) continue;
      const index_t at = (p.group * d.heads + p.head) * d.map.queries + i;
      const T* query = d.at(d.q, other, p.head);
      const T* g = d.at(dout, other, p.head);
      const T weight =
          math::exp(d.score(query, row, {p.group, p.head, i}, p.token) - d.log_sum[at]);
      const T slope = d.scale * weight * (d.product_of(g, value, d.width) - along[at]);
      for (index_t c = 0; c < d.width; ++c) {
        to_k[c] += slope * query[c];
        to_v[c] += weight * g[c];
      }
    }
  }
};

/// Gradient of the table: an offset of a head sums the pairs that lie so far apart, group after
/// group.
template <class T, class Map, ExecutionSpace Ex>
struct attention_table_gradient {
  static constexpr const char* name = "cardiomm::nn::attention_table_gradient";
  attention_data<T, Map, Ex> d;
  const T *dout, *along;
  T* gradient;
  KOKKOS_INLINE_FUNCTION void operator()(index_t task, index_t, index_t) const {
    const index_t offset = task / d.heads, head = task % d.heads;
    double sum = 0;
    for (index_t i = 0; i < d.map.queries; ++i)
      for (index_t j = 0; j < d.map.keys; ++j) {
        if (d.map.offset(i, j) != offset) continue;
        for (index_t group = 0; group < d.map.groups(); ++group) {
          const index_t row = d.map.query_row(group, i), other = d.map.key_row(group, j);
          if (row < 0 || other < 0 || !d.map.sees(group, i, j)) continue;
          const index_t at = (group * d.heads + head) * d.map.queries + i;
          const T weight =
              math::exp(d.score(d.at(d.q, row, head), other, {group, head, i}, j) - d.log_sum[at]);
          sum += double(
              weight *
              (d.product_of(d.at(dout, row, head), d.at(d.v, other, head), d.width) - along[at]));
        }
      }
    gradient[task] += T(sum);
  }
};

}  // namespace cardiomm::inline CARDIOMM_ABI::nn::detail

#endif
