// SPDX-License-Identifier: Apache-2.0
/// \file
/// Wavelets of 208 x 256 complex64 frames, three levels: transform, inverse, and thresholding in
/// one sweep. PyWavelets 1.8 takes 2.3 ms for a frame's dau2 transform and inverse, SigPy
/// 0.1.27 5.0 ms for the proximal operator with dau4 (one core of the machine of
/// docs/performance.md).
#include "cardiomm/linop/wavelet.hpp"

#include <benchmark/benchmark.h>

#include <string>

using namespace cardiomm;

namespace {
using ex_t = host_space;
enum class what { forward, inverse, threshold };

template <what What>
void run(benchmark::State& state) {
  const ex_t ex;
  const index_t frames = state.range(1);
  linop::wavelet<float, ex_t> w(208, 256, {"dau" + std::to_string(state.range(0)), 3});
  auto x = make_tensor<complex<float>>(ex, shape<4>{{frames, 1, 208, 256}});
  auto y = make_tensor<complex<float>>(ex, shape_of(x));
  random::fill_normal(ex, x, 1);
  for (auto _ : state) {
    if (What == what::forward)
      linop::apply(ex, w, x, y);
    else if (What == what::inverse)
      linop::apply_adjoint(ex, w, x, y);
    else
      linop::wavelet_threshold(ex, w.plan(), x, y, 0.1f);
    ex.fence();
    benchmark::ClobberMemory();
  }
  state.counters["frames/s"] =
      benchmark::Counter(double(frames * state.iterations()), benchmark::Counter::kIsRate);
}
void sizes(benchmark::internal::Benchmark* b) {
  for (const int moments : {1, 2, 4, 8})
    for (const int frames : {1, 25}) b->Args({moments, frames});
  b->ArgNames({"dau", "frames"})->UseRealTime()->Unit(benchmark::kMillisecond);
}
}  // namespace

BENCHMARK_TEMPLATE(run, what::forward)->Name("forward")->Apply(sizes);
BENCHMARK_TEMPLATE(run, what::inverse)->Name("inverse")->Apply(sizes);
BENCHMARK_TEMPLATE(run, what::threshold)->Name("threshold")->Apply(sizes);
