// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_PHENOTYPE_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_PHENOTYPE_HPP
/// \file
/// Numbers of a heart from its segmentation files, and finding such files in folders.

#include "cardiomm/analysis/wall.hpp"
#include "cardiomm/io/dataset_names.hpp"
#include "cardiomm/io/markup.hpp"
#include "cardiomm/io/nifti.hpp"
#include "common.hpp"
#include "labels.hpp"
#include "report.hpp"

namespace program {

/// The ventricles among named labels. Throws value_error where lv is missing, for names that are
/// not known here and for numbers with two meanings.
inline cardiomm::analysis::label_names heart_labels(const std::string& text) {
  const std::string option = "--labels";
  require<value_error>(!text.empty(), option,
                       ": expected what the numbers stand for, such as lv=1,myo=2,rv=3, found "
                       "nothing; sources differ, `cardiomm phenotype` does not guess");
  cardiomm::analysis::label_names names;
  std::map<int, std::string> meaning;
  for (const named_label& l : parse_labels(text, option)) {
    int* place = l.name == "lv" ? &names.lv : l.name == "myo" ? &names.myo : &names.rv;
    const bool other = l.name == "la" || l.name == "ra" || l.name == "aorta";
    require<value_error>(other || l.name == "lv" || l.name == "myo" || l.name == "rv", option,
                         ": expected the names lv, myo, rv, la, ra, aorta, found '", l.name, "'");
    require<value_error>(l.values.size() == 1, option, ": expected one number for ", l.name,
                         ", found ", l.values.size());
    const auto [at, fresh] = meaning.emplace(l.values[0], l.name);
    require<value_error>(fresh, option, ": expected a number of its own for each name, found ",
                         l.values[0], " for ", at->second, " and ", l.name);
    if (!other) *place = l.values[0];
  }
  require<value_error>(names.lv > 0, option,
                       ": expected the number of lv, the cavity of the left ventricle, found '",
                       text, "'");
  return names;
}

/// "8,1.4,1.4" as mm of z, y, x; empty: none.
inline std::optional<geometry> parse_spacing(const std::string& text) {
  if (text.empty()) return std::nullopt;
  std::vector<double> v;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const auto n = io::to_number(text.substr(at, end - at));
    v.push_back(n && std::isfinite(*n) ? *n : 0);
    at = end + 1;
  }
  const bool good = v.size() == 3 && v[0] > 0 && v[1] > 0 && v[2] > 0;
  require<value_error>(good, "--spacing: expected three sizes in mm DZ,DY,DX, found '", text, "'");
  return geometry{v[0], v[1], v[2], 0};
}

struct phenotype_options {
  std::string labels;  ///< as they were given
  cardiomm::analysis::label_names names;
  std::optional<geometry> spacing;  ///< instead of that of the files
  double slice_gap = 0;             ///< mm, added to the distance of slices
  double frame_time = 0;            ///< s; 0: from the file
  double heart_rate = 0;            ///< 1/min; 0: from the frames
  std::string uih = "auto", wall = "auto";
  cardiomm::analysis::wall_options wall_steps;
  axes_option given;
};

/// The files of a heart: a cine, or the two volumes.
struct heart_files {
  std::string cine, ed, es;
  const std::string& name() const { return cine.empty() ? ed : cine; }
};

struct heart_numbers {
  std::string cine, ed_file, es_file;
  geometry voxel;
  cardiomm::analysis::label_names names;
  cardiomm::analysis::label_counts ed, es;
  std::vector<cardiomm::analysis::label_counts> curve;  ///< of a cine
  cardiomm::analysis::cardiac_frames frames;
  std::vector<cardiomm::analysis::phenotype> values;
  std::vector<std::string> doubts;
  cardiomm::analysis::wall_thickness wall;

  const std::string& name() const { return cine.empty() ? ed_file : cine; }
  double millilitres() const { return voxel.dz * voxel.dy * voxel.dx * 1e-3; }
};

