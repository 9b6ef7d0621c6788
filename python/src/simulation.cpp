// SPDX-License-Identifier: Apache-2.0
/// \file
/// Masks, trajectories and the beating-heart phantom.

#include <nanobind/stl/string.h>

#include "binding.hpp"
#include "cardiomm/mri/mask.hpp"
#include "cardiomm/mri/simulate.hpp"
#include "cardiomm/mri/trajectory.hpp"

namespace binding {

namespace mri = cardiomm::mri;

void bind_simulation(nb::module_& m) {
  m.def(
      "make_mask",
      [](const std::string& pattern, index_t frames, index_t ny, index_t nx, double acceleration,
         index_t acs, std::uint64_t seed) {
        const mri::mask_options o{.pattern = mri::mask_pattern_of(pattern),
                                  .acceleration = acceleration,
                                  .acs = acs,
                                  .frames = frames,
                                  .ny = ny,
                                  .nx = nx,
                                  .seed = seed};
        return to_numpy(computed([&] { return mri::make_mask(o); }));
      },
      "pattern"_a, "frames"_a, "ny"_a, "nx"_a, "acceleration"_a, "acs"_a, "seed"_a);
  m.def(
      "radial_trajectory",
      [](index_t samples, index_t spokes, index_t frames, bool golden, int tiny,
         double oversampling) {
        const mri::radial_trajectory_options o{
            .samples = samples,
            .spokes = spokes,
            .frames = frames,
            .angles = golden ? mri::spoke_angles::golden : mri::spoke_angles::uniform,
            .tiny = tiny,
            .readout_oversampling = oversampling};
        return to_numpy(computed([&] { return mri::radial_trajectory(o); }));
      },
      "samples"_a, "spokes"_a, "frames"_a, "golden"_a, "tiny"_a, "oversampling"_a);
  m.def(
      "spiral_trajectory",
      [](index_t samples, index_t interleaves, index_t frames, double matrix, double turns) {
        const mri::spiral_trajectory_options o{.samples = samples,
                                               .interleaves = interleaves,
                                               .frames = frames,
                                               .matrix = matrix,
                                               .turns = turns};
        return to_numpy(computed([&] { return mri::spiral_trajectory(o); }));
      },
      "samples"_a, "interleaves"_a, "frames"_a, "matrix"_a, "turns"_a);
  m.def(
      "phantom",
      [](index_t coils, index_t frames, index_t slices, index_t ny, index_t nx, double snr,
         std::uint64_t seed) {
        const mri::phantom_options o{.coils = coils,
                                     .frames = frames,
                                     .slices = slices,
                                     .ny = ny,
                                     .nx = nx,
                                     .snr = snr,
                                     .seed = seed};
        const auto d = computed([&] { return mri::simulate(o); });
        nb::dict out;
        out["kspace"] = to_numpy(d.kspace);
        out["maps"] = to_numpy(d.maps);
        out["image"] = to_numpy(d.image);
        out["labels"] = to_numpy(d.labels);
        return out;
      },
      "coils"_a, "frames"_a, "slices"_a, "ny"_a, "nx"_a, "snr"_a, "seed"_a);
}

}  // namespace binding
