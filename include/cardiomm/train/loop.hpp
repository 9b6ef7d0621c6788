// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_LOOP_HPP
#define CARDIOMM_TRAIN_LOOP_HPP
/// \file
/// Training: epochs of batches, one step of the optimiser each, validation, early stop, the best
/// weights. Everything random belongs to (seed, epoch, index), and the state holds all the rest:
/// a run that was stopped anywhere goes on to the same bits.
///
///     train::loop<Task> run(task, training, &validation, options);
///     run.resume("state.safetensors");              // where there is one
///     run.run({.on_step = ..., .on_validation = ..., .stop = ...});
///     run.save("state.safetensors");

#include <array>
#include <chrono>
#include <optional>

#include "cardiomm/train/average.hpp"
#include "cardiomm/train/checkpoint.hpp"
#include "cardiomm/train/clip.hpp"
#include "cardiomm/train/data_parallel.hpp"
#include "cardiomm/train/history.hpp"
#include "cardiomm/train/optimiser.hpp"
#include "cardiomm/train/order.hpp"
#include "cardiomm/train/prefetch.hpp"
#include "cardiomm/train/sample.hpp"
#include "cardiomm/train/sampling.hpp"
#include "cardiomm/train/schedule.hpp"
#include "cardiomm/train/score.hpp"
#include "cardiomm/train/task.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// How a run goes; the defaults are the published recipe of CardioMM (4 machines with
/// a sample each).
struct loop_options {
  std::uint64_t seed = 42;
  index_t epochs = 15;
  index_t batch = 4;     ///< samples of a step, of all processes together
  double clip = 0.01;    ///< largest norm of the gradient; 0: any
  double average = 0;    ///< decay of the moving average that is validated and kept; 0: none
  bool shuffled = true;  ///< samples of an epoch in random order
  optimiser_options optimiser;
  schedule_options schedule;
  index_t validate_every = 1;  ///< epochs
  index_t patience = 0;  ///< validations without a better loss after which the run ends; 0: none
  index_t record_every = 0;  ///< steps of a row of the history; 0: about 100 rows an epoch
  int threads = 1;           ///< that make samples ahead; 0: none
  index_t depth = 4;         ///< samples that are made ahead at most
  /// Told apart when a run is resumed, beside the options above.
  std::string fingerprint;

  void check() const {
    require(epochs >= 1, "training: epochs: expected at least 1, found ", epochs);
    require(batch >= 1, "training: batch: expected at least 1, found ", batch);
    require(std::isfinite(clip) && clip >= 0, "training: clip: expected at least 0, found ", clip);
    require(average >= 0 && average < 1,
            "training: average: expected a number of 0 to below 1, found ", average);
    require(validate_every >= 1, "training: validation every: expected at least 1 epoch, found ",
            validate_every);
    require(patience >= 0, "training: patience: expected at least 0, found ", patience);
    require(record_every >= 0, "training: record every: expected at least 0 steps, found ",
            record_every);
  }
};

/// What a step did.
struct step_report {
  std::uint64_t step = 0, epoch = 0;  ///< taken so far; of this step, from 0
  double loss = 0;                    ///< mean over the batch
  double rate = 0, gradient = 0;
};

/// What a validation found: means over subjects of means over their samples, but the loss, which is
/// the mean over samples.
struct validation_report {
  struct one {
    std::string subject;
    groups of;
    double loss = 0;
    score quality;
  };
  std::uint64_t step = 0, epoch = 0;  ///< taken so far
  double loss = 0;
  score mean;
  bool best = false;
  std::vector<one> samples;  ///< in the order of the source; of this process's share otherwise
};

/// Who wants to see what happens, and to stop it.
struct loop_hooks {
  std::function<void(const step_report&)> on_step{};
  std::function<void(const validation_report&)> on_validation{};
  std::function<void(index_t done, index_t all)> on_validated_sample{};
  std::function<bool()> stop{};  ///< asked after each step
};

enum class loop_end { finished, patience, stopped };

template <Task K>
class loop {
 public:
  using T = typename K::value_type;
  using Ex = typename K::execution_space;
  using S = typename K::sample_type;

