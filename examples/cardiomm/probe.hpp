// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_PROBE_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_PROBE_HPP
/// \file
/// What time a reconstruction takes, told by doing a small part of it: a synthetic scan with the
/// coils and the matrix of the real one, but with a few frames, or a part of the phase encodes
/// where one frame is large.

#include <fcntl.h>

#include "cardiomm/fft/transform.hpp"
#include "cardiomm/mri/coils.hpp"
#include "cardiomm/mri/scale.hpp"
#include "forecast.hpp"
#include "methods.hpp"

namespace program {

/// Seconds of the stages of `recon`.
struct durations {
  double read = 0, maps = 0, solve = 0, write = 0;
  double total() const { return read + maps + solve + write; }
};

namespace detail {

/// Bytes that the k-space of a probe may have.
inline constexpr index_t probe_bytes = index_t(40) << 20;
/// Coils that a probe of ESPIRiT has at most.
inline constexpr index_t probe_coils = 24;

/// Seconds a byte from a file that is in memory: the system fills fresh pages.
inline double seconds_per_byte() {
  constexpr std::size_t n = std::size_t(16) << 20;
  const int zero = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
  const auto fresh = cardiomm::make_tensor<char>(host_space{}, shape<1>{{index_t(n)}});
  const stopwatch watch;
  for (std::size_t i = 0; zero >= 0 && i < n;) {
    const auto got = ::read(zero, fresh.data() + i, n - i);
    if (got <= 0) break;
    i += static_cast<std::size_t>(got);
  }
  const double seconds = watch.seconds();
  if (zero >= 0) ::close(zero);
  return seconds / double(n);
}

/// Seconds of f(), the least of two runs.
template <class F>
double fastest(const space& ex, F&& f) {
  double least = 1e300;
  for (int i = 0; i < 2; ++i) {
    const stopwatch watch;
    f();
    ex.fence();
    least = std::min(least, watch.seconds());
  }
  return least;
}

}  // namespace detail

/// Measures and extrapolates. `in` is of a process whose part is as large as any.
template <class T>
durations probe(const recon_command& c, const recon_inputs& in) {
  using C = complex<T>;
  const space ex;
  const dist::block b = in.cut.of(0);
  const shape<5> raw = in.kspace.sizes;
  const double units = double(b.frames * b.slices);
  // a part of the phase encodes that is not too small for calibration
  const index_t line = raw[2] * raw[4] * index_t(sizeof(C));
  const index_t ny =
      std::clamp<index_t>(detail::probe_bytes / line, std::min<index_t>(raw[3], 32), raw[3]);
  const index_t frames = std::clamp<index_t>(detail::probe_bytes / (line * ny), 1,
                                             std::min<index_t>(8, b.frames * b.slices));
  const double share = double(raw[3]) / double(ny);  // of the phase encodes
  durations t;

  // a disc seen by loops
  const index_t loops = std::min(raw[2], detail::probe_coils);
  const auto field = mri::biot_savart_maps<T>(
      host_space{}, loops, {ny, raw[4], 300.0 / double(ny), 300.0 / double(raw[4]), 0});
  const auto host = cardiomm::make_tensor<C>(host_space{}, shape{1, 1, raw[2], ny, raw[4]});
  for (index_t i = 0; i < index_t(host.size()); ++i) {
    const double x = (double(i % raw[4]) + 0.5) / double(raw[4]) - 0.5,
                 y = (double(i / raw[4] % ny) + 0.5) / double(ny) - 0.5;
    host.data()[i] = x * x + y * y < 0.16 ? field.data()[i % index_t(field.size())] : C(0);
  }
  const auto coils = cardiomm::to_space(ex, host);
  auto one = cardiomm::fft::fft(ex, coils);
  ex.fence();

  const double file =
      double(size_of(in.kspace.file.values.type())) * double(raw.size()) / double(raw[0] * raw[1]);
  const double rate = detail::seconds_per_byte();
  const auto view = cardiomm::reshape(one, shape{1, 1, raw[2], ny, raw[4]});
  double prepare =
      detail::fastest(ex, [&] { require_finite(cardiomm::to_host(one), {}, kspace_axes); });
  if (in.noise || c.coils) {
    const auto unit = cardiomm::zeros<C>(ex, shape{raw[2], raw[2]});
    prepare += detail::fastest(ex, [&] { mri::prewhiten(ex, unit, one); }) *
               ((in.noise ? 1 : 0) + (c.coils ? double(*c.coils) / double(raw[2]) : 0));
    one = cardiomm::fft::fft(ex, coils);
  }
  cardiomm::tensor<C, 5, space> data = one;
  if (c.crop) {
    prepare += detail::fastest(ex, [&] { data = mri::crop_readout(ex, one); });
  }
  if (c.coils) {
    prepare += detail::fastest(ex, [&] { (void)mri::coil_grams(ex, data); });
    const auto matrix = mri::find_compression(ex, data, *c.coils).matrix;
    data = mri::compress(ex, matrix, data);
  }
  const double passes = c.coils ? 2 : 1;
  t.read = units * passes * (file * rate + share * prepare);
  const shape<5> w = cardiomm::shape_of(data);
  if (c.wants_maps() && in.maps) {
    t.maps = double(in.maps->sizes.size()) * double(size_of(in.maps->file.values.type())) * rate;
  } else if (c.wants_maps()) {
    // of many coils a part: the work goes with the pairs of coils
    mri::espirit_options o;
    o.calib = c.calib ? std::min(*c.calib, std::max(w[3], w[4])) : -1;
    const index_t few = std::min(w[2], detail::probe_coils);
    const stopwatch watch;
    (void)mri::espirit(
        ex, cardiomm::borrow(ex, data.data(), shape{index_t(1), index_t(1), few, w[3], w[4]}), o);
    ex.fence();
    t.maps = watch.seconds() * share * double(b.slices) * std::pow(double(w[2]) / double(few), 2);
  }
  const auto maps = cardiomm::make_tensor<C>(ex, shape{index_t(1), index_t(1), w[2], w[3], w[4]});
  Kokkos::deep_copy(ex, maps, C(T(0.1)));

  // a few frames that differ, with a quarter of the lines each
  const auto some = cardiomm::make_tensor<C>(ex, shape{frames, index_t(1), w[2], w[3], w[4]});
  const auto mask = cardiomm::zeros<std::uint8_t>(host_space{}, shape{frames, w[3], w[4]});
  for (index_t f = 0; f < frames; ++f) {
    Kokkos::deep_copy(ex, cardiomm::slice(some, f), cardiomm::slice(data, 0));
    for (index_t y = f % 4; y < w[3]; y += 4)
      std::fill_n(mask.data() + (f * w[3] + y) * w[4], w[4], std::uint8_t(1));
  }
  ex.fence();
  const double each = share * units / double(frames);
  if (c.method == "rss") {
    t.solve = each * detail::fastest(ex, [&] { (void)mri::rss(ex, some); });
  } else if (c.method == "zf") {
    t.solve = each * detail::fastest(ex, [&] { (void)mri::zero_filled(ex, some, mask, maps); });
  } else if (c.recipe()) {
    const index_t centre = std::min<index_t>(w[3], 24);
    for (index_t f = 0; f < frames; ++f)
      std::fill_n(mask.data() + (f * w[3] + (w[3] - centre) / 2) * w[4], centre * w[4],
                  std::uint8_t(1));
    recon_command trial = c;
    const auto run = [&](int steps) {
      trial.steps = steps;
      return detail::fastest(ex, [&] {
        (void)run_recipe<T>(
            {ex, trial, in, some, mask, c.wants_maps() ? maps : decltype(maps){}, {}});
      });
    };
    if (!method_named(c.method).iterates) {
      t.solve = each * run(1);
    } else {
      const double few = run(2), more = run(6), step = std::max(0.0, more - few) / 4;
      t.solve = each * double(in.sets()) * (std::max(0.0, few - 2 * step) + c.iterations() * step);
    }
  } else {
    mri::sense_options s;
    s.lambda = c.lambda();
    s.joint = c.joint;
    const auto run = [&](int iterations) {
      s.iterations = iterations;
      return detail::fastest(ex, [&] { (void)mri::sense(ex, some, mask, maps, s); });
    };
    const double few = run(2), more = run(8), step = std::max(0.0, more - few) / 6;
    t.solve = each * double(in.sets()) * (std::max(0.0, few - 2 * step) + c.iterations() * step);
  }
  t.write = units * double(in.sets()) * double(in.matrix[0] * in.matrix[1]) *
            sizeof(complex<float>) * rate;
  return t;
}

/// Prints the forecast of a run.
inline void print(const forecast& f, const durations& t, const recon_command& c,
                  const recon_inputs& in, const common_options& common) {
  const bool rss = c.method == "rss";
  if (common.as_json) {
    json bytes = {{"program", f.program},     {"kspace", f.kspace}, {"mask", f.mask},
                  {"maps", f.maps},           {"images", f.images}, {"solver", f.solver},
                  {"workspace", f.workspace}, {"output", f.output}, {"peak", f.peak()}};
    if (f.weights > 0) bytes["weights"] = f.weights;
    json whole;
    for (const auto& [key, value] : bytes.items()) whole[key] = std::llround(value.get<double>());
    const json result = {{"dry_run", true},
                         {"out", c.out},
                         {"method", c.method},
                         {"kspace",
                          {in.kspace.sizes[0], in.kspace.sizes[1], in.kspace.sizes[2],
                           in.kspace.sizes[3], in.kspace.sizes[4]}},
                         {"processes", common.team.size()},
                         {"threads", cardiomm::compat::concurrency(space{})},
                         {"bytes", whole},
                         {"available_bytes", std::llround(f.available)},
                         {"seconds",
                          {{"read", t.read},
                           {"maps", t.maps},
                           {"solve", t.solve},
                           {"write", t.write},
                           {"total", t.total()}}}};
    std::cout << dump(result) << "\n";
    return;
  }
  std::printf("%s\n", in.kspace.from.describe().c_str());
  const auto line = [](const char* name, double bytes) {
    if (bytes > 0) std::printf("  %-15s %10s %16.0f bytes\n", name, in_units(bytes).c_str(), bytes);
  };
  std::printf(common.team.size() > 1 ? "memory of each of %d processes\n" : "memory\n",
              common.team.size());
  line("program", f.program);
  line("k-space", f.kspace);
  line("mask", f.mask);
  line("coil maps", f.maps);
  line("weights", f.weights);
  line("images", f.images);
  line("solver vectors", f.solver);
  line("workspace", f.workspace);
  line("output", f.output);
  line("peak", f.peak());
  line("available", f.available);
  std::printf(
      "time (files in memory)\n  read %.2f s, %ssolve %.2f s, write %.2f s: %.2f s\n", t.read,
      rss || c.network() ? ""
                         : ("maps " + json(std::round(t.maps * 100) / 100).dump() + " s, ").c_str(),
      t.solve, t.write, t.total());
}

}  // namespace program

#endif
