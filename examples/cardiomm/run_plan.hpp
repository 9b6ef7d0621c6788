// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_RUN_PLAN_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_RUN_PLAN_HPP
/// \file
/// What `cardiomm run` finds in a folder: what each file is, and the cases that can be
/// reconstructed.

#include <map>

#include "cardiomm/core/shape.hpp"
#include "common.hpp"
#include "run_content.hpp"

namespace program {

/// What `run` was asked for.
struct run_command {
  std::string folder, out, method = "sense", config;
  // files and axes, instead of what would be found
  std::string kspace, mask, noise, traj, maps, reference;
  std::vector<std::string> axes_text;
  bool coil_images = false;
  std::vector<std::string> only;
  // steps
  std::optional<index_t> compress;  ///< 0: none; left out: 10 where there are more coils
  bool crop = false;
  std::string pattern;
  std::optional<double> acceleration;
  index_t acs_lines = 20, seed = 1;
  std::optional<double> lambda;
  std::optional<int> iterations;
  std::optional<index_t> calib;
  // the network
  std::string weights, embedding, text_weights, merges;
  std::optional<std::string> metadata, undersampling, acs_shape;
  std::optional<index_t> acs;
  bool dry = false;
};

/// A file or an array in it.
struct found_file {
  std::string path;  ///< as it can be opened: FILE or FILE:MEMBER
  std::string name;  ///< relative to the folder
  std::string is;    ///< "k-space", "mask", ..., "not used"
  std::string note;  ///< how that was told, or why it is not used
};

/// One reconstruction.
struct scan_case {
  enum class origin { array, coil_images, lines, raw };
  std::string name;
  origin from = origin::array;
  std::string kspace, index, mask, noise, traj, maps, reference, zero_filled;
  axes order, mask_order, maps_order;  ///< one name for each axis of the file
  cardiomm::shape<5> size{};           ///< (frame, slice, coil, y, x); spokes and samples with traj
  bool uncentred = false;              ///< the centre of k-space is at index 0
  bool full = false;                   ///< all of k-space was measured
  bool named = false;                  ///< the file names its axes itself
  std::optional<std::string> metadata;  ///< of the scanner, as far as the folders tell
  std::string pattern;                  ///< of the mask, by its name
  int acceleration = 0;
  geometry voxel;
  std::vector<std::string> notes;
};

struct folder_plan {
  std::vector<found_file> files;
  std::vector<scan_case> cases;
  std::vector<std::string> problems;  ///< what ought to have been a case and is not
};

/// Looks through the folder. Throws io_error if it cannot be read, value_error for options that
/// contradict it.
folder_plan plan_folder(const run_command& c);

/// The same for the files (path, name) of one folder, whose names nobody agreed on.
void plan_plain(const run_command& c, folder_plan& plan,
                const std::vector<std::pair<std::string, std::string>>& files);

}  // namespace program

#endif
