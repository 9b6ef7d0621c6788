// SPDX-License-Identifier: Apache-2.0
/// \file
/// Centred orthonormal 2-D transforms of 25 frames x 10 coils in place: the built-in transform and
/// the library (FFTW with MEASURE, phases folded into the batch loop).
#include "cardiomm/fft/cache.hpp"

#include <benchmark/benchmark.h>

#include <cmath>
#include <vector>

using namespace cardiomm;

namespace {
using ex_t = host_space;

void transform(benchmark::State& state, fft::backend choice) {
  const ex_t ex;
  const index_t ny = state.range(0), nx = state.range(1), batch = 250;
  const auto plan = fft::cached_plan<float>(ex, fft::spec<2>{shape<2>{{ny, nx}}}, choice);
  std::vector<complex<float>> x(static_cast<std::size_t>(batch * ny * nx), complex<float>(1, -1));
  for (auto _ : state) {
    plan->execute(ex, batch, x.data(), x.data());
    ex.fence();
    benchmark::ClobberMemory();
  }
  const double points = double(ny * nx);
  state.counters["GFLOP/s"] = benchmark::Counter(5e-9 * points * std::log2(points) * double(batch),
                                                 benchmark::Counter::kIsIterationInvariantRate);
  state.SetLabel(plan->library_used());
}
void builtin(benchmark::State& state) { transform(state, fft::backend::builtin); }
void library(benchmark::State& state) { transform(state, fft::backend::library); }

void sizes(benchmark::internal::Benchmark* b) {
  for (auto [ny, nx] :
       {std::pair<int, int>{208, 256}, {256, 208}, {204, 448}, {162, 168}, {246, 512}, {512, 512}})
    b->Args({ny, nx});
  b->ArgNames({"ny", "nx"})->UseRealTime()->Unit(benchmark::kMillisecond);
}
}  // namespace

BENCHMARK(builtin)->Apply(sizes);
BENCHMARK(library)->Apply(sizes);
