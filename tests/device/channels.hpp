// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_DEVICE_CHANNELS_HPP
#define CARDIOMM_TESTS_DEVICE_CHANNELS_HPP
/// \file
/// Prewhitening and coil compression.

#include "cardiomm/mri/coil_compress.hpp"
#include "cardiomm/mri/prewhiten.hpp"
#include "device/entry.hpp"

namespace cardiomm_tests::device_entries {

template <class T>
void noise_covariance(const device_space& ex, const device_data<T>& d) {
  (void)cardiomm::mri::noise_covariance(ex, d.noise);
}
template <class T>
void prewhiten(const device_space& ex, const device_data<T>& d) {
  const auto psi = cardiomm::mri::noise_covariance(ex, d.noise);
  cardiomm::mri::prewhiten(ex, cardiomm::mri::whitening_matrix<T>(ex, psi), d.kspace);
}
template <class T>
void find_compression(const device_space& ex, const device_data<T>& d) {
  (void)cardiomm::mri::find_compression(ex, d.kspace, 8, 24);
}
template <class T>
void compress(const device_space& ex, const device_data<T>& d) {
  (void)cardiomm::mri::compress(ex, d.square, d.kspace);
}

}  // namespace cardiomm_tests::device_entries

CARDIOMM_DEVICE_ENTRY(noise_covariance)
CARDIOMM_DEVICE_ENTRY(prewhiten)
CARDIOMM_DEVICE_ENTRY(find_compression)
CARDIOMM_DEVICE_ENTRY(compress)

#endif
