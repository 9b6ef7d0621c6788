// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/mri/total_variation.hpp"

#include <doctest/doctest.h>

#include <cstdio>

#include "cardiomm/mri/simulate.hpp"
#include "sparse_reference.hpp"
#include "support/bart.hpp"

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

TEST_CASE("total variation agrees with bart pics, in time and in space") {
  PROGRAM_OR_SKIP("bart");
  const index_t frames = 6, ny = 40, nx = 44, coils = 4;
  const auto heart = mri::simulate({.coils = coils, .frames = frames, .ny = ny, .nx = nx});
  sparse_problem p;
  p.mask = make_tensor<std::uint8_t>(host_space(), shape<3>{{frames, ny, nx}});
  for (index_t f = 0; f < frames; ++f)
    for (index_t y = 0; y < ny; ++y)
      for (index_t x = 0; x < nx; ++x) p.mask(f, y, x) = (y + f) % 3 == 0 || (y > 15 && y < 25);
  const auto full = to_space(Ex(), heart.kspace);
  p.kspace = clone(Ex(), full);
  linop::apply(Ex(), linop::point_mask<float, Ex>(p.mask), full, p.kspace);
  p.maps = clone(Ex(), reshape(to_space(Ex(), heart.maps), shape<5>{{1, 1, coils, ny, nx}}));
  const auto scale = mri::zero_filled(Ex(), p.kspace, p.mask, p.maps);
  const double lambda = 0.02 * blas1::norm(Ex(), scale) / std::sqrt(double(scale.size()));

  const cardiomm_tests::bart_session bart;
  bart.put("kspace", p.kspace);
  bart.put("maps", p.maps, io::cfl_dim::maps);
  const auto compare = [&](const char* what, int flags, const auto& tv, mri::variation along) {
    char command[128];
    std::snprintf(command, sizeof command,
                  "pics -S -w1 -m -i 40 -C 8 -R T:%d:0:%.9g kspace maps image", flags, lambda);
    bart.run(command);
    const auto back = to_space(Ex(), bart.get("image"));
    const auto theirs = clone(Ex(), reshape(back, shape<5>{{1, frames, 1, ny, nx}}));
    const auto ours = mri::total_variation(Ex(), p.kspace, p.mask, p.maps,
                                           {.lambda = lambda, .iterations = 150, .along = along})
                          .image;
    const auto objective = [&](const auto& x) { return p.misfit(x) + tv.value(Ex(), x); };
    const double best = objective(ours), other = objective(theirs);
    MESSAGE(std::string(what), ": objective ", best, ", of bart pics ", other, "; distance ",
            sparse_problem::distance(ours, theirs));
    CHECK(best <= other * (1 + 1e-4));
    CHECK(other <= best * 1.01);
  };
  compare("time", 1024, prox::total_variation_in_time<float, Ex, 5>(lambda), mri::variation::time);
  compare("space", 3, prox::total_variation_in_space<float, Ex, 5>(lambda), mri::variation::space);
}

TEST_CASE("ADMM and primal-dual splitting arrive where FISTA does") {
  const auto p = sparse_problem::reference();
  using mri::variation_solver;
  for (const auto along : {mri::variation::time, mri::variation::space}) {
    const auto run = [&](variation_solver solver, int iterations) {
      return mri::total_variation(Ex(), p.kspace, p.mask, p.maps,
                                  {.lambda = 0.03,
                                   .iterations = iterations,
                                   .along = along,
                                   .periodic = false,
                                   .solver = solver})
          .image;
    };
    const auto best = run(variation_solver::fista, 300);
    CHECK(sparse_problem::distance(run(variation_solver::admm, 100), best) < 5e-3);
    CHECK(sparse_problem::distance(run(variation_solver::pdhg, 600), best) < 1e-2);
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
