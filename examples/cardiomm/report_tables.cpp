// SPDX-License-Identifier: Apache-2.0
/// \file
/// The sections of a report that are made of scores.

#include "report_tables.hpp"

#include <limits>
#include <map>

#include "cardiomm/io/chart.hpp"

namespace program {

const std::array<measure, 3> measures = {
    {{"PSNR (dB)", 2, true, [](const cardiomm::mri::image_quality& q) { return q.psnr; }},
     {"SSIM", 4, true, [](const cardiomm::mri::image_quality& q) { return q.ssim; }},
     {"NMSE", 4, false, [](const cardiomm::mri::image_quality& q) { return q.nmse; }}}};

std::string method_name(const score_identity& who) {
  return who.method.empty() ? "image" : who.method;
}
std::vector<std::string> methods_of(const evaluation& result) {
  std::vector<std::string> all;
  for (const auto& f : result.files)
    if (std::find(all.begin(), all.end(), method_name(f.files.who)) == all.end())
      all.push_back(method_name(f.files.who));
  return all;
}

std::string plural(std::size_t n, const std::string& what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}
namespace {

using io::html_cell;

const char* explain(int year) {
  return year == 2023   ? "2023: each image divided by its own maximum"
         : year == 2024 ? "2024: each image minus its mean, divided by its standard deviation"
                        : "2025: each image divided by its own 99.5th percentile";
}

/// Numbers inside a name count as numbers: "R 4" comes before "R 10".
bool natural_less(const std::string& a, const std::string& b) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (digit(a[i]) && digit(b[j])) {
      const std::size_t p = i, q = j;
      while (i < a.size() && digit(a[i])) ++i;
      while (j < b.size() && digit(b[j])) ++j;
      const std::string x = a.substr(p, i - p), y = b.substr(q, j - q);
      const auto value = [](const std::string& t) { return std::strtod(t.c_str(), nullptr); };
      if (value(x) != value(y)) return value(x) < value(y);
      continue;
    }
    if (a[i] != b[j]) return a[i] < b[j];
    ++i;
    ++j;
  }
  return a.size() - i < b.size() - j;
}

using key = std::string (*)(const score_identity&);
std::string acceleration_name(const score_identity& who) {
  return who.af.empty() ? std::string() : "R " + who.af;
}

/// The values that a column takes, in natural order; files where it is empty are not counted.
std::vector<std::string> values_of(const evaluation& result, key of) {
  std::vector<std::string> all;
  for (const auto& f : result.files) {
    const std::string v = of(f.files.who);
    if (!v.empty() && std::find(all.begin(), all.end(), v) == all.end()) all.push_back(v);
  }
  std::stable_sort(all.begin(), all.end(), natural_less);
  return all;
}
/// Means of the files that `keep` says, of one measure and convention.
template <class Keep>
std::vector<double> means_of(const evaluation& result, std::size_t convention, const measure& m,
                             Keep&& keep) {
  std::vector<double> v;
  for (const auto& f : result.files)
    if (keep(f.files.who)) v.push_back(m.of(f.scores[convention].mean));
  return v;
}

std::string plus_minus(const spread& s, int decimals) {
  if (s.n == 0) return s.infinite > 0 ? "inf" : "none";
  std::string text = io::fixed(s.mean, decimals);
  if (s.n > 1) text += " \u00b1 " + io::fixed(s.deviation, decimals);
  return text;
}

/// Columns "mean +- SD" and "median" of all measures, behind the cells that a row has.
void add_spreads(std::vector<html_cell>& row, const std::vector<spread>& all) {
  for (int k = 0; k < 3; ++k) {
    const spread& s = all[static_cast<std::size_t>(k)];
    const double nan = std::numeric_limits<double>::quiet_NaN();
    row.emplace_back(s.n ? s.mean : nan, plus_minus(s, measures[k].decimals));
    row.emplace_back(s.n ? s.median : nan, s.n ? io::fixed(s.median, measures[k].decimals) : "");
  }
}
void name_spreads(std::vector<std::string>& columns) {
  for (const auto& m : measures) {
    columns.push_back(std::string(m.name) + " mean \u00b1 SD");
    columns.emplace_back("Median");
  }
}
/// Marks the best mean of each measure where there is something to choose.
void mark_best(io::html_table& t, std::size_t first, std::size_t from, std::size_t to) {
  if (to - from < 2) return;
  for (std::size_t k = 0; k < 3; ++k) {
    const std::size_t c = first + 2 * k;
    std::size_t best = from;
    for (std::size_t r = from; r < to; ++r) {
      const double v = t.rows[r][c].value, b = t.rows[best][c].value;
      if (std::isnan(b) || (measures[k].high_is_good ? v > b : v < b)) best = r;
    }
    t.rows[best][c].best = true;
  }
}

