// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_ACQUISITION_PLAN_HPP
#define CARDIOMM_MRI_ACQUISITION_PLAN_HPP
/// \file
/// Where the lines of a measurement belong in k-space, found from their heads alone: frame, slice,
/// phase encode, partition. `sort_acquisitions` (mri/acquisitions.hpp) then places the samples.

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cardiomm/core/mrd.hpp"
#include "cardiomm/core/tensor.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// What becomes of lines that are flagged as parallel calibration only. `automatic`: they are part
/// of k-space where the header says "embedded", "interleaved" or nothing, else they stay apart.
enum class calibration_lines { automatic, include, apart };
/// What becomes of a line that was measured again.
enum class repeated_lines { average, last, refuse };

/// How a measurement is sorted.
struct sort_options {
  std::optional<int> encoding;  ///< encoding space; left out: that of the first imaging line
  /// Only lines with this counter.
  std::optional<int> slice, contrast, phase, repetition, set, average;
  calibration_lines calibration = calibration_lines::automatic;
  repeated_lines repeats = repeated_lines::average;
  bool remove_oversampling = true;  ///< of the readout, to the field of view of the image
  index_t spokes = 0;               ///< non-Cartesian: consecutive spokes of a frame; 0: counters
  bool share_views = false;  ///< lines that a frame lacks come from the nearest that has them
  std::vector<int> bins;     ///< frame of each line (mri/binning.hpp), -1: left out; or empty
  index_t frames = 0;        ///< with bins
};

/// How many lines were what.
struct acquisition_counts {
  index_t lines = 0, imaging = 0, noise = 0, calibration = 0, calibration_and_imaging = 0,
          reversed = 0, repeated = 0, shared = 0;
  index_t navigation = 0, phase_correction = 0, feedback = 0, dummy = 0, other_kinds = 0,
          other_encodings = 0, deselected = 0, unbinned = 0, covered = 0;  ///< left out
};

/// The counters that the lines of a frame share.
struct frame_counters {
  int repetition = 0, set = 0, contrast = 0, phase = 0;
  auto key() const { return std::array<int, 4>{repetition, set, contrast, phase}; }
};

/// Where a line goes.
struct line_place {
  enum class kind : std::uint8_t { left_out, image, calibration, noise };
  kind what = kind::left_out;
  int frame = 0, slice = 0, y = 0, z = 0;  ///< y is the spoke where there is a trajectory
};

/// The plan of a measurement.
struct acquisition_plan {
  mrd_encoding encoding;
  sort_options options;
  std::vector<line_place> places;  ///< of each line
  acquisition_counts counts;
  std::vector<frame_counters> frames;
  std::vector<int> slices;                    ///< slice counters
  bool trajectory = false;                    ///< k-space positions come with the lines
  bool apart = false;                         ///< calibration lines are kept apart
  index_t coils = 0, nx = 0, ny = 0, nz = 1;  ///< nx samples and ny spokes with a trajectory
  int centre = 0;  ///< sample of k = 0 of full forward lines where heads leave it at zero
  bool centre_given = false;
  std::map<int, int> forward_centre;  ///< of lines with so many samples
  double noise_scale = 1;             ///< standard deviation of image noise over the scan's
  std::vector<std::string> remarks;   ///< what was assumed
  shape<5> extents() const {
    return {{static_cast<index_t>(frames.size()),
             static_cast<index_t>(slices.size()) * (trajectory ? 1 : nz), coils, ny, nx}};
  }
};

