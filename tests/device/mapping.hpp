// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_DEVICE_MAPPING_HPP
#define CARDIOMM_TESTS_DEVICE_MAPPING_HPP
/// \file
/// Relaxation maps, velocities, phase-sensitive images, and curves that users fit.

#include "cardiomm/analysis/mapping.hpp"
#include "cardiomm/analysis/phase.hpp"
#include "device/entry.hpp"

namespace cardiomm_tests::device_entries {

template <class T>
void relaxation(const device_space& ex, const device_data<T>& d) {
  using namespace cardiomm::analysis;
  const auto mask = signal_mask(ex, d.real_image);
  mapping_options o;
  (void)fit_t1_molli(ex, d.real_image, {}, mask, o);
  (void)fit_t1_recovery(ex, d.real_image, {}, mask, o);
  (void)fit_t2(ex, d.real_image, {}, mask, o);
}
template <class T>
void phases(const device_space& ex, const device_data<T>& d) {
  using namespace cardiomm::analysis;
  (void)velocity(ex, d.image, d.image_out, velocity_options{});
  (void)psir(ex, d.image, d.image_out);
}
template <class T>
void levenberg_marquardt(const device_space& ex, const device_data<T>& d) {
  const cardiomm::analysis::exponential<true> model{0, 1};
  (void)cardiomm::solve::levenberg_marquardt(ex, model, cardiomm::flatten(d.values), d.values,
                                             d.values);
}

}  // namespace cardiomm_tests::device_entries

CARDIOMM_DEVICE_ENTRY(relaxation)
CARDIOMM_DEVICE_ENTRY(phases)
CARDIOMM_DEVICE_ENTRY(levenberg_marquardt)

#endif
