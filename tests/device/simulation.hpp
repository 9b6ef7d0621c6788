// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_DEVICE_SIMULATION_HPP
#define CARDIOMM_TESTS_DEVICE_SIMULATION_HPP
/// \file
/// Phantom, maps, masks and metrics are made on the host and only have to compile beside device
/// code. Their kernels are written like all others, so they are compiled for the device as well.

#include "cardiomm/mri/mask.hpp"
#include "cardiomm/mri/metrics.hpp"
#include "cardiomm/mri/radial_mask.hpp"
#include "cardiomm/mri/simulate.hpp"
#include "device/entry.hpp"

namespace cardiomm_tests::host_entries {

template <class T>
void simulate(const device_space&, const device_data<T>& d) {
  using namespace cardiomm;
  const auto phantom = mri::simulate({});
  (void)mri::compare_stack(phantom.image, phantom.image, mri::normalisation::own_maximum);
  (void)mri::line_pattern(d.mask);
  (void)mri::make_mask({});
}

}  // namespace cardiomm_tests::host_entries

namespace cardiomm_tests::device_entries {

template <class T>
void kernels_of_simulate(const device_space& ex, const device_data<T>& d) {
  using namespace cardiomm;
  namespace kernels = mri::detail;
  const auto rows = [&](const auto& kernel) { launch::rows(ex, d.mask.extent(0), 1, kernel); };
  const auto segments = [&](const auto& kernel) { launch::segments(ex, d.mask.extent(0), kernel); };
  rows(kernels::ellipse_spectrum<T>{});
  rows(kernels::loop_field<T>{});
  segments(kernels::unit_maps<T>{});
  rows(kernels::thin_out{});
  rows(kernels::add_phase{});
  rows(kernels::modulate{});
  rows(kernels::take_centre{});
  segments(kernels::add_noise{});
}

}  // namespace cardiomm_tests::device_entries

CARDIOMM_HOST_ENTRY(simulate)
CARDIOMM_DEVICE_ENTRY(kernels_of_simulate)

#endif
