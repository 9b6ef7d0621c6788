// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_AVERAGE_HPP
#define CARDIOMM_TRAIN_AVERAGE_HPP
/// \file
/// An exponential moving average of the values of a network, which often validates better than the
/// last values do.

#include "cardiomm/core/launch.hpp"
#include "cardiomm/nn/packets.hpp"
#include "cardiomm/train/parameter_block.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

namespace detail {
/// a += part (p - a)
template <class R, class Ex>
struct average_kernel {
  static constexpr const char* name = "cardiomm::train::average";
  R* a;
  const R* p;
  R part;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    nn::packets<R, Ex>(first, last, [this](auto tag, index_t i) {
      using L = typename decltype(tag)::type;
      using traits = lane_traits<L>;
      const L old = traits::load(a + i);
      traits::store(a + i, old + L(part) * (traits::load(p + i) - old));
    });
  }
};
template <class R>
struct exchange_kernel {
  static constexpr const char* name = "cardiomm::train::exchange";
  R* a;
  R* b;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      const R kept = a[i];
      a[i] = b[i];
      b[i] = kept;
    }
  }
};
}  // namespace detail

/// a <- decay a + (1 - decay) values after each step; the first one copies the values (as
/// torch.optim.swa_utils.AveragedModel with get_ema_multi_avg_fn).
///
///     average.update(ex, block);               // after each step of the optimiser
///     {
///       const train::average_in_use<float, Ex> now(ex, &average, block);
///       ...                                    // the network computes with the averages
///     }                                        // and again with its own values
template <class T, ExecutionSpace Ex>
class weight_average {
 public:
  using real_type = real_of<T>;

  /// Throws value_error unless 0 <= decay < 1.
  weight_average(const Ex& ex, const parameter_block<T, Ex>& block, double decay)
      : decay_(decay), average_(clone(ex, block.values())) {
    require(decay >= 0 && decay < 1, "average: decay: expected a number of 0 to below 1, found ",
            decay);
  }

  double decay() const { return decay_; }
  std::uint64_t updates() const { return updates_; }
  void set_updates(std::uint64_t n) { updates_ = n; }
  /// The averages (while exchanged: the values of the network); write into them to restore.
  view<T, 1, Ex> values() const { return average_; }
  bool exchanged() const { return exchanged_; }

  /// Takes in the values of the block. Throws value_error while exchanged.
  void update(const Ex& ex, const parameter_block<T, Ex>& block) {
    check(block);
    require(!exchanged_, "average: update while the network computes with the averages");
    if (updates_++ == 0) {
      Kokkos::deep_copy(ex, average_, block.values());
      return;
    }
    launch::segments(
        ex, average_.size() * each,
        detail::average_kernel<real_type, Ex>{reals(average_.data()), reals(block.values().data()),
                                              real_type(1 - decay_)});
  }
  /// Exchanges averages and values of the block; a second time undoes it.
  void exchange(const Ex& ex, const parameter_block<T, Ex>& block) {
    check(block);
    launch::segments(
        ex, average_.size() * each,
        detail::exchange_kernel<real_type>{reals(average_.data()), reals(block.values().data())});
    exchanged_ = !exchanged_;
  }

 private:
  static constexpr index_t each = is_complex<T> ? 2 : 1;
  static real_type* reals(T* x) { return reinterpret_cast<real_type*>(x); }
  void check(const parameter_block<T, Ex>& block) const {
    require<shape_error>(index_t(average_.size()) == block.size(), "average: block: expected ",
                         average_.size(), " numbers, found ", block.size());
  }

  double decay_;
  std::uint64_t updates_ = 0;
  bool exchanged_ = false;
  tensor<T, 1, Ex> average_;
};

/// The network computes with the averages as long as this lives; nothing happens where there is no
/// average (nullptr) or it has not taken in anything.
template <class T, ExecutionSpace Ex>
class average_in_use {
 public:
  average_in_use(const Ex& ex, weight_average<T, Ex>* average, const parameter_block<T, Ex>& block)
      : ex_(ex), average_(average && average->updates() > 0 ? average : nullptr), block_(block) {
    if (average_) average_->exchange(ex_, block_);
  }
  ~average_in_use() {
    if (average_) average_->exchange(ex_, block_);
  }
  average_in_use(const average_in_use&) = delete;
  average_in_use& operator=(const average_in_use&) = delete;

 private:
  Ex ex_;
  weight_average<T, Ex>* average_;
  const parameter_block<T, Ex>& block_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
