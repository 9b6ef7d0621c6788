// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/train/mask_mixture.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "cardiomm/train/order.hpp"
#include "support/shared.hpp"

using namespace cardiomm;

namespace {

index_t count(const host_tensor<std::uint8_t, 2>& m) {
  return static_cast<index_t>(std::count(m.data(), m.data() + m.size(), 1));
}
/// Sampled lines of a mask of whole lines.
std::vector<index_t> lines(const host_tensor<std::uint8_t, 2>& m) {
  std::vector<index_t> all;
  for (index_t y = 0; y < index_t(m.extent(0)); ++y) {
    for (index_t x = 1; x < index_t(m.extent(1)); ++x) REQUIRE(m(y, x) == m(y, 0));
    if (m(y, 0)) all.push_back(y);
  }
  return all;
}
bool equal(const train::drawn_mask& a, const train::drawn_mask& b) {
  return a.family == b.family && a.acceleration == b.acceleration && a.acs == b.acs &&
         a.mask.size() == b.mask.size() &&
         std::equal(a.mask.data(), a.mask.data() + a.mask.size(), b.mask.data());
}
train::mask_mixture only(const std::string& family, index_t acceleration, index_t acs) {
  train::mask_mixture_options o;
  o.families = {{family, 1}};
  o.accelerations = {{acceleration, 1}};
  o.acs = {{acs, 1}};
  return train::mask_mixture(o, 7);
}

}  // namespace

TEST_CASE("radial training masks are those of SciPy's rotate, pixel by pixel") {
  std::ifstream in(own_path("training_spokes.txt"));
  index_t nx, ny, acceleration, start, samples, cases = 0;
  std::uint64_t hash;
  while (in >> nx >> ny >> acceleration >> start >> samples >> hash) {
    const auto m = zeros<std::uint8_t>(host_space{}, shape{ny, nx});
    train::add_training_spokes(m, acceleration, start);
    std::uint64_t h = 0xCBF29CE484222325ull;
    for (std::size_t i = 0; i < m.size(); ++i) h = (h ^ m.data()[i]) * 0x100000001B3ull;
    CAPTURE(nx);
    CAPTURE(acceleration);
    CAPTURE(start);
    CHECK(count(m) == samples);
    CHECK(h == hash);
    ++cases;
  }
  CHECK(cases == 135);
}

TEST_CASE("uniform: lines 0, R, 2R .. and the centre of training") {
  // ny - acs odd: the centre is 118 .. 137, one line later than that of the test masks
  const auto m = only("uniform", 8, 20).draw(0, 0, 255, 6);
  std::vector<index_t> expected;
  for (index_t y = 0; y < 255; ++y)
    if (y % 8 == 0 || (y >= 118 && y <= 137)) expected.push_back(y);
  CHECK(lines(m.mask) == expected);
  CHECK(m.acceleration == 8);
  CHECK(m.acs == 20);
  CHECK(m.family == "uniform");
  // even: 118 .. 137 of 256, and any offset where that is asked for
  CHECK(lines(only("uniform", 256, 20).draw(0, 0, 256, 2).mask).size() == 21);
  train::mask_mixture_options o;
  o.families = {{"uniform", 1}};
  o.accelerations = {{4, 1}};
  o.acs = {{0, 1}};
  o.random_offset = true;
  std::vector<index_t> first(4, 0);
  for (index_t i = 0; i < 400; ++i) {
    const auto l = lines(train::mask_mixture(o, 1).draw(0, i, 32, 2).mask);
    CHECK(l.size() == 8);
    ++first[std::size_t(l[0])];
  }
  for (const index_t n : first) CHECK(std::abs(double(n) - 100) < 35);
}

TEST_CASE("random: every line with probability 1 / R, the centre not discounted") {
  for (const index_t r : {4, 8, 24}) {
    const auto masks = only("random", r, 20);
    const index_t ny = 200, n = 400;
    std::vector<double> hits(ny, 0);
    double total = 0, square = 0;
    for (index_t i = 0; i < n; ++i) {
      const auto l = lines(masks.draw(3, i, ny, 2).mask);
      for (const index_t y : l) ++hits[std::size_t(y)];
      total += double(l.size());
      square += double(l.size()) * double(l.size());
    }
    const double p = 1 / double(r), mean = total / double(n);
    CHECK(mean == doctest::Approx(20 + 180 * p).epsilon(0.02));
    // the variance of independent lines, which lines without repetition do not have
    CHECK(square / double(n) - mean * mean == doctest::Approx(180 * p * (1 - p)).epsilon(0.2));
    for (index_t y = 0; y < ny; ++y) {
      if (y >= 90 && y < 110)
        CHECK(hits[std::size_t(y)] == n);
      else
        CHECK(std::abs(hits[std::size_t(y)] - p * n) < 5 * std::sqrt(p * (1 - p) * n) + 1);
    }
  }
}

TEST_CASE("radial: a centre square, beams of 0.6 R, 30 angles") {
  const auto masks = only("radial", 8, 20);
  const index_t ny = 128, nx = 128;
  std::map<std::uint64_t, int> different;
  double density = 0;
  for (index_t i = 0; i < 200; ++i) {
    const auto m = masks.draw(0, i, ny, nx);
    for (index_t y = 54; y < 74; ++y)
      for (index_t x = 54; x < 74; ++x) REQUIRE(m.mask(y, x) == 1);
    density += double(count(m.mask)) / double(ny * nx) / 200;
    ++different[train::hash_of({reinterpret_cast<const char*>(m.mask.data()), m.mask.size()})];
  }
  CHECK(different.size() <= 30);
  CHECK(different.size() >= 25);
  // 37 spokes of about 1.13 pixels a column each, less what they share at the centre
  CHECK(density > 0.2);
  CHECK(density < 0.33);
}

