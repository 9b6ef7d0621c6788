// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_START_HPP
#define CARDIOMM_TRAIN_START_HPP
/// \file
/// First values of all parameters of a network by one seed.

#include "cardiomm/nn/init.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// Weights (out, in, ...) and the biases that follow them as the framework starts convolutions and
/// linear layers, banks of prompts uniform in (0, 1); everything else (slopes, gains, weights of
/// the data consistency) stays as it is. A value belongs to the seed, the place of its parameter in
/// the list, and its place in the parameter.
template <class T, ExecutionSpace Ex>
void start_values(const Ex& ex, const nn::named_parameters<T, Ex>& all, std::uint64_t seed) {
  const auto ends = [](const std::string& name, const std::string& with) {
    return name.size() >= with.size() &&
           name.compare(name.size() - with.size(), with.size(), with) == 0;
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& [name, p] = all[i];
    const std::uint64_t stream = 0x5EED00000000u + i;
    if (ends(name, "prompt_param")) {
      random::fill_uniform(ex, p.value(), seed, stream);
    } else if (ends(name, "weight") && p.extents().size() >= 2) {
      nn::init::kaiming_uniform(ex, p, std::sqrt(5.0), seed, stream);
    } else if (ends(name, "bias") && p.extents().size() == 1 && i > 0) {
      const auto& [before, weight] = all[i - 1];
      const std::string stem = name.substr(0, name.size() - 4);
      if (before == stem + "weight" && weight.extents().size() >= 2)
        nn::init::uniform(ex, p, 1 / std::sqrt(nn::init::detail::fans_of(weight).in), seed, stream);
    }
  }
  ex.fence();
}

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
