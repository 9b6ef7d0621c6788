// SPDX-License-Identifier: Apache-2.0
// EXPECT: cardiomm: the tensor's rank is not the operator's; images are \(frame, slice, y, x\)
#include "cardiomm/linop/sensitivity.hpp"

using namespace cardiomm;

int main() {
  const auto maps = zeros<complex<float>>(host_space(), shape{4, 8, 8});
  const auto image = zeros<complex<float>>(host_space(), shape{8, 8});
  auto coils = linop::sensitivity(maps) * image;
  (void)coils;
}
