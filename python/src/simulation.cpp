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
        mri::mask_options o;
        o.pattern = mri::mask_pattern_of(pattern);
        o.frames = frames;
        o.ny = ny;
        o.nx = nx;
        o.acceleration = acceleration;
        o.acs = acs;
        o.seed = seed;
        const auto mask = [&] {
          const computing now;
          return mri::make_mask(o);
        }();
        return to_numpy(mask);
      },
      "pattern"_a, "frames"_a, "ny"_a, "nx"_a, "acceleration"_a, "acs"_a, "seed"_a);
  m.def(
      "radial_trajectory",
      [](index_t samples, index_t spokes, index_t frames, bool golden, int tiny,
         double oversampling) {
        mri::radial_trajectory_options o;
        o.samples = samples;
        o.spokes = spokes;
        o.frames = frames;
        o.angles = golden ? mri::spoke_angles::golden : mri::spoke_angles::uniform;
        o.tiny = tiny;
        o.readout_oversampling = oversampling;
        const auto k = [&] {
          const computing now;
          return mri::radial_trajectory(o);
        }();
        return to_numpy(k);
      },
      "samples"_a, "spokes"_a, "frames"_a, "golden"_a, "tiny"_a, "oversampling"_a);
  m.def(
      "spiral_trajectory",
      [](index_t samples, index_t interleaves, index_t frames, double matrix, double turns) {
        mri::spiral_trajectory_options o;
        o.samples = samples;
        o.interleaves = interleaves;
        o.frames = frames;
        o.matrix = matrix;
        o.turns = turns;
        const auto k = [&] {
          const computing now;
          return mri::spiral_trajectory(o);
        }();
        return to_numpy(k);
      },
      "samples"_a, "interleaves"_a, "frames"_a, "matrix"_a, "turns"_a);
  m.def(
      "phantom",
      [](index_t coils, index_t frames, index_t slices, index_t ny, index_t nx, double snr,
         std::uint64_t seed) {
        mri::phantom_options o;
        o.coils = coils;
        o.frames = frames;
        o.slices = slices;
        o.ny = ny;
        o.nx = nx;
        o.snr = snr;
        o.seed = seed;
        const auto d = [&] {
          const computing now;
          return mri::simulate(o);
        }();
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
