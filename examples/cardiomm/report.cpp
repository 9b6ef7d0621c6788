// SPDX-License-Identifier: Apache-2.0
/// \file
/// The HTML report of an evaluation.

#include <map>
#include <thread>

#include "cardiomm/io/chart.hpp"
#include "report_pictures.hpp"

namespace program {
namespace {

using io::html_cell;

struct measure {
  const char *name, *axis;
  int decimals;
  bool high_is_good;
  double (*of)(const cardiomm::mri::image_quality&);
};
const measure measures[] = {
    {"PSNR (dB)", "PSNR (dB)", 2, true,
     [](const cardiomm::mri::image_quality& q) { return q.psnr; }},
    {"SSIM", "SSIM", 4, true, [](const cardiomm::mri::image_quality& q) { return q.ssim; }},
    {"NMSE", "NMSE", 4, false, [](const cardiomm::mri::image_quality& q) { return q.nmse; }}};

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
std::string method_name(const score_identity& who) {
  return who.method.empty() ? "image" : who.method;
}
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
/// Methods in the order in which they were given.
std::vector<std::string> methods_of(const evaluation& result) {
  std::vector<std::string> all;
  for (const auto& f : result.files)
    if (std::find(all.begin(), all.end(), method_name(f.files.who)) == all.end())
      all.push_back(method_name(f.files.who));
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
    p.y_label = m.axis;
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
    p.width = 640;
    p.height = 360;
    charts.push_back(io::svg(p));
  }
  return charts;
}

/// All files of each method in rising order of their score.
std::string sorted_curves(const evaluation& result, const measure& m) {
  io::line_chart p;
  p.title = std::string(m.name) + " of all files, sorted";
  p.x_label = "Files, worst first (%)";
  p.y_label = m.axis;
  p.height = 360;
  for (const auto& method : methods_of(result)) {
    auto v = means_of(result, 0, m,
                      [&](const score_identity& who) { return method_name(who) == method; });
    v.erase(std::remove_if(v.begin(), v.end(), [](double x) { return !std::isfinite(x); }),
            v.end());
    std::sort(v.begin(), v.end());
    if (!m.high_is_good) std::reverse(v.begin(), v.end());
    io::line_chart::one one{method, {}, {}};
    for (std::size_t i = 0; i < v.size(); ++i) {
      one.x.push_back(100 * (static_cast<double>(i) + 0.5) / static_cast<double>(v.size()));
      one.y.push_back(v[i]);
    }
    p.markers = p.markers && v.size() <= 60;
    p.series.push_back(one);
  }
  return io::svg(p);
}

std::string about(const scored_file& f) {
  const auto& w = f.files.who;
  std::string text;
  const std::string parts[] = {w.modality, w.center, w.patient, w.data,
                               w.mask.empty() && w.af.empty() ? "" : w.mask + w.af};
  for (const auto& part : parts)
    if (!part.empty()) text += (text.empty() ? "" : " / ") + part;
  return text;
}

std::string plural(std::size_t n, const std::string& what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

/// Images side by side that share a reference and a sampling, in the order of the files.
std::vector<shown_group> group_files(const evaluation& result) {
  std::vector<shown_group> groups;
  std::map<std::string, std::size_t> place;
  for (const auto& f : result.files) {
    const std::string k = f.files.reference + "\n" + f.files.who.mask + "\n" + f.files.who.af;
    const auto [at, fresh] = place.emplace(k, groups.size());
    if (fresh) groups.emplace_back();
    groups[at->second].files.push_back(&f);
  }
  // five methods fill a page; the rest goes on below
  std::vector<shown_group> out;
  for (const auto& g : groups)
    for (std::size_t i = 0; i < g.files.size(); i += 5)
      out.push_back(
          {{g.files.begin() + static_cast<std::ptrdiff_t>(i),
            g.files.begin() + static_cast<std::ptrdiff_t>(std::min(i + 5, g.files.size()))}});
  return out;
}

double worst_psnr(const shown_group& g) {
  double worst = std::numeric_limits<double>::infinity();
  for (const auto* f : g.files) worst = std::min(worst, f->scores[0].mean.psnr);
  return worst;
}

/// Which groups are shown where there are too many: the worst ten (or half), the rest spread evenly
/// from worst to best.
std::vector<std::size_t> choose(const std::vector<shown_group>& groups, int most) {
  std::vector<std::size_t> order(groups.size()), chosen;
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto n = static_cast<std::size_t>(std::max(most, 0));
  if (groups.size() <= n) return order;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return worst_psnr(groups[a]) < worst_psnr(groups[b]);
  });
  const std::size_t worst = std::min<std::size_t>(10, (n + 1) / 2), rest = n - worst;
  for (std::size_t i = 0; i < worst; ++i) chosen.push_back(order[i]);
  for (std::size_t i = 0; i < rest; ++i)
    chosen.push_back(order[worst + (rest == 1 ? groups.size() - worst - 1
                                              : i * (groups.size() - worst - 1) / (rest - 1))]);
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

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
      if (&m == measures) row.emplace_back(static_cast<double>(d.size()), std::to_string(d.size()));
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
    bool boxes;
  };
  const column columns[] = {
      {"acceleration", "acceleration", acceleration_name, true},
      {"pattern", "sampling pattern", [](const score_identity& w) { return w.mask; }, true},
      {"data", "data", [](const score_identity& w) { return w.data; }, false},
      {"modality", "modality", [](const score_identity& w) { return w.modality; }, false},
      {"center", "centre", [](const score_identity& w) { return w.center; }, false},
      {"vendor", "vendor", [](const score_identity& w) { return w.vendor; }, false},
      {"field", "field strength", [](const score_identity& w) { return w.field; }, false}};
  bool any = false;
  for (const auto& c : columns) {
    const auto values = values_of(result, c.of);
    if (values.empty() || (!c.boxes && values.size() < 2)) continue;
    const std::string name = std::string("By ") + c.name;
    page.section(name, c.id);
    if (c.boxes) page.charts(boxes(result, 0, c.name, c.of));
    std::string title = c.name;
    title[0] = static_cast<char>(title[0] - 'a' + 'A');
    page.table(table_by(result, 0, title.c_str(), c.of));
    any = any || c.boxes;
  }
  if (!any) {
    page.section("Distribution", "distribution");
    page.charts(boxes(result, 0, "", nullptr));
  }
}

