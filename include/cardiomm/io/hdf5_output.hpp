// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_HDF5_OUTPUT_HPP
#define CARDIOMM_IO_HDF5_OUTPUT_HPP
/// \file
/// Writing HDF5 files, at once or plane by plane. The file appears under its name when it is
/// complete.

#include <map>

#include "cardiomm/io/detail/hdf5_types.hpp"
#include "cardiomm/io/file.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

/// How a data set lies in the file.
struct hdf5_layout {
  extents chunk;           ///< empty: contiguous, or one index of the first axis if compressed
  int deflate = 0;         ///< gzip level 1 to 9; 0: not compressed
  std::string real = "r";  ///< names of the parts of a complex number; r and i are h5py's
  std::string imag = "i";
};

/// An HDF5 file that is being written.
///
///     hdf5_output out("train.h5");
///     out.create("kspace", dtype::c64, {25, 10, 208, 256}, {.deflate = 4});
///     for (index_t f = 0; f < 25; ++f) out.write_rows("kspace", f, 1, frame(f));
///     out.attribute("", "vendor", "Siemens");
///     out.commit();
class hdf5_output {
 public:
  /// `head`: bytes in front of the HDF5 part (none, or a power of two of at least 512).
  /// Throws io_error for a place that cannot be written, or where this build lacks HDF5.
  explicit hdf5_output(std::string path, existing policy = existing::replace, std::size_t head = 0)
      : out_(std::move(path), policy) {
#if CARDIOMM_HAS_HDF5
    (void)H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    const detail::h5_handle create(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
    const detail::h5_handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
    if (head > 0) check(H5Pset_userblock(create.get(), head), "the head");
    // HDF5 2 would write a format that older readers do not know, with dates in its groups
    check(H5Pset_obj_track_times(create.get(), false), "the file");
    check(H5Pset_libver_bounds(access.get(), H5F_LIBVER_EARLIEST, H5F_LIBVER_V110), "the file");
    check(H5Pset_fclose_degree(access.get(), H5F_CLOSE_STRONG), "the file");
    file_ = detail::h5_handle(
        H5Fcreate(out_.temporary().c_str(), H5F_ACC_TRUNC, create.get(), access.get()), H5Fclose);
    check(file_ ? 0 : -1, "the file");
#else
    (void)head;
    throw io_error(out_.path() + lacks());
#endif
  }

  const std::string& path() const { return out_.path(); }

  /// Makes a data set whose values follow by `write_rows`; groups in its name are made too. What is
  /// not written is zero.
  void create(const std::string& name, dtype type, const extents& shape,
              const hdf5_layout& layout = {}) {
    (void)count_of(shape, size_of(type), path() + ":" + name);
#if CARDIOMM_HAS_HDF5
    std::vector<hsize_t> dims(shape.begin(), shape.end()), chunk;
    const detail::h5_handle how(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    check(H5Pset_obj_track_times(how.get(), false), name);  // same values, same bytes
    const bool empty = std::find(dims.begin(), dims.end(), hsize_t(0)) != dims.end();
    if (!dims.empty() && !empty && (layout.deflate > 0 || !layout.chunk.empty())) {
      if (layout.chunk.empty())
        chunk = usual_chunk(dims, size_of(type));
      else
        chunk.assign(layout.chunk.begin(), layout.chunk.end());
      require<shape_error>(chunk.size() == dims.size(), path(), ":", name, ": expected a chunk of ",
                           dims.size(), " axes, found ", chunk.size());
      check(H5Pset_chunk(how.get(), static_cast<int>(chunk.size()), chunk.data()), name);
      if (layout.deflate > 0) {
        check(H5Pset_shuffle(how.get()), name);
        check(H5Pset_deflate(how.get(), static_cast<unsigned>(layout.deflate)), name);
      }
    }
    const detail::h5_handle space(
        dims.empty() ? H5Screate(H5S_SCALAR)
                     : H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr),
        H5Sclose);
    set s;
    s.memory = detail::h5_memory_type(type, layout.real, layout.imag);
    s.type = type;
    s.extents = dims;
    s.id = detail::h5_handle(H5Dcreate2(file_.get(), name.c_str(), s.memory.get(), space.get(),
                                        with_groups().get(), how.get(), H5P_DEFAULT),
                             H5Dclose);
    check(s.id ? 0 : -1, name);
    sets_[name] = std::move(s);
#else
    (void)layout;
#endif
  }
  /// Writes indices first to first + count of the first axis; `values` in C order.
  void write_rows(const std::string& name, index_t first, index_t count, const void* values) {
#if CARDIOMM_HAS_HDF5
    const set& s = known(name);
    require<shape_error>(!s.extents.empty() && first >= 0 && count >= 0 &&
                             static_cast<hsize_t>(first + count) <= s.extents[0],
                         path(), ":", name, ": rows ", first, " to ", first + count,
                         " lie outside the data set");
    if (count == 0) return;
    std::vector<hsize_t> from(s.extents.size(), 0), n(s.extents);
    from[0] = static_cast<hsize_t>(first);
    n[0] = static_cast<hsize_t>(count);
    const detail::h5_handle file(H5Dget_space(s.id.get()), H5Sclose);
    const detail::h5_handle memory(H5Screate_simple(static_cast<int>(n.size()), n.data(), nullptr),
                                   H5Sclose);
    check(H5Sselect_hyperslab(file.get(), H5S_SELECT_SET, from.data(), nullptr, n.data(), nullptr),
          name);
    check(H5Dwrite(s.id.get(), s.memory.get(), memory.get(), file.get(), H5P_DEFAULT, values),
          name);
#else
    (void)name, (void)first, (void)count, (void)values;
#endif
  }
  /// Makes a data set with its values.
  void write(const std::string& name, const array& a, const hdf5_layout& layout = {}) {
    create(name, a.type, a.shape, layout);
#if CARDIOMM_HAS_HDF5
    if (a.bytes.empty()) return;
    const set& s = known(name);
    check(H5Dwrite(s.id.get(), s.memory.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, a.bytes.data()),
          name);
#endif
  }
  template <TensorView V>
  void write(const std::string& name, const V& values, const hdf5_layout& layout = {}) {
    write(name, array::from(values), layout);
  }
  /// Makes a data set of one text (UTF-8, variable length, as h5py writes a str).
  void text(const std::string& name, const std::string& value) {
#if CARDIOMM_HAS_HDF5
    const detail::h5_handle type = text_type(0), space(H5Screate(H5S_SCALAR), H5Sclose);
    const detail::h5_handle how(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    check(H5Pset_obj_track_times(how.get(), false), name);
    const detail::h5_handle id(H5Dcreate2(file_.get(), name.c_str(), type.get(), space.get(),
                                          with_groups().get(), how.get(), H5P_DEFAULT),
                               H5Dclose);
    const char* p = value.c_str();
    check(id ? H5Dwrite(id.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, &p) : -1, name);
#else
    (void)name, (void)value;
#endif
  }
  void group(const std::string& name) {
#if CARDIOMM_HAS_HDF5
    const detail::h5_handle id(
        H5Gcreate2(file_.get(), name.c_str(), with_groups().get(), H5P_DEFAULT, H5P_DEFAULT),
        H5Gclose);
    check(id ? 0 : -1, name);
#else
    (void)name;
#endif
  }

  /// Gives an object ("" is the root) a text; `fixed` writes ASCII of fixed length, as MATLAB
  /// wants.
  void attribute(const std::string& object, const std::string& key, const std::string& value,
                 bool fixed = false) {
#if CARDIOMM_HAS_HDF5
    const detail::h5_handle type = text_type(fixed ? std::max<std::size_t>(value.size(), 1) : 0);
    const char* p = value.c_str();
    put_attribute(object, key, type.get(), {}, fixed ? static_cast<const void*>(p) : &p, true);
#else
    (void)object, (void)key, (void)value, (void)fixed;
#endif
  }
  void attribute(const std::string& object, const std::string& key, const char* value,
                 bool fixed = false) {
    attribute(object, key, std::string(value), fixed);
  }
  /// A number.
  template <class T>
  requires std::is_arithmetic_v<T>
  void attribute(const std::string& object, const std::string& key, T value) {
#if CARDIOMM_HAS_HDF5
    put_attribute(object, key, detail::h5_memory_type(dtype_of<T>()).get(), {}, &value, true);
#else
    (void)object, (void)key, (void)value;
#endif
  }
  /// A list of numbers.
  template <class T>
  requires std::is_arithmetic_v<T>
  void attribute(const std::string& object, const std::string& key, const std::vector<T>& values) {
#if CARDIOMM_HAS_HDF5
    put_attribute(object, key, detail::h5_memory_type(dtype_of<T>()).get(),
                  {static_cast<hsize_t>(values.size())}, values.data(), false);
#else
    (void)object, (void)key, (void)values;
#endif
  }

  /// Writes bytes into the head, see the constructor; before `commit`.
  void head(const std::string& bytes) { head_ = bytes; }

  /// Closes the file and gives it its name.
  void commit() {
    close();
    out_.commit();
  }
  /// Closes the file; who has several outputs commits `file()` together with them.
  void close() {
#if CARDIOMM_HAS_HDF5
    sets_.clear();
    check(H5Fflush(file_.get(), H5F_SCOPE_LOCAL), "the file");
    file_ = {};
#endif
    if (!head_.empty()) out_.write_at(0, head_.data(), head_.size());
  }
  atomic_file& file() { return out_; }

  /// Why nothing can be written in a build without HDF5.
  static const char* lacks() {
    return ": writing it needs HDF5, which this build lacks; expected a .npy or .cfl name, or "
           "install libhdf5-dev and configure again";
  }

 private:
#if CARDIOMM_HAS_HDF5
  struct set {
    detail::h5_handle id, memory;
    dtype type = dtype::f32;
    std::vector<hsize_t> extents;
  };
  void check(herr_t code, const std::string& what) const {
    if (code >= 0) return;
    const std::string reason = detail::h5_reason();
    throw io_error(path() + ": cannot be written: HDF5: " + what + ": " + reason);
  }
  const set& known(const std::string& name) const {
    const auto s = sets_.find(name);
    require(s != sets_.end(), path(), ":", name, ": no such data set was made");
    return s->second;
  }
  static detail::h5_handle with_groups() {
    detail::h5_handle p(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
    (void)H5Pset_create_intermediate_group(p.get(), 1);
    return p;
  }
  static detail::h5_handle text_type(std::size_t fixed) {
    detail::h5_handle t(H5Tcopy(H5T_C_S1), H5Tclose);
    (void)H5Tset_size(t.get(), fixed ? fixed : H5T_VARIABLE);
    (void)H5Tset_strpad(t.get(), fixed ? H5T_STR_NULLPAD : H5T_STR_NULLTERM);
    if (!fixed) (void)H5Tset_cset(t.get(), H5T_CSET_UTF8);
    return t;
  }
  void put_attribute(const std::string& object, const std::string& key, hid_t type,
                     const std::vector<hsize_t>& dims, const void* values, bool scalar) {
    const detail::h5_handle on(
        H5Oopen(file_.get(), object.empty() ? "/" : object.c_str(), H5P_DEFAULT), H5Oclose);
    check(on ? 0 : -1, object);
    const detail::h5_handle space(
        scalar ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, dims.data(), nullptr), H5Sclose);
    const detail::h5_handle a(
        H5Acreate2(on.get(), key.c_str(), type, space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
    check(a ? (scalar || dims[0] > 0 ? H5Awrite(a.get(), type, values) : 0) : -1, key);
  }
  /// About a megabyte, whole planes of the last axes.
  static std::vector<hsize_t> usual_chunk(const std::vector<hsize_t>& dims, std::size_t item) {
    std::vector<hsize_t> chunk(dims.size(), 1);
    hsize_t left = std::max<hsize_t>((hsize_t(1) << 20) / item, 1);
    for (std::size_t i = dims.size(); i-- > 0;) {
      chunk[i] = std::min(dims[i], left);
      left = std::max<hsize_t>(left / chunk[i], 1);
    }
    return chunk;
  }
#endif

  atomic_file out_;
  std::string head_;
#if CARDIOMM_HAS_HDF5
  detail::h5_handle file_;
  std::map<std::string, set> sets_;
#endif
};

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
