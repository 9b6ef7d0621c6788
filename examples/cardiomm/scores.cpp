// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm scores`: segmentations against references, label by label.

#include <atomic>
#include <mutex>
#include <thread>

#include "cardiomm/analysis/surface_distance.hpp"
#include "cardiomm/io/nifti.hpp"
#include "labels.hpp"
#include "scores.hpp"

namespace program {
namespace {

namespace analysis = cardiomm::analysis;
namespace fs = std::filesystem;

/// What is told of a label, in this order; NaN is no value.
constexpr std::array<const char*, 14> score_names = {"dice",
                                                     "jaccard",
                                                     "sensitivity",
                                                     "specificity",
                                                     "precision",
                                                     "hausdorff",
                                                     "hausdorff95",
                                                     "asd",
                                                     "asd_back",
                                                     "assd",
                                                     "volume_reference",
                                                     "volume_segmentation",
                                                     "difference",
                                                     "relative_difference"};
using score_row = std::array<double, score_names.size()>;
constexpr std::size_t dice_at = 0, hausdorff_at = 5, hausdorff95_at = 6, asd_at = 7, assd_at = 9,
                      volume_at = 10;

/// One volume, frame or slice, with a row for each label.
struct scored {
  std::string name;
  index_t frame = -1, slice = -1;  // -1: all of the file
  std::vector<score_row> rows;
};

struct file_result {
  std::string name, error;
  std::vector<scored> cases;
  std::vector<std::string> notes;
};

struct job {
  std::string name, reference, segmentation;
};

/// A name without what tells its kind, so that P001_gt and P001_seg are the same case.
std::string case_of(const std::string& file) {
  std::string stem = file;
  for (const char* end : {".gz", ".nii", ".npy", ".npz", ".mat", ".h5", ".hdf5", ".cfl", ".hdr"}) {
    const std::string e = end;
    if (stem.size() > e.size() && stem.compare(stem.size() - e.size(), e.size(), e) == 0)
      stem.erase(stem.size() - e.size());
  }
  for (const char* end : {"_gt", "_labels", "_label", "_seg", "_mask", "_pred", "-label", "-seg"}) {
    const std::string e = end;
    if (stem.size() > e.size() && stem.compare(stem.size() - e.size(), e.size(), e) == 0) {
      stem.erase(stem.size() - e.size());
      break;
    }
  }
  return stem;
}

/// The arrays of a folder and its subfolders by case.
std::map<std::string, std::string> list_cases(const std::string& root) {
  std::map<std::string, std::string> all;
  std::error_code code;
  fs::recursive_directory_iterator at(root, fs::directory_options::follow_directory_symlink, code);
  require<io_error>(!code, root, ": cannot be listed: ", code.message());
  for (const fs::recursive_directory_iterator end; at != end; at.increment(code)) {
    require<io_error>(!code, root, ": cannot be listed: ", code.message());
    const std::string file = at->path().filename().string(), ext = extension_of(file);
    std::error_code none;
    if (file[0] == '.') {
      if (at->is_directory(none)) at.disable_recursion_pending();
      continue;
    }
    const bool array = ext == ".nii" || ext == ".npy" || ext == ".npz" || ext == ".mat" ||
                       ext == ".h5" || ext == ".hdf5" || ext == ".cfl" ||
                       (ext == ".gz" && extension_of(file.substr(0, file.size() - 3)) == ".nii");
    if (!array || !at->is_regular_file(none)) continue;
    const std::string key =
        (at->path().parent_path().lexically_relative(root) / case_of(file)).lexically_normal();
    const auto [there, fresh] = all.emplace(key, at->path().string());
    require<value_error>(fresh, root, ": expected one file of the case ", key, ", found ",
                         there->second, " and ", at->path().string());
  }
  return all;
}

struct job_list {
  std::vector<job> jobs;
  std::vector<std::string> unmatched;
};

job_list find_jobs(const scores_command& c) {
  const bool folders = fs::is_directory(c.reference), both = fs::is_directory(c.segmentation);
  require<value_error>(folders == both, c.segmentation, ": expected a ",
                       folders ? "folder" : "file", " as ", c.reference, " is, found a ",
                       both ? "folder" : "file");
  if (!folders)
    return {{{case_of(fs::path(c.segmentation).filename().string()), c.reference, c.segmentation}},
            {}};
  job_list list;
  const auto truth = list_cases(c.reference), found = list_cases(c.segmentation);
  for (const auto& [name, path] : truth) {
    const auto other = found.find(name);
    if (other == found.end())
      list.unmatched.push_back(path + ": no segmentation of this name");
    else
      list.jobs.push_back({name, path, other->second});
  }
  for (const auto& [name, path] : found)
    if (truth.count(name) == 0) list.unmatched.push_back(path + ": no reference of this name");
  require<value_error>(!list.jobs.empty(), c.segmentation, ": expected files named as those in ",
                       c.reference, ", found none");
  return list;
}

/// Sizes of a voxel, of --spacing or of the files, which have to agree.
std::array<double, 3> spacing_of(const scores_command& c, const label_volume& reference,
                                 const label_volume& segmentation) {
  if (!c.spacing.empty()) {
    std::array<double, 3> given{};
    std::size_t n = 0;
    for (std::size_t at = 0; at <= c.spacing.size();) {
      const std::size_t end = std::min(c.spacing.find(',', at), c.spacing.size());
      const auto v = io::to_number(c.spacing.substr(at, end - at));
      require<value_error>(v && std::isfinite(*v) && *v > 0 && n < 3,
                           "--spacing: expected three numbers DZ,DY,DX above 0, found '", c.spacing,
                           "'");
      given[n++] = *v;
      at = end + 1;
    }
    require<value_error>(n == 3, "--spacing: expected three numbers DZ,DY,DX, found '", c.spacing,
                         "'");
    return given;
  }
  const auto sizes = [](const geometry& g) { return std::array<double, 3>{g.dz, g.dy, g.dx}; };
  const geometry &a = reference.voxel, &b = segmentation.voxel;
  require<value_error>(a.known() || b.known(), segmentation.from.path,
                       ": expected the size of a voxel, found none; give --spacing DZ,DY,DX in mm");
  const auto p = sizes(a.known() ? a : b), q = sizes(b.known() ? b : a);
  for (std::size_t d = 0; d < 3; ++d)
    require<value_error>(std::abs(p[d] - q[d]) <= 1e-3 * std::max(p[d], q[d]),
                         segmentation.from.path, ": expected voxels of ", p[0], " x ", p[1], " x ",
                         p[2], " mm (z, y, x) as in ", reference.from.path, ", found ", q[0], " x ",
                         q[1], " x ", q[2], "; give --spacing to choose");
  require<value_error>(p[0] > 0 || reference.values.extent(1) == 1, reference.from.path,
                       ": expected the distance of slices, found none; give --spacing DZ,DY,DX");
  return {p[0] > 0 ? p[0] : 1, p[1], p[2]};
}

template <int R>
score_row score(const cardiomm::host_view<std::uint8_t, R>& segmentation,
                const cardiomm::host_view<std::uint8_t, R>& reference,
                const std::array<double, R>& spacing, double slice_thickness,
                double empty_distance) {
  const auto o = analysis::compare_masks(segmentation, reference);
  score_row row;
  row.fill(std::numeric_limits<double>::quiet_NaN());
  row[0] = o.dice();
  row[1] = o.jaccard();
  row[2] = o.sensitivity();
  row[3] = o.specificity();
  row[4] = o.precision();
  if (o.segmented() > 0 && o.reference() > 0) {
    const auto d = analysis::compare_surfaces(segmentation, reference, spacing);
    row[hausdorff_at] = d.hausdorff();
    row[hausdorff95_at] = d.hausdorff(95);
    row[asd_at] = d.mean_to_reference();
    row[asd_at + 1] = d.mean_to_segmentation();
    row[assd_at] = d.mean_symmetric();
  } else if (o.segmented() + o.reference() > 0) {
    std::fill(row.begin() + hausdorff_at, row.begin() + assd_at + 1, empty_distance);
  }
  double voxel = slice_thickness / 1000;  // ml
  for (const double h : spacing) voxel *= h;
  row[volume_at] = voxel * double(o.reference());
  row[volume_at + 1] = voxel * double(o.segmented());
  row[volume_at + 2] = row[volume_at + 1] - row[volume_at];
  row[volume_at + 3] = o.relative_volume_difference();
  return row;
}

/// The part [first, first + n) of a volume as a mask of a label.
void fill_mask(const int* values, std::size_t n, const named_label& label, std::uint8_t* mask) {
  for (std::size_t i = 0; i < n; ++i) mask[i] = values[i] == label.values[0];
  for (std::size_t k = 1; k < label.values.size(); ++k)
    for (std::size_t i = 0; i < n; ++i) mask[i] |= values[i] == label.values[k];
}

/// What two NIfTI files say about places, where that is not the same: voxels are compared all the
/// same, but one of them may be turned or moved.
std::string compare_places(const job& j) {
  if (input_format(j.reference) != format::nifti || input_format(j.segmentation) != format::nifti)
    return {};
  const auto a = io::open_nifti(j.reference), b = io::open_nifti(j.segmentation);
  double most = 0;
  for (std::size_t i = 0; i < 12; ++i) most = std::max(most, std::abs(a.affine[i] - b.affine[i]));
  if (most <= 1e-3) return {};
  return j.segmentation + ": its affine is not that of " + j.reference + " (by up to " +
         io::to_text(most) + "); compared voxel by voxel";
}

file_result score_file(const scores_command& c, const job& j,
                       const std::vector<named_label>& labels,
                       const std::vector<named_label>& others) {
  const label_volume reference = load_labels(j.reference, c.given);
  const label_volume segmentation = load_labels(j.segmentation, c.given);
  require<shape_error>(
      cardiomm::shape_of(reference.values) == cardiomm::shape_of(segmentation.values),
      j.segmentation, ": expected the shape ", reference.from.describe(), " of ", j.reference,
      ", found ", segmentation.from.describe());
  const auto h = spacing_of(c, reference, segmentation);
  const auto s = cardiomm::shape_of(reference.values);
  const auto note_unnamed = [](const label_volume& v, const std::vector<named_label>& names,
                               std::vector<std::string>& notes) {
    std::set<int> unnamed;
    int last = 0;
    for (std::size_t i = 0; i < v.values.size(); ++i) {
      const int value = v.values.data()[i];
      if (value == last || value == 0) continue;
      last = value;
      if (std::none_of(names.begin(), names.end(), [&](const auto& l) { return l.is(value); }))
        unnamed.insert(value);
    }
    std::string text;
    for (const int value : unnamed) text += (text.empty() ? "" : ", ") + std::to_string(value);
    if (!text.empty())
      notes.push_back(v.from.path + ": holds numbers without a name, not scored: " + text);
  };
  file_result result{j.name, {}, {}, {}};
  if (const std::string note = compare_places(j); !note.empty()) result.notes.push_back(note);
  note_unnamed(reference, labels, result.notes);
  note_unnamed(segmentation, others, result.notes);
  const bool flat = s[1] == 1 || c.per_slice;
  const index_t parts = c.per_slice ? s[1] : 1, depth = flat ? 1 : s[1];
  const cardiomm::shape<3> size{{depth, s[2], s[3]}};
  const cardiomm::shape<2> plane{{s[2], s[3]}};
  const auto n = static_cast<std::size_t>(size.size());
  std::vector<std::uint8_t> a(n), b(n);
  std::size_t without_labels = 0;
  for (index_t f = 0; f < s[0]; ++f)
    for (index_t p = 0; p < parts; ++p) {
      const std::size_t at = static_cast<std::size_t>(f * parts + p) * n;
      scored one{j.name, s[0] > 1 ? f : -1, c.per_slice ? p : -1, {}};
      bool any = false;
      for (std::size_t l = 0; l < labels.size(); ++l) {
        fill_mask(segmentation.values.data() + at, n, others[l], a.data());
        fill_mask(reference.values.data() + at, n, labels[l], b.data());
        any = any || std::find(b.begin(), b.end(), 1) != b.end();
        const host_space host;
        one.rows.push_back(flat ? score<2>(cardiomm::borrow(host, a.data(), plane),
                                           cardiomm::borrow(host, b.data(), plane), {h[1], h[2]},
                                           h[0], c.empty_distance)
                                : score<3>(cardiomm::borrow(host, a.data(), size),
                                           cardiomm::borrow(host, b.data(), size), h, 1,
                                           c.empty_distance));
      }
      // of a cine often only two frames are drawn
      if (s[0] > 1 && !any)
        ++without_labels;
      else
        result.cases.push_back(std::move(one));
    }
  if (without_labels > 0)
    result.notes.push_back(j.reference + ": " + std::to_string(without_labels) + " of " +
                           std::to_string(s[0] * parts) + " images have no label, not scored");
  return result;
}

struct summary {
  double mean = 0, sd = 0;
  std::size_t n = 0;
};
summary summarise(const std::vector<scored>& cases, std::size_t label, std::size_t which) {
  summary s;
  double sum = 0, square = 0;
  for (const auto& c : cases)
    if (const double v = c.rows[label][which]; !std::isnan(v)) {
      sum += v;
      ++s.n;
    }
  const auto nan = std::numeric_limits<double>::quiet_NaN();
  s.mean = s.n > 0 ? sum / double(s.n) : nan;
  for (const auto& c : cases)
    if (const double v = c.rows[label][which]; !std::isnan(v))
      square += (v - s.mean) * (v - s.mean);
  s.sd = s.n > 1 ? std::sqrt(square / double(s.n - 1)) : nan;
  return s;
}

std::string scores_csv(const std::vector<scored>& cases, const std::vector<named_label>& labels) {
  io::table t;
  t.columns = {"case", "frame", "slice", "label"};
  t.columns.insert(t.columns.end(), score_names.begin(), score_names.end());
  for (const auto& c : cases)
    for (std::size_t l = 0; l < labels.size(); ++l) {
      std::vector<std::string> row = {c.name, c.frame < 0 ? "" : std::to_string(c.frame),
                                      c.slice < 0 ? "" : std::to_string(c.slice), labels[l].name};
      for (const double v : c.rows[l]) row.push_back(std::isfinite(v) ? io::to_text(v) : "");
      t.rows.push_back(std::move(row));
    }
  return io::csv_text(t);
}

std::string title_of(const scored& c) {
  std::string t = c.name;
  if (c.frame >= 0) t += " frame " + std::to_string(c.frame);
  if (c.slice >= 0) t += " slice " + std::to_string(c.slice);
  return t;
}

void print_table(const std::vector<scored>& cases, const std::vector<named_label>& labels) {
  std::size_t wide = 4, name = 5;
  for (const auto& c : cases) wide = std::max(wide, title_of(c).size());
  for (const auto& l : labels) name = std::max(name, l.name.size());
  const int w = static_cast<int>(wide), m = static_cast<int>(name);
  std::printf("%-*s  %-*s    Dice   HD95 mm     HD mm   ASSD mm   ref ml   seg ml\n", w, "case", m,
              "label");
  const auto cell = [](double v, int width, int decimals) {
    if (std::isnan(v))
      std::printf("  %*s", width, "-");
    else
      std::printf("  %*.*f", width, decimals, v);
  };
  for (const auto& c : cases)
    for (std::size_t l = 0; l < labels.size(); ++l) {
      const auto& r = c.rows[l];
      std::printf("%-*s  %-*s", w, title_of(c).c_str(), m, labels[l].name.c_str());
      cell(r[dice_at], 6, 4);
      cell(r[hausdorff95_at], 8, 3);
      cell(r[hausdorff_at], 8, 3);
      cell(r[assd_at], 8, 3);
      cell(r[volume_at], 7, 2);
      cell(r[volume_at + 1], 7, 2);
      std::printf("\n");
    }
  if (cases.size() < 2) return;
  for (std::size_t l = 0; l < labels.size(); ++l) {
    const auto text = [&](std::size_t which, int decimals) {
      const summary s = summarise(cases, l, which);
      if (s.n == 0) return std::string("-");
      char out[80];
      std::snprintf(out, sizeof(out), "%.*f +- %.*f (%zu)", decimals, s.mean, decimals,
                    std::isnan(s.sd) ? 0.0 : s.sd, s.n);
      return std::string(out);
    };
    std::printf("%s: Dice %s, HD95 %s mm, ASSD %s mm\n", labels[l].name.c_str(),
                text(dice_at, 4).c_str(), text(hausdorff95_at, 3).c_str(),
                text(assd_at, 3).c_str());
  }
}

}  // namespace

void score_masks(const scores_command& c, const common_options& common) {
  const auto labels = parse_labels(c.labels, "--labels");
  auto others = labels;
  if (!c.other_labels.empty()) {
    const auto given = parse_labels(c.other_labels, "--segmentation-labels");
    for (auto& l : others) {
      const auto found =
          std::find_if(given.begin(), given.end(), [&](const auto& g) { return g.name == l.name; });
      require<value_error>(found != given.end(), "--segmentation-labels: expected a number for ",
                           l.name, ", found none");
      l = *found;
    }
    require<value_error>(given.size() == labels.size(),
                         "--segmentation-labels: expected the names of --labels, found ",
                         given.size(), " for ", labels.size());
  }
  std::optional<io::atomic_file> csv;
  if (!c.csv.empty()) csv.emplace(c.csv, common.policy());
  const auto list = find_jobs(c);
  std::vector<file_result> results(list.jobs.size());
  progress p(common);
  std::atomic<std::size_t> next{0};
  std::size_t done = 0;
  std::mutex one_at_a_time;
  const auto work = [&] {
    for (std::size_t i; (i = next++) < list.jobs.size() && !interrupt_requested;) {
      const job& j = list.jobs[i];
      try {
        results[i] = score_file(c, j, labels, others);
      } catch (const cardiomm::error& e) {
        results[i] = {j.name, e.what(), {}, {}};
      }
      const std::lock_guard lock(one_at_a_time);
      ++done;
    }
  };
  if (list.jobs.size() == 1) {
    results[0] = score_file(c, list.jobs[0], labels, others);
  } else {
    const std::size_t wanted = common.threads > 0
                                   ? static_cast<std::size_t>(common.threads)
                                   : std::max<std::size_t>(1, std::thread::hardware_concurrency());
    std::vector<std::thread> team;
    for (std::size_t i = 0; i < std::min(wanted, list.jobs.size()); ++i) team.emplace_back(work);
    for (auto& t : team) t.join();
  }
  stop_if_interrupted();
  std::vector<scored> cases;
  std::vector<std::string> errors, notes;
  for (auto& r : results) {
    if (!r.error.empty()) errors.push_back(r.error);
    for (auto& one : r.cases) cases.push_back(std::move(one));
    notes.insert(notes.end(), r.notes.begin(), r.notes.end());
  }
  std::size_t no_distance = 0, absent = 0;
  for (const auto& one : cases)
    for (const auto& r : one.rows) {
      absent += std::isnan(r[dice_at]);
      no_distance += !std::isnan(r[dice_at]) && std::isnan(r[hausdorff_at]);
    }
  if (absent > 0)
    notes.push_back(std::to_string(absent) + " labels are in neither file and have no scores");
  if (no_distance > 0)
    notes.push_back(std::to_string(no_distance) +
                    " labels are in one of the files only: Dice 0 and no distance; "
                    "--empty-distance MM gives them one");
  if (csv) {
    csv->write(scores_csv(cases, labels));
    csv->commit();
  }
  if (common.as_json) {
    json all = json::array(), means = json::object();
    for (const auto& one : cases) {
      json entry = {{"case", one.name}};
      if (one.frame >= 0) entry["frame"] = one.frame;
      if (one.slice >= 0) entry["slice"] = one.slice;
      for (std::size_t l = 0; l < labels.size(); ++l)
        for (std::size_t k = 0; k < score_names.size(); ++k)
          entry["labels"][labels[l].name][score_names[k]] = number(one.rows[l][k]);
      all.push_back(std::move(entry));
    }
    for (std::size_t l = 0; l < labels.size(); ++l)
      for (std::size_t k = 0; k < score_names.size(); ++k) {
        const summary s = summarise(cases, l, k);
        means[labels[l].name][score_names[k]] = {
            {"mean", number(s.mean)}, {"sd", number(s.sd)}, {"n", s.n}};
      }
    std::cout << dump({{"distance_unit", "mm"},
                       {"volume_unit", "ml"},
                       {"cases", all},
                       {"summary", means},
                       {"notes", notes},
                       {"unmatched", list.unmatched},
                       {"errors", errors}})
              << "\n";
  } else {
    print_table(cases, labels);
    for (const auto& n : notes) std::printf("note: %s\n", one_line(n).c_str());
    for (const auto& u : list.unmatched) std::printf("not matched: %s\n", one_line(u).c_str());
    for (const auto& e : errors) std::printf("not scored: %s\n", one_line(e).c_str());
    std::fflush(stdout);
  }
  require<value_error>(
      errors.empty(), c.segmentation, ": ", errors.size(), " of ", list.jobs.size(),
      " cases could not be scored: ", errors.empty() ? std::string() : errors.front());
}

}  // namespace program