namespace detail {

/// The counts entry of a line that is no image, or nullptr.
inline index_t* left_out_as(const mrd_head& h, acquisition_counts& c) {
  if (h.has(mrd_flag::navigation)) return &c.navigation;
  if (h.has(mrd_flag::phase_correction)) return &c.phase_correction;
  if (h.has(mrd_flag::feedback) || h.has(mrd_flag::realtime_feedback)) return &c.feedback;
  if (h.has(mrd_flag::dummy)) return &c.dummy;
  if (h.has(mrd_flag::surface_coil) || h.has(mrd_flag::stabilization_reference) ||
      h.has(mrd_flag::stabilization))
    return &c.other_kinds;
  return nullptr;
}
inline bool deselected(const mrd_counters& i, const sort_options& o) {
  const auto differs = [](const std::optional<int>& want, int found) {
    return want && *want != found;
  };
  return differs(o.slice, i.slice) || differs(o.contrast, i.contrast) ||
         differs(o.phase, i.phase) || differs(o.repetition, i.repetition) ||
         differs(o.set, i.set) || differs(o.average, i.average);
}
/// The counter of k = 0 along a phase encode of n steps; the middle where the header tells none.
inline int centre_of(const mrd_limit& l, int n) {
  return l.known && (l.centre > 0 || l.maximum == 0) ? l.centre : n / 2;
}
inline index_t samples_of(const mrd_head& h) {
  return index_t(h.number_of_samples) - h.discard_pre - h.discard_post;
}

/// Extents and centres of Cartesian lines.
inline void plan_lines(const std::vector<mrd_head>& heads, acquisition_plan& p) {
  const auto& matrix = p.encoding.encoded.matrix;
  p.nx = matrix[0];
  p.ny = matrix[1];
  std::set<int> partitions;
  std::map<int, int> largest;
  for (std::size_t i = 0; i < heads.size(); ++i) {
    const mrd_head& h = heads[i];
    if (p.places[i].what != line_place::kind::image &&
        p.places[i].what != line_place::kind::calibration)
      continue;
    partitions.insert(h.idx.kspace_encode_step_2);
    p.centre_given = p.centre_given || h.center_sample > 0;
    if (!h.has(mrd_flag::reverse)) p.forward_centre.emplace(h.number_of_samples, h.center_sample);
    p.nx = std::max(p.nx, samples_of(h));
  }
  if (p.nx != matrix[0])
    p.remarks.push_back("the header has " + std::to_string(matrix[0]) +
                        " readout samples, lines have " + std::to_string(p.nx));
  p.nz = partitions.size() > 1 ? std::max(matrix[2], 1) : 1;
  const int y_centre = centre_of(p.encoding.step_1, int(p.ny)),
            z_centre = centre_of(p.encoding.step_2, int(p.nz));
  require(p.nz == 1 || p.slices.size() == 1,
          "sorting: partitions of several slabs: expected one slab (choose a slice), found ",
          p.slices.size());
  for (std::size_t i = 0; i < heads.size(); ++i) {
    line_place& at = p.places[i];
    if (at.what != line_place::kind::image && at.what != line_place::kind::calibration) continue;
    const auto& idx = heads[i].idx;
    at.y = int(idx.kspace_encode_step_1) - y_centre + int(p.ny / 2);
    at.z = p.nz == 1 ? 0 : int(idx.kspace_encode_step_2) - z_centre + int(p.nz / 2);
    require<shape_error>(at.y >= 0 && at.y < p.ny, "sorting: line ", i, ": expected phase encodes ",
                         y_centre - p.ny / 2, " to ", y_centre - p.ny / 2 + p.ny - 1,
                         " (encoded matrix ", p.ny, ", centre ", y_centre, "), found ",
                         idx.kspace_encode_step_1);
    require<shape_error>(at.z >= 0 && at.z < p.nz, "sorting: line ", i, ": expected partitions ",
                         z_centre - p.nz / 2, " to ", z_centre - p.nz / 2 + p.nz - 1,
                         " (encoded matrix ", p.nz, ", centre ", z_centre, "), found ",
                         idx.kspace_encode_step_2);
  }
}

/// Calibration lines do not count where an imaging line lies.
inline void uncover(acquisition_plan& p) {
  if (p.apart) return;
  std::set<std::array<int, 4>> imaging;
  const auto key = [](const line_place& l) {
    return std::array<int, 4>{l.frame, l.slice, l.z, l.y};
  };
  for (const line_place& l : p.places)
    if (l.what == line_place::kind::image) imaging.insert(key(l));
  for (line_place& l : p.places) {
    if (l.what != line_place::kind::calibration) continue;
    const bool covered = imaging.count(key(l)) > 0;
    l.what = covered ? line_place::kind::left_out : line_place::kind::image;
    p.counts.covered += covered ? 1 : 0;
  }
}

/// Numbers the spokes of each frame and slice, in the order of the lines.
inline void plan_spokes(const std::vector<mrd_head>& heads, acquisition_plan& p) {
  std::set<int> partitions;
  std::map<std::pair<int, int>, int> count;
  const index_t group = p.options.spokes;
  index_t frames = static_cast<index_t>(p.frames.size());
  p.nx = -1;
  for (std::size_t i = 0; i < heads.size(); ++i) {
    line_place& at = p.places[i];
    if (at.what == line_place::kind::calibration)
      at.what = p.apart ? line_place::kind::left_out : line_place::kind::image;
    if (at.what != line_place::kind::image) continue;
    partitions.insert(heads[i].idx.kspace_encode_step_2);
    const index_t n = samples_of(heads[i]);
    require<shape_error>(p.nx < 0 || n == p.nx, "sorting: line ", i, ": expected ", p.nx,
                         " samples on the trajectory as in the lines before, found ", n);
    p.nx = n;
    if (group > 0) at.frame = 0;
    at.y = count[{at.frame, at.slice}]++;
    if (group > 0) {
      at.frame = static_cast<int>(at.y / group);
      at.y = static_cast<int>(at.y % group);
    }
  }
  require(partitions.size() <= 1, "sorting: stacks of trajectories: expected one partition, found ",
          partitions.size());
  p.ny = count.begin()->second;
  for (const auto& [where, n] : count)
    require<shape_error>(n == p.ny, "sorting: frame ", where.first, ", slice ", where.second,
                         ": expected ", p.ny, " spokes as in the first frame, found ", n,
                         "; frames of as many consecutive spokes can be asked for");
  if (group > 0) {
    frames = p.ny / group;
    require<shape_error>(frames > 0, "sorting: expected at least ", group,
                         " spokes for a frame, found ", p.ny);
    p.ny = group;
    p.frames.assign(static_cast<std::size_t>(frames), p.frames.front());
    for (line_place& l : p.places)
      if (l.what == line_place::kind::image && l.frame >= frames) {
        l.what = line_place::kind::left_out;
        ++p.counts.deselected;
      }
  } else {
    require<shape_error>(count.size() == p.frames.size() * p.slices.size(),
                         "sorting: expected spokes in all of ", p.frames.size(), " frames and ",
                         p.slices.size(), " slices, found them in ", count.size());
  }
}

}  // namespace detail