/// Scores by method, and by method and another column.
io::html_table table_by(const evaluation& result, std::size_t convention, const char* title,
                        key by) {
  io::html_table t;
  t.shown = 24;
  const auto methods = methods_of(result);
  const auto groups = by ? values_of(result, by) : std::vector<std::string>{""};
  if (by) t.columns.emplace_back(title);
  t.columns.emplace_back("Method");
  t.columns.emplace_back("Files");
  const std::size_t first = t.columns.size();
  name_spreads(t.columns);
  for (const auto& g : groups) {
    const std::size_t from = t.rows.size();
    for (const auto& method : methods) {
      std::vector<spread> all;
      std::size_t n = 0;
      for (const auto& m : measures) {
        const auto v = means_of(result, convention, m, [&](const score_identity& who) {
          return method_name(who) == method && (!by || by(who) == g);
        });
        n = v.size();
        all.push_back(spread_of(v));
      }
      if (n == 0) continue;
      std::vector<html_cell> row;
      if (by) row.emplace_back(g);
      row.emplace_back(method);
      row.emplace_back(static_cast<double>(n), std::to_string(n));
      add_spreads(row, all);
      t.rows.push_back(row);
    }
    mark_best(t, first, from, t.rows.size());
  }
  return t;
}

/// Box plots of all measures by a column; without one, by method.
std::vector<std::string> boxes(const evaluation& result, std::size_t convention, const char* label,
                               key by) {
  std::vector<std::string> charts;
  const auto methods = methods_of(result);
  for (const auto& m : measures) {
    io::box_plot p;
    p.title = std::string(m.name) + (by ? std::string(" by ") + label : " by method");
    p.y_label = m.name;
    p.x_label = by ? "" : "Method";
    p.categories = by ? values_of(result, by) : methods;
    if (!by) {
      io::box_plot::one one;
      for (const auto& method : methods)
        one.values.push_back(means_of(result, convention, m, [&](const score_identity& who) {
          return method_name(who) == method;
        }));
      p.series.push_back(one);
    } else
      for (const auto& method : methods) {
        io::box_plot::one one{method, {}};
        for (const auto& c : p.categories)
          one.values.push_back(means_of(result, convention, m, [&](const score_identity& who) {
            return method_name(who) == method && by(who) == c;
          }));
        p.series.push_back(one);
      }
    p.width = p.categories.size() * methods.size() > 16 ? 640 : 440;
    p.height = p.width == 440 ? 330 : 380;
    charts.push_back(io::svg(p));
  }
  return charts;
}
}  // namespace

void add_summary(io::html_page& page, const evaluation& result) {
  page.section("Summary", "summary");
  const auto& years = result.options.conventions;
  const auto methods = methods_of(result);
  if (result.options.crop_centre)
    page.paragraph(
        "Scored in the ranking block of the challenges of 2023 and 2024: the central "
        "third of the readout and half of the phase encodes, two slices, three frames.");
  for (std::size_t c = 0; c < years.size(); ++c) {
    page.paragraph(std::string("Convention ") + explain(years[c]) +
                   "; the data range is the maximum of the normalised reference. Each file counts "
                   "once, by the mean over its images.");
    page.table(table_by(result, c, "", nullptr));
  }
  if (years.size() > 1)
    page.paragraph(
        "Figures of different conventions cannot be compared with each other: one pair "
        "of images differs by several dB between them.",
        true);
}

