// SPDX-License-Identifier: Apache-2.0
// Training with a plan for uneven groups.
#include <doctest/doctest.h>

#include <filesystem>

#include "cardiomm/train/endless.hpp"
#include "cardiomm/train/loop.hpp"
#include "tiny.hpp"

using namespace cardiomm;
using namespace cardiomm_tests;
using Ex = default_space;

namespace {

/// Blobs of which one in four is of another vendor.
struct uneven : tiny_source {
  using tiny_source::tiny_source;
  static const char* vendor(index_t i) { return i % 4 == 1 ? "GE" : "Siemens"; }
  train::groups groups_of(index_t i) const override { return {{"vendor", vendor(i)}}; }
  train::sample get(std::uint64_t epoch, index_t i) const override {
    train::sample s = tiny_source::get(epoch, i);
    s.groups["vendor"] = vendor(i);
    return s;
  }
};

train::loop_options options() {
  train::loop_options o;
  o.epochs = 2;
  o.batch = 2;
  o.shuffled = false;
  return o;
}

}  // namespace

TEST_CASE("endless with a plan: shares of its order, repetitions are other draws") {
  struct told : train::source<std::pair<std::uint64_t, index_t>> {
    index_t size() const override { return 8; }
    std::pair<std::uint64_t, index_t> get(std::uint64_t e, index_t i) const override {
      return {e, i};
    }
    train::groups groups_of(index_t i) const override { return {{"vendor", uneven::vendor(i)}}; }
    std::string description() const override { return "told"; }
  };
  const told samples;
  train::sampling_options s;
  s.balance = "vendor";
  const train::sampling plan(s, samples);
  const train::endless<told::value_type> drawn(samples, 5, 3, &plan);
  for (std::uint64_t round = 0; round < 2; ++round) {
    const auto order = plan.order(3, round);
    std::map<index_t, std::uint64_t> seen;
    for (std::uint64_t k = 0; k < 8; ++k) {
      const std::uint64_t at = 8 * round + k;
      const auto got = drawn.get(at / 5, index_t(at % 5));
      CHECK(got.second == order[k]);
      CHECK(got.first == round + (seen[got.second]++ << 40));
    }
  }
}

TEST_CASE("Group DRO in the loop: weights follow the losses, and a resumed run goes on") {
  const uneven samples(8, 5);
  train::sampling_options s;
  s.balance = "vendor";
  s.group_dro = 0.5;
  const std::string path = std::filesystem::temp_directory_path() / "cardiomm_groups.safetensors";
  tiny_run a, b;
  train::sampling plan_a(s, samples), plan_b(s, samples);
  const train::endless<train::sample> drawn_a(samples, 6, 3, &plan_a),
      drawn_b(samples, 6, 3, &plan_b);
  train::loop<tiny_task> first(a.task, drawn_a, nullptr, options(), {}, &plan_a);
  train::loop<tiny_task> second(b.task, drawn_b, nullptr, options(), {}, &plan_b);

  // One step by hand: batches of two hold one sample of each group.
  double loss[2] = {0, 0};
  {
    tiny_run c;
    const auto parameters = c.task.parameters();
    zero_gradients(c.ex, parameters);
    for (index_t i = 0; i < 2; ++i) {
      const train::sample x = drawn_a.get(0, i);
      loss[x.groups.at("vendor") == "Siemens"] = c.task.accumulate(x, 1, [](auto...) {}).loss;
    }
  }
  first.advance();
  const double ratio = std::exp(0.5 * (loss[0] - loss[1]));
  CHECK(plan_a.weights()[0] == doctest::Approx(ratio / (1 + ratio)).epsilon(1e-6));
  CHECK(plan_a.weights()[0] != 0.5);
  first.advance();
  first.save(path);
  first.run();
  second.resume(path);
  second.run();
  std::filesystem::remove(path);
  CHECK(plan_a.weights() == plan_b.weights());
  const auto x = to_host(first.block().values()), y = to_host(second.block().values());
  bool same = true;
  for (std::size_t i = 0; i < x.size(); ++i) same = same && x(i) == y(i);
  CHECK(same);
}

TEST_CASE("weights of samples scale their gradients") {
  const uneven samples(4, 5);
  train::sampling_options s;
  s.importance = "vendor";
  train::sampling plan(s, samples);
  train::loop_options o = options();
  o.epochs = 1;
  o.batch = 4;
  o.clip = 0;
  o.optimiser.kind = train::optimiser_kind::sgd;
  o.optimiser.rate = 0;
  tiny_run a, b;
  train::loop<tiny_task> run(a.task, samples, nullptr, o, {}, &plan);
  const double norm = run.advance().gradient;
  const train::parameter_block<float, Ex> block(b.ex, b.task.parameters());
  block.zero_gradients(b.ex);
  for (index_t i = 0; i < 4; ++i) {
    const double weight = uneven::vendor(i)[0] == 'G' ? 4 / 2.0 : 4 / 6.0;
    b.task.accumulate(samples.get(0, i), weight / 4, [](auto...) {});
  }
  CHECK(norm == doctest::Approx(train::gradient_norm(b.ex, block)).epsilon(1e-6));
}
