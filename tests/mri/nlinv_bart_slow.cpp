// SPDX-License-Identifier: Apache-2.0
// nlinv against `bart nlinv` on a measured brain (8 coils, Poisson-disc samples, no full data): the
// same image.
#include <doctest/doctest.h>

#include "cardiomm/io/npy.hpp"
#include "cardiomm/mri/nlinv.hpp"
#include "support/bart.hpp"

using namespace cardiomm;
using Ex = default_space;
using C = complex<float>;

TEST_CASE("a measured brain: the image of bart nlinv") {
  PROGRAM_OR_SKIP("bart")
  SHARED_OR_SKIP(path, "data/brain_8ch/cartesian_ksp.npy")
  const auto file = io::open_npy(path).tensor<C, 3>();
  const auto k = reshape(file, shape{1, 1, 8, 230, 180});
  const cardiomm_tests::bart_session bart;
  bart.put("k", k);
  bart.run("nlinv -S k image");
  const auto theirs = bart.get("image");
  const auto data = clone(Ex(), k);
  const auto ours = mri::nlinv(Ex(), data, mri::sampling_of(Ex(), data));
  const auto image = to_host(ours.image);
  double apart = 0, size = 0;
  for (std::size_t i = 0; i < image.size(); ++i) {
    apart += abs2(image.data()[i] - theirs.data()[i]);
    size += abs2(theirs.data()[i]);
  }
  MESSAGE("relative difference of the images: ", std::sqrt(apart / size));
  CHECK(std::sqrt(apart / size) < 1e-3);

  // Image times maps give the data, as well as is told.
  const auto a = mri::encoding(linop::point_mask<float, Ex>(mri::sampling_of(Ex(), data)),
                               linop::sensitivity<float, Ex>(ours.maps));
  auto y = a * clone(Ex(), reshape(ours.image, shape{1, 1, 230, 180}));
  const double all = blas1::norm(Ex(), data);
  blas1::axpby(Ex(), C(-1), data, C(1), y);
  CHECK(blas1::norm(Ex(), y) / all == doctest::Approx(ours.report.residual.at(0)).epsilon(1e-3));
}
