// SPDX-License-Identifier: Apache-2.0
// CG-SENSE against `bart pics` with the same maps, weight and number of iterations.
#include <doctest/doctest.h>

#include "cardiomm/core/blas1.hpp"
#include "cardiomm/io/npy.hpp"
#include "cardiomm/linop/check.hpp"
#include "cardiomm/mri/calibrate.hpp"
#include "cardiomm/mri/reconstruct.hpp"
#include "cardiomm/mri/simulate.hpp"
#include "support/bart.hpp"

using namespace cardiomm;
using cardiomm_tests::bart_session;
using Ex = default_space;
using data5 = tensor<complex<float>, 5, Ex>;

namespace {
/// Runs both on k-space with zeros where it was not sampled; returns the relative distance.
double against_bart(const char* what, const data5& kspace, const data5& maps, double lambda,
                    int iterations) {
  const auto mask = mri::sampling_of(Ex(), kspace);
  const auto ours = mri::sense(Ex(), kspace, mask, maps,
                               {.lambda = lambda, .iterations = iterations, .joint = true})
                        .image;
  const bart_session bart;
  bart.put("kspace", kspace);
  bart.put("maps", maps, io::cfl_dim::maps);
  char command[128];
  std::snprintf(command, sizeof command, "pics -S -w1 -l2 -r %g -i %d kspace maps image", lambda,
                iterations);
  bart.run(command);
  const auto theirs = to_space(Ex(), bart.get("image"));
  REQUIRE(theirs.size() == ours.size());
  // pics moves the origin by sign changes of k-space and maps and leaves out their constant:
  // against its own `bart fft`, its images change sign for every extent n with n mod 4 = 2. (For
  // odd extents the signs do not cancel at all, so that pics is no reference there.)
  bool negative = false;
  for (const int axis : {3, 4}) {
    const std::size_t n = kspace.extent(axis);
    REQUIRE(n % 2 == 0);
    negative = negative != (n % 4 == 2);
  }
  if (negative) blas1::scale(Ex(), complex<float>(-1), theirs);
  const double e = linop::check::detail::distance(Ex(), clone(Ex(), flatten(ours)),
                                                  clone(Ex(), flatten(theirs)));
  std::printf("%s: relative distance to bart pics %.2e (lambda %g, %d iterations)\n", what, e,
              lambda, iterations);
  return e;
}
data5 maps_of(const data5& kspace) { return mri::espirit(Ex(), kspace); }
data5 masked(const data5& kspace, double acceleration) {
  const shape<5> s = shape_of(kspace);
  return linop::line_mask<float, Ex>(mri::make_line_mask({.pattern = mri::mask_pattern::kt_gaussian,
                                                          .acceleration = acceleration,
                                                          .frames = s[0],
                                                          .ny = s[3],
                                                          .nx = s[4]})) *
         kspace;
}
/// A .npy of any rank up to 5 as k-space (frame, slice, coil, y, x); missing axes lead.
data5 kspace_from(const std::string& path) {
  const auto file = io::open_npy(path);
  shape<5> s{{1, 1, 1, 1, 1}};
  const auto& n = file.shape();
  for (std::size_t i = 0; i < n.size(); ++i) s[int(5 - n.size() + i)] = n[i];
  auto t = make_tensor<complex<float>>(host_space(), s);
  file.read(t.data());
  return to_space(Ex(), t);
}
}  // namespace

TEST_CASE("CG-SENSE agrees with bart pics on the phantom") {
  PROGRAM_OR_SKIP("bart");
  const auto heart = mri::simulate({.coils = 6, .frames = 5, .ny = 90, .nx = 112});
  const auto k = masked(to_space(Ex(), heart.kspace), 4);
  const auto maps = maps_of(k);
  CHECK(against_bart("phantom", k, maps, 0.01, 30) < 1e-4);
  CHECK(against_bart("phantom", k, maps, 0.1, 10) < 1e-4);
}

TEST_CASE("CG-SENSE agrees with bart pics on real data") {
  PROGRAM_OR_SKIP("bart");
  SUBCASE("heart, 10 coils, k-t Gaussian R = 8") {
    SHARED_OR_SKIP(lines, "data/cmrxrecon2025_slice_10ch/lines.npy");
    SHARED_OR_SKIP(index, "data/cmrxrecon2025_slice_10ch/line_index.npy");
    const auto values = kspace_from(lines);  // (1, 1, coil, line, x)
    const auto which = io::open_npy(index);
    std::vector<std::int32_t> at(static_cast<std::size_t>(which.size()));
    which.read(at.data());
    const shape<5> s = shape_of(values);
    auto k = zeros<complex<float>>(host_space(), shape<5>{{1, 1, s[2], 162, s[4]}});
    const auto v = to_host(values);
    for (index_t c = 0; c < s[2]; ++c)
      for (index_t l = 0; l < s[3]; ++l)
        for (index_t x = 0; x < s[4]; ++x)
          k(0, 0, c, at[static_cast<std::size_t>(l)], x) = v(0, 0, c, l, x);
    const auto there = to_space(Ex(), k);
    CHECK(against_bart("cmrxrecon2025_slice_10ch", there, maps_of(there), 0.01, 30) < 1e-4);
  }
  SUBCASE("heart, 1 coil") {
    SHARED_OR_SKIP(path, "data/cmrxrecon2024_cine_frame_1ch/kspace_full.npy");
    // stored (kx, ky): the readout goes last
    const auto stored = to_host(kspace_from(path));
    const index_t nx = index_t(stored.extent(3)), ny = index_t(stored.extent(4));
    auto k = make_tensor<complex<float>>(host_space(), shape<5>{{1, 1, 1, ny, nx}});
    for (index_t y = 0; y < ny; ++y)
      for (index_t x = 0; x < nx; ++x) k(0, 0, 0, y, x) = stored(0, 0, 0, x, y);
    const auto under = masked(to_space(Ex(), k), 4);
    CHECK(against_bart("cmrxrecon2024_cine_frame_1ch", under, maps_of(under), 0.01, 20) < 1e-4);
  }
  SUBCASE("brain, 4 coils, fully sampled images") {
    SHARED_OR_SKIP(path, "data/brain_4ch_full/img.npy");
    const auto k = masked(linop::fourier_op<float, 5, Ex>{} * kspace_from(path), 3);
    CHECK(against_bart("brain_4ch_full", k, maps_of(k), 0.01, 30) < 1e-4);
  }
  SUBCASE("brain, 8 coils, Poisson disc") {
    SHARED_OR_SKIP(path, "data/brain_8ch/cartesian_ksp.npy");
    const auto k = kspace_from(path);
    CHECK(against_bart("brain_8ch", k, maps_of(k), 0.01, 30) < 1e-4);
  }
}
