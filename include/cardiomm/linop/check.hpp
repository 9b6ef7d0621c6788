// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_CHECK_HPP
#define CARDIOMM_LINOP_CHECK_HPP
/// \file
/// Property checks for operators, yours included; no test framework needed. Each returns a relative
/// error, to be compared with `tolerance<T>`. Random inputs come from a seed.
///
///     linop::check::adjoint_error(ex, A, domain, seed) < linop::check::tolerance<float>

#include <algorithm>
#include <cmath>

#include "cardiomm/core/blas1.hpp"
#include "cardiomm/core/random.hpp"
#include "cardiomm/linop/gram.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop::check {

/// What rounding allows; a wrong scale or a missing conjugate is many orders above.
template <class T>
inline constexpr double tolerance = std::is_same_v<T, float> ? 1e-6 : 1e-13;

namespace detail {
template <class C, class Ex, int R>
tensor<C, R, Ex> noise(const Ex& ex, const shape<R>& s, std::uint64_t seed, std::uint64_t stream) {
  auto t = make_tensor<C>(ex, s, "cardiomm::check");
  random::fill_normal(ex, t, seed, stream);
  return t;
}
/// |a - b| / max(|b|, scale)
template <class Ex, TensorView V>
double distance(const Ex& ex, const V& a, const V& b, double scale = 0) {
  auto d = clone(ex, a);
  blas1::axpby(ex, element_of<V>(-1), b, element_of<V>(1), d);
  const double size = std::max(blas1::norm(ex, b), scale), diff = blas1::norm(ex, d);
  return size > 0 ? diff / size : diff;
}
}  // namespace detail

/// |<A x, y> - <x, A^H y>| / (|A x| |y|), the dot test. Dividing by the norms and not by the dot
/// product keeps it stable when the product happens to be small.
template <class A>
double adjoint_error(const typename A::execution_space& ex, const A& a, const domain_shape<A>& d,
                     std::uint64_t seed) {
  using C = value_of<A>;
  const auto r = a.range_for(d);
  const auto x = detail::noise<C>(ex, d, seed, 1);
  const auto y = detail::noise<C>(ex, r, seed, 2);
  auto ax = make_tensor<C>(ex, r), ahy = ax;
  auto back = make_tensor<C>(ex, d);
  apply(ex, a, x, ax);
  apply_adjoint(ex, a, y, back);
  const auto left = blas1::dot(ex, ax, y), right = blas1::dot(ex, x, back);
  const double size = std::max(blas1::norm(ex, ax) * blas1::norm(ex, y),
                               blas1::norm(ex, x) * blas1::norm(ex, back));
  const double diff = std::hypot(left.real() - right.real(), left.imag() - right.imag());
  return size > 0 ? diff / size : diff;
}

/// |A(s x + z) - s A x - A z| / |s A x + A z| with a complex s.
template <class A>
double linearity_error(const typename A::execution_space& ex, const A& a, const domain_shape<A>& d,
                       std::uint64_t seed) {
  using C = value_of<A>;
  const C s(real_of<C>(0.7), real_of<C>(-1.3));
  const auto r = a.range_for(d);
  const auto x = detail::noise<C>(ex, d, seed, 1);
  auto z = detail::noise<C>(ex, d, seed, 2);
  auto ax = make_tensor<C>(ex, r), az = make_tensor<C>(ex, r), both = make_tensor<C>(ex, r);
  apply(ex, a, x, ax);
  apply(ex, a, z, az);
  blas1::axpby(ex, s, x, C(1), z);
  apply(ex, a, z, both);
  blas1::axpby(ex, s, ax, C(1), az);
  return detail::distance(ex, both, az);
}

/// |(y0 + s A x) - (y0 accumulated with s)| and the same for A^H; also s A x overwriting.
template <class A>
double accumulate_error(const typename A::execution_space& ex, const A& a, const domain_shape<A>& d,
                        std::uint64_t seed) {
  using C = value_of<A>;
  const C s(real_of<C>(0.25), real_of<C>(1.5));
  const auto r = a.range_for(d);
  const auto x = detail::noise<C>(ex, d, seed, 1);
  const auto y = detail::noise<C>(ex, r, seed, 2);
  double worst = 0;
  const auto compare = [&](const auto& in, const auto& shape_out, auto run) {
    auto plain = make_tensor<C>(ex, shape_out);
    run(in, plain, acc_of<A>{});
    auto over = detail::noise<C>(ex, shape_out, seed, 3);  // old contents must not matter
    run(in, over, acc_of<A>{s, false});
    const auto start = detail::noise<C>(ex, shape_out, seed, 4);
    auto added = clone(ex, start);
    run(in, added, acc_of<A>{s, true});
    auto expected = clone(ex, plain);
    blas1::scale(ex, s, expected);
    worst = std::max(worst, detail::distance(ex, over, expected));
    blas1::axpby(ex, C(1), start, C(1), expected);
    worst = std::max(worst, detail::distance(ex, added, expected));
  };
  compare(x, r,
          [&](const auto& in, const auto& out, acc_of<A> acc) { apply(ex, a, in, out, acc); });
  compare(y, d, [&](const auto& in, const auto& out, acc_of<A> acc) {
    apply_adjoint(ex, a, in, out, acc);
  });
  return worst;
}

