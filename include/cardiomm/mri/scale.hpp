// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_SCALE_HPP
#define CARDIOMM_MRI_SCALE_HPP
/// \file
/// A robust measure of how bright the image of k-space is, so that regularisation weights can be
/// chosen without regard to units. The rule is that of BART's pics.

#include <algorithm>
#include <vector>

#include "cardiomm/fft/transform.hpp"
#include "cardiomm/mri/detail/calibration_block.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// Limit of the calibration block that data_scale looks at.
inline index_t scale_calib(const shape<5>& kspace) {
  return std::min<index_t>(32, std::max(kspace[3], kspace[4]));
}

/// data_scale, see below, from the calibration block of a matrix (y, x).
template <class T>
double data_scale(const calibration<T>& block, const shape<2>& matrix) {
  const shape<4> b = shape_of(block.data);
  const host_space host;
  const auto coils = fft::ifft(host, block.data);
  host.fence();
  const index_t pixels = b[2] * b[3];
  std::vector<double> image;
  const double units = std::sqrt(double(pixels) / (double(matrix[0]) * double(matrix[1])));
  for (index_t s = 0; s < b[0]; ++s)
    for (index_t i = 0; i < pixels; ++i) {
      double sum = 0;
      for (index_t c = 0; c < b[1]; ++c)
        sum += double(abs2(coils.data()[(s * b[1] + c) * pixels + i]));
      image.push_back(std::sqrt(sum) * units);
    }
  std::sort(image.begin(), image.end());
  const double median = image[image.size() / 2], high = image[image.size() * 9 / 10],
               top = image.back();
  const double scale = top - high < 2 * (high - median) ? high : top;
  require(scale > 0, "data scale: expected k-space with signal at its centre, found zeros only");
  return scale;
}

/// The 90th percentile of the root sum of squares image of the calibration block (at most 32 x 32,
/// averaged over frames), or its maximum where that stands out: where the maximum is not within
/// twice the distance from the median to the 90th percentile. In units of the full image, since the
/// transform is orthonormal. Divide k-space by it, and multiply the result by it.
///
/// \param kspace  (frame, slice, coil, y, x)  centred; samples not acquired are zero
/// Throws what calibration_region throws.
template <ExecutionSpace Ex, TensorView K>
double data_scale(const Ex& ex, const K& kspace) {
  const shape<5> n = shape_of(kspace);
  return data_scale(calibration_region(ex, kspace, scale_calib(n)), shape{n[3], n[4]});
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
