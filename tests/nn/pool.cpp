// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/nn/pool.hpp"

#include "support/layer_reference.hpp"

using namespace cardiomm;
using cardiomm_tests::check_reference;
using Ex = default_space;

TEST_CASE("average pooling is PyTorch's, values and gradients") {
  using P = nn::average_pool<double>;
  check_reference(P({{3, 3}, {2, 2}, {1, 1}}), "average_pool");
  check_reference(P({{3, 2}, {2, 3}, {1, 1}, true}), "average_pool.ceil");
  check_reference(P({{4, 4}, {3, 3}, {2, 2}, true, false}), "average_pool.no_pad");
  check_reference(nn::average_pool<double, 1>({{3}, {}, {}}), "average_pool.line");
  check_reference(nn::average_pool<double, 3>({{2, 3, 2}, {1, 2, 2}, {1, 1, 1}}),
                  "average_pool.volume");
  check_reference(nn::global_average_pool<double>(), "global_average_pool");
}

TEST_CASE("maximum pooling is PyTorch's, with ties too") {
  using P = nn::max_pool<double>;
  check_reference(P({{3, 3}, {2, 2}, {1, 1}}), "max_pool");
  check_reference(P({{4, 2}, {1, 3}, {2, 1}, true}), "max_pool.ceil");
  check_reference(nn::max_pool<double, 1>({{3}, {1}, {}}), "max_pool.line");
  check_reference(nn::max_pool<double, 3>({{2, 3, 2}, {1, 2, 2}, {1, 1, 1}}), "max_pool.volume");
}

TEST_CASE("a NaN in the window stays") {
  const Ex ex;
  const auto x = make_tensor<float>(host_space(), shape{1, 2, 2, 1});
  for (int i = 0; i < 4; ++i) x.data()[i] = float(i);
  x.data()[1] = std::nanf("");
  const auto y = nn::evaluate(ex, nn::max_pool<float>({{2, 2}, {}, {}}), to_space(ex, x));
  CHECK(std::isnan(to_host(y).data()[0]));
}

TEST_CASE("windows that cannot be give one clear error") {
  using P = nn::max_pool<float>;
  CHECK_THROWS_WITH_AS(P({{2, 2}, {}, {2, 0}}),
                       "max_pool: expected a kernel of at least 1 and a padding of at most half of "
                       "it, found kernel 2, stride 0, padding 2",
                       shape_error);
  CHECK_THROWS_WITH_AS(P({{5, 2}, {}, {}}).output(shape{1, 4, 4, 2}),
                       "max_pool: expected at least 5 pixels on spatial axis 0, found (1, 4, 4, 2)",
                       shape_error);
}
