// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/solve/fista.hpp"

#include <doctest/doctest.h>

#include "cardiomm/linop/diagonal.hpp"
#include "cardiomm/prox/l1.hpp"
#include "cardiomm/solve/cg.hpp"
#include "cardiomm/solve/check.hpp"
#include "support/counters.hpp"
#include "support/undersampled.hpp"

using namespace cardiomm;
using namespace cardiomm::linop;
using Ex = default_space;
using C = complex<double>;
using l1 = prox::l1<double, 4, Ex>;

namespace {
template <class V>
double apart(const V& a, const V& b) {
  return linop::check::detail::distance(Ex(), a, b);
}
struct problem : cardiomm_tests::undersampled {
  /// How far x is from a fixed point of the proximal gradient map: zero only at the solution.
  template <class P>
  double defect(const P& p, const tensor<C, 4, Ex>& x) const {
    return solve::check::defect(Ex(), gram(a), p, b, x, 0.05);
  }
  template <class P>
  double objective(const P& p, const tensor<C, 4, Ex>& x) const {
    return solve::check::objective(Ex(), gram(a), p, b, x);
  }
};
}  // namespace

TEST_CASE(
    "lasso with an orthogonal design is a soft threshold, reached in one step of length one") {
  const shape<4> s{{2, 1, 5, 6}};
  const auto b = linop::check::detail::noise<C>(Ex(), s, 1, 1);
  const l1 p(0.8);
  auto expected = make_tensor<C>(Ex(), s);
  prox::apply(Ex(), p, b, 1, expected);
  const identity_op<double, 4, Ex> one;
  CHECK(apart(solve::fista(one, p, b, {.iterations = 1, .step = 1}), expected) < 1e-14);
  CHECK(apart(solve::fista(one, p, b, {.iterations = 100}), expected) < 1e-10);
}

TEST_CASE("every kind of momentum ends at the fixed point of the proximal gradient") {
  const problem q;
  const l1 p(0.5);
  const auto n = gram(q.a);
  for (const auto restart :
       {solve::restarting::never, solve::restarting::gradient, solve::restarting::objective}) {
    const auto x = solve::fista(n, p, q.b, {.iterations = 600, .restart = restart});
    CAPTURE(int(restart));
    CHECK(q.defect(p, x) < 1e-6);
  }
  const auto plain = solve::fista(n, p, q.b, {.iterations = 1500, .accelerate = false});
  CHECK(q.defect(p, plain) < 1e-6);
  // with P = 0 it is the least-squares solution
  const auto regular = n + 0.3 * identity;
  const auto x = solve::fista(regular, l1(0), q.b, {.iterations = 400});
  CHECK(apart(x, solve::cg(regular, q.b, {.iterations = 100})) < 1e-8);
}

TEST_CASE("plain steps never raise the objective") {
  const problem q;
  const l1 p(0.4);
  std::vector<double> told;
  solve::fista_options o{
      .iterations = 60, .accelerate = false, .objective = true, .check_every = 1};
  o.monitor = [&](const solve::progress& s) {
    told.push_back(s.objective);
    return true;
  };
  auto x = zeros<C>(Ex(), q.d);
  solve::fista(Ex(), gram(q.a), p, q.b, x, o);
  CHECK(told.size() == 60);
  CHECK(solve::check::largest_rise(told) < 1e-12);
}

TEST_CASE("momentum and restart pay") {
  const problem q;
  const l1 p(0.3);
  const auto n = gram(q.a);
  const double step = 0.97 / linop::largest_eigenvalue(Ex(), n, q.d);
  const double least = q.objective(p, solve::fista(n, p, q.b, {.iterations = 3000, .step = step}));
  const auto gap = [&](solve::fista_options o) {
    o.step = step;
    return q.objective(p, solve::fista(n, p, q.b, o)) - least;
  };
  const double plain = gap({.iterations = 60, .accelerate = false});
  const double fast = gap({.iterations = 60, .restart = solve::restarting::never});
  CHECK(fast < 0.5 * plain);
  CHECK(gap({.iterations = 200}) <
        gap({.iterations = 200, .restart = solve::restarting::never}) + 1e-12);
}

