// SPDX-License-Identifier: Apache-2.0
// Total variation against `bart pics -m -R T`: the same minimum.
#include <doctest/doctest.h>

#include <cstdio>

#include "cardiomm/mri/simulate.hpp"
#include "cardiomm/mri/total_variation.hpp"
#include "sparse_reference.hpp"
#include "support/bart.hpp"

using namespace cardiomm;
using cardiomm_tests::sparse_problem;
using Ex = default_space;

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
                  "pics -S -w1 -m -i 150 -C 20 -R T:%d:0:%.9g kspace maps image", flags, lambda);
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
