// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/linop/casorati.hpp"

#include <doctest/doctest.h>

#include "cardiomm/linop/check.hpp"

using namespace cardiomm;
using Ex = default_space;
using C = complex<float>;

namespace {
/// The number of a place, so that it is known where it came from.
tensor<C, 4, Ex> numbered(shape<4> s) {
  auto t = make_tensor<C>(host_space(), s);
  for (std::size_t i = 0; i < t.size(); ++i) t.data()[i] = C(float(i), -float(i));
  return to_space(Ex(), t);
}
template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const error& e) {
    return e.what();
  }
  return "";
}
}  // namespace

TEST_CASE("blocks hold their pixels, frame by frame") {
  const index_t ny = 6, nx = 8, frames = 3, slices = 2;
  const auto x = numbered({{frames, slices, ny, nx}});
  const auto m = to_host(linop::casorati<float, Ex>(slices, ny, nx, {3, 4}) * x);
  REQUIRE(to_string(shape_of(m)) == "(8, 12, 3)");
  for (index_t s = 0; s < slices; ++s)
    for (index_t y = 0; y < ny; ++y)
      for (index_t i = 0; i < nx; ++i)
        for (index_t f = 0; f < frames; ++f)
          CHECK(m((s * 2 + y / 3) * 2 + i / 4, y % 3 * 4 + i % 4, f).real() ==
                float(((f * slices + s) * ny + y) * nx + i));
}

TEST_CASE("shifts turn the image, and blocks over the edge end in zeros") {
  const index_t ny = 5, nx = 7;
  const auto x = numbered({{2, 1, ny, nx}});
  const auto h = to_host(x);
  for (const linop::block_grid grid : {linop::block_grid{4, 3, 0, 0}, linop::block_grid{4, 3, 2, 5},
                                       linop::block_grid{2, 8, -1, -9}}) {
    const linop::casorati<float, Ex> c(1, ny, nx, grid);
    const auto m = to_host(c * x);
    const index_t down = (ny + grid.height - 1) / grid.height;
    const index_t across = (nx + grid.width - 1) / grid.width;
    REQUIRE(index_t(m.extent(0)) == down * across);
    for (index_t y = 0; y < down * grid.height; ++y)
      for (index_t i = 0; i < across * grid.width; ++i)
        for (index_t f = 0; f < 2; ++f) {
          const C found = m(y / grid.height * across + i / grid.width,
                            y % grid.height * grid.width + i % grid.width, f);
          C expected(0);
          if (y < ny && i < nx)
            expected = h(f, 0, ((y - grid.shift_y) % ny + ny) % ny,
                         ((i - grid.shift_x) % nx + 2 * nx) % nx);
          CHECK(found == expected);
        }
    CHECK(linop::check::detail::distance(Ex(), linop::adjoint(c) * (c * x), x) == 0);
  }
  const linop::casorati<float, Ex> c(1, ny, nx);
  static_assert(std::is_same_v<decltype(linop::gram(c)), linop::identity_op<float, 4, Ex>>);
  CHECK(linop::gram(c).domain() == c.domain());
}

TEST_CASE("Casorati matrices of bad arguments") {
  CHECK(message_of([] { linop::casorati<float, Ex>(1, 0, 4); }) ==
        "casorati: expected extents (slice, y, x) of at least 1, found (1, 0, 4)");
  CHECK(message_of([] {
          linop::casorati<float, Ex>(1, 4, 4, {0, 8});
        }) == "casorati: expected blocks of at least one pixel, found 0 x 8");
  const linop::casorati<float, Ex> c(1, 4, 4);
  CHECK_THROWS_AS(c * numbered({{2, 1, 4, 5}}), shape_error);
}
