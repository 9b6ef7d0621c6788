// SPDX-License-Identifier: Apache-2.0
// ESPIRiT maps against `bart ecalib` on the phantom and on real k-space.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "cardiomm/fft/transform.hpp"
#include "cardiomm/io/npy.hpp"
#include "cardiomm/mri/calibrate.hpp"
#include "cardiomm/mri/mask.hpp"
#include "cardiomm/mri/simulate.hpp"
#include "support/bart.hpp"

using namespace cardiomm;

namespace {

using kspace5 = host_tensor<complex<float>, 5>;

/// Sum of the samples over frames divided by the number of frames that have them.
kspace5 average(const kspace5& k) {
  const shape<5> n = shape_of(k);
  const auto out = zeros<complex<float>>(host_space{}, shape{index_t(1), n[1], n[2], n[3], n[4]});
  for (index_t c = 0; c < n[2]; ++c)
    for (index_t y = 0; y < n[3]; ++y)
      for (index_t x = 0; x < n[4]; ++x) {
        int count = 0;
        for (index_t f = 0; f < n[0]; ++f) {
          out(0, 0, c, y, x) += k(f, 0, c, y, x);
          bool any = false;
          for (index_t d = 0; d < n[2]; ++d) any = any || abs2(k(f, 0, d, y, x)) > 0;
          count += any;
        }
        if (count > 0) out(0, 0, c, y, x) /= float(count);
      }
  return out;
}

struct agreement {
  double close = 0;    ///< part of the pixels that both support with a projection >= 0.99
  double median = 0;   ///< of the projection
  double support = 0;  ///< pixels that one supports and the other does not, over all pixels
  double phase = 0;    ///< mean over the pixels of |angle between ours and theirs|, radian
};

/// `threshold` is BART's -t, which is compared with squared singular values.
agreement against_bart(const char* what, const kspace5& k, double threshold) {
  const auto ours = mri::espirit(host_space{}, k);
  const cardiomm_tests::bart_session bart;
  bart.put("k", average(k));
  char command[80];
  std::snprintf(command, sizeof command, "ecalib -m1 -r24 -t %g k maps", threshold);
  bart.run(command);
  const auto theirs = bart.get("maps");
  REQUIRE(shape_of(theirs) == shape_of(ours));
  const shape<5> n = shape_of(ours);
  agreement result;
  std::vector<double> projection;
  for (index_t y = 0; y < n[3]; ++y)
    for (index_t x = 0; x < n[4]; ++x) {
      double re = 0, im = 0, a = 0, b = 0;
      for (index_t c = 0; c < n[2]; ++c) {
        const auto p = conj_mul(ours(0, 0, c, y, x), theirs(0, 0, c, y, x));
        re += p.real();
        im += p.imag();
        a += abs2(ours(0, 0, c, y, x));
        b += abs2(theirs(0, 0, c, y, x));
      }
      if ((a > 0) != (b > 0)) result.support += 1 / double(n[3] * n[4]);
      if (!(a > 0 && b > 0)) continue;
      projection.push_back(std::hypot(re, im) / std::sqrt(a * b));
      result.phase += std::abs(std::atan2(im, re));
    }
  REQUIRE(projection.size() > std::size_t(n[3] * n[4] / 10));
  const auto count = double(projection.size());
  for (const double p : projection) result.close += (p >= 0.99) / count;
  result.phase /= count;
  std::nth_element(projection.begin(), projection.begin() + projection.size() / 2,
                   projection.end());
  result.median = projection[projection.size() / 2];
  std::printf(
      "%s: projection on bart ecalib -t %g >= 0.99 in %.2f %% of the common pixels, median %.6f, "
      "support differs in %.2f %%, mean phase difference %.4f\n",
      what, threshold, 100 * result.close, result.median, 100 * result.support, result.phase);
  return result;
}

/// BART's default threshold, and the one that is equal to ours.
void check_against_bart(const char* what, const kspace5& k) {
  CHECK(against_bart(what, k, 0.001).close >= 0.95);
  const auto same = against_bart(what, k, 0.0004);
  CHECK(same.close >= 0.98);
  CHECK(same.median > 0.9999);
  CHECK(same.support < 0.01);
  CHECK(same.phase < 0.02);
}

/// (coil, y, x) as k-space of one frame and slice.
kspace5 one_frame(const host_tensor<complex<float>, 3>& k) {
  const shape<3> n = shape_of(k);
  return clone(host_space{}, reshape(k, shape{index_t(1), index_t(1), n[0], n[1], n[2]}));
}

}  // namespace

