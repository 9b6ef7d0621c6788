// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_SAMPLE_HPP
#define CARDIOMM_TRAIN_SAMPLE_HPP
/// \file
/// What training is fed with. A source is a pure function of (epoch, index): samples come out the
/// same whoever asks for them, in whatever order, on however many threads or machines, which is
/// what makes a run repeatable and resumable.

#include <map>
#include <string>

#include "cardiomm/core/tensor.hpp"
#include "cardiomm/nn/text/metadata.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// Groups that reports and weights go by, e.g. {"vendor", "Siemens"}, {"acceleration", "8"}.
using groups = std::map<std::string, std::string>;

/// One fully sampled frame.
struct full_frame {
  host_tensor<complex<float>, 4> kspace;  ///< (neighbour, coil, y, x), centred, orthonormal
  host_tensor<float, 2> target;           ///< (y, x), root sum of squares of the middle neighbour
  float data_range = 1;                   ///< largest target of the volume
  nn::text::metadata acquisition;
  std::string subject, name;  ///< of the person or phantom; of the frame, for messages
};

/// What a network is trained on: one undersampled frame. Neighbours are 1 or an odd number, the
/// middle one being the frame.
struct sample {
  host_tensor<complex<float>, 4> kspace;  ///< (neighbour, coil, y, x), zero outside the mask
  host_tensor<std::uint8_t, 2> mask;      ///< (y, x), 0 or 1
  host_tensor<float, 2> target;           ///< (y, x)
  float data_range = 1;                   ///< of structural similarity
  index_t acs = 20;                       ///< central lines
  nn::text::metadata acquisition;
  nn::text::undersampling sampling;
  std::string subject, name;
  train::groups groups;
};

/// Where samples come from. `get` is called by several threads at once.
template <class S>
class source {
 public:
  using value_type = S;
  virtual ~source() = default;
  /// Samples of an epoch.
  virtual index_t size() const = 0;
  /// Sample `i` < size() of an epoch (counted from 0): always the same for the same arguments.
  virtual S get(std::uint64_t epoch, index_t i) const = 0;
  /// Groups of sample `i` that are known without making it.
  virtual train::groups groups_of(index_t) const { return {}; }
  /// One line that tells this source from others; a resumed run compares it.
  virtual std::string description() const = 0;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
