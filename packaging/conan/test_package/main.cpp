// SPDX-License-Identifier: Apache-2.0
// A kernel runs and its result counts.
#include <cmath>
#include <cstdio>

#include "cardiomm/core/blas1.hpp"
#include "cardiomm/core/runtime.hpp"

int main(int argc, char** argv) {
  cardiomm::runtime guard(argc, argv);
  const Kokkos::DefaultHostExecutionSpace ex;
  auto x = cardiomm::make_tensor<float>(ex, cardiomm::shape<1>{1000});
  Kokkos::deep_copy(x, 2.0f);
  const double found = cardiomm::blas1::norm(ex, x);
  std::printf("cardiomm %s, norm %.6f, xsimd %d, FFTW %d\n", CARDIOMM_VERSION_STRING, found,
              CARDIOMM_HAS_XSIMD, CARDIOMM_HAS_FFTW);
  return std::abs(found - std::sqrt(4000.0)) < 1e-6 ? 0 : 1;
}
