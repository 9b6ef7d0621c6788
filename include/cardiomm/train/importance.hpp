// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_IMPORTANCE_HPP
#define CARDIOMM_TRAIN_IMPORTANCE_HPP
/// \file
/// Importance weights: the smaller a group, the more its losses count.

#include <vector>

#include "cardiomm/core/error.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// w_g = (1 / n_g) / sum over h of (1 / n_h), which add up to 1; 0 for groups without samples.
/// Counts may be those of all samples or of a batch. Throws value_error where there is no sample.
inline std::vector<double> importance_weights(const std::vector<index_t>& counts) {
  double sum = 0;
  for (const index_t n : counts) {
    require(n >= 0, "importance: counts: expected at least 0, found ", n);
    if (n > 0) sum += 1 / double(n);
  }
  require(sum > 0, "importance: counts: expected samples, found none in ", counts.size(),
          " groups");
  std::vector<double> w;
  for (const index_t n : counts) w.push_back(n > 0 ? 1 / double(n) / sum : 0);
  return w;
}

/// The same times what makes the mean over all samples 1, n / (G n_g) for G groups with samples:
/// what a sample's loss is multiplied with so that the size of steps stays. (scikit-learn's
/// compute_sample_weight("balanced").)
inline std::vector<double> balanced_weights(const std::vector<index_t>& counts) {
  std::vector<double> w = importance_weights(counts);
  double mean = 0, n = 0;
  for (std::size_t g = 0; g < w.size(); ++g) {
    mean += w[g] * double(counts[g]);
    n += double(counts[g]);
  }
  for (double& v : w) v *= n / mean;
  return w;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
