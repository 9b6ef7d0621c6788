// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/linop/dense.hpp"

#include <doctest/doctest.h>

#include "cardiomm/linop/check.hpp"

using namespace cardiomm;
using Ex = default_space;
using C = complex<float>;

namespace {
template <int R>
tensor<C, R, Ex> noise(shape<R> s, std::uint64_t seed) {
  auto t = make_tensor<C>(Ex(), s);
  random::fill_normal(Ex(), t, seed);
  return t;
}
template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const error& e) {
    return e.what();
  }
  return "";
}
}  // namespace

TEST_CASE("a matrix along an axis is the sum over it") {
  const shape<4> s{{4, 3, 5, 70}};  // rows of more than one chunk
  const auto x = noise(s, 1);
  const auto h = to_host(x);
  for (int along = 0; along < 4; ++along) {
    const auto matrix = noise(shape<2>{{6, s[along]}}, 2);
    const auto m = to_host(matrix);
    const auto y = to_host(linop::dense<float, 4, Ex>(matrix, along) * x);
    double wrong = 0;
    for (index_t a = 0; a < index_t(y.extent(0)); ++a)
      for (index_t b = 0; b < index_t(y.extent(1)); ++b)
        for (index_t c = 0; c < index_t(y.extent(2)); ++c)
          for (index_t d = 0; d < index_t(y.extent(3)); ++d) {
            index_t at[4] = {a, b, c, d};
            const index_t i = at[along];
            complex<double> sum(0);
            for (at[along] = 0; at[along] < s[along]; ++at[along])
              sum +=
                  complex<double>(m(i, at[along])) * complex<double>(h(at[0], at[1], at[2], at[3]));
            wrong = std::max(wrong, abs2(sum - complex<double>(y(a, b, c, d))));
          }
    CHECK(wrong < 1e-9);
  }
}

TEST_CASE("dense operators of bad arguments") {
  using D = linop::dense<float, 4, Ex>;
  CHECK(message_of([] { D(tensor<C, 2, Ex>(), 0); }) ==
        "dense: expected a matrix with numbers, found (0, 0)");
  CHECK(message_of([] {
          D(noise(shape<2>{{2, 2}}, 1), 4);
        }) == "dense: expected an axis in [0, 4), found 4");
  CHECK(
      message_of([] {
        (void)(D(noise(shape<2>{{2, 3}}, 1), 0) * noise(shape<4>{{4, 1, 2, 2}}, 1));
      }) ==
      "dense: columns of the matrix and extent of the domain: expected equal extents, found 3 and "
      "4");
}
