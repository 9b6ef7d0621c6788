// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_RAW_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_RAW_HPP
/// \file
/// ISMRM raw data files as inputs of the program: sorted into k-space in memory, with the mask of
/// what was measured, the noise scan, trajectories and sizes.
///
///     const raw_scan raw = open_raw("scan.h5");
///     raw.kspace();          // stored_array (frame, slice, coil, y, x), complex64
///     raw.data.mask;         // (frame, y, x); empty with a trajectory
///     raw.data.noise;        // (coil, samples); empty without noise scan

#include <functional>
#include <nlohmann/json.hpp>

#include "arrays.hpp"
#include "cardiomm/mri/acquisitions.hpp"
#include "cardiomm/mri/binning.hpp"

namespace program {

/// What is taken of a raw file, and how.
struct raw_options {
  std::string group;  ///< HDF5 group; empty: found
  cardiomm::mri::sort_options sort;
  index_t cine_frames = 0;  ///< retrospective gating to this many frames; 0: frames as measured
  cardiomm::mri::binning_options binning;  ///< of it; its `frames` is set from cine_frames
  bool use_ecg = false;  ///< triggers from the recorded ECG instead of the stamps of lines
};

/// A sorted measurement.
struct raw_scan {
  std::string path;
  cardiomm::mrd_header header;
  cardiomm::mri::sorted_acquisitions data;
  geometry voxel;                      ///< mm and s
  cardiomm::mri::binned_lines binned;  ///< beats and RR interval, with retrospective gating

  bool radial() const { return data.trajectory.size() > 0; }
  /// Every sample was measured.
  bool full() const;
  /// The tensors as arrays of the program; they share the memory.
  io::stored_array kspace() const;      ///< (frame, slice, coil, y, x), or spoke and sample
  io::stored_array mask() const;        ///< (frame, y, x) uint8
  io::stored_array noise() const;       ///< (coil, samples)
  io::stored_array trajectory() const;  ///< (frame, spoke, sample, 2) cycles/FOV, float64
  /// Geometry, timing and counts, for header.json and reports.
  nlohmann::ordered_json describe() const;
};

/// Sorts lines from anywhere: `each` calls its argument with the number and line of all heads.
using line_sink = std::function<void(std::size_t, const cardiomm::mrd_acquisition&)>;
raw_scan sort_raw(const std::string& path, const cardiomm::mrd_header& header,
                  const std::vector<cardiomm::mrd_head>& heads,
                  const std::vector<cardiomm::mrd_waveform>& waves, const raw_options& options,
                  const std::function<void(const line_sink&)>& each);

/// Whether a file is ISMRM raw data, by its contents.
bool is_raw(const std::string& path);

/// Reads and sorts a raw file. Throws io_error, shape_error and value_error naming the path.
raw_scan open_raw(const std::string& path, const raw_options& options = {});

}  // namespace program

#endif
