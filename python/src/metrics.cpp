// SPDX-License-Identifier: Apache-2.0
/// \file
/// Scores of images.

#include "cardiomm/mri/metrics.hpp"

#include "binding.hpp"

namespace binding {

namespace mri = cardiomm::mri;

namespace {
template <class I>
nb::tuple compare(const array_in<float, 4>& reference, const I& image, int convention) {
  const auto q = computed([&] {
    if (convention == -1) return mri::compare_volume(view_of(reference), view_of(image));
    const auto how =
        convention == 0 ? mri::normalisation::none : mri::normalisation_of_year(convention);
    return mri::compare_stack(view_of(reference), view_of(image), how).mean;
  });
  return nb::make_tuple(q.psnr, q.ssim, q.nmse);
}
}  // namespace

void bind_metrics(nb::module_& m) {
  m.def("compare", &compare<array_in<float, 4>>, nb::arg("reference").noconvert(),
        nb::arg("image").noconvert(), "convention"_a,
        "(psnr, ssim, nmse) of magnitudes; convention 0: none, -1: a volume, or a year.");
}

}  // namespace binding
