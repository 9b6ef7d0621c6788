// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_RUN_STATE_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_RUN_STATE_HPP
/// \file
/// What `cardiomm run` has finished, so that a run that was ended goes on where it was. Each stage
/// of a case leaves a stamp RESULT/.run/CASE/STAGE.json when its files are complete: the checksum
/// of all that they depend on, and their own checksums. A stage is done again unless both are
/// right.

#include <sys/file.h>

#include <fstream>

#include "common.hpp"
#include "journal.hpp"

namespace program {

/// Size and checksum of a file, "1234 0123456789abcdef".
inline std::string sum_of_file(const std::string& path) {
  const io::input_file file(path);
  checksum sum;
  std::vector<char> buffer(std::size_t(1) << 20);
  for (std::uint64_t at = 0; at < file.size();) {
    stop_if_interrupted();
    const auto n =
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), file.size() - at));
    file.read(at, buffer.data(), n);
    sum.add(buffer.data(), n);
    at += n;
  }
  char text[64];
  std::snprintf(text, sizeof text, "%llu %016llx", static_cast<unsigned long long>(file.size()),
                static_cast<unsigned long long>(sum.value()));
  return text;
}

class run_state {
 public:
  /// Takes the folder for this run and removes what a killed one left half-written. Throws io_error
  /// if another run is at it.
  explicit run_state(const std::string& out) : out_(out) {
    namespace fs = std::filesystem;
    const fs::path own = fs::path(out) / ".run";
    std::error_code code;
    fs::create_directories(own, code);
    require<io_error>(!code, out, ": cannot be written: ", code.message());
    const std::string lock = (own / "lock").string();
    lock_ = io::detail::descriptor(::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    require<io_error>(lock_.get() >= 0, lock, ": cannot be written: ", io::detail::reason(errno));
    require<io_error>(::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0, out,
                      ": another run is writing this folder");
    std::vector<fs::path> left;
    for (const auto& entry : fs::recursive_directory_iterator(out, code)) {
      const std::string name = entry.path().filename().string();
      if (name.size() > 6 && name[0] == '.' && name.ends_with(".part"))
        left.push_back(entry.path());
    }
    for (const auto& p : left) fs::remove(p, code);
  }

  const std::string& out() const { return out_; }
  /// RESULT/CASE/NAME; the folder is made.
  std::string result(const std::string& of, const std::string& name) const {
    return made(std::filesystem::path(out_) / of, name);
  }
  /// RESULT/.run/CASE/NAME
  std::string work(const std::string& of, const std::string& name) const {
    return made(std::filesystem::path(out_) / ".run" / of, name);
  }

  /// What the stamp of a stage says, if it is of this key and its files are as they were.
  std::optional<json> finished(const std::string& of, const std::string& stage,
                               const std::string& key) const {
    const json stamp = read_stamp(of, stage);
    if (!stamp.is_object() || stamp.value("key", "") != key) return std::nullopt;
    try {
      for (const auto& [name, sum] : stamp.at("files").items())
        if (sum_of_file((std::filesystem::path(out_) / name).string()) != sum.get<std::string>())
          return std::nullopt;
      return std::optional<json>(std::in_place, stamp.at("told"));
    } catch (const interrupted&) {
      throw;
    } catch (const std::exception&) {
      return std::nullopt;
    }
  }
  /// The stage is done again: its stamp and its files go first.
  void forget(const std::string& of, const std::string& stage) const {
    const json stamp = read_stamp(of, stage);
    std::error_code none;
    if (stamp.is_object() && stamp.contains("files"))
      for (const auto& [name, sum] : stamp["files"].items())
        std::filesystem::remove(std::filesystem::path(out_) / name, none);
    std::filesystem::remove(stamp_path(of, stage), none);
  }
  void finish(const std::string& of, const std::string& stage, const std::string& key,
              const std::vector<std::string>& files, const json& told) const {
    json sums = json::object();
    for (const std::string& f : files)
      sums[std::filesystem::path(f).lexically_relative(out_).string()] = sum_of_file(f);
    io::atomic_file file(stamp_path(of, stage));
    file.write(dump({{"key", key}, {"files", sums}, {"told", told}}) + "\n");
    file.commit();
  }
  /// Stages of earlier runs that this one does not have.
  void forget_others(const std::string& of, const std::vector<std::string>& stages) const {
    std::error_code none;
    std::vector<std::string> old;
    const auto folder = std::filesystem::path(stamp_path(of, "x")).parent_path();
    for (const auto& e : std::filesystem::directory_iterator(folder, none))
      if (e.path().extension() == ".json") old.push_back(e.path().stem().string());
    std::sort(old.begin(), old.end());
    for (const std::string& s : old)
      if (std::find(stages.begin(), stages.end(), s) == stages.end()) forget(of, s);
  }

 private:
  static std::string made(const std::filesystem::path& folder, const std::string& name) {
    std::error_code code;
    std::filesystem::create_directories(folder, code);
    require<io_error>(!code, folder.string(), ": cannot be made: ", code.message());
    return (folder / name).string();
  }
  std::string stamp_path(const std::string& of, const std::string& stage) const {
    return work(of, stage + ".json");
  }
  json read_stamp(const std::string& of, const std::string& stage) const {
    std::ifstream file(stamp_path(of, stage));
    return file ? json::parse(file, nullptr, false) : json();
  }

  std::string out_;
  io::detail::descriptor lock_;
};

}  // namespace program

#endif
