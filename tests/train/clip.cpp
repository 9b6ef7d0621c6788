// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/train/clip.hpp"

#include <limits>

#include "cardiomm/core/random.hpp"
#include "support/optimiser_reference.hpp"

using namespace cardiomm;
using cardiomm_tests::block_of;
using cardiomm_tests::optimiser_cases;
using cardiomm_tests::stored;
using cardiomm_tests::worst;
using Ex = default_space;

namespace {
template <class T>
void check_clip(double tolerance) {
  const Ex ex;
  for (const auto& limit : {std::pair("clip.cut", 0.01), std::pair("clip.kept", 1e6)}) {
    const std::string name = limit.first;
    const double largest = limit.second;
    CAPTURE(name);
    const auto& cases = optimiser_cases();
    const auto gradients = cases.at("gradients").tensor<T, 2>();
    const auto block = block_of<T>(ex, zeros<T>(ex, shape<1>{{37}}));
    const auto g = borrow(ex, block.gradients().data(), shape<1>{{37}});
    copy(g, slice(gradients, 3));
    const auto found = train::clip(ex, block, largest);
    const double norm = cases.at(name + ".norm").tensor<double, 1>()(0);
    CHECK(found.norm == doctest::Approx(norm).epsilon(tolerance));
    CHECK(worst(clone(ex, g), stored<T, 1>(ex, cases, name)) <= tolerance);
    CHECK((found.factor == 1) == (largest > norm));
  }
}
}  // namespace

TEST_CASE("clipping is PyTorch's") {
  check_clip<double>(1e-12);
  check_clip<float>(1e-6);
}

TEST_CASE("the norm is the same sum for any number of threads") {
  // In the order of fixed chunks; see core/launch.hpp.
  const index_t n = 3 * 4096 + 2048;
  const host_space host;
  const auto block = block_of<float>(host, zeros<float>(host, shape<1>{{n}}));
  random::fill_normal(host, block.gradients(), 11);
  double sum = 0;
  for (index_t first = 0; first < n; first += 4096) {
    const index_t last = std::min(n, first + 4096);
    const blas1::detail::norm2_kernel<float> piece{block.gradients().data(), n};
    sum += piece(0, first, last);
  }
  CHECK(train::gradient_norm(host, block) == std::sqrt(sum));
  const Ex ex;
  const auto other = block_of<float>(ex, zeros<float>(ex, shape<1>{{n}}));
  copy(other.gradients(), block.gradients());
  CHECK(train::gradient_norm(ex, other) == doctest::Approx(std::sqrt(sum)).epsilon(1e-14));
}

TEST_CASE("a gradient that is not finite is reported with its parameter and stays") {
  const Ex ex;
  const nn::parameter<float, Ex> a(ex, {5}), b(ex, {7});
  const train::parameter_block<float, Ex> block(ex, {{"unet.up.weight", a}, {"unet.up.bias", b}});
  Kokkos::deep_copy(ex, block.gradients(), 1.0f);
  CHECK(train::first_not_finite(ex, block).empty());
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    Kokkos::deep_copy(ex, Kokkos::subview(b.gradient_view(), 2), bad);
    const std::string found = std::isnan(bad) ? "nan" : "inf";
    CHECK_THROWS_WITH_AS(train::clip(ex, block, 1),
                         ("clip: norm of the gradients: expected a finite number, found " + found +
                          ", first in unet.up.bias")
                             .c_str(),
                         value_error);
    CHECK(to_host(a.gradient_view())(0) == 1);
  }
  CHECK_THROWS_AS(train::clip(ex, block, 0), value_error);
  // Squares of large numbers are no overflow.
  Kokkos::deep_copy(ex, block.gradients(), 3e38f);
  CHECK(std::isfinite(train::clip(ex, block, 1).norm));
}
