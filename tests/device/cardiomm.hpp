// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_DEVICE_CARDIOMM_HPP
#define CARDIOMM_TESTS_DEVICE_CARDIOMM_HPP
/// \file
/// The CardioMM network whole: a reconstruction, and a step of training.

#include "cardiomm/models/cardiomm_pass.hpp"
#include "device/entry.hpp"

namespace cardiomm_tests::device_entries {

template <class T>
void cardiomm_reconstruction(const device_space& ex, const device_data<T>& d) {
  using namespace cardiomm;
  const auto net = models::load_cardiomm<T>(ex, {});
  const tensor<T, 3, device_space> image;
  net.reconstruct(ex, d.image, d.mask, d.values, d.values, image);
}
template <class T>
void cardiomm_training(const device_space& ex, const device_data<T>& d) {
  using namespace cardiomm;
  const models::cardiomm<T, device_space> net(ex, {});
  models::cardiomm_pass<T, device_space> pass(ex, net, shape_of(d.image), d.mask);
  pass.backward(pass.forward(d.image, d.values, d.values), d.image_out);
}

}  // namespace cardiomm_tests::device_entries

CARDIOMM_DEVICE_ENTRY(cardiomm_reconstruction)
CARDIOMM_DEVICE_ENTRY(cardiomm_training)

#endif
