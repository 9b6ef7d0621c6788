// SPDX-License-Identifier: Apache-2.0
/// \file
/// The simulated acquisition against closed forms: k-space of ellipses, volumes, noise.
#include "cardiomm/mri/simulate.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "cardiomm/fft/transform.hpp"

using namespace cardiomm;
using mri::phantom_options;

namespace {

phantom_options small(index_t coils, index_t frames, index_t slices, index_t ny, index_t nx,
                      double snr = 0) {
  phantom_options o;
  o.coils = coils;
  o.frames = frames;
  o.slices = slices;
  o.ny = ny;
  o.nx = nx;
  o.snr = snr;
  return o;
}

/// |a - b| / |b|
template <class A, class B>
double relative(const A& a, const B& b) {
  REQUIRE(a.size() == b.size());
  double error = 0, norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double re = double(a.data()[i].real()) - double(b.data()[i].real());
    const double im = double(a.data()[i].imag()) - double(b.data()[i].imag());
    error += re * re + im * im;
    norm += double(abs2(b.data()[i]));
  }
  return std::sqrt(error / norm);
}

/// sum over coils of conj(s) times the image of every coil.
host_tensor<complex<float>, 4> combined(const mri::phantom_data& d) {
  const auto images = fft::ifft(host_space{}, d.kspace);
  auto out = zeros<complex<float>>(host_space{}, shape_of(d.image));
  const shape<5> s = shape_of(d.kspace);
  const index_t pixels = s[3] * s[4];
  for (index_t f = 0; f < s[0]; ++f)
    for (index_t z = 0; z < s[1]; ++z)
      for (index_t c = 0; c < s[2]; ++c)
        for (index_t i = 0; i < pixels; ++i)
          out.data()[(f * s[1] + z) * pixels + i] +=
              conj_mul(d.maps.data()[(z * s[2] + c) * pixels + i],
                       images.data()[((f * s[1] + z) * s[2] + c) * pixels + i]);
  return out;
}

}  // namespace

TEST_CASE("simulate: without phase the image is the closed form") {
  for (const auto& [ny, nx] : {std::pair<index_t, index_t>{64, 80}, {45, 51}}) {
    auto o = small(1, 3, 2, ny, nx);
    o.phase = 0;
    const auto d = mri::simulate(o);
    const auto k = fft::fft(host_space{}, d.image);
    for (index_t f = 0; f < 3; ++f)
      for (index_t z = 0; z < 2; ++z) {
        const double at = z == 0 ? -5 : 5;
        auto shapes = mri::resting_ellipses(at);
        const auto beating = mri::beating_ellipses(at, mri::contraction_at(double(f) / 3));
        shapes.insert(shapes.end(), beating.begin(), beating.end());
        const auto exact = mri::ellipse_kspace(
            host_space{}, shapes, {ny, nx, 292.5 / double(ny), 360.0 / double(nx), at});
        CHECK(relative(slice(slice(k, f), z), exact) < 1e-5);
      }
  }
}

TEST_CASE("simulate: coil images and maps give the image back") {
  // Maps and the cut of k-space do not commute; what is left falls with the pixel size.
  double before = 1;
  for (const index_t n : {52, 104, 208}) {
    const auto d = mri::simulate(small(10, 1, 1, n, n * 16 / 13));
    const double error = relative(combined(d), d.image);
    MESSAGE(n, " lines: |sum conj(s) c - x| / |x| = ", error);
    CHECK(error < 0.75 * before);
    CHECK(error < 1 / double(n));
    CHECK(error > 1e-5);  // or the operator of the reconstruction had made the data
    before = error;
  }
  CHECK(relative(combined(mri::simulate(small(1, 1, 1, 104, 128))),
                 mri::simulate(small(1, 1, 1, 104, 128)).image) < 0.01);
}

TEST_CASE("simulate: a larger matrix sees the same k-space") {
  // Twice the matrix doubles the extent of k-space and its orthonormal scale. So the data of the
  // small matrix are not changed by what it could not resolve.
  for (const auto& [ny, nx] : {std::pair<index_t, index_t>{48, 64}, {33, 40}, {16, 17}}) {
    const auto a = mri::simulate(small(3, 1, 1, ny, nx));
    const auto b = mri::simulate(small(3, 1, 1, 4 * ny, 4 * nx));
    auto centre = make_tensor<complex<float>>(host_space{}, shape_of(a.kspace));
    for (index_t c = 0; c < 3; ++c)
      for (index_t y = 0; y < ny; ++y)
        for (index_t x = 0; x < nx; ++x) {
          const auto v = b.kspace(0, 0, c, y - ny / 2 + 2 * ny, x - nx / 2 + 2 * nx);
          centre(0, 0, c, y, x) = complex<float>(v.real() / 4, v.imag() / 4);
        }
    const double error = relative(a.kspace, centre);
    MESSAGE(ny, " x ", nx, ": ", error);
    CHECK(error < 1e-3);
    CHECK(shape_of(a.maps) == shape{index_t(1), index_t(3), ny, nx});
  }
}

