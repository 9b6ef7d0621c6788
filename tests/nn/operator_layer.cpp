// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/nn/operator_layer.hpp"

#include <doctest/doctest.h>

#include "cardiomm/linop/fourier.hpp"
#include "cardiomm/linop/wavelet.hpp"
#include "cardiomm/nn/check.hpp"
#include "cardiomm/nn/sequential.hpp"

using namespace cardiomm;
using Ex = default_space;
using linop::size_class;

namespace {
template <class A>
A make(size_class s) {
  return linop::specimen<A>::make(Ex(), s, 3);
}
}  // namespace

TEST_CASE("operators are layers: Fourier transform, wavelet and weights one after the other") {
  const Ex ex;
  using fourier_x = linop::fourier_op<double, 4, Ex, linop::along_x>;
  using wavelet = linop::wavelet<double, Ex>;
  using weights = linop::diagonal<complex<double>, 4, Ex>;
  for (const size_class s : linop::all_sizes) {
    const auto in = linop::specimen_image(s);
    const auto f = make<fourier_x>(s);
    const auto w = make<wavelet>(s);
    const auto d = make<weights>(s);
    const auto net = nn::linear_layer(f) | nn::residual(nn::linear_layer(d)) | nn::linear_layer(w);
    CHECK(nn::check::gradient_error(ex, net, in, 5) <= 1e-8);
    CHECK(nn::check::modes_error(ex, net, in, 5) <= 1e-12);
    // The same written with operators.
    const auto x = nn::check::detail::noise<complex<double>>(ex, in, 5, 9);
    const auto k = f * x;
    const auto sum = d * k;
    nn::add(ex, k, sum);
    CHECK(nn::check::detail::distance(ex, nn::evaluate(ex, net, x), w * sum) <= 1e-14);
  }
}

TEST_CASE("an operator of fixed extents refuses others, as a layer too") {
  const auto l = nn::linear_layer(make<linop::wavelet<double, Ex>>(size_class::odd));
  CHECK_THROWS_AS(l.output(shape{1, 1, 5, 5}), shape_error);
}
