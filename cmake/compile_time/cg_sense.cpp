// SPDX-License-Identifier: Apache-2.0
/// \file
/// What a user's unit costs the compiler: the operator algebra, and CG-SENSE called once. Measured
/// by compile_time.py; docs/compile-time.md has the figures.
#include "cardiomm/core/runtime.hpp"
#include "cardiomm/linop/fourier.hpp"
#include "cardiomm/linop/sampling.hpp"
#include "cardiomm/linop/sensitivity.hpp"
#include "cardiomm/solve/cg.hpp"

using namespace cardiomm;
using namespace cardiomm::linop;

int main(int argc, char** argv) {
  runtime guard(argc, argv);
  const default_space ex;
  const auto s = zeros<complex<float>>(ex, shape{4, 8, 8});
  const auto m = zeros<float>(ex, shape{8});
  const auto y = zeros<complex<float>>(ex, shape{1, 1, 4, 8, 8});
  auto A = line_mask(m) * fourier * sensitivity(s);
  auto x = solve::cg(gram(A) + 0.01 * identity, adjoint(A) * y, {.iterations = 30});
  return x.size() > 0 ? 0 : 1;
}
