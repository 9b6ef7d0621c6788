// SPDX-License-Identifier: Apache-2.0
// The C++ of docs/recipes/{grappa,nlinv,noise,radial,map}.md, word for word (docs/tools/check.py
// compares), with what has to come out.
#include <doctest/doctest.h>

#include "cardiomm/analysis/mapping.hpp"
#include "cardiomm/core/random.hpp"
#include "cardiomm/linop/gram.hpp"
#include "cardiomm/mri/filter.hpp"
#include "cardiomm/mri/nlinv.hpp"
#include "cardiomm/mri/partial_fourier.hpp"
#include "cardiomm/mri/radial.hpp"
#include "cardiomm/mri/simulate.hpp"
#include "cardiomm/mri/snr.hpp"
#include "cardiomm/mri/trajectory.hpp"

using namespace cardiomm;
using Ex = default_space;

namespace {

constexpr index_t coils = 6, ny = 64, nx = 64;

// One frame of a heart, every second line and 20 centre lines.
struct scan {
  Ex ex;
  mri::phantom_data truth = mri::simulate({.coils = coils, .frames = 1, .ny = ny, .nx = nx});
  host_tensor<std::uint8_t, 3> mask =
      make_tensor<std::uint8_t>(host_space(), shape{index_t(1), ny, nx});
  host_tensor<std::uint8_t, 2> lines =
      make_tensor<std::uint8_t>(host_space(), shape{index_t(1), ny});
  tensor<complex<float>, 5, Ex> kspace, full_kspace, maps;

  scan() {
    for (index_t i = 0; i < ny * nx; ++i) {
      const index_t y = i / nx;
      mask.data()[i] = y % 2 == 0 || (y >= ny / 2 - 10 && y < ny / 2 + 10);
      lines.data()[y] = mask.data()[i];
    }
    full_kspace = to_space(ex, truth.kspace);
    kspace = clone(ex, full_kspace);
    linop::apply(ex, linop::point_mask<float, Ex>(mask), full_kspace, kspace);
    maps = clone(ex, reshape(to_space(ex, truth.maps), shape<5>{{1, 1, coils, ny, nx}}));
  }
  // 1 - cos^2 between magnitudes and truth
  template <class X>
  double error(const X& image) const {
    const auto found = to_host(image);
    double product = 0, own = 0, all = 0;
    REQUIRE(found.size() == truth.image.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      const double a = std::sqrt(double(abs2(complex<float>(found.data()[i])))),
                   b = std::sqrt(double(abs2(truth.image.data()[i])));
      product += a * b;
      own += a * a;
      all += b * b;
    }
    return 1 - product * product / own / all;
  }
};

}  // namespace

// clang-format off
TEST_CASE("docs: grappa") {
  const scan h;
  const auto &ex = h.ex;
  const auto &kspace = h.kspace, &full_kspace = h.full_kspace;
  const auto &mask = h.mask;
  const auto &lines = h.lines;
  {
    const auto full = mri::grappa(ex, kspace, mask);      // (frame, slice, coil, y, x), samples unchanged
    const auto image = mri::rss(ex, full);                // or by maps: mri::zero_filled(ex, full, ones, maps)
    CHECK(h.error(image) < 0.5 * h.error(mri::rss(ex, kspace)));
  }
  const auto reference = full_kspace;
  const index_t slice = 0;
  const mri::grappa_options options;
  const auto calibration = mri::given_grappa_calibration(reference);   // or find_grappa_calibration(ex, kspace, mask)
  const auto full = mri::grappa(ex, kspace, mask, calibration, {.kernel_x = 5, .kernel_y = 4, .lambda = 0.01});

  const mri::grappa_kernels<float, Ex> kernels(ex, calibration, slice, lines, options, mri::line_power(ex, kspace, slice, lines));
  kernels.apply(ex, kspace, slice, full);               // any data of the same pattern: other frames, replicas of noise
  CHECK(h.error(mri::rss(ex, full)) < 0.5 * h.error(mri::rss(ex, kspace)));
}

