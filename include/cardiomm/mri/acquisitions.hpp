// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_ACQUISITIONS_HPP
#define CARDIOMM_MRI_ACQUISITIONS_HPP
/// \file
/// Lines of a measurement, as they come from a scanner, sorted into k-space (frame, slice, coil, y,
/// x) with DC at n / 2: noise apart, reversed lines turned round, asymmetric echoes and partial
/// Fourier in their place, averages averaged, readout oversampling removed, partitions transformed
/// to slices. Lines with a trajectory become spokes, or a grid where they lie on one.
///
///     acquisition_sorter sorter(header, heads, options);
///     for (i ...) sorter.add(i, line[i]);          // any order, each once
///     const sorted_acquisitions sorted = sorter.finish();

#include "cardiomm/mri/acquisition_plan.hpp"
#include "cardiomm/mri/detail/acquisition_grid.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// Where a slice lies in the patient, mm, and its axes.
struct slice_geometry {
  std::array<float, 3> position{}, read_dir{}, phase_dir{}, slice_dir{};
};

/// A sorted measurement.
struct sorted_acquisitions {
  /// (frame, slice, coil, y, x), zero where nothing was measured; with a trajectory (frame, slice,
  /// coil, spoke, sample).
  host_tensor<complex<float>, 5> kspace;
  host_tensor<std::uint8_t, 3> mask;           ///< (frame, y, x); empty with a trajectory
  host_tensor<double, 4> trajectory;           ///< (frame, spoke, sample, (kx, ky)), cycles/FOV
  host_tensor<complex<float>, 2> noise;        ///< (coil, samples), as measured; may be empty
  host_tensor<complex<float>, 4> calibration;  ///< (slice, coil, y, x) if kept apart, or empty
  double noise_scale = 1;  ///< standard deviation of the noise of k-space over `noise`'s
  std::array<double, 3> spacing_mm{};  ///< of a pixel along (z, y, x); 0: not known
  std::array<int, 2> recon_matrix{};   ///< (y, x) that the header asks for
  std::vector<frame_counters> frames;
  std::vector<double> frame_time_ticks;   ///< mean clock of a frame's lines since the first
  std::vector<double> frame_delay_ticks;  ///< mean time since the trigger
  std::vector<slice_geometry> slices;
  acquisition_counts counts;
  bool partial_echo = false;
  std::vector<std::string> remarks;  ///< what was assumed
};

/// Places samples by a plan. Not for several threads at once.
class acquisition_sorter {
 public:
  /// Throws as plan_acquisitions does.
  acquisition_sorter(const mrd_header& header, const std::vector<mrd_head>& heads,
                     const sort_options& options = {})
      : plan_(plan_acquisitions(header, heads, options)) {
    const shape<5> n = plan_.extents();
    const host_space ex;
    out_.kspace = zeros<complex<float>>(ex, n, "cardiomm::kspace");
    if (plan_.trajectory)
      out_.trajectory = zeros<double>(ex, shape{n[0], n[3], n[4], index_t(2)});
    else
      hits_.assign(static_cast<std::size_t>(n.size() / n[2]), 0);
    if (plan_.apart && plan_.counts.calibration > 0 && !plan_.trajectory) {
      out_.calibration = zeros<complex<float>>(ex, shape{n[1], n[2], n[3], n[4]});
      calibration_hits_.assign(static_cast<std::size_t>(n[1] * n[3] * n[4]), 0);
    }
    times_.assign(plan_.frames.size(), {});
    out_.slices.resize(plan_.slices.size());
  }

  const acquisition_plan& plan() const { return plan_; }

