// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_DETAIL_HDF5_CHILD_HPP
#define CARDIOMM_IO_DETAIL_HDF5_CHILD_HPP
/// \file
/// The side of the HDF5 reader that works in a sandbox: it calls the library and answers with
/// packets. No other file is touched: external links and external or virtual storage are refused.

#include "cardiomm/io/array.hpp"
#include "cardiomm/io/detail/packet.hpp"
#include "cardiomm/io/sandbox.hpp"

#if CARDIOMM_HAS_HDF5
#include <hdf5.h>

namespace cardiomm::inline CARDIOMM_ABI::io::detail {

/// An identifier of the library that is closed with its own function.
class h5_handle {
 public:
  h5_handle() = default;
  h5_handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  ~h5_handle() {
    if (id_ >= 0) (void)close_(id_);
  }
  h5_handle(h5_handle&& o) noexcept : id_(std::exchange(o.id_, -1)), close_(o.close_) {}
  h5_handle& operator=(h5_handle&& o) noexcept {
    std::swap(id_, o.id_);
    std::swap(close_, o.close_);
    return *this;
  }
  hid_t get() const { return id_; }
  explicit operator bool() const { return id_ >= 0; }

 private:
  hid_t id_ = -1;
  herr_t (*close_)(hid_t) = nullptr;
};

/// What the library says about the first cause of its last error.
inline std::string h5_reason() {
  std::string text;
  const auto first = [](unsigned n, const H5E_error2_t* e, void* out) -> herr_t {
    if (n == 0 && e->desc != nullptr) *static_cast<std::string*>(out) = printable(e->desc);
    return 0;
  };
  (void)H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first, &text);
  (void)H5Eclear2(H5E_DEFAULT);
  return text.empty() ? "the file is damaged" : text;
}

/// The memory type of a dtype; complex ones are compounds of two members.
inline h5_handle h5_memory_type(dtype t, const std::string& re = "r", const std::string& im = "i") {
  const auto plain = [](hid_t id) { return h5_handle(H5Tcopy(id), H5Tclose); };
  switch (t) {
    case dtype::boolean: {
      h5_handle e(H5Tenum_create(H5T_NATIVE_INT8), H5Tclose);
      for (std::int8_t v : {0, 1}) (void)H5Tenum_insert(e.get(), v ? "TRUE" : "FALSE", &v);
      return e;
    }
    case dtype::i8:
      return plain(H5T_NATIVE_INT8);
    case dtype::i16:
      return plain(H5T_NATIVE_INT16);
    case dtype::i32:
      return plain(H5T_NATIVE_INT32);
    case dtype::i64:
      return plain(H5T_NATIVE_INT64);
    case dtype::u8:
      return plain(H5T_NATIVE_UINT8);
    case dtype::u16:
      return plain(H5T_NATIVE_UINT16);
    case dtype::u32:
      return plain(H5T_NATIVE_UINT32);
    case dtype::u64:
      return plain(H5T_NATIVE_UINT64);
    case dtype::f16: {
      h5_handle h = plain(H5T_IEEE_F32LE);
      (void)H5Tset_fields(h.get(), 15, 10, 5, 0, 10);
      (void)H5Tset_size(h.get(), 2);
      (void)H5Tset_ebias(h.get(), 15);
      return h;
    }
    case dtype::f32:
      return plain(H5T_NATIVE_FLOAT);
    case dtype::f64:
      return plain(H5T_NATIVE_DOUBLE);
    default: {
      const bool single = t == dtype::c64;
      const std::size_t half = single ? 4 : 8;
      const hid_t part = single ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
      h5_handle c(H5Tcreate(H5T_COMPOUND, 2 * half), H5Tclose);
      (void)H5Tinsert(c.get(), re.c_str(), 0, part);
      (void)H5Tinsert(c.get(), im.c_str(), half, part);
      return c;
    }
  }
}

/// How values of a type of the file are brought into memory.
struct h5_conversion {
  std::optional<dtype> type;  ///< nothing: cannot be read as an array
  std::string name;           ///< for lists and messages
  h5_handle memory;           ///< what H5Dread is asked for
};

