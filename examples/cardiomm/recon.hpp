// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_RECON_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_RECON_HPP
/// \file
/// What `recon` was asked for, and the files it is about: opened, found to fit each other, and cut
/// into the parts of the processes. Nothing large is read here, so that a forecast can be made.

#include "cardiomm/dist/partition.hpp"
#include "cardiomm/mri/calibrate.hpp"
#include "common.hpp"
#include "trajectory.hpp"

namespace program {

using cardiomm::shape;
namespace dist = cardiomm::dist;

/// A method of `recon` and what it needs.
struct method {
  const char* name;
  const char* what;
  bool maps;      ///< coil maps; else they are used if they are given, or never
  bool iterates;  ///< tells how its solver ended
  bool series;    ///< joins frames, or is not cut along them: processes share slices
  int iterations = 30;
  double lambda = 0.01;
};
inline constexpr method methods[] = {
    {"zf", "zero-filled, coils combined by maps", true, false, false},
    {"rss", "root sum of squares of the coils", false, false, false},
    {"sense", "conjugate gradients, lambda/2 |x|^2", true, true, false},
    {"grappa", "missing lines by kernels of 5 x 4, then the root sum of squares, or maps if given",
     false, false, true},
    {"l1wavelet", "lambda |wavelets of each frame|_1", true, true, true},
    {"tv", "lambda TV in time or space", true, true, true},
    {"ktsparse", "lambda |temporal spectrum|_1", true, true, true},
    {"llr", "lambda |blocks x frames|_* (locally low rank)", true, true, true},
    {"lps", "low rank + sparse in the temporal spectrum", true, true, true},
    {"nlinv", "maps and image together, by Gauss-Newton steps", false, true, true, 8, 0},
    {"radial", "non-Cartesian (--traj), lambda TV in time", false, true, true},
    {"pisf", "the unrolled network of lines PISF (--weights), then the root sum of squares", false,
     false, true},
    {"cardiomm",
     "the unrolled network CardioMM; without --weights the small one that ships with the program",
     false, false, false},
};
/// Their names, "zf, rss or sense".
inline std::string method_names() {
  std::string text;
  for (const method& m : methods)
    text += (text.empty() ? "" : &m == std::end(methods) - 1 ? " or " : ", ") + std::string(m.name);
  return text;
}
inline const method& method_named(const std::string& name) {
  for (const method& m : methods)
    if (name == m.name) return m;
  throw value_error("--method: expected " + method_names() + ", found '" + name + "'");
}

struct recon_command {
  std::string method = "sense", kspace, mask, maps, noise, traj, matrix, out;
  double tolerance = 0;
  std::optional<int> steps;
  std::string wavelet = "dau2", tv = "time", solver, shift, partial;
  int levels = 3;
  index_t block = 8;
  std::optional<double> weight, low_rank;
  bool joint = false, scale = false, crop = false, dry = false, data_step = false;
  std::optional<index_t> coils, calib;
  // of --method cardiomm
  std::string weights, embedding, text_weights, merges;
  std::optional<std::string> metadata, undersampling, acs_shape;
  std::optional<index_t> acs, batch, heads;
  bool tiled = false;
  axes_option given;

  double lambda() const { return weight.value_or(method_named(method).lambda); }
  /// The solver that was asked for, or the method's own.
  std::string algorithm() const {
    return !solver.empty() ? solver : method == "radial" ? "admm" : "fista";
  }
  /// Where the grid of wavelets or blocks starts: as asked for, or the method's own.
  std::string grid() const {
    return !shift.empty() ? shift : method == "llr" && algorithm() == "fista" ? "cycle" : "none";
  }
  /// Ends with a gradient step of the data term.
  bool ends_on_data() const { return data_step || (method == "llr" && grid() == "cycle"); }
  int iterations() const { return steps.value_or(method_named(method).iterations); }
  bool recipe() const { return method != "zf" && method != "rss" && method != "sense"; }
  bool network() const { return method == "cardiomm"; }
  /// Maps are read or estimated.
  bool wants_maps() const {
    return method_named(method).maps || (method != "rss" && !maps.empty());
  }
  /// The image is a magnitude.
  bool magnitude() const {
    return method == "rss" || method == "pisf" || network() || (method == "grappa" && maps.empty());
  }
};

/// An input and its extents in the order in which it is used.
struct input {
  opened file;
  source from;
  shape<5> sizes;
};

inline input open_input(const std::string& path, role r, const axes& wanted,
                        const axes_option& given) {
  opened file = open_array(path, r);
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
  std::optional<input> maps, noise;   ///< (set, slice, coil, y, x), (frame, slice, coil, y, x)
  shape<5> whole;                     ///< k-space as it is reconstructed
  shape<2> matrix;                    ///< extents (y, x) of the image
  host_tensor<double, 4> trajectory;  ///< (frame or 1, spoke, sample, 2), or empty
  bool raw_coils = false;             ///< maps of the coils of the file
  bool raw_readout = false;           ///< maps of the readout of the file
  bool streamed = false;              ///< masks are read for the frames of `mine` only
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
    const auto& order = kspace.from.layout.empty() ? kspace.from.order : kspace.from.layout;
    for (std::size_t i = 0; i < order.size(); ++i)
      if (order[i] == axis::frame && kspace.file.values.pitch(i) < (1 << 16)) return b.frames;
    return b.frames > 0 ? 1 : 0;
  }
  /// Values are read to their final place, or to a buffer before they are cropped or compressed.
  bool direct() const { return whole == kspace.sizes; }
};

