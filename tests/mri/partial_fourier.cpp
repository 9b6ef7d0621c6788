// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/mri/partial_fourier.hpp"

#include <doctest/doctest.h>

#include "cardiomm/io/npy.hpp"
#include "support/shared.hpp"

using namespace cardiomm;
using Ex = default_space;
using C = complex<float>;
using method = mri::partial_fourier_method;

namespace {
tensor<C, 5, Ex> reference(const std::string& name) {
  return to_space(Ex(), io::read_npy<C, 5>(own_path("partial_fourier/" + name + ".npy")));
}
template <class A, class B>
double nmse(const A& a, const B& b) {
  const auto x = to_host(a);
  const auto y = to_host(b);
  double d = 0, n = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    d += abs2(x.data()[i] - y.data()[i]);
    n += abs2(y.data()[i]);
  }
  return d / n;
}
/// Zeros outside first .. last of an axis.
tensor<C, 5, Ex> cut(const tensor<C, 5, Ex>& k, int axis, index_t first, index_t last) {
  const auto out = clone(Ex(), k);
  std::vector<double> w(k.extent(axis), 0.0);
  for (index_t i = first; i <= last; ++i) w[std::size_t(i)] = 1;
  mri::apply_filter(Ex(), w, out, axis);
  return out;
}
}  // namespace

TEST_CASE("homodyne and POCS equal their definition in NumPy, along y and x") {
  const auto full = reference("full");
  const auto y = cut(full, 3, 8, 35), x = cut(full, 4, 0, 26);
  for (const auto m : {method::homodyne, method::pocs}) {
    const std::string name = m == method::homodyne ? "homodyne" : "pocs";
    const auto by_y = mri::partial_fourier(Ex(), y, {.method = m, .axis = 3, .first = 8});
    const auto by_x = mri::partial_fourier(Ex(), x, {.method = m, .axis = 4, .last = 26});
    CHECK(nmse(by_y, reference(name + "_y")) < 1e-9);
    CHECK(nmse(by_x, reference(name + "_x")) < 1e-9);
    MESSAGE(name, " y ", nmse(by_y, full), " of ", nmse(y, full), ", x ", nmse(by_x, full), " of ",
            nmse(x, full));
    CHECK(nmse(by_y, full) < 0.35 * nmse(y, full));
    CHECK(nmse(by_x, full) < 0.35 * nmse(x, full));
  }
}

TEST_CASE("an image of constant phase comes back whole; measured samples stay") {
  const linop::fourier_op<float, 5, Ex> f;
  auto image = make_tensor<C>(host_space(), shape{2, 1, 1, 32, 27});
  for (index_t i = 0; i < index_t(image.size()); ++i)
    image.data()[i] = C(0.6f, 0.8f) * float(1 + i * i % 7);
  // The line without opposite would have to be measured: it is empty here.
  auto k = f * to_space(Ex(), image);
  k = cut(k, 3, 1, 31);
  const auto part = cut(k, 3, 10, 31);
  const auto whole =
      mri::partial_fourier(Ex(), part, {.method = method::homodyne, .axis = 3, .first = 10});
  CHECK(nmse(whole, k) < 1e-9);
  const auto pocs = to_host(mri::partial_fourier(Ex(), part, {.axis = 3, .first = 10}));
  const auto data = to_host(k);
  for (index_t y = 10; y < 32; ++y)
    for (index_t x = 0; x < 27; ++x)
      REQUIRE(pocs(1, 0, 0, y, x).real() == data(1, 0, 0, y, x).real());
}

TEST_CASE("the measured range comes from the mask; what cannot be is refused") {
  auto mask = zeros<std::uint8_t>(host_space(), shape{2, 36, 35});
  mask(0, 9, 4) = mask(1, 30, 28) = 1;
  CHECK(mri::measured_range(mask, 1) == std::array<index_t, 2>{9, 30});
  CHECK(mri::measured_range(mask, 2) == std::array<index_t, 2>{4, 28});
  const auto k = reference("full");
  CHECK_THROWS_WITH_AS(mri::partial_fourier(Ex(), k, {.axis = 2}),
                       "partial_fourier: axis: expected 3 (y) or 4 (x), found 2", value_error);
  CHECK_THROWS_WITH_AS(mri::partial_fourier(Ex(), k, {.axis = 3, .first = 18}),
                       "partial_fourier: expected a measured range within 0 .. 35 on both sides of "
                       "the centre 18, found 18 .. 35",
                       value_error);
  CHECK_THROWS_WITH_AS(mri::partial_fourier(Ex(), k, {.iterations = 0}),
                       "partial_fourier: iterations: expected at least 1, found 0", value_error);
  CHECK_THROWS_WITH_AS(mri::measured_range(zeros<std::uint8_t>(host_space(), shape{1, 4, 4}), 1),
                       "measured_range: expected a mask with samples, found none", value_error);
}