/// The members of a complex number; what pairs of names the programs of the field write.
inline bool h5_complex_names(hid_t type, std::string& re, std::string& im) {
  if (H5Tget_class(type) != H5T_COMPOUND || H5Tget_nmembers(type) != 2) return false;
  std::string name[2];
  for (unsigned i = 0; i < 2; ++i) {
    char* n = H5Tget_member_name(type, i);
    if (n == nullptr) return false;
    name[i] = n;
    (void)H5free_memory(n);
  }
  static constexpr const char* pairs[][2] = {
      {"real", "imag"}, {"r", "i"},       {"re", "im"}, {"Real", "Imag"},      {"R", "I"},
      {"Re", "Im"},     {"REAL", "IMAG"}, {"x", "y"},   {"real", "imaginary"}, {"_real", "_imag"}};
  for (const auto& p : pairs)
    for (const int first : {0, 1})
      if (name[first] == p[0] && name[1 - first] == p[1]) {
        re = p[0];
        im = p[1];
        return true;
      }
  return false;
}

inline h5_conversion h5_convert(hid_t type) {
  h5_conversion c;
  const std::size_t size = H5Tget_size(type);
  const auto as = [&](dtype t) {
    c.type = t;
    c.name = name_of(t);
    if (!c.memory) c.memory = h5_memory_type(t);
  };
  const auto integer = [&](std::size_t bytes, bool is_signed) {
    const int log2 = bytes <= 1 ? 0 : bytes <= 2 ? 1 : bytes <= 4 ? 2 : 3;
    as(static_cast<dtype>(static_cast<int>(is_signed ? dtype::i8 : dtype::u8) + log2));
  };
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      c.name = "integer of " + std::to_string(size) + " bytes";
      if (size <= 8) integer(size, H5Tget_sign(type) == H5T_SGN_2);
      break;
    case H5T_FLOAT: {
      h5_handle half = h5_memory_type(dtype::f16), copy(H5Tcopy(type), H5Tclose);
      (void)H5Tset_order(copy.get(), H5T_ORDER_LE);
      if (H5Tequal(copy.get(), half.get()) > 0)
        as(dtype::f16);
      else
        as(size <= 4 ? dtype::f32 : dtype::f64);
      break;
    }
    case H5T_BITFIELD: {
      const hid_t bits[] = {H5T_NATIVE_B8, H5T_NATIVE_B16, H5T_NATIVE_B32, H5T_NATIVE_B64};
      c.name = "bits";
      if (size > 8) break;
      c.memory = h5_handle(H5Tcopy(bits[size <= 1   ? 0
                                        : size <= 2 ? 1
                                        : size <= 4 ? 2
                                                    : 3]),
                           H5Tclose);
      integer(size, false);
      break;
    }
    case H5T_ENUM: {
      c.name = "enumeration";
      h5_handle base(H5Tget_super(type), H5Tclose);
      h5_handle native(H5Tget_native_type(type, H5T_DIR_DEFAULT), H5Tclose);
      if (!base || !native) break;
      char low[64] = "", high[64] = "";
      std::int64_t zero = 0;
      std::int8_t one8 = 1;
      const bool boolean = H5Tget_size(native.get()) == 1 && H5Tget_nmembers(type) == 2 &&
                           H5Tenum_nameof(native.get(), &zero, low, sizeof low) >= 0 &&
                           H5Tenum_nameof(native.get(), &one8, high, sizeof high) >= 0 &&
                           std::string(low) == "FALSE" && std::string(high) == "TRUE";
      (void)H5Eclear2(H5E_DEFAULT);
      const std::size_t bytes = H5Tget_size(native.get());
      if (bytes > 8) break;
      c.memory = std::move(native);
      if (boolean)
        as(dtype::boolean);
      else
        integer(bytes, H5Tget_sign(base.get()) == H5T_SGN_2);
      break;
    }
    case H5T_COMPOUND: {
      c.name = "compound of " + std::to_string(H5Tget_nmembers(type)) + " members";
      std::string re, im;
      if (!h5_complex_names(type, re, im)) break;
      bool single = true;
      for (unsigned i = 0; i < 2; ++i) {
        h5_handle member(H5Tget_member_type(type, i), H5Tclose);
        const H5T_class_t k = H5Tget_class(member.get());
        if (k != H5T_FLOAT && k != H5T_INTEGER) return c;
        single = single && H5Tget_size(member.get()) <= (k == H5T_FLOAT ? 4u : 2u);
      }
      const dtype t = single ? dtype::c64 : dtype::c128;
      c.memory = h5_memory_type(t, re, im);
      as(t);
      break;
    }
    case H5T_STRING:
      c.name = "string";
      break;
    case H5T_REFERENCE:
      c.name = "reference";
      break;
    case H5T_VLEN:
      c.name = "lists of variable length";
      break;
    case H5T_ARRAY:
      c.name = "arrays as elements";
      break;
    case H5T_OPAQUE:
      c.name = "opaque";
      break;
    default:
      c.name = "a type that this program does not know";
  }
  return c;
}

