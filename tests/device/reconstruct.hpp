// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_DEVICE_RECONSTRUCT_HPP
#define CARDIOMM_TESTS_DEVICE_RECONSTRUCT_HPP
/// \file
/// The reconstructions without a solver, and the sampling found in k-space.

#include "cardiomm/mri/reconstruct.hpp"
#include "device/entry.hpp"

namespace cardiomm_tests::device_entries {

template <class T>
void zero_filled(const device_space& ex, const device_data<T>& d) {
  (void)cardiomm::mri::zero_filled(ex, d.kspace, d.mask, d.maps);
}
template <class T>
void rss(const device_space& ex, const device_data<T>& d) {
  (void)cardiomm::mri::rss(ex, d.kspace);
}
template <class T>
void crop_readout(const device_space& ex, const device_data<T>& d) {
  (void)cardiomm::mri::crop_readout(ex, d.kspace);
}
template <class T>
void sampling_of(const device_space& ex, const device_data<T>& d) {
  (void)cardiomm::mri::sampling_of(ex, d.kspace);
}

}  // namespace cardiomm_tests::device_entries

CARDIOMM_DEVICE_ENTRY(zero_filled)
CARDIOMM_DEVICE_ENTRY(rss)
CARDIOMM_DEVICE_ENTRY(crop_readout)
CARDIOMM_DEVICE_ENTRY(sampling_of)

#endif
