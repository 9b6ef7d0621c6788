// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_SCAN_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_SCAN_HPP
/// \file
/// Reading of k-space for `recon`, frame by frame: mask, prewhitening, cropping and compression are
/// done to a frame while it is small, so that memory holds the k-space once, as it is
/// reconstructed. Compression needs all frames before it can start; it reads them twice.
///
/// Several processes read different frames and slices. What depends on all of them (mask from
/// zeros, virtual coils, calibration) is put together from parts that are added in the order of the
/// frames, so that every number of processes gives the same bits.

#include "cardiomm/dist/together.hpp"
#include "cardiomm/mri/coil_compress.hpp"
#include "cardiomm/mri/prewhiten.hpp"
#include "cardiomm/mri/reconstruct.hpp"
#include "recon.hpp"

namespace program {

namespace mri = cardiomm::mri;
using space = cardiomm::default_space;

/// What is reconstructed, on its way through the steps before it.
template <class T>
struct acquisition {
  cardiomm::tensor<complex<T>, 5, space> kspace;  ///< this process's (frame, slice, coil, y, x)
  host_tensor<std::uint8_t, 3> mask;              ///< (frame, y, x) of all frames
  index_t first = 0;                              ///< the frame of the series that it starts with
  cardiomm::tensor<complex<T>, 5, space> maps;    ///< (set, slice, coil, y, x), empty until known
  cardiomm::tensor<complex<T>, 2, space> whitening, compression;
};

/// Sets to zero what the mask leaves out, so that nothing can use samples that were not acquired.
template <class C>
struct apply_mask {
  static constexpr const char* name = "cardiomm::program::apply_mask";
  C* kspace;
  const std::uint8_t* mask;  ///< of the first frame
  shape<5> s;
  void operator()(index_t row, index_t first, index_t last) const {
    const index_t y = row % s[3], frame = row / (s[3] * s[2] * s[1]);
    const std::uint8_t* m = mask + (frame * s[3] + y) * s[4];
    C* k = kspace + row * s[4];
    for (index_t x = first; x < last; ++x)
      if (!m[x]) k[x] = C(0);
  }
};

/// The mask of data whose readout was cropped. A transform along the readout keeps lines lines, but
/// mixes single samples. A readout that was acquired in part counts as a line.
inline host_tensor<std::uint8_t, 3> crop_mask(const host_tensor<std::uint8_t, 3>& mask,
                                              const std::string& given) {
  require<value_error>(given.empty() || mri::line_pattern(mask).has_value(), given,
                       ": mask: expected whole readout lines for --crop-readout, found single "
                       "samples");
  const auto s = cardiomm::shape_of(mask);
  const index_t half = s[2] / 2;
  auto cropped = cardiomm::make_tensor<std::uint8_t>(host_space{}, shape<3>{{s[0], s[1], half}});
  for (index_t row = 0; row < s[0] * s[1]; ++row) {
    const std::uint8_t* line = mask.data() + row * s[2];
    const bool any = std::any_of(line, line + s[2], [](std::uint8_t v) { return v != 0; });
    std::fill_n(cropped.data() + row * half, half, std::uint8_t(any));
  }
  return cropped;
}

/// Reads the frames of one process.
template <class T>
class scan_reader {
  using C = complex<T>;
  static constexpr bool on_host = cardiomm::launch::on_host<space>;

 public:
  scan_reader(const space& ex, const recon_command& c, const recon_inputs& in, acquisition<T>& a)
      : ex_(ex), c_(c), in_(in), a_(a), find_mask_(!in.mask) {
    const mask_target t = in.target();
    const index_t frames = in.streamed ? in.mine.frames : t.frames;
    a.first = in.streamed ? in.mine.frame : 0;
    if (in.mask)
      a.mask = read_mask(*in.mask, t, a.first, frames);
    else
      a.mask = cardiomm::zeros<std::uint8_t>(host_space{}, shape<3>{{frames, t.ny, t.nx}});
    if (in.noise && a.whitening.size() == 0) find_whitening();
  }

