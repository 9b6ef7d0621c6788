// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/mri/calibrate.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <limits>
#include <string>

#include "cardiomm/core/random.hpp"
#include "cardiomm/io/npy.hpp"
#include "cardiomm/la/svd.hpp"
#include "support/shared.hpp"

using namespace cardiomm;

namespace {

using wide = std::complex<double>;

/// Coil images of a smooth object under smooth sensitivities plus noise, as centred k-space.
template <class T>
host_tensor<complex<T>, 5> scan(shape<5> n, double noise, int seed) {
  const host_space ex;
  auto k = make_tensor<complex<T>>(ex, n);
  random::fill_normal(ex, k, std::uint64_t(seed));
  const index_t ny = n[3], nx = n[4];
  std::vector<wide> image(static_cast<std::size_t>(ny * nx));
  for (index_t f = 0; f < n[0]; ++f)
    for (index_t s = 0; s < n[1]; ++s)
      for (index_t c = 0; c < n[2]; ++c) {
        const double a = 2 * M_PI * double(c) / double(n[2]) + 0.3 * double(s);
        for (index_t y = 0; y < ny; ++y)
          for (index_t x = 0; x < nx; ++x) {
            const double v = double(y - ny / 2) / double(ny), u = double(x - nx / 2) / double(nx);
            const bool body = v * v / 0.13 + u * u / 0.11 < 1;
            const double far = std::hypot(v - 0.6 * std::sin(a), u - 0.6 * std::cos(a));
            image[static_cast<std::size_t>(y * nx + x)] =
                body ? std::polar((1 + 0.4 * std::cos(7 * u + 3 * v + 0.2 * double(f))) /
                                      (0.1 + far * far),
                                  a + 2 * u * std::sin(a))
                     : 0;
          }
        // Rows, then columns of the centred transform, by definition.
        std::vector<wide> half(image.size());
        for (index_t y = 0; y < ny; ++y)
          for (index_t q = 0; q < nx; ++q)
            for (index_t x = 0; x < nx; ++x)
              half[static_cast<std::size_t>(y * nx + q)] +=
                  image[static_cast<std::size_t>(y * nx + x)] *
                  std::polar(1 / std::sqrt(double(nx)),
                             -2 * M_PI * double((x - nx / 2) * (q - nx / 2)) / double(nx));
        for (index_t p = 0; p < ny; ++p)
          for (index_t q = 0; q < nx; ++q) {
            wide sum = 0;
            for (index_t y = 0; y < ny; ++y)
              sum += half[static_cast<std::size_t>(y * nx + q)] *
                     std::polar(1 / std::sqrt(double(ny)),
                                -2 * M_PI * double((y - ny / 2) * (p - ny / 2)) / double(ny));
            auto& out = k(f, s, c, p, q);
            out =
                complex<T>(T(sum.real() + noise * out.real()), T(sum.imag() + noise * out.imag()));
          }
      }
  return k;
}

/// ESPIRiT of one slice as the paper writes it, in double: full singular value decomposition of the
/// calibration matrix, the image of every kernel at every pixel, dense eigenvectors.
struct oracle {
  host_tensor<complex<double>, 4> vectors;  ///< (y, x, eigenvector, coil), ascending
  host_tensor<double, 3> values;            ///< (y, x, eigenvalue)

