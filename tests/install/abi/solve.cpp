// SPDX-License-Identifier: Apache-2.0
// The same solver compiled several times under another name (CONSUMER_NAME) and with other vector
// flags, as libraries of different authors are.
#include <cmath>

#include "cardiomm/core/lane.hpp"
#include "cardiomm/linop/difference.hpp"
#include "cardiomm/solve/cg.hpp"
#include "solve.hpp"

#define CONSUMER_TEXT2(x) #x
#define CONSUMER_TEXT(x) CONSUMER_TEXT2(x)

answer CONSUMER_NAME() {
  using namespace cardiomm;
  using space = Kokkos::Serial;
  // A cosine is an eigenvector of periodic differences: (D^H D + lambda) x = (2 - 2 cos(k) +
  // lambda) x.
  const int n = 64, period = 8;
  const double k = 2 * 3.14159265358979323846 / period, lambda = 0.5;
  auto x = make_tensor<complex<float>>(host_space(), shape{1, 1, 1, n});
  auto b = make_tensor<complex<float>>(host_space(), shape{1, 1, 1, n});
  for (int i = 0; i < n; ++i) {
    x.data()[i] = complex<float>(static_cast<float>(std::cos(k * i)), 0);
    b.data()[i] =
        complex<float>(static_cast<float>((2 - 2 * std::cos(k) + lambda) * std::cos(k * i)), 0);
  }
  const linop::difference<float> d(linop::axis::x);
  const auto a = linop::gram(d) + static_cast<float>(lambda) * linop::identity;
  const auto found = to_host(solve::cg(a, to_space(space(), b), {.iterations = 5}));
  double error = 0;
  for (int i = 0; i < n; ++i)
    error = std::fmax(error, std::abs(found.data()[i].real() - x.data()[i].real()));
  return {lane_width<float, space>, CARDIOMM_LANE_BYTES, CONSUMER_TEXT(CARDIOMM_ABI), error};
}
