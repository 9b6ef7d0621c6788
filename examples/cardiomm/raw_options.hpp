// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_RAW_OPTIONS_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_RAW_OPTIONS_HPP
/// \file
/// The options of sorting raw data, shared by `sort` and `stream`.

#include <CLI/CLI.hpp>

#include "raw.hpp"

namespace program {

/// Texts of options that become enumerations.
struct raw_words {
  std::string calibration = "auto", repeats = "average";
};

inline void add_raw_options(CLI::App& command, raw_options& o, raw_words& words) {
  const std::string group = "What is taken";
  command.add_option("--slice", o.sort.slice, "Only the lines of this slice counter")->group(group);
  command.add_option("--contrast", o.sort.contrast, "Only this contrast (echo)")->group(group);
  command.add_option("--phase", o.sort.phase, "Only this cardiac phase")->group(group);
  command.add_option("--repetition", o.sort.repetition, "Only this repetition")->group(group);
  command.add_option("--set", o.sort.set, "Only this set")->group(group);
  command.add_option("--average", o.sort.average, "Only this average")->group(group);
  command
      .add_option("--encoding", o.sort.encoding,
                  "Encoding space; left out: that of the first imaging line")
      ->group(group);
  command
      .add_option("--calibration", words.calibration,
                  "Lines flagged as calibration only: include them in k-space, keep them apart, or "
                  "auto: as the header's calibration mode says")
      ->group(group)
      ->type_name("auto|include|apart");
  command
      .add_option("--repeats", words.repeats,
                  "Lines that were measured again: average (default), last or refuse")
      ->group(group)
      ->type_name("NAME");
  command
      .add_option("--spokes", o.sort.spokes,
                  "Non-Cartesian: frames of so many consecutive spokes; left out: as counters say")
      ->group(group);
  const std::string gating = "Retrospective gating";
  command
      .add_option("--frames", o.cine_frames,
                  "Frames of one heart beat, to which lines are assigned by their time since the "
                  "trigger")
      ->group(gating);
  command.add_flag("--ecg", o.use_ecg, "Triggers from the recorded ECG, not the stamps of lines")
      ->group(gating);
  command
      .add_option("--rr-window", o.binning.window,
                  "Beats whose RR interval is farther from the median are left out")
      ->group(gating)
      ->capture_default_str();
  command.add_option("--tick", o.binning.tick_ms, "Milliseconds of a tick of the stamps")
      ->group(gating)
      ->capture_default_str();
  command
      .add_option("--physiology", o.binning.physiology,
                  "Which physiology stamp counts from the trigger: 0, 1 or 2")
      ->group(gating)
      ->capture_default_str();
  command
      .add_flag("--share-views", o.sort.share_views,
                "Lines that a frame lacks come from the nearest frame that has them")
      ->group(gating);
}

/// Throws value_error for options outside their range.
inline void finish_raw_options(raw_options& o, const raw_words& words) {
  using cardiomm::mri::calibration_lines;
  using cardiomm::mri::repeated_lines;
  const std::string& c = words.calibration;
  require<value_error>(c == "auto" || c == "include" || c == "apart",
                       "--calibration: expected auto, include or apart, found '", c, "'");
  o.sort.calibration = c == "auto"      ? calibration_lines::automatic
                       : c == "include" ? calibration_lines::include
                                        : calibration_lines::apart;
  const std::string& r = words.repeats;
  require<value_error>(r == "average" || r == "last" || r == "refuse",
                       "--repeats: expected average, last or refuse, found '", r, "'");
  o.sort.repeats = r == "average" ? repeated_lines::average
                   : r == "last"  ? repeated_lines::last
                                  : repeated_lines::refuse;
  require<value_error>(o.cine_frames >= 0 && o.cine_frames <= 10000,
                       "--frames: expected 1 to 10000, found ", o.cine_frames);
  require<value_error>(o.sort.spokes >= 0, "--spokes: expected at least 1, found ", o.sort.spokes);
  require<value_error>(o.cine_frames > 0 || !o.use_ecg, "--ecg: expected --frames, found none");
  require<value_error>(std::isfinite(o.binning.window) && o.binning.window > 0,
                       "--rr-window: expected a positive number, found ", o.binning.window);
  require<value_error>(std::isfinite(o.binning.tick_ms) && o.binning.tick_ms > 0,
                       "--tick: expected a positive number, found ", o.binning.tick_ms);
  require<value_error>(o.binning.physiology >= 0 && o.binning.physiology <= 2,
                       "--physiology: expected 0, 1 or 2, found ", o.binning.physiology);
}

}  // namespace program

#endif