TEST_CASE("docs: nlinv") {
  const scan h;
  const auto &ex = h.ex;
  const auto &kspace = h.kspace;
  const auto &mask = h.mask;
  const auto out = mri::nlinv(ex, kspace, mask);        // every frame and slice by itself
  const auto image = out.image;                         // (1, frame, slice, y, x), complex
  const auto maps = out.maps;                           // (frame, slice, coil, y, x), unit norm
  const auto longer = mri::nlinv(ex, kspace, mask, {.iterations = 10, .reduction = 2.5});
  CHECK(h.error(image) < h.error(mri::rss(ex, kspace)));
  CHECK(h.error(longer.image) < h.error(mri::rss(ex, kspace)));
  CHECK(maps.extent(2) == coils);
}

TEST_CASE("docs: noise") {
  const scan h;
  const auto &ex = h.ex;
  const auto &mask = h.mask;
  const auto &maps = h.maps;
  const auto &lines = h.lines;
  {
    const auto &kspace = h.kspace;
    const auto noise_scan = make_tensor<complex<float>>(ex, shape{index_t(1), index_t(1), coils, index_t(8), index_t(128)});
    random::fill_normal(ex, noise_scan, 1, 2);
    const auto psi = mri::noise_covariance(ex, noise_scan, 2);     // or mri::noise_from_edge(ex, kspace, mask)
    const auto [image, g] = mri::snr_units(ex, kspace, mask, maps, psi, {.lambda = 0.01, .iterations = 50});
    const auto signal = to_host(image);
    const auto deviation = to_host(g);
    double largest = 0;
    for (std::size_t i = 0; i < deviation.size(); ++i) largest = std::max(largest, double(deviation.data()[i]));
    CHECK(largest > 0.5);
    CHECK(largest < 5);
    CHECK(signal.size() == deviation.size());
  }
  {
    const auto kspace = clone(ex, h.full_kspace);
    const index_t last = ny - 16;
    mri::apply_filter(ex, mri::gaussian_filter(ny, 1.5), kspace, 3);             // along y, in place
    mri::apply_filter(ex, mri::partial_fourier_filter(ny, 0, last), kspace, 3);  // edge of 10 samples at the cut side
    mri::reduce_resolution(ex, kspace, 3 * ny / 4, 3 * nx / 4);                  // same matrix, coarser image
    const auto fine = mri::interpolate(ex, kspace, 2 * ny, 2 * nx);              // zeros around
    CHECK(shape_of(fine) == shape{index_t(1), index_t(1), coils, 2 * ny, 2 * nx});
    CHECK(blas1::norm(ex, kspace) > 0);
  }
  {
    const double lambda = 0.05;
    const index_t slice = 0;
    const auto zeros = cardiomm::zeros<complex<float>>(ex, shape_of(h.kspace));
    const mri::grappa_kernels<float, Ex> kernels(ex, mri::find_grappa_calibration(ex, h.kspace, mask), slice, lines);
    const auto sense = mri::sense_noise(ex, mask, maps, lambda);                 // (frame, slice, y, x)
    const auto g = mri::gfactor(ex, sense, mask, maps);
    const auto grappa = mri::grappa_noise(ex, kernels, lines, maps, slice);      // (frame, y, x)
    const auto any = mri::pseudo_replica(ex, zeros, mask, [&](const auto& k) {   // any reconstruction
      return mri::sense(ex, k, mask, maps, {.lambda = lambda}).image;
    }, {.replicas = 300, .seed = 1});
    const auto exact = to_host(sense);
    const auto replicas = to_host(any);
    double difference = 0, size = 0;
    REQUIRE(exact.size() == replicas.size());
    for (std::size_t i = 0; i < exact.size(); ++i) {
      difference += std::pow(double(exact.data()[i]) - double(replicas.data()[i]), 2);
      size += std::pow(double(exact.data()[i]), 2);
    }
    CHECK(difference < 0.02 * size);  // 300 replicas know a deviation to some per cent
    CHECK(g.size() == exact.size());
    CHECK(grappa.extent(0) == 1);
  }
  {
    const auto cut = make_tensor<std::uint8_t>(host_space(), shape{index_t(1), ny, nx});
    for (index_t i = 0; i < ny * nx; ++i) cut.data()[i] = i / nx < 5 * ny / 8;
    const auto kspace = clone(ex, h.full_kspace);
    linop::apply(ex, linop::point_mask<float, Ex>(cut), h.full_kspace, kspace);
    const auto mask = cut;
    const auto range = mri::measured_range(mask, 1);        // lines
    const auto full = mri::partial_fourier(ex, kspace, {.axis = 3, .first = range[0], .last = range[1]});
    CHECK(range[0] == 0);
    CHECK(range[1] == 5 * ny / 8 - 1);  // the last line that was measured
    CHECK(h.error(mri::rss(ex, full)) < h.error(mri::rss(ex, kspace)));
  }
}

