// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_SAMPLING_HPP
#define CARDIOMM_TRAIN_SAMPLING_HPP
/// \file
/// How uneven groups are trained on: balanced orders, importance weights, Group DRO, or some of
/// them together; what a loop asks for the order of an epoch and the weight of a sample.
///
///     train::sampling plan(options, source);
///     for (index_t i : plan.order(seed, epoch)) {
///       const auto s = source.get(epoch, i);
///       plan.observe(s.groups, task.accumulate(s, plan.weight(s.groups) / batch, f).loss);
///       ...                          // after the last sample of the batch:
///       opt.step(...);
///       plan.update();               // several processes: plan.pending() is summed before
///     }

#include <optional>

#include "cardiomm/train/group_dro.hpp"
#include "cardiomm/train/group_sampler.hpp"
#include "cardiomm/train/importance.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// Keys are those of groups, e.g. "vendor". The default is every sample once an epoch, all alike.
struct sampling_options {
  std::string balance;      ///< key of groups that get equal shares of an epoch; empty: none
  bool replacement = true;  ///< of samples within a balanced group, see balanced_order
  std::string importance;   ///< key of groups whose losses get balanced_weights; empty: none
  double group_dro = 0;     ///< eta of Group DRO; 0: none
  std::string by;           ///< key of its groups; empty: that of `balance` or `importance`
  /// Its groups where they are known only when a sample is made (acceleration); else left empty.
  std::vector<std::string> groups;

  std::string dro_key() const { return !by.empty() ? by : !balance.empty() ? balance : importance; }
};

class sampling {
 public:
  sampling() = default;

  /// Throws value_error where a key names no groups of the source.
  template <class S>
  sampling(const sampling_options& options, const source<S>& samples)
      : options_(options), size_(samples.size()) {
    if (!options.balance.empty()) balanced_ = group_by(samples, options.balance);
    if (!options.importance.empty()) {
      const grouping g = group_by(samples, options.importance);
      const std::vector<double> w = balanced_weights(g.counts());
      for (std::size_t i = 0; i < w.size(); ++i) importance_[g.names[i]] = w[i];
    }
    require(options.group_dro >= 0, "sampling: group DRO: expected an eta of at least 0, found ",
            options.group_dro);
    if (!(options.group_dro > 0)) return;
    require(!options.dro_key().empty(),
            "sampling: group DRO: expected a key of groups, e.g. by: vendor, found none");
    std::vector<double> shares;
    names_ = options.groups;
    if (names_.empty()) {
      const grouping g = group_by(samples, options.dro_key());
      names_ = g.names;
      shares = shares_of(g);
    }
    for (const auto& name : names_)
      require(std::count(names_.begin(), names_.end(), name) == 1,
              "sampling: groups: expected different ones, found ", name, " more than once");
    dro_.emplace(index_t(names_.size()), options.group_dro, std::move(shares));
  }

  /// Indices of the samples of an epoch, as many as the source has: a function of (seed, epoch).
  std::vector<index_t> order(std::uint64_t seed, std::uint64_t epoch) const {
    return balanced_ ? balanced_order(seed, epoch, *balanced_, size_, options_.replacement)
                     : shuffled(seed, epoch, size_);
  }

  /// What the gradient of a sample of these groups is multiplied with; 1 on average.
  double weight(const train::groups& of) const {
    double w = 1;
    if (!importance_.empty()) {
      const auto found = importance_.find(name_of(of, options_.importance));
      require(found != importance_.end(), "sampling: ", options_.importance,
              ": expected a group of the source, found ", name_of(of, options_.importance));
      w = found->second;
    }
    return dro_ ? w * dro_->factor(group_of(of)) : w;
  }
  /// Keeps the loss of a sample (without its weight) for `update`.
  void observe(const train::groups& of, double loss) {
    if (dro_) dro_->observe(group_of(of), loss);
  }
  /// What several processes add up before `update`; empty without Group DRO.
  std::vector<double>& pending() {
    static thread_local std::vector<double> none;
    none.clear();
    return dro_ ? dro_->pending() : none;
  }
  /// After each step of the optimiser.
  void update() {
    if (dro_) dro_->update();
  }

  /// Names and weights of the groups of Group DRO; the weights are what a checkpoint keeps. Both
  /// are empty without it.
  const std::vector<std::string>& names() const { return names_; }
  std::vector<double> weights() const { return dro_ ? dro_->weights() : std::vector<double>{}; }
  void set_weights(const std::vector<double>& q) {
    if (dro_) return dro_->set_weights(q);
    require<shape_error>(q.empty(), "sampling: weights: expected none, found ", q.size());
  }

 private:
  static const std::string& name_of(const train::groups& of, const std::string& key) {
    const auto found = of.find(key);
    require(found != of.end(), "sampling: ", key, ": expected a sample with such a group, found ",
            of.size(), " others");
    return found->second;
  }
  index_t group_of(const train::groups& of) const {
    const std::string key = options_.dro_key();
    const std::string& name = name_of(of, key);
    const auto found = std::find(names_.begin(), names_.end(), name);
    require(found != names_.end(), "sampling: ", key,
            ": expected one of the groups that are weighed, found ", name);
    return index_t(found - names_.begin());
  }
  /// Of the groups among the samples of an epoch, when those of `balance` are equally frequent.
  std::vector<double> shares_of(const grouping& g) const {
    std::vector<double> shares(g.names.size(), 0.0);
    const auto counts = balanced_ ? balanced_->counts() : std::vector<index_t>{};
    for (std::size_t i = 0; i < g.of.size(); ++i)
      shares[std::size_t(g.of[i])] +=
          balanced_ ? 1 / double(counts[std::size_t(balanced_->of[i])]) : 1;
    return shares;
  }

  sampling_options options_;
  index_t size_ = 0;
  std::optional<grouping> balanced_;
  std::map<std::string, double> importance_;
  std::vector<std::string> names_;
  std::optional<group_dro> dro_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