TEST_CASE("simulate: volumes of the labels are those of the truth") {
  auto o = small(1, 2, 4, 208, 256);
  o.slice_spacing = 25;  // from the base to the apex
  const auto d = mri::simulate(o);
  const double voxel = d.truth.spacing_mm[0] * d.truth.spacing_mm[1] * d.truth.spacing_mm[2] / 1000;
  CHECK(d.truth.spacing_mm[1] == doctest::Approx(292.5 / 208));
  for (index_t f = 0; f < 2; ++f) {
    double ml[256] = {};
    const auto frame = slice(d.labels, f);
    for (std::size_t i = 0; i < frame.size(); ++i) ml[frame.data()[i]] += voxel;
    CHECK(std::all_of(ml + 4, ml + 256, [](double v) { return v == 0; }));
    const auto at = std::size_t(f);
    CHECK(ml[mri::label_lv] == doctest::Approx(d.truth.lv.ml[at]).epsilon(0.01));
    CHECK(ml[mri::label_rv] == doctest::Approx(d.truth.rv.ml[at]).epsilon(0.015));
    CHECK(ml[mri::label_myocardium] == doctest::Approx(d.truth.myocardium_ml[at]).epsilon(0.01));
  }
}

TEST_CASE("simulate: truth of a cycle") {
  const auto t = mri::truth_of(small(10, 25, 10, 208, 256));
  CHECK(t.lv.ef_percent == doctest::Approx(60).epsilon(1e-6));
  CHECK(t.rv.ef_percent == doctest::Approx(52).epsilon(1e-6));
  CHECK(t.lv.edv_ml == doctest::Approx(146.6).epsilon(2e-3));
  CHECK(t.ed_frame == 0);
  CHECK(t.es_frame == 9);
  CHECK(t.lv.esv_ml == t.lv.ml[9]);
  CHECK(t.frame_ms[5] == doctest::Approx(180));
  CHECK(mri::truth_of(small(1, 1, 1, 16, 16)).lv.ef_percent == 0);  // one frame has no EF
}

TEST_CASE("simulate: noise has the promised level and belongs to the sample's index") {
  auto o = small(4, 2, 1, 64, 72, 25);
  o.seed = 77;
  const auto noisy = mri::simulate(o);
  const auto again = mri::simulate(o);
  CHECK(std::memcmp(noisy.kspace.data(), again.kspace.data(), noisy.kspace.size() * 8) == 0);
  o.snr = 0;
  const auto clean = mri::simulate(o);
  o.snr = std::numeric_limits<double>::infinity();
  const auto infinite = mri::simulate(o);
  CHECK(std::memcmp(clean.kspace.data(), infinite.kspace.data(), clean.kspace.size() * 8) == 0);
  CHECK(clean.truth.noise_std == 0);

  double power = 0, worst = 0, signal = 0;
  index_t pixels = 0;
  const double sigma = noisy.truth.noise_std;
  for (std::size_t i = 0; i < clean.kspace.size(); ++i) {
    const auto n = noisy.kspace.data()[i] - clean.kspace.data()[i];
    power += abs2(n) / double(clean.kspace.size());
    const auto z = random::normal(77, i);
    worst = std::max({worst, std::abs(n.real() - sigma / std::sqrt(2.0) * z.real()),
                      std::abs(n.imag() - sigma / std::sqrt(2.0) * z.imag())});
  }
  for (std::size_t i = 0; i < clean.image.size(); ++i)
    if (clean.labels.data()[i]) {
      signal += std::sqrt(double(abs2(clean.image.data()[i])));
      ++pixels;
    }
  CHECK(std::sqrt(power) == doctest::Approx(sigma).epsilon(0.01));
  CHECK(signal / double(pixels) / sigma == doctest::Approx(25).epsilon(1e-6));
  CHECK(worst < 1e-4 * sigma + 1e-5);
  o.seed = 78;
  o.snr = 25;
  const auto other = mri::simulate(o);
  CHECK(std::memcmp(noisy.kspace.data(), other.kspace.data(), 800) != 0);
  // A stack beyond the heart has no labels: the body sets the noise.
  auto far = small(1, 1, 1, 16, 16, 10);
  far.slices = 2;
  far.slice_spacing = 300;
  CHECK(mri::simulate(far).truth.noise_std > 0);
}

TEST_CASE("simulate: options that no acquisition can have") {
  const auto refused = [](auto change, const char* text) {
    auto o = small(2, 2, 1, 16, 16);
    change(o);
    CHECK_THROWS_WITH_AS(mri::simulate(o), doctest::Contains(text), value_error);
  };
  refused([](auto& o) { o.coils = 0; }, "coils: expected at least 1, found 0");
  refused([](auto& o) { o.frames = -1; }, "frames");
  refused([](auto& o) { o.slices = 0; }, "slices");
  refused([](auto& o) { o.ny = 7; }, "8 x 8");
  refused([](auto& o) { o.nx = 1 << 20; }, "8192");
  refused([](auto& o) { o.coils = o.frames = 1 << 19; }, "2^33");
  refused([](auto& o) { o.snr = -1; }, "snr");
  refused([](auto& o) { o.snr = std::nan(""); }, "snr");
  refused([](auto& o) { o.field_x = 100; }, "field of view");
  refused([](auto& o) { o.slice_spacing = 0; }, "spacing");
}
