// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_DEVICE_SENSE_HPP
#define CARDIOMM_TESTS_DEVICE_SENSE_HPP
/// \file
/// CG-SENSE whole: every encoding that it chooses from, its normal operators and the solver.

#include "cardiomm/mri/reconstruct.hpp"
#include "device/entry.hpp"

namespace cardiomm_tests::device_entries {

template <class T>
void sense(const device_space& ex, const device_data<T>& d) {
  (void)cardiomm::mri::sense(ex, d.kspace, d.mask, d.maps);
}

}  // namespace cardiomm_tests::device_entries

CARDIOMM_DEVICE_ENTRY(sense)

#endif
