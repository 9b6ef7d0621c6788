// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_PARAMETER_BLOCK_HPP
#define CARDIOMM_TRAIN_PARAMETER_BLOCK_HPP
/// \file
/// All trainable parameters of a network in one piece of memory, and their gradients in another, so
/// that an optimiser's step, a norm, an average or a sum over machines is one pass over one vector.

#include <algorithm>

#include "cardiomm/nn/parameter.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// Keeps the order of the list; parameters that are shared (several names) are there once, frozen
/// ones not at all. Layers go on to use their handles and see the block. One block per network.
template <class T, ExecutionSpace Ex>
class parameter_block {
 public:
  /// Where a parameter lies.
  struct entry {
    std::string name;
    nn::parameter<T, Ex> parameter;
    index_t first, size;
  };

  parameter_block(const Ex& ex, const nn::named_parameters<T, Ex>& all) {
    index_t n = 0;
    for (const auto& [name, p] : all) {
      const auto known = std::find_if(entries_.begin(), entries_.end(),
                                      [&p = p](const entry& e) { return e.parameter.same_as(p); });
      place_.push_back(n);
      if (known != entries_.end() || !p.trainable()) continue;
      entries_.push_back({name, p, n, p.size()});
      n += (p.size() + lane - 1) / lane * lane;  // every parameter starts on a cache line
    }
    place_.push_back(n);
    values_ = zeros<T>(ex, shape<1>{{n}}, "cardiomm::train::values");
    gradients_ = zeros<T>(ex, shape<1>{{n}}, "cardiomm::train::gradients");
    for (const entry& e : entries_) {
      const auto range = Kokkos::make_pair(e.first, e.first + e.size);
      e.parameter.move_to(ex, tensor<T, 1, Ex>(Kokkos::subview(values_, range)),
                          tensor<T, 1, Ex>(Kokkos::subview(gradients_, range)));
    }
  }

  /// Numbers, padding (zeros) included.
  index_t size() const { return index_t(values_.extent(0)); }
  /// Numbers that are trained.
  index_t count() const {
    index_t n = 0;
    for (const entry& e : entries_) n += e.size;
    return n;
  }
  view<T, 1, Ex> values() const { return values_; }
  view<T, 1, Ex> gradients() const { return gradients_; }
  const std::vector<entry>& entries() const { return entries_; }
  /// Where new parameters from the i-th name of the list on begin; the end for i = number of names.
  index_t offset(std::size_t i) const { return place_[i]; }
  void zero_gradients(const Ex& ex) const { Kokkos::deep_copy(ex, gradients_, T(0)); }

 private:
  static constexpr index_t lane = 64 / index_t(sizeof(T));
  std::vector<entry> entries_;
  std::vector<index_t> place_;
  tensor<T, 1, Ex> values_, gradients_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
