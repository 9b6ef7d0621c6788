// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_TEXT_HPP
#define CARDIOMM_IO_TEXT_HPP
/// \file
/// Whole files as text, plain or packed by gzip.

#include "cardiomm/core/config.hpp"
#include "cardiomm/io/file.hpp"
#if CARDIOMM_HAS_ZLIB
#include <zlib.h>
#endif

namespace cardiomm::inline CARDIOMM_ABI::io {

namespace detail {
#if CARDIOMM_HAS_ZLIB
/// A running decompression that ends itself.
struct inflation {
  z_stream stream{};
  explicit inflation(const std::string& path) {
    // 16: expect the header and the checksum of gzip
    require<io_error>(inflateInit2(&stream, 15 + 16) == Z_OK, path, ": zlib cannot start");
  }
  ~inflation() { inflateEnd(&stream); }
  inflation(const inflation&) = delete;
  inflation& operator=(const inflation&) = delete;
};

/// Unpacks all members of a gzip file.
inline std::string unpack(const std::string& path, std::string packed, std::size_t most) {
  inflation run(path);
  run.stream.next_in = reinterpret_cast<Bytef*>(packed.data());
  run.stream.avail_in = static_cast<uInt>(packed.size());
  std::string out;
  while (true) {
    char part[1 << 16];
    run.stream.next_out = reinterpret_cast<Bytef*>(part);
    run.stream.avail_out = sizeof(part);
    const int code = inflate(&run.stream, Z_NO_FLUSH);
    out.append(part, sizeof(part) - run.stream.avail_out);
    require<io_error>(out.size() <= most, path, ": expected at most ", most,
                      " bytes of text, found more");
    if (code == Z_STREAM_END) {
      if (run.stream.avail_in == 0) return out;
      require<io_error>(inflateReset(&run.stream) == Z_OK, path, ": zlib cannot start");
      continue;
    }
    require<io_error>(
        code == Z_OK && (run.stream.avail_in > 0 || run.stream.avail_out == 0), path,
        ": expected a whole gzip file, found ",
        code == Z_OK || code == Z_BUF_ERROR ? "one that ends early" : "one that is damaged");
  }
}
#endif
}  // namespace detail

/// The contents of a file; those of a gzip file are unpacked. Throws io_error for files that cannot
/// be read, are damaged or hold more than `most` bytes.
inline std::string read_text(const std::string& path, std::size_t most = std::size_t(1) << 28) {
  const input_file file(path);
  require<io_error>(file.size() <= most, path, ": expected at most ", most, " bytes, found ",
                    file.size());
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  file.read(0, text.data(), text.size());
  if (text.size() < 2 || text[0] != '\x1f' || text[1] != '\x8b') return text;
#if CARDIOMM_HAS_ZLIB
  return detail::unpack(path, std::move(text), most);
#else
  throw io_error(path + ": reading gzip files needs zlib, which this build lacks; unpack it first");
#endif
}

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
