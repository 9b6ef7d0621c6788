// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_SANDBOX_HPP
#define CARDIOMM_IO_SANDBOX_HPP
/// \file
/// Libraries that crash or hang on damaged files (HDF5 1.10 does, and what stands on it) work in a
/// process of their own, with limits of time and memory. What goes wrong there becomes one io_error
/// here; nothing of this process is at risk.

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cstdio>
#include <functional>
#include <mutex>

#include "cardiomm/io/file.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

/// What a sandbox may use. Environment: CARDIOMM_READ_SECONDS and CARDIOMM_READ_MEGABYTES replace
/// the defaults.
struct sandbox_limits {
  double seconds = 120;              ///< until an answer begins
  std::uint64_t bytes = 8ull << 30;  ///< memory beyond what this process has

  static sandbox_limits from_environment() {
    sandbox_limits l;
    if (const char* s = std::getenv("CARDIOMM_READ_SECONDS")) l.seconds = std::strtod(s, nullptr);
    if (const char* s = std::getenv("CARDIOMM_READ_MEGABYTES"))
      l.bytes = std::strtoull(s, nullptr, 10) << 20;
    return l;
  }
};

/// A child process that opened a file with a library and answers requests about it. The child is a
/// copy of this process at the time of construction: it has one thread, so it must not compute with
/// Kokkos. It ends with the sandbox.
class sandbox {
 public:
  /// Answers a request in the child; exceptions become errors of `ask`.
  using handler = std::function<std::string(const std::string& request)>;

  /// Starts the child. `open` runs there and returns what answers requests; what it throws is
  /// thrown here. `path` and `library` name the file and who reads it in messages.
  sandbox(std::string path, std::string library, const std::function<handler()>& open,
          sandbox_limits limits = sandbox_limits::from_environment())
      : path_(std::move(path)), library_(std::move(library)), limits_(limits) {
    int pair[2];
    require<io_error>(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, path_,
                      ": a process for reading cannot be started: ", detail::reason(errno));
    std::fflush(nullptr);  // or the child would have the text too
    child_ = ::fork();
    const int code = errno;
    if (child_ == 0) {
      ::close(pair[0]);
      serve(pair[1], open);  // does not return
    }
    ::close(pair[1]);
    link_ = detail::descriptor(pair[0]);
    require<io_error>(child_ > 0, path_,
                      ": a process for reading cannot be started: ", detail::reason(code));
    try {
      (void)answer_size();  // an empty one, or why it could not be opened
    } catch (...) {
      end();
      throw;
    }
  }
  ~sandbox() { end(); }
  sandbox(const sandbox&) = delete;
  sandbox& operator=(const sandbox&) = delete;

  const std::string& path() const { return path_; }

  /// The answer to a request. Throws what the handler threw, and io_error where the child crashed
  /// or was too slow.
  std::string ask(const std::string& request) const {
    const std::lock_guard<std::mutex> one(mutex_);
    send(request);
    std::string answer(answer_size(), '\0');
    receive(answer.data(), answer.size());
    return answer;
  }
  /// The same for an answer of n bytes, straight to their place.
  void ask(const std::string& request, void* out, std::size_t n) const {
    const std::lock_guard<std::mutex> one(mutex_);
    send(request);
    const std::uint64_t size = answer_size();
    require<io_error>(size == n, path_, ": expected ", n, " bytes from ", library_, ", found ",
                      size);
    receive(out, n);
  }

