// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_OPTIMISER_HPP
#define CARDIOMM_TRAIN_OPTIMISER_HPP
/// \file
/// Optimisers: SGD (momentum, Nesterov), Adam and AdamW with PyTorch's conventions. A step is one
/// kernel over the flat vectors of a parameter_block; the state is flat vectors of the same order
/// and a number of steps, which is all that a checkpoint keeps.
///
///     train::optimiser<float, Ex> opt(ex, options, block);
///     for (...) {
///       block.zero_gradients(ex);
///       for (const auto& s : batch) task.accumulate(s, 1.0 / batch.size(), finished);
///       const auto clipped = train::measure_clipping(ex, block, 0.01);
///       opt.step(ex, block, plan.rate(opt.steps()), clipped.factor);
///     }
///
/// Accumulation over several samples, or over machines, is the weight of `accumulate`: gradients
/// add up in the block until `zero_gradients`.

#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cardiomm/core/launch.hpp"
#include "cardiomm/nn/packets.hpp"
#include "cardiomm/train/parameter_block.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

enum class optimiser_kind { sgd, adam, adamw };

/// The kind of that name. Throws value_error for another one.
inline optimiser_kind optimiser_kind_of(const std::string& name) {
  if (name == "sgd") return optimiser_kind::sgd;
  if (name == "adam") return optimiser_kind::adam;
  require(name == "adamw", "optimiser: kind: expected sgd, adam or adamw, found \"", name, "\"");
  return optimiser_kind::adamw;
}
inline const char* name_of(optimiser_kind kind) {
  return kind == optimiser_kind::sgd ? "sgd" : kind == optimiser_kind::adam ? "adam" : "adamw";
}

/// What an optimiser does; the defaults are the published recipe of CardioMM.
struct optimiser_options {
  optimiser_kind kind = optimiser_kind::adamw;
  double rate = 2e-4;  ///< of the first step; schedules start from it
  // Adam and AdamW
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  // SGD
  double momentum = 0, dampening = 0;
  bool nesterov = false;
  /// SGD and Adam add it times the values to the gradient, AdamW shrinks the values by rate times
  /// it. Without a value 0.01 for AdamW and 0 for the others, as PyTorch has it.
  std::optional<double> weight_decay = std::nullopt;

  double decay() const { return weight_decay.value_or(kind == optimiser_kind::adamw ? 0.01 : 0); }
  /// Throws value_error for numbers outside their domain.
  void check() const {
    const auto at_least_0 = [](const char* what, double v) {
      require(v >= 0 && std::isfinite(v), "optimiser: ", what,
              ": expected a number of at least 0, found ", v);
    };
    at_least_0("rate", rate);
    at_least_0("eps", eps);
    at_least_0("momentum", momentum);
    at_least_0("weight decay", decay());
    require(std::isfinite(dampening), "optimiser: dampening: expected a number, found ", dampening);
    for (const double b : {beta1, beta2})
      require(b >= 0 && b < 1, "optimiser: betas: expected numbers of 0 to below 1, found ", b);
    require(!nesterov || (momentum > 0 && dampening == 0),
            "optimiser: nesterov: expected a momentum above 0 and no dampening, found ", momentum,
            " and ", dampening);
  }
};

namespace detail {

/// p -= rate * (g + mu * b) or rate * b, b = mu b + keep (g + decay p); b is null without momentum.
template <class R, class Ex>
struct sgd_kernel {
  static constexpr const char* name = "cardiomm::train::sgd";
  R* p;
  R* b;
  const R* g;
  R rate, decay, scale, momentum, keep;
  bool nesterov;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    nn::packets<R, Ex>(first, last, [this](auto tag, index_t i) {
      using L = typename decltype(tag)::type;
      using traits = lane_traits<L>;
      const L value = traits::load(p + i);
      L step = traits::load(g + i) * L(scale) + L(decay) * value;
      if (b) {
        const L buffer = L(momentum) * traits::load(b + i) + L(keep) * step;
        traits::store(b + i, buffer);
        step = nesterov ? step + L(momentum) * buffer : buffer;
      }
      traits::store(p + i, value - L(rate) * step);
    });
  }
};