  /// `validation` may be null. `plan` weighs the samples by their groups, and its state becomes
  /// that of the loop. All references have to outlive the loop.
  loop(K& task, const source<S>& training, const source<S>* validation, const loop_options& o,
       const dist::communicator& team = {}, sampling* plan = nullptr)
      : task_(task),
        ex_(task.space()),
        training_(training),
        validation_(validation),
        options_((o.check(), o)),
        team_(team),
        plan_(plan),
        parameters_(task.parameters()),
        block_(ex_, parameters_),
        parallel_(ex_, team, block_, parameters_),
        optimiser_(ex_, o.optimiser, block_),
        steps_per_epoch_(steps_of(training.size(), o.batch)),
        schedule_(o.schedule, o.optimiser.rate, total_steps(), steps_per_epoch_) {
    require(!validation || validation->size() > 0,
            "training: validation: expected at least one sample, found none");
    if (o.average > 0) average_.emplace(ex_, block_, o.average);
  }

  std::uint64_t step() const { return optimiser_.steps(); }
  std::uint64_t epoch() const { return step() / steps_per_epoch_; }
  std::uint64_t steps_per_epoch() const { return steps_per_epoch_; }
  std::uint64_t total_steps() const { return steps_per_epoch_ * std::uint64_t(options_.epochs); }
  const loop_options& options() const { return options_; }
  const parameter_block<T, Ex>& block() const { return block_; }
  const train::history& course() const { return history_; }
  double best_loss() const { return best_loss_; }
  std::uint64_t best_step() const { return best_step_; }
  /// Steps taken before the last validation; 0 before the first.
  std::uint64_t validated_step() const { return validated_; }
  /// Seconds of the run so far, over all its parts.
  double seconds() const {
    return before_ + std::chrono::duration<double>(clock::now() - started_).count();
  }
  /// Whether there is nothing left to do.
  bool ended() const { return !due_ && (step() >= total_steps() || out_of_patience()); }

  /// Goes on until the end or until somebody stops it.
  loop_end run(const loop_hooks& hooks = {}) {
    while (true) {
      if (due_) validate(hooks);
      if (out_of_patience()) return loop_end::patience;
      if (step() >= total_steps()) return loop_end::finished;
      const step_report r = advance();
      if (hooks.on_step) hooks.on_step(r);
      if (hooks.stop && together(hooks.stop())) return loop_end::stopped;
    }
  }

  /// One step. Throws value_error naming the sample where a loss or gradient is not finite.
  step_report advance() {
    const std::uint64_t taken = step(), e = taken / steps_per_epoch_;
    const index_t size = batch_of(taken % steps_per_epoch_);
    if (!ahead_ || ahead_epoch_ != e) look_ahead(e, taken % steps_per_epoch_);
    block_.zero_gradients(ex_);
    // the loss, then what groups lost
    std::vector<double> sums(1 + (plan_ ? plan_->pending().size() : 0), 0.0);
    std::string names;
    parallel_.step(
        size,
        [&](index_t, const finished_range& finished) {
          const S s = *ahead_->next();
          const double weight = plan_ ? plan_->weight(groups_of(s)) : 1;
          const outcome o = task_.accumulate(s, weight / double(size), finished);
          require(std::isfinite(o.loss), "training: epoch ", e + 1, ", ", name_of(s),
                  ": loss: expected a finite number, found ", o.loss);
          sums[0] += o.loss / double(size);
          if (plan_) plan_->observe(groups_of(s), o.loss);
          if (plan_) std::copy_n(plan_->pending().begin(), sums.size() - 1, sums.begin() + 1);
          names += (names.empty() ? "" : ", ") + name_of(s);
        },
        sums);
    if (plan_) std::copy(sums.begin() + 1, sums.end(), plan_->pending().begin());
    step_report r;
    r.epoch = e;
    r.loss = sums[0];
    r.rate = schedule_.rate(taken);
    r.gradient = gradient_norm(ex_, block_);
    require(std::isfinite(r.gradient), "training: epoch ", e + 1, ", ", names,
            ": gradient: expected finite numbers, found ", r.gradient, ", first in ",
            first_not_finite(ex_, block_));
    optimiser_.step(ex_, block_, r.rate,
                    options_.clip > 0 ? clip_factor(r.gradient, options_.clip) : 1);
    if (average_) average_->update(ex_, block_);
    if (plan_) plan_->update();
    r.step = step();
    record(r);
    if (r.step % steps_per_epoch_ == 0) {
      const std::uint64_t done = r.step / steps_per_epoch_;
      due_ = done % std::uint64_t(options_.validate_every) == 0 || r.step == total_steps();
    }
    return r;
  }

