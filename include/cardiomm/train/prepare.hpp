// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_PREPARE_HPP
#define CARDIOMM_TRAIN_PREPARE_HPP
/// \file
/// What is done to fully sampled k-space (neighbour, coil, y, x) before training: crops in image
/// space, virtual coils. Image values stay as they are, so that ranges keep their meaning.

#include "cardiomm/mri/centre.hpp"
#include "cardiomm/mri/coil_compress.hpp"
#include "cardiomm/train/images.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// The centre ny x nx of the image, as k-space of that size; 0 or more than there is keeps an axis.
inline coil_images cropped(const coil_images& kspace, index_t ny, index_t nx) {
  const shape<4> s = shape_of(kspace);
  require(ny >= 0 && nx >= 0, "crop: expected sizes of at least 0, found ", ny, " x ", nx);
  const bool along_y = ny > 0 && ny<s[2], along_x = nx> 0 && nx < s[3];
  if (!along_y && !along_x) return kspace;
  std::vector<int> axes;
  if (along_y) axes.push_back(2);
  if (along_x) axes.push_back(3);
  const source_space ex;
  const auto images = fft::ifft(ex, kspace, axes);
  ex.fence();
  const auto centre =
      mri::centre_crop(images, shape{s[0], s[1], along_y ? ny : s[2], along_x ? nx : s[3]});
  fft::fft(ex, centre, centre, axes);
  ex.fence();
  return centre;
}

/// `count` virtual coils that hold most of the energy of all neighbours; 0 or at least as many as
/// there are keeps the coils. The same matrix serves every neighbour.
inline coil_images with_virtual_coils(const coil_images& kspace, index_t count) {
  const shape<4> s = shape_of(kspace);
  if (count <= 0 || count >= s[1]) return kspace;
  const source_space ex;
  const auto all = reshape(kspace, shape{s[0], index_t(1), s[1], s[2], s[3]});
  const auto found = mri::find_compression(ex, all, count);
  const auto fewer = mri::compress(ex, found.matrix, all);
  const auto out = make_tensor<complex<float>>(host_space{}, shape{s[0], count, s[2], s[3]});
  ex.fence();
  std::copy_n(fewer.data(), fewer.size(), out.data());
  return out;
}

/// Without the coils that are zero in all of a neighbour, of which networks make NaN.
inline coil_images without_dead_coils(const coil_images& kspace) {
  const shape<4> s = shape_of(kspace);
  const index_t image = s[2] * s[3];
  std::vector<index_t> alive;
  for (index_t c = 0; c < s[1]; ++c) {
    bool any = s[0] > 0;
    for (index_t f = 0; f < s[0] && any; ++f) {
      const complex<float>* const p = kspace.data() + (f * s[1] + c) * image;
      any = std::any_of(p, p + image, [](const auto& v) { return v.real() != 0 || v.imag() != 0; });
    }
    if (any) alive.push_back(c);
  }
  return static_cast<index_t>(alive.size()) == s[1] ? kspace : chosen_coils(kspace, alive);
}

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
