// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_BINNING_HPP
#define CARDIOMM_MRI_BINNING_HPP
/// \file
/// Retrospective cardiac gating: heart beats from the stamps of lines or from a recorded ECG, beats
/// outside a window about the median RR interval left out, and each beat's lines stretched over the
/// frames of one cycle. Host code; times in milliseconds. Source: Feinstein et al., "Cardiac
/// magnetic resonance imaging with retrospective gating", MRM 37 (1997), for the linear stretch.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "cardiomm/core/error.hpp"
#include "cardiomm/core/mrd.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// What `bin_lines` does.
struct binning_options {
  index_t frames = 25;   ///< of one heart beat
  double window = 0.25;  ///< beats with |RR / median - 1| above it are left out
  double tick_ms = 2.5;  ///< of the stamps
  int physiology = 0;    ///< which of the three physiology stamps counts from the trigger
};

/// One heart beat, from its trigger to the next.
struct heart_beat {
  double start_ms = 0, rr_ms = 0;
  bool accepted = true;
};

/// A frame for each line.
struct binned_lines {
  std::vector<int> frame;  ///< of each line; -1: left out
  std::vector<heart_beat> beats;
  double rr_ms = 0;      ///< median RR interval
  index_t rejected = 0;  ///< lines in beats that were left out, or outside of all
};

/// Times of lines: on the scanner's clock, and since the trigger of their beat.
struct line_times {
  std::vector<double> clock_ms, delay_ms;
};

namespace detail {
inline double median_of(std::vector<double> v) {
  const std::size_t n = v.size();
  std::sort(v.begin(), v.end());
  return n % 2 ? v[n / 2] : 0.5 * (v[n / 2 - 1] + v[n / 2]);
}
/// The beats from the triggers' times. The last one has no end, and lasts the median.
inline std::vector<heart_beat> beats_between(const std::vector<double>& triggers, double window,
                                             double* median) {
  std::vector<double> intervals;
  for (std::size_t b = 1; b < triggers.size(); ++b)
    intervals.push_back(triggers[b] - triggers[b - 1]);
  require(!intervals.empty(), "binning: expected at least two triggers, found ", triggers.size());
  *median = median_of(intervals);
  std::vector<heart_beat> beats;
  for (std::size_t b = 0; b < triggers.size(); ++b) {
    const double rr = b < intervals.size() ? intervals[b] : *median;
    beats.push_back({triggers[b], rr, std::abs(rr / *median - 1) <= window});
  }
  return beats;
}
}  // namespace detail

/// The times of lines from the stamps in their heads. Throws value_error where there are none.
inline line_times times_of(const std::vector<mrd_head>& heads, const binning_options& o) {
  require(o.physiology >= 0 && o.physiology < 3, "binning: physiology: expected 0, 1 or 2, found ",
          o.physiology);
  require(o.tick_ms > 0, "binning: tick_ms: expected a positive time, found ", o.tick_ms);
  line_times t;
  bool stamped = false;
  for (const mrd_head& h : heads) {
    t.clock_ms.push_back(h.acquisition_time_stamp * o.tick_ms);
    t.delay_ms.push_back(h.physiology_time_stamp[static_cast<std::size_t>(o.physiology)] *
                         o.tick_ms);
    stamped = stamped || t.delay_ms.back() > 0;
  }
  require(stamped,
          "binning: expected physiology time stamps (time since the trigger), found zeros "
          "only");
  return t;
}

/// Bins lines by their times. A beat begins where the time since the trigger falls; its trigger is
/// the clock minus that time. Where all clocks are equal (simulators) a beat ends with its last
/// line. A line at a share u of its beat's RR interval goes to frame floor(u frames).
/// Throws value_error for fewer than two beats and for options outside their range.
inline binned_lines bin_lines(const line_times& t, const binning_options& o) {
  require(o.frames >= 1, "binning: frames: expected at least 1, found ", o.frames);
  require(o.window > 0, "binning: window: expected a positive share, found ", o.window);
  require<shape_error>(t.clock_ms.size() == t.delay_ms.size() && !t.clock_ms.empty(),
                       "binning: expected a clock and a delay for each line, found ",
                       t.clock_ms.size(), " and ", t.delay_ms.size());
  const std::size_t n = t.clock_ms.size();
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return t.clock_ms[a] < t.clock_ms[b]; });
  const bool clock = t.clock_ms[order.front()] < t.clock_ms[order.back()];
  std::vector<std::size_t> beat(n);
  std::vector<double> triggers, latest;
  for (std::size_t k = 0; k < n; ++k) {
    const std::size_t i = order[k];
    const double delay = t.delay_ms[i];
    const double start = t.clock_ms[i] - delay;
    // stamps are rounded, so triggers of one beat differ by a tick or two
    const bool next = k == 0 || (clock ? start > triggers.back() + 4 * o.tick_ms + 40
                                       : delay < t.delay_ms[order[k - 1]]);
    if (next) {
      triggers.push_back(start);
      latest.push_back(delay);
    }
    latest.back() = std::max(latest.back(), delay);
    beat[i] = triggers.size() - 1;
  }
  binned_lines out;
  if (clock) {
    out.beats = detail::beats_between(triggers, o.window, &out.rr_ms);
    // a pause between breath holds is no long beat: its lines end in time
    for (std::size_t b = 0; b < out.beats.size(); ++b)
      if (out.beats[b].rr_ms > (1 + o.window) * out.rr_ms &&
          out.beats[b].rr_ms > 1.75 * out.rr_ms && latest[b] <= out.rr_ms)
        out.beats[b] = {out.beats[b].start_ms, out.rr_ms, true};
  } else {
    std::vector<double> steps;
    for (std::size_t k = 1; k < n; ++k)
      if (beat[order[k]] == beat[order[k - 1]])
        steps.push_back(t.delay_ms[order[k]] - t.delay_ms[order[k - 1]]);
    const double step = steps.empty() ? 0 : detail::median_of(steps);
    std::vector<double> ends = {0};
    for (const double l : latest) ends.push_back(ends.back() + l + step);
    require(triggers.size() >= 2, "binning: expected at least two beats, found ", triggers.size());
    out.beats = detail::beats_between(ends, o.window, &out.rr_ms);
    out.beats.pop_back();
  }
  out.frame.assign(n, -1);
  for (std::size_t i = 0; i < n; ++i) {
    const heart_beat& b = out.beats[beat[i]];
    const double share = t.delay_ms[i] / b.rr_ms;
    if (b.accepted && share >= 0 && share < 1 + 0.5 / double(o.frames))
      out.frame[i] = static_cast<int>(
          std::min<index_t>(o.frames - 1, static_cast<index_t>(share * double(o.frames))));
    else
      ++out.rejected;
  }
  return out;
}

