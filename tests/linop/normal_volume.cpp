// SPDX-License-Identifier: Apache-2.0
/// \file
/// The normal operator with two phase encodes against the product of its operators, and the
/// transform of volumes against its definition.
#include "cardiomm/linop/normal_volume.hpp"

#include <doctest/doctest.h>

#include <complex>
#include <vector>

#include "support/counters.hpp"
#include "support/encoding.hpp"

using namespace cardiomm;
using namespace cardiomm_tests;

namespace {
using ex_t = host_space;

template <class T>
struct volume {
  tensor<complex<T>, 5, ex_t> maps;
  tensor<T, 3, ex_t> mask;
  tensor<complex<T>, 4, ex_t> x;
  volume(shape<5> k, index_t map_slices, index_t mask_frames) {
    const ex_t ex;
    maps = make_tensor<complex<T>>(ex, shape{index_t(1), map_slices, k[2], k[3], k[4]});
    random::fill_normal(ex, maps, 1);
    x = make_tensor<complex<T>>(ex, shape{k[0], k[1], k[3], k[4]});
    random::fill_normal(ex, x, 2);
    mask = make_tensor<T>(ex, shape{mask_frames, k[1], k[3]});
    for (index_t f = 0; f < mask_frames; ++f)
      for (index_t z = 0; z < k[1]; ++z)
        for (index_t y = 0; y < k[3]; ++y)
          mask(f, z, y) = (y + 2 * z + f) % 3 == 0 && y % 5 != 4 ? T(1) : T(0);
  }
  auto encoding() const {
    return linop::partition_mask<T, ex_t>(mask) * linop::fourier_zyx *
           linop::sensitivity<T, ex_t>(maps);
  }
};

template <class T>
void compare(shape<5> k, index_t map_slices, index_t mask_frames, double tolerance) {
  CAPTURE(to_string(k));
  const ex_t ex;
  const volume<T> v(k, map_slices, mask_frames);
  const auto a = v.encoding();
  const auto g = linop::gram(a);
  static_assert(std::is_same_v<std::decay_t<decltype(g)>, linop::sense_volume_normal<T, ex_t>>);
  check_normal(g, v.x, linop::evaluate(ex, linop::adjoint(a), linop::evaluate(ex, a, v.x)),
               tolerance);
}
}  // namespace

TEST_CASE("the volume's normal kernel equals the product of the operators") {
  for (index_t nz : {1, 6, 47})
    for (index_t ny : {1, 13, 53})
      for (index_t nx : {1, 17}) {
        const shape<5> k{{2, nz, 3, ny, nx}};
        compare<double>(k, nz, 2, 1e-13);
        compare<float>(k, 1, 1, 1e-5);
      }
}

TEST_CASE("fourier_zyx is the centred orthonormal transform over three axes") {
  using wide = std::complex<double>;
  const ex_t ex;
  const index_t nz = 3, ny = 4, nx = 5;
  auto x = make_tensor<complex<double>>(ex, shape{index_t(2), nz, index_t(2), ny, nx});
  random::fill_normal(ex, x, 3);
  const linop::fourier_op<double, 5, ex_t, linop::along_zyx> transform;
  const auto y = linop::evaluate(ex, transform, x);
  const auto root = [](index_t j, index_t k, index_t n) {
    return std::polar(
        1.0, -6.283185307179586476925286766559 * double((j - n / 2) * (k - n / 2)) / double(n));
  };
  double worst = 0;
  for (index_t f = 0; f < 2; ++f)
    for (index_t c = 0; c < 2; ++c)
      for (index_t kz = 0; kz < nz; ++kz)
        for (index_t ky = 0; ky < ny; ++ky)
          for (index_t kx = 0; kx < nx; ++kx) {
            wide sum = 0;
            for (index_t z = 0; z < nz; ++z)
              for (index_t j = 0; j < ny; ++j)
                for (index_t i = 0; i < nx; ++i) {
                  const auto v = x(f, z, c, j, i);
                  sum += wide(v.real(), v.imag()) * root(z, kz, nz) * root(j, ky, ny) *
                         root(i, kx, nx);
                }
            sum /= std::sqrt(double(nz * ny * nx));
            const auto v = y(f, kz, c, ky, kx);
            worst = std::max(worst, std::abs(sum - wide(v.real(), v.imag())));
          }
  CHECK(worst < 1e-13);
}

TEST_CASE("a second apply of the volume's kernel allocates, copies and waits for nothing") {
  const ex_t ex;
  const volume<float> v(shape<5>{{2, 4, 3, 24, 20}}, 4, 2);
  const auto g = linop::gram(v.encoding()) + 0.1 * linop::identity;
  const auto y = linop::evaluate(ex, g, v.x);
  const auto counts = count_events([&] { linop::apply(ex, g, v.x, y); });
  CHECK_MESSAGE(counts.none(), counts);
}

TEST_CASE("a volume's mask and maps that do not fit are refused") {
  const volume<float> v(shape<5>{{2, 4, 3, 8, 8}}, 4, 2), w(shape<5>{{2, 4, 3, 9, 8}}, 4, 2),
      u(shape<5>{{2, 5, 3, 8, 8}}, 5, 1);
  using op = linop::sense_volume_normal<float, ex_t>;
  using mask = linop::partition_mask<float, ex_t>;
  using maps = linop::sensitivity<float, ex_t>;
  CHECK_THROWS_AS(op(mask(v.mask), maps(w.maps)), shape_error);
  CHECK_THROWS_AS(op(mask(u.mask), maps(v.maps)), shape_error);
}