namespace detail {

/// "0 (4000 voxels), 1 (120)": the values of a file, at most ten of them.
inline std::string list_values(const std::map<int, index_t>& counts) {
  std::string text;
  std::size_t n = 0;
  for (const auto& [value, count] : counts) {
    if (++n > 10) break;
    text += (n > 1 ? ", " : "") + std::to_string(value) + " (" + std::to_string(count) +
            (n == 1 ? " voxels)" : ")");
  }
  if (counts.size() > 10) text += " and " + std::to_string(counts.size() - 10) + " other values";
  return text;
}

inline std::map<int, index_t> count_values(const host_tensor<int, 4>& labels) {
  std::map<int, index_t> counts;
  int last = 0;
  index_t run = 0;
  const auto flush = [&] {
    if (run > 0) counts[last] += run;
  };
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const int v = labels.data()[i];
    if (run > 0 && v == last) {
      ++run;
      continue;
    }
    flush();
    last = v;
    run = 1;
  }
  flush();
  return counts;
}

/// Reads labels (frame, slice, y, x) that name the left ventricle somewhere.
inline label_volume load_heart(const std::string& path, const phenotype_options& o,
                               bool needs_lv = true) {
  label_volume v = [&] {
    try {
      return load_labels(path, o.given);
    } catch (const value_error& e) {
      throw value_error(std::string(e.what()) + "; is it an image?", e.where());
    }
  }();
  const auto counts = count_values(v.values);
  constexpr std::size_t most = 64;
  require<value_error>(counts.size() <= most, path, ": labels: expected at most ", most,
                       " different numbers, found ", counts.size(), ": ", list_values(counts),
                       "; is it an image?");
  require<value_error>(!needs_lv || counts.count(o.names.lv) > 0, path,
                       ": labels: expected voxels of lv=", o.names.lv, ", found the values ",
                       list_values(counts));
  if (o.spacing) {
    v.voxel.dz = o.spacing->dz;
    v.voxel.dy = o.spacing->dy;
    v.voxel.dx = o.spacing->dx;
  }
  require<value_error>(v.voxel.dz > 0 && v.voxel.dy > 0 && v.voxel.dx > 0, path,
                       ": size of the voxels: expected --spacing DZ,DY,DX in mm, found none in the "
                       "file");
  v.voxel.dz += o.slice_gap;
  return v;
}

/// From voxel indices to mm: the affine of a NIfTI file with the voxels that are in use, else the
/// axes of the file.
inline cardiomm::analysis::affine_matrix affine_of(const std::string& path, const geometry& voxel) {
  const double size[] = {voxel.dx, voxel.dy, voxel.dz};
  if (input_format(path) != format::nifti)
    return io::nifti_geometry::voxels(size[0], size[1], size[2]).affine;
  auto a = io::open_nifti(path).affine;
  for (std::size_t j = 0; j < 3; ++j) {
    const double length = std::sqrt(a[j] * a[j] + a[4 + j] * a[4 + j] + a[8 + j] * a[8 + j]);
    for (std::size_t i = 0; i < 3; ++i) a[4 * i + j] *= length > 0 ? size[j] / length : 0;
  }
  return a;
}

/// The heart rate of a cine, or why there is none; applies the correction of UIH's headers.
inline void rate_of_cine(heart_numbers& h, const phenotype_options& o,
                         cardiomm::analysis::ventricles& v, bool given) {
  const auto n = static_cast<index_t>(h.curve.size());
  double& dt = h.voxel.dt;
  if (!(dt > 0)) {
    v.no_heart_rate = "the file has no time between frames; give --frame-time or --heart-rate";
    return;
  }
  const bool uih = h.cine.find("UIH") != std::string::npos;
  const bool fast = cardiomm::analysis::heart_rate(n, dt) > 250;
  if (o.uih == "on" || (o.uih == "auto" && uih && fast && !given)) {
    dt *= 10;
    h.doubts.push_back("the time between frames was multiplied by 10 (--uih)");
  }
  v.heart_rate = cardiomm::analysis::heart_rate(n, dt);
  if (*v.heart_rate < 20 || *v.heart_rate > 250)
    h.doubts.push_back("a heart rate of " + io::significant(*v.heart_rate, 4) +
                       " per minute is not plausible; the time between frames is " +
                       io::significant(dt, 4) + " s");
}

}  // namespace detail

