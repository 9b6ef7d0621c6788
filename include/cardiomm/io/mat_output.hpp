// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_MAT_OUTPUT_HPP
#define CARDIOMM_IO_MAT_OUTPUT_HPP
/// \file
/// Writing MATLAB files: version 5 (compressed as MATLAB's -v7, or not) through matio, and 7.3
/// through HDF5. Our last axis becomes MATLAB's first: images (frame, slice, y, x) are [nx, ny, nz,
/// nt] there, with the same bytes.
///
/// The published files of the field have one variable each: `reconimage`, single, always 4-D [nx,
/// ny, nz, nt] (`with_rank(images, 4)`); `gtsosimage`, of the rank of its k-space; `zfsosimage`,
/// without axes of one (`squeezed`).

#include "cardiomm/io/hdf5_output.hpp"

#if CARDIOMM_HAS_MATIO
#include <matio.h>
#endif

namespace cardiomm::inline CARDIOMM_ABI::io {

/// The array without axes of extent 1.
inline array squeezed(array a) {
  a.shape.erase(std::remove(a.shape.begin(), a.shape.end(), index_t(1)), a.shape.end());
  return a;
}

/// The array with axes of extent 1 in front, up to a rank. Throws shape_error if it has more axes.
inline array with_rank(array a, std::size_t rank) {
  require<shape_error>(a.shape.size() <= rank, "expected at most ", rank, " axes, found ",
                       to_string(a.shape));
  a.shape.insert(a.shape.begin(), rank - a.shape.size(), 1);
  return a;
}

enum class mat_version { v5, v73 };

/// A MATLAB file that is being written.
///
///     mat_output out("recon.mat");
///     out.add("reconimage", with_rank(images, 4));
///     out.commit();
class mat_output {
 public:
  /// Throws io_error for a place that cannot be written, or where this build lacks the library.
  explicit mat_output(std::string path, existing policy = existing::replace,
                      mat_version version = mat_version::v5) {
    if (version == mat_version::v73) {
      hdf5_ = std::make_unique<hdf5_output>(std::move(path), policy, 512);
      return;
    }
    out_ = std::make_unique<atomic_file>(std::move(path), policy);
#if CARDIOMM_HAS_MATIO
    (void)Mat_LogInitFunc("cardiomm", [](int, auto*) {});
    // No date: the same values give the same bytes.
    file_.reset(Mat_CreateVer(out_->temporary().c_str(), "MATLAB 5.0 MAT-file, written by CardioMM",
                              MAT_FT_MAT5));
    require<io_error>(file_ != nullptr, out_->path(), ": cannot be written: matio");
#else
    throw io_error(out_->path() +
                   ": writing it needs matio, which this build lacks; expected a .npy or .cfl "
                   "name, or install libmatio-dev and configure again");
#endif
  }

  const std::string& path() const { return hdf5_ ? hdf5_->path() : out_->path(); }

  /// Adds a variable of MATLAB's size backwards: shape (nt, nz, ny, nx) is [nx, ny, nz, nt]; one
  /// axis gives a row, none a scalar. Half precision becomes single. Throws value_error for a name
  /// that MATLAB does not take, io_error for more than version 5 holds.
  void add(const std::string& name, const array& a, bool compress = true) {
    require(is_name(name), path(), ": expected a name of letters, digits and _, found '", name,
            "'");
    extents size(a.shape.rbegin(), a.shape.rend());
    if (size.size() < 2) size.insert(size.begin(), 2 - size.size(), 1);
    if (a.type == dtype::f16) {
      array single{dtype::f32, a.shape, {}};
      const auto v = a.values<float>();
      single.bytes.resize(v.size() * sizeof(float));
      if (!v.empty()) std::memcpy(single.bytes.data(), v.data(), single.bytes.size());
      return hdf5_ ? add_v73(name, single, size, compress) : add_v5(name, single, size, compress);
    }
    return hdf5_ ? add_v73(name, a, size, compress) : add_v5(name, a, size, compress);
  }
  template <TensorView V>
  void add(const std::string& name, const V& values, bool compress = true) {
    add(name, array::from(values), compress);
  }

  /// Closes the file and gives it its name.
  void commit() {
    close();
    file().commit();
  }
  /// Closes the file; who has several outputs commits `file()` together with them.
  void close() {
    if (hdf5_) {
      hdf5_->head(head());
      hdf5_->close();
      return;
    }
#if CARDIOMM_HAS_MATIO
    if (mat_t* f = file_.release())
      require<io_error>(Mat_Close(f) == 0, path(), ": cannot be written: matio");
#endif
  }
  atomic_file& file() { return hdf5_ ? hdf5_->file() : *out_; }

 private:
  static bool is_name(const std::string& name) {
    bool good =
        !name.empty() && name.size() <= 63 && (name[0] < '0' || name[0] > '9') && name[0] != '_';
    for (const char c : name)
      good = good && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_');
    return good;
  }
  static const char* class_of(dtype t) {
    constexpr const char* names[] = {"logical", "int8",   "int16",  "int32",  "int64",
                                     "uint8",   "uint16", "uint32", "uint64", "single",
                                     "single",  "double", "single", "double"};
    return names[static_cast<int>(t)];
  }

