// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm phenotype`: volumes, ejection fractions, mass and wall thickness from segmentations.

#include "phenotype.hpp"

#include "folder.hpp"
#include "phenotype_report.hpp"

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
