// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/linop/gram.hpp"

#include <doctest/doctest.h>

#include "cardiomm/linop/any.hpp"
#include "cardiomm/linop/check.hpp"
#include "cardiomm/linop/fourier.hpp"
#include "cardiomm/linop/norm.hpp"
#include "cardiomm/linop/sampling.hpp"
#include "cardiomm/linop/sensitivity.hpp"
#include "cardiomm/linop/stack.hpp"
#include "support/counters.hpp"

using namespace cardiomm;
using namespace cardiomm::linop;
using Ex = default_space;

namespace {
template <class Op>
auto made(size_class s, std::uint64_t seed = 3) {
  return specimen<Op>::make(Ex(), s, seed);
}

/// An operator that must not be applied; its gram must. Proves that a shortcut is taken.
template <class T>
struct gram_only : linear_operator<gram_only<T>, T, 4, 5, Ex> {
  using base = linear_operator<gram_only<T>, T, 4, 5, Ex>;
  static constexpr const char* name = "gram_only";
  void unify(shape<4>& d, shape<5>& r) const {
    merge(d[0], r[0], name, "frame");
    merge(d[1], r[1], name, "slice");
    merge(d[2], r[3], name, "y");
    merge(d[3], r[4], name, "x");
    index_t one = 1;
    merge(r[2], one, name, "coil");
  }
  void apply(const Ex&, domain_in<base>, range_out<base>, acc_of<base>) const {
    throw error("gram_only: apply was called");
  }
  void apply_adjoint(const Ex&, range_in<base>, domain_out<base>, acc_of<base>) const {
    throw error("gram_only: apply_adjoint was called");
  }
  const void* id() const { return name; }
};
}  // namespace

template <class T>
struct cardiomm::linop::gram_of<gram_only<T>> {
  static auto make(const gram_only<T>&) { return T(2) * identity_op<T, 4, Ex>{}; }
};

TEST_CASE("the rewriting rules of gram, by type") {
  const auto m = made<line_mask<float, Ex>>(size_class::tiny);
  const auto s = made<sensitivity<float, Ex>>(size_class::tiny);
  using M = line_mask<float, Ex>;
  using F = fourier_op<float, 5, Ex>;
  static_assert(std::is_same_v<decltype(gram(m)), M>);                            // idempotent
  static_assert(std::is_same_v<decltype(gram(F{})), identity_op<float, 5, Ex>>);  // unitary
  static_assert(std::is_same_v<decltype(gram(fourier * s)), decltype(gram(s))>);  // unitary front
  static_assert(std::is_same_v<decltype(gram(2.0 * s)), scaled_op<decltype(gram(s))>>);
  static_assert(std::is_same_v<decltype(gram(m * fourier)), sandwich<M, F>>);
  CHECK((gram(complex<float>(3, 4) * s)).factor == complex<float>(25));
  const auto a = m * fourier * s;
  static_assert(
      std::is_same_v<decltype(adjoint(a) * a), adjoint_product<decltype(m * fourier * s)>>);
  (void)a;
  const auto w = made<diagonal<complex<float>, 4, Ex>>(size_class::tiny);
  static_assert(std::is_same_v<decltype(gram(w)), diagonal<float, 4, Ex>>);
}

TEST_CASE_TEMPLATE("gram equals A^H A for products and stacks", T, float, double) {
  const double tolerance = 10 * check::tolerance<T>;
  for (const auto size : all_sizes) {
    const auto d = specimen_image(size);
    const auto s = made<sensitivity<T, Ex>>(size);
    const auto lines = made<line_mask<T, Ex>>(size);
    const auto points = made<point_mask<T, Ex>>(size);
    const auto w = made<diagonal<complex<T>, 4, Ex>>(size);
    const auto test = [&](const auto& a) {
      CHECK(check::gram_error(Ex(), a, d, 1) <= tolerance);
      CHECK(check::adjoint_error(Ex(), a, d, 2) <= tolerance);
      CHECK(check::accumulate_error(Ex(), a, d, 3) <= tolerance);
      CHECK(check::adjoint_error(Ex(), gram(a), d, 4) <= tolerance);
      CHECK(check::accumulate_error(Ex(), gram(a), d, 5) <= tolerance);
    };
    test(lines * fourier * s);
    test(points * fourier * s);
    test(points * fourier_y * s * w);
    test(complex<T>(T(1), T(2)) * lines * fourier * s);
    test(s * fourier_frame);
    if (lines.domain()[0] != open)  // the frames of both blocks must be known
      test(vstack(lines * fourier * s, points * fourier * s));
    test(s - fourier * s);
    test(adjoint(fourier) * lines * fourier * s);
  }
}

