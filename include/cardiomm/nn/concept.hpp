// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_CONCEPT_HPP
#define CARDIOMM_NN_CONCEPT_HPP
/// \file
/// What a layer is.
///
/// Features are tensors (item, y, x, channel), channels last, so that a pixel's channels are one
/// contiguous vector; with one or three spatial axes (item, x, channel), (item, z, y, x, channel),
/// with none (item, channel). This layout is the network's own: images are converted at its
/// borders only.
///
/// An implementer derives from `layer<Self, V, InRank, OutRank, Space>` and writes
///
///     static constexpr const char* name;
///     shape<OutRank> output(const shape<InRank>& in) const;    // or throws shape_error
///     void forward(ex, x, y) const;                            // keeps nothing
///     void backward(ex, x, y, dy, dx, tape) const;             // vector-Jacobian product
///     named_parameters<V, Space> parameters() const;           // where there are any
///
/// `backward` overwrites dx, unless dx.data() is null (nobody needs it), and *adds* to the
/// gradients of those parameters that have one. x and y are what forward read and wrote, still
/// unchanged: most layers need no more. One that does has a `tape` type, `tape record(memory&,
/// shape<InRank>) const` that takes the room for it, and `forward(ex, x, y, tape&)`. All are
/// const; scratch is taken from `workspace<Space>::frame`. The gradient of a real loss with
/// respect to complex numbers is dL/dRe + i dL/dIm.

#include "cardiomm/core/launch.hpp"
#include "cardiomm/nn/parameter.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

/// Features of D spatial axes: (item, spatial..., channel).
template <class T, int D, ExecutionSpace Ex>
using features = view<T, D + 2, Ex>;

/// The tape of a layer that needs its input and output only.
struct nothing {};

/// One block of memory for everything that a backward pass needs, planned ahead: `record` of a
/// layer is run twice, once to count and once to hand out.
template <ExecutionSpace Ex>
class memory {
 public:
  static constexpr std::size_t alignment = 128;
  /// Counts.
  memory() = default;
  /// Hands out `bytes` bytes at `block`.
  memory(char* block, std::size_t bytes) : block_(block), bytes_(bytes) {}

  /// A tensor of the given shape, contents undefined; null while counting.
  template <class V, int R>
  view<V, R, Ex> take(const shape<R>& s) {
    const std::size_t first = used_;
    used_ +=
        (static_cast<std::size_t>(s.size()) * sizeof(V) + alignment - 1) / alignment * alignment;
    require(block_ == nullptr || used_ <= bytes_, "nn::memory: expected at most ", bytes_,
            " bytes, found a request for ", used_);
    return view<V, R, Ex>(block_ ? reinterpret_cast<V*>(block_ + first) : nullptr,
                          cardiomm::detail::layout_of(s));
  }
  std::size_t used() const { return used_; }

 private:
  char* block_ = nullptr;
  std::size_t bytes_ = 0, used_ = 0;
};

/// Every layer derives from it.
struct layer_tag {};

template <class L>
concept LayerLike = std::derived_from<std::remove_cvref_t<L>, layer_tag>;

/// Base of layers: types, and what a simple layer need not write.
template <class Self, class V, int InRank, int OutRank, ExecutionSpace Ex>
struct layer : layer_tag {
  using value_type = V;
  using real_type = real_of<V>;
  using execution_space = Ex;
  static constexpr int in_rank = InRank;
  static constexpr int out_rank = OutRank;
  using in = view<const V, InRank, Ex>;       ///< x of forward and backward
  using out = view<V, OutRank, Ex>;           ///< y of forward
  using result = view<const V, OutRank, Ex>;  ///< y and dy of backward
  using gradient = view<V, InRank, Ex>;       ///< dx of backward, may be null

  using tape = nothing;
  /// forward may write over its input (inference only).
  static constexpr bool inplace_ok = false;

  nothing record(memory<Ex>&, const shape<InRank>&) const { return {}; }
  named_parameters<V, Ex> parameters() const { return {}; }
};

