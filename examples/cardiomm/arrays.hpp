// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_ARRAYS_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_ARRAYS_HPP
/// \file
/// Reading arrays with named axes from .npy and .cfl files into tensors of fixed axis order.

#include <bit>
#include <cmath>
#include <filesystem>
#include <memory>
#include <numeric>
#include <optional>

#include "axes.hpp"
#include "cardiomm/core/launch.hpp"
#include "cardiomm/io/npy.hpp"

namespace program {

using cardiomm::complex;
using cardiomm::host_space;
using cardiomm::host_tensor;
namespace io = cardiomm::io;

enum class format { npy, npz, cfl, mat, hdf5, fastmri, safetensors, nifti, mrd };
/// "MATLAB" and the like, for messages.
std::string name_of(format f);

inline std::string extension_of(const std::string& path) {
  return std::filesystem::path(path).extension().string();
}

/// FILE, or FILE:MEMBER of a file that holds several arrays.
struct file_name {
  std::string path, member;
};
inline file_name split_member(const std::string& path) {
  std::error_code none;
  const auto colon = path.rfind(':');
  if (colon == std::string::npos || colon == 0 || std::filesystem::exists(path, none))
    return {path, {}};
  const std::string file = path.substr(0, colon);
  const bool there = std::filesystem::is_regular_file(file, none);
  return there ? file_name{file, path.substr(colon + 1)} : file_name{path, {}};
}

/// The format of an input by its name, and by its contents where a name has several meanings; a
/// name without extension is a BART base name. Throws io_error for other names.
format input_format(const std::string& path);

/// Sizes of a voxel in mm along (z, y, x) and of a frame in s; 0 is not known.
struct geometry {
  double dz = 0, dy = 0, dx = 0, dt = 0;
  bool known() const { return dx > 0 && dy > 0; }
};

/// An input file whose header was read and checked.
struct opened {
  io::stored_array values;
  format kind = format::npy;
  axes order;                ///< names of the axes, with singletons; empty where files have none
  bool phase_plane = false;  ///< .cfl whose x and y are BART's dimensions 1 and 2
  std::string member;        ///< which array of the file
  geometry voxel;            ///< as far as the file tells

