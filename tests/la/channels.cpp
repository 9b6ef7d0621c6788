// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/la/channels.hpp"

#include <doctest/doctest.h>

#include "matrices.hpp"

using namespace cardiomm;
using namespace la_test;

TEST_CASE_TEMPLATE("channel_gram equals its definition", C, complex<float>, complex<double>) {
  const host_space ex;
  for (const shape<3> n : {shape{1, 1, 1}, shape{3, 5, 700}, shape{2, 4, 256}, shape{40, 3, 19}}) {
    CAPTURE(n[2]);
    const auto x = random_matrices<C>(n[0], n[1], n[2], 7);
    const auto g = la::channel_gram(ex, x);
    for (index_t i = 0; i < n[1]; ++i)
      for (index_t j = 0; j < n[1]; ++j) {
        std::complex<double> sum = 0;
        for (index_t o = 0; o < n[0]; ++o)
          for (index_t s = 0; s < n[2]; ++s) sum += wide(x(o, i, s)) * std::conj(wide(x(o, j, s)));
        CHECK(std::abs(wide(g(i, j)) - sum) < tolerance<C> * double(n[0] * n[2]) * 4);
      }
  }
  CHECK(difference(la::channel_gram(ex, zeros<C>(ex, shape{0, 2, 3})), zeros<C>(ex, shape{2, 2})) ==
        0);
}

TEST_CASE_TEMPLATE("channel_mix equals its definition", C, complex<float>, complex<double>) {
  const host_space ex;
  for (const shape<3> n : {shape{1, 1, 1}, shape{3, 5, 700}, shape{40, 3, 19}})
    for (const index_t to : {index_t(1), index_t(2), n[1]}) {
      const auto x = random_matrices<C>(n[0], n[1], n[2], 7);
      const auto m3 = random_matrices<C>(1, to, n[1], 8);
      const auto m = reshape(m3, shape{to, n[1]});
      const auto y = make_tensor<C>(ex, shape{n[0], to, n[2]});
      la::channel_mix(ex, m, x, y);
      for (index_t o = 0; o < n[0]; ++o)
        CHECK(difference(slice(y, o),
                         slice(product(m3, false,
                                       reshape(slice(x, o), shape{index_t(1), n[1], n[2]}), false),
                               0)) < tolerance<C> * 20);
      if (to != n[1]) continue;
      const auto same = clone(ex, x);
      la::channel_mix(ex, m, same, same);
      CHECK(difference(same, y) == 0);
    }
  const auto x = zeros<C>(ex, shape{1, 2, 3});
  CHECK_THROWS_AS(la::channel_mix(ex, zeros<C>(ex, shape{2, 3}), x, x), shape_error);
}
