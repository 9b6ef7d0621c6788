// SPDX-License-Identifier: Apache-2.0
// The non-uniform Fourier transform against its definition, FINUFFT (tests/data/make_nufft.py) and
// the Cartesian transform.
#include "cardiomm/linop/nufft.hpp"
#include "cardiomm/linop/nufft_normal.hpp"
#include "cardiomm/linop/nufft_plan.hpp"

#include <doctest/doctest.h>

#include <complex>
#include <cstring>
#include <fstream>
#include <limits>
#include <vector>

#include "cardiomm/io/npy.hpp"
#include "cardiomm/linop/check.hpp"
#include "support/shared.hpp"

using namespace cardiomm;
using Ex = default_space;

namespace {
template <class A, class B>
double distance(const A& a, const B& b) {
  REQUIRE(a.size() == b.size());
  double d = 0, n = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    d += abs2(complex<double>(a.data()[i]) - complex<double>(b.data()[i]));
    n += abs2(complex<double>(b.data()[i]));
  }
  return std::sqrt(d / n);
}
template <class T>
tensor<complex<T>, 5, Ex> load(const char* name) {
  const auto a = io::read_npy<complex<double>, 5>(own_path(std::string("nufft/") + name + ".npy"));
  auto t = make_tensor<complex<T>>(host_space(), shape_of(a));
  for (std::size_t i = 0; i < a.size(); ++i) t.data()[i] = complex<T>(a.data()[i]);
  return to_space(Ex(), t);
}
auto trajectory() { return io::read_npy<double, 4>(own_path("nufft/trajectory.npy")); }

