// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/train/group_dro.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <limits>

#include "cardiomm/analysis/fairness.hpp"
#include "cardiomm/train/group_sampler.hpp"
#include "cardiomm/train/importance.hpp"
#include "cardiomm/train/optimiser.hpp"

using namespace cardiomm;
using doctest::Approx;

TEST_CASE("weights follow the losses: the closed form") {
  train::group_dro dro(2, 0.01);
  double loss = 0;
  for (int t = 0; t < 100; ++t) loss = dro.step({0.2, 0.8});
  CHECK(dro.weights()[0] == Approx(0.35434369).epsilon(1e-7));
  CHECK(dro.weights()[1] == Approx(0.64565631).epsilon(1e-7));
  CHECK(loss == Approx(0.58739378).epsilon(1e-7));
  // q_g ~ exp(eta t l_g), also where exp(t l) alone would overflow
  const std::vector<double> l = {3, 900, 899.5, -4};
  train::group_dro many(4, 0.3);
  for (int t = 0; t < 20; ++t) many.step(l);
  double sum = 0;
  for (const double v : l) sum += std::exp(0.3 * 20 * (v - 900));
  for (std::size_t g = 0; g < 4; ++g)
    CHECK(many.weights()[g] == Approx(std::exp(0.3 * 20 * (l[g] - 900)) / sum).epsilon(1e-12));
}

TEST_CASE("samples one at a time: the gradient is sum q_g grad l_g") {
  // Four samples of group 0, two of group 1, gradients by hand.
  const double l[] = {0.1, 0.4, 0.2, 0.3, 1.0, 0.6}, grad[] = {1, -2, 3, 5, 7, -11};
  const index_t of[] = {0, 0, 1, 0, 1, 0};
  train::group_dro dro(2, 0.1, {4, 2});
  dro.set_weights({0.3, 0.7});
  double by_samples = 0, by_groups[2] = {0, 0}, mean = 0;
  for (int i = 0; i < 6; ++i) {
    by_samples += dro.factor(of[i]) / 6 * grad[i];
    mean += dro.factor(of[i]) / 6;
    by_groups[of[i]] += grad[i] / (of[i] == 0 ? 4 : 2);
    dro.observe(of[i], l[i]);
  }
  CHECK(by_samples == Approx(0.3 * by_groups[0] + 0.7 * by_groups[1]).epsilon(1e-14));
  CHECK(mean == Approx(1).epsilon(1e-14));
  dro.update();
  const double a = 0.3 * std::exp(0.1 * (0.1 + 0.4 + 0.3 + 0.6) / 4);
  const double b = 0.7 * std::exp(0.1 * 0.6);
  CHECK(dro.weights()[0] == Approx(a / (a + b)).epsilon(1e-13));
  for (const double v : dro.pending()) CHECK(v == 0);
  // One sample a step, groups of unequal shares: the mean exponent is eta l_g for both.
  train::group_dro single(2, 0.01, {0.8, 0.2});
  for (int i = 0; i < 1000; ++i) {
    single.observe(i % 5 == 4, i % 5 == 4 ? 0.9 : 0.3);
    single.update();
  }
  CHECK(single.weights()[1] == Approx(1 / (1 + std::exp(0.01 * 1000 * (0.3 - 0.9)))).epsilon(1e-9));
}

TEST_CASE("groups that are not in a batch, several processes, restored state") {
  train::group_dro dro(3, 0.5);
  const double none = std::numeric_limits<double>::quiet_NaN();
  CHECK(dro.step({none, 1, none}) == Approx(std::exp(0.5) / (2 + std::exp(0.5))));
  CHECK(dro.weights()[0] == Approx(1 / (2 + std::exp(0.5))));
  CHECK(dro.weights()[2] == dro.weights()[0]);
  const auto before = dro.weights();
  dro.update();  // nothing observed
  CHECK(dro.weights() == before);
  // Two processes add up what they saw.
  train::group_dro p(2, 0.1), q(2, 0.1), both(2, 0.1);
  p.observe(0, 2);
  q.observe(0, 4);
  q.observe(1, 1);
  for (const auto& [g, v] : {std::pair(0, 2.0), std::pair(0, 4.0), std::pair(1, 1.0)})
    both.observe(g, v);
  for (std::size_t i = 0; i < 4; ++i) p.pending()[i] += q.pending()[i];
  p.update();
  both.update();
  CHECK(p.weights() == both.weights());
  train::group_dro again(2, 0.1);
  again.set_weights(p.weights());
  again.step({0.3, 0.1});
  p.step({0.3, 0.1});
  CHECK(again.weights() == p.weights());
  CHECK_THROWS_AS(again.set_weights({0.3, 0.3}), value_error);
  CHECK_THROWS_AS(again.set_weights({1}), shape_error);
  CHECK_THROWS_AS(again.observe(2, 1), value_error);
  CHECK_THROWS_AS(again.observe(0, none), value_error);
  CHECK_THROWS_AS(again.step({1}), shape_error);
  CHECK_THROWS_AS(train::group_dro(2, -1), value_error);
  CHECK_THROWS_AS(train::group_dro(2, 0.1, {1, 0}), value_error);
}

