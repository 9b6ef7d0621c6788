// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_CONTENT_HPP
#define CARDIOMM_IO_CONTENT_HPP
/// \file
/// What a file holds, told from its first bytes: for messages about files whose name promises
/// something else (a failed download that is an HTML page, text named .mat).

#include <cstddef>
#include <string>
#include <string_view>

#include "cardiomm/io/source.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

/// Bytes at the start of a file, fewer where it is shorter.
inline std::string first_bytes(const byte_source& file, std::size_t n) {
  std::string head(static_cast<std::size_t>(std::min<std::uint64_t>(n, file.size())), '\0');
  file.read(0, head.data(), head.size());
  return head;
}

/// True where the signature of HDF5 lies at a place where that format allows it (0, 512, 1024 ...).
inline bool is_hdf5(const byte_source& file) {
  constexpr std::string_view signature("\x89HDF\r\n\x1a\n", 8);
  char found[8];
  for (std::uint64_t at = 0; at + 8 <= file.size() && at < (std::uint64_t(1) << 40);
       at = at ? 2 * at : 512) {
    file.read(at, found, 8);
    if (std::string_view(found, 8) == signature) return true;
  }
  return false;
}

/// What the first bytes are: "an empty file", "an HTML page", "text", "gzip data" ...
inline std::string content_of(const byte_source& file) {
  if (file.size() == 0) return "an empty file";
  const std::string head = first_bytes(file, 512);
  const auto starts = [&](std::string_view with, std::size_t at = 0) {
    return head.size() >= at + with.size() && head.compare(at, with.size(), with) == 0;
  };
  if (starts(std::string_view("\x89HDF\r\n\x1a\n", 8))) return "an HDF5 file";
  if (starts("\x93NUMPY")) return "a .npy file";
  if (starts("\x1f\x8b")) return "gzip data";
  if (starts("PK\x03\x04") || starts("PK\x05\x06")) return "a zip archive (.npz or .zip)";
  if (starts("\x89PNG")) return "a PNG picture";
  if (starts("\xff\xd8\xff")) return "a JPEG picture";
  if (starts("%PDF")) return "a PDF document";
  if (starts("BZh")) return "bzip2 data";
  if (starts("\xfd"
             "7zXZ"))
    return "xz data";
  if (starts("\x28\xb5\x2f\xfd")) return "Zstandard data";
  if (starts("DICM", 128)) return "a DICOM file";
  if (starts("n+1", 344) || starts("ni1", 344)) return "a NIfTI-1 file";
  if (starts("MATLAB 7.3 MAT-file")) return "a MATLAB 7.3 file without its HDF5 part";
  if (starts("MATLAB 5.0 MAT-file")) return "a MATLAB 5 file";
  if (head.find_first_not_of('\0') == std::string::npos) return "zeros";
  bool text = true;
  for (const char c : head)
    text = text && (static_cast<unsigned char>(c) >= 32 || c == '\n' || c == '\r' || c == '\t') &&
           c != 127;
  if (!text) return "something else";
  std::string lower = head.substr(0, 256);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  const auto first = lower.find_first_not_of(" \t\r\n");
  if (first != std::string::npos) {
    const std::string_view page = std::string_view(lower).substr(first);
    if (page.substr(0, 9) == "<!doctype" || page.substr(0, 5) == "<html")
      return "an HTML page (a failed download?)";
    if (page.substr(0, 5) == "<?xml") return "XML text";
    if (page.substr(0, 23) == "version https://git-lfs") return "a pointer of Git LFS";
  }
  return "text";
}

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
