// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_TEXT_HPP
#define CARDIOMM_IO_TEXT_HPP
/// \file
/// Whole files as text, plain or packed by gzip.

#include "cardiomm/io/deflate.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

/// The contents of a source; those of a gzip file are unpacked. Throws io_error for files that
/// cannot be read, are damaged or hold more than `most` bytes.
inline std::string read_text(const std::shared_ptr<const byte_source>& file,
                             std::size_t most = std::size_t(1) << 28) {
  if (is_gzip(*file)) return inflater(file).rest(most);
  require<io_error>(file->size() <= most, file->path(), ": expected at most ", most,
                    " bytes of text, found ", file->size());
  std::string text(static_cast<std::size_t>(file->size()), '\0');
  file->read(0, text.data(), text.size());
  return text;
}

inline std::string read_text(const std::string& path, std::size_t most = std::size_t(1) << 28) {
  return read_text(std::make_shared<const input_file>(path), most);
}

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
