// SPDX-License-Identifier: Apache-2.0
// All of the library by one include, and the reconstruction of its README in small.
#include "cardiomm/cardiomm.hpp"

#include <cstdio>

using namespace cardiomm;
using namespace cardiomm::linop;

int main(int argc, char** argv) {
  runtime guard(argc, argv);
  const default_space ex;
  const auto heart = mri::simulate({.coils = 4, .frames = 4, .ny = 32, .nx = 32});
  const auto m = mri::make_line_mask({.pattern = mri::mask_pattern::kt_gaussian,
                                      .acceleration = 2,
                                      .acs = 12,
                                      .frames = 4,
                                      .ny = 32,
                                      .nx = 32});
  const auto y = line_mask(m) * to_space(ex, heart.kspace);
  const auto s = mri::espirit(ex, y);
  auto A = line_mask(m) * fourier * sensitivity(s);
  auto x = solve::cg(gram(A) + 0.01 * identity, adjoint(A) * y, {.iterations = 20});
  const double left = blas1::norm(ex, x);
  std::printf("norm of the image %.3f\n", left);
  return left > 0 ? 0 : 1;
}