/// Finds the place of every line.
///
/// Frames are the distinct values of the counters (repetition, set, contrast, phase), the last one
/// fastest; segment and user counters have no meaning here, averages are repeats. Slices follow
/// their counter. The phase encode of k = 0 (the header's centre) comes to n / 2.
///
/// \param header  encodings of the measurement
/// \param heads   of all lines, in their order
/// Throws value_error and shape_error for measurements that cannot be sorted.
inline acquisition_plan plan_acquisitions(const mrd_header& header,
                                          const std::vector<mrd_head>& heads,
                                          const sort_options& o) {
  using kind = line_place::kind;
  acquisition_plan p;
  p.options = o;
  p.places.resize(heads.size());
  p.counts.lines = static_cast<index_t>(heads.size());
  require<shape_error>(o.bins.empty() || (o.bins.size() == heads.size() && o.frames > 0),
                       "sorting: bins: expected one frame for each of ", heads.size(),
                       " lines, found ", o.bins.size());
  acquisition_counts scratch;
  std::optional<int> encoding = o.encoding;
  for (const mrd_head& h : heads)
    if (!encoding && !h.has(mrd_flag::noise) && detail::left_out_as(h, scratch) == nullptr)
      encoding = h.encoding_space_ref;
  require(encoding.has_value(), "sorting: expected imaging lines, found none among ", heads.size());
  require(*encoding >= 0 && static_cast<std::size_t>(*encoding) < header.encodings.size(),
          "sorting: encoding: expected one of the header's ", header.encodings.size(), ", found ",
          *encoding);
  p.encoding = header.encodings[static_cast<std::size_t>(*encoding)];
  const auto& matrix = p.encoding.encoded.matrix;
  require(matrix[0] > 0 && matrix[1] > 0, "sorting: encoded matrix: expected positive extents, ",
          "found ", matrix[0], " x ", matrix[1]);
  const std::string& mode = p.encoding.calibration;
  p.apart = o.calibration == calibration_lines::apart ||
            (o.calibration == calibration_lines::automatic && !mode.empty() && mode != "embedded" &&
             mode != "interleaved");

  std::set<std::array<int, 4>> frames;
  std::set<int> slices;
  float dwell = 0, noise_dwell = 0;
  const bool binned = !o.bins.empty();
  for (std::size_t i = 0; i < heads.size(); ++i) {
    const mrd_head& h = heads[i];
    line_place& at = p.places[i];
    if (h.has(mrd_flag::noise)) {
      at.what = kind::noise;
      ++p.counts.noise;
      noise_dwell = h.sample_time_us;
      continue;
    }
    if (index_t* as = detail::left_out_as(h, p.counts)) {
      ++*as;
      continue;
    }
    if (h.encoding_space_ref != *encoding) {
      ++p.counts.other_encodings;
      continue;
    }
    const bool calibration =
        h.has(mrd_flag::calibration) && !h.has(mrd_flag::calibration_and_imaging);
    if (detail::deselected(h.idx, o)) {
      ++p.counts.deselected;
      continue;
    }
    if (binned && o.bins[i] < 0 && !(calibration && p.apart)) {
      ++p.counts.unbinned;
      continue;
    }
    at.what = calibration ? kind::calibration : kind::image;
    ++(calibration ? p.counts.calibration : p.counts.imaging);
    p.counts.calibration_and_imaging += h.has(mrd_flag::calibration_and_imaging) ? 1 : 0;
    p.counts.reversed += h.has(mrd_flag::reverse) ? 1 : 0;
    require<shape_error>(
        h.active_channels > 0 && (p.coils == 0 || index_t(h.active_channels) == p.coils),
        "sorting: line ", i, ": expected ",
        p.coils == 0 ? "at least one channel"
                     : std::to_string(p.coils) + " channels as in the lines before",
        ", found ", h.active_channels);
    p.coils = h.active_channels;
    require<shape_error>(detail::samples_of(h) > 0, "sorting: line ", i,
                         ": expected samples beyond those to be discarded, found ",
                         h.number_of_samples, " of which ", h.discard_pre, " and ", h.discard_post,
                         " are discarded");
    if (dwell == 0) dwell = h.sample_time_us;
    if (calibration && p.apart) continue;
    frames.insert(frame_counters{h.idx.repetition, h.idx.set, h.idx.contrast, h.idx.phase}.key());
    slices.insert(h.idx.slice);
    p.trajectory =
        p.trajectory || (h.trajectory_dimensions >= 2 && p.encoding.trajectory != "cartesian");
  }
  require(p.counts.imaging > 0 && !frames.empty(), "sorting: expected imaging lines of encoding ",
          *encoding, ", found none among ", heads.size(), " lines (", p.counts.noise, " noise, ",
          p.counts.deselected, " not chosen, ", p.counts.unbinned, " in no accepted heart beat)");
  const std::string& kind_of = p.encoding.trajectory;
  require(p.trajectory || (kind_of != "radial" && kind_of != "spiral" && kind_of != "goldenangle"),
          "sorting: ", kind_of, " data: expected lines with their trajectory, found none");
  if (!p.trajectory && kind_of == "other")
    p.remarks.push_back("a trajectory of kind 'other' without positions is taken as Cartesian");
  p.slices.assign(slices.begin(), slices.end());
  if (binned) {
    std::set<std::array<int, 2>> series;
    for (const auto& f : frames) series.insert({f[1], f[2]});
    require(series.size() == 1, "sorting: retrospective gating: expected one set and contrast ",
            "(choose them), found ", series.size());
    for (index_t f = 0; f < o.frames; ++f)
      p.frames.push_back({0, (*series.begin())[0], (*series.begin())[1], static_cast<int>(f)});
  } else {
    for (const auto& f : frames) p.frames.push_back({f[0], f[1], f[2], f[3]});
  }
  std::map<std::array<int, 4>, int> frame_number;
  for (const auto& f : frames) frame_number.emplace(f, static_cast<int>(frame_number.size()));
  for (std::size_t i = 0; i < heads.size(); ++i) {
    line_place& at = p.places[i];
    if (at.what != kind::image && at.what != kind::calibration) continue;
    const auto& idx = heads[i].idx;
    const auto slice = std::lower_bound(p.slices.begin(), p.slices.end(), int(idx.slice));
    const bool known = slice != p.slices.end() && *slice == idx.slice;
    if (!known) {  // calibration of a slice without image
      at.what = kind::left_out;
      continue;
    }
    at.slice = static_cast<int>(slice - p.slices.begin());
    if (binned)
      at.frame = std::max(0, o.bins[i]);
    else if (at.what == kind::image || !p.apart)
      at.frame =
          frame_number.at(frame_counters{idx.repetition, idx.set, idx.contrast, idx.phase}.key());
    require(at.frame < static_cast<int>(p.frames.size()), "sorting: bins: expected frames below ",
            p.frames.size(), ", found ", at.frame);
  }
  if (p.trajectory)
    detail::plan_spokes(heads, p);
  else {
    detail::plan_lines(heads, p);
    detail::uncover(p);
  }
  if (dwell > 0 && noise_dwell > 0)
    p.noise_scale =
        std::sqrt(noise_dwell / dwell / (header.noise_bandwidth > 0 ? header.noise_bandwidth : 1));
  const shape<5> n = p.extents();
  double size = 8;
  for (int d = 0; d < 5; ++d) size *= double(n[d]);
  require<shape_error>(size < 1e13, "sorting: expected k-space of a possible size, found ", n);
  return p;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