  /// Gram matrices of the coils (frame * slice of the whole series, coil, coil), those of other
  /// processes zero.
  host_tensor<complex<double>, 3> grams() {
    const shape<5>& s = in_.kspace.sizes;
    const auto all = cardiomm::zeros<complex<double>>(host_space{}, shape{s[0] * s[1], s[2], s[2]});
    each_batch([&](index_t f, const auto& batch) {
      const auto part = mri::coil_grams(ex_, batch);
      for (index_t i = 0; i < static_cast<index_t>(part.extent(0)); ++i) {
        const index_t frame = f + i / in_.mine.slices, z = in_.mine.slice + i % in_.mine.slices;
        Kokkos::deep_copy(cardiomm::slice(all, frame * s[1] + z), cardiomm::slice(part, i));
      }
    });
    return all;
  }

  /// The k-space of this process.
  void read() {
    a_.kspace = cardiomm::make_tensor<C>(ex_, in_.part(in_.mine), "cardiomm::kspace");
    const index_t image = in_.mine.slices * in_.whole[2] * in_.whole[3] * in_.whole[4];
    each_batch([&](index_t f, const auto& batch) {
      const auto n = static_cast<index_t>(batch.extent(0));
      C* to = a_.kspace.data() + (f - in_.mine.frame) * image;
      if (a_.compression.size() > 0)
        cardiomm::la::channel_mix(ex_, a_.compression, by_coil(batch.data(), n, in_.whole, true),
                                  by_coil(to, n, in_.whole, false));
      else if (batch.data() != to)
        Kokkos::deep_copy(ex_, cardiomm::borrow(ex_, to, cardiomm::shape_of(batch)), batch);
      ex_.fence();
    });
    buffer_ = {};
  }

 private:
  auto by_coil(C* data, index_t frames, const shape<5>& s, bool raw) const {
    const index_t coils = raw ? in_.kspace.sizes[2] : s[2];
    return cardiomm::borrow(ex_, data, shape{frames * in_.mine.slices, coils, s[3] * s[4]});
  }

  void find_whitening() {
    const input& n = *in_.noise;
    const auto host = cardiomm::make_tensor<C>(host_space{}, n.sizes, "cardiomm::noise");
    read_ordered(n.file, n.from, kspace_axes, host.data());
    require_finite(host, n.from, kspace_axes);
    const auto samples = cardiomm::to_space(ex_, host);
    a_.whitening = naming(c_.noise + ": noise: ", [&] {
      return mri::whitening_matrix<T>(ex_, mri::noise_covariance(ex_, samples, 2));
    });
  }

  /// f(first frame, k-space) for all frames of this process, after mask, whitening and cropping.
  template <class F>
  void each_batch(F&& f) {
    const dist::block& b = in_.mine;
    const index_t most = in_.batch(b);
    for (index_t i = 0; i < b.frames; i += most) {
      stop_if_interrupted();
      const index_t n = std::min(most, b.frames - i), frame = b.frame + i;
      shape<5> s = in_.kspace.sizes;
      s[0] = n;
      s[1] = b.slices;
      const auto raw = read_batch(frame, s);
      if (!c_.crop)
        f(frame, raw);
      else
        f(frame, mri::crop_readout(ex_, raw));
    }
    find_mask_ = false;
  }

  cardiomm::view<C, 5, space> read_batch(index_t frame, const shape<5>& s) {
    const dist::block& b = in_.mine;
    C* to = nullptr;
    if (on_host && in_.direct() && a_.kspace.size() > 0) {
      to = a_.kspace.data() + (frame - b.frame) * (s.size() / s[0]);
    } else {
      if (static_cast<index_t>(buffer_.size()) < s.size())
        buffer_ = cardiomm::make_tensor<C>(host_space{}, shape{s.size()}, "cardiomm::frame");
      to = buffer_.data();
    }
    const auto host = cardiomm::borrow(host_space{}, to, s);
    read_ordered(in_.kspace.file, in_.kspace.from, kspace_axes, to,
                 {{axis::frame, frame, s[0]}, {axis::slice, b.slice, b.slices}});
    require_finite(host, in_.kspace.from, kspace_axes, {frame, b.slice, 0, 0, 0});
    std::uint8_t* mask = a_.mask.data() + (frame - a_.first) * s[3] * s[4];
    if (in_.mask)
      cardiomm::launch::rows(host_space{}, s.size() / s[4], s[4], apply_mask<C>{to, mask, s});
    host_space{}.fence();
    cardiomm::view<C, 5, space> batch;
    if constexpr (on_host) {
      batch = cardiomm::borrow(ex_, to, s);
    } else {
      device_ = cardiomm::make_tensor<C>(ex_, s, "cardiomm::frame");
      Kokkos::deep_copy(device_, host);
      batch = device_;
    }
    if (find_mask_) {
      const auto found = mri::sampling_of(ex_, batch);
      std::copy_n(found.data(), found.size(), mask);
    }
    if (a_.whitening.size() > 0) mri::prewhiten(ex_, a_.whitening, batch);
    return batch;
  }

