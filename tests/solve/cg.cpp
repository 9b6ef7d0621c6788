// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/solve/cg.hpp"

#include <doctest/doctest.h>

#include "cardiomm/linop/any.hpp"
#include "cardiomm/linop/check.hpp"
#include "cardiomm/linop/dense.hpp"
#include "cardiomm/linop/diagonal.hpp"
#include "cardiomm/linop/fourier.hpp"
#include "cardiomm/linop/sampling.hpp"
#include "cardiomm/linop/sensitivity.hpp"
#include "cardiomm/solve/check.hpp"
#include "cardiomm/solve/monitor.hpp"
#include "cardiomm/solve/pcg.hpp"
#include "support/counters.hpp"

using namespace cardiomm;
using namespace cardiomm::linop;
using Ex = default_space;
using C = complex<double>;

namespace {
template <class V>
double apart(const V& a, const V& b) {
  return linop::check::detail::distance(Ex(), a, b);
}
auto encoding_of(size_class s) {
  return specimen<line_mask<double, Ex>>::make(Ex(), s, 1) * fourier *
         specimen<sensitivity<double, Ex>>::make(Ex(), s, 2);
}
/// Positive weights with a given number of different values.
diagonal<double, 2, Ex> weights(index_t rows, index_t n, int distinct) {
  auto w = make_tensor<double>(host_space(), shape{rows, n});
  for (index_t i = 0; i < rows * n; ++i) w.data()[i] = 1 + double(i % n % distinct);
  return diagonal<double, 2, Ex>(to_space(Ex(), w));
}
}  // namespace

TEST_CASE("CG ends after as many iterations as there are different eigenvalues") {
  const auto a = weights(1, 60, 4);
  const auto b = linop::check::detail::noise<C>(Ex(), shape{1, 60}, 1, 1);
  const auto x = solve::cg(a, b, {.iterations = 4});
  CHECK(apart(a * x, b) < 1e-13);
  const auto early = solve::cg(a, b, {.iterations = 3});
  CHECK(apart(a * early, b) > 1e-6);
}

TEST_CASE("a complex Hermitian system, against the closed form") {
  // F^H D F is circulant: x = F^H D^-1 F b.
  const auto w = weights(8, 16, 5);
  auto inverse = clone(host_space(), w.weights());
  for (std::size_t i = 0; i < inverse.size(); ++i) inverse.data()[i] = 1 / inverse.data()[i];
  const auto a = adjoint(fourier) * w * fourier_op<double, 2, Ex>{};
  const auto solution = adjoint(fourier) * diagonal<double, 2, Ex>(to_space(Ex(), inverse)) *
                        fourier_op<double, 2, Ex>{};
  const auto b = linop::check::detail::noise<C>(Ex(), shape{8, 16}, 4, 1);
  CHECK(apart(solve::cg(a, b, {.iterations = 20}), solution * b) < 1e-12);
}

TEST_CASE("complex Hermitian systems against elimination") {
  auto m = make_tensor<C>(host_space(), shape{9, 9});
  random::fill_normal(host_space(), m, 5);
  const dense<double, 2, Ex> factor(to_space(Ex(), m), 1);
  const auto a = adjoint(factor) * factor + 0.5 * identity;
  const auto b = linop::check::detail::noise<C>(Ex(), shape{3, 9}, 6, 1);
  const auto expected = solve::check::dense_solution(Ex(), a, b);
  CHECK(apart(a * expected, b) < 1e-12);
  CHECK(apart(solve::cg(a, b, {.iterations = 60}), expected) < 1e-10);
  auto x = zeros<C>(Ex(), shape{3, 9});
  solve::pcg(Ex(), a, weights(3, 9, 4), b, x, {.iterations = 60});
  CHECK(apart(x, expected) < 1e-10);
  const auto matrix = solve::check::dense(Ex(), a, shape{1, 9});
  for (index_t i = 0; i < 9; ++i)
    for (index_t j = 0; j < 9; ++j)
      CHECK(abs2(C(matrix(i, j) - conj_mul(matrix(j, i), C(1)))) < 1e-24);
}

TEST_CASE("the residual reported is |b - A x| / |b|, the error in the A-norm falls") {
  const auto size = size_class::multiple_of_four;
  const auto a = gram(encoding_of(size)) + 0.3 * identity;
  const auto d = specimen_image(size);
  const auto truth = linop::check::detail::noise<C>(Ex(), d, 5, 1);
  const auto b = a * truth;
  double before = 1e300;
  for (int n = 1; n <= 24; n += 4) {
    auto x = zeros<C>(Ex(), d);
    const auto end = solve::cg(Ex(), a, b, x, {.iterations = n});
    CHECK(end.iterations == n);
    auto e = clone(Ex(), x);
    blas1::axpby(Ex(), C(-1), truth, C(1), e);
    const double energy = blas1::dot(Ex(), e, a * e).real();
    CHECK(energy <= before * (1 + 1e-12));
    before = energy;
    CHECK(end.residual.size() == 1);
    CHECK(end.residual[0] == doctest::Approx(apart(a * x, b)).epsilon(1e-6));
    CHECK_FALSE(end.breakdown);
  }
}

