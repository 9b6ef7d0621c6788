// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_DEVICE_TRAINING_HPP
#define CARDIOMM_TESTS_DEVICE_TRAINING_HPP
/// \file
/// A step of training without its network: losses, clipping, optimisers, averages.

#include "cardiomm/nn/loss_classes.hpp"
#include "cardiomm/nn/loss_image.hpp"
#include "cardiomm/train/average.hpp"
#include "cardiomm/train/clip.hpp"
#include "cardiomm/train/optimiser.hpp"
#include "device/entry.hpp"

namespace cardiomm_tests::device_entries {

template <class T>
void image_losses(const device_space& ex, const device_data<T>& d) {
  using namespace cardiomm;
  (void)nn::charbonnier_loss(ex, d.real_image, d.real_image, d.real_image);
  (void)nn::charbonnier_loss(ex, d.image, d.image, d.image_out);
  (void)nn::perpendicular_loss(ex, d.image, d.image, d.image_out);
}
template <class T>
void class_losses(const device_space& ex, const device_data<T>& d) {
  using namespace cardiomm;
  const tensor<int, 3, device_space> labels;
  (void)nn::cross_entropy_loss(ex, d.real_image, labels, d.real_image);
  (void)nn::soft_dice_loss(ex, d.real_image, labels, d.real_image);
}
template <class T>
void optimiser_step(const device_space& ex, const device_data<T>&) {
  using namespace cardiomm;
  const train::parameter_block<T, device_space> block(ex, {});
  train::optimiser<T, device_space> opt(ex, {}, block);
  opt.step(ex, block, 1e-3, train::clip(ex, block, 1).factor);
}
template <class T>
void average_update(const device_space& ex, const device_data<T>&) {
  using namespace cardiomm;
  const train::parameter_block<T, device_space> block(ex, {});
  train::weight_average<T, device_space> average(ex, block, 0.999);
  average.update(ex, block);
  const train::average_in_use<T, device_space> now(ex, &average, block);
}

}  // namespace cardiomm_tests::device_entries

CARDIOMM_DEVICE_ENTRY(image_losses)
CARDIOMM_DEVICE_ENTRY(class_losses)
CARDIOMM_DEVICE_ENTRY(optimiser_step)
CARDIOMM_DEVICE_ENTRY(average_update)

#endif
