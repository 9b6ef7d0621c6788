// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/mri/prewhiten.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "cardiomm/core/random.hpp"
#include "support/bart.hpp"

using namespace cardiomm;

namespace {

/// Noise (1, 1, coil, y, x) that is correlated between the coils, which differ in gain.
host_tensor<complex<float>, 5> coloured_noise(index_t coils, index_t ny, index_t nx, int seed) {
  const host_space ex;
  auto noise = make_tensor<complex<float>>(ex, shape{index_t(1), index_t(1), coils, ny, nx});
  random::fill_normal(ex, noise, std::uint64_t(seed));
  for (index_t c = coils - 1; c > 0; --c)
    for (index_t y = 0; y < ny; ++y)
      for (index_t x = 0; x < nx; ++x) {
        auto& n = noise(0, 0, c, y, x);
        n = 0.6f * noise(0, 0, c - 1, y, x) + complex<float>(0.3f, 0.4f * float(c)) * n;
      }
  return noise;
}

double off_identity(const host_tensor<complex<double>, 2>& psi, double scale) {
  double big = 0;
  for (std::size_t i = 0; i < psi.extent(0); ++i)
    for (std::size_t j = 0; j < psi.extent(1); ++j) {
      const double re = psi(i, j).real() / scale - double(i == j), im = psi(i, j).imag() / scale;
      big = std::max(big, std::hypot(re, im));
    }
  return big;
}

}  // namespace

TEST_CASE("whitened noise is white") {
  const host_space ex;
  const auto noise = coloured_noise(6, 64, 96, 3);
  const auto psi = mri::noise_covariance(ex, noise, 2);
  CHECK(off_identity(psi, 1) > 0.5);
  const auto w = mri::whitening_matrix<float>(ex, psi);
  // The scan itself becomes white exactly, ...
  const auto same = clone(ex, noise);
  mri::prewhiten(ex, w, same);
  CHECK(off_identity(mri::noise_covariance(ex, same, 2), 1) < 1e-5);
  // ... another scan up to the limit of the samples, about 4 / sqrt(samples).
  const auto other = coloured_noise(6, 64, 96, 4);
  mri::prewhiten(ex, w, other);
  const double limit = 4 / std::sqrt(64.0 * 96);
  CHECK(off_identity(mri::noise_covariance(ex, other, 2), 1) < 2 * limit);
}

TEST_CASE("noise_covariance takes (coil, samples) and any other layout") {
  const host_space ex;
  const auto noise = coloured_noise(3, 20, 30, 5);
  const auto five = mri::noise_covariance(ex, noise, 2);
  const auto two = mri::noise_covariance(ex, reshape(noise, shape{3, 600}));
  const auto three = mri::noise_covariance(ex, reshape(noise, shape{1, 3, 600}));
  for (int i = 0; i < 9; ++i) {
    CHECK(five.data()[i].real() == doctest::Approx(two.data()[i].real()));
    CHECK(three.data()[i].imag() == doctest::Approx(two.data()[i].imag()));
  }
  // Closed form: the variance of coil 0 is that of the generator, 2.
  CHECK(five(0, 0).real() == doctest::Approx(2).epsilon(0.1));
}

TEST_CASE("prewhitening agrees with bart whiten") {
  PROGRAM_OR_SKIP("bart");
  const host_space ex;
  const auto noise = coloured_noise(5, 40, 50, 6), data = coloured_noise(5, 32, 24, 7);
  const cardiomm_tests::bart_session bart;
  bart.put("noise", noise);
  bart.put("data", data);
  bart.run("whiten data noise out matrix covariance");
  const auto theirs = bart.get("out");
  const auto psi = mri::noise_covariance(ex, noise, 2);
  const auto w = mri::whitening_matrix<float>(ex, psi);
  mri::prewhiten(ex, w, data);
  // BART 0.8 divides the sum over all samples by those of the first dimension less one (BART 1.0
  // by all): the whitened data are the same up to that factor.
  double mine = 0, other = 0, cross_re = 0, cross_im = 0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const complex<float> a = data.data()[i], b = theirs.data()[i];
    mine += abs2(a);
    other += abs2(b);
    cross_re += conj_mul(a, b).real();
    cross_im += conj_mul(a, b).imag();
  }
  CHECK(std::hypot(cross_re, cross_im) / std::sqrt(mine * other) > 0.99999);
  const double ratio = other / mine, known = ratio < 0.5 ? 49.0 / 2000 : 1;
  CHECK(ratio == doctest::Approx(known).epsilon(1e-3));
}

TEST_CASE("prewhitening refuses noise that cannot whiten") {
  const host_space ex;
  CHECK_THROWS_WITH_AS(mri::noise_covariance(ex, zeros<complex<float>>(ex, shape{4, 3})),
                       "noise_covariance: expected at least as many samples as coils, found 3 "
                       "samples of 4 coils",
                       value_error);
  auto noise = coloured_noise(3, 10, 10, 1);
  for (int i = 0; i < 100; ++i) noise.data()[100 + i] = complex<float>(0);
  CHECK_THROWS_WITH_AS(mri::noise_covariance(ex, noise, 2),
                       "noise_covariance: coil 1: expected noise, found zeros only", value_error);
  for (int i = 0; i < 100; ++i) noise.data()[100 + i] = noise.data()[i];
  CHECK_THROWS_AS(mri::whitening_matrix<float>(ex, mri::noise_covariance(ex, noise, 2)),
                  value_error);
  noise.data()[5] = complex<float>(std::numeric_limits<float>::quiet_NaN());
  CHECK_THROWS_AS(mri::noise_covariance(ex, noise, 2), value_error);
  const auto w =
      mri::whitening_matrix<float>(ex, mri::noise_covariance(ex, coloured_noise(3, 10, 10, 1), 2));
  CHECK_THROWS_AS(mri::prewhiten(ex, w, coloured_noise(4, 5, 5, 1)), shape_error);
}
