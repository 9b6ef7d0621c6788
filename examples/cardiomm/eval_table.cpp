// SPDX-License-Identifier: Apache-2.0
/// \file
/// Scores as tables and as JSON.

#include <map>

#include "cardiomm/io/csv.hpp"
#include "cardiomm/io/markup.hpp"
#include "report.hpp"

namespace program {
namespace {

using row = std::vector<std::string>;

/// A score as text; without rounding the shortest text that gives the same double.
std::string number(double v, decimals round) {
  return round ? io::fixed(v, *round) : io::to_text(v);
}

json json_number(double v, decimals round) {
  if (!std::isfinite(v)) return nullptr;
  return round ? std::stod(io::fixed(v, *round)) : v;
}

const char* const score_columns[] = {"PSNR", "SSIM", "NMSE"};

json mean_of(const std::vector<const convention_score*>& scores, decimals round) {
  json out;
  const char* const names[] = {"psnr", "ssim", "nmse"};
  for (int k = 0; k < 3; ++k) {
    std::vector<double> values;
    for (const auto* s : scores)
      values.push_back(k == 0 ? s->mean.psnr : k == 1 ? s->mean.ssim : s->mean.nmse);
    const spread d = spread_of(values);
    const double nan = std::numeric_limits<double>::quiet_NaN();
    out[names[k]] = {{"mean", json_number(d.n ? d.mean : nan, round)},
                     {"sd", json_number(d.n > 1 ? d.deviation : nan, round)},
                     {"median", json_number(d.n ? d.median : nan, round)},
                     {"files", d.n}};
    if (d.infinite > 0) out[names[k]]["infinite"] = d.infinite;
  }
  return out;
}

}  // namespace

json as_json(const evaluation& result, bool images, decimals round) {
  json files = json::array(), groups = json::array(), means = json::array();
  // (method), and (method, mask, af), in the order in which they appear
  std::map<std::string, std::size_t> place[2];
  std::vector<std::vector<std::string>> names[2];
  std::vector<std::vector<std::vector<const convention_score*>>> members[2];
  for (const scored_file& f : result.files) {
    json scores = json::object(), who = json::object();
    const auto values = identity_values(f.files.who);
    for (std::size_t i = 0; i < values.size(); ++i) who[identity_columns[i]] = values[i];
    for (const auto& s : f.scores) {
      json one = {{"psnr", json_number(s.mean.psnr, round)},
                  {"ssim", json_number(s.mean.ssim, round)},
                  {"nmse", json_number(s.mean.nmse, round)},
                  {"count", s.images.size()}};
      if (images) {
        one["images"] = json::array();
        for (const auto& i : s.images)
          one["images"].push_back({{"frame", i.frame},
                                   {"slice", i.slice},
                                   {"psnr", json_number(i.value.psnr, round)},
                                   {"ssim", json_number(i.value.ssim, round)},
                                   {"nmse", json_number(i.value.nmse, round)}});
      }
      scores[std::to_string(s.year)] = one;
    }
    json file = {{"image", f.files.image},
                 {"reference", f.files.reference},
                 {"identity", who},
                 {"shape", {f.frames, f.slices, f.ny, f.nx}},
                 {"empty_references", f.empty_references},
                 {"without_score", f.without_score},
                 {"scores", scores}};
    if (!f.why.empty()) file["why"] = f.why;
    files.push_back(file);
    const auto& w = f.files.who;
    const std::vector<std::string> keys[2] = {{w.method}, {w.method, w.mask, w.af}};
    for (int g = 0; g < 2; ++g) {
      std::string key;
      for (const auto& k : keys[g]) key += k + '\n';
      const auto [at, fresh] = place[g].emplace(key, names[g].size());
      if (fresh) {
        names[g].push_back(keys[g]);
        members[g].emplace_back(f.scores.size());
      }
      for (std::size_t c = 0; c < f.scores.size(); ++c)
        members[g][at->second][c].push_back(&f.scores[c]);
    }
  }
  for (int g = 0; g < 2; ++g)
    for (std::size_t i = 0; i < names[g].size(); ++i)
      for (const auto& scores : members[g][i]) {
        json one = {{"method", names[g][i][0]}};
        if (g == 1) {
          one["mask"] = names[g][i][1];
          one["af"] = names[g][i][2];
        }
        one["convention"] = scores.front()->year;
        one.update(mean_of(scores, round));
        (g == 0 ? means : groups).push_back(one);
      }
  const auto reasons = [](const std::vector<left_out_file>& list) {
    json out = json::array();
    for (const auto& l : list) out.push_back({{"path", l.path}, {"reason", l.reason}});
    return out;
  };
  return {{"conventions", result.options.conventions},
          {"crop_centre", result.options.crop_centre},
          {"count", result.files.size()},
          {"means", means},
          {"groups", groups},
          {"files", files},
          {"errors", reasons(result.left_out)},
          {"references_without_image", reasons(result.unused)}};
}

void write_score_csv(const std::string& path, const evaluation& result, decimals round,
                     io::existing policy) {
  const bool several = result.options.conventions.size() > 1;
  io::table t;
  t.columns.assign(identity_columns.begin(), identity_columns.end());
  if (several) t.columns.emplace_back("Convention");
  const std::size_t keys = t.columns.size();
  t.columns.insert(t.columns.end(), std::begin(score_columns), std::end(score_columns));
  std::error_code none;
  if (policy == io::existing::replace && std::filesystem::exists(path, none)) {
    auto old = io::read_csv(path);
    require<io_error>(old.columns == t.columns, path, ": expected a table of scores",
                      several ? " of several conventions" : " of one convention",
                      " to add rows to, found other columns; remove it or choose another name");
    t.rows = std::move(old.rows);
  }
  std::map<row, std::size_t> known;
  const auto key_of = [&](const row& r) {
    return row(r.begin(), r.begin() + static_cast<std::ptrdiff_t>(keys));
  };
  for (std::size_t i = 0; i < t.rows.size(); ++i) known.emplace(key_of(t.rows[i]), i);
  std::map<std::size_t, int> written;  // files of this run with the same identifiers are all kept
  for (const scored_file& f : result.files)
    for (const auto& s : f.scores) {
      const auto values = identity_values(f.files.who);
      row r(values.begin(), values.end());
      if (several) r.push_back(std::to_string(s.year));
      for (const double v : {s.mean.psnr, s.mean.ssim, s.mean.nmse}) r.push_back(number(v, round));
      const auto [at, fresh] = known.emplace(key_of(r), t.rows.size());
      if (fresh || written[at->second] > 0)
        t.rows.push_back(std::move(r));
      else
        t.rows[at->second] = std::move(r);
      ++written[at->second];
    }
  io::write_csv(path, t, policy);
}

std::vector<std::string> write_published_csv(const std::string& folder, const evaluation& result,
                                             decimals round, io::existing policy) {
  static constexpr const char* norms[] = {"maxval", "std", "percentile"};  // from 2023 on
  std::map<std::string, evaluation> parts;
  for (const scored_file& f : result.files)
    for (const auto& s : f.scores) {
      const auto& w = f.files.who;
      std::string name = "ObjCal_" + (w.set.empty() ? "Set" : w.set) + "_" +
                         (w.task.empty() ? "Task" : w.task) + "_" + norms[s.year - 2023] + "_" +
                         w.method + ".csv";
      std::replace(name.begin(), name.end(), '/', '-');
      evaluation& part = parts[name];
      part.options.conventions = {s.year};
      scored_file one;
      one.files = f.files;
      one.scores = {s};
      part.files.push_back(std::move(one));
    }
  std::vector<std::string> names;
  for (const auto& [name, part] : parts) {
    names.push_back((std::filesystem::path(folder) / name).string());
    write_score_csv(names.back(), part, round, policy);
  }
  return names;
}

void write_image_csv(const std::string& path, const evaluation& result, decimals round,
                     io::existing policy) {
  io::table t;
  t.columns.assign(identity_columns.begin(), identity_columns.end());
  for (const char* c : {"Convention", "Frame", "Slice", "PSNR", "SSIM", "NMSE", "File"})
    t.columns.emplace_back(c);
  for (const scored_file& f : result.files)
    for (const auto& s : f.scores)
      for (const auto& i : s.images) {
        const auto values = identity_values(f.files.who);
        row r(values.begin(), values.end());
        r.push_back(std::to_string(s.year));
        r.push_back(std::to_string(i.frame));
        r.push_back(std::to_string(i.slice));
        for (const double v : {i.value.psnr, i.value.ssim, i.value.nmse})
          r.push_back(number(v, round));
        r.push_back(f.files.image);
        t.rows.push_back(std::move(r));
      }
  io::write_csv(path, t, policy);
}

}  // namespace program
