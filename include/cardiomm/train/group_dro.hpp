// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_GROUP_DRO_HPP
#define CARDIOMM_TRAIN_GROUP_DRO_HPP
/// \file
/// Group distributionally robust optimisation: groups with large losses get larger weights, and
/// keep them over the steps.

#include <algorithm>
#include <cmath>
#include <vector>

#include "cardiomm/core/error.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// Weights q of G groups: q_g <- q_g exp(eta l_g), divided by their sum; after t steps with the
/// same losses q_g ~ exp(eta t l_g). The loss is sum q_g l_g, its gradient sum q_g grad l_g.
/// Source: Sagawa et al., ICLR 2020, algorithm 1.
///
/// Whole losses at hand:
///
///     const double loss = dro.step({0.2, 0.8});              // then gradients with dro.weights()
///
/// Samples one at a time, as tasks have them. Their weights are those from before the step, since
/// gradients and losses come together; a batch of B samples is
///
///     for (sample s of group g) dro.observe(g, accumulate(s, dro.factor(g) / B).loss);
///     dro.update();
///
/// where factor(g) = q_g / (share of g among the samples): the expected gradient is that of
/// sum q_g l_g however often groups are drawn, and factors have mean 1 over the samples.
class group_dro {
 public:
  /// Equal weights at first. `shares` are the groups' shares among the samples that come; empty:
  /// equal ones. Throws value_error for no group, eta below 0 or shares that are not above 0.
  group_dro(index_t groups, double eta, std::vector<double> shares = {})
      : eta_(eta), shares_(std::move(shares)) {
    require(groups >= 1, "group DRO: expected at least 1 group, found ", groups);
    require(eta >= 0 && std::isfinite(eta), "group DRO: eta: expected at least 0, found ", eta);
    const auto n = std::size_t(groups);
    if (shares_.empty()) shares_.assign(n, 1);
    require<shape_error>(shares_.size() == n, "group DRO: shares: expected ", n, " numbers, found ",
                         shares_.size());
    double sum = 0;
    for (const double s : shares_) {
      require(s > 0 && std::isfinite(s), "group DRO: shares: expected numbers above 0, found ", s);
      sum += s;
    }
    for (double& s : shares_) s /= sum;
    q_.assign(n, 1 / double(n));
    pending_.assign(2 * n, 0);
  }

  double eta() const { return eta_; }
  index_t size() const { return index_t(q_.size()); }
  /// q, which add up to 1. This is the whole state between steps.
  const std::vector<double>& weights() const { return q_; }
  /// Restores q. Throws value_error unless they are G numbers of at least 0 with the sum 1.
  void set_weights(const std::vector<double>& q) {
    require<shape_error>(q.size() == q_.size(), "group DRO: weights: expected ", q_.size(),
                         " numbers, found ", q.size());
    double sum = 0;
    for (const double v : q) {
      require(v >= 0, "group DRO: weights: expected numbers of at least 0, found ", v);
      sum += v;
    }
    require(std::abs(sum - 1) < 1e-6, "group DRO: weights: expected the sum 1, found ", sum);
    q_ = q;
  }

  /// Updates the weights by the losses of the groups and returns sum q_g l_g with the new ones.
  /// Groups without a sample have the loss NaN: their weight changes by the division alone, and
  /// they are left out of the sum. Throws value_error for infinite losses.
  double step(const std::vector<double>& losses) {
    require<shape_error>(losses.size() == q_.size(), "group DRO: losses: expected ", q_.size(),
                         " numbers, found ", losses.size());
    double top = 0, sum = 0, loss = 0;  // exp(eta (l - top)) does not overflow
    bool any = false;
    for (const double l : losses) {
      require(!std::isinf(l), "group DRO: losses: expected finite numbers, found ", l);
      if (std::isnan(l)) continue;
      top = any ? std::max(top, l) : l;
      any = true;
    }
    if (!any) return 0;
    top = std::max(top, 0.0);  // groups without a sample have the exponent 0
    for (std::size_t g = 0; g < q_.size(); ++g)
      sum += q_[g] *= std::exp(eta_ * ((std::isnan(losses[g]) ? 0 : losses[g]) - top));
    for (std::size_t g = 0; g < q_.size(); ++g) {
      q_[g] /= sum;
      if (!std::isnan(losses[g])) loss += q_[g] * losses[g];
    }
    return loss;
  }

  /// What the loss of a sample of group g is multiplied with: q_g / share_g.
  double factor(index_t g) const { return q_[at(g)] / shares_[at(g)]; }
  /// Keeps the loss of a sample until `update`. Throws value_error where it is not finite.
  void observe(index_t g, double loss) {
    require(std::isfinite(loss), "group DRO: loss: expected a finite number, found ", loss);
    pending_[at(g)] += loss;
    pending_[q_.size() + at(g)] += 1;
  }
  /// Sums of losses, then numbers of samples, of each group since the last update: several
  /// processes add them up before each calls `update`.
  std::vector<double>& pending() { return pending_; }
  /// `step` by l_g = (sum of the losses of g) / (share_g times the number of samples): the mean
  /// where each group has its share of the batch exactly, and of the right expectation where chance
  /// decides which groups a batch has. Without samples nothing changes.
  void update() {
    const std::size_t n = q_.size();
    double samples = 0;
    for (std::size_t g = 0; g < n; ++g) samples += pending_[n + g];
    if (!(samples > 0)) return;
    std::vector<double> losses(n);
    for (std::size_t g = 0; g < n; ++g) losses[g] = pending_[g] / (shares_[g] * samples);
    step(losses);
    pending_.assign(2 * n, 0);
  }

 private:
  std::size_t at(index_t g) const {
    require(g >= 0 && g < size(), "group DRO: expected a group of 0 to ", size() - 1, ", found ",
            g);
    return std::size_t(g);
  }

  double eta_;
  std::vector<double> q_, shares_, pending_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
