// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/nn/softmax.hpp"

#include "support/layer_reference.hpp"

using namespace cardiomm;
using cardiomm_tests::check_reference;

TEST_CASE("softmax is PyTorch's, for large numbers too") {
  check_reference(nn::softmax<double>(), "softmax");
  check_reference(nn::softmax<float>(), "softmax", 2e-6);
  check_reference(nn::softmax<double, 2>(), "softmax.vector");
}

TEST_CASE("softmax in place, and without channels") {
  const default_space ex;
  const nn::softmax<float> l;
  const auto x = nn::check::detail::noise<float>(ex, shape{2, 3, 3, 21}, 1, 1);
  const auto y = nn::evaluate(ex, l, x);
  l.forward(ex, x, x);
  CHECK(cardiomm_tests::worst(x, y) == 0);
  CHECK_THROWS_WITH_AS(l.output(shape{1, 2, 2, 0}),
                       "softmax: expected at least one channel, found (1, 2, 2, 0)", shape_error);
}
