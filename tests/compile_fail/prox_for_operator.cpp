// SPDX-License-Identifier: Apache-2.0
// EXPECT: cardiomm: cg needs a linear operator, and this is a proximal one; regularisers go to
#include "cardiomm/linop/sensitivity.hpp"
#include "cardiomm/prox/l1.hpp"
#include "cardiomm/solve/cg.hpp"

using namespace cardiomm;

int main() {
  const auto b = zeros<complex<float>>(host_space(), shape{1, 1, 8, 8});
  auto x = solve::cg(prox::l1<float, 4, host_space>(0.01), b, {.iterations = 10});
  (void)x;
}
