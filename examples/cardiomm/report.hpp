// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_REPORT_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_REPORT_HPP
/// \file
/// Scores of many images against their references: pairs are found, scored in parallel, and told as
/// CSV, as JSON and as one HTML page with pictures.
///
///     const auto pairs = match_images("data", {{"sense", "results/sense"}});
///     const auto result = evaluate(pairs.found, options);
///     write_score_csv("scores.csv", result, csv_options{});
///     write_report("report.html", result, report_options{});

#include "cardiomm/mri/metrics.hpp"
#include "common.hpp"

namespace program {

/// Who a score belongs to: the identifying columns of the published tables, from the path. What a
/// path does not tell is empty; `medcon` is "unknown".
struct score_identity {
  std::string method, modality, task, center, vendor, field, patient, data, mask, af, medcon;
  std::string set;  ///< part of the names of the published tables, not of their rows
};

/// The names of the columns, in the order of the members of score_identity.
inline constexpr std::array<const char*, 11> identity_columns = {
    "Method",  "Modality", "Task", "Center", "Vendor", "Field",
    "Pfolder", "Datatype", "Mask", "AF",     "Medcon"};
/// The values of these columns.
std::array<std::string, 11> identity_values(const score_identity& who);

/// What the path of a reconstruction says about it.
score_identity identify(const std::string& image, const std::string& method);

/// An image and the reference that it is compared with.
struct image_pair {
  std::string reference, image;
  score_identity who;
};

/// What has no score, and why.
struct left_out_file {
  std::string path, reason;
};

struct matched_images {
  std::vector<image_pair> found;
  std::vector<left_out_file> left_out;  ///< images without a reference
  std::vector<left_out_file> unused;    ///< references for which a method has no image
};

/// A method's name and its file or folder; an empty name is taken from the path.
struct named_path {
  std::string name, path;
};

/// Finds the reference of each image. Two files are a pair. In folders the names decide: the path
/// below the folder, without what says "reference" or "reconstruction" (GTSOS, ReconResult, Task..,
/// AccFactor..), and the file name without extension and `_mask_...`. Throws io_error for paths
/// that do not exist, value_error where a folder meets a file.
matched_images match_images(const std::string& reference, const std::vector<named_path>& images);

struct eval_options {
  std::vector<int> conventions = {2025};  ///< 2023, 2024, 2025; the first one orders the report
  axes_option axes;
  bool crop_centre = false;  ///< the ranking block of the challenges of 2023 and 2024
  index_t crop_frames = -1;  ///< frames of that block; 0: all, -1: 3, or all for mapping
  bool strict = false;       ///< throw at the first error instead of noting it
  int threads = 0;           ///< 0: as many as the host space has
  /// Called after each file, by one thread at a time.
  std::function<void(std::size_t done, std::size_t all)> on_file = {};
};

/// Scores of one image stack under one convention.
struct convention_score {
  int year = 2025;
  cardiomm::mri::image_quality mean;  ///< over the images that have a score
  std::vector<cardiomm::mri::stack_quality::item> images;
};

struct scored_file {
  image_pair files;
  index_t frames = 1, slices = 1, ny = 1, nx = 1;  ///< what was compared
  std::vector<convention_score> scores;            ///< one for each convention
  index_t empty_references = 0;                    ///< all-zero references, which have no score
  index_t without_score = 0;                       ///< images that have none, such as with NaN
  std::string why;                                 ///< why the first of them has none
};

struct evaluation {
  eval_options options;
  std::vector<scored_file> files;  ///< in the order of the pairs
  std::vector<left_out_file> left_out, unused;
};

/// Scores all pairs, several files at a time. A file that cannot be scored is left out with its
/// reason. Throws interrupted after an interruption, and what went wrong if `strict`.
evaluation evaluate(const std::vector<image_pair>& pairs, const eval_options& options);

/// Images (frame, slice, y, x) as real numbers, as they are scored.
struct magnitude_stack {
  index_t frames = 1, slices = 1, ny = 1, nx = 1;
  std::vector<double> values;
  const double* at(index_t frame, index_t slice) const {
    return values.data() + (frame * slices + slice) * ny * nx;
  }
};
/// Reads a pair, crops it, and gives the image the frames and slices of its reference. Throws
/// shape_error unless they agree but for axes of extent 1.
std::pair<magnitude_stack, magnitude_stack> load_pair(const image_pair& pair,
                                                      const eval_options& options);

/// Number of decimals of scores in files; left out: all that a double has.
using decimals = std::optional<int>;

/// Everything as JSON; `images` adds the scores of each image.
json as_json(const evaluation& result, bool images, decimals round);

/// A table with one row for each file, in the published columns. Rows of an existing table are
/// kept; those of the same identifiers are replaced. With several conventions a column Convention
/// stands before the scores. Throws io_error for an existing file that is no such table.
void write_score_csv(const std::string& path, const evaluation& result, decimals round,
                     io::existing policy);
/// The published tables in a folder: ObjCal_{set}_{task}_{norm}_{method}.csv, each with the rows of
/// one method under one convention, updated as write_score_csv does; returns their names.
std::vector<std::string> write_published_csv(const std::string& folder, const evaluation& result,
                                             decimals round, io::existing policy);
/// A table with one row for each image; replaces an existing file.
void write_image_csv(const std::string& path, const evaluation& result, decimals round,
                     io::existing policy);

struct report_options {
  std::string title = "Image quality";
  std::string command;             ///< the command line, or what stands for it
  std::string date;                ///< shown where it is not empty
  std::vector<std::string> notes;  ///< lines at the top, such as where the data came from
  int pictures = 24;               ///< at most so many files are shown
  double megabytes = 40;           ///< and their pictures take at most so much
  int delay = 60;                  ///< ms per frame of the cine
};

/// Writes the page; it appears when it is complete. The same scores give the same bytes.
void write_report(const std::string& path, const evaluation& result, const report_options& options,
                  io::existing policy);

/// Mean, sample standard deviation and median of finite values.
struct spread {
  std::size_t n = 0, infinite = 0;
  double mean = 0, deviation = 0, median = 0;
};
spread spread_of(const std::vector<double>& values);

}  // namespace program

#endif
