// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_JOURNAL_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_JOURNAL_HPP
/// \file
/// Finished images of a long run, kept so that a run that was ended goes on where it was. The file
/// (OUT.partial, and OUT.partial.N of process N) is a line that says which run it belongs to, then
/// records that are only ever appended: number of the image, values, check sum. What a killed
/// process left half-written is found by the check sum and written again.

#include <sys/file.h>

#include <map>

#include "arrays.hpp"

namespace program {

/// FNV-1a, for check sums and fingerprints.
class checksum {
 public:
  void add(const void* data, std::size_t n) {
    const auto* p = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < n; ++i) value_ = (value_ ^ p[i]) * 0x100000001b3ull;
  }
  void add(const std::string& text) { add(text.data(), text.size()); }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325ull;
};

class journal {
 public:
  /// Of process `rank`. `run` is one line that tells everything that the images depend on; records
  /// of other runs do not count.
  journal(const std::string& out, std::string run, index_t values, int rank)
      : base_(out + ".partial"),
        path_(base_ + (rank > 0 ? "." + std::to_string(rank) : std::string())),
        run_(std::move(run) + "\n"),
        values_(values) {
    find();
  }
  ~journal() {
    if (fd_.get() >= 0 && done_.empty()) ::unlink(path_.c_str());
  }
  journal(const journal&) = delete;
  journal& operator=(const journal&) = delete;

  const std::string& path() const { return path_; }
  /// Images that are finished, by all processes as far as was known at the last `find`.
  index_t count() const { return static_cast<index_t>(done_.size()); }
  bool has(index_t image) const { return done_.count(image) > 0; }
  /// A file of another run lies here, and will be replaced.
  bool other() const { return other_; }

  /// Reads which images the files of all processes hold.
  void find() {
    done_.clear();
    end_ = 0;
    for (const std::string& path : files()) {
      std::optional<io::input_file> file;
      try {
        file.emplace(path);
      } catch (const io_error&) {
        continue;  // gone meanwhile
      }
      std::string head(run_.size(), '\0');
      if (file->size() < head.size()) continue;
      file->read(0, head.data(), head.size());
      if (head != run_) {
        other_ = other_ || path == path_;
        continue;
      }
      std::uint64_t at = head.size();
      std::vector<float> plane(static_cast<std::size_t>(values_));
      for (; file->size() - at >= record_bytes(); at += record_bytes()) {
        std::uint64_t ends[2];
        file->read(at, &ends[0], 8);
        file->read(at + 8, plane.data(), plane.size() * sizeof(float));
        file->read(at + record_bytes() - 8, &ends[1], 8);
        if (ends[1] != sum_of(ends[0], plane.data())) break;
        done_[static_cast<index_t>(ends[0])] = {path, at + 8};
      }
      if (path == path_) end_ = at;
    }
  }
  /// Keeps a finished image. Throws io_error where that cannot be written or another run is at it.
  void add(index_t image, const float* plane) {
    if (fd_.get() < 0) open();
    const auto number = static_cast<std::uint64_t>(image), sum = sum_of(number, plane);
    const std::uint64_t at = end_;
    write(&number, 8);
    write(plane, static_cast<std::size_t>(values_) * sizeof(float));
    write(&sum, 8);
    done_[image] = {path_, at + 8};
  }
  /// The values of a finished image.
  void read(index_t image, float* plane) const {
    const auto& [path, at] = done_.at(image);
    io::input_file(path).read(at, plane, static_cast<std::size_t>(values_) * sizeof(float));
  }
  /// The files of all processes go.
  void remove() {
    fd_ = io::detail::descriptor();
    for (const std::string& path : files()) ::unlink(path.c_str());
    done_.clear();
  }
  /// Others see what was written.
  void close() {
    require<io_error>(fd_.get() < 0 || (::fsync(fd_.get()) == 0 && fd_.close()), path_,
                      ": cannot be written: ", io::detail::reason(errno));
  }

 private:
  std::uint64_t record_bytes() const {
    return 16 + static_cast<std::uint64_t>(values_) * sizeof(float);
  }
  std::uint64_t sum_of(std::uint64_t number, const float* plane) const {
    checksum c;
    c.add(&number, 8);
    c.add(plane, static_cast<std::size_t>(values_) * sizeof(float));
    return c.value();
  }
  /// OUT.partial and OUT.partial.1, ...
  std::vector<std::string> files() const {
    namespace fs = std::filesystem;
    const std::string folder = io::detail::directory_of(base_), name = base_.substr(folder.size());
    std::vector<std::string> found;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder.empty() ? "." : folder, none)) {
      const std::string n = entry.path().filename().string();
      if (n.rfind(name, 0) != 0) continue;
      const std::string rest = n.substr(name.size());
      if (rest.empty() || (rest.size() > 1 && rest[0] == '.' &&
                           rest.find_first_not_of("0123456789", 1) == std::string::npos))
        found.push_back(folder + n);
    }
    std::sort(found.begin(), found.end());
    return found;
  }
  void open() {
    fd_ = io::detail::descriptor(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    require<io_error>(fd_.get() >= 0, path_, ": cannot be written: ", io::detail::reason(errno));
    if (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
      const bool busy = errno == EWOULDBLOCK;
      if (busy) fd_ = io::detail::descriptor();
      require<io_error>(!busy, path_, ": another run is writing this file");
    }
    // what follows the last good record, or all of a file that is of no use
    require<io_error>(::ftruncate(fd_.get(), static_cast<off_t>(end_)) == 0 &&
                          ::lseek(fd_.get(), static_cast<off_t>(end_), SEEK_SET) >= 0,
                      path_, ": cannot be written: ", io::detail::reason(errno));
    if (end_ == 0) write(run_.data(), run_.size());
  }
  void write(const void* data, std::size_t n) {
    const auto* p = static_cast<const char*>(data);
    while (n > 0) {
      const ssize_t put = ::write(fd_.get(), p, n);
      if (put < 0 && errno == EINTR) continue;
      require<io_error>(put > 0, path_, ": cannot be written: ", io::detail::reason(errno));
      p += put;
      n -= static_cast<std::size_t>(put);
      end_ += static_cast<std::uint64_t>(put);
    }
  }

  std::string base_, path_, run_;
  index_t values_;
  std::map<index_t, std::pair<std::string, std::uint64_t>> done_;  // image -> file, offset
  std::uint64_t end_ = 0;  // of the good part of this process's file
  bool other_ = false;
  io::detail::descriptor fd_;
};

}  // namespace program

#endif