/// Extents of a data set or attribute; nothing for one without values.
inline std::optional<std::vector<hsize_t>> h5_extents(hid_t space) {
  if (H5Sget_simple_extent_type(space) == H5S_NULL) return std::nullopt;
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 0 || rank > H5S_MAX_RANK) return std::nullopt;
  std::vector<hsize_t> e(static_cast<std::size_t>(rank));
  if (rank > 0 && H5Sget_simple_extent_dims(space, e.data(), nullptr) < 0) return std::nullopt;
  return e;
}

/// The texts of a string data set or attribute; `read` is asked to fill memory of a type.
template <class Read>
std::vector<std::string> h5_texts(hid_t type, std::size_t n, const Read& read) {
  std::vector<std::string> texts(n);
  if (H5Tis_variable_str(type) > 0) {
    h5_handle memory(H5Tcopy(H5T_C_S1), H5Tclose);
    (void)H5Tset_size(memory.get(), H5T_VARIABLE);
    (void)H5Tset_cset(memory.get(), H5Tget_cset(type));
    std::vector<char*> p(n, nullptr);
    require<io_error>(read(memory.get(), p.data()) >= 0, "text cannot be read: ", h5_reason());
    for (std::size_t i = 0; i < n; ++i)
      if (p[i] != nullptr) texts[i] = p[i];
    return texts;  // the process ends soon: what the library allocated stays
  }
  const std::size_t size = H5Tget_size(type);
  require<io_error>(size > 0 && size <= (std::size_t(1) << 28) / std::max<std::size_t>(n, 1),
                    "text of ", size, " bytes is too long");
  std::string all(n * size, '\0');
  require<io_error>(read(type, all.data()) >= 0, "text cannot be read: ", h5_reason());
  for (std::size_t i = 0; i < n; ++i) {
    std::string s = all.substr(i * size, size);
    const auto end = s.find('\0');
    if (end != std::string::npos) s.resize(end);
    if (H5Tget_strpad(type) == H5T_STR_SPACEPAD) s.resize(s.find_last_not_of(' ') + 1);
    texts[i] = s;
  }
  return texts;
}

/// Answers requests about one file. The first letter of a request says what is wanted.
class hdf5_child {
 public:
  static sandbox::handler open(const std::string& path, std::uint64_t file_bytes) {
    auto child = std::make_shared<hdf5_child>(path, file_bytes);
    return [child](const std::string& request) { return child->answer(request); };
  }

  hdf5_child(const std::string& path, std::uint64_t file_bytes)
      : path_(path), file_bytes_(file_bytes) {
    (void)H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    (void)H5Lunregister(H5L_TYPE_EXTERNAL);
    (void)::setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);  // read-only places
    file_ = h5_handle(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
    if (file_) return;
    const std::string reason = h5_reason();
    throw io_error(path + (reason.rfind("truncated file", 0) == 0
                               ? ": HDF5: the file is truncated, it has " +
                                     std::to_string(file_bytes) + " bytes" + stored_eof(reason)
                               : ": HDF5: cannot be opened: " + reason));
  }

 private:
  struct opened {
    h5_handle set;
    std::vector<hsize_t> extents;
    dtype type = dtype::f32;
    h5_handle memory;
  };

  std::string answer(const std::string& request) {
    packet_reader in(request.substr(1), path_);
    switch (request.at(0)) {
      case 'l':
        return list();
      case 'a':
        return attributes(in.text());
      case 'o':
        return open_array(in.text());
      case 't':
        return text(in.text());
      case 'f': {
        const std::string name = in.text();
        return reference(name, in.number());
      }
      default: {
        const std::uint64_t id = in.number(), offset = in.number();
        return read(opened_.at(id), offset, in.number());
      }
    }
  }

