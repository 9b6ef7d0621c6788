// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/nn/norm.hpp"
#include "cardiomm/nn/channel_sums.hpp"
#include "cardiomm/nn/norm_kernels.hpp"

#include "cardiomm/nn/sequential.hpp"
#include "support/layer_reference.hpp"

using namespace cardiomm;
using cardiomm_tests::check_reference;
using cardiomm_tests::stored;
using cardiomm_tests::worst;
using Ex = default_space;

TEST_CASE("instance and group norm are PyTorch's, with one, two and three spatial axes") {
  const Ex ex;
  check_reference(nn::instance_norm<double>(ex, 6), "instance_norm");
  check_reference(nn::instance_norm<double>(ex, 6, 0.1, true), "instance_norm.affine");
  check_reference(nn::instance_norm<double, 3>(ex, 6), "instance_norm.line");
  check_reference(nn::group_norm<double>(ex, 3, 6), "group_norm");
  check_reference(nn::group_norm<double, 5>(ex, 2, 6), "group_norm.volume");
  check_reference(nn::group_norm<float>(ex, 3, 6), "group_norm", 5e-6);
}

TEST_CASE("batch norm is PyTorch's in both modes and moves its averages as PyTorch does") {
  const Ex ex;
  const nn::batch_norm<double> l(ex, 6, 1e-5, 0.2), copy_of_l(l);
  check_reference(l, "batch_norm.eval");
  copy_of_l.set_training(true);
  CHECK(l.training());
  check_reference(l, "batch_norm.train");
  // check_reference made one pass with a tape.
  CHECK(worst(clone(ex, l.running_mean.value()),
              stored<double, 1>(ex, "batch_norm.after.running_mean")) <= 1e-12);
  CHECK(worst(clone(ex, l.running_var.value()),
              stored<double, 1>(ex, "batch_norm.after.running_var")) <= 1e-12);
}

TEST_CASE("a large mean does not spoil the variance in float") {
  const Ex ex;
  const auto x = nn::check::detail::noise<float>(ex, shape{1, 64, 64, 3}, 1, 1);
  const auto moved = make_tensor<float>(ex, shape_of(x));
  Kokkos::deep_copy(moved, 1000.f);
  blas1::axpby(ex, 1.f, x, 1.f, moved);
  const nn::instance_norm<float> l(ex, 3);
  // Numbers near 1000 have 6e-5 between neighbours.
  CHECK(worst(nn::evaluate(ex, l, moved), nn::evaluate(ex, l, x)) <= 1e-4);
}

TEST_CASE("a norm applies the function that follows it") {
  const Ex ex;
  const nn::group_norm<double> n(ex, 3, 6);
  const nn::prelu<double> f(ex);
  static_assert(nn::FusesPointwise<nn::group_norm<double>, nn::prelu<double>>);
  const auto x = nn::check::detail::noise<double>(ex, shape{2, 4, 5, 6}, 1, 1);
  CHECK(worst(nn::evaluate(ex, n | f, x), nn::evaluate(ex, f, nn::evaluate(ex, n, x))) == 0);
}

TEST_CASE("norms name what does not fit") {
  const Ex ex;
  using G = nn::group_norm<float>;
  CHECK_THROWS_WITH_AS(G(ex, 4, 6),
                       "group_norm: expected a number of groups that divides 6 channels, found 4",
                       shape_error);
  CHECK_THROWS_AS(nn::instance_norm<float>(ex, 6).output(shape{1, 2, 2, 5}), shape_error);
  const nn::batch_norm<float> l(ex, 6);
  l.set_training(true);
  const auto x = zeros<float>(ex, shape{1, 1, 1, 6});
  CHECK_THROWS_AS(nn::evaluate(ex, l, x), shape_error);
}
