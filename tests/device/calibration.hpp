// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_DEVICE_CALIBRATION_HPP
#define CARDIOMM_TESTS_DEVICE_CALIBRATION_HPP
/// \file
/// ESPIRiT and the scale of the data. (The calibration block is small: matrices from it are worked
/// on by the host, the maps come from the device.)

#include "cardiomm/mri/calibrate.hpp"
#include "cardiomm/mri/scale.hpp"
#include "device/entry.hpp"

namespace cardiomm_tests::device_entries {

template <class T>
void espirit(const device_space& ex, const device_data<T>& d) {
  cardiomm::tensor<T, 4, device_space> values;
  (void)cardiomm::mri::espirit(ex, d.kspace, {}, &values);
}
template <class T>
void data_scale(const device_space& ex, const device_data<T>& d) {
  (void)cardiomm::mri::data_scale(ex, d.kspace);
}

}  // namespace cardiomm_tests::device_entries

CARDIOMM_DEVICE_ENTRY(espirit)
CARDIOMM_DEVICE_ENTRY(data_scale)

#endif
