// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_SEQUENTIAL_HPP
#define CARDIOMM_NN_SEQUENTIAL_HPP
/// \file
/// Layers one after the other, written `conv | prelu | conv`, and a layer around which its input is
/// added, `residual(a | b)`. The type is the list of layers; its tape is a tuple of their tapes and
/// of what lies between them. In inference only two buffers exist, and a function of single
/// numbers is applied by the layer before it where that layer can (`FusesPointwise`).

#include <tuple>

#include "cardiomm/core/blas1.hpp"
#include "cardiomm/nn/activation.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

/// L has `forward_fused(ex, x, y, f)`, which is forward with y = f(y) applied before it is stored;
/// f is `P::function()`.
template <class L, class P>
concept FusesPointwise = PointwiseLayer<P> &&
    requires(const L& l, const typename L::execution_space& ex, typename L::in x, typename L::out y,
             const P& p) {
  l.forward_fused(ex, x, y, p.function());
};

namespace detail {

template <class... L>
struct first_and_last {
  using types = std::tuple<L...>;
  using first = std::tuple_element_t<0, types>;
  using last = std::tuple_element_t<sizeof...(L) - 1, types>;
};

template <std::size_t I, class... L>
using nth = std::tuple_element_t<I, std::tuple<L...>>;

/// The features between the layers, kept for backward: all outputs but the last.
template <class Tuple, class Index>
struct between;
template <class... L, std::size_t... I>
struct between<std::tuple<L...>, std::index_sequence<I...>> {
  using type = std::tuple<typename std::tuple_element_t<I, std::tuple<L...>>::out...>;
};

template <class V>
struct add_kernel {
  static constexpr const char* name = "cardiomm::nn::add";
  const V* x;
  V* y;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) y[i] += x[i];
  }
};
template <class V>
struct sum_kernel {
  static constexpr const char* name = "cardiomm::nn::sum";
  const V* a;
  const V* b;
  V* y;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) y[i] = a[i] + b[i];
  }
};
}  // namespace detail

/// y = a + b, which may be y
template <ExecutionSpace Ex, TensorView A, TensorView B, TensorView Y>
void add(const Ex& ex, const A& a, const B& b, const Y& y) {
  launch::segments(ex, static_cast<index_t>(y.size()),
                   detail::sum_kernel<element_of<Y>>{a.data(), b.data(), y.data()});
}
/// y += x
template <ExecutionSpace Ex, TensorView X, TensorView Y>
void add(const Ex& ex, const X& x, const Y& y) {
  launch::segments(ex, static_cast<index_t>(x.size()),
                   detail::add_kernel<element_of<Y>>{x.data(), y.data()});
}