/// A short text for a cell of a table.
std::string short_path(const std::string& path) {
  return path.size() <= 70 ? path : "\u2026" + path.substr(path.size() - 67);
}

void add_files(io::html_page& page, const evaluation& result,
               const std::map<const scored_file*, std::string>& places) {
  page.section("All files", "files");
  const std::size_t count = result.files.size();
  if (count > 1)
    page.charts({sorted_curves(result, measures[0]), sorted_curves(result, measures[1])});
  io::html_table t;
  t.columns = {"File", "Method", "Images", "PSNR (dB)", "SSIM", "NMSE"};
  t.shown = 20;
  constexpr std::size_t most = 2000;
  std::vector<const scored_file*> order;
  for (const auto& f : result.files) order.push_back(&f);
  std::stable_sort(order.begin(), order.end(), [](const scored_file* a, const scored_file* b) {
    return a->scores[0].mean.psnr < b->scores[0].mean.psnr;
  });
  if (order.size() > most) order.resize(most);
  t.caption = (count > most ? "The worst " + std::to_string(most) + " of " + std::to_string(count)
                            : plural(count, "file")) +
              ", lowest PSNR first (" + std::to_string(result.options.conventions[0]) +
              "); a click on a heading sorts";
  for (const auto* f : order) {
    std::string name = about(*f);
    if (name.empty()) name = short_path(f->files.image);
    std::vector<html_cell> row = {name, method_name(f->files.who)};
    const auto at = places.find(f);
    if (at != places.end()) row[0].link = at->second;
    const auto n = f->scores[0].images.size();
    row.emplace_back(static_cast<double>(n), std::to_string(n));
    for (const auto& m : measures) {
      const double v = m.of(f->scores[0].mean);
      row.emplace_back(v, io::fixed(v, m.decimals));
    }
    t.rows.push_back(row);
  }
  page.table(t);
}

void add_left_out(io::html_page& page, const evaluation& result) {
  io::html_table t;
  t.columns = {"File", "Reason"};
  t.shown = 20;
  for (const auto& l : result.left_out) t.rows.push_back({l.path, l.reason});
  for (const auto& f : result.files) {
    if (f.empty_references > 0)
      t.rows.push_back(
          {f.files.image, plural(static_cast<std::size_t>(f.empty_references), "image") +
                              " left out: the reference is zero everywhere"});
    if (f.without_score > 0)
      t.rows.push_back({f.files.image, plural(static_cast<std::size_t>(f.without_score), "image") +
                                           " without a score, left out of the mean: " + f.why});
  }
  for (const auto& l : result.unused) t.rows.push_back({l.path, l.reason});
  page.section("Left out", "left-out");
  if (t.rows.empty()) {
    page.paragraph("Nothing: every image has a reference and a score.");
    return;
  }
  page.notice(plural(result.left_out.size(), "image file") + " could not be scored, " +
              plural(result.unused.size(), "reference") + " without an image.");
  page.table(t);
}

}  // namespace

