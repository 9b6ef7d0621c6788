// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/mri/total_variation.hpp"

#include <doctest/doctest.h>

#include "sparse_reference.hpp"

using namespace cardiomm;
using cardiomm_tests::sparse_problem;
using Ex = default_space;

TEST_CASE("total variation finds the minimum that SigPy finds") {
  const auto p = sparse_problem::reference();
  const auto compare = [&](const char* name, const auto& tv,
                           const mri::total_variation_options& options) {
    const auto theirs = p.result(name);
    const auto found = mri::total_variation(Ex(), p.kspace, p.mask, p.maps, options);
    const double best = p.misfit(theirs) + tv.value(Ex(), theirs);
    const double ours = p.misfit(found.image) + tv.value(Ex(), found.image);
    CAPTURE(name);
    CHECK(ours <= best * (1 + 1e-5));
    CHECK(ours >= best * (1 - 1e-4));
    CHECK(sparse_problem::distance(found.image, theirs) < 5e-3);
    CHECK(found.report.iterations == options.iterations);
  };
  compare("tv_time", prox::total_variation_in_time<float, Ex, 5>(0.04),
          {.lambda = 0.04, .iterations = 300});
  compare("tv_space",
          prox::total_variation_in_space<float, Ex, 5>(0.02, shape<5>::all_open(),
                                                       {.isotropic = false}),
          {.lambda = 0.02, .iterations = 300, .along = mri::variation::space, .isotropic = false});
}

TEST_CASE("ADMM and primal-dual splitting arrive where FISTA does") {
  const auto p = sparse_problem::reference();
  using mri::algorithm;
  for (const auto along : {mri::variation::time, mri::variation::space}) {
    const auto run = [&](algorithm solver, int iterations) {
      return mri::total_variation(Ex(), p.kspace, p.mask, p.maps,
                                  {.lambda = 0.03,
                                   .iterations = iterations,
                                   .along = along,
                                   .periodic = false,
                                   .solver = solver})
          .image;
    };
    const auto best = run(algorithm::fista, 300);
    CHECK(sparse_problem::distance(run(algorithm::admm, 100), best) < 5e-3);
    CHECK(sparse_problem::distance(run(algorithm::pdhg, 600), best) < 1e-2);
  }
}

TEST_CASE("total variation of a series that stands still is that of one frame") {
  // The same lines of the same image in every frame: no difference in time, whatever lambda is.
  auto p = sparse_problem::reference();
  const shape<5> s = shape_of(p.kspace);
  const index_t plane = s[3] * s[4];
  for (index_t f = 1; f < s[0]; ++f) {
    Kokkos::deep_copy(slice(p.kspace, f), slice(p.kspace, 0));
    std::copy_n(p.mask.data(), plane, p.mask.data() + f * plane);
  }
  const auto weak =
      mri::total_variation(Ex(), p.kspace, p.mask, p.maps, {.lambda = 1e-4, .iterations = 15});
  const auto strong =
      mri::total_variation(Ex(), p.kspace, p.mask, p.maps, {.lambda = 10, .iterations = 15});
  CHECK(sparse_problem::distance(weak.image, strong.image) < 1e-5);
}

TEST_CASE("total variation refuses what does not fit") {
  const auto p = sparse_problem::reference();
  const auto run = [&](const mri::total_variation_options& o) {
    return mri::total_variation(Ex(), p.kspace, p.mask, p.maps, o);
  };
  CHECK_THROWS_AS(run({.lambda = -1}), value_error);
  CHECK_THROWS_AS(run({.iterations = -1}), value_error);
  CHECK_THROWS_AS(run({.inner_iterations = 0}), value_error);
}
