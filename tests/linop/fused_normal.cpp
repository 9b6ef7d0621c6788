// SPDX-License-Identifier: Apache-2.0
/// \file
/// What fused normal operators share: packed maps, the filter of a mask, sums of packets.

#include "cardiomm/linop/fused_normal.hpp"

#include <doctest/doctest.h>

#include "cardiomm/core/random.hpp"

using namespace cardiomm;
namespace parts_of = cardiomm::linop::detail;
using Ex = host_space;

TEST_CASE("maps as packets, rows interleaved for filters in parts") {
  const Ex ex;
  const shape<5> m{{2, 1, 3, 6, 7}};
  const auto maps = make_tensor<complex<float>>(ex, m);
  random::fill_normal(ex, maps, 1);
  constexpr index_t W = launch::tile_width<float, Ex>;
  for (const index_t parts : {1, 2, 3}) {
    const auto packed = parts_of::pack_maps<float, Ex>(ex, maps, parts);
    ex.fence();
    const index_t blocks = parts_of::column_blocks<float, Ex>(m[4]);
    CHECK(blocks * W >= m[4]);
    REQUIRE(static_cast<index_t>(packed.size()) == m[0] * blocks * m[2] * m[3] * 2 * W);
    for (index_t set = 0; set < 2; ++set)
      for (index_t block = 0; block < blocks; ++block)
        for (index_t c = 0; c < 3; ++c)
          for (index_t slot = 0; slot < 6; ++slot)
            for (index_t i = 0; i < W; ++i) {
              const index_t y = slot % parts * (6 / parts) + slot / parts, x = block * W + i;
              const auto v = x < 7 ? maps(set, 0, c, y, x) : complex<float>(0);
              const float* at =
                  packed.data() + ((((set * blocks + block) * 3 + c) * 6 + slot) * 2) * W + i;
              CHECK(at[0] == v.real());
              CHECK(at[W] == v.imag());
            }
  }
}

TEST_CASE("weights of a mask: DC first, over the length") {
  auto mask = zeros<float>(host_space(), shape{index_t(2), index_t(5)});
  mask(0, 2) = 1;  // the centre
  mask(0, 4) = 1;
  mask(1, 0) = 1;
  const auto w = parts_of::weights_of_mask<float, Ex>(mask);
  CHECK(w(0, 0) == doctest::Approx(0.2));
  CHECK(w(0, 2) == doctest::Approx(0.2));
  CHECK(w(0, 1) == 0);
  CHECK(w(1, 3) == doctest::Approx(0.2));  // two below the centre
}

TEST_CASE("sums of many packets keep double precision") {
  using L = lane<float, Ex>;
  constexpr int W = lane_traits<L>::width;
  parts_of::packet_sum<L> sum;
  sum.add(L(1e8f));
  for (int i = 0; i < 5000; ++i) sum.add(L(0.5f));
  CHECK(sum.total() == doctest::Approx(W * (1e8 + 2500)).epsilon(1e-7));
  CHECK(sum.total() > W * 1e8 + 2000.0);
}