/// An array of an uncompressed .npz, of which the element count is known.
template <class V>
std::vector<V> stored_member(const std::string& path, const std::string& name, std::size_t count) {
  std::ifstream file(path, std::ios::binary);
  const std::string all((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::size_t at = all.find("\x93NUMPY", all.find(name + ".npy"));
  REQUIRE(at != std::string::npos);
  const std::size_t header = 10 + static_cast<unsigned char>(all[at + 8]) +
                             256 * std::size_t(static_cast<unsigned char>(all[at + 9]));
  REQUIRE(all.substr(at, header).find("'fortran_order': False") != std::string::npos);
  std::vector<V> values(count);
  REQUIRE(at + header + count * sizeof(V) <= all.size());
  std::memcpy(static_cast<void*>(values.data()), all.data() + at + header, count * sizeof(V));
  return values;
}

/// The sum itself, of the plane p of an image at the samples of frame f.
std::vector<complex<double>> definition(const host_tensor<double, 4>& k, index_t f, index_t ny,
                                        index_t nx, const complex<double>* x) {
  std::vector<complex<double>> y;
  for (std::size_t m = 0; m < k.extent(1) * k.extent(2); ++m) {
    const double* at = k.data() + (std::size_t(f) * k.extent(1) * k.extent(2) + m) * 2;
    std::complex<double> sum = 0;
    for (index_t j = 0; j < ny; ++j)
      for (index_t i = 0; i < nx; ++i) {
        const complex<double> v = x[j * nx + i];
        sum += std::complex<double>(v.real(), v.imag()) *
               std::polar(1.0, -2 * M_PI *
                                   (at[0] * double(i - nx / 2) / double(nx) +
                                    at[1] * double(j - ny / 2) / double(ny)));
      }
    y.emplace_back(sum.real() / std::sqrt(double(ny * nx)),
                   sum.imag() / std::sqrt(double(ny * nx)));
  }
  return y;
}

template <class T>
void against_finufft(linop::nufft_options options, double tolerance) {
  const auto x = load<T>("image"), y = load<T>("data");
  const linop::nufft<T, Ex> a(trajectory(), shape{index_t(30), index_t(44)}, options);
  const double forward = distance(to_host(a * x), to_host(load<double>("forward")));
  const double adjoint = distance(to_host(linop::adjoint(a) * y), to_host(load<double>("adjoint")));
  CAPTURE(options.tolerance);
  CAPTURE(options.oversampling);
  CAPTURE(a.plan().width());
  MESSAGE("width " << a.plan().width() << ": forward " << forward << ", adjoint " << adjoint);
  CHECK(forward < tolerance);
  CHECK(adjoint < tolerance);
  CHECK(linop::check::adjoint_error(Ex(), a, shape_of(x), 1) < linop::check::tolerance<T>);
}
}  // namespace

TEST_CASE("nufft agrees with FINUFFT to the tolerance asked for") {
  against_finufft<float>({}, 1e-6);
  against_finufft<float>({1e-3, 2}, 1e-3);
  against_finufft<float>({1e-5, 1.5}, 1e-5);
  against_finufft<double>({}, 1e-10);
  against_finufft<double>({1e-14, 2}, 1e-13);
  against_finufft<double>({1e-7, 1.25}, 1e-7);
  CHECK_THROWS_AS(against_finufft<double>({1e-10, 1.25}, 1), value_error);
}

TEST_CASE("nufft is its definition, also where kernels reach over the edges") {
  for (const shape<2> n : {shape<2>{{5, 8}}, shape<2>{{1, 7}}, shape<2>{{12, 9}}}) {
    auto k =
        make_tensor<double>(host_space(), shape{index_t(2), index_t(3), index_t(17), index_t(2)});
    random::fill_uniform(host_space(), k, 3);
    for (std::size_t i = 0; i < k.size(); ++i) k.data()[i] = (k.data()[i] - 0.5) * 20;
    k(0, 0, 0, 0) = -double(n[1]) / 2;
    k(0, 0, 0, 1) = -double(n[0]) / 2;
    k(1, 0, 1, 0) = k(1, 0, 1, 1) = 0;
    auto x =
        make_tensor<complex<double>>(Ex(), shape{index_t(2), index_t(1), index_t(1), n[0], n[1]});
    random::fill_normal(Ex(), x, 4);
    const auto y = to_host(linop::nufft<double, Ex>(k, n, {1e-12, 2}) * x);
    const auto xh = to_host(x);
    for (index_t f = 0; f < 2; ++f) {
      const auto expected = definition(k, f, n[0], n[1], xh.data() + f * n.size());
      for (std::size_t m = 0; m < expected.size(); ++m) {
        const auto d = y.data()[std::size_t(f) * expected.size() + m] - expected[m];
        CHECK(std::sqrt(abs2(d)) < 1e-10);
      }
    }
  }
}

TEST_CASE("nufft on a Cartesian trajectory is fourier, odd extents included") {
  for (const shape<2> n : {shape<2>{{6, 10}}, shape<2>{{7, 9}}}) {
    auto k = make_tensor<float>(host_space(), shape{index_t(1), n[0], n[1], index_t(2)});
    for (index_t y = 0; y < n[0]; ++y)
      for (index_t x = 0; x < n[1]; ++x) {
        k(0, y, x, 0) = float(x - n[1] / 2);
        k(0, y, x, 1) = float(y - n[0] / 2);
      }
    auto x =
        make_tensor<complex<float>>(Ex(), shape{index_t(3), index_t(2), index_t(2), n[0], n[1]});
    random::fill_normal(Ex(), x, 6);
    const linop::fourier_op<float, 5, Ex> f;
    CHECK(distance(to_host(linop::nufft<float, Ex>(k, n) * x), to_host(f * x)) < 1e-6);
  }
}

TEST_CASE("the Toeplitz gram equals adjoint times operator, weights and maps included") {
  using C = complex<float>;
  const shape<5> coil_images{{2, 2, 3, 30, 44}};
  const auto k = trajectory();
  const linop::nufft<float, Ex> f(k, shape{index_t(30), index_t(44)});
  auto maps =
      make_tensor<C>(Ex(), shape{index_t(1), index_t(2), index_t(3), index_t(30), index_t(44)});
  random::fill_normal(Ex(), maps, 1);
  const linop::sensitivity<float, Ex> s(maps);
  const auto check = [](const auto& a, const auto& d) {
    CHECK(linop::check::gram_error(Ex(), a, d, 3) < 1e-5);
    const auto g = linop::gram(a);
    using gram_type = std::decay_t<decltype(g)>;
    static_assert(std::is_same_v<std::decay_t<decltype(g + 2.0 * linop::identity)>, gram_type>);
    CHECK(linop::check::adjoint_error(Ex(), g, d, 4) < 1e-6);
  };
  const shape<4> image{{2, 2, 30, 44}};
  check(f, coil_images);
  check(f * s, image);
  auto w =
      make_tensor<float>(Ex(), shape{index_t(1), index_t(1), index_t(1), index_t(5), index_t(60)});
  random::fill_uniform(Ex(), w, 5);
  check(linop::diagonal(w) * f, coil_images);
  check(linop::diagonal(w) * f * s, image);
  static_assert(std::is_same_v<std::decay_t<decltype(linop::gram(linop::diagonal(w) * f * s))>,
                               linop::sense_nufft_normal<float, Ex>>);
  // Weights that differ by frame, slice and coil, complex.
  auto v = make_tensor<C>(Ex(), shape{index_t(2), index_t(2), index_t(3), index_t(5), index_t(1)});
  random::fill_normal(Ex(), v, 6);
  check(linop::diagonal(v) * f * s, image);
  CHECK((linop::adjoint(f * s) * (f * s)).recognised());
}

TEST_CASE("nufft of the shared reference") {
  SHARED_OR_SKIP(path, "data/nufft_reference/nufft_data.npz");
  const auto image = stored_member<complex<double>>(path, "0_image", 5 * 78 * 96);
  const auto radians = stored_member<double>(path, "0_traj", 2 * 410);
  const auto expected = stored_member<complex<double>>(path, "0_kdata", 5 * 410);
  const shape<2> n{{78, 96}};
  auto k =
      make_tensor<double>(host_space(), shape{index_t(1), index_t(1), index_t(410), index_t(2)});
  for (index_t i = 0; i < 410; ++i) {
    k(0, 0, i, 0) = radians[std::size_t(410 + i)] * 96 / (2 * M_PI);
    k(0, 0, i, 1) = radians[std::size_t(i)] * 78 / (2 * M_PI);
  }
  auto x = make_tensor<complex<double>>(host_space(),
                                        shape{index_t(5), index_t(1), index_t(1), n[0], n[1]});
  std::copy(image.begin(), image.end(), x.data());
  auto y = to_host(linop::nufft<double, Ex>(k, n) * to_space(Ex(), x));
  std::vector<complex<double>> sums;
  for (index_t b = 0; b < 5; ++b)
    for (const auto& v : definition(k, 0, n[0], n[1], image.data() + b * n.size()))
      sums.push_back(v);
  CHECK(distance(y, sums) < 1e-9);
  for (std::size_t i = 0; i < y.size(); ++i)
    y.data()[i] *= std::sqrt(78.0 * 96.0);  // unscaled there
  const double theirs = distance(y, expected);
  MESSAGE("against the table of torchkbnufft: " << theirs);
  CHECK(theirs < 4e-4);  // their own error is 2.7e-4
}

TEST_CASE("nufft refuses what it cannot use") {
  auto k = make_tensor<float>(host_space(), shape{index_t(1), index_t(2), index_t(3), index_t(2)});
  Kokkos::deep_copy(k, 0.5f);
  const shape<2> n{{8, 8}};
  using op = linop::nufft<float, Ex>;
  CHECK_THROWS_AS(op(k, n, {2.0, 2}), value_error);
  CHECK_THROWS_AS(op(k, n, {1e-6, 1}), value_error);
  CHECK_THROWS_AS(op(k, shape<2>{{0, 8}}), shape_error);
  auto three =
      make_tensor<float>(host_space(), shape{index_t(1), index_t(2), index_t(3), index_t(3)});
  Kokkos::deep_copy(three, 0.f);
  CHECK_THROWS_AS(op(three, n), shape_error);
  k(0, 1, 2, 0) = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH_AS(op(k, n), doctest::Contains("frame 0, sample 5"), value_error);
  k(0, 1, 2, 0) = 0;
  const auto x = zeros<complex<float>>(
      Ex(), shape{index_t(1), index_t(1), index_t(1), index_t(8), index_t(9)});
  CHECK_THROWS_AS(op(k, n) * x, shape_error);
}
