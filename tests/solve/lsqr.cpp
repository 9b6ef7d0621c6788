// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/solve/lsqr.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "cardiomm/linop/check.hpp"
#include "cardiomm/linop/diagonal.hpp"
#include "cardiomm/linop/fourier.hpp"
#include "cardiomm/solve/pcg.hpp"
#include "support/counters.hpp"
#include "support/shared.hpp"

using namespace cardiomm;
using namespace cardiomm::linop;
using Ex = default_space;
using C = complex<double>;

namespace {
template <class V>
double apart(const V& a, const V& b) {
  return check::detail::distance(Ex(), a, b);
}
template <class F>
tensor<C, 2, Ex> made(index_t rows, index_t n, F f) {
  auto t = make_tensor<C>(host_space(), shape{rows, n});
  for (index_t i = 0; i < rows * n; ++i) t.data()[i] = f(double(i % n), i / n);
  return to_space(Ex(), t);
}
constexpr index_t n = 12;
/// The operator of tests/data/make_lsqr.py, in every row.
auto problem(index_t rows = 1) {
  const auto d1 = made(rows, n, [](double i, index_t) {
    return C(1 + 0.5 * std::cos(1.7 * i), 0.3 * std::sin(2.1 * i));
  });
  const auto d2 = made(rows, n, [](double i, index_t) {
    return C(0.2 + double(index_t(7 * i) % n) / n, 0.1 * std::cos(i));
  });
  return diagonal<C, 2, Ex>(d1) * fourier_op<double, 2, Ex, along_x>{} * diagonal<C, 2, Ex>(d2);
}
auto data(index_t rows = 1) {
  return made(rows, n, [](double i, index_t row) {
    return C(std::sin((0.9 + double(row)) * i + 0.2), std::cos(1.3 * i));
  });
}
}  // namespace

TEST_CASE("iterates are those of SciPy's lsqr and lsmr, with damping and warm start") {
  std::ifstream file(own_path("lsqr.txt"));
  REQUIRE(file.good());
  const auto a = problem();
  const auto b = data();
  std::string name;
  double damp = 0;
  int warm = 0, lines = 0;
  while (file >> name >> damp >> warm) {
    auto expected = make_tensor<C>(host_space(), shape{index_t(1), n});
    for (index_t i = 0; i < n; ++i) {
      double re = 0, im = 0;
      file >> re >> im;
      expected.data()[i] = C(re, im);
    }
    auto x = made(1, n, [&](double i, index_t) {
      return warm ? C(0.1 * std::cos(0.4 * i), -0.05 * i) : C(0);
    });
    const solve::lsqr_options o{.iterations = 5, .damp = damp};
    CAPTURE(name);
    CAPTURE(damp);
    CAPTURE(warm);
    const auto end = name == "lsqr" ? solve::lsqr(Ex(), a, b, x, o) : solve::lsmr(Ex(), a, b, x, o);
    CHECK(end.iterations == 5);
    CHECK(apart(x, to_space(Ex(), expected)) < 1e-9);
    ++lines;
  }
  CHECK(lines == 8);
}

TEST_CASE("the normal equations are solved; the residual told is |A^H r - damp^2 x| / |A^H b|") {
  const auto a = problem();
  const auto b = data();
  const double damp = 0.4;
  const auto normal = gram(a) + damp * damp * identity;
  auto right = make_tensor<C>(Ex(), shape_of(b));
  apply_adjoint(Ex(), a, b, right);
  const auto expected = solve::cg(normal, right, {.iterations = 60});
  for (const bool minres : {false, true}) {
    const auto run = [&](const auto& x, const solve::lsqr_options& o) {
      return minres ? solve::lsmr(Ex(), a, b, x, o) : solve::lsqr(Ex(), a, b, x, o);
    };
    auto x = zeros<C>(Ex(), shape_of(b));
    auto end = run(x, {.iterations = 4, .damp = damp, .zero_start = true});
    CHECK(end.residual.at(0) == doctest::Approx(apart(normal * x, right)).epsilon(1e-8));
    Kokkos::deep_copy(x, C(0));
    end = run(x, {.iterations = 100, .tolerance = 1e-11, .damp = damp});
    CHECK(end.converged);
    CHECK(end.iterations < 60);
    CHECK(apart(x, expected) < 1e-9);
  }
}

