// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_CLIP_HPP
#define CARDIOMM_TRAIN_CLIP_HPP
/// \file
/// Clipping by the norm of all gradients together, as torch.nn.utils.clip_grad_norm_. The norm is
/// summed in double over pieces that do not depend on the number of threads.

#include "cardiomm/core/blas1.hpp"
#include "cardiomm/prox/concept.hpp"
#include "cardiomm/train/parameter_block.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// Euclidean norm of all gradients, brought to the host (waits); NaN or infinite where they are.
template <class T, ExecutionSpace Ex>
double gradient_norm(const Ex& ex, const parameter_block<T, Ex>& block) {
  return std::sqrt(prox::detail::total(
      ex, block.size(), blas1::detail::norm2_kernel<T>{block.gradients().data(), block.size()}));
}

/// Name of the first parameter with a gradient that is not finite; empty where there is none.
template <class T, ExecutionSpace Ex>
std::string first_not_finite(const Ex& ex, const parameter_block<T, Ex>& block) {
  for (const auto& e : block.entries()) {
    const blas1::detail::norm2_kernel<T> square{block.gradients().data() + e.first, e.size};
    if (!std::isfinite(prox::detail::total(ex, e.size, square))) return e.name;
  }
  return {};
}

/// What gradients of the norm are multiplied with so that they are at most `largest` long:
/// min(1, largest / (norm + 1e-6)). Throws value_error unless `largest` is above 0.
inline double clip_factor(double norm, double largest) {
  require(largest > 0, "clip: expected a largest norm above 0, found ", largest);
  const double factor = largest / (norm + 1e-6);
  return factor < 1 ? factor : 1;
}

/// The norm of the gradients before clipping and the factor that clips them.
struct clipping {
  double norm = 0, factor = 1;
};

/// Norm and factor, for `optimiser::step(ex, block, rate, factor)`: the gradients themselves stay.
/// Throws value_error with the name of the first parameter whose gradient is not finite.
template <class T, ExecutionSpace Ex>
clipping measure_clipping(const Ex& ex, const parameter_block<T, Ex>& block, double largest) {
  clipping c;
  c.norm = gradient_norm(ex, block);
  c.factor = clip_factor(c.norm, largest);
  require(std::isfinite(c.norm), "clip: norm of the gradients: expected a finite number, found ",
          c.norm, ", first in ", first_not_finite(ex, block));
  return c;
}

/// Scales the gradients in place and returns what was done. Throws as measure_clipping, with the
/// gradients untouched.
template <class T, ExecutionSpace Ex>
clipping clip(const Ex& ex, const parameter_block<T, Ex>& block, double largest) {
  const clipping c = measure_clipping(ex, block, largest);
  if (c.factor < 1) blas1::scale(ex, T(real_of<T>(c.factor)), block.gradients());
  return c;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
