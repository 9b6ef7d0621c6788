// SPDX-License-Identifier: Apache-2.0
/// \file
/// Non-Cartesian reconstruction and its coil maps.

#include "cardiomm/mri/radial.hpp"
#include "recipe.hpp"

namespace binding {

namespace mri = cardiomm::mri;

void bind_radial(nb::module_& m) {
  m.def(
      "radial_maps",
      [](const complex_in<5>& kspace, const array_in<double, 4>& trajectory, index_t ny, index_t nx,
         index_t calib) {
        mri::espirit_options o;
        o.calib = calib;
        const auto maps = computed([&] {
          return mri::radial_maps(space(), view_of(kspace), view_of(trajectory), shape{ny, nx}, o);
        });
        return to_numpy(maps);
      },
      nb::arg("kspace").noconvert(), nb::arg("trajectory").noconvert(), "ny"_a, "nx"_a, "calib"_a);
  m.def(
      "radial",
      [](const complex_in<5>& kspace, const array_in<double, 4>& trajectory,
         const complex_in<5>& maps, double lambda, int iterations, double tolerance,
         const std::string& penalty, const std::string& solver, bool periodic,
         nb::object callback) {
        mri::radial_options o;
        o.lambda = lambda;
        o.iterations = iterations;
        o.tolerance = tolerance;
        o.penalty = penalty == "space"    ? mri::radial_penalty::space
                    : penalty == "square" ? mri::radial_penalty::square
                                          : mri::radial_penalty::time;
        o.solver = algorithm_of(solver);
        o.periodic = periodic;
        o.monitor = monitor_of(callback);
        const auto result = computed([&] {
          return mri::radial(space(), view_of(kspace), view_of(trajectory), view_of(maps), o);
        });
        return solution(result);
      },
      nb::arg("kspace").noconvert(), nb::arg("trajectory").noconvert(), nb::arg("maps").noconvert(),
      "lambda_"_a, "iterations"_a, "tolerance"_a, "penalty"_a, "solver"_a, "periodic"_a,
      "callback"_a.none());
}

}  // namespace binding
