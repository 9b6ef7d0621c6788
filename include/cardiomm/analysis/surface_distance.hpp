// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_ANALYSIS_SURFACE_DISTANCE_HPP
#define CARDIOMM_ANALYSIS_SURFACE_DISTANCE_HPP
/// \file
/// Distances between the surfaces of two masks, as MedPy defines them: Hausdorff distance, its
/// 95th percentile, average surface distance. The surface of a mask are its voxels with a
/// neighbour (2 along each axis) outside; what lies beyond the edge of the grid is outside.
///
/// Distances are exact: the Euclidean distance transform by lower envelopes of parabolas, one axis
/// after the other (Felzenszwalb and Huttenlocher, Theory of Computing 8:415, 2012), with the
/// spacing of each axis, inside the box that holds both masks. All of it runs on the host.

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include "cardiomm/analysis/overlap.hpp"

namespace cardiomm::inline CARDIOMM_ABI::analysis {

namespace detail {

/// Squared distance along one line, from squared distances across it: out(i) = min over j of
/// f(j) + (h (i - j))^2. Scratch is kept between the lines.
class parabola_envelope {
 public:
  explicit parabola_envelope(index_t longest)
      : f_(static_cast<std::size_t>(longest)),
        vertex_(static_cast<std::size_t>(longest)),
        from_(static_cast<std::size_t>(longest) + 1) {}

  void operator()(double* line, index_t n, index_t step, double h) {
    constexpr double infinite = std::numeric_limits<double>::infinity();
    const double h2 = h * h;
    index_t k = -1;  // the last parabola of the envelope
    for (index_t q = 0; q < n; ++q) {
      const double fq = line[q * step];
      f_[static_cast<std::size_t>(q)] = fq;
      if (fq == infinite) continue;
      double s = -infinite;
      while (k >= 0) {
        const index_t v = vertex_[static_cast<std::size_t>(k)];
        s = ((fq - f_[static_cast<std::size_t>(v)]) / h2 + double(q * q - v * v)) /
            double(2 * (q - v));
        if (s > from_[static_cast<std::size_t>(k)]) break;
        --k;
        s = -infinite;
      }
      ++k;
      vertex_[static_cast<std::size_t>(k)] = q;
      from_[static_cast<std::size_t>(k)] = s;
    }
    if (k < 0) return;
    from_[static_cast<std::size_t>(k) + 1] = infinite;
    std::size_t at = 0;
    for (index_t q = 0; q < n; ++q) {
      while (from_[at + 1] < double(q)) ++at;
      const index_t v = vertex_[at];
      const double d = h * double(q - v);
      line[q * step] = f_[static_cast<std::size_t>(v)] + d * d;
    }
  }

