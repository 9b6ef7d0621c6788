// SPDX-License-Identifier: Apache-2.0
// EXPECT: cardiomm: the layout of this View is not LayoutRight, where x, the readout, is contiguous
#include "cardiomm/linop/sensitivity.hpp"

using namespace cardiomm;

int main() {
  const auto maps = zeros<complex<float>>(host_space(), shape{4, 8, 8});
  const Kokkos::View<complex<float>****, Kokkos::LayoutLeft, host_space> image("image", 1, 1, 8, 8);
  auto coils = linop::sensitivity(maps) * image;
  (void)coils;
}
