// SPDX-License-Identifier: Apache-2.0
/// \file
/// The HTML report of an evaluation.

#include <atomic>
#include <limits>
#include <map>
#include <mutex>
#include <thread>

#include "cardiomm/io/chart.hpp"
#include "report_pictures.hpp"
#include "report_tables.hpp"

namespace program {
namespace {

using io::html_cell;

/// All files of each method in rising order of their score.
std::string sorted_curves(const evaluation& result, const measure& m) {
  io::line_chart p;
  p.title = std::string(m.name) + " of all files, sorted";
  p.x_label = "Files, worst first (%)";
  p.y_label = m.name;
  p.height = 360;
  for (const auto& method : methods_of(result)) {
    std::vector<double> v;
    for (const auto& f : result.files)
      if (method_name(f.files.who) == method) v.push_back(m.of(f.scores[0].mean));
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
    const std::size_t most = static_cast<std::size_t>(std::min(share, 1.2e6));
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
