// SPDX-License-Identifier: Apache-2.0
/// \file
/// Images as the published tools write them.

#include "dataset_images.hpp"

#include "cardiomm/io/csv.hpp"
#include "cardiomm/io/image.hpp"
#include "cardiomm/io/nifti.hpp"

namespace program {

image_stack half_readout(const image_stack& full) {
  image_stack half(full.frames, full.slices, full.ny, full.nx / 2);
  const index_t from = (full.nx - half.nx) / 2;
  for (index_t r = 0; r < full.frames * full.slices * full.ny; ++r)
    std::copy_n(full.values.data() + r * full.nx + from, half.nx, half.values.data() + r * half.nx);
  return half;
}

scan_table read_scan_table(const std::string& path) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  scan_table s{none, none, none, none, none, none, false};
  if (path.empty()) return s;
  io::csv_options loose;
  loose.fill = true;
  const io::table t = io::read_csv(path, loose);
  const bool first = t.contains("Value");
  if (!t.contains("Parameter") || (!first && !t.contains("Value_1"))) return s;
  s.there = true;
  for (std::size_t r = 0; r < t.rows.size(); ++r) {
    std::string name = t.at(r, "Parameter");
    name.resize(std::min(name.size(), name.find('(')));
    while (!name.empty() && name.back() == ' ') name.pop_back();
    const auto value = io::to_number(t.at(r, first ? "Value" : "Value_1"));
    const std::pair<const char*, double*> known[] = {{"FOVx", &s.fov_x},
                                                     {"FOVy", &s.fov_y},
                                                     {"ReconMatrix_X", &s.matrix_x},
                                                     {"ReconMatrix_Y", &s.matrix_y},
                                                     {"SliceThickness", &s.thickness},
                                                     {"TR", &s.tr}};
    for (const auto& [key, to] : known)
      if (name == key && value) *to = *value;
  }
  return s;
}

voxel_size voxel_of(const io::dataset_scan& s, const scan_table& t, index_t nx, index_t ny) {
  voxel_size v;
  if (!t.there) return v;
  const bool by_image = s.device.vendor == "UIH" || io::detail::fold(s.centre) == "center007";
  const auto size = [](double fov, double n) {
    const double d = fov / n;
    return std::isfinite(d) && d > 0 ? d : 2.0;
  };
  v.dx = size(t.fov_x, by_image ? static_cast<double>(nx) : t.matrix_x);
  v.dy = size(t.fov_y, by_image ? static_cast<double>(ny) : t.matrix_y);
  v.dz = std::isfinite(t.thickness) && t.thickness > 0 ? t.thickness : 8;
  v.dt = std::isfinite(t.tr) && t.tr > 0 ? t.tr / 1000 : 1;
  return v;
}

void write_volume(const std::string& path, image_stack images, const voxel_size& voxel,
                  io::existing policy) {
  const index_t pixels = images.ny * images.nx;
  std::vector<float> all;
  for (index_t z = 0; z < images.slices; ++z) {
    all.clear();
    for (index_t t = 0; t < images.frames; ++t)
      all.insert(all.end(), images.plane(t, z), images.plane(t, z) + pixels);
    const double top = io::percentile(all.data(), static_cast<index_t>(all.size()), 99.5);
    if (!(top > 0)) continue;  // an empty slice stays empty
    for (index_t t = 0; t < images.frames; ++t)
      for (index_t i = 0; i < pixels; ++i)
        images.plane(t, z)[i] = static_cast<float>(images.plane(t, z)[i] / top);
  }
  io::nifti_output out(path, io::dtype::f32, {images.frames, images.slices, images.ny, images.nx},
                       io::nifti_geometry::voxels(voxel.dx, voxel.dy, voxel.dz, voxel.dt), policy);
  out.write(images.values.data(), images.values.size() * sizeof(float));
  out.commit();
}

void write_pictures(dataset_task& t, const std::string& name, const image_stack& images,
                    std::size_t rank, double scale) {
  index_t k = 0;
  for (index_t f = 0; f < images.frames; ++f)
    for (index_t z = 0; z < images.slices; ++z) {
      const float* plane = images.plane(f, z);
      const index_t pixels = images.ny * images.nx;
      const double top = io::percentile(plane, pixels, 99.5);
      std::vector<float> turned(static_cast<std::size_t>(pixels));
      for (index_t y = 0; y < images.ny; ++y)
        for (index_t x = 0; x < images.nx; ++x) {
          const double v = top > 0 ? plane[y * images.nx + x] / top * scale : 0;
          turned[static_cast<std::size_t>(x * images.ny + y)] =
              static_cast<float>(std::clamp(v, 0.0, 1.0));
        }
      const auto [low, high] = std::minmax_element(turned.begin(), turned.end());
      ++k;
      const std::string number =
          rank == 4 ? std::to_string(z + 1) + "_" + std::to_string(f + 1) : std::to_string(k);
      io::write_png(t.output(name + "_" + number + ".png"),
                    io::render(turned.data(), static_cast<int>(images.nx),
                               static_cast<int>(images.ny), {*low, *high}),
                    t.policy);
    }
}

}  // namespace program
