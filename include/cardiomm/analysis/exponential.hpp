// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_ANALYSIS_EXPONENTIAL_HPP
#define CARDIOMM_ANALYSIS_EXPONENTIAL_HPP
/// \file
/// The curve below all relaxation maps, S(t) = C + M exp(-t R), fitted to every pixel of an image
/// by one kernel: polarities, least squares, confidence. `mapping.hpp` says what C, M and R mean.
///
/// Magnitudes lose their sign. Those of the n earliest samples are restored, n = 0 .. flips, and
/// the n of the smallest error wins. An n whose error has no minimum between a quarter of the
/// first time and ten times the last counts only where no n has one. Not all n are fitted: for a
/// rate R the best C and M are a projection, so a table of rates that covers the curve of
/// projections evenly bounds the error of every n from below; an n whose bound is above an error
/// that was reached cannot win.

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "cardiomm/solve/levenberg_marquardt.hpp"

namespace cardiomm::inline CARDIOMM_ABI::analysis {

/// What the parameter of a map is.
enum class relaxation {
  look_locker,  ///< T1 = T1* (B / A - 1) of A - B exp(-t / T1*)
  recovery,     ///< T1 of A - B exp(-t / T1)
  decay         ///< T2 of M exp(-t / T2), or T2*
};

/// S = p0 exp(-p1 t) [+ p2], times in units of the longest one.
template <bool Offset>
struct exponential {
  static constexpr int parameters = Offset ? 3 : 2;
  double least, most;  // bounds of the rate
  template <class X, class L>
  KOKKOS_FORCEINLINE_FUNCTION void operator()(X t, const L* p, L& f, L* d) const {
    const L e = lane_traits<L>::exp(p[1] * L(-t));
    f = p[0] * e;
    d[0] = e;
    d[1] = f * L(-t);
    if constexpr (Offset) {
      d[2] = L(X(1));
      f = f + p[2];
    }
  }
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION void constrain(L* p) const {
    using R = typename lane_traits<L>::real;
    p[1] = lane_traits<L>::select(p[1] < L(R(least)), L(R(least)), p[1]);
    p[1] = lane_traits<L>::select(p[1] > L(R(most)), L(R(most)), p[1]);
  }
};

namespace detail {

/// The same curve by its values at the first and last time, p0 and p2: a straight line where R = 0,
/// where C and M would be endless. Steps do not creep along a bent valley as those of (M, R, C) do.
struct between_ends {
  static constexpr int parameters = 3;
  double least, most, first;  // the last time is 1
  template <class X, class L>
  KOKKOS_FORCEINLINE_FUNCTION void operator()(X t, const L* p, L& f, L* d) const {
    using lanes = lane_traits<L>;
    using R = typename lanes::real;
    const L one(R(1)), whole(R(1 - first)), s(R(t) - R(first));
    const L end = lanes::exp(L(R(0)) - p[1] * whole), inverse = one / (one - end);  // hoisted
    const L e = lanes::exp(L(R(0)) - p[1] * s), w = (one - e) * inverse;
    const L rise = p[2] - p[0];
    f = lanes::fma(w, rise, p[0]);
    d[0] = one - w;
    d[1] = (s * e - w * (whole * end)) * (rise * inverse);
    d[2] = w;
  }
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION void constrain(L* p) const {
    exponential<true>{least, most}.constrain(p);
  }
  /// (M, R, C) of p, in place.
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION void to_plain(L* p) const {
    using lanes = lane_traits<L>;
    using R = typename lanes::real;
    const L one(R(1));
    const L q = (p[2] - p[0]) / (one - lanes::exp(p[1] * L(R(first - 1))));
    p[2] = p[0] + q;
    p[0] = L(R(0)) - q * lanes::exp(p[1] * L(R(first)));
  }
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION void from_plain(L* p) const {
    using lanes = lane_traits<L>;
    using R = typename lanes::real;
    const L m = p[0], c = p[2];
    p[0] = lanes::fma(m, lanes::exp(p[1] * L(R(-first))), c);
    p[2] = lanes::fma(m, lanes::exp(p[1] * L(R(-1))), c);
  }
};

/// The times of a slice, and what the start of the fits needs of them.
struct rate_table {
  std::vector<int> order;           // places of the samples by time
  std::vector<double> time;         // sorted, longest = 1
  double longest = 0, least, most;  // ms; bounds of the rate
  double sine = 0;                  // of the largest angle between a projection and a node's
  std::vector<double> basis;        // (node, sample) direction that exp(-t R) adds to a constant
  std::vector<double> node;         // (node, 3) R, mean of exp(-t R), 1 / length without the mean
};

/// exp(-t R) without its mean (if there is an offset), of length 1.
inline std::vector<double> direction(const std::vector<double>& t, double rate, bool offset,
                                     double& mean, double& inverse) {
  std::vector<double> e(t.size());
  for (std::size_t k = 0; k < t.size(); ++k) e[k] = std::exp(-t[k] * rate);
  mean = offset ? std::accumulate(e.begin(), e.end(), 0.0) / static_cast<double>(e.size()) : 0;
  double length = 0;
  for (double& v : e) {
    v -= mean;
    length += v * v;
  }
  inverse = 1 / std::sqrt(length);
  for (double& v : e) v *= inverse;
  return e;
}

/// Nodes at equal angles along the curve of directions: its length is 1 to 3, so 16 to 40 do.
inline rate_table make_rate_table(const double* times, int n, bool offset) {
  rate_table r;
  r.order.resize(static_cast<std::size_t>(n));
  std::iota(r.order.begin(), r.order.end(), 0);
  std::stable_sort(r.order.begin(), r.order.end(),
                   [&](int a, int b) { return times[a] < times[b]; });
  for (const int k : r.order) r.time.push_back(times[k]);
  r.longest = r.time.back();
  double first = r.longest;
  for (double& t : r.time) {
    if (t > 0) first = std::min(first, t);
    t /= r.longest;
  }
  r.least = 1.0 / 20;
  r.most = 8 * r.longest / first;
  constexpr int fine = 2048;
  std::vector<double> angle(fine), rate(fine);
  std::vector<double> before;
  double mean, inverse;
  for (int i = 0; i < fine; ++i) {
    const auto at = static_cast<std::size_t>(i);
    rate[at] = r.least * std::pow(r.most / r.least, double(i) / (fine - 1));
    auto u = direction(r.time, rate[at], offset, mean, inverse);
    double chord = 0;
    if (i > 0)
      for (std::size_t k = 0; k < u.size(); ++k) chord += (u[k] - before[k]) * (u[k] - before[k]);
    angle[at] = i > 0 ? angle[at - 1] + 2 * std::asin(std::min(1.0, std::sqrt(chord) / 2)) : 0;
    before = std::move(u);
  }
  const int nodes = std::clamp(static_cast<int>(std::ceil(angle.back() / 0.08)), 8, 40);
  r.sine = std::sin(std::min(1.5, 1.01 * angle.back() / (2 * nodes)));
  for (int g = 0, i = 0; g < nodes; ++g) {
    const double wanted = angle.back() * (g + 0.5) / nodes;
    while (i + 1 < fine && angle[static_cast<std::size_t>(i)] < wanted) ++i;
    const double chosen = rate[static_cast<std::size_t>(i)];
    const auto u = direction(r.time, chosen, offset, mean, inverse);
    r.basis.insert(r.basis.end(), u.begin(), u.end());
    r.node.insert(r.node.end(), {chosen, mean, inverse});
  }
  return r;
}

/// Where the results of a fit go, (slice, y, x) each.
template <class T>
struct map_pointers {
  T *value, *sd, *r2, *residual, *amplitude, *offset, *apparent;
  std::uint8_t *status, *flips;
};

/// One packet of pixels after another: samples, polarities in T, last steps and confidence in
/// double.
template <class T, bool Offset, class Ex>
struct exponential_kernel {
  static constexpr const char* name = "cardiomm::analysis::exponential";
  static constexpr int P = Offset ? 3 : 2;
  using L = lane<T, Ex>;
  using D = lane<double, Ex>;
  using lanes = lane_traits<L>;
  using wide = lane_traits<D>;
  static constexpr int W = lanes::width, max_samples = solve::lm_samples;
  static_assert(W % wide::width == 0);
  using model_t = std::conditional_t<Offset, between_ends, exponential<false>>;

