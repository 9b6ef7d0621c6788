// SPDX-License-Identifier: Apache-2.0
/// \file
/// The main function of every benchmark: starts Kokkos and writes what the figures depend on into
/// the context of the report.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <sstream>
#include <string>

#include "cardiomm/core/lane.hpp"
#include "cardiomm/core/runtime.hpp"

#ifndef CARDIOMM_GIT_HASH
#define CARDIOMM_GIT_HASH ""
#endif
#ifndef CARDIOMM_BENCH_FLAGS
#define CARDIOMM_BENCH_FLAGS "not told"
#define CARDIOMM_BENCH_BUILD_TYPE "not told"
#endif

namespace {

#define CARDIOMM_BENCH_TEXT2(x) #x
#define CARDIOMM_BENCH_TEXT(x) CARDIOMM_BENCH_TEXT2(x)

std::string compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#elif defined(__GNUC__)
  return "g++ " __VERSION__;
#else
  return "unknown";
#endif
}

std::string backends() {
  std::string names;
#ifdef KOKKOS_ENABLE_SERIAL
  names += "Serial ";
#endif
#ifdef KOKKOS_ENABLE_THREADS
  names += "Threads ";
#endif
#ifdef KOKKOS_ENABLE_OPENMP
  names += "OpenMP ";
#endif
#ifdef KOKKOS_ENABLE_HPX
  names += "HPX ";
#endif
#ifdef KOKKOS_ENABLE_CUDA
  names += "Cuda ";
#endif
#ifdef KOKKOS_ENABLE_HIP
  names += "HIP ";
#endif
#ifdef KOKKOS_ENABLE_SYCL
  names += "SYCL ";
#endif
  return names.substr(0, names.size() - 1);
}

/// What Kokkos says of itself, in one line.
std::string configuration() {
  std::ostringstream out;
  Kokkos::print_configuration(out, false);
  std::string line;
  std::istringstream in(out.str());
  for (std::string word; in >> word;) line += (line.empty() ? "" : " ") + word;
  return line;
}

}  // namespace

int main(int argc, char** argv) {
  cardiomm::runtime guard(argc, argv);
  using space = Kokkos::DefaultHostExecutionSpace;
  const auto text = [](auto value) {
    std::ostringstream out;
    out << value;
    return out.str();
  };
  const char* effort = std::getenv("CARDIOMM_FFT_EFFORT");
  benchmark::AddCustomContext("cardiomm", CARDIOMM_VERSION_STRING " " CARDIOMM_GIT_HASH);
  benchmark::AddCustomContext("kokkos", text(cardiomm::compat::version_major) + "." +
                                            text(cardiomm::compat::version_minor) + "." +
                                            text(cardiomm::compat::version_patch));
  benchmark::AddCustomContext("kokkos_backends", backends());
  benchmark::AddCustomContext("kokkos_configuration", configuration());
  benchmark::AddCustomContext("built_from", CARDIOMM_GIT_HASH);
  benchmark::AddCustomContext("compiler", compiler());
  benchmark::AddCustomContext("flags", CARDIOMM_BENCH_FLAGS);
  benchmark::AddCustomContext("build_type", CARDIOMM_BENCH_BUILD_TYPE);
  benchmark::AddCustomContext("abi", CARDIOMM_BENCH_TEXT(CARDIOMM_ABI));
  benchmark::AddCustomContext("lane_bytes", text(CARDIOMM_LANE_BYTES));
  benchmark::AddCustomContext("execution_space", space::name());
  benchmark::AddCustomContext("threads", text(space().concurrency()));
  benchmark::AddCustomContext("lanes_float", text(cardiomm::lane_width<float, space>));
  benchmark::AddCustomContext("lane_set", cardiomm::lane_name());
  benchmark::AddCustomContext("fftw", CARDIOMM_HAS_FFTW ? "yes" : "no");
  benchmark::AddCustomContext("fft_effort", effort ? effort : "default");
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
