// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_ARRAYS_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_ARRAYS_HPP
/// \file
/// Reading arrays with named axes from .npy and .cfl files into tensors of fixed axis order, and
/// writing results with the axes of the input.

#include <cmath>
#include <filesystem>
#include <memory>
#include <numeric>
#include <optional>

#include "axes.hpp"
#include "cardiomm/io/npy.hpp"

namespace program {

using cardiomm::complex;
using cardiomm::host_space;
using cardiomm::host_tensor;
namespace io = cardiomm::io;

enum class format { npy, cfl };

inline std::string extension_of(const std::string& path) {
  return std::filesystem::path(path).extension().string();
}

/// The format of an input by its name; a name without extension is a BART base name.
inline format input_format(const std::string& path) {
  const std::string end = extension_of(path);
  if (end == ".npy") return format::npy;
  if (end == ".cfl" || end == ".hdr") return format::cfl;
  std::error_code none;
  if (std::filesystem::exists(path + ".hdr", none)) return format::cfl;
  require<io_error>(std::filesystem::exists(path, none), path,
                    ": cannot be opened: No such file or directory");
  throw io_error(path +
                 ": expected a name that ends in .npy, .cfl or .hdr, or a BART base name, found '" +
                 end + "'");
}

/// The format of an output by its name.
inline format output_format(const std::string& path) {
  require<io_error>(!path.empty(), "--out: expected a file name, found an empty one");
  const std::string end = extension_of(path);
  if (end == ".npy") return format::npy;
  if (end == ".cfl" || end == ".hdr" || end.empty()) return format::cfl;
  throw io_error(path +
                 ": expected a name that ends in .npy, .cfl or .hdr, or a BART base name, found '" +
                 end + "'");
}

/// An input file whose header was read and checked.
struct opened {
  io::stored_array values;
  format kind = format::npy;
  axes order;                ///< names of the axes of a .cfl, with its singletons; empty for .npy
  bool phase_plane = false;  ///< .cfl whose x and y are BART's dimensions 1 and 2
};

inline opened open_array(const std::string& path) {
  if (input_format(path) == format::npy) return {io::open_npy(path), format::npy, {}, false};
  const auto file = io::open_cfl(path);
  const auto named = name_cfl(file.dims, path);
  // the same values, seen with the axes that have names only
  const auto data = std::make_shared<const io::input_file>(io::cfl_base(path) + ".cfl");
  io::stored_array::place where;
  where.type = io::dtype::c64;
  where.shape = named.shape;
  return {io::stored_array(data, where), format::cfl, named.order, named.phase_plane};
}

/// Where the values of an input came from, so that messages can name it and results can be written
/// with the same axes.
struct source {
  std::string path;
  axes order;
  extents shape;
  bool phase_plane = false;

