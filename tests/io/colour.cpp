// SPDX-License-Identifier: Apache-2.0
/// \file
/// Colours at the anchors that matplotlib has, the bar, and the file as libpng reads it again.

#include "cardiomm/io/colour.hpp"

#include <doctest/doctest.h>

#include "io/mutate.hpp"

namespace io = cardiomm::io;
using io::colours;
using rgb = std::array<std::uint8_t, 3>;

TEST_CASE("colours at both ends and between") {
  CHECK(io::colour_at(colours::viridis, 0) == rgb{68, 1, 84});
  CHECK(io::colour_at(colours::viridis, 1) == rgb{253, 231, 37});
  const auto middle = io::colour_at(colours::viridis, 0.5);  // matplotlib: 33, 145, 140
  CHECK(std::abs(int(middle[0]) - 33) <= 2);
  CHECK(std::abs(int(middle[1]) - 145) <= 2);
  CHECK(std::abs(int(middle[2]) - 140) <= 2);
  CHECK(io::colour_at(colours::diverging, 0.5) == rgb{247, 247, 247});
  CHECK(io::colour_at(colours::grey, 0.5) == rgb{128, 128, 128});
  CHECK(io::colour_at(colours::grey, -3) == rgb{0, 0, 0});
  CHECK(io::colour_at(colours::grey, 7) == rgb{255, 255, 255});
  CHECK(io::colour_at(colours::grey, NAN) == rgb{0, 0, 0});
}

TEST_CASE("a map shows values, hides what was not fitted, and has a bar") {
  const float values[] = {0, 500, 1000, INFINITY, 2000, 1000};
  const std::uint8_t shown[] = {1, 1, 1, 1, 1, 0};
  auto p = io::render_map(values, shown, 1, 2, 3, {0, 1000}, colours::grey, "ms");
  const int zoom = 16;
  const auto gray = [&](int y, int x) { return int(*p.at(y * zoom + 8, x * zoom + 8)); };
  CHECK(gray(0, 0) == 0);
  CHECK(gray(0, 1) == 128);
  CHECK(gray(0, 2) == 255);
  CHECK(gray(1, 0) == 0);    // infinite
  CHECK(gray(1, 1) == 255);  // above the window
  CHECK(gray(1, 2) == 0);    // not shown
  // the bar rises from black to white, numbers stand at its right
  const int left = 3 * zoom + 4 + 6;
  CHECK(*p.at(p.height - 9, left) < 10);
  CHECK(*p.at(11, left) > 245);
  int white = 0;
  for (int y = 0; y < p.height; ++y)
    for (int x = left + 12; x < p.width; ++x) white += *p.at(y, x) == 255;
  CHECK(white > 100);

  const cardiomm_tests::scratch folder;
  io::atomic_file out(folder / "map.png");
  io::put_png(out, p);
  out.commit();
  const auto back = io::read_png(folder / "map.png");
  CHECK(back.height == p.height);
  CHECK(back.width == p.width);
  CHECK(int(back.row(8)[zoom + 8]) == 128);
  CHECK_THROWS_AS(io::render_map(values, nullptr, 0, 2, 3, {0, 1}, colours::grey, ""),
                  cardiomm::value_error);
}

TEST_CASE("many images lie side by side") {
  const std::vector<float> values(5 * 40 * 30, 1.0f);
  const auto p =
      io::render_map(values.data(), nullptr, 5, 40, 30, {0, 2}, colours::viridis, "cm/s");
  CHECK(p.height >= 2 * 40);
  CHECK(p.width >= 3 * 30);
}
