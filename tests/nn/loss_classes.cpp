// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/nn/loss_classes.hpp"

#include <cmath>

#include "cardiomm/core/random.hpp"
#include "support/loss_reference.hpp"

using namespace cardiomm;
using cardiomm_tests::loss_cases;
using cardiomm_tests::matches;
using cardiomm_tests::stored;
using Ex = default_space;

namespace {
template <class T, class I>
void check_reference(double tolerance) {
  const Ex ex;
  const auto x = stored<T, 4>(ex, loss_cases(), "logits");
  const auto y = stored<I, 3>(ex, loss_cases(), "labels");
  const auto hole = stored<I, 3>(ex, loss_cases(), "labels.hole");
  const auto weights = stored<T, 1>(ex, loss_cases(), "weights");
  const auto dx = make_tensor<T>(ex, shape_of(x));
  nn::cross_entropy_options<T, Ex> o;
  matches("entropy", nn::cross_entropy_loss(ex, x, y, dx), dx, tolerance);
  matches("entropy.ignored", nn::cross_entropy_loss(ex, x, hole, dx), dx, tolerance);
  o.weights = weights;
  matches("entropy.weights", nn::cross_entropy_loss(ex, x, y, dx, o), dx, tolerance);
  o.smoothing = 0.15;
  matches("entropy.all", nn::cross_entropy_loss(ex, x, hole, dx, o), dx, tolerance);
  o.weights = {};
  matches("entropy.smooth", nn::cross_entropy_loss(ex, x, y, dx, o), dx, tolerance);

  nn::soft_dice_options d;
  matches("dice", nn::soft_dice_loss(ex, x, y, dx), dx, tolerance);
  d.background = false;
  matches("dice.foreground", nn::soft_dice_loss(ex, x, y, dx, d), dx, tolerance);
  matches("dice.ignored", nn::soft_dice_loss(ex, x, hole, dx, d), dx, tolerance);
  d = {};
  d.per_item = false;
  d.smooth = 1;
  matches("dice.together", nn::soft_dice_loss(ex, x, y, dx, d), dx, tolerance);
}
}  // namespace

TEST_CASE("cross entropy and soft Dice are PyTorch's") {
  check_reference<double, long long>(1e-12);
  check_reference<double, std::int16_t>(1e-12);
  check_reference<float, int>(1e-6);
}

TEST_CASE("logits beyond the range of exp") {
  const Ex ex;
  const auto x = stored<double, 4>(ex, loss_cases(), "logits");
  const auto dx = make_tensor<double>(ex, shape_of(x));
  const auto y = stored<std::uint8_t, 3>(ex, loss_cases(), "labels");
  blas1::scale(ex, 1.0, x);
  const auto large = clone(ex, x);
  const double loss = nn::cross_entropy_loss(ex, large, y, dx);
  matches("entropy.large", loss, (blas1::scale(ex, 400.0, dx), dx), 1e-9);
  blas1::scale(ex, 400.0, large);
  CHECK(std::isfinite(nn::cross_entropy_loss(ex, large, y, dx)));
  CHECK(std::isfinite(blas1::norm(ex, dx)));
}

TEST_CASE("losses of classes agree with differences") {
  const Ex ex;
  const auto x = stored<double, 4>(ex, loss_cases(), "logits");
  const auto y = stored<std::int8_t, 3>(ex, loss_cases(), "labels.hole");
  const auto weights = stored<double, 1>(ex, loss_cases(), "weights");
  const auto d = make_tensor<double>(ex, shape_of(x)), dx = make_tensor<double>(ex, shape_of(x));
  random::fill_normal(ex, d, 3);
  const auto compare = [&](const auto& loss) {
    loss(x, dx);
    const auto at = [&](double h) {
      const auto moved = clone(ex, x);
      blas1::axpby(ex, h, d, 1.0, moved);
      return loss(moved, nn::gradient_of<decltype(x)>{});
    };
    const double slope = (at(1e-5) - at(-1e-5)) / 2e-5;
    CHECK(blas1::dot(ex, dx, d).real() == doctest::Approx(slope).epsilon(1e-7));
  };
  nn::cross_entropy_options<double, Ex> o;
  o.weights = weights;
  o.smoothing = 0.3;
  compare([&](auto& v, auto g) { return nn::cross_entropy_loss(ex, v, y, g, o); });
  for (const bool flag : {false, true}) {
    nn::soft_dice_options s;
    s.background = flag;
    s.per_item = !flag;
    s.smooth = flag ? 0 : 0.1;
    compare([&](auto& v, auto g) { return nn::soft_dice_loss(ex, v, y, g, s); });
  }
}

TEST_CASE("soft Dice of certain predictions is Dice") {
  const Ex ex;
  const auto logits = zeros<double>(host_space(), shape{1, 8, 3});
  const auto labels = zeros<int>(host_space(), shape{1, 8});
  const int truth[] = {0, 0, 1, 1, 1, 0, 1, 0}, said[] = {0, 1, 1, 1, 0, 0, 0, 0};
  for (int i = 0; i < 8; ++i) {
    labels(0, i) = truth[i];
    logits(0, i, said[i]) = 800;
  }
  nn::soft_dice_options o;
  o.smooth = 0;
  // 2 * 3 / (5 + 4), 2 * 2 / (3 + 4), and a class that is not there and that nobody claims
  const auto x = to_space(ex, logits);
  const auto dx = make_tensor<double>(ex, shape_of(x));
  CHECK(nn::soft_dice_loss(ex, x, to_space(ex, labels), dx, o) ==
        doctest::Approx(1 - (6 / 9.0 + 4 / 7.0 + 1) / 3).epsilon(1e-12));
  CHECK(std::isfinite(blas1::norm(ex, dx)));
  o.background = false;
  o.smooth = 1e-9;
  CHECK(nn::soft_dice_loss(ex, x, to_space(ex, labels), {}, o) ==
        doctest::Approx(1 - (4 / 7.0 + 1) / 2).epsilon(1e-6));
}

TEST_CASE("losses of classes name what does not fit") {
  const Ex ex;
  const auto x = zeros<float>(ex, shape{1, 6, 5, 4});
  const auto y = zeros<int>(ex, shape{1, 6, 5}), narrow = zeros<int>(ex, shape{1, 6, 4});
  CHECK_THROWS_WITH_AS(nn::cross_entropy_loss(ex, x, narrow),
                       "cross_entropy_loss: labels: expected the leading extents of (1, 6, 5, 4), "
                       "found (1, 6, 4)",
                       shape_error);
  Kokkos::deep_copy(ex, Kokkos::subview(y, 0, 2, Kokkos::ALL), 4);
  CHECK_THROWS_WITH_AS(nn::soft_dice_loss(ex, x, y),
                       "soft_dice_loss: labels: expected 0 to 3 or -100 for ignored ones, found 5 "
                       "others",
                       value_error);
  Kokkos::deep_copy(ex, y, -100);
  CHECK(std::isnan(nn::cross_entropy_loss(ex, x, y)));
  nn::cross_entropy_options<float, Ex> o;
  o.weights = zeros<float>(ex, shape{3});
  CHECK_THROWS_AS(nn::cross_entropy_loss(ex, x, y, {}, o), shape_error);
  o = {};
  o.smoothing = 1.5;
  CHECK_THROWS_AS(nn::cross_entropy_loss(ex, x, y, {}, o), value_error);
  nn::soft_dice_options d;
  d.background = false;
  const auto one = zeros<float>(ex, shape{1, 6, 5, 1});
  CHECK_THROWS_AS(nn::soft_dice_loss(ex, one, y, {}, d), value_error);
}
