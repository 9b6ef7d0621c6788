// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/nn/loss_image.hpp"

#include "cardiomm/linop/check.hpp"
#include "support/loss_reference.hpp"

using namespace cardiomm;
using cardiomm_tests::loss_cases;
using cardiomm_tests::matches;
using cardiomm_tests::pairs;
using cardiomm_tests::stored;
using Ex = default_space;

TEST_CASE("Charbonnier's loss and the perpendicular loss are PyTorch's") {
  const Ex ex;
  const auto check = [&](auto zero, double tolerance) {
    using T = decltype(zero);
    const auto x = stored<T, 3>(ex, loss_cases(), "image.x");
    const auto t = stored<T, 3>(ex, loss_cases(), "image.t");
    const auto dx = make_tensor<T>(ex, shape_of(x));
    matches("charbonnier", nn::charbonnier_loss(ex, x, t, dx), dx, tolerance);
    matches("charbonnier_wide", nn::charbonnier_loss(ex, x, t, dx, 0.2), dx, tolerance);
    const auto z = pairs<T>(ex, "complex.x"), w = pairs<T>(ex, "complex.t");
    const auto dz = make_tensor<complex<T>>(ex, shape_of(z));
    const auto numbers = borrow(ex, reinterpret_cast<T*>(dz.data()), shape<3>{{3, 7, 2}});
    matches("perpendicular", nn::perpendicular_loss(ex, z, w, dz), numbers, tolerance);
    matches("perpendicular_eps", nn::perpendicular_loss(ex, z, w, dz, 0.1), numbers, tolerance);
    matches("charbonnier_complex", nn::charbonnier_loss(ex, z, w, dz, 0.01), numbers, tolerance);
  };
  check(0.0, 1e-12);
  check(0.0f, 1e-4);  // x - t of numbers that nearly agree
}

TEST_CASE("losses of images agree with differences") {
  const Ex ex;
  using C = complex<double>;
  const shape s{2, 3, 5};
  namespace noise = linop::check::detail;
  const auto x = noise::noise<C>(ex, s, 1, 1), t = noise::noise<C>(ex, s, 1, 2);
  const auto d = noise::noise<C>(ex, s, 1, 3), dx = make_tensor<C>(ex, s);
  const auto compare = [&](const auto& loss) {
    loss(x, dx);
    const auto at = [&](double h) {
      const auto moved = clone(ex, x);
      blas1::axpby(ex, C(h), d, C(1), moved);
      return loss(moved, nn::gradient_of<decltype(x)>{});
    };
    const double slope = (at(1e-6) - at(-1e-6)) / 2e-6;
    CHECK(blas1::dot(ex, dx, d).real() == doctest::Approx(slope).epsilon(1e-6));
  };
  compare([&](const auto& v, const auto& g) { return nn::charbonnier_loss(ex, v, t, g, 0.3); });
  compare([&](const auto& v, const auto& g) { return nn::perpendicular_loss(ex, v, t, g); });
  compare([&](const auto& v, const auto& g) { return nn::perpendicular_loss(ex, v, t, g, 0.5); });
}

TEST_CASE("the perpendicular loss is 0 along the target and 2 |t| against it, whatever |x|") {
  const Ex ex;
  using C = complex<double>;
  const auto t = make_tensor<C>(ex, shape{100}), x = clone(ex, t);
  random::fill_normal(ex, t, 5);
  double mean = 0;
  const auto h = to_host(t);
  for (int i = 0; i < 100; ++i) mean += std::hypot(h(i).real(), h(i).imag()) / 100;
  Kokkos::deep_copy(ex, x, t);
  blas1::scale(ex, C(3), x);
  CHECK(nn::perpendicular_loss(ex, x, t) <= 1e-15);
  blas1::scale(ex, C(-0.1), x);
  CHECK(nn::perpendicular_loss(ex, x, t) == doctest::Approx(2 * mean));
  blas1::scale(ex, C(0, 1), x);  // a right angle, where both branches meet
  CHECK(nn::perpendicular_loss(ex, x, t) == doctest::Approx(mean).epsilon(1e-6));
}

TEST_CASE("losses of images name what does not fit") {
  const Ex ex;
  const auto a = zeros<float>(ex, shape{1, 6, 9}), b = zeros<float>(ex, shape{1, 6, 8});
  CHECK_THROWS_WITH_AS(nn::charbonnier_loss(ex, a, b),
                       "charbonnier_loss: target: expected (1, 6, 9), found (1, 6, 8)",
                       shape_error);
  CHECK_THROWS_WITH_AS(nn::charbonnier_loss(ex, a, a, {}, -1),
                       "charbonnier_loss: eps: expected at least 0, found -1", value_error);
  CHECK(nn::charbonnier_loss(ex, a, a, a, 0) == 0);  // no division by 0
  CHECK(blas1::norm(ex, a) == 0);
}
