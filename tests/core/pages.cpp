// SPDX-License-Identifier: Apache-2.0
/// \file
/// Large pages are wished for whole large pages within a block, and nothing else changes.

#include "cardiomm/core/pages.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <string>

#if defined(__linux__) && defined(MADV_HUGEPAGE)

namespace {

constexpr std::size_t large = std::size_t(2) << 20;

/// Bytes of [p, p + bytes) in mappings that the system was asked to make of large pages.
std::size_t wished(const void* p, std::size_t bytes) {
  const auto from = reinterpret_cast<std::uintptr_t>(p), to = from + bytes;
  std::ifstream maps("/proc/self/smaps");
  std::string line;
  std::uintptr_t begin = 0, end = 0;
  std::size_t sum = 0;
  while (std::getline(maps, line)) {
    unsigned long a, b;
    char dash;
    if (std::sscanf(line.c_str(), "%lx%c%lx ", &a, &dash, &b) == 3 && dash == '-') {
      begin = a;
      end = b;
    } else if (line.rfind("VmFlags:", 0) == 0 && line.find(" hg") != std::string::npos) {
      const auto first = std::max(begin, from), last = std::min(end, to);
      if (first < last) sum += last - first;
    }
  }
  return sum;
}

struct mapping {
  std::size_t bytes;
  char* data;
  explicit mapping(std::size_t n)
      : bytes(n),
        data(static_cast<char*>(
            mmap(nullptr, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    REQUIRE(static_cast<void*>(data) != MAP_FAILED);
  }
  ~mapping() { munmap(data, bytes); }
};

}  // namespace

TEST_CASE("whole large pages within a block are asked for") {
  const mapping m(8 * large);
  if (madvise(m.data, large, MADV_HUGEPAGE) != 0) {
    MESSAGE("this system has no large pages");
    return;
  }
  madvise(m.data, m.bytes, MADV_NOHUGEPAGE);
  REQUIRE(wished(m.data, m.bytes) == 0);
  cardiomm::detail::prefer_large_pages(m.data + 12345, 5 * large);
  const std::size_t found = wished(m.data, m.bytes);
  CHECK(found >= 4 * large);
  CHECK(found <= 5 * large);
  CHECK(found % large == 0);
  CHECK(wished(m.data, 12345) == 0);
}

TEST_CASE("small blocks are left alone, contents always") {
  const mapping m(6 * large);
  for (std::size_t i = 0; i < m.bytes; i += 4096) m.data[i] = static_cast<char>(i / 4096);
  const std::size_t before = wished(m.data, m.bytes);
  cardiomm::detail::prefer_large_pages(m.data, 2 * large - 1);
  CHECK(wished(m.data, m.bytes) == before);
  cardiomm::detail::prefer_large_pages(m.data, m.bytes);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < m.bytes; i += 4096) wrong += m.data[i] != static_cast<char>(i / 4096);
  CHECK(wrong == 0);
  cardiomm::detail::prefer_large_pages(nullptr, 0);
}

#endif
