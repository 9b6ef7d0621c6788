// SPDX-License-Identifier: Apache-2.0
/// \file
/// Processes by MPI. ctest runs this file alone (one process, no launcher) and by mpirun with 2 and
/// 4 processes; what is checked holds for any number.

#include "cardiomm/dist/communicator.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "cardiomm/dist/together.hpp"
#include "cardiomm/linop/diagonal.hpp"
#include "cardiomm/solve/cg.hpp"
#include "support/processes.hpp"

using namespace cardiomm;

using cardiomm_tests::world;

TEST_CASE("numbers, bits and text of all processes") {
  const auto& all = world();
  CHECK(all.size() == std::max(1, dist::has_mpi ? dist::launched_processes() : 1));
  const double n = all.size(), r = all.rank();
  double sums[2] = {r + 1, 0.5};
  all.sum(sums, 2);
  CHECK(sums[0] == n * (n + 1) / 2);
  CHECK(sums[1] == n / 2);
  double largest[2] = {r, -r};
  all.max(largest, 2);
  CHECK(largest[0] == n - 1);
  CHECK(largest[1] == 0);
  std::vector<std::uint8_t> bits(70, 0);
  bits[static_cast<std::size_t>(all.rank())] = 1;
  all.any(bits.data(), 70);
  for (int i = 0; i < 70; ++i) CHECK(bits[static_cast<std::size_t>(i)] == (i < all.size() ? 1 : 0));
  CHECK(all.broadcast(all.first() ? std::string("a\0b", 3) : "other") == std::string("a\0b", 3));
  const int last = all.size() - 1;
  CHECK(all.broadcast(std::to_string(all.rank()), last) == std::to_string(last));
  // a chain
  double value = 0;
  if (all.rank() > 0) all.receive(&value, 1, all.rank() - 1);
  CHECK(value == r);
  value += 1;
  if (all.rank() < last) all.send(&value, 1, all.rank() + 1);
  CHECK(all.threads_each() >= 1);
  CHECK(all.here() <= all.size());
}

TEST_CASE("some of the processes") {
  const auto& all = world();
  const dist::communicator two = all.first_of(2);
  double one = 1;
  two.sum(&one, 1);
  CHECK(one == (all.rank() < 2 ? std::min(2, all.size()) : 1));
  CHECK(two.size() == (all.rank() < 2 ? std::min(2, all.size()) : 1));
}

TEST_CASE("an error of one process is an error of all") {
  const auto& all = world();
  CHECK(dist::together(all, [&] { return 7 + all.rank(); }) == 7 + all.rank());
  const int culprit = all.size() - 1;
  const auto attempt = [&](auto&& f) {
    dist::together(all, [&] {
      if (all.rank() == culprit) f();
    });
  };
  CHECK_NOTHROW(attempt([] {}));
  CHECK_THROWS_WITH_AS(attempt([] { throw io_error("a.npy: is gone"); }), "a.npy: is gone",
                       io_error);
  CHECK_THROWS_WITH_AS(attempt([] { throw shape_error("2 x 3"); }), "2 x 3", shape_error);
  CHECK_THROWS_WITH_AS(attempt([] { throw value_error("NaN"); }), "NaN", value_error);
  CHECK_THROWS_AS(attempt([] { throw std::bad_alloc(); }), std::bad_alloc);
  CHECK_THROWS_WITH_AS(attempt([] { throw std::runtime_error("?"); }), "?", std::runtime_error);
  // of several the first
  CHECK_THROWS_WITH_AS(
      dist::together(all, [&] { throw value_error("process " + std::to_string(all.rank())); }),
      "process 0", value_error);
  CHECK(dist::failed_together() == (all.size() > 1));
  dist::failed_together() = false;
}

TEST_CASE("CG over processes solves what one process solves") {
  const auto& all = world();
  using Ex = default_space;
  const Ex ex;
  using C = complex<float>;
  // the whole system is diagonal: entry i of 60 is 1 + i / 10, b = 1
  const index_t n = 60, first = n * all.rank() / all.size(),
                count = n * (all.rank() + 1) / all.size() - first;
  const auto weights =
      make_tensor<float>(host_space{}, shape{index_t(1), index_t(1), index_t(1), count});
  const auto ones = make_tensor<C>(host_space{}, shape{index_t(1), index_t(1), index_t(1), count});
  for (index_t i = 0; i < count; ++i) {
    weights(0, 0, 0, i) = 1 + float(first + i) / 10;
    ones(0, 0, 0, i) = C(1);
  }
  const auto a = linop::diagonal(to_space(ex, weights));
  const auto b = to_space(ex, ones);
  const auto x = zeros<C>(ex, shape_of(b));
  solve::cg_options o;
  o.iterations = 40;
  o.tolerance = 1e-5;
  o.check_every = 1;
  o.zero_start = true;
  o.sum = [&](double* values, index_t k) { all.sum(values, k); };
  const auto report = solve::cg(ex, a, b, x, o);
  ex.fence();
  const auto found = to_host(x);
  for (index_t i = 0; i < count; ++i)
    CHECK(std::abs(found(0, 0, 0, i).real() - 1 / weights(0, 0, 0, i)) < 1e-4);
  CHECK(report.converged);
  // every process made the same steps
  double steps = report.iterations;
  all.max(&steps, 1);
  CHECK(steps == report.iterations);
  double residual[2] = {report.residual.at(0), -report.residual.at(0)};
  all.max(residual, 2);
  CHECK(residual[0] == -residual[1]);
}
