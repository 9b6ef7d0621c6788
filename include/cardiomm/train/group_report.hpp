// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_GROUP_REPORT_HPP
#define CARDIOMM_TRAIN_GROUP_REPORT_HPP
/// \file
/// Tables of scores by group: vendor, field strength, acceleration and whatever else samples are
/// told apart by.

#include <set>

#include "cardiomm/analysis/fairness.hpp"
#include "cardiomm/io/csv.hpp"
#include "cardiomm/train/sample.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// A sample with its figures by name ("ssim", "nmse", "dice ..."); NaN where one has no value.
struct scored_sample {
  std::string subject;
  train::groups of;
  std::map<std::string, double> figures;
};

/// The best value of a figure: 0 of errors, endless of PSNR, 1 of the others (SSIM, Dice).
inline double perfect_value(const std::string& figure) {
  if (figure == "nmse" || figure == "loss" || figure == "nrmse" || figure == "l1") return 0;
  if (figure == "psnr") return std::numeric_limits<double>::infinity();
  return 1;
}

/// One report for each key of groups and figure, e.g. at({"vendor", "ssim"}). Samples of a subject
/// count as one value in each group; those without the group or the figure are left out.
inline std::map<std::pair<std::string, std::string>, analysis::fairness> group_reports(
    const std::vector<scored_sample>& samples, const analysis::fairness_options& options = {}) {
  std::set<std::pair<std::string, std::string>> wanted;
  for (const auto& s : samples)
    for (const auto& key : s.of)
      for (const auto& figure : s.figures) wanted.emplace(key.first, figure.first);
  std::map<std::pair<std::string, std::string>, analysis::fairness> all;
  for (const auto& [key, figure] : wanted) {
    std::vector<std::string> group, subject;
    std::vector<double> value;
    for (const auto& s : samples) {
      const auto g = s.of.find(key);
      const auto v = s.figures.find(figure);
      if (g == s.of.end() || v == s.figures.end() || !std::isfinite(v->second)) continue;
      group.push_back(g->second);
      subject.push_back(s.subject);
      value.push_back(v->second);
    }
    if (value.empty()) continue;
    analysis::fairness_options o = options;
    o.perfect = perfect_value(figure);
    all[{key, figure}] =
        analysis::fairness_report(analysis::subject_means(group, subject, value), o);
  }
  return all;
}

/// One row a group and figure: key, group, figure, subjects, mean with its limits, sd, median,
/// smallest, largest.
inline io::table group_table(
    const std::map<std::pair<std::string, std::string>, analysis::fairness>& reports) {
  io::table t;
  t.columns = {"key",  "group", "figure", "subjects", "mean",   "low",
               "high", "sd",    "median", "smallest", "largest"};
  for (const auto& [name, report] : reports)
    for (const auto& g : report.groups) {
      std::vector<std::string> row = {name.first, g.name, name.second, std::to_string(g.subjects)};
      for (const double v :
           {g.mean.value, g.mean.low, g.mean.high, g.sd, g.median, g.smallest, g.largest})
        row.push_back(std::isfinite(v) ? io::to_text(v) : std::string());
      t.rows.push_back(std::move(row));
    }
  return t;
}

/// One row a key and figure: groups, best and worst, gap and skewed error ratio with their limits,
/// sd over groups, smallest p of the Mann-Whitney tests times their number (Bonferroni).
inline io::table fairness_table(
    const std::map<std::pair<std::string, std::string>, analysis::fairness>& reports) {
  io::table t;
  t.columns = {"key",      "figure", "groups",  "best",     "worst", "gap", "gap_low",
               "gap_high", "ser",    "ser_low", "ser_high", "sd",    "p"};
  for (const auto& [name, r] : reports) {
    double p = std::numeric_limits<double>::quiet_NaN();
    for (const auto& pair : r.pairs)
      if (!(p <= pair.test.p)) p = std::isnan(pair.test.p) ? p : pair.test.p;
    p = std::isnan(p) ? p : std::min(1.0, p * double(r.pairs.size()));
    std::vector<std::string> row = {name.first, name.second, std::to_string(r.groups.size()),
                                    r.best, r.worst};
    for (const double v :
         {r.gap.value, r.gap.low, r.gap.high, r.ser.value, r.ser.low, r.ser.high, r.sd, p})
      row.push_back(std::isfinite(v) ? io::to_text(v) : std::string());
    t.rows.push_back(std::move(row));
  }
  return t;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
