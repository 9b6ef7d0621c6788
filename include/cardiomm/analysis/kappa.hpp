// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_ANALYSIS_KAPPA_HPP
#define CARDIOMM_ANALYSIS_KAPPA_HPP
/// \file
/// Agreement of two lists of classes: confusion matrix, accuracy, F1, Cohen's kappa, unweighted or
/// with weights for ordered classes. Host only.

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cardiomm/core/error.hpp"

namespace cardiomm::inline CARDIOMM_ABI::analysis {

/// What a disagreement of two classes costs: 1, the steps between them, or their square. Steps are
/// counted in the sorted list of classes that occur.
enum class kappa_weights { none, linear, quadratic };

/// Counts of (true class, predicted class).
class confusion {
 public:
  /// \param truth, predicted  one class per case; classes are any integers
  /// Throws shape_error for lists of different length, value_error for empty ones.
  confusion(const std::vector<int>& truth, const std::vector<int>& predicted) {
    require<shape_error>(truth.size() == predicted.size(), "classes: expected ", truth.size(),
                         " predictions, one per true class, found ", predicted.size());
    require(!truth.empty(), "classes: expected at least one case, found none");
    classes_ = truth;
    classes_.insert(classes_.end(), predicted.begin(), predicted.end());
    std::sort(classes_.begin(), classes_.end());
    classes_.erase(std::unique(classes_.begin(), classes_.end()), classes_.end());
    counts_.assign(classes_.size() * classes_.size(), 0);
    for (std::size_t i = 0; i < truth.size(); ++i)
      ++counts_[place(truth[i]) * classes_.size() + place(predicted[i])];
    total_ = static_cast<index_t>(truth.size());
  }

  /// The classes that occur, sorted; the rows and columns are theirs.
  const std::vector<int>& classes() const { return classes_; }
  index_t total() const { return total_; }
  /// Cases of the class at place `truth` that were called the class at place `predicted`.
  index_t operator()(std::size_t truth, std::size_t predicted) const {
    return counts_[truth * classes_.size() + predicted];
  }
  /// Cases of a class in truth, and as predicted.
  index_t in_truth(std::size_t c) const {
    index_t n = 0;
    for (std::size_t j = 0; j < classes_.size(); ++j) n += (*this)(c, j);
    return n;
  }
  index_t in_prediction(std::size_t c) const {
    index_t n = 0;
    for (std::size_t i = 0; i < classes_.size(); ++i) n += (*this)(i, c);
    return n;
  }

  double accuracy() const {
    index_t right = 0;
    for (std::size_t c = 0; c < classes_.size(); ++c) right += (*this)(c, c);
    return ratio(right, total_);
  }
  /// Part of the cases of a class that were recognised; NaN for a class that truth lacks.
  double recall(std::size_t c) const { return ratio((*this)(c, c), in_truth(c)); }
  /// Part of the predictions of a class that are right; NaN for a class that was never predicted.
  double precision(std::size_t c) const { return ratio((*this)(c, c), in_prediction(c)); }
  /// Harmonic mean of precision and recall: 2 hits / (in truth + in prediction).
  double f1(std::size_t c) const {
    return ratio(2 * (*this)(c, c), in_truth(c) + in_prediction(c));
  }
  /// Mean recall of the classes that truth has.
  double balanced_accuracy() const {
    double sum = 0;
    int n = 0;
    for (std::size_t c = 0; c < classes_.size(); ++c) {
      if (in_truth(c) == 0) continue;
      sum += recall(c);
      ++n;
    }
    return sum / n;
  }
  /// Cohen's kappa, 1 - sum(w observed) / sum(w expected by chance): with no weights
  /// (po - pe) / (1 - pe). NaN where one class is all there is: chance explains everything then.
  double kappa(kappa_weights weights = kappa_weights::none) const {
    double observed = 0, expected = 0;
    for (std::size_t i = 0; i < classes_.size(); ++i)
      for (std::size_t j = 0; j < classes_.size(); ++j) {
        const double w = cost(i, j, weights);
        observed += w * double((*this)(i, j));
        expected += w * double(in_truth(i)) * double(in_prediction(j)) / double(total_);
      }
    return expected == 0 ? std::numeric_limits<double>::quiet_NaN() : 1 - observed / expected;
  }
  /// Standard error of the unweighted or weighted kappa for large samples (Fleiss, Cohen and
  /// Everitt, Psychol Bull 72:323, 1969).
  double kappa_error(kappa_weights weights = kappa_weights::none) const {
    const std::size_t n = classes_.size();
    const double total = double(total_), longest = std::max(1.0, double(n) - 1);
    const double scale = weights == kappa_weights::quadratic ? longest * longest
                         : weights == kappa_weights::linear  ? longest
                                                             : 1;
    const auto agree = [&](std::size_t i, std::size_t j) {
      return 1 - cost(i, j, weights) / scale;
    };
    std::vector<double> row(n, 0), column(n, 0);  // mean agreement of a class with chance
    double po = 0, pe = 0;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        const double pi = double(in_truth(i)) / total, pj = double(in_prediction(j)) / total;
        row[i] += agree(i, j) * pj;
        column[j] += agree(i, j) * pi;
        po += agree(i, j) * double((*this)(i, j)) / total;
        pe += agree(i, j) * pi * pj;
      }
    if (pe == 1) return std::numeric_limits<double>::quiet_NaN();
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        const double d = agree(i, j) * (1 - pe) - (row[i] + column[j]) * (1 - po);
        sum += double((*this)(i, j)) / total * d * d;
      }
    const double rest = po * pe - 2 * pe + po;
    return std::sqrt(std::max(0.0, sum - rest * rest) / total) / ((1 - pe) * (1 - pe));
  }

 private:
  std::size_t place(int c) const {
    return static_cast<std::size_t>(std::lower_bound(classes_.begin(), classes_.end(), c) -
                                    classes_.begin());
  }
  static double ratio(index_t a, index_t b) {
    return b == 0 ? std::numeric_limits<double>::quiet_NaN() : double(a) / double(b);
  }
  static double cost(std::size_t i, std::size_t j, kappa_weights weights) {
    const double steps = i > j ? double(i - j) : double(j - i);
    if (weights == kappa_weights::linear) return steps;
    if (weights == kappa_weights::quadratic) return steps * steps;
    return steps > 0 ? 1 : 0;
  }

  std::vector<int> classes_;
  std::vector<index_t> counts_;
  index_t total_ = 0;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::analysis

#endif
