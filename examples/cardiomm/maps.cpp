// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm maps`: coil sensitivity maps by ESPIRiT.

#include "calibration.hpp"
#include "common.hpp"

namespace program {
namespace {

struct maps_command {
  std::string kspace, out;
  std::optional<index_t> calib;
  index_t sets = 1;
  axes_option given;
};

template <class T>
void run(const maps_command& c, const common_options& common) {
  using enum axis;
  check_calib(c.calib);
  require<value_error>(c.sets >= 1, "--sets: expected at least 1, found ", c.sets);
  array_output out(c.out, common.policy());
  out.describe({{}, "maps", false});
  const cardiomm::default_space ex;
  progress p(common);
  stopwatch watch;
  p.stage("reading " + c.kspace);
  auto raw = load_kspace<T>(c.kspace, c.given);
  const auto kspace = cardiomm::to_space(ex, raw.values);
  p.stage("estimating the coil maps");
  const auto maps = cardiomm::to_host(estimate_maps(ex, kspace, c.calib, c.kspace, c.sets));
  stop_if_interrupted();
  auto narrow = cardiomm::make_tensor<complex<float>>(host_space{}, cardiomm::shape_of(maps));
  for (std::size_t i = 0; i < maps.size(); ++i)
    narrow.data()[i] = complex<float>(static_cast<float>(maps.data()[i].real()),
                                      static_cast<float>(maps.data()[i].imag()));
  // Maps have no frame. Several sets need all five axes, because four mean (slice, coil, y, x).
  axes kept = {coil, y, x};
  if (has(raw.from.order, slice) || c.sets > 1) kept.insert(kept.begin(), slice);
  out.write({set, slice, coil, y, x}, kept, narrow, raw.from.phase_plane);
  out.commit();
  p.clear();
  if (common.as_json)
    std::cout << dump({{"out", c.out},
                       {"shape", out.shape()},
                       {"type", io::name_of(out.type())},
                       {"seconds", watch.seconds()}})
              << "\n";
  else
    std::printf("%s, %.2f s\n", out.describe().c_str(), watch.seconds());
}

}  // namespace

action add_maps(CLI::App& app, common_options& common) {
  auto c = std::make_shared<maps_command>();
  auto& command =
      add_command(app, "maps", "Estimate coil sensitivity maps by ESPIRiT",
                  "  cardiomm maps --kspace kspace.npy --calib 24 --out maps.npy\n"
                  "Kernel 6 x 6, singular value threshold 0.02, crop 0.8, phase relative to the "
                  "first singular\n"
                  "vector of the coils. Frames are averaged over the samples that they have.",
                  common);
  command.add_option("--kspace", c->kspace, "K-space, .npy or .cfl")->required();
  add_calib(command, c->calib);
  command.add_option("--sets", c->sets, "Sets of maps (soft-SENSE needs 2)")->capture_default_str();
  add_axes(command, c->given);
  command
      .add_option("--out", c->out,
                  "Maps (coil, y, x), or (slice, coil, y, x) where the k-space has slices")
      ->required();
  return [c](const common_options& options) {
    if (options.as_double)
      run<double>(*c, options);
    else
      run<float>(*c, options);
  };
}

}  // namespace program
