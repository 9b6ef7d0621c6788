// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm info`: how the program was built, and what a file holds.

#include "cardiomm/core/lane.hpp"
#include "common.hpp"
#include "formats.hpp"
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

json about_array(const member_info& m) {
  return {{"name", m.name}, {"shape", m.shape}, {"type", m.kind}};
}

json about_file(const std::string& path) {
  const format kind = input_format(path);
  json j = {{"file", path}, {"format", name_of(kind)}};
  if (kind == format::cfl) {
    const auto file = io::open_cfl(path);
    int last = io::cfl_dims;
    while (last > 1 && file.dims[static_cast<std::size_t>(last - 1)] == 1) --last;
    j["type"] = "complex64";
    j["dimensions"] = std::vector<index_t>(file.dims.begin(), file.dims.begin() + last);
    return j;
  }
  const auto all = members_of(path);
  if (all.size() == 1 && all[0].name.empty()) {
    j["shape"] = all[0].shape;
    j["type"] = all[0].kind;
  } else {
    j["arrays"] = json::array();
    for (const auto& m : all) j["arrays"].push_back(about_array(m));
  }
  for (const auto& [key, value] : facts_of(path)) j[key] = value;
  return j;
}

std::string shape_text(const json& shape) {
  extents e;
  for (const auto& n : shape) e.push_back(n.get<index_t>());
  return io::to_string(e);
}

void print_file(const json& j) {
  const auto text = [](const json& v) { return v.is_string() ? v.get<std::string>() : v.dump(); };
  std::cout << text(j["file"]) << ": " << text(j["format"]);
  if (j.contains("arrays"))
    std::cout << ", " << j["arrays"].size() << (j["arrays"].size() == 1 ? " array" : " arrays");
  else
    std::cout << ", "
              << (j.contains("dimensions") ? "dimensions " + shape_text(j["dimensions"])
                                           : "shape " + shape_text(j["shape"]))
              << ", " << text(j["type"]);
  std::cout << "\n";
  for (const auto& a : j.value("arrays", json::array()))
    std::cout << "  " << one_line(text(a["name"])) << " " << shape_text(a["shape"]) << " "
              << text(a["type"]) << "\n";
  for (const auto& [key, value] : j.items())
    if (key != "file" && key != "format" && key != "arrays" && key != "dimensions" &&
        key != "shape" && key != "type")
      std::cout << "  " << key << ": " << one_line(text(value)) << "\n";
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
  auto& command = add_command(
      app, "info", "How the program was built, and what files hold",
      "  cardiomm info\n"
      "  cardiomm info kspace.npy maps.cfl weights.safetensors cine_sax.mat raw.h5 label.nii.gz",
      common);
  command.add_option("files", *files, "Files to describe, of any format that is read");
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
