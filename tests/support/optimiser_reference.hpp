// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_SUPPORT_OPTIMISER_REFERENCE_HPP
#define CARDIOMM_TESTS_SUPPORT_OPTIMISER_REFERENCE_HPP
/// \file
/// tests/data/optimiser.safetensors (PyTorch, tests/data/make_optimiser.py), and blocks to step on.

#include "cardiomm/train/parameter_block.hpp"
#include "support/layer_reference.hpp"

namespace cardiomm_tests {

inline const cardiomm::io::safetensors_file& optimiser_cases() {
  static const cardiomm::io::safetensors_file file(own_path("optimiser.safetensors"));
  return file;
}

/// A block of one parameter with the given values.
template <class T, class Ex, class X>
cardiomm::train::parameter_block<T, Ex> block_of(const Ex& ex, const X& values) {
  using namespace cardiomm;
  const nn::parameter<T, Ex> p(ex, {index_t(values.extent(0))});
  Kokkos::deep_copy(ex, p.value(), values);
  return {ex, {{"values", p}}};
}

}  // namespace cardiomm_tests

#endif