/// Times since the trigger of lines, given all triggers. Lines before the first one get a negative
/// time, which `bin_lines` leaves out.
inline line_times times_after(const std::vector<double>& triggers_ms,
                              const std::vector<double>& clock_ms) {
  line_times t{clock_ms, {}};
  for (const double c : clock_ms) {
    const auto after = std::upper_bound(triggers_ms.begin(), triggers_ms.end(), c);
    t.delay_ms.push_back(after == triggers_ms.begin() ? -1 : c - *(after - 1));
  }
  return t;
}

/// Bins lines by a list of triggers, in which beats without lines count too.
inline binned_lines bin_lines(const std::vector<double>& triggers_ms,
                              const std::vector<double>& clock_ms, const binning_options& o) {
  require(o.frames >= 1, "binning: frames: expected at least 1, found ", o.frames);
  binned_lines out;
  out.beats = detail::beats_between(triggers_ms, o.window, &out.rr_ms);
  for (const double c : clock_ms) {
    const auto after = std::upper_bound(triggers_ms.begin(), triggers_ms.end(), c);
    int frame = -1;
    if (after != triggers_ms.begin()) {
      const heart_beat& b = out.beats[static_cast<std::size_t>(after - triggers_ms.begin()) - 1];
      const double share = (c - b.start_ms) / b.rr_ms;
      if (b.accepted && share < 1 + 0.5 / double(o.frames))
        frame = static_cast<int>(
            std::min<index_t>(o.frames - 1, static_cast<index_t>(share * double(o.frames))));
    }
    out.frame.push_back(frame);
    out.rejected += frame < 0 ? 1 : 0;
  }
  return out;
}

/// Times of the triggers in recorded signals: the marks of a trigger's own signal, those in the
/// last channel of an ECG of several channels (where scanners put them), else the R waves of an
/// ECG. Empty where none of the signals is an ECG, pulse or trigger.
inline std::vector<double> triggers_of(const std::vector<mrd_waveform>& waves,
                                       const std::vector<mrd_waveform_kind>& kinds,
                                       double tick_ms = 2.5) {
  std::vector<double> found;
  const auto kind_of = [&](const mrd_waveform& w) -> std::string {
    return w.head.waveform_id < kinds.size() ? kinds[w.head.waveform_id].kind
           : w.head.waveform_id == 0         ? "ecg"
                                             : "other";
  };
  const auto collect = [&](const char* kind, bool marks) {
    std::vector<std::pair<double, double>> signal;  // time, value
    for (const mrd_waveform& w : waves) {
      if (kind_of(w) != kind || w.head.channels == 0 ||
          (marks && std::string(kind) == "ecg" && w.head.channels < 2))
        continue;
      const std::size_t n = w.head.number_of_samples,
                        channel = marks ? std::size_t(w.head.channels - 1) : 0;
      for (std::size_t i = 0; i < n; ++i)
        signal.emplace_back(w.head.time_stamp * tick_ms + double(i) * w.head.sample_time_us * 1e-3,
                            double(w.data[channel * n + i]));
    }
    std::sort(signal.begin(), signal.end());
    return signal;
  };
  for (const char* kind : {"trigger", "ecg", "pulse"}) {
    if (std::string(kind) == "pulse") break;  // its delay to the heart is not known
    double before = 0;
    for (const auto& [time, value] : collect(kind, true)) {
      if (value != 0 && before == 0) found.push_back(time);
      before = value;
    }
    if (found.size() >= 2) return found;
    found.clear();
  }
  // R waves: the largest deviations from the median, at least 300 ms apart
  const auto ecg = collect("ecg", false);
  if (ecg.size() < 3) return {};
  std::vector<double> values;
  for (const auto& s : ecg) values.push_back(s.second);
  const double rest = detail::median_of(values);
  for (double& v : values) v = std::abs(v - rest);
  std::vector<double> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  const double limit = 0.5 * sorted[static_cast<std::size_t>(double(sorted.size() - 1) * 0.998)];
  if (!(limit > 0)) return {};
  double height = 0;
  for (std::size_t i = 0; i < ecg.size(); ++i) {
    if (values[i] < limit) continue;
    if (found.empty() || ecg[i].first - found.back() > 300) {
      found.push_back(ecg[i].first);
      height = values[i];
    } else if (values[i] > height) {
      found.back() = ecg[i].first;
      height = values[i];
    }
  }
  return found;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
