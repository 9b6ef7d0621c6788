// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/mri/scale.hpp"

#include <doctest/doctest.h>

#include "cardiomm/io/cfl.hpp"
#include "support/shared.hpp"

using namespace cardiomm;

TEST_CASE("a constant image has its own brightness as scale") {
  const host_space ex;
  const auto k = zeros<complex<double>>(ex, shape{2, 1, 3, 40, 50});
  // DC of three coils with 3, 4 and 12: root sum of squares 13, over sqrt(40 * 50) pixels
  const double dc[3] = {3, 4, 12};
  for (int c = 0; c < 3; ++c)
    for (int f = 0; f < 2; ++f) {
      // the smallest samples elsewhere, because zeros are samples that were not acquired
      for (int i = 0; i < 2000; ++i) (&k(f, 0, c, 0, 0))[i] = complex<double>(1e-12);
      k(f, 0, c, 20, 25) = complex<double>(0, dc[c]);
    }
  CHECK(mri::data_scale(ex, k) == doctest::Approx(13 / std::sqrt(2000.0)).epsilon(1e-9));
  Kokkos::deep_copy(k, complex<double>(0));
  CHECK_THROWS_AS(mri::data_scale(ex, k), value_error);
}

TEST_CASE("the scale of BART's pics") {
  SHARED_OR_SKIP(path, "data/brain_8ch/ksp.cfl");
  const auto file = io::open_cfl(path);
  const auto k = make_tensor<complex<float>>(host_space{}, shape{1, 1, 8, 230, 180});
  file.values.read(k.data());
  // `bart pics -d5` of BART 0.8 prints "Scaling: 1633543258112.000000"; its block here is 20 x 20
  CHECK(mri::data_scale(host_space{}, k) == doctest::Approx(1633543258112.0).epsilon(1e-5));
}
