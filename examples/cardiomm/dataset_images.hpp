// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_DATASET_IMAGES_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_DATASET_IMAGES_HPP
/// \file
/// Images of a measurement as the published tools write them: MATLAB, NIfTI and PNG.

#include "dataset.hpp"

namespace program {

/// Magnitude images (frame, slice, y, x).
struct image_stack {
  index_t frames = 1, slices = 1, ny = 0, nx = 0;
  std::vector<float> values;

  image_stack() = default;
  image_stack(index_t t, index_t z, index_t height, index_t width)
      : frames(t),
        slices(z),
        ny(height),
        nx(width),
        values(static_cast<std::size_t>(t * z * height * width)) {}
  float* plane(index_t t, index_t z) {
    return values.data() + static_cast<std::size_t>((t * slices + z) * ny * nx);
  }
  const float* plane(index_t t, index_t z) const {
    return const_cast<image_stack*>(this)->plane(t, z);
  }
};

/// The centre nx / 2 of the readout.
image_stack half_readout(const image_stack& full);

/// What a table of scan parameters tells; NaN where it tells nothing.
struct scan_table {
  double fov_x, fov_y, matrix_x, matrix_y, thickness, tr;
  bool there = false;
};
/// Reads {data}_info.csv: columns Parameter and Value (or Value_1); units in parentheses are
/// dropped. Tables of other columns tell nothing.
scan_table read_scan_table(const std::string& path);

/// Sizes of a voxel by the published rules: 2 mm, 8 mm where the table lacks them, all ones
/// without a table.
struct voxel_size {
  double dx = 1, dy = 1, dz = 1, dt = 1;
};
voxel_size voxel_of(const io::dataset_scan& s, const scan_table& table, index_t nx, index_t ny);

/// Writes [nx, ny, nz, nt]; each slice is divided by its own 99.5th percentile over x, y and time.
void write_volume(const std::string& path, image_stack images, const voxel_size& voxel,
                  io::existing policy);

/// Writes one PNG for each slice and frame, rows along the readout; `name` ends the paths before
/// _{slice}_{frame}.png, or _{k}.png unless the images have four axes.
void write_pictures(dataset_task& t, const std::string& name, const image_stack& images,
                    std::size_t rank, double scale);

}  // namespace program

#endif
