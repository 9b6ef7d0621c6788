// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_CORE_MRD_HPP
#define CARDIOMM_CORE_MRD_HPP
/// \file
/// What scanners measure, as plain structs in the terms of ISMRM raw data (MRD): lines with their
/// heads, physiology waveforms, and the header of a measurement. Readers (io/) fill them, sorting
/// (mri/) takes them. Source: Inati et al., "ISMRM Raw data format", MRM 77 (2017), and the MRD
/// specification.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "cardiomm/core/complex.hpp"
#include "cardiomm/core/config.hpp"

namespace cardiomm::inline CARDIOMM_ABI {

/// Flags of a line that matter here; bit (value - 1) of `flags`.
enum class mrd_flag : int {
  noise = 19,
  calibration = 20,              ///< parallel calibration only
  calibration_and_imaging = 21,  ///< and of the image as well
  reverse = 22,                  ///< read out from the other end
  navigation = 23,
  phase_correction = 24,
  last_in_measurement = 25,
  feedback = 26,
  dummy = 27,
  realtime_feedback = 28,
  surface_coil = 29,
  stabilization_reference = 30,
  stabilization = 31
};

/// Loop counters of a line.
struct mrd_counters {
  std::uint16_t kspace_encode_step_1 = 0, kspace_encode_step_2 = 0, average = 0, slice = 0,
                contrast = 0, phase = 0, repetition = 0, set = 0, segment = 0;
  std::array<std::uint16_t, 8> user{};
};

/// Head of a line.
struct mrd_head {
  std::uint16_t version = 1;
  std::uint64_t flags = 0;
  std::uint32_t measurement_uid = 0, scan_counter = 0;
  std::uint32_t acquisition_time_stamp = 0;              ///< ticks, 2.5 ms on most scanners
  std::array<std::uint32_t, 3> physiology_time_stamp{};  ///< ticks since the last trigger
  std::uint16_t number_of_samples = 0, available_channels = 0, active_channels = 0;
  std::array<std::uint64_t, 16> channel_mask{};
  std::uint16_t discard_pre = 0, discard_post = 0, center_sample = 0, encoding_space_ref = 0,
                trajectory_dimensions = 0;
  float sample_time_us = 0;
  std::array<float, 3> position{}, read_dir{}, phase_dir{}, slice_dir{}, table_position{};  ///< mm
  mrd_counters idx;
  std::array<std::int32_t, 8> user_int{};
  std::array<float, 8> user_float{};

  bool has(mrd_flag f) const { return (flags >> (static_cast<int>(f) - 1) & 1u) != 0; }
  void set(mrd_flag f) { flags |= std::uint64_t(1) << (static_cast<int>(f) - 1); }
};

/// A line with its samples.
struct mrd_acquisition {
  mrd_head head;
  std::vector<float> trajectory;     ///< (sample, trajectory_dimensions)
  std::vector<complex<float>> data;  ///< (active channel, sample)
};

/// Head of a piece of a recorded signal.
struct mrd_waveform_head {
  std::uint16_t version = 1;
  std::uint64_t flags = 0;
  std::uint32_t measurement_uid = 0, scan_counter = 0, time_stamp = 0;
  std::uint16_t number_of_samples = 0, channels = 0;
  float sample_time_us = 0;
  std::uint16_t waveform_id = 0;  ///< place in the header's list of waveforms
};

/// A piece of a recorded signal (ECG, respiration, ...).
struct mrd_waveform {
  mrd_waveform_head head;
  std::vector<std::uint32_t> data;  ///< (channel, sample)
};

/// Range of a counter; `centre` is the one of k = 0.
struct mrd_limit {
  bool known = false;
  int minimum = 0, maximum = 0, centre = 0;
};

/// Extents (x, y, z) and field of view in mm.
struct mrd_space {
  std::array<int, 3> matrix = {1, 1, 1};
  std::array<double, 3> fov_mm = {0, 0, 0};
};

/// One encoding of a measurement.
struct mrd_encoding {
  mrd_space encoded, recon;
  mrd_limit step_0, step_1, step_2, average, slice, contrast, phase, repetition, set, segment;
  std::string trajectory = "cartesian";  ///< cartesian, epi, radial, goldenangle, spiral, other
  std::string trajectory_name;           ///< identifier of its description
  int acceleration_1 = 1, acceleration_2 = 1;
  std::string calibration;  ///< embedded, interleaved, separate, external, other; empty: not told
};

/// A named value of a user parameter.
struct mrd_parameter {
  std::string name, value;
};

/// A recorded signal's name and kind: ecg, pulse, respiratory, trigger, gradientwaveform, other.
struct mrd_waveform_kind {
  std::string name, kind;
};

/// Header of a measurement; what a file does not tell is empty or 0.
struct mrd_header {
  std::vector<mrd_encoding> encodings;
  std::vector<double> tr_ms, te_ms, ti_ms, flip_deg, echo_spacing_ms;
  std::string sequence, vendor, model, institution, station, protocol, patient_position, study_date,
      study_time, measurement_id;
  double field_strength_t = 0, h1_frequency_hz = 0;
  double noise_bandwidth = 0;  ///< relativeReceiverNoiseBandwidth
  int receiver_channels = 0;
  std::vector<std::string> coil_names;
  std::vector<mrd_waveform_kind> waveforms;
  std::vector<mrd_parameter> user;
};

}  // namespace cardiomm::inline CARDIOMM_ABI

#endif
