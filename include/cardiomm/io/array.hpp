// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_ARRAY_HPP
#define CARDIOMM_IO_ARRAY_HPP
/// \file
/// Arrays whose element type and rank are known at run time only, as files bring them, and their
/// conversion to tensors. `array` holds the values; `stored_array` says where they lie in a file
/// and reads them straight into the memory of a tensor, converting type, byte order and axis order.

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cardiomm/core/tensor.hpp"
#include "cardiomm/io/file.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

/// Element types of the formats; `f16` is IEEE half precision.
enum class dtype : std::uint8_t {
  boolean,
  i8,
  i16,
  i32,
  i64,
  u8,
  u16,
  u32,
  u64,
  f16,
  f32,
  f64,
  c64,
  c128
};

/// IEEE half precision, for storage only.
struct half {
  std::uint16_t bits;
  explicit operator double() const {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const double sign = bits & 0x8000 ? -1.0 : 1.0;
    if (exponent == 31)
      return fraction ? std::numeric_limits<double>::quiet_NaN()
                      : sign * std::numeric_limits<double>::infinity();
    return sign *
           (exponent ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24));
  }
};

namespace detail {
template <class T>
struct tag {
  using type = T;
};
/// f(tag<T>) for the C++ type that stores a dtype.
template <class F>
decltype(auto) visit(dtype t, F&& f) {
  switch (t) {
    case dtype::boolean:
      return f(tag<bool>{});
    case dtype::i8:
      return f(tag<std::int8_t>{});
    case dtype::i16:
      return f(tag<std::int16_t>{});
    case dtype::i32:
      return f(tag<std::int32_t>{});
    case dtype::i64:
      return f(tag<std::int64_t>{});
    case dtype::u8:
      return f(tag<std::uint8_t>{});
    case dtype::u16:
      return f(tag<std::uint16_t>{});
    case dtype::u32:
      return f(tag<std::uint32_t>{});
    case dtype::u64:
      return f(tag<std::uint64_t>{});
    case dtype::f16:
      return f(tag<half>{});
    case dtype::f32:
      return f(tag<float>{});
    case dtype::f64:
      return f(tag<double>{});
    case dtype::c64:
      return f(tag<complex<float>>{});
    default:
      return f(tag<complex<double>>{});
  }
}
}  // namespace detail

/// The dtype of a C++ type: bool, fixed-width integers, half, float, double, complex of them.
template <class T>
constexpr dtype dtype_of() {
  if constexpr (std::is_same_v<T, bool>)
    return dtype::boolean;
  else if constexpr (std::is_same_v<T, half>)
    return dtype::f16;
  else if constexpr (std::is_same_v<T, float>)
    return dtype::f32;
  else if constexpr (std::is_same_v<T, double>)
    return dtype::f64;
  else if constexpr (is_complex<T>)
    return std::is_same_v<real_of<T>, float> ? dtype::c64 : dtype::c128;
  else {
    static_assert(std::is_integral_v<T> && sizeof(T) <= 8);
    constexpr int log2 = std::bit_width(sizeof(T)) - 1;
    return static_cast<dtype>(static_cast<int>(std::is_signed_v<T> ? dtype::i8 : dtype::u8) + log2);
  }
}

/// Bytes of an element.
inline std::size_t size_of(dtype t) {
  return detail::visit(t, [](auto e) { return sizeof(typename decltype(e)::type); });
}

/// Name as NumPy prints it: "complex64", "uint8", "bool".
inline const char* name_of(dtype t) {
  constexpr const char* names[] = {"bool",    "int8",    "int16",     "int32",     "int64",
                                   "uint8",   "uint16",  "uint32",    "uint64",    "float16",
                                   "float32", "float64", "complex64", "complex128"};
  return names[static_cast<int>(t)];
}

inline bool is_complex_type(dtype t) { return t == dtype::c64 || t == dtype::c128; }

using extents = std::vector<index_t>;