  relaxation kind;
  bool first_fit;  // the first n from 1 whose fit converges, as released
  int samples, nodes, polarities;
  index_t plane, slices, chunks;  // pixels of a slice, slices, launch rows of a slice
  bool common_times;
  const T* images;           // (sample, slice, pixel)
  const std::uint8_t* mask;  // (slice, pixel), or null
  const int* order;          // (slice, sample)
  const double* number;      // (slice, 4 + sample) longest, least, most, sine, times
  const T* table;            // (slice, sample + node (sample + 3)) times, basis, nodes
  solve::lm_options options;
  map_pointers<T> out;

  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t slice = row / chunks, start = (row - slice * chunks) * solve::detail::lm_chunk;
    const index_t end = start + last < plane ? start + last : plane;
    for (index_t i = start + first; i < end; i += W) packet(slice, i, end);
  }

 private:
  KOKKOS_FORCEINLINE_FUNCTION static model_t model_of(const double* numbers) {
    if constexpr (Offset)
      return {numbers[1], numbers[2], numbers[4]};
    else
      return {numbers[1], numbers[2]};
  }
  KOKKOS_INLINE_FUNCTION void packet(index_t slice, index_t i, index_t end) const {
    using solve::detail::lm_load;
    const index_t set = common_times ? 0 : slice, base = slice * plane;
    const int n = samples;
    L inside(T(1));
    if (mask != nullptr) inside = lm_load<L>(mask + base, i, end);
    L y[max_samples], big(T(0));
    if (lanes::any(inside > L(T(0)))) {
      for (int k = 0; k < n; ++k) {
        y[k] = lm_load<L>(images + (order[set * n + k] * slices + slice) * plane, i, end);
        big = lanes::max(big, lanes::max(y[k], L(T(0)) - y[k]));
      }
    }
    const auto active = (inside > L(T(0))) & (big > L(T(0)));
    if (!lanes::any(active)) return blank(base, i, end, inside);
    const L unit = L(T(1)) / lanes::select(active, big, L(T(1)));
    for (int k = 0; k < n; ++k) y[k] = y[k] * unit;

    L p[P], negated;
    search(set, y, active, p, negated);

    // the winner in double: signed samples and parameters change lanes through memory
    T signed_y[max_samples * W], start[P * W], scale[W], wanted[W], fitted[W], turned[W];
    for (int k = 0; k < n; ++k)
      lanes::store(signed_y + k * W, lanes::select(L(T(k)) < negated, L(T(0)) - y[k], y[k]));
    for (int j = 0; j < P; ++j) lanes::store(start + j * W, p[j]);
    lanes::store(scale, big);
    lanes::store(wanted, lanes::select(active, L(T(1)), L(T(0))));
    lanes::store(fitted, inside);
    lanes::store(turned, negated);
    for (int h = 0; h < W && i + h < end; h += wide::width)
      polish(set, base, i + h, end, signed_y + h, start + h, scale + h, wanted + h, fitted + h,
             turned + h);
  }

