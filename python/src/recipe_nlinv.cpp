// SPDX-License-Identifier: Apache-2.0
/// \file
/// Image and maps together by non-linear inversion.

#include "cardiomm/mri/nlinv.hpp"
#include "recipe.hpp"

namespace binding {

namespace mri = cardiomm::mri;

void bind_nlinv(nb::module_& m) {
  m.def(
      "nlinv",
      [](const complex_in<5>& kspace, const mask_in& mask, int iterations, double lambda,
         double tolerance, bool normalise, nb::object callback) {
        mri::nlinv_options o;
        o.iterations = iterations;
        o.lambda = lambda;
        o.tolerance = tolerance;
        o.normalise = normalise;
        o.monitor = monitor_of(callback);
        const auto r =
            computed([&] { return mri::nlinv(space(), view_of(kspace), mask_of(mask), o); });
        return nb::make_tuple(to_numpy(r.image), to_numpy(r.maps), to_tuple(r.report));
      },
      nb::arg("kspace").noconvert(), nb::arg("mask").noconvert(), "iterations"_a, "lambda_"_a,
      "tolerance"_a, "normalise"_a, "callback"_a.none());
}

}  // namespace binding
