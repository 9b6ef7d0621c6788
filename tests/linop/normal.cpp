// SPDX-License-Identifier: Apache-2.0
/// \file
/// Fused normal operators against the product of their operators, and that gram takes them.
#include "cardiomm/linop/normal.hpp"

#include <doctest/doctest.h>

#include "support/counters.hpp"
#include "support/encoding.hpp"

using namespace cardiomm;
using namespace cardiomm_tests;

namespace {
using ex_t = host_space;
template <class T>
using lines = linop::line_mask<T, ex_t>;

template <class T, int ImageRank = 4>
void compare(shape<5> k, index_t map_slices, index_t mask_frames, double tolerance) {
  CAPTURE(to_string(k));
  const encoding_problem<lines<T>, ImageRank> p(k, map_slices, mask_frames);
  check_normal(linop::gram(p.encoding()), p.x, p.adjoint(p.forward(p.x)), tolerance);
}
}  // namespace

TEST_CASE("gram of the line encoding is the fused kernel") {
  const encoding_problem<lines<float>> p(shape<5>{{2, 1, 3, 8, 8}}, 1, 2);
  using fused = linop::sense_line_normal<float, ex_t>;
  static_assert(std::is_same_v<decltype(linop::gram(p.encoding())), fused>);
  static_assert(std::is_same_v<decltype(linop::gram(p.encoding()) + 0.1 * linop::identity), fused>);
  static_assert(std::is_same_v<decltype(linop::gram(p.encoding()) + linop::identity), fused>);
  CHECK((linop::gram(p.encoding()) + 2 * linop::identity).shift() == 2);
}

TEST_CASE("the fused kernel equals the product of the operators") {
  for (index_t ny : {1, 2, 3, 4, 7, 12, 13, 16, 29, 47, 64, 82, 94})  // prime, odd, Bluestein
    for (index_t nx : {1, 15, 16, 33}) {
      compare<double>(shape<5>{{2, 2, 3, ny, nx}}, 2, 2, 1e-13);
      compare<float>(shape<5>{{2, 2, 3, ny, nx}}, 1, 1, 1e-5);
      compare<double, 5>(shape<5>{{2, 2, 3, ny, nx}}, 2, 1, 1e-13);
    }
}

TEST_CASE("the fused kernel equals the product of the operators at clinical sizes") {
  for (auto s : {shape<2>{{162, 168}}, shape<2>{{204, 48}}, shape<2>{{208, 256}},
                 shape<2>{{246, 20}}, shape<2>{{448, 40}}, shape<2>{{512, 20}}})
    compare<float>(shape<5>{{3, 1, 4, s[0], s[1]}}, 1, 3, 1e-6);
}

TEST_CASE("a second apply allocates, copies and waits for nothing") {
  const ex_t ex;
  const encoding_problem<lines<float>> p(shape<5>{{2, 1, 3, 24, 20}}, 1, 2);
  const auto g = linop::gram(p.encoding()) + 0.1 * linop::identity;
  const auto y = linop::evaluate(ex, g, p.x);
  const auto counts = count_events([&] { linop::apply(ex, g, p.x, y); });
  CHECK_MESSAGE(counts.none(), counts);
}

TEST_CASE("mask and maps of different heights are refused") {
  const encoding_problem<lines<float>> p(shape<5>{{2, 1, 3, 8, 8}}, 1, 2),
      q(shape<5>{{2, 1, 3, 10, 8}}, 1, 2);
  CHECK_THROWS_AS((linop::sense_line_normal<float, ex_t>(p.sampling(), q.coils())), shape_error);
}
