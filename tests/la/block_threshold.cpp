// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/la/block_threshold.hpp"
#include "cardiomm/la/block_grid.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "cardiomm/io/npy.hpp"
#include "cardiomm/la/casorati_threshold.hpp"
#include "cardiomm/la/svd.hpp"
#include "matrices.hpp"
#include "support/shared.hpp"

using namespace cardiomm;
using namespace la_test;

namespace {

using Ex = host_space;

/// U max(S - t, 0) V^H by the library's or LAPACK's SVD, in double; adds up the singular values.
template <class A>
host_tensor<complex<double>, 3> by_svd(const A& a, double t, double& nuclear) {
  using D = complex<double>;
  const shape<3> n = shape_of(a);
  const index_t k = std::min(n[1], n[2]);
  const auto x = make_tensor<D>(Ex(), n), u = make_tensor<D>(Ex(), shape{n[0], n[1], k}),
             vh = make_tensor<D>(Ex(), shape{n[0], k, n[2]});
  const auto s = make_tensor<double>(Ex(), shape{n[0], k});
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto v = wide(a.data()[i]);
    x.data()[i] = D(v.real(), v.imag());
  }
  la::svd(Ex(), x, u, s, vh);
  nuclear = 0;
  for (index_t b = 0; b < n[0]; ++b)
    for (index_t r = 0; r < k; ++r) {
      nuclear += s(b, r);
      for (index_t j = 0; j < n[2]; ++j) vh(b, r, j) *= std::max(0., s(b, r) - t);
    }
  return product(u, false, vh, false);
}

template <class A>
double largest_of(const A& a) {
  double big = 0;
  for (std::size_t i = 0; i < a.size(); ++i) big = std::max(big, std::abs(wide(a.data()[i])));
  return big;
}

/// Matrices with singular values that fall by `decay` from one to the next.
template <class C>
host_tensor<C, 3> graded(index_t batch, index_t m, index_t n, double decay) {
  const auto a = random_matrices<C>(batch, m, n, 5);
  for (index_t b = 0; b < batch; ++b)
    for (index_t i = 0; i < m; ++i)
      for (index_t j = 0; j < n; ++j) a(b, i, j) *= real_of<C>(std::pow(decay, double(j)));
  return a;
}

template <class A>
void compare(const A& a, double t, double tolerance) {
  using C = element_of<A>;
  CAPTURE(to_string(shape_of(a)));
  CAPTURE(t);
  const auto out = make_tensor<C>(Ex(), shape_of(a));
  la::threshold_singular_values(Ex(), a, out, t);
  double nuclear = 0;
  const auto expected = by_svd(a, t, nuclear);
  CHECK(difference(out, expected) <= tolerance * largest_of(a));
  CHECK(la::nuclear_norm_of_blocks(Ex(), la::matrix_blocks(shape_of(a)), a) ==
        doctest::Approx(nuclear).epsilon(1e-6));
  const auto in_place = clone(Ex(), a);
  la::threshold_singular_values(Ex(), in_place, in_place, t);
  CHECK(difference(in_place, out) == 0);
}

template <class T, int R>
host_tensor<T, R> load(const char* name) {
  const auto file = io::open_npy(cardiomm_tests::own_path(std::string("low_rank/") + name));
  shape<R> s{};
  for (int i = 0; i < R; ++i) s[i] = file.shape()[std::size_t(i)];
  auto t = make_tensor<T>(Ex(), s);
  file.read(t.data());
  return t;
}

}  // namespace

TEST_CASE("thresholded matrices equal those of a full SVD") {
  for (const shape<3> n : {shape{1, 1, 1}, shape{17, 2, 2}, shape{35, 64, 25}, shape{3, 7, 30},
                           shape{2, 1, 9}, shape{2, 33, 33}, shape{1, 70, 66}}) {
    const auto a = random_matrices<complex<float>>(n[0], n[1], n[2], 3);
    const double most = std::sqrt(double(n[1])) + std::sqrt(double(n[2]));
    for (const double part : {0., 1e-3, 0.1, 0.5, 0.7, 1.5}) compare(a, part * most, 2e-6);
  }
  for (const double t : {1e-3, 1., 5.})
    compare(random_matrices<complex<double>>(9, 20, 11, 4), t, 1e-13);
}

TEST_CASE("small singular values beside large ones keep the accuracy that is promised") {
  for (const double decay : {0.7, 0.3, 0.1})
    for (const double t : {3., 0.3, 0.03, 3e-3, 3e-4})
      compare(graded<complex<float>>(20, 30, 12, decay), t, 2e-5);
}

TEST_CASE("repeated, missing and extreme singular values") {
  auto a = zeros<complex<float>>(Ex(), shape{18, 12, 8});
  compare(a, 0.5, 0);
  for (index_t i = 0; i < 8; ++i) a(0, i, i) = a(3, i + 1, i) = 2;  // all equal
  for (index_t i = 0; i < 12; ++i)
    for (index_t j = 0; j < 8; ++j) a(5, i, j) = complex<float>(1, -2);  // one
  compare(a, 0.5, 5e-6);
  const auto noise = random_matrices<complex<float>>(2, 12, 8, 6);
  for (const float scale : {1e-12f, 1e12f}) {
    const auto b = clone(Ex(), noise);
    for (std::size_t i = 0; i < b.size(); ++i) b.data()[i] *= scale;
    compare(b, double(scale), 2e-6);
    compare(b, 1e-8 * double(scale), 2e-6);
  }
}

