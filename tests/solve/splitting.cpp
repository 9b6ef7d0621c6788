// SPDX-License-Identifier: Apache-2.0
// ADMM and PDHG: closed forms, each other, and what fista finds.
#include <doctest/doctest.h>

#include "cardiomm/linop/difference.hpp"
#include "cardiomm/prox/l1.hpp"
#include "cardiomm/solve/admm.hpp"
#include "cardiomm/solve/check.hpp"
#include "cardiomm/solve/fista.hpp"
#include "cardiomm/solve/pdhg.hpp"
#include "cardiomm/solve/scalars.hpp"
#include "cardiomm/solve/term.hpp"
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
using problem = cardiomm_tests::undersampled;
}  // namespace

TEST_CASE("total variation of a step lowers it by twice the weight over half its length") {
  const index_t n = 24;
  auto y = make_tensor<C>(host_space(), shape{1, 1, 1, n});
  for (index_t i = 0; i < n; ++i) y.data()[i] = C(i < n / 2 ? 1 : 3, 0.5);
  const double lambda = 1.5;  // each level moves by 2 lambda / (n / 2) = 0.25
  const auto b = to_space(Ex(), y);
  const identity_op<double, 4, Ex> one;
  const auto tv = solve::term(l1(lambda), difference<double, Ex>(axis::x));
  const auto holds = [&](const auto& x) {
    const auto h = to_host(x);
    for (index_t i = 0; i < n; ++i) {
      CHECK(h.data()[i].real() == doctest::Approx(i < n / 2 ? 1.25 : 2.75).epsilon(1e-6));
      CHECK(h.data()[i].imag() == doctest::Approx(0.5).epsilon(1e-6));
    }
  };
  auto x = zeros<C>(Ex(), shape_of(b));
  solve::pdhg(Ex(), one, b, x, {.iterations = 600}, tv);
  holds(x);
  Kokkos::deep_copy(x, C(0));
  solve::admm(Ex(), one, b, x, {.iterations = 300, .relaxation = 1.6}, tv);
  holds(x);
  Kokkos::deep_copy(x, C(0));  // Chambolle and Pock with the data term as F
  const auto data = prox::shifted(prox::l2_squared<double, 4, Ex>(1), b);
  solve::pdhg(Ex(), data, x, {.iterations = 600}, tv);
  holds(x);
}

TEST_CASE("lasso of an encoding: three solvers, one answer") {
  const problem q;
  const auto n = gram(q.a);
  const l1 p(0.5);
  const auto expected = solve::fista(n, p, q.b, {.iterations = 3000});
  CHECK(solve::check::defect(Ex(), n, p, q.b, expected, 0.1) < 1e-6);
  auto x = zeros<C>(Ex(), q.d);
  solve::pdhg(Ex(), n, p, q.b, x, {.iterations = 3000});
  CHECK(apart(x, expected) < 1e-5);
  Kokkos::deep_copy(x, C(0));
  solve::pdhg(Ex(), n, q.b, x, {.iterations = 3000}, solve::term(p));
  CHECK(apart(x, expected) < 1e-5);
  Kokkos::deep_copy(x, C(0));
  solve::admm(Ex(), n, q.b, x, {.iterations = 300}, solve::term(p));
  CHECK(apart(x, expected) < 1e-5);
}

TEST_CASE("several terms with operators of their own; criteria and objectives agree") {
  const problem q;
  const auto n = gram(q.a);
  const auto time = solve::term(l1(0.4), difference<double, Ex>(axis::frame));
  const auto space = solve::term(l1(0.2), difference<double, Ex>(axis::y, ends::free));
  const auto sparse = solve::term(l1(0.1));
  std::vector<double> told;
  const auto note = [&](const solve::progress& s) {
    told.push_back(s.objective);
    return true;
  };
  auto x = zeros<C>(Ex(), q.d), z = zeros<C>(Ex(), q.d);
  solve::admm_options a{.iterations = 4000, .objective = true, .check_every = 50};
  a.stop = solve::relative_residual(1e-7);
  a.monitor = note;
  const auto first = solve::admm(Ex(), n, q.b, x, a, time, space, sparse);
  CHECK(first.converged);
  CHECK(first.residual.at(0) <= 1e-7);
  const double by_admm = told.back();
  solve::pdhg_options o{.iterations = 8000, .objective = true, .check_every = 50};
  o.stop = solve::relative_residual(1e-8) && solve::plateau(1e-9);
  o.monitor = note;
  const auto second = solve::pdhg(Ex(), n, q.b, z, o, time, space, sparse);
  CHECK(second.converged);
  CHECK(told.back() == doctest::Approx(by_admm).epsilon(1e-6));
  CHECK(apart(x, z) < 1e-4);
  // both by hand
  const auto value = [&](const auto& v) {
    return 0.5 * blas1::dot(Ex(), v, n * v).real() - blas1::dot(Ex(), q.b, v).real() +
           l1(0.4).value(Ex(), time.transform * v) + l1(0.2).value(Ex(), space.transform * v) +
           l1(0.1).value(Ex(), v);
  };
  CHECK(value(x) == doctest::Approx(by_admm));
  CHECK(value(z) == doctest::Approx(told.back()));

  // a solution is where a warm start stays
  auto again = clone(Ex(), x);
  solve::admm(Ex(), n, q.b, again, {.iterations = 30}, time, space, sparse);
  CHECK(value(again) == doctest::Approx(by_admm).epsilon(1e-3));
}

