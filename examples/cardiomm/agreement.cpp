// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm agreement`: two tables of measurements, such as the phenotypes of two methods:
/// Bland-Altman, intraclass correlations, plots.

#include "cardiomm/analysis/agreement.hpp"
#include "cardiomm/io/chart.hpp"
#include "cardiomm/io/csv.hpp"
#include "cardiomm/io/html.hpp"
#include "common.hpp"
#include "folder.hpp"

namespace program {
namespace {

namespace analysis = cardiomm::analysis;

struct agreement_command {
  std::string a, b, name_a, name_b, report, svg, csv;
  std::vector<std::string> keys, columns;
  double confidence = 0.95;
};

/// The pairs of one column.
struct paired {
  std::string name;
  std::vector<double> a, b;
  std::vector<std::string> who;
  std::size_t missing = 0;  // subjects without a number in one of the tables
};

struct joined {
  std::vector<std::string> keys;
  std::vector<paired> columns;
  std::vector<std::string> unmatched;
  std::size_t subjects = 0;
};

/// A number, or nothing for an empty field and what tables write for missing values.
std::optional<double> value_of(const io::table& t, std::size_t row, std::size_t column) {
  const std::string& field = t.rows[row][column];
  const auto v = io::to_number(field);
  if (v) return std::isfinite(*v) ? v : std::nullopt;
  std::string low;
  for (const char c : field)
    if (c != ' ') low += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (low.empty() || low == "nan" || low == "na" || low == "n/a" || low == "null" || low == "-")
    return std::nullopt;
  throw value_error(t.path + ": line " + std::to_string(t.lines[row]) + ", column '" +
                    t.columns[column] + "': expected a number, found '" + field.substr(0, 40) +
                    "'");
}

/// True if a column holds nothing but numbers and missing values.
bool numeric(const io::table& t, std::size_t column) {
  bool any = false;
  for (const auto& row : t.rows) {
    const auto v = io::to_number(row[column]);
    any = any || v;
    if (!v && !row[column].empty() && row[column] != "nan" && row[column] != "NaN" &&
        row[column] != "NA")
      return false;
  }
  return any;
}

std::string joined_text(const std::vector<std::string>& v, const char* between = ", ") {
  std::string text;
  for (const auto& s : v) text += (text.empty() ? "" : between) + s;
  return text;
}

/// Rows by the values of their keys.
std::map<std::vector<std::string>, std::size_t> index_rows(const io::table& t,
                                                           const std::vector<std::string>& keys) {
  std::vector<std::size_t> places;
  for (const auto& k : keys) places.push_back(t.column(k));
  std::map<std::vector<std::string>, std::size_t> rows;
  for (std::size_t i = 0; i < t.rows.size(); ++i) {
    std::vector<std::string> key;
    for (const std::size_t p : places) key.push_back(t.rows[i][p]);
    const auto [there, fresh] = rows.emplace(key, i);
    require<value_error>(fresh, t.path, ": expected every ", joined_text(keys), " once, found '",
                         joined_text(key), "' in line ", t.lines[there->second], " and in line ",
                         t.lines[i], "; name more columns by --key");
  }
  return rows;
}

/// The columns by which rows are matched where nobody says it: what tells the scan in the published
/// tables, else all text that is no path and not the method.
std::vector<std::string> usual_keys(const io::table& a, const io::table& b) {
  std::vector<std::string> keys;
  if (a.contains("Pfolder") && b.contains("Pfolder")) {
    for (const char* name : {"Modality", "Center", "Vendor", "Field", "Pfolder", "Datatype"})
      if (a.contains(name) && b.contains(name)) keys.push_back(name);
    return keys;
  }
  for (const auto& name : a.columns)
    if (name != "Method" && name != "File" && name != "Path" && b.contains(name) &&
        !numeric(a, a.column(name)) && !numeric(b, b.column(name)))
      keys.push_back(name);
  return keys;
}

joined join(const agreement_command& c, const io::table& a, const io::table& b) {
  joined j;
  j.keys = c.keys;
  if (j.keys.empty()) j.keys = usual_keys(a, b);
  require<value_error>(!j.keys.empty(), b.path, ": expected columns of text that ", a.path,
                       " has too, found none; name those that identify a row by --key");
  std::vector<std::string> names = c.columns;
  if (names.empty())
    for (const auto& name : a.columns)
      if (name != "AF" && std::find(j.keys.begin(), j.keys.end(), name) == j.keys.end() &&
          b.contains(name) && numeric(a, a.column(name)) && numeric(b, b.column(name)))
        names.push_back(name);
  require<value_error>(!names.empty(), b.path, ": expected columns of numbers that ", a.path,
                       " has too, found none");
  const auto rows_a = index_rows(a, j.keys), rows_b = index_rows(b, j.keys);
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  std::vector<std::string> who;
  for (std::size_t i = 0; i < a.rows.size(); ++i) {  // in the order of the first table
    std::vector<std::string> key;
    for (const auto& k : j.keys) key.push_back(a.at(i, k));
    const auto other = rows_b.find(key);
    if (other == rows_b.end()) {
      j.unmatched.push_back(a.path + " line " + std::to_string(a.lines[i]) + ": " +
                            joined_text(key));
      continue;
    }
    pairs.emplace_back(i, other->second);
    who.push_back(joined_text(key, " "));
  }
  for (std::size_t i = 0; i < b.rows.size(); ++i) {
    std::vector<std::string> key;
    for (const auto& k : j.keys) key.push_back(b.at(i, k));
    if (rows_a.count(key) == 0)
      j.unmatched.push_back(b.path + " line " + std::to_string(b.lines[i]) + ": " +
                            joined_text(key));
  }
  require<value_error>(!pairs.empty(), b.path, ": expected rows whose ", joined_text(j.keys),
                       " are those of ", a.path, ", found none");
  j.subjects = pairs.size();
  for (const auto& name : names) {
    paired p{name, {}, {}, {}, 0};
    const std::size_t in_a = a.column(name), in_b = b.column(name);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      const auto x = value_of(a, pairs[i].first, in_a), y = value_of(b, pairs[i].second, in_b);
      if (!x || !y) {
        ++p.missing;
        continue;
      }
      p.a.push_back(*x);
      p.b.push_back(*y);
      p.who.push_back(who[i]);
    }
    j.columns.push_back(std::move(p));
  }
  return j;
}

/// What is told of one column; nothing of it exists for fewer than two pairs.
struct column_result {
  const paired* data;
  analysis::bland_altman ba;
  std::array<analysis::icc_form, 6> icc;
  analysis::detail::correlated pearson, spearman;
  analysis::estimate concordance;
  analysis::repeatability repeat;
};

column_result analyse(const paired& p, double confidence) {
  return naming(p.name + ": ", [&] {
    return column_result{&p,
                         analysis::compare_methods(p.a, p.b, confidence),
                         analysis::intraclass({p.a, p.b}, confidence),
                         analysis::pearson(p.a, p.b, confidence),
                         analysis::spearman(p.a, p.b, confidence),
                         analysis::concordance(p.a, p.b, confidence),
                         analysis::repeat_of(p.a, p.b)};
  });
}

json number(double v) { return std::isfinite(v) ? json(v) : json(nullptr); }
json with_limits(const analysis::estimate& e) {
  return {{"value", number(e.value)}, {"low", number(e.low)}, {"high", number(e.high)}};
}

json to_json(const column_result& r) {
  json icc = json::object();
  for (const auto& f : r.icc)
    icc[f.name] = {{"value", number(f.icc.value)},
                   {"low", number(f.icc.low)},
                   {"high", number(f.icc.high)},
                   {"f", number(f.f)},
                   {"df1", f.df1},
                   {"df2", f.df2},
                   {"p", number(f.p)}};
  return {{"column", r.data->name},
          {"pairs", r.ba.pairs},
          {"missing", r.data->missing},
          {"bias", with_limits(r.ba.bias)},
          {"sd", number(r.ba.sd)},
          {"lower_limit", with_limits(r.ba.lower)},
          {"upper_limit", with_limits(r.ba.upper)},
          {"p_bias", number(r.ba.p)},
          {"slope", with_limits(r.ba.slope)},
          {"intercept", number(r.ba.intercept)},
          {"p_slope", number(r.ba.slope_p)},
          {"mean_absolute_difference", number(r.ba.mean_absolute)},
          {"icc", icc},
          {"pearson", with_limits(r.pearson.r)},
          {"p_pearson", number(r.pearson.p)},
          {"spearman", with_limits(r.spearman.r)},
          {"p_spearman", number(r.spearman.p)},
          {"concordance", with_limits(r.concordance)},
          {"within_subject_sd", number(r.repeat.within_sd)},
          {"repeatability_coefficient", number(r.repeat.coefficient)},
          {"coefficient_of_variation_percent", number(100 * r.repeat.cov)}};
}

std::string short_number(double v) { return std::isnan(v) ? "-" : io::significant(v, 4); }
std::string limits_text(const analysis::estimate& e) {
  return short_number(e.value) + " [" + short_number(e.low) + ", " + short_number(e.high) + "]";
}

std::string bland_altman_svg(const column_result& r, const agreement_command& c) {
  io::scatter_plot p;
  p.title = "Bland-Altman: " + r.data->name;
  p.x_label = "Mean of " + c.name_a + " and " + c.name_b + ", " + r.data->name;
  p.y_label = c.name_a + " - " + c.name_b;
  io::scatter_plot::one points;
  for (std::size_t i = 0; i < r.data->a.size(); ++i)
    points.points.push_back(
        {0.5 * (r.data->a[i] + r.data->b[i]), r.data->a[i] - r.data->b[i], r.data->who[i]});
  p.series = {std::move(points)};
  p.lines = {{r.ba.bias.value, "bias " + short_number(r.ba.bias.value), false, false},
             {r.ba.lower.value, "-1.96 SD " + short_number(r.ba.lower.value), true, false},
             {r.ba.upper.value, "+1.96 SD " + short_number(r.ba.upper.value), true, false}};
  for (const auto& e : {r.ba.bias, r.ba.lower, r.ba.upper}) p.bands.push_back({e.low, e.high});
  p.note = std::to_string(r.ba.pairs) + " pairs; bands: " + io::significant(100 * c.confidence, 4) +
           " % confidence";
  return io::svg(p);
}

std::string identity_svg(const column_result& r, const agreement_command& c) {
  io::scatter_plot p;
  p.title = r.data->name;
  p.x_label = c.name_b;
  p.y_label = c.name_a;
  p.identity = true;
  io::scatter_plot::one points;
  for (std::size_t i = 0; i < r.data->a.size(); ++i)
    points.points.push_back({r.data->b[i], r.data->a[i], r.data->who[i]});
  p.series = {std::move(points)};
  p.note = "ICC2 " + short_number(r.icc[1].icc.value) + ", Pearson's r " +
           short_number(r.pearson.r.value) + "; the line is equality";
  return io::svg(p);
}

/// A file name of a column's name: letters, digits and dashes.
std::string file_name_of(const std::string& column) {
  std::string name;
  for (const char c : column)
    if (std::isalnum(static_cast<unsigned char>(c)))
      name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    else if (!name.empty() && name.back() != '-')
      name += '-';
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.empty() ? "column" : name;
}

std::string page_of(const agreement_command& c, const joined& j,
                    const std::vector<column_result>& results,
                    const std::vector<std::string>& notes) {
  io::html_page page("Agreement of " + c.name_a + " and " + c.name_b,
                     std::to_string(j.subjects) + " rows matched by " + joined_text(j.keys));
  page.section("Summary", "summary");
  io::html_table t;
  t.columns = {"Column",      "Pairs",        "Bias", "SD",   "Lower limit",
               "Upper limit", "p of bias",    "ICC2", "ICC3", "Lin's CCC",
               "Pearson's r", "Mean |a - b|", "CoV %"};
  const auto cell = [](double v) { return io::html_cell(v, short_number(v)); };
  const auto range = [](const analysis::estimate& e) {
    return io::html_cell(e.value, limits_text(e));
  };
  for (const auto& r : results)
    t.rows.push_back({r.data->name, io::html_cell(double(r.ba.pairs), std::to_string(r.ba.pairs)),
                      range(r.ba.bias), cell(r.ba.sd), range(r.ba.lower), range(r.ba.upper),
                      cell(r.ba.p), range(r.icc[1].icc), range(r.icc[2].icc), range(r.concordance),
                      range(r.pearson.r), cell(r.ba.mean_absolute), cell(100 * r.repeat.cov)});
  page.table(t);
  page.paragraph("Differences are " + c.name_a + " - " + c.name_b +
                     "; limits are bias -+ 1.96 SD; "
                     "in brackets the limits of " +
                     io::significant(100 * c.confidence, 4) + " % confidence.",
                 true);
  for (const auto& n : notes) page.notice(n);
  page.section("Plots", "plots");
  for (const auto& r : results) {
    page.heading(r.data->name);
    page.charts({bland_altman_svg(r, c), identity_svg(r, c)});
  }
  if (!j.unmatched.empty()) {
    page.section("Not matched", "unmatched");
    io::html_table rows;
    rows.columns = {"Row"};
    for (const auto& u : j.unmatched) rows.rows.push_back({u});
    page.table(rows);
  }
  return page.text();
}

std::string table_of(const std::vector<column_result>& results) {
  io::table t;
  t.columns = {"column",
               "pairs",
               "missing",
               "bias",
               "bias_low",
               "bias_high",
               "sd",
               "lower_limit",
               "upper_limit",
               "p_bias",
               "slope",
               "p_slope",
               "mean_absolute_difference",
               "icc1",
               "icc2",
               "icc2_low",
               "icc2_high",
               "icc3",
               "icc3_low",
               "icc3_high",
               "concordance",
               "pearson",
               "spearman",
               "repeatability_coefficient",
               "cov_percent"};
  for (const auto& r : results) {
    std::vector<std::string> row = {r.data->name, std::to_string(r.ba.pairs),
                                    std::to_string(r.data->missing)};
    for (const double v : {r.ba.bias.value,
                           r.ba.bias.low,
                           r.ba.bias.high,
                           r.ba.sd,
                           r.ba.lower.value,
                           r.ba.upper.value,
                           r.ba.p,
                           r.ba.slope.value,
                           r.ba.slope_p,
                           r.ba.mean_absolute,
                           r.icc[0].icc.value,
                           r.icc[1].icc.value,
                           r.icc[1].icc.low,
                           r.icc[1].icc.high,
                           r.icc[2].icc.value,
                           r.icc[2].icc.low,
                           r.icc[2].icc.high,
                           r.concordance.value,
                           r.pearson.r.value,
                           r.spearman.r.value,
                           r.repeat.coefficient,
                           100 * r.repeat.cov})
      row.push_back(std::isfinite(v) ? io::to_text(v) : "");
    t.rows.push_back(std::move(row));
  }
  return io::csv_text(t);
}

void run(agreement_command c, const common_options& common) {
  require<value_error>(c.confidence > 0 && c.confidence < 1,
                       "--confidence: expected a number between 0 and 1, found ", c.confidence);
  const auto stem = [](const std::string& path) {
    return std::filesystem::path(path).stem().string();
  };
  if (c.name_a.empty()) c.name_a = stem(c.a);
  if (c.name_b.empty()) c.name_b = stem(c.b);
  const io::table a = io::read_csv(c.a), b = io::read_csv(c.b);
  const joined j = join(c, a, b);
  std::vector<column_result> results;
  std::vector<std::string> notes;
  std::string too_few;
  for (const auto& p : j.columns) {
    if (p.a.size() < 2) {
      too_few += (too_few.empty() ? "" : ", ") + p.name;
      continue;
    }
    if (p.missing > 0)
      notes.push_back(p.name + ": " + std::to_string(p.missing) + " of " +
                      std::to_string(j.subjects) + " rows lack a number in one of the tables");
    results.push_back(analyse(p, c.confidence));
  }
  if (!too_few.empty()) notes.push_back("left out, with fewer than 2 pairs of numbers: " + too_few);
  require<value_error>(!results.empty(), c.b,
                       ": expected a column with at least 2 pairs of numbers, found none");
  std::vector<std::unique_ptr<io::atomic_file>> files;
  const auto put = [&](const std::string& path, const std::string& text) {
    files.push_back(std::make_unique<io::atomic_file>(path, common.policy()));
    files.back()->write(text);
  };
  std::optional<output_folder> folder;
  json plots = json::array();
  if (!c.svg.empty()) {
    folder.emplace(c.svg);
    std::map<std::string, int> used;
    for (const auto& r : results) {
      std::string name = file_name_of(r.data->name);
      const int n = used[name]++;
      if (n > 0) name += "-" + std::to_string(n + 1);
      for (const auto& [end, text] : {std::pair{"_bland_altman.svg", bland_altman_svg(r, c)},
                                      {"_identity.svg", identity_svg(r, c)}}) {
        const std::string path = *folder / (name + end).c_str();
        put(path, text);
        plots.push_back(path);
      }
    }
  }
  if (!c.csv.empty()) put(c.csv, table_of(results));
  if (!c.report.empty()) put(c.report, page_of(c, j, results, notes));
  std::vector<io::atomic_file*> all;
  for (auto& f : files) all.push_back(f.get());
  io::atomic_file::commit(all);
  if (folder) folder->keep();
  if (common.as_json) {
    json columns = json::array();
    for (const auto& r : results) columns.push_back(to_json(r));
    std::cout << dump({{"a", c.a},
                       {"b", c.b},
                       {"keys", j.keys},
                       {"matched", j.subjects},
                       {"confidence", c.confidence},
                       {"columns", columns},
                       {"plots", plots},
                       {"notes", notes},
                       {"unmatched", j.unmatched}})
              << "\n";
    return;
  }
  std::printf("%zu rows matched by %s; differences are %s - %s\n", j.subjects,
              joined_text(j.keys).c_str(), c.name_a.c_str(), c.name_b.c_str());
  for (const auto& r : results) {
    std::printf("%s (%lld pairs)\n", r.data->name.c_str(), static_cast<long long>(r.ba.pairs));
    std::printf("  bias %s, SD %s, limits of agreement %s to %s, p %s\n",
                limits_text(r.ba.bias).c_str(), short_number(r.ba.sd).c_str(),
                short_number(r.ba.lower.value).c_str(), short_number(r.ba.upper.value).c_str(),
                short_number(r.ba.p).c_str());
    std::printf("  ICC2 %s, ICC3 %s, Lin's CCC %s\n", limits_text(r.icc[1].icc).c_str(),
                limits_text(r.icc[2].icc).c_str(), limits_text(r.concordance).c_str());
    std::printf("  Pearson %s, Spearman %s, mean |a - b| %s, slope %s (p %s), CoV %s %%\n",
                short_number(r.pearson.r.value).c_str(), short_number(r.spearman.r.value).c_str(),
                short_number(r.ba.mean_absolute).c_str(), short_number(r.ba.slope.value).c_str(),
                short_number(r.ba.slope_p).c_str(), short_number(100 * r.repeat.cov).c_str());
  }
  for (const auto& n : notes) std::printf("note: %s\n", one_line(n).c_str());
  for (const auto& u : j.unmatched) std::printf("not matched: %s\n", one_line(u).c_str());
  for (const auto& f : files) std::printf("wrote %s\n", f->path().c_str());
}

}  // namespace

