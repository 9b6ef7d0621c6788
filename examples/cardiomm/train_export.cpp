// SPDX-License-Identifier: Apache-2.0
/// \file
/// Samples of training as files of the program.

#include "train_export.hpp"

#include <filesystem>

#include "cardiomm/io/image.hpp"
#include "cardiomm/io/npy.hpp"
#include "cardiomm/train/images.hpp"

namespace program {
namespace {

namespace fs = std::filesystem;
using cardiomm::shape;

/// A folder that is there when it is complete, and not at all otherwise.
class new_folder {
 public:
  explicit new_folder(const std::string& path) : path_(plain(path)) {
    std::error_code none;
    require<io_error>(!fs::exists(path_, none) || fs::is_empty(path_, none), path,
                      ": expected a new or empty folder, found files");
    const fs::path parent = path_.parent_path();
    if (!parent.empty()) fs::create_directories(parent, none);
    part_ = parent / ("." + path_.filename().string() + "." + std::to_string(::getpid()) + ".part");
    std::error_code failed;
    fs::create_directory(part_, failed);
    require<io_error>(fs::is_directory(part_, none), path, ": cannot be made: ", failed.message());
  }
  ~new_folder() {
    std::error_code none;
    if (!done_) fs::remove_all(part_, none);
  }
  new_folder(const new_folder&) = delete;
  new_folder& operator=(const new_folder&) = delete;
  std::string operator/(const std::string& name) const { return (part_ / name).string(); }
  void commit() {
    std::error_code failed;
    fs::remove(path_, failed);
    fs::rename(part_, path_, failed);
    require<io_error>(!failed, path_.string(), ": cannot be written: ", failed.message());
    done_ = true;
  }

