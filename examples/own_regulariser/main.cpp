// SPDX-License-Identifier: Apache-2.0
// A regulariser of one's own (still_frames.hpp): its laws are checked, then it is used like any
// other of the library.
#include <cstdio>

#include "cardiomm/core/runtime.hpp"
#include "cardiomm/linop/sensitivity.hpp"
#include "cardiomm/mri/mask.hpp"
#include "cardiomm/mri/simulate.hpp"
#include "cardiomm/prox/check.hpp"
#include "cardiomm/solve/cg.hpp"
#include "cardiomm/solve/fista.hpp"
#include "still_frames.hpp"

using namespace cardiomm;
using namespace cardiomm::linop;

// The shared checks of proximal operators, which the library's own ones pass as well.
bool obeys_the_laws(const default_space& ex) {
  namespace check = prox::check;
  const mine::still_frames<float> p(0.3);
  const shape<4> s{{7, 1, 12, 9}};
  const struct {
    const char* law;
    double error;
  } results[] = {{"optimality", check::optimality_error(ex, p, s, 0.5, 1)},
                 {"Moreau's identity", check::moreau_error(ex, p, s, 0.5, 2)},
                 {"firmly non-expansive", check::expansion_error(ex, p, s, 0.5, 3)},
                 {"in place", check::in_place_error(ex, p, s, 0.5, 4)}};
  bool all = true;
  for (const auto& r : results) {
    const bool holds = r.error < check::tolerance<mine::still_frames<float>>;
    std::printf("%-21s %s\n", r.law, holds ? "holds" : "BROKEN");
    all = all && holds;
  }
  return all;
}

int main(int argc, char** argv) {
  runtime guard(argc, argv);
  const default_space ex;
  if (!obeys_the_laws(ex)) return 1;

  // A heart, 12 frames of 96 x 112, an eighth of the lines and 12 in the centre, new ones each
  // frame.
  const auto heart = mri::simulate({.coils = 8, .frames = 12, .ny = 96, .nx = 112});
  const auto m =
      mri::make_line_mask({.acceleration = 8, .acs = 12, .frames = 12, .ny = 96, .nx = 112});
  const auto s = clone(ex, reshape(to_space(ex, heart.maps), shape<5>{{1, 1, 8, 96, 112}}));
  const auto y = line_mask(m) * to_space(ex, heart.kspace);
  const auto truth = to_space(ex, heart.image);

  const auto A = line_mask(m) * fourier * sensitivity(s);
  const auto b = adjoint(A) * y;
  const auto sense = solve::cg(gram(A) + 0.01 * identity, b, {.iterations = 30});
  const auto still =
      solve::fista(gram(A), mine::still_frames<float>(0.01), b, {.iterations = 60, .step = 1});

  const auto error = [&](const auto& x) {
    const auto d = clone(ex, x);
    blas1::axpby(ex, complex<float>(-1), truth, complex<float>(1), d);
    return blas1::norm(ex, d) / blas1::norm(ex, truth);
  };
  std::printf("relative error: zero-filled %.3f, SENSE %.3f, own regulariser %.3f\n", error(b),
              error(sense), error(still));
  return error(still) < error(sense) ? 0 : 1;
}
