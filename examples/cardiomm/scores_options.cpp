// SPDX-License-Identifier: Apache-2.0
/// \file
/// The command line of `cardiomm scores`.

#include "labels.hpp"
#include "scores.hpp"

namespace program {
namespace {

void run(const scores_command& c, const common_options& common) {
  if (!c.classes.empty()) {
    require<value_error>(
        c.reference.empty() && c.segmentation.empty() && c.csv.empty(),
        "--classes: expected it alone, found --reference, --segmentation or --csv");
    return score_classes(c, common);
  }
  require<value_error>(!c.reference.empty() && !c.segmentation.empty() && !c.labels.empty(),
                       "scores: expected --reference, --segmentation and --labels, or --classes");
  if (!std::isnan(c.empty_distance)) require_number("--empty-distance", c.empty_distance, 0);
  score_masks(c, common);
}

}  // namespace

action add_scores(CLI::App& app, common_options& common) {
  auto c = std::make_shared<scores_command>();
  auto& command = add_command(
      app, "scores", "Dice, Hausdorff and surface distances of segmentations; kappa of classes",
      "  cardiomm scores --reference R.nii.gz --segmentation S.nii.gz --labels lv=1,myo=2,rv=3\n"
      "  cardiomm scores --reference truth/ --segmentation network/ --labels lv=1,myo=2,rv=3 \\\n"
      "      --segmentation-labels rv=1,myo=2,lv=3 --csv scores.csv\n"
      "  cardiomm scores --classes quality.csv --json\n"
      "Volumes are scored in 3-D, single slices in 2-D, with the spacing of the files. Two\n"
      "folders are matched by name. Definitions are those of MedPy and scikit-learn.",
      common);
  command.add_option("--reference", c->reference, "True labels: a file, or a folder of files");
  command.add_option("--segmentation", c->segmentation, "Labels to score, likewise");
  command.add_option("--labels", c->labels,
                     "Names and numbers, such as lv=1,myo=2,rv=3; epi=1+2 joins two");
  command.add_option("--segmentation-labels", c->other_labels,
                     "Numbers of the same names in the segmentation, if they differ");
  command.add_option("--spacing", c->spacing,
                     "Size of a voxel in mm, DZ,DY,DX, for files that do not tell it");
  command.add_option("--empty-distance", c->empty_distance,
                     "Distance in mm where only one of the two has a label (CMRxMotion: 373)");
  command.add_flag("--per-slice", c->per_slice, "Score each slice by itself, in 2-D");
  command.add_option("--csv", c->csv, "Writes a table with a row for each case and label");
  command.add_option("--classes", c->classes,
                     "A table of true and predicted classes: accuracy, F1, Cohen's kappa");
  command.add_option("--columns", c->columns, "Its columns, TRUE,PREDICTED");
  add_axes(command, c->given);
  return [c](const common_options& options) { run(*c, options); };
}

}  // namespace program
