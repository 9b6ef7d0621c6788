// SPDX-License-Identifier: Apache-2.0
/// \file
/// The bookkeeping of the encoding's kernels: centred rows, tiles that cover every plane and column
/// once, lines that are cleared. What the kernels compute is tested in encode.cpp.

#include "cardiomm/linop/encode_kernels.hpp"

#include <doctest/doctest.h>

#include <set>

#include "cardiomm/linop/sampling.hpp"

using namespace cardiomm;
namespace parts_of = cardiomm::linop::detail;

TEST_CASE("rows of centred transforms") {
  for (index_t n = 1; n < 12; ++n)
    for (index_t i = 0; i < n; ++i) {
      CHECK(parts_of::uncentred(parts_of::centred(i, n), n) == i);
      CHECK(parts_of::centred(i, n) == (i + n / 2) % n);  // frequency 0 lies at n / 2
    }
}

namespace {
template <int W>
struct tile_width {
  static constexpr int width = W;
};
}  // namespace

TEST_CASE("tiles cover every column of every plane once") {
  for (const index_t nx : {1, 7, 8, 19}) {
    parts_of::encode_geometry<float> g{};
    g.nx = nx;
    g.planes = 3;
    std::set<std::pair<index_t, index_t>> seen;
    const index_t tiles = g.planes * ((nx + 7) / 8);
    for (index_t t = 0; t < tiles; ++t) {
      const parts_of::column_tile<float, tile_width<8>> at(g, t);
      for (int w = 0; w < at.valid; ++w) CHECK(seen.insert({at.plane, at.first + w}).second);
    }
    CHECK(static_cast<index_t>(seen.size()) == 3 * nx);
  }
}

TEST_CASE("planes of maps: sets, slices and one slice for all") {
  parts_of::encode_geometry<float> g{};
  g.ny = 4;
  g.nx = 5;
  g.coils = 3;
  g.slices = 2;
  g.map_slices = 2;
  g.first_plane = 3;  // frame 1, slice 1
  CHECK(g.map_plane(0, 2, 1) == ((1 * 2 + 1) * 3 + 2) * 20);
  CHECK(g.map_plane(1, 0, 0) == 0);
  g.map_slices = 1;
  CHECK(g.map_plane(0, 2, 1) == (1 * 3 + 2) * 20);
}

TEST_CASE("what was not sampled is cleared, what was stays") {
  using Ex = host_space;
  const Ex ex;
  const index_t frames = 2, coils = 2, ny = 6, nx = 5;
  const auto mask = zeros<float>(ex, shape{frames, ny});
  mask(0, 1) = mask(0, 3) = mask(1, 5) = 1;
  const linop::line_mask<float, Ex> sampling(mask);
  const fft::line<float, Ex> along_y(ex, ny);
  const parts_of::sampled_lines<float, Ex> lines(sampling, along_y);
  auto k = make_tensor<complex<float>>(ex, shape{frames, index_t(1), coils, ny, nx});
  Kokkos::deep_copy(k, complex<float>(2, 1));
  parts_of::encode_geometry<float> g{};
  g.along_y = along_y.stages();
  g.lines = lines.list();
  g.slices = 1;
  g.coils = coils;
  g.ny = ny;
  g.nx = nx;
  launch::rows(ex, frames * coils * ny, nx, parts_of::clear_lines<float>{g, k.data()});
  ex.fence();
  for (index_t f = 0; f < frames; ++f)
    for (index_t c = 0; c < coils; ++c)
      for (index_t y = 0; y < ny; ++y)
        CHECK(k(f, 0, c, y, 4) == (mask(f, y) != 0 ? complex<float>(2, 1) : complex<float>(0)));
}
