// SPDX-License-Identifier: Apache-2.0
// The C++ of docs/recipes/{zf,rss,espirit,sense,tv,l1wavelet,ktsparse,llr,lps}.md, word for word
// (docs/tools/check.py compares), on a beating heart; every recipe has to beat the zero-filled
// image.
#include <doctest/doctest.h>

#include "cardiomm/linop/gram.hpp"
#include "cardiomm/mri/calibrate.hpp"
#include "cardiomm/mri/kt_sparse.hpp"
#include "cardiomm/mri/l1_wavelet.hpp"
#include "cardiomm/mri/low_rank.hpp"
#include "cardiomm/mri/simulate.hpp"
#include "cardiomm/mri/total_variation.hpp"

using namespace cardiomm;
using namespace cardiomm::linop;
using Ex = default_space;

namespace {

constexpr index_t frames = 12, ny = 64, nx = 64;

struct heart {
  Ex ex;
  mri::phantom_data truth =
      mri::simulate({.coils = 6, .frames = frames, .ny = ny, .nx = nx, .snr = 0});
  host_tensor<std::uint8_t, 2> m =
      mri::make_line_mask({.acceleration = 4, .acs = 12, .frames = frames, .ny = ny, .nx = nx});
  host_tensor<std::uint8_t, 3> mask =
      make_tensor<std::uint8_t>(host_space(), shape{frames, ny, nx});
  tensor<complex<float>, 5, Ex> kspace, y, maps, s;

  heart() {
    for (std::size_t i = 0; i < mask.size(); ++i) mask.data()[i] = m.data()[i / std::size_t(nx)];
    kspace = y = line_mask(m) * to_space(ex, truth.kspace);
    maps = s = clone(ex, reshape(to_space(ex, truth.maps), shape<5>{{1, 1, 6, ny, nx}}));
  }
  // |image - truth|^2 / |truth|^2
  template <class X>
  double error(const X& image) const {
    const auto found = to_host(image);
    double difference = 0, size = 0;
    REQUIRE(found.size() == truth.image.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      difference += abs2(found.data()[i] - truth.image.data()[i]);
      size += abs2(truth.image.data()[i]);
    }
    return difference / size;
  }
  double zero_filled() const { return error(mri::zero_filled(ex, kspace, mask, maps)); }
};

}  // namespace

// clang-format off
TEST_CASE("docs: zf, rss, espirit, sense") {
  const heart h;
  const auto &ex = h.ex;
  const auto &m = h.m;
  const auto &mask = h.mask;
  const auto &kspace = h.kspace, &y = h.y, &maps = h.maps, &s = h.s;
  const auto zero = mri::zero_filled(ex, kspace, mask, maps);      // (set, frame, slice, y, x), complex
  CHECK(shape_of(zero) == shape{index_t(1), frames, index_t(1), ny, nx});
  const auto magnitudes = mri::rss(ex, kspace);                    // (frame, slice, y, x), real
  CHECK(shape_of(magnitudes) == shape{frames, index_t(1), ny, nx});
  const auto sensitivities = mri::espirit(ex, kspace);             // (1, slice, coil, y, x)
  const auto two_sets = mri::espirit(ex, kspace, {.sets = 2});     // soft-SENSE
  CHECK(shape_of(sensitivities) == shape{index_t(1), index_t(1), index_t(6), ny, nx});
  CHECK(two_sets.extent(0) == 2);
  const auto found = mri::sense(ex, kspace, mask, maps, {.lambda = 0.01, .iterations = 30});
  const auto image = found.image;                        // (set, frame, slice, y, x), complex
  const int iterations = found.report.iterations;        // and residual, converged, breakdown
  CHECK(iterations == 30);
  CHECK(image.size() == zero.size());
  (void)m, (void)y, (void)s;
  CHECK(h.error(found.image) < 0.5 * h.error(zero));
}

TEST_CASE("docs: tv") {
  const heart h;
  const auto &ex = h.ex;
  const auto &m = h.m;
  const auto &mask = h.mask;
  const auto &kspace = h.kspace, &y = h.y, &maps = h.maps, &s = h.s;
  {
    const auto found = mri::total_variation(ex, kspace, mask, maps, {.lambda = 0.02});
    CHECK(h.error(found.image) < 0.3 * h.zero_filled());
  }
  const auto A = line_mask(m) * fourier * sensitivity(s);
  const auto N = gram(A);
  const auto b = adjoint(A) * y;
  const prox::total_variation_in_time<float> tv(0.01, shape_of(b), {.iterations = 20, .tolerance = 0, .warm = true});
  const auto x = solve::fista(N, tv, b, {.iterations = 40, .step = 1});
  CHECK(h.error(x) < 0.3 * h.zero_filled());
}

TEST_CASE("docs: l1wavelet") {
  const heart h;
  const auto &ex = h.ex;
  const auto &m = h.m;
  const auto &mask = h.mask;
  const auto &kspace = h.kspace, &y = h.y, &maps = h.maps, &s = h.s;
  {
    const auto found = mri::l1_wavelet(ex, kspace, mask, maps, {.lambda = 0.005});   // found.image (set, frame, slice, y, x)
    CHECK(h.error(found.image) < h.zero_filled());
  }
  const auto A = line_mask(m) * fourier * sensitivity(s);
  const auto N = gram(A);                    // one kernel; multi-coil images never exist
  const auto b = adjoint(A) * y;
  const auto x = solve::fista(N, prox::wavelet_l1<float, 4>(0.005, ny, nx), b, {.iterations = 40, .step = 1});
  CHECK(h.error(x) < h.zero_filled());
}

TEST_CASE("docs: ktsparse") {
  const heart h;
  const auto &ex = h.ex;
  const auto &m = h.m;
  const auto &mask = h.mask;
  const auto &kspace = h.kspace, &y = h.y, &maps = h.maps, &s = h.s;
  {
    const auto found = mri::kt_sparse(ex, kspace, mask, maps, {.lambda = 0.01});
    CHECK(h.error(found.image) < 0.5 * h.zero_filled());
  }
  const auto A = line_mask(m) * fourier * sensitivity(s);
  const auto N = gram(A);
  const auto b = adjoint(A) * y;
  const auto x = solve::fista(N, prox::frequency_l1<float>(0.005, frames), b, {.iterations = 40, .step = 1});
  CHECK(h.error(x) < 0.5 * h.zero_filled());
}

TEST_CASE("docs: llr, lps") {
  const heart h;
  const auto &ex = h.ex;
  const auto &m = h.m;
  const auto &mask = h.mask;
  const auto &kspace = h.kspace, &y = h.y, &maps = h.maps, &s = h.s;
  {
    const auto found = mri::llr(ex, kspace, mask, maps, {.lambda = 0.01});
    CHECK(h.error(found.image) < 0.5 * h.zero_filled());
  }
  {
    const auto found = mri::lps(ex, kspace, mask, maps, {.lambda = 0.01});
    const auto still = found.low_rank, moving = found.sparse;      // found.image is their sum
    CHECK(blas1::norm(ex, still) > blas1::norm(ex, moving));
    CHECK(h.error(found.image) < 0.5 * h.zero_filled());
  }
  const auto A = line_mask(m) * fourier * sensitivity(s);
  const auto N = gram(A);
  const auto b = adjoint(A) * y;
  const double width = prox::noise_width(8 * 8, frames, (ny / 8) * (nx / 8));
  const prox::low_rank<float> blocks(0.004 * width);
  const auto local = solve::fista(N, blocks, b, {.iterations = 40, .step = 1});
  CHECK(h.error(local) < 0.5 * h.zero_filled());
}
// clang-format on