  /// Judges the weights as they are (their average, where there is one) and keeps the best.
  validation_report validate(const loop_hooks& hooks = {}) {
    validation_report v;
    v.step = step();
    v.epoch = epoch();
    {
      const average_in_use<T, Ex> now(ex_, average_ ? &*average_ : nullptr, block_);
      if (validation_) judge(v, hooks);
      v.best = !validation_ || v.loss < best_loss_ || best_.empty();
      if (v.best) {
        best_loss_ = validation_ ? v.loss : history_row::none;
        best_step_ = v.step;
        const auto values = to_host(block_.values());
        best_.assign(values.data(), values.data() + values.size());
      }
    }
    worse_ = v.best ? 0 : worse_ + 1;
    due_ = false;
    validated_ = v.step;
    if (validation_) {
      history_row row;
      row.step = double(v.step);
      row.epoch = double((v.step + steps_per_epoch_ - 1) / steps_per_epoch_);
      row.validation_loss = v.loss;
      row.ssim = v.mean.ssim;
      row.nmse = v.mean.nmse;
      row.psnr = v.mean.psnr;
      row.seconds = seconds();
      history_.add(row);
    }
    if (hooks.on_validation) hooks.on_validation(v);
    return v;
  }

  /// Writes the best network so far, of the last validation; facts go into its metadata. This and
  /// `save_last` are for one process.
  void save_best(const std::string& path, const facts& metadata) {
    require(!best_.empty(), "training: best weights: expected a validation, found none");
    const auto kept = clone(ex_, block_.values());
    copy(block_.values(), view<const T, 1, host_space>(best_.data(), best_.size()));
    save_network(path, parameters_, metadata);
    Kokkos::deep_copy(ex_, block_.values(), kept);
    ex_.fence();
  }
  /// Writes the network as it is now (its average, where there is one).
  void save_last(const std::string& path, const facts& metadata) {
    const average_in_use<T, Ex> now(ex_, average_ ? &*average_ : nullptr, block_);
    save_network(path, parameters_, metadata);
  }

  /// Writes all that `resume` needs, aside at first. All processes call it; the first one writes.
  void save(const std::string& path) const {
    parallel_.check_equal();
    if (!team_.first()) return;
    state s;
    s.tell("cardiomm.training", "1");
    s.tell("identity", identity());
    s.put("values", block_.values());
    for (const auto& [name, p] : parameters_)
      if (!p.trainable()) s.put("frozen." + name, p.value());
    for (const auto& [name, v] : optimiser_.state()) s.put("optimiser." + name, v);
    if (average_) s.put("average", average_->values());
    if (plan_ && !plan_->weights().empty()) s.put("group_weights", plan_->weights());
    if (!best_.empty()) s.put("best", best_);
    s.put("history", history_.numbers());
    s.put("counters",
          std::vector<std::uint64_t>{optimiser_.steps(), average_ ? average_->updates() : 0,
                                     best_step_, std::uint64_t(worse_), std::uint64_t(due_),
                                     std::uint64_t(recorded_), validated_});
    s.put("numbers", std::vector<double>{best_loss_, loss_sum_, gradient_sum_, seconds()});
    s.save(path);
  }

