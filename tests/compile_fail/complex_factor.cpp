// SPDX-License-Identifier: Apache-2.0
// EXPECT: cardiomm: complex factors of operators are cardiomm::complex<T>, not std::complex<T>
#include "cardiomm/linop/sensitivity.hpp"

using namespace cardiomm;

int main() {
  const auto maps = zeros<complex<float>>(host_space(), shape{4, 8, 8});
  auto A = std::complex<float>(0, 1) * linop::sensitivity(maps);
  (void)A;
}
