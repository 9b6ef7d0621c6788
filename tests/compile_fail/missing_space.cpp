// SPDX-License-Identifier: Apache-2.0
// EXPECT: cardiomm: zeros needs the execution space first: zeros<T>\(default_space\(\), shape\)
#include "cardiomm/linop/sensitivity.hpp"

using namespace cardiomm;

int main() {
  const auto maps = zeros<complex<float>>(shape{4, 8, 8});
  (void)maps;
}
