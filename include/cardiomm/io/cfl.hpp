// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_CFL_HPP
#define CARDIOMM_IO_CFL_HPP
/// \file
/// BART's arrays: NAME.hdr lists up to 16 dimensions as text, NAME.cfl holds complex64 values, the
/// first dimension contiguous. Source: the files of BART's src/misc/io.c.

#include <array>
#include <sstream>

#include "cardiomm/io/array.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

/// Meaning of BART's dimensions (src/misc/mri.h).
namespace cfl_dim {
inline constexpr int read = 0, phase1 = 1, phase2 = 2, coil = 3, maps = 4, te = 5, time = 10,
                     slice = 13;
}

inline constexpr int cfl_dims = 16;
using cfl_shape = std::array<index_t, cfl_dims>;

/// Name without .cfl or .hdr, which users may write or leave out.
inline std::string cfl_base(const std::string& path) {
  if (path.size() > 4) {
    const std::string end = path.substr(path.size() - 4);
    if (end == ".cfl" || end == ".hdr") return path.substr(0, path.size() - 4);
  }
  return path;
}

/// A pair of files: the dimensions in BART's order and the values, whose row-major shape is the
/// reverse of them.
struct cfl_file {
  cfl_shape dims;
  stored_array values;
};

/// Opens the bytes of a header and of values and checks that their sizes fit. Throws io_error.
inline cfl_file open_cfl(const byte_source& header,
                         const std::shared_ptr<const byte_source>& data) {
  const std::string& header_path = header.path();
  require<io_error>(header.size() <= (1u << 20), header_path,
                    ": expected a header of at most 1048576 bytes, found ", header.size());
  std::string text(static_cast<std::size_t>(header.size()), '\0');
  header.read(0, text.data(), text.size());

  cfl_shape dims;
  dims.fill(1);
  std::istringstream lines(text);
  std::string line;
  bool found = false;
  while (!found && std::getline(lines, line)) {
    if (line.rfind("# Dimensions", 0) != 0) continue;
    found = true;
    std::getline(lines, line);
    std::size_t at = 0;
    int count = 0;
    while (at < line.size()) {
      if (line[at] == ' ' || line[at] == '\t' || line[at] == '\r') {
        ++at;
        continue;
      }
      index_t n = 0;
      const std::size_t first = at;
      while (at < line.size() && line[at] >= '0' && line[at] <= '9' && at - first < 18)
        n = 10 * n + (line[at++] - '0');
      require<io_error>(at > first && n > 0 && (at == line.size() || line[at] <= ' '), header_path,
                        ": expected positive dimensions, found something else");
      require<io_error>(count < cfl_dims, header_path, ": expected at most ", cfl_dims,
                        " dimensions, found more");
      dims[static_cast<std::size_t>(count++)] = n;
    }
    require<io_error>(count > 0, header_path, ": expected a line of dimensions, found none");
  }
  require<io_error>(found, header_path, ": expected a line '# Dimensions', found none");

  stored_array::place where;
  where.type = dtype::c64;
  where.swapped = std::endian::native != std::endian::little;
  where.shape.assign(dims.rbegin(), dims.rend());
  const std::uint64_t need = static_cast<std::uint64_t>(count_of(where.shape, 8, header_path)) * 8;
  require<io_error>(need == data->size(), data->path(), ": expected ", need,
                    " bytes for the dimensions in ", header_path, ", found ", data->size());
  return {dims, stored_array(data, where)};
}

/// Opens NAME.hdr and NAME.cfl. Throws io_error.
inline cfl_file open_cfl(const std::string& name) {
  const std::string base = cfl_base(name);
  const input_file header(base + ".hdr");
  return open_cfl(header, std::make_shared<const input_file>(base + ".cfl"));
}

/// The two files of an array, written aside. `commit` gives them their names.
class cfl_output {
 public:
  explicit cfl_output(const std::string& name, existing policy = existing::replace)
      : data_(cfl_base(name) + ".cfl", policy), header_(cfl_base(name) + ".hdr", policy) {}
  /// `values` hold the product of the dimensions, the first dimension contiguous.
  void write(const cfl_shape& dims, const complex<float>* values) {
    std::size_t bytes = sizeof(complex<float>);
    for (const index_t d : dims) bytes *= static_cast<std::size_t>(d);
    data_.write(values, bytes);
    write_header(dims);
  }
  void write_header(const cfl_shape& dims) {
    std::string text = "# Dimensions\n";
    for (const index_t d : dims) text += std::to_string(d) + " ";
    header_.write(text + "\n");
  }
  /// The file of the values, for writing in pieces.
  atomic_file& data() { return data_; }
  /// For several outputs that have to appear together.
  std::array<atomic_file*, 2> files() { return {&data_, &header_}; }
  void commit() { atomic_file::commit(files()); }

 private:
  atomic_file data_, header_;
};

/// Writes NAME.cfl and NAME.hdr; both are complete before either gets its name.
inline void write_cfl(const std::string& name, const cfl_shape& dims, const complex<float>* values,
                      existing policy = existing::replace) {
  cfl_output out(name, policy);
  out.write(dims, values);
  out.commit();
}

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
