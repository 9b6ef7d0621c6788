// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_NPY_HPP
#define CARDIOMM_IO_NPY_HPP
/// \file
/// NumPy's .npy files. Read: header versions 1 to 3, both byte orders, C and Fortran order, the
/// boolean, integer, floating (half to double) and complex types. Written: version 1, little
/// endian, C order. Source: NumPy Enhancement Proposal 1 and the documentation of numpy.lib.format.

#include <string_view>

#include "cardiomm/io/array.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

namespace detail {

/// Reads the Python dictionary of a header: {'descr': '<c8', 'fortran_order': False, 'shape': (2,)}
class npy_header_parser {
 public:
  npy_header_parser(std::string_view text, const std::string& path) : text_(text), path_(path) {}

  stored_array::place parse() {
    bool descr = false, order = false, shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr" && !descr) {
        descr = true;
        type(string());
      } else if (key == "fortran_order" && !order) {
        order = true;
        place_.column_major = boolean();
      } else if (key == "shape" && !shape) {
        shape = true;
        tuple();
      } else
        fail("an unknown or repeated key '" + key + "'");
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip();
    if (at_ != text_.size()) fail("text after the dictionary");
    if (!(descr && order && shape)) fail("a dictionary without descr, fortran_order or shape");
    return place_;
  }

 private:
  [[noreturn]] void fail(const std::string& found) const {
    throw io_error(path_ +
                   ": npy header: expected a dictionary of descr, fortran_order and "
                   "shape, found " +
                   found);
  }
  void skip() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }
  bool accept(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(here() + std::string(" instead of '") + c + "'");
  }
  std::string here() const {
    if (at_ >= text_.size()) return "its end";
    const char c = text_[at_];
    return c > ' ' && c < 127 ? std::string("'") + c + "'" : "an unprintable character";
  }
  std::string string() {
    skip();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote == '[') fail("a structured type, which is not supported");
    if (quote != '\'' && quote != '"') fail(here() + " instead of a string");
    const std::size_t first = ++at_;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] < ' ' || text_[at_] > '~' || text_[at_] == '\\' || at_ - first > 64)
        fail("a string that is no name");
      ++at_;
    }
    if (at_ == text_.size()) fail("a string without end");
    return std::string(text_.substr(first, at_++ - first));
  }
  bool boolean() {
    skip();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(at_, word.size()) == word) {
        at_ += word.size();
        return value;
      }
    }
    fail(here() + " instead of True or False");
  }
  void tuple() {
    expect('(');
    while (!accept(')')) {
      skip();
      const std::size_t first = at_;
      index_t n = 0;
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
        const index_t digit = text_[at_++] - '0';
        if (n > (std::numeric_limits<index_t>::max() - digit) / 10) fail("an extent beyond 2^63");
        n = 10 * n + digit;
      }
      if (at_ == first) fail(here() + " in the shape");
      if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // Python 2 wrote long integers so
      place_.shape.push_back(n);
      if (place_.shape.size() > 64) fail("a shape of more than 64 axes");
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
  }
  void type(const std::string& descr) {
    struct known {
      const char* code;
      dtype type;
    };
    static constexpr known table[] = {
        {"b1", dtype::boolean}, {"i1", dtype::i8},   {"i2", dtype::i16}, {"i4", dtype::i32},
        {"i8", dtype::i64},     {"u1", dtype::u8},   {"u2", dtype::u16}, {"u4", dtype::u32},
        {"u8", dtype::u64},     {"f2", dtype::f16},  {"f4", dtype::f32}, {"f8", dtype::f64},
        {"c8", dtype::c64},     {"c16", dtype::c128}};
    const std::string_view d = descr;
    if (!d.empty()) {
      const bool little = d[0] == '<', big = d[0] == '>', either = d[0] == '|' || d[0] == '=';
      const std::string_view code = little || big || either ? d.substr(1) : d;
      for (const known& k : table)
        if (code == k.code || (k.type == dtype::boolean && code == "?")) {
          place_.type = k.type;
          place_.swapped = std::endian::native == std::endian::little ? big : little;
          return;
        }
    }
    throw io_error(path_ +
                   ": type: expected bool, (u)int8 to 64, float16 to 64, complex64 or "
                   "complex128, found '" +
                   descr + "'");
  }

  std::string_view text_;
  const std::string& path_;
  std::size_t at_ = 0;
  stored_array::place place_;
};

}  // namespace detail

