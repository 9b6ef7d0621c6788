// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_SUPPORT_LOSS_REFERENCE_HPP
#define CARDIOMM_TESTS_SUPPORT_LOSS_REFERENCE_HPP
/// \file
/// tests/data/losses.safetensors (PyTorch, tests/data/make_losses.py).

#include "support/layer_reference.hpp"

namespace cardiomm_tests {

inline const cardiomm::io::safetensors_file& loss_cases() {
  static const cardiomm::io::safetensors_file file(own_path("losses.safetensors"));
  return file;
}

/// Numbers (a, b, 2) as complex numbers (a, b).
template <class T, class Ex>
auto pairs(const Ex& ex, const std::string& name) {
  using namespace cardiomm;
  const auto from = loss_cases().at(name).tensor<T, 3>();
  const auto z =
      make_tensor<complex<T>>(ex, shape<2>{{index_t(from.extent(0)), index_t(from.extent(1))}});
  copy(borrow(ex, reinterpret_cast<T*>(z.data()), shape_of(from)), from);
  return z;
}

/// Value and gradient of a case.
template <class D>
void matches(const std::string& name, double loss, const D& dx, double tolerance) {
  using namespace cardiomm;
  CAPTURE(name);
  const auto expected = loss_cases().at(name + ".loss").tensor<double, 1>()(0);
  CHECK(loss == doctest::Approx(expected).epsilon(tolerance));
  const auto gradient = loss_cases().at(name + ".dx").tensor<element_of<D>, rank_of<D>>();
  CHECK(worst(dx, gradient) <= tolerance);
}

}  // namespace cardiomm_tests

#endif