namespace {

/// A logistic model of two groups that disagree: y = 1 where u.x + noise > 0 with another u each.
struct people {
  struct one {
    double x[3];
    int y;
    index_t group;
  };
  std::vector<one> all;
  train::grouping groups;

  people(std::uint64_t seed, index_t n, double minority) {
    const double u[2][2] = {{1.5, 0.8}, {-0.4, 2.0}};
    std::vector<std::string> names;
    train::draws d(seed, 0, 0, "people");
    for (index_t i = 0; i < n; ++i) {
      one p{};
      p.group = d.chance(minority);
      for (int k = 0; k < 2; ++k) p.x[k] = d.normal();
      p.x[2] = 1;
      const double z = 3 * (u[p.group][0] * p.x[0] + u[p.group][1] * p.x[1]);
      p.y = d.chance(1 / (1 + std::exp(-z)));
      names.push_back(p.group ? "minority" : "rest");
      all.push_back(p);
    }
    groups = train::group_by(names);
  }
};
double loss_of(const double* w, const people::one& p, double* gradient, double weight) {
  double z = 0;
  for (int k = 0; k < 3; ++k) z += w[k] * p.x[k];
  const double s = p.y ? -z : z;
  if (gradient)
    for (int k = 0; k < 3; ++k)
      gradient[k] += weight * (p.y ? -1 : 1) / (1 + std::exp(-s)) * p.x[k];
  return s > 0 ? s + std::log1p(std::exp(-s)) : std::log1p(std::exp(s));
}

enum class how { plain, balanced, reweighed, robust };

/// Mean losses of the groups of people never seen.
analysis::fairness trained(how method) {
  const host_space ex;
  const people seen(1, 2000, 0.1), test(2, 4000, 0.5);
  const nn::parameter<double, host_space> w(ex, {3});
  const train::parameter_block<double, host_space> block(ex, {{"w", w}});
  train::optimiser_options o;
  o.kind = train::optimiser_kind::adam;
  train::optimiser<double, host_space> opt(ex, o, block);
  const index_t n = index_t(seen.all.size()), batch = 20;
  std::vector<double> shares;
  for (const index_t c : seen.groups.counts()) shares.push_back(double(c));
  train::group_dro dro(2, 0.02, shares);
  const auto important = train::balanced_weights(seen.groups.counts());
  for (std::uint64_t epoch = 0; epoch < 15; ++epoch) {
    const auto order = method == how::balanced ? train::balanced_order(5, epoch, seen.groups, n)
                                               : train::shuffled(5, epoch, n);
    for (index_t first = 0; first < n; first += batch) {
      block.zero_gradients(ex);
      for (index_t i = first; i < first + batch; ++i) {
        const people::one& p = seen.all[std::size_t(order[std::size_t(i)])];
        const index_t g = seen.groups.of[std::size_t(order[std::size_t(i)])];
        const double weight = method == how::robust      ? dro.factor(g)
                              : method == how::reweighed ? important[std::size_t(g)]
                                                         : 1;
        dro.observe(g, loss_of(w.data(), p, w.gradient(), weight / double(batch)));
      }
      opt.step(ex, block, epoch < 10 ? 0.02 : 0.002);
      dro.update();
    }
  }
  analysis::grouped_values values;
  for (std::size_t i = 0; i < test.all.size(); ++i)
    values[test.groups.names[std::size_t(test.groups.of[i])]].push_back(
        loss_of(w.data(), test.all[i], nullptr, 0));
  analysis::fairness_options f;
  f.perfect = 0;
  f.resamples = 200;
  return analysis::fairness_report(values, f);
}

}  // namespace

TEST_CASE("a minority: plain training leaves a gap, Group DRO lowers the worst group's loss") {
  const auto worst = [](const analysis::fairness& f) {
    return std::max(f.groups[0].mean.value, f.groups[1].mean.value);
  };
  const auto plain = trained(how::plain), robust = trained(how::robust);
  const auto balanced = trained(how::balanced), reweighed = trained(how::reweighed);
  for (const auto* f : {&plain, &balanced, &reweighed, &robust})
    MESSAGE(f->groups[0].name << " " << f->groups[0].mean.value << ", " << f->groups[1].name << " "
                              << f->groups[1].mean.value << ", gap " << f->gap.value << " ("
                              << f->gap.low << " to " << f->gap.high << ")");
  CHECK(plain.worst == "minority");
  CHECK(plain.gap.low > 0.2);
  CHECK(plain.pairs[0].test.p < 1e-6);
  for (const auto* f : {&balanced, &reweighed, &robust}) {
    CHECK(worst(*f) < 0.8 * worst(plain));
    CHECK(f->gap.high < plain.gap.low);
  }
  CHECK(trained(how::robust).gap.value == robust.gap.value);
}