 private:
  // A message is one letter (a: answer, i, v, s: errors), 8 bytes of length, the bytes.
  static bool put(int fd, const void* data, std::size_t n) {
    const auto* p = static_cast<const char*>(data);
    while (n > 0) {
      const ssize_t done = ::send(fd, p, n, MSG_NOSIGNAL);
      if (done < 0 && errno == EINTR) continue;
      if (done <= 0) return false;
      p += done;
      n -= static_cast<std::size_t>(done);
    }
    return true;
  }
  static bool put_message(int fd, char kind, const std::string& text) {
    const std::uint64_t n = text.size();
    return put(fd, &kind, 1) && put(fd, &n, 8) && put(fd, text.data(), text.size());
  }
  static bool get(int fd, void* data, std::size_t n) {
    auto* p = static_cast<char*>(data);
    while (n > 0) {
      const ssize_t got = ::recv(fd, p, n, 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      p += got;
      n -= static_cast<std::size_t>(got);
    }
    return true;
  }

  // ---- in the child -----------------------------------------------------------------------------
  [[noreturn]] void serve(int fd, const std::function<handler()>& open) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (const int s : {SIGINT, SIGTERM, SIGHUP}) ::signal(s, SIG_IGN);  // the parent ends us
    for (const int s : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) ::signal(s, SIG_DFL);
    const int quiet = ::open("/dev/null", O_RDWR);  // complaints of the library
    if (quiet >= 0)
      for (const int s : {0, 1, 2}) ::dup2(quiet, s);
    limit();
    handler answer;
    const auto guarded = [&](auto&& work) {
      try {
        put_or_leave(fd, 'a', work());
      } catch (const shape_error& e) {
        put_or_leave(fd, 's', e.what());
      } catch (const value_error& e) {
        put_or_leave(fd, 'v', e.what());
      } catch (const error& e) {
        put_or_leave(fd, 'i', e.what());
      } catch (const std::bad_alloc&) {
        put_or_leave(fd, 'i',
                     path_ + ": reading it with " + library_ + " needs more memory than " +
                         std::to_string(limits_.bytes >> 20) +
                         " MiB; the file is damaged, or raise CARDIOMM_READ_MEGABYTES");
      } catch (const std::exception& e) {
        put_or_leave(fd, 'i', path_ + ": " + library_ + ": " + e.what());
      }
    };
    bool opened = false;
    guarded([&] {
      answer = open();
      opened = true;
      return std::string();
    });
    while (opened) {
      std::uint64_t n = 0;
      char kind = 0;
      if (!get(fd, &kind, 1) || !get(fd, &n, 8)) break;
      std::string request(n, '\0');
      if (!get(fd, request.data(), n)) break;
      guarded([&] { return answer(request); });
    }
    ::_exit(0);
  }
  static void put_or_leave(int fd, char kind, const std::string& text) {
    if (!put_message(fd, kind, text)) ::_exit(0);
  }
  void limit() const {
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
#if !defined(__SANITIZE_ADDRESS__)
    std::uint64_t pages = 0;
    if (std::FILE* f = std::fopen("/proc/self/statm", "r")) {
      unsigned long long n = 0;
      if (std::fscanf(f, "%llu", &n) == 1) pages = n;
      std::fclose(f);
    }
    const rlim_t most = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) + limits_.bytes;
    const rlimit memory{most, most};
    ::setrlimit(RLIMIT_AS, &memory);
#endif
  }

  // ---- in the parent ----------------------------------------------------------------------------
  void send(const std::string& request) const {
    if (link_.get() < 0 || !put_message(link_.get(), 'q', request)) died();
  }
  /// The size of the answer that begins; throws an error that came instead.
  std::uint64_t answer_size() const {
    wait();
    char kind = 0;
    std::uint64_t n = 0;
    receive(&kind, 1);
    receive(&n, 8);
    if (kind == 'a') return n;
    std::string text(std::min<std::uint64_t>(n, 1 << 16), '\0');
    receive(text.data(), text.size());
    if (kind == 's') throw shape_error(text);
    if (kind == 'v') throw value_error(text);
    throw io_error(text);
  }
  void receive(void* out, std::size_t n) const {
    if (!get(link_.get(), out, n)) died();
  }
  void wait() const {
    pollfd p{link_.get(), POLLIN, 0};
    int ready = 0;
    do ready = ::poll(&p, 1, static_cast<int>(limits_.seconds * 1000));
    while (ready < 0 && errno == EINTR);
    if (ready > 0) return;
    end();
    throw io_error(path_ + ": " + library_ + " did not answer within " +
                   std::to_string(static_cast<long>(limits_.seconds)) +
                   " s; the file is damaged, or raise CARDIOMM_READ_SECONDS");
  }
  /// The child ended without an answer.
  [[noreturn]] void died() const {
    int status = 0;
    pid_t ended = 0;
    if (child_ > 0) {
      do ended = ::waitpid(child_, &status, 0);
      while (ended < 0 && errno == EINTR);
      child_ = -1;
    }
    link_ = detail::descriptor();
    if (ended > 0 && WIFSIGNALED(status))
      throw io_error(path_ + ": " + library_ + " crashed while reading it (signal " +
                     std::to_string(WTERMSIG(status)) + ", " + ::strsignal(WTERMSIG(status)) +
                     "): the file is damaged");
    throw io_error(path_ + ": " + library_ + " ended while reading it: the file is damaged");
  }
  void end() const {
    link_ = detail::descriptor();
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
    }
    child_ = -1;
  }

  std::string path_, library_;
  sandbox_limits limits_;
  mutable detail::descriptor link_;
  mutable pid_t child_ = -1;
  mutable std::mutex mutex_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