  index_t extent(axis a) const {
    for (std::size_t i = 0; i < order.size(); ++i)
      if (order[i] == a) return shape[i];
    return 1;
  }
  std::string describe() const { return to_string(order, shape); }
};

/// Names the axes of an opened file for a role, by rank or --axes.
inline source name_axes(const opened& file, role r, const axes& given) {
  source s{file.values.path(), {}, {}, file.phase_plane};
  if (file.kind == format::npy) {
    s.order = axes_of(r, file.values.shape(), given, s.path);
    s.shape = file.values.shape();
  } else {
    require<value_error>(given.empty(), s.path,
                         ": --axes is for .npy files; the dimensions of .cfl files have names");
    s.order = compact(r, file.order, file.values.shape());
    for (const axis a : s.order) {
      index_t n = 1;
      for (std::size_t i = 0; i < file.order.size(); ++i)
        if (file.order[i] == a) n = file.values.shape()[i];
      s.shape.push_back(n);
    }
    const axes& largest = orders_of(r).back();
    for (std::size_t i = 0; i < file.order.size(); ++i)
      require<shape_error>(file.values.shape()[i] == 1 || has(largest, file.order[i]), s.path, ": ",
                           name_of(r), ": expected 1 on the axis ", name_of(file.order[i]),
                           ", found ", file.values.shape()[i]);
  }
  for (std::size_t i = 0; i < s.shape.size(); ++i)
    require<shape_error>(s.shape[i] > 0, s.path, ": expected at least one ", name_of(s.order[i]),
                         ", found shape ", s.describe());
  return s;
}

/// Reads the values into the order `wanted`; axes that the file lacks have extent 1.
template <class T>
void read_ordered(const opened& file, const source& s, const axes& wanted, T* out) {
  const axes& order = file.kind == format::npy ? s.order : file.order;
  const extents& shape = file.values.shape();
  std::vector<int> permutation;
  for (const axis a : wanted)
    for (std::size_t i = 0; i < order.size(); ++i)
      if (order[i] == a) permutation.push_back(static_cast<int>(i));
  for (std::size_t i = 0; i < order.size(); ++i)  // singletons that nobody asked for
    if (!has(wanted, order[i])) permutation.insert(permutation.begin(), static_cast<int>(i));
  // moving an axis of extent 1 moves nothing
  std::vector<int> moving;
  for (const int p : permutation)
    if (shape[static_cast<std::size_t>(p)] > 1) moving.push_back(p);
  if (std::is_sorted(moving.begin(), moving.end())) {
    file.values.read(out);
    return;
  }
  const std::unique_ptr<T[]> raw(new T[static_cast<std::size_t>(file.values.size())]);
  file.values.read(raw.get());
  io::permute(raw.get(), shape, permutation, out);
}

/// f(), with `prefix` (a file, a step) before the messages of its errors.
template <class F>
auto naming(const std::string& prefix, F&& f) {
  try {
    return f();
  } catch (const value_error& e) {
    throw value_error(prefix + e.what(), e.where());
  } catch (const shape_error& e) {
    throw shape_error(prefix + e.what(), e.where());
  }
}

/// A tensor in a fixed order and where it came from.
template <class T, int R>
struct loaded {
  host_tensor<T, R> values;
  source from;
};

/// Throws value_error naming the first value that is NaN or infinite.
template <cardiomm::TensorView V>
void require_finite(const V& values, const source& from, const axes& order) {
  using T = cardiomm::element_of<V>;
  const T* p = values.data();
  for (std::size_t i = 0; i < values.size(); ++i) {
    bool good;
    if constexpr (cardiomm::is_complex<T>)
      good = std::isfinite(p[i].real()) && std::isfinite(p[i].imag());
    else
      good = std::isfinite(p[i]);
    if (good) continue;
    extents at(order.size());
    std::size_t rest = i;
    for (std::size_t d = order.size(); d-- > 0;) {
      at[d] = static_cast<index_t>(rest % values.extent(static_cast<int>(d)));
      rest /= values.extent(static_cast<int>(d));
    }
    throw value_error(from.path + ": expected finite values, found NaN or infinity at " +
                      to_string(order, at));
  }
}

/// Reads an array of a role as R axes in the order `wanted` and checks that all values are finite.
template <class T, int R>
loaded<T, R> load(const std::string& path, role r, const axes& wanted, const axes& given) {
  const opened file = open_array(path);
  const source from = name_axes(file, r, given);
  if constexpr (cardiomm::is_complex<T>)
    require<value_error>(r == role::image || io::is_complex_type(file.values.type()), path, ": ",
                         name_of(r), ": expected complex64 or complex128, found ",
                         io::name_of(file.values.type()));
  cardiomm::shape<R> s{};
  for (int i = 0; i < R; ++i) s[i] = from.extent(wanted[static_cast<std::size_t>(i)]);
  loaded<T, R> result{cardiomm::make_tensor<T>(host_space{}, s, "cardiomm " + name_of(r)), from};
  read_ordered(file, from, wanted, result.values.data());
  require_finite(result.values, from, wanted);
  return result;
}

/// K-space (frame, slice, coil, y, x).
template <class T>
loaded<complex<T>, 5> load_kspace(const std::string& path, const axes_option& given) {
  using enum axis;
  return load<complex<T>, 5>(path, role::kspace, {frame, slice, coil, y, x},
                             given.of(role::kspace));
}

/// Coil maps (set, slice, coil, y, x).
template <class T>
loaded<complex<T>, 5> load_maps(const std::string& path, const axes_option& given) {
  using enum axis;
  return load<complex<T>, 5>(path, role::maps, {set, slice, coil, y, x}, given.of(role::maps));
}

/// Images (frame, slice, y, x), complex or real.
template <class T>
loaded<complex<T>, 4> load_image(const std::string& path, const axes_option& given) {
  using enum axis;
  return load<complex<T>, 4>(path, role::image, {frame, slice, y, x}, given.of(role::image));
}

/// A mask (frame, y, x) of 0 and 1 with `t.frames` frames. Every value but 0 is a sample.
inline host_tensor<std::uint8_t, 3> load_mask(const std::string& path, const mask_target& t,
                                              const axes_option& given) {
  using enum axis;
  opened file = open_array(path);
  axes order;
  if (file.kind == format::npy) {
    require<value_error>(!io::is_complex_type(file.values.type()), path,
                         ": mask: expected a real or boolean type, found ",
                         io::name_of(file.values.type()));
    order = mask_axes(file.values.shape(), t, given.of(role::mask), path);
  } else {
    // A pattern that is constant along the readout has dimension 0 = 1, which looks like a plane of
    // phase encodes; a single line of them is y.
    extents shape = file.values.shape();
    const auto extent = [&](axis a) -> index_t& {
      return shape[static_cast<std::size_t>(std::find(file.order.begin(), file.order.end(), a) -
                                            file.order.begin())];
    };
    if (file.phase_plane && extent(y) == 1 && t.ny > 1)
      for (axis& a : file.order) a = a == x ? y : a == y ? z : a == z ? x : a;
    for (const axis a : {set, slice, coil, z})
      require<shape_error>(extent(a) == 1, path, ": mask: expected 1 on the axis ", name_of(a),
                           ", found ", extent(a));
    const extents found = {extent(frame), extent(y), extent(x)};
    mask_axes(found, t, {}, path);
    order = file.order;
  }
  source from{path, order, file.values.shape(), false};
  file.order = order;
  const index_t frames = from.extent(frame), nx = from.extent(x);
  std::vector<double> values(static_cast<std::size_t>(file.values.size()));
  if (file.kind == format::cfl) {
    std::vector<complex<float>> raw(values.size());
    read_ordered(file, from, {frame, y, x}, raw.data());
    for (std::size_t i = 0; i < raw.size(); ++i)
      values[i] = std::abs(std::complex<float>(raw[i].real(), raw[i].imag()));
  } else
    read_ordered(file, from, {frame, y, x}, values.data());
  auto mask =
      cardiomm::make_tensor<std::uint8_t>(host_space{}, cardiomm::shape<3>{{t.frames, t.ny, t.nx}});
  bool any = false;
  for (index_t f = 0; f < t.frames; ++f)
    for (index_t j = 0; j < t.ny; ++j)
      for (index_t i = 0; i < t.nx; ++i) {
        const double v = values[static_cast<std::size_t>(((frames == 1 ? 0 : f) * t.ny + j) * nx +
                                                         (nx == 1 ? 0 : i))];
        require<value_error>(std::isfinite(v), path,
                             ": mask: expected finite values, found NaN or infinity at (frame ", f,
                             ", y ", j, ", x ", i, ")");
        mask(f, j, i) = v != 0;
        any = any || v != 0;
      }
  require<value_error>(any, path, ": mask: expected at least one sample, found none");
  return mask;
}

/// An array on its way to a file. It is opened before the work starts, so that an unwritable place
/// is found early, and appears when it is committed.
class array_output {
 public:
  array_output(const std::string& path, io::existing policy) : path_(path) {
    const format kind = output_format(path);
    std::error_code none;
    require<io_error>(extension_of(path) != "" || !std::filesystem::exists(path, none) ||
                          std::filesystem::is_regular_file(path, none),
                      path, ": expected a BART base name, found a directory or device");
    if (kind == format::npy)
      npy_ = std::make_unique<io::atomic_file>(path, policy);
    else
      cfl_ = std::make_unique<io::cfl_output>(path, policy);
  }
  bool is_cfl() const { return cfl_ != nullptr; }
  const std::string& path() const { return path_; }