TEST_CASE("balancing forgives a bad penalty parameter, adapting a bad ratio of steps") {
  const problem q;
  const auto n = gram(q.a);
  const auto tv = solve::term(l1(0.4), difference<double, Ex>(axis::frame));
  auto expected = zeros<C>(Ex(), q.d);
  solve::admm(Ex(), n, q.b, expected, {.iterations = 2000, .balance = false}, tv);
  const auto admm_error = [&](double rho, bool balance) {
    auto x = zeros<C>(Ex(), q.d);
    solve::admm(Ex(), n, q.b, x, {.iterations = 60, .rho = rho, .balance = balance}, tv);
    return apart(x, expected);
  };
  for (const double rho : {1e-3, 1e3}) {
    CAPTURE(rho);
    CHECK(admm_error(rho, true) < 0.1 * admm_error(rho, false));
  }
  const auto pdhg_error = [&](double ratio, bool adapt) {
    auto x = zeros<C>(Ex(), q.d);
    solve::pdhg(Ex(), n, q.b, x, {.iterations = 150, .ratio = ratio, .adapt = adapt}, tv);
    return apart(x, expected);
  };
  for (const double ratio : {1e-4, 1e5}) {
    CAPTURE(ratio);
    CHECK(pdhg_error(ratio, true) < 0.1 * pdhg_error(ratio, false));
  }
}

TEST_CASE("arguments that do not fit") {
  const problem q;
  const auto n = gram(q.a);
  const auto tv = solve::term(l1(0.4), difference<double, Ex>(axis::frame));
  auto small = zeros<C>(Ex(), shape{1, 1, 4, 4});
  auto x = zeros<C>(Ex(), q.d);
  CHECK_THROWS_AS(solve::admm(Ex(), n, q.b, small, {}, tv), shape_error);
  CHECK_THROWS_AS(solve::pdhg(Ex(), n, q.b, small, {}, tv), shape_error);
  CHECK_THROWS_AS(solve::admm(Ex(), n, q.b, x, {.rho = 0}, tv), value_error);
  CHECK_THROWS_AS(solve::admm(Ex(), n, q.b, x, {.relaxation = 2}, tv), value_error);
  CHECK_THROWS_AS(solve::pdhg(Ex(), n, q.b, x, {.ratio = 0}, tv), value_error);
}

TEST_CASE("iterations allocate, copy and wait for nothing") {
  const problem q;
  const auto n = gram(q.a);
  const auto tv = solve::term(l1(0.4), difference<double, Ex>(axis::frame));
  auto x = zeros<C>(Ex(), q.d);
  const auto same = [](const auto& few, const auto& many) {
    CHECK(few.allocations == many.allocations);
    CHECK(few.fences == many.fences);
    CHECK(few.deep_copies == many.deep_copies);
    CHECK(few.news == many.news);
  };
  const auto admm = [&](int k) {
    return [&, k] {
      solve::admm(Ex(), n, q.b, x, {.iterations = k, .balance = false, .inner = 3}, tv);
    };
  };
  admm(2)();
  same(cardiomm_tests::count_events(admm(2)), cardiomm_tests::count_events(admm(12)));
  const auto pdhg = [&](int k) {
    return [&, k] {
      solve::pdhg(Ex(), n, q.b, x, {.iterations = k, .smoothness = 4, .norm = 4, .adapt = false},
                  tv);
    };
  };
  pdhg(2)();
  same(cardiomm_tests::count_events(pdhg(2)), cardiomm_tests::count_events(pdhg(20)));
}
