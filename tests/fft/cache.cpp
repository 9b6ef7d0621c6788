// SPDX-License-Identifier: Apache-2.0
/// \file
/// Sharing of plans, planning from many threads, and the silence of a second execution.
#include "cardiomm/fft/cache.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/counters.hpp"

using namespace cardiomm;

namespace {
using ex_t = host_space;
}  // namespace

TEST_CASE("equal requests share a plan, different ones do not") {
  const ex_t ex;
  const fft::spec<2> what{shape<2>{{12, 10}}};
  const auto a = fft::cached_plan<float>(ex, what);
  CHECK(a == fft::cached_plan<float>(ex, what));
  auto other = what;
  other.direction = fft::direction::inverse;
  CHECK(a != fft::cached_plan<float>(ex, other));
  other = what;
  other.centering = fft::centering::none;
  CHECK(a != fft::cached_plan<float>(ex, other));
  other = what;
  other.inner = 2;
  CHECK(a != fft::cached_plan<float>(ex, other));
  CHECK(a != fft::cached_plan<float>(ex, what, fft::backend::library));
}

TEST_CASE("planning from several threads at once") {
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&wrong, t] {
      const ex_t ex;
      for (int round = 0; round < 6; ++round)
        for (auto choice : {fft::backend::library, fft::backend::builtin}) {
          const index_t n = 8 + 2 * round;
          // half of the threads share plans, the others make and destroy their own
          const fft::spec<2> what{shape<2>{{n, n + 1}}};
          std::shared_ptr<const fft::plan<double, 2, ex_t>> plan;
          if (t % 2)
            plan = fft::cached_plan<double>(ex, what, choice);
          else
            plan = std::make_shared<const fft::plan<double, 2, ex_t>>(ex, what, choice);
          (void)plan;
          std::vector<complex<double>> x(static_cast<std::size_t>(n * (n + 1)), 1.0);
          static std::mutex one_kernel_at_a_time;  // Kokkos' host spaces take kernels in turn
          {
            const std::lock_guard<std::mutex> lock(one_kernel_at_a_time);
            plan->execute(ex, 1, x.data(), x.data());
          }
          const double expected = std::sqrt(double(n * (n + 1)));
          if (std::abs(x[(n / 2) * (n + 1) + (n + 1) / 2].real() - expected) > 1e-12) ++wrong;
        }
    });
  for (auto& t : threads) t.join();
  CHECK(wrong == 0);
}

TEST_CASE("a second execution allocates nothing") {
  const ex_t ex;
  for (auto choice : {fft::backend::builtin, fft::backend::library})
    for (index_t n : {24, 47}) {
      const auto plan = fft::cached_plan<float>(ex, fft::spec<2>{shape<2>{{n, n}}}, choice);
      std::vector<complex<float>> x(static_cast<std::size_t>(5 * n * n), 1.0f);
      plan->execute(ex, 5, x.data(), x.data());
      const auto counts =
          cardiomm_tests::count_events([&] { plan->execute(ex, 5, x.data(), x.data()); });
      CHECK_MESSAGE(counts.none(), counts);
    }
}

#if CARDIOMM_HAS_FFTW
TEST_CASE("wisdom is written, read, and refused where there is none") {
  const auto folder = std::filesystem::temp_directory_path();
  const std::string single = (folder / "cardiomm_wisdom_single").string(),
                    twice = (folder / "cardiomm_wisdom_double").string();
  fft::save_wisdom(single, twice);
  CHECK(std::filesystem::file_size(single) > 0);
  fft::load_wisdom(single, twice);
  std::filesystem::remove(single);
  CHECK_THROWS_AS(fft::load_wisdom(single, twice), io_error);
  CHECK_THROWS_AS(fft::save_wisdom("/no/such/folder/single", twice), io_error);
  std::filesystem::remove(twice);
}

TEST_CASE("the effort belongs to the plan") {
  const ex_t ex;
  const fft::spec<2> what{shape<2>{{12, 14}}};
  const auto measured = fft::cached_plan<float>(ex, what, fft::backend::library);
  fft::set_effort(fft::effort::estimate);
  CHECK(measured != fft::cached_plan<float>(ex, what, fft::backend::library));
  fft::set_effort(fft::effort::measure);
  CHECK(measured == fft::cached_plan<float>(ex, what, fft::backend::library));
}
#endif
