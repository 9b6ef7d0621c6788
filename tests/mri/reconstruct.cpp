// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/mri/reconstruct.hpp"

#include <doctest/doctest.h>

#include "cardiomm/io/npy.hpp"
#include "cardiomm/linop/check.hpp"
#include "cardiomm/mri/encoding.hpp"
#include "support/shared.hpp"

using namespace cardiomm;
using Ex = default_space;

namespace {
using K = tensor<complex<double>, 5, Ex>;

K noise(const shape<5>& s, std::uint64_t seed) {
  auto t = make_tensor<complex<double>>(Ex(), s);
  random::fill_normal(Ex(), t, seed);
  return t;
}
/// Maps of unit norm over coils and sets of nothing else.
K unit_maps(const shape<5>& s, std::uint64_t seed) {
  const auto t = to_host(noise(s, seed));
  const index_t pixels = s[3] * s[4];
  for (index_t o = 0; o < s[0] * s[1]; ++o)
    for (index_t p = 0; p < pixels; ++p) {
      double sum = 0;
      for (index_t c = 0; c < s[2]; ++c) sum += abs2(t.data()[(o * s[2] + c) * pixels + p]);
      for (index_t c = 0; c < s[2]; ++c) t.data()[(o * s[2] + c) * pixels + p] /= std::sqrt(sum);
    }
  return to_space(Ex(), t);
}
host_tensor<std::uint8_t, 3> mask_of(index_t frames, index_t ny, index_t nx, bool lines) {
  auto m = zeros<std::uint8_t>(host_space(), shape{frames, ny, nx});
  for (index_t f = 0; f < frames; ++f)
    for (index_t y = 0; y < ny; ++y)
      for (index_t x = 0; x < nx; ++x) m(f, y, x) = (y + f + (lines ? 0 : x)) % 3 != 0;
  return m;
}
template <class V>
double apart(const V& a, const V& b) {
  return linop::check::detail::distance(Ex(), a, b);
}
template <TensorView V>
tensor<element_of<V>, 1, Ex> flat(const V& v) {
  return clone(Ex(), flatten(v));
}
}  // namespace

TEST_CASE("fully sampled data come back exactly") {
  const shape<5> s{{2, 2, 3, 10, 12}};
  const auto maps = unit_maps({{1, 2, 3, 10, 12}}, 1);
  const auto image = make_tensor<complex<double>>(Ex(), shape{2, 2, 10, 12});
  random::fill_normal(Ex(), image, 2);
  const auto full = zeros<std::uint8_t>(host_space(), shape{1, 10, 12});
  Kokkos::deep_copy(full, 1);
  const auto k =
      mri::encoding(linop::point_mask<double, Ex>(full), linop::sensitivity<double, Ex>(maps)) *
      image;
  CHECK(shape_of(k) == s);
  // A^H A = 1, so (1 + lambda) x = A^H y: one iteration is enough
  const auto x = mri::sense(Ex(), k, full, maps, {.lambda = 0.25, .iterations = 1}).image;
  auto expected = flat(image);
  blas1::scale(Ex(), complex<double>(0.8), expected);
  CHECK(apart(flat(x), expected) < 1e-14);
  CHECK(apart(flat(mri::zero_filled(Ex(), k, full, maps)), flat(image)) < 1e-14);
  // RSS of coil images with unit-norm maps is the magnitude
  const auto rss = to_host(mri::rss(Ex(), k));
  const auto h = to_host(image);
  for (std::size_t i = 0; i < h.size(); ++i)
    CHECK(rss.data()[i] == doctest::Approx(std::sqrt(abs2(h.data()[i]))));
}

TEST_CASE("SENSE fulfils the normal equations, for lines, points and several sets") {
  const shape<5> s{{3, 2, 4, 9, 8}};
  for (const bool lines : {true, false})
    for (const index_t sets : {1, 2}) {
      const auto maps = unit_maps({{sets, 2, 4, 9, 8}}, 1);
      const auto mask = mask_of(3, 9, 8, lines);
      const auto a = mri::encoding(linop::point_mask<double, Ex>(mask),
                                   linop::soft_sensitivity<double, Ex>(maps));
      const auto k = linop::point_mask<double, Ex>(mask) * noise(s, 5);
      for (const bool joint : {true, false}) {
        const auto found =
            mri::sense(Ex(), k, mask, maps,
                       {.lambda = 0.1, .iterations = 400, .tolerance = 1e-11, .joint = joint});
        CHECK(found.report.converged);
        CHECK(found.report.residual.size() == std::size_t(joint ? 1 : 6));
        const auto left = (linop::gram(a) + 0.1 * linop::identity) * found.image;
        CHECK(apart(left, linop::adjoint(a) * k) < 1e-9);
      }
    }
}

