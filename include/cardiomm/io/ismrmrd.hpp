// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_ISMRMRD_HPP
#define CARDIOMM_IO_ISMRMRD_HPP
/// \file
/// ISMRM raw data files (HDF5: GROUP/xml, GROUP/data, GROUP/waveforms), read block by block in a
/// sandbox, so that a damaged file is an error message and a large one needs no memory.
///
///     const io::ismrmrd_file raw("scan.h5");
///     raw.header().encodings[0].encoded.matrix;      // x, y, z
///     raw.for_each([](std::size_t i, const mrd_acquisition& a) { ... });

#include <map>
#include <memory>

#include "cardiomm/io/detail/mrd_child.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

/// An opened raw file.
class ismrmrd_file {
 public:
  /// Opens a file. `group` is the HDF5 group of the measurement; empty: "dataset" if it is there,
  /// else the first with raw data. Throws io_error for missing, damaged and other files.
  explicit ismrmrd_file(const std::string& path, const std::string& group = "") {
    (void)input_file(path);  // says what is wrong with a missing one
#if CARDIOMM_HAS_ISMRMRD && CARDIOMM_HAS_HDF5
    box_ = std::make_unique<sandbox>(path, "ISMRMRD", [=]() -> sandbox::handler {
      const auto file = std::make_shared<detail::mrd_hdf5>(path, group);
      return [file](const std::string& request) { return file->answer(request); };
    });
    const std::string about = box_->ask("about");
    detail::unpacker u(about, path);
    std::uint64_t lines = 0, waves = 0;
    std::string header;
    u(lines, waves, group_, xml_, header);
    count_ = static_cast<std::size_t>(lines);
    wave_count_ = static_cast<std::size_t>(waves);
    header_ = detail::unpack_mrd_header(header, path);
#else
    (void)group;
    detail::lacks_ismrmrd(path);
#endif
  }

  const std::string& path() const { return box_->path(); }
  const std::string& group() const { return group_; }
  const mrd_header& header() const { return header_; }
  /// The header as it lies in the file.
  const std::string& xml() const { return xml_; }
  /// Number of lines (acquisitions).
  std::size_t size() const { return count_; }
  std::size_t waveform_count() const { return wave_count_; }

  /// Heads of all lines, without samples.
  std::vector<mrd_head> heads() const {
    std::vector<mrd_head> all;
    constexpr std::size_t block = 4096;
    for (std::size_t first = 0; first < count_; first += block) {
      const std::size_t n = std::min(block, count_ - first);
      const std::string bytes = box_->ask(request("heads", first, n));
      detail::unpacker u(bytes, path());
      for (std::size_t i = 0; i < n; ++i) u(all.emplace_back());
    }
    return all;
  }
  /// Lines `first` to `first + n - 1`.
  std::vector<mrd_acquisition> read(std::size_t first, std::size_t n) const {
    const std::string bytes = box_->ask(request("lines", first, n));
    detail::unpacker u(bytes, path());
    std::vector<mrd_acquisition> lines(n);
    for (auto& a : lines) {
      u(a.head);
      const std::size_t samples = a.head.number_of_samples;
      a.trajectory.resize(samples * a.head.trajectory_dimensions);
      u.raw(a.trajectory.data(), a.trajectory.size() * sizeof(float));
      a.data.resize(samples * a.head.active_channels);
      u.raw(a.data.data(), a.data.size() * sizeof(complex<float>));
    }
    return lines;
  }
  /// f(number, line) for all lines in the order of the file, some megabytes at a time.
  template <class F>
  void for_each(F&& f) const {
    std::size_t block = 1;  // the first line tells how large they are
    for (std::size_t first = 0; first < count_;) {
      const std::size_t n = std::min(block, count_ - first);
      std::size_t bytes = 0;
      const auto lines = read(first, n);
      for (std::size_t i = 0; i < n; ++i) {
        bytes += sizeof(mrd_head) + 8 * lines[i].data.size() + 4 * lines[i].trajectory.size();
        f(first + i, lines[i]);
      }
      first += n;
      block = std::clamp<std::size_t>((std::size_t(8) << 20) / std::max<std::size_t>(bytes / n, 1),
                                      1, 4096);
    }
  }
  /// All recorded signals.
  std::vector<mrd_waveform> waveforms() const {
    std::vector<mrd_waveform> all;
    constexpr std::size_t block = 64;
    for (std::size_t first = 0; first < wave_count_; first += block) {
      const std::size_t n = std::min(block, wave_count_ - first);
      const std::string bytes = box_->ask(request("waves", first, n));
      detail::unpacker u(bytes, path());
      for (std::size_t i = 0; i < n; ++i) {
        mrd_waveform& w = all.emplace_back();
        u(w.head);
        w.data.resize(std::size_t(w.head.number_of_samples) * w.head.channels);
        u.raw(w.data.data(), w.data.size() * sizeof(std::uint32_t));
      }
    }
    return all;
  }

