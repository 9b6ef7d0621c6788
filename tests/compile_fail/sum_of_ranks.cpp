// SPDX-License-Identifier: Apache-2.0
// EXPECT: cardiomm: identity can be added only to an operator with equal domain and range
#include "cardiomm/linop/sensitivity.hpp"

using namespace cardiomm;

int main() {
  const linop::sensitivity s(zeros<complex<float>>(host_space(), shape{4, 8, 8}));
  auto a = s + 0.1 * linop::identity;
  (void)a;
}
