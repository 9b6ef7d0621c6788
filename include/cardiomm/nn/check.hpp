// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_CHECK_HPP
#define CARDIOMM_NN_CHECK_HPP
/// \file
/// Property checks for layers, yours included; no test framework needed. Each returns a relative
/// error. Random inputs come from a seed.
///
///     nn::check::gradient_error(ex, layer, shape, seed) < 1e-6          // a layer in double

#include <algorithm>
#include <cmath>

#include "cardiomm/linop/check.hpp"
#include "cardiomm/nn/concept.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn::check {

namespace detail {
using linop::check::detail::distance;
using linop::check::detail::noise;

/// Re <a, b>
template <class Ex, TensorView A, TensorView B>
double product(const Ex& ex, const A& a, const B& b) {
  return blas1::dot(ex, a, b).real();
}
/// Re <dy, l(x)>
template <class L, TensorView X, TensorView Y>
double loss(const typename L::execution_space& ex, const L& l, const X& x, const Y& dy) {
  return product(ex, dy, evaluate(ex, l, x));
}
/// Central difference of f along a direction, by steps h and h / 2 (Richardson): error O(h^4).
template <class F>
double slope(const F& f, double h) {
  const double wide = (f(h) - f(-h)) / (2 * h), narrow = (f(h / 2) - f(-h / 2)) / h;
  return (4 * narrow - wide) / 3;
}
}  // namespace detail

/// Largest relative distance between backward and central differences of Re <dy, l(x)>, along a
/// random direction of x and of every trainable parameter. For layers in double. Kinks (relu,
/// prelu) give larger values where a number lies within h of one; networks with many of them want h
/// = 1e-6.
template <Layer L>
double gradient_error(const typename L::execution_space& ex, const L& l,
                      const shape<L::in_rank>& in, std::uint64_t seed, double h = 1e-4) {
  using V = typename L::value_type;
  const auto x = detail::noise<V>(ex, in, seed, 1);
  const auto dy = detail::noise<V>(ex, l.output(in), seed, 2);
  const auto all = l.parameters();
  zero_gradients(ex, all);
  recording<L> pass(ex, l, in);
  pass.forward(x);
  auto dx = make_tensor<V>(ex, in);
  pass.backward(dy, dx);

  const double size = blas1::norm(ex, dy) + 1e-30;
  double worst = 0;
  const auto compare = [&](const auto& value, const auto& gradient, const auto& direction) {
    const auto kept = clone(ex, value);
    const auto along = [&](double step) {
      Kokkos::deep_copy(value, kept);
      blas1::axpby(ex, V(step), direction, V(1), value);
      return detail::loss(ex, l, x, dy);
    };
    const double expected = detail::slope(along, h);
    Kokkos::deep_copy(value, kept);
    const double found = detail::product(ex, gradient, direction);
    const double scale =
        std::max(std::abs(expected), blas1::norm(ex, gradient) /
                                         std::sqrt(double(std::max<std::size_t>(1, value.size()))));
    worst = std::max(worst, std::abs(found - expected) / std::max(scale, 1e-3 * size));
  };
  compare(x, dx, detail::noise<V>(ex, in, seed, 3));
  std::uint64_t stream = 4;
  for (const auto& p : all)
    if (p.second.gradient())
      compare(p.second.value(), p.second.gradient_view(),
              detail::noise<V>(ex, shape<1>{{p.second.size()}}, seed, stream++));
  return worst;
}

/// Distance of forward without a tape from forward with one; of the parameters' gradients without
/// dx from those with it; and of a second backward, which has to add the same once more.
template <Layer L>
double modes_error(const typename L::execution_space& ex, const L& l, const shape<L::in_rank>& in,
                   std::uint64_t seed) {
  using V = typename L::value_type;
  const auto x = detail::noise<V>(ex, in, seed, 1);
  const auto dy = detail::noise<V>(ex, l.output(in), seed, 2);
  recording<L> pass(ex, l, in);
  const auto kept = pass.forward(x);
  double worst = detail::distance(ex, evaluate(ex, l, x), clone(ex, kept));
  const auto all = l.parameters();
  zero_gradients(ex, all);
  auto dx = make_tensor<V>(ex, in);
  pass.backward(dy, dx);
  std::vector<tensor<V, 1, typename L::execution_space>> once;
  for (const auto& p : all)
    if (p.second.gradient()) once.push_back(clone(ex, p.second.gradient_view()));
  pass.forward(x);
  pass.backward(dy);
  std::size_t i = 0;
  for (const auto& p : all)
    if (p.second.gradient()) {
      auto twice = clone(ex, p.second.gradient_view());
      blas1::scale(ex, V(0.5), twice);
      worst = std::max(worst, detail::distance(ex, twice, once[i++]));
    }
  return worst;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::nn::check

#endif
