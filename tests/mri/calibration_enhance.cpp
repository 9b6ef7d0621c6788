// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/mri/calibration_enhance.hpp"

#include "cardiomm/io/safetensors.hpp"
#include "cardiomm/mri/coils.hpp"
#include "support/layer_reference.hpp"

using namespace cardiomm;
using Ex = default_space;
using C = complex<double>;

namespace {

const io::safetensors_file& reference() {
  static const io::safetensors_file file(own_path("pisf/calibration.safetensors"));
  return file;
}
host_tensor<C, 3> region() {
  const auto v = reference().at("region").tensor<double, 4>();
  const auto out = make_tensor<C>(
      host_space(), shape{index_t(v.extent(0)), index_t(v.extent(1)), index_t(v.extent(2))});
  std::copy_n(v.data(), v.size(), reinterpret_cast<double*>(out.data()));
  return out;
}

}  // namespace

TEST_CASE("the kernel of a calibration region is NumPy's least squares") {
  const auto k = region();
  const auto w = mri::calibration_kernel(k);
  const auto want = reference().at("weights").tensor<double, 5>();
  double worst = 0, scale = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    worst = std::max(worst, std::abs(want.data()[i] - reinterpret_cast<double*>(w.data())[i]));
    scale = std::max(scale, std::abs(want.data()[i]));
  }
  CHECK(worst <= 1e-9 * scale);

  // What is left of the equations.
  const auto left = reference().at("residual").tensor<double, 1>();
  const shape<3> s = shape_of(k);
  for (index_t c = 0; c < s[0]; ++c) {
    double error = 0, size = 0;
    for (index_t y = 2; y + 2 < s[1]; ++y)
      for (index_t x = 2; x + 2 < s[2]; ++x) {
        C sum(0, 0);
        for (index_t from = 0; from < s[0]; ++from)
          for (index_t v = 0; v < 5; ++v)
            for (index_t u = 0; u < 5; ++u) sum += w(c, from, v, u) * k(from, y + v - 2, x + u - 2);
        error += abs2(sum - k(c, y, x));
        size += abs2(k(c, y, x));
      }
    CHECK(std::sqrt(error / size) == doctest::Approx(left(c)).epsilon(1e-9));
  }
}

TEST_CASE("steps keep what was sampled and bring back single missing samples") {
  const Ex ex;
  const auto k = region();
  const auto kernel = mri::calibration_kernel(k);
  const shape<3> s = shape_of(k);
  const auto mask = make_tensor<std::uint8_t>(ex, shape{s[1], s[2]});
  const auto broken = clone(ex, k);
  double before = 0;
  for (index_t y = 0; y < s[1]; ++y)
    for (index_t x = 0; x < s[2]; ++x) {
      mask(y, x) = !((y == 5 && x == 6) || (y == 8 && x == 10));
      for (index_t c = 0; c < s[0] && !mask(y, x); ++c) {
        before += abs2(k(c, y, x));
        broken(c, y, x) = C(0, 0);
      }
    }
  mri::enhance(ex, kernel, mask, broken, {.iterations = 3});
  double after = 0;
  for (index_t c = 0; c < s[0]; ++c)
    for (index_t y = 0; y < s[1]; ++y)
      for (index_t x = 0; x < s[2]; ++x) {
        const double e = abs2(broken(c, y, x) - k(c, y, x));
        if (mask(y, x)) CHECK(e == 0);
        after += e;
      }
  CHECK(after < 0.01 * before);

  // One step everywhere is the kernel's product, half a step half of the way.
  const auto none = zeros<std::uint8_t>(ex, shape{s[1], s[2]});
  const auto whole = clone(ex, k), half = clone(ex, k);
  mri::enhance(ex, kernel, none, whole, {.iterations = 1});
  mri::enhance(ex, kernel, none, half, {.iterations = 1, .step = 0.5});
  C sum(0, 0);
  for (index_t from = 0; from < s[0]; ++from)
    for (index_t v = 0; v < 3; ++v)  // the corner: rows and columns before the first are zero
      for (index_t u = 0; u < 3; ++u) sum += kernel(1, from, v + 2, u + 2) * k(from, v, u);
  CHECK(std::sqrt(abs2(whole(1, 0, 0) - sum)) <= 1e-13);
  CHECK(std::sqrt(abs2(2.0 * half(1, 0, 0) - sum - k(1, 0, 0))) <= 1e-13);
}

TEST_CASE("k-space gives its own calibration region, and what does not fit is told") {
  const Ex ex;
  const auto k = region();
  const shape<3> s = shape_of(k);
  const auto full = zeros<C>(ex, shape{index_t(1), index_t(1), s[0], s[1] + 6, s[2]});
  for (index_t c = 0; c < s[0]; ++c)
    for (index_t y = 0; y < s[1]; ++y)
      for (index_t x = 0; x < s[2]; ++x) full(0, 0, c, y + 3, x) = k(c, y, x);
  const auto a = mri::calibration_kernel(ex, full, 0), b = mri::calibration_kernel(k);
  CHECK(cardiomm_tests::worst(
            borrow(ex, reinterpret_cast<double*>(a.data()), shape{index_t(2 * a.size())}),
            borrow(ex, reinterpret_cast<double*>(b.data()), shape{index_t(2 * b.size())})) <=
        1e-12);
  CHECK_THROWS_AS(mri::calibration_kernel(k, {.kernel = 4}), value_error);
  CHECK_THROWS_AS(mri::calibration_kernel(k, {.kernel = 15}), shape_error);
  CHECK_THROWS_AS(mri::calibration_kernel(k, {.lambda = -1}), value_error);
  CHECK_THROWS_AS(mri::calibration_kernel(zeros<C>(ex, s)), value_error);
  const auto mask = zeros<std::uint8_t>(ex, shape{s[1], s[2]});
  CHECK_THROWS_AS(mri::enhance(ex, b, mask, k, {.iterations = -1}), value_error);
  CHECK_THROWS_AS(mri::enhance(ex, b, mask, zeros<C>(ex, shape{s[0] + 1, s[1], s[2]})),
                  shape_error);
}
