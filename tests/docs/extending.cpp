// SPDX-License-Identifier: Apache-2.0
// The code of docs/extending.md: an operator, a regulariser and a layer of one's own, and the
// checks that each of them has to pass.
#include <doctest/doctest.h>

#include "cardiomm/linop/check.hpp"
#include "cardiomm/linop/gram.hpp"
#include "cardiomm/nn/check.hpp"
#include "cardiomm/prox/check.hpp"

// clang-format off
// [operator]
namespace mine {
using namespace cardiomm;

// y(row) = x(row - by), around the edge; rows of (frame, slice, y, x)
template <class C>
struct roll_kernel {
  static constexpr const char* name = "mine::roll";
  const C* x;
  C* y;
  index_t ny, nx, by;
  linop::accumulation<C> acc;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t plane = row / ny, from = (row % ny - by + ny) % ny;
    const C* in = x + (plane * ny + from) * nx;
    C* out = y + row * nx;
    for (index_t i = first; i < last; ++i) acc.put(out[i], in[i]);
  }
};

// Moves images by some lines along the phase encode.
template <class T, ExecutionSpace Ex = default_space>
class roll : public linop::linear_operator<roll<T, Ex>, T, 4, 4, Ex> {
  using base = linop::linear_operator<roll<T, Ex>, T, 4, 4, Ex>;
  using C = complex<T>;

 public:
  static constexpr const char* name = "roll";
  static constexpr bool unitary = true;  // so gram(roll) is the identity, at compile time

  explicit roll(index_t lines) : lines_(lines) {}

  // Any extents, but the same on both sides.
  void unify(shape<4>& domain, shape<4>& range) const {
    for (int i = 0; i < 4; ++i) linop::merge(domain[i], range[i], name, "extent");
  }
  void apply(const Ex& ex, linop::domain_in<base> x, linop::range_out<base> y,
             linop::acc_of<base> acc) const {
    run(ex, x.data(), y.data(), shape_of(x), lines_, acc);
  }
  void apply_adjoint(const Ex& ex, linop::range_in<base> y, linop::domain_out<base> x,
                     linop::acc_of<base> acc) const {
    run(ex, y.data(), x.data(), shape_of(y), -lines_, acc);
  }
  const void* id() const { return this; }

 private:
  static void run(const Ex& ex, const C* in, C* out, const shape<4>& s, index_t by,
                  const linop::accumulation<C>& acc) {
    const index_t steps = s[2] ? (by % s[2] + s[2]) % s[2] : 0;
    launch::rows(ex, s[0] * s[1] * s[2], s[3], roll_kernel<C>{in, out, s[2], s[3], steps, acc});
  }
  index_t lines_;
};

}  // namespace mine
// [operator]

// [prox]
namespace mine {

// u = a x + b r, element by element
template <class C>
struct blend_kernel {
  static constexpr const char* name = "mine::blend";
  const C* x;
  const C* r;
  C* u;
  real_of<C> a, b;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i)
      u[i] = C(a * x[i].real() + b * r[i].real(), a * x[i].imag() + b * r[i].imag());
  }
};

// P(x) = w/2 |x - r|^2: stay near a reference image r, such as an earlier scan. Its prox is
// (x + sigma w r) / (1 + sigma w).
template <class T, ExecutionSpace Ex = default_space>
class near : public prox::proximal_operator<near<T, Ex>, T, 4, Ex> {
  using C = complex<T>;

 public:
  static constexpr const char* name = "near";

  near(double weight, tensor<C, 4, Ex> reference) : weight_(weight), reference_(reference) {
    require(weight >= 0, "near: weight: expected at least 0, found ", weight);
  }
  shape<4> domain() const { return shape_of(reference_); }
  double value(const Ex& ex, view<const C, 4, Ex> x) const {
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const auto difference = scratch.template tensor<C>(domain());
    blend(ex, x, difference, 1, -1);
    const double length = blas1::norm(ex, difference);
    return weight_ / 2 * length * length;
  }
  void prox(const Ex& ex, view<const C, 4, Ex> x, double sigma, view<C, 4, Ex> out) const {
    const double w = sigma * weight_;
    blend(ex, x, out, 1 / (1 + w), w / (1 + w));
  }

 private:
  void blend(const Ex& ex, view<const C, 4, Ex> x, view<C, 4, Ex> out, double a, double b) const {
    launch::segments(ex, domain().size(),
                     blend_kernel<C>{x.data(), reference_.data(), out.data(), T(a), T(b)});
  }
  double weight_;
  tensor<C, 4, Ex> reference_;
};

}  // namespace mine
// [prox]

