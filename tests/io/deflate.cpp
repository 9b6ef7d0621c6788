// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/io/deflate.hpp"

#include <doctest/doctest.h>

namespace io = cardiomm::io;

#if CARDIOMM_HAS_ZLIB
namespace {
/// gzip.compress(b"k-space k-space k-space\n", mtime=0) of Python.
const std::string packed(
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\xd6\x2d\x2e\x48\x4c\x4e\x55\xc8\x46\xa5\xb9\x00"
    "\x4a\x4a\x9d\xaf\x18\x00\x00\x00",
    31);
const std::string text = "k-space k-space k-space\n";

std::shared_ptr<const io::byte_source> source(const std::string& bytes) {
  return std::make_shared<io::memory_source>("f.gz", bytes);
}
std::string unpack(const std::string& bytes, std::size_t most = 1000) {
  return io::inflater(source(bytes)).rest(most);
}
std::string pack(const std::string& bytes) {
  std::string out;
  io::deflater d(io::packing::gzip,
                 [&](const void* p, std::size_t n) { out.append(static_cast<const char*>(p), n); });
  d.write(bytes.data(), bytes.size());
  d.finish();
  return out;
}
}  // namespace

TEST_CASE("what Python packed is unpacked, members joined and padding skipped") {
  CHECK(io::is_gzip(*source(packed)));
  CHECK_FALSE(io::is_gzip(*source(text)));
  CHECK(unpack(packed) == text);
  CHECK(unpack(packed + packed) == text + text);
  CHECK(unpack(packed + std::string(512, '\0')) == text);
}

TEST_CASE("damaged, cut and endless ones are refused, not more unpacked than allowed") {
  for (std::size_t n = 2; n < packed.size(); ++n)
    CHECK_THROWS_AS(unpack(packed.substr(0, n)), cardiomm::io_error);
  std::string wrong = packed;
  wrong[24] = static_cast<char>(wrong[24] ^ 1);  // the checksum
  CHECK_THROWS_WITH_AS(unpack(wrong), doctest::Contains("damaged"), cardiomm::io_error);
  CHECK_THROWS_WITH_AS(unpack(packed, 23), doctest::Contains("at most 23"), cardiomm::io_error);
  CHECK(unpack(packed, 24) == text);
}

TEST_CASE("packing gives the same bytes again, and they come back") {
  std::string large;
  for (int i = 0; i < 100'000; ++i) large += static_cast<char>((i % 977) * (i % 89) >> 3);
  CHECK(pack(large) == pack(large));
  CHECK(unpack(pack(large), large.size()) == large);
  CHECK(pack(text).substr(4, 4) == std::string(4, '\0'));  // no time
}
#endif
