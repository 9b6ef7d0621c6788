// SPDX-License-Identifier: Apache-2.0
/// \file
/// Our half of the comparison with other programs (run.py beside this file): calls of the library
/// on the data of the comparison, and FFTW with MEASURE and folded phases. The folder of the data
/// is CARDIOMM_PEERS_DATA; results are written into CARDIOMM_PEERS_OUT, where it is set, so that
/// one piece of code scores everybody's.
#include <benchmark/benchmark.h>
#if CARDIOMM_HAS_FFTW
#include <fftw3.h>
#endif

#include <cmath>
#include <cstdlib>
#include <memory>

#include "cardiomm/fft/transform.hpp"
#include "cardiomm/io/npy.hpp"
#include "cardiomm/mri/calibrate.hpp"
#include "cardiomm/mri/reconstruct.hpp"

using namespace cardiomm;
using C = complex<float>;
using Ex = default_space;

namespace {

std::string folder(const char* variable) {
  const char* value = std::getenv(variable);
  return value ? value : "";
}
std::string input(const std::string& name) {
  return folder("CARDIOMM_PEERS_DATA") + "/" + name + ".npy";
}
template <TensorView V>
void output(const std::string& name, const V& values) {
  const std::string to = folder("CARDIOMM_PEERS_OUT");
  if (!to.empty()) io::write_npy(to + "/" + name + ".npy", values);
}

/// The file (frame, coil, y, x) as (frame, slice, coil, y, x).
tensor<C, 5, Ex> load(const std::string& name) {
  const auto file = io::open_npy(input(name));
  const auto& n = file.shape();
  require<shape_error>(n.size() == 4, name, ": expected (frame, coil, y, x), found ", n.size(),
                       " axes");
  const auto host =
      make_tensor<C>(host_space(), shape{n[0], index_t(1), n[1], n[2], n[3]}, "peers");
  file.read(host.data());
  return to_space(Ex(), host);
}

/// The calls after the first, which fills caches and tables; every benchmark has the name of its
/// method and the number of coils.
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

void run_sense(benchmark::State& state) {
  const std::string coils = std::to_string(state.range(0));
  const auto kspace = load("und_" + coils + "_4"), maps = load("maps_" + coils);
  const auto lines = io::read_npy<C, 4>(input("mask_4"));  // (frame, 1, y, 1)
  auto mask = make_tensor<std::uint8_t>(
      host_space(),
      shape{index_t(kspace.extent(0)), index_t(kspace.extent(3)), index_t(kspace.extent(4))});
  for (std::size_t i = 0; i < mask.size(); ++i)
    mask.data()[i] = lines.data()[i / mask.extent(2)].real() != 0 ? 1 : 0;
  mri::sense_options options;
  options.lambda = 0;
  options.iterations = 10;
  tensor<C, 5, Ex> image;
  time(state, [&] {
    image = {};
    image = mri::sense(Ex(), kspace, mask, maps, options).image;
  });
  output("sense_" + coils, image);
}

void run_espirit(benchmark::State& state) {
  const std::string coils = std::to_string(state.range(0));
  const auto kspace = load("tavg_" + coils);
  mri::espirit_options options;
  options.crop = 0;
  tensor<C, 5, Ex> maps;
  time(state, [&] { maps = mri::espirit(Ex(), kspace, options); });
  output("espirit_" + coils, maps);
}

void run_fft(benchmark::State& state) {
  const std::string coils = std::to_string(state.range(0));
  const auto x = load("full_" + coils);
  const auto y = make_tensor<C>(Ex(), shape_of(x));
  time(state, [&] { fft::fft(Ex(), x, y); });
  output("fft_" + coils, y);
}

#if CARDIOMM_HAS_FFTW
/// A slice: signs on the way into a buffer that stays in the cache, transform, signs and norm on
/// what was just written. Extents are multiples of four, where the phases are signs.
struct fftw_slice {
  static constexpr const char* name = "cardiomm::bench::fftw";
  fftwf_plan plan;
  const C* x;
  C* y;
  index_t ny, nx;
  void operator()(index_t slice, index_t, index_t) const {
    const auto release = [](void* p) { fftwf_free(p); };
    thread_local const std::unique_ptr<C, decltype(release)> buffer(
        static_cast<C*>(fftwf_malloc(static_cast<std::size_t>(ny * nx) * sizeof(C))), release);
    C* out = y + slice * ny * nx;
    signs(x + slice * ny * nx, buffer.get(), 1);
    fftwf_execute_dft(plan, reinterpret_cast<fftwf_complex*>(buffer.get()),
                      reinterpret_cast<fftwf_complex*>(out));
    signs(out, out, 1 / std::sqrt(static_cast<float>(ny * nx)));
  }
  void signs(const C* from, C* to, float scale) const {
    for (index_t j = 0; j < ny; ++j, from += nx, to += nx) {
      const float s = j % 2 ? -scale : scale;
      for (index_t i = 0; i < nx; i += 2) {
        to[i] = from[i] * s;
        to[i + 1] = from[i + 1] * -s;
      }
    }
  }
};

void run_fftw(benchmark::State& state) {
  const std::string coils = std::to_string(state.range(0));
  const auto x = load("full_" + coils);
  const shape<5> s = shape_of(x);
  const std::size_t numbers = x.size();
  const auto release = [](C* p) { fftwf_free(p); };
  const std::unique_ptr<C, decltype(release)> y(static_cast<C*>(fftwf_malloc(numbers * sizeof(C))),
                                                release);
  if (s[3] % 4 || s[4] % 4) return state.SkipWithError("extents are not multiples of four");
  fftw_slice slices{nullptr, x.data(), y.get(), s[3], s[4]};
  {
    C* from = static_cast<C*>(fftwf_malloc(static_cast<std::size_t>(s[3] * s[4]) * sizeof(C)));
    slices.plan = fftwf_plan_dft_2d(
        static_cast<int>(s[3]), static_cast<int>(s[4]), reinterpret_cast<fftwf_complex*>(from),
        reinterpret_cast<fftwf_complex*>(y.get()), FFTW_FORWARD, FFTW_MEASURE);
    fftwf_free(from);
  }
  time(state, [&] { launch::rows(host_space(), s[0] * s[2], index_t(1), slices); });
  fftwf_destroy_plan(slices.plan);
  output("fftw_" + coils, host_view<const C, 5>(y.get(), x.layout()));
}
#endif

void settings(benchmark::internal::Benchmark* b, int calls) {
  b->Arg(10)->Arg(30)->Iterations(calls)->MeasureProcessCPUTime()->UseRealTime()->Unit(
      benchmark::kSecond);
}
}  // namespace

BENCHMARK(run_sense)->Name("sense")->Apply([](auto* b) { settings(b, 3); });
BENCHMARK(run_espirit)->Name("espirit")->Apply([](auto* b) { settings(b, 5); });
BENCHMARK(run_fft)->Name("fft")->Apply([](auto* b) { settings(b, 10); });
#if CARDIOMM_HAS_FFTW
BENCHMARK(run_fftw)->Name("fftw")->Apply([](auto* b) { settings(b, 10); });
#endif
