// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_DEVICE_NOISE_HPP
#define CARDIOMM_TESTS_DEVICE_NOISE_HPP
/// \file
/// GRAPPA, partial Fourier and everything about noise that launches kernels of its own.

#include "cardiomm/mri/partial_fourier.hpp"
#include "cardiomm/mri/snr.hpp"
#include "device/entry.hpp"

namespace cardiomm_tests::device_entries {

template <class T>
void grappa(const device_space& ex, const device_data<T>& d) {
  (void)cardiomm::mri::grappa(ex, d.kspace, d.mask);
}
template <class T>
void sense_noise(const device_space& ex, const device_data<T>& d) {
  (void)cardiomm::mri::sense_noise(ex, d.mask, d.maps);
}
template <class T>
void grappa_noise(const device_space& ex, const device_data<T>& d) {
  const auto lines = *cardiomm::mri::line_pattern(d.mask);
  const cardiomm::mri::grappa_kernels<T, device_space> kernels(
      ex, cardiomm::mri::given_grappa_calibration(d.kspace), 0, lines);
  (void)cardiomm::mri::grappa_noise(ex, kernels, lines, d.maps);
}
template <class T>
void pseudo_replica(const device_space& ex, const device_data<T>& d) {
  (void)cardiomm::mri::pseudo_replica(ex, d.kspace, d.mask,
                                      [&](const auto& k) { return cardiomm::mri::rss(ex, k); });
}
template <class T>
void gfactor(const device_space& ex, const device_data<T>& d) {
  (void)cardiomm::mri::gfactor(ex, d.real_image, d.mask, d.maps);
}
template <class T>
void noise_from_edge(const device_space& ex, const device_data<T>& d) {
  (void)cardiomm::mri::noise_from_edge(ex, d.kspace, d.mask);
}
template <class T>
void apply_filter(const device_space& ex, const device_data<T>& d) {
  cardiomm::mri::apply_filter(ex, cardiomm::mri::gaussian_filter(8, 1), d.kspace, 3);
}
template <class T>
void partial_fourier(const device_space& ex, const device_data<T>& d) {
  (void)cardiomm::mri::partial_fourier(ex, d.kspace, {});
}

}  // namespace cardiomm_tests::device_entries

CARDIOMM_DEVICE_ENTRY(grappa)
CARDIOMM_DEVICE_ENTRY(sense_noise)
CARDIOMM_DEVICE_ENTRY(grappa_noise)
CARDIOMM_DEVICE_ENTRY(pseudo_replica)
CARDIOMM_DEVICE_ENTRY(gfactor)
CARDIOMM_DEVICE_ENTRY(noise_from_edge)
CARDIOMM_DEVICE_ENTRY(apply_filter)
CARDIOMM_DEVICE_ENTRY(partial_fourier)

#endif
