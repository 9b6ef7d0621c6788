// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_SCHEDULE_HPP
#define CARDIOMM_TRAIN_SCHEDULE_HPP
/// \file
/// Learning rates as functions of the number of steps taken, and of nothing else, so that a resumed
/// run goes on with the same ones.

#include <cmath>
#include <optional>
#include <string>

#include "cardiomm/core/error.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

enum class schedule_kind { constant, step, cosine, one_cycle };

/// The kind of that name. Throws value_error for another one.
inline schedule_kind schedule_kind_of(const std::string& name) {
  if (name == "constant") return schedule_kind::constant;
  if (name == "step") return schedule_kind::step;
  if (name == "cosine") return schedule_kind::cosine;
  require(name == "one_cycle",
          "schedule: kind: expected constant, step, cosine or one_cycle, found \"", name, "\"");
  return schedule_kind::one_cycle;
}
inline const char* name_of(schedule_kind kind) {
  constexpr const char* names[] = {"constant", "step", "cosine", "one_cycle"};
  return names[int(kind)];
}

/// How the rate changes; the defaults are the published recipe of CardioMM.
struct schedule_options {
  schedule_kind kind = schedule_kind::step;
  /// Whether the rate changes between epochs only. Without a value true for `step`, false for the
  /// others.
  std::optional<bool> per_epoch = std::nullopt;
  // step
  index_t every = 5;  ///< epochs, or steps where per_epoch is false
  double gamma = 0.3;
  // cosine
  double minimum = 0;  ///< rate at the end
  // one_cycle
  double rise = 0.3;                     ///< part of the run in which the rate grows
  double divide = 25, divide_end = 1e4;  ///< first rate = rate / divide, last = first / divide_end
  // in front of any but one_cycle, which has its own
  index_t warm_up = 0;          ///< steps of linear growth
  double warm_up_start = 0.01;  ///< part of the rate at the first step
};

/// Rates of a run of `steps` steps. Equal to PyTorch's StepLR, CosineAnnealingLR (up to its end,
/// after which it stays at the minimum) and OneCycleLR; a warm-up is LinearLR in front of them
/// (SequentialLR), and they begin after it.
class schedule {
 public:
  /// Throws value_error for numbers outside their domain.
  schedule(const schedule_options& options, double rate, std::uint64_t steps,
           std::uint64_t steps_per_epoch)
      : options_(options), rate_(rate), steps_(steps) {
    require(rate >= 0 && std::isfinite(rate), "schedule: rate: expected at least 0, found ", rate);
    require(steps > 0 && steps_per_epoch > 0,
            "schedule: expected at least one step and one an epoch, found ", steps, " and ",
            steps_per_epoch);
    require(options.every > 0, "schedule: every: expected at least 1, found ", options.every);
    require(options.gamma >= 0 && std::isfinite(options.gamma),
            "schedule: gamma: expected at least 0, found ", options.gamma);
    require(options.minimum >= 0 && std::isfinite(options.minimum),
            "schedule: minimum: expected at least 0, found ", options.minimum);
    require(options.rise >= 0 && options.rise <= 1,
            "schedule: rise: expected a part of 0 to 1, found ", options.rise);
    require(options.divide > 0 && options.divide_end > 0,
            "schedule: divide: expected numbers above 0, found ", options.divide, " and ",
            options.divide_end);
    require(options.warm_up >= 0, "schedule: warm-up: expected at least 0 steps, found ",
            options.warm_up);
    require(options.warm_up_start >= 0 && options.warm_up_start <= 1,
            "schedule: warm-up: expected a part of 0 to 1 to start from, found ",
            options.warm_up_start);
    if (options.per_epoch.value_or(options.kind == schedule_kind::step)) unit_ = steps_per_epoch;
  }

  const schedule_options& options() const { return options_; }

  /// The rate of a step; `taken` steps were taken before it.
  double rate(std::uint64_t taken) const {
    if (options_.kind == schedule_kind::one_cycle) return cycle(double(taken / unit_));
    const auto warm = std::uint64_t(options_.warm_up);
    if (taken < warm)
      return rate_ *
             (options_.warm_up_start + (1 - options_.warm_up_start) * double(taken) / double(warm));
    const std::uint64_t at = (taken - warm) / unit_;
    const std::uint64_t whole = units(steps_ > warm ? steps_ - warm : 1);
    switch (options_.kind) {
      case schedule_kind::step:
        return rate_ * std::pow(options_.gamma, double(at / std::uint64_t(options_.every)));
      case schedule_kind::cosine:
        return between(rate_, options_.minimum, at < whole ? double(at) / double(whole) : 1);
      default:
        return rate_;
    }
  }

 private:
  std::uint64_t units(std::uint64_t steps) const { return (steps + unit_ - 1) / unit_; }
  /// From a to b along half a cosine.
  static double between(double a, double b, double part) {
    return b + (a - b) * (1 + std::cos(3.14159265358979323846 * part)) / 2;
  }
  double cycle(double at) const {
    const double first = rate_ / options_.divide, last = first / options_.divide_end;
    const double end = double(units(steps_)) - 1, top = options_.rise * (end + 1) - 1;
    if (at <= top) return between(first, rate_, top > 0 ? at / top : 1);
    return between(rate_, last, at < end ? (at - top) / (end - top) : 1);
  }

  schedule_options options_;
  double rate_;
  std::uint64_t steps_, unit_ = 1;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