  template <class T>
  oracle(const mri::calibration<T>& block, index_t slice, index_t ny, index_t nx, index_t ky,
         index_t kx, double threshold) {
    const host_space ex;
    const shape<4> b = shape_of(block.data);
    const index_t coils = b[1], wy = b[2] - ky + 1, wx = b[3] - kx + 1, n = coils * ky * kx,
                  m = wy * wx, r = std::min(m, n);
    auto a = make_tensor<complex<double>>(ex, shape{index_t(1), m, n});
    for (index_t w = 0; w < m; ++w)
      for (index_t i = 0; i < n; ++i) {
        const index_t p = i % (ky * kx);
        const auto v = block.data(slice, i / (ky * kx), w / wx + p / kx, w % wx + p % kx);
        a(0, w, i) = complex<double>(v.real(), v.imag());
      }
    const auto u = make_tensor<complex<double>>(ex, shape{index_t(1), m, r});
    const auto vh = make_tensor<complex<double>>(ex, shape{index_t(1), r, n});
    const auto s = make_tensor<double>(ex, shape{index_t(1), r});
    la::svd(ex, a, u, s, vh);
    index_t kernels = 0;
    while (kernels < r && s(0, kernels) > threshold * s(0, 0)) ++kernels;
    vectors = zeros<complex<double>>(ex, shape{ny, nx, coils, coils});
    values = make_tensor<double>(ex, shape{ny, nx, coils});
    std::vector<wide> image(static_cast<std::size_t>(coils));
    for (index_t y = 0; y < ny; ++y)
      for (index_t x = 0; x < nx; ++x)
        for (index_t q = 0; q < kernels; ++q) {
          for (index_t c = 0; c < coils; ++c) {
            wide sum = 0;
            for (index_t p = 0; p < ky * kx; ++p) {
              const auto e = vh(0, q, c * ky * kx + p);
              sum += wide(e.real(), e.imag()) *
                     std::polar(1.0, 2 * M_PI *
                                         (double((y - ny / 2) * (p / kx)) / double(ny) +
                                          double((x - nx / 2) * (p % kx)) / double(nx)));
            }
            image[static_cast<std::size_t>(c)] = sum / std::sqrt(double(ky * kx));
          }
          for (index_t c = 0; c < coils; ++c)
            for (index_t d = 0; d < coils; ++d) {
              const wide g = image[static_cast<std::size_t>(c)] *
                             std::conj(image[static_cast<std::size_t>(d)]);
              vectors(y, x, c, d) += complex<double>(g.real(), g.imag());
            }
        }
    la::hermitian_eigen(ex, reshape(vectors, shape{ny * nx, coils, coils}),
                        reshape(values, shape{ny * nx, coils}));
  }
};

/// Compares maps and eigenvalues with the oracle; returns the pixels that were supported.
template <class T, class M, class E>
index_t compare(const oracle& truth, const M& maps, const E& values, index_t slice, double crop,
                double tolerance) {
  const shape<5> n = shape_of(maps);
  index_t supported = 0;
  double worst_value = 0, worst_vector = 0, worst_norm = 0;
  for (index_t set = 0; set < n[0]; ++set)
    for (index_t y = 0; y < n[3]; ++y)
      for (index_t x = 0; x < n[4]; ++x) {
        const index_t k = n[2] - 1 - set;
        const double value = truth.values(y, x, k);
        const double above = set > 0 ? truth.values(y, x, k + 1) - value : 1;
        const double below = k > 0 ? value - truth.values(y, x, k - 1) : 1;
        wide dot = 0;
        double norm = 0;
        for (index_t c = 0; c < n[2]; ++c) {
          const auto t = truth.vectors(y, x, k, c);
          const auto v = maps(set, slice, c, y, x);
          dot += std::conj(wide(t.real(), t.imag())) * wide(v.real(), v.imag());
          norm += double(abs2(v));
        }
        const double found = values(set, slice, y, x);
        if (value > crop + tolerance || crop == 0)
          worst_value = std::max(worst_value, std::abs(found - value));
        if (norm > 0) {
          CHECK(value > crop - tolerance);
          worst_norm = std::max(worst_norm, std::abs(norm - 1));
          ++supported;
          // A vector is defined as well as its eigenvalue is separate.
          if (std::min(above, below) > 0.02)
            worst_vector = std::max(worst_vector, 1 - std::abs(dot));
        } else {
          CHECK(value < crop + tolerance);
        }
      }
  CHECK(worst_value < tolerance);
  CHECK(worst_vector < tolerance);
  CHECK(worst_norm < tolerance);
  return supported;
}

template <class T>
double phase_error(const host_tensor<complex<T>, 5>& maps, const mri::calibration<T>& block) {
  // The reference by la::svd of the calibration data (coil x samples).
  const host_space ex;
  const shape<4> b = shape_of(block.data);
  const auto a = make_tensor<complex<T>>(ex, shape{index_t(1), b[1], b[2] * b[3]});
  Kokkos::deep_copy(ex, flatten(a), flatten(slice(block.data, 0)));
  const index_t r = std::min(b[1], b[2] * b[3]);
  const auto u = make_tensor<complex<T>>(ex, shape{index_t(1), b[1], r});
  const auto vh = make_tensor<complex<T>>(ex, shape{index_t(1), r, b[2] * b[3]});
  const auto s = make_tensor<T>(ex, shape{index_t(1), r});
  la::svd(ex, a, u, s, vh);
  const auto last = u(0, b[1] - 1, 0);
  const wide turn =
      std::conj(wide(last.real(), last.imag())) / std::abs(wide(last.real(), last.imag()));
  double worst = 0;
  for (std::size_t y = 0; y < maps.extent(3); ++y)
    for (std::size_t x = 0; x < maps.extent(4); ++x) {
      wide dot = 0;
      for (index_t c = 0; c < b[1]; ++c) {
        const auto v = maps(0, 0, c, y, x);
        dot +=
            std::conj(wide(u(0, c, 0).real(), u(0, c, 0).imag()) * turn) * wide(v.real(), v.imag());
      }
      if (std::abs(dot) > 0.05) worst = std::max(worst, std::abs(std::arg(dot)));
    }
  return worst;
}

}  // namespace

