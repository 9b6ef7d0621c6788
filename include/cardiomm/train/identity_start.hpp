// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_IDENTITY_START_HPP
#define CARDIOMM_TRAIN_IDENTITY_START_HPP
/// \file
/// First values with which every U-Net of CardioMM hands its input on, so that the untrained
/// network is an iterative reconstruction already: maps from the centre of k-space, then
/// projections onto the data and onto what the maps allow (POCS-SENSE), one a cascade. A small
/// network learns from there what a short training cannot find from random values. Our choice; the
/// published networks start at random.

#include <algorithm>

#include "cardiomm/models/cardiomm.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// Changes random values (train/start.hpp): the first channels of the first and the last
/// convolution copy the image; what residual branches, the path from below and the other channels
/// add to it is multiplied by `small`, and so are the weights of the data consistency, which are 1
/// and take half a step. Throws value_error where the first level has fewer channels
/// than the image has.
template <class T, ExecutionSpace Ex>
void start_as_identity(const Ex& ex, const models::cardiomm<T, Ex>& net, double small = 0.1) {
  const auto ends = [](const std::string& name, const std::string& with) {
    return name.size() >= with.size() &&
           name.compare(name.size() - with.size(), with.size(), with) == 0;
  };
  // weights (out, in, y, x); outputs below `copied` become copies of the inputs
  const auto copy_channels = [&](const nn::parameter<T, Ex>& p, index_t copied, double others) {
    const auto& e = p.extents();
    const index_t taps = e[2] * e[3], middle = e[2] / 2 * e[3] + e[3] / 2;
    require(copied <= e[0] && copied <= e[1], "identity start: expected at least ", copied,
            " channels at the first level, found ", std::min(e[0], e[1]));
    const auto w = to_host(p.value());
    for (index_t o = 0; o < e[0]; ++o)
      for (index_t i = 0; i < e[1]; ++i)
        for (index_t t = 0; t < taps; ++t) {
          T& v = w((o * e[1] + i) * taps + t);
          v = o < copied ? T(double(v) * others + (o == i && t == middle ? 1 : 0)) : v;
        }
    copy(p.value(), w);
  };
  for (const auto& [name, p] : net.parameters()) {
    const bool maps = name.compare(0, 9, "sens_net.") == 0;
    const index_t channels = maps ? 2 : 2 * net.sizes().adjacent;
    if (ends(name, "feat_extract.weight"))
      copy_channels(p, channels, 0);
    else if (ends(name, "conv_last.weight"))
      copy_channels(p, channels, small);
    else if (ends(name, ".body.2.weight") || ends(name, ".up.1.weight") || ends(name, ".up.1.bias"))
      blas1::scale(ex, T(small), p.value());
  }
  ex.fence();
}

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
