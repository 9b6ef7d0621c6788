// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/mri/filter.hpp"

#include <doctest/doctest.h>

#include "cardiomm/linop/fourier.hpp"

using namespace cardiomm;
using Ex = default_space;
using C = complex<float>;

namespace {
/// Standard deviation of complex data, sqrt(E |n|^2).
template <class V>
double deviation(const V& v) {
  return blas1::norm(Ex(), v) / std::sqrt(double(v.size()));
}
tensor<C, 5, Ex> noise(const shape<5>& s) {
  auto n = make_tensor<C>(Ex(), s);
  random::fill_normal(Ex(), n, 11);
  blas1::scale(Ex(), C(float(std::sqrt(0.5))), n);
  return n;
}
template <class V>
tensor<C, 5, Ex> image_of(const V& k) {
  return linop::adjoint(linop::fourier_op<float, 5, Ex>()) * k;
}
template <class F>
std::string message(const F& f) {
  try {
    f();
  } catch (const error& e) {
    return e.what();
  }
  return "no error";
}
}  // namespace

TEST_CASE("windows have the values of the reference implementation") {
  const auto even = mri::gaussian_filter(64, 1.5), odd = mri::gaussian_filter(63, 1.5);
  CHECK(even[0] == 0);
  CHECK(even[1] == doctest::Approx(0.4359569877164844).epsilon(1e-12));
  CHECK(even[16] == doctest::Approx(0.9951124653504476).epsilon(1e-12));
  CHECK(even[32] == doctest::Approx(1.3428420589678665).epsilon(1e-12));
  CHECK(even[63] == doctest::Approx(0.4359569877164844).epsilon(1e-12));
  CHECK(odd[0] == doctest::Approx(0.43253766443199687).epsilon(1e-12));
  CHECK(odd[16] == doctest::Approx(1.0237953226239296).epsilon(1e-12));
  CHECK(odd[31] == doctest::Approx(1.3323098017750903).epsilon(1e-12));
  CHECK(odd[62] == doctest::Approx(0.43253766443199687).epsilon(1e-12));
  const auto partial = mri::partial_fourier_filter(64, 0, 48);
  CHECK(partial[0] == doctest::Approx(1.2208761499464251).epsilon(1e-12));
  CHECK(partial[38] == doctest::Approx(1.2208761499464251).epsilon(1e-12));
  CHECK(partial[39] == doctest::Approx(1.2140580610082512).epsilon(1e-12));
  CHECK(partial[43] == doctest::Approx(0.7462733255387465).epsilon(1e-12));
  CHECK(partial[48] == doctest::Approx(0.027120050912369333).epsilon(1e-12));
  CHECK(partial[49] == 0);
  // The other side is the mirror image, nothing cut falls at both ends.
  const auto mirrored = mri::partial_fourier_filter(64, 15, 63);
  for (std::size_t i = 0; i < 64; ++i) CHECK(mirrored[i] == doctest::Approx(partial[63 - i]));
  const auto whole = mri::partial_fourier_filter(64, 0, 63);
  CHECK(whole[0] < 0.05);
  CHECK(whole[63] == whole[0]);
}

TEST_CASE("noise keeps its standard deviation in every step") {
  const shape<5> s{{4, 2, 3, 192, 224}};  // 1.03e6 samples
  const auto check = [&](const tensor<C, 5, Ex>& k) {
    CHECK(deviation(image_of(k)) == doctest::Approx(1).epsilon(0.03));
  };
  for (const double sigma : {0.8, 1.0, 1.5, 2.0, 2.25}) {
    const auto k = noise(s);
    mri::apply_filter(Ex(), mri::gaussian_filter(224, sigma), k, 4);
    mri::apply_filter(Ex(), mri::gaussian_filter(192, sigma), k, 3);
    check(k);
  }
  for (const index_t last : {167, 143, 119}) {
    const auto k = noise(s);
    mri::apply_filter(Ex(), mri::partial_fourier_filter(192, 0, last), k, 3);
    check(k);
  }
  for (const double ratio : {0.75, 0.65, 0.55}) {
    const auto k = noise(s);
    mri::reduce_resolution(Ex(), k, index_t(192 * ratio), index_t(224 * ratio));
    check(k);
  }
  check(mri::interpolate(Ex(), noise(s), 288, 301));
  const auto t = noise(s);
  mri::apply_filter(Ex(), mri::keep_noise({0.1, 0.6, 1, 0.6}), t, 0);
  check(t);
}

TEST_CASE("interpolation keeps samples, DC and the values of a smooth image") {
  auto k = zeros<C>(Ex(), shape{1, 1, 1, 5, 6});
  k(0, 0, 0, 2, 3) = C(1);
  const auto fine = to_host(mri::interpolate(Ex(), k, 10, 9));
  CHECK(fine(0, 0, 0, 5, 4).real() == doctest::Approx(std::sqrt(3.0)));
  const auto coarse = to_host(image_of(k)), many = to_host(image_of(to_space(Ex(), fine)));
  CHECK(many(0, 0, 0, 0, 0).real() == doctest::Approx(coarse(0, 0, 0, 0, 0).real()));
}

TEST_CASE("windows that cannot be are refused") {
  CHECK(message([] { mri::gaussian_filter(2, 1); }) ==
        "gaussian_filter: expected at least 3 samples, found 2");
  CHECK(message([] { mri::gaussian_filter(8, -1); }) ==
        "gaussian_filter: sigma: expected a number of at least 0, found -1");
  CHECK(message([] { mri::partial_fourier_filter(64, 3, 64); }) ==
        "partial_fourier_filter: expected kept samples within 0 .. 63, found 3 .. 64");
  CHECK(message([] { mri::partial_fourier_filter(64, 10, 30, 11); }) ==
        "partial_fourier_filter: edge: expected 0 to 10 samples, found 11");
  CHECK(message([] {
          mri::keep_noise({0, 0});
        }) == "filter: expected a finite window that is not zero everywhere");
  const auto k = noise({{1, 1, 2, 4, 6}});
  CHECK(
      message([&] { mri::apply_filter(Ex(), mri::gaussian_filter(5, 1), k, 4); }) ==
      "filter: window of 5 samples: expected data of as many along axis 4, found (1, 1, 2, 4, 6)");
  CHECK(message([&] { mri::apply_filter(Ex(), mri::gaussian_filter(5, 1), k, 5); }) ==
        "filter: axis: expected one of the 5 axes, found 5");
  CHECK(message([&] { mri::reduce_resolution(Ex(), k, 5, 6); }) ==
        "reduce_resolution: expected 1 to 4 x 6 samples, found 5 x 6");
  CHECK(message([&] { mri::interpolate(Ex(), k, 3, 6); }) ==
        "interpolate: expected at least 4 x 6 samples, found 3 x 6");
}