  static std::string stored_eof(const std::string& reason) {
    const auto at = reason.find("stored_eof = ");
    return at == std::string::npos ? "" : " of " + reason.substr(at + 13);
  }
  [[noreturn]] void fail(const std::string& name, const std::string& what) const {
    throw io_error(path_ + ":" + printable(name) + ": " + what);
  }

  // ---- the list -----------------------------------------------------------------------------
  static constexpr std::size_t most_objects = 100000;
  static constexpr int deepest = 32;
  struct walk {
    hdf5_child* self;
    std::string prefix;
  };
  static herr_t visit_link(hid_t group, const char* name, const H5L_info_t* info, void* data) {
    const auto& w = *static_cast<walk*>(data);
    if (info->type == H5L_TYPE_EXTERNAL) return 0;
    try {
      w.self->visit(group, name, w.prefix + name);
      return 0;
    } catch (const error& e) {
      w.self->trouble_ = e.what();
      return -1;
    }
  }
  void visit(hid_t group, const char* link, const std::string& name) {
    if (name == "#refs#" || name == "#subsystem#") return;  // MATLAB's own
    h5_handle object(H5Oopen(group, link, H5P_DEFAULT), H5Oclose);
    if (!object) {
      (void)H5Eclear2(H5E_DEFAULT);
      return;  // a link to nothing
    }
    require<io_error>(++count_ <= most_objects, path_, ": HDF5: more than ", most_objects,
                      " objects: the file is damaged");
    const H5I_type_t kind = H5Iget_type(object.get());
    if (kind == H5I_DATASET) {
      h5_handle type(H5Dget_type(object.get()), H5Tclose);
      h5_handle space(H5Dget_space(object.get()), H5Sclose);
      if (!type || !space) fail(name, "HDF5: " + h5_reason());
      const auto extents = h5_extents(space.get());
      const h5_conversion c = h5_convert(type.get());
      list_.put(name).put(std::string(extents ? c.name : "empty"));
      list_.put(std::uint64_t(c.type && extents ? 1 + static_cast<int>(*c.type) : 0));
      list_.put(extents ? *extents : std::vector<hsize_t>());
    } else if (kind == H5I_GROUP) {
      list_.put(name).put(std::string("group")).put(std::uint64_t(0)).put(std::vector<hsize_t>());
      walk_group(object.get(), name + "/");
    } else
      --count_;
  }
  void walk_group(hid_t group, const std::string& prefix) {
    hobj_ref_t here = 0;
    if (H5Rcreate(&here, group, ".", H5R_OBJECT, -1) < 0) fail(prefix, "HDF5: " + h5_reason());
    if (std::find(above_.begin(), above_.end(), here) != above_.end()) return;  // a cycle
    require<io_error>(static_cast<int>(above_.size()) < deepest, path_,
                      ": HDF5: groups lie deeper than ", deepest, " levels");
    above_.push_back(here);
    walk w{this, prefix};
    hsize_t at = 0;
    if (H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &at, visit_link, &w) < 0) {
      if (!trouble_.empty()) throw io_error(trouble_);
      fail(prefix, "HDF5: the group cannot be read: " + h5_reason());
    }
    above_.pop_back();
  }
  std::string list() {
    list_ = {};
    count_ = 0;
    above_.clear();
    h5_handle root(H5Gopen2(file_.get(), "/", H5P_DEFAULT), H5Gclose);
    if (!root) fail("/", "HDF5: " + h5_reason());
    walk_group(root.get(), "");
    packet all;
    all.put(std::uint64_t(count_));
    return all.take() + list_.take();
  }

  // ---- attributes and texts --------------------------------------------------------------------
  std::string attributes(const std::string& name) {
    h5_handle object(H5Oopen(file_.get(), name.empty() ? "/" : name.c_str(), H5P_DEFAULT),
                     H5Oclose);
    if (!object) fail(name, "no such object in the file");
    list_ = {};
    count_ = 0;
    const auto visit_one = [](hid_t, const char* n, const H5A_info_t*, void* self) -> herr_t {
      static_cast<hdf5_child*>(self)->names_.push_back(n);
      return 0;
    };
    names_.clear();
    hsize_t at = 0;
    if (H5Aiterate2(object.get(), H5_INDEX_NAME, H5_ITER_INC, &at, visit_one, this) < 0)
      fail(name, "HDF5: the attributes cannot be read: " + h5_reason());
    for (const std::string& a : names_) attribute(object.get(), a);
    packet all;
    all.put(std::uint64_t(count_));
    return all.take() + list_.take();
  }
  /// Attributes that are neither text nor numbers are left out.
  void attribute(hid_t object, const std::string& name) {
    h5_handle a(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose);
    if (!a) fail(name, "HDF5: the attribute cannot be read: " + h5_reason());
    h5_handle type(H5Aget_type(a.get()), H5Tclose), space(H5Aget_space(a.get()), H5Sclose);
    const auto extents = h5_extents(space.get());
    if (!type || !extents) return;
    std::size_t n = 1;
    for (const hsize_t e : *extents) n = e < (1 << 20) ? n * static_cast<std::size_t>(e) : 1 << 24;
    if (n > (1 << 20)) return;
    if (H5Tget_class(type.get()) == H5T_STRING) {
      const auto texts = h5_texts(type.get(), n, [&](hid_t memory, void* out) {
        return n == 0 ? 0 : H5Aread(a.get(), memory, out);
      });
      list_.put(name).put(std::uint64_t(0)).put(texts);
      ++count_;
      return;
    }
    const h5_conversion c = h5_convert(type.get());
    if (!c.type) return;
    std::string bytes(n * size_of(*c.type), '\0');
    if (n > 0 && H5Aread(a.get(), c.memory.get(), bytes.data()) < 0)
      fail(name, "HDF5: the attribute cannot be read: " + h5_reason());
    list_.put(name).put(std::uint64_t(1 + static_cast<int>(*c.type))).put(*extents).put(bytes);
    ++count_;
  }
  h5_handle open_set(const std::string& name) const {
    h5_handle object(H5Oopen(file_.get(), name.c_str(), H5P_DEFAULT), H5Oclose);
    if (!object) {
      const std::string reason = h5_reason();
      fail(name, reason.find("not registered") != std::string::npos
                     ? "it is a link to another file, which is not followed"
                     : "no such data set in the file");
    }
    if (H5Iget_type(object.get()) != H5I_DATASET) fail(name, "expected a data set, found a group");
    return object;
  }
  std::string text(const std::string& name) const {
    const h5_handle set = open_set(name);
    h5_handle type(H5Dget_type(set.get()), H5Tclose), space(H5Dget_space(set.get()), H5Sclose);
    const auto extents = h5_extents(space.get());
    hsize_t n = extents ? 1 : 0;
    if (extents)
      for (const hsize_t e : *extents) n = e == 1 ? n : 0;
    if (!type || H5Tget_class(type.get()) != H5T_STRING || n != 1)
      fail(name, "expected one text, found " + (type ? h5_convert(type.get()).name : "nothing"));
    refuse_other_files(set.get(), name);
    try {
      return h5_texts(type.get(), 1,
                      [&](hid_t memory, void* out) {
                        return H5Dread(set.get(), memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, out);
                      })
          .at(0);
    } catch (const io_error& e) {
      fail(name, std::string("HDF5: ") + e.what());
    }
  }
  std::string reference(const std::string& name, std::uint64_t index) const {
    const h5_handle set = open_set(name);
    h5_handle type(H5Dget_type(set.get()), H5Tclose), space(H5Dget_space(set.get()), H5Sclose);
    if (!type || H5Tequal(type.get(), H5T_STD_REF_OBJ) <= 0)
      fail(name, "expected references to objects");
    const hssize_t n = H5Sget_simple_extent_npoints(space.get());
    if (n < 0 || index >= static_cast<std::uint64_t>(n) || n > (1 << 24))
      fail(name, "expected an element of 1 to " + std::to_string(n) + ", found " +
                     std::to_string(index + 1));
    refuse_other_files(set.get(), name);
    std::vector<hobj_ref_t> all(static_cast<std::size_t>(n));
    char target[1024] = "";
    if (H5Dread(set.get(), H5T_STD_REF_OBJ, H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data()) < 0 ||
        H5Rget_name(set.get(), H5R_OBJECT, &all[index], target, sizeof target) <= 0)
      fail(name, "HDF5: the reference cannot be followed: " + h5_reason());
    return target[0] == '/' ? target + 1 : target;
  }

  // ---- values ---------------------------------------------------------------------------------
  void refuse_other_files(hid_t set, const std::string& name) const {
    h5_handle layout(H5Dget_create_plist(set), H5Pclose);
    if (!layout) fail(name, "HDF5: " + h5_reason());
    if (H5Pget_layout(layout.get()) == H5D_VIRTUAL)
      fail(name, "its values lie in other files (a virtual data set), which are not read");
    if (H5Pget_external_count(layout.get()) > 0)
      fail(name, "its values lie in other files (external storage), which are not read");
    const int filters = H5Pget_nfilters(layout.get());
    for (int i = 0; i < filters; ++i) {
      unsigned flags = 0, config = 0;
      std::size_t n = 0;
      char filter[64] = "";
      const H5Z_filter_t id = H5Pget_filter2(layout.get(), static_cast<unsigned>(i), &flags, &n,
                                             nullptr, sizeof filter, filter, &config);
      if (id >= 0 && H5Zfilter_avail(id) > 0) continue;
      filter[sizeof filter - 1] = '\0';
      fail(name, "it is compressed by filter " + std::to_string(id) +
                     (filter[0] ? " (" + printable(filter) + ")" : "") +
                     ", which this HDF5 lacks; expected gzip, shuffle or no filter");
    }
  }
  /// Opens with a cache that holds the chunks of one index of the first axis.
  h5_handle open_cached(const std::string& name, const opened& o) const {
    h5_handle set = open_set(name);
    h5_handle layout(H5Dget_create_plist(set.get()), H5Pclose);
    if (H5Pget_layout(layout.get()) != H5D_CHUNKED || o.extents.empty()) return set;
    std::vector<hsize_t> chunk(o.extents.size(), 1);
    if (H5Pget_chunk(layout.get(), static_cast<int>(chunk.size()), chunk.data()) < 0) return set;
    double row = static_cast<double>(size_of(o.type)) * static_cast<double>(chunk[0]);
    for (std::size_t i = 1; i < chunk.size(); ++i)
      row *= static_cast<double>((o.extents[i] + chunk[i] - 1) / std::max<hsize_t>(chunk[i], 1) *
                                 chunk[i]);
    constexpr double least = 1 << 20, most = 1 << 30;
    const auto bytes = static_cast<std::size_t>(std::clamp(2 * row, least, most));
    h5_handle access(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose);
    (void)H5Pset_chunk_cache(access.get(), 100003, bytes, 1.0);
    set = {};
    return h5_handle(H5Dopen2(file_.get(), name.c_str(), access.get()), H5Dclose);
  }
  std::string open_array(const std::string& name) {
    opened o;
    o.set = open_set(name);
    h5_handle type(H5Dget_type(o.set.get()), H5Tclose);
    h5_handle space(H5Dget_space(o.set.get()), H5Sclose);
    if (!type || !space) fail(name, "HDF5: " + h5_reason());
    const auto extents = h5_extents(space.get());
    if (!extents) fail(name, "expected an array, found a data set without values");
    h5_conversion c = h5_convert(type.get());
    if (!c.type) fail(name, "expected numbers, found " + c.name);
    refuse_other_files(o.set.get(), name);
    o.extents = *extents;
    o.type = *c.type;
    o.memory = std::move(c.memory);
    io::extents shape;
    for (const hsize_t e : o.extents) {
      if (e > (hsize_t(1) << 62)) fail(name, "an extent of " + std::to_string(e) + " is damaged");
      shape.push_back(static_cast<index_t>(e));
    }
    const auto n = static_cast<std::uint64_t>(count_of(shape, size_of(o.type), path_ + ":" + name));
    // What no compression can hide in a file of this size was never written.
    const std::uint64_t most = (std::uint64_t(64) << 20) + 2000 * file_bytes_;
    if (n * size_of(o.type) > most)
      fail(name, "shape " + to_string(shape) + " of " + name_of(o.type) + " promises " +
                     std::to_string(n * size_of(o.type)) + " bytes, but the whole file has " +
                     std::to_string(file_bytes_) +
                     ": the values were never written, or it is damaged");
    packet p;
    const auto [at, swapped] = plain_place(o, type.get(), n);
    p.put(std::uint64_t(opened_.size())).put(std::uint64_t(static_cast<int>(o.type)));
    p.put(o.extents).put(std::uint64_t(at ? 1 : 0)).put(at.value_or(0));
    p.put(std::uint64_t(swapped));
    if (!at) {
      o.set = open_cached(name, o);
      if (!o.set) fail(name, "HDF5: " + h5_reason());
    }
    opened_.push_back(std::move(o));
    return p.take();
  }
  /// Where values lie in the file just as they lie in memory, up to the order of bytes.
  std::pair<std::optional<std::uint64_t>, bool> plain_place(const opened& o, hid_t type,
                                                            std::uint64_t n) const {
    h5_handle layout(H5Dget_create_plist(o.set.get()), H5Pclose);
    if (n == 0 || H5Pget_layout(layout.get()) != H5D_CONTIGUOUS) return {};
    bool swapped = false;
    if (H5Tequal(type, o.memory.get()) <= 0) {
      if (is_complex_type(o.type) || o.type == dtype::boolean) return {};
      h5_handle other(H5Tcopy(o.memory.get()), H5Tclose);
      (void)H5Tset_order(other.get(), H5T_ORDER_BE);
      if (H5Tequal(type, other.get()) <= 0) return {};
      swapped = true;
    }
    const haddr_t at = H5Dget_offset(o.set.get());
    if (at == HADDR_UNDEF) return {};
    return {std::uint64_t(at), swapped};
  }

  std::string read(const opened& o, std::uint64_t offset, std::uint64_t n) const {
    const std::size_t item = size_of(o.type);
    const std::uint64_t first = offset / item, last = (offset + n + item - 1) / item;
    std::string bytes(static_cast<std::size_t>(last - first) * item, '\0');
    std::vector<hsize_t> inner(o.extents.size(), 1);
    for (std::size_t i = inner.size(); i-- > 1;) inner[i - 1] = inner[i] * o.extents[i];
    char* out = bytes.data();
    if (inner.empty()) {
      if (H5Dread(o.set.get(), o.memory.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, out) < 0)
        throw io_error(path_ + ": HDF5: values cannot be read: " + h5_reason());
    } else {
      std::vector<hsize_t> start(inner.size(), 0);
      read_range(o, inner, 0, start, first, last, out);
    }
    if (offset % item == 0 && bytes.size() == n) return bytes;
    return bytes.substr(static_cast<std::size_t>(offset - first * item),
                        static_cast<std::size_t>(n));
  }
  /// Values first to last, counted from the index `start` of the axes above, as few blocks.
  void read_range(const opened& o, const std::vector<hsize_t>& inner, std::size_t axis,
                  std::vector<hsize_t>& start, hsize_t first, hsize_t last, char*& out) const {
    const hsize_t row = inner[axis];
    while (first < last) {
      start[axis] = first / row;
      const hsize_t whole = first % row ? 0 : (last - first) / row;
      if (whole > 0) {
        block(o, axis, start, whole, whole * row, out);
        first += whole * row;
        continue;
      }
      const hsize_t base = first / row * row, end = std::min(last, base + row);
      read_range(o, inner, axis + 1, start, first - base, end - base, out);
      first = end;
    }
    start[axis] = 0;
  }
  void block(const opened& o, std::size_t axis, const std::vector<hsize_t>& start, hsize_t rows,
             hsize_t n, char*& out) const {
    std::vector<hsize_t> from(start), count(o.extents);
    for (std::size_t i = 0; i < axis; ++i) count[i] = 1;
    count[axis] = rows;
    for (std::size_t i = axis + 1; i < from.size(); ++i) from[i] = 0;
    h5_handle file(H5Dget_space(o.set.get()), H5Sclose);
    h5_handle memory(H5Screate_simple(1, &n, nullptr), H5Sclose);
    if (!file || !memory ||
        H5Sselect_hyperslab(file.get(), H5S_SELECT_SET, from.data(), nullptr, count.data(),
                            nullptr) < 0 ||
        H5Dread(o.set.get(), o.memory.get(), memory.get(), file.get(), H5P_DEFAULT, out) < 0)
      throw io_error(path_ + ": HDF5: values cannot be read: " + h5_reason());
    out += static_cast<std::size_t>(n) * size_of(o.type);
  }

  std::string path_;
  std::uint64_t file_bytes_;
  h5_handle file_;
  std::vector<opened> opened_;
  packet list_;
  std::vector<std::string> names_;
  std::vector<hobj_ref_t> above_;
  std::string trouble_;
  std::size_t count_ = 0;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::io::detail

#endif
#endif
