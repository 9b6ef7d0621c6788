// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_DETAIL_MAT_CHILD_HPP
#define CARDIOMM_IO_DETAIL_MAT_CHILD_HPP
/// \file
/// The side of the reader of MATLAB 4 and 5 files that works in a sandbox and calls matio. It also
/// has the check of such a file's outline that is made before.

#include <list>
#include <map>

#include "cardiomm/io/array.hpp"
#include "cardiomm/io/detail/shared_memory.hpp"

#if CARDIOMM_HAS_MATIO
#include <matio.h>
#endif

namespace cardiomm::inline CARDIOMM_ABI::io::detail {

/// An unsigned integer of 2 or 4 bytes.
inline std::uint32_t mat_word(const char* p, int bytes, bool big) {
  std::uint32_t v = 0;
  for (int i = 0; i < bytes; ++i)
    v |= std::uint32_t(static_cast<unsigned char>(p[big ? bytes - 1 - i : i])) << (8 * i);
  return v;
}

/// True for the header of a MATLAB 5, 6 or 7 file.
inline bool is_mat5(const byte_source& file) {
  if (file.size() < 128) return false;
  char mark[4];
  file.read(124, mark, 4);
  const bool little = mark[2] == 'I' && mark[3] == 'M', big = mark[2] == 'M' && mark[3] == 'I';
  return (little || big) && mat_word(mark, 2, big) == 0x0100;
}

/// Throws io_error unless the variables that a MATLAB 5 file promises fit into it.
inline void check_mat5(const byte_source& file) {
  char mark[2], tag[8];
  file.read(126, mark, 2);
  const bool big = mark[0] == 'M';
  std::uint64_t at = 128;
  for (int count = 1; at + 8 <= file.size(); ++count) {
    file.read(at, tag, 8);
    const std::uint32_t kind = mat_word(tag, 4, big), bytes = mat_word(tag + 4, 4, big);
    if (kind == 0 && bytes == 0 && count > 1) return;  // zeros at the end
    require<io_error>(kind == 14 || kind == 15, file.path(), ": variable ", count,
                      ": expected an element of type 14 or 15 at offset ", at, ", found ", kind,
                      ": the file is damaged");
    require<io_error>(bytes <= file.size() - at - 8, file.path(), ": variable ", count,
                      ": expected ", bytes, " bytes at offset ", at + 8, ", found ",
                      file.size() - at - 8, ": the file is truncated");
    at += 8 + std::uint64_t(bytes);
  }
}

/// True if the records of a file are those of MATLAB 4 to its end (that format has no signature).
/// Throws io_error where only the first one is: a truncated file.
inline bool is_mat4(const byte_source& file) {
  constexpr std::uint64_t item[] = {8, 4, 4, 2, 2, 1};
  char head[20];
  std::uint64_t at = 0;
  for (int count = 1; at < file.size(); ++count) {
    const std::uint64_t left = file.size() - at;
    bool good = left >= 20;
    std::uint64_t need = 20;
    if (good) {
      file.read(at, head, 20);
      const bool big = mat_word(head, 4, false) >= 5000;
      std::uint32_t v[5];
      for (int i = 0; i < 5; ++i) v[i] = mat_word(head + 4 * i, 4, big);
      const std::uint32_t kind = v[0] % 10, precision = v[0] / 10 % 10;
      good = v[0] < 2000 && (v[0] / 1000 == 1) == big && v[0] / 100 % 10 == 0 && precision <= 5 &&
             kind <= 2 && v[3] <= 1 && v[4] >= 1 && v[4] <= 256;
      if (good)
        need = 20 + v[4] +
               (std::uint64_t(v[1]) * v[2] <= (std::uint64_t(1) << 48)
                    ? std::uint64_t(v[1]) * v[2] * item[precision] * (v[3] + 1)
                    : std::uint64_t(1) << 56);
      char name[256];
      if (good && left >= 20 + v[4]) {
        file.read(at + 20, name, v[4]);
        for (std::uint32_t i = 0; i + 1 < v[4]; ++i) good = good && name[i] > 32 && name[i] < 127;
      }
    }
    if (!good && count == 1) return false;
    require<io_error>(good && need <= left, file.path(), ": variable ", count, ": expected ", need,
                      " bytes at offset ", at, ", found ", left,
                      ": the file is truncated or damaged");
    at += need;
  }
  return true;
}

#if CARDIOMM_HAS_MATIO

/// Answers requests about one file: l: the list, r: bytes of a variable.
class mat_child {
 public:
  static sandbox::handler open(const std::string& path,
                               std::shared_ptr<const shared_memory> memory) {
    auto child = std::make_shared<mat_child>(path, std::move(memory));
    return [child](const std::string& request) { return child->answer(request); };
  }
  mat_child(const std::string& path, std::shared_ptr<const shared_memory> memory)
      : path_(path), memory_(std::move(memory)) {
    complaint().clear();
    (void)Mat_LogInitFunc("cardiomm", [](int, auto* text) {
      if (text != nullptr) complaint() = printable(text);
    });
    file_ = Mat_Open(path.c_str(), MAT_ACC_RDONLY);
    require<io_error>(file_ != nullptr, path, ": matio: cannot be opened", reason());
  }

