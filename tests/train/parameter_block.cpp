// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/train/parameter_block.hpp"

#include <doctest/doctest.h>

#include "cardiomm/nn/conv.hpp"
#include "cardiomm/nn/loss.hpp"
#include "cardiomm/train/sample.hpp"
#include "cardiomm/train/task.hpp"

using namespace cardiomm;
using Ex = default_space;

TEST_CASE("parameters in one block: same values, gradients land there, shared and frozen ones") {
  const Ex ex;
  const nn::conv<float> a(ex, 2, 3, nn::conv_options<2>::same(3), 1);
  nn::parameter<float, Ex> frozen(ex, {5}, false), shared(ex, {7});
  nn::init::constant(ex, frozen, 2);
  nn::init::constant(ex, shared, 3);
  nn::named_parameters<float, Ex> all = a.parameters();
  const std::size_t own = all.size();
  all.emplace_back("frozen", frozen);
  all.emplace_back("shared", shared);
  all.emplace_back("again", shared);
  const auto x = make_tensor<float>(ex, shape<4>{{1, 8, 8, 2}});
  random::fill_normal(ex, x, 3);
  const auto before = nn::evaluate(ex, a, x);

  const train::parameter_block<float, Ex> block(ex, all);
  CHECK(block.entries().size() == own + 1);
  CHECK(block.count() == 2 * 3 * 9 + 3 + 7);
  CHECK(block.size() % 16 == 0);
  CHECK(block.offset(own) == block.offset(own + 1));  // the frozen one takes no room
  CHECK(block.offset(own + 2) == block.size());
  CHECK(block.offset(own + 3) == block.size());
  CHECK(to_host(shared.value())(6) == 3);
  CHECK(to_host(frozen.value())(4) == 2);

  const auto after = nn::evaluate(ex, a, x);
  CHECK(nn::l1_loss(ex, before, after) == 0);
  nn::recording pass(ex, a, shape_of(x));
  pass.forward(x);
  pass.backward(before);
  const auto g = to_host(block.gradients());
  double sum = 0;
  for (index_t i = 0; i < block.offset(own); ++i) sum += std::abs(double(g(i)));
  CHECK(sum > 0);
  Kokkos::deep_copy(ex, block.values(), 0.0f);
  CHECK(to_host(shared.value())(0) == 0);
  CHECK(blas1::norm(ex, nn::evaluate(ex, a, x)) == 0);
  block.zero_gradients(ex);
  CHECK(blas1::norm(ex, block.gradients()) == 0);
}
