// SPDX-License-Identifier: Apache-2.0
/// \file
/// Discovery of `cardiomm run`: what each file of a folder is, and which belong together.

#include "run_plan.hpp"

#include <set>

#include "cardiomm/io/dataset.hpp"
#include "formats.hpp"
#include "raw.hpp"

namespace program {
namespace {

namespace fs = std::filesystem;
using origin = scan_case::origin;

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}
bool mentions(const std::string& text, std::initializer_list<const char*> words) {
  for (const char* w : words)
    if (text.find(w) != std::string::npos) return true;
  return false;
}

/// An array of the folder with what its values tell.
struct candidate {
  std::string path, name;
  opened file;
  array_look look;
  std::string word;    ///< the name in small letters, without folders
  std::size_t at = 0;  ///< in plan.files
};

/// "(4, 256, 256) complex64"
std::string shape_text(const opened& file) {
  return io::to_string(file.values.shape()) + " " + io::name_of(file.values.type());
}

std::string stem(const std::string& name) {
  const auto colon = name.rfind(':');
  fs::path p(colon == std::string::npos ? name : name.substr(0, colon));
  std::string text = p.filename().string();
  for (const char* end : {".nii.gz", ".npy", ".npz", ".cfl", ".hdr", ".mat", ".h5", ".hdf5", ".mrd",
                          ".ismrmrd", ".nii", ".safetensors"}) {
    const std::string e = end;
    if (text.size() > e.size() && lower(text).compare(text.size() - e.size(), e.size(), e) == 0)
      return text.substr(0, text.size() - e.size());
  }
  return text;
}

/// The folder of one or several cases whose files were not described by anybody.
class plain_folder {
 public:
  plain_folder(const run_command& c, folder_plan& plan) : c_(c), plan_(plan) {}

  /// Looks at the files of one folder and adds their cases.
  void add(const std::vector<std::pair<std::string, std::string>>& files) {
    found_.clear();
    for (const auto& [path, name] : files) look(path, name);
    sort_roles();
    make_cases();
  }

 private:
  std::size_t tell(const std::string& path, const std::string& name, const std::string& is,
                   const std::string& note) {
    plan_.files.push_back({path, name, is, note});
    return plan_.files.size() - 1;
  }
  void tell(const candidate& f, const std::string& is, const std::string& note) {
    plan_.files[f.at].is = is;
    plan_.files[f.at].note = note;
  }

  void look(const std::string& path, const std::string& name) {
    const std::string end = lower(extension_of(path)), word = lower(stem(name));
    static const std::set<std::string> known = {".npy", ".npz", ".cfl", ".mat", ".h5",     ".hdf5",
                                                ".mrd", ".nii", ".gz",  ".hdr", ".ismrmrd"};
    if (end == ".hdr" && fs::exists(io::cfl_base(path) + ".cfl")) return;  // seen with its .cfl
    if (known.count(end) == 0 || (end == ".gz" && name.find(".nii") == std::string::npos)) {
      tell(path, name, "not used",
           end == ".safetensors" ? "weights of a network" : "no array that can be k-space");
      return;
    }
    const std::size_t first = plan_.files.size();
    try {
      if ((end == ".h5" || end == ".hdf5" || end == ".mrd" || end == ".ismrmrd") && is_raw(path)) {
        tell(path, name, "raw data", "ISMRMRD: acquisitions with their headers");
        raw_.push_back({path, name});
        return;
      }
      std::vector<std::string> members = {""};
      const bool container = end == ".npz" || end == ".mat" || end == ".h5" || end == ".hdf5";
      if (container) {
        members.clear();
        for (const auto& m : members_of(path))
          if (m.type) members.push_back(m.name);
        require<io_error>(!members.empty(), path, ": expected an array, found none");
        if (members.size() > 16) {
          tell(path, name, "not used",
               "holds " + std::to_string(members.size()) +
                   " arrays; --kspace FILE:MEMBER names one of them");
          return;
        }
      }
      for (const auto& m : members) {
        const bool sole = members.size() < 2;
        const std::string as = sole || m.empty() ? path : path + ":" + m;
        candidate f{as, sole || m.empty() ? name : name + ":" + m, open_array(as, role::kspace),
                    {}, word + (m.empty() ? "" : " " + lower(m)),  0};
        f.at = tell(as, f.name, "not used", shape_text(f.file));
        if (f.file.values.size() < 2 || f.file.values.shape().size() > 8) continue;
        f.look = look_at(f.file);
        found_.push_back(std::move(f));
      }
    } catch (const cardiomm::error& e) {
      plan_.files.resize(std::max(first, std::min(plan_.files.size(), first)));
      while (!found_.empty() && found_.back().at >= first) found_.pop_back();
      tell(path, name, "unreadable", one_line(e.what()));
      plan_.problems.push_back(one_line(e.what()));
    }
  }

