// SPDX-License-Identifier: Apache-2.0
/// \file
/// Proximal operators of a series of 25 frames x 208 x 256, complex64. `GB/s` counts one read and
/// one write of the series, what the cheapest of them need.
#include <benchmark/benchmark.h>

#include "cardiomm/prox/constraint.hpp"
#include "cardiomm/prox/frequency.hpp"
#include "cardiomm/prox/group.hpp"
#include "cardiomm/prox/l1.hpp"
#include "cardiomm/prox/low_rank.hpp"
#include "cardiomm/prox/nuclear.hpp"
#include "cardiomm/prox/total_variation.hpp"
#include "cardiomm/prox/wavelet.hpp"
#include "support/problem.hpp"

using namespace cardiomm;
using bench::C;
using bench::Ex;

namespace {

constexpr shape<4> series{{25, 1, 208, 256}};
constexpr double weight = 0.5;

template <class Make>
void add(const char* name, const Make& make) {
  benchmark::RegisterBenchmark(name,
                               [make](benchmark::State& state) {
                                 const Ex ex;
                                 const auto p = make();
                                 const auto x = make_tensor<C>(ex, series), y = clone(ex, x);
                                 random::fill_normal(ex, x, 1);
                                 prox::apply(ex, p, x, 1.0, y);
                                 ex.fence();
                                 for (auto _ : state) {
                                   prox::apply(ex, p, x, 1.0, y);
                                   ex.fence();
                                 }
                                 state.counters["GB/s"] = benchmark::Counter(
                                     16e-9 * double(series.size()),
                                     benchmark::Counter::kIsIterationInvariantRate);
                               })
      ->UseRealTime()
      ->MeasureProcessCPUTime()
      ->Unit(benchmark::kMillisecond);
}

[[maybe_unused]] const bool added = [] {
  add("l1", [] { return prox::l1<float, 4, Ex>(weight); });
  add("l2_squared", [] { return prox::l2_squared<float, 4, Ex>(weight); });
  add("group_frames", [] { return prox::group<float, 4, Ex>(weight, {0}); });
  add("box", [] { return prox::box<float, 4, Ex>{-1, 1}; });
  add("l2_ball", [] { return prox::l2_ball<float, 4, Ex>(10, 1); });
  add("frequency_l1", [] { return prox::frequency_l1<float, Ex>(weight, series[0]); });
  add("wavelet_l1", [] { return prox::wavelet_l1<float, 4, Ex>(weight, series[2], series[3]); });
  add("variation_in_time_20", [] {
    return prox::total_variation_in_time<float, Ex>(weight, series,
                                                    {.iterations = 20, .tolerance = 0});
  });
  add("variation_in_space_20", [] {
    return prox::total_variation_in_space<float, Ex>(weight, series,
                                                     {.iterations = 20, .tolerance = 0});
  });
  add("low_rank_8x8", [] { return prox::low_rank<float, Ex>(weight); });
  add("casorati_nuclear", [] { return prox::casorati_nuclear<float, Ex>(weight); });
  return true;
}();

}  // namespace
