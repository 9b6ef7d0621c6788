// SPDX-License-Identifier: Apache-2.0
// EXPECT: cardiomm: the tensor's rank is not the operator's; images are \(frame, slice, y, x\),
#include "cardiomm/linop/fourier.hpp"
#include "cardiomm/linop/sensitivity.hpp"
#include "cardiomm/solve/cg.hpp"

using namespace cardiomm;

int main() {
  const auto maps = zeros<complex<float>>(host_space(), shape{4, 8, 8});
  const auto y = zeros<complex<float>>(host_space(), shape{1, 1, 4, 8, 8});
  const auto A = linop::fourier * linop::sensitivity(maps);
  auto x = solve::cg(gram(A), y);
  (void)x;
}
