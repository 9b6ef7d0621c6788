// SPDX-License-Identifier: Apache-2.0
/// \file
/// How the time of CG-SENSE (10 iterations, fourfold k-t undersampling) and of ESPIRiT grows with
/// frames, coils and matrix; one size varies at a time. Threads are the environment's: report.py
/// beside the folders runs this once for each number of them.
#include <benchmark/benchmark.h>

#include "cardiomm/mri/calibrate.hpp"
#include "cardiomm/mri/simulate.hpp"
#include "support/problem.hpp"

using namespace cardiomm;

namespace {

void sense(benchmark::State& state) {
  const bench::scan s({.frames = state.range(0),
                       .coils = state.range(1),
                       .ny = state.range(2),
                       .nx = state.range(3)});
  const auto kspace = s.kspace();
  mri::sense_options options;
  options.lambda = 0;
  options.iterations = 10;
  for (auto _ : state)
    benchmark::DoNotOptimize(mri::sense(bench::Ex(), kspace, s.mask, s.maps, options).image.data());
}

void espirit(benchmark::State& state) {
  const auto data = mri::simulate({.coils = state.range(0),
                                   .frames = 1,
                                   .ny = state.range(1),
                                   .nx = state.range(2),
                                   .snr = 30});
  const auto kspace = to_space(bench::Ex(), data.kspace);
  for (auto _ : state)
    benchmark::DoNotOptimize(mri::espirit(bench::Ex(), kspace, {.crop = 0}).data());
}

void sizes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"frames", "coils", "ny", "nx"});
  for (int frames : {1, 2, 5, 10, 25, 50}) b->Args({frames, 10, 208, 256});
  for (int coils : {1, 4, 20, 30}) b->Args({25, coils, 208, 256});
  for (int n : {128, 192, 256, 384, 512}) b->Args({25, 10, n, n});
  b->UseRealTime()->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);
}
void slices(benchmark::internal::Benchmark* b) {
  b->ArgNames({"coils", "ny", "nx"});
  for (int coils : {4, 10, 20, 30}) b->Args({coils, 208, 256});
  for (int n : {128, 256, 512}) b->Args({10, n, n});
  b->UseRealTime()->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);
}
}  // namespace

BENCHMARK(sense)->Apply(sizes);
BENCHMARK(espirit)->Apply(slices);
