// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_FOLDER_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_FOLDER_HPP
/// \file
/// Folders of results.

#include "arrays.hpp"

namespace program {

/// The output folder; one that was made for nothing is removed again.
class output_folder {
 public:
  explicit output_folder(const std::string& path) : path_(path) {
    namespace fs = std::filesystem;
    require<io_error>(!path.empty(), "--out: expected a folder, found nothing");
    std::error_code code;
    fs::path missing = fs::path(path).lexically_normal();
    if (!missing.has_filename()) missing = missing.parent_path();
    for (fs::path p = missing; !p.empty() && !fs::exists(p, code); p = p.parent_path())
      created_.push_back(p);
    fs::create_directories(missing, code);
    const bool good = fs::is_directory(missing);
    if (!good) remove();
    require<io_error>(good, path, ": cannot be made: expected a folder, found ",
                      code ? code.message() : std::string("a file"));
  }
  ~output_folder() {
    if (!kept_) remove();
  }
  output_folder(const output_folder&) = delete;
  output_folder& operator=(const output_folder&) = delete;
  void keep() { kept_ = true; }
  std::string operator/(const char* name) const {
    return (std::filesystem::path(path_) / name).string();
  }

 private:
  void remove() {
    std::error_code none;
    for (const auto& p : created_) std::filesystem::remove(p, none);  // only while it is empty
  }
  std::string path_;
  std::vector<std::filesystem::path> created_;
  bool kept_ = false;
};

}  // namespace program

#endif
