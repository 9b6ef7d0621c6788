// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm run`: folders of published layouts, single files, raw data, and everything else.

#include <cmath>
#include <set>

#include "cardiomm/io/dataset.hpp"
#include "formats.hpp"
#include "run_plan.hpp"

namespace program {

namespace {

namespace fs = std::filesystem;

/// Axes and extents of published k-space, whose order is known: no values are read.
void describe_published(scan_case& s) {
  const opened file = open_array(s.kspace, role::kspace);
  require_complex(file, role::kspace);
  const std::size_t rank = file.values.shape().size();
  using enum axis;
  if (file.named()) {
    s.order = file.order;
    s.named = true;
  } else if (s.kspace.find("SingleCoil") != std::string::npos && rank == 4)
    s.order = {frame, slice, y, x};
  else if (s.kspace.find("SingleCoil") != std::string::npos && rank == 3)
    s.order = {slice, y, x};
  else
    s.order = axes_of(role::kspace, file.values.shape(), {}, s.kspace, file.kind == format::mat);
  const axes all = {frame, slice, coil, y, x};
  for (int i = 0; i < 5; ++i) s.size[i] = 1;
  for (std::size_t i = 0; i < s.order.size(); ++i)
    for (int a = 0; a < 5; ++a)
      if (all[static_cast<std::size_t>(a)] == s.order[i]) s.size[a] = file.values.shape()[i];
}

/// What the folders tell about the scanner, as the network reads it.
std::string metadata_of(const io::dataset_scan& d) {
  std::string text;
  const auto put = [&](const char* key, const std::string& value) {
    if (!value.empty() && value != "unknown")
      text += (text.empty() ? "" : ", ") + std::string(key) + "=" + value;
  };
  char field[32] = "";
  if (d.device.field > 0) std::snprintf(field, sizeof field, "%.1fT", d.device.field);
  put("field", field);
  put("vendor", d.device.vendor);
  put("scanner", d.device.scanner);
  put("modality", io::detail::fold(d.modality));
  put("view", d.view);
  return text;
}

void add_published(const io::dataset_scan& d, folder_plan& plan, const std::string& root) {
  const auto relative = [&](const std::string& path) {
    std::error_code none;
    return fs::relative(path, root, none).string();
  };
  const auto add = [&](const std::string& kspace, const io::dataset_sampling* mask, bool full) {
    scan_case s;
    s.name = relative(kspace);
    for (const char* end : {".mat", ".h5", ".npy"})
      if (s.name.size() > 4 && s.name.ends_with(end)) s.name.resize(s.name.rfind('.'));
    s.kspace = kspace;
    s.full = full;
    try {
      describe_published(s);
      if (mask) {
        s.mask = mask->path;
        s.pattern = mask->pattern;
        s.acceleration = mask->acceleration;
        s.mask_order = guess_mask(look_at(open_array(mask->path, role::mask)),
                                  {s.size[0], s.size[3], s.size[4]});
        require<value_error>(!s.mask_order.empty(), mask->path,
                             ": mask: expected (frame, y, x) to fit ", kspace);
        if (full) s.name += "_" + io::stem_of(fs::path(mask->path).filename().string());
      }
    } catch (const cardiomm::error& e) {
      plan.problems.push_back(one_line(e.what()));
      return;
    }
    const std::string told = metadata_of(d);
    if (!told.empty()) s.metadata = told;
    if (!full && !d.reference.empty()) {
      const auto shape = open_array(d.reference).values.shape();
      if (shape.size() >= 2 && shape.back() == s.size[4] && shape[shape.size() - 2] == s.size[3])
        s.reference = d.reference;
    }
    plan.files.push_back({kspace, relative(kspace), "k-space",
                          std::string("of ") + name_of(d.layout) + ", " + to_string(s.order)});
    plan.cases.push_back(std::move(s));
  };
  if (!d.kspace.empty()) {
    for (const auto& m : d.masks) add(d.kspace, &m, true);
    if (d.masks.empty()) add(d.kspace, nullptr, true);
    return;
  }
  for (const auto& u : d.undersampled) {
    const io::dataset_sampling* mask = nullptr;
    for (const auto& m : d.masks)
      if (m.pattern == u.pattern && m.acceleration == u.acceleration) mask = &m;
    add(u.path, mask, false);
  }
}

}  // namespace

folder_plan plan_folder(const run_command& c) {
  folder_plan plan;
  std::error_code code;
  const bool single = fs::is_regular_file(c.folder, code);
  require<io_error>(single || fs::is_directory(c.folder, code), c.folder,
                    ": cannot be read: expected a folder, ",
                    fs::exists(c.folder, code) ? "found something else" : "found nothing");
  std::set<std::string> taken;
  if (!single && c.kspace.empty()) {
    const auto tree = io::read_dataset(c.folder);
    for (const auto& d : tree.scans) {
      if (d.layout == io::dataset_layout::plain) continue;
      add_published(d, plan, c.folder);
      taken.insert("");
    }
    if (!taken.empty())
      for (const auto& p : tree.problems)
        plan.files.push_back({p.path, p.path, "not used", p.reason});
  }
  if (taken.empty()) {
    // the files of each folder belong together
    std::map<std::string, std::vector<std::pair<std::string, std::string>>> folders;
    const auto put = [&](const fs::path& p, const fs::path& root) {
      const std::string name = p.lexically_relative(root).string();
      if (p.filename().string()[0] == '.') return;
      folders[p.parent_path().string()].emplace_back(p.string(), name);
    };
    const fs::path root = single ? fs::path(c.folder).parent_path() : fs::path(c.folder);
    if (single)
      put(c.folder, root);
    else {
      const auto out = fs::weakly_canonical(c.out, code);
      fs::recursive_directory_iterator walk(root, fs::directory_options::follow_directory_symlink,
                                            code);
      for (const auto end = fs::end(walk); !code && walk != end; walk.increment(code)) {
        const fs::path p = walk->path();
        std::error_code none;
        if (walk->is_directory(none)) {
          const bool own = !c.out.empty() && fs::weakly_canonical(p, none) == out;
          if (own || p.filename().string()[0] == '.' || walk.depth() > 8)
            walk.disable_recursion_pending();
        } else if (walk->is_regular_file(none))
          put(p, root);
      }
      require<io_error>(!code, c.folder, ": cannot be read: ", code.message());
    }
    const std::vector<std::string> given = {c.kspace, c.mask, c.noise, c.traj, c.maps, c.reference};
    if (!c.kspace.empty()) {
      folders.clear();
      for (const auto& g : given)
        if (!g.empty()) folders[""].emplace_back(g, fs::path(g).filename().string());
    }
    for (auto& [folder, files] : folders) {
      std::sort(files.begin(), files.end());
      const std::size_t before = plan.cases.size();
      plan_plain(c, plan, files);
      const auto inside = fs::path(folder).lexically_relative(root).string();
      if (folder.empty() || inside == "." || inside.empty()) continue;
      for (std::size_t i = before; i < plan.cases.size(); ++i)
        plan.cases[i].name = inside + "/" + plan.cases[i].name;
    }
  }
  // names become folders
  std::map<std::string, int> seen;
  for (auto& s : plan.cases) {
    for (char& ch : s.name)
      if (ch == ':' || ch == ' ' || static_cast<unsigned char>(ch) < ' ') ch = '_';
    if (const int n = seen[s.name]++) s.name += "_" + std::to_string(n + 1);
    if (!c.noise.empty()) s.noise = c.noise;
    if (!c.maps.empty()) s.maps = c.maps;
    if (!c.reference.empty()) s.reference = c.reference;
    if (c.metadata) s.metadata = c.metadata;
  }
  if (!c.only.empty()) {
    for (const auto& name : c.only)
      require<value_error>(seen.count(name) > 0, "--only: expected the name of a case, found '",
                           name, "'");
    std::erase_if(plan.cases, [&](const scan_case& s) {
      return std::find(c.only.begin(), c.only.end(), s.name) == c.only.end();
    });
  }
  return plan;
}

}  // namespace program
