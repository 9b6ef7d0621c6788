// SPDX-License-Identifier: Apache-2.0
// An operator of one's own (multiband.hpp): the shared checks of operators, then a reconstruction
// with it. Two slices are measured at once and told apart by coils and phases.
#include <cstdio>

#include "cardiomm/core/runtime.hpp"
#include "cardiomm/linop/check.hpp"
#include "cardiomm/linop/sensitivity.hpp"
#include "cardiomm/mri/simulate.hpp"
#include "cardiomm/solve/cg.hpp"
#include "multiband.hpp"

using namespace cardiomm;
using namespace cardiomm::linop;

// The shared checks, which every operator of the library passes as well. They need no test
// framework: call them from yours, or as here.
template <class A>
bool passes_the_checks(const default_space& ex, const A& a, const domain_shape<A>& d) {
  const struct {
    const char* what;
    double error;
  } results[] = {{"<A x, y> = <x, A^H y>", check::adjoint_error(ex, a, d, 1)},
                 {"linear", check::linearity_error(ex, a, d, 2)},
                 {"accumulates", check::accumulate_error(ex, a, d, 3)},
                 {"gram(A) = A^H A", check::gram_error(ex, a, d, 4)},
                 {"adjoint(adjoint(A)) = A", check::double_adjoint_error(ex, a, d, 5)},
                 {"keeps its flags", check::flags_error(ex, a, d, 6)}};
  bool all = check::refuses_aliasing(ex, a, d);
  for (const auto& r : results) {
    const bool passed = r.error < check::tolerance<typename A::real_type>;
    std::printf("%-24s %s\n", r.what, passed ? "passed" : "FAILED");
    all = all && passed;
  }
  return all;
}

int main(int argc, char** argv) {
  runtime guard(argc, argv);
  const default_space ex;
  const index_t slices = 2, coils = 10, frames = 4, ny = 96, nx = 112;
  const mine::multiband<float> both(slices, 2);
  if (!passes_the_checks(ex, both, {{3, slices, 2, 12, 9}})) return 1;

  // Two slices of a heart, 40 mm apart, in half the time.
  const auto heart = mri::simulate({.coils = coils,
                                    .frames = frames,
                                    .slices = slices,
                                    .ny = ny,
                                    .nx = nx,
                                    .slice_spacing = 40});
  const auto s = clone(ex, reshape(to_space(ex, heart.maps), shape<5>{{1, slices, coils, ny, nx}}));
  const auto y = both * to_space(ex, heart.kspace);
  const auto truth = to_space(ex, heart.image);

  const auto A = both * fourier * sensitivity(s);  // a factor like any other
  const auto b = adjoint(A) * y;
  const auto x = solve::cg(gram(A) + 0.002 * identity, b, {.iterations = 30});

  const auto error = [&](const auto& found) {
    const auto d = clone(ex, found);
    blas1::axpby(ex, complex<float>(-1), truth, complex<float>(1), d);
    return blas1::norm(ex, d) / blas1::norm(ex, truth);
  };
  const double before = error(b), after = error(x);
  std::printf("relative error: A^H y %.3f, CG %.3f\n", before, after);
  return after < before / 2 ? 0 : 1;
}
