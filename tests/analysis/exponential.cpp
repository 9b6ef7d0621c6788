// SPDX-License-Identifier: Apache-2.0
/// \file
/// The curve of relaxation maps: derivatives, its two sets of parameters, and the table of rates
/// that bounds every fit's error from below.

#include "cardiomm/analysis/exponential.hpp"

#include <doctest/doctest.h>

using namespace cardiomm;
using namespace cardiomm::analysis;

namespace {

/// Largest difference of a model's derivatives to central differences.
template <class Model>
double derivative_error(const Model& model, const double* p, double t) {
  constexpr int P = Model::parameters;
  double f, d[P], worst = 0;
  model(t, p, f, d);
  for (int j = 0; j < P; ++j) {
    double q[P], unused[P], above, below;
    std::copy_n(p, P, q);
    const double h = 1e-6;
    q[j] = p[j] + h;
    model(t, q, above, unused);
    q[j] = p[j] - h;
    model(t, q, below, unused);
    worst = std::max(worst, std::abs((above - below) / (2 * h) - d[j]));
  }
  return worst;
}

}  // namespace

TEST_CASE("derivatives are those of the curve") {
  const double p[3] = {-1.7, 2.3, 0.9};
  for (const double t : {0.02, 0.3, 1.0}) {
    CAPTURE(t);
    CHECK(derivative_error(exponential<true>{0.05, 50}, p, t) < 1e-8);
    CHECK(derivative_error(exponential<false>{0.05, 50}, p, t) < 1e-8);
    CHECK(derivative_error(analysis::detail::between_ends{0.05, 50, 0.01}, p, t) < 1e-8);
  }
}

TEST_CASE("values at both ends are the same curve as (M, R, C)") {
  const analysis::detail::between_ends ends{0.05, 50, 0.1};
  const double plain[3] = {-1.7, 2.3, 0.9};
  double p[3];
  std::copy_n(plain, 3, p);
  ends.from_plain(p);
  double f, g, d[3];
  for (const double t : {0.1, 0.4, 1.0}) {
    ends(t, p, f, d);
    exponential<true>{0.05, 50}(t, plain, g, d);
    CHECK(f == doctest::Approx(g).epsilon(1e-12));
  }
  ends.to_plain(p);
  for (int j = 0; j < 3; ++j) CHECK(p[j] == doctest::Approx(plain[j]).epsilon(1e-12));
  double far[3] = {0, 1e9, 0};
  ends.constrain(far);
  CHECK(far[1] == 50);
  far[1] = -3;
  ends.constrain(far);
  CHECK(far[1] == 0.05);
}

TEST_CASE("no rate is farther from the table than it says") {
  const std::vector<double> times = {1180, 100, 180, 2960, 260, 1980, 3800, 0.0, 1060};
  for (const bool offset : {true, false}) {
    const auto table = analysis::detail::make_rate_table(times.data(), 9, offset);
    CHECK(std::is_sorted(table.time.begin(), table.time.end()));
    CHECK(table.longest == 3800);
    CHECK(times[static_cast<std::size_t>(table.order[2])] == 180);
    const std::size_t n = times.size(), nodes = table.node.size() / 3;
    double worst = 0;
    for (int i = 0; i <= 500; ++i) {
      const double rate = table.least * std::pow(table.most / table.least, i / 500.0);
      double mean, inverse;
      const auto u = analysis::detail::direction(table.time, rate, offset, mean, inverse);
      double length = 0, sum = 0, best = 0;
      for (const double v : u) {
        length += v * v;
        sum += v;
      }
      CHECK(length == doctest::Approx(1));
      if (offset) CHECK(std::abs(sum) < 1e-9);
      for (std::size_t g = 0; g < nodes; ++g) {
        double cosine = 0;
        for (std::size_t k = 0; k < n; ++k) cosine += u[k] * table.basis[g * n + k];
        best = std::max(best, cosine);
      }
      worst = std::max(worst, std::sqrt(std::max(0.0, 1 - best * best)));
    }
    CHECK(worst <= table.sine);
    CHECK(worst > 0.3 * table.sine);
  }
}
