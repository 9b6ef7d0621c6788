// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm stream`: images from the MRD message stream of standard input, to standard output.

#include "calibration.hpp"
#include "cardiomm/io/ismrmrd.hpp"
#include "cardiomm/io/mrd_stream.hpp"
#include "cardiomm/mri/grappa.hpp"
#include "cardiomm/mri/prewhiten.hpp"
#include "cardiomm/mri/reconstruct.hpp"
#include "common.hpp"
#include "raw_options.hpp"

namespace program {
namespace {

namespace mri = cardiomm::mri;
using cardiomm::shape;
using space = cardiomm::default_space;

struct stream_command {
  std::string method = "rss", in, out;
  raw_options options;
  raw_words words;
  std::optional<index_t> calib;
  double lambda = 0.01;
  int iterations = 30;
  bool per_repetition = false, raw_noise = false;
};

/// Words for whoever looks at the terminal; standard output belongs to the stream.
void say(const std::string& text) {
  if (::isatty(STDERR_FILENO) == 1) std::fprintf(stderr, "%s\n", text.c_str());
}

/// Magnitudes (frame, slice, y, x).
host_tensor<float, 4> reconstruct(const stream_command& c, const raw_scan& raw) {
  const space ex;
  auto kspace = cardiomm::to_space(ex, raw.data.kspace);
  const auto s = cardiomm::shape_of(kspace);
  if (raw.data.noise.size() > 0 && !c.raw_noise &&
      raw.data.noise.extent(1) >= raw.data.noise.extent(0)) {
    const auto noise = cardiomm::to_space(ex, raw.data.noise);
    const auto w = mri::whitening_matrix<float>(ex, mri::noise_covariance(ex, noise));
    mri::prewhiten(ex, w, kspace, 2);
  }
  if (c.method == "rss") return cardiomm::to_host(mri::rss(ex, kspace));
  if (c.method == "grappa")
    return cardiomm::to_host(
        mri::rss(ex, raw.full() ? kspace : mri::grappa(ex, kspace, raw.data.mask)));
  const auto maps = estimate_maps(ex, kspace, c.calib, raw.path);
  mri::sense_options o;
  o.lambda = c.lambda;
  o.iterations = c.iterations;
  const auto image =
      cardiomm::to_host(c.method == "zf" ? mri::zero_filled(ex, kspace, raw.data.mask, maps)
                                         : mri::sense(ex, kspace, raw.data.mask, maps, o).image);
  auto out = cardiomm::make_tensor<float>(host_space{}, shape{s[0], s[1], s[3], s[4]});
  std::transform(image.data(), image.data() + image.size(), out.data(),
                 [](const auto& v) { return std::sqrt(cardiomm::abs2(v)); });
  return out;
}

class session {
 public:
  /// `out` takes the images.
  session(const stream_command& c, std::function<void(const io::mrd_image&)> out)
      : c_(c), name_(c.in.empty() ? "standard input" : c.in), out_(std::move(out)) {}

  const std::string& xml() const { return xml_; }

