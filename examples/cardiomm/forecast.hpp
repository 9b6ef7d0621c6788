// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_FORECAST_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_FORECAST_HPP
/// \file
/// What memory a reconstruction takes, told from the headers of its files. `model` holds what is
/// known about the library's working memory: all that has to follow when an algorithm changes.

#include <fstream>

#include "scan.hpp"

namespace program {

namespace model {
/// Images that CG-SENSE holds beside the result: residual, direction, and the operator on it.
inline constexpr double solver_vectors = 3;
/// The same of the recipes: what FISTA holds, the dual of TV or both parts of low rank + sparse.
inline constexpr double recipe_vectors = 5;
/// Copies of the maps that the normal operator holds (packets in the order of use).
inline constexpr double packed_maps = 1;
/// Part of the lines of a plane that is sampled, where the mask is not known yet.
inline constexpr double sampled = 0.5;
/// Buffers of a batch of frames that cropping takes.
inline constexpr double crop_buffers = 2.5;
/// Most bytes that mixing coils takes.
inline constexpr double mixing = 16 << 20;
/// What the program grows by when it starts to work: code, tables of transforms, stacks, a window
/// of the file.
inline constexpr double started = 2.5e6;
/// Feature maps of the finest level that a network holds at once.
inline constexpr double network_features = 6.3;
/// Prompts that are kept, of the bytes of the weights.
inline constexpr double network_prompts = 0.1;
/// Operations a second and thread of the network's convolutions (a core with AVX-512).
inline constexpr double network_rate = 5e11;
}  // namespace model

/// Bytes of a process.
struct forecast {
  double program = 0;  ///< before any work
  double kspace = 0, mask = 0, maps = 0, images = 0, solver = 0, workspace = 0, output = 0;
  double weights = 0;    ///< of a network
  double available = 0;  ///< to all processes of this machine
  int here = 1;          ///< processes of this machine
  double peak() const {
    return program + kspace + mask + maps + images + solver + workspace + output + weights;
  }
  /// Bytes that all processes of this machine will ask for.
  double wanted() const { return (peak() - program) * here; }
};

namespace detail {
inline double number_in(const std::string& path) {
  std::ifstream file(path);
  double v = -1;
  file >> v;
  return file ? v : -1;
}
}  // namespace detail

/// Bytes in memory of this process.
inline double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double all = 0, resident = 0;
  file >> all >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

/// Bytes that this machine, or the group of processes that this one belongs to, can still give.
inline double available_bytes() {
  double least = static_cast<double>(::sysconf(_SC_AVPHYS_PAGES)) *
                 static_cast<double>(::sysconf(_SC_PAGESIZE));
  std::ifstream meminfo("/proc/meminfo");
  for (std::string key, unit; meminfo >> key;) {
    double v = 0;
    if (!(meminfo >> v)) break;
    std::getline(meminfo, unit);
    if (key == "MemAvailable:") least = 1024 * v;
  }
  std::vector<std::pair<std::string, std::string>> limits = {
      {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"},
      {"/sys/fs/cgroup/memory/memory.limit_in_bytes",
       "/sys/fs/cgroup/memory/memory.usage_in_bytes"}};
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);)
    if (line.rfind("0::/", 0) == 0) {
      const std::string folder = "/sys/fs/cgroup" + line.substr(3);
      limits.emplace_back(folder + "/memory.max", folder + "/memory.current");
    }
  for (const auto& [limit, used] : limits) {
    const double most = detail::number_in(limit), now = detail::number_in(used);
    if (most >= 0 && now >= 0) least = std::min(least, std::max(0.0, most - now));
  }
  return least;
}