TEST_CASE("the sampling is found from the zeros of the data") {
  const auto mask = mask_of(2, 6, 7, false);
  auto k = linop::point_mask<double, Ex>(mask) * noise({{2, 1, 3, 6, 7}}, 1);
  const auto host = to_host(k);
  for (index_t y = 0; y < 6; ++y)
    for (index_t x = 0; x < 7; ++x) host(0, 0, 1, y, x) = 0;  // one empty coil hides nothing
  Kokkos::deep_copy(k, host);
  const auto found = mri::sampling_of(Ex(), k);
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(found.data()[i] == mask.data()[i]);
}

TEST_CASE("removing readout oversampling keeps the centre of the image") {
  for (const index_t nx : {16, 15, 14}) {
    const shape<5> s{{1, 1, 2, 6, nx}};
    const auto image = noise(s, 3);
    const linop::fourier_op<double, 5, Ex> f;
    const auto half = mri::crop_readout(Ex(), f * image);
    CHECK(shape_of(half) == shape<5>{{1, 1, 2, 6, nx / 2}});
    const auto back = to_host(linop::adjoint(f) * half);
    const auto truth = to_host(image);
    double worst = 0;
    for (index_t c = 0; c < 2; ++c)
      for (index_t y = 0; y < 6; ++y)
        for (index_t x = 0; x < nx / 2; ++x)
          worst = std::max(worst,
                           abs2(back(0, 0, c, y, x) - truth(0, 0, c, y, x + nx / 2 - nx / 2 / 2)));
    CHECK(worst < 1e-28);
  }
}

TEST_CASE("arguments that do not fit are named") {
  const auto k = noise({{2, 1, 3, 6, 8}}, 1);
  const auto maps = unit_maps({{1, 1, 3, 6, 8}}, 2);
  const auto mask = mask_of(2, 6, 8, true);
  CHECK_NOTHROW(mri::sense(Ex(), k, mask, maps, {.iterations = 1}));
  CHECK_THROWS_AS(mri::sense(Ex(), k, mask_of(3, 6, 8, true), maps), shape_error);
  CHECK_THROWS_AS(mri::sense(Ex(), k, mask_of(2, 6, 7, true), maps), shape_error);
  CHECK_THROWS_AS(mri::sense(Ex(), k, mask, unit_maps({{1, 1, 2, 6, 8}}, 2)), shape_error);
  CHECK_THROWS_AS(mri::sense(Ex(), k, mask, unit_maps({{1, 2, 3, 6, 8}}, 2)), shape_error);
  CHECK_THROWS_AS(mri::sense(Ex(), k, zeros<std::uint8_t>(host_space(), shape{2, 6, 8}), maps),
                  value_error);
  CHECK_THROWS_AS(mri::sense(Ex(), k, mask, maps, {.lambda = -1}), value_error);
}

TEST_CASE("SENSE agrees with SigPy's SenseRecon after as many iterations") {
  // Extents 45 x 38, 40 % random points; made by tests/data/make_sense_reference.py
  const auto load = [](const char* name) {
    const auto file = io::open_npy(own_path(std::string("sense_sigpy/") + name + ".npy"));
    shape<5> s{{1, 1, 1, 1, 1}};
    const auto& n = file.shape();
    for (std::size_t i = 0; i < n.size(); ++i) s[int(5 - n.size() + i)] = n[i];
    auto t = make_tensor<complex<float>>(host_space(), s);
    file.read(t.data());
    return to_space(Ex(), t);
  };
  const auto k = load("kspace"), maps = load("maps"), theirs = load("image");
  const auto ours =
      mri::sense(Ex(), k, mri::sampling_of(Ex(), k), maps, {.lambda = 0.02, .iterations = 12})
          .image;
  CHECK(apart(flat(ours), flat(theirs)) < 1e-5);
}
