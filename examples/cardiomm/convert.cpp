// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm convert`: between formats of arrays, and to pictures.

#include "cardiomm/io/image.hpp"
#include "common.hpp"
#include "magnitude.hpp"

namespace program {
namespace {

struct convert_command {
  std::string input, out, as, reference, window_text, spacing, variable;
  double frame_time = 0;
  bool published = false;
  double percentile = 99.5, gain = 1;
  std::optional<index_t> frame, slice;  // from 0; left out: all
  int columns = 0, delay = 40;
  bool animate = false;
  axes_option given;
};

/// What an input is, by `--as` or by its rank and its axes.
role role_of(const convert_command& c, const opened& file) {
  if (!c.as.empty()) {
    const auto found = std::find(role_names.begin(), role_names.end(), c.as);
    require<value_error>(found != role_names.end(),
                         "--as: expected kspace, image, maps, mask or noise, found '", c.as, "'");
    return static_cast<role>(found - role_names.begin());
  }
  if (!file.named()) {
    const bool coil = !c.given.of(role::kspace).empty();
    return coil || file.values.shape().size() == 5 ? role::kspace : role::image;
  }
  const extents& shape = file.values.shape();
  bool sets = false, coils = false;
  for (std::size_t i = 0; i < file.order.size(); ++i) {
    sets = sets || (file.order[i] == axis::set && shape[i] > 1);
    coils = coils || (file.order[i] == axis::coil && shape[i] > 1);
  }
  return coils ? (sets ? role::maps : role::kspace) : role::image;
}

/// An input and the order in which it is used: that of arrays, axes that it lacks left out.
struct prepared {
  opened file;
  source from;
  axes order;
  extents shape;
};

/// The role that a container's member is chosen by, where `--as` tells.
role wanted_role(const convert_command& c) {
  for (std::size_t i = 0; i < role_names.size(); ++i)
    if (role_names[i] == c.as) return static_cast<role>(i);
  return role::image;
}

prepared prepare(const std::string& path, const convert_command& c) {
  prepared p{open_array(path, wanted_role(c)), {}, {}, {}};
  const role r = role_of(c, p.file);
  const axes given = c.given.of(r);
  if (!p.file.named() || !given.empty()) {
    p.from = name_axes(p.file, r, given);
    p.order = p.from.order;
  } else {
    p.from = {path, p.file.order, p.file.values.shape(), p.file.phase_plane};
    p.order = compact(r, p.file.order, p.file.values.shape());
  }
  std::sort(p.order.begin(), p.order.end());
  for (const axis a : p.order) p.shape.push_back(p.from.extent(a));
  return p;
}

/// Names and geometry of the output: what the input tells, and what the options tell instead.
output_details details_of(const convert_command& c, const prepared& p) {
  output_details d{p.file.voxel, c.variable, c.published};
  if (d.variable.empty()) {
    const role r = role_of(c, p.file);
    d.variable = r == role::image ? "reconimage" : r == role::kspace ? "kspace_full" : name_of(r);
  }
  if (!c.spacing.empty()) {
    char rest = 0;
    geometry& v = d.voxel;
    require<value_error>(
        std::sscanf(c.spacing.c_str(), "%lf,%lf,%lf%c", &v.dz, &v.dy, &v.dx, &rest) == 3 &&
            std::isfinite(v.dz + v.dy + v.dx) && v.dz > 0 && v.dy > 0 && v.dx > 0,
        "--spacing: expected three positive numbers DZ,DY,DX in mm, found '", c.spacing, "'");
  }
  require_number("--frame-time", c.frame_time, 0);
  if (c.frame_time > 0) d.voxel.dt = c.frame_time / 1000;
  return d;
}

void convert_array(const convert_command& c, const common_options& common) {
  const prepared p = prepare(c.input, c);
  const output_details details = details_of(c, p);
  array_output out(c.out, common.policy());
  out.describe(details);
  io::detail::visit(p.file.values.type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    // BART's files hold complex64 only; bool is moved as bytes
    if constexpr (std::is_same_v<T, io::half>) {
      std::vector<float> values(static_cast<std::size_t>(p.file.values.size()));
      read_ordered(p.file, p.from, p.order, values.data());
      out.write(p.order, p.shape, values.data(), p.from.phase_plane);
    } else {
      const std::unique_ptr<T[]> values(new T[static_cast<std::size_t>(p.file.values.size())]);
      read_ordered(p.file, p.from, p.order, values.get());
      out.write(p.order, p.shape, values.get(), p.from.phase_plane);
    }
  });
  out.commit();
  if (common.as_json) {
    json names = json::array();
    for (const axis a : p.order) names.push_back(name_of(a));
    std::cout << dump({{"out", c.out},
                       {"axes", names},
                       {"shape", out.shape()},
                       {"type", io::name_of(out.type())}})
              << "\n";
  } else
    std::cout << out.describe() << "\n";
}

/// The images of an input: one plane after the other, and how many there are of each axis.
struct planes {
  std::vector<float> values;
  index_t frames = 1, others = 1, ny = 1, nx = 1;
  const float* at(index_t frame, index_t other) const {
    return values.data() + (frame * others + other) * ny * nx;
  }
};

planes read_planes(const std::string& path, const convert_command& c) {
  prepared p = prepare(path, c);
  axes wanted = {axis::frame};  // frames first, whatever else there is behind them
  for (const axis a : p.order)
    if (a != axis::frame) wanted.push_back(a);
  const auto all = read_magnitudes<float>(p.file, p.from, wanted);
  const index_t slices = p.from.extent(axis::slice);
  planes r;
  r.frames = p.from.extent(axis::frame);
  r.ny = p.from.extent(axis::y);
  r.nx = p.from.extent(axis::x);
  const index_t plane = r.ny * r.nx;
  require<shape_error>(plane > 0 && !all.empty(), path, ": expected an image, found shape ",
                       to_string(p.order, p.shape));
  r.others = static_cast<index_t>(all.size()) / plane / r.frames;
  const auto pick = [&](const char* option, index_t i, index_t n) {
    require<value_error>(i >= 0 && i < n, option, ": expected 0 to ", n - 1, " for ", path,
                         ", found ", i);
  };
  if (c.frame) pick("--frame", *c.frame, r.frames);
  if (c.slice) pick("--slice", *c.slice, slices);
  // the slice axis lies before coil, so an index runs over (set, slice, coil, z)
  index_t behind = 1;
  for (const axis a : wanted)
    if (a == axis::coil || a == axis::z) behind *= p.from.extent(a);
  planes chosen = r;
  chosen.values.clear();
  chosen.frames = c.frame ? 1 : r.frames;
  chosen.others = 0;
  for (index_t f = 0; f < r.frames; ++f) {
    if (c.frame && f != *c.frame) continue;
    index_t kept = 0;
    for (index_t o = 0; o < r.others; ++o) {
      if (c.slice && o / behind % slices != *c.slice) continue;
      ++kept;
      const float* from = all.data() + (f * r.others + o) * plane;
      chosen.values.insert(chosen.values.end(), from, from + plane);
    }
    chosen.others = kept;
  }
  return chosen;
}

io::window parse_window(const std::string& text) {
  io::window w;
  char rest = 0;
  require<value_error>(std::sscanf(text.c_str(), "%lf,%lf%c", &w.low, &w.high, &rest) == 2 &&
                           std::isfinite(w.low) && std::isfinite(w.high) && w.low < w.high,
                       "--window: expected two rising numbers LOW,HIGH, found '", text, "'");
  return w;
}

void convert_picture(const convert_command& c, const common_options& common, bool animate) {
  require_number("--percentile", c.percentile, 0, true);
  require<value_error>(c.percentile <= 100, "--percentile: expected at most 100, found ",
                       c.percentile);
  require_number("--gain", c.gain, 0, true);
  require<value_error>(c.columns >= 0, "--columns: expected at least 0, found ", c.columns);
  require<value_error>(c.delay > 0 && c.delay < 65536, "--delay: expected 1 to 65535 ms, found ",
                       c.delay);
  io::window w;
  if (!c.window_text.empty()) w = parse_window(c.window_text);
  planes image = read_planes(c.input, c);
  const auto count = static_cast<index_t>(image.values.size());
  const std::vector<float>* scale = &image.values;
  planes reference;
  if (!c.reference.empty()) {
    reference = read_planes(c.reference, c);
    require<shape_error>(reference.frames == image.frames && reference.others == image.others &&
                             reference.ny == image.ny && reference.nx == image.nx,
                         c.input, ": expected ", reference.frames * reference.others, " images of ",
                         reference.ny, " x ", reference.nx, " as in ", c.reference, ", found ",
                         image.frames * image.others, " of ", image.ny, " x ", image.nx);
    image.values = io::error_map(image.values.data(), reference.values.data(), count);
    scale = &reference.values;
  }
  if (c.window_text.empty()) w = {0, io::percentile(scale->data(), count, c.percentile) / c.gain};
  std::vector<io::picture> frames;
  for (index_t f = 0; f < image.frames; ++f) {
    std::vector<io::picture> tiles;
    for (index_t o = 0; o < image.others; ++o)
      tiles.push_back(
          io::render(image.at(f, o), static_cast<int>(image.ny), static_cast<int>(image.nx), w));
    if (animate)
      frames.push_back(io::mosaic(tiles, c.columns));
    else
      frames.insert(frames.end(), tiles.begin(), tiles.end());
  }
  if (animate)
    io::write_apng(c.out, frames, c.delay, common.policy());
  else
    io::write_png(c.out, io::mosaic(frames, c.columns), common.policy());
  if (common.as_json)
    std::cout << dump({{"out", c.out},
                       {"images", image.frames * image.others},
                       {"animated", animate},
                       {"window", {w.low, w.high}}})
              << "\n";
  else
    std::cout << c.out << ": " << image.frames * image.others << " images of " << image.ny << " x "
              << image.nx << (animate ? ", animated" : "") << ", window " << w.low << " to "
              << w.high << "\n";
}

}  // namespace

