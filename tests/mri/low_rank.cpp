// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/mri/low_rank.hpp"

#include <doctest/doctest.h>

#include <cstdio>

#include "cardiomm/mri/simulate.hpp"
#include "sparse_reference.hpp"
#include "support/bart.hpp"

using namespace cardiomm;
using cardiomm_tests::bart_session;
using cardiomm_tests::sparse_problem;
using Ex = default_space;
using C = complex<float>;

namespace {
double llr_objective(const sparse_problem& p, const tensor<C, 5, Ex>& x, double weight,
                     index_t block) {
  const prox::low_rank<float, Ex, 5> r(weight, {.block_y = block, .block_x = block});
  return p.misfit(x) + r.value(Ex(), x);
}
}  // namespace

TEST_CASE("llr finds the minimum that NumPy finds, whatever the solver") {
  // tests/data/make_low_rank_recon.py
  const auto p = sparse_problem::reference();
  const auto theirs = p.result("llr");
  const double weight = 0.08, best = llr_objective(p, theirs, weight, 4);
  mri::llr_options o{.lambda = weight, .iterations = 300, .block = 4};
  for (const auto solver : {mri::algorithm::fista, mri::algorithm::admm, mri::algorithm::pdhg}) {
    CAPTURE(int(solver));
    o.solver = solver;
    const auto found = mri::llr(Ex(), p.kspace, p.mask, p.maps, o);
    const double ours = llr_objective(p, found.image, weight, 4);
    const bool slow = solver == mri::algorithm::pdhg;  // without momentum or inner solutions
    CHECK(ours <= best * (1 + (slow ? 2e-3 : 1e-4)));
    CHECK(ours >= best * (1 - 1e-4));
    CHECK(sparse_problem::distance(found.image, theirs) < (slow ? 3e-2 : 3e-3));
  }
}

TEST_CASE("lps finds the minimum that NumPy finds") {
  const auto p = sparse_problem::reference();
  const auto low = p.result("lps_low_rank"), sparse = p.result("lps_sparse");
  const mri::lps_options o{.lambda = 0.02, .ratio = 6, .iterations = 300};
  const auto found = mri::lps(Ex(), p.kspace, p.mask, p.maps, o);
  const auto objective = [&](const auto& l, const auto& s) {
    const auto sum = clone(Ex(), l);
    blas1::axpby(Ex(), C(1), s, C(1), sum);
    const shape<5> n = shape_of(l);
    const prox::casorati_nuclear<float, Ex> nuclear(6 * 0.02, false);
    const prox::frequency_l1<float, Ex, 5> l1(0.02, n[1]);
    return p.misfit(sum) + l1.value(Ex(), s) +
           nuclear.value(Ex(), reshape(l, shape{n[0] * n[1], n[2], n[3], n[4]}));
  };
  const double best = objective(low, sparse), ours = objective(found.low_rank, found.sparse);
  CHECK(ours <= best * (1 + 1e-4));
  CHECK(ours >= best * (1 - 1e-4));
  const auto sum = clone(Ex(), low);
  blas1::axpby(Ex(), C(1), sparse, C(1), sum);
  CHECK(sparse_problem::distance(found.image, sum) < 3e-3);
}

TEST_CASE("llr agrees with bart pics") {
  PROGRAM_OR_SKIP("bart");
  const auto heart = mri::simulate({.coils = 4, .frames = 6, .ny = 48, .nx = 60});
  sparse_problem p;
  p.mask = make_tensor<std::uint8_t>(host_space(), shape<3>{{6, 48, 60}});
  for (index_t f = 0; f < 6; ++f)
    for (index_t y = 0; y < 48; ++y)
      for (index_t x = 0; x < 60; ++x) p.mask(f, y, x) = (y + f) % 3 == 0 || (y > 18 && y < 29);
  const auto full = to_space(Ex(), heart.kspace);
  p.kspace = clone(Ex(), full);
  linop::apply(Ex(), linop::point_mask<float, Ex>(p.mask), full, p.kspace);
  p.maps = clone(Ex(), reshape(to_space(Ex(), heart.maps), shape<5>{{1, 1, 4, 48, 60}}));
  double most = 0;
  const auto values = to_host(full);
  for (std::size_t i = 0; i < values.size(); ++i)
    most = std::max(most, double(abs2(values.data()[i])));
  const double lambda = 2e-4 * std::sqrt(most);
  mri::llr_options o{.lambda = lambda, .iterations = 120, .block = 4, .width = true};
  const auto minimum = mri::llr(Ex(), p.kspace, p.mask, p.maps, o).image;
  o.data_step = true;
  const auto stepped = mri::llr(Ex(), p.kspace, p.mask, p.maps, o).image;
  const bart_session bart;
  bart.put("kspace", p.kspace);
  bart.put("maps", p.maps, io::cfl_dim::maps);
  char command[128];
  std::snprintf(command, sizeof command,
                "pics -n -S -w1 -i 120 -b 4 -R L:3:3:%.9g kspace maps image", lambda);
  bart.run(command);
  const auto got = to_space(Ex(), bart.get("image"));
  const auto theirs = clone(Ex(), reshape(got, shape_of(minimum)));
  // BART 0.8 returns its image after one more gradient step, BART 1.0 does not.
  const double plain = sparse_problem::distance(minimum, theirs),
               after = sparse_problem::distance(stepped, theirs);
  MESSAGE("distance to bart pics ", plain, ", after a gradient step ", after);
  CHECK(std::min(plain, after) < 2e-3);
  const double weight = mri::llr_weight(o, shape_of(theirs));
  const auto objective = [&](const auto& x) { return llr_objective(p, x, weight, 4); };
  CHECK(std::abs(objective(plain < after ? minimum : stepped) / objective(theirs) - 1) < 1e-3);
  CHECK(objective(minimum) <= objective(theirs) * 1.0001);
}

TEST_CASE("llr with blocks that move, a monitor, and bad arguments") {
  const auto p = sparse_problem::reference();
  mri::llr_options o{.lambda = 0.01, .iterations = 12, .block = 4};
  const auto still = mri::llr(Ex(), p.kspace, p.mask, p.maps, o).image;
  o.shift = prox::block_shift::random;
  const auto a = mri::llr(Ex(), p.kspace, p.mask, p.maps, o).image;
  const auto b = mri::llr(Ex(), p.kspace, p.mask, p.maps, o).image;
  CHECK(sparse_problem::distance(a, b) == 0);
  CHECK(sparse_problem::distance(a, still) > 1e-3);
  o.monitor = [](const solve::progress& s) { return s.iteration < 8; };
  const auto stopped = mri::llr(Ex(), p.kspace, p.mask, p.maps, o);
  CHECK(stopped.report.interrupted);
  CHECK(stopped.report.iterations == 8);

  const auto run = [&](const mri::llr_options& of) {
    return mri::llr(Ex(), p.kspace, p.mask, p.maps, of);
  };
  CHECK_THROWS_AS(run({.lambda = -1}), value_error);
  CHECK_THROWS_AS(run({.block = 0}), value_error);
  CHECK_THROWS_AS(mri::lps(Ex(), p.kspace, p.mask, p.maps, {.lambda = -1}), value_error);
  CHECK_THROWS_AS(mri::lps(Ex(), p.kspace, p.mask, p.maps, {.ratio = -1}), value_error);
}
