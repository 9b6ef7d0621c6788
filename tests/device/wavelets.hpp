// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_DEVICE_WAVELETS_HPP
#define CARDIOMM_TESTS_DEVICE_WAVELETS_HPP
/// \file
/// Thresholding of wavelet coefficients in one launch.

#include "cardiomm/linop/wavelet.hpp"
#include "device/entry.hpp"

namespace cardiomm_tests::device_entries {

template <class T>
void wavelet_threshold(const device_space& ex, const device_data<T>& d) {
  const cardiomm::linop::wavelet_plan<T> plan(208, 256, {},
                                              cardiomm::linop::wavelet_boundary::periodic);
  cardiomm::linop::wavelet_threshold(ex, plan, d.image, d.image_out, T(0.1));
}

}  // namespace cardiomm_tests::device_entries

CARDIOMM_DEVICE_ENTRY(wavelet_threshold)

#endif
