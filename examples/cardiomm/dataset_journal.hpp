// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_DATASET_JOURNAL_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_DATASET_JOURNAL_HPP
/// \file
/// What was finished in a folder of results, so that a run that was ended goes on.

#include <sys/file.h>

#include <fstream>
#include <set>

#include "dataset.hpp"
#include "journal.hpp"

namespace program {

inline std::string hex(std::uint64_t v) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(v));
  return text;
}

/// Size and check sum of a file.
inline std::pair<std::uint64_t, std::string> sum_of(const std::string& path) {
  const io::input_file file(path);
  checksum c;
  std::vector<char> part(1 << 20);
  for (std::uint64_t at = 0; at < file.size(); at += part.size()) {
    const std::size_t n =
        static_cast<std::size_t>(std::min<std::uint64_t>(part.size(), file.size() - at));
    file.read(at, part.data(), n);
    c.add(part.data(), n);
  }
  return {file.size(), hex(c.value())};
}

/// What a result depends on: the order, and the sizes and dates of its sources.
inline std::string identity_of(const dataset_order& o) {
  checksum c;
  c.add(std::string(CARDIOMM_VERSION_STRING) + "\n" +
        o.work.dump(-1, ' ', false, json::error_handler_t::replace));
  for (const auto& path : o.sources) {
    struct stat s {};
    if (::stat(path.c_str(), &s) == 0)
      c.add("\n" + path + " " + std::to_string(s.st_size) + " " + std::to_string(s.st_mtim.tv_sec) +
            "." + std::to_string(s.st_mtim.tv_nsec));
  }
  return hex(c.value());
}

/// A folder's or a named file of finished work: one JSON object a line. Only one run at a time.
class work_journal {
 public:
  explicit work_journal(const std::string& path, const std::string& out) : path_(path), out_(out) {
    if (path_.empty()) return;
    lock_ = io::detail::descriptor(
        ::open((path_ + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    require<io_error>(lock_.get() >= 0, path_, ": cannot be written: ", io::detail::reason(errno));
    require<io_error>(::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0, path_,
                      ": another run is at work here");
    std::ifstream in(path_);
    for (std::string line; std::getline(in, line);) {
      const json j = json::parse(line, nullptr, false);
      if (j.is_object() && j.contains("id") && j.contains("outputs") && j.contains("result")) {
        const auto id = j["id"].get<std::string>();
        done_[id] = j;
        for (const auto& o : j["outputs"]) owners_[o.value("path", "")] = id;
      }
    }
  }
  ~work_journal() {
    if (lock_.get() >= 0) ::unlink((path_ + ".lock").c_str());
  }
  /// The record of work whose outputs are all there, else nothing.
  const json* find(const std::string& id, bool verify) const {
    const auto at = done_.find(id);
    if (at == done_.end()) return nullptr;
    for (const auto& o : at->second["outputs"]) {
      const std::string file = (std::filesystem::path(out_) / o.value("path", "")).string();
      std::error_code code;
      const auto size = std::filesystem::file_size(file, code);
      if (code || size != o.value("bytes", std::uintmax_t(0))) return nullptr;
      if (verify && sum_of(file).second != o.value("sum", "")) return nullptr;
    }
    return &at->second;
  }
  void add(const std::string& id, const std::string& name, const json& outputs,
           const json& result) {
    if (path_.empty()) return;
    const json j = {{"name", name}, {"id", id}, {"outputs", outputs}, {"result", result}};
    for (const auto& o : outputs) {  // what made the same file before is no longer true
      std::string& owner = owners_[o.value("path", "")];
      if (!owner.empty() && owner != id) done_.erase(owner);
      owner = id;
    }
    done_[id] = j;
    if (fd_.get() < 0) {
      // what earlier runs left may end in a torn line
      write_all();
      fd_ = io::detail::descriptor(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    }
    const std::string line = j.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
    require<io_error>(
        ::write(fd_.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size()), path_,
        ": cannot be written: ", io::detail::reason(errno));
  }
  /// Ordered by name, without what does not belong to these orders: the same bytes however often
  /// the run was ended.
  void finish(const std::set<std::string>& ids) {
    if (path_.empty()) return;
    fd_ = io::detail::descriptor();
    for (auto at = done_.begin(); at != done_.end();)
      at = ids.count(at->first) || kept_by_another(at->second) ? std::next(at) : done_.erase(at);
    if (!done_.empty()) write_all();
  }

 private:
  /// Work of another command in the same folder stays known.
  bool kept_by_another(const json& j) const {
    if (j["outputs"].empty()) return false;
    for (const auto& o : j["outputs"]) {
      std::error_code code;
      if (!std::filesystem::exists(std::filesystem::path(out_) / o.value("path", ""), code))
        return false;
    }
    return true;
  }
  void write_all() {
    std::map<std::string, const json*> sorted;
    for (const auto& [id, j] : done_) sorted[j.value("name", "") + "\n" + id] = &j;
    io::atomic_file file(path_);
    for (const auto& [key, j] : sorted)
      file.write(j->dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
    file.commit();
  }
  std::string path_, out_;
  std::map<std::string, json> done_;
  std::map<std::string, std::string> owners_;  // output -> id
  io::detail::descriptor fd_, lock_;
};

/// Removes half-written files (.NAME.PID.N.part) of processes that are gone.
inline void remove_parts(const std::string& folder) {
  std::error_code code;
  for (std::filesystem::recursive_directory_iterator it(folder, code), end; !code && it != end;
       it.increment(code)) {
    const std::string n = it->path().filename().string();
    if (n.size() < 6 || n[0] != '.' || n.substr(n.size() - 5) != ".part") continue;
    const auto b = n.rfind('.', n.size() - 6);
    const auto a = b == std::string::npos || b == 0 ? b : n.rfind('.', b - 1);
    if (a == std::string::npos) continue;
    const long pid = std::strtol(n.c_str() + a + 1, nullptr, 10);
    // those that ended and were not waited for have no program any more
    char program[8];
    const std::string exe = "/proc/" + std::to_string(pid) + "/exe";
    if (pid > 0 && ::readlink(exe.c_str(), program, sizeof program) < 0 && errno == ENOENT) {
      std::error_code none;
      std::filesystem::remove(it->path(), none);
    }
  }
}

}  // namespace program

#endif