  void take(io::mrd_message&& m) {
    using enum io::mrd_message_id;
    if (m.id == header) {
      require<io_error>(!header_, name_, ": expected one header, found another one");
      header_ = io::parse_mrd_header(m.text, name_);
      xml_ = m.text;
      say("header: " + header_->vendor + " " + header_->protocol);
    } else if (m.id == waveform) {
      waves_.push_back(std::move(m.waveform));
    } else if (m.id == acquisition) {
      require<io_error>(header_.has_value(), name_,
                        ": expected the header before the first line, found none");
      const bool noise = m.line.head.has(cardiomm::mrd_flag::noise);
      if (!noise && c_.per_repetition && !lines_.empty() &&
          lines_.back().head.idx.repetition != m.line.head.idx.repetition)
        flush();
      (noise ? noise_ : lines_).push_back(std::move(m.line));
    }  // configurations and texts are for other servers; images pass
    else if (m.id == image)
      out_(m.image);
  }
  /// Reconstructs and sends what is there.
  void flush() {
    if (lines_.empty()) return;
    std::vector<cardiomm::mrd_head> heads;
    for (const auto* part : {&noise_, &lines_})
      for (const auto& l : *part) heads.push_back(l.head);
    const auto line = [&](std::size_t i) -> const cardiomm::mrd_acquisition& {
      return i < noise_.size() ? noise_[i] : lines_[i - noise_.size()];
    };
    const raw_scan raw =
        sort_raw(name_, *header_, heads, waves_, c_.options, [&](const line_sink& f) {
          for (std::size_t i = 0; i < heads.size(); ++i) f(i, line(i));
        });
    require<value_error>(!raw.radial(), name_, ": expected Cartesian lines, found lines ",
                         "with a trajectory");
    for (const auto& r : raw.data.remarks) say(r);
    const cardiomm::mrd_head first = lines_.front().head;
    lines_.clear();
    const auto images = naming(name_ + ": ", [&] { return reconstruct(c_, raw); });
    const auto s = cardiomm::shape_of(images);
    for (index_t f = 0; f < s[0]; ++f)
      for (index_t z = 0; z < s[1]; ++z)
        out_(image_of(raw, first, f, z, images.data() + (f * s[1] + z) * s[2] * s[3], s));
    say("sent " + std::to_string(s[0] * s[1]) + " images");
  }

 private:
  io::mrd_image image_of(const raw_scan& raw, const cardiomm::mrd_head& first, index_t f, index_t z,
                         const float* values, const shape<4>& s) {
    io::mrd_image m = io::make_mrd_image(values, s[2], s[3]);
    auto& h = m.head;
    const auto& d = raw.data;
    h.measurement_uid = first.measurement_uid;
    h.field_of_view = {float(raw.voxel.dx * double(s[3])), float(raw.voxel.dy * double(s[2])),
                       float(raw.voxel.dz)};
    const bool slab = d.slices.size() < std::size_t(s[1]);  // partitions of one slab
    const auto& g = d.slices[slab ? 0 : static_cast<std::size_t>(z)];
    h.position = g.position;
    if (slab)
      for (std::size_t i = 0; i < 3; ++i)
        h.position[i] +=
            float((double(z) - double(s[1]) / 2 + 0.5) * raw.voxel.dz) * g.slice_dir[i];
    h.read_dir = g.read_dir;
    h.phase_dir = g.phase_dir;
    h.slice_dir = g.slice_dir;
    const auto& at = d.frames[static_cast<std::size_t>(f)];
    h.slice = static_cast<std::uint16_t>(z);
    h.repetition = static_cast<std::uint16_t>(at.repetition);
    h.set = static_cast<std::uint16_t>(at.set);
    h.contrast = static_cast<std::uint16_t>(at.contrast);
    h.phase = static_cast<std::uint16_t>(at.phase);
    h.acquisition_time_stamp = first.acquisition_time_stamp;
    h.physiology_time_stamp[0] =
        static_cast<std::uint32_t>(std::max(0.0, d.frame_delay_ticks[static_cast<std::size_t>(f)]));
    h.image_index = static_cast<std::uint16_t>(++sent_);
    h.image_series_index = 1;
    m.attributes = io::mrd_meta({{"DataRole", "Image"},
                                 {"ImageProcessingHistory", "cardiomm " + c_.method},
                                 {"Keep_image_geometry", "1"}});
    return m;
  }