/// The memory of a process whose part is as large as any.
template <class T>
forecast forecast_of(const recon_command& c, const recon_inputs& in,
                     const dist::communicator& team) {
  const dist::block b = in.cut.of(0);
  const double item = sizeof(complex<T>), plane = double(in.matrix[0] * in.matrix[1]);
  const shape<5>& raw = in.kspace.sizes;
  const auto bytes = [&](const shape<5>& s) { return double(s.size()) * item; };
  const double units = double(b.frames * b.slices);
  forecast f;
  f.program = resident_bytes();
  f.available = available_bytes();
  f.here = team.here();
  f.kspace = bytes(in.part(b));
  f.mask = double(raw[0]) * double(raw[3] * raw[4]) * (c.crop ? 1.5 : 1) + double(b.frames) * plane;

  // while k-space is read
  const double batch = bytes({{in.batch(b), b.slices, raw[2], raw[3], raw[4]}});
  double arena = 0, reading = 0;
  if (!in.direct() || c.coils) reading += batch;
  if (c.crop) arena += model::crop_buffers * batch;
  if (c.coils || in.noise) arena += std::min(model::mixing, 2 * batch);
  if (c.coils) reading += double(raw[0] * raw[1] * raw[2] * raw[2]) * sizeof(complex<double>);

  // while the coil maps are found, and from then on
  const bool rss = c.method == "rss", sense = c.method == "sense";
  double finding = 0;
  if (c.wants_maps()) {
    const index_t slices = in.maps && in.maps->sizes[1] == 1 ? 1 : b.slices;
    f.maps = bytes({{in.sets(), slices, in.whole[2], in.matrix[0], in.matrix[1]}});
    if (in.maps) {
      const shape<5>& m = in.maps->sizes;
      if (m[2] != in.whole[2] || m[4] != in.whole[4])
        finding = bytes({{m[0], slices, m[2], m[3], m[4]}});
    } else {
      mri::espirit_options o;
      o.calib = c.calib.value_or(-1);
      finding = double(mri::espirit_scratch_bytes<T, space>(in.part(b), o));
    }
  }

  // while it is solved
  const double image = units * plane * double(in.sets()) * item;
  double solving = 0;
  if (rss) {
    solving = bytes({{1, b.slices, in.whole[2], in.whole[3], in.whole[4]}});
    f.images = units * plane * sizeof(T);
  } else {
    f.images = image;
    solving = model::sampled * double(in.whole[2]) * plane * item;
    if (c.recipe()) {
      f.solver = c.method == "grappa" ? f.kspace
                 : c.method == "nlinv"
                     ? 6 * bytes({{1, 1, in.whole[2] + 1, in.whole[3], in.whole[4]}})
                     : model::recipe_vectors * image;
      solving += model::packed_maps * f.maps;
    }
    if (sense) {
      const bool per_frame = in.sets() > 1 && !c.joint && units > 1;
      f.solver = model::solver_vectors * (per_frame ? image / units : image);
      solving += model::packed_maps * f.maps + (per_frame ? f.maps : 0);
    }
  }
  // The largest of the stages; what stays is there in all of them.
  const double stays = f.images + f.solver;
  f.workspace =
      model::started + arena + std::max({solving, finding - stays, reading - f.maps - stays, 0.0});
  return f;
}

/// A number of bytes for people.
inline std::string in_units(double bytes) {
  const char* units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  int u = 0;
  for (; bytes >= 999.5 && u < 5; ++u) bytes /= 1000;
  char text[32];
  std::snprintf(text, sizeof text, bytes < 9.995 && u > 0 ? "%.2f %s" : "%.0f %s", bytes, units[u]);
  return text;
}

/// Says so on standard error where the memory will not do.
inline void warn(const forecast& f) {
  if (f.wanted() <= f.available) return;
  std::fprintf(stderr,
               "cardiomm: warning: the run needs %s of memory (%.0f bytes), but only %s are "
               "available (%.0f bytes)\n",
               in_units(f.wanted()).c_str(), f.wanted(), in_units(f.available).c_str(),
               f.available);
  std::fflush(stderr);
}

}  // namespace program

#endif
