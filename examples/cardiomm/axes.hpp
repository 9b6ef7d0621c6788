// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_AXES_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_AXES_HPP
/// \file
/// Which axis of a file is which: the rules of ranks, of masks and of `--axes`, in one place.

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "cardiomm/io/cfl.hpp"

namespace program {

using cardiomm::index_t;
using cardiomm::io_error;
using cardiomm::require;
using cardiomm::shape_error;
using cardiomm::value_error;
using cardiomm::io::extents;

/// In the order in which arrays are kept; z exists in BART's files only.
enum class axis { set, frame, slice, coil, z, y, x };
using axes = std::vector<axis>;

inline constexpr std::array<std::string_view, 7> axis_names = {"set", "frame", "slice", "coil",
                                                               "z",   "y",     "x"};
inline std::string name_of(axis a) { return std::string(axis_names[static_cast<std::size_t>(a)]); }

/// What a file is read as; it decides what the axes of each rank mean.
enum class role { kspace, image, maps, mask, noise };
inline constexpr std::array<std::string_view, 5> role_names = {"kspace", "image", "maps", "mask",
                                                               "noise"};
inline std::string name_of(role r) { return std::string(role_names[static_cast<std::size_t>(r)]); }

/// The orders that a role allows, one for each rank; masks of two axes are settled by `mask_axes`.
inline const std::vector<axes>& orders_of(role r) {
  using enum axis;
  static const std::array<std::vector<axes>, 5> table = {{
      {{coil, y, x}, {frame, coil, y, x}, {frame, slice, coil, y, x}},
      {{y, x}, {frame, y, x}, {frame, slice, y, x}},
      {{coil, y, x}, {slice, coil, y, x}, {set, slice, coil, y, x}},
      {{y}, {y, x}, {frame, y, x}},
      {{coil, x}, {coil, y, x}, {frame, coil, y, x}, {frame, slice, coil, y, x}},
  }};
  return table[static_cast<std::size_t>(r)];
}

/// "frame, coil, y, x"
inline std::string to_string(const axes& order) {
  std::string text;
  for (const axis a : order) text += (text.empty() ? "" : ", ") + name_of(a);
  return text;
}
/// "(frame 25, y 208, x 256)"
inline std::string to_string(const axes& order, const extents& shape) {
  std::string text;
  for (std::size_t i = 0; i < order.size(); ++i)
    text += (i ? ", " : "") + name_of(order[i]) + " " + std::to_string(shape[i]);
  return "(" + text + ")";
}

inline bool has(const axes& order, axis a) {
  return std::find(order.begin(), order.end(), a) != order.end();
}

/// "x,y,coil" as axes. Throws value_error for unknown, repeated or missing names.
inline axes parse_axes(const std::string& text) {
  axes order;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string name = text.substr(at, end - at);
    const auto found = std::find(axis_names.begin(), axis_names.end(), name);
    require<value_error>(found != axis_names.end() && name != "z",
                         "--axes: expected names of set, frame, slice, coil, y and x, found '",
                         name, "'");
    const auto a = static_cast<axis>(found - axis_names.begin());
    require<value_error>(!has(order, a), "--axes: expected every axis once, found ", name,
                         " again");
    order.push_back(a);
    at = end + 1;
  }
  return order;
}

/// The value of `--axes`, given once or several times: `[kspace:|image:|maps:|mask:|noise:]a,b,c`.
/// Without a prefix a list with a coil axis is about the k-space, and one without about the mask
/// (about images where there is no k-space). kspace:x,y is the data of a single coil.
class axes_option {
 public:
  void add(const std::string& text) {
    const auto colon = text.find(':');
    entry e;
    e.prefixed = colon != std::string::npos;
    if (e.prefixed) {
      const auto found = std::find(role_names.begin(), role_names.end(), text.substr(0, colon));
      require<value_error>(found != role_names.end(),
                           "--axes: expected kspace:, image:, maps:, mask: or noise:, found '",
                           text.substr(0, colon + 1), "'");
      e.about = static_cast<role>(found - role_names.begin());
    }
    e.order = parse_axes(e.prefixed ? text.substr(colon + 1) : text);
    entries_.push_back(e);
  }
  /// The order given for a role, or nothing (an empty list).
  axes of(role r) const {
    axes found;
    for (const entry& e : entries_) {
      const bool coil = has(e.order, axis::coil);
      const bool meant =
          e.prefixed ? e.about == r
                     : (r == role::kspace ? coil : (r == role::mask || r == role::image) && !coil);
      if (!meant) continue;
      require<value_error>(found.empty(), "--axes: expected one order for the ", name_of(r),
                           ", found (", to_string(found), ") and (", to_string(e.order), ")");
      found = e.order;
    }
    return found;
  }

