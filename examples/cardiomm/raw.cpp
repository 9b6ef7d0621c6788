// SPDX-License-Identifier: Apache-2.0
/// \file
/// Reading of ISMRM raw data files for all subcommands.

#include "raw.hpp"

#include "cardiomm/io/ismrmrd.hpp"

namespace program {
namespace {

namespace mri = cardiomm::mri;

/// The memory of a tensor as bytes that an array can lie in.
template <class V>
class tensor_source : public io::byte_source {
 public:
  tensor_source(std::string path, V values) : path_(std::move(path)), values_(std::move(values)) {}
  const std::string& path() const override { return path_; }
  std::uint64_t size() const override { return values_.size() * sizeof(typename V::value_type); }
  void read(std::uint64_t offset, void* out, std::size_t n) const override {
    require_inside(offset, n);
    if (n > 0) std::memcpy(out, reinterpret_cast<const char*>(values_.data()) + offset, n);
  }

 private:
  std::string path_;
  V values_;
};

template <class V>
io::stored_array as_array(const std::string& path, const V& values) {
  io::stored_array::place where;
  where.type = io::dtype_of<cardiomm::element_of<V>>();
  for (int d = 0; d < cardiomm::rank_of<V>; ++d)
    where.shape.push_back(static_cast<index_t>(values.extent(d)));
  return io::stored_array(std::make_shared<const tensor_source<V>>(path, values), where);
}

}  // namespace

raw_scan sort_raw(const std::string& path, const cardiomm::mrd_header& header,
                  const std::vector<cardiomm::mrd_head>& heads,
                  const std::vector<cardiomm::mrd_waveform>& waves, const raw_options& options,
                  const std::function<void(const line_sink&)>& each) {
  raw_scan raw;
  raw.path = path;
  raw.header = header;
  naming(path + ": ", [&] {
    mri::sort_options sort = options.sort;
    if (options.cine_frames > 0) {
      mri::binning_options b = options.binning;
      b.frames = options.cine_frames;
      if (options.use_ecg) {
        const auto triggers = mri::triggers_of(waves, header.waveforms, b.tick_ms);
        require<value_error>(triggers.size() >= 2,
                             "retrospective gating: expected an ECG or triggers among the recorded "
                             "signals, found ",
                             triggers.size(), " triggers");
        std::vector<double> clock;
        for (const auto& h : heads) clock.push_back(h.acquisition_time_stamp * b.tick_ms);
        raw.binned = mri::bin_lines(triggers, clock, b);
      } else {
        // noise and other lines without heart beat have no part in finding beats
        std::vector<cardiomm::mrd_head> used;
        std::vector<std::size_t> number;
        cardiomm::mri::acquisition_counts none;
        for (std::size_t i = 0; i < heads.size(); ++i)
          if (!heads[i].has(cardiomm::mrd_flag::noise) &&
              mri::detail::left_out_as(heads[i], none) == nullptr) {
            used.push_back(heads[i]);
            number.push_back(i);
          }
        require<value_error>(!used.empty(), "expected imaging lines, found none");
        auto some = mri::bin_lines(mri::times_of(used, b), b);
        std::vector<int> frame(heads.size(), -1);
        for (std::size_t i = 0; i < number.size(); ++i) frame[number[i]] = some.frame[i];
        some.frame = std::move(frame);
        raw.binned = std::move(some);
      }
      sort.bins = raw.binned.frame;
      sort.frames = options.cine_frames;
    }
    mri::acquisition_sorter sorter(header, heads, sort);
    each([&](std::size_t i, const cardiomm::mrd_acquisition& a) { sorter.add(i, a); });
    raw.data = sorter.finish();
  });
  const auto& mm = raw.data.spacing_mm;
  raw.voxel = {mm[0], mm[1], mm[2], 0};
  const auto& t = raw.data.frame_time_ticks;
  const auto& delay = raw.data.frame_delay_ticks;
  const double tick = options.binning.tick_ms * 1e-3;
  if (options.cine_frames > 0)
    raw.voxel.dt = raw.binned.rr_ms * 1e-3 / double(options.cine_frames);
  else if (t.size() > 1) {
    // frames of a triggered cine follow each other by the time since the trigger
    const bool cine = raw.data.frames.back().phase > raw.data.frames.front().phase &&
                      delay.back() > delay.front();
    const auto& from = cine ? delay : t;
    const double step = (from.back() - from.front()) / double(from.size() - 1);
    raw.voxel.dt = step > 0 ? step * tick : 0;
  }
  return raw;
}

bool raw_scan::full() const {
  return data.mask.size() > 0 && std::all_of(data.mask.data(), data.mask.data() + data.mask.size(),
                                             [](std::uint8_t v) { return v != 0; });
}
io::stored_array raw_scan::kspace() const { return as_array(path, data.kspace); }
io::stored_array raw_scan::mask() const { return as_array(path, data.mask); }
io::stored_array raw_scan::noise() const { return as_array(path, data.noise); }
io::stored_array raw_scan::trajectory() const { return as_array(path, data.trajectory); }

nlohmann::ordered_json raw_scan::describe() const {
  using json = nlohmann::ordered_json;
  const auto& d = data;
  const auto& c = d.counts;
  json j;
  j["source"] = std::filesystem::path(path).filename().string();
  const auto s = cardiomm::shape_of(d.kspace);
  if (radial())
    j["shape"] = {
        {"frame", s[0]}, {"slice", s[1]}, {"coil", s[2]}, {"spoke", s[3]}, {"sample", s[4]}};
  else
    j["shape"] = {{"frame", s[0]}, {"slice", s[1]}, {"coil", s[2]}, {"y", s[3]}, {"x", s[4]}};
  j["spacing_mm"] = {{"slice", voxel.dz}, {"y", voxel.dy}, {"x", voxel.dx}};
  j["frame_ms"] = voxel.dt * 1000;
  j["recon_matrix"] = {{"y", d.recon_matrix[0]}, {"x", d.recon_matrix[1]}};
  if (!binned.beats.empty()) {
    index_t accepted = 0;
    for (const auto& b : binned.beats) accepted += b.accepted ? 1 : 0;
    j["heart"] = {{"rr_ms", binned.rr_ms},
                  {"beats", binned.beats.size()},
                  {"beats_accepted", accepted},
                  {"lines_rejected", c.unbinned}};
  }
  j["frames"] = json::array();
  for (const auto& f : d.frames)
    j["frames"].push_back({{"repetition", f.repetition},
                           {"set", f.set},
                           {"contrast", f.contrast},
                           {"phase", f.phase}});
  j["slices"] = json::array();
  for (const auto& g : d.slices)
    j["slices"].push_back({{"position_mm", g.position},
                           {"read_dir", g.read_dir},
                           {"phase_dir", g.phase_dir},
                           {"slice_dir", g.slice_dir}});
  j["lines"] = {{"all", c.lines},
                {"imaging", c.imaging},
                {"noise", c.noise},
                {"calibration", c.calibration},
                {"calibration_and_imaging", c.calibration_and_imaging},
                {"reversed", c.reversed},
                {"repeated", c.repeated},
                {"shared", c.shared},
                {"navigation", c.navigation},
                {"phase_correction", c.phase_correction},
                {"feedback", c.feedback},
                {"dummy", c.dummy},
                {"other_kinds", c.other_kinds},
                {"other_encodings", c.other_encodings},
                {"not_chosen", c.deselected}};
  j["partial_echo"] = d.partial_echo;
  j["noise_scale"] = d.noise_scale;
  j["tr_ms"] = header.tr_ms;
  j["te_ms"] = header.te_ms;
  j["ti_ms"] = header.ti_ms;
  j["flip_deg"] = header.flip_deg;
  j["vendor"] = header.vendor;
  j["model"] = header.model;
  j["field_strength_t"] = header.field_strength_t;
  j["protocol"] = header.protocol;
  j["remarks"] = d.remarks;
  return j;
}

bool is_raw(const std::string& path) { return io::is_ismrmrd(path); }

raw_scan open_raw(const std::string& path, const raw_options& options) {
  const io::ismrmrd_file file(path, options.group);
  const auto waves = options.use_ecg ? file.waveforms() : std::vector<cardiomm::mrd_waveform>();
  return sort_raw(path, file.header(), file.heads(), waves, options,
                  [&](const auto& f) { file.for_each(f); });
}

}  // namespace program
