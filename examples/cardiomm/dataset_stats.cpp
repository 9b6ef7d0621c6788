// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm dataset stats`: shapes, coils, frames, fields and sizes, from headers.

#include "dataset.hpp"

namespace program {

json measure_scan(dataset_task& t) {
  using enum axis;
  const io::dataset_scan s = scan_from(t.work.at("scan"));
  const opened file = open_array(s.file(), role::kspace);
  const source from = name_kspace(file, s, t.work);
  require_complex(file, role::kspace);
  std::error_code code;
  std::uintmax_t bytes = 0;
  std::vector<std::string> paths = {s.kspace};
  for (const auto& u : s.undersampled) paths.push_back(u.path);
  for (const auto& path : paths)
    if (!path.empty()) {
      const auto n = std::filesystem::file_size(path, code);
      if (!code) bytes += n;
    }
  return {{"frames", from.extent(frame)},
          {"slices", from.extent(slice)},
          {"coils", from.extent(coil)},
          {"ny", from.extent(y)},
          {"nx", from.extent(x)},
          {"type", io::name_of(file.values.type())},
          {"bytes", bytes}};
}

namespace {

using counts = std::map<std::string, std::size_t>;

struct range {
  index_t least = 0, most = 0;
  double sum = 0;
  std::size_t n = 0;
  void add(index_t v) {
    least = n ? std::min(least, v) : v;
    most = n ? std::max(most, v) : v;
    sum += double(v);
    ++n;
  }
  json describe() const {
    return {{"min", least}, {"max", most}, {"mean", n ? sum / double(n) : 0}};
  }
  std::string text() const {
    return least == most ? std::to_string(least)
                         : std::to_string(least) + " to " + std::to_string(most);
  }
};

/// Of all measurements of a modality.
struct group {
  std::size_t measurements = 0, images = 0;
  std::uintmax_t bytes = 0;
  range frames, slices, coils, ny, nx;
  counts fields, shapes, types;

  void add(const io::dataset_scan& s, const json& r) {
    ++measurements;
    const index_t nt = r["frames"], nz = r["slices"], nc = r["coils"], y = r["ny"], x = r["nx"];
    images += static_cast<std::size_t>(nt * nz);
    bytes += r["bytes"].get<std::uintmax_t>();
    frames.add(nt);
    slices.add(nz);
    coils.add(nc);
    ny.add(y);
    nx.add(x);
    ++types[r["type"]];
    ++fields[s.device.field > 0 ? json(s.device.field).dump() + " T" : "unknown"];
    ++shapes[io::to_string({nt, nz, nc, y, x})];
  }
  json describe() const {
    return {{"measurements", measurements},
            {"images", images},
            {"bytes", bytes},
            {"frames", frames.describe()},
            {"slices", slices.describe()},
            {"coils", coils.describe()},
            {"ny", ny.describe()},
            {"nx", nx.describe()},
            {"fields", fields},
            {"types", types},
            {"shapes", shapes}};
  }
};

std::string text_of(const counts& all) {
  std::string text;
  for (const auto& [name, n] : all)
    text += (text.empty() ? "" : ", ") + name + ": " + std::to_string(n);
  return text;
}

void print(const std::string& name, const group& g) {
  std::printf("%s: %zu measurements, %zu images, %.3f GB\n", name.c_str(), g.measurements, g.images,
              double(g.bytes) / 1e9);
  std::printf("  frames %s, slices %s, coils %s, y %s, x %s\n", g.frames.text().c_str(),
              g.slices.text().c_str(), g.coils.text().c_str(), g.ny.text().c_str(),
              g.nx.text().c_str());
  std::printf("  fields %s; types %s\n", text_of(g.fields).c_str(), text_of(g.types).c_str());
}

void run(const dataset_command& c, const std::string& journal, const common_options& common) {
  const io::dataset d = find_dataset(c);
  stopwatch watch;
  std::vector<dataset_order> orders;
  for (const auto& s : d.scans)
    orders.push_back({place_of(s, c.root),
                      s.file(),
                      {s.file()},
                      {{"do", "stats"}, {"scan", describe(s)}, {"axes", c.axes}}});
  const auto all = do_orders(orders, c, {}, journal, common);
  std::map<std::string, group> by_modality;
  group whole;
  json scans = json::array();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!all[i].error.empty()) continue;
    by_modality[d.scans[i].modality].add(d.scans[i], all[i].result);
    whole.add(d.scans[i], all[i].result);
    json one = {{"file", all[i].about}};
    one.update(all[i].result);
    scans.push_back(one);
  }
  json groups = json::object();
  for (const auto& [name, g] : by_modality) {
    groups[name] = g.describe();
    if (!common.as_json) print(name, g);
  }
  if (!common.as_json && by_modality.size() > 1) print("all", whole);
  finish_orders(
      all,
      {{"command", "stats"}, {"all", whole.describe()}, {"modalities", groups}, {"scans", scans}},
      watch.seconds(), common);
}

}  // namespace

action add_dataset_stats(CLI::App& app, dataset_command& c, common_options& common) {
  auto& command =
      add_command(app, "stats", "Shapes, coils, frames, field strengths and sizes, from headers",
                  "  cardiomm dataset stats DATA\n"
                  "  cardiomm dataset stats DATA --set TrainingSet --json",
                  common);
  add_dataset_options(command, c);
  add_work_options(command, c);
  auto journal = std::make_shared<std::string>();
  command.add_option("--journal", *journal, "File that remembers what was looked at");
  return [&c, journal](const common_options& options) { run(c, *journal, options); };
}

}  // namespace program