  /// Adds line number i of the heads.
  void add(std::size_t i, const mrd_acquisition& a) {
    const mrd_head& h = a.head;
    require<shape_error>(i < plan_.places.size(), "sorting: expected lines below ",
                         plan_.places.size(), ", found ", i);
    const line_place& at = plan_.places[i];
    if (at.what == line_place::kind::left_out) return;
    require<shape_error>(a.data.size() == std::size_t(h.number_of_samples) * h.active_channels,
                         "sorting: line ", i, ": expected ", h.active_channels, " channels of ",
                         h.number_of_samples, " samples, found ", a.data.size(), " samples");
    if (at.what == line_place::kind::noise) return add_noise(i, a);
    if (at.what == line_place::kind::image) {
      clock& c = times_[static_cast<std::size_t>(at.frame)];
      c.time += h.acquisition_time_stamp;
      c.delay += h.physiology_time_stamp[0];
      ++c.lines;
      earliest_ = std::min<double>(earliest_, h.acquisition_time_stamp);
      out_.slices[static_cast<std::size_t>(at.slice)] = {h.position, h.read_dir, h.phase_dir,
                                                         h.slice_dir};
    }
    if (plan_.trajectory)
      add_spoke(i, at, a);
    else
      add_line(i, at, a);
  }

  /// The sorted measurement; nothing can be added afterwards.
  sorted_acquisitions finish() {
    out_.counts = plan_.counts;
    out_.frames = plan_.frames;
    out_.noise_scale = plan_.noise_scale;
    out_.remarks = plan_.remarks;
    finish_noise();
    for (const clock& c : times_) {
      const double n = c.lines > 0 ? double(c.lines) : 1;
      out_.frame_time_ticks.push_back(c.lines > 0 ? c.time / n - earliest_ : 0);
      out_.frame_delay_ticks.push_back(c.delay / n);
    }
    for (int d = 0; d < 2; ++d)
      out_.recon_matrix[static_cast<std::size_t>(d)] =
          plan_.encoding.recon.matrix[static_cast<std::size_t>(1 - d)];
    fov_ = plan_.encoding.encoded.fov_mm;
    recon_fov_ = plan_.encoding.recon.fov_mm;
    if (fov_[0] > 0 && fov_[0] < 2 && fov_[1] > 0 && fov_[1] < 2) {
      for (auto* f : {&fov_, &recon_fov_}) {
        (*f)[0] *= 1000;
        (*f)[1] *= 1000;
      }
      out_.remarks.push_back("the field of view is below 2 mm; it is taken as metres");
    }
    if (plan_.trajectory) finish_trajectory();
    if (!plan_.trajectory) finish_grid();
    return std::move(out_);
  }

 private:
  struct clock {
    double time = 0, delay = 0;
    index_t lines = 0;
  };

  void add_noise(std::size_t, const mrd_acquisition& a) {
    if (a.head.active_channels != plan_.coils) return;  // of other coils
    noise_.push_back({a.data, a.head.number_of_samples});
  }
  void finish_noise() {
    index_t samples = 0;
    for (const auto& n : noise_) samples += n.second;
    if (samples == 0) {
      if (plan_.counts.noise > 0)
        out_.remarks.push_back("the noise scans have other coils and are left out");
      return;
    }
    out_.noise = make_tensor<complex<float>>(host_space(), shape{plan_.coils, samples});
    index_t first = 0;
    for (const auto& [values, n] : noise_) {
      for (index_t c = 0; c < plan_.coils; ++c)
        std::copy_n(values.data() + c * n, n, out_.noise.data() + c * samples + first);
      first += n;
    }
  }

