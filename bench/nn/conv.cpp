// SPDX-License-Identifier: Apache-2.0
/// \file
/// The convolutions of CardioMM's cascades at 256 x 256 and of its sensitivity network (10 coils).
/// "effective" counts the products of the definition, "executed" those that minimal filtering
/// leaves, its transforms not counted. bench/peers/network.py times PyTorch's.
#include <benchmark/benchmark.h>

#include "cardiomm/core/random.hpp"
#include "cardiomm/nn/conv_host.hpp"
#include "support/machine.hpp"

using namespace cardiomm;

namespace {
using ex_t = host_space;

struct problem {
  nn::conv_geometry g;
  tensor<float, 1, ex_t> x, w, y;

  explicit problem(const benchmark::State& state) {
    const auto at = [&](int i) { return static_cast<index_t>(state.range(i)); };
    g.items = at(5), g.in_c = at(0), g.out_c = at(1), g.in_y = g.in_x = at(2);
    g.kernel_y = g.kernel_x = at(3), g.stride_y = g.stride_x = at(4);
    g.pad_y = g.pad_x = g.kernel_y / 2;
    g.out_y = g.out_x = (g.in_y + 2 * g.pad_y - g.kernel_y) / g.stride_y + 1;
    const ex_t ex;
    const auto noise = [&](index_t n, std::uint64_t seed) {
      auto t = make_tensor<float>(ex, shape<1>{{n}});
      random::fill_normal(ex, t, seed);
      return t;
    };
    x = noise(g.items * g.in_y * g.in_x * g.in_c, 1);
    w = noise(g.out_c * g.in_c * g.kernel_y * g.kernel_x, 2);
    y = noise(g.items * g.out_y * g.out_x * g.out_c, 3);
  }
  void report(benchmark::State& state, bool minimal) const {
    const double pixels = double(g.items * g.out_y * g.out_x);
    const double work = 2.0 * pixels * double(g.out_c * g.in_c * g.kernel_y * g.kernel_x);
    const double part = minimal && nn::conv_host::winograd::pays<float, ex_t>(g) ? 0.25 : 1.0;
    using benchmark::Counter;
    state.counters["effective GFLOP/s"] = Counter(work * 1e-9, Counter::kIsIterationInvariantRate);
    state.counters["executed GFLOP/s"] =
        Counter(part * work * 1e-9, Counter::kIsIterationInvariantRate);
  }
};

void forward(benchmark::State& state) {
  const problem p(state);
  const ex_t ex;
  for (auto _ : state) {
    nn::conv_host::forward(ex, p.g, p.x.data(), p.w.data(), static_cast<const float*>(nullptr),
                           p.y.data());
    ex.fence();
  }
  p.report(state, true);
}
void input_gradient(benchmark::State& state) {
  const problem p(state);
  const ex_t ex;
  for (auto _ : state) {
    nn::conv_host::backward_input(ex, p.g, p.y.data(), p.w.data(), p.x.data());
    ex.fence();
  }
  p.report(state, true);
}
void weight_gradient(benchmark::State& state) {
  const problem p(state);
  const ex_t ex;
  for (auto _ : state) {
    nn::conv_host::backward_weight(ex, p.g, p.x.data(), p.y.data(), p.w.data());
    ex.fence();
  }
  p.report(state, false);
}

void sizes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"in", "out", "size", "kernel", "stride", "items"});
  for (auto [c, size] : {std::pair<int, int>{48, 256},
                         {72, 128},
                         {96, 128},
                         {96, 64},
                         {144, 64},
                         {120, 32},
                         {192, 32}})
    b->Args({c, c, size, 3, 1, 1});
  for (auto [c, size] : {std::pair<int, int>{24, 256}, {36, 128}, {48, 128}, {60, 32}})
    b->Args({c, c, size, 3, 1, 10});
  b->Args({2, 48, 256, 3, 1, 1});
  b->Args({48, 2, 256, 5, 1, 1});
  b->Args({48, 72, 256, 3, 2, 1});
  b->Args({72, 96, 128, 3, 2, 1});
  b->Args({96, 72, 128, 1, 1, 1});
  b->Args({72, 48, 256, 1, 1, 1});
}
void few_sizes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"in", "out", "size", "kernel", "stride", "items"});
  for (auto [c, size] : {std::pair<int, int>{48, 256}, {96, 64}, {192, 32}})
    b->Args({c, c, size, 3, 1, 1});
  b->Args({48, 72, 256, 3, 2, 1});
}
}  // namespace

BENCHMARK(forward)->Apply(sizes)->Unit(benchmark::kMillisecond);
BENCHMARK(input_gradient)->Apply(few_sizes)->Unit(benchmark::kMillisecond);
BENCHMARK(weight_gradient)->Apply(few_sizes)->Unit(benchmark::kMillisecond);
