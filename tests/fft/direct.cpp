// SPDX-License-Identifier: Apache-2.0
/// \file
/// Filters by the definition against the sum over all frequencies.

#include "cardiomm/fft/direct.hpp"

#include <doctest/doctest.h>

#include <complex>
#include <random>
#include <vector>

using namespace cardiomm;

namespace {

using wide = std::complex<double>;

struct single {
  using number = double;
};
struct numbers {
  wide* data;
  void load(single, index_t i, double& re, double& im) const {
    re = data[i].real();
    im = data[i].imag();
  }
  void store(single, index_t i, double re, double im) const { data[i] = wide(re, im); }
};

/// Inverse transform of weights times the transform of x.
std::vector<wide> by_definition(const std::vector<wide>& x, const std::vector<double>& weights) {
  const std::size_t n = x.size();
  std::vector<wide> y(n);
  for (std::size_t k = 0; k < n; ++k) {
    wide sum = 0;
    for (std::size_t j = 0; j < n; ++j)
      sum += x[j] * std::polar(1.0, -2 * M_PI * double(k * j % n) / double(n));
    for (std::size_t j = 0; j < n; ++j)
      y[j] +=
          sum * weights[k] / double(n) * std::polar(1.0, 2 * M_PI * double(k * j % n) / double(n));
  }
  return y;
}

}  // namespace

TEST_CASE("any weights of any few frequencies") {
  std::mt19937 g(5);
  std::uniform_real_distribution<double> uniform(-1, 1);
  double worst = 0;
  for (int n = 1; n <= fft::detail::most_direct; n += n < 20 ? 1 : 11)
    for (int pairs = 0; pairs <= n / 2; pairs += n < 20 ? 1 : 5) {
      std::vector<wide> x(static_cast<std::size_t>(n + 6));
      for (auto& v : x) v = {uniform(g), uniform(g)};
      const auto before = x;
      std::vector<double> weights(static_cast<std::size_t>(n), 0.0), roots, factors;
      std::vector<int> entry;
      weights[0] = uniform(g);
      for (int e = 0; e < pairs; ++e) {
        const int k = n / 2 - e;  // the middle one is its own mirror image
        const bool alone = 2 * k == n;
        const double u = uniform(g), v = alone ? 0 : uniform(g);
        weights[static_cast<std::size_t>(k)] = u;
        if (!alone) weights[static_cast<std::size_t>(n - k)] = v;
        factors.insert(factors.end(), {(u + v) / n, alone ? 0 : (u - v) / n});
        entry.push_back(static_cast<int>(roots.size()));
        for (int j = 1; j <= n / 2; ++j) {
          const double angle = 2 * M_PI * (k * j % n) / n;
          roots.insert(roots.end(), {std::cos(angle), std::sin(angle)});
        }
      }
      const std::vector<wide> line(x.begin() + 3, x.begin() + 3 + n);
      fft::detail::filter_direct(single{}, numbers{x.data()}, 3, n, roots.data(), weights[0] / n,
                                 pairs, entry.data(), factors.data());
      const auto wanted = by_definition(line, weights);
      for (int j = 0; j < n; ++j)
        worst = std::max(worst, std::abs(x[static_cast<std::size_t>(j + 3)] -
                                         wanted[static_cast<std::size_t>(j)]));
      for (const std::size_t i : {0, 1, 2}) {
        CHECK(x[i] == before[i]);
        CHECK(x[x.size() - 1 - i] == before[x.size() - 1 - i]);
      }
    }
  CHECK(worst < 1e-12);
}
