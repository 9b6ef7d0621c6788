// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_TRAINING_FILES_HPP
#define CARDIOMM_TRAIN_TRAINING_FILES_HPP
/// \file
/// Fully sampled frames from HDF5 training files: those of `cardiomm dataset export --what
/// training`, of the published preparation, and fastMRI's own.

#include <sys/stat.h>

#include <filesystem>
#include <set>
#include <sstream>

#include "cardiomm/train/draws.hpp"
#include "cardiomm/train/opened_files.hpp"
#include "cardiomm/train/prepare.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// Which subjects a source has.
enum class split_part { all, training, validation };

struct training_files_options {
  index_t neighbours = 1;     ///< frames of a sample, the middle one being its own; odd
  bool along_slices = false;  ///< neighbours are slices of a frame instead of frames of a slice
  bool cyclic = false;  ///< before the first comes the last (cine); otherwise the end is repeated
  index_t crop_y = 0, crop_x = 0;  ///< centre of the image; 0, or more than there is: all
  bool half_readout = false;       ///< the centre half of the readout, before the crop
  index_t coils = 0;               ///< virtual coils; 0, or more than there are: as measured

  std::vector<std::string> below;  ///< only files below a folder of one of these names, e.g. train
  /// Only files with one of these texts: keys center, vendor, field, scanner, modality, view,
  /// lifespan; upper and lower case are the same, words of paths (30T, sax) are understood.
  std::map<std::string, std::vector<std::string>> only;
  split_part part = split_part::all;
  double validation_share = 0.1;  ///< of the subjects, by a hash of their names: none ever changes
  std::uint64_t split_seed = 0;
  double share_of_files = 1, share_of_frames = 1;  ///< by a hash of their names

  bool skip_damaged = false;  ///< leave out what cannot be used, see `skipped()`
  bool read_all = false;      ///< read every value at the start, to find damage before training
  index_t open_files = 32;
};

/// Every frame of every slice of every .h5 or .hdf5 file of a folder, at any depth, in the order of
/// the paths. The index is made once; values are read when they are asked for. Safe for several
/// threads.
///
///     train::training_files_options o;
///     o.part = train::split_part::training;
///     const auto frames = std::make_shared<train::training_files>("DATA", o);
///     const train::masked samples(frames);
///
/// The target is the file's `reconstruction_rss`; it is made from k-space where it is missing or of
/// another size, and after crop or compression. The range is the file's attribute `max`, else the
/// largest target of the file. Coils of zeros are left out.
class training_files : public source<full_frame> {
 public:
  using options = training_files_options;

  /// Throws io_error where the folder cannot be read or no file remains, and with one line that
  /// lists what cannot be used unless that is to be skipped; value_error for wrong options.
  explicit training_files(std::string folder, options o = {})
      : folder_(std::move(folder)), options_(std::move(o)), opened_(options_.open_files) {
    check();
    std::vector<std::string> paths;
    std::set<std::pair<dev_t, ino_t>> seen;
    find(folder_, "", paths, seen);
    std::sort(paths.begin(), paths.end());
    require<io_error>(!paths.empty(), folder_,
                      ": expected HDF5 training files (.h5) in the folder or below, found none");
    for (const std::string& path : paths) index(path);
    require<io_error>(skipped_.empty() || options_.skip_damaged, folder_, ": ", skipped_.size(),
                      " of ", paths.size(), " training files cannot be used: ", some(skipped_));
    require<io_error>(!samples_.empty(), folder_, ": expected frames that fit the choice, found ",
                      "none of ", paths.size(), " files",
                      options_.part == split_part::all
                          ? std::string()
                          : "; with few subjects choose another share or seed of the split",
                      skipped_.empty() ? std::string() : "; skipped: " + some(skipped_));
  }

  index_t size() const override { return static_cast<index_t>(samples_.size()); }

  full_frame get(std::uint64_t, index_t i) const override {
    require(i >= 0 && i < size(), "training files: expected a sample of 0 to ", size() - 1,
            ", found ", i);
    const auto [file, image] = samples_[static_cast<std::size_t>(i)];
    return load(files_[file], image);
  }
  train::groups groups_of(index_t i) const override {
    return files_[samples_.at(static_cast<std::size_t>(i)).file].groups;
  }
  /// Names files and frames by a check sum, so that the folder may move.
  std::string description() const override {
    std::ostringstream out;
    std::uint64_t sum = 0;
    for (const entry& f : files_) sum = hash_of(f.name, sum + f.bytes);
    for (const place& p : samples_) sum = sum * 31 + p.file * 977 + std::uint64_t(p.image);
    out << "training files " << files_.size() << " frames " << size() << " sum " << std::hex << sum
        << std::dec << " neighbours " << options_.neighbours
        << (options_.along_slices ? " along slices" : "") << (options_.cyclic ? " cyclic" : "")
        << " crop " << options_.crop_y << 'x' << options_.crop_x
        << (options_.half_readout ? " half readout" : "") << " coils " << options_.coils;
    return out.str();
  }