action add_convert(CLI::App& app, common_options& common) {
  auto c = std::make_shared<convert_command>();
  auto& command =
      add_command(app, "convert", "Between formats of arrays, and to pictures",
                  "  cardiomm convert kspace.npy kspace.cfl --as kspace\n"
                  "  cardiomm convert maps.cfl maps.npy\n"
                  "  cardiomm convert cine_sax.mat:kspace_full kspace.npy --as kspace\n"
                  "  cardiomm convert image.npy image.nii.gz --spacing 8,1.4,1.4 --frame-time 40\n"
                  "  cardiomm convert image.npy mosaic.png --columns 5\n"
                  "  cardiomm convert image.npy frame.png --frame 7 --window 0,0.02\n"
                  "  cardiomm convert image.npy error.png --reference truth.npy --gain 5\n"
                  "  cardiomm convert image.npy cine.png --animate --delay 40",
                  common);
  command
      .add_option("input", c->input,
                  "Input: .npy, .npz, .cfl, .mat, .h5, .nii, .nii.gz, .safetensors, MRD; FILE:NAME "
                  "is one of several arrays")
      ->required();
  command
      .add_option("output,--out", c->out,
                  "Output: .npy, .npz, .cfl, .mat, .h5, .nii, .nii.gz, .png; .apng is a .png with "
                  "--animate")
      ->required();
  command
      .add_option("--as", c->as,
                  "What the input is: kspace, image, maps or mask. Left out: image, k-space where "
                  "there are 5 axes or a coil axis has a name")
      ->type_name("ROLE");
  add_axes(command, c->given);
  const std::string files = "NIfTI, MATLAB and HDF5";
  command.add_option("--spacing", c->spacing, "Voxel in mm; left out: that of the input, else 1")
      ->type_name("DZ,DY,DX")
      ->group(files);
  command.add_option("--frame-time", c->frame_time, "Time from frame to frame in ms")
      ->type_name("MS")
      ->group(files);
  command
      .add_flag("--published", c->published,
                "NIfTI with the intensities of the published data: magnitudes over the 99.5th "
                "percentile of each slice")
      ->group(files);
  command
      .add_option(
          "--variable", c->variable,
          "Name of the array in a .mat, .h5 or .npz file; left out: kspace_full, reconimage, "
          "mask or maps")
      ->type_name("NAME")
      ->group(files);
  const std::string group = "Pictures";
  command.add_option("--window", c->window_text, "Values that become black and white")
      ->type_name("LOW,HIGH")
      ->group(group);
  command
      .add_option("--percentile", c->percentile,
                  "White is this percentile, unless --window is given")
      ->capture_default_str()
      ->group(group);
  command.add_option("--frame", c->frame, "This frame only, from 0")->group(group);
  command.add_option("--slice", c->slice, "This slice only, from 0")->group(group);
  command.add_option("--columns", c->columns, "Images in a row of the mosaic; 0 chooses")
      ->group(group);
  command
      .add_option("--reference", c->reference,
                  "Show |input - reference|, white at the reference's percentile over --gain")
      ->group(group);
  command.add_option("--gain", c->gain, "Brightness of the picture, in particular of an error map")
      ->capture_default_str()
      ->group(group);
  command.add_flag("--animate", c->animate, "A cine: the frames one after the other")->group(group);
  command.add_option("--delay", c->delay, "Time of a frame of a cine in ms")
      ->capture_default_str()
      ->group(group);
  return [c](const common_options& options) {
    const std::string end = extension_of(c->out);
    if (end == ".png" || end == ".apng") {
      convert_picture(*c, options, c->animate || end == ".apng");
      return;
    }
    (void)output_format(c->out);
    require<value_error>(c->reference.empty() && !c->animate, c->out,
                         ": --reference and --animate are for pictures (.png)");
    convert_array(*c, options);
  };
}

}  // namespace program
