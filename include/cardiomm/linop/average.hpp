// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_AVERAGE_HPP
#define CARDIOMM_LINOP_AVERAGE_HPP
/// \file
/// Means of groups of samples along an axis: y[.., g, ..] = mean of x[.., j, ..] over j in group g.
///
///     linop::average<float, 4> all(0, linop::whole_axis(25));            // one mean image
///     linop::average<float, 4> shared(0, linop::sliding_windows(25, 3)); // view sharing
///     linop::average<float, 5> repetitions(0, linop::repetitions(12, 4)); // 12 = 4 times 3 frames
///
/// Groups may overlap, and need not hold every sample.

#include <vector>

#include "cardiomm/core/random.hpp"
#include "cardiomm/linop/gram.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

/// Samples of each group, and the extent of the axis they are taken from.
struct sample_groups {
  index_t extent = 0;
  std::vector<std::vector<index_t>> members;
};

/// One group of all.
inline sample_groups whole_axis(index_t extent) {
  sample_groups g{extent, {{}}};
  for (index_t i = 0; i < extent; ++i) g.members[0].push_back(i);
  return g;
}
/// Groups of `width` neighbours, a new one every `step`; with `periodic` the last ones continue at
/// the start, else they end there and are shorter.
inline sample_groups sliding_windows(index_t extent, index_t width, index_t step = 1,
                                     bool periodic = true) {
  require(width > 0 && width <= extent && step > 0,
          "sliding_windows: expected 1 <= width <= extent and a positive step, found width ", width,
          ", extent ", extent, ", step ", step);
  sample_groups g{extent, {}};
  for (index_t i = 0; i < extent; i += step) {
    g.members.emplace_back();
    for (index_t j = i; j < i + width && (periodic || j < extent); ++j)
      g.members.back().push_back(j % extent);
  }
  return g;
}
/// An axis of `count` repetitions of the same samples, one after the other: a group for each
/// sample.
inline sample_groups repetitions(index_t extent, index_t count) {
  require(count > 0 && extent % count == 0, "repetitions: expected a divisor of the extent ",
          extent, ", found ", count);
  sample_groups g{extent, {}};
  const index_t n = extent / count;
  for (index_t i = 0; i < n; ++i) {
    g.members.emplace_back();
    for (index_t r = 0; r < count; ++r) g.members.back().push_back(r * n + i);
  }
  return g;
}

namespace detail {

/// Sums of weighted samples along (outer, axis, inner), rows of nx numbers.
template <class C, int Chunk>
struct average_kernel {
  static constexpr const char* name = "cardiomm::linop::average";
  using T = real_of<C>;
  const C* in;
  C* out;
  const index_t* start;  // of the list of each place of the axis of `out`
  const index_t* place;  // along the axis of `in`
  const T* weight;
  index_t from, to, inner, nx;
  accumulation<C> acc;

  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t per = inner / nx, outer = row / (to * per), rest = row - outer * to * per;
    const index_t i = rest / per;
    const C* x = in + outer * from * inner + (rest - i * per) * nx;
    C* y = out + row * nx;
    for (; first < last; first += Chunk) {
      const int n = last - first < Chunk ? static_cast<int>(last - first) : Chunk;
      T sum[2 * Chunk];
      for (int c = 0; c < 2 * n; ++c) sum[c] = T(0);
      for (index_t l = start[i]; l < start[i + 1]; ++l) {
        const T* v = reinterpret_cast<const T*>(x + place[l] * inner + first);
        const T w = weight[l];
        for (int c = 0; c < 2 * n; ++c) sum[c] += w * v[c];
      }
      for (int c = 0; c < n; ++c) acc.put(y[first + c], C(sum[2 * c], sum[2 * c + 1]));
    }
  }
};

}  // namespace detail

/// Means of groups along axis `along` of tensors of rank R; all other extents are open.
template <class T, int R, ExecutionSpace Ex = default_space>
class average : public linear_operator<average<T, R, Ex>, T, R, R, Ex> {
  using base = linear_operator<average<T, R, Ex>, T, R, R, Ex>;
  using C = complex<T>;

 public:
  static constexpr const char* name = "average";

