// SPDX-License-Identifier: Apache-2.0
/// \file
/// Fused normal operators against the generic product, and that they are the ones that gram takes.
#include "cardiomm/linop/normal.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "cardiomm/linop/check.hpp"
#include "support/counters.hpp"

using namespace cardiomm;

namespace {
using ex_t = host_space;

template <class T, int ImageRank = 4>
struct problem {
  tensor<complex<T>, 5, ex_t> maps;
  tensor<T, 2, ex_t> mask;
  tensor<complex<T>, ImageRank, ex_t> x;
  problem(shape<5> k, index_t map_slices, index_t mask_frames) {
    const ex_t ex;
    const index_t sets = ImageRank == 5 ? 3 : 1;
    maps = make_tensor<complex<T>>(ex, shape{sets, map_slices, k[2], k[3], k[4]});
    random::fill_normal(ex, maps, 1);
    if constexpr (ImageRank == 5)
      x = make_tensor<complex<T>>(ex, shape{sets, k[0], k[1], k[3], k[4]});
    else
      x = make_tensor<complex<T>>(ex, shape{k[0], k[1], k[3], k[4]});
    random::fill_normal(ex, x, 2);
    mask = make_tensor<T>(ex, shape{mask_frames, k[3]});
    for (index_t f = 0; f < mask_frames; ++f)  // undersampled unevenly, with whole gaps
      for (index_t y = 0; y < k[3]; ++y)
        mask(f, y) = (y + f) % 5 == 0 || (y * y + f) % 7 == 3 ? T(1) : T(0);
  }
  linop::line_mask<T, ex_t> sampling() const { return linop::line_mask<T, ex_t>(mask); }
  auto coils() const { return linop::sensitivity_of_rank<T, ImageRank, ex_t>(maps); }
  auto encoding() const { return sampling() * linop::fourier * coils(); }
};

template <class A, class B>
double distance(const A& a, const B& b) {
  double d = 0, n = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    d += abs2(a.data()[i] - b.data()[i]);
    n += abs2(b.data()[i]);
  }
  return std::sqrt(d / n);
}

/// A^H A x, operator by operator.
template <class T, class P>
auto step_by_step(const P& p, shape<5> k) {
  const ex_t ex;
  const linop::fourier_op<T, 5, ex_t> transform;
  auto z = make_tensor<complex<T>>(ex, k);
  auto y = clone(ex, p.x);
  linop::apply(ex, p.coils(), p.x, z);
  linop::apply(ex, transform, z, z);
  linop::apply(ex, p.sampling(), z, z);
  linop::apply_adjoint(ex, transform, z, z);
  linop::apply_adjoint(ex, p.coils(), z, y);
  return y;
}

template <class T, int ImageRank = 4>
void compare(shape<5> k, index_t map_slices, index_t mask_frames, double tolerance) {
  const ex_t ex;
  CAPTURE(to_string(k));
  const problem<T, ImageRank> p(k, map_slices, mask_frames);
  const auto expected = step_by_step<T>(p, k);
  const auto g = linop::gram(p.encoding());
  CHECK(distance(linop::evaluate(ex, g, p.x), expected) < tolerance);
  // shift, scale and accumulation in the same sweep
  const auto shifted = 0.5 * linop::identity + g;
  static_assert(std::is_same_v<std::decay_t<decltype(shifted)>,
                               linop::sense_line_normal<T, ex_t, ImageRank>>);
  const complex<T> alpha(T(0.75), T(-2));
  auto y = clone(ex, p.x), z = clone(ex, p.x);
  linop::apply(ex, shifted, p.x, y, {alpha, true});
  blas1::axpby(ex, alpha, expected, complex<T>(1), z);
  blas1::axpby(ex, alpha * T(0.5), p.x, complex<T>(1), z);
  CHECK(distance(y, z) < tolerance);
  // in place
  y = clone(ex, p.x);
  linop::apply(ex, g, y, y);
  CHECK(distance(y, expected) < tolerance);
}
}  // namespace

TEST_CASE("gram of the line encoding is the fused kernel") {
  const problem<float> p(shape<5>{{2, 1, 3, 8, 8}}, 1, 2);
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
  const problem<float> p(shape<5>{{2, 1, 3, 24, 20}}, 1, 2);
  const auto g = linop::gram(p.encoding()) + 0.1 * linop::identity;
  const auto y = linop::evaluate(ex, g, p.x);
  const auto counts = cardiomm_tests::count_events([&] { linop::apply(ex, g, p.x, y); });
  CHECK_MESSAGE(counts.none(), counts);
}

TEST_CASE("mask and maps of different heights are refused") {
  const problem<float> p(shape<5>{{2, 1, 3, 8, 8}}, 1, 2), q(shape<5>{{2, 1, 3, 10, 8}}, 1, 2);
  CHECK_THROWS_AS((linop::sense_line_normal<float, ex_t>(linop::line_mask<float, ex_t>(p.mask),
                                                         linop::sensitivity<float, ex_t>(q.maps))),
                  shape_error);
}
