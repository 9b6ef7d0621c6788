// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/core/random.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "support/spaces.hpp"

using namespace cardiomm;

TEST_CASE("Philox 4x32-10 gives the known answers of its authors (Random123, kat_vectors)") {
  const auto zero = random::philox({{0, 0, 0, 0}}, 0, 0);
  CHECK(zero.w[0] == 0x6627e8d5u);
  CHECK(zero.w[1] == 0xe169c58du);
  CHECK(zero.w[2] == 0xbc57ac4cu);
  CHECK(zero.w[3] == 0x9b00dbd8u);
  const auto ones = random::philox({{~0u, ~0u, ~0u, ~0u}}, ~0u, ~0u);
  CHECK(ones.w[0] == 0x408f276du);
  CHECK(ones.w[1] == 0x41c83b0eu);
  CHECK(ones.w[2] == 0xa20bc7c6u);
  CHECK(ones.w[3] == 0x6d5451fdu);
  const auto pi = random::philox({{0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}},
                                 0xa4093822u, 0x299f31d0u);
  CHECK(pi.w[0] == 0xd16cfe09u);
  CHECK(pi.w[1] == 0x94fdccebu);
  CHECK(pi.w[2] == 0x5001e420u);
  CHECK(pi.w[3] == 0x24126ea1u);
}

TEST_CASE("numbers belong to seed, stream and index, not to the space") {
  const default_space ex;
  const cardiomm_tests::reference_space serial;
  const auto a = make_tensor<double>(ex, shape{1001}), b = make_tensor<double>(ex, shape{1001});
  const auto c = make_tensor<double>(serial, shape{1001});
  random::fill_uniform(ex, a, 5);
  random::fill_uniform(ex, b, 5, 1);
  random::fill_uniform(serial, c, 5);
  const auto ha = to_host(a), hb = to_host(b), hc = to_host(c);
  int same = 0;
  for (int i = 0; i < 1001; ++i) {
    CHECK(ha(i) == hc(i));
    same += ha(i) == hb(i);
  }
  CHECK(same < 3);
}

TEST_CASE("normal numbers have the moments and the tail of the normal distribution") {
  const default_space ex;
  const index_t n = 400000;
  const auto x = make_tensor<complex<float>>(ex, shape{n});
  random::fill_normal(ex, x, 11);
  const auto h = to_host(x);
  double mean = 0, var = 0, kurt = 0, cross = 0;
  std::vector<double> v;
  for (index_t i = 0; i < n; ++i) {
    for (const double z : {double(h(i).real()), double(h(i).imag())}) {
      mean += z;
      var += z * z;
      kurt += z * z * z * z;
      v.push_back(z);
    }
    cross += double(h(i).real()) * double(h(i).imag());
  }
  const double m = 2.0 * double(n);
  CHECK(std::abs(mean / m) < 5 / std::sqrt(m));
  CHECK(std::abs(var / m - 1) < 5 * std::sqrt(2 / m));
  CHECK(std::abs(kurt / m - 3) < 5 * std::sqrt(96 / m));
  CHECK(std::abs(cross / double(n)) < 5 / std::sqrt(double(n)));
  // Kolmogorov-Smirnov against the closed form; 1.95 / sqrt(m) is the 0.1 % limit.
  std::sort(v.begin(), v.end());
  double distance = 0;
  for (std::size_t i = 0; i < v.size(); ++i) {
    const double cdf = 0.5 * std::erfc(-v[i] / std::sqrt(2.0));
    distance = std::max(distance, std::abs(cdf - (double(i) + 0.5) / m));
  }
  CHECK(distance < 1.95 / std::sqrt(m));
}