  /// Parameters and number of negated samples of the smallest error.
  KOKKOS_INLINE_FUNCTION void search(index_t set, const L* y, const typename lanes::mask& active,
                                     L* best, L& negated) const {
    const int n = samples;
    const T* time = table + set * (n + nodes * (n + 3));
    const T *basis = time + n, *node = basis + nodes * n;
    const double* numbers = number + set * (4 + n);
    const exponential<Offset> model{numbers[1], numbers[2]};
    L norm(T(0)), sum(T(0));
    for (int k = 0; k < n; ++k) {
      norm = lanes::fma(y[k], y[k], norm);
      sum = sum + y[k];
    }
    // for every n the projection of the largest energy among the nodes
    L energy[max_samples], along[max_samples], where[max_samples], error[max_samples];
    for (int f = 0; f < polarities; ++f) energy[f] = L(T(-1));
    for (int g = 0; g < nodes; ++g) {
      const T* u = basis + g * n;
      L c(T(0));
      for (int k = 0; k < n; ++k) c = lanes::fma(L(u[k]), y[k], c);
      for (int f = 0; f < polarities; ++f) {
        if (f > 0) c = lanes::fma(L(-2 * u[f - 1]), y[f - 1], c);
        const auto larger = c * c > energy[f];
        energy[f] = lanes::select(larger, c * c, energy[f]);
        along[f] = lanes::select(larger, c, along[f]);
        where[f] = lanes::select(larger, L(T(g)), where[f]);
      }
    }
    const L huge(T(1e30));
    for (int f = 0; f < polarities; ++f) {
      if (f > 0) sum = lanes::fma(L(T(-2)), y[f - 1], sum);
      error[f] = norm - energy[f];
      if constexpr (Offset) error[f] = error[f] - sum * sum * L(T(1) / T(n));
    }
    if (first_fit && polarities > 1) error[0] = huge;

    const L reach = lanes::sqrt(norm) * L(T(numbers[3])), rounding = norm * L(T(4e-6));
    const solve::lm_options quick{polarities > 1 ? options.iterations : 3, 1e-2,
                                  sizeof(T) == 4 ? 3e-6 : 1e-8};
    L least = huge;
    negated = L(T(0));
    for (int j = 0; j < P; ++j) best[j] = L(T(0));
    for (int pass = 0; pass < polarities; ++pass) {
      L pick = huge, f(T(0)), c(T(0)), at(T(0));
      for (int k = 0; k < polarities; ++k) {
        const L rank = first_fit ? lanes::select(error[k] < huge, L(T(k)), huge) : error[k];
        const auto smaller = rank < pick;
        pick = lanes::select(smaller, rank, pick);
        f = lanes::select(smaller, L(T(k)), f);
        c = lanes::select(smaller, along[k], c);
        at = lanes::select(smaller, where[k], at);
      }
      const L nearest =
          lanes::max(lanes::sqrt(lanes::max(pick - rounding, L(T(0)))) - reach, L(T(0)));
      const auto open = first_fit ? active & (pick < huge) & !(least < huge)
                                  : active & (pick < huge) & (nearest * nearest < least);
      if (!lanes::any(open)) break;
      // start: the projection at the node, whose numbers differ from lane to lane
      T index[W], rate[W], mean[W], inverse[W];
      lanes::store(index, at);
      for (int w = 0; w < W; ++w) {
        const T* of = node + 3 * static_cast<int>(index[w]);
        rate[w] = of[0];
        mean[w] = of[1];
        inverse[w] = of[2];
      }
      L v[max_samples], total(T(0));
      for (int k = 0; k < n; ++k) {
        v[k] = lanes::select(L(T(k)) < f, L(T(0)) - y[k], y[k]);
        total = total + v[k];
      }
      solve::lm_state<L, P> s;
      s.p[0] = c * lanes::load(inverse);
      s.p[1] = lanes::load(rate);
      if constexpr (Offset) s.p[2] = total * L(T(1) / T(n)) - s.p[0] * lanes::load(mean);
      const auto done = solve::lm_fit(model, n, time, v, open, quick, s);
      // a rate on its way to a bound is no minimum: it counts where no other n has one
      const auto inner = (s.p[1] > L(T(numbers[1] * 2))) & (s.p[1] < L(T(numbers[2] / 2)));
      const L counted = lanes::select(inner, s.cost, s.cost + L(T(1e10)));
      const auto better = first_fit ? open & done & inner : open & (counted < least);
      least = lanes::select(better, counted, least);
      negated = lanes::select(better, f, negated);
      for (int j = 0; j < P; ++j) best[j] = lanes::select(better, s.p[j], best[j]);
      for (int k = 0; k < polarities; ++k)
        error[k] = lanes::select((f < L(T(k))) | (f > L(T(k))), error[k], huge);
    }
  }

