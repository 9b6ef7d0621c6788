// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/train/average.hpp"

#include "support/optimiser_reference.hpp"

using namespace cardiomm;
using cardiomm_tests::block_of;
using cardiomm_tests::optimiser_cases;
using cardiomm_tests::stored;
using cardiomm_tests::worst;
using Ex = default_space;

namespace {
template <class T>
void check_average(double tolerance) {
  const Ex ex;
  const auto values = optimiser_cases().at("gradients").tensor<T, 2>();
  const auto block = block_of<T>(ex, stored<T, 1>(ex, optimiser_cases(), "start"));
  const auto live = borrow(ex, block.values().data(), shape<1>{{index_t(values.extent(1))}});
  train::weight_average<T, Ex> average(ex, block, 0.9);
  {
    const train::average_in_use<T, Ex> nothing_yet(ex, &average, block);
    CHECK(!average.exchanged());
  }
  for (index_t k = 0; k < index_t(values.extent(0)); ++k) {
    copy(live, slice(values, k));
    average.update(ex, block);
  }
  CHECK(average.updates() == values.extent(0));
  const auto last = slice(values, index_t(values.extent(0)) - 1);
  const auto expected = stored<T, 1>(ex, optimiser_cases(), "average");
  CHECK(worst(clone(ex, live), last) == 0);
  {
    const train::average_in_use<T, Ex> now(ex, &average, block);
    CHECK(worst(clone(ex, live), expected) <= tolerance);
    CHECK_THROWS_AS(average.update(ex, block), value_error);
  }
  CHECK(worst(clone(ex, live), last) == 0);
  {
    const train::average_in_use<T, Ex> none(ex, nullptr, block);
    CHECK(worst(clone(ex, live), last) == 0);
  }
  average.exchange(ex, block);
  CHECK(average.exchanged());
  CHECK(worst(clone(ex, live), expected) <= tolerance);
}
}  // namespace

TEST_CASE("averages are PyTorch's and change places with the values") {
  check_average<double>(1e-12);
  check_average<float>(1e-6);
}

TEST_CASE("averages name what does not fit") {
  const Ex ex;
  const auto a = block_of<float>(ex, zeros<float>(ex, shape<1>{{3}}));
  const auto b = block_of<float>(ex, zeros<float>(ex, shape<1>{{99}}));
  CHECK_THROWS_WITH_AS((train::weight_average<float, Ex>(ex, a, 1)),
                       "average: decay: expected a number of 0 to below 1, found 1", value_error);
  train::weight_average<float, Ex> average(ex, a, 0.9);
  CHECK_THROWS_AS(average.update(ex, b), shape_error);
  CHECK_THROWS_AS(average.exchange(ex, b), shape_error);
}
