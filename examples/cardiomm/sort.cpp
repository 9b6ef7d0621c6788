// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm sort`: ISMRM raw data to arrays of k-space.

#include "common.hpp"
#include "folder.hpp"
#include "raw_options.hpp"

namespace program {
namespace {

struct sort_command {
  std::string raw, out;
  raw_options options;
  raw_words words;
  bool crop = false;
};

void run(sort_command c, const common_options& common) {
  finish_raw_options(c.options, c.words);
  c.options.sort.remove_oversampling = c.crop;
  output_folder folder(c.out);
  progress p(common);
  stopwatch watch;
  p.stage("reading " + c.raw);
  const raw_scan raw = open_raw(c.raw, c.options);
  stop_if_interrupted();
  p.stage("writing " + c.out);
  std::vector<std::unique_ptr<io::atomic_file>> files;
  json names;
  const auto open = [&](const char* name) -> io::atomic_file& {
    files.push_back(std::make_unique<io::atomic_file>(folder / name, common.policy()));
    names.push_back(name);
    return *files.back();
  };
  const auto put = [&](const char* name, const auto& values) {
    extents shape;
    for (int d = 0; d < cardiomm::rank_of<decltype(values)>; ++d)
      shape.push_back(static_cast<index_t>(values.extent(d)));
    io::put_npy(open(name), io::dtype_of<cardiomm::element_of<decltype(values)>>(), shape,
                values.data());
  };
  put("kspace.npy", raw.data.kspace);
  if (raw.radial())
    put("traj.npy", raw.data.trajectory);
  else
    put("mask.npy", raw.data.mask);
  if (raw.data.noise.size() > 0) put("noise.npy", raw.data.noise);
  if (raw.data.calibration.size() > 0) put("calibration.npy", raw.data.calibration);
  json about = raw.describe();
  names.push_back("header.json");
  about["files"] = names;
  names.erase(names.size() - 1);
  open("header.json").write(dump(about) + "\n");
  std::vector<io::atomic_file*> all;
  for (const auto& f : files) all.push_back(f.get());
  stop_if_interrupted();
  io::atomic_file::commit(all);
  folder.keep();
  p.clear();
  if (common.as_json) {
    about["out"] = c.out;
    about["seconds"] = watch.seconds();
    std::cout << dump(about) << "\n";
    return;
  }
  const auto& n = raw.data.counts;
  std::printf("%s: k-space %s, %lld of %lld lines, %lld noise, %.1f s\n", c.out.c_str(),
              io::to_string(raw.kspace().shape()).c_str(),
              static_cast<long long>(n.imaging + n.calibration), static_cast<long long>(n.lines),
              static_cast<long long>(n.noise), watch.seconds());
  for (const auto& r : raw.data.remarks)
    std::fprintf(stderr, "cardiomm: warning: %s: %s\n", c.raw.c_str(), one_line(r).c_str());
}

}  // namespace

action add_sort(CLI::App& app, common_options& common) {
  auto c = std::make_shared<sort_command>();
  auto& command = add_command(
      app, "sort", "Sort ISMRM raw data (HDF5) into k-space",
      "  cardiomm sort scan.h5 --out sorted\n"
      "  cardiomm sort cine.h5 --frames 25 --slice 0 --remove-oversampling --out sorted\n"
      "  cardiomm recon --kspace sorted/kspace.npy --mask sorted/mask.npy --noise "
      "sorted/noise.npy --out image.npy\n"
      "Writes kspace.npy (frame, slice, coil, y, x) with DC at n/2, mask.npy (frame, y, x),\n"
      "noise.npy (coil, samples), traj.npy (frame, spoke, sample, 2) in place of the mask for\n"
      "non-Cartesian data, calibration.npy (slice, coil, y, x) where it is apart, and header.json\n"
      "(geometry, timing, counts of lines). Frames are the repetitions, sets, contrasts and "
      "phases\n"
      "of the lines, the phase fastest.",
      common);
  command.add_option("raw", c->raw, "ISMRM raw data file (.h5, .mrd)")->required();
  command.add_option("--group", c->options.group,
                     "Group of the file; left out: dataset, or the first with raw data");
  command.add_flag("--remove-oversampling", c->crop,
                   "Crop the readout to the field of view of the image");
  add_raw_options(command, c->options, c->words);
  command.add_option("--out", c->out, "Folder, made if it is missing")
      ->type_name("DIR")
      ->required();
  return [c](const common_options& options) { run(*c, options); };
}

}  // namespace program