/// The same for the options of `--method cardiomm`.
inline void check_network_options(const recon_command& c) {
  if (!c.network()) {
    const std::pair<const char*, bool> own[] = {
        {"--weights", !c.weights.empty() && c.method != "pisf"},
        {"--embedding", !c.embedding.empty()},
        {"--text-weights", !c.text_weights.empty()},
        {"--metadata", c.metadata.has_value()},
        {"--undersampling", c.undersampling.has_value()},
        {"--merges", !c.merges.empty()},
        {"--text-heads", c.heads.has_value()},
        {"--acs", c.acs.has_value()},
        {"--acs-shape", c.acs_shape.has_value()},
        {"--batch", c.batch.has_value()},
        {"--tiled", c.tiled}};
    for (const auto& [name, given] : own)
      require<value_error>(!given, name, ": expected --method cardiomm, found --method ", c.method);
    require<value_error>(c.method != "pisf" || !c.weights.empty(),
                         "--weights: expected the .safetensors file of --method pisf, found none");
    return;
  }
  require<value_error>(c.heads.value_or(1) >= 1, "--text-heads: expected at least 1, found ",
                       c.heads.value_or(1));
  require<value_error>(c.acs.value_or(20) >= 0, "--acs: expected at least 0 lines, found ",
                       c.acs.value_or(0));
  const std::string shape = c.acs_shape.value_or("1d");
  require<value_error>(shape == "1d" || shape == "2d", "--acs-shape: expected 1d or 2d, found '",
                       shape, "'");
  require<value_error>(
      shape == "1d" || c.acs.value_or(20) > 0,
      "--acs 0: expected --acs-shape 1d, which counts the lines in the mask, found "
      "2d");
  require<value_error>(c.batch.value_or(1) >= 1, "--batch: expected at least 1 image, found ",
                       c.batch.value_or(1));
  require<value_error>(!c.scale && !c.calib && !c.weight && !c.steps,
                       "--method cardiomm: expected none of --scale, --calib, --lambda and "
                       "--iterations, found ",
                       c.scale    ? "--scale"
                       : c.calib  ? "--calib"
                       : c.weight ? "--lambda"
                                  : "--iterations");
}