  using list = std::vector<const candidate*>;
  void sort_roles() {
    kspaces_ = masks_ = trajectories_ = indices_ = noises_ = maps_ = images_ = others_ = {};
    for (const candidate& f : found_) {
      const array_look& l = f.look;
      const std::size_t rank = l.shape.size();
      const bool given = f.path == c_.kspace;
      if (given)
        kspaces_.push_back(&f);
      else if (l.complex && f.word.find("noise") != std::string::npos && rank >= 2)
        noises_.push_back(&f);
      else if (l.complex && rank >= 3 && l.sum_of_squares_spread < 0.05)
        maps_.push_back(&f);
      else if (l.complex)
        others_.push_back(&f);
      else if (l.binary)
        masks_.push_back(&f);
      else if (l.integer && rank == 1)
        indices_.push_back(&f);
      else if (rank >= 3 && (l.shape.back() == 2 || l.shape.back() == 3) && !l.integer)
        trajectories_.push_back(&f);
      else
        images_.push_back(&f);
    }
    for (const candidate* f : others_) {
      if (positions(*f)) {
        tell(*f, "copy", "the trajectory as complex numbers");
        continue;
      }
      const bool data =
          f->look.transformed().size() == 2 || trajectory_of(*f) != nullptr || index_of(*f);
      (data ? kspaces_ : images_).push_back(f);
    }
    for (const candidate* f : masks_) tell(*f, "mask", shape_text(f->file) + ", 0 and 1");
    for (const candidate* f : maps_)
      tell(*f, "coil maps",
           shape_text(f->file) + ", the sum of squares over the coils is constant");
    for (const candidate* f : noises_)
      tell(*f, "noise scan", shape_text(f->file) + ", by its name");
    for (const candidate* f : trajectories_) tell(*f, "trajectory", shape_text(f->file));
    for (const candidate* f : indices_) tell(*f, "numbers of lines", shape_text(f->file));
    for (const candidate* f : images_) tell(*f, "images", shape_text(f->file));
  }

  /// The trajectory whose (spoke, sample) are neighbouring axes of the data.
  const candidate* trajectory_of(const candidate& f) const {
    for (const candidate* t : trajectories_) {
      const extents &s = t->look.shape, &k = f.look.shape;
      const index_t spokes = s[s.size() - 3], samples = s[s.size() - 2];
      for (std::size_t i = 0; i + 1 < k.size(); ++i)
        if (k[i] == spokes && k[i + 1] == samples) return t;
    }
    return nullptr;
  }
  /// kx + i ky of a trajectory that lies beside it.
  bool positions(const candidate& f) const {
    for (const candidate* t : trajectories_) {
      const extents& s = t->look.shape;
      if (f.look.shape == extents(s.begin(), s.end() - 1) &&
          std::abs(f.look.energy - t->look.energy) <= 1e-3 * t->look.energy)
        return true;
    }
    return false;
  }
  /// Rising line numbers, as many as the data have lines.
  const candidate* index_of(const candidate& f) const {
    if (f.look.shape.size() < 2) return nullptr;
    for (const candidate* i : indices_) {
      const index_t n = i->look.shape[0];
      if (f.look.shape[f.look.shape.size() - 2] != n || n < 2) continue;
      std::vector<double> v(static_cast<std::size_t>(n));
      i->file.values.read(v.data());
      if (v[0] >= 0 && std::is_sorted(v.begin(), v.end()) &&
          std::adjacent_find(v.begin(), v.end()) == v.end())
        return i;
    }
    return nullptr;
  }