/// Opens the bytes of a .npy file and checks that they are exactly what the header promises;
/// nothing is allocated for the values yet. Throws io_error.
inline stored_array open_npy(const std::shared_ptr<const byte_source>& file) {
  const std::string& path = file->path();
  unsigned char head[12] = {};
  const std::size_t have = static_cast<std::size_t>(std::min<std::uint64_t>(file->size(), 12));
  file->read(0, head, have);
  require<io_error>(have >= 10 && std::memcmp(head, "\x93NUMPY", 6) == 0, path,
                    ": expected a .npy file, found ",
                    have == 0 ? "an empty file" : "something else");
  require<io_error>(head[6] >= 1 && head[6] <= 3 && head[7] == 0 && (head[6] == 1 || have == 12),
                    path, ": expected npy version 1.0, 2.0 or 3.0, found ", int(head[6]), ".",
                    int(head[7]));
  const std::uint64_t length = head[6] == 1 ? head[8] + 256u * head[9]
                                            : head[8] + (std::uint64_t(head[9]) << 8) +
                                                  (std::uint64_t(head[10]) << 16) +
                                                  (std::uint64_t(head[11]) << 24);
  const std::uint64_t start = head[6] == 1 ? 10 : 12;
  require<io_error>(length <= file->size() - start, path, ": npy header: expected ", length,
                    " bytes, found ", file->size() - start);
  require<io_error>(length <= (1u << 20), path,
                    ": npy header: expected at most 1048576 bytes, found ", length);
  std::string text(static_cast<std::size_t>(length), '\0');
  file->read(start, text.data(), text.size());
  auto where = detail::npy_header_parser(text, path).parse();
  where.offset = start + length;
  stored_array values(file, where);
  const std::uint64_t need = static_cast<std::uint64_t>(values.size()) * size_of(values.type());
  require<io_error>(need == file->size() - where.offset, path, ": shape ",
                    to_string(values.shape()), " of ", name_of(values.type()), ": expected ", need,
                    " bytes of values, found ", file->size() - where.offset);
  return values;
}

inline stored_array open_npy(const std::string& path) {
  return open_npy(std::make_shared<const input_file>(path));
}

/// The header that precedes the values of an array.
inline std::string npy_header(dtype type, const extents& shape) {
  constexpr const char* codes[] = {"|b1", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2",
                                   "<u4", "<u8", "<f2", "<f4", "<f8", "<c8", "<c16"};
  static_assert(std::endian::native == std::endian::little, "values are written as they lie");
  std::string text = std::string("{'descr': '") + codes[static_cast<int>(type)] +
                     "', 'fortran_order': False, 'shape': " + to_string(shape) + ", }";
  text.append(63 - (10 + text.size()) % 64, ' ');  // values start at a multiple of 64
  text += '\n';
  std::string head("\x93NUMPY\x01\x00", 8);
  head += static_cast<char>(text.size() & 255);
  head += static_cast<char>(text.size() >> 8);
  return head + text;
}

/// Writes header and values of an array; `values` in C order. The caller commits.
inline void put_npy(atomic_file& out, dtype type, const extents& shape, const void* values) {
  out.write(npy_header(type, shape));
  out.write(values,
            static_cast<std::size_t>(count_of(shape, size_of(type), out.path())) * size_of(type));
}

/// Writes an array; the file appears under its name when it is complete.
inline void write_npy(const std::string& path, const array& a,
                      existing policy = existing::replace) {
  atomic_file out(path, policy);
  put_npy(out, a.type, a.shape, a.bytes.data());
  out.commit();
}

/// Writes a tensor of any space.
template <TensorView V>
void write_npy(const std::string& path, const V& values, existing policy = existing::replace) {
  const auto host = to_host(values);
  extents shape;
  for (int i = 0; i < rank_of<V>; ++i) shape.push_back(static_cast<index_t>(host.extent(i)));
  atomic_file out(path, policy);
  put_npy(out, dtype_of<element_of<V>>(), shape, host.data());
  out.commit();
}

/// Reads a .npy file with its own type.
inline array read_npy(const std::string& path) { return open_npy(path).load(); }

/// Reads a .npy file as a tensor of rank R; see `convert` for the types that fit.
template <class T, int R>
host_tensor<T, R> read_npy(const std::string& path) {
  return open_npy(path).tensor<T, R>();
}

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