 private:
  static fs::path plain(const std::string& path) {
    fs::path p = fs::path(path).lexically_normal();
    return p.filename().empty() ? p.parent_path() : p;
  }
  fs::path path_, part_;
  bool done_ = false;
};

template <class T>
void write(const std::string& path, const io::extents& shape, const std::vector<T>& values) {
  io::atomic_file out(path);
  io::put_npy(out, io::dtype_of<T>(), shape, values.data());
  out.commit();
}

/// Frames of one subject, put together.
struct series {
  shape<4> size{};  // (frame, coil, y, x)
  std::vector<complex<float>> full, masked;
  std::vector<std::uint8_t> mask;
  std::vector<float> target, zero_filled;
  std::vector<exported> frames;
};

void add(series& s, exported e) {
  const shape<4> k = cardiomm::shape_of(e.frame.kspace);
  const index_t image = k[1] * k[2] * k[3], middle = k[0] / 2, pixels = k[2] * k[3];
  s.size = {{s.size[0] + 1, k[1], k[2], k[3]}};
  const auto append = [](auto& to, const auto* from, index_t n) {
    to.insert(to.end(), from, from + n);
  };
  append(s.full, e.frame.kspace.data() + middle * image, image);
  append(s.masked, e.sample.kspace.data() + middle * image, image);
  append(s.mask, e.sample.mask.data(), pixels);
  append(s.target, e.sample.target.data(), pixels);
  const auto coils = cardiomm::clone(host_space{}, e.sample.kspace);
  cardiomm::fft::ifft(train::source_space{}, coils, coils);
  for (index_t p = 0; p < pixels; ++p) {
    double sum = 0;
    for (index_t c = 0; c < k[1]; ++c)
      sum += double(cardiomm::abs2(coils.data()[middle * image + c * pixels + p]));
    s.zero_filled.push_back(float(std::sqrt(sum)));
  }
  e.frame.kspace = {};
  e.sample.kspace = {};
  s.frames.push_back(std::move(e));
}

json describe(const series& s, const std::string& stem, const new_folder& folder) {
  const shape<4>& n = s.size;
  write(folder / (stem + "_full.npy"), {n[0], n[1], n[2], n[3]}, s.full);
  write(folder / (stem + "_kspace.npy"), {n[0], n[1], n[2], n[3]}, s.masked);
  write(folder / (stem + "_mask.npy"), {n[0], n[2], n[3]}, s.mask);
  write(folder / (stem + "_target.npy"), {n[0], n[2], n[3]}, s.target);
  const train::sample& one = s.frames.front().sample;
  const auto& m = one.acquisition;
  std::string told;
  for (const auto& [key, value] : {std::pair{"lifespan", m.lifespan},
                                   {"field", m.field},
                                   {"vendor", m.vendor},
                                   {"scanner", m.scanner},
                                   {"modality", m.modality},
                                   {"view", m.view}})
    told += (told.empty() ? "" : ", ") + std::string(key) + "=" + value;
  json frames = json::array();
  for (const exported& e : s.frames)
    frames.push_back({{"name", e.sample.name},
                      {"undersampling", std::to_string(e.sample.sampling.acceleration) + "x " +
                                            e.sample.sampling.family},
                      {"acs", e.sample.acs},
                      {"data_range", e.sample.data_range},
                      {"groups", e.sample.groups}});
  return {{"subject", one.subject},
          {"kspace", stem + "_full.npy"},
          {"undersampled", stem + "_kspace.npy"},
          {"mask", stem + "_mask.npy"},
          {"target", stem + "_target.npy"},
          {"shape", {n[0], n[1], n[2], n[3]}},
          {"metadata", told},
          {"frames", frames}};
}

/// Target, what zero filling makes of it, and the mask of the first frame, in a tile of `side`.
std::vector<io::picture> pictures_of(const series& s, int side) {
  const int ny = int(s.size[2]), nx = int(s.size[3]);
  const float most = *std::max_element(s.target.begin(), s.target.begin() + ny * nx);
  std::vector<float> mask(s.mask.begin(), s.mask.begin() + ny * nx);
  std::vector<io::picture> all;
  for (const auto& [values, top] : {std::pair{s.target.data(), double(most)},
                                    {s.zero_filled.data(), double(most)},
                                    {mask.data(), 1.0}}) {
    const io::picture p = io::render(values, ny, nx, {0, top});
    io::picture tile(side, side);
    for (int y = 0; y < ny; ++y)
      std::copy_n(p.row(y), nx, tile.row(y + (side - ny) / 2) + (side - nx) / 2);
    all.push_back(std::move(tile));
  }
  return all;
}

}  // namespace

void export_samples(const std::function<exported(index_t)>& frame_of, index_t count,
                    const train_command& c, const common_options& common) {
  require<value_error>(common.team.size() == 1, "--export: expected one process, found ",
                       common.team.size());
  new_folder folder(c.export_folder);
  progress show(common);
  json listed = json::array();
  std::vector<std::vector<io::picture>> rows;
  constexpr std::size_t most_rows = 64;
  std::vector<series> shown;
  series now;
  int side = 0;
  const auto finish = [&] {
    if (now.frames.empty()) return;
    char stem[16];
    std::snprintf(stem, sizeof stem, "%05d", int(listed.size()));
    listed.push_back(describe(now, stem, folder));
    if (shown.size() < most_rows) {
      side = std::max({side, int(now.size[2]), int(now.size[3])});
      now.full.clear();
      now.masked.clear();
      shown.push_back(std::move(now));
    }
    now = {};
  };
  for (index_t i = 0; i < count; ++i) {
    stop_if_interrupted();
    exported e = frame_of(i);
    const shape<4> k = cardiomm::shape_of(e.frame.kspace);
    if (!now.frames.empty() &&
        (now.frames.front().sample.subject != e.sample.subject || now.size[1] != k[1] ||
         now.size[2] != k[2] || now.size[3] != k[3])) {
      finish();
      if (index_t(listed.size()) == c.export_count) break;
    }
    show.part("subject " + std::to_string(listed.size() + 1) + " of " +
              std::to_string(c.export_count));
    add(now, std::move(e));
  }
  finish();
  std::vector<io::picture> tiles;
  for (const series& s : shown)
    for (io::picture& p : pictures_of(s, side)) tiles.push_back(std::move(p));
  io::write_png(folder / "pictures.png", io::mosaic(tiles, 6));
  const json all = {{"part", c.export_part}, {"samples", listed}};
  {
    io::atomic_file out(folder / "samples.json");
    out.write(dump(all) + "\n");
    out.commit();
  }
  folder.commit();
  show.clear();
  if (common.as_json)
    std::cout << dump({{"out", c.export_folder},
                       {"part", c.export_part},
                       {"subjects", listed.size()}})
              << "\n";
  else
    std::printf("%s: %zu subjects of the part %s\n", c.export_folder.c_str(), listed.size(),
                c.export_part.c_str());
}

}  // namespace program
