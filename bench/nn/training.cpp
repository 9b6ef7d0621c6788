// SPDX-License-Identifier: Apache-2.0
/// \file
/// One step of training a CardioMM network: forward, 1 - structural similarity, backward, AdamW.
/// `small`: 5 cascades, 16 to 32 channels, 8 coils, 128 x 128; `full`: the published sizes, 12
/// cascades, 10 coils, 256 x 256; `full_recomputed`: the features of a cascade are computed again
/// in backward. With CARDIOMM_PEERS_DATA weights and input are those of the comparison with PyTorch
/// (bench/peers/training.py), and the losses of all steps go to CARDIOMM_PEERS_OUT; else both are
/// made up. Memory: "step MiB" is what the steps added to the largest resident memory.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <fstream>

#include "cardiomm/io/npy.hpp"
#include "cardiomm/io/safetensors.hpp"
#include "cardiomm/models/cardiomm_pass.hpp"
#include "cardiomm/nn/loss.hpp"
#include "cardiomm/train/optimiser.hpp"
#include "support/network.hpp"

using namespace cardiomm;
using Ex = default_space;
using C = complex<float>;

namespace {

std::string folder(const char* variable) {
  const char* value = std::getenv(variable);
  return value ? value : "";
}
/// A line of /proc/self/status, MiB: VmHWM is the largest resident memory, VmRSS that of now.
double memory_mib(const std::string& which) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == which + ":") {
      double kib = 0;
      status >> kib;
      return kib / 1024;
    }
  return 0;
}

struct problem {
  Ex ex;
  models::cardiomm<float> net;
  index_t acs = 20;
  tensor<C, 4, Ex> kspace;
  host_tensor<std::uint8_t, 3> mask;
  tensor<float, 2, Ex> acquisition, sampling;
  tensor<float, 3, Ex> target;
  tensor<float, 1, Ex> range;

  /// `name` is that of the files, `sizes`, coils and pixels those of made-up data.
  problem(const std::string& name, const models::cardiomm_sizes& sizes, index_t coils, index_t n)
      : net(load(ex, name, sizes)) {
    const index_t d = net.sizes().embedding;
    mask = make_tensor<std::uint8_t>(host_space(), shape{index_t(1), n, n});
    const auto k = make_tensor<C>(host_space(), shape{index_t(1), coils, n, n});
    const auto texts = make_tensor<float>(host_space(), shape{index_t(2), d});
    const auto image = make_tensor<float>(host_space(), shape{index_t(1), n, n});
    const std::string data = folder("CARDIOMM_PEERS_DATA");
    if (data.empty()) {
      random::fill_normal(host_space(), k, 1);
      random::fill_normal(host_space(), image, 2);
      for (std::size_t i = 0; i < mask.size(); ++i) {
        const index_t y = index_t(i) / n;
        mask.data()[i] = y % 4 == 0 || std::abs(y - n / 2) < 10;
      }
      for (index_t i = 0; i < index_t(k.size()); ++i)
        if (!mask.data()[i % (n * n)]) k.data()[i] = C(0);
      for (std::size_t i = 0; i < texts.size(); ++i) texts.data()[i] = i * 7 % 3 ? 1.0f : -1.0f;
    } else {  // rows of the file are x, columns y
      const io::safetensors_file file(data + "/training_" + name + "_input.safetensors");
      std::vector<float> of_k(2 * k.size()), of_mask(static_cast<std::size_t>(n)),
          of_target(image.size());
      file.at("masked_kspace").read(of_k.data());
      file.at("mask").read(of_mask.data());
      file.at("target").read(of_target.data());
      file.at("lm_embd_adapt").read(texts.data());
      file.at("lm_embd_adapt2").read(texts.data() + d);
      for (index_t y = 0; y < n; ++y)
        for (index_t x = 0; x < n; ++x) {
          for (index_t c = 0; c < coils; ++c) {
            const auto at = static_cast<std::size_t>(2 * ((c * n + x) * n + y));
            k(0, c, y, x) = C(of_k[at], of_k[at + 1]);
          }
          mask(0, y, x) = of_mask[static_cast<std::size_t>(y)] > 0;
          image(0, y, x) = of_target[static_cast<std::size_t>(x * n + y)];
        }
    }
    kspace = to_space(ex, k);
    target = to_space(ex, image);
    acquisition = text(texts, 0);
    sampling = text(texts, 1);
    range = make_tensor<float>(ex, shape{index_t(1)});
    Kokkos::deep_copy(ex, range, *std::max_element(image.data(), image.data() + image.size()));
  }

 private:
  static models::cardiomm<float> load(const Ex& ex, const std::string& name,
                                      const models::cardiomm_sizes& sizes) {
    const std::string data = folder("CARDIOMM_PEERS_DATA");
    if (data.empty()) return {ex, sizes};
    return models::load_cardiomm<float>(
        ex, models::source_of(
                io::safetensors_file(data + "/training_" + name + "_weights.safetensors")));
  }
  tensor<float, 2, Ex> text(const host_tensor<float, 2>& all, index_t i) const {
    return clone(ex,
                 to_space(ex, reshape(slice(all, i), shape{index_t(1), index_t(all.extent(1))})));
  }
};

void training(benchmark::State& state, const std::string& name, models::tapes keep) {
  const bool small = name == "small";
  const problem p(name, small ? bench::small_sizes() : bench::published_sizes(12), small ? 8 : 10,
                  small ? 128 : 256);
  const double before = memory_mib("VmRSS");
  train::parameter_block<float, Ex> block(p.ex, p.net.parameters());
  train::optimiser<float, Ex> adam(p.ex, {}, block);
  models::cardiomm_options options;
  options.acs = p.acs;
  models::cardiomm_pass<float, Ex> pass(p.ex, p.net, shape_of(p.kspace), p.mask, 1, options, keep);
  const auto dimage = make_tensor<float>(p.ex, shape_of(p.target));
  std::vector<double> losses;
  const auto step = [&] {
    block.zero_gradients(p.ex);
    const auto image = pass.forward(p.kspace, p.acquisition, p.sampling);
    losses.push_back(nn::ssim_loss(p.ex, image, p.target, p.range, dimage));
    pass.backward(dimage);
    adam.step(p.ex, block, 2e-4);
    p.ex.fence();
  };
  step();
  for (auto _ : state) step();
  state.counters["loss"] = losses.back();
  state.counters["parameters"] = double(block.count());
  state.counters["plan MiB"] = double(pass.bytes()) / (1 << 20);
  state.counters["peak MiB"] = memory_mib("VmHWM");
  state.counters["step MiB"] = memory_mib("VmHWM") - before;
  const std::string to = folder("CARDIOMM_PEERS_OUT");
  if (to.empty()) return;
  const auto all = make_tensor<double>(host_space(), shape{index_t(losses.size())});
  std::copy(losses.begin(), losses.end(), all.data());
  const bool again = keep == models::tapes::recomputed;
  io::write_npy(to + "/training_" + name + (again ? "_recomputed" : "") + ".npy", all);
}

#define CARDIOMM_TRAINING(name, network, keep, count)             \
  BENCHMARK_CAPTURE(training, name, network, models::tapes::keep) \
      ->Iterations(count)                                         \
      ->MeasureProcessCPUTime()                                   \
      ->UseRealTime()                                             \
      ->Unit(benchmark::kSecond)
CARDIOMM_TRAINING(small, "small", kept, 10);
CARDIOMM_TRAINING(small_recomputed, "small", recomputed, 10);
CARDIOMM_TRAINING(full, "full", kept, 2);
CARDIOMM_TRAINING(full_recomputed, "full", recomputed, 2);

}  // namespace
