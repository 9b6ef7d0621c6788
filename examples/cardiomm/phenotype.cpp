// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm phenotype`: volumes, ejection fractions, mass and wall thickness from segmentations.

#include "phenotype.hpp"

#include "cardiomm/io/bullseye.hpp"
#include "cardiomm/io/chart.hpp"
#include "cardiomm/io/html.hpp"
#include "folder.hpp"
#include "report.hpp"

namespace program {
namespace {

namespace analysis = cardiomm::analysis;

struct phenotype_command {
  std::string folder, ed, es, cine, labels, csv, report, bullseye, out, wall = "auto";
  std::string base = "last", septum = "angular", uih = "auto", spacing, set, method;
  double slice_gap = 0, frame_time = 0, heart_rate = 0;
  bool all_centres = false;
  axes_option given;
};

phenotype_options options_of(const phenotype_command& c) {
  const auto one_of = [](const char* option, const std::string& found,
                         std::initializer_list<const char*> allowed) {
    std::string all;
    for (const char* a : allowed) {
      if (found == a) return;
      all += (all.empty() ? "" : ", ") + std::string(a);
    }
    throw value_error(std::string(option) + ": expected one of " + all + ", found '" + found + "'");
  };
  one_of("--wall", c.wall, {"auto", "on", "off"});
  one_of("--base", c.base, {"last", "first"});
  one_of("--septum", c.septum, {"angular", "listed"});
  one_of("--uih", c.uih, {"auto", "on", "off"});
  require_number("--slice-gap", c.slice_gap, 0);
  require_number("--frame-time", c.frame_time, 0);
  require_number("--heart-rate", c.heart_rate, 0);
  phenotype_options o;
  o.labels = c.labels;
  o.names = heart_labels(c.labels);
  o.spacing = parse_spacing(c.spacing);
  o.slice_gap = c.slice_gap;
  o.frame_time = c.frame_time;
  o.heart_rate = c.heart_rate;
  o.uih = c.uih;
  o.wall = c.wall;
  o.wall_steps.base_first = c.base == "first";
  o.wall_steps.middle =
      c.septum == "listed" ? analysis::septum_middle::listed : analysis::septum_middle::angular;
  o.given = c.given;
  return o;
}

/// Texts on their way to files that appear together.
class text_files {
 public:
  explicit text_files(const common_options& common) : policy_(common.policy()) {}
  void open(const std::string& path) {
    if (!path.empty()) files_.emplace(path, std::make_unique<io::atomic_file>(path, policy_));
  }
  void write(const std::string& path, const std::string& text) {
    if (!path.empty()) files_.at(path)->write(text);
  }
  void commit() {
    std::vector<io::atomic_file*> all;
    for (auto& f : files_) all.push_back(f.second.get());
    io::atomic_file::commit(all);
  }
  json names() const {
    json list = json::array();
    for (const auto& f : files_) list.push_back(f.first);
    return list;
  }

