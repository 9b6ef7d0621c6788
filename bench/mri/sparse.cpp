// SPDX-License-Identifier: Apache-2.0
/// \file
/// Regularised reconstructions of 25 frames x 10 coils x 208 x 256, k-t undersampled. With
/// CARDIOMM_PEERS_DATA they work on the data of the comparison with other programs (bench/peers)
/// and write their images into CARDIOMM_PEERS_OUT, else on a random series. Weights are those of
/// the comparison; the objective is reported where the problem has one.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "cardiomm/io/npy.hpp"
#include "cardiomm/mri/kt_sparse.hpp"
#include "cardiomm/mri/l1_wavelet.hpp"
#include "cardiomm/mri/low_rank.hpp"
#include "cardiomm/mri/total_variation.hpp"
#include "support/problem.hpp"

using namespace cardiomm;
using bench::C;
using bench::Ex;

namespace {

std::string folder(const char* variable) {
  const char* value = std::getenv(variable);
  return value ? value : "";
}

struct problem {
  tensor<C, 5, Ex> kspace, maps;
  host_tensor<std::uint8_t, 3> mask;

  explicit problem(index_t coils) {
    const std::string data = folder("CARDIOMM_PEERS_DATA");
    if (data.empty()) {
      const bench::scan scan({.coils = coils});
      kspace = scan.kspace();
      maps = scan.maps;
      mask = scan.mask;
      return;
    }
    const std::string n = std::to_string(coils);
    kspace = load(data + "/und_" + n + "_4.npy");
    maps = load(data + "/maps_" + n + ".npy");
    const auto lines = io::read_npy<C, 4>(data + "/mask_4.npy");  // (frame, 1, y, 1)
    const shape<5> k = shape_of(kspace);
    mask = make_tensor<std::uint8_t>(host_space(), shape{k[0], k[3], k[4]});
    for (std::size_t i = 0; i < mask.size(); ++i)
      mask.data()[i] = lines.data()[i / mask.extent(2)].real() != 0 ? 1 : 0;
  }
  static tensor<C, 5, Ex> load(const std::string& path) {
    const auto file = io::open_npy(path);  // (frame, coil, y, x)
    const auto& n = file.shape();
    const auto host =
        make_tensor<C>(host_space(), shape{n[0], index_t(1), n[1], n[2], n[3]}, "bench");
    file.read(host.data());
    return to_space(Ex(), host);
  }
  /// 1/2 |A x - y|^2 + P(x)
  template <class P, class X>
  double objective(const P& p, const X& x) const {
    const Ex ex;
    return mri::detail::with_sampling<float, Ex>(mask, [&](const auto& sampling) {
      const auto a = mri::encoding(sampling, linop::soft_sensitivity<float, Ex>(maps));
      auto left = clone(ex, kspace);
      linop::apply(ex, sampling, kspace, left);
      linop::apply(ex, a, x, left, {C(-1), true});
      const double n = blas1::norm(ex, left);
      return n * n / 2 + p.value(ex, x);
    });
  }
};

/// Times reconstruct(problem) -> result.
template <class F, class P>
void run(benchmark::State& state, const char* job, const P& p, const F& reconstruct) {
  const problem data(state.range(0));
  auto result = reconstruct(data);
  for (auto _ : state) {
    result = {};
    result = reconstruct(data);
  }
  state.counters["objective"] = data.objective(p, result.image);
  const std::string to = folder("CARDIOMM_PEERS_OUT");
  if (!to.empty())
    io::write_npy(to + "/" + job + "_" + std::to_string(state.range(0)) + ".npy", result.image);
}

void wavelet(benchmark::State& state, const char* job, bool shift, int iterations) {
  const prox::wavelet_l1<float, 5, Ex> p(0.006, 208, 256, {.levels = 0});
  run(state, job, p, [=](const problem& d) {
    return mri::l1_wavelet(
        Ex(), d.kspace, d.mask, d.maps,
        {.lambda = 0.006, .iterations = iterations, .levels = 0, .random_shift = shift});
  });
}
void variation(benchmark::State& state, const char* job, const mri::total_variation_options& o) {
  run(state, job, prox::total_variation_in_time<float, Ex, 5>(0.02),
      [=](const problem& d) { return mri::total_variation(Ex(), d.kspace, d.mask, d.maps, o); });
}
void space(benchmark::State& state, const char* job) {
  run(state, job, prox::total_variation_in_space<float, Ex, 5>(0.005), [=](const problem& d) {
    return mri::total_variation(Ex(), d.kspace, d.mask, d.maps,
                                {.lambda = 0.005, .along = mri::variation::space});
  });
}
void frequency(benchmark::State& state, const char* job) {
  run(state, job, prox::frequency_l1<float, Ex, 5>(0.01, 25), [=](const problem& d) {
    return mri::kt_sparse(Ex(), d.kspace, d.mask, d.maps, {.lambda = 0.01});
  });
}

/// Weights as BART's, over the width of noise.
void blocks(benchmark::State& state, const char* job, prox::block_shift shift) {
  const mri::llr_options o{.lambda = 0.04, .width = true, .shift = shift};
  const double weight = mri::llr_weight(o, shape<5>{{1, 25, 1, 208, 256}});
  run(state, job, prox::low_rank<float, Ex, 5>(weight),
      [=](const problem& d) { return mri::llr(Ex(), d.kspace, d.mask, d.maps, o); });
}

template <class F>
void add(const char* job, const F& f) {
  benchmark::RegisterBenchmark(job, [=](benchmark::State& state) { f(state, job); })
      ->Arg(10)
      ->Iterations(3)
      ->MeasureProcessCPUTime()
      ->UseRealTime()
      ->Unit(benchmark::kSecond);
}
void add_variation(const char* job, const mri::total_variation_options& o) {
  add(job, [=](benchmark::State& s, const char* name) { variation(s, name, o); });
}

[[maybe_unused]] const bool added = [] {
  using solver = mri::algorithm;
  add("l1wavelet", [](auto& s, const char* name) { wavelet(s, name, true, 30); });
  add("l1wavelet_fixed", [](auto& s, const char* name) { wavelet(s, name, false, 30); });
  add_variation("tv", {.lambda = 0.02, .iterations = 10});
  add_variation("tv_fista30", {.lambda = 0.02, .iterations = 30});
  add_variation("tv_pdhg100", {.lambda = 0.02, .iterations = 100, .solver = solver::pdhg});
  // BART's -i20 -C5 counts applications of the normal operator: it ends after five times five.
  add_variation("tv_admm5x5", {.lambda = 0.02, .iterations = 5, .solver = solver::admm});
  add_variation("tv_admm20x5", {.lambda = 0.02, .iterations = 20, .solver = solver::admm});
  add("tv_space", space);
  add("ktsparse", frequency);
  add("llr", [](auto& s, const char* name) { blocks(s, name, prox::block_shift::cycle); });
  add("llr_fixed", [](auto& s, const char* name) { blocks(s, name, prox::block_shift::none); });
  return true;
}();

}  // namespace
