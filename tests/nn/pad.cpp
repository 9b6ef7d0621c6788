// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/nn/pad.hpp"

#include "support/layer_reference.hpp"

using namespace cardiomm;
using cardiomm_tests::check_reference;

TEST_CASE("margins of zeros and crops are PyTorch's") {
  check_reference(nn::pad<double>({3, 4, 0, 1}), "pad");
  check_reference(nn::pad<double>({1, -3, -2, 1}), "pad.crop");
}

TEST_CASE("margins to a multiple are half before, and half or one more after the image") {
  for (index_t n = 1; n <= 40; ++n) {
    const nn::margins m = nn::margins_to_multiple(n, 41 - n, 8);
    CHECK(n + m.top + m.bottom == ((n - 1) | 7) + 1);
    CHECK(41 - n + m.left + m.right == ((40 - n) | 7) + 1);
    CHECK(m.top == (m.top + m.bottom) / 2);
    CHECK(m.left == (m.left + m.right) / 2);
  }
  CHECK_THROWS_AS(nn::margins_to_multiple(4, 4, 0), value_error);
  CHECK_THROWS_WITH_AS(nn::pad<float>({-3, -2, 0, 0}).output(shape{1, 4, 4, 2}),
                       "pad: expected at least (5, 0) pixels, found (1, 4, 4, 2)", shape_error);
}
