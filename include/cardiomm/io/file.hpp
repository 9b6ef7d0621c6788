// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_FILE_HPP
#define CARDIOMM_IO_FILE_HPP
/// \file
/// Files of the host: reading at offsets with the size known in advance, and output that appears
/// under its name only when it is complete.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

#include "cardiomm/io/source.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

namespace detail {
inline std::string reason(int code) { return std::strerror(code); }

/// Directory of a path, with the slash; empty for the current one.
inline std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash + 1);
}

/// An open file descriptor that closes itself.
class descriptor {
 public:
  explicit descriptor(int fd = -1) : fd_(fd) {}
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  /// Closes and tells whether the system took everything that was written.
  bool close() { return fd_ < 0 || ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};
}  // namespace detail

/// A regular file opened for reading. Nothing is read before it is asked for.
class input_file : public byte_source {
 public:
  /// Throws io_error for a missing or unreadable file, a directory or a device.
  explicit input_file(std::string path) : path_(std::move(path)) {
    // A pipe would block in open(); O_NONBLOCK lets the check below refuse it.
    fd_ = detail::descriptor(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    require<io_error>(fd_.get() >= 0, path_, ": cannot be opened: ", detail::reason(errno));
    struct stat info {};
    require<io_error>(::fstat(fd_.get(), &info) == 0, path_,
                      ": cannot be examined: ", detail::reason(errno));
    require<io_error>(!S_ISDIR(info.st_mode), path_, ": expected a file, found a directory");
    require<io_error>(S_ISREG(info.st_mode), path_,
                      ": expected a regular file, found a pipe or device");
    size_ = static_cast<std::uint64_t>(info.st_size);
  }

  const std::string& path() const override { return path_; }
  /// Bytes in the file when it was opened.
  std::uint64_t size() const override { return size_; }

  /// Reads n bytes at an offset. Throws io_error if the file ends earlier.
  void read(std::uint64_t offset, void* out, std::size_t n) const override {
    require<io_error>(offset <= size_ && n <= size_ - offset, path_, ": expected ", n,
                      " bytes at offset ", offset, ", found a file of ", size_, " bytes");
    auto* p = static_cast<char*>(out);
    while (n > 0) {
      const ssize_t got = ::pread(fd_.get(), p, n, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      require<io_error>(got >= 0, path_, ": cannot be read: ", detail::reason(errno));
      require<io_error>(got > 0, path_, ": the file became shorter while it was read");
      p += got;
      offset += static_cast<std::uint64_t>(got);
      n -= static_cast<std::size_t>(got);
    }
  }

 private:
  std::string path_;
  detail::descriptor fd_;
  std::uint64_t size_ = 0;
};

/// What to do when an output file exists already.
enum class existing { replace, refuse };

/// Output that is written to a temporary file beside its target. `commit` brings it to the disk and
/// gives it its name; without commit (an exception, an interruption) nothing is left. A symbolic
/// link is followed; a target that is a directory, a device or a pipe is refused.
///
///     atomic_file out("image.npy");
///     out.write(bytes, n);
///     out.commit();
class atomic_file {
 public:
  /// Opens the temporary file, so that an unwritable place is found before any work is done.
  /// Throws io_error naming the path and the reason.
  explicit atomic_file(std::string path, existing policy = existing::replace)
      : path_(std::move(path)), target_(path_), policy_(policy) {
    const auto mode = examine();
    open_temporary();
    if (mode) (void)::fchmod(fd_.get(), *mode);
  }
  /// Part of a file that another process opened: `temporary` is what temporary() says there. The
  /// other process commits; here `finish` brings what was written to the disk.
  atomic_file(std::string path, const std::string& temporary)
      : path_(std::move(path)), target_(path_), policy_(existing::replace) {
    fd_ = detail::descriptor(::open(temporary.c_str(), O_WRONLY | O_CLOEXEC));
    require<io_error>(fd_.get() >= 0, path_, ": cannot be written: ", detail::reason(errno));
  }
  /// Throws what the constructor would throw, and creates nothing.
  static void check(const std::string& path, existing policy) {
    atomic_file probe(path, policy, 0);
    const std::string folder = detail::directory_of(probe.target_);
    require<io_error>(folder.size() < probe.target_.size(), path,
                      ": cannot be written: expected a file name, found a directory");
    require<io_error>(::access(folder.empty() ? "." : folder.c_str(), W_OK | X_OK) == 0, path,
                      ": cannot be written: ", detail::reason(errno));
  }
  ~atomic_file() { discard(); }
  atomic_file(const atomic_file&) = delete;
  atomic_file& operator=(const atomic_file&) = delete;

  const std::string& path() const { return path_; }
  /// Name of the temporary file.
  const std::string& temporary() const { return temporary_; }

  void write(const void* data, std::size_t n) {
    const auto* p = static_cast<const char*>(data);
    while (n > 0) {
      const ssize_t put = ::write(fd_.get(), p, std::min(n, std::size_t(1) << 30));
      if (put < 0 && errno == EINTR) continue;
      require<io_error>(put > 0, path_, ": cannot be written: ", detail::reason(errno));
      p += put;
      n -= static_cast<std::size_t>(put);
    }
  }
  void write(const std::string& text) { write(text.data(), text.size()); }
  /// Writes at a place of the file, whatever was written before.
  void write_at(std::uint64_t offset, const void* data, std::size_t n) {
    const auto* p = static_cast<const char*>(data);
    while (n > 0) {
      const ssize_t put =
          ::pwrite(fd_.get(), p, std::min(n, std::size_t(1) << 30), static_cast<off_t>(offset));
      if (put < 0 && errno == EINTR) continue;
      require<io_error>(put > 0, path_, ": cannot be written: ", detail::reason(errno));
      p += put;
      offset += static_cast<std::uint64_t>(put);
      n -= static_cast<std::size_t>(put);
    }
  }
  /// Brings what was written to the disk; nothing can be written afterwards.
  void finish() {
    require<io_error>(fd_.get() < 0 || (::fsync(fd_.get()) == 0 && fd_.close()), path_,
                      ": cannot be written: ", detail::reason(errno));
  }

  /// Makes the file visible under its name.
  void commit() { commit({this}); }

  /// Makes several files visible together: all are on the disk before the first gets its name.
  template <class Range = std::initializer_list<atomic_file*>>
  static void commit(const Range& files) {
    for (atomic_file* f : files) f->finish();
    for (atomic_file* f : files) f->publish();
  }
  static void commit(std::initializer_list<atomic_file*> files) {
    commit<std::initializer_list<atomic_file*>>(files);
  }

 private:
  /// Throws if the file cannot be replaced; the mode of the one that is there.
  std::optional<mode_t> examine() {
    require<io_error>(!path_.empty(), "output: expected a file name, found an empty one");
    struct stat info {};
    const bool there = ::lstat(path_.c_str(), &info) == 0;
    require<io_error>(!there || policy_ == existing::replace, path_,
                      ": exists already and is not to be replaced");
    if (there && S_ISLNK(info.st_mode)) {
      char* resolved = ::realpath(path_.c_str(), nullptr);
      require<io_error>(resolved != nullptr, path_, ": cannot be written: ", detail::reason(errno));
      target_ = resolved;
      std::free(resolved);
      ::stat(target_.c_str(), &info);
    }
    if (there) {
      require<io_error>(!S_ISDIR(info.st_mode), path_,
                        ": cannot be written: expected a file, found a directory");
      require<io_error>(S_ISREG(info.st_mode), path_,
                        ": cannot be written: expected a regular file, found a pipe or device");
      // rename() does not ask for the permission of the file that it replaces
      require<io_error>(::access(target_.c_str(), W_OK) == 0, path_,
                        ": cannot be written: ", detail::reason(errno));
    }
    if (!there) return std::nullopt;
    return info.st_mode & 07777;
  }
  atomic_file(const std::string& path, existing policy, int)
      : path_(path), target_(path), policy_(policy) {
    (void)examine();
  }
  void open_temporary() {
    static std::atomic<unsigned> counter{0};
    const std::string directory = detail::directory_of(target_);
    const std::string name = target_.substr(directory.size()).substr(0, 200);
    require<io_error>(!name.empty(), path_,
                      ": cannot be written: expected a file name, found a directory");
    int fd = -1;
    do {
      temporary_ = directory + "." + name + "." + std::to_string(::getpid()) + "." +
                   std::to_string(counter++) + ".part";
      fd = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (fd < 0 && errno == EEXIST);
    const int code = errno;
    if (fd < 0) temporary_.clear();
    require<io_error>(fd >= 0, path_, ": cannot be written: ", detail::reason(code));
    fd_ = detail::descriptor(fd);
  }
  void publish() {
    if (temporary_.empty()) return;
    if (policy_ == existing::refuse) {
      // link() is the rename that never replaces; some file systems lack it
      if (::link(temporary_.c_str(), target_.c_str()) == 0) {
        ::unlink(temporary_.c_str());
        temporary_.clear();
        return;
      }
      struct stat info {};
      require<io_error>(errno != EEXIST && ::lstat(target_.c_str(), &info) != 0, path_,
                        ": exists already and is not to be replaced");
    }
    require<io_error>(::rename(temporary_.c_str(), target_.c_str()) == 0, path_,
                      ": cannot be written: ", detail::reason(errno));
    temporary_.clear();
  }
  void discard() noexcept {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    temporary_.clear();
  }

  std::string path_;       // as the user wrote it, for messages
  std::string target_;     // behind symbolic links
  std::string temporary_;  // empty once published
  existing policy_;
  detail::descriptor fd_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
