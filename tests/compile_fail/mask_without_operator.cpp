// SPDX-License-Identifier: Apache-2.0
// EXPECT: cardiomm: a tensor stands left of an operator; A \* x applies A to x, and a tensor
#include "cardiomm/linop/fourier.hpp"
#include "cardiomm/linop/sensitivity.hpp"

using namespace cardiomm;

int main() {
  const auto maps = zeros<complex<float>>(host_space(), shape{4, 8, 8});
  const auto m = zeros<float>(host_space(), shape{8});
  auto A = m * (linop::fourier * linop::sensitivity(maps));
  (void)A;
}
