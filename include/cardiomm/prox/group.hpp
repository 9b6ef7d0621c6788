// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_PROX_GROUP_HPP
#define CARDIOMM_PROX_GROUP_HPP
/// \file
/// Joint sparsity: numbers that sit at the same place along some axes (coils, frames, directions of
/// a gradient, sets) are one vector, which is shortened as a whole. Two reads and one write.

#include <vector>

#include "cardiomm/prox/l1.hpp"

namespace cardiomm::inline CARDIOMM_ABI::prox {

namespace detail {
inline constexpr int group_axes = 3;

/// Members of a group: up to three runs of axes (extent, stride), slowest first; `rest` are the
/// axes between them, over which the groups are counted. The last axis is never part of a group.
struct group_layout {
  index_t extent[group_axes] = {1, 1, 1}, stride[group_axes] = {0, 0, 0};
  index_t rest[group_axes + 1] = {1, 1, 1, 1}, rest_stride[group_axes + 1] = {0, 0, 0, 0};
  index_t cols = 1;  ///< neighbouring groups
  index_t rows = 1;  ///< blocks of `cols` groups

  KOKKOS_FORCEINLINE_FUNCTION index_t start(index_t row) const {
    index_t offset = 0;
    for (int i = group_axes; i >= 0; --i) {
      offset += row % rest[i] * rest_stride[i];
      row /= rest[i];
    }
    return offset;
  }
};

/// Norms of the groups of a block, some at a time: f(first of them, how many, their squares).
template <class T, class F>
KOKKOS_FORCEINLINE_FUNCTION void for_groups(const group_layout& g, const complex<T>* in,
                                            index_t first, index_t last, const F& f) {
  constexpr index_t most = 64;
  for (index_t from = first; from < last; from += most) {
    const index_t n = last - from < most ? last - from : most;
    T squares[most];
    for (index_t i = 0; i < n; ++i) squares[i] = 0;
    for (index_t a = 0; a < g.extent[0]; ++a)
      for (index_t b = 0; b < g.extent[1]; ++b)
        for (index_t c = 0; c < g.extent[2]; ++c) {
          const complex<T>* p = in + a * g.stride[0] + b * g.stride[1] + c * g.stride[2] + from;
          for (index_t i = 0; i < n; ++i) squares[i] += abs2(p[i]);
        }
    f(from, n, squares);
  }
}

template <class T, class Lane>
struct group_kernel {
  static constexpr const char* name = "cardiomm::prox::group";
  const complex<T>* in;
  complex<T>* out;
  group_layout g;
  T threshold;
  bool clip;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    constexpr int W = lane_traits<Lane>::width;
    const index_t start = g.start(row);
    const T base = clip ? T(1) : T(0), sign = clip ? T(-1) : T(1), t = threshold;
    const group_layout& l = g;
    const complex<T>* x = in + start;
    complex<T>* y = out + start;
    for_groups(l, x, first, last, [&](index_t from, index_t n, T* factor) {
      index_t i = 0;
      for (; i + W <= n; i += W)
        lane_traits<Lane>::store(factor + i,
                                 shrink_factor(lane_traits<Lane>::load(factor + i), Lane(t)));
      for (; i < n; ++i) factor[i] = shrink_factor(factor[i], t);
      for (i = 0; i < n; ++i) factor[i] = base + sign * factor[i];
      for (index_t a = 0; a < l.extent[0]; ++a)
        for (index_t b = 0; b < l.extent[1]; ++b)
          for (index_t c = 0; c < l.extent[2]; ++c) {
            const index_t at = a * l.stride[0] + b * l.stride[1] + c * l.stride[2] + from;
            for (i = 0; i < n; ++i)
              y[at + i] = complex<T>(factor[i] * x[at + i].real(), factor[i] * x[at + i].imag());
          }
    });
  }
};

/// sum of the groups' norms, or how many are longer than `limit`
template <class T>
struct group_sum {
  static constexpr const char* name = "cardiomm::prox::group_value";
  const complex<T>* x;
  group_layout g;
  bool beyond;
  T limit;
  KOKKOS_INLINE_FUNCTION double operator()(index_t, index_t first, index_t last) const {
    double sum = 0;
    for (index_t i = first; i < last; ++i) {
      const index_t row = i / g.cols, col = i - row * g.cols;
      const complex<T>* p = x + g.start(row);
      for_groups(g, p, col, col + 1, [&](index_t, index_t, const T* squares) {
        sum += beyond ? double(squares[0] > limit * limit) : double(math::sqrt(squares[0]));
      });
    }
    return sum;
  }
};
}  // namespace detail