 private:
  io::existing policy_;
  std::map<std::string, std::unique_ptr<io::atomic_file>> files_;
};

json maybe(double v) { return std::isfinite(v) ? json(v) : json(); }

json as_json(const heart_numbers& h) {
  json j;
  if (!h.cine.empty()) j["cine"] = h.cine;
  if (!h.ed_file.empty()) j["ed_file"] = h.ed_file;
  if (!h.es_file.empty()) j["es_file"] = h.es_file;
  if (!h.cine.empty()) {
    j["frames"] = h.curve.size();
    j["ed"] = h.frames.ed;
    j["es"] = h.frames.es;
  }
  j["spacing_mm"] = {{"z", h.voxel.dz}, {"y", h.voxel.dy}, {"x", h.voxel.dx}};
  j["frame_time_s"] = h.voxel.dt > 0 ? json(h.voxel.dt) : json();
  json units, missing = json::object();
  for (const auto& p : h.values) {
    j[p.name] = p.value ? json(*p.value) : json();
    units[p.name] = p.unit;
    if (!p.value) missing[p.name] = p.reason;
  }
  j["WT_Global"] = maybe(h.wall.mean[0]);
  units["WT_Global"] = "mm";
  if (!h.wall.reason.empty()) missing["WT_Global"] = h.wall.reason;
  j["units"] = units;
  j["missing"] = missing;
  const auto counts = [](const analysis::label_counts& c) {
    return json{{"lv", c.lv}, {"myo", c.myo}, {"rv", c.rv}};
  };
  j["voxels"] = {{"ed", counts(h.ed)}, {"es", counts(h.es)}};
  if (!h.curve.empty()) {
    json lv = json::array(), rv = json::array(), time = json::array();
    for (std::size_t t = 0; t < h.curve.size(); ++t) {
      lv.push_back(static_cast<double>(h.curve[t].lv) * h.millilitres());
      rv.push_back(static_cast<double>(h.curve[t].rv) * h.millilitres());
      time.push_back(static_cast<double>(t) * h.voxel.dt);
    }
    j["curve"] = {{"lv_ml", lv}, {"rv_ml", h.names.rv > 0 ? rv : json()}};
    j["curve"]["time_s"] = h.voxel.dt > 0 ? time : json();
  }
  if (h.wall.reason.empty()) {
    json mean = json::array(), most = json::array(), n = json::array();
    for (std::size_t k = 1; k <= 16; ++k) {
      mean.push_back(maybe(h.wall.mean[k]));
      most.push_back(maybe(h.wall.maximum[k]));
      n.push_back(h.wall.points_in[k]);
    }
    j["wall_thickness"] = {{"unit", "mm"},
                           {"mean", mean},
                           {"max", most},
                           {"points", n},
                           {"global_mean", maybe(h.wall.mean[0])},
                           {"global_max", maybe(h.wall.maximum[0])}};
  } else
    j["wall_thickness"] = nullptr;
  j["doubts"] = h.doubts;
  return j;
}

std::string as_text(const heart_numbers& h) {
  std::string text;
  const auto line = [&](const std::string& name, const std::string& value, const std::string& unit,
                        const std::string& more) {
    std::string l = "  " + name;
    l.append(name.size() < 11 ? 11 - name.size() : 1, ' ');
    l.append(value.size() < 8 ? 8 - value.size() : 0, ' ');
    l += value + " " + unit;
    if (!more.empty()) l += (l.size() < 30 ? std::string(30 - l.size(), ' ') : " ") + more;
    text += l + "\n";
  };
  if (!h.cine.empty())
    text += h.cine + ": " + std::to_string(h.curve.size()) + " frames, ED " +
            std::to_string(h.frames.ed) + ", ES " + std::to_string(h.frames.es) + "\n";
  else
    text += "ED " + h.ed_file + ", ES " + h.es_file + "\n";
  text += "voxels " + io::significant(h.voxel.dz, 6) + " x " + io::significant(h.voxel.dy, 6) +
          " x " + io::significant(h.voxel.dx, 6) + " mm (z, y, x)\n";
  for (const auto& p : h.values)
    line(p.name, p.value ? io::fixed(*p.value, 2) : "-", p.value ? p.unit : "", p.reason);
  if (h.wall.reason.empty()) {
    line("WT_Global", io::fixed(h.wall.mean[0], 2), "mm",
         "largest " + io::fixed(h.wall.maximum[0], 2) + " mm");
    const char* parts[] = {"basal  1-6", "mid    7-12", "apical 13-16"};
    const std::size_t first[] = {1, 7, 13, 17};
    for (std::size_t part = 0; part < 3; ++part) {
      text += "  WT " + std::string(parts[part]);
      text.append(14 - std::string(parts[part]).size(), ' ');
      for (std::size_t k = first[part]; k < first[part + 1]; ++k)
        text += " " + io::fixed(h.wall.mean[k], 2);
      text += " mm\n";
    }
  } else
    line("WT_Global", "-", "", h.wall.reason);
  for (const auto& d : h.doubts) text += "  note: " + d + "\n";
  return text;
}

io::bullseye bullseye_of(const heart_numbers& h, bool largest) {
  io::bullseye b;
  b.title = largest ? "Largest wall thickness at ED" : "Mean wall thickness at ED";
  b.unit = "mm";
  b.values.fill(std::numeric_limits<double>::quiet_NaN());
  double high = 0;
  for (std::size_t k = 1; k <= 16; ++k) {
    b.values[k] = largest ? h.wall.maximum[k] : h.wall.mean[k];
    if (std::isfinite(b.values[k])) high = std::max(high, b.values[k]);
  }
  b.low = 0;
  b.high = std::max(1.0, std::ceil(high / 4) * 4);
  return b;
}

void put_numbers(io::html_page& page, const heart_numbers& h) {
  io::html_table t;
  t.columns = {"Phenotype", "Value", "Unit", ""};
  for (const auto& p : h.values)
    t.rows.push_back(
        {p.name, p.value ? io::html_cell(*p.value, io::fixed(*p.value, 2)) : io::html_cell("-"),
         p.unit, p.reason});
  t.rows.push_back({"WT_Global",
                    h.wall.reason.empty()
                        ? io::html_cell(h.wall.mean[0], io::fixed(h.wall.mean[0], 2))
                        : io::html_cell("-"),
                    "mm", h.wall.reason});
  page.table(t);
  for (const auto& d : h.doubts) page.notice(d);
}

void put_pictures(io::html_page& page, const heart_numbers& h) {
  if (!h.curve.empty()) {
    io::line_chart chart;
    const bool timed = h.voxel.dt > 0;
    chart.title = "Blood volume";
    chart.x_label = timed ? "time (ms)" : "frame";
    chart.y_label = "volume (mL)";
    io::line_chart::one lv{"LV", {}, {}}, rv{"RV", {}, {}};
    for (std::size_t i = 0; i < h.curve.size(); ++i) {
      const double at = static_cast<double>(i) * (timed ? 1000 * h.voxel.dt : 1);
      lv.x.push_back(at);
      lv.y.push_back(static_cast<double>(h.curve[i].lv) * h.millilitres());
      rv.x.push_back(at);
      rv.y.push_back(static_cast<double>(h.curve[i].rv) * h.millilitres());
    }
    chart.series = {lv};
    if (h.names.rv > 0) chart.series.push_back(rv);
    for (const auto& [name, frame] : {std::pair<const char*, index_t>{"ED", h.frames.ed},
                                      std::pair<const char*, index_t>{"ES", h.frames.es}})
      chart.lines.push_back(
          {static_cast<double>(frame) * (timed ? 1000 * h.voxel.dt : 1), name, true, true});
    page.chart(io::svg(chart));
  }
  if (h.wall.reason.empty())
    page.charts({io::svg(bullseye_of(h, false)), io::svg(bullseye_of(h, true))});
}

std::string report_of(const std::vector<heart_numbers>& hearts, const phenotype_options& o,
                      const std::vector<left_out_file>& errors) {
  io::html_page page("Cardiac phenotypes", "labels " + o.labels);
  if (hearts.size() == 1 && errors.empty()) {
    page.section("Numbers", "numbers");
    page.paragraph(hearts[0].name());
    put_numbers(page, hearts[0]);
    page.section("Pictures", "pictures");
    put_pictures(page, hearts[0]);
  } else {
    page.section("All", "all");
    io::html_table t;
    t.columns = {"File"};
    for (std::size_t i = 0; i < analysis::tabulated_phenotypes && !hearts.empty(); ++i)
      t.columns.push_back(hearts[0].values[i].name + " (" + hearts[0].values[i].unit + ")");
    t.columns.push_back("WT_Global (mm)");
    for (std::size_t k = 0; k < hearts.size(); ++k) {
      const heart_numbers& h = hearts[k];
      io::html_cell name(h.name());
      name.link = "h" + std::to_string(k);
      std::vector<io::html_cell> row = {name};
      for (std::size_t i = 0; i < analysis::tabulated_phenotypes; ++i) {
        const auto& v = h.values[i].value;
        row.push_back(v ? io::html_cell(*v, io::fixed(*v, 2)) : io::html_cell("-"));
      }
      row.push_back(h.wall.reason.empty()
                        ? io::html_cell(h.wall.mean[0], io::fixed(h.wall.mean[0], 2))
                        : io::html_cell("-"));
      t.rows.push_back(row);
    }
    page.table(t);
    for (std::size_t k = 0; k < hearts.size(); ++k) {
      page.group("h" + std::to_string(k));
      page.heading(hearts[k].name());
      page.details("numbers and pictures");
      put_numbers(page, hearts[k]);
      put_pictures(page, hearts[k]);
      page.end_details();
      page.end_group();
    }
    if (!errors.empty()) {
      page.section("Left out", "errors");
      io::html_table e;
      e.columns = {"File", "Reason"};
      for (const auto& x : errors) e.rows.push_back({x.path, x.reason});
      page.table(e);
    }
  }
  page.section("Definitions", "definitions");
  page.paragraph(
      "Volumes are counts of voxels times their volume. SV = EDV - ESV, EF = SV / EDV, CO = SV x "
      "HR, LVM = wall at ED x 1.05 g/mL. The right ventricle is measured at the frames of the left "
      "one. Wall thickness at ED: distance of the smoothed inner contour to the outer one in the "
      "plane, mean on the AHA segments.");
  return page.text();
}

const std::vector<std::string> keys(identity_columns.begin(), identity_columns.end());

std::string cell(double v) { return std::isfinite(v) ? io::to_text(v) : "nan"; }

/// The tables, by the kind of their content.
enum class table_kind { volumes, wall, wall_maximum, everything };

std::vector<std::string> columns_of(table_kind kind, const heart_numbers& h) {
  std::vector<std::string> c = keys;
  const std::size_t n =
      kind == table_kind::everything ? h.values.size() : analysis::tabulated_phenotypes;
  if (kind == table_kind::volumes || kind == table_kind::everything)
    for (std::size_t i = 0; i < n; ++i)
      c.push_back(h.values[i].name + " (" + h.values[i].unit + ")");
  const auto segments = [&](const std::string& prefix) {
    for (int k = 1; k <= 16; ++k) c.push_back(prefix + "AHA_" + std::to_string(k) + " (mm)");
    c.push_back(prefix + "Global (mm)");
  };
  if (kind == table_kind::wall || kind == table_kind::everything) segments("WT_");
  if (kind == table_kind::wall_maximum || kind == table_kind::everything) segments("WT_Max_");
  if (kind == table_kind::everything) c.push_back("File");
  return c;
}

std::vector<std::string> row_of(table_kind kind, const heart_numbers& h,
                                const score_identity& who) {
  const auto names = identity_values(who);
  std::vector<std::string> r(names.begin(), names.end());
  const std::size_t n =
      kind == table_kind::everything ? h.values.size() : analysis::tabulated_phenotypes;
  if (kind == table_kind::volumes || kind == table_kind::everything)
    for (std::size_t i = 0; i < n; ++i)
      r.push_back(h.values[i].value ? cell(*h.values[i].value) : "nan");
  const auto segments = [&](const std::array<double, 17>& v) {
    for (std::size_t k = 1; k <= 16; ++k) r.push_back(cell(v[k]));
    r.push_back(cell(v[0]));
  };
  if (kind == table_kind::wall || kind == table_kind::everything) segments(h.wall.mean);
  if (kind == table_kind::wall_maximum || kind == table_kind::everything) segments(h.wall.maximum);
  if (kind == table_kind::everything) r.push_back(h.name());
  return r;
}

/// Adds rows to a table, or to the one that the file holds: old rows of equal identity are
/// replaced.
void update(const std::string& path, const std::vector<std::string>& columns,
            std::vector<std::vector<std::string>> rows, io::table& t,
            const common_options& common) {
  std::error_code none;
  t.columns = columns;
  t.path = path;
  if (!common.no_clobber && std::filesystem::exists(path, none)) {
    io::table old = io::read_csv(path);
    require<io_error>(old.columns == columns, path, ": expected a table with the columns ",
                      columns[keys.size()], " .. ", columns.back(), " to add rows to, found ",
                      old.columns.back(), "; remove it or choose another folder");
    t.rows = std::move(old.rows);
  }
  // hearts of this run that no path tells apart are all kept
  const std::size_t old = t.rows.size();
  std::vector<bool> replaced(old, false);
  for (auto& r : rows) {
    std::size_t at = 0;
    const auto same = [&](const std::vector<std::string>& other) {
      return std::equal(r.begin(), r.begin() + static_cast<std::ptrdiff_t>(keys.size()),
                        other.begin());
    };
    while (at < old && (replaced[at] || !same(t.rows[at]))) ++at;
    if (at == old) {
      t.rows.push_back(std::move(r));
      continue;
    }
    replaced[at] = true;
    t.rows[at] = std::move(r);
  }
}

/// Who a segmentation is of, from its path: the reference where no method is told.
score_identity who_of(const heart_numbers& h, const phenotype_command& c) {
  std::string method = c.method;
  const std::filesystem::path path = std::filesystem::path(h.name()).lexically_normal();
  std::string before;
  for (const auto& part : path) {
    if (part == "SegNII" && !before.empty() && method.empty()) method = before;
    before = part.string();
  }
  if (method.empty()) method = "GTSOS";
  score_identity who = identify(plain_name(h.name()), method);
  // elsewhere the folder is what tells hearts apart
  if (who.patient.empty())
    who.patient = std::filesystem::path(h.name()).parent_path().filename().string();
  if (method == "GTSOS") {
    who.mask = "Full";
    who.af = "1";
  }
  return who;
}

void run_folder(const phenotype_command& c, const common_options& common) {
  const phenotype_options o = options_of(c);
  const auto found = find_hearts(c.folder, c.all_centres);
  progress p(common);
  stopwatch watch;
  std::vector<heart_numbers> hearts;
  std::vector<left_out_file> errors = found.left_out;
  for (std::size_t i = 0; i < found.hearts.size(); ++i) {
    const heart_files& f = found.hearts[i];
    stop_if_interrupted();
    p.part(std::to_string(i + 1) + " of " + std::to_string(found.hearts.size()) + ": " + f.name());
    try {
      hearts.push_back(measure(f, o));
    } catch (const cardiomm::error& e) {
      const std::string prefix = f.name() + ": ", what = e.what();
      errors.push_back({f.name(), what.substr(what.rfind(prefix, 0) == 0 ? prefix.size() : 0)});
    }
  }
  std::map<std::string, io::table> tables;
  std::map<std::string, std::map<table_kind, std::vector<std::vector<std::string>>>> by_name;
  io::table everything;
  for (const heart_numbers& h : hearts) {
    const score_identity who = who_of(h, c);
    const std::string set = !c.set.empty() ? c.set : who.set.empty() ? "AllSet" : who.set;
    auto& rows = by_name[set + "\n" + who.method];
    for (const table_kind k : {table_kind::volumes, table_kind::wall, table_kind::wall_maximum})
      if (k == table_kind::volumes || h.wall.reason.empty()) rows[k].push_back(row_of(k, h, who));
    everything.columns = columns_of(table_kind::everything, h);
    everything.rows.push_back(row_of(table_kind::everything, h, who));
  }
  std::unique_ptr<output_folder> folder;
  if (!c.out.empty()) {
    folder = std::make_unique<output_folder>(c.out);
    for (const auto& [name, kinds] : by_name)
      for (const auto& [kind, rows] : kinds) {
        const std::string set = name.substr(0, name.find('\n'));
        const std::string method = name.substr(name.find('\n') + 1);
        const char* what = kind == table_kind::volumes ? "VentricularVolume"
                           : kind == table_kind::wall  ? "WallThickness"
                                                       : "WallThicknessMax";
        const std::string path =
            *folder / ("CliCal_" + set + "_" + what + "_" + method + ".csv").c_str();
        update(path, columns_of(kind, hearts[0]), rows, tables[path], common);
      }
  }
  text_files files(common);
  for (const auto& t : tables) files.open(t.first);
  if (!hearts.empty()) files.open(c.csv);
  files.open(c.report);
  for (const auto& t : tables) files.write(t.first, io::csv_text(t.second));
  if (!hearts.empty()) files.write(c.csv, io::csv_text(everything));
  files.write(c.report, c.report.empty() ? "" : report_of(hearts, o, errors));
  require<value_error>(!hearts.empty() || !errors.empty(), c.folder,
                       ": expected files named *_label*.nii.gz, or pairs with _ED and _ES, found "
                       "none");
  require<value_error>(!hearts.empty(), errors[0].path, ": ", errors[0].reason,
                       errors.size() > 1
                           ? "; nothing else could be measured either, the first of " +
                                 std::to_string(errors.size()) + " errors"
                           : std::string());
  stop_if_interrupted();
  files.commit();
  if (folder) folder->keep();
  p.clear();
  if (common.as_json) {
    json all = json::array(), bad = json::array();
    for (const auto& h : hearts) all.push_back(as_json(h));
    for (const auto& e : errors) bad.push_back({{"path", e.path}, {"reason", e.reason}});
    std::cout << dump({{"labels", o.labels},
                       {"count", hearts.size()},
                       {"hearts", all},
                       {"errors", bad},
                       {"files", files.names()},
                       {"seconds", watch.seconds()}})
              << "\n";
    return;
  }
  for (const auto& h : hearts) std::printf("%s\n", as_text(h).c_str());
  std::printf("%zu measured, %zu left out\n", hearts.size(), errors.size());
  for (const auto& e : errors)
    std::printf("  %s: %s\n", e.path.c_str(), one_line(e.reason).c_str());
  for (const auto& name : files.names()) std::printf("wrote %s\n", name.get<std::string>().c_str());
}

void run_one(const phenotype_command& c, const common_options& common) {
  const phenotype_options o = options_of(c);
  text_files files(common);
  for (const auto& path : {c.csv, c.report, c.bullseye}) files.open(path);
  stopwatch watch;
  const heart_numbers h = measure({c.cine, c.ed, c.es}, o);
  require<value_error>(c.bullseye.empty() || h.wall.reason.empty(), h.name(),
                       ": no wall thickness for --bullseye: ", h.wall.reason);
  if (!c.csv.empty()) {
    io::table t;
    t.columns = columns_of(table_kind::everything, h);
    t.rows = {row_of(table_kind::everything, h, who_of(h, c))};
    files.write(c.csv, io::csv_text(t));
  }
  if (!c.report.empty()) files.write(c.report, report_of({h}, o, {}));
  if (!c.bullseye.empty()) files.write(c.bullseye, io::svg(bullseye_of(h, false)));
  stop_if_interrupted();
  files.commit();
  if (common.as_json) {
    json j = {{"labels", o.labels}};
    j.update(as_json(h));
    j["files"] = files.names();
    j["seconds"] = watch.seconds();
    std::cout << dump(j) << "\n";
  } else
    std::printf("%s", as_text(h).c_str());
}

void run(const phenotype_command& c, const common_options& common) {
  const int ways = !c.folder.empty() + !c.cine.empty() + (!c.ed.empty() || !c.es.empty());
  require<value_error>(ways == 1, "expected --ed and --es, or --cine, or a folder, found ",
                       ways == 0 ? "none of them" : "several of them");
  require<value_error>(c.ed.empty() == c.es.empty(), "expected --ed and --es together, found ",
                       c.ed.empty() ? "--es" : "--ed", " alone");
  if (c.folder.empty()) {
    require<value_error>(c.out.empty(), "--out: expected a folder of segmentations for it, found ",
                         "single files; --csv writes their table");
    run_one(c, common);
  } else {
    require<value_error>(c.bullseye.empty(),
                         "--bullseye: expected single files for it, found a folder; --report has "
                         "the pictures");
    run_folder(c, common);
  }
}

}  // namespace

action add_phenotype(CLI::App& app, common_options& common) {
  auto c = std::make_shared<phenotype_command>();
  auto& command = add_command(
      app, "phenotype", "Volumes, ejection fractions, mass, wall thickness from segmentations",
      "  cardiomm phenotype --ed ED.nii.gz --es ES.nii.gz --labels lv=1,myo=2,rv=3\n"
      "  cardiomm phenotype --cine labels_4d.nii.gz --labels lv=1,rv=2,myo=3 --report heart.html\n"
      "  cardiomm phenotype --cine labels.npy --spacing 8,1.4,1.4 --frame-time 0.035 --labels "
      "lv=1,myo=2,rv=3\n"
      "  cardiomm phenotype SegNII --labels lv=1,myo=2,rv=3 --out tables --report all.html\n"
      "ED and ES of a cine are the frames with the most and the fewest voxels of the left "
      "ventricle.\nA folder is searched for *_label*.nii.gz and pairs with _ED and _ES; --out gets "
      "the published tables\nCliCal_{set}_{VentricularVolume,WallThickness,WallThicknessMax}_"
      "{method}.csv.",
      common);
  command.add_option("folder", c->folder, "Folder of segmentations");
  command.add_option("--ed", c->ed, "Labels at end diastole, (z, y, x)");
  command.add_option("--es", c->es, "Labels at end systole");
  command.add_option("--cine", c->cine, "Labels of all frames, (t, z, y, x)");
  command
      .add_option("--labels", c->labels,
                  "What the numbers are, e.g. lv=1,myo=2,rv=3; required, because sources differ")
      ->type_name("LIST");
  command.add_option("--spacing", c->spacing, "Voxels in mm instead of those of the header")
      ->type_name("DZ,DY,DX");
  command.add_option("--slice-gap", c->slice_gap,
                     "mm between slices, where the header has their thickness only");
  command.add_option("--frame-time", c->frame_time,
                     "s from frame to frame instead of the header's");
  command.add_option("--heart-rate", c->heart_rate, "1/min, where files do not tell it");
  command
      .add_option(
          "--uih", c->uih,
          "Frame times in headers are a tenth: on, off, or auto (paths with UIH whose heart "
          "rate would be above 250)")
      ->capture_default_str();
  command
      .add_option("--wall", c->wall,
                  "Wall thickness: auto (where the stack is good enough), on (else an error), off")
      ->capture_default_str();
  command
      .add_option("--base", c->base,
                  "Which end of the stack is the base: the last (highest z) or the first")
      ->capture_default_str();
  command
      .add_option("--septum", c->septum,
                  "Middle of the septum: angular, or listed as in the published scripts")
      ->capture_default_str();
  command.add_option("--csv", c->csv, "Table of all numbers, a row for each heart");
  command.add_option("--report", c->report, "HTML page with numbers, curves and bull's-eyes");
  command.add_option("--bullseye", c->bullseye, "SVG picture of the wall thickness");
  command.add_option("--out", c->out, "Folder of the published tables; rows are updated")
      ->type_name("DIR");
  command.add_option("--method", c->method,
                     "Name in the tables; else the folder above SegNII, else GTSOS");
  command.add_option("--set", c->set, "Set in the tables' names; else from the path");
  command.add_flag("--all-centres", c->all_centres,
                   "Also Center007, 010, 012, 0.55 T and 5 T, which the publication leaves out");
  add_axes(command, c->given);
  return [c](const common_options& options) { run(*c, options); };
}

}  // namespace program
