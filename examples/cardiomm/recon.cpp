// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm recon`: images from Cartesian k-space.

#include <cstdlib>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "calibration.hpp"
#include "cardiomm/mri/scale.hpp"
#include "interrupt.hpp"
#include "methods.hpp"
#include "partial_fourier.hpp"
#include "probe.hpp"

namespace program {
namespace {

/// What a stage left unused goes back to the system, so that it does not add to the next one's.
void give_back_memory() {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
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

/// Loads the maps of this process's slices and takes them through the steps that the data went
/// through.
template <class T>
void read_maps(const space& ex, const recon_inputs& in, acquisition<T>& a) {
  const input& m = *in.maps;
  shape<5> s = m.sizes;
  std::vector<cut> cuts;
  if (s[1] > 1) {
    s[1] = in.mine.slices;
    cuts.push_back({axis::slice, in.mine.slice, in.mine.slices});
  }
  const auto host = cardiomm::make_tensor<complex<T>>(host_space{}, s, "cardiomm::maps");
  read_ordered(m.file, m.from, maps_axes, host.data(), cuts);
  require_finite(host, m.from, maps_axes, {0, s[1] > 1 ? in.mine.slice : 0, 0, 0, 0});
  a.maps = cardiomm::to_space(ex, host);
  if (in.raw_readout) a.maps = crop_maps(ex, a.maps);
  if (!in.raw_coils) return;
  if (a.whitening.size() > 0) mri::prewhiten(ex, a.whitening, a.maps, 2);
  if (a.compression.size() > 0) a.maps = mri::compress(ex, a.compression, a.maps);
}

/// ESPIRiT for this process's slices, from the calibration data of all frames.
template <class T>
void estimate_maps(const space& ex, const recon_command& c, const recon_inputs& in,
                   const dist::communicator& team, acquisition<T>& a) {
  mri::espirit_options o;
  o.calib = c.calib.value_or(-1);
  const shape<5>& n = in.whole;
  const auto sums = sum_calibration(ex, a, in, team, o.calib);
  dist::together(team, [&] {
    if (in.mine.empty()) return;
    naming(c.kspace + ": coil maps: ", [&] {
      const auto block = mri::finish_calibration<T>(sums, mri::espirit_kernel(o, n[2], n[3], n[4]));
      const shape<4> b = cardiomm::shape_of(block.data);
      const index_t each = b[1] * b[2] * b[3];
      const auto mine = cardiomm::borrow(
          host_space{}, static_cast<const complex<T>*>(block.data.data()) + in.mine.slice * each,
          shape{in.mine.slices, b[1], b[2], b[3]});
      a.maps = mri::espirit<T>(ex, mine, shape{n[3], n[4]}, o);
    });
  });
}

/// The frames of a block's mask. Where nothing was measured in the block its data are zeros, with
/// which any mask gives zeros.
inline host_tensor<std::uint8_t, 3> mask_of(const host_tensor<std::uint8_t, 3>& mask, index_t frame,
                                            index_t frames) {
  const index_t ny = static_cast<index_t>(mask.extent(1)),
                nx = static_cast<index_t>(mask.extent(2));
  auto part = cardiomm::make_tensor<std::uint8_t>(host_space{}, shape{frames, ny, nx});
  std::copy_n(mask.data() + frame * ny * nx, part.size(), part.data());
  if (std::none_of(part.data(), part.data() + part.size(), [](std::uint8_t v) { return v != 0; }))
    std::fill_n(part.data(), part.size(), std::uint8_t(1));
  return part;
}

struct outcome {
  cardiomm::solve::report report;
  bool solved = false;  ///< the report means something
};

/// The image (set, frame, slice, y, x) of some frames of this process.
template <class T, class K>
auto solve_frames(const space& ex, const recon_command& c, const K& kspace,
                  const host_tensor<std::uint8_t, 3>& mask, const acquisition<T>& a,
                  const mri::sense_options& o, outcome& end) {
  if (c.method == "zf") return mri::zero_filled(ex, kspace, mask, a.maps);
  const auto solved = mri::sense(ex, kspace, mask, a.maps, o);
  auto& all = end.report;
  all.iterations = std::max(all.iterations, solved.report.iterations);
  all.converged = (!end.solved || all.converged) && solved.report.converged;
  all.residual.insert(all.residual.end(), solved.report.residual.begin(),
                      solved.report.residual.end());
  end.solved = true;
  return solved.image;
}

/// The image of this process. Frames of whole lines and frames of single samples are handled apart,
/// unless they are one system, so that a frame's result does not depend on its company.
template <class T>
cardiomm::tensor<complex<T>, 5, space> solve(const space& ex, const recon_command& c,
                                             const recon_inputs& in, const acquisition<T>& a,
                                             const mri::sense_options& o, outcome& end) {
  const dist::block& b = in.mine;
  const auto mask = mask_of(a.mask, b.frame, b.frames);
  if (c.recipe()) {
    const auto solved = run_recipe<T>({ex, c, in, a.kspace, mask, a.maps, o.monitor});
    end.report = solved.report;
    end.solved = method_named(c.method).iterates;
    return solved.image;
  }
  std::vector<index_t> cuts = {0};
  bool before = false;
  for (index_t f = 0; f < b.frames && !c.joint; ++f) {
    const bool lines = mri::line_pattern(mask_of(a.mask, b.frame + f, 1)).has_value();
    if (f > 0 && lines != before) cuts.push_back(f);
    before = lines;
  }
  if (cuts.size() == 1) return solve_frames(ex, c, a.kspace, mask, a, o, end);
  cuts.push_back(b.frames);
  shape<5> k = in.part(b);
  const index_t coils = k.size() / k[0], plane = b.slices * k[3] * k[4], sets = in.sets();
  const auto image = cardiomm::make_tensor<complex<T>>(ex, shape{sets, k[0], k[1], k[3], k[4]});
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    const index_t f = cuts[i], n = cuts[i + 1] - f;
    k[0] = n;
    stop_if_interrupted();
    const auto part = solve_frames(ex, c, cardiomm::borrow(ex, a.kspace.data() + f * coils, k),
                                   mask_of(a.mask, b.frame + f, n), a, o, end);
    for (index_t s = 0; s < sets; ++s)
      Kokkos::deep_copy(
          ex, cardiomm::borrow(ex, image.data() + (s * b.frames + f) * plane, shape{n * plane}),
          cardiomm::borrow(ex, part.data() + s * n * plane, shape{n * plane}));
    ex.fence();
  }
  return image;
}

/// Writes planes of this process's image (set, frame, slice, y, x).
template <class V>
void write_planes(array_output& out, const V& values, const dist::block& b) {
  const auto host = cardiomm::to_host(values);
  const auto s = cardiomm::shape_of(host);
  const index_t plane = s[3] * s[4];
  for (index_t i = 0; i < s[0] * s[1] * s[2]; ++i)
    out.put_plane({i / (s[1] * s[2]), b.frame + i / s[2] % s[1], b.slice + i % s[2]},
                  host.data() + i * plane);
}

/// |image| on the host.
template <class V>
auto magnitude_of(const V& image) {
  const auto host = cardiomm::to_host(image);
  using T = cardiomm::real_of<cardiomm::element_of<V>>;
  const auto out = cardiomm::make_tensor<T>(host_space{}, cardiomm::shape_of(host));
  std::transform(host.data(), host.data() + host.size(), out.data(),
                 [](const auto& v) { return std::sqrt(cardiomm::abs2(v)); });
  return out;
}

/// Throws what writing would throw. Nothing stays behind: the output itself is opened when there is
/// something to write, so that a process that is killed at work leaves no part of a file.
void try_output(const recon_command& c, const common_options& common) {
  dist::together(common.team, [&] {
    const format kind = output_format(c.out);
    require<io_error>(common.team.size() == 1 || kind == format::npy || kind == format::cfl, c.out,
                      ": expected .npy or .cfl, which several processes can write, found ",
                      name_of(kind));
    if (common.team.first()) array_output(c.out, common.policy());
  });
}

/// The output of all processes: the first one creates it.
std::unique_ptr<array_output> open_output(const recon_command& c, const common_options& common) {
  const auto& team = common.team;
  std::unique_ptr<array_output> out;
  dist::together(team, [&] {
    if (!team.first()) return;
    out = std::make_unique<array_output>(c.out, common.policy());
    for (const auto& name : out->temporaries()) remove_on_signal(name);
  });
  if (team.size() == 1) return out;
  const std::string name = team.broadcast(team.first() ? out->temporaries()[0] : std::string());
  const std::string other =
      team.broadcast(team.first() ? out->temporaries().back() : std::string());
  dist::together(team, [&] {
    if (team.first()) return;
    remove_on_signal(name);
    remove_on_signal(other);
    out = std::make_unique<array_output>(c.out, name);
  });
  return out;
}

template <class T>
void run(const recon_command& c, const common_options& common) {
  using enum axis;
  const dist::communicator& team = common.team;
  const auto in = dist::together(team, [&] {
    check_options(c);
    return open_inputs(c, team.size(), team.rank());
  });
  if (c.network()) return run_network<T>(c, in, common);
  const forecast expected = forecast_of<T>(c, in, team);
  if (c.dry) {
    dist::together(team, [&] {
      array_output::check(c.out, common.policy());
      if (!team.first()) return;
      warn(expected);
      print(expected, probe<T>(c, in), c, in, common);
    });
    return;
  }
  if (team.first()) warn(expected);
  try_output(c, common);
  const dist::communicator active = team.first_of(in.cut.blocks());
  const space ex;
  progress p(common);
  json seconds;
  stopwatch total, watch;
  const auto lap = [&](const char* what) {
    ex.fence();
    give_back_memory();
    seconds[what] = watch.seconds();
    watch = stopwatch();
  };

  auto a = read_scan<T>(ex, c, in, team, [&](const std::string& text) { p.stage(text); });
  double scale = 1;
  if (c.scale) {
    const auto sums = sum_calibration(ex, a, in, team, mri::scale_calib(in.whole));
    dist::together(team, [&] {
      scale = mri::data_scale(mri::finish_calibration<T>(sums), shape{in.whole[3], in.whole[4]});
    });
    cardiomm::blas1::scale(ex, complex<T>(T(1 / scale)), a.kspace);
  }
  lap("read");
  json result = {{"out", c.out}, {"method", c.method}};
  if (c.scale) result["scale"] = scale;
  const axes kept = without_coil(in.kspace.from.order);
  const shape<5>& n = in.whole;
  const bool rss = c.method == "rss";
  if (c.wants_maps()) {
    if (in.maps) {
      p.stage("reading " + c.maps);
      dist::together(team, [&] {
        if (!in.mine.empty()) read_maps(ex, in, a);
      });
    } else {
      p.stage("estimating the coil maps");
      estimate_maps(ex, c, in, team, a);
    }
    lap("maps");
  }
  p.stage("reconstructing");
  outcome end;
  cardiomm::tensor<T, 4, space> magnitude;
  cardiomm::tensor<complex<T>, 5, space> image;
  mri::sense_options o;
  o.lambda = c.lambda();
  o.iterations = c.iterations();
  o.tolerance = c.tolerance;
  o.joint = c.joint;
  o.series = a.mask;
  if (active.size() > 1) o.sum = [active](double* numbers, index_t m) { active.sum(numbers, m); };
  o.monitor = [&](const cardiomm::solve::progress& at) {
    char text[96];
    std::snprintf(text, sizeof text, "iteration %d of %d, residual %.3e", at.iteration,
                  at.iterations, at.residual);
    if (!interrupt_requested) p.stage(text);
    return !interrupt_requested;
  };
  const auto reconstruct = [&] {
    if (in.mine.empty()) return;
    if (rss) {
      magnitude = mri::rss(ex, a.kspace);
      cardiomm::blas1::scale(ex, T(scale), magnitude);
    } else {
      image = solve(ex, c, in, a, o, end);
      cardiomm::blas1::scale(ex, complex<T>(T(scale)), image);
      if (!c.partial.empty())
        naming(c.mask.empty() ? c.kspace + ": " : c.mask + ": ",
               [&] { complete_image(ex, c, a.mask, image); });
    }
    ex.fence();
  };
  if (c.joint && in.cut.blocks() > 1)
    reconstruct();  // they talk to each other, so none can wait for all to end
  else
    dist::together(team, reconstruct);
  stop_if_interrupted();
  a = {};
  if (end.solved || team.size() > 1) {
    double worst[3] = {double(end.report.iterations), end.report.converged || !end.solved ? 0. : 1.,
                       0};
    for (const double r : end.report.residual) worst[2] = std::max(worst[2], r);
    team.max(worst, 3);
    if (method_named(c.method).iterates) {
      result["iterations"] = static_cast<int>(worst[0]);
      result["converged"] = worst[1] == 0;
      result["residual"] = worst[2];
    }
  }
  lap("solve");
  const auto out = open_output(c, common);
  out->describe({in.kspace.file.voxel, {}, true});
  out->begin({set, frame, slice, y, x}, {in.sets(), n[0], n[1], in.matrix[0], in.matrix[1]}, kept,
             c.magnitude() ? io::dtype::f32 : io::dtype::c64, in.kspace.from.phase_plane);
  dist::together(team, [&] {
    if (rss && !in.mine.empty()) {
      const auto s = cardiomm::shape_of(magnitude);
      write_planes(*out, cardiomm::reshape(magnitude, shape{index_t(1), s[0], s[1], s[2], s[3]}),
                   in.mine);
    } else if (c.magnitude() && !in.mine.empty()) {
      write_planes(*out, magnitude_of(image), in.mine);
    } else if (!in.mine.empty()) {
      write_planes(*out, image, in.mine);
    }
    if (team.size() > 1) out->finish();
  });
  stop_if_interrupted();
  dist::together(team, [&] {
    if (team.first()) out->commit();
  });
  p.clear();
  lap("write");
  seconds["total"] = total.seconds();
  result["shape"] = out->shape();
  result["type"] = io::name_of(out->type());
  if (team.size() > 1) result["processes"] = team.size();
  result["seconds"] = seconds;
  if (!team.first()) return;
  if (common.as_json)
    std::cout << dump(result) << "\n";
  else
    std::printf("%s, %.2f s\n", out->describe().c_str(), seconds["total"].get<double>());
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
      "  cardiomm recon --dry-run --method sense --kspace kspace.npy --out sense.npy\n"
      "  mpirun -n 4 cardiomm recon --method sense --kspace kspace.npy --out sense.npy\n"
      "  cardiomm recon --method cardiomm --kspace k.npy --mask m.npy --metadata 'modality=cine' "
      "--out "
      "x.npy\n"
      "  cardiomm recon --method cardiomm --kspace k.npy --mask m.npy --weights w.safetensors "
      "--embedding e.safetensors --out x.npy\n"
      "K-space is (frame, slice, coil, y, x), (frame, coil, y, x) or (coil, y, x), centred, with "
      "an\northonormal transform. Methods minimise 1/2 |A x - y|^2 + lambda R(x) from x = 0, in "
      "the units "
      "of\nthe data (see --scale).",
      common);
  command
      .add_option("--method", c->method,
                  [] {
                    std::string text;
                    for (const method& m : methods)
                      text += std::string(text.empty() ? "" : "; ") + m.name + ": " + m.what;
                    return text;
                  }())
      ->capture_default_str();
  command.add_option("--kspace", c->kspace, "K-space, .npy or .cfl")->required();
  command.add_option("--mask", c->mask,
                     "Mask (y), (y, x), (frame, y) or (frame, y, x); left out: from the zeros of "
                     "the data");
  command.add_option("--maps", c->maps,
                     "Coil maps (coil, y, x), (slice, coil, y, x) or (set, slice, coil, y, x) of "
                     "the k-space as it is in its file; left out: ESPIRiT");
  command.add_option("--lambda", c->weight,
                     "Weight of R, left out: 0.01 (sense: R = 1/2 |x|^2; grappa: of the kernels, "
                     "relative; lps: of the sparse part; nlinv: least weight, left out: 0)");
  command.add_option("--iterations", c->steps, "Iterations; left out: 30, nlinv: 8");
  command.add_option("--wavelet", c->wavelet, "l1wavelet: haar, dau2 (as BART), dau3 ... dau8")
      ->capture_default_str();
  command.add_option("--levels", c->levels, "l1wavelet: levels")->capture_default_str();
  command
      .add_option("--tv", c->tv,
                  "tv, radial: along time or space; radial: square is lambda/2 |x|^2, as sense")
      ->capture_default_str();
  command.add_option("--block", c->block, "llr: pixels along an edge of a block")
      ->capture_default_str();
  command.add_option("--shift", c->shift,
                     "l1wavelet, llr by fista: where the grid of wavelets or blocks starts from "
                     "iteration to iteration: none, which minimises one function; random, as BART; "
                     "with llr cycle, which includes --data-step. Left out: none, llr by fista: "
                     "cycle, whose images have less error");
  command.add_option("--partial-fourier", c->partial,
                     "Complete k-space that was measured farther on one side, along y and x, from "
                     "the image's smooth phase: pocs or homodyne");
  command.add_flag("--data-step", c->data_step,
                   "l1wavelet, llr: at the end a gradient step of the data term, as BART 0.8, "
                   "which gives back what the threshold took from the data");
  command.add_option("--lambda-low-rank", c->low_rank,
                     "lps: weight of the low-rank part; left out: in balance with --lambda");
  command.add_option("--solver", c->solver,
                     "tv, llr, radial: fista, admm or pdhg; left out: fista, radial: admm");
  command.add_option("--matrix", c->matrix,
                     "radial: extents of the image, Y,X; left out: what the trajectory resolves");
  command.add_option(
      "--traj", c->traj,
      "radial: trajectory (frame, spoke, sample, 2) or (spoke, sample, 2), (kx, ky) in "
      "cycles/FOV, or BART's");
  command.add_option("--weights", c->weights,
                     "cardiomm: weights of the network (.safetensors); left out: those of the "
                     "small network that ships with the program");
  command.add_option("--embedding", c->embedding,
                     "cardiomm: .safetensors file with lm_embd_adapt and lm_embd_adapt2 (1, 1, d), "
                     "instead of text");
  command.add_option(
      "--text-weights", c->text_weights,
      "cardiomm: CLIP text tower and language heads (.safetensors), with --metadata");
  command.add_option("--metadata", c->metadata,
                     "cardiomm: the acquisition, as the network's sentence 'Adult cardiac MRI "
                     "reconstruction.Vendor: 3.0T, Siemens, Vida. Modality: cine, short-axis.' or "
                     "as field=3.0T, vendor=Siemens, scanner=Vida, modality=cine, view=sax");
  command.add_option("--undersampling", c->undersampling,
                     "cardiomm: '8x uniform', random or radial; left out: from --metadata, the "
                     "name of the mask, or the mask");
  command.add_option("--merges", c->merges,
                     "cardiomm: CLIP's bpe_simple_vocab_16e6.txt.gz; left out: data/clip/ in "
                     "$CARDIOMM_SHARED or ../shared");
  command.add_option("--text-heads", c->heads,
                     "cardiomm: attention heads of the text tower, left out: of 64 channels each");
  command.add_option("--acs", c->acs,
                     "cardiomm: central lines that the coil maps are found from, left out: 20; 0 "
                     "counts them in the mask");
  command.add_option("--acs-shape", c->acs_shape,
                     "cardiomm: 1d, whole lines (default, as published), or 2d, a square");
  command.add_option("--batch", c->batch, "cardiomm: images at once, left out: 1");
  command.add_flag("--tiled", c->tiled,
                   "cardiomm: texts of a batch are tiled over its coils, as the reference does");
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
  command.add_flag("--dry-run", c->dry,
                   "Check the input and say what memory and time the run would take; nothing is "
                   "reconstructed or written");
  command.add_option("--out", c->out, "Image: the k-space's axes but for the coil")->required();
  return [c](const common_options& options) { run_recon(*c, options); };
}

void run_recon(const recon_command& c, const common_options& common) {
  if (common.as_double)
    run<double>(c, common);
  else
    run<float>(c, common);
}

}  // namespace program