/// Throws value_error for options outside their range.
inline void check_options(const recon_command& c) {
  (void)method_named(c.method);
  require_number("--lambda", c.lambda(), 0);
  require_number("--tol", c.tolerance, 0);
  require<value_error>(c.iterations() >= 1, "--iterations: expected at least 1, found ",
                       c.iterations());
  require<value_error>(c.levels >= 0, "--levels: expected at least 0, found ", c.levels);
  require<value_error>(c.block >= 1, "--block: expected at least 1 pixel, found ", c.block);
  require<value_error>(
      c.tv == "time" || c.tv == "space" || (c.tv == "square" && c.method == "radial"),
      "--tv: expected time or space, or with --method radial square, found '", c.tv, "'");
  const std::string solver = c.algorithm();
  require<value_error>(solver == "fista" || solver == "admm" || solver == "pdhg",
                       "--solver: expected fista, admm or pdhg, found '", solver, "'");
  const std::string grid = c.grid();
  const bool moves = grid == "random" || (grid == "cycle" && c.method == "llr");
  require<value_error>(grid == "none" || (moves && solver == "fista" &&
                                          (c.method == "llr" || c.method == "l1wavelet")),
                       "--shift: expected none, with l1wavelet or llr by fista random, or with llr "
                       "cycle, found '",
                       grid, "'");
  require<value_error>(!c.data_step || c.method == "llr" || c.method == "l1wavelet",
                       "--data-step: expected --method l1wavelet or llr, found --method ",
                       c.method);
  require<value_error>(c.partial.empty() || c.partial == "pocs" || c.partial == "homodyne",
                       "--partial-fourier: expected pocs or homodyne, found '", c.partial, "'");
  require<value_error>(c.partial.empty() || (!c.magnitude() && c.method != "radial"),
                       "--partial-fourier: expected a method with complex images of Cartesian "
                       "data, found --method ",
                       c.method, c.method == "grappa" ? " without --maps" : "");
  if (c.low_rank) require_number("--lambda-low-rank", *c.low_rank, 0);
  require<value_error>(
      solver == "fista" || c.method == "tv" || c.method == "llr" || c.method == "radial",
      "--solver: expected fista, which is what --method ", c.method, " has, found ", solver);
  require<value_error>(!c.joint || c.method == "sense", "--joint: expected --method sense, found ",
                       c.method);
  require<value_error>(c.traj.empty() == (c.method != "radial"),
                       c.traj.empty()
                           ? "--traj: expected the trajectory of --method radial, found none"
                           : "--traj: expected --method radial, found --method ",
                       c.traj.empty() ? "" : c.method);
  require<value_error>(c.matrix.empty() || c.method == "radial",
                       "--matrix: expected --method radial, found --method ", c.method);
  require<value_error>(c.method != "radial" || (!c.crop && !c.scale && c.mask.empty()),
                       "--method radial: expected none of --mask, --crop-readout and --scale");
  require<value_error>(
      c.maps.empty() || (c.method != "nlinv" && c.method != "pisf" && !c.network()),
      "--maps: expected a method that uses coil maps, found --method ", c.method);
  check_network_options(c);
  require<value_error>(!c.coils || *c.coils >= 1, "--compress: expected at least 1 coil, found ",
                       c.coils.value_or(0));
  require<value_error>(!c.calib || *c.calib >= 1, "--calib: expected at least 1, found ",
                       c.calib.value_or(0));
}

/// Opens and checks all inputs. Throws io_error, shape_error and value_error.
inline recon_inputs open_inputs(const recon_command& c, int processes, int process) {
  input k = open_input(c.kspace, role::kspace, kspace_axes, c.given);
  const shape<5> s = k.sizes;
  recon_inputs in{std::move(k),
                  {},
                  {},
                  {},
                  s,
                  {},
                  {},
                  false,
                  false,
                  c.network(),
                  {s[0], s[1], processes, method_named(c.method).series},
                  {}};
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
  if (c.network()) {
    const bool square = c.acs_shape.value_or("1d") == "2d";
    const index_t most = square ? std::min(s[3], in.whole[4]) : s[3];
    require<value_error>(c.acs.value_or(20) <= most, "--acs: expected at most ", most,
                         square ? " samples along y and x" : " lines", " as in ", c.kspace,
                         ", found ", c.acs.value_or(20), c.acs ? "" : " (the default)");
  }
  const shape<5>& w = in.whole;
  in.matrix = shape<2>{{w[3], w[4]}};
  if (!c.traj.empty()) {
    in.trajectory = read_trajectory(c.traj, s[0], s[3], s[4]);
    in.matrix = matrix_of(in.trajectory);
    if (!c.matrix.empty()) {
      const auto size = parse_extents(c.matrix, 2, "--matrix");
      in.matrix = shape<2>{{size[0], size[1]}};
    }
  }
  if (c.wants_maps() && c.maps.empty())
    naming(c.kspace + ": coil maps: ", [&] {
      const index_t calib = c.calib.value_or(-1);
      cardiomm::mri::espirit_options o;
      o.calib = calib;
      cardiomm::mri::espirit_kernel(o, w[2], w[3], w[4]);
      cardiomm::mri::calibration_limits(w, calib);
    });
  if (!c.wants_maps() || c.maps.empty()) return in;
  in.maps = open_input(c.maps, role::maps, maps_axes, c.given);
  const shape<5>& m = in.maps->sizes;
  in.raw_coils = m[2] == s[2];
  in.raw_readout = c.crop && m[4] == s[4];
  require<shape_error>((m[1] == 1 || m[1] == s[1]) && (in.raw_coils || m[2] == w[2]) &&
                           m[3] == in.matrix[0] && (in.raw_readout || m[4] == in.matrix[1]),
                       c.maps, ": maps: expected ",
                       to_string({axis::slice, axis::coil, axis::y, axis::x},
                                 {s[1], s[2], in.matrix[0], in.matrix[1]}),
                       " to fit the k-space, found ", in.maps->from.describe());
  return in;
}

}  // namespace program

#endif