TEST_CASE_TEMPLATE("espirit equals the method written out", T, float, double) {
  const host_space ex;
  struct example {
    shape<5> n;
    index_t calib, kernel, sets;
  };
  const example examples[] = {
      {{1, 1, 4, 24, 20}, 14, 5, 1},  // more windows than columns
      {{1, 1, 7, 19, 23}, 10, 6, 2},  // fewer, odd extents, two sets
      {{1, 1, 1, 16, 16}, 12, 4, 1},  // one coil
      {{1, 2, 3, 9, 37}, 12, 3, 3},   // two slices, calibration limited by the matrix, all sets
      {{1, 1, 2, 4, 5}, -1, 6, 1},    // a matrix smaller than the kernel
      {{1, 1, 3, 1, 32}, 20, 6, 1},   // one dimension
  };
  for (const auto& e : examples)
    for (const double crop : {0.8, 0.0}) {
      CAPTURE(e.n[3]);
      CAPTURE(e.n[4]);
      CAPTURE(crop);
      const auto k = scan<T>(e.n, 0.02, 3);
      tensor<T, 4, host_space> values;
      const mri::espirit_options options{
          .calib = e.calib, .kernel = e.kernel, .crop = crop, .sets = e.sets};
      const auto maps = mri::espirit(ex, k, options, &values);
      CHECK(shape_of(maps) == shape{e.sets, e.n[1], e.n[2], e.n[3], e.n[4]});
      const auto block = mri::calibration_region(ex, k, e.calib);
      for (index_t s = 0; s < e.n[1]; ++s) {
        const oracle truth(block, s, e.n[3], e.n[4], std::min(e.kernel, (e.n[3] + 1) / 2),
                           std::min(e.kernel, (e.n[4] + 1) / 2), 0.02);
        const double tolerance = 2e-4;
        CHECK(compare<T>(truth, maps, values, s, crop, tolerance) > 0);
      }
      if (e.n[1] == 1) CHECK(phase_error(maps, block) < 1e-3);
    }
}

