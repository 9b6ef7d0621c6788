// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_GROUP_SAMPLER_HPP
#define CARDIOMM_TRAIN_GROUP_SAMPLER_HPP
/// \file
/// Orders of an epoch in which samples, or groups of samples, have chosen shares. Like `shuffled`
/// they are functions of (seed, epoch) alone.

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "cardiomm/train/order.hpp"
#include "cardiomm/train/sample.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// Which group each sample belongs to.
struct grouping {
  std::vector<std::string> names;  ///< in alphabetical order
  std::vector<index_t> of;         ///< number of the name of each sample

  /// Samples of each group.
  std::vector<index_t> counts() const {
    std::vector<index_t> n(names.size(), 0);
    for (const index_t g : of) ++n[std::size_t(g)];
    return n;
  }
};

/// Groups of samples by the name that each has.
inline grouping group_by(const std::vector<std::string>& name_of_each) {
  std::map<std::string, index_t> known;
  for (const auto& name : name_of_each) known.emplace(name, 0);
  grouping g;
  for (auto& entry : known) {
    entry.second = index_t(g.names.size());
    g.names.push_back(entry.first);
  }
  for (const auto& name : name_of_each) g.of.push_back(known.at(name));
  return g;
}

/// Groups of the samples of a source by a key, e.g. "vendor". Throws value_error where a sample has
/// no such group before it is made (as the acceleration of masks that are drawn).
template <class S>
grouping group_by(const source<S>& samples, const std::string& key) {
  std::vector<std::string> names;
  for (index_t i = 0; i < samples.size(); ++i) {
    const train::groups all = samples.groups_of(i);
    const auto found = all.find(key);
    if (found == all.end()) {
      std::string others;
      for (const auto& entry : all) others += (others.empty() ? "" : ", ") + entry.first;
      require(false, "groups: ", key, ": expected a group that is known before sample ", i,
              " is made (", others.empty() ? "none is" : "known: " + others, ")");
    }
    names.push_back(found->second);
  }
  return group_by(names);
}

namespace detail {
inline void check_weights(const std::vector<double>& weights) {
  bool any = false;
  for (const double w : weights) {
    require(w >= 0 && std::isfinite(w), "order: weights: expected numbers of at least 0, found ",
            w);
    any = any || w > 0;
  }
  require(any, "order: weights: expected one above 0, found none in ", weights.size());
}
}  // namespace detail

/// `n` samples drawn with replacement, each time sample i with probability weights[i] / sum. Throws
/// value_error for weights that are negative, not finite or all 0.
inline std::vector<index_t> weighted_order(std::uint64_t seed, std::uint64_t epoch,
                                           const std::vector<double>& weights, index_t n) {
  detail::check_weights(weights);
  require(n >= 0, "order: expected a number of samples of at least 0, found ", n);
  std::vector<double> sums;
  double sum = 0;
  std::size_t last = 0;  // with a weight: what rounding at the end falls on
  for (std::size_t i = 0; i < weights.size(); ++i) {
    sums.push_back(sum += weights[i]);
    if (weights[i] > 0) last = i;
  }
  std::vector<index_t> order;
  draws d(seed, epoch, 0, "weighted order");
  for (index_t k = 0; k < n; ++k) {
    const auto at = std::upper_bound(sums.begin(), sums.end(), d.unit() * sum) - sums.begin();
    order.push_back(index_t(std::min(std::size_t(at), last)));
  }
  return order;
}

/// All samples with a weight above 0, drawn one after another without replacement, each time with
/// probabilities proportional to the weights of those that are left; equal weights make it a plain
/// permutation. Source: Efraimidis and Spirakis, Inf. Process. Lett. 97 (2006). Throws as
/// weighted_order.
inline std::vector<index_t> weighted_permutation(std::uint64_t seed, std::uint64_t epoch,
                                                 const std::vector<double>& weights) {
  detail::check_weights(weights);
  std::vector<std::pair<double, index_t>> keys;
  draws d(seed, epoch, 0, "weighted permutation");
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double wait = -std::log(d.unit());  // exponentially distributed
    if (weights[i] > 0) keys.emplace_back(wait / weights[i], index_t(i));
  }
  std::sort(keys.begin(), keys.end());
  std::vector<index_t> order;
  for (const auto& k : keys) order.push_back(k.second);
  return order;
}

/// `n` samples of which each group has the same share, whatever its size: any G consecutive ones
/// from a multiple of G on are of G different groups, in random order, so that batches of a
/// multiple of G samples are balanced exactly. Within its group a sample is drawn with replacement;
/// without, each group is gone through in random orders one after another, so that none of its
/// samples comes a second time before all came once. Groups without samples are left out.
inline std::vector<index_t> balanced_order(std::uint64_t seed, std::uint64_t epoch,
                                           const grouping& groups, index_t n,
                                           bool replacement = true) {
  require(n >= 0, "order: expected a number of samples of at least 0, found ", n);
  std::vector<std::vector<index_t>> members(groups.names.size());
  for (std::size_t i = 0; i < groups.of.size(); ++i)
    members[std::size_t(groups.of[i])].push_back(index_t(i));
  std::erase_if(members, [](const auto& m) { return m.empty(); });
  require(n == 0 || !members.empty(), "order: groups: expected samples, found none");
  std::vector<std::vector<index_t>> ahead(members.size());  // without replacement
  std::vector<std::uint64_t> rounds(members.size(), 0);
  std::vector<index_t> order, turn;
  draws d(seed, epoch, 0, "balanced order");
  while (index_t(order.size()) < n) {
    if (turn.empty()) {
      turn.resize(members.size());
      std::iota(turn.begin(), turn.end(), index_t(0));
    }
    const auto at = std::size_t(d.below(index_t(turn.size())));
    const auto g = std::size_t(turn[at]);
    turn.erase(turn.begin() + std::ptrdiff_t(at));
    const auto& m = members[g];
    if (replacement) {
      order.push_back(m[std::size_t(d.below(index_t(m.size())))]);
      continue;
    }
    if (ahead[g].empty())
      for (const index_t i :
           shuffled(hash_of("group", seed + g), epoch << 32 | rounds[g]++, index_t(m.size())))
        ahead[g].push_back(m[std::size_t(i)]);
    order.push_back(ahead[g].back());
    ahead[g].pop_back();
  }
  return order;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