  void add_line(std::size_t i, const line_place& at, const mrd_acquisition& a) {
    const mrd_head& h = a.head;
    const index_t n = h.number_of_samples, coils = plan_.coils, nx = plan_.nx;
    const bool reverse = h.has(mrd_flag::reverse);
    // the sample of k = 0, in a line that runs forward
    index_t centre = h.center_sample;
    const auto forward = plan_.forward_centre.find(int(n));
    if (reverse && forward != plan_.forward_centre.end() && centre != forward->second &&
        (centre == n - 1 - forward->second || centre == n - forward->second))
      centre = forward->second;  // told for the line as it was read out
    if (!plan_.centre_given) centre = n / 2;
    index_t first = reverse ? h.discard_post : h.discard_pre,
            last = n - (reverse ? h.discard_pre : h.discard_post);
    const index_t shift = nx / 2 - centre;
    if (last - first > nx / 2) {  // a centre beside the middle by one costs one sample at the edge
      if (first + shift == -1) ++first;
      if (last + shift == nx + 1) --last;
    }
    require<shape_error>(first + shift >= 0 && last + shift <= nx, "sorting: line ", i,
                         ": expected samples within the ", nx, " of the readout about the centre ",
                         nx / 2, ", found ", first + shift, " to ", last + shift - 1,
                         " (center_sample ", h.center_sample, ")");
    const bool image = at.what == line_place::kind::image;
    const index_t slice = plan_.nz > 1 ? at.z : at.slice;
    const shape<5> s = plan_.extents();
    const index_t slices = s[1], ny = s[3];
    const index_t volume = image ? at.frame * slices + slice : slice;
    auto* const hits =
        (image ? hits_ : calibration_hits_).data() + (volume * ny + at.y) * nx + first + shift;
    const index_t m = last - first;
    const bool again = std::any_of(hits, hits + m, [](std::uint16_t v) { return v > 0; });
    if (again && image) {
      ++plan_.counts.repeated;
      require(plan_.options.repeats != repeated_lines::refuse, "sorting: line ", i,
              ": expected each line once, found frame ", at.frame, ", slice ", at.slice,
              ", phase encode ", h.idx.kspace_encode_step_1, " again");
    }
    const bool replace = plan_.options.repeats == repeated_lines::last;
    auto* const base = image ? out_.kspace.data() : out_.calibration.data();
    for (index_t c = 0; c < coils; ++c) {
      const complex<float>* from = a.data.data() + c * n;
      complex<float>* to = base + ((volume * coils + c) * ny + at.y) * nx + first + shift;
      for (index_t x = 0; x < m; ++x) {
        const complex<float> v = from[reverse ? n - 1 - first - x : first + x];
        // the mean of what came so far: a line that came once stays as it is, bit for bit
        to[x] = hits[x] == 0 || replace ? v : to[x] + (v - to[x]) * (1.f / float(hits[x] + 1));
      }
    }
    for (index_t x = 0; x < m; ++x)
      if (hits[x] < 65535) ++hits[x];
  }

  void add_spoke(std::size_t i, const line_place& at, const mrd_acquisition& a) {
    const mrd_head& h = a.head;
    const index_t n = h.number_of_samples, dims = h.trajectory_dimensions;
    require<shape_error>(dims >= 2 && a.trajectory.size() == std::size_t(n * dims),
                         "sorting: line ", i, ": expected a trajectory of ", n,
                         " positions, found ", a.trajectory.size(), " numbers");
    const shape<5> s = plan_.extents();
    for (index_t x = 0; x < s[4]; ++x)
      for (index_t d = 0; d < dims; ++d) {
        const double k = a.trajectory[std::size_t((x + h.discard_pre) * dims + d)];
        require(std::isfinite(k), "sorting: line ", i, ": trajectory: expected finite positions, ",
                "found ", k);
        if (d >= 2) continue;
        double& stored = out_.trajectory(at.frame, at.y, x, d);
        require(at.slice == 0 || std::abs(stored - k) <= 1e-5 * std::max(1.0, std::abs(k)),
                "sorting: line ", i, ": expected the trajectory of the first slice (choose a ",
                "slice), found another one");
        stored = k;
      }
    for (index_t c = 0; c < s[2]; ++c)
      std::copy_n(
          a.data.data() + c * n + h.discard_pre, s[4],
          out_.kspace.data() + (((at.frame * s[1] + at.slice) * s[2] + c) * s[3] + at.y) * s[4]);
  }

