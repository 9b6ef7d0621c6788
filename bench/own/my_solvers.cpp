// SPDX-License-Identifier: Apache-2.0
/// \file
/// A solver of one's own beside the library's CG on (A^H A + lambda) x = A^H y: time, and how far
/// from the solution each ends after n iterations.
#include <benchmark/benchmark.h>

#include <string>
#include <utility>

#include "cardiomm/core/runtime.hpp"
#include "cardiomm/linop/fourier.hpp"
#include "cardiomm/linop/gram.hpp"
#include "cardiomm/linop/sampling.hpp"
#include "cardiomm/linop/sensitivity.hpp"
#include "cardiomm/mri/mask.hpp"
#include "cardiomm/mri/simulate.hpp"
#include "cardiomm/solve/cg.hpp"

using namespace cardiomm;

/// The variant under test: steepest descent with the exact step for quadratics.
template <class N, class B, class X>
void steepest_descent(const default_space& ex, const N& normal, const B& b, const X& x, int n) {
  const auto r = clone(ex, b), q = clone(ex, b);
  linop::apply(ex, normal, x, r, {-1, true});  // r = b - N x
  for (int i = 0; i < n; ++i) {
    linop::apply(ex, normal, r, q);
    const double size = blas1::norm(ex, r), curvature = blas1::dot(ex, r, q).real();
    const float step = curvature > 0 ? static_cast<float>(size * size / curvature) : 0.0f;
    blas1::axpby(ex, step, r, 1, x);
    blas1::axpby(ex, -step, q, 1, r);
  }
}

/// Data that all variants see: 4 frames x 6 coils of a heart, one line in three.
auto problem() {
  const default_space ex;
  const auto heart = mri::simulate({.coils = 6, .frames = 4, .ny = 96, .nx = 128});
  const auto lines = mri::make_line_mask({.acceleration = 3, .frames = 4, .ny = 96, .nx = 128});
  const auto maps = clone(ex, reshape(to_space(ex, heart.maps), shape<5>{{1, 1, 6, 96, 128}}));
  const auto a = linop::line_mask(lines) * linop::fourier * linop::sensitivity(maps);
  return std::pair(linop::gram(a) + 0.01 * linop::identity,
                   linop::adjoint(a) * to_space(ex, heart.kspace));
}

/// Times solve(ex, N, b, x, n) from zero, and reports |b - N x| / |b|.
template <class Solve>
void run(benchmark::State& state, Solve solve) {
  const default_space ex;
  const auto [normal, b] = problem();
  const int n = static_cast<int>(state.range(0));
  const auto x = clone(ex, b), left = clone(ex, b);
  for (auto _ : state) {
    Kokkos::deep_copy(ex, x, complex<float>(0));
    solve(ex, normal, b, x, n);
    ex.fence();  // launches return before they are done
  }
  linop::apply(ex, normal, x, left, {-1, true});
  state.counters["gap"] = blas1::norm(ex, left) / blas1::norm(ex, b);
}

void cg(benchmark::State& state) {
  run(state, [](const auto& ex, const auto& normal, const auto& b, const auto& x, int n) {
    solve::cg(ex, normal, b, x, {.iterations = n, .zero_start = true});
  });
}
void mine(benchmark::State& state) {
  run(state, [](const auto&... arguments) { steepest_descent(arguments...); });
}
BENCHMARK(cg)->ArgName("n")->Arg(5)->Arg(20)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(mine)->ArgName("n")->Arg(5)->Arg(20)->UseRealTime()->Unit(benchmark::kMillisecond);

int main(int argc, char** argv) {
  runtime guard(argc, argv);
  benchmark::AddCustomContext("threads", std::to_string(default_space().concurrency()));
  benchmark::AddCustomContext("lane_set", lane_name());
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
