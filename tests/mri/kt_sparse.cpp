// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/mri/kt_sparse.hpp"

#include <doctest/doctest.h>

#include "sparse_reference.hpp"

using namespace cardiomm;
using cardiomm_tests::sparse_problem;
using Ex = default_space;

TEST_CASE("k-t sparse finds the minimum that SigPy finds") {
  const auto p = sparse_problem::reference();
  const prox::frequency_l1<float, Ex, 5> sparse(0.03, 6);
  const auto theirs = p.result("frequency");
  const auto found =
      mri::kt_sparse(Ex(), p.kspace, p.mask, p.maps, {.lambda = 0.03, .iterations = 300});
  const double best = p.misfit(theirs) + sparse.value(Ex(), theirs);
  const double ours = p.misfit(found.image) + sparse.value(Ex(), found.image);
  CHECK(ours <= best * (1 + 1e-5));
  CHECK(ours >= best * (1 - 1e-4));
  CHECK(sparse_problem::distance(found.image, theirs) < 2e-3);
}

TEST_CASE("a mean that is kept survives any weight; one frame is soft-thresholded") {
  const auto p = sparse_problem::reference();
  const auto still = mri::kt_sparse(Ex(), p.kspace, p.mask, p.maps,
                                    {.lambda = 100, .iterations = 20, .keep_mean = true})
                         .image;
  const auto frames = to_host(still);
  double moves = 0, size = 0;
  const index_t pixels = 16 * 14;
  for (index_t i = 0; i < pixels; ++i)
    for (index_t f = 0; f < 6; ++f) {
      moves = std::max(moves, double(abs2(frames.data()[f * pixels + i] - frames.data()[i])));
      size = std::max(size, double(abs2(frames.data()[f * pixels + i])));
    }
  CHECK(size > 0.1);
  CHECK(moves < 1e-10 * size);
  const auto none =
      mri::kt_sparse(Ex(), p.kspace, p.mask, p.maps, {.lambda = 100, .iterations = 20}).image;
  CHECK(blas1::norm(Ex(), none) == 0);

  using C = complex<double>;
  const auto x = make_tensor<C>(Ex(), shape{1, 1, 3, 11}), u = make_tensor<C>(Ex(), shape_of(x)),
             v = make_tensor<C>(Ex(), shape_of(x));
  random::fill_normal(Ex(), x, 3);
  prox::apply(Ex(), prox::frequency_l1<double, Ex>(0.4, 1), x, 1.5, u);
  prox::apply(Ex(), prox::l1<double, 4, Ex>(0.4), x, 1.5, v);
  blas1::axpby(Ex(), C(-1), v, C(1), u);
  CHECK(blas1::norm(Ex(), u) < 1e-12);
}

TEST_CASE("k-t sparse refuses what does not fit") {
  const auto p = sparse_problem::reference();
  CHECK_THROWS_AS(mri::kt_sparse(Ex(), p.kspace, p.mask, p.maps, {.lambda = -1}), value_error);
  CHECK_THROWS_AS((prox::frequency_l1<double, Ex>(0.1, 0)), value_error);
}