  /// Positions in cycles per field of view; data on a lattice go to it.
  void finish_trajectory() {
    const auto& t = out_.trajectory;
    double most = 0;
    for (std::size_t i = 0; i < t.size(); ++i) most = std::max(most, std::abs(t.data()[i]));
    require(most > 0, "sorting: trajectory: expected positions off the centre, found zeros only");
    const auto& matrix = plan_.encoding.encoded.matrix;
    std::vector<double> k[2];
    for (std::size_t i = 0; i < t.size(); ++i) k[i % 2].push_back(t.data()[i]);
    const detail::lattice x = detail::lattice_of(std::move(k[0]), 4096),
                          y = detail::lattice_of(std::move(k[1]), 4096);
    const auto& kind = plan_.encoding.trajectory;
    if (x.step > 0 && y.step > 0 && (kind == "epi" || kind == "other") &&
        fill_grid(x, y, matrix[0], matrix[1]))
      return;
    // MRD's positions run from -0.5 to 0.5; larger ones are cycles per field of view already
    const bool relative = most <= 0.5 * 1.02;
    for (std::size_t i = 0; i < t.size(); ++i)
      if (relative) t.data()[i] *= matrix[i % 2];
    for (int d = 0; d < 3; ++d)
      out_.spacing_mm[static_cast<std::size_t>(d)] =
          fov_[static_cast<std::size_t>(2 - d)] /
          std::max(1, matrix[static_cast<std::size_t>(2 - d)]);
    slice_spacing();
  }
  bool fill_grid(const detail::lattice& x, const detail::lattice& y, index_t nx, index_t ny) {
    const auto extent = [](const detail::lattice& l, index_t n) {
      while (l.low + n / 2 < 0 || l.high + n / 2 >= n) ++n;
      return n;
    };
    const index_t wide = extent(x, std::max<index_t>(nx, 1)),
                  high = extent(y, std::max<index_t>(ny, 1));
    const shape<5> s = plan_.extents();
    if (wide > 2 * std::max(nx, s[4]) || high > 2 * std::max(ny, s[3])) return false;
    shape<5> n = s;
    n[3] = high;
    n[4] = wide;
    const auto grid = zeros<complex<float>>(host_space(), n, "cardiomm::kspace");
    hits_.assign(static_cast<std::size_t>(n.size() / n[2]), 0);
    for (index_t f = 0; f < s[0]; ++f)
      for (index_t l = 0; l < s[3]; ++l)
        for (index_t i = 0; i < s[4]; ++i) {
          const auto place = [&](const detail::lattice& a, double k, index_t extents) {
            return static_cast<index_t>(std::round(k / a.step - a.offset)) + extents / 2;
          };
          const index_t gx = place(x, out_.trajectory(f, l, i, 0), wide),
                        gy = place(y, out_.trajectory(f, l, i, 1), high);
          for (index_t z = 0; z < s[1]; ++z) {
            auto& hit = hits_[static_cast<std::size_t>(((f * s[1] + z) * high + gy) * wide + gx)];
            for (index_t c = 0; c < s[2]; ++c) {
              auto& to = grid(f, z, c, gy, gx);
              to += (out_.kspace(f, z, c, l, i) - to) * (1.f / float(hit + 1));
            }
            ++hit;
          }
        }
    out_.kspace = grid;
    out_.trajectory = {};
    plan_.trajectory = false;
    plan_.nx = wide;
    plan_.ny = high;
    out_.remarks.push_back("the trajectory lies on a grid of " + std::to_string(high) + " x " +
                           std::to_string(wide) + ", to which the samples were assigned");
    return true;
  }

