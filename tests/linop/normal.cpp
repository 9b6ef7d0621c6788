// SPDX-License-Identifier: Apache-2.0
/// \file
/// Fused normal operators against the product of their operators, and that gram takes them.
#include "cardiomm/linop/normal.hpp"

#include <doctest/doctest.h>

#include <vector>

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

namespace {
/// The whole sweep of conjugate gradients against its five steps.
template <class T, int ImageRank>
void check_sweep(shape<5> k, int batch_axes, bool first) {
  CAPTURE(to_string(k));
  CAPTURE(batch_axes);
  using C = complex<T>;
  const ex_t ex;
  const encoding_problem<lines<T>, ImageRank> problem(k, 1, k[0]);
  const auto a = linop::gram(problem.encoding()) + 0.25 * linop::identity;
  REQUIRE(a.sweeps(batch_axes));
  index_t systems = 1;
  for (int i = 0; i < batch_axes; ++i) systems *= shape_of(problem.x)[i];
  const index_t n = static_cast<index_t>(problem.x.size()) / systems;
  auto x = clone(ex, problem.x), p = clone(ex, problem.x), r = clone(ex, problem.x);
  auto q = clone(ex, problem.x);
  random::fill_normal(ex, p, 11);
  random::fill_normal(ex, r, 12);
  auto x1 = clone(ex, x), p1 = clone(ex, p), q1 = clone(ex, q);
  if (first) Kokkos::deep_copy(p, C(NAN));  // before the first iteration nothing is there to read
  std::vector<double> alpha, beta, pq(static_cast<std::size_t>(systems));
  for (index_t b = 0; b < systems; ++b) {
    alpha.push_back(first ? 0 : 0.5 + double(b));
    beta.push_back(first ? 0 : 1.5 - double(b) / 2);
    for (index_t i = b * n; i < (b + 1) * n; ++i) {
      x1.data()[i] += T(alpha.back()) * p1.data()[i];
      p1.data()[i] = r.data()[i] + T(beta.back()) * p1.data()[i];
    }
  }
  linop::apply(ex, a, p1, q1);
  blas1::real_dot(ex, systems, p1, q1, pq.data());
  linop::cg_sweep<C> sweep;
  std::vector<double> partial(static_cast<std::size_t>(a.sweep_partials(shape_of(x))));
  sweep.x = x.data();
  sweep.p = p.data();
  sweep.r = r.data();
  sweep.alpha = alpha.data();
  sweep.beta = beta.data();
  sweep.partial = partial.data();
  sweep.planes = n / (k[3] * k[4]);
  a.apply_sweep(ex, sweep, q);
  CHECK(distance(x, x1) < 1e-6);
  CHECK(distance(p, p1) < 1e-6);
  CHECK(distance(q, q1) < 1e-6);
  const std::size_t parts = partial.size() / static_cast<std::size_t>(systems);
  for (std::size_t b = 0; b < pq.size(); ++b) {
    double sum = 0;
    for (std::size_t i = 0; i < parts; ++i) sum += partial[b * parts + i];
    CHECK(std::abs(sum - pq[b]) < 1e-6 * std::abs(pq[b]));
  }
}
}  // namespace

TEST_CASE("the sweep of conjugate gradients does what its five steps do") {
  for (const bool first : {true, false})
    for (index_t nx : {16, 21}) {
      const shape<5> k{{3, 2, 3, 12, nx}};
      for (int axes = 0; axes <= 2; ++axes) check_sweep<float, 4>(k, axes, first);
      check_sweep<double, 4>(k, 2, first);
      check_sweep<float, 5>(k, 0, first);
    }
  const encoding_problem<lines<float>, 5> soft(shape<5>{{3, 2, 3, 12, 16}}, 1, 3);
  CHECK_FALSE(linop::gram(soft.encoding()).sweeps(1));
}
