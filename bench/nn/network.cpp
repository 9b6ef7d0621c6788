// SPDX-License-Identifier: Apache-2.0
/// \file
/// One image of the full-size CardioMM network: 10 coils, 256 x 256, 12 cascades. With
/// CARDIOMM_PEERS_DATA it reads the weights and the input of the comparison with PyTorch
/// (bench/peers) and writes its image into CARDIOMM_PEERS_OUT; else both are made up. "effective"
/// counts the products of the definition, "executed" those that minimal filtering leaves.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <fstream>

#include "cardiomm/io/npy.hpp"
#include "cardiomm/io/safetensors.hpp"
#include "support/network.hpp"

using namespace cardiomm;
using Ex = default_space;
using C = complex<float>;

namespace {

std::string folder(const char* variable) {
  const char* value = std::getenv(variable);
  return value ? value : "";
}

/// Largest resident memory of this process, MiB.
double peak_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "VmHWM:") {
      double kib = 0;
      status >> kib;
      return kib / 1024;
    }
  return 0;
}

struct problem {
  Ex ex;
  models::cardiomm<float> net;
  tensor<C, 4, Ex> kspace;
  host_tensor<std::uint8_t, 3> mask;
  tensor<float, 2, Ex> acquisition, sampling;

  explicit problem(index_t coils) : net(load(ex)) {
    const index_t n = 256, d = net.sizes().embedding;
    mask = make_tensor<std::uint8_t>(host_space(), shape{index_t(1), n, n});
    const auto host = make_tensor<C>(host_space(), shape{index_t(1), coils, n, n});
    const auto texts = make_tensor<float>(host_space(), shape{index_t(2), d});
    const std::string data = folder("CARDIOMM_PEERS_DATA");
    if (data.empty()) {
      random::fill_normal(host_space(), host, 1);
      for (std::size_t i = 0; i < mask.size(); ++i) mask.data()[i] = i / 256 % 6 == 0;
      for (std::size_t i = 0; i < texts.size(); ++i) texts.data()[i] = i * 7 % 3 ? 1.0f : -1.0f;
    } else {  // rows of the file are x, columns y
      const io::safetensors_file file(data + "/network_input.safetensors");
      std::vector<float> k(2 * host.size()), m(static_cast<std::size_t>(n));
      file.at("masked_kspace").read(k.data());
      file.at("mask").read(m.data());
      file.at("lm_embd_adapt").read(texts.data());
      file.at("lm_embd_adapt2").read(texts.data() + d);
      for (index_t c = 0; c < coils; ++c)
        for (index_t y = 0; y < n; ++y)
          for (index_t x = 0; x < n; ++x) {
            const auto at = static_cast<std::size_t>(2 * ((c * n + x) * n + y));
            host(0, c, y, x) = C(k[at], k[at + 1]);
            mask(0, y, x) = m[static_cast<std::size_t>(y)] > 0;
          }
    }
    kspace = to_space(ex, host);
    acquisition = text(texts, 0);
    sampling = text(texts, 1);
  }
  tensor<float, 3, Ex> image() const {
    const auto out = make_tensor<float>(ex, shape<3>{{1, 256, 256}});
    net.reconstruct(ex, kspace, mask, acquisition, sampling, out);
    ex.fence();
    return out;
  }

 private:
  static models::cardiomm<float> load(const Ex& ex) {
    const std::string data = folder("CARDIOMM_PEERS_DATA");
    if (data.empty()) return {ex, bench::published_sizes(12)};
    return models::load_cardiomm<float>(
        ex, models::source_of(io::safetensors_file(data + "/network_weights.safetensors")));
  }
  tensor<float, 2, Ex> text(const host_tensor<float, 2>& all, index_t i) const {
    return clone(ex,
                 to_space(ex, reshape(slice(all, i), shape{index_t(1), index_t(all.extent(1))})));
  }
};

void network(benchmark::State& state) {
  const problem p(state.range(0));
  auto image = p.image();
  for (auto _ : state) image = p.image();
  const auto work = bench::work_of(p.net.sizes(), state.range(0), 256, 256);
  const auto rate = [&](double flop) {
    return benchmark::Counter(flop * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
  };
  state.counters["effective GFLOP/s"] = rate(work.all);
  state.counters["executed GFLOP/s"] = rate(work.all - 0.75 * work.minimal);
  state.counters["GFLOP"] = work.all * 1e-9;
  state.counters["peak MiB"] = peak_mib();
  const std::string to = folder("CARDIOMM_PEERS_OUT");
  if (!to.empty())
    io::write_npy(to + "/network_" + std::to_string(state.range(0)) + ".npy",
                  reshape(image, shape<2>{{256, 256}}));
}

BENCHMARK(network)->Arg(10)->Iterations(2)->MeasureProcessCPUTime()->UseRealTime()->Unit(
    benchmark::kSecond);

}  // namespace
