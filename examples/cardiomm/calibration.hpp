// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_CALIBRATION_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_CALIBRATION_HPP
/// \file
/// Coil maps by ESPIRiT as `maps` and `recon` estimate them.

#include <CLI/CLI.hpp>

#include "arrays.hpp"
#include "cardiomm/mri/calibrate.hpp"

namespace program {

/// Maps (set, slice, coil, y, x) of k-space (frame, slice, coil, y, x). `calib` left out: 24, or
/// the matrix where that is smaller. `path` names the data in messages.
template <class Ex, class K>
auto estimate_maps(const Ex& ex, const K& kspace, std::optional<index_t> calib,
                   const std::string& path, index_t sets = 1) {
  cardiomm::mri::espirit_options o;
  o.calib = calib.value_or(-1);
  o.sets = sets;
  return naming(path + ": coil maps: ", [&] { return cardiomm::mri::espirit(ex, kspace, o); });
}

/// Adds `--calib`.
inline void add_calib(CLI::App& command, std::optional<index_t>& calib) {
  command.add_option("--calib", calib,
                     "Upper limit of the calibration block of ESPIRiT per axis, shrunk to the "
                     "largest fully sampled centre; left out: 24, or the matrix if smaller");
}
inline void check_calib(const std::optional<index_t>& calib) {
  require<value_error>(!calib || *calib >= 1, "--calib: expected at least 1, found ",
                       calib.value_or(0));
}

}  // namespace program

#endif