TEST_CASE("espirit agrees with bart on the undersampled phantom") {
  PROGRAM_OR_SKIP("bart");
  for (const index_t coils : {10, 30}) {
    const auto d = mri::simulate({.coils = coils, .frames = 4, .ny = 144, .nx = 160, .snr = 30});
    const auto mask = mri::make_line_mask({.pattern = mri::mask_pattern::kt_gaussian,
                                           .acceleration = 8,
                                           .frames = 4,
                                           .ny = 144,
                                           .nx = 160});
    for (index_t f = 0; f < 4; ++f)
      for (index_t c = 0; c < coils; ++c)
        for (index_t y = 0; y < 144; ++y)
          if (mask(f, y) == 0)
            for (index_t x = 0; x < 160; ++x) d.kspace(f, 0, c, y, x) = complex<float>(0);
    check_against_bart(coils == 10 ? "phantom, 10 coils, k-t Gaussian R=8, 4 frames"
                                   : "phantom, 30 coils, k-t Gaussian R=8, 4 frames",
                       d.kspace);
  }
}

TEST_CASE("espirit agrees with bart on a real heart, 10 coils, undersampled") {
  PROGRAM_OR_SKIP("bart");
  SHARED_OR_SKIP(lines_path, "data/cmrxrecon2025_slice_10ch/lines.npy");
  SHARED_OR_SKIP(index_path, "data/cmrxrecon2025_slice_10ch/line_index.npy");
  const auto lines = io::open_npy(lines_path).tensor<complex<float>, 3>();
  const auto index = io::open_npy(index_path).tensor<std::int32_t, 1>();
  const auto k = zeros<complex<float>>(host_space{}, shape{1, 1, 10, 162, 448});
  for (index_t c = 0; c < 10; ++c)
    for (std::size_t l = 0; l < index.extent(0); ++l)
      for (index_t x = 0; x < 448; ++x) k(0, 0, c, index(l), x) = lines(c, l, x);
  const auto block = mri::calibration_region(host_space{}, k);
  CHECK(block.y0 == 71);
  CHECK(shape_of(block.data) == shape{1, 10, 20, 24});
  check_against_bart("heart cmrxrecon2025", k);
}

TEST_CASE("espirit agrees with bart on brain data") {
  PROGRAM_OR_SKIP("bart");
  SHARED_OR_SKIP(four, "data/brain_4ch_full/img.npy");
  SHARED_OR_SKIP(eight, "data/brain_8ch/cartesian_ksp.npy");
  SHARED_OR_SKIP(workshop, "data/brain_8ch/ksp.hdr");
  const host_space ex;
  const auto image = io::open_npy(four).tensor<complex<float>, 3>();
  check_against_bart("brain 4 coils", one_frame(fft::fft(ex, image)));
  check_against_bart("brain 8 coils, Poisson",
                     one_frame(io::open_npy(eight).tensor<complex<float>, 3>()));
  const auto file = io::open_cfl(workshop);
  auto k = make_tensor<complex<float>>(ex, shape{8, 230, 180});
  REQUIRE(file.values.size() == index_t(k.size()));
  file.values.read(k.data());
  check_against_bart("brain 8 coils, Poisson, values of 1e13", one_frame(k));
}

TEST_CASE("espirit of a single coil supports what bart supports") {
  PROGRAM_OR_SKIP("bart");
  SHARED_OR_SKIP(path, "data/cmrxrecon2024_cine_frame_1ch/kspace_full.npy");
  const auto k = io::open_npy(path).tensor<complex<float>, 2>();
  const auto n = shape_of(k);
  const auto one =
      clone(host_space{}, reshape(k, shape{index_t(1), index_t(1), index_t(1), n[0], n[1]}));
  const auto same = against_bart("heart cmrxrecon2024, one coil", one, 0.0004);
  CHECK(same.close == doctest::Approx(1));
  CHECK(same.support < 0.01);
  CHECK(same.phase < 1e-5);
}
