// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_ORDER_HPP
#define CARDIOMM_TRAIN_ORDER_HPP
/// \file
/// The order in which an epoch sees the samples.

#include <numeric>
#include <utility>
#include <vector>

#include "cardiomm/train/draws.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// The numbers 0 to n - 1 in a random order that belongs to (seed, epoch). (Fisher and Yates)
inline std::vector<index_t> shuffled(std::uint64_t seed, std::uint64_t epoch, index_t n) {
  require(n >= 0, "order: expected a number of samples of at least 0, found ", n);
  std::vector<index_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), index_t(0));
  draws d(seed, epoch, 0, "order");
  for (std::size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[static_cast<std::size_t>(d.below(static_cast<index_t>(i)))]);
  return order;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
