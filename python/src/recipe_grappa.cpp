// SPDX-License-Identifier: Apache-2.0
/// \file
/// Missing samples by GRAPPA.

#include "cardiomm/mri/grappa.hpp"
#include "recipe.hpp"

namespace binding {

namespace mri = cardiomm::mri;

void bind_grappa(nb::module_& m) {
  m.def(
      "grappa",
      [](const complex_in<5>& kspace, const mask_in& mask, double lambda, index_t kernel_y,
         index_t kernel_x, index_t calib) {
        mri::grappa_options o;
        o.lambda = lambda;
        o.kernel_y = kernel_y;
        o.kernel_x = kernel_x;
        o.calib = calib;
        const auto full =
            computed([&] { return mri::grappa(space(), view_of(kspace), mask_of(mask), o); });
        return to_numpy(full);
      },
      nb::arg("kspace").noconvert(), nb::arg("mask").noconvert(), "lambda_"_a, "kernel_y"_a,
      "kernel_x"_a, "calib"_a);
}

}  // namespace binding
