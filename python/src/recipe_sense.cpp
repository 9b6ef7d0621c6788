// SPDX-License-Identifier: Apache-2.0
/// \file
/// Zero-filled images and CG-SENSE.

#include "cardiomm/mri/reconstruct.hpp"
#include "recipe.hpp"

namespace binding {

namespace mri = cardiomm::mri;

void bind_sense(nb::module_& m) {
  m.def(
      "zero_filled",
      [](const complex_in<5>& kspace, const mask_in& mask, const complex_in<5>& maps) {
        const auto image = computed([&] {
          return mri::zero_filled(space(), view_of(kspace), mask_of(mask), view_of(maps));
        });
        return to_numpy(image);
      },
      nb::arg("kspace").noconvert(), nb::arg("mask").noconvert(), nb::arg("maps").noconvert());
  m.def(
      "sense",
      [](const complex_in<5>& kspace, const mask_in& mask, const complex_in<5>& maps, double lambda,
         int iterations, double tolerance, bool joint, nb::object callback) {
        mri::sense_options o;
        o.lambda = lambda;
        o.iterations = iterations;
        o.tolerance = tolerance;
        o.joint = joint;
        o.monitor = monitor_of(callback);
        const auto result = computed(
            [&] { return mri::sense(space(), view_of(kspace), mask_of(mask), view_of(maps), o); });
        return solution(result);
      },
      nb::arg("kspace").noconvert(), nb::arg("mask").noconvert(), nb::arg("maps").noconvert(),
      "lambda_"_a, "iterations"_a, "tolerance"_a, "joint"_a, "callback"_a.none());
  m.def(
      "sampling_of",
      [](const complex_in<5>& kspace) {
        const auto mask = computed([&] { return mri::sampling_of(space(), view_of(kspace)); });
        return to_numpy(mask);
      },
      nb::arg("kspace").noconvert());
  m.def(
      "rss",
      [](const complex_in<5>& kspace) {
        const auto image = computed([&] { return mri::rss(space(), view_of(kspace)); });
        return to_numpy(image);
      },
      nb::arg("kspace").noconvert());
}

}  // namespace binding
