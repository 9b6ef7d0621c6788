// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/prox/l1.hpp"

#include <doctest/doctest.h>

#include "cardiomm/prox/check.hpp"

using namespace cardiomm;
using Ex = default_space;
using C = complex<double>;

namespace {
/// A function that claims to be what it is not; the laws must notice.
struct wrong : prox::proximal_operator<wrong, double, 4, Ex> {
  static constexpr const char* name = "wrong";
  double bias;
  explicit wrong(double b) : bias(b) {}
  double value(const Ex& ex, prox::in_of<wrong> x) const {
    return prox::l1<double, 4, Ex>(1).value(ex, x);
  }
  void prox(const Ex& ex, prox::in_of<wrong> x, double sigma, prox::out_of<wrong> out) const {
    prox::l1<double, 4, Ex>(bias).prox(ex, x, sigma, out);
  }
};
}  // namespace

TEST_CASE("complex soft threshold keeps the phase and shortens by the threshold") {
  auto x = make_tensor<C>(host_space(), shape{1, 1, 1, 37});
  for (index_t i = 0; i < 37; ++i)
    x.data()[i] = C(0.1 * double(i) * std::cos(double(i)), 0.1 * double(i) * std::sin(double(i)));
  const auto u = make_tensor<C>(Ex(), shape_of(x));
  const prox::l1<double, 4, Ex> p(2);
  prox::apply(Ex(), p, to_space(Ex(), x), 0.5, u);
  const auto h = to_host(u);
  double sum = 0;
  for (index_t i = 0; i < 37; ++i) {
    const double size = std::max(0., 0.1 * double(i) - 1);
    CHECK(h.data()[i].real() == doctest::Approx(size * std::cos(double(i))).epsilon(1e-12));
    CHECK(h.data()[i].imag() == doctest::Approx(size * std::sin(double(i))).epsilon(1e-12));
    sum += 2 * size;
  }
  CHECK(prox::value(Ex(), p, u) == doctest::Approx(sum));
}

TEST_CASE("weights are broadcast; bad arguments give one clear error") {
  auto w = make_tensor<double>(host_space(), shape{1, 1, 3, 1});
  for (int i = 0; i < 3; ++i) w.data()[i] = i;
  const prox::l1<double, 4, Ex> p(to_space(Ex(), w));
  const auto x = make_tensor<C>(Ex(), shape{2, 1, 3, 4}), u = make_tensor<C>(Ex(), shape_of(x));
  Kokkos::deep_copy(x, C(0, 5));
  prox::apply(Ex(), p, x, 2, u);
  const auto h = to_host(u);
  for (index_t i = 0; i < 24; ++i)
    CHECK(h.data()[i].imag() == doctest::Approx(5 - 2 * double(i / 4 % 3)));
  CHECK(prox::value(Ex(), p, x) == doctest::Approx(2 * 4 * 5 * (0 + 1 + 2)));

  CHECK_THROWS_AS(prox::apply(Ex(), p, make_tensor<C>(Ex(), shape{2, 1, 4, 4}), 1,
                              make_tensor<C>(Ex(), shape{2, 1, 4, 4})),
                  shape_error);
  CHECK_THROWS_AS(prox::apply(Ex(), p, x, -1, u), value_error);
  CHECK_THROWS_AS((prox::l1<double, 4, Ex>(-1)), value_error);
  w.data()[1] = -1;
  CHECK_THROWS_AS((prox::l1<double, 4, Ex>(to_space(Ex(), w))), value_error);
}

TEST_CASE("the laws notice a wrong threshold") {
  const shape<4> s{{2, 1, 4, 5}};
  CHECK(prox::check::worst_error(Ex(), wrong(1), s, 0.5, 1) < 1e-12);
  CHECK(prox::check::optimality_error(Ex(), wrong(0.9), s, 0.5, 1) > 1e-4);
  CHECK(prox::check::optimality_error(Ex(), wrong(1.1), s, 0.5, 1) > 1e-4);
}
