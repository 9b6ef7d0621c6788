// SPDX-License-Identifier: Apache-2.0
/// \file
/// Uniform undersampling: the folded normal operator against the operators one by one, and the
/// direct solution against conjugate gradients and against noise-free data.
#include "cardiomm/linop/uniform.hpp"

#include <doctest/doctest.h>

#include "cardiomm/solve/cg.hpp"
#include "cardiomm/solve/direct.hpp"
#include "support/counters.hpp"
#include "support/encoding.hpp"

using namespace cardiomm;
using namespace cardiomm_tests;

namespace {
using ex_t = host_space;

template <class T>
struct problem : encoding_problem<linop::line_mask<T, ex_t>> {
  using base = encoding_problem<linop::line_mask<T, ex_t>>;
  linop::uniform_mask<T, ex_t> uniform;
  problem(shape<5> k, index_t map_slices, index_t r, std::vector<index_t> offsets)
      : base(k, map_slices, static_cast<index_t>(offsets.size())), uniform(k[3], r, offsets) {
    Kokkos::deep_copy(this->mask, uniform.mask());
  }
  auto folded() const { return uniform * linop::fourier * this->coils(); }
};

template <class T>
void compare(shape<5> k, index_t map_slices, index_t r, std::vector<index_t> offsets,
             double tolerance) {
  CAPTURE(to_string(k));
  CAPTURE(r);
  const problem<T> p(k, map_slices, r, offsets);
  const auto a = p.folded();
  check_against(a, p.x, p.forward(p.x), tolerance);
  check_against(linop::adjoint(a), p.y, p.adjoint(p.y), tolerance);
  const auto g = linop::gram(a);
  static_assert(std::is_same_v<std::decay_t<decltype(g)>, linop::sense_uniform_normal<T, ex_t>>);
  check_normal(g, p.x, p.adjoint(p.forward(p.x)), tolerance);
  // the inverse undoes the operator, in place too
  const ex_t ex;
  const auto shifted = g + 0.5 * linop::identity;
  const auto b = linop::evaluate(ex, shifted, p.x);
  CHECK(distance(solve::direct(shifted, b), p.x) < 100 * tolerance);
  solve::direct(ex, shifted, b, b);
  CHECK(distance(b, p.x) < 100 * tolerance);
}
}  // namespace

TEST_CASE("the folded operator equals the product of the operators") {
  for (index_t ny : {1, 12, 48, 91})
    for (index_t r = 1; r <= 16; ++r) {
      if (ny % r) continue;
      for (index_t nx : {1, 33}) {
        const shape<5> k{{3, 2, 4, ny, nx}};
        compare<double>(k, 2, r, {r - 1}, 1e-13);
        compare<float>(k, 1, r, {0, r / 2, r - 1}, 1e-5);
      }
    }
}

TEST_CASE("the direct solution is where conjugate gradients arrive") {
  const problem<double> p(shape<5>{{2, 1, 6, 24, 18}}, 1, 3, {0, 2});
  const auto a = p.folded();
  const auto normal = linop::gram(a) + 0.01 * linop::identity;
  const auto b = linop::adjoint(a) * p.y;
  solve::cg_options o;
  o.iterations = 400;
  o.tolerance = 1e-12;
  CHECK(distance(solve::direct(normal, b), solve::cg(normal, b, o)) < 1e-9);
}

TEST_CASE("more coils than folds give the image back without a penalty") {
  const problem<double> p(shape<5>{{2, 2, 8, 20, 9}}, 2, 4, {1, 3});
  const auto a = p.folded();
  const auto b = linop::adjoint(a) * linop::evaluate(ex_t(), a, p.x);
  CHECK(distance(solve::direct(linop::gram(a), b), p.x) < 1e-8);
}

TEST_CASE("pixels without maps come out as zeros") {
  const ex_t ex;
  problem<float> p(shape<5>{{1, 1, 4, 12, 5}}, 1, 3, {0});
  for (index_t c = 0; c < 4; ++c)
    for (index_t y = 0; y < 12; ++y) p.maps(0, 0, c, y, 2) = 0;
  const auto a = p.folded();
  const auto x = solve::direct(linop::gram(a), linop::adjoint(a) * p.y);
  for (index_t y = 0; y < 12; ++y) CHECK(abs2(x(0, 0, y, 2)) == 0);
  CHECK(std::isfinite(blas1::norm(ex, x)));
}

TEST_CASE("solutions allocate, copy and wait for nothing") {
  const ex_t ex;
  const problem<float> p(shape<5>{{2, 1, 3, 24, 20}}, 1, 4, {0, 1});
  const auto g = linop::gram(p.folded()) + 0.1 * linop::identity;
  auto y = linop::evaluate(ex, g, p.x);
  solve::direct(ex, g, p.x, y);
  const auto counts = count_events([&] {
    linop::apply(ex, g, p.x, y);
    solve::direct(ex, g, p.x, y);
  });
  CHECK_MESSAGE(counts.none(), counts);
}

TEST_CASE("what is not uniform is refused") {
  using mask = linop::uniform_mask<float, ex_t>;
  CHECK_THROWS_AS(mask(10, 3), value_error);
  CHECK_THROWS_AS(mask(34, 17), value_error);
  CHECK_THROWS_AS(mask(12, 0), value_error);
  CHECK_THROWS_AS(mask(12, 3, {3}), value_error);
  CHECK_THROWS_AS(mask(12, 3, {-1}), value_error);
  CHECK_THROWS_AS(mask(12, 3, {}), value_error);
  const problem<float> p(shape<5>{{2, 1, 3, 8, 8}}, 1, 2, {0});
  CHECK_THROWS_AS((linop::sense_uniform_normal<float, ex_t>(mask(12, 3), p.coils())), shape_error);
}