TEST_CASE("independent systems; nothing but zeros; errors; no allocation") {
  const auto a = problem(3);
  const auto b = data(3);
  for (const bool minres : {false, true}) {
    const auto run = [&](const auto& op, const auto& y, const auto& x,
                         const solve::lsqr_options& o) {
      return minres ? solve::lsmr(Ex(), op, y, x, o) : solve::lsqr(Ex(), op, y, x, o);
    };
    auto all = zeros<C>(Ex(), shape_of(b));
    const auto end = run(a, b, all, {.iterations = 6, .batch_axes = 1});
    CHECK(end.residual.size() == 3);
    for (index_t row = 0; row < 3; ++row) {
      auto one = zeros<C>(Ex(), shape{index_t(1), n});
      auto y = make_tensor<C>(Ex(), shape{index_t(1), n});
      Kokkos::deep_copy(slice(y, 0), slice(b, row));
      run(problem(), y, one, {.iterations = 6});
      CHECK(apart(clone(Ex(), slice(all, row)), clone(Ex(), slice(one, 0))) < 1e-12);
    }
    auto nothing = zeros<C>(Ex(), shape_of(b));
    run(a, zeros<C>(Ex(), shape_of(b)), nothing, {.iterations = 5});
    CHECK(blas1::norm(Ex(), nothing) == 0);

    const auto counted = [&](int k) {
      return cardiomm_tests::count_events([&, k] { run(a, b, all, {.iterations = k}); });
    };
    (void)counted(2);
    const auto few = counted(2), many = counted(20);
    CHECK(few.allocations == many.allocations);
    CHECK(few.fences == many.fences);
    CHECK(few.news == many.news);
    CHECK_THROWS_AS(run(a, b, zeros<C>(Ex(), shape{2, 2}), {}), shape_error);
    CHECK_THROWS_AS(run(a, b, all, {.damp = -1}), value_error);
  }
}

TEST_CASE("the inverse as a preconditioner takes one iteration, a warm start none") {
  auto weights = make_tensor<double>(host_space(), shape{2, 60});
  auto inverse = make_tensor<double>(host_space(), shape{2, 60});
  for (index_t i = 0; i < 120; ++i) {
    weights.data()[i] = 1 + double(i % 60) * double(i % 60);
    inverse.data()[i] = 1 / weights.data()[i];
  }
  const diagonal<double, 2, Ex> a(to_space(Ex(), weights)), m(to_space(Ex(), inverse));
  const auto b = check::detail::noise<C>(Ex(), shape{2, 60}, 1, 1);
  auto x = zeros<C>(Ex(), shape_of(b));
  solve::pcg(Ex(), a, m, b, x, {.iterations = 1});
  CHECK(apart(a * x, b) < 1e-13);

  // A full matrix that is this diagonal and a little more, two systems at once.
  auto few = make_tensor<double>(host_space(), shape{2, 60});
  for (index_t i = 0; i < 120; ++i) few.data()[i] = 0.5 * double(i % 3);
  const fourier_op<double, 2, Ex, along_x> f;
  const auto near = a + adjoint(f) * diagonal<double, 2, Ex>(to_space(Ex(), few)) * f;
  solve::cg_options o{.iterations = 500, .tolerance = 1e-8, .batch_axes = 1, .check_every = 1};
  auto y = zeros<C>(Ex(), shape_of(b)), z = zeros<C>(Ex(), shape_of(b));
  const auto plain = solve::cg(Ex(), near, b, y, o);
  const auto helped = solve::pcg(Ex(), near, m, b, z, o);
  CHECK(plain.converged);
  CHECK(helped.converged);
  CHECK(helped.residual.size() == 2);
  CHECK(apart(y, z) < 1e-6);
  CHECK(apart(near * z, b) < 1e-7);
  CHECK(3 * helped.iterations < plain.iterations);
  auto start = clone(Ex(), z);
  CHECK(solve::pcg(Ex(), near, m, b, start, o).iterations <= 1);
}
