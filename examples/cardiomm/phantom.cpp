// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm phantom`: a simulated acquisition of a beating heart with its ground truth.

#include "cardiomm/mri/simulate.hpp"
#include "common.hpp"
#include "folder.hpp"

namespace program {
namespace {

struct phantom_command {
  cardiomm::mri::phantom_options o;
  std::string shape, out;
  index_t seed = 1;
};

json describe(const cardiomm::mri::phantom_truth::ventricle& v) {
  return {{"volume_ml", v.ml},
          {"edv_ml", v.edv_ml},
          {"esv_ml", v.esv_ml},
          {"ef_percent", v.ef_percent}};
}

json describe(const cardiomm::mri::phantom_options& o, const cardiomm::mri::phantom_truth& t) {
  using namespace cardiomm::mri;
  return {
      {"lv", describe(t.lv)},
      {"rv", describe(t.rv)},
      {"myocardium_ml", t.myocardium_ml},
      {"ed_frame", t.ed_frame},
      {"es_frame", t.es_frame},
      {"frame_ms", t.frame_ms},
      {"spacing_mm", {{"slice", t.spacing_mm[0]}, {"y", t.spacing_mm[1]}, {"x", t.spacing_mm[2]}}},
      {"labels",
       {{"background", label_background},
        {"lv", label_lv},
        {"myocardium", label_myocardium},
        {"rv", label_rv}}},
      {"shape",
       {{"frame", o.frames}, {"slice", o.slices}, {"coil", o.coils}, {"y", o.ny}, {"x", o.nx}}},
      {"snr", o.snr},
      {"seed", o.seed},
      {"noise_std", t.noise_std}};
}

void run(phantom_command c, const common_options& common) {
  const auto size = parse_extents(c.shape, 2, "--shape");
  c.o.ny = size[0];
  c.o.nx = size[1];
  require_number("--snr", c.o.snr, 0);
  require<value_error>(c.seed >= 0, "--seed: expected at least 0, found ", c.seed);
  c.o.seed = static_cast<std::uint64_t>(c.seed);
  cardiomm::mri::truth_of(c.o);  // checks the options
  output_folder folder(c.out);
  array_output kspace(folder / "kspace.npy", common.policy()),
      maps(folder / "maps.npy", common.policy()), image(folder / "image.npy", common.policy()),
      labels(folder / "labels.npy", common.policy());
  io::atomic_file truth(folder / "truth.json", common.policy());

  progress p(common);
  stopwatch watch;
  p.stage("simulating " + std::to_string(c.o.frames * c.o.slices) + " images of " +
          std::to_string(c.o.ny) + " x " + std::to_string(c.o.nx) + " with " +
          std::to_string(c.o.coils) + " coils");
  const auto data = cardiomm::mri::simulate(c.o);
  p.stage("writing " + c.out);
  using enum axis;
  const axes k = {frame, slice, coil, y, x}, m = {slice, coil, y, x}, i = {frame, slice, y, x};
  kspace.write(k, k, data.kspace);
  maps.write(m, m, data.maps);
  image.write(i, i, data.image);
  labels.write(i, i, data.labels);
  const json t = describe(c.o, data.truth);
  truth.write(dump(t) + "\n");
  std::vector<io::atomic_file*> files;
  for (array_output* a : {&kspace, &maps, &image, &labels})
    for (io::atomic_file* f : a->files()) files.push_back(f);
  files.push_back(&truth);
  stop_if_interrupted();
  io::atomic_file::commit(files);
  folder.keep();
  p.clear();
  if (common.as_json)
    std::cout << dump({{"out", c.out}, {"seconds", watch.seconds()}, {"truth", t}}) << "\n";
  else
    std::printf("%s: k-space %s, LV EDV %.1f ml, ESV %.1f ml, EF %.1f %%, %.1f s\n", c.out.c_str(),
                io::to_string(kspace.shape()).c_str(), data.truth.lv.edv_ml, data.truth.lv.esv_ml,
                data.truth.lv.ef_percent, watch.seconds());
}

}  // namespace

action add_phantom(CLI::App& app, common_options& common) {
  auto c = std::make_shared<phantom_command>();
  auto& command = add_command(
      app, "phantom", "Simulate a cine acquisition of a beating heart with its ground truth",
      "  cardiomm phantom --coils 10 --frames 25 --slices 1 --shape 208,256 --snr 30 --seed 1 "
      "--out phantom\n"
      "Writes kspace.npy (frame, slice, coil, y, x), maps.npy (slice, coil, y, x), image.npy and\n"
      "labels.npy (frame, slice, y, x) and truth.json (volumes, ejection fraction, spacing).",
      common);
  command.add_option("--coils", c->o.coils, "Receive coils")->capture_default_str();
  command.add_option("--frames", c->o.frames, "Frames over one heart beat")->capture_default_str();
  command.add_option("--slices", c->o.slices, "Short-axis slices")->capture_default_str();
  c->shape = "208,256";
  command.add_option("--shape", c->shape, "Phase encodes, readout samples")
      ->type_name("NY,NX")
      ->capture_default_str();
  command
      .add_option("--snr", c->o.snr,
                  "Mean signal of the heart over the noise of one coil; 0: no noise")
      ->capture_default_str();
  command.add_option("--seed", c->seed, "Seed of the noise")->capture_default_str();
  command.add_option("--out", c->out, "Folder, made if it is missing")
      ->type_name("DIR")
      ->required();
  return [c](const common_options& options) { run(*c, options); };
}

}  // namespace program
