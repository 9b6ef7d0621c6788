// SPDX-License-Identifier: Apache-2.0
/// \file
/// The kernels of CG-SENSE with what they have to do at least: `flop` counts 5 n log2 n a transform
/// of length n (and the arithmetic of vector updates; the maps' 14 flops a coil and pixel are left
/// out, as is usual), `byte` counts every array once that the result depends on, as if caches were
/// perfect. The machine's own limits are measured in the same run. report.py divides one by the
/// other.
#include <benchmark/benchmark.h>

#include <cmath>

#include "cardiomm/fft/transform.hpp"
#include "support/machine.hpp"
#include "support/problem.hpp"

using namespace cardiomm;
using bench::C;
using bench::Ex;

namespace {

void machine(benchmark::State& state) {
  const double flops = bench::peak(), bytes = bench::bandwidth();
  for (auto _ : state) benchmark::DoNotOptimize(flops);
  state.counters["peak_flops"] = flops;
  state.counters["bandwidth"] = bytes;
}

double transforms(double length, double count) { return 5 * length * std::log2(length) * count; }

template <class F>
void time(benchmark::State& state, double flop, double byte, F&& call) {
  const Ex ex;
  call();
  ex.fence();
  for (auto _ : state) {
    call();
    ex.fence();
  }
  state.counters["flop"] = flop;
  state.counters["byte"] = byte;
}

/// Numbers of a problem.
struct counts {
  double frames, coils, ny, nx, pixels, image, maps, planes, sampled;
  explicit counts(const bench::scan& s)
      : frames(double(s.n.frames)),
        coils(double(s.n.coils)),
        ny(double(s.n.ny)),
        nx(double(s.n.nx)),
        pixels(ny * nx),
        image(8 * frames * pixels),
        maps(8 * coils * pixels),
        planes(frames * coils),
        sampled(double(s.lines) / (frames * ny)) {}
  double normal_flop() const { return 2 * transforms(ny, nx * planes); }
  double plane_flop() const { return transforms(pixels, planes); }
  double data() const { return 8 * pixels * planes; }
};

bench::scan problem(benchmark::State& state) { return bench::scan({.coils = state.range(0)}); }

void normal(benchmark::State& state) {
  const auto s = problem(state);
  const counts n(s);
  const auto op = linop::gram(s.encoding());
  const auto x = s.image(), y = clone(Ex(), x);
  time(state, n.normal_flop(), 2 * n.image + n.maps, [&] { linop::apply(Ex(), op, x, y); });
}

void forward(benchmark::State& state) {
  const auto s = problem(state);
  const counts n(s);
  const auto op = s.encoding();
  const auto x = s.image();
  const auto y = make_tensor<C>(Ex(), s.kspace_shape());
  time(state, n.plane_flop(), n.image + n.maps + n.data(), [&] { linop::apply(Ex(), op, x, y); });
}

void adjoint(benchmark::State& state) {
  const auto s = problem(state);
  const counts n(s);
  const auto op = s.encoding();
  const auto x = s.image();
  const auto y = s.kspace();
  time(state, n.plane_flop(), n.image + n.maps + n.sampled * n.data(),
       [&] { linop::apply_adjoint(Ex(), op, y, x); });
}

void centred_fft(benchmark::State& state) {
  const auto s = problem(state);
  const counts n(s);
  const auto x = s.kspace(), y = clone(Ex(), x);
  time(state, n.plane_flop(), 2 * n.data(), [&] { fft::fft(Ex(), x, y); });
}

/// The slope of the time over the iterations: what one of them costs in a running solver.
void cg_iteration(benchmark::State& state) {
  const auto s = problem(state);
  const counts n(s);
  const Ex ex;
  const auto op = linop::gram(s.encoding());
  const auto b = s.image(), x = clone(ex, b);
  const auto run = [&](int iterations) {
    solve::cg_options o;
    o.iterations = iterations;
    o.batch_axes = 2;
    o.zero_start = true;
    return bench::seconds_of(ex, [&] {
      Kokkos::deep_copy(ex, x, C(0));
      solve::cg(ex, op, b, x, o);
    });
  };
  run(2);
  for (auto _ : state) {
    const double few = run(5);
    state.SetIterationTime(std::max(1e-9, (run(15) - few) / 10));
  }
  // x and r: read, written; p: read, written; the product need not leave the cache
  state.counters["flop"] = n.normal_flop() + 16 * n.frames * n.pixels;
  state.counters["byte"] = 6 * n.image + n.maps;
}

/// Four times the frames, so that vectors do not fit any cache.
bench::scan long_series() { return bench::scan({.frames = 100, .coils = 1}); }

void axpby(benchmark::State& state) {
  const auto s = long_series();
  const counts n(s);
  const auto x = s.image(), y = clone(Ex(), x);
  time(state, 14 * n.frames * n.pixels, 3 * n.image,
       [&] { blas1::axpby(Ex(), C(0.5f), x, C(0.5f), y); });
}

void dot(benchmark::State& state) {
  const auto s = long_series();
  const counts n(s);
  const auto x = s.image(), y = clone(Ex(), x);
  const auto out = make_tensor<double>(Ex(), shape{s.n.frames});
  time(state, 4 * n.frames * n.pixels, 2 * n.image,
       [&] { blas1::real_dot(Ex(), s.n.frames, x, y, out.data()); });
}

void both(benchmark::internal::Benchmark* b) {
  b->ArgName("coils")->Arg(10)->Arg(30)->UseRealTime()->Unit(benchmark::kMillisecond);
}
void one(benchmark::internal::Benchmark* b) {
  b->ArgName("coils")->Arg(1)->UseRealTime()->Unit(benchmark::kMillisecond);
}
}  // namespace

BENCHMARK(machine)->Iterations(1);
BENCHMARK(normal)->Apply(both);
BENCHMARK(forward)->Apply(both);
BENCHMARK(adjoint)->Apply(both);
BENCHMARK(centred_fft)->Apply(both);
BENCHMARK(cg_iteration)
    ->ArgName("coils")
    ->Arg(10)
    ->Arg(30)
    ->Iterations(3)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(axpby)->Apply(one);
BENCHMARK(dot)->Apply(one);
