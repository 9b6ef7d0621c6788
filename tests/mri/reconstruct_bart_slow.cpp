// SPDX-License-Identifier: Apache-2.0
// CG-SENSE against `bart pics` with the same maps, weight and number of iterations.
#include <doctest/doctest.h>

#include <cmath>

#include "cardiomm/core/blas1.hpp"
#include "cardiomm/io/npy.hpp"
#include "cardiomm/linop/check.hpp"
#include "cardiomm/linop/normal_volume.hpp"
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

TEST_CASE("a volume with two phase encodes agrees with bart pics") {
  PROGRAM_OR_SKIP("bart");
  const Ex ex;
  const index_t nz = 12, ny = 24, nx = 20, coils = 5;  // multiples of four: no signs, see above
  auto x = make_tensor<complex<float>>(host_space(), shape{index_t(1), nz, ny, nx});
  auto s = make_tensor<complex<float>>(host_space(), shape{index_t(1), nz, coils, ny, nx});
  auto m = make_tensor<float>(host_space(), shape{nz, ny});
  random::fill_normal(host_space(), x, 1);
  for (index_t z = 0; z < nz; ++z)
    for (index_t y = 0; y < ny; ++y) {
      m(z, y) = (y + 2 * z) % 3 == 0 || (std::abs(double(y - 12)) < 3 && z > 3 && z < 8);
      for (index_t c = 0; c < coils; ++c)
        for (index_t i = 0; i < nx; ++i)
          s(0, z, c, y, i) = complex<float>(float(std::cos(0.2 * double(c * y + z))),
                                            float(std::sin(0.15 * double((c + 1) * i - 2 * z)))) *
                             0.4f;
    }
  const auto a = linop::partition_mask<float, Ex>(to_space(ex, m)) * linop::fourier_zyx *
                 linop::sensitivity<float, Ex>(to_space(ex, s));
  const auto k = a * to_space(ex, x);
  const float lambda = 0.05f;
  const auto normal = linop::gram(a) + lambda * linop::identity;
  static_assert(
      std::is_same_v<std::decay_t<decltype(normal)>, linop::sense_volume_normal<float, Ex>>);
  const auto ours = solve::cg(normal, linop::adjoint(a) * k, {.iterations = 15});

  const auto for_bart = [&](const auto& v) {  // (1, z, coil, y, x) -> x, y, z, coil
    const auto from = to_host(v);
    auto to = make_tensor<complex<float>>(host_space(), shape{coils, nz, ny, nx});
    for (index_t c = 0; c < coils; ++c)
      for (index_t z = 0; z < nz; ++z)
        for (index_t y = 0; y < ny; ++y)
          for (index_t i = 0; i < nx; ++i) to(c, z, y, i) = from(0, z, c, y, i);
    return to;
  };
  io::cfl_shape dims;
  dims.fill(1);
  dims[0] = nx;
  dims[1] = ny;
  dims[2] = nz;
  dims[3] = coils;
  const bart_session bart;
  io::write_cfl(bart.path("kspace"), dims, for_bart(k).data());
  io::write_cfl(bart.path("maps"), dims, for_bart(s).data());
  bart.run("pics -S -w1 -l2 -r 0.05 -i 15 kspace maps image");
  const auto file = io::open_cfl(bart.path("image"));
  auto theirs = make_tensor<complex<float>>(host_space(), shape{index_t(1), nz, ny, nx});
  REQUIRE(file.values.size() == static_cast<index_t>(theirs.size()));
  file.values.read(theirs.data());
  const double e = linop::check::detail::distance(ex, clone(ex, flatten(ours)),
                                                  clone(ex, flatten(to_space(ex, theirs))));
  std::printf("volume: relative distance to bart pics %.2e\n", e);
  CHECK(e < 1e-4);
}