  const stream_command& c_;
  std::string name_, xml_;
  std::function<void(const io::mrd_image&)> out_;
  std::optional<cardiomm::mrd_header> header_;
  std::vector<cardiomm::mrd_acquisition> noise_, lines_;
  std::vector<cardiomm::mrd_waveform> waves_;
  index_t sent_ = 0;
};

void run(stream_command c, const common_options& common) {
  require<value_error>(!common.as_json,
                       "stream: expected no --json, standard output is the stream of images");
  require<value_error>(
      c.method == "rss" || c.method == "zf" || c.method == "sense" || c.method == "grappa",
      "--method: expected rss, zf, sense or grappa, found '", c.method, "'");
  require_number("--lambda", c.lambda, 0);
  require<value_error>(c.iterations >= 1, "--iterations: expected at least 1, found ",
                       c.iterations);
  check_calib(c.calib);
  finish_raw_options(c.options, c.words);
  require<value_error>(!c.out.empty() || ::isatty(STDOUT_FILENO) == 0,
                       "stream: expected --out, or standard output in a file or pipe, found a "
                       "terminal");
  if (!c.out.empty()) io::atomic_file::check(c.out, common.policy());
  io::mrd_writer out(io::write_descriptor(STDOUT_FILENO, "standard output"));
  std::vector<io::mrd_image> images;
  session s(c, [&](const io::mrd_image& m) {
    if (c.out.empty())
      out.image(m);
    else
      images.push_back(m);
  });
  using enum io::mrd_message_id;
  if (!c.in.empty()) {
    const io::ismrmrd_file file(c.in);
    const auto send = [&](io::mrd_message_id id, auto&& fill) {
      io::mrd_message m;
      m.id = id;
      fill(m);
      s.take(std::move(m));
    };
    send(header, [&](io::mrd_message& m) { m.text = file.xml(); });
    for (const auto& w : file.waveforms())
      send(waveform, [&](io::mrd_message& m) { m.waveform = w; });
    file.for_each([&](std::size_t, const cardiomm::mrd_acquisition& a) {
      stop_if_interrupted();
      send(acquisition, [&](io::mrd_message& m) { m.line = a; });
    });
  } else {
    io::mrd_reader in(io::read_descriptor(STDIN_FILENO, "standard input"));
    for (;;) {
      auto m = in.next();
      stop_if_interrupted();
      if (!m || m->id == close) break;
      s.take(std::move(*m));
    }
    require<io_error>(in.count() > 0, "standard input: expected an MRD stream, found nothing");
  }
  s.flush();
  if (c.out.empty()) return out.close();
  require<value_error>(!images.empty(), "stream: expected lines or images, found none");
  io::write_mrd_images(c.out, images, s.xml(), "dataset", "image_0", common.policy());
}

}  // namespace

action add_stream(CLI::App& app, common_options& common) {
  auto c = std::make_shared<stream_command>();
  auto& command = add_command(
      app, "stream", "Images from an MRD message stream, as scanners and servers send it",
      "  cardiomm stream --method sense < raw.mrd > images.mrd\n"
      "  cardiomm stream --method grappa --in scan.h5 --out images.h5\n"
      "Reads the header, lines and waveforms until the message CLOSE or the end, and writes one\n"
      "message IMAGE for each frame and slice (magnitude, float) and CLOSE. Lines are whitened by\n"
      "the noise scan, and readout oversampling is removed.",
      common);
  command.add_option("--method", c->method, "rss, zf, sense or grappa")->capture_default_str();
  command.add_option("--in", c->in, "Raw data file (HDF5) in place of standard input");
  command.add_option("--out", c->out,
                     "File of MRD images (HDF5, dataset/image_0) in place of standard output");
  command.add_option("--lambda", c->lambda, "sense: lambda/2 |x|^2")->capture_default_str();
  command.add_option("--iterations", c->iterations, "sense: of conjugate gradients")
      ->capture_default_str();
  add_calib(command, c->calib);
  command.add_flag("--per-repetition", c->per_repetition,
                   "Reconstruct and send when the next repetition begins, not at the end");
  command.add_flag("--no-whitening", c->raw_noise, "Do not use the noise scan");
  add_raw_options(command, c->options, c->words);
  return [c](const common_options& options) { run(*c, options); };
}

}  // namespace program