/// Layers one after the other; parameters are named "0.weight", "1.weight", ...
template <class... L>
class sequential
    : public layer<sequential<L...>, typename detail::first_and_last<L...>::first::value_type,
                   detail::first_and_last<L...>::first::in_rank,
                   detail::first_and_last<L...>::last::out_rank,
                   typename detail::first_and_last<L...>::first::execution_space> {
 public:
  using Ex = typename detail::first_and_last<L...>::first::execution_space;
  using V = typename detail::first_and_last<L...>::first::value_type;
  using base = layer<sequential, V, detail::first_and_last<L...>::first::in_rank,
                     detail::first_and_last<L...>::last::out_rank, Ex>;
  static constexpr const char* name = "sequential";
  static constexpr std::size_t count = sizeof...(L);
  template <std::size_t I>
  using nth = detail::nth<I, L...>;

  struct tape {
    typename detail::between<std::tuple<L...>, std::make_index_sequence<count - 1>>::type between;
    std::tuple<typename L::tape...> inner;
  };

  explicit sequential(std::tuple<L...> layers) : layers_(std::move(layers)) {}
  const std::tuple<L...>& layers() const { return layers_; }
  template <std::size_t I>
  const auto& at() const {
    return std::get<I>(layers_);
  }

  shape<base::out_rank> output(const shape<base::in_rank>& in) const { return shapes<0>(in); }

  tape record(memory<Ex>& m, const shape<base::in_rank>& in) const {
    tape t;
    record_from<0>(m, in, t);
    return t;
  }

  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    index_t need[2] = {0, 0};
    needed<0>(shape_of(x), need, 0);
    V* buffers[2] = {nullptr, nullptr};
    for (int b = 0; b < 2; ++b)
      if (need[b] > 0) buffers[b] = scratch.template take<V>(need[b]);
    run<0>(ex, x, y, buffers, 0);
  }
  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y,
               tape& t) const {
    keep<0>(ex, x, y, t);
  }
  void backward(const Ex& ex, const typename base::in& x, const typename base::result& y,
                const typename base::result& dy, const typename base::gradient& dx, tape& t) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    index_t most = 0;
    largest<0>(shape_of(x), most);
    V* buffers[2] = {nullptr, nullptr};
    if constexpr (count > 1) {
      for (auto& b : buffers) b = scratch.template take<V>(most);
    }
    back<count - 1>(ex, x, y, dy, dx, t, buffers);
  }
  named_parameters<V, Ex> parameters() const {
    named_parameters<V, Ex> all;
    name_from<0>(all);
    return all;
  }

 private:
  template <std::size_t I, int R>
  auto shapes(const shape<R>& in) const {
    const auto out = at<I>().output(in);
    if constexpr (I + 1 < count)
      return shapes<I + 1>(out);
    else
      return out;
  }
  template <std::size_t I, int R>
  void largest(const shape<R>& in, index_t& most) const {
    if constexpr (I + 1 < count) {
      const auto out = at<I>().output(in);
      if (out.size() > most) most = out.size();
      largest<I + 1>(out, most);
    }
  }
  /// Numbers in the two buffers of `run`, which takes the same decisions.
  template <std::size_t I, int R>
  void needed(const shape<R>& in, index_t* need, int next) const {
    if constexpr (I + 1 < count) {
      if constexpr (I > 0 && nth<I>::inplace_ok && !FusesPointwise<nth<I>, nth<I + 1>>) {
        needed<I + 1>(in, need, next);
      } else {
        constexpr std::size_t after = FusesPointwise<nth<I>, nth<I + 1>> ? I + 2 : I + 1;
        if constexpr (after < count) {
          const auto out = at<I>().output(in);
          if (out.size() > need[next]) need[next] = out.size();
          needed<after>(out, need, 1 - next);
        }
      }
    }
  }
  template <std::size_t I, int R>
  void record_from(memory<Ex>& m, const shape<R>& in, tape& t) const {
    std::get<I>(t.inner) = at<I>().record(m, in);
    if constexpr (I + 1 < count) {
      const auto out = at<I>().output(in);
      std::get<I>(t.between) = m.template take<V>(out);
      record_from<I + 1>(m, out, t);
    }
  }
  template <std::size_t I, class X>
  void run(const Ex& ex, const X& x, const typename base::out& y, V** buffers, int next) const {
    if constexpr (I + 1 < count) {
      if constexpr (FusesPointwise<nth<I>, nth<I + 1>>) {
        if constexpr (I + 2 == count) {
          at<I>().forward_fused(ex, x, y, at<I + 1>().function());
        } else {
          const auto out = borrow(ex, buffers[next], at<I>().output(shape_of(x)));
          at<I>().forward_fused(ex, x, out, at<I + 1>().function());
          run<I + 2>(ex, typename nth<I + 2>::in(out), y, buffers, 1 - next);
        }
      } else if constexpr (I > 0 && nth<I>::inplace_ok) {
        const auto out = borrow(ex, buffers[1 - next], shape_of(x));
        at<I>().forward(ex, x, out);
        run<I + 1>(ex, x, y, buffers, next);
      } else {
        const auto out = borrow(ex, buffers[next], at<I>().output(shape_of(x)));
        at<I>().forward(ex, x, out);
        run<I + 1>(ex, typename nth<I + 1>::in(out), y, buffers, 1 - next);
      }
    } else {
      at<I>().forward(ex, x, y);
    }
  }
  template <std::size_t I, class X>
  void keep(const Ex& ex, const X& x, const typename base::out& y, tape& t) const {
    if constexpr (I + 1 < count) {
      nn::forward(ex, at<I>(), x, std::get<I>(t.between), std::get<I>(t.inner));
      keep<I + 1>(ex, typename nth<I + 1>::in(std::get<I>(t.between)), y, t);
    } else {
      nn::forward(ex, at<I>(), x, y, std::get<I>(t.inner));
    }
  }
  template <std::size_t I>
  void back(const Ex& ex, const typename base::in& x, const typename nth<I>::result& y,
            const typename nth<I>::result& dy, const typename base::gradient& dx, tape& t,
            V** buffers) const {
    if constexpr (I == 0) {
      at<0>().backward(ex, x, y, dy, dx, std::get<0>(t.inner));
    } else {
      const auto& in = std::get<I - 1>(t.between);
      const auto din = borrow(ex, buffers[I % 2], shape_of(in));
      at<I>().backward(ex, typename nth<I>::in(in), y, dy, din, std::get<I>(t.inner));
      back<I - 1>(ex, x, in, din, dx, t, buffers);
    }
  }
  template <std::size_t I>
  void name_from(named_parameters<V, Ex>& all) const {
    append(all, std::to_string(I) + ".", at<I>().parameters());
    if constexpr (I + 1 < count) name_from<I + 1>(all);
  }

  std::tuple<L...> layers_;
};

