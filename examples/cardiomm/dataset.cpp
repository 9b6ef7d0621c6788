// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm dataset`: its commands, the choice of measurements, and `scan`.

#include "dataset.hpp"

#include <fstream>
#include <set>

#include "cardiomm/io/csv.hpp"
#include "cardiomm/nn/text/metadata.hpp"

namespace program {
namespace {

namespace fs = std::filesystem;

bool chosen(const std::vector<std::string>& asked, const std::string& value) {
  if (asked.empty()) return true;
  for (const auto& a : asked)
    if (io::detail::fold(a) == io::detail::fold(value)) return true;
  return false;
}

/// The sentence that the network wants, or nothing where the names do not tell it. The words are
/// looked for below the modality folder only, so that folders above cannot mislead.
std::string sentence_of(const io::dataset_scan& s) {
  if (s.device.vendor.empty()) return {};
  const auto at = s.inner.find('/');
  const bool folders = s.layout == io::dataset_layout::cmrxrecon2025;
  const std::string inner = folders && at != std::string::npos
                                ? s.inner
                                : "Center/" + s.device.vendor + "_30T_" + s.device.scanner + "/" +
                                      (s.patient.empty() ? "P" : s.patient);
  try {
    return cardiomm::nn::text::metadata_prompt(cardiomm::nn::text::metadata_of_path(
        s.modality + "/" + s.set + "/" + inner + "/" + s.name + ".mat"));
  } catch (const cardiomm::error&) {
    return {};
  }
}
std::string sentence_of(const io::dataset_sampling& m) {
  try {
    const auto u =
        cardiomm::nn::text::undersampling_of_path(m.pattern + std::to_string(m.acceleration));
    return cardiomm::nn::text::undersampling_prompt(u.acceleration, u.family);
  } catch (const cardiomm::error&) {
    return {};
  }
}

json describe(const std::vector<io::dataset_sampling>& all) {
  json list = json::array();
  for (const auto& m : all)
    list.push_back({{"path", m.path},
                    {"pattern", m.pattern},
                    {"acceleration", m.acceleration},
                    {"task", m.task},
                    {"sentence", sentence_of(m)}});
  return list;
}
std::vector<io::dataset_sampling> samplings_from(const json& list) {
  std::vector<io::dataset_sampling> all;
  for (const auto& m : list)
    all.push_back({m.at("path"), m.at("pattern"), m.at("acceleration"), m.at("task")});
  return all;
}

using counts = std::map<std::string, std::size_t>;

std::string field_text(double tesla) {
  if (tesla == 0) return "unknown";
  std::string t = io::to_text(tesla);
  if (t.find('.') == std::string::npos) t += ".0";
  return t + "T";
}

/// What a scan is counted by.
std::vector<std::pair<std::string, counts>> count(const io::dataset& d) {
  counts layout, modality, set, centre, device, masks, under;
  for (const auto& s : d.scans) {
    ++layout[io::name_of(s.layout)];
    ++modality[s.modality];
    if (!s.set.empty()) ++set[s.set];
    if (!s.centre.empty()) ++centre[s.centre];
    if (!s.device.vendor.empty())
      ++device[s.device.vendor + " " + field_text(s.device.field) + " " + s.device.scanner];
    const auto sampling = [](const io::dataset_sampling& m) {
      return m.pattern.empty() ? std::string("unknown")
                               : m.pattern + " " + std::to_string(m.acceleration) + "x";
    };
    for (const auto& m : s.masks) ++masks[sampling(m)];
    for (const auto& u : s.undersampled) ++under[sampling(u)];
  }
  return {{"layout", layout},  {"modality", modality}, {"set", set},           {"centre", centre},
          {"scanner", device}, {"masks", masks},       {"undersampled", under}};
}

struct parts {
  std::size_t full = 0, only_undersampled = 0, masks = 0, tables = 0, references = 0, labels = 0,
              patients = 0;
};
parts parts_of(const io::dataset& d) {
  parts n;
  std::set<std::string> patients;
  for (const auto& s : d.scans) {
    n.full += !s.kspace.empty();
    n.only_undersampled += s.kspace.empty();
    n.masks += s.masks.size();
    n.tables += !s.info.empty();
    n.references += !s.reference.empty();
    n.labels += s.segmentations.size();
    patients.insert(s.folder + "\n" + s.inner);
  }
  n.patients = patients.size();
  return n;
}

void write_table(const std::string& path, const io::dataset& d, io::existing policy) {
  io::table t;
  t.columns = {"File",   "Layout",       "Coils", "Modality",  "View",    "Set",
               "Center", "Vendor",       "Field", "Scanner",   "Pfolder", "Datatype",
               "Masks",  "Undersampled", "Info",  "Reference", "Sentence"};
  for (const auto& s : d.scans) {
    std::string masks;
    for (const auto& m : s.masks)
      masks += (masks.empty() ? "" : " ") + m.pattern + std::to_string(m.acceleration);
    t.rows.push_back({s.file(), io::name_of(s.layout), s.coils, s.modality, s.view, s.set, s.centre,
                      s.device.vendor, s.device.field > 0 ? io::to_text(s.device.field) : "",
                      s.device.scanner, s.patient, s.name, masks,
                      std::to_string(s.undersampled.size()), s.info, s.reference, sentence_of(s)});
  }
  io::atomic_file out(path, policy);
  out.write(io::csv_text(t));
  out.commit();
}

void print_scan(const io::dataset& d) {
  const parts n = parts_of(d);
  std::printf("%s: %zu measurements of %zu patients\n", d.root.c_str(), d.scans.size(), n.patients);
  std::printf(
      "  files: %zu full k-space, %zu with undersampled only, %zu masks, %zu tables, "
      "%zu references, %zu label files\n",
      n.full, n.only_undersampled, n.masks, n.tables, n.references, n.labels);
  for (const auto& [what, values] : count(d)) {
    if (values.empty()) continue;
    std::string line;
    for (const auto& [name, number] : values)
      line += (line.empty() ? "" : ", ") + name + " " + std::to_string(number);
    std::printf("  %s: %s\n", what.c_str(), line.c_str());
  }
  if (!d.ignored.empty()) {
    std::string line;
    for (const auto& [end, number] : d.ignored)
      line += (line.empty() ? "" : ", ") + (end.empty() ? "no ending" : end) + " " +
              std::to_string(number);
    std::printf("  other files: %s\n", line.c_str());
  }
  if (d.problems.empty()) return;
  std::printf("not placed: %zu\n", d.problems.size());
  for (const auto& p : d.problems)
    std::printf("  %s: %s\n", one_line(p.path).c_str(), one_line(p.reason).c_str());
}

json summary_of(const io::dataset& d) {
  const parts n = parts_of(d);
  json j = {{"root", d.root},
            {"measurements", d.scans.size()},
            {"patients", n.patients},
            {"full", n.full},
            {"only_undersampled", n.only_undersampled},
            {"masks", n.masks},
            {"tables", n.tables},
            {"references", n.references},
            {"labels", n.labels}};
  json by = json::object();
  for (const auto& [what, values] : count(d)) {
    by[what] = json::object();
    for (const auto& [name, number] : values) by[what][name] = number;
  }
  j["by"] = by;
  return j;
}

void run_scan(const dataset_command& c, const std::string& csv, const common_options& common) {
  const io::dataset d = find_dataset(c);
  if (!csv.empty()) write_table(csv, d, common.policy());
  if (!common.as_json) return print_scan(d);
  json j = summary_of(d);
  json files = json::array(), problems = json::array(), ignored = json::object();
  for (const auto& s : d.scans) {
    json one = program::describe(s);
    one["sentence"] = sentence_of(s);
    files.push_back(one);
  }
  for (const auto& p : d.problems) problems.push_back({{"path", p.path}, {"reason", p.reason}});
  for (const auto& [end, number] : d.ignored) ignored[end] = number;
  j["scans"] = files;
  j["problems"] = problems;
  j["ignored"] = ignored;
  std::cout << dump(j) << "\n";
}

}  // namespace

io::dataset find_dataset(const dataset_command& c) {
  if (!c.axes.empty()) (void)parse_axes(c.axes);
  io::dataset d = io::read_dataset(c.root);
  const std::size_t all = d.scans.size();
  std::vector<io::dataset_scan> kept;
  for (auto& s : d.scans)
    if (chosen(c.modalities, s.modality) && chosen(c.sets, s.set) && chosen(c.centres, s.centre) &&
        chosen(c.patients, s.patient))
      kept.push_back(std::move(s));
  d.scans = std::move(kept);
  std::string hint;
  if (all == 0 && !d.problems.empty())
    hint = "; " + d.problems.front().path + ": " + d.problems.front().reason;
  require<value_error>(
      !d.scans.empty(), c.root, ": expected k-space files, found ",
      all == 0 ? "none" + hint : std::to_string(all) + ", none of them of what was asked for");
  return d;
}

json describe(const io::dataset_scan& s) {
  return {{"file", s.file()},
          {"layout", io::name_of(s.layout)},
          {"name", s.name},
          {"folder", s.folder},
          {"inner", s.inner},
          {"coils", s.coils},
          {"modality", s.modality},
          {"view", s.view},
          {"set", s.set},
          {"centre", s.centre},
          {"vendor", s.device.vendor},
          {"field", s.device.field},
          {"scanner", s.device.scanner},
          {"patient", s.patient},
          {"kspace", s.kspace},
          {"masks", describe(s.masks)},
          {"undersampled", describe(s.undersampled)},
          {"info", s.info},
          {"reference", s.reference},
          {"segmentations", s.segmentations},
          {"derived", s.derived.size()}};
}

io::dataset_scan scan_from(const json& j) {
  io::dataset_scan s;
  for (const auto l : {io::dataset_layout::cmrxrecon2023, io::dataset_layout::cmrxrecon2024,
                       io::dataset_layout::cmrxrecon2025})
    if (j.at("layout") == io::name_of(l)) s.layout = l;
  s.name = j.at("name");
  s.folder = j.at("folder");
  s.inner = j.at("inner");
  s.coils = j.at("coils");
  s.modality = j.at("modality");
  s.view = j.at("view");
  s.set = j.at("set");
  s.centre = j.at("centre");
  s.device = {j.at("vendor"), j.at("scanner"), j.at("field")};
  s.patient = j.at("patient");
  s.kspace = j.at("kspace");
  s.masks = samplings_from(j.at("masks"));
  s.undersampled = samplings_from(j.at("undersampled"));
  s.info = j.at("info");
  s.reference = j.at("reference");
  s.segmentations = j.at("segmentations").get<std::vector<std::string>>();
  return s;
}

source name_kspace(const opened& file, const io::dataset_scan& s, const json& work) {
  using enum axis;
  const std::string given = work.value("axes", "");
  axes order;
  if (!given.empty())
    order = parse_axes(given);
  else if (!file.named() && file.values.shape().size() == 2)
    order = {y, x};
  else if (!file.named() && s.coils == "SingleCoil" && file.values.shape().size() <= 4)
    order = orders_of(role::image)[file.values.shape().size() - 2];
  if (given.empty() && s.coils == "SingleCoil" && order.size() == 3) order.front() = slice;
  source from = name_axes(file, role::kspace, order);
  require<shape_error>(from.shape.size() >= 2, from.path,
                       ": k-space: expected at least 2 axes, found 1");
  return from;
}

std::string folder_of(const io::dataset_scan& s, const std::string& root, const std::string& kind) {
  std::error_code code;
  if (s.layout == io::dataset_layout::plain) {
    const fs::path top = fs::absolute(fs::path(root), code).lexically_normal();
    const fs::path inside =
        fs::path(s.folder).lexically_relative(top.has_filename() ? top : top.parent_path());
    fs::path folder = inside == "." ? fs::path() : inside;
    // masks lie beside their k-space, images must not take its name
    const bool beside = kind.rfind("Mask_", 0) == 0 || kind.rfind("UnderSample_", 0) == 0;
    if (!kind.empty() && !beside) folder /= kind;
    return folder.string();
  }
  const fs::path set(s.folder), modality = set.parent_path();
  fs::path folder;
  if (!s.coils.empty()) folder /= s.coils;
  folder /= modality.filename();
  folder /= set.filename();
  if (!kind.empty()) folder /= kind;
  return (folder / s.inner).string();
}

std::string place_of(const io::dataset_scan& s, const std::string& root) {
  return (fs::path(folder_of(s, root, "")) / s.name).string();
}

void add_dataset_options(CLI::App& command, dataset_command& c) {
  command.add_option("root", c.root, "Folder of the data set, or any folder inside it")
      ->type_name("ROOT")
      ->required();
  const std::string group = "Choice of measurements (each may be given several times)";
  const auto list = [&](const char* name, std::vector<std::string>& to, const char* text) {
    command.add_option(name, to, text)->group(group)->allow_extra_args(false)->type_name("NAME");
  };
  list("--modality", c.modalities, "Cine, Mapping, Aorta, ...");
  list("--set", c.sets, "TrainingSet, ValidationSet, TestSet, ...");
  list("--centre,--center", c.centres, "Center001, ...");
  list("--patient", c.patients, "P001, ...");
}

void add_work_options(CLI::App& command, dataset_command& c) {
  command.add_option("--jobs", c.jobs, "Processes at work; 0: as many as threads")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  command
      .add_option("--axes", c.axes,
                  "Order of the axes of k-space files that have no names for them, slowest "
                  "first, of frame, slice, coil, y, x; left out: by their number")
      ->type_name("LIST");
  command.add_flag("--verify", c.verify,
                   "Read finished outputs again and redo those whose check sum is wrong");
}

action add_dataset_scan(CLI::App& app, dataset_command& c, common_options& common) {
  auto& command = add_command(
      app, "scan", "Say what a folder holds, and what could not be placed",
      "  cardiomm dataset scan /data/CMRxRecon2025\n"
      "  cardiomm dataset scan /data/MMCMR --modality Cine --set TestSet --csv cine.csv --json\n"
      "No file is opened.",
      common);
  add_dataset_options(command, c);
  auto csv = std::make_shared<std::string>();
  command.add_option("--csv", *csv, "Write a table of the measurements, one in a row");
  return [&c, csv](const common_options& options) { run_scan(c, *csv, options); };
}

action add_dataset(CLI::App& app, common_options& common) {
  auto c = std::make_shared<dataset_command>();
  CLI::App* group = app.add_subcommand(
      "dataset", "Folders of CMRxRecon and MMCMR: what is there, is it whole, masks, images");
  group->require_subcommand(1);
  auto actions = std::make_shared<std::map<std::string, action>>();
  (*actions)["scan"] = add_dataset_scan(*group, *c, common);
  (*actions)["stats"] = add_dataset_stats(*group, *c, common);
  (*actions)["check"] = add_dataset_check(*group, *c, common);
  (*actions)["undersample"] = add_dataset_undersample(*group, *c, common);
  (*actions)["export"] = add_dataset_export(*group, *c, common);
  group->footer("Every command explains itself: cardiomm dataset export --help");
  auto& work = add_command(*group, "work", "", "", common);  // the worker processes
  work.group("");
  (*actions)["work"] = [](const common_options&) { serve_orders(); };
  return [c, actions, group](const common_options& options) {
    actions->at(group->get_subcommands().front()->get_name())(options);
  };
}

}  // namespace program