// [layer]
namespace mine {

// y = g x, and backward dx = g dy with the sum of x dy for the gradient of g
template <class T>
struct gain_kernel {
  static constexpr const char* name = "mine::gain";
  const T* x;
  const T* g;
  T* y;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) y[i] = g[0] * x[i];
  }
};
template <class T>
struct gain_slope {
  static constexpr const char* name = "mine::gain_slope";
  const T* x;
  const T* dy;
  KOKKOS_INLINE_FUNCTION double operator()(index_t, index_t first, index_t last) const {
    double sum = 0;
    for (index_t i = first; i < last; ++i) sum += double(x[i]) * double(dy[i]);
    return sum;
  }
};
template <class T>
struct gain_add {
  static constexpr const char* name = "mine::gain_add";
  const double* sum;
  T* gradient;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) gradient[i] += T(sum[i]);
  }
};

// One trained number times all features (item, y, x, channel).
template <class T, ExecutionSpace Ex = default_space>
class gain : public nn::layer<gain<T, Ex>, T, 4, 4, Ex> {
 public:
  using base = nn::layer<gain, T, 4, 4, Ex>;
  static constexpr const char* name = "gain";

  explicit gain(const Ex& ex, T start = 1) : gain_(ex, {1}) {
    Kokkos::deep_copy(ex, gain_.value(), start);
  }
  shape<4> output(const shape<4>& in) const { return in; }
  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y) const {
    launch::segments(ex, shape_of(x).size(), gain_kernel<T>{x.data(), gain_.data(), y.data()});
  }
  void backward(const Ex& ex, const typename base::in& x, const typename base::result&,
                const typename base::result& dy, const typename base::gradient& dx,
                nn::nothing&) const {
    const index_t n = shape_of(x).size();
    if (gain_.gradient()) {  // somebody trains it: add
      typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
      double* sum = scratch.template take<double>(1);
      launch::sums(ex, 1, n, gain_slope<T>{x.data(), dy.data()}, sum);
      launch::segments(ex, 1, gain_add<T>{sum, gain_.gradient()});
    }
    if (dx.data())  // somebody needs it: overwrite
      launch::segments(ex, n, gain_kernel<T>{dy.data(), gain_.data(), dx.data()});
  }
  nn::named_parameters<T, Ex> parameters() const { return {{"gain", gain_}}; }

 private:
  nn::parameter<T, Ex> gain_;
};

}  // namespace mine
// [layer]
// clang-format on

TEST_CASE("docs/extending.md: the operator passes the property checks") {
  // [operator checks]
  using namespace cardiomm;
  const default_space ex;
  const mine::roll<float> a(5);
  const shape<4> s{{3, 2, 17, 12}};
  const double most = linop::check::tolerance<float>;
  CHECK(linop::check::adjoint_error(ex, a, s, 1) < most);
  CHECK(linop::check::linearity_error(ex, a, s, 1) < most);
  CHECK(linop::check::gram_error(ex, a, s, 1) < most);
  CHECK(linop::check::flags_error(ex, a, s, 1) < most);
  // [operator checks]
  // Row 5 is the old row 0.
  auto x = zeros<complex<float>>(host_space(), s);
  x(0, 0, 0, 3) = 2;
  auto y = make_tensor<complex<float>>(ex, s);
  linop::apply(ex, a, to_space(ex, x), y);
  CHECK(to_host(y)(0, 0, 5, 3).real() == 2);
  CHECK(to_host(y)(0, 0, 0, 3).real() == 0);
}

TEST_CASE("docs/extending.md: the regulariser passes the laws") {
  using namespace cardiomm;
  const default_space ex;
  const shape<4> s{{3, 2, 17, 12}};
  const auto reference = make_tensor<complex<float>>(ex, s);
  Kokkos::deep_copy(ex, reference, complex<float>(0.3f, -0.2f));
  // [prox checks]
  const mine::near<float> p(0.7, reference);
  const double most = prox::check::tolerance<mine::near<float>>;
  CHECK(prox::check::expansion_error(ex, p, s, 0.5, 1) < most);
  CHECK(prox::check::optimality_error(ex, p, s, 0.5, 1) < most);
  CHECK(prox::check::in_place_error(ex, p, s, 0.5, 1) < most);
  // [prox checks]
  CHECK(prox::value(ex, p, zeros<complex<float>>(ex, s)) ==
        doctest::Approx(0.35 * 0.13 * double(s.size())).epsilon(1e-4));
  CHECK_THROWS_AS(mine::near<float>(-1, reference), value_error);
}

TEST_CASE("docs/extending.md: the layer passes the gradient checks") {
  using namespace cardiomm;
  // [layer checks]
  const default_space ex;
  const mine::gain<double> l(ex, 1.5);
  const shape<4> s{{2, 9, 7, 3}};
  CHECK(nn::check::gradient_error(ex, l, s, 1) < 1e-6);
  CHECK(nn::check::modes_error(ex, l, s, 1) < 1e-12);
  // [layer checks]
}