  /// Goes on where `save` was. Throws io_error for files that are no states, value_error for those
  /// of another run.
  void resume(const std::string& path) {
    const state s(path);
    require<io_error>(s.told("cardiomm.training") == "1", path,
                      ": expected a training state of version 1, found ",
                      s.told("cardiomm.training"));
    require(s.told("identity") == identity(), path,
            ": belongs to another run: ", difference(s.told("identity"), identity()));
    const auto counters = s.template get<std::uint64_t>("counters");
    const auto numbers = s.template get<double>("numbers");
    require<io_error>(counters.size() == 7 && numbers.size() == 4, path,
                      ": expected 7 counters and 4 numbers, found ", counters.size(), " and ",
                      numbers.size());
    s.get("values", block_.values());
    for (const auto& [name, p] : parameters_)
      if (!p.trainable()) s.get("frozen." + name, p.value());
    for (const auto& [name, v] : optimiser_.state()) s.get("optimiser." + name, v);
    if (average_) s.get("average", average_->values());
    if (plan_ && !plan_->weights().empty())
      plan_->set_weights(s.template get<double>("group_weights"));
    if (s.contains("best")) best_ = s.template get<T>("best");
    history_ = train::history::from(s.template get<double>("history"));
    optimiser_.set_steps(counters[0]);
    if (average_) average_->set_updates(counters[1]);
    best_step_ = counters[2];
    worse_ = index_t(counters[3]);
    due_ = counters[4] != 0;
    recorded_ = index_t(counters[5]);
    validated_ = counters[6];
    best_loss_ = numbers[0];
    loss_sum_ = numbers[1];
    gradient_sum_ = numbers[2];
    before_ = numbers[3];
    started_ = clock::now();
    ahead_.reset();
  }

 private:
  using clock = std::chrono::steady_clock;

  static std::uint64_t steps_of(index_t samples, index_t batch) {
    require(samples > 0, "training: expected at least one sample, found none");
    return std::uint64_t((samples + batch - 1) / batch);
  }
  static std::string name_of(const S& s) {
    return s.name.empty() ? "sample of " + s.subject : s.name;
  }
  bool out_of_patience() const { return options_.patience > 0 && worse_ >= options_.patience; }
  /// True on all processes where it is on one.
  bool together(bool yes) const {
    std::uint8_t v = yes;
    team_.any(&v, 1);
    return v != 0;
  }

  /// Everything that makes a run this one, one fact a line.
  std::string identity() const {
    std::string names;
    for (const auto& [name, p] : parameters_) names += name + " " + std::to_string(p.size()) + "\n";
    const loop_options& o = options_;
    std::string all;
    const auto fact = [&](const char* what, const std::string& value) {
      all += std::string(what) + ": " + value + "\n";
    };
    fact("seed", std::to_string(o.seed));
    fact("epochs", std::to_string(o.epochs));
    fact("batch", std::to_string(o.batch));
    fact("parameters", std::to_string(block_.count()) + ", " + std::to_string(hash_of(names)));
    fact("optimiser", train::name_of(o.optimiser.kind));
    fact("schedule", train::name_of(o.schedule.kind));
    fact("training data", training_.description());
    fact("validation data", validation_ ? validation_->description() : "none");
    return all + o.fingerprint;
  }
  /// The first line that differs.
  static std::string difference(const std::string& before, const std::string& now) {
    std::size_t a = 0, b = 0;
    while (a < before.size() || b < now.size()) {
      const std::size_t ea = std::min(before.find('\n', a), before.size());
      const std::size_t eb = std::min(now.find('\n', b), now.size());
      const std::string x = a < before.size() ? before.substr(a, ea - a) : "nothing";
      const std::string y = b < now.size() ? now.substr(b, eb - b) : "nothing";
      if (x != y) return "expected '" + y + "', found '" + x + "'";
      a = ea + 1;
      b = eb + 1;
    }
    return "no difference";
  }

  /// Samples of a step of an epoch.
  index_t batch_of(std::uint64_t step) const {
    return std::min(options_.batch, training_.size() - index_t(step) * options_.batch);
  }
  /// Begins to make the samples of this process, from a step of an epoch on.
  void look_ahead(std::uint64_t e, std::uint64_t step) {
    std::vector<index_t> order(std::size_t(training_.size()));
    if (options_.shuffled)
      order = shuffled(options_.seed, e, training_.size());
    else
      std::iota(order.begin(), order.end(), index_t(0));
    std::vector<index_t> mine;
    for (; step < steps_per_epoch_; ++step) {
      const batch_share share = parallel_.share(batch_of(step));
      for (index_t i = share.first; i < share.last; ++i)
        mine.push_back(order[std::size_t(index_t(step) * options_.batch + i)]);
    }
    ahead_.reset();
    ahead_.emplace(training_, e, std::move(mine), options_.threads, options_.depth);
    ahead_epoch_ = e;
  }