/// |gram(A) x - A^H A x| / |A^H A x|.
template <class A>
double gram_error(const typename A::execution_space& ex, const A& a, const domain_shape<A>& d,
                  std::uint64_t seed) {
  using C = value_of<A>;
  const auto x = detail::noise<C>(ex, d, seed, 1);
  auto ax = make_tensor<C>(ex, a.range_for(d));
  auto expected = make_tensor<C>(ex, d), found = make_tensor<C>(ex, d);
  apply(ex, a, x, ax);
  apply_adjoint(ex, a, ax, expected);
  apply(ex, gram(a), x, found);
  return detail::distance(ex, found, expected);
}

/// |adjoint(adjoint(A)) x - A x| / |A x|, and adjoint(A) y against apply_adjoint.
template <class A>
double double_adjoint_error(const typename A::execution_space& ex, const A& a,
                            const domain_shape<A>& d, std::uint64_t seed) {
  using C = value_of<A>;
  const auto r = a.range_for(d);
  const auto x = detail::noise<C>(ex, d, seed, 1);
  const auto y = detail::noise<C>(ex, r, seed, 2);
  auto ax = make_tensor<C>(ex, r), twice = make_tensor<C>(ex, r);
  auto ahy = make_tensor<C>(ex, d), once = make_tensor<C>(ex, d);
  apply(ex, a, x, ax);
  apply(ex, adjoint(adjoint(a)), x, twice);
  apply_adjoint(ex, a, y, ahy);
  apply(ex, adjoint(a), y, once);
  return std::max(detail::distance(ex, twice, ax), detail::distance(ex, once, ahy));
}

/// Error of the flags that A claims: A^H A = 1 (unitary), A^H = A, A A = A, and in-place =
/// separate.
template <class A>
double flags_error(const typename A::execution_space& ex, const A& a, const domain_shape<A>& d,
                   std::uint64_t seed) {
  using C = value_of<A>;
  const auto r = a.range_for(d);
  const auto x = detail::noise<C>(ex, d, seed, 1);
  auto ax = make_tensor<C>(ex, r);
  apply(ex, a, x, ax);
  double worst = 0;
  if constexpr (A::unitary) {
    auto back = make_tensor<C>(ex, d);
    apply_adjoint(ex, a, ax, back);
    worst = std::max(worst, detail::distance(ex, back, x));
  }
  if constexpr (A::self_adjoint) {
    auto ahx = make_tensor<C>(ex, d);
    apply_adjoint(ex, a, x, ahx);
    worst = std::max(worst, detail::distance(ex, ahx, ax));
  }
  if constexpr (A::idempotent) {
    auto aax = make_tensor<C>(ex, r);
    apply(ex, a, ax, aax);
    worst = std::max(worst, detail::distance(ex, aax, ax));
  }
  if constexpr (A::inplace_ok) {
    auto z = clone(ex, x);
    apply(ex, a, z, z);
    worst = std::max(worst, detail::distance(ex, z, ax));
    auto w = clone(ex, ax);
    auto back = make_tensor<C>(ex, d);
    apply_adjoint(ex, a, ax, back);
    apply_adjoint(ex, a, w, w);
    worst = std::max(worst, detail::distance(ex, w, back));
  }
  return worst;
}

/// True if overlapping input and output are refused by an operator that does not work in place.
template <class A>
bool refuses_aliasing(const typename A::execution_space& ex, const A& a, const domain_shape<A>& d) {
  if constexpr (A::inplace_ok) {
    return true;
  } else {
    using C = value_of<A>;
    const auto r = a.range_for(d);
    auto memory = make_tensor<C>(ex, shape{std::max(d.size(), r.size())});
    try {
      apply(ex, a, borrow(ex, memory.data(), d), borrow(ex, memory.data(), r));
    } catch (const value_error&) {
      return true;
    }
    return false;
  }
}

}  // namespace cardiomm::inline CARDIOMM_ABI::linop::check

#endif
