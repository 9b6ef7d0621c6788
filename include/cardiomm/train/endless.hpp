// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_ENDLESS_HPP
#define CARDIOMM_TRAIN_ENDLESS_HPP
/// \file
/// Epochs of any length from a source of any size.

#include <array>
#include <mutex>

#include "cardiomm/train/sampling.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// The samples of a source in random order, again and again, cut into epochs of `per_epoch`
/// samples: every sample comes once before any comes twice. The source is asked for its epoch 0
/// during the first round, 1 during the second, and so on. With a plan the order of each round is
/// the plan's; a sample that comes again within a round is another draw, of epoch
/// round + k 2^40 for the k-th repetition. Source and plan have to live longer.
template <class S>
class endless : public source<S> {
 public:
  endless(const source<S>& from, index_t per_epoch, std::uint64_t seed,
          const sampling* plan = nullptr)
      : from_(from), per_epoch_(per_epoch), seed_(seed), plan_(plan) {
    require(from.size() > 0, "endless: expected at least one sample, found none");
    require(per_epoch > 0, "endless: samples of an epoch: expected at least 1, found ", per_epoch);
  }

  index_t size() const override { return per_epoch_; }
  S get(std::uint64_t epoch, index_t i) const override {
    const auto n = static_cast<std::uint64_t>(from_.size());
    const std::uint64_t at =
        epoch * static_cast<std::uint64_t>(per_epoch_) + static_cast<std::uint64_t>(i);
    const turn t = place(at / n, static_cast<std::size_t>(at % n));
    return from_.get(at / n + (t.repeated << 40), t.index);
  }
  std::string description() const override {
    return from_.description() + "; " + std::to_string(per_epoch_) + " an epoch, seed " +
           std::to_string(seed_);
  }

 private:
  struct turn {
    index_t index = 0;
    std::uint64_t repeated = 0;  ///< how often the sample came before in the round
  };
  /// Orders of two rounds are kept, because an epoch may end in the middle of one.
  turn place(std::uint64_t round, std::size_t at) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    kept& k = kept_[round % 2];
    if (k.order.empty() || k.round != round) {
      k = {round, {}};
      std::vector<std::uint64_t> seen(plan_ ? static_cast<std::size_t>(from_.size()) : 0);
      for (const index_t i :
           plan_ ? plan_->order(seed_, round) : shuffled(seed_, round, from_.size()))
        k.order.push_back({i, plan_ ? seen[static_cast<std::size_t>(i)]++ : 0});
    }
    return k.order[at];
  }

  struct kept {
    std::uint64_t round = 0;
    std::vector<turn> order;
  };
  const source<S>& from_;
  index_t per_epoch_;
  std::uint64_t seed_;
  const sampling* plan_;
  mutable std::mutex mutex_;
  mutable std::array<kept, 2> kept_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
