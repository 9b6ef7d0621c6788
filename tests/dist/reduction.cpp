// SPDX-License-Identifier: Apache-2.0
/// \file
/// Sums over processes while the program computes. ctest runs this file alone and by mpirun with 2
/// and 4 processes.

#include "cardiomm/dist/reduction.hpp"

#include <doctest/doctest.h>

#include <cstring>

#include "cardiomm/core/random.hpp"
#include "support/processes.hpp"

using namespace cardiomm;
using Ex = default_space;

namespace {
/// Numbers of process `rank`; whole ones, so that sums are exact in any order.
template <class T>
host_tensor<T, 1> whole_numbers(index_t n, int rank) {
  const auto x = make_tensor<T>(host_space{}, shape<1>{{n}});
  for (index_t i = 0; i < n; ++i) x(i) = T(double((i * 7 + rank * 13) % 1001 - 500));
  return x;
}

template <class T>
void check_ranges(const dist::reduction_options& options) {
  const auto& all = cardiomm_tests::world();
  const Ex ex;
  const index_t n = 100003;
  const auto mine = to_space(ex, whole_numbers<T>(n, all.rank()));
  dist::reduction<T, Ex> sums(ex, all, mine, options);
  CHECK((all.size() == 1 ? !sums.threaded() : sums.threaded() == options.thread));
  for (int round = 0; round < 3; ++round) {
    Kokkos::deep_copy(ex, mine, to_space(ex, whole_numbers<T>(n, all.rank())));
    // the last first, as gradients come; one range is left out, one is empty
    sums.start(70001, n);
    sums.start(70001, 70001);
    sums.poll();
    sums.start(70000, 70001);
    sums.start(17, 40000);
    while (!options.thread && round == 1 && !sums.poll()) {
    }
    sums.wait();
    CHECK(sums.poll());
    const auto found = to_host(mine);
    std::vector<host_tensor<T, 1>> theirs;
    for (int r = 0; r < all.size(); ++r) theirs.push_back(whole_numbers<T>(n, r));
    index_t wrong = 0;
    for (index_t i = 0; i < n; ++i) {
      T expected = T(0);
      const bool summed = (i >= 17 && i < 40000) || i >= 70000;
      for (int r = 0; r < all.size(); ++r)
        if (summed || r == all.rank()) expected += theirs[std::size_t(r)](i);
      wrong += found(i) != expected;
    }
    CHECK(wrong == 0);
  }
  CHECK_THROWS_WITH_AS(sums.start(5, n + 1),
                       "reduction: expected a range within 0 to 100003, found 5 to 100004",
                       shape_error);
  CHECK_THROWS_AS(sums.start(5, 4), shape_error);
}
}  // namespace

TEST_CASE("ranges of float, double and complex numbers, by a thread and by polling") {
  check_ranges<float>({});
  check_ranges<double>({.thread = false});
  check_ranges<complex<float>>({.period = 1e-3});
}

TEST_CASE("staged through host memory, as for devices") {
  check_ranges<float>({.staged = true});
  check_ranges<float>({.thread = false, .staged = true});
}

TEST_CASE("sums of fractions have the same bits on all processes") {
  const auto& all = cardiomm_tests::world();
  const Ex ex;
  for (const index_t n : {7, 1000, 65536, 1000003}) {
    const auto x = make_tensor<float>(ex, shape<1>{{n}});
    random::fill_normal(ex, x, std::uint64_t(all.rank()));
    dist::reduction<float, Ex> sums(ex, all, x);
    sums.start(0, n / 3);
    sums.start(n / 3, n);
    sums.wait();
    const auto found = to_host(x);
    std::vector<double> bits(static_cast<std::size_t>(n));
    for (index_t i = 0; i < n; ++i) {
      const float value = found(i);
      std::uint32_t as_bits = 0;
      std::memcpy(&as_bits, &value, sizeof value);
      bits[std::size_t(i)] = as_bits;
    }
    std::vector<double> largest = bits, smallest = bits;
    for (double& b : smallest) b = -b;
    all.max(largest.data(), n);
    all.max(smallest.data(), n);
    index_t different = 0;
    for (index_t i = 0; i < n; ++i)
      different += largest[std::size_t(i)] != -smallest[std::size_t(i)];
    CHECK(different == 0);
  }
}

TEST_CASE("other functions of the processes work while a sum is under way") {
  const auto& all = cardiomm_tests::world();
  const Ex ex;
  const auto x = to_space(ex, whole_numbers<float>(400000, all.rank()));
  dist::reduction<float, Ex> sums(ex, all, x);
  sums.start(200000, 400000);
  double one = 1;
  all.sum(&one, 1);
  CHECK(one == all.size());
  sums.start(0, 200000);
  CHECK(all.broadcast(std::to_string(all.rank())) == "0");
  sums.wait();
  double expected = 0;
  for (int r = 0; r < all.size(); ++r) expected += whole_numbers<float>(400000, r)(399999);
  CHECK(to_host(x)(399999) == float(expected));
}

TEST_CASE("the numbers of one process on all") {
  const auto& all = cardiomm_tests::world();
  const Ex ex;
  const auto x = to_space(ex, whole_numbers<double>(1000, all.rank()));
  const int last = all.size() - 1;
  dist::broadcast(ex, all, x, last);
  CHECK(to_host(x)(999) == whole_numbers<double>(1000, last)(999));
  dist::broadcast(ex, all, x, 0);
  CHECK(to_host(x)(0) == whole_numbers<double>(1000, last)(0));
}