  void record(const step_report& r) {
    loss_sum_ += r.loss;
    gradient_sum_ += r.gradient;
    ++recorded_;
    const std::uint64_t every = options_.record_every > 0
                                    ? std::uint64_t(options_.record_every)
                                    : std::max<std::uint64_t>(1, steps_per_epoch_ / 100);
    if (r.step % every != 0 && r.step % steps_per_epoch_ != 0) return;
    history_row row;
    row.step = double(r.step);
    row.epoch = double(r.epoch + 1);
    row.loss = loss_sum_ / double(recorded_);
    row.gradient = gradient_sum_ / double(recorded_);
    row.rate = r.rate;
    row.seconds = seconds();
    history_.add(row);
    loss_sum_ = gradient_sum_ = 0;
    recorded_ = 0;
  }

  void judge(validation_report& v, const loop_hooks& hooks) {
    const index_t n = validation_->size();
    constexpr int figures = 5;  // loss, score, a number of the subject
    std::vector<double> all(std::size_t(figures * n), 0);
    for (index_t i = team_.rank(); i < n; i += team_.size()) {
      const S s = validation_->get(0, i);
      const outcome o = task_.evaluate(s);
      require(std::isfinite(o.loss), "validation: ", name_of(s),
              ": loss: expected a finite number, found ", o.loss);
      const score q = score_of(s, o);
      const double subject = double(hash_of(s.subject) >> 12);
      const double row[figures] = {o.loss, q.ssim, q.nmse, q.psnr, subject};
      std::copy_n(row, figures, all.begin() + figures * i);
      v.samples.push_back({s.subject, groups_of(s), o.loss, q});
      if (hooks.on_validated_sample) hooks.on_validated_sample(i + 1, n);
    }
    team_.sum(all.data(), index_t(all.size()));
    std::map<double, std::array<double, figures>> subjects;  // sums of scores, and how many
    for (index_t i = 0; i < n; ++i) {
      const double* row = all.data() + figures * i;
      v.loss += row[0] / double(n);
      auto& sum = subjects[row[4]];
      for (int f = 1; f < 4; ++f) sum[std::size_t(f)] += row[f];
      sum[0] += 1;
    }
    v.mean = {0, 0, 0};
    const double m = double(subjects.size());
    for (const auto& entry : subjects) {
      const auto& sum = entry.second;
      v.mean.ssim += sum[1] / sum[0] / m;
      v.mean.nmse += sum[2] / sum[0] / m;
      v.mean.psnr += sum[3] / sum[0] / m;
    }
  }
  static groups groups_of(const S& s) {
    if constexpr (requires { s.groups; })
      return s.groups;
    else
      return {};
  }

  K& task_;
  Ex ex_;
  const source<S>& training_;
  const source<S>* validation_;
  loop_options options_;
  dist::communicator team_;
  sampling* plan_;
  nn::named_parameters<T, Ex> parameters_;
  parameter_block<T, Ex> block_;
  data_parallel<T, Ex> parallel_;
  train::optimiser<T, Ex> optimiser_;
  std::optional<weight_average<T, Ex>> average_;
  std::uint64_t steps_per_epoch_;
  train::schedule schedule_;

  std::optional<prefetch<S>> ahead_;
  std::uint64_t ahead_epoch_ = 0;
  train::history history_;
  std::vector<T> best_;
  double best_loss_ = history_row::none;
  std::uint64_t best_step_ = 0, validated_ = 0;
  index_t worse_ = 0, recorded_ = 0;
  bool due_ = false;
  double loss_sum_ = 0, gradient_sum_ = 0, before_ = 0;
  clock::time_point started_ = clock::now();
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