 private:
  struct entry {
    bool prefixed = false;
    role about = role::kspace;
    axes order;
  };
  std::vector<entry> entries_;
};

/// Axes of a file without names: those of `given` (--axes) where there are any, else by its rank.
/// In MATLAB's files slices come before frames: k-space of four axes is (slice, coil, y, x) and
/// images of three are (slice, y, x); k-space of two is that of a single coil. Throws shape_error
/// if the role has no such rank.
inline axes axes_of(role r, const extents& shape, const axes& given, const std::string& path,
                    bool matlab = false) {
  if (!given.empty()) {
    require<shape_error>(given.size() == shape.size(), path, ": expected the ", given.size(),
                         " axes (", to_string(given), ") of --axes, found shape ",
                         cardiomm::io::to_string(shape));
    for (const axis need : orders_of(r).front())  // k-space without a coil axis has one coil
      require<value_error>(has(given, need) || (r == role::kspace && need == axis::coil),
                           "--axes: expected an axis ", name_of(need), " for the ", name_of(r),
                           ", found (", to_string(given), ")");
    for (const axis a : given)
      require<value_error>(has(orders_of(r).back(), a), "--axes: expected axes of (",
                           to_string(orders_of(r).back()), ") for the ", name_of(r), ", found ",
                           name_of(a));
    return given;
  }
  std::string ranks;
  if (matlab && r == role::kspace && shape.size() == 2) return {axis::y, axis::x};
  for (const axes& order : orders_of(r)) {
    if (order.size() == shape.size()) {
      axes found = order;
      const bool series = r != role::mask && !has(order, axis::slice);
      if (matlab && series) std::replace(found.begin(), found.end(), axis::frame, axis::slice);
      return found;
    }
    ranks += (ranks.empty() ? "(" : " or (") + to_string(order) + ")";
  }
  throw shape_error(path + ": " + name_of(r) + ": expected " + ranks + ", found shape " +
                    cardiomm::io::to_string(shape));
}

/// Sizes that a mask has to fit.
struct mask_target {
  index_t frames, ny, nx;
};

/// Axes of a mask. An extent of 1 on the frame or readout axis stands for all of it. Two axes are
/// (y, x), else (frame, y) where only that fits; where both fit, only --axes can tell.
inline axes mask_axes(const extents& shape, const mask_target& t, const axes& given,
                      const std::string& path) {
  const auto fits = [&](const axes& order) {
    if (order.size() != shape.size()) return false;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const index_t n = shape[i];
      const bool ok = order[i] == axis::y       ? n == t.ny
                      : order[i] == axis::x     ? n == t.nx || n == 1
                      : order[i] == axis::frame ? n == t.frames || n == 1
                                                : n == 1;
      if (!ok) return false;
    }
    return true;
  };
  using enum axis;
  axes order = given;
  if (given.empty()) {
    const axes plane = {y, x}, lines = {frame, y};
    if (shape.size() == 2) {
      require<shape_error>(!(fits(plane) && fits(lines)), path, ": mask: shape ",
                           cardiomm::io::to_string(shape),
                           " can be (y, x) and (frame, y): expected --axes y,x or --axes frame,y");
      order = fits(lines) ? lines : plane;
    } else
      order = axes_of(role::mask, shape, {}, path);
  } else {
    require<shape_error>(given.size() == shape.size(), path, ": expected the ", given.size(),
                         " axes (", to_string(given), ") of --axes, found shape ",
                         cardiomm::io::to_string(shape));
    for (const axis a : given)
      require<value_error>(a == frame || a == y || a == x,
                           "--axes: expected axes of (frame, y, x) for the mask, found ",
                           name_of(a));
  }
  require<shape_error>(fits(order), path, ": mask: expected ",
                       shape.size() == 1 ? "(y " + std::to_string(t.ny) + ")"
                       : shape.size() == 2
                           ? "(y " + std::to_string(t.ny) + ", x " + std::to_string(t.nx) +
                                 ") or (frame " + std::to_string(t.frames) + ", y " +
                                 std::to_string(t.ny) + ")"
                           : to_string({frame, y, x}, {t.frames, t.ny, t.nx}),
                       " to fit the k-space, found shape ", cardiomm::io::to_string(shape));
  return order;
}

