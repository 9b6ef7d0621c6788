// SPDX-License-Identifier: Apache-2.0
/// \file
/// Plans of both host back-ends against the definition: axes, batches, centring, in place.
#include "cardiomm/fft/plan.hpp"

#include <doctest/doctest.h>

#include <complex>
#include <random>
#include <vector>

#include "cardiomm/fft/backend/builtin.hpp"
#include "cardiomm/fft/backend/cufft.hpp"
#include "cardiomm/fft/backend/fftw.hpp"
#include "cardiomm/fft/backend/hipfft.hpp"
#include "cardiomm/fft/backend/vendor.hpp"

using namespace cardiomm;

namespace {

using ex_t = host_space;
using wide = std::complex<long double>;

template <class T>
std::vector<complex<T>> random_numbers(index_t n) {
  std::mt19937 g(static_cast<unsigned>(n));
  std::normal_distribution<double> d;
  std::vector<complex<T>> x(static_cast<std::size_t>(n));
  for (auto& v : x) {
    const T re = static_cast<T>(d(g)), im = static_cast<T>(d(g));
    v = complex<T>(re, im);
  }
  return x;
}

/// Along the middle axis of (outer, n, inner), by definition.
void naive_axis(std::vector<wide>& x, index_t outer, index_t n, index_t inner, int sign,
                index_t centre) {
  std::vector<wide> y(static_cast<std::size_t>(n));
  for (index_t o = 0; o < outer; ++o)
    for (index_t i = 0; i < inner; ++i) {
      for (index_t k = 0; k < n; ++k) {
        y[k] = 0;
        for (index_t j = 0; j < n; ++j) {
          const index_t m = ((j - centre) * (k - centre) % n + n) % n;
          y[k] += x[(o * n + j) * inner + i] *
                  std::polar(1.0L, sign * 2 * 3.141592653589793238462643383279502884L *
                                       static_cast<long double>(m) / static_cast<long double>(n));
        }
      }
      for (index_t k = 0; k < n; ++k) x[(o * n + k) * inner + i] = y[k];
    }
}

template <class T, int R>
void check_plan(const fft::spec<R>& what, index_t batch, fft::backend choice) {
  const ex_t ex;
  const index_t total = batch * what.numbers();
  CAPTURE(to_string(what.lengths));
  CAPTURE(what.inner);
  CAPTURE(batch);
  CAPTURE(static_cast<int>(what.centering));
  CAPTURE(static_cast<int>(what.direction));
  CAPTURE(static_cast<int>(choice));
  const auto x = random_numbers<T>(total);
  std::vector<wide> expected;
  for (const auto& v : x) expected.emplace_back(v.real(), v.imag());
  index_t inner = what.inner;
  for (int d = R - 1; d >= 0; --d) {
    const index_t n = what.lengths[d];
    naive_axis(expected, total / (n * inner), n, inner,
               what.direction == fft::direction::forward ? -1 : 1,
               what.centering == fft::centering::centred ? n / 2 : 0);
    inner *= n;
  }
  long double norm = 0;
  for (auto& v : expected) {
    v *= what.scale();
    norm = std::max(norm, std::abs(v));
  }
  const fft::plan<T, R, ex_t> plan(ex, what, choice);
  std::vector<complex<T>> y(static_cast<std::size_t>(total) + 1);
  const auto worst = [&](const complex<T>* p) {
    long double e = 0;
    for (index_t i = 0; i < total; ++i)
      e = std::max(e, std::abs(wide(p[i].real(), p[i].imag()) - expected[i]));
    return static_cast<double>(e / norm);
  };
  const double tolerance = sizeof(T) == 4 ? 1e-6 : 3e-15;
  plan.execute(ex, batch, x.data(), y.data());
  CHECK(worst(y.data()) < tolerance);
  for (index_t i = 0; i < total; ++i) y[i + 1] = x[i];  // in place, at another alignment
  plan.execute(ex, batch, y.data() + 1, y.data() + 1);
  CHECK(worst(y.data() + 1) < tolerance);
}

template <class T>
void check_all(fft::backend choice) {
  using fft::centering, fft::direction, fft::norm;
  for (auto where : {centering::centred, centering::none})
    for (auto way : {direction::forward, direction::inverse}) {
      for (index_t n : {1, 2, 3, 5, 6, 7, 8, 12, 13, 16, 18, 31, 47, 64}) {
        check_plan<T, 1>({shape<1>{{n}}, way, norm::orthonormal, where, 1}, 37, choice);
        check_plan<T, 1>({shape<1>{{n}}, way, norm::none, where, 19}, 3, choice);
      }
      for (auto s : {shape<2>{{4, 4}}, shape<2>{{20, 18}}, shape<2>{{13, 47}}, shape<2>{{1, 6}},
                     shape<2>{{9, 1}}, shape<2>{{16, 26}}})
        for (index_t batch : {1, 5}) {
          check_plan<T, 2>({s, way, norm::orthonormal, where, 1}, batch, choice);
          check_plan<T, 2>({s, way, norm::none, where, 3}, batch, choice);
        }
      check_plan<T, 3>({shape<3>{{5, 6, 7}}, way, norm::orthonormal, where, 1}, 2, choice);
      check_plan<T, 3>({shape<3>{{4, 3, 10}}, way, norm::orthonormal, where, 2}, 1, choice);
    }
}

}  // namespace

TEST_CASE("built-in plans equal the definition") {
  check_all<double>(fft::backend::builtin);
  check_all<float>(fft::backend::builtin);
}

#if CARDIOMM_HAS_FFTW
TEST_CASE("FFTW plans equal the definition") {
  fft::set_effort(fft::effort::estimate);
  check_all<double>(fft::backend::library);
  check_all<float>(fft::backend::library);
  fft::set_effort(fft::effort::measure);
}

TEST_CASE("FFTW and the built-in transform agree at clinical sizes") {
  const ex_t ex;
  fft::set_effort(fft::effort::estimate);
  for (auto s : {shape<2>{{162, 168}}, shape<2>{{204, 448}}, shape<2>{{208, 256}},
                 shape<2>{{246, 512}}, shape<2>{{97, 47}}}) {
    const fft::spec<2> what{s};
    const fft::plan<float, 2, ex_t> a(ex, what, fft::backend::builtin);
    const fft::plan<float, 2, ex_t> b(ex, what, fft::backend::library);
    CHECK(std::string(a.library_used()) == "built-in");
    CHECK(std::string(b.library_used()) == "FFTW");
    const auto x = random_numbers<float>(3 * s.size());
    std::vector<complex<float>> y(x.size()), z(x.size());
    a.execute(ex, 3, x.data(), y.data());
    b.execute(ex, 3, x.data(), z.data());
    double error = 0, size = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      error += abs2(y[i] - z[i]);
      size += abs2(z[i]);
    }
    CAPTURE(to_string(s));
    CHECK(error < 1e-12 * size);
  }
  fft::set_effort(fft::effort::measure);
}
#endif

TEST_CASE("impossible transforms are refused") {
  const ex_t ex;
  CHECK_THROWS_AS((fft::plan<float, 2, ex_t>(ex, {shape<2>{{0, 4}}})), value_error);
  CHECK_THROWS_AS((fft::plan<float, 1, ex_t>(ex, {.lengths = shape<1>{{4}}, .inner = 0})),
                  value_error);
}
