// SPDX-License-Identifier: Apache-2.0
/// \file
/// Low-rank series of the phantom, 25 frames x 10 coils x 208 x 256, every fourth line and 24 in
/// the centre: singular value thresholds of all blocks of 8 x 8 pixels and 25 frames (`blocks` a
/// second), of the whole Casorati matrix, and the recipes.
#include "cardiomm/mri/low_rank.hpp"

#include <benchmark/benchmark.h>

#include "cardiomm/mri/simulate.hpp"
#include "support/problem.hpp"

using namespace cardiomm;
using bench::C;
using bench::Ex;

namespace {

struct series {
  tensor<C, 5, Ex> kspace, maps;
  host_tensor<std::uint8_t, 3> mask;
  tensor<C, 4, Ex> image;
  double scale;  ///< largest magnitude of the image

  static const series& get() {
    static const series one;
    return one;
  }

 private:
  series() {
    const Ex ex;
    const bench::scan scan({.coils = 10});
    mask = scan.mask;
    const auto heart = mri::simulate({});
    const auto full = to_space(ex, heart.kspace);
    kspace = clone(ex, full);
    linop::apply(ex, linop::point_mask<float, Ex>(mask), full, kspace);
    maps = clone(ex, reshape(to_space(ex, heart.maps), shape_of(scan.maps)));
    const auto combined = mri::zero_filled(ex, kspace, mask, maps);
    image = clone(ex, reshape(combined, scan.image_shape()));
    double most = 0;
    const auto host = to_host(image);
    for (std::size_t i = 0; i < host.size(); ++i)
      most = std::max(most, double(abs2(host.data()[i])));
    scale = std::sqrt(most);
    Kokkos::push_finalize_hook([] { const_cast<series&>(get()).release(); });
  }
  void release() {
    kspace = {};
    maps = {};
    image = {};
    mask = {};
  }
};

template <class F>
void time(benchmark::State& state, F&& call) {
  const Ex ex;
  call();
  ex.fence();
  for (auto _ : state) {
    call();
    ex.fence();
  }
}

/// The threshold in thousandths of the image's largest magnitude.
void blocks(benchmark::State& state) {
  const auto& s = series::get();
  const auto out = clone(Ex(), s.image);
  const auto grid = la::image_blocks(shape_of(out), 8, 8);
  const double t = double(state.range(0)) * 1e-3 * s.scale;
  time(state, [&] { la::threshold_blocks(Ex(), grid, s.image, out, t); });
  state.counters["blocks"] =
      benchmark::Counter(double(grid.count()), benchmark::Counter::kIsIterationInvariantRate);
}

void casorati(benchmark::State& state) {
  const auto& s = series::get();
  const auto out = clone(Ex(), s.image);
  time(state, [&] { la::threshold_casorati(Ex(), s.image, out, 5 * s.scale); });
}

void nuclear_norm(benchmark::State& state) {
  const auto& s = series::get();
  const prox::low_rank<float, Ex> p(1);
  time(state, [&] { benchmark::DoNotOptimize(p.value(Ex(), s.image)); });
}

void llr(benchmark::State& state) {
  const auto& s = series::get();
  mri::llr_options o{.lambda = 0.02 * s.scale, .width = true};
  o.solver = static_cast<mri::algorithm>(state.range(0));
  if (o.solver == mri::algorithm::admm) o.iterations = 6;
  time(state, [&] { mri::llr(Ex(), s.kspace, s.mask, s.maps, o); });
}

void lps(benchmark::State& state) {
  const auto& s = series::get();
  time(state, [&] { mri::lps(Ex(), s.kspace, s.mask, s.maps, {.lambda = 0.01 * s.scale}); });
}

}  // namespace

BENCHMARK(blocks)
    ->ArgName("threshold")
    ->Arg(50)
    ->Arg(500)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(casorati)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(nuclear_norm)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(llr)->ArgName("solver")->DenseRange(0, 2)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(lps)->UseRealTime()->Unit(benchmark::kMillisecond);
