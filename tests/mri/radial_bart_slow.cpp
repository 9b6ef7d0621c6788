// SPDX-License-Identifier: Apache-2.0
// Golden-angle radial cine with total variation in time against `bart pics -t`.
#include <doctest/doctest.h>

#include "cardiomm/mri/radial.hpp"
#include "support/bart.hpp"
#include "support/radial_cine.hpp"

using namespace cardiomm;
using cardiomm_tests::bart_session;
using cardiomm_tests::radial_cine;
using Ex = default_space;
using C = complex<float>;

TEST_CASE("radial is not worse than bart pics with the same weight and iterations") {
  PROGRAM_OR_SKIP("bart");
  const index_t n = 96, frames = 12, spokes = 13, coils = 6;
  const radial_cine cine(n, frames, spokes, coils, 0.01);
  const bart_session bart;
  std::vector<C> k;
  for (std::size_t i = 0; i < cine.trajectory.size(); i += 2) {
    k.emplace_back(float(cine.trajectory.data()[i]));
    k.emplace_back(float(cine.trajectory.data()[i + 1]));
    k.emplace_back(0.f);
  }
  io::cfl_shape dims;
  dims.fill(1);
  dims[0] = 3, dims[1] = n, dims[2] = spokes, dims[10] = frames;
  io::write_cfl(bart.path("traj"), dims, k.data());
  dims[0] = 1, dims[3] = coils;
  io::write_cfl(bart.path("samples"), dims, to_host(cine.samples).data());
  bart.put("maps", cine.maps, io::cfl_dim::maps);
  for (const double lambda : {0.003, 0.01, 0.03}) {
    char command[128];
    std::snprintf(command, sizeof command,
                  "pics -S -w1 -i 30 -R T:1024:0:%g -t traj samples maps x", lambda);
    bart.run(command);
    const double theirs = cine.nmse(bart.get("x"));
    const auto ours = mri::radial(Ex(), cine.samples, cine.trajectory, cine.maps,
                                  {.lambda = lambda, .iterations = 30});
    const double mine = cine.nmse(ours.image);
    MESSAGE("lambda " << lambda << ": nmse " << mine << ", bart pics " << theirs);
    CHECK(mine <= 1.02 * theirs);
  }
}