  const space& ex_;
  const recon_command& c_;
  const recon_inputs& in_;
  acquisition<T>& a_;
  bool find_mask_;
  host_tensor<C, 1> buffer_;
  cardiomm::tensor<C, 5, space> device_;
};

/// The matrix of `--compress`, from the frames of all processes.
template <class T>
void find_coil_compression(const space& ex, const recon_command& c, const dist::communicator& team,
                           scan_reader<T>& reader, acquisition<T>& a) {
  const auto grams = dist::together(team, [&] { return reader.grams(); });
  team.sum(reinterpret_cast<double*>(grams.data()), 2 * static_cast<index_t>(grams.size()));
  dist::together(team, [&] { a.compression = mri::compression_of<T>(ex, grams, *c.coils).matrix; });
}

/// Reads k-space through all steps before the maps; every process gets its own part of it, the mask
/// of all frames, and the same matrices. `step` hears what is done.
template <class T, class F>
acquisition<T> read_scan(const space& ex, const recon_command& c, const recon_inputs& in,
                         const dist::communicator& team, F&& step) {
  acquisition<T> a;
  step("reading " + c.kspace);
  std::optional<scan_reader<T>> reader;
  dist::together(team, [&] { reader.emplace(ex, c, in, a); });
  if (c.coils) {
    step("compressing the coils");
    find_coil_compression(ex, c, team, *reader, a);
  }
  dist::together(team, [&] { reader->read(); });
  if (!in.mask) team.any(a.mask.data(), static_cast<index_t>(a.mask.size()));
  dist::together(team, [&] {
    require<value_error>(std::any_of(a.mask.data(), a.mask.data() + a.mask.size(),
                                     [](std::uint8_t v) { return v != 0; }),
                         c.kspace, ": expected samples, found zeros only");
    if (c.crop) a.mask = crop_mask(a.mask, c.mask);
  });
  return a;
}

/// The calibration sums over the frames of all processes. A process adds its frames to the sums of
/// the frames before them.
template <class T>
mri::calibration_sums sum_calibration(const space& ex, const acquisition<T>& a,
                                      const recon_inputs& in, const dist::communicator& team,
                                      index_t calib) {
  const auto all = mri::empty_calibration(in.whole, calib);
  const auto add = [&](const mri::calibration_sums& part) {
    mri::add_calibration(ex, a.kspace, part);
  };
  if (team.size() == 1) {
    add(all);
    return all;
  }
  const dist::block& b = in.mine;
  const auto count = static_cast<index_t>(all.count.size()),
             sums = static_cast<index_t>(all.sum.size());
  std::vector<double> counts(static_cast<std::size_t>(count), 0.0);
  if (!b.empty()) {
    // the parts of the same slices follow each other
    const auto part = mri::empty_calibration(in.part(b), calib);
    const auto n = static_cast<index_t>(part.count.size()),
               m = static_cast<index_t>(part.sum.size());
    auto* sum = reinterpret_cast<double*>(part.sum.data());
    std::vector<double> mine(static_cast<std::size_t>(n));
    if (b.frame > 0) {
      team.receive(mine.data(), n, team.rank() - 1);
      team.receive(sum, 2 * m, team.rank() - 1);
      std::copy(mine.begin(), mine.end(), part.count.data());
    }
    add(part);
    std::copy_n(part.count.data(), n, mine.begin());
    if (b.frame + b.frames < in.whole[0]) {
      team.send(mine.data(), n, team.rank() + 1);
      team.send(sum, 2 * m, team.rank() + 1);
    } else {
      const index_t slices = in.whole[1];
      std::copy_n(part.sum.data(), m, all.sum.data() + b.slice * (sums / slices));
      std::copy_n(mine.begin(), n, counts.begin() + b.slice * (count / slices));
    }
  }
  team.sum(reinterpret_cast<double*>(all.sum.data()), 2 * sums);
  team.sum(counts.data(), count);
  std::copy(counts.begin(), counts.end(), all.count.data());
  return all;
}

}  // namespace program

#endif
