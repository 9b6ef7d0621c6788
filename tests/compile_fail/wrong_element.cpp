// SPDX-License-Identifier: Apache-2.0
// EXPECT: cardiomm: the tensor's element type is not the operator's complex<T>; convert the data
#include "cardiomm/linop/sensitivity.hpp"

using namespace cardiomm;

int main() {
  const linop::sensitivity s(zeros<complex<float>>(host_space(), shape{4, 8, 8}));
  auto coils = s * zeros<float>(host_space(), shape{1, 1, 8, 8});
  (void)coils;
}
