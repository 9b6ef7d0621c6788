// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm info`: how the program was built, and what a file holds.

#include "cardiomm/core/lane.hpp"
#include "cardiomm/io/safetensors.hpp"
#include "common.hpp"
#if CARDIOMM_HAS_FFTW
#include <fftw3.h>
#endif

namespace program {
namespace {

std::string kokkos_version() {
  namespace compat = cardiomm::compat;
  return std::to_string(compat::version_major) + "." + std::to_string(compat::version_minor) + "." +
         std::to_string(compat::version_patch);
}

std::vector<std::string> kokkos_backends() {
  return {
#ifdef KOKKOS_ENABLE_CUDA
      "Cuda",
#endif
#ifdef KOKKOS_ENABLE_HIP
      "HIP",
#endif
#ifdef KOKKOS_ENABLE_OPENMP
      "OpenMP",
#endif
#ifdef KOKKOS_ENABLE_THREADS
      "Threads",
#endif
#ifdef KOKKOS_ENABLE_SERIAL
      "Serial",
#endif
  };
}

std::string fft_library() {
#if CARDIOMM_HAS_CUFFT
  return "cuFFT";
#elif CARDIOMM_HAS_HIPFFT
  return "hipFFT";
#elif CARDIOMM_HAS_FFTW
  return std::string(fftwf_version) + ", built-in";
#else
  return "built-in";
#endif
}

/// Float lanes of the processor's widest instructions; 0 where that is not known.
int processor_lanes() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) return 16;
  if (__builtin_cpu_supports("avx")) return 8;
  return 4;
#elif defined(__aarch64__)
  return 4;
#else
  return 0;
#endif
}

json about_build() {
  json j;
  j["version"] = CARDIOMM_VERSION_STRING;
  j["kokkos"] = {{"version", kokkos_version()},
                 {"backends", kokkos_backends()},
                 {"default", cardiomm::default_space::name()},
                 {"threads", cardiomm::host_space().concurrency()}};
  const int lanes = cardiomm::lane_width<float, host_space>;
  j["lanes"] = {{"float", lanes},
                {"double", cardiomm::lane_width<double, host_space>},
                {"instructions", cardiomm::lane_name()},
                {"processor", processor_lanes()},
                {"narrow", lanes < processor_lanes()}};
  j["fft"] = fft_library();
  j["compiler"] = __VERSION__;
  return j;
}

json about_array(const std::string& name, const io::stored_array& a) {
  return {{"name", name}, {"shape", a.shape()}, {"type", io::name_of(a.type())}};
}

json about_file(const std::string& path) {
  json j = {{"file", path}};
  if (extension_of(path) == ".safetensors") {
    const io::safetensors_file file(path);
    j["format"] = "safetensors";
    j["arrays"] = json::array();
    for (const auto& name : file.names()) j["arrays"].push_back(about_array(name, file.at(name)));
    return j;
  }
  if (input_format(path) == format::npy) {
    const auto a = io::open_npy(path);
    j["format"] = "npy";
    j["shape"] = a.shape();
    j["type"] = io::name_of(a.type());
    return j;
  }
  const auto file = io::open_cfl(path);
  int last = io::cfl_dims;
  while (last > 1 && file.dims[static_cast<std::size_t>(last - 1)] == 1) --last;
  j["format"] = "cfl";
  j["type"] = "complex64";
  j["dimensions"] = std::vector<index_t>(file.dims.begin(), file.dims.begin() + last);
  return j;
}

std::string shape_text(const json& shape) {
  extents e;
  for (const auto& n : shape) e.push_back(n.get<index_t>());
  return io::to_string(e);
}

void print_file(const json& j) {
  if (j.contains("arrays")) {
    std::cout << j["file"].get<std::string>() << ": safetensors, " << j["arrays"].size()
              << " arrays\n";
    for (const auto& a : j["arrays"])
      std::cout << "  " << a["name"].get<std::string>() << " " << shape_text(a["shape"]) << " "
                << a["type"].get<std::string>() << "\n";
    return;
  }
  std::cout << j["file"].get<std::string>() << ": " << j["format"].get<std::string>() << ", "
            << (j.contains("dimensions") ? "dimensions " + shape_text(j["dimensions"])
                                         : "shape " + shape_text(j["shape"]))
            << ", " << j["type"].get<std::string>() << "\n";
}

void print_build(const json& j) {
  std::string backends;
  for (const auto& b : j["kokkos"]["backends"])
    backends += (backends.empty() ? "" : ", ") + b.get<std::string>();
  std::cout << "cardiomm  " << j["version"].get<std::string>() << "\n"
            << "Kokkos    " << j["kokkos"]["version"].get<std::string>() << ", back-ends "
            << backends << " (default " << j["kokkos"]["default"].get<std::string>() << ", "
            << j["kokkos"]["threads"] << " threads)\n"
            << "lanes     " << j["lanes"]["float"] << " float, " << j["lanes"]["double"]
            << " double (" << j["lanes"]["instructions"].get<std::string>() << ")\n"
            << "FFT       " << j["fft"].get<std::string>() << "\n"
            << "compiler  " << j["compiler"].get<std::string>() << "\n";
  if (j["lanes"]["narrow"].get<bool>())
    std::cerr << "cardiomm: warning: this build uses " << j["lanes"]["float"]
              << " float lanes where the processor has " << j["lanes"]["processor"]
              << "; build with CARDIOMM_ARCH=native (./dev build does)\n";
}

}  // namespace

action add_info(CLI::App& app, common_options& common) {
  auto files = std::make_shared<std::vector<std::string>>();
  auto& command = add_command(app, "info", "How the program was built, and what files hold",
                              "  cardiomm info\n"
                              "  cardiomm info kspace.npy maps.cfl weights.safetensors",
                              common);
  command.add_option("files", *files, "Files to describe: .npy, .cfl, .hdr, .safetensors");
  return [files](const common_options& options) {
    if (files->empty()) {
      const json j = about_build();
      if (options.as_json)
        std::cout << dump(j) << "\n";
      else
        print_build(j);
      return;
    }
    json all = json::array();
    for (const auto& path : *files) all.push_back(about_file(path));
    if (options.as_json)
      std::cout << dump(all) << "\n";
    else
      for (const auto& j : all) print_file(j);
  };
}

}  // namespace program