 private:
  static std::string request(const char* what, std::size_t first, std::size_t n) {
    return std::string(what) + " " + std::to_string(first) + " " + std::to_string(n);
  }
  std::unique_ptr<sandbox> box_;
  std::string group_, xml_;
  mrd_header header_;
  std::size_t count_ = 0, wave_count_ = 0;
};

/// Whether a file is HDF5 with the groups of ISMRM raw data: for files whose name does not tell.
/// False as well for what cannot be opened, and where the build lacks the library.
inline bool is_ismrmrd(const std::string& path) {
#if CARDIOMM_HAS_ISMRMRD && CARDIOMM_HAS_HDF5
  try {
    (void)input_file(path);
    const sandbox box(path, "ISMRMRD", [=]() -> sandbox::handler {
      (void)detail::mrd_hdf5(path, "");
      return [](const std::string&) { return std::string(); };
    });
    return true;
  } catch (const error&) {
  }
#else
  (void)path;
#endif
  return false;
}

/// What a raw file holds, in lines of text, for `cardiomm info`.
inline std::string describe(const ismrmrd_file& file) {
  std::ostringstream out;
  const mrd_header& h = file.header();
  out << "ISMRM raw data, group " << file.group() << ", " << file.size() << " lines";
  if (file.waveform_count() > 0) out << ", " << file.waveform_count() << " waveforms";
  if (!h.vendor.empty() || !h.model.empty()) out << "\nscanner " << h.vendor << " " << h.model;
  if (h.field_strength_t > 0) out << ", " << h.field_strength_t << " T";
  if (!h.protocol.empty()) out << "\nprotocol " << h.protocol;
  for (std::size_t i = 0; i < h.encodings.size(); ++i) {
    const mrd_encoding& e = h.encodings[i];
    const auto sizes = [&](const mrd_space& s) {
      out << s.matrix[0] << " x " << s.matrix[1] << " x " << s.matrix[2] << " of " << s.fov_mm[0]
          << " x " << s.fov_mm[1] << " x " << s.fov_mm[2] << " mm";
    };
    out << "\nencoding " << i << ": " << e.trajectory << ", encoded ";
    sizes(e.encoded);
    out << ", image ";
    sizes(e.recon);
    out << ", acceleration " << e.acceleration_1 << " x " << e.acceleration_2;
    if (!e.calibration.empty()) out << ", calibration " << e.calibration;
  }
  const auto list = [&](const char* name, const std::vector<double>& values) {
    if (values.empty()) return;
    out << "\n" << name;
    for (const double v : values) out << " " << v;
  };
  list("TR ms", h.tr_ms);
  list("TE ms", h.te_ms);
  list("TI ms", h.ti_ms);
  list("flip angle degrees", h.flip_deg);
  std::map<std::string, int> kinds;
  std::map<std::string, std::pair<unsigned, unsigned>> range;
  for (const mrd_head& a : file.heads()) {
    const std::pair<mrd_flag, const char*> names[] = {
        {mrd_flag::noise, "noise"},
        {mrd_flag::calibration, "calibration"},
        {mrd_flag::calibration_and_imaging, "calibration and imaging"},
        {mrd_flag::navigation, "navigation"},
        {mrd_flag::phase_correction, "phase correction"},
        {mrd_flag::feedback, "feedback"},
        {mrd_flag::dummy, "dummy"},
        {mrd_flag::realtime_feedback, "feedback"},
        {mrd_flag::surface_coil, "surface coil correction"},
        {mrd_flag::stabilization_reference, "phase stabilization"},
        {mrd_flag::stabilization, "phase stabilization"}};
    const char* kind = "imaging";
    for (const auto& [flag, name] : names)
      if (a.has(flag)) kind = name;
    ++kinds[kind];
    if (a.has(mrd_flag::reverse)) ++kinds["reversed"];
    if (a.has(mrd_flag::noise)) continue;
    const auto note = [&](const char* name, unsigned v) {
      auto& r = range.try_emplace(name, v, v).first->second;
      r = {std::min(r.first, v), std::max(r.second, v)};
    };
    note("lines", a.idx.kspace_encode_step_1);
    note("partitions", a.idx.kspace_encode_step_2);
    note("slice", a.idx.slice);
    note("average", a.idx.average);
    note("contrast", a.idx.contrast);
    note("phase", a.idx.phase);
    note("repetition", a.idx.repetition);
    note("set", a.idx.set);
    note("coils", a.active_channels);
    note("samples", a.number_of_samples);
  }
  for (const auto& [name, n] : kinds) out << "\n" << n << " " << name << " lines";
  for (const auto& [name, r] : range)
    if (r.second > 0) {
      out << "\n" << name << " " << r.first;
      if (r.first != r.second) out << " to " << r.second;
    }
  return out.str();
}

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
