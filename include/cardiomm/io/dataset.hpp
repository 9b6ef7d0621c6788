// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_DATASET_HPP
#define CARDIOMM_IO_DATASET_HPP
/// \file
/// Finds the measurements of a data set in the folder layouts of CMRxRecon 2023, 2024, 2025 and
/// MMCMR, or in a plain folder, and what belongs to each: masks, undersampled k-space, tables,
/// reference images, labels. Names and folders only; no file is opened.
///
///     2023  {MultiCoil|SingleCoil}/{Modality}/{Set}/{Kind}/{Patient}/{file}
///     2024  MultiCoil/{Modality}/{Set}/{Kind}/{Patient}/{file}
///     2025  [MultiCoil/]{Modality}/{Set}/{Kind}/{Center}/{Vendor_Field_Scanner}/{Patient}/{file}

#include <filesystem>
#include <map>
#include <set>
#include <tuple>

#include "cardiomm/io/dataset_names.hpp"
#include "cardiomm/io/file.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

/// A mask or undersampled k-space of a measurement.
struct dataset_sampling {
  std::string path;
  std::string pattern;   ///< as in the name: Uniform, ktGaussian ...; empty where it is not told
  int acceleration = 0;  ///< nominal; 0 where it is not told
  std::string task;      ///< "TaskAll" of Mask_TaskAll
};

/// One measurement: k-space and what lies beside it. Paths that do not exist are empty.
struct dataset_scan {
  dataset_layout layout = dataset_layout::plain;
  std::string name;      ///< of the data, e.g. cine_sax
  std::string folder;    ///< in front of the kind folder, e.g. ROOT/Cine/TestSet; plain: its folder
  std::string inner;     ///< behind the kind folder, e.g. Center001/Siemens_30T_Vida/P001
  std::string coils;     ///< MultiCoil, SingleCoil or empty
  std::string modality;  ///< one of `modality_folders`, or "unknown"
  std::string view, set, centre, patient;
  scanner_name device;  ///< of 2023 and 2024 that of the publications: 3 T, Siemens, Vida
  std::string kspace;   ///< full k-space; empty where only undersampled data were published
  std::vector<dataset_sampling> masks, undersampled;
  std::string info;       ///< {data}_info.csv, else {data}.csv
  std::string reference;  ///< of GTSOS, else of ImgSnapshot
  std::vector<std::string> segmentations, derived;

  /// A file that stands for the measurement in lists: its k-space, else the first undersampled.
  const std::string& file() const {
    return kspace.empty() && !undersampled.empty() ? undersampled.front().path : kspace;
  }
};

/// A file or folder that could not be placed, and why.
struct dataset_problem {
  std::string path, reason;
};

/// What a walk found, ordered by path.
struct dataset {
  std::string root;
  std::vector<dataset_scan> scans;
  std::vector<dataset_problem> problems;
  std::map<std::string, std::size_t> ignored;  ///< number of files of endings that mean nothing
};

namespace detail {

namespace fs = std::filesystem;

/// Collects files, then puts them together.
class dataset_walk {
 public:
  explicit dataset_walk(const std::string& root) {
    std::error_code code;
    const fs::path given = fs::absolute(fs::path(root), code).lexically_normal();
    const fs::path top = given.has_filename() ? given : given.parent_path();
    require<io_error>(fs::is_directory(top, code), root, ": cannot be read: expected a folder, ",
                      fs::exists(top, code) ? "found a file" : "found nothing");
    result_.root = root;
    // inside a kind folder the same place of its neighbours belongs to it
    const place p = place_of(top / "x");
    if (p.kind) {
      const fs::path set(p.folder);
      for (const fs::path& kind : entries(set))
        if (kind_of_folder(kind.filename().string()) && fs::is_directory(kind / p.inner, code))
          walk(p.inner.empty() ? kind : kind / p.inner);
    } else
      walk(top);
  }

  dataset finish() {
    settle_years();
    for (auto& [key, scan] : scans_) complete(key, scan);
    for (const auto& f : waiting_) attach(f);
    for (const auto& m : lone_masks_) attach_mask(m);
    for (auto& [key, scan] : scans_) {
      if (scan.kspace.empty() && scan.undersampled.empty()) {
        for (const auto& m : scan.masks) problem(m.path, "mask without k-space " + scan.name);
        if (!scan.info.empty()) problem(scan.info, "table without k-space " + scan.name);
        continue;
      }
      const auto order = [](const dataset_sampling& a, const dataset_sampling& b) {
        return std::tie(a.task, a.pattern, a.acceleration, a.path) <
               std::tie(b.task, b.pattern, b.acceleration, b.path);
      };
      std::sort(scan.masks.begin(), scan.masks.end(), order);
      std::sort(scan.undersampled.begin(), scan.undersampled.end(), order);
      result_.scans.push_back(std::move(scan));
    }
    std::sort(result_.scans.begin(), result_.scans.end(),
              [](const dataset_scan& a, const dataset_scan& b) { return a.file() < b.file(); });
    auto& p = result_.problems;
    std::sort(p.begin(), p.end(), [](const auto& a, const auto& b) {
      return std::tie(a.path, a.reason) < std::tie(b.path, b.reason);
    });
    return std::move(result_);
  }

