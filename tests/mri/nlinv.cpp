// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/mri/nlinv.hpp"

#include <doctest/doctest.h>

#include "cardiomm/linop/check.hpp"
#include "cardiomm/mri/mask.hpp"
#include "support/bart.hpp"

using namespace cardiomm;
using Ex = default_space;
using C = complex<float>;

namespace {
template <class T>
mri::detail::nlinv_model<T, Ex> random_model(index_t coils, index_t ny, index_t nx,
                                             tensor<complex<T>, 5, Ex>& x) {
  mri::detail::nlinv_model<T, Ex> model(Ex(), coils, ny, nx, 220, 32);
  auto mask = make_tensor<T>(host_space(), shape{ny, nx});
  for (index_t i = 0; i < ny * nx; ++i) mask.data()[i] = T(i / nx % 2 == 0);
  model.set_mask(mask);
  x = make_tensor<complex<T>>(Ex(), shape{index_t(1), index_t(1), 1 + coils, ny, nx});
  random::fill_normal(Ex(), x, 4);
  model.linearise(Ex(), x);
  return model;
}

/// |a| against |truth| scaled at best: |s |a| - |truth||^2 / |truth|^2.
template <class A, class B>
double nmse(const A& a, const B& truth) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double u = Kokkos::abs(a.data()[i]), v = Kokkos::abs(truth.data()[i]);
    ab += u * v;
    aa += u * u;
    bb += v * v;
  }
  return 1 - ab * ab / (aa * bb);
}
}  // namespace

TEST_CASE("the derivative has an adjoint and is the derivative") {
  using Z = complex<double>;
  tensor<Z, 5, Ex> x;
  auto model = random_model<double>(3, 10, 12, x);
  const auto d = model.derivative();
  const auto s = shape_of(x);
  CHECK(linop::check::adjoint_error(Ex(), d, s, 1) < 1e-13);
  CHECK(linop::check::accumulate_error(Ex(), d, s, 1) < 1e-13);
  CHECK(linop::check::gram_error(Ex(), d, s, 1) < 1e-12);
  // Taylor: the remainder falls by four when the step halves.
  const auto h = linop::check::detail::noise<Z>(Ex(), s, 5, 1);
  const auto dh = d * h;
  auto f0 = make_tensor<Z>(Ex(), shape_of(dh)), f1 = make_tensor<Z>(Ex(), shape_of(dh));
  model.evaluate(Ex(), f0);
  double before = 0;
  for (const double step : {0.1, 0.05, 0.025}) {
    auto z = clone(Ex(), x);
    blas1::axpby(Ex(), Z(step), h, Z(1), z);
    tensor<Z, 5, Ex> none;
    auto other = random_model<double>(3, 10, 12, none);
    other.linearise(Ex(), z);
    other.evaluate(Ex(), f1);
    blas1::axpby(Ex(), Z(-1), f0, Z(1), f1);
    blas1::axpby(Ex(), Z(-step), dh, Z(1), f1);
    const double left = blas1::norm(Ex(), f1);
    if (before > 0) CHECK(left == doctest::Approx(before / 4).epsilon(1e-6));
    before = left;
  }
}

TEST_CASE("nlinv against `bart nlinv`: coils of BART's phantom, a third of the lines") {
  PROGRAM_OR_SKIP("bart")
  const cardiomm_tests::bart_session bart;
  bart.run("phantom -s 8 -k -x 96 k");
  auto k = bart.get("k");
  const auto rss = to_host(mri::rss(Ex(), to_space(Ex(), k)));
  const auto truth = make_tensor<C>(host_space(), shape_of(rss));
  for (std::size_t i = 0; i < rss.size(); ++i) truth.data()[i] = C(rss.data()[i]);
  auto mask = make_tensor<std::uint8_t>(host_space(), shape{1, 96, 96});
  for (index_t y = 0; y < 96; ++y)
    for (index_t x = 0; x < 96; ++x) {
      mask(0, y, x) = y % 3 == 0 || (y >= 48 - 12 && y < 48 + 12);
      for (index_t c = 0; c < 8; ++c) k(0, 0, c, y, x) *= float(mask(0, y, x));
    }
  bart.put("under", k);
  bart.run("nlinv -i 8 under image");
  const auto theirs = bart.get("image");
  const auto data = to_space(Ex(), k);
  const auto ours = mri::nlinv(Ex(), data, mask);
  const auto found = to_host(ours.image);
  const double their_error = nmse(theirs, truth), our_error = nmse(found, truth);
  MESSAGE("NMSE: ours ", our_error, ", BART's ", their_error, "; to each other ",
          nmse(found, theirs));
  CHECK(our_error <= 1.02 * their_error);
  CHECK(nmse(found, theirs) < 1e-4);  // the same method: steps, weights and ends of CG
  CHECK(ours.report.iterations == 8);
  CHECK(ours.report.residual.at(0) < 0.1);
  // sizes come back in units of k-space
  CHECK(blas1::norm(Ex(), ours.image) ==
        doctest::Approx(blas1::norm(host_space(), truth)).epsilon(0.05));
}

TEST_CASE("frames by themselves; any scale; errors") {
  tensor<C, 5, Ex> x;
  const auto k = make_tensor<C>(Ex(), shape{2, 1, 3, 16, 18});
  {
    auto model = random_model<float>(3, 16, 18, x);
    model.evaluate(Ex(), borrow(Ex(), k.data(), shape{1, 1, 3, 16, 18}));
    Kokkos::deep_copy(slice(k, 1), slice(k, 0));
    blas1::scale(Ex(), C(1e9f), slice(k, 1));
  }
  auto mask = make_tensor<std::uint8_t>(host_space(), shape{1, 16, 18});
  for (index_t i = 0; i < 16 * 18; ++i) mask.data()[i] = i / 18 % 2 == 0;
  const auto out = mri::nlinv(Ex(), k, mask, {.iterations = 3});
  auto first = clone(Ex(), slice(slice(out.image, 0), 0)),
       second = clone(Ex(), slice(slice(out.image, 0), 1));
  blas1::scale(Ex(), C(1e9f), first);
  CHECK(linop::check::detail::distance(Ex(), first, second) < 1e-4);
  CHECK(out.report.residual.size() == 2);

  CHECK_THROWS_AS(mri::nlinv(Ex(), k, make_tensor<std::uint8_t>(host_space(), shape{1, 8, 18})),
                  shape_error);
  CHECK_THROWS_AS(mri::nlinv(Ex(), k, mask, {.alpha = 0}), value_error);
}
