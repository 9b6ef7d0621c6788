// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_RUN_STEPS_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_RUN_STEPS_HPP
/// \file
/// The steps of `cardiomm run` for one case. Each writes complete files; none knows of the others.

#include "recon.hpp"
#include "run_plan.hpp"

namespace program {

/// K-space on its way to `recon`: files and how to read them.
struct ready_case {
  std::string kspace, mask, noise, traj, maps;
  std::string axes_text;  ///< for --axes, empty where the file says so
  shape<5> size{};        ///< (frame, slice, coil, y, x)
  bool full = false, crop = false;
  geometry voxel;
  json told = json::object();
};

/// The shape of a k-space file without leading axes of 1, as its rank then says which axes it has.
inline extents compact_kspace(extents s) {
  if (s.size() == 5 && s[1] == 1) s.erase(s.begin() + 1);
  if (s.size() == 4 && s[0] == 1) s.erase(s.begin());
  return s;
}

/// What `prepare` writes beside the k-space, empty paths where it is not asked for.
struct prepared_files {
  std::string kspace, mask, noise, traj, maps, zero_filled;
};

/// Coil images to k-space, lines to their places, the centre to the middle: k-space (frame, slice,
/// coil, y, x) as .npy.
void prepare_array(const scan_case& s, const std::string& out);
/// Acquisitions sorted into k-space; noise scans beside it. Tells what was found.
json prepare_raw(const scan_case& s, const prepared_files& out);
/// Trajectory in cycles per field of view and the zero-filled image. Tells what was done.
json prepare_spokes(const scan_case& s, const prepared_files& out);
/// Non-Cartesian data at the Cartesian positions that they reach, the mask of these, and coil maps
/// from the centre of the spokes.
json prepare_grid(const scan_case& s, const std::string& traj, const prepared_files& out);

/// The mask of a file as (frame, y, x) of 0 and 1.
void write_mask(const std::string& path, const axes& order, const mask_target& t,
                const std::string& out);
/// The mask that the zeros of k-space tell; frame by frame.
void find_mask(const ready_case& r, const std::string& out);
/// A made mask, for data that were measured in full.
void make_mask_file(const run_command& c, const shape<5>& size, const std::string& out);

/// How a mask samples.
struct sampling_facts {
  double share = 1;   ///< of all samples
  bool lines = true;  ///< whole lines of the readout
  index_t acs = 0;    ///< central lines, or the edge of the central square, of the first frame
};
sampling_facts sampling_of_mask(const std::string& path);

/// PNG of the middle frames, and of several images side by side; a cine where there are frames.
struct picture_set {
  std::string image, zero_filled, reference;  ///< inputs; may be empty but for the image
  std::string mosaic, cine, comparison;       ///< outputs; the cine may be empty
};
void draw_pictures(const picture_set& p);

/// Magnitudes of an image as a NIfTI volume.
void write_nifti_image(const std::string& image, const geometry& voxel, const std::string& out);
/// A reference as magnitudes (frame, slice, y, x), without axes of 1.
void copy_reference(const std::string& from, const std::string& out);
/// max |a - b| / max |b| of magnitudes; nothing if the shapes differ.
std::optional<double> difference_of_images(const std::string& a, const std::string& b);

}  // namespace program

#endif