/// "(25, 10, 208, 256)"
inline std::string to_string(const extents& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

/// Number of elements. Throws io_error if an extent is negative or the bytes exceed 2^62.
inline index_t count_of(const extents& shape, std::size_t element_size, const std::string& what) {
  std::uint64_t n = 1;
  const std::uint64_t limit = (std::uint64_t(1) << 62) / element_size;
  bool empty = false;
  for (const index_t e : shape) {
    require<io_error>(e >= 0, what, ": expected extents of at least 0, found ", to_string(shape));
    empty = empty || e == 0;
    if (e == 0) continue;
    require<io_error>(n <= limit / static_cast<std::uint64_t>(e), what, ": shape ",
                      to_string(shape), " is larger than any file");
    n *= static_cast<std::uint64_t>(e);
  }
  return empty ? 0 : static_cast<index_t>(n);
}

namespace detail {
template <class To, class From>
To convert_value(const From& v, const char* what) {
  if constexpr (std::is_same_v<To, From>)
    return v;
  else if constexpr (is_complex<From>) {
    if constexpr (is_complex<To>)
      return To(real_of<To>(v.real()), real_of<To>(v.imag()));
    else
      throw value_error(std::string(what) + ": expected real values, found complex ones");
  } else if constexpr (std::is_same_v<From, half>)
    return convert_value<To>(static_cast<double>(v), what);
  else if constexpr (std::is_same_v<To, half>)
    throw value_error(std::string(what) + ": half precision is read, never made");
  else if constexpr (is_complex<To>)
    return To(static_cast<real_of<To>>(v), real_of<To>(0));
  else if constexpr (std::is_same_v<To, bool>)
    return v != From(0);
  else if constexpr (std::is_integral_v<To> && !std::is_same_v<From, bool>) {
    const auto d = static_cast<long double>(v);
    require(d >= static_cast<long double>(std::numeric_limits<To>::min()) &&
                d <= static_cast<long double>(std::numeric_limits<To>::max()),
            what, ": expected values that fit ", name_of(dtype_of<To>()), ", found ", +v);
    return static_cast<To>(v);
  } else
    return static_cast<To>(v);
}
}  // namespace detail

/// Converts n values of a dtype (native byte order) to T. Complex to real and numbers outside the
/// range of an integer type throw value_error; `what` names the array in the message.
template <class T>
void convert(dtype from, const std::byte* values, index_t n, T* out, const char* what = "array") {
  detail::visit(from, [&](auto e) {
    using From = typename decltype(e)::type;
    for (index_t i = 0; i < n; ++i) {
      if constexpr (std::is_same_v<From, bool>) {
        out[i] = detail::convert_value<T>(values[i] != std::byte(0), what);
      } else {
        From v;
        std::memcpy(&v, values + static_cast<std::size_t>(i) * sizeof(From), sizeof(From));
        out[i] = detail::convert_value<T>(v, what);
      }
    }
  });
}

/// Copies a row-major array to another axis order: axis i of the result is axis order[i] of `in`.
template <class T>
void permute(const T* in, const extents& shape, const std::vector<int>& order, T* out) {
  const std::size_t rank = shape.size();
  extents stride(rank, 1), extent(rank), at(rank, 0), step(rank);
  for (std::size_t i = rank; i-- > 1;) stride[i - 1] = stride[i] * shape[i];
  index_t n = 1;
  for (std::size_t i = 0; i < rank; ++i) {
    extent[i] = shape[static_cast<std::size_t>(order[i])];
    step[i] = stride[static_cast<std::size_t>(order[i])];
    n *= extent[i];
  }
  if (n == 0) return;
  if (rank == 0) {
    *out = *in;
    return;
  }
  const index_t inner = extent[rank - 1], inner_step = step[rank - 1];
  for (index_t done = 0; done < n; done += inner) {
    const T* row = in;
    for (std::size_t i = 0; i + 1 < rank; ++i) row += at[i] * step[i];
    for (index_t i = 0; i < inner; ++i) *out++ = row[i * inner_step];
    for (std::size_t i = rank - 1; i-- > 0;) {
      if (++at[i] < extent[i]) break;
      at[i] = 0;
    }
  }
}

/// Values in memory: row-major, native byte order.
struct array {
  dtype type = dtype::f32;
  extents shape;
  std::vector<std::byte> bytes;

  index_t size() const { return static_cast<index_t>(bytes.size() / size_of(type)); }

  /// A copy of a tensor.
  template <TensorView V>
  static array from(const V& values) {
    using T = element_of<V>;
    const auto host = to_host(values);
    array a;
    a.type = dtype_of<T>();
    for (int i = 0; i < rank_of<V>; ++i) a.shape.push_back(static_cast<index_t>(host.extent(i)));
    a.bytes.resize(host.size() * sizeof(T));
    if (host.size() > 0) std::memcpy(a.bytes.data(), host.data(), a.bytes.size());
    return a;
  }
  /// The values as T, see `convert`.
  template <class T>
  std::vector<T> values() const {
    std::vector<T> v(static_cast<std::size_t>(size()));
    convert(type, bytes.data(), size(), v.data());
    return v;
  }
};

/// An array that still lies in a file whose size was found to be right.
class stored_array {
 public:
  struct place {
    dtype type = dtype::f32;
    extents shape;
    std::uint64_t offset = 0;   ///< of the first value, in bytes
    bool swapped = false;       ///< the other byte order
    bool column_major = false;  ///< Fortran order: the first axis is contiguous
  };

  /// Throws io_error if the values reach beyond the end of the file.
  stored_array(std::shared_ptr<const byte_source> file, place where)
      : file_(std::move(file)), where_(std::move(where)) {
    size_ = count_of(where_.shape, size_of(where_.type), file_->path());
    const std::uint64_t need = static_cast<std::uint64_t>(size_) * size_of(where_.type);
    require<io_error>(where_.offset <= file_->size() && need <= file_->size() - where_.offset,
                      file_->path(), ": shape ", to_string(where_.shape), " of ",
                      name_of(where_.type), ": expected ", need, " bytes of values, found ",
                      where_.offset <= file_->size() ? file_->size() - where_.offset : 0);
  }

  dtype type() const { return where_.type; }
  const extents& shape() const { return where_.shape; }
  index_t size() const { return size_; }
  const std::string& path() const { return file_->path(); }
  /// Bytes in the file from one index of an axis to the next.
  index_t pitch(std::size_t axis) const {
    auto n = static_cast<index_t>(size_of(where_.type));
    for (std::size_t i = 0; i < where_.shape.size(); ++i)
      if (where_.column_major ? i < axis : i > axis) n *= where_.shape[i];
    return n;
  }

  /// Reads all values as T in row-major order; `out` holds size() of them.
  template <class T>
  void read(T* out) const {
    std::vector<range> all(where_.shape.size());
    index_t step = 1;
    for (std::size_t i = all.size(); i-- > 0;) {
      all[i] = {0, where_.shape[i], step};
      step *= where_.shape[i];
    }
    read(all, out);
  }

  /// What is read of an axis, and the distance in `out` of its neighbours.
  struct range {
    index_t first, count, step;
  };
  /// Reads a part as T: value (first_0 + i_0, first_1 + i_1, ...) goes to out[sum of i_d step_d].
  /// Only the pieces of the file that hold the part are read, a megabyte at a time at most, or
  /// straight to their place where they lie there as in the file. Throws shape_error for ranges
  /// outside the array.
  template <class T>
  void read(const std::vector<range>& part, T* out) const {
    const std::vector<file_axis> axes = axes_in_file(part);
    for (const range& r : part)
      if (r.count == 0) return;
    const std::size_t item = size_of(where_.type), last = axes.size() - 1;
    const index_t run = axes[last].count, step = axes[last].step;
    const bool as_it_lies =
        dtype_of<T>() == where_.type && !where_.swapped && where_.type != dtype::boolean;
    constexpr index_t window_bytes = 1 << 20;
    const index_t most = window_bytes / static_cast<index_t>(item);
    window bytes{*file_, where_.offset, item, end_of(axes), {}, 0, 0};
    // Where the runs are far apart what lies between them is not read.
    const bool near = last == 0 || axes[last - 1].pitch * index_t(item) < window_bytes / 4;
    std::unique_ptr<T[]> converted;
    std::vector<std::byte> turned;
    std::vector<index_t> at(last, 0);
    while (true) {
      index_t from = axes[last].first, to = 0;
      for (std::size_t d = 0; d < last; ++d) {
        from += (axes[d].first + at[d]) * axes[d].pitch;
        to += at[d] * axes[d].step;
      }
      if (as_it_lies && step == 1 && run * index_t(item) >= (1 << 16)) {
        file_->read(where_.offset + std::uint64_t(from) * item, out + to, std::size_t(run) * item);
      } else {
        if (!converted) converted.reset(new T[std::size_t(std::min(run, most))]);
        for (index_t i = 0; i < run; i += most) {
          const index_t n = std::min(most, run - i);
          const std::byte* p = bytes.at(from + i, n, near ? most : n);
          if (where_.swapped) {
            turned.assign(p, p + std::size_t(n) * item);
            swap_bytes(turned.data(), turned.size(),
                       is_complex_type(where_.type) ? item / 2 : item);
            p = turned.data();
          }
          T* put = out + to + i * step;
          if (step == 1) {
            convert(where_.type, p, n, put, file_->path().c_str());
            continue;
          }
          convert(where_.type, p, n, converted.get(), file_->path().c_str());
          for (index_t k = 0; k < n; ++k) put[k * step] = converted[std::size_t(k)];
        }
      }
      std::size_t d = last;
      while (d > 0 && ++at[d - 1] == axes[d - 1].count) at[--d] = 0;
      if (d == 0) return;
    }
  }

  /// The values as a tensor of rank R in host memory. Throws shape_error if the rank differs.
  template <class T, int R>
  host_tensor<T, R> tensor() const {
    require<shape_error>(static_cast<int>(where_.shape.size()) == R, file_->path(), ": expected ",
                         R, " axes, found shape ", to_string(where_.shape));
    cardiomm::shape<R> s{};
    for (int i = 0; i < R; ++i) s[i] = where_.shape[static_cast<std::size_t>(i)];
    auto t = make_tensor<T>(host_space{}, s, "cardiomm::io");
    read(t.data());
    return t;
  }

  /// The values with their own type.
  array load() const {
    array a;
    a.type = where_.type;
    a.shape = where_.shape;
    a.bytes.resize(static_cast<std::size_t>(size_) * size_of(where_.type));
    detail::visit(where_.type, [&](auto e) {
      using T = typename decltype(e)::type;
      read(reinterpret_cast<T*>(a.bytes.data()));
    });
    return a;
  }

 private:
  /// An axis as it lies in the file, slowest first; pitch is the distance of its neighbours there.
  struct file_axis {
    index_t extent, first, count, step, pitch;
  };
  /// The axes without those of extent 1, joined where they are contiguous in file and memory.
  std::vector<file_axis> axes_in_file(const std::vector<range>& part) const {
    const std::size_t rank = where_.shape.size();
    require<shape_error>(part.size() == rank, file_->path(), ": expected ranges of ", rank,
                         " axes, found ", part.size());
    std::vector<file_axis> axes;
    for (std::size_t i = 0; i < rank; ++i) {
      const std::size_t d = where_.column_major ? rank - 1 - i : i;
      const range& r = part[d];
      const index_t n = where_.shape[d];
      require<shape_error>(r.first >= 0 && r.count >= 0 && r.count <= n - r.first, file_->path(),
                           ": axis ", d, ": expected a part of 0 to ", n, ", found ", r.count,
                           " from ", r.first);
      if (n == 1) continue;
      file_axis* outer = axes.empty() ? nullptr : &axes.back();
      if (outer != nullptr && r.count == n && outer->step == r.step * n)
        *outer = {outer->extent * n, outer->first * n, outer->count * n, r.step, 1};
      else
        axes.push_back({n, r.first, r.count, r.step, 1});
    }
    if (axes.empty()) axes.push_back({1, 0, 1, 1, 1});
    for (std::size_t i = axes.size() - 1; i-- > 0;)
      axes[i].pitch = axes[i + 1].pitch * axes[i + 1].extent;
    return axes;
  }
  /// One past the last value of a part.
  static index_t end_of(const std::vector<file_axis>& axes) {
    index_t end = 1;
    for (const file_axis& a : axes) end += (a.first + a.count - 1) * a.pitch;
    return end;
  }
  /// A piece of the file in memory that moves forward.
  struct window {
    const byte_source& file;
    std::uint64_t offset;
    std::size_t item;
    index_t end;
    std::vector<std::byte> bytes;
    index_t first, count;
    /// n values from an index; `ahead` are read where there are so many.
    const std::byte* at(index_t index, index_t n, index_t ahead) {
      if (index < first || index + n > first + count) {
        first = index;
        count = std::max(n, std::min(ahead, end - index));
        bytes.resize(std::size_t(count) * item);
        file.read(offset + std::uint64_t(first) * item, bytes.data(), bytes.size());
      }
      return bytes.data() + std::size_t(index - first) * item;
    }
  };
  static void swap_bytes(std::byte* p, std::size_t bytes, std::size_t item) {
    for (std::size_t i = 0; i < bytes; i += item) std::reverse(p + i, p + i + item);
  }

  std::shared_ptr<const byte_source> file_;
  place where_;
  index_t size_ = 0;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
