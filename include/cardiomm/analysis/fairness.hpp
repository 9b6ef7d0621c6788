// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_ANALYSIS_FAIRNESS_HPP
#define CARDIOMM_ANALYSIS_FAIRNESS_HPP
/// \file
/// How evenly a figure (SSIM, NMSE, Dice ...) is spread over groups of subjects (vendor, field
/// strength, acceleration ...): means, gap, skewed error ratio, Mann-Whitney tests, bootstrap
/// intervals. Host only. A value is that of a subject: frames of one subject are no independent
/// samples, take their mean first (`subject_means`).

#include <map>
#include <string>

#include "cardiomm/analysis/agreement.hpp"
#include "cardiomm/core/random.hpp"

namespace cardiomm::inline CARDIOMM_ABI::analysis {

/// Values of the subjects of each group.
using grouped_values = std::map<std::string, std::vector<double>>;

/// Means over what each subject has in a group: three lists of the same length. Throws shape_error
/// for others.
inline grouped_values subject_means(const std::vector<std::string>& group,
                                    const std::vector<std::string>& subject,
                                    const std::vector<double>& value) {
  require<shape_error>(group.size() == value.size() && subject.size() == value.size(),
                       "groups: expected ", value.size(), " groups and subjects, found ",
                       group.size(), " and ", subject.size());
  std::map<std::pair<std::string, std::string>, std::pair<double, index_t>> sums;
  for (std::size_t i = 0; i < value.size(); ++i) {
    auto& s = sums[{group[i], subject[i]}];
    s.first += value[i];
    ++s.second;
  }
  grouped_values all;
  for (const auto& [key, s] : sums) all[key.first].push_back(s.first / double(s.second));
  return all;
}

/// Mann and Whitney's test of whether one of two samples has the larger values.
struct mann_whitney {
  double u = 0;      ///< of the first sample: pairs in which it is larger, ties count one half
  double p = 0;      ///< two-sided; NaN where all values are equal
  double share = 0;  ///< u over the number of pairs: chance that the first one is larger
  bool exact = false;
};

namespace detail {

/// P(U >= u) without ties, n the sizes: numbers of ways by the recursion over the largest value.
inline double exact_u_above(double u, std::size_t n, std::size_t m) {
  if (n > m) std::swap(n, m);
  // ways[j][v]: P(U = v) of j out of the first and all k so far out of the second sample
  std::vector<std::vector<double>> ways(n + 1, std::vector<double>(n * m + 1, 0.0));
  for (auto& w : ways) w[0] = 1;  // k = 0: U = 0
  for (std::size_t k = 1; k <= m; ++k)
    for (std::size_t j = 1; j <= n; ++j) {
      // The largest is of the first sample (it beats all k) or of the second.
      const double first = double(j) / double(j + k), second = double(k) / double(j + k);
      auto& w = ways[j];
      for (std::size_t v = j * k + 1; v-- > 0;)
        w[v] = second * w[v] + (v >= k ? first * ways[j - 1][v - k] : 0.0);
    }
  double sum = 0;
  for (std::size_t v = std::size_t(std::ceil(std::max(0.0, u))); v <= n * m; ++v) sum += ways[n][v];
  return sum;
}

}  // namespace detail

/// As SciPy's mannwhitneyu(alternative="two-sided", method="auto"): exact where the smaller sample
/// has at most 8 values (the other one 4000) and none is tied, else by the normal distribution with
/// the correction for ties and that of 1/2 for continuity. Throws value_error for an empty sample
/// or values that are not finite.
inline mann_whitney compare_groups(const std::vector<double>& a, const std::vector<double>& b) {
  require(!a.empty() && !b.empty(), "Mann-Whitney: expected values in both groups, found ",
          a.size(), " and ", b.size());
  std::vector<double> all(a);
  all.insert(all.end(), b.begin(), b.end());
  for (const double x : all)
    require(std::isfinite(x), "Mann-Whitney: expected finite values, found ", x);
  const std::vector<double> rank = detail::ranks(all);
  const double n = double(a.size()), m = double(b.size()), sum = n + m;
  mann_whitney r;
  for (std::size_t i = 0; i < a.size(); ++i) r.u += rank[i];
  r.u -= n * (n + 1) / 2;
  r.share = r.u / (n * m);
  std::sort(all.begin(), all.end());
  double ties = 0;
  for (std::size_t i = 0; i < all.size();) {
    std::size_t j = i;
    while (j < all.size() && all[j] == all[i]) ++j;
    const double t = double(j - i);
    ties += t * t * t - t;
    i = j;
  }
  const double larger = std::max(r.u, n * m - r.u);
  r.exact = ties == 0 && std::min(a.size(), b.size()) <= 8 && std::max(a.size(), b.size()) <= 4000;
  if (r.exact) {
    r.p = std::min(1.0, 2 * detail::exact_u_above(larger, a.size(), b.size()));
    return r;
  }
  const double variance = n * m / 12 * (sum + 1 - ties / (sum * (sum - 1)));
  r.p = variance > 0
            ? std::min(1.0, 2 * normal_above((larger - n * m / 2 - 0.5) / std::sqrt(variance)))
            : detail::undefined();
  return r;
}

/// How a report is made.
struct fairness_options {
  /// The best value possible (Dice and SSIM 1; NMSE 0); the error of a value is its distance from
  /// it. Infinite (PSNR): the larger the better, without a skewed error ratio.
  double perfect = 1;
  double level = 0.95;       ///< of confidence
  index_t resamples = 2000;  ///< of the bootstrap; 0: no intervals
  std::uint64_t seed = 42;   ///< of the bootstrap
};

/// A group of a report.
struct group_figures {
  std::string name;
  index_t subjects = 0;
  estimate mean;                                         ///< with the bootstrap interval
  double sd = 0, median = 0, smallest = 0, largest = 0;  ///< sd over n - 1, NaN for one subject
};

/// Two groups of a report against each other.
struct group_pair {
  std::string first, second;
  mann_whitney test;
};

/// Evenness over groups; what needs two groups is NaN or empty for one.
struct fairness {
  std::vector<group_figures> groups;  ///< by name
  double mean = 0;                    ///< over all subjects
  double mean_of_groups = 0;
  std::string best, worst;  ///< groups with the smallest and largest mean error
  estimate gap;             ///< largest less smallest group mean
  estimate ser;             ///< skewed error ratio: largest over smallest mean error of a group
  double sd = 0;            ///< of the group means, over the number of groups
  std::vector<group_pair> pairs;
};

namespace detail {

/// The part q of sorted values, between two of them in proportion (NumPy's percentile).
inline double quantile(const std::vector<double>& sorted, double q) {
  const double at = q * double(sorted.size() - 1);
  const auto i = std::size_t(at);
  if (i + 1 >= sorted.size()) return sorted.back();
  return sorted[i] + (at - double(i)) * (sorted[i + 1] - sorted[i]);
}

inline void set_limits(estimate& e, std::vector<double>& drawn, double level) {
  std::erase_if(drawn, [](double v) { return std::isnan(v); });
  if (drawn.empty()) {
    e.low = e.high = undefined();
    return;
  }
  std::sort(drawn.begin(), drawn.end());
  e.low = quantile(drawn, (1 - level) / 2);
  e.high = quantile(drawn, (1 + level) / 2);
}

inline double gap_of(const std::vector<double>& means) {
  const auto [low, high] = std::minmax_element(means.begin(), means.end());
  return *high - *low;
}
/// NaN where no group has an error or errors are not finite, infinite where one has none.
inline double skewed_error_ratio(const std::vector<double>& means, double perfect) {
  double low = std::numeric_limits<double>::infinity(), high = 0;
  for (const double m : means) {
    low = std::min(low, std::abs(perfect - m));
    high = std::max(high, std::abs(perfect - m));
  }
  return high > 0 && std::isfinite(high) ? high / low : undefined();
}

}  // namespace detail

/// The report of a figure. Intervals are percentile bootstrap intervals: subjects are drawn with
/// replacement within each group. Throws value_error for no group, a group without values or values
/// that are not finite.
inline fairness fairness_report(const grouped_values& values, const fairness_options& o = {}) {
  require(!values.empty(), "fairness: expected at least one group, found none");
  detail::require_confidence("fairness", o.level);
  require(o.resamples >= 0, "fairness: resamples: expected at least 0, found ", o.resamples);
  fairness r;
  std::vector<double> means, error;
  double count = 0;
  for (const auto& [name, v] : values) {
    require(!v.empty(), "fairness: group ", name, ": expected values, found none");
    for (const double x : v)
      require(std::isfinite(x), "fairness: group ", name, ": expected finite values, found ", x);
    std::vector<double> sorted(v);
    std::sort(sorted.begin(), sorted.end());
    group_figures g;
    g.name = name;
    g.subjects = index_t(v.size());
    g.mean.value = g.mean.low = g.mean.high = detail::mean(v);
    g.median = detail::quantile(sorted, 0.5);
    g.smallest = sorted.front();
    g.largest = sorted.back();
    double square = 0;
    for (const double x : v) square += (x - g.mean.value) * (x - g.mean.value);
    g.sd = v.size() > 1 ? std::sqrt(square / double(v.size() - 1)) : detail::undefined();
    means.push_back(g.mean.value);
    error.push_back(std::isinf(o.perfect) ? (o.perfect > 0 ? -g.mean.value : g.mean.value)
                                          : std::abs(o.perfect - g.mean.value));
    r.mean += g.mean.value * double(v.size());
    count += double(v.size());
    r.groups.push_back(g);
  }
  r.mean /= count;
  r.mean_of_groups = detail::mean(means);
  const auto [best, worst] = std::minmax_element(error.begin(), error.end());
  r.best = r.groups[std::size_t(best - error.begin())].name;
  r.worst = r.groups[std::size_t(worst - error.begin())].name;
  for (const double m : means) r.sd += (m - r.mean_of_groups) * (m - r.mean_of_groups);
  r.sd = std::sqrt(r.sd / double(means.size()));
  r.gap.value = r.gap.low = r.gap.high = detail::gap_of(means);
  r.ser.value = r.ser.low = r.ser.high = detail::skewed_error_ratio(means, o.perfect);
  for (auto a = values.begin(); a != values.end(); ++a)
    for (auto b = std::next(a); b != values.end(); ++b)
      r.pairs.push_back({a->first, b->first, compare_groups(a->second, b->second)});
  if (o.resamples == 0) return r;

  std::vector<std::vector<double>> drawn(values.size());
  std::vector<double> gaps, ratios;
  for (index_t k = 0; k < o.resamples; ++k) {
    std::size_t g = 0;
    std::uint64_t at = 0;
    for (const auto& entry : values) {
      const std::vector<double>& v = entry.second;
      double sum = 0;
      for (std::size_t i = 0; i < v.size(); ++i) {
        const random::words w = random::bits(o.seed, at++, std::uint64_t(k));
        sum += v[std::size_t(random::unit(w.w[0]) * double(v.size()))];
      }
      means[g] = sum / double(v.size());
      drawn[g].push_back(means[g]);
      ++g;
    }
    gaps.push_back(detail::gap_of(means));
    ratios.push_back(detail::skewed_error_ratio(means, o.perfect));
  }
  for (std::size_t g = 0; g < drawn.size(); ++g)
    detail::set_limits(r.groups[g].mean, drawn[g], o.level);
  detail::set_limits(r.gap, gaps, o.level);
  detail::set_limits(r.ser, ratios, o.level);
  return r;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::analysis

#endif