/// Position of every axis in BART's dimensions. Where dimension 0 is 1 the encoded dimensions 1 and
/// 2 are x and y, as in 3-D scans after a transform along the readout.
inline int cfl_dimension(axis a, bool phase_plane) {
  namespace d = cardiomm::io::cfl_dim;
  switch (a) {
    case axis::set:
      return d::maps;
    case axis::frame:
      return d::time;
    case axis::slice:
      return d::slice;
    case axis::coil:
      return d::coil;
    case axis::z:
      return phase_plane ? d::read : d::phase2;
    case axis::y:
      return phase_plane ? d::phase2 : d::phase1;
    default:
      return phase_plane ? d::phase1 : d::read;
  }
}

/// Axes of a BART file, slowest first, and whether its plane lies in dimensions 1 and 2.
struct cfl_axes {
  axes order;
  extents shape;
  bool phase_plane = false;
};

/// Names the dimensions of a BART file; all of set, frame, slice, coil, z, y, x are listed,
/// singleton or not, in the order in which they lie in the file. Throws shape_error for other
/// dimensions.
inline cfl_axes name_cfl(const cardiomm::io::cfl_shape& dims, const std::string& path) {
  cfl_axes result;
  result.phase_plane = dims[0] == 1 && (dims[1] > 1 || dims[2] > 1);
  for (int d = cardiomm::io::cfl_dims; d-- > 0;) {
    const index_t n = dims[static_cast<std::size_t>(d)];
    bool named = false;
    for (std::size_t i = 0; i < axis_names.size(); ++i)
      if (cfl_dimension(static_cast<axis>(i), result.phase_plane) == d) {
        result.order.push_back(static_cast<axis>(i));
        result.shape.push_back(n);
        named = true;
      }
    require<shape_error>(named || n == 1, path, ": dimension ", d,
                         ": expected 1 (only 0 to 4, 10 and 13 are understood), found ", n);
  }
  return result;
}

/// The axes that an array of a role keeps when it comes from a file with named dimensions: the
/// lowest rank that loses nothing. Falls back to all axes that are not 1.
inline axes compact(role r, const axes& order, const extents& shape) {
  for (const axes& candidate : orders_of(r)) {
    bool whole = true;
    for (std::size_t i = 0; i < order.size(); ++i)
      whole = whole && (shape[i] == 1 || has(candidate, order[i]));
    if (whole) return candidate;
  }
  axes rest;
  for (std::size_t a = 0; a < axis_names.size(); ++a)
    for (std::size_t i = 0; i < order.size(); ++i)
      if (order[i] == static_cast<axis>(a) &&
          (shape[i] > 1 || order[i] == axis::y || order[i] == axis::x))
        rest.push_back(order[i]);
  return rest;
}

/// The axes of a result: those of the input in the order (set, frame, slice, y, x), without coil.
inline axes without_coil(axes order) {
  order.erase(std::remove(order.begin(), order.end(), axis::coil), order.end());
  std::sort(order.begin(), order.end());
  return order;
}

}  // namespace program

#endif