 private:
  std::vector<double> f_;
  std::vector<index_t> vertex_;
  std::vector<double> from_;  // where a parabola starts to be the lowest
};

/// Squared distances to the nearest voxel of `mask`, infinite without any.
template <int R>
std::vector<double> squared_distances(const std::uint8_t* mask, const shape<R>& s,
                                      const std::array<double, R>& spacing) {
  constexpr double infinite = std::numeric_limits<double>::infinity();
  const index_t nx = s[R - 1], rows = s.size() / nx;
  std::vector<double> d(static_cast<std::size_t>(s.size()));
  const double h = spacing[R - 1];
  for (index_t r = 0; r < rows; ++r) {  // along rows the nearest voxel is to the left or right
    const std::uint8_t* m = mask + r * nx;
    double* out = d.data() + r * nx;
    index_t last = -1;
    for (index_t i = 0; i < nx; ++i) {
      if (m[i]) last = i;
      out[i] = last < 0 ? infinite : h * double(i - last) * (h * double(i - last));
    }
    last = -1;
    for (index_t i = nx; i-- > 0;) {
      if (m[i]) last = i;
      if (last < 0) continue;
      const double away = h * double(last - i);
      out[i] = std::min(out[i], away * away);
    }
  }
  index_t step = nx;
  for (int axis = R - 2; axis >= 0; --axis) {
    const index_t n = s[axis];
    if (n > 1) {
      parabola_envelope envelope(n);
      for (index_t outer = 0; outer < s.size(); outer += n * step)
        for (index_t i = 0; i < step; ++i)
          envelope(d.data() + outer + i, n, step, spacing[static_cast<std::size_t>(axis)]);
    }
    step *= n;
  }
  return d;
}

/// A mask's surface, in place of it. `scratch` has its size.
template <int R>
void keep_surface(std::vector<std::uint8_t>& mask, const shape<R>& s,
                  std::vector<std::uint8_t>& inner) {
  inner = mask;
  index_t step = 1;
  for (int axis = R - 1; axis >= 0; --axis) {
    const index_t n = s[axis], block = n * step;
    for (index_t outer = 0; outer < s.size(); outer += block) {
      const std::uint8_t* m = mask.data() + outer;
      std::uint8_t* in = inner.data() + outer;
      if (step == 1) {
        in[0] = in[n - 1] = 0;
        for (index_t i = 1; i + 1 < n; ++i) in[i] &= m[i - 1] & m[i + 1];
        continue;
      }
      std::fill_n(in, step, std::uint8_t(0));
      std::fill_n(in + block - step, step, std::uint8_t(0));
      for (index_t i = step; i < block - step; ++i) in[i] &= m[i - step] & m[i + step];
    }
    step = block;
  }
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = mask[i] && !inner[i];
}

/// First and last index along every axis of what is inside one of the masks.
template <int R>
struct box {
  std::array<index_t, R> low, high;
  shape<R> size() const {
    shape<R> s{};
    for (int d = 0; d < R; ++d)
      s[d] = high[static_cast<std::size_t>(d)] - low[static_cast<std::size_t>(d)] + 1;
    return s;
  }
};

template <TensorView V>
void widen(box<rank_of<V>>& b, const V& mask) {
  constexpr int R = rank_of<V>;
  const auto s = shape_of(mask);
  const index_t nx = s[R - 1], rows = nx == 0 ? 0 : s.size() / nx;
  for (index_t r = 0; r < rows; ++r) {
    const auto *row = mask.data() + r * nx, *end = row + nx;
    const auto outside = [](auto v) { return v == 0; };
    const auto* first = std::find_if_not(row, end, outside);
    if (first == end) continue;
    const auto* last = end - 1;
    while (*last == 0) --last;
    b.low[R - 1] = std::min(b.low[R - 1], index_t(first - row));
    b.high[R - 1] = std::max(b.high[R - 1], index_t(last - row));
    index_t rest = r;
    for (int d = R - 2; d >= 0; --d) {
      const auto at = static_cast<std::size_t>(d);
      b.low[at] = std::min(b.low[at], rest % s[d]);
      b.high[at] = std::max(b.high[at], rest % s[d]);
      rest /= s[d];
    }
  }
}

template <TensorView V>
std::vector<std::uint8_t> cut_out(const V& mask, const box<rank_of<V>>& b) {
  constexpr int R = rank_of<V>;
  const auto s = shape_of(mask), n = b.size();
  std::vector<std::uint8_t> part(static_cast<std::size_t>(n.size()));
  const index_t nx = n[R - 1], rows = n.size() / nx;
  for (index_t r = 0; r < rows; ++r) {
    index_t rest = r, from = b.low[R - 1], step = s[R - 1];
    for (int d = R - 2; d >= 0; --d) {
      from += (rest % n[d] + b.low[static_cast<std::size_t>(d)]) * step;
      rest /= n[d];
      step *= s[d];
    }
    for (index_t i = 0; i < nx; ++i)
      part[static_cast<std::size_t>(r * nx + i)] = mask.data()[from + i] != 0;
  }
  return part;
}

template <std::size_t R>
void require_spacing(const char* what, const std::array<double, R>& spacing) {
  for (const double h : spacing)
    require(std::isfinite(h) && h > 0, what,
            ": expected a spacing above 0 along every axis, found ", h);
}

}  // namespace detail

/// The p-th percentile, 0 to 100, with linear interpolation between values, as NumPy has it; the
/// values are reordered. NaN without values.
inline double percentile_of(std::vector<double>& values, double p) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double place = p / 100 * double(values.size() - 1);
  const auto lower = static_cast<std::size_t>(place);
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(lower);
  std::nth_element(values.begin(), at, values.end());
  const double a = *at;
  if (lower + 1 >= values.size()) return a;
  return a + (place - double(lower)) * (*std::min_element(at + 1, values.end()) - a);
}