 private:
  /// Where a variable lies: the one of the file, and the way through its structures.
  struct place {
    std::string top;
    std::vector<std::pair<std::size_t, std::string>> way;  // element and field
    dtype type = dtype::f64;
    std::uint64_t count = 0;
  };

  static std::string& complaint() {
    static std::string text;
    return text;
  }
  static std::string reason() { return complaint().empty() ? "" : ": " + complaint(); }

  std::string answer(const std::string& request) {
    packet_reader in(request.substr(1), path_);
    if (request.at(0) == 'l') return list();
    const std::uint64_t id = in.number(), offset = in.number(), n = in.number();
    const place& p = places_.at(id);
    serve_values(
        *memory_, size_of(p.type), offset, n,
        [&](std::uint64_t first, std::uint64_t last, char* out) { read(p, first, last, out); });
    return "";
  }

  // ---- the list -----------------------------------------------------------------------------
  std::string list() {
    packet all;
    (void)Mat_Rewind(file_);
    while (matvar_t* v = Mat_VarReadNextInfo(file_)) {
      if (v->name != nullptr && v->name[0] != '\0') put(v, v->name, {v->name, {}, {}, 0}, 0);
      Mat_VarFree(v);
    }
    require<io_error>(complaint().empty(), path_, ": matio: the list of variables ends early",
                      reason());
    all.put(std::uint64_t(places_.size()));
    return all.take() + list_.take();
  }
  static const char* class_name(const matvar_t* v) {
    if (v->isLogical) return "logical";
    switch (v->class_type) {
      case MAT_C_CELL:
        return "cell";
      case MAT_C_STRUCT:
        return "struct";
      case MAT_C_OBJECT:
        return "object";
      case MAT_C_CHAR:
        return "char";
      case MAT_C_SPARSE:
        return "sparse";
      case MAT_C_DOUBLE:
        return "double";
      case MAT_C_SINGLE:
        return "single";
      case MAT_C_INT8:
        return "int8";
      case MAT_C_UINT8:
        return "uint8";
      case MAT_C_INT16:
        return "int16";
      case MAT_C_UINT16:
        return "uint16";
      case MAT_C_INT32:
        return "int32";
      case MAT_C_UINT32:
        return "uint32";
      case MAT_C_INT64:
        return "int64";
      case MAT_C_UINT64:
        return "uint64";
      case MAT_C_FUNCTION:
        return "function";
      case MAT_C_OPAQUE:
        return "opaque";
      default:
        return "empty";
    }
  }
  /// The type of one part of a value.
  static std::optional<dtype> part_type(const matvar_t* v) {
    switch (v->class_type) {
      case MAT_C_DOUBLE:
        return dtype::f64;
      case MAT_C_SINGLE:
        return dtype::f32;
      case MAT_C_INT8:
        return dtype::i8;
      case MAT_C_UINT8:
        return v->isLogical ? dtype::boolean : dtype::u8;
      case MAT_C_INT16:
        return dtype::i16;
      case MAT_C_UINT16:
        return dtype::u16;
      case MAT_C_INT32:
        return dtype::i32;
      case MAT_C_UINT32:
        return dtype::u32;
      case MAT_C_INT64:
        return dtype::i64;
      case MAT_C_UINT64:
        return dtype::u64;
      default:
        return std::nullopt;
    }
  }
  static std::optional<dtype> value_type(const matvar_t* v) {
    const auto part = part_type(v);
    if (!part || !v->isComplex) return part;
    return *part == dtype::f32 || size_of(*part) <= 2 ? dtype::c64 : dtype::c128;
  }
  void put(matvar_t* v, const std::string& name, const place& where, int depth) {
    require<io_error>(places_.size() < 100000 && depth < 16, path_,
                      ": matio: more variables, or deeper structures, than a file has");
    std::vector<std::uint64_t> reversed;
    for (int i = v->rank; i-- > 0;) reversed.push_back(v->dims[i]);
    const auto type = value_type(v);
    place p = where;
    std::uint64_t n = 1;
    for (const std::uint64_t d : reversed) n = d < (1ull << 40) && n < (1ull << 40) ? n * d : ~0ull;
    p.count = n;
    p.type = type.value_or(dtype::f64);
    list_.put(name).put(std::string(class_name(v)));
    list_.put(std::uint64_t(type ? 1 + static_cast<int>(*type) : 0)).put(reversed);
    places_.push_back(p);
    if (v->class_type != MAT_C_STRUCT || n > 100000) return;
    const unsigned fields = Mat_VarGetNumberOfFields(v);
    char* const* names = Mat_VarGetStructFieldnames(v);
    for (std::size_t e = 0; e < n && names != nullptr; ++e)
      for (unsigned f = 0; f < fields; ++f) {
        matvar_t* m = Mat_VarGetStructFieldByIndex(v, f, e);
        if (m == nullptr || names[f] == nullptr) continue;
        place inside = where;
        inside.way.emplace_back(e, names[f]);
        put(m, name + (n > 1 ? "(" + std::to_string(e + 1) + ")." : ".") + names[f], inside,
            depth + 1);
      }
  }