TEST_CASE("docs: radial") {
  const scan h;
  const auto &ex = h.ex;
  const auto trajectory = mri::radial_trajectory({.samples = nx, .spokes = 48});
  const auto samples = make_tensor<complex<float>>(ex, shape{index_t(1), index_t(1), coils, index_t(48), nx});
  const auto truth = reshape(to_space(ex, h.truth.image), shape{index_t(1), index_t(1), ny, nx});
  linop::apply(ex, linop::nufft<float, Ex>(trajectory, {ny, nx}) * linop::sensitivity<float, Ex>(h.maps), truth, samples);
  {
    // samples (frame, slice, coil, spoke, sample); trajectory (frame or 1, spoke, sample, (kx, ky))
    const auto maps = mri::radial_maps(ex, samples, trajectory, {ny, nx});
    const auto image = mri::radial(ex, samples, trajectory, maps, {.lambda = 0.01, .iterations = 30}).image;
    CHECK(h.error(image) < 0.1);
  }
  const auto &maps = h.maps;
  const double lambda = 1e-3;
  const auto b = make_tensor<complex<float>>(ex, shape_of(truth));
  const auto x = zeros<complex<float>>(ex, shape_of(truth));
  const linop::nufft<float, Ex> f(trajectory, {ny, nx});
  const auto a = f * linop::sensitivity<float, Ex>(maps);
  linop::apply_adjoint(ex, a, samples, b);
  solve::fista(ex, linop::gram(a), prox::total_variation_in_time<float, Ex>(lambda, shape_of(b)), b, x, {.iterations = 50});
  CHECK(h.error(x) < h.error(b));
}

TEST_CASE("docs: map") {
  const Ex ex;
  const std::vector<double> times{100, 180, 260, 1000, 1100, 1900, 2000, 2800};
  const index_t slice = 0, y = 2, x = 3;
  const auto made = make_tensor<float>(host_space(), shape{index_t(8), index_t(1), index_t(4), index_t(5)});
  for (index_t k = 0; k < 8; ++k)  // A - B exp(-t / T1*), T1 = T1* (B / A - 1) = 1000 ms
    for (index_t i = 0; i < 20; ++i)
      made.data()[k * 20 + i] = float(std::abs(100 - 190 * std::exp(-times[std::size_t(k)] * 0.9 / 1000)));
  const auto images = to_space(ex, made);
  const auto mask = analysis::signal_mask(ex, images);                // bright in one image at least
  const auto t1 = analysis::fit_t1_molli(ex, images, times, mask);    // images (frame, slice, y, x), real
  const float ms = t1.value(slice, y, x);       // ms, with t1.sd, r2, residual, amplitude, offset, apparent, status, flips
  CHECK(ms == doctest::Approx(1000).epsilon(0.01));
}
// clang-format on
