// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/mri/l1_wavelet.hpp"

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

TEST_CASE("l1-wavelet finds the minimum that SigPy finds") {
  const auto p = sparse_problem::reference();
  const prox::wavelet_l1<float, 5, Ex> w(0.03, 16, 14, {.wavelet = "haar", .levels = 1});
  const auto theirs = p.result("haar");
  const auto found =
      mri::l1_wavelet(Ex(), p.kspace, p.mask, p.maps,
                      {.lambda = 0.03, .iterations = 300, .wavelet = "haar", .levels = 1});
  const double best = p.misfit(theirs) + w.value(Ex(), theirs);
  const double ours = p.misfit(found.image) + w.value(Ex(), found.image);
  CHECK(ours <= best * (1 + 1e-5));
  CHECK(ours >= best * (1 - 1e-4));
  CHECK(sparse_problem::distance(found.image, theirs) < 2e-3);
}

TEST_CASE("l1-wavelet agrees with bart pics") {
  PROGRAM_OR_SKIP("bart");
  const auto heart = mri::simulate({.coils = 4, .frames = 1, .ny = 72, .nx = 84});
  sparse_problem p;
  const auto full = to_space(Ex(), heart.kspace);
  p.mask = make_tensor<std::uint8_t>(host_space(), shape<3>{{1, 72, 84}});
  for (index_t y = 0; y < 72; ++y)
    for (index_t x = 0; x < 84; ++x)
      p.mask(0, y, x) = y % 3 == 0 || (y > 28 && y < 44 && x % 7 != 3);
  p.kspace = clone(Ex(), full);
  linop::apply(Ex(), linop::point_mask<float, Ex>(p.mask), full, p.kspace);
  p.maps = clone(Ex(), reshape(to_space(Ex(), heart.maps), shape<5>{{1, 1, 4, 72, 84}}));
  double most = 0;
  const auto values = to_host(full);
  for (std::size_t i = 0; i < values.size(); ++i)
    most = std::max(most, double(abs2(values.data()[i])));
  const double lambda = 1e-3 * std::sqrt(most);

  const auto ours = mri::l1_wavelet(Ex(), p.kspace, p.mask, p.maps,
                                    {.lambda = lambda,
                                     .iterations = 150,
                                     .levels = 0,
                                     .boundary = linop::wavelet_boundary::symmetric})
                        .image;
  const bart_session bart;
  bart.put("kspace", p.kspace);
  bart.put("maps", p.maps, io::cfl_dim::maps);
  char command[128];
  std::snprintf(command, sizeof command, "pics -n -S -w1 -i 150 -R W:3:0:%.9g kspace maps image",
                lambda);
  bart.run(command);
  const auto theirs = to_space(Ex(), bart.get("image"));

  // BART 0.8 returns its image after one more gradient step of length 0.95, BART 1.0 does not.
  const auto stepped = clone(Ex(), ours);
  const auto a = mri::encoding(linop::point_mask<float, Ex>(p.mask),
                               linop::soft_sensitivity<float, Ex>(p.maps));
  linop::apply(Ex(), linop::gram(a), ours, stepped, {C(-0.95f), true});
  linop::apply_adjoint(Ex(), a, p.kspace, stepped, {C(0.95f), true});
  const double plain = sparse_problem::distance(ours, theirs),
               after = sparse_problem::distance(stepped, theirs);
  MESSAGE("distance to bart pics ", plain, ", after a gradient step ", after);
  CHECK(std::min(plain, after) < 2e-3);
  const prox::wavelet_l1<float, 5, Ex> w(
      lambda, 72, 84, {.levels = 0, .boundary = linop::wavelet_boundary::symmetric});
  const auto objective = [&](const auto& x) { return p.misfit(x) + w.value(Ex(), x); };
  CHECK(std::abs(objective(plain < after ? ours : stepped) / objective(theirs) - 1) < 0.01);
  CHECK(objective(ours) <= objective(theirs) * 1.0001);
}

TEST_CASE("random shifts of the wavelet take the blocks away; the same seed gives the same image") {
  const auto p = sparse_problem::reference();
  const mri::l1_wavelet_options options{.lambda = 0.03, .levels = 2, .random_shift = true};
  const auto a = mri::l1_wavelet(Ex(), p.kspace, p.mask, p.maps, options).image;
  const auto b = mri::l1_wavelet(Ex(), p.kspace, p.mask, p.maps, options).image;
  CHECK(sparse_problem::distance(a, b) == 0);
  const auto fixed =
      mri::l1_wavelet(Ex(), p.kspace, p.mask, p.maps, {.lambda = 0.03, .levels = 2}).image;
  CHECK(sparse_problem::distance(a, fixed) > 1e-3);
}

TEST_CASE("l1-wavelet of several sets of maps, and bad arguments") {
  const auto p = sparse_problem::reference();
  // The maps cut in halves, each a set of its own: every pixel belongs to one set, and the sum of
  // both images is that of the whole.
  const shape<5> m = shape_of(p.maps);
  auto cut = zeros<C>(host_space(), shape{index_t(2), m[1], m[2], m[3], m[4]});
  const auto whole = to_host(p.maps);
  for (index_t c = 0; c < m[2]; ++c)
    for (index_t y = 0; y < m[3]; ++y)
      for (index_t x = 0; x < m[4]; ++x) cut(x % 2, 0, c, y, x) = whole(0, 0, c, y, x);
  const mri::l1_wavelet_options options{.lambda = 0, .iterations = 12};
  const auto one = mri::l1_wavelet(Ex(), p.kspace, p.mask, p.maps, options).image;
  const auto two = mri::l1_wavelet(Ex(), p.kspace, p.mask, to_space(Ex(), cut), options).image;
  CHECK(shape_of(two)[0] == 2);
  auto sum = clone(Ex(), one);
  const auto part = [&](index_t s) { return reshape(slice(two, s), shape_of(one)); };
  Kokkos::deep_copy(sum, part(0));
  blas1::axpby(Ex(), C(1), part(1), C(1), sum);
  CHECK(sparse_problem::distance(sum, one) < 0.02);

  const auto run = [&](const mri::l1_wavelet_options& o) {
    return mri::l1_wavelet(Ex(), p.kspace, p.mask, p.maps, o);
  };
  CHECK_THROWS_AS(run({.lambda = -1}), value_error);
  CHECK_THROWS_AS(run({.wavelet = "cdf44"}), value_error);
  CHECK_THROWS_AS(run({.levels = -1}), value_error);
}