TEST_CASE("espirit finds the maps that SigPy finds") {
  const host_space ex;
  struct example {
    std::string name;
    index_t calib, kernel;
  };
  for (const auto& e : {example{"even", 18, 6}, example{"odd", 15, 5}}) {
    CAPTURE(e.name);
    const auto k =
        io::open_npy(own_path("espirit/" + e.name + "_kspace.npy")).tensor<complex<float>, 3>();
    const auto theirs =
        io::open_npy(own_path("espirit/" + e.name + "_maps.npy")).tensor<complex<float>, 3>();
    const auto their_values =
        io::open_npy(own_path("espirit/" + e.name + "_eigenvalues.npy")).tensor<float, 2>();
    const shape<3> n = shape_of(k);
    tensor<float, 4, host_space> values;
    const auto maps = mri::espirit(ex, reshape(k, shape{index_t(1), index_t(1), n[0], n[1], n[2]}),
                                   {.calib = e.calib, .kernel = e.kernel}, &values);
    index_t supported = 0;
    double worst = 0, worst_value = 0;
    for (index_t y = 0; y < n[1]; ++y)
      for (index_t x = 0; x < n[2]; ++x) {
        if (std::abs(their_values(y, x) - 0.8f) < 1e-4f) continue;  // either side of the crop
        if (their_values(y, x) <= 0.8f) {
          CHECK(abs2(maps(0, 0, 0, y, x)) == 0);
          continue;
        }
        ++supported;
        worst_value =
            std::max(worst_value, double(std::abs(their_values(y, x) - values(0, 0, y, x))));
        // SigPy's phase is relative to coil 0.
        const auto first = maps(0, 0, 0, y, x);
        const float size = std::sqrt(abs2(first));
        for (index_t c = 0; c < n[0]; ++c) {
          const auto turned = conj_mul(first, maps(0, 0, c, y, x));
          const complex<float> rest(turned.real() / size - theirs(c, y, x).real(),
                                    turned.imag() / size - theirs(c, y, x).imag());
          worst = std::max(worst, double(std::sqrt(abs2(rest))));
        }
      }
    CHECK(supported > n[1] * n[2] / 4);
    CHECK(worst < 2e-4);
    CHECK(worst_value < 1e-4);
  }
}

TEST_CASE("maps do not depend on the scale of the data") {
  const host_space ex;
  const auto k = scan<float>({1, 1, 4, 20, 24}, 0.01, 5);
  const auto reference = mri::espirit(ex, k);
  for (const float scale : {1e13f, 1e-13f}) {
    const auto scaled = clone(ex, k);
    for (std::size_t i = 0; i < k.size(); ++i) scaled.data()[i] *= scale;
    const auto maps = mri::espirit(ex, scaled);
    double worst = 0;
    for (std::size_t i = 0; i < maps.size(); ++i)
      worst = std::max(worst, double(abs2(maps.data()[i] - reference.data()[i])));
    CHECK(worst < 1e-6);
  }
}

TEST_CASE("calibration_region averages frames and shrinks to the sampled centre") {
  const host_space ex;
  const auto full = scan<float>({3, 1, 2, 20, 16}, 0.1, 7);
  // Centre lines 7 .. 13 (DC is 10) are sampled in two of three frames, line 14 in one; others not.
  const auto k = zeros<complex<float>>(ex, shape_of(full));
  const auto sampled = [](index_t f, index_t y) {
    return (y >= 7 && y <= 13 && f != y % 3) || (y == 14 && f == 1);
  };
  for (index_t f = 0; f < 3; ++f)
    for (index_t c = 0; c < 2; ++c)
      for (index_t y = 0; y < 20; ++y)
        for (index_t x = 0; x < 16; ++x)
          if (sampled(f, y)) k(f, 0, c, y, x) = full(f, 0, c, y, x);
  const auto block = mri::calibration_region(ex, k, 12);
  // Seven lines fit around DC (7 .. 13); eight would need line 6.
  CHECK(block.y0 == 7);
  CHECK(block.x0 == 2);
  CHECK(shape_of(block.data) == shape{1, 2, 7, 12});
  for (index_t y = 0; y < 7; ++y) {
    complex<float> sum(0);
    int count = 0;
    for (index_t f = 0; f < 3; ++f)
      if (sampled(f, y + 7)) {
        sum += full(f, 0, 1, y + 7, 5);
        ++count;
      }
    CHECK(count == 2);
    CHECK(block.data(0, 1, y, 3).real() == doctest::Approx(sum.real() / 2));
    CHECK(block.data(0, 1, y, 3).imag() == doctest::Approx(sum.imag() / 2));
  }
  // The limit itself.
  CHECK(shape_of(mri::calibration_region(ex, full, 6).data) == shape{1, 2, 6, 6});
  CHECK(shape_of(mri::calibration_region(ex, full).data) == shape{1, 2, 20, 16});
  CHECK(shape_of(mri::calibration_region(ex, full, 18).data) == shape{1, 2, 18, 16});
}

