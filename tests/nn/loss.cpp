// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/nn/loss.hpp"

#include "cardiomm/linop/check.hpp"
#include "support/layer_reference.hpp"

using namespace cardiomm;
using cardiomm_tests::stored;
using cardiomm_tests::worst;
using Ex = default_space;

namespace {
/// PyTorch's values of a loss: NAME.x, NAME.t, NAME.loss, NAME.dx.
template <class T, int R, class F>
void check_loss(const std::string& name, double tolerance, const F& loss) {
  const Ex ex;
  const auto x = stored<T, R>(ex, name + ".x"), t = stored<T, R>(ex, name + ".t");
  const auto dx = make_tensor<T>(ex, shape_of(x));
  const double expected = cardiomm_tests::layer_cases().at(name + ".loss").tensor<double, 1>()(0);
  CAPTURE(name);
  CHECK(loss(ex, x, t, dx) == doctest::Approx(expected).epsilon(tolerance));
  CHECK(worst(dx, stored<T, R>(ex, name + ".dx")) <= tolerance);
}
}  // namespace

TEST_CASE("losses and their gradients are PyTorch's") {
  check_loss<double, 3>("l1_loss", 1e-12, [](auto&... a) { return nn::l1_loss(a...); });
  check_loss<double, 3>("l2_loss", 1e-12, [](auto&... a) { return nn::l2_loss(a...); });
  const auto ssim = [](const Ex& ex, auto& x, auto& t, auto& dx) {
    using T = element_of<decltype(dx)>;
    return nn::ssim_loss(ex, x, t, stored<T, 1>(ex, "ssim_loss.range"), dx);
  };
  check_loss<double, 3>("ssim_loss", 1e-11, ssim);
  check_loss<float, 3>("ssim_loss", 1e-5, ssim);
}

TEST_CASE("losses of the reference network's images") {
  const Ex ex;
  const std::string folder = "fixtures/cardiomm_tiny_1d/";
  SHARED_OR_SKIP(io_path, folder + "io.safetensors");
  SHARED_OR_SKIP(f64_path, folder + "f64.safetensors");
  const io::safetensors_file io(io_path), f64(f64_path);
  const auto target = stored<double, 3>(ex, io, "in.target");
  const auto image = stored<double, 3>(ex, f64, "out64.image");
  const auto range = stored<double, 1>(ex, io, "in.max_value");
  const auto value = [&](const std::string& name) {
    double v = 0;
    f64.at(name).read(&v);
    return v;
  };
  CHECK(nn::l1_loss(ex, image, target) == doctest::Approx(value("loss64.l1")).epsilon(1e-11));
  CHECK(nn::ssim_loss(ex, image, target, range) ==
        doctest::Approx(value("loss64.ssim")).epsilon(1e-11));
}

TEST_CASE("complex losses agree with differences") {
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
    const double slope = (at(1e-5) - at(-1e-5)) / 2e-5;
    CHECK(blas1::dot(ex, dx, d).real() == doctest::Approx(slope).epsilon(1e-7));
  };
  compare([&](const auto& v, const auto& g) { return nn::l1_loss(ex, v, t, g); });
  compare([&](const auto& v, const auto& g) { return nn::l2_loss(ex, v, t, g); });
}

TEST_CASE("losses name what does not fit") {
  const Ex ex;
  const auto a = zeros<float>(ex, shape{1, 6, 9}), b = zeros<float>(ex, shape{1, 6, 8});
  const auto range = zeros<float>(ex, shape{1});
  CHECK_THROWS_WITH_AS(nn::l1_loss(ex, a, b),
                       "l1_loss: target: expected (1, 6, 9), found (1, 6, 8)", shape_error);
  CHECK_THROWS_WITH_AS(nn::ssim_loss(ex, a, a, range),
                       "ssim_loss: expected at least 7 x 7 pixels, found 6 x 9", shape_error);
}
