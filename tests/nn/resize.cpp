// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/nn/resize.hpp"

#include "support/layer_reference.hpp"

using namespace cardiomm;
using cardiomm_tests::check_reference;
using Ex = default_space;

TEST_CASE("bilinear resize is PyTorch's, by a factor and to a size") {
  using R = nn::resize<double>;
  check_reference(R::by(2), "resize.up2");
  check_reference(R::by(1.7), "resize.by");
  check_reference(R::by(0.5), "resize.half");
  check_reference(R::to(11, 3), "resize.to");
  check_reference(R::to(2, 9), "resize.shrink");
  check_reference(nn::resize<float>::to(11, 3), "resize.to", 1e-6);
}

TEST_CASE("resize(x) + skip in one pass, also in place") {
  const Ex ex;
  for (const index_t channels : {1, 3, 28, 72}) {
    const auto r = nn::resize<float>::by(2);
    const auto x = nn::check::detail::noise<float>(ex, shape{2, 5, 3, channels}, 1, 1);
    const auto skip = nn::check::detail::noise<float>(ex, r.output(shape_of(x)), 1, 2);
    const auto expected = nn::evaluate(ex, r, x);
    blas1::axpby(ex, 1.f, skip, 1.f, expected);
    const auto y = make_tensor<float>(ex, shape_of(skip));
    r.forward_add(ex, x, skip, y);
    CHECK(cardiomm_tests::worst(y, expected) <= 1e-6);
    r.forward_add(ex, x, skip, skip);
    CHECK(cardiomm_tests::worst(skip, expected) <= 1e-6);
  }
}

TEST_CASE("sizes and factors that cannot be give one clear error") {
  using R = nn::resize<float>;
  CHECK_THROWS_WITH_AS(R::to(0, 4), "resize: expected a size of at least 1, found (0, 4)",
                       shape_error);
  CHECK_THROWS_WITH_AS(R::by(0), "resize: expected a positive factor, found 0", value_error);
  CHECK_THROWS_AS(R::by(0.5).output(shape{1, 1, 4, 2}), shape_error);
}