  /// Lines that a mask has along its phase encoding, for the choice between y and x: the extent of
  /// the axis that is not constant.
  index_t lines_of_masks() const {
    for (const candidate* m : masks_) {
      std::vector<std::size_t> real;
      for (std::size_t i = 0; i < m->look.shape.size(); ++i)
        if (m->look.shape[i] > 1) real.push_back(i);
      if (real.size() != 2) continue;
      const double a = m->look.whole_runs[real[0]], b = m->look.whole_runs[real[1]];
      if (std::abs(a - b) > 0.5) return m->look.shape[a > b ? real[1] : real[0]];
    }
    return 0;
  }

  void make_cases() {
    if (kspaces_.empty() && raw_.empty()) take_coil_images();
    std::vector<const candidate*> kept;
    std::vector<scan_case> made;
    list order = kspaces_;
    // the complete file of the same data first: named axes, then MATLAB's, then others
    std::stable_sort(order.begin(), order.end(), [&](const candidate* a, const candidate* b) {
      return richness(*a) > richness(*b);
    });
    for (const candidate* f : order) {
      const candidate* same = nullptr;
      for (const candidate* k : kept)
        if (k->look.same_data(f->look)) same = k;
      if (same) {
        tell(*f, "copy", "the same data as " + same->name);
        continue;
      }
      scan_case s;
      try {
        s = describe(*f);
      } catch (const cardiomm::error& e) {
        tell(*f, "unusable", one_line(e.what()));
        plan_.problems.push_back(f->name + ": " + one_line(e.what()));
        continue;
      }
      kept.push_back(f);
      with_masks(s, *f, made);
    }
    std::sort(made.begin(), made.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    for (auto& s : made) plan_.cases.push_back(std::move(s));
    for (const auto& [path, name] : raw_) {
      scan_case s;
      s.name = stem(name);
      s.from = origin::raw;
      s.kspace = path;
      plan_.cases.push_back(s);
    }
    raw_.clear();
  }
  int richness(const candidate& f) const {
    int points = f.path == c_.kspace ? 100 : 0;
    if (!index_of(f) || trajectory_of(f)) points += 10;
    if (trajectory_of(f)) points += 5;
    return points + (f.file.named() ? 3 : f.file.kind == format::mat ? 2 : 1);
  }

  /// Complex images that differ like those of coils, where there is nothing else.
  void take_coil_images() {
    for (const candidate* f : images_) {
      const array_look& l = f->look;
      const bool coils = l.complex && l.shape.size() == 3 && l.shape[0] > 1 && l.shape[0] <= 64 &&
                         !f->file.named() && l.alike[0] < 0.95;
      if (c_.coil_images ? l.complex && l.shape.size() >= 3 : coils) kspaces_.push_back(f);
    }
  }

  scan_case describe(const candidate& f) {
    scan_case s;
    s.name = stem(f.name);
    s.kspace = f.path;
    s.named = f.file.named();
    s.voxel = f.file.voxel;
    const bool image = std::find(images_.begin(), images_.end(), &f) != images_.end();
    const candidate* t = trajectory_of(f);
    const candidate* lines = t ? nullptr : index_of(f);
    axes_option option;
    for (const auto& text : c_.axes_text) option.add(text);
    const axes given = option.of(role::kspace);
    std::string how;
    if (!given.empty()) {
      s.order = name_axes(f.file, role::kspace, given).order;
      how = "by --axes";
    } else if (f.file.named() && !image) {
      name_axes(f.file, role::kspace, {});
      s.order = f.file.order;
      how = "as the file names them";
    } else if (t || lines || image) {
      s.order = axes_of(role::kspace, f.look.shape, {}, f.path, f.file.kind == format::mat);
      how = t ? "as " + t->name + " has spokes and samples" : "by convention";
    } else {
      const auto guess = guess_kspace(f.look, f.file, lines_of_masks());
      require<value_error>(guess.trouble.empty(), f.name, ": k-space: ", guess.trouble,
                           "; --axes names them");
      s.order = guess.order;
      how = guess.how;
    }
    for (int i = 0; i < 5; ++i) s.size[i] = 1;
    for (std::size_t i = 0; i < s.order.size(); ++i) {
      const auto place = std::find(kspace_order.begin(), kspace_order.end(), s.order[i]);
      if (place != kspace_order.end())
        s.size[static_cast<int>(place - kspace_order.begin())] = f.look.shape[i];
    }
    s.full = f.look.sampled > 0.999;
    s.uncentred = !image && !t && !lines && f.look.uncentred();
    std::string is = "k-space";
    if (t) {
      s.traj = t->path;
      s.full = false;
    } else if (lines) {
      s.from = origin::lines;
      s.index = lines->path;
      s.size[3] = rows_of(*lines);
      s.full = false;
      is = "lines of k-space";
    } else if (image) {
      s.from = origin::coil_images;
      s.full = true;
      is = "coil images";
    }
    std::string text = "read as " + axes_text(f, s.order) + ", " + how;
    if (s.uncentred) text += "; the centre of k-space is at index 0 and is moved";
    if (image && !c_.coil_images) text += "; they differ from each other as coils do";
    tell(f, is, text);
    s.notes.push_back(f.name + ": " + text);
    for (const candidate* n : noises_)
      if (std::count(n->look.shape.begin(), n->look.shape.end(), s.size[2]) > 0) s.noise = n->path;
    for (const candidate* m : maps_)
      if (m->look.shape == extents{s.size[2], s.size[3], s.size[4]}) s.maps = m->path;
    references(s);
    return s;
  }

  std::string axes_text(const candidate& f, const axes& order) const {
    axes some;
    extents shape;
    for (std::size_t i = 0; i < order.size(); ++i)
      if (f.look.shape[i] > 1) {
        some.push_back(order[i]);
        shape.push_back(f.look.shape[i]);
      }
    return to_string(some, shape);
  }

  /// Where the densest block of lines is the centre.
  static index_t rows_of(const candidate& lines) {
    std::vector<double> v(static_cast<std::size_t>(lines.look.shape[0]));
    lines.file.values.read(v.data());
    std::size_t best = 0, length = 0;
    for (std::size_t i = 0, n = 0; i < v.size(); ++i) {
      n = i > 0 && v[i] == v[i - 1] + 1 ? n + 1 : 1;
      if (n > length) length = n, best = i;
    }
    const auto last = static_cast<index_t>(v[best]);
    const index_t ny = 2 * last + 2 - static_cast<index_t>(length);
    return std::max<index_t>(ny, static_cast<index_t>(v.back()) + 1);
  }

  /// Images of the matrix of the case whose names say what they are.
  void references(scan_case& s) {
    for (const candidate* f : images_) {
      const auto& e = f->look.shape;
      if (e.size() < 2 || e[e.size() - 1] != s.size[4] || e[e.size() - 2] != s.size[3]) continue;
      const std::string w = f->word;
      if (mentions(w, {"zero", "zf"})) {
        s.zero_filled = f->path;
        tell(*f, "zero-filled image", "for comparison with ours");
      } else if (mentions(w, {"reference", "truth", "target", "gt", "ground", "full"})) {
        s.reference = f->path;
        tell(*f, "reference", "by its name and matrix");
      }
    }
  }

  /// One case for each mask that fits.
  void with_masks(const scan_case& s, const candidate& f, std::vector<scan_case>& made) {
    const mask_target t{s.size[0], s.size[3], s.size[4]};
    std::vector<scan_case> mine;
    for (const candidate* m : masks_) {
      if (!s.traj.empty() || s.from == origin::lines) break;
      const axes order = guess_mask(m->look, t);
      if (order.empty() || (!s.full && m->look.sampled < 0.999 * f.look.sampled)) continue;
      scan_case one = s;
      one.mask = m->path;
      one.mask_order = order;
      if (const auto told = io::sampling_of_name(stem(m->name), "_mask_")) {
        one.pattern = told->pattern;
        one.acceleration = told->acceleration;
      }
      one.notes.push_back(m->name + ": mask, read as " + axes_text(*m, order));
      mine.push_back(one);
      if (!s.full) break;
    }
    if (mine.size() > 1)
      for (auto& one : mine) one.name += "_" + stem(split_member(one.mask).path);
    if (mine.empty()) mine.push_back(s);
    made.insert(made.end(), mine.begin(), mine.end());
  }

  inline static const axes kspace_order = {axis::frame, axis::slice, axis::coil, axis::y, axis::x};
  const run_command& c_;
  folder_plan& plan_;
  std::vector<candidate> found_;
  std::vector<std::pair<std::string, std::string>> raw_;
  list kspaces_, masks_, trajectories_, indices_, noises_, maps_, images_, others_;
};

}  // namespace

void plan_plain(const run_command& c, folder_plan& plan,
                const std::vector<std::pair<std::string, std::string>>& files) {
  plain_folder(c, plan).add(files);
}

}  // namespace program
