// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/mri/grappa.hpp"

#include <doctest/doctest.h>

#include "cardiomm/io/npy.hpp"
#include "cardiomm/mri/reconstruct.hpp"
#include "cardiomm/mri/simulate.hpp"
#include "support/shared.hpp"

using namespace cardiomm;
using Ex = default_space;
using C = complex<float>;

namespace {
using mask_t = host_tensor<std::uint8_t, 3>;

/// Every r-th line, `shift` lines on in every frame, and `acs` centre lines.
mask_t lines_of(const shape<5>& k, index_t r, index_t shift, index_t acs) {
  auto m = zeros<std::uint8_t>(host_space(), shape{k[0], k[3], k[4]});
  for (index_t f = 0; f < k[0]; ++f)
    for (index_t y = 0; y < k[3]; ++y) {
      const bool centre = y >= k[3] / 2 - acs / 2 && y < k[3] / 2 - acs / 2 + acs;
      for (index_t x = 0; x < k[4]; ++x) m(f, y, x) = centre || (y - f * shift % r + r) % r == 0;
    }
  return m;
}
tensor<C, 5, Ex> masked(const host_tensor<C, 5>& k, const mask_t& m) {
  auto out = make_tensor<C>(host_space(), shape_of(k));
  const shape<5> s = shape_of(k);
  for (index_t i = 0; i < s.size(); ++i) {
    const index_t f = i / (s[1] * s[2] * s[3] * s[4]);
    out.data()[i] = m.data()[f * s[3] * s[4] + i % (s[3] * s[4])] ? k.data()[i] : C(0);
  }
  return to_space(Ex(), out);
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
host_tensor<C, 5> reference(const char* name) {
  return io::read_npy<C, 5>(own_path(std::string("grappa/") + name + ".npy"));
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

TEST_CASE("GRAPPA equals its definition in NumPy") {
  const auto k = reference("kspace");
  const auto mask = lines_of(shape_of(k), 3, 1, 16);
  const auto under = masked(k, mask);
  const auto full = mri::grappa(Ex(), under, mask, {.noise_aware = false});
  CHECK(nmse(full, reference("grappa")) < 1e-9);
  // Another calibration with the same lines is the same.
  auto block = make_tensor<C>(host_space(), shape{2, 1, 5, 16, 48});
  for (index_t p = 0; p < 10; ++p)
    std::copy_n(k.data() + (p * 56 + 20) * 48, 16 * 48, block.data() + p * 16 * 48);
  const mri::grappa_options o{.noise_aware = false};
  const auto again = mri::grappa(Ex(), under, mask, mri::given_grappa_calibration(block, o), o);
  CHECK(nmse(again, full) < 1e-12);
}

TEST_CASE("GRAPPA is not worse than pygrappa, with any number of frames") {
  const auto k = reference("kspace");
  const auto truth = mri::rss(Ex(), to_space(Ex(), reference("clean")));
  const auto peer = io::read_npy<double, 1>(own_path("grappa/peer.npy"));
  const index_t cases[3][2] = {{2, 0}, {3, 0}, {4, 1}};
  for (int i = 0; i < 3; ++i) {
    const auto mask = lines_of(shape_of(k), cases[i][0], cases[i][1], 16);
    const auto under = masked(k, mask);
    const double aware = nmse(mri::rss(Ex(), mri::grappa(Ex(), under, mask)), truth);
    const double plain =
        nmse(mri::rss(Ex(), mri::grappa(Ex(), under, mask, {.noise_aware = false})), truth);
    const double first =
        nmse(mri::rss(Ex(), mri::grappa(Ex(), under, mask, {.all_frames = false})), truth);
    MESSAGE("R = ", cases[i][0], ": ", aware, ", plain ", plain, ", first frame ", first,
            ", pygrappa ", peer(i), ", zero-filled ", nmse(mri::rss(Ex(), under), truth));
    CHECK(aware <= 1.02 * peer(i));
    if (i < 2) CHECK(plain <= 1.02 * peer(i));  // else filling in noise costs more than zeros
    CHECK(first <= 1.02 * peer(i));
  }
}

TEST_CASE("without noise, eight coils, R = 2: 20 dB below zero-filled; samples are unchanged") {
  mri::phantom_options p;
  p.coils = 8, p.frames = 1, p.ny = 96, p.nx = 96, p.snr = 0;
  const auto k = mri::simulate(p).kspace;
  const auto mask = lines_of(shape_of(k), 2, 0, 24);
  const auto under = masked(k, mask);
  const auto full = to_host(mri::grappa(Ex(), under, mask));
  const double gain = nmse(under, k) / nmse(full, k);
  MESSAGE("error below zero-filled by ", 10 * std::log10(gain), " dB");
  CHECK(gain > 100);
  for (index_t c = 0; c < 8; ++c)
    for (index_t y = 0; y < 96; ++y)
      for (index_t x = 0; x < 96; ++x)
        if (mask(0, y, x)) {
          REQUIRE(full(0, 0, c, y, x).real() == k(0, 0, c, y, x).real());
          REQUIRE(full(0, 0, c, y, x).imag() == k(0, 0, c, y, x).imag());
        }
}

TEST_CASE("slices are calibrated each, scales do not matter, a full mask changes nothing") {
  const auto k = reference("kspace");
  const shape<5> s{{1, 2, 5, 56, 48}};
  const auto slices = to_host(reshape(k, s));  // the two frames as slices
  const auto mask = lines_of(s, 3, 0, 16);
  const auto under = masked(slices, mask);
  const auto both = to_host(mri::grappa(Ex(), under, mask));
  for (index_t z = 0; z < 2; ++z) {
    const shape<5> one{{1, 1, 5, 56, 48}};
    const auto part = clone(Ex(), borrow(Ex(), under.data() + z * one.size(), one));
    const auto alone = to_host(mri::grappa(Ex(), part, mask));
    CHECK(nmse(alone, borrow(host_space(), both.data() + z * one.size(), one)) < 1e-12);
  }
  for (const float scale : {1e13f, 1e-13f}) {
    auto scaled = clone(Ex(), under);
    blas1::scale(Ex(), C(scale), scaled);
    auto found = clone(Ex(), mri::grappa(Ex(), scaled, mask));
    blas1::scale(Ex(), C(1 / scale), found);
    CHECK(nmse(found, both) < 1e-9);
  }
  auto all = zeros<std::uint8_t>(host_space(), shape{1, 56, 48});
  Kokkos::deep_copy(all, 1);
  CHECK(nmse(mri::grappa(Ex(), to_space(Ex(), slices), all), slices) == 0);
}

TEST_CASE("single samples: the kernel of lines where they make lines, and patterns of their own") {
  const auto k = reference("kspace");
  const shape<5> s = shape_of(k);
  const auto mask = lines_of(s, 2, 1, 16);
  const auto under = masked(k, mask);
  const mri::grappa_options o{
      .kernel_y = 5, .sources = mri::grappa_sources::window, .noise_aware = false};
  const auto lines = to_host(mri::grappa(Ex(), under, mask, o));
  auto points = make_tensor<C>(Ex(), s);
  mri::detail::grappa_points(Ex(), under, mask, mri::find_grappa_calibration(Ex(), under, mask, o),
                             0, 0, o, points);
  // Windows of lines reach beyond the calibration region's 5 x 5 ones, and beyond the readout.
  CHECK(nmse(points, lines) < 2e-3);

  // A pattern of points: half of all samples, a block in the centre.
  auto scattered = zeros<std::uint8_t>(host_space(), shape{index_t(1), s[3], s[4]});
  for (index_t y = 0; y < s[3]; ++y)
    for (index_t x = 0; x < s[4]; ++x)
      scattered(0, y, x) = (x + y) % 2 == 0 || (std::abs(y - 28) < 10 && std::abs(x - 24) < 10);
  auto both = make_tensor<std::uint8_t>(host_space(), shape{s[0], s[3], s[4]});
  for (index_t i = 0; i < index_t(both.size()); ++i)
    both.data()[i] = scattered.data()[i % index_t(scattered.size())];
  const auto some = masked(k, both);
  const auto full = to_host(mri::grappa(Ex(), some, scattered));
  const auto clean = reference("clean");
  CHECK(nmse(full, clean) < 0.5 * nmse(some, clean));
  for (std::size_t i = 0; i < k.size(); ++i)
    if (scattered.data()[i % scattered.size()])
      REQUIRE(full.data()[i].real() == k.data()[i].real());
}

TEST_CASE("lines beyond the measured part of k-space stay zero") {
  const auto k = reference("kspace");
  auto mask = lines_of(shape_of(k), 2, 0, 16);
  for (index_t f = 0; f < 2; ++f)
    for (index_t y = 0; y < 12; ++y)
      for (index_t x = 0; x < 48; ++x) mask(f, y, x) = 0;
  const auto full = to_host(mri::grappa(Ex(), masked(k, mask), mask, {.noise_aware = false}));
  double empty = 0, edge = 0;
  for (index_t x = 0; x < 48; ++x) {
    for (index_t y = 0; y < 11; ++y) empty += abs2(full(0, 0, 0, y, x));
    edge += abs2(full(0, 0, 0, 11, x));
  }
  CHECK(empty == 0);
  CHECK(edge > 0);  // as far as the gaps between lines are wide
}

TEST_CASE("what GRAPPA cannot do is said") {
  const auto k = reference("kspace");
  const shape<5> s = shape_of(k);
  const auto run = [&](const mask_t& m, const mri::grappa_options& o = {}) {
    return message([&] { mri::grappa(Ex(), masked(k, m), m, o); });
  };
  const auto mask = lines_of(s, 2, 0, 16);
  CHECK(run(mask, {.kernel_x = 4}) ==
        "grappa: kernel_x: expected an odd number from 1 to 15, found 4");
  CHECK(run(mask, {.kernel_y = 0}) == "grappa: kernel_y: expected 1 to 32 lines, found 0");
  CHECK(run(mask, {.lambda = -1}) == "grappa: lambda: expected a number of at least 0, found -1");
  CHECK(run(lines_of(s, 3, 1, 0)) ==
        "grappa: calibration: expected lines around the centre of k-space that all frames have, "
        "found none; give calibration data instead");
  CHECK(run(lines_of(s, 4, 0, 1)).find("grappa: calibration: 1 lines of 48 samples are too few") ==
        0);
  const auto small = zeros<std::uint8_t>(host_space(), shape{2, 5, 48});
  CHECK(message([&] { mri::grappa(Ex(), to_space(Ex(), k), small); }) ==
        "grappa: mask: expected (frame or 1, y, x) = (2, 56, 48), found (2, 5, 48)");
  const auto nothing = zeros<C>(Ex(), s);
  CHECK(message([&] { mri::grappa(Ex(), nothing, mask); }) ==
        "grappa: slice 0: calibration: expected signal, found zeros only");
  auto broken = clone(host_space(), k);
  broken(0, 0, 1, 28, 3) = C(std::nanf(""), 0);
  CHECK(message([&] { mri::grappa(Ex(), masked(broken, mask), mask); }) ==
        "grappa: slice 0: calibration: expected finite samples, found NaN or Inf");
}