 private:
  /// Where a file lies in a layout; no kind in a plain folder.
  struct place {
    std::optional<data_kind> kind;
    std::string folder, kind_folder, inner, set, modality_folder, coils;
    std::vector<std::string> behind;  // the parts of inner
  };
  /// Files that go to a measurement whose name theirs begins with.
  struct waiting {
    fs::path path;
    place where;
    bool label;
  };
  using key = std::pair<std::string, std::string>;  // folder and inner, name in small letters

  static place place_of(const fs::path& file) {
    std::vector<std::string> parts;
    const fs::path parent = file.parent_path();
    for (const auto& c : parent) parts.push_back(c.string());
    place p;
    for (std::size_t i = parts.size(); i-- > 1;) {
      const auto kind = kind_of_folder(parts[i]);
      const auto set = set_of_folder(parts[i - 1]);
      if (!kind || !set) continue;
      p.kind = kind;
      p.set = *set;
      p.kind_folder = parts[i];
      fs::path folder;
      for (std::size_t k = 0; k < i; ++k) folder /= parts[k];
      p.folder = folder.string();
      fs::path inner;
      for (std::size_t k = i + 1; k < parts.size(); ++k) inner /= parts[k];
      p.inner = inner.string();
      p.behind.assign(parts.begin() + static_cast<std::ptrdiff_t>(i) + 1, parts.end());
      if (i >= 2) p.modality_folder = parts[i - 2];
      const std::string above = i >= 3 ? fold(parts[i - 3]) : std::string();
      p.coils = above == "multicoil" ? "MultiCoil" : above == "singlecoil" ? "SingleCoil" : "";
      return p;
    }
    p.folder = parent.string();
    return p;
  }

