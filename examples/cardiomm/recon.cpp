// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm recon`: images from Cartesian k-space.

#include "cardiomm/mri/reconstruct.hpp"

#include "calibration.hpp"
#include "cardiomm/mri/coil_compress.hpp"
#include "cardiomm/mri/prewhiten.hpp"
#include "cardiomm/mri/scale.hpp"
#include "common.hpp"

namespace program {
namespace {

namespace mri = cardiomm::mri;
using space = cardiomm::default_space;

struct recon_command {
  std::string method = "sense", kspace, mask, maps, noise, out;
  double lambda = 0.01, tolerance = 0;
  int iterations = 30;
  bool joint = false, scale = false, crop = false;
  std::optional<index_t> coils, calib;
  axes_option given;
};

/// What is reconstructed, on its way through the steps before it.
template <class T>
struct acquisition {
  cardiomm::tensor<complex<T>, 5, space> kspace;  // (frame, slice, coil, y, x)
  cardiomm::host_tensor<std::uint8_t, 3> mask;    // (frame, y, x)
  cardiomm::tensor<complex<T>, 5, space> maps;    // (set, slice, coil, y, x), empty until known
};

/// Sets to zero what the mask leaves out, so that nothing can use samples that were not acquired.
template <class K>
void apply_mask(const K& kspace, const cardiomm::host_tensor<std::uint8_t, 3>& mask) {
  const auto s = cardiomm::shape_of(kspace);
  const index_t pixels = s[3] * s[4], planes = s[1] * s[2];
  for (index_t i = 0; i < s[0] * planes; ++i) {
    const std::uint8_t* m = mask.data() + i / planes * pixels;
    auto* k = kspace.data() + i * pixels;
    for (index_t j = 0; j < pixels; ++j)
      if (!m[j]) k[j] = 0;
  }
}

/// The mask of data whose readout was cropped. A transform along the readout keeps lines lines, but
/// mixes single samples. A readout that was acquired in part counts as a line.
cardiomm::host_tensor<std::uint8_t, 3> crop_mask(const cardiomm::host_tensor<std::uint8_t, 3>& mask,
                                                 const std::string& given) {
  require<value_error>(given.empty() || mri::line_pattern(mask).has_value(), given,
                       ": mask: expected whole readout lines for --crop-readout, found single "
                       "samples");
  const auto s = cardiomm::shape_of(mask);
  const index_t half = s[2] / 2;
  auto cropped =
      cardiomm::make_tensor<std::uint8_t>(host_space{}, cardiomm::shape<3>{{s[0], s[1], half}});
  for (index_t row = 0; row < s[0] * s[1]; ++row) {
    const std::uint8_t* line = mask.data() + row * s[2];
    const bool any = std::any_of(line, line + s[2], [](std::uint8_t v) { return v != 0; });
    std::fill_n(cropped.data() + row * half, half, std::uint8_t(any));
  }
  return cropped;
}

/// The centre half of the readout of maps.
template <class M>
M crop_maps(const space& ex, const M& maps) {
  using T = cardiomm::real_of<cardiomm::element_of<M>>;
  using cardiomm::open;
  const index_t nx = static_cast<index_t>(maps.extent(4));
  const cardiomm::linop::crop<T, 5, space> half({{open, open, open, open, nx}},
                                                {{open, open, open, open, nx / 2}});
  return cardiomm::linop::evaluate(ex, half, maps);
}

/// Loads the maps and takes them through the steps that the data went through.
template <class T>
void load_given_maps(const space& ex, const recon_command& c, acquisition<T>& a,
                     const std::array<index_t, 2>& raw,  // coils and readout samples of the file
                     const cardiomm::tensor<complex<T>, 2, space>& whitening,
                     const cardiomm::tensor<complex<T>, 2, space>& compression) {
  auto given = load_maps<T>(c.maps, c.given);
  const auto m = cardiomm::shape_of(given.values);
  const auto k = cardiomm::shape_of(a.kspace);
  const bool raw_coils = m[2] == raw[0], raw_readout = c.crop && m[4] == raw[1];
  require<shape_error>(
      (m[1] == 1 || m[1] == k[1]) && (raw_coils || m[2] == k[2]) && m[3] == k[3] &&
          (raw_readout || m[4] == k[4]),
      c.maps, ": maps: expected ",
      to_string({axis::slice, axis::coil, axis::y, axis::x}, {k[1], raw[0], k[3], k[4]}),
      " to fit the k-space, found ", given.from.describe());
  a.maps = cardiomm::to_space(ex, given.values);
  if (raw_readout) a.maps = crop_maps(ex, a.maps);
  if (!raw_coils) return;
  if (whitening.size() > 0) mri::prewhiten(ex, whitening, a.maps, 2);
  if (compression.size() > 0) a.maps = mri::compress(ex, compression, a.maps);
}

/// The values as they are written: complex64 and float32, whatever the arithmetic was.
template <class To, class V>
auto narrow(const V& values) {
  const auto host = cardiomm::to_host(values);
  auto out = cardiomm::make_tensor<To>(host_space{}, cardiomm::shape_of(host));
  for (std::size_t i = 0; i < host.size(); ++i) {
    if constexpr (cardiomm::is_complex<To>)
      out.data()[i] =
          To(static_cast<float>(host.data()[i].real()), static_cast<float>(host.data()[i].imag()));
    else
      out.data()[i] = static_cast<To>(host.data()[i]);
  }
  return out;
}

void check(const recon_command& c) {
  require<value_error>(c.method == "zf" || c.method == "rss" || c.method == "sense",
                       "--method: expected zf, rss or sense, found '", c.method, "'");
  require_number("--lambda", c.lambda, 0);
  require_number("--tol", c.tolerance, 0);
  require<value_error>(c.iterations >= 1, "--iterations: expected at least 1, found ",
                       c.iterations);
  require<value_error>(!c.coils || *c.coils >= 1, "--compress: expected at least 1 coil, found ",
                       c.coils.value_or(0));
  check_calib(c.calib);
}

template <class T>
void run(const recon_command& c, const common_options& common) {
  using enum axis;
  check(c);
  array_output out(c.out, common.policy());
  const space ex;
  progress p(common);
  json seconds;
  stopwatch total, watch;
  const auto lap = [&](const char* what) {
    seconds[what] = watch.seconds();
    watch = stopwatch();
  };

  p.stage("reading " + c.kspace);
  auto raw = load_kspace<T>(c.kspace, c.given);
  const source from = raw.from;
  const auto s = cardiomm::shape_of(raw.values);
  acquisition<T> a;
  if (!c.mask.empty()) {
    a.mask = load_mask(c.mask, {s[0], s[3], s[4]}, c.given);
    apply_mask(raw.values, a.mask);
  }
  a.kspace = cardiomm::to_space(ex, raw.values);
  raw.values = {};
  if (c.mask.empty()) {
    a.mask = mri::sampling_of(ex, a.kspace);
    require<value_error>(std::any_of(a.mask.data(), a.mask.data() + a.mask.size(),
                                     [](std::uint8_t v) { return v != 0; }),
                         c.kspace, ": expected samples, found zeros only");
  }
  lap("read");

  cardiomm::tensor<complex<T>, 2, space> whitening, compression;
  if (!c.noise.empty()) {
    p.stage("prewhitening");
    const auto noise = load<complex<T>, 5>(c.noise, role::noise, {frame, slice, coil, y, x},
                                           c.given.of(role::noise));
    require<shape_error>(index_t(noise.values.extent(2)) == s[2], c.noise, ": noise: expected ",
                         s[2], " coils as in ", c.kspace, ", found ", noise.from.describe());
    const auto samples = cardiomm::to_space(ex, noise.values);
    whitening = naming(c.noise + ": noise: ", [&] {
      return mri::whitening_matrix<T>(ex, mri::noise_covariance(ex, samples, 2));
    });
    mri::prewhiten(ex, whitening, a.kspace);
  }
  if (c.crop) {
    p.stage("cropping the readout");
    a.kspace = mri::crop_readout(ex, a.kspace);
    a.mask = crop_mask(a.mask, c.mask);
  }
  if (c.coils) {
    p.stage("compressing the coils");
    require<value_error>(*c.coils <= s[2], "--compress: expected 1 to ", s[2], " coils as in ",
                         c.kspace, ", found ", *c.coils);
    compression = mri::find_compression(ex, a.kspace, *c.coils).matrix;
    a.kspace = mri::compress(ex, compression, a.kspace);
  }
  ex.fence();
  lap("prepare");

  double scale = 1;
  if (c.scale) {
    scale = mri::data_scale(ex, a.kspace);
    cardiomm::blas1::scale(ex, complex<T>(T(1 / scale)), a.kspace);
  }
  json result = {{"out", c.out}, {"method", c.method}};
  if (c.scale) result["scale"] = scale;
  const axes kept = without_coil(from.order);
  if (c.method == "rss") {
    p.stage("reconstructing");
    const auto image = mri::rss(ex, a.kspace);
    cardiomm::blas1::scale(ex, T(scale), image);
    ex.fence();
    lap("solve");
    stop_if_interrupted();
    out.write({frame, slice, y, x}, kept, narrow<float>(image), from.phase_plane);
  } else {
    if (!c.maps.empty()) {
      p.stage("reading " + c.maps);
      load_given_maps(ex, c, a, {s[2], s[4]}, whitening, compression);
    } else {
      p.stage("estimating the coil maps");
      a.maps = estimate_maps(ex, a.kspace, c.calib, c.kspace);
    }
    ex.fence();
    lap("maps");
    p.stage("reconstructing");
    cardiomm::tensor<complex<T>, 5, space> image;
    if (c.method == "zf") {
      image = mri::zero_filled(ex, a.kspace, a.mask, a.maps);
    } else {
      mri::sense_options o;
      o.lambda = c.lambda;
      o.iterations = c.iterations;
      o.tolerance = c.tolerance;
      o.joint = c.joint;
      o.monitor = [&](const cardiomm::solve::progress& at) {
        char text[96];
        std::snprintf(text, sizeof text, "iteration %d of %d, residual %.3e", at.iteration,
                      at.iterations, at.residual);
        if (!interrupt_requested) p.stage(text);
        return !interrupt_requested;
      };
      const auto solved = mri::sense(ex, a.kspace, a.mask, a.maps, o);
      stop_if_interrupted();
      image = solved.image;
      result["iterations"] = solved.report.iterations;
      result["converged"] = solved.report.converged;
      if (!solved.report.residual.empty())
        result["residual"] =
            *std::max_element(solved.report.residual.begin(), solved.report.residual.end());
    }
    cardiomm::blas1::scale(ex, complex<T>(T(scale)), image);
    ex.fence();
    lap("solve");
    stop_if_interrupted();
    out.write({set, frame, slice, y, x}, kept, narrow<complex<float>>(image), from.phase_plane);
  }
  stop_if_interrupted();
  out.commit();
  p.clear();
  lap("write");
  seconds["total"] = total.seconds();
  result["shape"] = out.shape();
  result["type"] = io::name_of(out.type());
  result["seconds"] = seconds;
  if (common.as_json)
    std::cout << dump(result) << "\n";
  else
    std::printf("%s, %.2f s\n", out.describe().c_str(), seconds["total"].get<double>());
}

}  // namespace

action add_recon(CLI::App& app, common_options& common) {
  auto c = std::make_shared<recon_command>();
  auto& command = add_command(
      app, "recon", "Reconstruct images from Cartesian k-space",
      "  cardiomm recon --method sense --kspace kspace.npy --mask mask.npy --lambda 0.01 "
      "--iterations 30 --out sense.npy\n"
      "  cardiomm recon --method rss --kspace ksp.cfl --out rss.cfl\n"
      "  cardiomm recon --method sense --kspace k.npy --axes x,y,coil --noise noise.npy "
      "--compress 8 --crop-readout --out x.npy\n"
      "K-space is (frame, slice, coil, y, x), (frame, coil, y, x) or (coil, y, x), centred, with "
      "an\northonormal transform. sense minimises 1/2 |A x - y|^2 + lambda/2 |x|^2 from x = 0.",
      common);
  command
      .add_option("--method", c->method,
                  "zf: zero-filled, coils combined by maps; rss: root sum of squares; sense: "
                  "conjugate gradients")
      ->capture_default_str();
  command.add_option("--kspace", c->kspace, "K-space, .npy or .cfl")->required();
  command.add_option("--mask", c->mask,
                     "Mask (y), (y, x), (frame, y) or (frame, y, x); left out: from the zeros of "
                     "the data");
  command.add_option("--maps", c->maps,
                     "Coil maps (coil, y, x), (slice, coil, y, x) or (set, slice, coil, y, x) of "
                     "the k-space as it is in its file; left out: ESPIRiT");
  command.add_option("--lambda", c->lambda, "Weight of 1/2 |x|^2")->capture_default_str();
  command.add_option("--iterations", c->iterations, "Iterations of the conjugate gradients")
      ->capture_default_str();
  command.add_flag("--joint", c->joint,
                   "One system of all frames and slices, as BART; else one for each");
  command.add_flag("--scale", c->scale,
                   "Divide the data by the 90th percentile or maximum of the image of their centre "
                   "(BART's rule) and multiply the result by it: lambda does not depend on units");
  command.add_option("--tol", c->tolerance, "Relative residual at which to stop; 0: never")
      ->capture_default_str();
  command.add_option("--compress", c->coils, "Compress to this many coils (SVD)");
  command.add_option("--noise", c->noise,
                     "Noise scan (coil, samples) or as the k-space, for prewhitening");
  command.add_flag("--crop-readout", c->crop, "Remove twofold readout oversampling");
  add_calib(command, c->calib);
  add_axes(command, c->given);
  command.add_option("--out", c->out, "Image: the k-space's axes but for the coil")->required();
  return [c](const common_options& options) {
    if (options.as_double)
      run<double>(*c, options);
    else
      run<float>(*c, options);
  };
}

}  // namespace program