/// P(x) = w sum over groups of |x_group|; the groups run along the given axes (0 is the slowest;
/// all but the last, of which at most three). `group<float, 5>(w, {2})` joins the coils of coil
/// images, `group<float, 4>(w, {0})` the frames of a series, `group<float, 5>(w, {0})` the
/// directions of a gradient (isotropic total variation).
template <class T, int R, ExecutionSpace Ex = default_space>
class group : public proximal_operator<group<T, R, Ex>, T, R, Ex> {
  using base = proximal_operator<group, T, R, Ex>;
  using Lane = lane<T, Ex>;

 public:
  static constexpr const char* name = "group";
  group(double weight, const std::vector<int>& axes) : weight_(weight) {
    require(weight >= 0, "group: weight: expected at least 0, found ", weight);
    require(!axes.empty() && axes.size() <= detail::group_axes,
            "group: axes: expected one to three, found ", axes.size());
    for (const int a : axes) {
      require(a >= 0 && a < R - 1, "group: axes: expected 0 to ", R - 2, ", found ", a);
      require(!joined_[a], "group: axes: found axis ", a, " twice");
      joined_[a] = true;
    }
  }

  double value(const Ex& ex, in_of<base> x) const {
    const auto g = layout(shape_of(x));
    return weight_ *
           detail::total(ex, g.rows * g.cols, detail::group_sum<T>{x.data(), g, false, T(0)});
  }
  void prox(const Ex& ex, in_of<base> x, double sigma, out_of<base> out) const {
    run(ex, x, sigma * weight_, out, false);
  }
  /// prox of the conjugate: every group shortened to w.
  void prox_conjugate(const Ex& ex, in_of<base> x, double, out_of<base> out) const {
    run(ex, x, weight_, out, true);
  }
  /// 0 where no group is longer than w, infinity elsewhere.
  double conjugate_value(const Ex& ex, in_of<base> v) const {
    const auto g = layout(shape_of(v));
    const T limit = T(weight_) + detail::slack<T> * (T(weight_) + T(1));
    return detail::total(ex, g.rows * g.cols, detail::group_sum<T>{v.data(), g, true, limit}) > 0
               ? std::numeric_limits<double>::infinity()
               : 0;
  }
  double weight() const { return weight_; }

 private:
  void run(const Ex& ex, in_of<base> x, double threshold, out_of<base> out, bool clip) const {
    const auto g = layout(shape_of(x));
    launch::rows(ex, g.rows, g.cols,
                 detail::group_kernel<T, Lane>{x.data(), out.data(), g, T(threshold), clip});
  }
  detail::group_layout layout(const shape<R>& s) const {
    detail::group_layout g;
    index_t stride = 1;
    int members = detail::group_axes, rest = detail::group_axes + 1;
    bool first = true;  // trailing axes outside the group are one run of neighbours
    bool before = false;
    for (int i = R - 1; i >= 0; --i) {
      if (joined_[i]) {
        --members;
        g.extent[members] = s[i];
        g.stride[members] = stride;
        first = false;
      } else if (first) {
        g.cols *= s[i];
      } else if (before) {
        g.rest[rest] *= s[i];  // neighbours of the axis before: one run
      } else {
        --rest;
        g.rest[rest] = s[i];
        g.rest_stride[rest] = stride;
      }
      before = !joined_[i] && !first;
      stride *= s[i];
    }
    for (const index_t n : g.rest) g.rows *= n;
    return g;
  }
  double weight_;
  bool joined_[R] = {};
};

template <class T, ExecutionSpace Ex>
struct specimen<group<T, 4, Ex>> {
  static group<T, 4, Ex> make(const Ex&, size_class s, std::uint64_t) {
    if (s == size_class::odd) return {0.9, {0, 2}};
    if (s == size_class::multiple_of_four) return {1.4, {2}};
    return {1.1, {0}};
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
struct specimen<group<T, 5, Ex>> {
  static group<T, 5, Ex> make(const Ex&, size_class s, std::uint64_t) {
    if (s == size_class::odd) return {1.3, {0, 2, 3}};
    return {1.2, {2}};
  }
  static shape<5> domain(size_class s) { return specimen_kspace(s); }
};
template <class T, ExecutionSpace Ex>
using group_specimens = type_list<group<T, 4, Ex>, group<T, 5, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::prox

#endif