TEST_CASE("independent problems are solved as if alone") {
  const problem q;
  const l1 p(0.4);
  const auto n = gram(q.a);
  const solve::fista_options o{.iterations = 40, .step = 0.2, .batch_axes = 1};
  const auto all = solve::fista(n, p, q.b, o);
  for (index_t f = 0; f < q.d[0]; ++f) {
    auto one = zeros<C>(Ex(), q.d);
    Kokkos::deep_copy(slice(one, f), slice(q.b, f));
    auto alone = o;
    alone.batch_axes = 0;
    const auto x = solve::fista(n, p, one, alone);
    CHECK(apart(clone(Ex(), slice(all, f)), clone(Ex(), slice(x, f))) < 1e-13);
  }
}

TEST_CASE("criteria, monitor, warm start") {
  const problem q;
  const l1 p(0.5);
  const auto n = gram(q.a);
  const double step = 0.9 / linop::largest_eigenvalue(Ex(), n, q.d);
  auto x = zeros<C>(Ex(), q.d);
  std::vector<double> objectives;
  solve::fista_options o{.iterations = 500, .step = step, .objective = true};
  o.monitor = [&](const solve::progress& s) {
    objectives.push_back(s.objective);
    CHECK(s.iterations == 500);
    return true;
  };
  o.stop = solve::relative_change(1e-7) && solve::relative_residual(1e-5);
  const auto end = solve::fista(Ex(), n, p, q.b, x, o);
  CHECK(end.converged);
  CHECK(end.iterations < 500);
  CHECK(end.residual.at(0) <= 1e-5);
  CHECK(objectives.back() == doctest::Approx(q.objective(p, x)));
  CHECK(objectives.back() < objectives.front());

  const auto before = clone(Ex(), x);
  const auto more = solve::fista(Ex(), n, p, q.b, x, {.iterations = 100, .tolerance = 1e-6});
  CHECK(more.converged);
  CHECK(more.iterations == 4);
  CHECK(apart(x, before) < 1e-5);

  Kokkos::deep_copy(x, C(0));
  const auto flat =
      solve::fista(Ex(), n, p, q.b, x,
                   {.iterations = 7, .stop = solve::plateau(1e-6) || solve::iterations(400)});
  CHECK(flat.converged);
  CHECK(flat.iterations > 7);  // the rules' own limit counts
  CHECK(flat.iterations < 400);

  o.monitor = [](const solve::progress& s) { return s.iteration < 8; };
  Kokkos::deep_copy(x, C(0));
  CHECK(solve::fista(Ex(), n, p, q.b, x, o).interrupted);
  CHECK_THROWS_AS(solve::fista(Ex(), n, p, q.b, zeros<C>(Ex(), shape{1, 1, 4, 4})), shape_error);
  CHECK_THROWS_AS(solve::fista(n, p, q.b, {.batch_axes = 5}), value_error);
  CHECK_THROWS_AS(solve::fista(n, p, q.b, {.step = -1}), value_error);
}

TEST_CASE("iterations allocate, copy and wait for nothing") {
  const problem q;
  const l1 p(0.5);
  const auto n = gram(q.a);
  auto x = zeros<C>(Ex(), q.d);
  const auto run = [&](int iterations) {
    return [&, iterations] {
      solve::fista(Ex(), n, p, q.b, x, {.iterations = iterations, .step = 0.1});
    };
  };
  run(4)();
  const auto few = cardiomm_tests::count_events(run(3));
  const auto many = cardiomm_tests::count_events(run(40));
  CHECK(few.allocations == many.allocations);
  CHECK(few.fences == many.fences);
  CHECK(few.deep_copies == many.deep_copies);
  CHECK(few.news == many.news);
}
