// SPDX-License-Identifier: Apache-2.0
/// \file
/// Which reference belongs to which image: by names, as the published folders have them.

#include <map>
#include <set>

#include "cardiomm/io/dataset_names.hpp"
#include "report.hpp"

namespace program {
namespace {

namespace fs = std::filesystem;

using words = std::vector<std::string>;

bool begins(const std::string& text, const std::string& with) {
  return io::detail::begins(io::detail::fold(text), io::detail::fold(with));
}

/// A letter or word and digits, such as P001 and Center005.
bool numbered(const std::string& text, const std::string& word) {
  return text.size() > word.size() && begins(text, word) &&
         std::all_of(text.begin() + static_cast<std::ptrdiff_t>(word.size()), text.end(),
                     io::detail::is_digit);
}

words parts_of(const fs::path& path) {
  words w;
  for (const auto& p : path)
    if (p != "." && p != "/") w.push_back(p.string());
  return w;
}

/// The name of the data in a file name, and its `_mask_...` in parts.
struct file_words {
  std::string data, mask, af;
};
file_words read_name(const std::string& file) {
  const std::string stem = io::stem_of(file);
  for (const char* word : {"mask", "kus"}) {
    const auto found = io::sampling_of_name(stem, word);
    if (!found) continue;
    file_words w{found->data, {}, {}};
    const std::size_t infix = std::string(word).size() + 2;
    const std::string token =
        stem.size() > w.data.size() + infix ? stem.substr(w.data.size() + infix) : std::string();
    const auto digit = token.find_first_of("0123456789");
    w.mask = token.substr(0, digit);
    if (digit != std::string::npos) w.af = token.substr(digit);
    return w;
  }
  return {stem, {}, {}};
}

/// Folder names that tell what a file is, not which scan it belongs to.
bool tells_kind(const std::string& folder) {
  return io::kind_of_folder(folder) || begins(folder, "task") || begins(folder, "reconresult") ||
         begins(folder, "multicoil") || begins(folder, "singlecoil");
}

/// Siblings of ReconResult that hold no images to score.
bool no_reconstruction(const std::string& folder) {
  for (const char* name : {"ImageNII", "ImagePNG", "ReconResult_Criteria", "SegNII",
                           "CalClinicalMeasure", "GTSOS_NII", "GTSOS_PNG"})
    if (io::detail::fold(folder) == io::detail::fold(name)) return true;
  const auto kind = io::kind_of_folder(folder);
  return kind && (*kind == io::data_kind::full || *kind == io::data_kind::mask ||
                  *kind == io::data_kind::segmentation || *kind == io::data_kind::reference);
}
bool no_reference(const std::string& folder) {
  const auto kind = io::kind_of_folder(folder);
  return kind && *kind != io::data_kind::reference && *kind != io::data_kind::snapshot;
}

bool is_array(const std::string& file) {
  const std::string end = io::ending_of(file);
  for (const char* e :
       {".npy", ".npz", ".cfl", ".mat", ".h5", ".hdf5", ".nii", ".nii.gz", ".safetensors", ".mrd"})
    if (end == e) return true;
  return false;
}

/// One array file of a folder, by the names below it.
struct entry {
  std::string path;
  words folders;  ///< that tell the scan
  file_words name;
};

/// All arrays of a folder in the order of their names. Throws io_error if it cannot be listed.
std::vector<entry> list(const std::string& root, const std::string& except_below,
                        bool (*skip)(const std::string&)) {
  std::error_code code;
  std::vector<entry> all;
  fs::recursive_directory_iterator at(root, fs::directory_options::follow_directory_symlink, code);
  require<io_error>(!code, root, ": cannot be listed: ", code.message());
  for (const fs::recursive_directory_iterator end; at != end; at.increment(code)) {
    const std::string name = at->path().filename().string();
    std::error_code none;
    if (at->is_directory(none)) {
      const bool own = !except_below.empty() && fs::equivalent(at->path(), except_below, none);
      if (name[0] == '.' || skip(name) || own || at.depth() > 16) at.disable_recursion_pending();
    } else if (name[0] != '.' && is_array(name)) {
      entry e{at->path().string(), {}, read_name(name)};
      for (const auto& f : parts_of(at->path().lexically_relative(root).parent_path()))
        if (!tells_kind(f)) e.folders.push_back(f);
      all.push_back(std::move(e));
    }
    require<io_error>(!code, root, ": cannot be listed: ", code.message());
  }
  require<io_error>(!code, root, ": cannot be listed: ", code.message());
  std::sort(all.begin(), all.end(), [](const entry& a, const entry& b) { return a.path < b.path; });
  return all;
}

/// Folders from the innermost on that are the same, or -1 where they contradict each other.
int agreement(const words& a, const words& b) {
  int n = 0;
  for (std::size_t i = 1; i <= a.size() && i <= b.size(); ++i, ++n)
    if (io::detail::fold(a[a.size() - i]) != io::detail::fold(b[b.size() - i])) return -1;
  return n;
}

/// Where results lie in {Method}/ReconResult/..., what lies above ReconResult is no scan.
void cut_results(std::vector<entry>& all, const std::string& root, bool several) {
  for (entry& e : all) {
    const words w = parts_of(fs::path(e.path).lexically_relative(root).parent_path());
    std::size_t at = 0;
    for (std::size_t i = 0; i < w.size(); ++i)
      if (begins(w[i], "reconresult")) at = i;
    if (at > 0 || several) {
      e.folders.clear();
      for (std::size_t i = at; i < w.size(); ++i)
        if (!tells_kind(w[i])) e.folders.push_back(w[i]);
    }
  }
}

std::string last_part(const std::string& path) {
  fs::path p = fs::path(path).lexically_normal();
  if (!p.has_filename()) p = p.parent_path();
  return p.filename().string();
}

/// The method of an image: the folder above ReconResult, else the name of the folder that was
/// given.
std::string method_of(const entry& e, const std::string& root) {
  const words w = parts_of(fs::path(e.path));
  for (std::size_t i = w.size(); i-- > 1;)
    if (begins(w[i], "reconresult")) return w[i - 1];
  return last_part(root);
}

}  // namespace

std::array<std::string, 11> identity_values(const score_identity& who) {
  return {who.method,  who.modality, who.task, who.center, who.vendor, who.field,
          who.patient, who.data,     who.mask, who.af,     who.medcon};
}

score_identity identify(const std::string& image, const std::string& method) {
  score_identity who;
  who.method = method;
  const words w = parts_of(fs::path(image));
  const file_words name = read_name(w.empty() ? image : w.back());
  who.data = name.data;
  who.mask = name.mask;
  who.af = name.af;
  for (std::size_t i = 0; i + 1 < w.size(); ++i) {
    if (const auto m = io::modality_of_folder(w[i])) who.modality = *m;
    if (const auto s = io::set_of_folder(w[i])) who.set = *s;
    if (begins(w[i], "task"))
      who.task = w[i];
    else if (io::kind_of_folder(w[i]) && !io::task_of_folder(w[i]).empty())
      who.task = io::task_of_folder(w[i]);
    if (numbered(w[i], "Center")) {
      who.center = w[i];
      const auto scanner = io::detail::parts_of(i + 2 < w.size() ? w[i + 1] : "", '_');
      if (scanner.size() == 3) {
        who.vendor = scanner[0];
        who.field = scanner[1];
      }
    }
    if (numbered(w[i], "P")) who.patient = w[i];
    if (const int r = io::acceleration_of_folder(w[i]); r > 0 && who.mask.empty()) {
      who.mask = "Uniform";  // the only pattern of 2023
      who.af = std::to_string(r);
    }
  }
  if (who.modality.empty()) who.modality = io::modality_of_data(name.data).value_or("");
  const bool contrast_agent_never =
      who.center == "Center007" || who.center == "Center014" || who.center == "Center015";
  who.medcon = contrast_agent_never ? "NC" : "unknown";
  return who;
}

matched_images match_images(const std::string& reference, const std::vector<named_path>& images) {
  matched_images result;
  std::error_code none;
  const auto is_folder = [&](const std::string& p) { return fs::is_directory(p, none); };
  const bool folders = is_folder(reference);
  if (!folders) {
    for (const auto& image : images) {
      require<value_error>(!is_folder(image.path), image.path,
                           ": expected a file as the reference is one, found a folder");
      const bool alone = read_name(last_part(image.path)).mask.empty();
      std::string method = image.name;
      if (method.empty())
        method = alone ? io::stem_of(last_part(image.path))
                       : last_part(fs::path(image.path).parent_path().string());
      result.found.push_back({reference, image.path, identify(image.path, method)});
    }
    return result;
  }
  std::vector<entry> references;
  bool first = true;
  for (const auto& image : images) {
    require<io_error>(fs::exists(image.path, none), image.path,
                      ": cannot be opened: No such file or directory");
    require<value_error>(is_folder(image.path), image.path,
                         ": expected a folder as the reference is one, found a file");
    // results that lie below the reference's folder are no references
    const auto known = list(
        reference, fs::equivalent(reference, image.path, none) ? "" : image.path, no_reference);
    if (first)
      references = known;
    else
      std::erase_if(references, [&](const entry& e) {
        return std::none_of(known.begin(), known.end(),
                            [&](const entry& k) { return k.path == e.path; });
      });
    first = false;
  }
  // GTSOS is what was made to be compared with; a name with `_mask_` may be a mask
  const auto rank = [](const entry& e) {
    const int masked = e.name.mask.empty() ? 0 : 2;
    for (const auto& f : parts_of(fs::path(e.path)))
      if (io::kind_of_folder(f) == io::data_kind::reference) return masked;
    return masked + 1;
  };
  require<value_error>(!references.empty(), reference,
                       ": expected images (.npy, .mat, .nii.gz ...) to compare with, found none");
  std::multimap<std::string, const entry*> by_data;
  for (const entry& e : references) by_data.emplace(io::detail::fold(e.name.data), &e);
  for (const auto& image : images) {
    auto all = list(image.path, {}, no_reconstruction);
    const auto in_results = [](const entry& e) {
      const words w = parts_of(fs::path(e.path));
      return std::any_of(w.begin(), w.end(),
                         [](const std::string& f) { return begins(f, "reconresult"); });
    };
    const bool results = std::any_of(all.begin(), all.end(), in_results);
    if (results) std::erase_if(all, [&](const entry& e) { return !in_results(e); });
    if (results) cut_results(all, image.path, false);
    require<value_error>(!all.empty(), image.path,
                         ": expected images (.npy, .mat, .nii.gz ...) to score, found none");
    std::set<const entry*> used;
    for (const entry& e : all) {
      const std::string key = io::detail::fold(e.name.data);
      const auto [begin, end] = by_data.equal_range(key);
      const entry* best = nullptr;
      int most = -1;
      std::string reason;
      for (auto at = begin; at != end; ++at) {
        const entry* candidate = at->second;
        const int n = agreement(e.folders, candidate->folders);
        const bool other = !candidate->name.mask.empty() &&
                           (candidate->name.mask != e.name.mask || candidate->name.af != e.name.af);
        if (n < 0 || other) continue;
        if (n > most || (n == most && rank(*candidate) < rank(*best))) {
          most = n;
          best = candidate;
          reason.clear();
        } else if (n == most && rank(*candidate) == rank(*best))
          reason = "more than one reference: " + best->path + " and " + candidate->path;
      }
      const std::string method = image.name.empty() ? method_of(e, image.path) : image.name;
      if (best == nullptr)
        result.left_out.push_back(
            {e.path, "no reference " + e.name.data + " for it in " + reference});
      else if (!reason.empty())
        result.left_out.push_back({e.path, reason});
      else {
        used.insert(best);
        score_identity who = identify(e.path, method);
        if (who.patient.empty())  // other folders tell the scans apart
          for (const auto& f : e.folders) who.patient += (who.patient.empty() ? "" : "/") + f;
        result.found.push_back({best->path, e.path, who});
      }
    }
    for (const entry& e : references)
      if (used.count(&e) == 0)
        result.unused.push_back({e.path, "no image in " + image.path +
                                             (image.name.empty() ? "" : " (" + image.name + ")")});
  }
  return result;
}

}  // namespace program
