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
