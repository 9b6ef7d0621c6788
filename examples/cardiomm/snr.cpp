// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm snr`: SENSE images in units of their noise, and g-factor maps.

#include "cardiomm/mri/snr.hpp"

#include "calibration.hpp"
#include "scan.hpp"

namespace program {
namespace {

struct snr_command {
  recon_command scan;  ///< the inputs, as of `recon --method sense`
  mri::snr_options options{};
  std::string gfactor;
};

/// Maps (1, slice or 1, coil, y, x) for whitened data.
template <class T>
cardiomm::tensor<complex<T>, 5, space> whitened_maps(const space& ex, const snr_command& c,
                                                     const recon_inputs& in,
                                                     const acquisition<T>& a) {
  if (!in.maps) return estimate_maps(ex, a.kspace, c.scan.calib, c.scan.kspace);
  const input& m = *in.maps;
  const auto host = cardiomm::make_tensor<complex<T>>(host_space{}, m.sizes, "cardiomm::maps");
  read_ordered(m.file, m.from, maps_axes, host.data());
  require_finite(host, m.from, maps_axes);
  const auto maps = cardiomm::to_space(ex, host);
  mri::prewhiten(ex, a.whitening, maps, 2);
  return maps;
}

template <class T>
void run(const snr_command& c, const common_options& common) {
  using enum axis;
  check_options(c.scan);
  require<value_error>(c.options.replicas >= 2, "--replicas: expected at least 2, found ",
                       c.options.replicas);
  const auto in = open_inputs(c.scan, 1, 0);
  require<shape_error>(in.sets() == 1, c.scan.maps, ": maps: expected one set, found ", in.sets());
  array_output out(c.scan.out, common.policy());
  std::optional<array_output> g_out;
  if (!c.gfactor.empty()) g_out.emplace(c.gfactor, common.policy());
  const space ex;
  progress p(common);
  stopwatch watch;
  auto a =
      read_scan<T>(ex, c.scan, in, common.team, [&](const std::string& text) { p.stage(text); });
  if (!in.noise) {
    p.stage("noise from the edge of the data");
    a.whitening = naming(c.scan.kspace + ": ", [&] {
      return mri::whitening_matrix<T>(ex, mri::noise_from_edge(ex, a.kspace, a.mask));
    });
    mri::prewhiten(ex, a.whitening, a.kspace);
  }
  p.stage(in.maps ? "reading " + c.scan.maps : "estimating the coil maps");
  a.maps = whitened_maps(ex, c, in, a);
  p.stage("reconstructing");
  const index_t coils = in.kspace.sizes[2];
  const auto white = cardiomm::zeros<complex<double>>(host_space{}, shape{coils, coils});
  for (index_t i = 0; i < coils; ++i) white(i, i) = complex<double>(1);
  const auto found =
      mri::snr_units(ex, a.kspace, a.mask, a.maps, cardiomm::to_space(ex, white), c.options);
  stop_if_interrupted();
  const axes kept = without_coil(in.kspace.from.order), all = {frame, slice, y, x};
  auto image = cardiomm::make_tensor<complex<float>>(host_space{}, cardiomm::shape_of(found.image));
  const auto values = cardiomm::to_host(found.image);
  for (std::size_t i = 0; i < image.size(); ++i)
    image.data()[i] = complex<float>(static_cast<float>(values.data()[i].real()),
                                     static_cast<float>(values.data()[i].imag()));
  out.write(all, kept, image, in.kspace.from.phase_plane);
  if (g_out) {
    const auto g = cardiomm::to_host(found.g);
    const auto narrow = cardiomm::make_tensor<float>(host_space{}, cardiomm::shape_of(g));
    std::transform(g.data(), g.data() + g.size(), narrow.data(),
                   [](T v) { return static_cast<float>(v); });
    g_out->write(all, kept, narrow, in.kspace.from.phase_plane);
    g_out->commit();
  }
  out.commit();
  p.clear();
  json told = {{"out", c.scan.out}, {"shape", out.shape()}, {"type", io::name_of(out.type())}};
  if (g_out) told["gfactor"] = c.gfactor;
  told["noise"] = in.noise ? "scan" : "edge";
  told["seconds"] = watch.seconds();
  if (common.as_json)
    std::cout << dump(told) << "\n";
  else
    std::printf("%s, %.2f s\n", out.describe().c_str(), watch.seconds());
}

}  // namespace

action add_snr(CLI::App& app, common_options& common) {
  auto c = std::make_shared<snr_command>();
  recon_command& s = c->scan;
  auto& command =
      add_command(app, "snr", "SENSE images in units of noise, and g-factor maps",
                  "  cardiomm snr --kspace k.npy --noise noise.npy --out snr.npy --gfactor g.npy\n"
                  "Coils are whitened by the noise scan, or by the edge of the data, and the image "
                  "is scaled so\nthat its noise has the standard deviation g: divided by g it is "
                  "the signal to noise ratio. g is\nexact for masks of whole lines, and from "
                  "replicas of noise for others.",
                  common);
  command.add_option("--kspace", s.kspace, "K-space, .npy or .cfl")->required();
  command.add_option("--mask", s.mask, "Mask as of recon; left out: from the zeros of the data");
  command.add_option("--maps", s.maps, "Coil maps, one set; left out: ESPIRiT");
  command.add_option(
      "--noise", s.noise,
      "Noise scan (coil, samples) or as the k-space; left out: the edge of the data");
  command.add_option("--lambda", s.weight, "Weight of 1/2 |x|^2 for whitened data; left out: 0.01");
  command.add_option("--iterations", s.steps, "Of conjugate gradients; left out: 50");
  command.add_option("--replicas", c->options.replicas, "For masks of single samples")
      ->capture_default_str();
  command.add_flag("--per-component", c->options.per_component,
                   "Noise of deviation g of the real and of the imaginary part each, not of the "
                   "complex number");
  add_calib(command, s.calib);
  add_axes(command, s.given);
  command.add_option("--gfactor", c->gfactor, "g-factor map, the image's axes");
  command.add_option("--out", s.out, "Image: the k-space's axes but for the coil")->required();
  return [c](const common_options& options) {
    c->options.lambda = c->scan.lambda();
    c->options.iterations = c->scan.steps.value_or(c->options.iterations);
    if (options.as_double)
      run<double>(*c, options);
    else
      run<float>(*c, options);
  };
}

}  // namespace program
