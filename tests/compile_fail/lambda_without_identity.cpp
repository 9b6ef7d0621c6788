// SPDX-License-Identifier: Apache-2.0
// EXPECT: cardiomm: a number cannot be added to an operator; did you mean A \+ lambda \* identity
#include "cardiomm/linop/fourier.hpp"
#include "cardiomm/linop/sensitivity.hpp"

using namespace cardiomm;

int main() {
  const auto maps = zeros<complex<float>>(host_space(), shape{4, 8, 8});
  const auto A = linop::fourier * linop::sensitivity(maps);
  auto N = gram(A) + 0.01;
  (void)N;
}