TEST_CASE("a block does not depend on its company, and one that is not finite is not hidden") {
  const auto a = random_matrices<complex<float>>(40, 16, 9, 7);
  const auto all = clone(Ex(), a);
  la::threshold_singular_values(Ex(), a, all, 2);
  for (const index_t b : {0, 17, 39}) {
    const auto one = make_tensor<complex<float>>(Ex(), shape{1, 16, 9});
    for (index_t i = 0; i < 144; ++i) one.data()[i] = a.data()[b * 144 + i];
    la::threshold_singular_values(Ex(), one, one, 2);
    for (index_t i = 0; i < 144; ++i) CHECK(one.data()[i] == all.data()[b * 144 + i]);
  }
  a(3, 2, 1) = std::numeric_limits<float>::quiet_NaN();
  a(4, 2, 1) = std::numeric_limits<float>::infinity();
  la::threshold_singular_values(Ex(), a, a, 2);
  CHECK(std::isnan(a(3, 0, 0).real()));
  CHECK(std::isnan(a(4, 0, 0).real()));
  CHECK(a(5, 0, 0) == all(5, 0, 0));
  CHECK_THROWS_AS(la::threshold_singular_values(Ex(), a, a, -1), value_error);
  CHECK_THROWS_AS(la::threshold_singular_values(
                      Ex(), a, make_tensor<complex<float>>(Ex(), shape{40, 9, 16}), 1),
                  shape_error);
}

TEST_CASE("shifted and clipped blocks of images equal NumPy's") {
  // made by tests/data/make_low_rank.py
  const auto image = load<complex<float>, 4>("image.npy"), out = load<complex<float>, 4>("out.npy"),
             whole = load<complex<float>, 4>("whole.npy");
  const auto norms = load<double, 1>("norms.npy");
  const shape<4> s = shape_of(image);
  const auto x = make_tensor<complex<float>>(Ex(), s);
  la::threshold_blocks(Ex(), la::image_blocks(s, 4, 3, 1, 2), image, x, 0.6);
  CHECK(difference(x, out) < 5e-6);
  la::threshold_blocks(Ex(), la::image_blocks(s, 4, 3, 1 - 10, 2 + 16), image, x, 0.6);
  CHECK(difference(x, out) < 5e-6);
  la::threshold_blocks(Ex(), la::image_blocks(s, 99, 99), image, x, 3);
  CHECK(difference(x, whole) < 5e-6);
  la::threshold_casorati(Ex(), image, x, 3, false);
  CHECK(difference(x, whole) < 5e-6);
  CHECK(la::nuclear_norm_of_casorati(Ex(), image, false) ==
        doctest::Approx(norms(2)).epsilon(1e-7));
  const auto norm = [&](index_t by, index_t bx, index_t sy, index_t sx) {
    return la::nuclear_norm_of_blocks(Ex(), la::image_blocks(s, by, bx, sy, sx), image);
  };
  CHECK(norm(4, 3, 1, 2) == doctest::Approx(norms(0)).epsilon(1e-7));
  CHECK(norm(4, 3, 0, 0) == doctest::Approx(norms(1)).epsilon(1e-7));
  CHECK(norm(10, 8, 0, 0) == doctest::Approx(norms(2)).epsilon(1e-7));
  CHECK_THROWS_AS(la::image_blocks(s, 0, 3), value_error);
}

TEST_CASE("the Casorati matrix of a series is thresholded as a whole") {
  // (frame, slice, y, x): slices of one joint matrix are rows like others
  const shape<4> s{{9, 2, 23, 31}};
  const auto x = make_tensor<complex<float>>(Ex(), s);
  random::fill_normal(Ex(), x, 8);
  const index_t pixels = 2 * 23 * 31;
  const auto matrix = make_tensor<complex<float>>(Ex(), shape{1, pixels, 9});
  for (index_t f = 0; f < 9; ++f)
    for (index_t p = 0; p < pixels; ++p) matrix(0, p, f) = x.data()[f * pixels + p];
  for (const double t : {0., 30., 36., 60.}) {
    double nuclear = 0;
    const auto expected = by_svd(matrix, t, nuclear);
    const auto out = make_tensor<complex<float>>(Ex(), s);
    la::threshold_casorati(Ex(), x, out, t);
    double worst = 0;
    for (index_t f = 0; f < 9; ++f)
      for (index_t p = 0; p < pixels; ++p)
        worst =
            std::max(worst, std::abs(wide(out.data()[f * pixels + p]) - wide(expected(0, p, f))));
    CHECK(worst < 5e-6);
    CHECK(la::nuclear_norm_of_casorati(Ex(), x) == doctest::Approx(nuclear).epsilon(1e-9));
  }
  CHECK_THROWS_AS(la::threshold_casorati(Ex(), x, x, -1), value_error);
}
