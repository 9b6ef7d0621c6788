// SPDX-License-Identifier: Apache-2.0
/// \file
/// Series of low rank: in blocks, and with a sparse part.

#include "cardiomm/mri/low_rank.hpp"
#include "recipe.hpp"

namespace binding {

namespace mri = cardiomm::mri;

void bind_low_rank(nb::module_& m) {
  m.def(
      "llr",
      [](const complex_in<5>& kspace, const mask_in& mask, const complex_in<5>& maps, double lambda,
         int iterations, double tolerance, index_t block, const std::string& shift,
         const std::string& solver, bool data_step, nb::object callback) {
        mri::llr_options o;
        o.lambda = lambda;
        o.iterations = iterations;
        o.tolerance = tolerance;
        o.block = block;
        o.shift = shift == "cycle"    ? cardiomm::prox::block_shift::cycle
                  : shift == "random" ? cardiomm::prox::block_shift::random
                                      : cardiomm::prox::block_shift::none;
        o.solver = algorithm_of(solver);
        o.data_step = data_step;
        o.monitor = monitor_of(callback);
        const auto result = computed(
            [&] { return mri::llr(space(), view_of(kspace), mask_of(mask), view_of(maps), o); });
        return solution(result);
      },
      nb::arg("kspace").noconvert(), nb::arg("mask").noconvert(), nb::arg("maps").noconvert(),
      "lambda_"_a, "iterations"_a, "tolerance"_a, "block"_a, "shift"_a, "solver"_a, "data_step"_a,
      "callback"_a.none());
  m.def(
      "lps",
      [](const complex_in<5>& kspace, const mask_in& mask, const complex_in<5>& maps, double lambda,
         double ratio, int iterations, double tolerance, nb::object callback) {
        mri::lps_options o;
        o.lambda = lambda;
        o.ratio = ratio;
        o.iterations = iterations;
        o.tolerance = tolerance;
        o.monitor = monitor_of(callback);
        const auto r = computed(
            [&] { return mri::lps(space(), view_of(kspace), mask_of(mask), view_of(maps), o); });
        return nb::make_tuple(to_numpy(r.image), to_numpy(r.low_rank), to_numpy(r.sparse),
                              to_tuple(r.report));
      },
      nb::arg("kspace").noconvert(), nb::arg("mask").noconvert(), nb::arg("maps").noconvert(),
      "lambda_"_a, "ratio"_a, "iterations"_a, "tolerance"_a, "callback"_a.none());
}

}  // namespace binding
