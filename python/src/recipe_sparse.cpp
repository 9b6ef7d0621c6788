// SPDX-License-Identifier: Apache-2.0
/// \file
/// Compressed sensing: wavelets of frames, the spectrum along time.

#include "cardiomm/mri/kt_sparse.hpp"
#include "cardiomm/mri/l1_wavelet.hpp"
#include "recipe.hpp"

namespace binding {

namespace mri = cardiomm::mri;

void bind_sparse(nb::module_& m) {
  m.def(
      "l1wavelet",
      [](const complex_in<5>& kspace, const mask_in& mask, const complex_in<5>& maps, double lambda,
         int iterations, double tolerance, const std::string& wavelet, int levels,
         bool random_shift, bool data_step, nb::object callback) {
        mri::l1_wavelet_options o;
        o.lambda = lambda;
        o.iterations = iterations;
        o.tolerance = tolerance;
        o.wavelet = wavelet;
        o.levels = levels;
        o.random_shift = random_shift;
        o.data_step = data_step;
        o.monitor = monitor_of(callback);
        const auto result = computed([&] {
          return mri::l1_wavelet(space(), view_of(kspace), mask_of(mask), view_of(maps), o);
        });
        return solution(result);
      },
      nb::arg("kspace").noconvert(), nb::arg("mask").noconvert(), nb::arg("maps").noconvert(),
      "lambda_"_a, "iterations"_a, "tolerance"_a, "wavelet"_a, "levels"_a, "random_shift"_a,
      "data_step"_a, "callback"_a.none());
  m.def(
      "ktsparse",
      [](const complex_in<5>& kspace, const mask_in& mask, const complex_in<5>& maps, double lambda,
         int iterations, double tolerance, bool keep_mean, nb::object callback) {
        mri::kt_sparse_options o;
        o.lambda = lambda;
        o.iterations = iterations;
        o.tolerance = tolerance;
        o.keep_mean = keep_mean;
        o.monitor = monitor_of(callback);
        const auto result = computed([&] {
          return mri::kt_sparse(space(), view_of(kspace), mask_of(mask), view_of(maps), o);
        });
        return solution(result);
      },
      nb::arg("kspace").noconvert(), nb::arg("mask").noconvert(), nb::arg("maps").noconvert(),
      "lambda_"_a, "iterations"_a, "tolerance"_a, "keep_mean"_a, "callback"_a.none());
}

}  // namespace binding