/// Distance of every voxel to the nearest one inside the mask (0 there), in units of the spacing;
/// infinite if nothing is inside. This is scipy.ndimage.distance_transform_edt(mask == 0, spacing).
///
/// \param mask     any rank, host; every value but 0 is inside
/// \param spacing  of each axis
/// Throws value_error for a spacing that is not positive.
template <TensorView V>
auto distance_to(const V& mask, const std::array<double, rank_of<V>>& spacing) {
  static_assert(detail::host_readable<V>, "a mask in host memory; see to_host");
  detail::require_spacing("distance", spacing);
  const auto result = make_tensor<double>(host_space{}, shape_of(mask));
  if (mask.size() == 0) return result;
  std::vector<std::uint8_t> inside(mask.size());
  for (std::size_t i = 0; i < inside.size(); ++i) inside[i] = mask.data()[i] != 0;
  const auto d = detail::squared_distances<rank_of<V>>(inside.data(), shape_of(mask), spacing);
  for (std::size_t i = 0; i < inside.size(); ++i) result.data()[i] = std::sqrt(d[i]);
  return result;
}

/// Distances from each surface voxel of one mask to the nearest of the other, in both directions.
struct surface_distances {
  std::vector<double> to_reference;     ///< from the surface of the segmentation
  std::vector<double> to_segmentation;  ///< from the surface of the reference

  /// The largest distance (medpy.metric.binary.hd).
  double hausdorff() const {
    return std::max(*std::max_element(to_reference.begin(), to_reference.end()),
                    *std::max_element(to_segmentation.begin(), to_segmentation.end()));
  }
  /// A percentile of the pooled distances of both directions (hd95).
  double hausdorff(double percent) const {
    auto all = to_reference;
    all.insert(all.end(), to_segmentation.begin(), to_segmentation.end());
    return percentile_of(all, percent);
  }
  /// Mean distance from the segmentation's surface to the reference's (asd).
  double mean_to_reference() const { return mean(sum(to_reference), to_reference.size()); }
  double mean_to_segmentation() const { return mean(sum(to_segmentation), to_segmentation.size()); }
  /// Mean of the pooled distances of both directions (assd).
  double mean_symmetric() const {
    return mean(sum(to_reference) + sum(to_segmentation),
                to_reference.size() + to_segmentation.size());
  }
  /// Part of both surfaces that lies within `tolerance` of the other: the surface Dice, counted in
  /// voxels.
  double surface_dice(double tolerance) const {
    index_t near = 0;
    for (const auto* d : {&to_reference, &to_segmentation})
      near += std::count_if(d->begin(), d->end(), [&](double v) { return v <= tolerance; });
    return mean(double(near), to_reference.size() + to_segmentation.size());
  }

 private:
  static double sum(const std::vector<double>& v) {
    return std::accumulate(v.begin(), v.end(), 0.0);
  }
  static double mean(double total, std::size_t n) { return total / double(n); }
};

/// Distances between the surfaces of two masks.
///
/// \param segmentation  any rank, host; every value but 0 is inside
/// \param reference     the same shape
/// \param spacing       of each axis, mm
/// Throws shape_error if the shapes differ, value_error for a spacing that is not positive or a
/// mask with nothing inside: to such a surface there is no distance, and what counts instead (the
/// CMRxMotion challenge says 373 mm) is the caller's choice.
template <TensorView A, TensorView B>
surface_distances compare_surfaces(const A& segmentation, const B& reference,
                                   const std::array<double, rank_of<A>>& spacing) {
  constexpr int R = rank_of<A>;
  detail::require_same_grid("surface distance", segmentation, reference);
  detail::require_spacing("surface distance", spacing);
  detail::box<R> b;
  b.low.fill(std::numeric_limits<index_t>::max());
  b.high.fill(-1);
  const auto empty = b;
  detail::widen(b, segmentation);
  require(b.high != empty.high,
          "surface distance: expected a segmentation with voxels, found none");
  auto other = empty;
  detail::widen(other, reference);
  require(other.high != empty.high,
          "surface distance: expected a reference with voxels, found none");
  for (std::size_t d = 0; d < R; ++d) {
    b.low[d] = std::min(b.low[d], other.low[d]);
    b.high[d] = std::max(b.high[d], other.high[d]);
  }
  const auto n = b.size();
  std::vector<std::uint8_t> s = detail::cut_out(segmentation, b), r = detail::cut_out(reference, b);
  std::vector<std::uint8_t> scratch;
  // the box touches the masks: what its edge cuts off is outside, as it is beyond the box
  detail::keep_surface<R>(s, n, scratch);
  detail::keep_surface<R>(r, n, scratch);
  surface_distances result;
  const auto collect = [&](const auto& from, const auto& to, std::vector<double>& out) {
    const auto d = detail::squared_distances<R>(to.data(), n, spacing);
    for (std::size_t i = 0; i < d.size(); ++i)
      if (from[i]) out.push_back(std::sqrt(d[i]));
  };
  collect(s, r, result.to_reference);
  collect(r, s, result.to_segmentation);
  return result;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::analysis

#endif