/// First and second moment and the step along their quotient.
template <class R, class Ex>
struct adam_kernel {
  static constexpr const char* name = "cardiomm::train::adam";
  R* p;
  R* m;
  R* v;
  const R* g;
  R scale, decay, shrink, beta1, new1, beta2, new2, rate, root, eps;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    nn::packets<R, Ex>(first, last, [this](auto tag, index_t i) {
      using L = typename decltype(tag)::type;
      using traits = lane_traits<L>;
      const L value = traits::load(p + i);
      const L gradient = traits::load(g + i) * L(scale) + L(decay) * value;
      const L mean = L(beta1) * traits::load(m + i) + L(new1) * gradient;
      const L square = L(beta2) * traits::load(v + i) + L(new2) * gradient * gradient;
      traits::store(m + i, mean);
      traits::store(v + i, square);
      traits::store(p + i,
                    L(shrink) * value - L(rate) * mean / (traits::sqrt(square) * L(root) + L(eps)));
    });
  }
};

}  // namespace detail

/// SGD, Adam or AdamW; formulas as torch.optim.SGD, Adam and AdamW (Kingma, Ba, ICLR 2015;
/// Loshchilov, Hutter, ICLR 2019). Data in T, bias corrections in double on the host.
template <class T, ExecutionSpace Ex>
class optimiser {
 public:
  using real_type = real_of<T>;  ///< complex parameters are pairs of numbers

  /// Zero state for a block. Throws value_error for options outside their domain.
  optimiser(const Ex& ex, const optimiser_options& options, const parameter_block<T, Ex>& block)
      : options_(options), size_(block.size()) {
    options.check();
    const auto vector = [&](const char* name) {
      state_.emplace_back(name, zeros<real_type>(ex, shape<1>{{size_ * each}}, name));
    };
    if (options.kind != optimiser_kind::sgd) {
      vector("mean");
      vector("square");
    } else if (options.momentum > 0) {
      vector("momentum");
    }
  }

  const optimiser_options& options() const { return options_; }
  /// Steps taken.
  std::uint64_t steps() const { return steps_; }
  void set_steps(std::uint64_t n) { steps_ = n; }
  /// What a checkpoint keeps besides steps(): write into the views to restore.
  std::vector<std::pair<std::string, view<real_type, 1, Ex>>> state() const {
    return {state_.begin(), state_.end()};
  }

  /// One step with the gradients of the block times `gradient_scale` (see clip.hpp). The rate
  /// belongs to this step. Throws shape_error for a block of another size.
  void step(const Ex& ex, const parameter_block<T, Ex>& block, double rate,
            double gradient_scale = 1) {
    require<shape_error>(block.size() == size_, "optimiser: block: expected ", size_,
                         " numbers, found ", block.size());
    ++steps_;
    using R = real_type;
    R* const p = reinterpret_cast<R*>(block.values().data());
    const R* const g = reinterpret_cast<const R*>(block.gradients().data());
    const double decay = options_.decay();
    if (options_.kind == optimiser_kind::sgd) {
      const bool momentum = options_.momentum > 0;
      launch::segments(ex, size_ * each,
                       detail::sgd_kernel<R, Ex>{
                           p, momentum ? state_[0].second.data() : nullptr, g, R(rate), R(decay),
                           R(gradient_scale), R(options_.momentum),
                           R(steps_ == 1 ? 1 : 1 - options_.dampening), options_.nesterov});
      return;
    }
    const bool decoupled = options_.kind == optimiser_kind::adamw;
    const double b1 = options_.beta1, b2 = options_.beta2, n = double(steps_);
    launch::segments(ex, size_ * each,
                     detail::adam_kernel<R, Ex>{
                         p, state_[0].second.data(), state_[1].second.data(), g, R(gradient_scale),
                         R(decoupled ? 0 : decay), R(decoupled ? 1 - rate * decay : 1), R(b1),
                         R(1 - b1), R(b2), R(1 - b2), R(rate / (1 - std::pow(b1, n))),
                         R(1 / std::sqrt(1 - std::pow(b2, n))), R(options_.eps)});
  }

 private:
  static constexpr index_t each = is_complex<T> ? 2 : 1;
  optimiser_options options_;
  index_t size_;
  std::uint64_t steps_ = 0;
  std::vector<std::pair<std::string, tensor<real_type, 1, Ex>>> state_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
