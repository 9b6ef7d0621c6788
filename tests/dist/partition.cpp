// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/dist/partition.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace cardiomm;

TEST_CASE("every frame and slice belongs to one process") {
  for (const index_t frames : {1, 2, 3, 7, 25})
    for (const index_t slices : {1, 2, 5, 10})
      for (const int processes : {1, 2, 3, 4, 7, 16, 64}) {
        const dist::partition cut(frames, slices, processes);
        CHECK(cut.blocks() <= processes);
        CHECK(cut.blocks() >= 1);
        std::vector<int> owner(static_cast<std::size_t>(frames * slices), -1);
        index_t largest = 0;
        for (int p = 0; p < processes; ++p) {
          const dist::block b = cut.of(p);
          CHECK(b.empty() == (p >= cut.blocks()));
          if (b.empty()) continue;
          largest = std::max(largest, b.frames * b.slices);
          for (index_t f = b.frame; f < b.frame + b.frames; ++f)
            for (index_t s = b.slice; s < b.slice + b.slices; ++s) {
              CHECK(owner[static_cast<std::size_t>(f * slices + s)] == -1);
              owner[static_cast<std::size_t>(f * slices + s)] = p;
            }
          // sums that a process continues come from the one before it
          if (b.frame > 0) {
            const dist::block before = cut.of(p - 1);
            CHECK(before.slice == b.slice);
            CHECK(before.slices == b.slices);
            CHECK(before.frame + before.frames == b.frame);
          }
        }
        for (const int p : owner) CHECK(p >= 0);
        CHECK(largest == cut.of(0).frames * cut.of(0).slices);  // the first part is a largest one
        if (processes >= frames * slices) CHECK(largest == 1);
      }
}

TEST_CASE("the grid keeps the largest part small") {
  CHECK(dist::partition(25, 1, 4).of(0).frames == 7);
  CHECK(dist::partition(1, 10, 4).of(0).slices == 3);
  const dist::partition cut(25, 10, 4);  // 13 x 5 is less than 7 x 10 and 25 x 3
  CHECK(cut.of(0).frames * cut.of(0).slices == 65);
  const dist::partition even(8, 4, 4);  // equal parts: the frames stay together
  CHECK(even.of(0).frames == 8);
  CHECK(even.of(0).slices == 1);
  const dist::partition series(8, 3, 4, true);
  CHECK(series.blocks() == 3);
  CHECK(series.of(2).frames == 8);
  CHECK(series.of(3).empty());
  CHECK_THROWS_AS(dist::partition(0, 1, 1), value_error);
  CHECK_THROWS_AS(dist::partition(1, 1, 0), value_error);
}