action add_agreement(CLI::App& app, common_options& common) {
  auto c = std::make_shared<agreement_command>();
  auto& command = add_command(
      app, "agreement", "Bland-Altman, intraclass correlations and plots of two tables",
      "  cardiomm agreement --a reference.csv --b network.csv --key Pfolder,Datatype --json\n"
      "  cardiomm agreement --a first.csv --b second.csv --columns \"LVEF (%)\" \\\n"
      "      --report agreement.html --svg plots/\n"
      "Rows are matched by the key columns; what has no partner is listed. Each column of numbers\n"
      "that both tables have is compared, a - b.",
      common);
  command.add_option("--a", c->a, "The first table (CSV)")->required();
  command.add_option("--b", c->b, "The second table")->required();
  command
      .add_option("--key", c->keys,
                  "Columns that identify a row; else those of the published tables that tell the "
                  "scan (Pfolder, Datatype, ...), or all columns of text")
      ->delimiter(',');
  command.add_option("--columns", c->columns, "Columns to compare; else all columns of numbers")
      ->delimiter(',');
  command.add_option("--name-a", c->name_a, "What to call the first table in plots; else its file");
  command.add_option("--name-b", c->name_b, "What to call the second table");
  command.add_option("--confidence", c->confidence, "Of the limits in brackets")
      ->capture_default_str();
  command.add_option("--csv", c->csv, "Writes the results as a table");
  command.add_option("--report", c->report, "Writes one HTML page with table and plots");
  command.add_option("--svg", c->svg, "Folder for the plots as SVG files");
  return [c](const common_options& options) { run(*c, options); };
}

}  // namespace program
