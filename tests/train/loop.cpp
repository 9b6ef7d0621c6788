// SPDX-License-Identifier: Apache-2.0
// The loop on a tiny CardioMM and random k-space: it learns, ends early, names what is not finite,
// and goes on to the same bits wherever it was stopped.
#include "cardiomm/train/loop.hpp"

#include <doctest/doctest.h>

#include "cardiomm/train/reconstruction_task.hpp"
#include "cardiomm/train/start.hpp"
#include "io/mutate.hpp"
#include "train/tiny.hpp"

using namespace cardiomm;
using namespace cardiomm_tests;
using Ex = default_space;

namespace {

train::loop_options quick() {
  train::loop_options o;
  o.epochs = 3;
  o.batch = 2;
  o.clip = 1;
  o.average = 0.5;
  o.optimiser.rate = 3e-3;
  return o;
}

std::vector<float> values(const train::parameter_block<float, Ex>& b) {
  const auto host = to_host(b.values());
  return {host.data(), host.data() + host.size()};
}

}  // namespace

TEST_CASE("loop: the loss falls, validation keeps the best, the history has it all") {
  tiny_run t;
  tiny_source training(5, 0), validation(2, 100);
  train::loop_options o = quick();
  o.epochs = 6;
  train::loop<tiny_task> run(t.task, training, &validation, o);
  CHECK(run.steps_per_epoch() == 3);
  CHECK(run.total_steps() == 18);
  const double before = run.validate().loss;
  std::vector<train::validation_report> seen;
  std::size_t steps = 0;
  train::loop_hooks h;
  h.on_validation = [&](const auto& v) { seen.push_back(v); };
  h.on_step = [&](const auto& s) { CHECK(s.step == ++steps); };
  CHECK(run.run(h) == train::loop_end::finished);
  CHECK(run.ended());
  CHECK(steps == 18);
  REQUIRE(seen.size() == 6);
  CHECK(seen.back().loss < before);
  double best = before;
  for (const auto& v : seen) best = std::min(best, v.loss);
  CHECK(run.best_loss() == best);
  CHECK(seen.back().samples.size() == 2);
  CHECK(seen.back().samples[0].quality.ssim == doctest::Approx(1 - seen.back().samples[0].loss));
  CHECK(run.course().rows().size() == 18 + 7);
  CHECK(run.course().table().rows.size() == 25);
  CHECK(io::svg(run.course().chart()).find("validation") != std::string::npos);
}

TEST_CASE("loop: a run that was stopped anywhere goes on to the same bits") {
  tiny_source training(5, 0), validation(2, 100);
  const train::loop_options o = quick();
  tiny_run whole;
  train::loop<tiny_task> all(whole.task, training, &validation, o);
  CHECK(all.run() == train::loop_end::finished);
  const scratch w;
  all.save_best(w / "best", {});
  all.save_last(w / "last", {});
  for (const std::uint64_t stop : {1u, 3u, 4u, 8u, 9u, 103u, 106u}) {
    {
      tiny_run part;
      train::loop<tiny_task> first(part.task, training, &validation, o);
      train::loop_hooks h;
      std::uint64_t at = 0;
      h.on_step = [&](const auto& r) { at = r.step; };
      h.stop = [&] { return at == stop; };
      if (stop > 100) {  // in the middle of the validation after a step
        struct killed {};
        h.on_validation = [&](const auto& v) {
          if (v.step != stop - 100) return;
          first.save(w / "state");
          throw killed();
        };
        CHECK_THROWS_AS(first.run(h), killed);
      } else {
        CHECK(first.run(h) == train::loop_end::stopped);
        first.save(w / "state");
      }
    }
    tiny_run other(7);  // other first values: the state has to bring all
    train::loop<tiny_task> second(other.task, training, &validation, o);
    second.resume(w / "state");
    CHECK(second.step() == stop % 100);
    CHECK(second.run() == train::loop_end::finished);
    CHECK(values(second.block()) == values(all.block()));
    second.save_best(w / "best2", {});
    second.save_last(w / "last2", {});
    CHECK(slurp(w / "best") == slurp(w / "best2"));
    CHECK(slurp(w / "last") == slurp(w / "last2"));
    REQUIRE(second.course().rows().size() == all.course().rows().size());
    for (std::size_t i = 0; i < all.course().rows().size(); ++i) {
      auto a = all.course().rows()[i], b = second.course().rows()[i];
      CHECK((a.loss == b.loss || std::isnan(a.loss)));
      CHECK((a.validation_loss == b.validation_loss || std::isnan(a.validation_loss)));
    }
  }
}

TEST_CASE("loop: ends by patience, tells what is not finite and what does not belong to the run") {
  tiny_source training(2, 0), validation(1, 100);
  {
    tiny_run t;
    train::loop_options o = quick();
    o.epochs = 50;
    o.patience = 2;
    o.optimiser.rate = 0;  // nothing ever becomes better
    train::loop<tiny_task> run(t.task, training, &validation, o);
    CHECK(run.run() == train::loop_end::patience);
    CHECK(run.step() == 3);  // the best one is the first
    CHECK(run.best_step() == 1);
    CHECK(run.run() == train::loop_end::patience);
    const scratch w;
    run.save(w / "state");
    tiny_run u;
    train::loop_options other = o;
    other.batch = 1;
    train::loop<tiny_task> no(u.task, training, &validation, other);
    CHECK_THROWS_WITH_AS(no.resume(w / "state"),
                         doctest::Contains("expected 'batch: 1', found 'batch: 2'"), value_error);
    spit(w / "bad", std::string(100, 'x'));
    CHECK_THROWS_AS(no.resume(w / "bad"), io_error);
    run.save_best(w / "net", {});
    CHECK_THROWS_WITH_AS(no.resume(w / "net"), doctest::Contains("cardiomm.training"), io_error);
  }
  tiny_run t;
  training.broken = true;
  train::loop<tiny_task> run(t.task, training, &validation, quick());
  CHECK_THROWS_WITH_AS(run.run(), doctest::Contains("broken frame"), value_error);
}