  KOKKOS_INLINE_FUNCTION void polish(index_t set, index_t base, index_t i, index_t end, const T* y,
                                     const T* start, const T* scale, const T* wanted,
                                     const T* inside, const T* turned) const {
    using solve::detail::lm_load;
    using solve::detail::lm_store;
    const int n = samples;
    const double* numbers = number + set * (4 + n);
    const model_t model = model_of(numbers);
    const D zero(0.0), one(1.0), size = lm_load<D>(scale, 0, wide::width),
                                 within = lm_load<D>(inside, 0, wide::width);
    D v[max_samples], sum(0.0), norm(0.0);
    for (int k = 0; k < n; ++k) {
      v[k] = lm_load<D>(y + k * W, 0, wide::width);
      sum = sum + v[k];
      norm = wide::fma(v[k], v[k], norm);
    }
    solve::lm_state<D, P> s;
    for (int j = 0; j < P; ++j) s.p[j] = lm_load<D>(start + j * W, 0, wide::width);
    if constexpr (Offset) model.from_plain(s.p);
    const auto converged = solve::lm_fit(model, n, numbers + 4, v,
                                         lm_load<D>(wanted, 0, wide::width) > zero, options, s);
    if constexpr (Offset) {
      model.to_plain(s.p);
      solve::lm_evaluate(exponential<true>{numbers[1], numbers[2]}, n, numbers + 4, v, s);
    }
    D c[solve::lm_state<D, P>::pairs];
    solve::lm_covariance(s, c);

    // the parameter, its derivatives by (M, R, C)
    const D apparent = D(numbers[0]) / s.p[1];
    D value = apparent, slope[3] = {zero, zero - apparent / s.p[1], zero};
    auto good =
        converged & (s.p[1] > D(numbers[1] * (1 + 1e-9))) & (s.p[1] < D(numbers[2] * (1 - 1e-9)));
    if (kind == relaxation::decay) good = good & (s.p[0] > zero);
    if constexpr (Offset)
      if (kind == relaxation::look_locker) {
        value = zero - apparent * (s.p[0] / s.p[2] + one);
        slope[0] = zero - apparent / s.p[2];
        slope[1] = zero - value / s.p[1];
        slope[2] = apparent * s.p[0] / (s.p[2] * s.p[2]);
        good = good & (value > zero) & (value < D(1e9));
      }
    D variance(0.0);
    for (int a = 0; a < P; ++a)
      for (int b = 0; b <= a; ++b)
        variance = variance + slope[a] * slope[b] * c[a * (a + 1) / 2 + b] * D(a == b ? 1 : 2);
    variance =
        n > P ? wide::max(variance, zero) * s.cost * D(1.0 / (n - P)) : D(__builtin_huge_val());
    const D spread = norm - sum * sum * D(1.0 / n);
    const auto put = [&](T* to, const D& what) {
      lm_store(to + base, i, end, wide::select(good, what, zero));
    };
    put(out.value, value);
    put(out.sd, wide::sqrt(variance));
    put(out.r2, wide::select(spread > zero, one - s.cost / spread, zero));
    put(out.residual, wide::sqrt(s.cost * D(1.0 / n)) * size);
    put(out.amplitude, s.p[0] * size);
    if constexpr (Offset)
      put(out.offset, s.p[2] * size);
    else
      put(out.offset, zero);
    put(out.apparent, apparent);
    lm_store(out.flips + base, i, end,
             wide::select(good, lm_load<D>(turned, 0, wide::width), zero));
    lm_store(out.status + base, i, end,
             wide::select(within > zero, wide::select(good, one, D(2.0)), zero));
  }

  KOKKOS_INLINE_FUNCTION void blank(index_t base, index_t i, index_t end, const L& inside) const {
    T within[W];
    lanes::store(within, inside);
    for (int w = 0; w < W && i + w < end; ++w) {
      const index_t at = base + i + w;
      T* const all[] = {out.value,     out.sd,     out.r2,      out.residual,
                        out.amplitude, out.offset, out.apparent};
      for (T* to : all) to[at] = T(0);
      out.flips[at] = 0;
      out.status[at] = within[w] > T(0) ? 2 : 0;
    }
  }
};

}  // namespace detail
}  // namespace cardiomm::inline CARDIOMM_ABI::analysis

#endif