  // ---- version 5 ----------------------------------------------------------------------------
  void add_v5(const std::string& name, const array& a, const extents& size, bool compress) {
    constexpr std::size_t most = (std::size_t(1) << 31) - 4096;
    require<io_error>(a.bytes.size() < most, path(), ": ", name, ": ", a.bytes.size(),
                      " bytes are more than a variable of a MATLAB 5 file holds (2^31); expected a "
                      ".h5 or .npy name for so large an array");
#if CARDIOMM_HAS_MATIO
    static constexpr matio_classes classes[] = {
        MAT_C_UINT8,  MAT_C_INT8,   MAT_C_INT16,  MAT_C_INT32,  MAT_C_INT64,
        MAT_C_UINT8,  MAT_C_UINT16, MAT_C_UINT32, MAT_C_UINT64, MAT_C_SINGLE,
        MAT_C_SINGLE, MAT_C_DOUBLE, MAT_C_SINGLE, MAT_C_DOUBLE};
    static constexpr matio_types types[] = {MAT_T_UINT8,  MAT_T_INT8,   MAT_T_INT16,  MAT_T_INT32,
                                            MAT_T_INT64,  MAT_T_UINT8,  MAT_T_UINT16, MAT_T_UINT32,
                                            MAT_T_UINT64, MAT_T_SINGLE, MAT_T_SINGLE, MAT_T_DOUBLE,
                                            MAT_T_SINGLE, MAT_T_DOUBLE};
    std::vector<std::size_t> dims(size.begin(), size.end());
    std::vector<std::byte> re, im;
    mat_complex_split_t split{nullptr, nullptr};
    const void* values = a.bytes.data();
    if (is_complex_type(a.type)) {
      const std::size_t half = size_of(a.type) / 2, n = a.bytes.size() / (2 * half);
      re.resize(n * half);
      im.resize(n * half);
      for (std::size_t i = 0; i < n; ++i) {
        std::memcpy(re.data() + i * half, a.bytes.data() + 2 * i * half, half);
        std::memcpy(im.data() + i * half, a.bytes.data() + (2 * i + 1) * half, half);
      }
      split = {re.data(), im.data()};
      values = &split;
    }
    const int flags = MAT_F_DONT_COPY_DATA | (is_complex_type(a.type) ? MAT_F_COMPLEX : 0) |
                      (a.type == dtype::boolean ? MAT_F_LOGICAL : 0);
    const auto t = static_cast<std::size_t>(a.type);
    matvar_t* v = Mat_VarCreate(name.c_str(), classes[t], types[t], static_cast<int>(dims.size()),
                                dims.data(), const_cast<void*>(values), flags);
    require<io_error>(v != nullptr, path(), ": ", name, ": cannot be written: matio");
    const int failed =
        Mat_VarWrite(file_.get(), v, compress ? MAT_COMPRESSION_ZLIB : MAT_COMPRESSION_NONE);
    Mat_VarFree(v);
    require<io_error>(failed == 0, path(), ": ", name, ": cannot be written: matio");
#else
    (void)size, (void)compress;
#endif
  }

  // ---- version 7.3 --------------------------------------------------------------------------
  void add_v73(const std::string& name, const array& a, const extents& size, bool compress) {
    array stored{a.type, extents(size.rbegin(), size.rend()), a.bytes};
    const bool empty = a.bytes.empty();
    if (empty) {  // MATLAB stores the size in the place of values
      stored = {dtype::u64, {static_cast<index_t>(size.size())}, {}};
      stored.bytes.resize(size.size() * 8);
      std::memcpy(stored.bytes.data(), size.data(), stored.bytes.size());
    } else if (a.type == dtype::boolean) {
      stored.type = dtype::u8;
    }
    hdf5_->write(name, stored, {{}, compress && !empty ? 3 : 0, "real", "imag"});
    hdf5_->attribute(name, "MATLAB_class", class_of(a.type), true);
    if (a.type == dtype::boolean) hdf5_->attribute(name, "MATLAB_int_decode", std::int32_t(1));
    if (empty) hdf5_->attribute(name, "MATLAB_empty", std::uint8_t(1));
  }
  /// The 512 bytes in front of the HDF5 part.
  static std::string head() {
    std::string h = "MATLAB 7.3 MAT-file, written by CardioMM";
    h.resize(116, ' ');
    h.append(8, '\0');
    h += std::string("\x00\x02IM", 4);
    h.resize(512, '\0');
    return h;
  }

  std::unique_ptr<atomic_file> out_;
  std::unique_ptr<hdf5_output> hdf5_;
#if CARDIOMM_HAS_MATIO
  struct closer {
    void operator()(mat_t* f) const { (void)Mat_Close(f); }
  };
  std::unique_ptr<mat_t, closer> file_;
#endif
};

/// Writes variables; the file appears under its name when it is complete.
inline void write_mat(const std::string& path,
                      const std::vector<std::pair<std::string, array>>& variables,
                      existing policy = existing::replace, mat_version version = mat_version::v5) {
  mat_output out(path, policy, version);
  for (const auto& [name, values] : variables) out.add(name, values);
  out.commit();
}

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