void add_comparison(io::html_page& page, const evaluation& result) {
  const auto methods = methods_of(result);
  if (methods.size() < 2) return;
  io::html_table t;
  t.caption = "Differences to " + methods[0] +
              ", file by file, where both have the same reference "
              "and sampling";
  t.columns = {"Method", "Pairs"};
  for (const auto& m : measures) {
    t.columns.push_back(std::string(m.name) + " mean \u00b1 SD");
    t.columns.emplace_back("Better in");
  }
  std::map<std::string, const scored_file*> base;
  const auto key_of = [](const scored_file& f) {
    return f.files.reference + "\n" + f.files.who.mask + "\n" + f.files.who.af;
  };
  for (const auto& f : result.files)
    if (method_name(f.files.who) == methods[0]) base.emplace(key_of(f), &f);
  for (std::size_t i = 1; i < methods.size(); ++i) {
    std::vector<html_cell> row = {methods[i]};
    for (const auto& m : measures) {
      std::vector<double> d;
      std::size_t better = 0;
      for (const auto& f : result.files) {
        const auto other = base.find(key_of(f));
        if (method_name(f.files.who) != methods[i] || other == base.end()) continue;
        const double v = m.of(f.scores[0].mean) - m.of(other->second->scores[0].mean);
        if (!std::isfinite(v)) continue;
        d.push_back(v);
        better += (m.high_is_good ? v > 0 : v < 0) ? 1 : 0;
      }
      const spread s = spread_of(d);
      if (&m == measures.data())
        row.emplace_back(static_cast<double>(d.size()), std::to_string(d.size()));
      row.emplace_back(s.mean, d.empty() ? "none" : plus_minus(s, m.decimals));
      row.emplace_back(
          d.empty() ? 0.0 : static_cast<double>(better) / static_cast<double>(d.size()),
          std::to_string(better) + " of " + std::to_string(d.size()));
    }
    t.rows.push_back(row);
  }
  page.table(t);
}

void add_groups(io::html_page& page, const evaluation& result) {
  struct column {
    const char *id, *name;
    key of;
  };
  const column sampling[] = {
      {"acceleration", "acceleration", acceleration_name},
      {"pattern", "sampling pattern", [](const score_identity& w) { return w.mask; }}};
  const column others[] = {{"", "data", [](const score_identity& w) { return w.data; }},
                           {"", "modality", [](const score_identity& w) { return w.modality; }},
                           {"", "centre", [](const score_identity& w) { return w.center; }},
                           {"", "vendor", [](const score_identity& w) { return w.vendor; }},
                           {"", "field strength", [](const score_identity& w) { return w.field; }}};
  const auto title = [](std::string name) {
    name[0] = static_cast<char>(name[0] - 'a' + 'A');
    return name;
  };
  bool any = false;
  for (const auto& c : sampling) {
    if (values_of(result, c.of).empty()) continue;
    any = true;
    page.section(std::string("By ") + c.name, c.id);
    page.charts(boxes(result, 0, c.name, c.of), true);
    page.table(table_by(result, 0, title(c.name).c_str(), c.of));
  }
  if (!any) {
    page.section("Distribution", "distribution");
    page.charts(boxes(result, 0, "", nullptr), true);
  }
  any = false;
  std::vector<std::vector<std::size_t>> seen;  // the same division under another name says nothing
  for (const auto& c : others) {
    const auto values = values_of(result, c.of);
    std::vector<std::size_t> division;
    for (const auto& f : result.files)
      division.push_back(static_cast<std::size_t>(
          std::find(values.begin(), values.end(), c.of(f.files.who)) - values.begin()));
    std::vector<std::size_t> order(values.size() + 1, values.size() + 1);
    std::size_t next = 0;
    for (auto& d : division) {
      if (order[d] > values.size()) order[d] = next++;
      d = order[d];
    }
    if (values.size() < 2 || std::find(seen.begin(), seen.end(), division) != seen.end()) continue;
    seen.push_back(division);
    if (!any) page.section("Other groups", "groups");
    any = true;
    io::html_table t = table_by(result, 0, title(c.name).c_str(), c.of);
    t.caption = std::string("By ") + c.name;
    page.table(t);
  }
}

}  // namespace program
