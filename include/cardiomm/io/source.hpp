// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_SOURCE_HPP
#define CARDIOMM_IO_SOURCE_HPP
/// \file
/// Where bytes come from: a file, memory (what was unpacked), or another process that decodes a
/// format for us. Parsers and `stored_array` see this interface only.

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "cardiomm/core/error.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

/// Bytes of a known number that can be read at any place, by several threads at once.
class byte_source {
 public:
  virtual ~byte_source() = default;
  /// The name for messages: the path of a file, with the member in it where there are several.
  virtual const std::string& path() const = 0;
  virtual std::uint64_t size() const = 0;
  /// Reads n bytes at an offset. Throws io_error if there are fewer, or they cannot be read.
  virtual void read(std::uint64_t offset, void* out, std::size_t n) const = 0;

 protected:
  byte_source() = default;
  byte_source(const byte_source&) = default;
  byte_source(byte_source&&) = default;
  byte_source& operator=(const byte_source&) = default;
  byte_source& operator=(byte_source&&) = default;
  /// Throws io_error unless n bytes lie at an offset.
  void require_inside(std::uint64_t offset, std::size_t n) const {
    require<io_error>(offset <= size() && n <= size() - offset, path(), ": expected ", n,
                      " bytes at offset ", offset, ", found ", size(), " bytes");
  }
};

/// Bytes in memory.
class memory_source : public byte_source {
 public:
  memory_source(std::string path, std::string bytes)
      : path_(std::move(path)), bytes_(std::move(bytes)) {}
  const std::string& path() const override { return path_; }
  std::uint64_t size() const override { return bytes_.size(); }
  void read(std::uint64_t offset, void* out, std::size_t n) const override {
    require_inside(offset, n);
    if (n > 0) std::memcpy(out, bytes_.data() + offset, n);
  }

 private:
  std::string path_, bytes_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
