// SPDX-License-Identifier: Apache-2.0
// Matrix products of all sizes and layouts against sums in double; gradients of float layers.
#include "cardiomm/nn/linear.hpp"
#include "cardiomm/nn/activation.hpp"
#include "cardiomm/nn/parameter.hpp"
#include "cardiomm/nn/product.hpp"

#include <doctest/doctest.h>

#include "cardiomm/nn/check.hpp"
#include "cardiomm/nn/sequential.hpp"

using namespace cardiomm;
using namespace cardiomm::nn;

namespace {
using Ex = host_space;
template <class T>
host_tensor<T, 2> noise(index_t rows, index_t columns, std::uint64_t stream) {
  return nn::check::detail::noise<T>(Ex(), shape<2>{{rows, columns}}, 11, stream);
}

/// Largest difference from sums in double, relative to the largest result.
template <class T>
double product_error(index_t rows, index_t inner, index_t columns, bool a_turned, bool b_turned,
                     bool bias, bool accumulate) {
  const Ex ex;
  const auto a = a_turned ? noise<T>(inner, rows, 1) : noise<T>(rows, inner, 1);
  const auto b = b_turned ? noise<T>(columns, inner, 2) : noise<T>(inner, columns, 2);
  const auto offset = noise<T>(1, columns, 3);
  const auto c = noise<T>(rows, columns, 4);
  const auto before = clone(ex, c);
  const operand<T> left{a.data(), a_turned ? 1 : inner, a_turned ? rows : 1};
  const operand<T> right{b.data(), b_turned ? 1 : columns, b_turned ? inner : 1};
  product<T>(ex, rows, inner, columns, left, right, c.data(), bias ? offset.data() : nullptr,
             accumulate);
  double most = 0, size = 1e-30;
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < columns; ++j) {
      double sum = accumulate ? double(before(i, j)) : bias ? double(offset(0, j)) : 0.0;
      for (index_t k = 0; k < inner; ++k)
        sum += double(left.data[i * left.row + k * left.column]) *
               double(right.data[k * right.row + j * right.column]);
      most = std::max(most, std::abs(sum - double(c(i, j))));
      size = std::max(size, std::abs(sum));
    }
  return most / size;
}
}  // namespace

TEST_CASE("products of any size and layout") {
  const index_t sizes[][3] = {{1, 1, 1},   {1, 300, 48}, {27, 512, 33}, {8, 16, 32}, {9, 257, 31},
                              {401, 5, 7}, {3, 0, 5},    {17, 600, 65}, {2, 2, 100}};
  for (const auto& s : sizes)
    for (const bool a : {false, true})
      for (const bool b : {false, true})
        for (const int mode : {0, 1, 2}) {
          CAPTURE(s[0]);
          CAPTURE(s[1]);
          CAPTURE(s[2]);
          CHECK(product_error<float>(s[0], s[1], s[2], a, b, mode == 1, mode == 2) <= 1e-6);
          CHECK(product_error<double>(s[0], s[1], s[2], a, b, mode == 1, mode == 2) <= 1e-14);
        }
}

TEST_CASE("the function behind a dense layer is applied by it") {
  const Ex ex;
  const linear<float, 2, Ex> l(ex, 20, 37, true, 3);
  const quick_gelu<float, 2, Ex> f;
  static_assert(FusesPointwise<linear<float, 2, Ex>, quick_gelu<float, 2, Ex>>);
  const auto x = noise<float>(11, 20, 5);
  const auto one = evaluate(ex, l | f, x);
  const auto two = evaluate(ex, f, evaluate(ex, l, x));
  for (std::size_t i = 0; i < one.size(); ++i)
    CHECK(one.data()[i] == doctest::Approx(two.data()[i]).epsilon(1e-6));
}

TEST_CASE("parameters of a dense layer") {
  const Ex ex;
  const linear<float, 2, Ex> l(ex, 4, 3);
  REQUIRE(l.parameters().size() == 2);
  CHECK(l.parameters()[0].first == "weight");
  CHECK(l.parameters()[0].second.extents() == std::vector<index_t>{3, 4});
  CHECK(l.parameters()[1].first == "bias");
  CHECK(linear<float, 2, Ex>(ex, 4, 3, false).parameters().size() == 1);
  const linear<float, 4, Ex> shared(l.weight, l.bias);
  CHECK(shared.weight.same_as(l.weight));
  CHECK(shared.output({{2, 5, 6, 4}}) == shape<4>{{2, 5, 6, 3}});
  CHECK_THROWS_AS(l.output({{2, 5}}), shape_error);
  CHECK_THROWS_AS((linear<float, 2, Ex>(l.bias)), shape_error);
  CHECK_THROWS_AS((linear<float, 2, Ex>(l.weight, parameter<float, Ex>(ex, {4}))), shape_error);
}
