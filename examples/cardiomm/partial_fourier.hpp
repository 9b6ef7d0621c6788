// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_PARTIAL_FOURIER_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_PARTIAL_FOURIER_HPP
/// \file
/// `recon --partial-fourier`: what was not measured on one side of k-space is completed from the
/// smooth phase of the image.

#include "cardiomm/mri/partial_fourier.hpp"
#include "recon.hpp"

namespace program {

/// Completes the k-space of an image (set, frame, slice, y, x), in place, along each axis of which
/// the mask (frame, y, x) covers one side farther than the other by more than two samples.
template <class Ex, class V>
void complete_image(const Ex& ex, const recon_command& c, const host_tensor<std::uint8_t, 3>& mask,
                    const V& image) {
  namespace mri = cardiomm::mri;
  using T = cardiomm::real_of<cardiomm::element_of<V>>;
  const shape<5> s = cardiomm::shape_of(image);
  const cardiomm::linop::fourier_op<T, 5, Ex> fourier;
  bool found = false;
  for (const int along : {1, 2}) {
    const auto [first, last] = mri::measured_range(mask, along);
    const index_t n = static_cast<index_t>(mask.extent(static_cast<std::size_t>(along)));
    if (std::abs((n / 2 - first) - (last - n / 2)) <= 2) continue;
    found = true;
    const auto k =
        cardiomm::borrow(ex, image.data(), shape{s[0] * s[1], s[2], index_t(1), s[3], s[4]});
    cardiomm::linop::apply(ex, fourier, k, k);
    const auto full =
        mri::partial_fourier(ex, k,
                             {.method = c.partial == "pocs" ? mri::partial_fourier_method::pocs
                                                            : mri::partial_fourier_method::homodyne,
                              .axis = along + 2,
                              .first = first,
                              .last = last});
    cardiomm::linop::apply_adjoint(ex, fourier, full, k);
    ex.fence();
  }
  require<value_error>(found,
                       "--partial-fourier: expected a mask that reaches farther on one side "
                       "of the centre than on the other, found both alike");
}

}  // namespace program

#endif
