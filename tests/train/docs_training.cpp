// SPDX-License-Identifier: Apache-2.0
// The C++ of docs/{training,training-data,synthetic,distributed,fairness}.md, word for word
// (docs/tools/check.py compares), on a tiny network.
#include <doctest/doctest.h>

#include <filesystem>

#include "cardiomm/train/data_parallel.hpp"
#include "cardiomm/train/group_report.hpp"
#include "cardiomm/train/loop.hpp"
#include "cardiomm/train/masked.hpp"
#include "cardiomm/train/prefetch.hpp"
#include "cardiomm/train/reconstruction_task.hpp"
#include "cardiomm/train/sampling.hpp"
#include "cardiomm/train/start.hpp"
#include "cardiomm/train/synthetic.hpp"
#include "cardiomm/train/training_files.hpp"
#include "io/mutate.hpp"
#include "train/tiny.hpp"

using namespace cardiomm;
using namespace cardiomm_tests;
using Ex = default_space;

namespace {

/// A folder of its own to work in.
struct elsewhere {
  std::filesystem::path before = std::filesystem::current_path(),
                        path = std::filesystem::temp_directory_path() /
                               ("cardiomm-docs-" + std::to_string(getpid()));
  elsewhere() {
    std::filesystem::create_directories(path);
    std::filesystem::current_path(path);
  }
  ~elsewhere() {
    std::filesystem::current_path(before);
    std::filesystem::remove_all(path);
  }
};

/// Blobs of two vendors.
struct of_vendors : tiny_source {
  using tiny_source::tiny_source;
  train::groups groups_of(index_t i) const override { return {{"vendor", i % 4 ? "A" : "B"}}; }
  train::sample get(std::uint64_t epoch, index_t i) const override {
    auto s = tiny_source::get(epoch, i);
    s.groups = groups_of(i);
    return s;
  }
};

}  // namespace

// clang-format off
TEST_CASE("docs: training") {
  const elsewhere here;
  const Ex ex;
  const models::cardiomm<float> net(ex, tiny_sizes());
  train::start_values(ex, net.parameters(), 1);
  const train::reconstruction_options options;
  const tiny_source training(4, 0), validation(2, 100);
  train::loop_options loop_options;
  loop_options.epochs = 1;
  loop_options.batch = 2;
  const bool interrupted = false;
  train::reconstruction_task<float, Ex> task(ex, net, train::code_texts<float>(), options);
  train::loop<decltype(task)> run(task, training, &validation, loop_options);
  if (std::filesystem::exists("state.safetensors")) run.resume("state.safetensors");
  train::loop_hooks hooks;                                     // what is not set is not called
  hooks.on_step = [](const train::step_report& r) { std::printf("step %d, loss %.4f\n", int(r.step), r.loss); };
  hooks.on_validation = [](const train::validation_report& r) { std::printf("validation %.4f\n", r.loss); };
  hooks.stop = [&] { return interrupted; };
  run.run(hooks);
  run.save("state.safetensors");
  run.save_best("best.safetensors", {});
  CHECK(run.ended());
  CHECK(std::filesystem::exists("state.safetensors"));
  CHECK(std::filesystem::exists("best.safetensors"));
}

TEST_CASE("docs: synthetic") {
  const std::uint64_t epoch = 0;
  const index_t i = 0;
  train::synthetic_frames frames({.seed = 42, .first_subject = 0, .subjects = 1000});
  train::full_frame f = frames.get(epoch, i);  // k-space (neighbour, coil, y, x), target, texts
  CHECK(f.kspace.size() > 0);
  CHECK(f.target.size() > 0);
}