  // ---- values ---------------------------------------------------------------------------------
  /// A variable of the file with its values. Some are kept, because a compressed one is read as a
  /// whole.
  matvar_t* load(const std::string& name) {
    for (const auto& [n, v] : loaded_)
      if (n == name) return v;
    while (!loaded_.empty() && kept_ > (std::size_t(2) << 30)) {
      kept_ -= std::min(kept_, Mat_VarGetSize(loaded_.front().second));
      Mat_VarFree(loaded_.front().second);
      loaded_.pop_front();
    }
    complaint().clear();
    matvar_t* v = Mat_VarRead(file_, name.c_str());
    require<io_error>(v != nullptr && complaint().empty(), path_, ":", printable(name),
                      ": matio: the values cannot be read", reason());
    loaded_.emplace_back(name, v);
    kept_ += Mat_VarGetSize(v);
    return v;
  }
  template <class T, class Out>
  static void interleave(const void* re, const void* im, std::uint64_t first, std::uint64_t n,
                         Out* out) {
    for (std::uint64_t i = 0; i < n; ++i) {
      out[2 * i] = static_cast<Out>(static_cast<const T*>(re)[first + i]);
      out[2 * i + 1] = static_cast<Out>(static_cast<const T*>(im)[first + i]);
    }
  }
  void read(const place& p, std::uint64_t first, std::uint64_t last, char* out) {
    const matvar_t* v = load(p.top);
    for (const auto& [element, field] : p.way) {
      v = Mat_VarGetStructFieldByName(const_cast<matvar_t*>(v), field.c_str(), element);
      if (v == nullptr) break;
    }
    const std::string shown = path_ + ":" + printable(p.top);
    const auto type = v ? value_type(v) : std::nullopt, part = v ? part_type(v) : std::nullopt;
    require<io_error>(type && part && *type == p.type && v->data != nullptr, shown,
                      ": matio: the values cannot be read", reason());
    const std::size_t item = size_of(*type), one = size_of(*part);
    // matio says how many bytes it read; less than promised is a truncated variable
    require<io_error>(
        v->data_size == static_cast<int>(one) && last <= p.count && v->nbytes / one >= p.count,
        shown, ": matio: expected ", p.count, " values, found ", v->nbytes / one);
    if (!v->isComplex) {
      std::memcpy(out, static_cast<const char*>(v->data) + first * item, (last - first) * item);
    } else {
      const auto* split = static_cast<const mat_complex_split_t*>(v->data);
      require<io_error>(split->Re != nullptr && split->Im != nullptr, shown,
                        ": matio: the values cannot be read", reason());
      visit(*part, [&](auto tag) {
        using T = typename decltype(tag)::type;
        if constexpr (std::is_arithmetic_v<T>) {
          if (*type == dtype::c64)
            interleave<T>(split->Re, split->Im, first, last - first, reinterpret_cast<float*>(out));
          else
            interleave<T>(split->Re, split->Im, first, last - first,
                          reinterpret_cast<double*>(out));
        }
      });
    }
  }

  std::string path_;
  std::shared_ptr<const shared_memory> memory_;
  mat_t* file_ = nullptr;  // the process ends soon: not closed
  packet list_;
  std::vector<place> places_;
  std::list<std::pair<std::string, matvar_t*>> loaded_;
  std::size_t kept_ = 0;
};

#endif

}  // namespace cardiomm::inline CARDIOMM_ABI::io::detail

#endif
