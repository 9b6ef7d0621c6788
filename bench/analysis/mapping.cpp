// SPDX-License-Identifier: Apache-2.0
/// \file
/// T1, T2 maps of 256 x 256 pixels: a heart-like disc with noise in noise, everything fitted.
/// bench/peers/mapping.py compares the program with SciPy and PyTorch.
#include "cardiomm/analysis/mapping.hpp"

#include <benchmark/benchmark.h>

#include "cardiomm/core/random.hpp"

using namespace cardiomm;

namespace {
using ex_t = host_space;
constexpr index_t n = 256;

/// Magnitudes of a + b exp(-t / T), T rising from left to right inside a disc, noise outside.
template <class T>
tensor<T, 4, ex_t> series(const std::vector<double>& t, double a, double b, double low,
                          double high) {
  const auto images = make_tensor<T>(ex_t{}, shape<4>{{static_cast<index_t>(t.size()), 1, n, n}});
  for (std::size_t k = 0; k < t.size(); ++k)
    for (index_t y = 0; y < n; ++y)
      for (index_t x = 0; x < n; ++x) {
        const bool inside = (y - 128) * (y - 128) + (x - 128) * (x - 128) < 110 * 110;
        const double tau = low + (high - low) * double(x) / double(n);
        const double v = inside ? a + b * std::exp(-t[k] / tau) : 0;
        const auto noise = random::normal(k, static_cast<std::uint64_t>(y * n + x));
        images(k, 0, y, x) = T(std::hypot(v + 4 * noise.real(), 4 * noise.imag()));
      }
  return images;
}

const std::vector<double> ti = {100, 180, 260, 1000, 1080, 1900, 1980, 2800, 3700};

template <class T>
void molli(benchmark::State& state) {
  const ex_t ex;
  const auto images = series<T>(ti, 200, -385, 400, 1900);
  const auto mask =
      state.range(0) ? analysis::signal_mask(ex, images, 0.1) : tensor<std::uint8_t, 3, ex_t>{};
  index_t pixels = n * n;
  if (state.range(0)) {
    pixels = 0;
    for (std::size_t i = 0; i < mask.size(); ++i) pixels += mask.data()[i];
  }
  for (auto _ : state) {
    const auto maps = analysis::fit_t1_molli(ex, images, ti, mask);
    benchmark::DoNotOptimize(maps.value.data());
  }
  state.counters["pixels/s"] =
      benchmark::Counter(double(pixels), benchmark::Counter::kIsIterationInvariantRate);
}
void t2(benchmark::State& state) {
  const ex_t ex;
  const std::vector<double> te = {0, 25, 35, 45, 55};
  const auto images = series<float>(te, 0, 200, 30, 120);
  for (auto _ : state) {
    const auto maps = analysis::fit_t2(ex, images, te);
    benchmark::DoNotOptimize(maps.value.data());
  }
}
}  // namespace

BENCHMARK(molli<float>)->ArgName("masked")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);
BENCHMARK(molli<double>)->ArgName("masked")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);
BENCHMARK(t2)->Unit(benchmark::kMillisecond);