  /// Lines that a frame of a slice lacks, from the nearest frame, round the cycle, that has them;
  /// of two at the same distance the earlier one.
  void share_views() {
    const shape<5> s = shape_of(out_.kspace);
    const auto row = [&](index_t f, index_t z, index_t y) {
      return hits_.begin() + ((f * s[1] + z) * s[3] + y) * s[4];
    };
    const std::vector<std::uint16_t> before_sharing = hits_;
    const auto has = [&](index_t f, index_t z, index_t y) {
      const auto r = before_sharing.begin() + (row(f, z, y) - hits_.begin());
      return std::any_of(r, r + s[4], [](std::uint16_t v) { return v != 0; });
    };
    for (index_t z = 0; z < s[1]; ++z)
      for (index_t y = 0; y < s[3]; ++y)
        for (index_t f = 0; f < s[0]; ++f) {
          if (has(f, z, y)) continue;
          for (index_t d = 1; d <= s[0] / 2; ++d) {
            const index_t before = (f + s[0] - d) % s[0], after = (f + d) % s[0];
            const index_t from = has(before, z, y) ? before : has(after, z, y) ? after : -1;
            if (from < 0) continue;
            for (index_t c = 0; c < s[2]; ++c)
              std::copy_n(&out_.kspace(from, z, c, y, 0), s[4], &out_.kspace(f, z, c, y, 0));
            std::copy_n(row(from, z, y), s[4], row(f, z, y));
            ++out_.counts.shared;
            break;
          }
        }
  }
  /// Mask, partitions, oversampling and spacing of Cartesian data.
  void finish_grid() {
    if (plan_.options.share_views) share_views();
    shape<5> s = shape_of(out_.kspace);
    // the readout range that is common to what was measured
    auto mask = zeros<std::uint8_t>(host_space(), shape{s[0], s[3], s[4]});
    const bool volume = plan_.nz > 1;
    index_t lost = 0;
    for (index_t f = 0; f < s[0]; ++f)
      for (index_t i = 0; i < s[3] * s[4]; ++i) {
        index_t n = 0;
        for (index_t z = 0; z < s[1]; ++z)
          n += hits_[static_cast<std::size_t>((f * s[1] + z) * s[3] * s[4] + i)] > 0 ? 1 : 0;
        if (n > 0 && !volume && n < s[1]) ++lost;
        mask.data()[f * s[3] * s[4] + i] = volume ? n > 0 : n == s[1];
      }
    require(lost == 0, "sorting: expected the same lines in all ", s[1],
            " slices, found some that not all have (choose one slice, or share views)");
    if (volume) transform_partitions(mask);
    s = shape_of(out_.kspace);
    index_t low = s[4], high = -1;
    for (index_t i = 0; i < index_t(mask.size()); ++i)
      if (mask.data()[i]) {
        low = std::min(low, i % s[4]);
        high = std::max(high, i % s[4]);
      }
    out_.partial_echo = low > 0 || high < s[4] - 1;
    double spacing_x = fov_[0] / double(plan_.nx);
    if (plan_.nx != plan_.encoding.encoded.matrix[0] &&
        plan_.nx % plan_.encoding.encoded.matrix[0] == 0 && recon_fov_[0] >= fov_[0]) {
      // oversampling that the header does not tell
      fov_[0] *= double(plan_.nx) / plan_.encoding.encoded.matrix[0];
      spacing_x = fov_[0] / double(plan_.nx);
    }
    const double factor = recon_fov_[0] > 0 && fov_[0] > 0 ? fov_[0] / recon_fov_[0] : 1;
    const auto m = static_cast<index_t>(std::round(double(s[4]) / factor));
    if (plan_.options.remove_oversampling && factor > 1.001 && m < s[4] && m > 0) {
      out_.kspace = detail::crop_in_image(out_.kspace, 4, m);
      if (out_.calibration.size() > 0) {
        const shape<4> c = shape_of(out_.calibration);
        host_tensor<complex<float>, 5> five("cardiomm::calibration", 1, c[0], c[1], c[2], c[3]);
        std::copy_n(out_.calibration.data(), c.size(), five.data());
        const auto cropped = detail::crop_in_image(five, 4, m);
        out_.calibration = make_tensor<complex<float>>(host_space(), shape{c[0], c[1], c[2], m});
        std::copy_n(cropped.data(), cropped.size(), out_.calibration.data());
      }
      const double ratio = double(m) / double(s[4]);
      auto narrow = zeros<std::uint8_t>(host_space(), shape{s[0], s[3], m});
      for (index_t row = 0; row < s[0] * s[3]; ++row)
        for (index_t x = 0; x < m; ++x) {
          const auto from = static_cast<index_t>(std::round(double(x - m / 2) / ratio)) + s[4] / 2;
          narrow.data()[row * m + x] =
              mask.data()[row * s[4] + std::clamp<index_t>(from, 0, s[4] - 1)];
        }
      mask = narrow;
      out_.recon_matrix[1] = std::max(out_.recon_matrix[1], 1);
    }
    out_.mask = mask;
    out_.spacing_mm = {fov_[2] / std::max(1, plan_.encoding.encoded.matrix[2]),
                       fov_[1] / double(plan_.ny), spacing_x};
    if (plan_.nz == 1 && recon_fov_[2] > 0)
      out_.spacing_mm[0] = recon_fov_[2] / std::max(1, plan_.encoding.recon.matrix[2]);
    slice_spacing();
  }
  /// Slices of a stack are as far apart as their positions say.
  void slice_spacing() {
    if (out_.slices.size() < 2) return;
    const auto &a = out_.slices[0], &b = out_.slices[1];
    double along = 0;
    for (std::size_t d = 0; d < 3; ++d)
      along += double(b.position[d] - a.position[d]) * double(a.slice_dir[d]);
    if (std::abs(along) > 1e-3) out_.spacing_mm[0] = std::abs(along);
  }
  /// Partitions (in the slice axis) to slices, where all lines have the same ones.
  void transform_partitions(const host_tensor<std::uint8_t, 3>& mask) {
    const shape<5> s = shape_of(out_.kspace);
    std::vector<int> measured(static_cast<std::size_t>(s[1]), -1);
    for (index_t f = 0; f < s[0]; ++f)
      for (index_t i = 0; i < s[3] * s[4]; ++i) {
        if (!mask.data()[f * s[3] * s[4] + i]) continue;
        for (index_t z = 0; z < s[1]; ++z) {
          const int hit = hits_[static_cast<std::size_t>((f * s[1] + z) * s[3] * s[4] + i)] > 0;
          int& all = measured[static_cast<std::size_t>(z)];
          require(all < 0 || all == hit,
                  "sorting: expected the same partitions for all phase encodes, found partition ",
                  z, " in some lines only (undersampling along the partitions is not supported)");
          all = hit;
        }
      }
    const auto n = std::count(measured.begin(), measured.end(), 1);
    require(measured[static_cast<std::size_t>(s[1] / 2)] == 1,
            "sorting: expected the central partition, found none");
    const auto first = std::find(measured.begin(), measured.end(), 1) - measured.begin();
    for (index_t z = first; z < first + n; ++z)
      require(z < s[1] && measured[static_cast<std::size_t>(z)] == 1,
              "sorting: expected neighbouring partitions, found gaps (undersampling along the "
              "partitions is not supported)");
    if (n < s[1])
      out_.remarks.push_back(std::to_string(n) + " of " + std::to_string(s[1]) +
                             " partitions were measured; the others are zero");
    if (out_.calibration.size() > 0) {
      out_.calibration = {};
      out_.remarks.push_back("the separate calibration of partitions is left out");
    }
    const host_space ex;
    fft::ifft(ex, out_.kspace, out_.kspace, {1});
    ex.fence();
    const double factor = recon_fov_[2] > 0 && fov_[2] > 0 ? fov_[2] / recon_fov_[2] : 1;
    const auto m = static_cast<index_t>(std::round(double(s[1]) / factor));
    if (factor < 1.001 || m < 1 || m >= s[1]) return;
    shape<5> fewer = s;
    fewer[1] = m;
    const auto kept = make_tensor<complex<float>>(ex, fewer, "cardiomm::kspace");
    const index_t each = s[2] * s[3] * s[4];
    for (index_t f = 0; f < s[0]; ++f)
      std::copy_n(out_.kspace.data() + (f * s[1] + s[1] / 2 - m / 2) * each, m * each,
                  kept.data() + f * m * each);
    out_.kspace = kept;
  }

  acquisition_plan plan_;
  sorted_acquisitions out_;
  std::vector<std::uint16_t> hits_, calibration_hits_;  // (frame, slice or partition, y, x)
  std::vector<std::pair<std::vector<complex<float>>, index_t>> noise_;
  std::vector<clock> times_;
  double earliest_ = 1e300;
  std::array<double, 3> fov_{}, recon_fov_{};
};

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
