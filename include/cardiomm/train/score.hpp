// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_SCORE_HPP
#define CARDIOMM_TRAIN_SCORE_HPP
/// \file
/// How good the image of a sample is.

#include <limits>

#include "cardiomm/mri/metrics.hpp"
#include "cardiomm/train/task.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// Figures of the published validation: SSIM with the data range of the sample, NMSE, PSNR with the
/// largest target of the image. NaN where they are not defined.
struct score {
  double ssim = std::numeric_limits<double>::quiet_NaN();
  double nmse = ssim, psnr = ssim;
};

/// Scores an image (y, x) against the target of its sample; nothing where a sample has none. Where
/// the target is zero everywhere NMSE and PSNR are not defined.
template <class S>
score score_of(const S& s, const outcome& o) {
  score q;
  if constexpr (requires {
                  s.target.extent(1);
                  s.data_range;
                }) {
    if (o.image.size() == 0) return q;
    const shape<2> n = shape_of(s.target);
    require<shape_error>(shape_of(o.image) == n, "score: image: expected ", n, ", found ",
                         shape_of(o.image));
    const auto target = mri::detail::plain(s.target.data(), n[0], n[1], "target");
    const auto image = mri::detail::plain(o.image.data(), n[0], n[1], "image");
    q.ssim = mri::detail::mean_ssim(target, image, double(s.data_range));
    if (target.all_zero()) return q;
    mri::detail::energies e;
    mri::detail::add_energies(e, target, image);
    q.nmse = e.error / e.reference;
    q.psnr = mri::detail::psnr(target.maximum(), e.error, double(target.pixels.size()));
  }
  return q;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
