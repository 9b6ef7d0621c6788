// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/nn/init.hpp"

#include <doctest/doctest.h>

using namespace cardiomm;
using Ex = default_space;
using P = nn::parameter<double, Ex>;

namespace {
struct moments {
  double mean, deviation, low, high;
};
moments of(const P& p) {
  const auto h = to_host(clone(Ex(), p.value()));
  moments m{0, 0, 1e30, -1e30};
  const double n = double(h.size());
  for (std::size_t i = 0; i < h.size(); ++i) {
    m.mean += h(i) / n;
    m.low = std::min(m.low, h(i));
    m.high = std::max(m.high, h(i));
  }
  for (std::size_t i = 0; i < h.size(); ++i) m.deviation += (h(i) - m.mean) * (h(i) - m.mean) / n;
  m.deviation = std::sqrt(m.deviation);
  return m;
}
/// Uniform in +-bound: mean 0, deviation bound / sqrt 3, and nothing outside.
void check_uniform(const P& p, double bound) {
  const moments m = of(p);
  CHECK(std::abs(m.mean) < 0.02 * bound);
  CHECK(m.deviation == doctest::Approx(bound / std::sqrt(3.0)).epsilon(0.02));
  CHECK(m.low >= -bound);
  CHECK(m.high <= bound);
  CHECK(m.high > 0.99 * bound);
}
}  // namespace

// Bounds as torch.nn.init computes them for a weight (48, 24, 3, 3): fan_in 216, fan_out 432.
TEST_CASE("bounds and deviations of the initial values are PyTorch's") {
  const Ex ex;
  const P w(ex, {48, 24, 3, 3}), b(ex, {4800});
  nn::init::kaiming_uniform(ex, w, 0, 1);
  check_uniform(w, 0.16666666666666666);
  nn::init::kaiming_uniform(ex, w, std::sqrt(5.0), 1);
  check_uniform(w, 0.06804138174397717);
  nn::init::xavier_uniform(ex, w, 1, 1);
  check_uniform(w, 0.09622504486493763);
  nn::init::kaiming_normal(ex, w, 0, 1);
  CHECK(of(w).deviation == doctest::Approx(0.09622504486493763).epsilon(0.02));
  nn::init::xavier_normal(ex, w, 2, 1);
  CHECK(of(w).deviation == doctest::Approx(0.1111111111111111).epsilon(0.02));
  nn::init::normal(ex, w, 3, 0.5, 1);
  CHECK(of(w).mean == doctest::Approx(3).epsilon(0.01));
  CHECK(of(w).deviation == doctest::Approx(0.5).epsilon(0.02));
  nn::init::framework(ex, w, b, 1);
  check_uniform(w, 0.06804138174397717);
  check_uniform(b, 0.06804138174397717);
  nn::init::constant(ex, b, 0.25);
  CHECK(of(b).low == 0.25);
  CHECK(of(b).high == 0.25);
}

TEST_CASE("initial values belong to seed and stream; vectors have no fan") {
  const Ex ex;
  const P a(ex, {8, 4}), b(ex, {8, 4}), v(ex, {8});
  const auto first = [](const P& p) { return to_host(clone(Ex(), p.value()))(0); };
  nn::init::kaiming_uniform(ex, a, 0, 7, 1);
  nn::init::kaiming_uniform(ex, b, 0, 7, 1);
  CHECK(first(a) == first(b));
  nn::init::kaiming_uniform(ex, b, 0, 7, 2);
  CHECK(first(a) != first(b));
  nn::init::kaiming_uniform(ex, b, 0, 8, 1);
  CHECK(first(a) != first(b));
  CHECK_THROWS_WITH_AS(nn::init::kaiming_uniform(ex, v, 0, 7),
                       "init: expected a parameter (out, in, ...), found one of 1 extents",
                       shape_error);
}
