// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_PARAMETER_HPP
#define CARDIOMM_NN_PARAMETER_HPP
/// \file
/// Parameters of layers: handles with shared values, so that one slope can serve many layers, and a
/// gradient that exists only where somebody trains.

#include <memory>
#include <utility>
#include <vector>

#include "cardiomm/core/tensor.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

/// A handle: copies share values and gradient. Values are a flat vector in the framework's order,
/// e.g. (out, in, y, x) of a convolution; `extents` says how to read it.
template <class V, ExecutionSpace Ex>
class parameter {
 public:
  parameter() = default;
  /// Zeros of the given extents. `trainable` is false for frozen ones, which get no gradient.
  parameter(const Ex& ex, std::vector<index_t> extents, bool trainable = true)
      : state_(std::make_shared<state>()) {
    index_t n = 1;
    for (const index_t e : extents) {
      require<shape_error>(e >= 0, "parameter: expected extents of at least 0, found ", e);
      n *= e;
    }
    state_->extents = std::move(extents);
    state_->trainable = trainable;
    state_->value = zeros<V>(ex, shape<1>{{n}}, "cardiomm::parameter");
  }

  explicit operator bool() const { return state_ != nullptr; }
  /// True where both are handles of the same values.
  bool same_as(const parameter& other) const { return state_ == other.state_; }

  const std::vector<index_t>& extents() const { return state_->extents; }
  index_t size() const { return static_cast<index_t>(state_->value.extent(0)); }
  view<V, 1, Ex> value() const { return state_->value; }
  V* data() const { return state_->value.data(); }

  bool trainable() const { return state_->trainable; }
  void set_trainable(bool yes) const { state_->trainable = yes; }
  /// Sum of dL/dvalue so far; nullptr where nobody asked for it by `want_gradient`. The gradient
  /// of complex values is dL/dRe + i dL/dIm.
  V* gradient() const { return state_->gradient.data(); }
  view<V, 1, Ex> gradient_view() const { return state_->gradient; }
  /// Makes a gradient of zeros, or sets it to zero.
  void want_gradient(const Ex& ex) const {
    if (!state_->trainable) return;
    if (!state_->gradient.data())
      state_->gradient = zeros<V>(ex, shape<1>{{size()}}, "cardiomm::gradient");
    else
      Kokkos::deep_copy(ex, state_->gradient, V(0));
  }
  /// Moves the values and the gradient, both of `size()` numbers, into memory of somebody else, who
  /// keeps it alive (see train/parameter_block.hpp): the values are copied, the gradient is what
  /// lies there.
  void move_to(const Ex& ex, const tensor<V, 1, Ex>& value,
               const tensor<V, 1, Ex>& gradient) const {
    Kokkos::deep_copy(ex, value, state_->value);
    state_->value = value;
    state_->gradient = gradient;
  }

 private:
  struct state {
    std::vector<index_t> extents;
    tensor<V, 1, Ex> value, gradient;
    bool trainable = true;
  };
  std::shared_ptr<state> state_;
};

/// Parameters with their names, in the order of the layers; shared ones appear once per use.
template <class V, ExecutionSpace Ex>
using named_parameters = std::vector<std::pair<std::string, parameter<V, Ex>>>;

/// Appends `more` with a prefix to every name.
template <class V, ExecutionSpace Ex>
void append(named_parameters<V, Ex>& all, const std::string& prefix,
            const named_parameters<V, Ex>& more) {
  for (const auto& p : more) all.emplace_back(prefix + p.first, p.second);
}

/// Gives every trainable parameter a gradient of zeros.
template <class V, ExecutionSpace Ex>
void zero_gradients(const Ex& ex, const named_parameters<V, Ex>& all) {
  for (const auto& p : all) p.second.want_gradient(ex);
}

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
