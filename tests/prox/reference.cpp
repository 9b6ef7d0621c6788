// SPDX-License-Identifier: Apache-2.0
// Proximal operators against SigPy (tests/data/make_prox.py), and the data term against CG.
#include <doctest/doctest.h>

#include <fstream>

#include "cardiomm/linop/fourier.hpp"
#include "cardiomm/linop/sampling.hpp"
#include "cardiomm/prox/check.hpp"
#include "cardiomm/prox/conjugate.hpp"
#include "cardiomm/prox/constraint.hpp"
#include "cardiomm/prox/data.hpp"
#include "cardiomm/prox/group.hpp"
#include "cardiomm/solve/cg.hpp"
#include "support/shared.hpp"

using namespace cardiomm;
using Ex = default_space;
using C = complex<double>;

namespace {
template <class F>
auto made(F f) {
  auto t = make_tensor<decltype(f(0.))>(host_space(), shape{2, 3, 4});
  for (index_t i = 0; i < 24; ++i) t.data()[i] = f(double(i));
  return to_space(Ex(), t);
}
}  // namespace

TEST_CASE("SigPy's results") {
  std::ifstream file(own_path("prox.txt"));
  REQUIRE(file.good());
  const auto x =
      made([](double i) { return C(std::cos(1.1 * i) * (1 + 0.1 * i), std::sin(0.7 * i + 0.3)); });
  const auto mirrored =
      made([](double i) { return C(std::cos(1.1 * i) * (1 + 0.1 * i), -std::sin(0.7 * i + 0.3)); });
  const auto weights = made([](double i) { return 0.2 + 0.05 * double(int(i) % 7); });
  std::string name;
  double sigma = 0;
  int lines = 0;
  while (file >> name >> sigma) {
    auto expected = make_tensor<C>(host_space(), shape{2, 3, 4});
    for (index_t i = 0; i < 24; ++i) {
      double re = 0, im = 0;
      file >> re >> im;
      expected.data()[i] = C(re, im);
    }
    const auto u = make_tensor<C>(Ex(), shape_of(x));
    const auto run = [&](const auto& p) { prox::apply(Ex(), p, x, sigma, u); };
    using l1 = prox::l1<double, 3, Ex>;
    if (name == "l1") run(l1(0.9));
    if (name == "l1_weighted") run(l1(weights));
    if (name == "l2_squared") run(prox::l2_squared<double, 3, Ex>(1.3));
    if (name == "shifted_l2") run(prox::shifted(prox::l2_squared<double, 3, Ex>(1.3), mirrored));
    if (name == "l2_ball") run(prox::l2_ball<double, 3, Ex>(2.5));
    if (name == "linf_ball") run(prox::linf_ball<double, 3, Ex>(0.8));
    if (name == "box") run(prox::box<double, 3, Ex>(-0.4, 0.7));
    if (name == "conjugate_l1") run(prox::conjugate(l1(0.9)));
    if (name == "group") run(prox::group<double, 3, Ex>(0.9, {0}));
    CAPTURE(name);
    CHECK(prox::check::detail::distance(Ex(), u, to_space(Ex(), expected)) < 1e-11);
    ++lines;
  }
  CHECK(lines == 9);
}

TEST_CASE("the data term of a mask in closed form; of an encoding by a solver; its laws") {
  const auto size = linop::size_class::multiple_of_four;
  const auto mask = linop::specimen<linop::point_mask<double, Ex>>::make(Ex(), size, 1);
  const auto s = linop::specimen_kspace(size);
  const auto y = prox::check::detail::noise<C>(Ex(), s, 1, 1);
  const auto closed = prox::data_term(Ex(), mask, y);
  CHECK(prox::check::worst_error(Ex(), closed, s, 0.7, 1) < 1e-12);

  const auto cg = [](const Ex& ex, const auto& system, const auto& right, const auto& x) {
    solve::cg_in_place(ex, system, right, x, {.iterations = 60, .tolerance = 1e-12});
  };
  const auto a = mask * linop::fourier_op<double, 5, Ex>{};
  const auto solved = prox::data_term(Ex(), a, y, cg);
  CHECK(prox::check::worst_error(Ex(), solved, s, 0.7, 1) < 1e-9);
  // F is unitary: prox of the encoding is F^H of the mask's
  const auto x = prox::check::detail::noise<C>(Ex(), s, 2, 1);
  const auto other = prox::composed(closed, linop::fourier_op<double, 5, Ex>{});
  CHECK(prox::check::detail::distance(Ex(), prox::check::detail::prox_of(Ex(), solved, x, 2),
                                      prox::check::detail::prox_of(Ex(), other, x, 2)) < 1e-9);
  CHECK(prox::value(Ex(), solved, x) == doctest::Approx(prox::value(Ex(), other, x)));
}

TEST_CASE("arguments of sets and groups are checked") {
  using group = prox::group<double, 4, Ex>;
  CHECK_THROWS_AS(group(1, {3}), value_error);
  CHECK_THROWS_AS(group(1, {0, 0}), value_error);
  CHECK_THROWS_AS(group(-1, {0}), value_error);
  CHECK_THROWS_AS((prox::box<double, 4, Ex>(1, 0)), value_error);
  CHECK_THROWS_AS((prox::l2_ball<double, 4, Ex>(-1)), value_error);
}
