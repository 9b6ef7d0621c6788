// SPDX-License-Identifier: Apache-2.0
/// \file
/// Coil maps by ESPIRiT, and a measure of how bright the data are.

#include "cardiomm/mri/calibrate.hpp"

#include "binding.hpp"
#include "cardiomm/mri/scale.hpp"

namespace binding {

namespace mri = cardiomm::mri;

void bind_calibration(nb::module_& m) {
  m.def(
      "espirit",
      [](const complex_in<5>& kspace, index_t calib, index_t kernel, double threshold, double crop,
         index_t sets) {
        mri::espirit_options o;
        o.calib = calib;
        o.kernel = kernel;
        o.threshold = threshold;
        o.crop = crop;
        o.sets = sets;
        cardiomm::tensor<float, 4> values;
        const auto maps =
            computed([&] { return mri::espirit(space(), view_of(kspace), o, &values); });
        return nb::make_tuple(to_numpy(maps), to_numpy(values));
      },
      nb::arg("kspace").noconvert(), "calib"_a, "kernel"_a, "threshold"_a, "crop"_a, "sets"_a);
  m.def(
      "data_scale",
      [](const complex_in<5>& kspace) {
        const computing now;
        return mri::data_scale(space(), view_of(kspace));
      },
      nb::arg("kspace").noconvert());
}

}  // namespace binding
