// SPDX-License-Identifier: Apache-2.0
/// \file
/// Layers beside convolutions (conv.cpp) in the sizes of the networks, features of 1 x 128 x 128 x
/// 72: forward, and backward to the input and to the parameters. `GB/s` counts one read and one
/// write of the features in forward, two of each in backward.
#include <benchmark/benchmark.h>

#include "cardiomm/core/random.hpp"
#include "cardiomm/nn/activation.hpp"
#include "cardiomm/nn/attention.hpp"
#include "cardiomm/nn/block.hpp"
#include "cardiomm/nn/channel_attention.hpp"
#include "cardiomm/nn/layer_norm.hpp"
#include "cardiomm/nn/linear.hpp"
#include "cardiomm/nn/norm.hpp"
#include "cardiomm/nn/pool.hpp"
#include "cardiomm/nn/resize.hpp"
#include "cardiomm/nn/softmax.hpp"

using namespace cardiomm;
using Ex = default_space;

namespace {

constexpr index_t channels = 72;
constexpr shape<4> features{{1, 128, 128, channels}};

template <class Make>
void run(benchmark::State& state, const Make& make, bool backward) {
  const Ex ex;
  const auto layer = make(ex);
  const auto x = make_tensor<float>(ex, features), dx = clone(ex, x);
  const auto y = make_tensor<float>(ex, layer.output(features)), dy = clone(ex, y);
  random::fill_normal(ex, x, 1);
  random::fill_normal(ex, dy, 2);
  nn::recording pass(ex, layer, features);
  pass.forward(x);
  const auto call = [&] {
    if (backward)
      pass.backward(dy, dx);
    else
      layer.forward(ex, x, y);
    ex.fence();
  };
  call();
  for (auto _ : state) call();
  state.counters["GB/s"] =
      benchmark::Counter((backward ? 2.0 : 1.0) * 4e-9 * double(x.size() + y.size()),
                         benchmark::Counter::kIsIterationInvariantRate);
}

template <class Make>
void add(const std::string& name, const Make& make) {
  for (const bool backward : {false, true})
    benchmark::RegisterBenchmark((name + (backward ? "/backward" : "/forward")).c_str(),
                                 [=](benchmark::State& state) { run(state, make, backward); })
        ->UseRealTime()
        ->MeasureProcessCPUTime()
        ->Unit(benchmark::kMillisecond);
}

[[maybe_unused]] const bool added = [] {
  add("prelu", [](const Ex& ex) { return nn::prelu<float, 4, Ex>(ex, channels); });
  add("gelu", [](const Ex&) { return nn::gelu<float, 4, Ex>{}; });
  add("instance_norm",
      [](const Ex& ex) { return nn::instance_norm<float, 4, Ex>(ex, channels, 1e-5, true); });
  add("layer_norm", [](const Ex& ex) { return nn::layer_norm<float, 4, Ex>(ex, channels); });
  add("linear", [](const Ex& ex) { return nn::linear<float, 4, Ex>(ex, channels, channels); });
  add("softmax", [](const Ex&) { return nn::softmax<float, 4, Ex>{}; });
  add("average_pool_2x2", [](const Ex&) {
    return nn::average_pool<float, 2, Ex>({.kernel = {2, 2}});
  });
  add("resize_by_2", [](const Ex&) { return nn::resize<float, Ex>::by(2); });
  add("channel_attention",
      [](const Ex& ex) { return nn::channel_attention<float, Ex>(ex, channels); });
  add("window_attention_8x8",
      [](const Ex& ex) { return nn::window_attention<float, Ex>(ex, channels, {.heads = 4}); });
  add("attention_block", [](const Ex& ex) { return nn::attention_block<float, Ex>(ex, channels); });
  return true;
}();

}  // namespace
