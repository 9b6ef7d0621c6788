// SPDX-License-Identifier: Apache-2.0
// EXPECT: cardiomm: the operands have different precisions; build both with the same T
#include "cardiomm/linop/fourier.hpp"
#include "cardiomm/linop/sampling.hpp"
#include "cardiomm/linop/sensitivity.hpp"

using namespace cardiomm;

int main() {
  const auto m = zeros<float>(host_space(), shape{8});
  const auto s = zeros<complex<double>>(host_space(), shape{4, 8, 8});
  auto a = linop::line_mask(m) * linop::fourier * linop::sensitivity(s);
  (void)a;
}
