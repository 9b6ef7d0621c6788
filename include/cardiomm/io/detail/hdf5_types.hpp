// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_DETAIL_HDF5_TYPES_HPP
#define CARDIOMM_IO_DETAIL_HDF5_TYPES_HPP
/// \file
/// Handles, types and texts of the HDF5 library, for the reader and the writer.

#include "cardiomm/io/array.hpp"
#include "cardiomm/io/detail/packet.hpp"

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

}  // namespace cardiomm::inline CARDIOMM_ABI::io::detail

#endif
#endif
