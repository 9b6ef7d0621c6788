// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_RECON_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_RECON_HPP
/// \file
/// What `recon` was asked for, and the files it is about: opened, found to fit each other, and cut
/// into the parts of the processes. Nothing large is read here, so that a forecast can be made.

#include "cardiomm/dist/partition.hpp"
#include "cardiomm/mri/calibrate.hpp"
#include "common.hpp"

namespace program {

using cardiomm::shape;
namespace dist = cardiomm::dist;

struct recon_command {
  std::string method = "sense", kspace, mask, maps, noise, out;
  double lambda = 0.01, tolerance = 0;
  int iterations = 30;
  bool joint = false, scale = false, crop = false, dry = false;
  std::optional<index_t> coils, calib;
  axes_option given;
};

/// An input and its extents in the order in which it is used.
struct input {
  opened file;
  source from;
  shape<5> sizes;
};

inline input open_input(const std::string& path, role r, const axes& wanted,
                        const axes_option& given) {
  opened file = open_array(path);
  source from = name_axes(file, r, given.of(r));
  require_complex(file, r);
  shape<5> sizes{};
  for (int i = 0; i < 5; ++i) sizes[i] = from.extent(wanted[static_cast<std::size_t>(i)]);
  return {std::move(file), std::move(from), sizes};
}

inline const axes kspace_axes = {axis::frame, axis::slice, axis::coil, axis::y, axis::x};
inline const axes maps_axes = {axis::set, axis::slice, axis::coil, axis::y, axis::x};

/// The inputs of a reconstruction and this process's part of it.
struct recon_inputs {
  input kspace;  ///< (frame, slice, coil, y, x)
  std::optional<opened_mask> mask;
  std::optional<input> maps, noise;  ///< (set, slice, coil, y, x), (frame, slice, coil, y, x)
  shape<5> whole;                    ///< k-space as it is reconstructed
  bool raw_coils = false;            ///< maps of the coils of the file
  bool raw_readout = false;          ///< maps of the readout of the file
  dist::partition cut;
  dist::block mine;

  index_t sets() const { return maps ? maps->sizes[0] : 1; }
  mask_target target() const { return {kspace.sizes[0], kspace.sizes[3], kspace.sizes[4]}; }
  /// Extents of a block of the k-space as it is reconstructed.
  shape<5> part(const dist::block& b) const {
    return {{b.frames, b.slices, whole[2], whole[3], whole[4]}};
  }
  /// Frames of a block that are read at once: one, unless they are interleaved in the file.
  index_t batch(const dist::block& b) const {
    const auto& order = kspace.file.kind == format::npy ? kspace.from.order : kspace.file.order;
    for (std::size_t i = 0; i < order.size(); ++i)
      if (order[i] == axis::frame && kspace.file.values.pitch(i) < (1 << 16)) return b.frames;
    return b.frames > 0 ? 1 : 0;
  }
  /// Values are read to their final place, or to a buffer before they are cropped or compressed.
  bool direct() const { return whole == kspace.sizes; }
};

/// Throws value_error for options outside their range.
inline void check_options(const recon_command& c) {
  require<value_error>(c.method == "zf" || c.method == "rss" || c.method == "sense",
                       "--method: expected zf, rss or sense, found '", c.method, "'");
  require_number("--lambda", c.lambda, 0);
  require_number("--tol", c.tolerance, 0);
  require<value_error>(c.iterations >= 1, "--iterations: expected at least 1, found ",
                       c.iterations);
  require<value_error>(!c.coils || *c.coils >= 1, "--compress: expected at least 1 coil, found ",
                       c.coils.value_or(0));
  require<value_error>(!c.calib || *c.calib >= 1, "--calib: expected at least 1, found ",
                       c.calib.value_or(0));
}

/// Opens and checks all inputs. Throws io_error, shape_error and value_error.
inline recon_inputs open_inputs(const recon_command& c, int processes, int process) {
  input k = open_input(c.kspace, role::kspace, kspace_axes, c.given);
  const shape<5> s = k.sizes;
  recon_inputs in{std::move(k), {}, {}, {}, s, false, false, {s[0], s[1], processes}, {}};
  in.mine = in.cut.of(process);
  if (!c.mask.empty()) in.mask = open_mask(c.mask, in.target(), c.given);
  if (!c.noise.empty()) {
    in.noise = open_input(c.noise, role::noise, kspace_axes, c.given);
    require<shape_error>(in.noise->sizes[2] == s[2], c.noise, ": noise: expected ", s[2],
                         " coils as in ", c.kspace, ", found ", in.noise->from.describe());
  }
  if (c.crop) {
    require<shape_error>(s[4] >= 2, c.kspace, ": expected at least 2 readout samples for ",
                         "--crop-readout, found ", s[4]);
    in.whole[4] = s[4] / 2;
  }
  if (c.coils) {
    require<value_error>(*c.coils <= s[2], "--compress: expected 1 to ", s[2], " coils as in ",
                         c.kspace, ", found ", *c.coils);
    in.whole[2] = *c.coils;
  }
  const shape<5>& w = in.whole;
  if (c.method != "rss" && c.maps.empty())
    naming(c.kspace + ": coil maps: ", [&] {
      const index_t calib = c.calib.value_or(-1);
      cardiomm::mri::espirit_options o;
      o.calib = calib;
      cardiomm::mri::espirit_kernel(o, w[2], w[3], w[4]);
      cardiomm::mri::calibration_limits(w, calib);
    });
  if (c.method == "rss" || c.maps.empty()) return in;
  in.maps = open_input(c.maps, role::maps, maps_axes, c.given);
  const shape<5>& m = in.maps->sizes;
  in.raw_coils = m[2] == s[2];
  in.raw_readout = c.crop && m[4] == s[4];
  require<shape_error>(
      (m[1] == 1 || m[1] == s[1]) && (in.raw_coils || m[2] == w[2]) && m[3] == s[3] &&
          (in.raw_readout || m[4] == w[4]),
      c.maps, ": maps: expected ",
      to_string({axis::slice, axis::coil, axis::y, axis::x}, {s[1], s[2], s[3], w[4]}),
      " to fit the k-space, found ", in.maps->from.describe());
  return in;
}

}  // namespace program

#endif
