// SPDX-License-Identifier: Apache-2.0
// EXPECT: cardiomm: cg needs an operator with equal domain and range: gram\(A\)
#include "cardiomm/linop/sensitivity.hpp"
#include "cardiomm/solve/cg.hpp"

using namespace cardiomm;

int main() {
  const linop::sensitivity s(zeros<complex<float>>(host_space(), shape{4, 8, 8}));
  auto x = solve::cg(s, zeros<complex<float>>(host_space(), shape{1, 1, 8, 8}));
  (void)x;
}
