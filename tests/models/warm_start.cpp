// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/models/warm_start.hpp"

#include <doctest/doctest.h>

#include "cardiomm/models/cardiomm_pass.hpp"
#include "cardiomm/train/identity_start.hpp"

using namespace cardiomm;

namespace {
using Ex = host_space;
using C = complex<double>;
}  // namespace

TEST_CASE("Chebyshev's iteration against the closed form for a diagonal operator") {
  const Ex ex;
  const index_t n = 65;
  const auto a = make_tensor<double>(ex, shape<1>{{n}});  // eigenvalues 0 to 1
  const auto b = make_tensor<C>(ex, shape<4>{{1, 1, 1, n}}), x = clone(ex, b), r = clone(ex, b);
  random::fill_normal(ex, b, 1);
  for (index_t i = 0; i < n; ++i) a(i) = double(i) / double(n - 1);
  const auto error = [&](index_t iterations, double lambda) {
    Kokkos::deep_copy(r, b);
    models::solve_warm_start<double, Ex>(ex, {iterations, lambda}, r, x,
                                         [&](const auto& at, const auto& out) {
                                           for (index_t i = 0; i < n; ++i)
                                             out.data()[i] = b.data()[i] - a(i) * at.data()[i];
                                         });
    double worst = 0, largest = 0;
    for (index_t i = 0; i < n; ++i) {
      const C exact = b.data()[i] / (a(i) + lambda);
      worst = std::max(worst, std::abs(std::complex<double>(x.data()[i] - exact)));
      largest = std::max(largest, std::abs(std::complex<double>(exact)));
    }
    return worst / largest;
  };
  // 2 c^k, c = (sqrt(kappa) - 1) / (sqrt(kappa) + 1)
  for (const double lambda : {0.02, 0.3})
    for (const index_t k : {index_t(1), index_t(5), index_t(12), index_t(40)}) {
      const double root = std::sqrt((1 + lambda) / lambda), c = (root - 1) / (root + 1);
      CHECK(error(k, lambda) <= 2 * std::pow(c, double(k)) + 1e-14);
    }
  CHECK(error(200, 0.02) < 1e-12);
  CHECK(models::warm_start_of(models::to_string({12, 0.02})).iterations == 12);
  CHECK(models::warm_start_of("12 0.02").lambda == 0.02);
  CHECK_THROWS_AS((void)models::warm_start_of("many"), value_error);
  CHECK_THROWS_AS((void)models::warm_start_of("-1 0"), value_error);
}

TEST_CASE("warm start: inference, training and gradients agree") {
  const Ex ex;
  models::cardiomm_sizes sizes;
  sizes.cascades = 2;
  sizes.embedding = 5;
  sizes.image = {2, 2, 4, 1, 2, 5, {{6, 1, 1, 0, 2, 2, 5}}};
  sizes.sensitivity = {2, 2, 4, 1, 2, 5, {{4, 0, 0, 0, 2, 2, 3}}};
  const models::cardiomm<double, Ex> net(ex, sizes);
  const auto parameters = net.parameters();
  const shape<4> s{{2, 3, 16, 12}};
  const auto k = make_tensor<C>(ex, s);
  random::fill_normal(ex, k, 3);
  const auto mask = make_tensor<std::uint8_t>(host_space(), shape{index_t(1), s[2], s[3]});
  for (index_t y = 0; y < s[2]; ++y)
    for (index_t x = 0; x < s[3]; ++x) mask(0, y, x) = y % 2 == 0 || (y > 5 && y < 11);
  for (std::size_t i = 0; i < k.size(); ++i)
    if (!mask.data()[i % mask.size()]) k.data()[i] = 0;
  const auto meta = make_tensor<double>(ex, shape{index_t(1), index_t(5)}), us = clone(ex, meta);
  random::fill_normal(ex, meta, 4);
  random::fill_normal(ex, us, 5);
  models::cardiomm_options o;
  o.acs = 5;
  o.start = {25, 0.05};
  const auto image = make_tensor<double>(ex, shape{s[0], s[2], s[3]}), other = clone(ex, image);
  const auto run = [&](const auto& out) {
    net.forget_prompts();
    net.reconstruct(ex, k, mask, meta, us, out, o);
  };

  train::start_as_identity(ex, net, 0.1);
  run(image);
  models::cardiomm_pass<double, Ex> pass(ex, net, s, mask, 1, o);
  const auto trained = pass.forward(k, meta, us);
  double apart = 0, size = 0;
  for (std::size_t i = 0; i < image.size(); ++i) {
    apart = std::max(apart, std::abs(image.data()[i] - trained.data()[i]));
    size = std::max(size, image.data()[i]);
  }
  CHECK(apart < 1e-10 * size);

  // of a parameter that the first image does not depend on
  nn::zero_gradients(ex, parameters);
  const auto d = clone(ex, image);
  for (std::size_t i = 0; i < d.size(); ++i) d.data()[i] = double(1 + i % 3);
  pass.backward(d);
  const auto loss = [&] {
    run(other);
    double sum = 0;
    for (std::size_t i = 0; i < d.size(); ++i) sum += d.data()[i] * other.data()[i];
    return sum;
  };
  int checked = 0;
  for (const auto& [name, p] : parameters) {
    if (name.find("cascades.1.model.unet.conv_last.weight") == std::string::npos &&
        name.find("cascades.0.model.unet.feat_extract.weight") == std::string::npos)
      continue;
    const double before = p.value()(3), h = 1e-5;
    p.value()(3) = before + h;
    const double up = loss();
    p.value()(3) = before - h;
    const double down = loss();
    p.value()(3) = before;
    CHECK(p.gradient()[3] == doctest::Approx((up - down) / (2 * h)).epsilon(1e-5));
    ++checked;
  }
  CHECK(checked == 2);
}
