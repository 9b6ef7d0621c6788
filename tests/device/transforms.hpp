// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_DEVICE_TRANSFORMS_HPP
#define CARDIOMM_TESTS_DEVICE_TRANSFORMS_HPP
/// \file
/// Fourier transforms of tensors, by the built-in kernels and by the vendor's library.

#include "cardiomm/fft/transform.hpp"
#include "device/entry.hpp"

namespace cardiomm_tests::device_entries {

template <class T>
void fft(const device_space& ex, const device_data<T>& d) {
  cardiomm::fft::fft(ex, d.kspace, d.kspace_out);
  cardiomm::fft::ifft(ex, d.kspace_out, d.kspace);
}
template <class T>
void fftshift(const device_space& ex, const device_data<T>& d) {
  (void)cardiomm::fft::fftshift(ex, d.kspace);
  (void)cardiomm::fft::ifftshift(ex, d.kspace);
}

}  // namespace cardiomm_tests::device_entries

CARDIOMM_DEVICE_ENTRY(fft)
CARDIOMM_DEVICE_ENTRY(fftshift)

#endif
