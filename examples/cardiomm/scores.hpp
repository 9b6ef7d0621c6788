// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_SCORES_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_SCORES_HPP
/// \file
/// What `scores` was asked for (scores_options.cpp), and its two halves: segmentations (scores.cpp)
/// and lists of classes (scores_classes.cpp).

#include "common.hpp"

namespace program {

struct scores_command {
  std::string reference, segmentation, labels, other_labels, spacing, csv, classes, columns;
  double empty_distance = std::numeric_limits<double>::quiet_NaN();
  bool per_slice = false;
  axes_option given;
};

/// NaN and infinity are no numbers in JSON.
inline json number(double v) { return std::isfinite(v) ? json(v) : json(nullptr); }

/// Segmentations against references, label by label.
void score_masks(const scores_command& c, const common_options& common);

/// Predicted classes of a table against true ones: confusion, kappa, F1.
void score_classes(const scores_command& c, const common_options& common);

}  // namespace program

#endif
