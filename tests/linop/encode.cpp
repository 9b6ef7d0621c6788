// SPDX-License-Identifier: Apache-2.0
/// \file
/// The fused Cartesian encodings and the normal operator of point masks against the operators one
/// by one.
#include "cardiomm/linop/encode.hpp"
#include "cardiomm/linop/sampled_lines.hpp"

#include <doctest/doctest.h>

#include "cardiomm/linop/normal_point.hpp"
#include "support/counters.hpp"
#include "support/encoding.hpp"

using namespace cardiomm;
using namespace cardiomm_tests;

namespace {
using ex_t = host_space;

template <class Mask, int ImageRank = 4>
void compare(shape<5> k, index_t map_slices, index_t mask_frames, double tolerance) {
  CAPTURE(to_string(k));
  const encoding_problem<Mask, ImageRank> p(k, map_slices, mask_frames);
  const auto a = p.encoding();
  static_assert(std::decay_t<decltype(a.kernels())>::value);
  check_against(a, p.x, p.forward(p.x), tolerance);
  check_against(linop::adjoint(a), p.y, p.adjoint(p.y), tolerance);
  check_normal(linop::gram(a), p.x, p.adjoint(p.forward(p.x)), tolerance);
}
template <class T>
using points = linop::point_mask<T, ex_t>;
template <class T>
using lines = linop::line_mask<T, ex_t>;
}  // namespace

TEST_CASE("fused encodings equal the product of the operators") {
  for (index_t ny : {1, 5, 12, 47})  // prime, odd, Bluestein
    for (index_t nx : {1, 16, 33}) {
      const shape<5> k{{3, 2, 3, ny, nx}};
      compare<lines<double>>(k, 2, 3, 1e-13);
      compare<lines<double>, 5>(k, 1, 1, 1e-13);
      compare<points<double>>(k, 2, 3, 1e-13);
      compare<points<float>>(k, 1, 1, 1e-5);
      compare<points<double>, 5>(k, 2, 1, 1e-13);
    }
}

TEST_CASE("fused encodings equal the product of the operators at clinical sizes") {
  for (auto s : {shape<2>{{162, 48}}, shape<2>{{48, 204}}, shape<2>{{40, 246}}}) {
    const shape<5> k{{2, 1, 2, s[0], s[1]}};
    compare<lines<float>>(k, 1, 2, 1e-6);
    compare<points<float>>(k, 1, 2, 1e-6);
  }
}

TEST_CASE("gram of the point encoding is the fused operator") {
  const encoding_problem<points<float>> p(shape<5>{{2, 1, 3, 8, 8}}, 1, 2);
  using fused = linop::sense_point_normal<float, ex_t>;
  static_assert(std::is_same_v<decltype(linop::gram(p.encoding())), fused>);
  static_assert(std::is_same_v<decltype(linop::gram(p.encoding()) + 0.1 * linop::identity), fused>);
  CHECK((linop::gram(p.encoding()) + 2 * linop::identity).shift() == 2);
}

TEST_CASE("a mask without samples gives zeros") {
  const ex_t ex;
  encoding_problem<lines<float>> p(shape<5>{{2, 1, 3, 8, 8}}, 1, 2);
  Kokkos::deep_copy(p.mask, 0.0f);
  const auto a = p.encoding();
  CHECK(blas1::norm(ex, linop::evaluate(ex, a, p.x)) == 0);
  CHECK(blas1::norm(ex, linop::evaluate(ex, linop::adjoint(a), p.y)) == 0);
}

TEST_CASE("samples that were not acquired do not matter, not even if they are not numbers") {
  const ex_t ex;
  encoding_problem<lines<float>> p(shape<5>{{2, 1, 3, 8, 8}}, 1, 2);
  const auto expected = linop::evaluate(ex, linop::adjoint(p.encoding()), p.y);
  for (index_t f = 0; f < 2; ++f)
    for (index_t c = 0; c < 3; ++c)
      for (index_t y = 0; y < 8; ++y)
        if (p.mask(f, y) == 0) p.y(f, 0, c, y, 3) = complex<float>(NAN, 0);
  CHECK(distance(linop::evaluate(ex, linop::adjoint(p.encoding()), p.y), expected) == 0);
}

TEST_CASE("mask and maps that do not fit are refused") {
  const encoding_problem<lines<float>> p(shape<5>{{2, 1, 3, 8, 8}}, 1, 2),
      q(shape<5>{{2, 1, 3, 10, 8}}, 1, 2);
  CHECK_THROWS_AS(p.sampling() * linop::fourier * q.coils(), shape_error);
  const encoding_problem<points<float>> r(shape<5>{{2, 1, 3, 8, 9}}, 1, 2);
  CHECK_THROWS_AS(r.sampling() * linop::fourier * p.coils(), shape_error);
}