  std::vector<fs::path> entries(const fs::path& folder) {
    std::vector<fs::path> found;
    std::error_code code;
    for (fs::directory_iterator it(folder, code), end; !code && it != end; it.increment(code))
      found.push_back(it->path());
    if (code) problem(folder.string(), "folder cannot be read: " + code.message());
    std::sort(found.begin(), found.end());
    return found;
  }
  void walk(const fs::path& folder) {
    std::error_code code;
    const std::string real = fs::canonical(folder, code).string();
    if (code) return problem(folder.string(), "folder cannot be read: " + code.message());
    const auto [seen, fresh] = seen_.emplace(real, folder.string());
    if (!fresh) return problem(folder.string(), "is the folder " + seen->second + ", read there");
    for (const fs::path& p : entries(folder)) {
      const std::string name = p.filename().string();
      if (name.empty() || name[0] == '.') continue;  // hidden, or half-written
      const fs::file_status status = fs::status(p, code);
      if (fs::is_directory(status))
        walk(p);
      else if (fs::is_regular_file(status))
        take(p);
      else
        problem(p.string(), fs::exists(status) ? "is not a file"
                            : fs::is_symlink(fs::symlink_status(p, code))
                                ? "link to nothing, or to itself"
                                : "cannot be read");
    }
  }
  static bool is_data(const std::string& end) {
    for (const char* e : {".mat", ".npy", ".npz", ".cfl", ".h5", ".hdf5", ".mrd"})
      if (end == e) return true;
    return false;
  }
  void take(const fs::path& path) {
    const std::string file = path.filename().string(), end = ending_of(file);
    const std::string stem = stem_of(file);
    const place p = place_of(path);
    const auto above = kind_of_folder(path.parent_path().filename().string());
    if (!p.kind && (above == data_kind::reference || above == data_kind::derived))
      return;  // results of a plain folder
    if (p.kind == data_kind::derived) {
      waiting_.push_back({path, p, false});
      return;
    }
    const bool image = end == ".nii" || end == ".nii.gz";
    if (end == ".csv" && !p.kind && fold(stem) == "split") return;  // of training data
    if (end == ".csv") return table(path, p, stem);
    if (!is_data(end) && !image) {
      if (end == ".png" && p.kind) return waiting_.push_back({path, p, false});
      if (end != ".hdr") ++result_.ignored[end];
      return;
    }
    if (p.kind == data_kind::segmentation) return waiting_.push_back({path, p, true});
    if (image || p.kind == data_kind::reference || p.kind == data_kind::snapshot)
      return waiting_.push_back({path, p, false});
    if (const auto m = sampling_of_name(stem, "mask")) return mask(path, p, *m);
    if (const auto u = sampling_of_name(stem, "kus")) return undersampled(path, p, *u);
    if (p.kind == data_kind::mask)
      return problem(path.string(), "expected a name {data}_mask_{Pattern}{R}");
    if (p.kind == data_kind::undersampled) {
      const int r = acceleration_of_folder(p.kind_folder);
      if (r == 0) return problem(path.string(), "expected a name {data}_kus_{Pattern}{R}");
      return undersampled(path, p, {stem, "Uniform", r, true});
    }
    if (!p.kind && fold(stem) == "mask") {
      lone_masks_.push_back(path);
      return;
    }
    if (!p.kind)
      for (const char* word : {"image", "img", "maps", "sens", "label", "labels", "traj", "noise",
                               "recon", "rss", "sos", "weights", "seg", "reconimage", "gtsosimage"})
        for (const auto& part : parts_of(fold(stem), '_'))
          if (part == word)
            return problem(path.string(),
                           std::string("is no k-space by its name ('") + word + "')");
    dataset_scan& s = scan_of(p, stem);
    if (!s.kspace.empty())
      return problem(path.string(), "second k-space of the same measurement, after " + s.kspace);
    s.kspace = path.string();
    s.name = stem;
  }
  void table(const fs::path& path, const place& p, std::string stem) {
    const bool info = finishes(fold(stem), "_info");
    if (info) stem.resize(stem.size() - 5);
    dataset_scan& s = scan_of(p, stem);
    const bool better = s.info.empty() || (info && !finishes(fold(stem_of(s.info)), "_info"));
    if (better) s.info = path.string();
  }
  void mask(const fs::path& path, const place& p, const sampling_name& n) {
    if (!n.good) return problem(path.string(), "expected a name {data}_mask_{Pattern}{R}");
    dataset_sampling m{path.string(), n.pattern, n.acceleration, task_of_folder(p.kind_folder)};
    if (const int r = acceleration_of_folder(p.kind_folder); r > 0 && n.pattern.empty()) {
      m.pattern = "Uniform";
      m.acceleration = r;
    }
    scan_of(p, n.data).masks.push_back(m);
  }
  void undersampled(const fs::path& path, const place& p, const sampling_name& n) {
    if (!n.good || n.pattern.empty())
      return problem(path.string(), "expected a name {data}_kus_{Pattern}{R}");
    scan_of(p, n.data).undersampled.push_back(
        {path.string(), n.pattern, n.acceleration, task_of_folder(p.kind_folder)});
  }

