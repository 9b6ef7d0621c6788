// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/mri/coil_compress.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "cardiomm/core/blas1.hpp"
#include "cardiomm/core/random.hpp"
#include "support/bart.hpp"

using namespace cardiomm;

namespace {

/// k-space (frame, slice, coil, y, x) of `sources` independent signals seen by more coils, with
/// a decay from the centre and a little noise.
host_tensor<complex<float>, 5> correlated(shape<5> n, index_t sources, double noise, int seed) {
  const host_space ex;
  auto k = make_tensor<complex<float>>(ex, n);
  random::fill_normal(ex, k, std::uint64_t(seed));
  auto mixing = make_tensor<complex<float>>(ex, shape{n[2], sources});
  random::fill_normal(ex, mixing, std::uint64_t(seed), 1);
  auto signal = make_tensor<complex<float>>(ex, shape{sources, n[3], n[4]});
  for (index_t f = 0; f < n[0]; ++f)
    for (index_t s = 0; s < n[1]; ++s) {
      random::fill_normal(ex, signal, std::uint64_t(seed), std::uint64_t(2 + f * n[1] + s));
      for (index_t c = 0; c < n[2]; ++c)
        for (index_t y = 0; y < n[3]; ++y)
          for (index_t x = 0; x < n[4]; ++x) {
            complex<float> sum = float(noise) * k(f, s, c, y, x);
            const double far = std::hypot(double(y - n[3] / 2), double(x - n[4] / 2));
            for (index_t i = 0; i < sources; ++i)
              sum += float(10 / (1 + far) / double(1 + i)) * mixing(c, i) * signal(i, y, x);
            k(f, s, c, y, x) = sum;
          }
    }
  return k;
}

}  // namespace

TEST_CASE("compression keeps all energy where the coils are dependent") {
  const host_space ex;
  const auto k = correlated(shape{2, 2, 8, 20, 30}, 3, 0, 1);
  const auto found = mri::find_compression(ex, k, 3);
  REQUIRE(found.energy.size() == 8);
  double sum = 0;
  for (const double e : found.energy) sum += e;
  CHECK(sum == doctest::Approx(1));
  CHECK(found.energy[0] > found.energy[1]);
  CHECK(found.energy[3] < 1e-7);
  const auto few = mri::compress(ex, found.matrix, k);
  CHECK(shape_of(few) == shape{2, 2, 3, 20, 30});
  CHECK(blas1::norm(ex, few) == doctest::Approx(blas1::norm(ex, k)).epsilon(1e-6));
  // The rows are orthonormal, and the virtual coils uncorrelated.
  const auto g = la::channel_gram(ex, reshape(few, shape{4, 3, 600}));
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) {
      complex<double> dot(0);
      for (int c = 0; c < 8; ++c) {
        const auto a = found.matrix(j, c), b = found.matrix(i, c);
        dot += complex<double>(conj_mul(a, b).real(), conj_mul(a, b).imag());
      }
      CHECK(std::hypot(dot.real() - (i == j), dot.imag()) < 1e-6);
      if (i != j) CHECK(std::hypot(g(i, j).real(), g(i, j).imag()) < 1e-5 * g(0, 0).real());
    }
}

TEST_CASE("compression to all coils is unitary, and repeatable") {
  const host_space ex;
  const auto k = correlated(shape{1, 1, 4, 17, 15}, 4, 0.1, 2);
  const auto a = mri::find_compression(ex, k, 4), b = mri::find_compression(ex, k, 4);
  for (int i = 0; i < 16; ++i) CHECK(a.matrix.data()[i] == b.matrix.data()[i]);
  CHECK(blas1::norm(ex, mri::compress(ex, a.matrix, k)) ==
        doctest::Approx(blas1::norm(ex, k)).epsilon(1e-6));
}

TEST_CASE("the virtual coils span the space of bart cc") {
  PROGRAM_OR_SKIP("bart");
  const host_space ex;
  const auto k = correlated(shape{1, 1, 10, 48, 40}, 6, 0.02, 3);
  const cardiomm_tests::bart_session bart;
  bart.put("k", k);
  for (const bool all : {true, false}) {
    CAPTURE(all);
    bart.run(all ? "cc -p4 -S -A k out" : "cc -p4 -S -r16:16:1 k out");
    const auto theirs = bart.get("out");
    const auto mine = mri::compress(ex, mri::find_compression(ex, k, 4, all ? 0 : 16).matrix, k);
    // Virtual coils are unique up to a phase each. BART places its calibration block by the
    // density of the samples, up to a sample beside the centre.
    const double tolerance = all ? 1e-4 : 2e-3;
    REQUIRE(shape_of(theirs) == shape_of(mine));
    for (index_t c = 0; c < 4; ++c) {
      const auto a = slice(slice(slice(mine, 0), 0), c), b = slice(slice(slice(theirs, 0), 0), c);
      const auto dot = blas1::dot(ex, flatten(a), flatten(b));
      CHECK(std::hypot(dot.real(), dot.imag()) / (blas1::norm(ex, a) * blas1::norm(ex, b)) >
            1 - tolerance);
      CHECK(blas1::norm(ex, a) == doctest::Approx(blas1::norm(ex, b)).epsilon(tolerance));
    }
  }
}

TEST_CASE("coil compression refuses what makes no sense") {
  const host_space ex;
  const auto k = correlated(shape{1, 1, 4, 8, 8}, 4, 0, 1);
  CHECK_THROWS_WITH_AS(mri::find_compression(ex, k, 5),
                       "coil compression: expected 1 to 4 virtual coils, found 5", value_error);
  CHECK_THROWS_AS(mri::find_compression(ex, k, 0), value_error);
  CHECK_THROWS_AS(mri::find_compression(ex, zeros<complex<float>>(ex, shape_of(k)), 2),
                  value_error);
  const auto m = mri::find_compression(ex, k, 2).matrix;
  CHECK_THROWS_AS(mri::compress(ex, m, zeros<complex<float>>(ex, shape{1, 1, 3, 8, 8})),
                  shape_error);
  k(0, 0, 1, 3, 3) = complex<float>(std::numeric_limits<float>::infinity());
  CHECK_THROWS_AS(mri::find_compression(ex, k, 2), value_error);
}
