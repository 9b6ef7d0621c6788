// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_IO_MUTATE_HPP
#define CARDIOMM_TESTS_IO_MUTATE_HPP
/// \file
/// Help for the tests of file formats: a temporary folder, files as strings, and a deterministic
/// mutation fuzzer.

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

namespace cardiomm_tests {

/// A folder that is removed at the end of the test; in memory where the system offers that, because
/// the fuzzers write thousands of files.
class scratch {
 public:
  scratch() {
    std::error_code none;
    const std::filesystem::path memory = "/dev/shm";
    const bool use = std::getenv("TMPDIR") == nullptr && ::access(memory.c_str(), W_OK) == 0 &&
                     std::filesystem::space(memory, none).available > (std::uintmax_t(64) << 20);
    std::string name =
        ((use ? memory : std::filesystem::temp_directory_path()) / "cardiomm-test-XXXXXX").string();
    if (!mkdtemp(name.data())) std::abort();
    path_ = name;
  }
  ~scratch() {
    std::error_code none;
    std::filesystem::remove_all(path_, none);
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }
  /// Entries in it, temporary files of atomic output included.
  int count() const {
    return static_cast<int>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::filesystem::path path_;
};

inline std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
inline void spit(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// A changed copy of a file: flipped bits, interesting bytes, removed or doubled pieces,
/// truncation. Most changes hit the first `head` bytes, where the structure is.
inline std::string mutate(std::string bytes, std::mt19937& random, std::size_t head) {
  static const char interesting[] = "\x00\xff\x7f\x80 {}[]()'\",:0123456789-<>|#\n";
  const auto below = [&](std::size_t n) { return n ? random() % n : 0; };
  const std::size_t changes = 1 + below(4);
  for (std::size_t c = 0; c < changes && !bytes.empty(); ++c) {
    const std::size_t at = below(random() % 8 ? std::min(head, bytes.size()) : bytes.size());
    switch (below(7)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 1:
        bytes[at] = interesting[below(sizeof(interesting) - 1)];
        break;
      case 2:
        bytes.resize(at);
        break;
      case 3:
        bytes.erase(at, 1 + below(9));
        break;
      case 4:
        bytes.insert(at, bytes.substr(at, 1 + below(16)));
        break;
      case 5:
        bytes.insert(at, 1 + below(12), interesting[below(sizeof(interesting) - 1)]);
        break;
      default:
        bytes[at] = static_cast<char>(random());
        break;
    }
  }
  return bytes;
}

}  // namespace cardiomm_tests

#endif