TEST_CASE("a solution is a fixed point of the warm start") {
  const auto a = weights(2, 30, 7);
  const auto b = linop::check::detail::noise<C>(Ex(), shape{2, 30}, 1, 1);
  auto x = solve::cg(a, b, {.iterations = 40});
  const auto before = clone(Ex(), x);
  const auto end = solve::cg(Ex(), a, b, x, {.iterations = 10, .tolerance = 1e-10});
  CHECK(end.converged);
  CHECK(end.iterations == 0);
  CHECK(apart(x, before) == 0);
  // and a start half way saves iterations, reaching the same
  auto start = clone(Ex(), b);
  solve::cg(Ex(), a, b, start, {.iterations = 40});
  CHECK(apart(start, before) < 1e-12);
}

TEST_CASE("independent systems are solved as if alone") {
  const auto size = size_class::odd;  // 3 frames, 2 slices
  const auto d = specimen_image(size);
  const auto m = specimen<line_mask<double, Ex>>::make(Ex(), size, 1);
  const auto s = specimen<sensitivity<double, Ex>>::make(Ex(), size, 2);
  const auto a = gram(m * fourier * s) + 0.2 * identity;
  const auto b = linop::check::detail::noise<C>(Ex(), d, 3, 1);
  auto all = zeros<C>(Ex(), d);
  const auto end = solve::cg(Ex(), a, b, all, {.iterations = 6, .batch_axes = 1});
  CHECK(end.residual.size() == 3);
  for (index_t f = 0; f < d[0]; ++f) {
    // b with one frame only: the joint solver then solves that frame
    auto one = zeros<C>(Ex(), d);
    Kokkos::deep_copy(slice(one, f), slice(b, f));
    const auto alone = solve::cg(a, one, {.iterations = 6});
    CHECK(apart(clone(Ex(), slice(all, f)), clone(Ex(), slice(alone, f))) < 1e-13);
  }
  // jointly the answer differs: the systems share step lengths
  CHECK(apart(solve::cg(a, b, {.iterations = 6}), all) > 1e-6);
}

TEST_CASE("tolerance, monitor and early ends") {
  const auto a = weights(3, 50, 9);
  const auto b = linop::check::detail::noise<C>(Ex(), shape{3, 50}, 1, 1);
  auto x = zeros<C>(Ex(), shape{3, 50});
  std::vector<int> heard;
  solve::cg_options o{.iterations = 50, .tolerance = 1e-8, .batch_axes = 1, .check_every = 3};
  o.monitor = [&](const solve::progress& p) {
    heard.push_back(p.iteration);
    CHECK(p.iterations == 50);
    return true;
  };
  const auto end = solve::cg(Ex(), a, b, x, o);
  CHECK(end.converged);
  CHECK(end.iterations <= 12);
  CHECK(heard.front() == 3);
  for (const double r : end.residual) CHECK(r <= 1e-8);

  Kokkos::deep_copy(x, C(0));
  o.tolerance = 0;
  o.monitor = [](const solve::progress& p) { return p.iteration < 6; };
  const auto stopped = solve::cg(Ex(), a, b, x, o);
  CHECK(stopped.interrupted);
  CHECK(stopped.iterations == 6);

  const auto nothing = solve::cg(a, zeros<C>(Ex(), shape{3, 50}), {.iterations = 5});
  CHECK(blas1::norm(Ex(), nothing) == 0);  // b = 0 gives x = 0, not NaN
  CHECK_THROWS_AS(solve::cg(a, b, {.iterations = -1}), value_error);
  CHECK_THROWS_AS(solve::cg(a, b, {.batch_axes = 3}), value_error);
  CHECK_THROWS_AS(solve::cg(Ex(), a, b, zeros<C>(Ex(), shape{2, 50})), shape_error);
}

TEST_CASE("an operator that is not positive definite is noticed") {
  const auto a = -1.0 * weights(1, 20, 3);
  const auto b = linop::check::detail::noise<C>(Ex(), shape{1, 20}, 1, 1);
  auto x = zeros<C>(Ex(), shape{1, 20});
  const auto end = solve::cg(Ex(), a, b, x, {.iterations = 5});
  CHECK(end.breakdown);
}

TEST_CASE("nothing is allocated, copied or waited for inside the loop") {
  // The same events for 2 and for 12 iterations: whatever happens, happens outside.
  const auto size = size_class::multiple_of_four;
  const auto a = gram(encoding_of(size)) + 0.1 * identity;
  const auto d = specimen_image(size);
  const auto b = linop::check::detail::noise<C>(Ex(), d, 1, 1);
  auto x = zeros<C>(Ex(), d);
  const auto run = [&](int n) {
    return [&, n] { solve::cg(Ex(), a, b, x, {.iterations = n, .batch_axes = 2}); };
  };
  run(2)();
  const auto few = cardiomm_tests::count_events(run(2));
  const auto many = cardiomm_tests::count_events(run(12));
  CHECK_MESSAGE(few.allocations == 0, few);
  CHECK(few.allocations == many.allocations);
  CHECK(few.deep_copies == many.deep_copies);
  CHECK(few.fences == many.fences);
  CHECK(few.news == many.news);
}