TEST_CASE("a coil that is zero at a sample does not make it missing") {
  const host_space ex;
  const auto k = scan<float>({1, 1, 3, 16, 16}, 0.1, 8);
  for (index_t x = 0; x < 16; ++x) k(0, 0, 1, 8, x) = complex<float>(0);
  CHECK(shape_of(mri::calibration_region(ex, k, 12).data) == shape{1, 3, 12, 12});
  const auto dead = clone(ex, k);  // a dead coil has no sensitivity
  for (index_t y = 0; y < 16; ++y)
    for (index_t x = 0; x < 16; ++x) dead(0, 0, 2, y, x) = complex<float>(0);
  const auto maps = mri::espirit(ex, dead);
  float largest = 0;
  for (index_t y = 0; y < 16; ++y)
    for (index_t x = 0; x < 16; ++x) largest = std::max(largest, abs2(maps(0, 0, 2, y, x)));
  CHECK(largest < 1e-6f);
  CHECK(abs2(maps(0, 0, 0, 8, 8)) > 0.1f);
}

TEST_CASE("calibration refuses what makes no sense") {
  const host_space ex;
  const auto k = scan<float>({1, 1, 2, 20, 16}, 0.1, 9);
  CHECK_THROWS_WITH_AS(mri::espirit(ex, k, {.calib = 21}),
                       "calibration: calib: expected a region within the matrix of 20 x 16, found "
                       "21 x 21",
                       value_error);
  CHECK_THROWS_AS(mri::espirit(ex, k, {.calib = 5}), value_error);
  CHECK_THROWS_AS(mri::espirit(ex, k, {.kernel = 0}), value_error);
  CHECK_THROWS_AS(mri::espirit(ex, k, {.kernel = 25}), value_error);
  CHECK_THROWS_AS(mri::espirit(ex, k, {.threshold = 1.5}), value_error);
  CHECK_THROWS_AS(mri::espirit(ex, k, {.crop = -1}), value_error);
  CHECK_THROWS_AS(mri::espirit(ex, k, {.sets = 3}), value_error);
  CHECK_THROWS_AS(mri::calibration_region(ex, k, 0), value_error);
  CHECK_THROWS_AS(mri::calibration_region(ex, zeros<complex<float>>(ex, shape{1, 1, 0, 4, 4})),
                  shape_error);
  CHECK_THROWS_WITH_AS(mri::espirit(ex, zeros<complex<float>>(ex, shape_of(k))),
                       "calibration: expected k-space with signal at its centre, found zeros only",
                       value_error);
  const auto regular = clone(ex, k);  // every second line, no centre
  for (index_t c = 0; c < 2; ++c)
    for (index_t y = 1; y < 20; y += 2)
      for (index_t x = 0; x < 16; ++x) regular(0, 0, c, y, x) = complex<float>(0);
  CHECK_THROWS_WITH_AS(mri::espirit(ex, regular),
                       "calibration: expected a fully sampled centre of at least 6 x 6 points (y x "
                       "x) around (10, 8), found a smaller one or none",
                       value_error);
  k(0, 0, 1, 9, 7) = complex<float>(std::numeric_limits<float>::quiet_NaN());
  CHECK_THROWS_WITH_AS(mri::espirit(ex, k),
                       "calibration: expected finite k-space, found NaN or Inf in coil 1 at (9, 7)",
                       value_error);
}