TEST_CASE("the gram is used, not A and then its adjoint") {
  const gram_only<float> a;
  const auto x = check::detail::noise<complex<float>>(Ex(), shape<4>{{2, 1, 3, 4}}, 1, 1);
  CHECK_THROWS_AS(a * x, error);
  auto twice = clone(Ex(), x);
  blas1::scale(Ex(), complex<float>(2), twice);
  CHECK(check::detail::distance(Ex(), gram(a) * x, twice) == 0);
  CHECK(check::detail::distance(Ex(), gram(fourier * a) * x, twice) == 0);  // through the product
  CHECK(check::detail::distance(Ex(), (adjoint(a) * a) * x, twice) == 0);   // the same object
  const any_operator<float, 4, 5, Ex> erased(a);
  CHECK(check::detail::distance(Ex(), gram(erased) * x, twice) == 0);  // through the erasure
  CHECK(norm(a) == doctest::Approx(std::sqrt(2.0)));
}

TEST_CASE("adjoint(A) * B is a gram only if A and B are the same object") {
  const auto s = made<sensitivity<double, Ex>>(size_class::tiny);
  const auto m1 = made<line_mask<double, Ex>>(size_class::tiny, 1);
  const auto m2 = made<line_mask<double, Ex>>(size_class::tiny, 2);
  const auto a = m1 * fourier * s, b = m2 * fourier * s;
  CHECK((adjoint(a) * a).recognised());
  CHECK_FALSE((adjoint(a) * b).recognised());
  const auto x =
      check::detail::noise<complex<double>>(Ex(), specimen_image(size_class::tiny), 1, 1);
  CHECK(check::detail::distance(Ex(), (adjoint(a) * b) * x, adjoint(a) * (b * x)) < 1e-14);
  CHECK(check::detail::distance(Ex(), (adjoint(a) * a) * x, adjoint(a) * (a * x)) < 1e-14);
}

TEST_CASE("a second apply of an encoding and its gram allocates, copies and waits for nothing") {
  const auto size = size_class::multiple_of_four;
  const auto a = made<line_mask<float, Ex>>(size) * fourier * made<sensitivity<float, Ex>>(size);
  const auto g = gram(a) + 0.1 * identity;
  const auto d = specimen_image(size);
  const auto x = check::detail::noise<complex<float>>(Ex(), d, 1, 1);
  auto y = make_tensor<complex<float>>(Ex(), a.range_for(d));
  auto z = make_tensor<complex<float>>(Ex(), d);
  const any_operator<float, 4, 4, Ex> erased(g);
  const auto all = [&] {
    linop::apply(Ex(), a, x, y);
    linop::apply_adjoint(Ex(), a, y, z, {complex<float>(2), true});
    linop::apply(Ex(), g, x, z);
    linop::apply(Ex(), erased, x, z);
  };
  all();
  const auto counts = cardiomm_tests::count_events(all);
  CHECK_MESSAGE(counts.none(), counts);
}

TEST_CASE("stacks concatenate along the leading axis") {
  identity_op<double, 2, Ex> two, three;
  two.extents = {{2, 4}};
  three.extents = {{3, 4}};
  const auto x = check::detail::noise<complex<double>>(Ex(), shape{2, 4}, 1, 1);
  const auto both = vstack(two, 2.0 * two, -1.0 * two) * x;
  CHECK(shape_of(both) == shape{6, 4});
  const auto h = to_host(both), hx = to_host(x);
  for (index_t i = 0; i < 2; ++i)
    for (index_t j = 0; j < 4; ++j) {
      CHECK(h(i, j) == hx(i, j));
      CHECK(h(i + 2, j) == 2.0 * hx(i, j));
      CHECK(h(i + 4, j) == -hx(i, j));
    }
  const auto blocks = block_diagonal(two, 2.0 * three);
  CHECK(to_string(blocks.domain()) == "(5, 4)");
  CHECK(norm(blocks) == doctest::Approx(2));
  CHECK(to_string(hstack(two, two).domain()) == "(4, 4)");
  CHECK_THROWS_AS(vstack(two, three), shape_error);  // different inputs
  CHECK_THROWS_AS(hstack(two, three), shape_error);  // different outputs
  CHECK_THROWS_AS(block_diagonal(identity_op<double, 2, Ex>{}, two), shape_error);  // open
}

TEST_CASE("the norm is the largest singular value") {
  // Closed form: a diagonal has its largest |w|; mask * fourier * maps is bounded by the largest
  // root sum of squares of the maps, and reaches it without a mask.
  const auto w = make_tensor<complex<double>>(host_space(), shape{1, 1, 5, 7});
  random::fill_normal(host_space(), w, 3);
  double largest = 0;
  for (std::size_t i = 0; i < w.size(); ++i)
    largest = std::max(largest, std::sqrt(abs2(w.data()[i])));
  CHECK(norm(diagonal(to_space(Ex(), w)), {.iterations = 500, .tolerance = 1e-12}) ==
        doctest::Approx(largest).epsilon(1e-4));
  CHECK(norm(fourier_op<double, 4, Ex>{}) == doctest::Approx(1));
  CHECK_THROWS_AS(norm(fourier_op<double, 4, Ex>{}, {.iterations = 0}), value_error);
}
