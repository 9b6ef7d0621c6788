// SPDX-License-Identifier: Apache-2.0
/// \file
/// Total variation in time or space.

#include "cardiomm/mri/total_variation.hpp"
#include "recipe.hpp"

namespace binding {

namespace mri = cardiomm::mri;

void bind_total_variation(nb::module_& m) {
  m.def(
      "tv",
      [](const complex_in<5>& kspace, const mask_in& mask, const complex_in<5>& maps, double lambda,
         int iterations, double tolerance, const std::string& along, bool periodic, bool isotropic,
         const std::string& solver, nb::object callback) {
        mri::total_variation_options o;
        o.lambda = lambda;
        o.iterations = iterations;
        o.tolerance = tolerance;
        o.along = along == "space" ? mri::variation::space : mri::variation::time;
        o.periodic = periodic;
        o.isotropic = isotropic;
        o.solver = algorithm_of(solver);
        o.monitor = monitor_of(callback);
        const auto result = computed([&] {
          return mri::total_variation(space(), view_of(kspace), mask_of(mask), view_of(maps), o);
        });
        return solution(result);
      },
      nb::arg("kspace").noconvert(), nb::arg("mask").noconvert(), nb::arg("maps").noconvert(),
      "lambda_"_a, "iterations"_a, "tolerance"_a, "along"_a, "periodic"_a, "isotropic"_a,
      "solver"_a, "callback"_a.none());
}

}  // namespace binding