TEST_CASE("gaussian: the lines of the test sets, denser at the centre") {
  const auto masks = only("gaussian", 8, 0);
  index_t centre = 0, edge = 0;
  for (index_t i = 0; i < 200; ++i)
    for (const index_t y : lines(masks.draw(0, i, 160, 2).mask))
      (y >= 60 && y < 100 ? centre : edge) += 1;
  CHECK(centre + edge == 200 * 20);
  CHECK(double(centre) / 40 > 1.5 * double(edge) / 120);
}

TEST_CASE("mixture: shares, and a pure function of (seed, epoch, sample)") {
  train::mask_mixture_options o;
  o.families = {{"uniform", 1}, {"random", 2}, {"radial", 1}, {"gaussian", 0}};
  o.accelerations = {{4, 1}, {8, 3}};
  o.acs = {{12, 1}, {20, 1}};
  const train::mask_mixture a(o, 42), b(o, 42), other(o, 43);
  std::map<std::string, double> share;
  std::map<index_t, double> rate, centre;
  int same_epoch = 0, same_seed = 0;
  const index_t n = 2000;
  for (index_t i = 0; i < n; ++i) {
    const auto m = a.draw(5, i, 48, 32);
    share[m.family] += 1 / double(n);
    rate[m.acceleration] += 1 / double(n);
    centre[m.acs] += 1 / double(n);
    if (i % 20) continue;
    CHECK(equal(m, b.draw(5, i, 48, 32)));
    same_epoch += equal(m, a.draw(6, i, 48, 32));
    same_seed += equal(m, other.draw(5, i, 48, 32));
  }
  CHECK(std::abs(share["uniform"] - 0.25) < 0.05);
  CHECK(std::abs(share["random"] - 0.5) < 0.05);
  CHECK(std::abs(share["radial"] - 0.25) < 0.05);
  CHECK(share.count("gaussian") == 0);
  CHECK(std::abs(rate[4] - 0.25) < 0.05);
  CHECK(std::abs(centre[12] - 0.5) < 0.05);
  CHECK(same_epoch < 15);
  CHECK(same_seed < 15);
  CHECK(a.description() == b.description());
  CHECK(a.description() != other.description());
  // the released recipe
  const train::mask_mixture released;
  std::map<std::string, double> families;
  for (index_t i = 0; i < 900; ++i) {
    const auto m = released.draw(0, i, 32, 24);
    ++families[m.family];
    CHECK(m.acs == 20);
  }
  CHECK(families.size() == 3);
  for (const auto& f : families) CHECK(std::abs(f.second - 300) < 70);
}

TEST_CASE("mixture: what no mask can be is refused by name") {
  const auto message = [](const train::mask_mixture_options& o) -> std::string {
    try {
      (void)train::mask_mixture(o).draw(0, 0, 16, 16);
    } catch (const value_error& e) {
      return e.what();
    }
    return "";
  };
  train::mask_mixture_options o;
  CHECK(message(o).find("masks: acs: expected at most 16") == 0);
  o.families = {{"spiral", 1}};
  CHECK(message(o).find("found 'spiral'") != std::string::npos);
  o.families = {{"uniform", 0}};
  CHECK(message(o) == "masks.families: expected a weight above 0, found none");
  o.families = {{"uniform", -1}};
  CHECK(message(o).find("weight of uniform") != std::string::npos);
  o = {};
  o.accelerations = {{0, 1}};
  CHECK(message(o).find("masks.accelerations") == 0);
  o.accelerations = {{301, 1}};
  CHECK(message(o).find("masks.accelerations") == 0);
}

TEST_CASE("draws: unbiased, apart for every purpose") {
  train::draws a(1, 2, 3, "x"), b(1, 2, 3, "x"), c(1, 2, 3, "y");
  int same = 0;
  double sum = 0, square = 0;
  for (int i = 0; i < 4000; ++i) {
    const std::uint32_t v = a.bits();
    CHECK(v == b.bits());
    same += v == c.bits();
    const double z = a.normal();
    CHECK(z == b.normal());
    sum += z;
    square += z * z;
  }
  CHECK(same < 3);
  CHECK(std::abs(sum / 4000) < 0.06);
  CHECK(std::abs(square / 4000 - 1) < 0.1);
  std::vector<int> hits(7, 0);
  for (int i = 0; i < 7000; ++i) ++hits[std::size_t(a.below(7))];
  for (const int h : hits) CHECK(std::abs(h - 1000) < 150);
  for (int i = 0; i < 100; ++i) CHECK(a.weighted({0, 1, 0}) == 1);
}

TEST_CASE("order: a permutation of its own for every epoch") {
  const auto a = train::shuffled(1, 0, 500);
  CHECK(a == train::shuffled(1, 0, 500));
  CHECK(a != train::shuffled(1, 1, 500));
  CHECK(a != train::shuffled(2, 0, 500));
  auto sorted = a;
  std::sort(sorted.begin(), sorted.end());
  for (index_t i = 0; i < 500; ++i) CHECK(sorted[std::size_t(i)] == i);
  CHECK(train::shuffled(1, 0, 0).empty());
  // every item comes to every place about as often
  std::vector<int> first(5, 0);
  for (std::uint64_t e = 0; e < 2000; ++e) ++first[std::size_t(train::shuffled(9, e, 5)[2])];
  for (const int f : first) CHECK(std::abs(f - 400) < 90);
}