void write_report(const std::string& path, const evaluation& result, const report_options& o,
                  io::existing policy) {
  io::atomic_file out(path, policy);
  const auto methods = methods_of(result);
  std::string subtitle =
      plural(result.files.size(), "file") + ", " + plural(methods.size(), "method");
  if (!result.left_out.empty())
    subtitle += ", " + std::to_string(result.left_out.size()) + " left out";
  if (!o.date.empty()) subtitle += ", " + o.date;
  io::html_page page(o.title, subtitle);
  if (result.files.empty()) {
    page.section("Summary", "summary");
    page.notice("No file could be scored.");
  } else {
    add_summary(page, result);
    add_comparison(page, result);
    for (const auto& n : o.notes) page.paragraph(n);
    add_groups(page, result);

    const auto groups = group_files(result);
    const auto chosen = choose(groups, o.pictures);
    std::vector<group_pictures> pictures(chosen.size());
    const double share = o.megabytes * 1e6 * 0.75 /  // base64 takes four letters for three bytes
                         static_cast<double>(std::max<std::size_t>(chosen.size(), 1));
    const std::size_t most = static_cast<std::size_t>(std::min(share, 2.5e6));
    std::atomic<std::size_t> next{0};
    std::exception_ptr failed;
    std::mutex one;
    const auto work = [&] {
      for (std::size_t i; !interrupt_requested && (i = next++) < chosen.size();) try {
          pictures[i] = make_pictures(groups[chosen[i]], result.options, o.delay, most);
        } catch (...) {
          const std::lock_guard<std::mutex> hold(one);
          failed = std::current_exception();
        }
    };
    const auto threads = static_cast<std::size_t>(std::max(
        1, result.options.threads > 0 ? result.options.threads : host_space{}.concurrency()));
    std::vector<std::thread> helpers;
    for (std::size_t t = 1; t < std::min(threads, chosen.size()); ++t) helpers.emplace_back(work);
    work();
    for (auto& h : helpers) h.join();
    if (failed) std::rethrow_exception(failed);
    stop_if_interrupted();

    std::map<const scored_file*, std::string> places;
    for (std::size_t i = 0; i < chosen.size(); ++i)
      for (const auto* f : groups[chosen[i]].files)
        places.emplace(f, "pictures-" + std::to_string(i + 1));
    add_files(page, result, places);
    if (!chosen.empty()) {
      page.section("Pictures", "pictures");
      page.paragraph(
          "Reference and images are divided by their own 99.5th percentile and shown in "
          "the same grey window from 0 to 1. The error is the absolute difference of "
          "these, five times as bright in the same window.");
      if (chosen.size() < groups.size())
        page.paragraph(std::to_string(chosen.size()) + " of " + std::to_string(groups.size()) +
                       " are shown: those of the lowest PSNR, and others spread evenly from the "
                       "lowest to the highest.");
      for (std::size_t i = 0; i < chosen.size(); ++i) {
        const auto& g = groups[chosen[i]];
        page.group("pictures-" + std::to_string(i + 1));
        std::string name = about(*g.files[0]);
        if (name.empty()) name = short_path(g.files[0]->files.reference);
        page.heading(name);
        if (!pictures[i].problem.empty())
          page.notice("No pictures: " + pictures[i].problem);
        else {
          io::html_table t;
          t.columns = {"Method", "PSNR (dB)", "SSIM", "NMSE", "File"};
          for (const auto* f : g.files) {
            std::vector<html_cell> row = {method_name(f->files.who)};
            for (const auto& m : measures) {
              const double v = m.of(f->scores[0].mean);
              row.emplace_back(v, io::fixed(v, m.decimals));
            }
            row.emplace_back(short_path(f->files.image));
            t.rows.push_back(row);
          }
          page.table(t);
          page.pictures(pictures[i].stills);
          page.paragraph(pictures[i].about, true);
          if (!pictures[i].cine.empty()) page.pictures(pictures[i].cine);
        }
        page.end_group();
      }
    }
  }
  add_left_out(page, result);
  page.section("How it was made", "made");
  page.paragraph(
      "PSNR = 10 log10(D\u00b2 / mean squared error), SSIM with a uniform window of 7 x 7, K1 = "
      "0.01, K2 = 0.03 and sample covariances, NMSE = |reference - image|\u00b2 / "
      "|reference|\u00b2; D is the maximum of the normalised reference. Box: quartiles; "
      "whiskers: last value within 1.5 interquartile ranges; SD: sample standard "
      "deviation over files.");
  if (!o.command.empty()) page.code(o.command);
  page.paragraph(std::string("cardiomm ") + CARDIOMM_VERSION_STRING, true);
  out.write(page.text());
  out.commit();
}

}  // namespace program
