// SPDX-License-Identifier: Apache-2.0
/// \file
/// The normal operator of k-t undersampled SENSE, 25 frames x 10 coils: one kernel against the
/// chain of operators, whose transforms FFTW plans with MEASURE where it is there. Counted are the
/// transforms along y, 5 n log2 n each; the share is that of this machine's own multiply-add peak.
#include "cardiomm/linop/normal.hpp"

#include <benchmark/benchmark.h>

#include <chrono>
#include <cmath>

#include "support/machine.hpp"

using namespace cardiomm;

namespace {
using ex_t = host_space;

struct problem {
  index_t frames = 25, coils, ny, nx;
  tensor<complex<float>, 4, ex_t> x, y;
  tensor<float, 2, ex_t> mask;
  tensor<complex<float>, 5, ex_t> maps;

  problem(index_t ny_, index_t nx_, index_t coils_) : coils(coils_), ny(ny_), nx(nx_) {
    const ex_t ex;
    x = make_tensor<complex<float>>(ex, shape{frames, index_t(1), ny, nx});
    y = make_tensor<complex<float>>(ex, shape_of(x));
    maps = make_tensor<complex<float>>(ex, shape{index_t(1), index_t(1), coils, ny, nx});
    mask = make_tensor<float>(ex, shape{frames, ny});
    random::fill_normal(ex, x, 1);
    random::fill_normal(ex, maps, 2);
    for (index_t f = 0; f < frames; ++f)  // eightfold, shifted from frame to frame, 20 centre lines
      for (index_t j = 0; j < ny; ++j)
        mask(f, j) = (j + f) % 8 == 0 || std::abs(double(j - ny / 2)) < 10 ? 1.0f : 0.0f;
  }
  auto encoding() const {
    return linop::line_mask<float, ex_t>(mask) * linop::fourier *
           linop::sensitivity<float, ex_t>(maps);
  }
  void report(benchmark::State& state, double seconds_total) const {
    const double flop =
        5.0 * double(ny) * std::log2(double(ny)) * double(nx) * 2 * double(frames * coils);
    const double rate = flop * double(state.iterations()) / seconds_total;
    state.counters["GFLOP/s"] = rate * 1e-9;
    state.counters["% of peak"] = 100 * rate / bench::peak();
  }
};

template <class Op>
void run(benchmark::State& state, const problem& p, const Op& op) {
  const ex_t ex;
  linop::apply(ex, op, p.x, p.y);
  double total = 0;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    linop::apply(ex, op, p.x, p.y);
    ex.fence();
    const std::chrono::duration<double> t = std::chrono::steady_clock::now() - start;
    state.SetIterationTime(t.count());
    total += t.count();
  }
  p.report(state, total);
}

void fused(benchmark::State& state) {
  const problem p(state.range(0), state.range(1), state.range(2));
  run(state, p, linop::gram(p.encoding()));
}

/// The same product by the operators of the expression; per frame, so that memory is no limit.
void chain(benchmark::State& state) {
  const problem p(state.range(0), state.range(1), state.range(2));
  const ex_t ex;
  const fft::spec<2> forward{shape<2>{{p.ny, p.nx}}};
  auto backward = forward;
  backward.direction = fft::direction::inverse;
  const auto f = fft::cached_plan<float>(ex, forward, fft::backend::library);
  const auto b = fft::cached_plan<float>(ex, backward, fft::backend::library);
  const linop::line_mask<float, ex_t> mask(p.mask);
  const linop::sensitivity<float, ex_t> maps(p.maps);
  auto k = make_tensor<complex<float>>(ex, shape{p.frames, index_t(1), p.coils, p.ny, p.nx});
  double total = 0;
  const auto apply = [&] {
    linop::apply(ex, maps, p.x, k);
    f->execute(ex, p.frames * p.coils, k.data(), k.data());
    linop::apply(ex, mask, k, k);
    b->execute(ex, p.frames * p.coils, k.data(), k.data());
    linop::apply_adjoint(ex, maps, k, p.y);
  };
  apply();
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    apply();
    ex.fence();
    const std::chrono::duration<double> t = std::chrono::steady_clock::now() - start;
    state.SetIterationTime(t.count());
    total += t.count();
  }
  p.report(state, total);
  state.SetLabel(f->library_used());
}

void sizes(benchmark::internal::Benchmark* b) {
  for (auto [ny, nx] : {std::pair<int, int>{256, 208},
                        {208, 256},
                        {204, 448},
                        {162, 168},
                        {168, 162},
                        {246, 512},
                        {448, 204},
                        {512, 246}})
    b->Args({ny, nx, 10});
  b->Args({208, 256, 30});
  b->ArgNames({"ny", "nx", "coils"});
}
}  // namespace

BENCHMARK(fused)->Apply(sizes)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(chain)->Apply(sizes)->UseManualTime()->Unit(benchmark::kMillisecond);
