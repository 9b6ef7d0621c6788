// SPDX-License-Identifier: Apache-2.0
// EXPECT: cardiomm: in A \* B the rank of B's range must be that of A's domain
#include "cardiomm/linop/fourier.hpp"
#include "cardiomm/linop/sensitivity.hpp"

using namespace cardiomm;

int main() {
  const linop::sensitivity s(zeros<complex<float>>(host_space(), shape{4, 8, 8}));
  auto a = s * linop::fourier * s;
  (void)a;
}
