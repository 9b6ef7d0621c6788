// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_TASK_HPP
#define CARDIOMM_TRAIN_TASK_HPP
/// \file
/// What is trained: a network with its loss.

#include <functional>

#include "cardiomm/nn/parameter.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// What the loss of a sample and its image are.
struct outcome {
  double loss = 0;
  host_tensor<float, 2> image;  ///< (y, x); only where it was asked for
};

/// A task has parameters, and adds the gradient of one sample at a time, so that batches need the
/// memory of one. `finished(first, last)` is told during backward that the gradients of the
/// parameters `first` to `last` - 1 in the order of `parameters()` are complete for this sample:
/// sums over machines may start there.
///
///     named_parameters<T, Ex> parameters() const;
///     outcome accumulate(const sample&, double weight, const finished_range& finished);
///     outcome evaluate(const sample&);            // with the image, no gradient
using finished_range = std::function<void(std::size_t first, std::size_t last)>;

template <class K>
concept Task = requires(K& k, const typename K::sample_type& s, const finished_range& f) {
  typename K::value_type;
  typename K::execution_space;
  { k.space() } -> std::convertible_to<const typename K::execution_space&>;
  {
    k.parameters()
    } -> std::convertible_to<
        nn::named_parameters<typename K::value_type, typename K::execution_space>>;
  { k.accumulate(s, 1.0, f) } -> std::same_as<outcome>;
  { k.evaluate(s) } -> std::same_as<outcome>;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
