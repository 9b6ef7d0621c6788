// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdio>

#include "cardiomm/core/blas1.hpp"
#include "cardiomm/core/runtime.hpp"

// Fails when the library's flags or libraries did not arrive: a kernel runs and its result counts.
int main(int argc, char** argv) {
  cardiomm::runtime guard(argc, argv);
  using space = Kokkos::DefaultHostExecutionSpace;
  const space ex;
  auto x = cardiomm::make_tensor<float>(ex, cardiomm::shape<1>{1000});
  Kokkos::deep_copy(x, 2.0f);
  const double found = cardiomm::blas1::norm(ex, x);
  std::printf("norm %.6f\n", found);
  return std::abs(found - std::sqrt(4000.0)) < 1e-6 ? 0 : 1;
}