/// Everything that the files of a heart tell. Throws io_error, value_error, shape_error.
inline heart_numbers measure(const heart_files& files, const phenotype_options& o) {
  namespace analysis = cardiomm::analysis;
  heart_numbers h;
  h.cine = files.cine;
  h.ed_file = files.ed;
  h.es_file = files.es;
  h.names = o.names;
  analysis::ventricles v;
  v.names = o.names;
  const label_volume ed = detail::load_heart(files.name(), o);
  const auto s = cardiomm::shape_of(ed.values);
  const index_t size = s[1] * s[2] * s[3];
  const std::string where = files.name();
  h.voxel = ed.voxel;
  if (!files.cine.empty()) {
    require<shape_error>(s[0] > 1, where, ": expected several frames, found one; --ed and --es ",
                         "take single volumes");
    h.curve = analysis::count_frames(ed.values, o.names);
    h.frames = analysis::find_frames(h.curve);
    h.ed = h.curve[static_cast<std::size_t>(h.frames.ed)];
    h.es = h.curve[static_cast<std::size_t>(h.frames.es)];
    if (o.frame_time > 0) h.voxel.dt = o.frame_time;
    detail::rate_of_cine(h, o, v, o.frame_time > 0);
  } else {
    const label_volume es = detail::load_heart(files.es, o, false);
    for (const auto& volume : {&ed, &es})
      require<shape_error>(volume->values.extent(0) == 1, volume->from.path,
                           ": expected one frame, found ", volume->values.extent(0),
                           "; --cine takes all frames");
    const auto differ = [](double a, double b) { return std::abs(a - b) > 1e-3 * a; };
    require<value_error>(!differ(ed.voxel.dz, es.voxel.dz) && !differ(ed.voxel.dy, es.voxel.dy) &&
                             !differ(ed.voxel.dx, es.voxel.dx),
                         files.es, ": expected the voxels of ", files.ed, ", ", ed.voxel.dz, " x ",
                         ed.voxel.dy, " x ", ed.voxel.dx, " mm, found ", es.voxel.dz, " x ",
                         es.voxel.dy, " x ", es.voxel.dx);
    h.ed = analysis::count_labels(ed.values.data(), size, o.names);
    h.es =
        analysis::count_labels(es.values.data(), static_cast<index_t>(es.values.size()), o.names);
    h.voxel.dt = 0;
    v.no_heart_rate = "two volumes tell no heart rate; give --heart-rate";
  }
  if (o.heart_rate > 0) v.heart_rate = o.heart_rate;
  v.ed = h.ed;
  v.es = h.es;
  v.voxel_ml = h.millilitres();
  h.values = analysis::phenotypes_of(v);
  for (auto& d : analysis::doubts_about(h.values)) h.doubts.push_back(std::move(d));
  if (h.es.lv == 0) h.doubts.push_back("the left ventricle has no voxel at ES");
  if (o.wall == "off") {
    h.wall.reason = "switched off";
  } else {
    const index_t first = files.cine.empty() ? 0 : h.frames.ed;
    const cardiomm::host_view<const int, 3> at_ed(
        ed.values.data() + first * size, static_cast<std::size_t>(s[1]),
        static_cast<std::size_t>(s[2]), static_cast<std::size_t>(s[3]));
    h.wall =
        analysis::measure_wall(at_ed, o.names, detail::affine_of(where, h.voxel), o.wall_steps);
    require<value_error>(o.wall != "on" || h.wall.reason.empty(), where,
                         ": --wall on: no wall thickness: ", h.wall.reason);
  }
  if (!h.wall.reason.empty()) {
    h.wall.mean.fill(std::numeric_limits<double>::quiet_NaN());
    h.wall.maximum = h.wall.mean;
  }
  return h;
}

