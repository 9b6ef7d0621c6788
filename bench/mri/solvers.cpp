// SPDX-License-Identifier: Apache-2.0
/// \file
/// Solvers side by side on one data set: the heart phantom, 4 frames, 10 coils, 208 x 256,
/// eightfold undersampled. "error" is that of magnitudes, relative to the truth. The network has
/// the published sizes with 10 cascades; its weights are random, as it starts training, so that its
/// time means something and its error does not.
#include <benchmark/benchmark.h>

#include <optional>

#include "cardiomm/mri/l1_wavelet.hpp"
#include "cardiomm/mri/simulate.hpp"
#include "cardiomm/mri/total_variation.hpp"
#include "support/network.hpp"

using namespace cardiomm;
using Ex = default_space;
using C = complex<float>;

namespace {

constexpr index_t frames = 4, coils = 10, ny = 208, nx = 256;

struct problem {
  Ex ex;
  tensor<C, 5, Ex> kspace, maps;
  host_tensor<std::uint8_t, 3> mask;
  host_tensor<C, 4> truth;
  mutable std::optional<models::cardiomm<float>> network;  // made by its first call

  problem() {
    const auto heart = mri::simulate({.coils = coils, .frames = frames, .ny = ny, .nx = nx});
    mask = mri::make_mask({.acceleration = 8, .acs = 20, .frames = frames, .ny = ny, .nx = nx});
    truth = heart.image;
    kspace = to_space(ex, heart.kspace);
    const auto host = to_host(kspace);
    for (std::size_t i = 0; i < host.size(); ++i) {
      const std::size_t plane = ny * nx;
      if (!mask.data()[i / (plane * coils) * plane + i % plane]) host.data()[i] = C(0);
    }
    copy(kspace, host);
    maps = clone(ex, reshape(to_space(ex, heart.maps), shape<5>{{1, 1, coils, ny, nx}}));
  }
  /// Of magnitudes of an image with as many values as the truth.
  template <class V>
  double error(const V& image) const {
    const auto found = to_host(image);
    double apart = 0, all = 0;
    for (std::size_t i = 0; i < truth.size(); ++i) {
      const double t = std::sqrt(abs2(truth.data()[i]));
      const double v = std::sqrt(double(abs2(found.data()[i])));
      apart += (v - t) * (v - t);
      all += t * t;
    }
    return std::sqrt(apart / all);
  }
};

template <class F>
void run(benchmark::State& state, const F& reconstruct) {
  const problem p;
  auto image = reconstruct(p);  // plans, prompts
  for (auto _ : state) {
    image = reconstruct(p);
    p.ex.fence();
  }
  state.counters["error"] = p.error(image);
  state.counters["frames"] =
      benchmark::Counter(double(frames), benchmark::Counter::kIsIterationInvariantRate);
}

template <class F>
void add(const char* name, int iterations, const F& f) {
  benchmark::RegisterBenchmark(name, [f](benchmark::State& state) { run(state, f); })
      ->Iterations(iterations)
      ->MeasureProcessCPUTime()
      ->UseRealTime()
      ->Unit(benchmark::kSecond);
}

[[maybe_unused]] const bool added = [] {
  using solver = mri::algorithm;
  add("zero_filled", 3,
      [](const problem& p) { return mri::zero_filled(p.ex, p.kspace, p.mask, p.maps); });
  for (const int n : {10, 30})
    add(n == 10 ? "cg_sense_10" : "cg_sense_30", 3, [n](const problem& p) {
      return mri::sense(p.ex, p.kspace, p.mask, p.maps, {.lambda = 0.01, .iterations = n}).image;
    });
  add("fista_l1_wavelet_30", 3, [](const problem& p) {
    return mri::l1_wavelet(p.ex, p.kspace, p.mask, p.maps, {.lambda = 0.002}).image;
  });
  add("fista_tv_30", 3, [](const problem& p) {
    return mri::total_variation(p.ex, p.kspace, p.mask, p.maps, {.lambda = 0.002}).image;
  });
  add("admm_tv_20x5", 3, [](const problem& p) {
    return mri::total_variation(p.ex, p.kspace, p.mask, p.maps,
                                {.lambda = 0.002, .iterations = 20, .solver = solver::admm})
        .image;
  });
  add("network_10_cascades", 1, [](const problem& p) {
    if (!p.network) p.network.emplace(p.ex, bench::published_sizes(10));
    const auto text = make_tensor<float>(p.ex, shape{index_t(1), index_t(256)});
    Kokkos::deep_copy(p.ex, text, 1.0f);
    const auto image = make_tensor<float>(p.ex, shape{frames, ny, nx});
    for (index_t f = 0; f < frames; ++f) {  // one by one, as the program does
      const auto one = make_tensor<std::uint8_t>(host_space(), shape{index_t(1), ny, nx});
      std::copy_n(p.mask.data() + f * ny * nx, ny * nx, one.data());
      p.network->reconstruct(
          p.ex,
          borrow(p.ex, p.kspace.data() + f * coils * ny * nx, shape{index_t(1), coils, ny, nx}),
          one, text, text, borrow(p.ex, image.data() + f * ny * nx, shape{index_t(1), ny, nx}));
    }
    return image;
  });
  return true;
}();

}  // namespace