namespace detail {
template <class L>
struct layers_of {
  static std::tuple<L> get(const L& l) { return {l}; }
};
template <class... L>
struct layers_of<sequential<L...>> {
  static std::tuple<L...> get(const sequential<L...>& s) { return s.layers(); }
};
template <class... L>
sequential<L...> make_sequential(std::tuple<L...> layers) {
  return sequential<L...>(std::move(layers));
}
}  // namespace detail

/// b(a(x)); flat, whatever the brackets.
template <class A, class B>
requires(LayerLike<A>&& LayerLike<B>) auto operator|(const A& a, const B& b) {
  if constexpr (assert_layer<A>() && assert_layer<B>()) {
    static_assert(A::out_rank == B::in_rank,
                  "cardiomm: `a | b` joins layers of different ranks; features are (item, y, x, "
                  "channel) with two spatial axes");
    return detail::make_sequential(
        std::tuple_cat(detail::layers_of<A>::get(a), detail::layers_of<B>::get(b)));
  }
}

/// x + l(x)
template <class L>
class residual_layer : public layer<residual_layer<L>, typename L::value_type, L::in_rank,
                                    L::in_rank, typename L::execution_space> {
 public:
  using Ex = typename L::execution_space;
  using V = typename L::value_type;
  using base = layer<residual_layer, V, L::in_rank, L::in_rank, Ex>;
  static constexpr const char* name = "residual";
  using tape = typename L::tape;

  explicit residual_layer(L inner) : inner_(std::move(inner)) {
    static_assert(L::in_rank == L::out_rank);
  }
  const L& inner() const { return inner_; }

  shape<base::in_rank> output(const shape<base::in_rank>& in) const {
    require<shape_error>(inner_.output(in) == in,
                         "residual: expected a layer that keeps the shape ", in, ", found ",
                         inner_.output(in));
    return in;
  }
  tape record(memory<Ex>& m, const shape<base::in_rank>& in) const { return inner_.record(m, in); }
  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y) const {
    inner_.forward(ex, x, y);
    add(ex, x, y);
  }
  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y, tape& t) const
      requires(!std::is_same_v<tape, nothing>) {
    inner_.forward(ex, x, y, t);
    add(ex, x, y);
  }
  void backward(const Ex& ex, const typename base::in& x, const typename base::result& y,
                const typename base::result& dy, const typename base::gradient& dx, tape& t) const {
    inner_.backward(ex, x, y, dy, dx, t);
    if (dx.data()) add(ex, dy, dx);
  }
  named_parameters<V, Ex> parameters() const { return inner_.parameters(); }

 private:
  L inner_;
};

/// x + l(x). The layer's backward must not read its own output (y here is x + l(x)).
template <class L>
requires LayerLike<L> residual_layer<L> residual(const L& l) { return residual_layer<L>(l); }

template <class T, ExecutionSpace Ex>
using small_chain = sequential<prelu<T, 4, Ex>, sigmoid<T, 4, Ex>, prelu<T, 4, Ex>>;
template <class T, ExecutionSpace Ex>
struct specimen<small_chain<T, Ex>> {
  static small_chain<T, Ex> make(const Ex& ex, linop::size_class, std::uint64_t) {
    const prelu<T, 4, Ex> shared(ex);
    return shared | sigmoid<T, 4, Ex>() | prelu<T, 4, Ex>(shared.weight);
  }
  static shape<4> domain(linop::size_class s) { return specimen_features(s); }
};
template <class T, ExecutionSpace Ex>
struct specimen<residual_layer<small_chain<T, Ex>>> {
  static residual_layer<small_chain<T, Ex>> make(const Ex& ex, linop::size_class s,
                                                 std::uint64_t seed) {
    return residual(specimen<small_chain<T, Ex>>::make(ex, s, seed));
  }
  static shape<4> domain(linop::size_class s) { return specimen_features(s); }
};
template <class T, ExecutionSpace Ex>
using sequential_specimens =
    linop::type_list<small_chain<T, Ex>, residual_layer<small_chain<T, Ex>>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