namespace detail {

/// What a file name says: its words without ED, ES and label.
struct segmentation_name {
  std::string rest;  ///< the other words, joined
  char phase = 0;    ///< 'D', 'S' or 0
  bool label = false, image = false;
};
inline segmentation_name read_segmentation_name(const std::string& file) {
  segmentation_name n;
  for (const std::string& word : io::detail::parts_of(io::stem_of(file), '_')) {
    const std::string w = io::detail::fold(word);
    if (w == "ed" || w == "es")
      n.phase = w == "ed" ? 'D' : 'S';
    else if (w == "label" || w == "labels")
      n.label = true;
    else {
      n.image = n.image || w == "image" || w == "img";
      n.rest += (n.rest.empty() ? "" : "_") + word;
    }
  }
  return n;
}

}  // namespace detail

/// The path of the image that a segmentation belongs to, as far as names tell.
inline std::string plain_name(const std::string& path) {
  const std::filesystem::path p(path);
  return (p.parent_path() / detail::read_segmentation_name(p.filename().string()).rest).string();
}

struct found_hearts {
  std::vector<heart_files> hearts;
  std::vector<left_out_file> left_out;
};

/// The segmentations of a folder: files with the word `label`, or where there are none those with
/// ED or ES. A cine comes before volumes of the same name. Long-axis views are passed over; centres
/// that the publication leaves out are left out unless `all_centres`. Throws io_error.
inline found_hearts find_hearts(const std::string& folder, bool all_centres) {
  namespace fs = std::filesystem;
  std::error_code code;
  require<io_error>(fs::is_directory(folder, code), folder, ": expected a folder, found ",
                    fs::exists(folder, code) ? "a file; --cine takes one" : "nothing");
  std::vector<std::string> files;
  bool labelled = false;
  fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, code);
  for (; !code && at != fs::recursive_directory_iterator(); at.increment(code)) {
    stop_if_interrupted();
    const std::string name = at->path().filename().string(), end = io::ending_of(name);
    if (name[0] == '.' || (end != ".nii" && end != ".nii.gz" && end != ".npy")) continue;
    if (!at->is_regular_file(code)) continue;
    files.push_back(at->path().string());
    labelled = labelled || detail::read_segmentation_name(name).label;
  }
  require<io_error>(!code, folder, ": cannot be listed: ", code.message());
  std::sort(files.begin(), files.end());
  std::map<std::string, heart_files> groups;
  found_hearts found;
  for (const std::string& path : files) {
    const auto n = detail::read_segmentation_name(fs::path(path).filename().string());
    if (labelled ? !n.label : n.phase == 0 || n.image) continue;
    const std::string view = io::detail::fold(io::view_of_data(n.rest));
    if (!view.empty() && view.substr(0, 3) != "sax") continue;
    bool excluded = false;
    for (const char* token : {"Center010", "Center007", "Center012", "055T", "50T"})
      excluded = excluded || path.find(token) != std::string::npos;
    if (excluded && !all_centres) {
      found.left_out.push_back({path,
                                "its centre or field is left out in the publication; "
                                "--all-centres takes it"});
      continue;
    }
    heart_files& g = groups[(fs::path(path).parent_path() / n.rest).string()];
    (n.phase == 'D' ? g.ed : n.phase == 'S' ? g.es : g.cine) = path;
  }
  for (auto& [key, g] : groups) {
    if (!g.cine.empty()) g.ed = g.es = "";
    if (!g.cine.empty() || (!g.ed.empty() && !g.es.empty()))
      found.hearts.push_back(g);
    else
      found.left_out.push_back(
          {g.ed.empty() ? g.es : g.ed,
           g.ed.empty() ? "there is no file of ED with it" : "there is no file of ES with it"});
  }
  return found;
}

}  // namespace program

#endif