TEST_CASE("docs: training data") {
  const elsewhere here;
  const std::uint64_t seed = 1, epoch = 0;
  index_t learnt = 0;
  const auto learn = [&](const train::sample&) { ++learnt; };
  const auto example = [&] {
    train::training_files_options o;
    o.below = {"train"};                          // only files below folders of this name
    o.only = {{"modality", {"cine", "lge"}}};     // and of these modalities
    o.crop_y = 160;                               // centre of the image, k-space made anew
    o.coils = 8;                                  // virtual coils
    const auto frames = std::make_shared<train::training_files>("TRAINING", o);
    const train::masked samples(frames, train::mask_mixture({}, seed));
    train::prefetch<train::sample> ahead(samples, epoch, train::shuffled(seed, epoch, samples.size()), 2);
    while (const auto s = ahead.next()) learn(*s);
  };
  CHECK_THROWS_AS(example(), io_error);  // there is no folder TRAINING here
}

TEST_CASE("docs: several processes") {
  const Ex ex;
  tiny_run t;
  auto& task = t.task;
  const tiny_source samples(4, 0);
  const auto sample_of = [&](index_t i) { return samples.get(0, i); };
  const index_t batch = 4;
  const double rate = 1e-3;
  const train::parameter_block<float, Ex> all(ex, task.parameters());
  train::optimiser<float, Ex> optimiser(ex, {}, all);
  cardiomm::dist::environment processes;                       // starts MPI under a launcher, else nothing
  const auto& team = processes.world();
  train::parameter_block<float, Ex> block(ex, task.parameters());
  train::data_parallel<float, Ex> parallel(ex, team, block, task.parameters());   // values of process 0 on all
  block.zero_gradients(ex);
  double loss[1] = {0};
  parallel.step(batch, [&](index_t i, const train::finished_range& finished) {
    loss[0] += task.accumulate(sample_of(i), 1.0 / batch, finished).loss / batch;  // own samples only
  }, loss);                                                    // gradients and loss of the whole batch
  optimiser.step(ex, block, rate);                             // the same everywhere
  CHECK(loss[0] > 0);
}

TEST_CASE("docs: groups") {
  const elsewhere here;
  const Ex ex;
  tiny_run t;
  auto& task = t.task;
  const of_vendors source(8, 0);
  train::sampling_options options;
  options.balance = "vendor";
  options.group_dro = 0.1;
  options.by = "vendor";
  const std::uint64_t seed = 1, epoch = 0;
  const double batch = 1, rate = 1e-3, factor = 1;
  const train::sample s = source.get(0, 1);
  const train::finished_range finished;
  const train::parameter_block<float, Ex> block(ex, task.parameters());
  block.zero_gradients(ex);
  train::optimiser<float, Ex> opt(ex, {}, block);
  train::state state;
  {
    train::sampling plan(options, source);
    std::vector<index_t> order = plan.order(seed, epoch);            // instead of train::shuffled
    const auto o = task.accumulate(s, plan.weight(s.groups) / batch, finished);
    plan.observe(s.groups, o.loss);                                  // the loss as it is
    // after the last sample of the batch
    opt.step(ex, block, rate, factor);
    plan.update();                                                   // several processes: sum plan.pending() first
    state.put("group_weights", plan.weights());                      // and plan.set_weights(...) to go on
    CHECK(order.size() >= 8);
    CHECK(plan.weights().size() == 2);
  }
  const std::vector<double> dice_of_ge{0.9, 0.91, 0.88, 0.92}, dice_of_siemens{0.94, 0.95, 0.93, 0.96};
  std::vector<train::scored_sample> samples;
  for (int i = 0; i < 4; ++i) {
    samples.push_back({"p" + std::to_string(i), {{"vendor", "GE"}}, {{"ssim", 0.9 + 0.01 * i}}});
    samples.push_back({"q" + std::to_string(i), {{"vendor", "Siemens"}}, {{"ssim", 0.93 + 0.01 * i}}});
  }
  analysis::fairness r = analysis::fairness_report({{"GE", dice_of_ge}, {"Siemens", dice_of_siemens}});
  auto all = train::group_reports(samples);        // every key of groups and figure: all.at({"vendor", "ssim"})
  io::write_csv("groups.csv", train::group_table(all));
  io::write_csv("fairness.csv", train::fairness_table(all));
  CHECK(r.best == "Siemens");
  CHECK(std::filesystem::exists("groups.csv"));
  CHECK(std::filesystem::exists("fairness.csv"));
}
// clang-format on