  /// Names of the files below the folder, in order.
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const entry& f : files_) names.push_back(f.name);
    return names;
  }
  /// Names of the people, each once.
  std::set<std::string> subjects() const {
    std::set<std::string> all;
    for (const entry& f : files_) all.insert(f.subject);
    return all;
  }
  /// What was left out, and why: "FILE: reason".
  const std::vector<std::string>& skipped() const { return skipped_; }

 private:
  struct entry {
    std::string name, path, subject;
    index_t frames, slices, coils, ny, nx;
    std::uint64_t bytes;
    float range;
    nn::text::metadata acquisition;
    train::groups groups;
  };
  struct place {
    std::size_t file;
    index_t image;
  };

  void check() const {
    const options& o = options_;
    require(o.neighbours >= 1 && o.neighbours % 2 == 1,
            "training files: neighbours: expected an odd number, found ", o.neighbours);
    require(o.crop_y >= 0 && o.crop_x >= 0 && o.coils >= 0,
            "training files: crop and coils: expected numbers of at least 0, found ", o.crop_y,
            ", ", o.crop_x, ", ", o.coils);
    const std::pair<const char*, double> shares[] = {{"validation_share", o.validation_share},
                                                     {"share_of_files", o.share_of_files},
                                                     {"share_of_frames", o.share_of_frames}};
    for (const auto& [name, v] : shares)
      require(v >= 0 && v <= 1, "training files: ", name, ": expected a part of 1, found ", v);
    const std::set<std::string> keys = {"center",   "vendor", "field",   "scanner",
                                        "modality", "view",   "lifespan"};
    for (const auto& choice : o.only)
      require(keys.count(choice.first) > 0,
              "training files: only: expected center, vendor, field, scanner, modality, view or "
              "lifespan, found '",
              choice.first, "'");
  }

  /// Files below a folder; links are followed, each folder is read once.
  void find(const std::string& folder, const std::string& prefix, std::vector<std::string>& paths,
            std::set<std::pair<dev_t, ino_t>>& seen) const {
    namespace fs = std::filesystem;
    struct stat info {};
    require<io_error>(::stat(folder.c_str(), &info) == 0, folder,
                      ": cannot be read: ", io::detail::reason(errno));
    require<io_error>(S_ISDIR(info.st_mode), folder, ": expected a folder, found a file");
    if (!seen.insert({info.st_dev, info.st_ino}).second) return;
    std::error_code failed;
    fs::directory_iterator at(folder, failed);
    require<io_error>(!failed, folder, ": cannot be read: ", failed.message());
    for (const auto& item : at) {
      const std::string name = item.path().filename().string();
      if (name.empty() || name[0] == '.') continue;
      if (item.is_directory(failed)) {
        find(item.path().string(), prefix + name + "/", paths, seen);
      } else {
        std::string end = nn::text::detail::folded(item.path().extension().string());
        if (end == ".h5" || end == ".hdf5") paths.push_back(prefix + name);
      }
    }
  }
  static std::string some(const std::vector<std::string>& all) {
    std::string text;
    for (std::size_t i = 0; i < all.size() && i < 5; ++i) text += (i ? "; " : "") + all[i];
    return all.size() > 5 ? text + "; and " + std::to_string(all.size() - 5) + " more" : text;
  }
  static bool chosen(const std::string& name, double share, std::uint64_t seed) {
    return share >= 1 || double(hash_of(name, seed) >> 11) * 0x1p-53 < share;
  }

  /// The person of a file: centre, scanner and patient of the path that `patient_id` is, so that
  /// the modalities of one visit stay together; otherwise the text itself; the folder of the file
  /// where there is none, and its own name where it lies alone.
  static std::string subject_of(const std::string& patient_id, const std::string& name) {
    auto parts = nn::text::detail::split(patient_id.empty() ? name : patient_id, '/');
    if (parts.size() == 1) return patient_id.empty() ? name : patient_id;
    parts.pop_back();
    std::string subject;
    int count = 0;
    while (!parts.empty() && count < 3) {
      const std::string part = parts.back();
      parts.pop_back();
      if (part.empty() || part.rfind("h5_", 0) == 0) continue;
      subject = subject.empty() ? part : part + "/" + subject;
      ++count;
      if (part.size() > 3 && part.compare(part.size() - 3, 3, "Set") == 0) break;
    }
    return subject.empty() ? name : subject;
  }

  void index(const std::string& name) {
    const std::string path = (std::filesystem::path(folder_) / name).string();
    const auto folders = nn::text::detail::split(name, '/');
    if (!options_.below.empty()) {
      const auto inside = [&](const std::string& b) {
        return std::find(folders.begin(), folders.end() - 1, b) != folders.end() - 1;
      };
      if (std::none_of(options_.below.begin(), options_.below.end(), inside)) return;
    }
    if (!chosen(name, options_.share_of_files, 11)) return;
    try {
      const io::fastmri_file file(path);
      require<io_error>(!file.mask(), path,
                        ": expected full k-space, found an undersampled file with a mask");
      entry f{name, path, "", file.frames(), file.slices(), file.coils(), file.ny(), file.nx(), 0,
              0,    {},   {}};
      struct stat info {};
      if (::stat(path.c_str(), &info) == 0) f.bytes = static_cast<std::uint64_t>(info.st_size);
      if (!describe(file, f)) return;
      f.range = range_of(file);
      require<io_error>(f.range > 0 && std::isfinite(f.range), path,
                        ": largest target: expected a finite number above 0, found ", f.range);
      const std::size_t number = files_.size();
      std::vector<place> images;
      for (index_t i = 0; i < file.images(); ++i)
        if (chosen(name + "#" + std::to_string(i), options_.share_of_frames, 12))
          images.push_back({number, i});
      if (options_.read_all) keep_readable(f, images);
      if (images.empty()) return;
      files_.push_back(std::move(f));
      samples_.insert(samples_.end(), images.begin(), images.end());
    } catch (const error& e) {
      const std::string what = e.what();
      skipped_.push_back(what.rfind(path, 0) == 0 ? what : name + ": " + what);
    }
  }
  /// Texts, groups and subject; false where the file is not asked for.
  bool describe(const io::fastmri_file& file, entry& f) const {
    const auto text = [&](const std::string& key) {
      const std::string said = file.text(key);
      return nn::text::detail::known_text(key, said).value_or(said);
    };
    const std::pair<const char*, std::string*> members[] = {{"field", &f.acquisition.field},
                                                            {"vendor", &f.acquisition.vendor},
                                                            {"scanner", &f.acquisition.scanner},
                                                            {"modality", &f.acquisition.modality},
                                                            {"view", &f.acquisition.view}};
    for (const auto& [key, member] : members) f.groups[key] = *member = text(key);
    if (const std::string l = text("lifespan"); l != "unknown") f.acquisition.lifespan = l;
    f.groups["lifespan"] = f.acquisition.lifespan;
    f.groups["center"] = file.text("center");
    f.subject = subject_of(file.text("patient_id", ""), f.name);
    for (const auto& [key, wanted] : options_.only) {
      const std::string found = nn::text::detail::folded(f.groups.at(key));
      const auto is = [&, k = key](const std::string& w) {
        return nn::text::detail::folded(nn::text::detail::known_text(k, w).value_or(w)) == found;
      };
      if (std::none_of(wanted.begin(), wanted.end(), is)) return false;
    }
    if (options_.part == split_part::all) return true;
    const bool validation = options_.validation_share >= 1 ||
                            chosen(f.subject, options_.validation_share, options_.split_seed);
    return validation == (options_.part == split_part::validation);
  }
  static float range_of(const io::fastmri_file& file) {
    if (const auto max = file.numbers("max"); max.size() == 1) return static_cast<float>(max[0]);
    const opened_file arrays(file);
    float most = 0;
    std::vector<float> image(static_cast<std::size_t>(file.ny() * file.nx()));
    for (index_t i = 0; i < file.images(); ++i) {
      if (arrays.rss) {
        arrays.rss->read({{i, 1, 0}, {0, file.nx(), file.ny()}, {0, file.ny(), 1}}, image.data());
      } else {
        const auto k = make_tensor<complex<float>>(
            host_space{}, shape{index_t(1), file.coils(), file.ny(), file.nx()});
        file.kspace(i, k.data());
        const auto rss = root_sum_of_squares(images_of(k));
        std::copy_n(rss.data(), rss.size(), image.begin());
      }
      for (const float v : image) {
        require<io_error>(std::isfinite(v), file.file().path(), ": image ", i,
                          ": target: expected finite values, found NaN or Inf");
        most = std::max(most, v);
      }
    }
    return most;
  }
  /// Drops the images that cannot be read, and says which.
  void keep_readable(const entry& f, std::vector<place>& images) {
    std::vector<place> good;
    for (const place& p : images) try {
        (void)load(f, p.image);
        good.push_back(p);
      } catch (const error& e) {
        skipped_.push_back(e.what());
      }
    images = good;
  }

  std::string name_of(const entry& f, index_t image) const {
    return f.name + " frame " + std::to_string(image / f.slices) +
           (f.slices > 1 ? " slice " + std::to_string(image % f.slices) : "");
  }
  /// The image `by` steps away along the axis of the neighbours.
  index_t neighbour(const entry& f, index_t image, index_t by) const {
    const index_t n = options_.along_slices ? f.slices : f.frames;
    const index_t frame = image / f.slices, slice = image % f.slices;
    index_t at = (options_.along_slices ? slice : frame) + by;
    at = options_.cyclic ? ((at % n) + n) % n : std::clamp<index_t>(at, 0, n - 1);
    return options_.along_slices ? frame * f.slices + at : at * f.slices + slice;
  }
  /// (x, y) to (y, x), in blocks that stay in a cache.
  template <class T>
  static void turn(const T* from, index_t nx, index_t ny, T* to) {
    constexpr index_t block = 32;
    for (index_t x0 = 0; x0 < nx; x0 += block)
      for (index_t y0 = 0; y0 < ny; y0 += block)
        for (index_t y = y0; y < std::min(y0 + block, ny); ++y)
          for (index_t x = x0; x < std::min(x0 + block, nx); ++x) to[y * nx + x] = from[x * ny + y];
  }

  full_frame load(const entry& f, index_t image) const {
    const auto file = opened_.get(f.path);
    const io::extents expected = file->kspace.shape().size() == 4
                                     ? io::extents{f.frames * f.slices, f.coils, f.nx, f.ny}
                                     : io::extents{f.frames * f.slices, f.nx, f.ny};
    require<io_error>(file->kspace.shape() == expected, f.path, ": expected k-space ",
                      io::to_string(expected), " as when training began, found ",
                      io::to_string(file->kspace.shape()));
    full_frame out;
    out.name = name_of(f, image);
    out.subject = f.subject;
    out.acquisition = f.acquisition;
    out.data_range = f.range;
    const index_t n = options_.neighbours, pixels = f.ny * f.nx;
    out.kspace = make_tensor<complex<float>>(host_space{}, shape{n, f.coils, f.ny, f.nx},
                                             "cardiomm::train::kspace");
    std::vector<complex<float>> raw(static_cast<std::size_t>(f.coils * pixels));
    index_t loaded = -1;
    for (index_t k = 0; k < n; ++k) {
      const index_t which = neighbour(f, image, k - n / 2);
      complex<float>* const to = out.kspace.data() + k * f.coils * pixels;
      if (which == loaded) {
        std::copy_n(to - f.coils * pixels, f.coils * pixels, to);
        continue;
      }
      std::vector<io::stored_array::range> part{{which, 1, 0}};
      if (expected.size() == 4) part.push_back({0, f.coils, pixels});
      part.push_back({0, f.nx, f.ny});
      part.push_back({0, f.ny, 1});
      file->kspace.read(part, raw.data());
      for (index_t c = 0; c < f.coils; ++c)
        turn(raw.data() + c * pixels, f.nx, f.ny, to + c * pixels);
      finite(reinterpret_cast<const float*>(raw.data()), 2 * f.coils * pixels, f, which, "k-space");
      loaded = which;
    }
    out.kspace = without_dead_coils(out.kspace);
    require<io_error>(out.kspace.extent(1) > 0, f.path, ": ", name_of(f, image),
                      ": k-space: expected a signal, found zeros only");
    const shape<4> measured = shape_of(out.kspace);
    if (options_.half_readout) out.kspace = cropped(out.kspace, 0, std::max<index_t>(f.nx / 2, 1));
    out.kspace = cropped(out.kspace, options_.crop_y, options_.crop_x);
    out.kspace = with_virtual_coils(out.kspace, options_.coils);
    const bool changed = shape_of(out.kspace) != measured;
    if (file->rss && !changed) {
      out.target = make_tensor<float>(host_space{}, shape{f.ny, f.nx}, "cardiomm::train::target");
      std::vector<float> values(static_cast<std::size_t>(pixels));
      file->rss->read({{image, 1, 0}, {0, f.nx, f.ny}, {0, f.ny, 1}}, values.data());
      finite(values.data(), pixels, f, image, "target");
      turn(values.data(), f.nx, f.ny, out.target.data());
    } else {
      out.target = root_sum_of_squares(images_of(out.kspace));
    }
    return out;
  }
  void finite(const float* v, index_t count, const entry& f, index_t image,
              const char* what) const {
    float zero = 0;  // NaN as soon as one number is not finite
    for (index_t i = 0; i < count; ++i) zero += v[i] * 0;
    require<io_error>(zero == 0, f.path, ": ", name_of(f, image), ": ", what,
                      ": expected finite values, found NaN or Inf");
  }

  std::string folder_;
  options options_;
  std::vector<entry> files_;
  std::vector<place> samples_;
  std::vector<std::string> skipped_;
  opened_files opened_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
