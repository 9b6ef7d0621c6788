// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_RUN_CONTENT_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_RUN_CONTENT_HPP
/// \file
/// What an array is, told from its values: k-space has its energy in the middle of two axes, maps
/// have the same sum of squares everywhere, unsampled lines are zero along the readout. So files
/// whose names and axes nobody described can be read.

#include "arrays.hpp"

namespace program {

/// What the values of an array tell. Axes are those of the array, singletons included.
struct array_look {
  bool complex = false;
  bool binary = false;             ///< 0 and one other value only
  bool integer = false;            ///< an integer or boolean type
  bool partial = false;            ///< too large to be read whole: the middle of the slowest axes
  extents shape;                   ///< of the array
  std::vector<double> centre;      ///< share of the energy in the middle eighth of an axis
  std::vector<double> corner;      ///< share at both ends (the order of an uncentred transform)
  std::vector<double> alike;       ///< correlation of neighbours along an axis
  std::vector<double> whole_runs;  ///< share of the zeros that lie in lines of zeros along an axis
  double sampled = 1;              ///< share of the values that are not zero
  double sum_of_squares_spread = 1;  ///< deviation / mean of the sum of squares over the first axis
  double energy = 0, most = 0;       ///< for finding copies of the same data
  double count = 0;

  /// Much more energy there than an even spread would have; few coils may look like it by chance.
  bool above(std::size_t a, double share) const {
    const double n = double(shape[a]), window = 2 * std::max(1.0, std::floor(n / 16)) + 1;
    return share > std::max(0.4, 3 * window / n);
  }
  bool peaked(std::size_t a) const { return shape[a] >= 8 && above(a, centre[a]); }
  bool cornered(std::size_t a) const { return shape[a] >= 8 && above(a, corner[a]) && !peaked(a); }
  /// The axes along which the energy has a peak where a transform has its centre.
  std::vector<std::size_t> transformed() const {
    std::vector<std::size_t> found;
    for (std::size_t a = 0; a < shape.size(); ++a)
      if (peaked(a) || cornered(a)) found.push_back(a);
    return found;
  }
  bool uncentred() const {
    for (std::size_t a = 0; a < shape.size(); ++a)
      if (cornered(a)) return true;
    return false;
  }
  /// The same values, perhaps in another order, type or without the unsampled ones.
  bool same_data(const array_look& other) const {
    return count == other.count && count > 0 && std::abs(energy - other.energy) <= 1e-4 * energy &&
           std::abs(most - other.most) <= 1e-4 * most;
  }
};

/// Reads an array and looks at it. Throws io_error.
array_look look_at(const opened& file);

/// The order of the axes of k-space and how it was told.
struct axes_guess {
  axes order;           ///< one name for each axis of the file
  std::string how;      ///< "by its energy: ...", "by convention"
  std::string trouble;  ///< not empty: why there is no order
};
/// `ny` is the extent of the phase encoding where a mask tells it, else 0.
axes_guess guess_kspace(const array_look& look, const opened& file, index_t ny);

/// Which axis of a mask is which for k-space (frame, y, x) = t; empty where it does not fit.
axes guess_mask(const array_look& look, const mask_target& t);

}  // namespace program

#endif
