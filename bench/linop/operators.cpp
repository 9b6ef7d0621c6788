// SPDX-License-Identifier: Apache-2.0
/// \file
/// Operators one by one and fused, forward and adjoint, on 25 frames x 10 coils x 208 x 256: masks
/// of lines and of points, coil maps, encodings, differences, and the non-uniform transform of a
/// radial series (32 spokes of 416 samples a frame, 8 frames x 4 coils). `normal.cpp` beside this
/// times the normal operator, `wavelet.cpp` wavelets.
#include <benchmark/benchmark.h>

#include "cardiomm/linop/difference.hpp"
#include "cardiomm/linop/nufft_normal.hpp"
#include "cardiomm/mri/trajectory.hpp"
#include "support/problem.hpp"

using namespace cardiomm;
using bench::C;
using bench::Ex;

namespace {

template <class Op, int R>
void run(benchmark::State& state, const Op& op, const shape<R>& domain, bool adjoint) {
  const Ex ex;
  auto x = make_tensor<C>(ex, domain);
  auto y = make_tensor<C>(ex, op.range_for(domain));
  random::fill_normal(ex, x, 1);
  random::fill_normal(ex, y, 2);
  const auto call = [&] {
    if (adjoint)
      linop::apply_adjoint(ex, op, y, x);
    else
      linop::apply(ex, op, x, y);
    ex.fence();
  };
  call();
  for (auto _ : state) call();
  state.counters["samples"] =  // of the range, a second
      benchmark::Counter(double(y.size()), benchmark::Counter::kIsIterationInvariantRate);
}

template <class Make>
void add(const std::string& name, const Make& make) {
  for (const bool adjoint : {false, true})
    benchmark::RegisterBenchmark((name + (adjoint ? "/adjoint" : "/forward")).c_str(),
                                 [=](benchmark::State& state) { make(state, adjoint); })
        ->UseRealTime()
        ->MeasureProcessCPUTime()
        ->Unit(benchmark::kMillisecond);
}

auto lines(const bench::scan& s) { return linop::line_mask<float, Ex>(*mri::line_pattern(s.mask)); }
linop::sensitivity<float, Ex> coils(const bench::scan& s) {
  return linop::sensitivity<float, Ex>(s.maps);
}
linop::nufft<float, Ex> radial() {
  return linop::nufft<float, Ex>(
      mri::radial_trajectory(
          {.samples = 416, .spokes = 32, .frames = 8, .readout_oversampling = 2}),
      shape<2>{{208, 256}});
}

[[maybe_unused]] const bool added = [] {
  using state = benchmark::State;
  add("line_mask", [](state& st, bool adjoint) {
    const bench::scan s({});
    run(st, lines(s), s.kspace_shape(), adjoint);
  });
  add("point_mask", [](state& st, bool adjoint) {
    const bench::scan s({});
    run(st, linop::point_mask<float, Ex>(s.mask), s.kspace_shape(), adjoint);
  });
  add("sensitivity", [](state& st, bool adjoint) {
    const bench::scan s({});
    run(st, coils(s), s.image_shape(), adjoint);
  });
  add("encoding_lines", [](state& st, bool adjoint) {
    const bench::scan s({});
    run(st, s.encoding(), s.image_shape(), adjoint);
  });
  add("encoding_points", [](state& st, bool adjoint) {
    const bench::scan s({});
    run(st, mri::encoding(linop::point_mask<float, Ex>(s.mask), coils(s)), s.image_shape(),
        adjoint);
  });
  add("difference_in_time", [](state& st, bool adjoint) {
    run(st, linop::difference<float, Ex, 4>(linop::axis::frame), shape<4>{{25, 1, 208, 256}},
        adjoint);
  });
  add("nufft", [](state& st, bool adjoint) {
    run(st, radial(), shape<5>{{8, 1, 4, 208, 256}}, adjoint);
  });
  add("encoding_radial", [](state& st, bool adjoint) {
    const bench::scan s({.frames = 8, .coils = 4});
    run(st, radial() * coils(s), s.image_shape(), adjoint);
  });
  benchmark::RegisterBenchmark("gram_radial",
                               [](state& st) {
                                 const bench::scan s({.frames = 8, .coils = 4});
                                 run(st, linop::gram(radial() * coils(s)), s.image_shape(), false);
                               })
      ->UseRealTime()
      ->MeasureProcessCPUTime()
      ->Unit(benchmark::kMillisecond);
  return true;
}();

}  // namespace
