// SPDX-License-Identifier: Apache-2.0
/// \file
/// ESPIRiT of one slice, 208 x 256: the whole call, and its two halves (calibration on the host,
/// eigenvectors of the pixels). Coil compression from 30 coils, by all samples.
#include "cardiomm/mri/calibrate.hpp"

#include <benchmark/benchmark.h>

#include "cardiomm/mri/coil_compress.hpp"
#include "cardiomm/mri/simulate.hpp"

using namespace cardiomm;
using Ex = default_space;

namespace {

tensor<complex<float>, 5, Ex> scan(index_t coils) {
  return to_space(Ex(), mri::simulate({.coils = coils, .frames = 1, .snr = 30}).kspace);
}

void espirit(benchmark::State& state) {
  const auto k = scan(state.range(0));
  const mri::espirit_options options{.crop = double(state.range(1)) / 100};
  for (auto _ : state) benchmark::DoNotOptimize(mri::espirit(Ex(), k, options).data());
}
BENCHMARK(espirit)
    ->ArgNames({"coils", "crop%"})
    ->ArgsProduct({{1, 4, 10, 30}, {0, 80}})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void espirit_calibrate(benchmark::State& state) {
  const auto block = mri::calibration_region(Ex(), scan(state.range(0)));
  const mri::detail::espirit_sizes sizes{state.range(0), 24, 24, 6, 6};
  for (auto _ : state)
    benchmark::DoNotOptimize(
        mri::detail::espirit_calibrate(block.data.data(), sizes, 0.02).kernels);
}
BENCHMARK(espirit_calibrate)
    ->ArgName("coils")
    ->Arg(10)
    ->Arg(30)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void coil_compress(benchmark::State& state) {
  const auto k = scan(30);
  for (auto _ : state) {
    const auto found = mri::find_compression(Ex(), k, state.range(0));
    benchmark::DoNotOptimize(mri::compress(Ex(), found.matrix, k).data());
  }
}
BENCHMARK(coil_compress)->ArgName("coils")->Arg(10)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