  /// Writes values whose axes are `order`, slowest first and in canonical order. BART's files are
  /// complex and get their dimensions by name.
  template <class T>
  void write(const axes& order, const extents& shape, const T* values, bool phase_plane = false) {
    shape_ = shape;
    order_ = order;
    if (npy_) {
      type_ = io::dtype_of<T>();
      io::put_npy(*npy_, type_, shape, values);
      return;
    }
    type_ = io::dtype::c64;
    const auto n = static_cast<std::size_t>(io::count_of(shape, sizeof(T), path_));
    io::cfl_shape dims;
    dims.fill(1);
    std::vector<std::pair<int, int>> by_dimension;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const int d = cfl_dimension(order[i], phase_plane);
      dims[static_cast<std::size_t>(d)] = shape[i];
      by_dimension.emplace_back(-d, static_cast<int>(i));
    }
    std::sort(by_dimension.begin(), by_dimension.end());
    std::vector<int> permutation;
    for (const auto& entry : by_dimension) permutation.push_back(entry.second);
    std::vector<complex<float>> raw(n), sorted;
    io::convert(io::dtype_of<T>(), reinterpret_cast<const std::byte*>(values),
                static_cast<index_t>(n), raw.data(), path_.c_str());
    if (!std::is_sorted(permutation.begin(), permutation.end())) {
      sorted.resize(n);
      io::permute(raw.data(), shape, permutation, sorted.data());
      raw.swap(sorted);
    }
    cfl_->write(dims, raw.data());
  }
  /// Writes a tensor, dropping the singleton axes of `all` that `kept` does not name.
  template <cardiomm::TensorView V>
  void write(const axes& all, const axes& kept, const V& values, bool phase_plane = false) {
    const auto host = cardiomm::to_host(values);
    extents shape;
    axes order;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (has(kept, all[i]) || host.extent(static_cast<int>(i)) != 1) {
        order.push_back(all[i]);
        shape.push_back(static_cast<index_t>(host.extent(static_cast<int>(i))));
      }
    write(order, shape, host.data(), phase_plane);
  }
  std::vector<io::atomic_file*> files() {
    if (npy_) return {npy_.get()};
    const auto pair = cfl_->files();
    return {pair.begin(), pair.end()};
  }
  void commit() { io::atomic_file::commit(files()); }
  /// "X.npy (frame 25, y 208, x 256) complex64"
  std::string describe() const {
    return path_ + " " + to_string(order_, shape_) + " " + io::name_of(type_);
  }
  const extents& shape() const { return shape_; }
  io::dtype type() const { return type_; }

 private:
  std::string path_;
  std::unique_ptr<io::atomic_file> npy_;
  std::unique_ptr<io::cfl_output> cfl_;
  axes order_;
  extents shape_;
  io::dtype type_ = io::dtype::f32;
};

}  // namespace program

#endif