  /// Throws value_error for an axis outside [0, R), no groups, an empty group or a sample outside
  /// the axis.
  average(int along, const sample_groups& groups)
      : axis_(along), extent_(groups.extent), groups_(index_t(groups.members.size())) {
    require(along >= 0 && along < R, "average: expected an axis in [0, ", R, "), found ", along);
    require(groups_ > 0, "average: expected at least one group, found none");
    std::vector<std::vector<std::pair<index_t, T>>> to(groups.members.size()),
        back(static_cast<std::size_t>(extent_));
    for (std::size_t g = 0; g < to.size(); ++g) {
      const auto& members = groups.members[g];
      require(!members.empty(), "average: group ", g, ": expected samples, found none");
      for (const index_t j : members) {
        require(j >= 0 && j < extent_, "average: group ", g, ": expected samples in [0, ", extent_,
                "), found ", j);
        const T w = T(1) / static_cast<T>(members.size());
        to[g].push_back({j, w});
        back[static_cast<std::size_t>(j)].push_back({static_cast<index_t>(g), w});
      }
    }
    forward_ = pack(to);
    backward_ = pack(back);
  }
  void unify(shape<R>& d, shape<R>& r) const {
    for (int i = 0; i < R; ++i)
      if (i != axis_) merge(d[i], r[i], name, "extents of the other axes");
    index_t n = extent_, m = groups_;
    merge(n, d[axis_], name, "samples");
    merge(m, r[axis_], name, "groups");
  }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    run(ex, forward_, x.data(), y.data(), shape_of(x), shape_of(y), acc);
  }
  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    run(ex, backward_, y.data(), x.data(), shape_of(y), shape_of(x), acc);
  }
  const void* id() const { return forward_.place.data(); }

 private:
  struct lists {
    tensor<index_t, 1, Ex> start, place;
    tensor<T, 1, Ex> weight;
  };
  static lists pack(const std::vector<std::vector<std::pair<index_t, T>>>& of) {
    index_t total = 0;
    for (const auto& l : of) total += static_cast<index_t>(l.size());
    auto start = make_tensor<index_t>(host_space(), shape{static_cast<index_t>(of.size()) + 1});
    auto place = make_tensor<index_t>(host_space(), shape{total});
    auto weight = make_tensor<T>(host_space(), shape{total});
    index_t at = 0, i = 0;
    start(0) = 0;
    for (const auto& l : of) {
      for (const auto& p : l) {
        place(at) = p.first;
        weight(at++) = p.second;
      }
      start(++i) = at;
    }
    const Ex ex;
    return {to_space(ex, start), to_space(ex, place), to_space(ex, weight)};
  }
  void run(const Ex& ex, const lists& l, const C* in, C* out, const shape<R>& from,
           const shape<R>& to, acc_of<base> acc) const {
    if (to.size() == 0) return;
    index_t inner = 1;
    for (int i = axis_ + 1; i < R; ++i) inner *= to[i];
    const index_t nx = axis_ == R - 1 ? 1 : to[R - 1];
    constexpr int chunk = launch::on_host<Ex> ? 128 : 1;
    launch::rows(
        ex, to.size() / nx, nx,
        detail::average_kernel<C, chunk>{in, out, l.start.data(), l.place.data(), l.weight.data(),
                                         from[axis_], to[axis_], inner, nx, acc});
  }
  int axis_;
  index_t extent_, groups_;
  lists forward_, backward_;
};

template <class T, int R, ExecutionSpace Ex>
struct specimen<average<T, R, Ex>> {
  static average<T, R, Ex> make(const Ex&, size_class s, std::uint64_t) {
    const shape<4> d = domain(s);
    switch (s) {
      case size_class::tiny:
        return {0, whole_axis(d[0])};
      case size_class::odd:
        return {0, sliding_windows(d[0], 2)};
      case size_class::multiple_of_four:
        return {2, repetitions(d[2], 3)};
      case size_class::wide:
        return {3, sliding_windows(d[3], 5, 4, false)};
      default:
        return {2, {d[2], {{0, 2, 2}, {5}}}};
    }
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
using average_specimens = type_list<average<T, 4, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