  bool named() const { return !order.empty(); }
};

/// Opens FILE or FILE:MEMBER. Of a file with several arrays and no MEMBER that of the role's name
/// is taken, else the first. Throws io_error.
opened open_array(const std::string& path, role r = role::image);

/// Where the values of an input came from, so that messages can name it and results can be written
/// with the same axes.
struct source {
  std::string path;
  axes order;
  extents shape;
  bool phase_plane = false;
  axes layout = {};  ///< all axes of the file, in its order; empty: `order`

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
  require<value_error>(given.empty() || file.kind != format::cfl, s.path,
                       ": --axes is for files whose axes have no names; those of .cfl files do");
  if (!file.named() || !given.empty()) {
    s.order = axes_of(r, file.values.shape(), given, s.path, file.kind == format::mat);
    s.shape = file.values.shape();
  } else {
    s.layout = file.order;
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

/// Part of an axis.
struct cut {
  axis along;
  index_t first, count;
};

/// Reads the values, or the part of them that `cuts` leave, into the order `wanted`; axes that the
/// file lacks have extent 1.
template <class T>
void read_ordered(const opened& file, const source& s, const axes& wanted, T* out,
                  const std::vector<cut>& cuts = {}) {
  const axes& order = s.layout.empty() ? s.order : s.layout;
  std::vector<io::stored_array::range> part;
  for (const index_t n : file.values.shape()) part.push_back({0, n, 0});
  index_t step = 1;
  for (std::size_t w = wanted.size(); w-- > 0;)
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (order[i] != wanted[w]) continue;
      for (const cut& c : cuts)
        if (c.along == order[i]) part[i] = {c.first, c.count, 0};
      part[i].step = step;
      step *= part[i].count;
    }
  file.values.read(part, out);
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

/// How many values are NaN or infinite: those whose exponent has all bits set.
template <class T>
struct non_finite {
  static constexpr const char* name = "cardiomm::program::non_finite";
  using bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  const T* values;
  double operator()(index_t, index_t first, index_t last) const {
    constexpr bits exponent = sizeof(T) == 4 ? bits(0x7f800000) : bits(0x7ff0000000000000);
    bits n = 0;
    for (index_t i = first; i < last; ++i)
      n += (std::bit_cast<bits>(values[i]) & exponent) == exponent ? 1 : 0;
    return static_cast<double>(n);
  }
};

/// Throws value_error naming the first value that is NaN or infinite; `begin` is the place of the
/// first value in the file's array.
template <cardiomm::TensorView V>
void require_finite(const V& values, const source& from, const axes& order,
                    const extents& begin = {}) {
  using T = cardiomm::element_of<V>;
  using R = cardiomm::real_of<T>;
  const R* p = reinterpret_cast<const R*>(values.data());
  const index_t each = sizeof(T) / sizeof(R), n = static_cast<index_t>(values.size()) * each;
  double bad = 0;
  cardiomm::launch::sums(host_space{}, 1, n, non_finite<R>{p}, &bad);
  host_space{}.fence();
  if (bad == 0) return;
  index_t i = 0;
  while (std::isfinite(p[i])) ++i;
  i /= each;
  extents at(order.size());
  for (std::size_t d = order.size(); d-- > 0;) {
    const auto extent = static_cast<index_t>(values.extent(static_cast<int>(d)));
    at[d] = i % extent + (begin.empty() ? 0 : begin[d]);
    i /= extent;
  }
  throw value_error(from.path + ": expected finite values, found NaN or infinity at " +
                    to_string(order, at));
}

/// Complex data have complex types.
inline void require_complex(const opened& file, role r) {
  require<value_error>(io::is_complex_type(file.values.type()), file.values.path(), ": ",
                       name_of(r), ": expected complex64 or complex128, found ",
                       io::name_of(file.values.type()));
}

/// Reads an array of a role as R axes in the order `wanted` and checks that all values are finite.
template <class T, int R>
loaded<T, R> load(const std::string& path, role r, const axes& wanted, const axes& given) {
  const opened file = open_array(path, r);
  const source from = name_axes(file, r, given);
  if (cardiomm::is_complex<T> && r != role::image) require_complex(file, r);
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

/// A mask whose header was read and found to fit.
struct opened_mask {
  opened file;
  source from;
};

inline opened_mask open_mask(const std::string& path, const mask_target& t,
                             const axes_option& given) {
  using enum axis;
  opened file = open_array(path, role::mask);
  axes order;
  if (file.kind != format::cfl) {
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
  return {std::move(file), std::move(from)};
}

/// A mask (frame, y, x) of 0 and 1 with `count` of the `t.frames` frames, all of them if it is left
/// out. Every value but 0 is a sample.
inline host_tensor<std::uint8_t, 3> read_mask(const opened_mask& opened, const mask_target& t,
                                              index_t first = 0, index_t count = -1) {
  using enum axis;
  const auto& [file, from] = opened;
  const std::string& path = from.path;
  if (count < 0) count = t.frames - first;
  const bool one = from.extent(frame) == 1;
  const index_t frames = one ? 1 : count, nx = from.extent(x);
  const std::vector<cut> cuts = {{frame, one ? 0 : first, frames}};
  std::vector<double> values(static_cast<std::size_t>(frames * t.ny * nx));
  if (io::is_complex_type(file.values.type())) {
    std::vector<complex<float>> raw(values.size());
    read_ordered(file, from, {frame, y, x}, raw.data(), cuts);
    for (std::size_t i = 0; i < raw.size(); ++i)
      values[i] = std::abs(std::complex<float>(raw[i].real(), raw[i].imag()));
  } else
    read_ordered(file, from, {frame, y, x}, values.data(), cuts);
  auto mask =
      cardiomm::make_tensor<std::uint8_t>(host_space{}, cardiomm::shape<3>{{count, t.ny, t.nx}});
  bool any = false;
  for (index_t f = 0; f < count; ++f)
    for (index_t j = 0; j < t.ny; ++j)
      for (index_t i = 0; i < t.nx; ++i) {
        const double v = values[static_cast<std::size_t>(((frames == 1 ? 0 : f) * t.ny + j) * nx +
                                                         (nx == 1 ? 0 : i))];
        require<value_error>(std::isfinite(v), path,
                             ": mask: expected finite values, found NaN or infinity at (frame ",
                             first + f, ", y ", j, ", x ", i, ")");
        mask(f, j, i) = v != 0;
        any = any || v != 0;
      }
  require<value_error>(any, path, ": mask: expected at least one sample, found none");
  return mask;
}

}  // namespace program

#endif
