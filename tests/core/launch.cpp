// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/core/launch.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "cardiomm/core/concepts.hpp"
#include "cardiomm/core/lane.hpp"
#include "cardiomm/core/profile.hpp"
#include "cardiomm/core/runtime.hpp"
#include "cardiomm/core/workspace.hpp"
#include "support/counters.hpp"
#include "support/spaces.hpp"

using namespace cardiomm;

namespace {
struct count_rows {
  static constexpr const char* name = "test::count_rows";
  int* hits;
  index_t cols;
  KOKKOS_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) hits[row * cols + i] += int(row * cols + i);
  }
};
struct count_items {
  static constexpr const char* name = "test::count_items";
  int* hits;
  KOKKOS_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) hits[i] += 1;
  }
};
struct add_index {
  static constexpr const char* name = "test::add_index";
  index_t n;
  KOKKOS_FUNCTION double operator()(index_t batch, index_t first, index_t last) const {
    double s = 0;
    for (index_t i = first; i < last; ++i) s += double(batch * n + i);
    return s;
  }
};
}  // namespace

TEST_CASE_TEMPLATE("rows and segments reach every item once", Ex, cardiomm_tests::reference_space,
                   default_space) {
  const Ex ex;
  const auto hits = zeros<int>(ex, shape{7 * 19});
  launch::rows(ex, 7, 19, count_rows{hits.data(), 19});
  const auto host = to_host(hits);
  for (int i = 0; i < 7 * 19; ++i) CHECK(host(i) == i);

  const index_t n = 40001;
  const auto items = zeros<int>(ex, shape{n});
  launch::segments(ex, n, count_items{items.data()});
  ex.fence();
  const auto all = to_host(items);
  int wrong = 0;
  for (index_t i = 0; i < n; ++i) wrong += all(i) != 1;
  CHECK(wrong == 0);
  launch::rows(ex, 0, 5, count_rows{nullptr, 5});  // nothing to do is fine
  launch::segments(ex, 0, count_items{nullptr});
}

TEST_CASE_TEMPLATE("sums of batches", Ex, cardiomm_tests::reference_space, default_space) {
  const Ex ex;
  for (const index_t n : {index_t(1), index_t(17), index_t(9000)}) {
    const auto out = zeros<double>(ex, shape{3});
    launch::sums(ex, 3, n, add_index{n}, out.data());
    ex.fence();
    const auto host = to_host(out);
    for (index_t b = 0; b < 3; ++b)
      CHECK(host(b) == doctest::Approx(double(n) * double(b * n) + double(n) * double(n - 1) / 2));
  }
  const auto out = zeros<double>(ex, shape{2});
  launch::sums(ex, 2, 0, add_index{0}, out.data());
  ex.fence();
  CHECK(to_host(out)(1) == 0);
}

TEST_CASE("a second launch allocates nothing") {
  const default_space ex;
  const auto out = zeros<double>(ex, shape{4});
  const auto run = [&] { launch::sums(ex, 4, 50000, add_index{50000}, out.data()); };
  run();
  const auto counts = cardiomm_tests::count_events(run);
  CHECK_MESSAGE(counts.none(), counts);
}

TEST_CASE("the counters see allocations, copies and fences") {
  const default_space ex;
  const auto counts = cardiomm_tests::count_events([&] {
    const auto t = zeros<double>(ex, shape{4});
    Kokkos::deep_copy(to_host(t), 1.0);
    Kokkos::fence();
    delete new int(3);
  });
  CHECK(counts.allocations > 0);
  CHECK(counts.deallocations > 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  CHECK(counts.news > 0);
#endif
}

TEST_CASE("workspace frames stack, are aligned, and reuse their memory") {
  const default_space ex;
  auto& ws = workspace<default_space>::of(ex);
  const void* first = nullptr;
  std::size_t held = 0;
  for (int round = 0; round < 3; ++round) {
    workspace<default_space>::frame outer(ws);
    double* a = outer.take<double>(1000);
    CHECK(reinterpret_cast<std::uintptr_t>(a) % 128 == 0);
    {
      workspace<default_space>::frame inner(ws);
      double* b = inner.take<double>(500000);
      CHECK((b >= a + 1000 || b + 500000 <= a));
      const auto t = inner.tensor<complex<float>>(shape{3, 5});
      CHECK(shape_of(t) == shape{3, 5});
    }
    float* c = outer.take<float>(10);
    CHECK(static_cast<void*>(c) >= static_cast<void*>(a + 1000));
    if (round == 0) {
      first = a;
      held = ws.capacity();
    }
    CHECK(first == a);
    CHECK(ws.capacity() == held);
  }
}

TEST_CASE("lane packets load, compute and store") {
  using L = lane<float, host_space>;
  using io = lane_traits<L>;
  constexpr int w = io::width;
  static_assert(w == lane_width<float, host_space>);
  std::vector<float> x(w + 1), y(w + 1);
  for (int i = 0; i <= w; ++i) x[i] = float(i + 1);
  const L v = io::load(x.data() + 1);  // unaligned on purpose
  io::store(y.data() + 1, io::sqrt(io::fma(v, v, v - v)));
  for (int i = 1; i <= w; ++i) CHECK(y[i] == doctest::Approx(x[i]));
  float sum = 0;
  for (int i = 1; i <= w; ++i) sum += x[i];
  CHECK(io::sum(v) == doctest::Approx(sum));
  io::store(y.data() + 1, io::max(v, v + v));
  CHECK(y[1] == 2 * x[1]);
  CHECK(lane_traits<float>::width == 1);
  CHECK(std::string(lane_name()).size() > 0);
}

TEST_CASE("a second runtime leaves Kokkos alone") {
  {
    runtime inner;
    profile_region region("test::region");
    CHECK(Kokkos::is_initialized());
  }
  CHECK(Kokkos::is_initialized());
  static_assert(ExecutionSpace<default_space> && !ExecutionSpace<int>);
  static_assert(TensorView<host_tensor<float, 2>> && !TensorView<float>);
  static_assert(Scalar<complex<float>> && !Scalar<int>);
}