template <class L>
concept HasOutput = requires(const L& l, const shape<L::in_rank>& s) {
  { l.output(s) } -> std::same_as<shape<L::out_rank>>;
};
template <class L>
concept HasForward = requires(const L& l, const typename L::execution_space& ex, typename L::in x,
                              typename L::out y) {
  l.forward(ex, x, y);
};
template <class L>
concept HasBackward = requires(const L& l, const typename L::execution_space& ex, typename L::in x,
                               typename L::result y, typename L::result dy, typename L::gradient dx,
                               typename L::tape& t) {
  l.backward(ex, x, y, dy, dx, t);
};

/// The contract; see the top of this file.
template <class L>
concept Layer = LayerLike<L> && HasOutput<L> && HasForward<L> && HasBackward<L>;

/// Turns a broken contract into one sentence, at the first use of the layer.
template <class L>
constexpr bool assert_layer() {
  static_assert(HasOutput<L>,
                "cardiomm: this layer lacks `shape output(shape) const`; add it (see "
                "nn/concept.hpp)");
  static_assert(HasForward<L>,
                "cardiomm: this layer lacks `forward(ex, x, y) const`; add it (see "
                "nn/concept.hpp)");
  static_assert(HasBackward<L>,
                "cardiomm: this layer lacks `backward(ex, x, y, dy, dx, tape) const`; add it (see "
                "nn/concept.hpp)");
  return Layer<L>;
}

/// y = l(x), with what backward needs written to the tape.
template <Layer L>
void forward(const typename L::execution_space& ex, const L& l, const typename L::in& x,
             const typename L::out& y, typename L::tape& t) {
  if constexpr (std::is_same_v<typename L::tape, nothing>)
    l.forward(ex, x, y);
  else
    l.forward(ex, x, y, t);
}

/// A layer with the memory of one forward and backward pass.
///
///     nn::recording pass(ex, net, shape_of(x));
///     auto y = pass.forward(x);
///     pass.backward(dy, dx);      // parameters().second.gradient() += ...
template <Layer L>
class recording {
 public:
  using Ex = typename L::execution_space;
  recording(const Ex& ex, const L& l, const shape<L::in_rank>& in) : ex_(ex), layer_(l) {
    memory<Ex> count;
    take(count, in);
    block_ = make_tensor<char>(ex, shape<1>{{static_cast<index_t>(count.used())}},
                               "cardiomm::nn::recording");
    memory<Ex> hand(block_.data(), count.used());
    take(hand, in);
  }
  /// l(x); x has to stay as it is until `backward`.
  typename L::result forward(const typename L::in& x) {
    x_ = x;
    nn::forward(ex_, layer_, x, y_, tape_);
    return y_;
  }
  /// dx = J^T dy; adds to the gradients of the parameters.
  void backward(const typename L::result& dy, const typename L::gradient& dx = {}) {
    layer_.backward(ex_, x_, y_, dy, dx, tape_);
  }
  typename L::result output() const { return y_; }
  /// Bytes of the plan.
  std::size_t bytes() const { return block_.extent(0); }

 private:
  void take(memory<Ex>& m, const shape<L::in_rank>& in) {
    y_ = m.template take<typename L::value_type>(layer_.output(in));
    tape_ = layer_.record(m, in);
  }
  Ex ex_;
  L layer_;
  tensor<char, 1, Ex> block_;
  typename L::in x_;
  typename L::out y_;
  typename L::tape tape_{};
};

/// l(x) as a new tensor.
template <class L, TensorView X>
requires LayerLike<L>
auto evaluate(const typename L::execution_space& ex, const L& l, const X& x) {
  if constexpr (assert_layer<L>()) {
    static_assert(rank_of<X> == L::in_rank,
                  "cardiomm: the tensor's rank is not the layer's; features are (item, y, x, "
                  "channel), channels last");
    auto y = make_tensor<typename L::value_type>(ex, l.output(shape_of(x)), "cardiomm::nn::result");
    l.forward(ex, x, y);
    return y;
  }
}

/// Random instances for the shared checks: a specialisation has `static L make(const Ex&,
/// size_class, seed)` and `static shape<L::in_rank> domain(size_class)`; `NAME_specimens<T, Ex>`
/// lists those of the header NAME.hpp as a linop::type_list.
template <class L>
struct specimen;

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