  dataset_scan& scan_of(const place& p, const std::string& name) {
    const auto [at, fresh] =
        scans_.try_emplace(key{p.folder + "\n" + p.inner, fold(name)}, dataset_scan{});
    dataset_scan& s = at->second;
    if (fresh) {
      s.name = name;
      s.folder = p.folder;
      s.inner = p.inner;
      s.set = p.set;
      s.coils = p.coils;
      s.layout = !p.kind               ? dataset_layout::plain
                 : p.behind.size() > 1 ? dataset_layout::cmrxrecon2025
                                       : dataset_layout::cmrxrecon2024;
      places_[p.folder + "\n" + p.inner] = p;
    }
    note_year(p);
    return s;
  }
  /// 2023 has folders that 2024 has not; the folder above the modalities tells them apart.
  void note_year(const place& p) {
    if (!p.kind || p.behind.size() > 1) return;
    const std::string f = fold(p.kind_folder);
    const bool old = begins(f, "accfactor") || f == "segmentroi" || p.coils == "SingleCoil";
    if (old) old_.insert(fs::path(p.folder).parent_path().parent_path().string());
  }
  void settle_years() {
    std::error_code code;
    std::map<std::string, bool> looked;
    for (auto& [k, s] : scans_) {
      if (s.layout != dataset_layout::cmrxrecon2024) continue;
      const std::string top = fs::path(s.folder).parent_path().parent_path().string();
      if (const auto [at, fresh] = looked.try_emplace(s.folder, false); fresh)
        for (fs::directory_iterator it(s.folder, code), end; !code && it != end; it.increment(code))
          if (begins(fold(it->path().filename().string()), "accfactor")) old_.insert(top);
    }
    for (auto& [k, s] : scans_)
      if (s.layout == dataset_layout::cmrxrecon2024 &&
          old_.count(fs::path(s.folder).parent_path().parent_path().string()))
        s.layout = dataset_layout::cmrxrecon2023;
  }
  /// Fills what folders tell.
  void complete(const key& k, dataset_scan& s) {
    const place& p = places_.at(k.first);
    const auto of_folder = modality_of_folder(p.modality_folder),
               of_name = modality_of_data(s.name);
    s.modality = of_folder ? *of_folder : of_name ? *of_name : "unknown";
    s.view = view_of_data(s.name);
    if (!p.kind) return;
    if (!of_folder)
      once(fs::path(p.folder).parent_path().string(),
           "unknown modality '" + p.modality_folder + "': expected Cine, Mapping, Aorta, ...");
    const auto& b = p.behind;
    if (!b.empty()) s.patient = b.back();
    const bool numbered = s.patient.size() == 4 && fold(s.patient)[0] == 'p' &&
                          std::all_of(s.patient.begin() + 1, s.patient.end(), is_digit);
    const std::string where = (fs::path(p.folder) / p.kind_folder / p.inner).string();
    if (!numbered)
      once(where, "patient folder: expected P and three digits, found '" + s.patient + "'");
    if (s.layout != dataset_layout::cmrxrecon2025) {
      s.device = {"Siemens", "Vida", 3};
      return;
    }
    if (b.size() != 3)
      return once(where, "expected folders Center/Vendor_Field_Scanner/Patient, found " + p.inner);
    s.centre = b[0];
    const std::string device = (fs::path(p.folder) / p.kind_folder / b[0] / b[1]).string();
    if (const auto d = scanner_of_folder(b[1])) {
      s.device = *d;
      if (d->field == 0)
        once(device, "scanner folder: expected a field such as 30T, found '" + b[1] + "'");
    } else
      once(device, "scanner folder: expected Vendor_Field_Scanner with two underscores, found '" +
                       b[1] + "'");
  }
  /// A file whose name begins with that of a measurement; the longest such name is meant.
  void attach(const waiting& f) {
    const std::string stem = fold(stem_of(f.path.filename().string()));
    const std::string inner = f.where.inner;
    dataset_scan* best = nullptr;
    for (std::size_t n = stem.size(); n > 0 && !best; --n) {
      if (n < stem.size() && stem[n] != '_') continue;
      const auto at = scans_.find(key{f.where.folder + "\n" + inner, stem.substr(0, n)});
      if (at != scans_.end()) best = &at->second;
    }
    if (!best) {
      if (f.where.kind == data_kind::derived) return;  // a result of other data, e.g. train/P0001
      return problem(f.path.string(), f.label ? "labels without k-space" : "image without k-space");
    }
    const std::string path = f.path.string(), end = ending_of(f.path.filename().string());
    if (f.label)
      best->segmentations.push_back(path);
    else if (f.where.kind == data_kind::reference && best->reference.empty())
      best->reference = path;
    else if (f.where.kind == data_kind::snapshot && best->reference.empty() && end != ".png")
      best->reference = path;
    else
      best->derived.push_back(path);
  }
  /// A file "mask" of a plain folder belongs to its only k-space.
  void attach_mask(const fs::path& path) {
    dataset_scan* only = nullptr;
    std::size_t n = 0;
    for (auto& [k, s] : scans_)
      if (s.layout == dataset_layout::plain && s.folder == path.parent_path().string() &&
          !s.kspace.empty()) {
        only = &s;
        ++n;
      }
    if (n != 1)
      return problem(path.string(),
                     "mask of one k-space in its folder, found " + std::to_string(n));
    only->masks.push_back({path.string(), {}, 0, {}});
  }
  void problem(const std::string& path, const std::string& reason) {
    result_.problems.push_back({path, reason});
  }
  void once(const std::string& path, const std::string& reason) {
    if (told_.insert(path + "\n" + reason).second) problem(path, reason);
  }

  dataset result_;
  std::map<key, dataset_scan> scans_;
  std::map<std::string, place> places_;  // by the first part of the key
  std::vector<waiting> waiting_;
  std::vector<fs::path> lone_masks_;
  std::map<std::string, std::string> seen_;  // real path of a folder, and how it was reached
  std::set<std::string> old_, told_;
};

}  // namespace detail

/// Finds the measurements of a folder: the root of a data set, or any folder inside, down to a
/// patient, whose masks and references are then looked for in the neighbouring kind folders. Links
/// are followed, each folder is read once. Throws io_error if the folder itself is missing.
inline dataset read_dataset(const std::string& root) { return detail::dataset_walk(root).finish(); }

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
