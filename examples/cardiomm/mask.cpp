// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm mask`: an undersampling mask (frame, y, x) of 0 and 1.

#include "cardiomm/mri/mask.hpp"

#include "common.hpp"

namespace program {
namespace {

struct mask_command {
  std::string pattern = "kt-gaussian", shape, out, compat;
  double acceleration = 8;
  index_t acs = 20, seed = 1;
};

void run(const mask_command& c, const common_options& common) {
  cardiomm::mri::mask_options o;
  o.pattern = cardiomm::mri::mask_pattern_of(c.pattern);
  o.acceleration = c.acceleration;
  o.acs = c.acs;
  const auto size = parse_extents(c.shape, 3, "--shape");
  o.frames = size[0];
  o.ny = size[1];
  o.nx = size[2];
  require<value_error>(c.seed >= 0 && c.seed < (index_t(1) << 32),
                       "--seed: expected 0 to 4294967295, found ", c.seed);
  o.seed = static_cast<std::uint64_t>(c.seed);
  require<value_error>(c.compat.empty() || c.compat == "released",
                       "--compat: expected released, found '", c.compat, "'");
  o.compat_released = c.compat == "released";
  array_output out(c.out, common.policy());
  out.describe({{}, "mask", false});
  const auto mask = cardiomm::mri::make_mask(o);
  using enum axis;
  out.write({frame, y, x}, {frame, y, x}, mask);
  out.commit();
  index_t samples = 0;
  for (std::size_t i = 0; i < mask.size(); ++i) samples += mask.data()[i];
  const double net = static_cast<double>(mask.size()) / static_cast<double>(samples);
  if (common.as_json)
    std::cout << dump({{"out", c.out},
                       {"pattern", c.pattern},
                       {"shape", {o.frames, o.ny, o.nx}},
                       {"acceleration", o.acceleration},
                       {"net_acceleration", net},
                       {"samples", samples}})
              << "\n";
  else
    std::cout << out.describe() << ", net acceleration " << net << "\n";
}

}  // namespace

action add_mask(CLI::App& app, common_options& common) {
  auto c = std::make_shared<mask_command>();
  auto& command = add_command(
      app, "mask", "Make an undersampling mask (frame, y, x) of 0 and 1",
      "  cardiomm mask --pattern kt-gaussian --acceleration 8 --acs 20 --shape 25,208,256 "
      "--seed 1 --out mask.npy\n"
      "  cardiomm mask --pattern kt-uniform --compat released --acceleration 4 --acs 8 "
      "--shape 7,31,32 --out mask.npy",
      common);
  command.add_option("--pattern", c->pattern, "uniform, kt-uniform, kt-gaussian or kt-radial")
      ->capture_default_str();
  command
      .add_option("--acceleration", c->acceleration,
                  "Nominal acceleration R; centre lines are not counted")
      ->capture_default_str();
  command.add_option("--acs", c->acs, "Centre lines sampled in every frame (kt-radial: a square)")
      ->capture_default_str();
  command.add_option("--shape", c->shape, "Frames, phase encodes, readout samples")
      ->type_name("T,NY,NX")
      ->required();
  command.add_option("--seed", c->seed, "Seed of kt-gaussian")->capture_default_str();
  command.add_option("--compat", c->compat,
                     "released: kt-uniform with an odd number of frames as the challenge released "
                     "it, shifted by half a frame");
  command.add_option("--out", c->out, "Output, .npy (uint8) or .cfl")->required();
  return [c](const common_options& options) { run(*c, options); };
}

}  // namespace program
