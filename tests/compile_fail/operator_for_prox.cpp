// SPDX-License-Identifier: Apache-2.0
// EXPECT: cardiomm: fista\(gram\(A\), P, b\) needs a linear operator, then a proximal one such as
#include "cardiomm/linop/difference.hpp"
#include "cardiomm/linop/fourier.hpp"
#include "cardiomm/linop/sensitivity.hpp"
#include "cardiomm/solve/fista.hpp"

using namespace cardiomm;

int main() {
  const auto maps = zeros<complex<float>>(host_space(), shape{4, 8, 8});
  const auto b = zeros<complex<float>>(host_space(), shape{1, 1, 8, 8});
  const auto A = linop::fourier * linop::sensitivity(maps);
  const linop::gradient<float, host_space> D({linop::axis::y, linop::axis::x});
  auto x = solve::fista(gram(A), D, b);
  (void)x;
}
