// SPDX-License-Identifier: Apache-2.0
/// \file
/// Masks against the test vectors of the specification and against masks_reference.npz (results of
/// the challenge's own procedure, stored in tests/data/mask_reference.txt).
#include "cardiomm/mri/mask.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <numeric>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "cardiomm/mri/centre.hpp"
#include "cardiomm/mri/line_sampler.hpp"
#include "cardiomm/mri/radial_mask.hpp"
#include "support/shared.hpp"

using namespace cardiomm;
using mri::mask_options;
using mri::mask_pattern;
using lines_t = std::vector<index_t>;

namespace {

struct stored {
  std::vector<index_t> extents;
  std::vector<int> values;
};

/// The arrays of tests/data/mask_reference.txt.
const std::map<std::string, stored>& reference() {
  static const auto arrays = [] {
    std::map<std::string, stored> all;
    std::ifstream in(own_path("mask_reference.txt"));
    std::string name, kind, extents, text, item;
    while (in >> name >> kind >> extents >> text) {
      stored a;
      for (std::istringstream s(extents); std::getline(s, item, ',');)
        a.extents.push_back(std::stoll(item));
      const index_t n = std::accumulate(a.extents.begin(), a.extents.end(), index_t(1),
                                        std::multiplies<index_t>());
      if (kind == "ints")
        for (std::istringstream s(text); std::getline(s, item, ',');)
          a.values.push_back(std::stoi(item));
      else
        for (index_t i = 0; i < n; ++i)
          a.values.push_back(
              (std::stoi(text.substr(std::size_t(i / 4), 1), nullptr, 16) >> (3 - i % 4)) & 1);
      all[name] = a;
    }
    return all;
  }();
  REQUIRE(arrays.size() == 29);
  return arrays;
}

template <class V>
std::vector<int> values(const V& v) {
  return std::vector<int>(v.data(), v.data() + v.size());
}

/// Elements of two arrays that differ; all of them if the sizes do.
index_t differing(const std::vector<int>& a, const std::vector<int>& b) {
  if (a.size() != b.size()) return index_t(std::max(a.size(), b.size()));
  index_t n = 0;
  for (std::size_t i = 0; i < a.size(); ++i) n += a[i] != b[i];
  return n;
}

mask_options options(mask_pattern p, double r, index_t acs, index_t nt, index_t ny, index_t nx,
                     std::uint64_t seed = 1, bool released = false) {
  mask_options o;
  o.pattern = p;
  o.acceleration = r;
  o.acs = acs;
  o.frames = nt;
  o.ny = ny;
  o.nx = nx;
  o.seed = seed;
  o.compat_released = released;
  return o;
}

lines_t lines_of(const host_tensor<std::uint8_t, 2>& pattern, index_t frame) {
  lines_t found;
  for (index_t y = 0; y < index_t(pattern.extent(1)); ++y)
    if (pattern(frame, y)) found.push_back(y);
  return found;
}

std::vector<index_t> counts(const host_tensor<std::uint8_t, 2>& pattern) {
  std::vector<index_t> n;
  for (index_t f = 0; f < index_t(pattern.extent(0)); ++f)
    n.push_back(index_t(lines_of(pattern, f).size()));
  return n;
}

std::vector<index_t> frame_samples(const host_tensor<std::uint8_t, 3>& mask) {
  std::vector<index_t> n;
  for (index_t f = 0; f < index_t(mask.extent(0)); ++f) {
    const auto frame = slice(mask, f);
    n.push_back(std::accumulate(frame.data(), frame.data() + frame.size(), index_t(0)));
  }
  return n;
}

index_t sum(const std::vector<index_t>& n) {
  return std::accumulate(n.begin(), n.end(), index_t(0));
}

double net(const host_tensor<std::uint8_t, 3>& mask) {
  return double(mask.size()) / double(sum(frame_samples(mask)));
}

lines_t range(index_t first, index_t last) {
  lines_t all;
  for (index_t i = first; i <= last; ++i) all.push_back(i);
  return all;
}

/// `all` with the elements of `more`, sorted, without repetitions.
lines_t joined(lines_t all, const lines_t& more) {
  std::set<index_t> s(all.begin(), all.end());
  s.insert(more.begin(), more.end());
  return {s.begin(), s.end()};
}

}  // namespace

TEST_CASE("mask: uniform lines of the specification") {
  CHECK(lines_of(make_line_mask(options(mask_pattern::uniform, 8, 8, 1, 31, 1)), 0) ==
        lines_t{0, 8, 11, 12, 13, 14, 15, 16, 17, 18, 24});
  const struct {
    index_t ny, acs;
    std::vector<index_t> r, lines;
    std::vector<double> net;
  } cases[] = {
      {255, 20, {4, 8, 16, 24}, {79, 49, 35, 30}, {3.23, 5.20, 7.29, 8.50}},
      {256, 20, {4, 8, 16, 24}, {79, 49, 35, 30}, {3.24, 5.22, 7.31, 8.53}},
      {168, 20, {4, 8, 16, 24}, {57, 39, 30, 27}, {2.95, 4.31, 5.60, 6.22}},
      {162, 24, {4, 8, 10}, {59, 42, 38}, {}},  // the rest: golden.json
      {204, 24, {4, 8, 10}, {69, 47, 42}, {}},
      {162, 16, {4, 8, 10}, {53, 35, 32}, {}},
      {204, 16, {4, 8, 10}, {63, 40, 36}, {}},
  };
  for (const auto& c : cases)
    for (std::size_t i = 0; i < c.r.size(); ++i) {
      const auto m =
          mri::make_mask(options(mask_pattern::uniform, double(c.r[i]), c.acs, 2, c.ny, 3));
      CHECK(frame_samples(m) == std::vector<index_t>{3 * c.lines[i], 3 * c.lines[i]});
      if (!c.net.empty()) CHECK(net(m) == doctest::Approx(c.net[i]).epsilon(0.005 / c.net[i]));
    }
}

TEST_CASE("mask: k-t uniform lines, intended and released") {
  const auto released = make_line_mask(options(mask_pattern::kt_uniform, 4, 8, 7, 31, 1, 1, true));
  CHECK(counts(released) == std::vector<index_t>{15, 14, 13, 13, 15, 14, 10});
  CHECK(lines_of(released, 0) == joined(range(11, 18), {0, 1, 5, 9, 21, 25, 29}));
  const auto intended = make_line_mask(options(mask_pattern::kt_uniform, 4, 8, 7, 31, 1));
  CHECK(counts(intended) == std::vector<index_t>{14, 14, 14, 13, 14, 14, 14});
  CHECK(lines_of(intended, 0) == joined(range(11, 18), {0, 4, 8, 20, 24, 28}));
  CHECK(lines_of(make_line_mask(options(mask_pattern::kt_uniform, 4, 8, 1, 31, 1, 1, true)), 0) ==
        joined(range(11, 18), {0, 1, 5, 9}));
  for (const bool compat : {false, true})
    CHECK(lines_of(make_line_mask(options(mask_pattern::kt_uniform, 4, 8, 6, 32, 1, 1, compat)),
                   1) == joined(range(12, 19), {1, 5, 9, 21, 25, 29}));

  const struct {  // golden.json; acs 16, ny 204
    index_t nt, r, intended, released, differing;
    std::vector<index_t> per_frame;
  } golden[] = {
      {12, 4, 756, 756, 0, std::vector<index_t>(12, 63)},
      {12, 8, 476, 476, 0, {40, 40, 40, 40, 39, 39, 39, 39, 40, 40, 40, 40}},
      {12, 24, 288, 288, 0, std::vector<index_t>(12, 24)},
      {9, 4, 567, 544, 821, {64, 62, 63, 64, 63, 62, 63, 64, 39}},
      {9, 8, 356, 345, 411, {41, 40, 40, 40, 39, 38, 39, 40, 28}},
      {3, 8, 120, 109, 131, {41, 40, 28}},
  };
  for (const auto& g : golden) {
    const auto a = make_line_mask(options(mask_pattern::kt_uniform, double(g.r), 16, g.nt, 204, 1));
    const auto b =
        make_line_mask(options(mask_pattern::kt_uniform, double(g.r), 16, g.nt, 204, 1, 1, true));
    CHECK(sum(counts(a)) == g.intended);
    CHECK(sum(counts(b)) == g.released);
    CHECK(counts(b) == g.per_frame);
    CHECK(differing(values(a), values(b)) == g.differing);
  }
  // ny and nt odd and R divides floor(ny / 2) - (nt - 1): the released pattern leaves the array.
  CHECK_THROWS_WITH_AS(make_line_mask(options(mask_pattern::kt_uniform, 3, 8, 7, 31, 1, 1, true)),
                       doctest::Contains("beyond the last frame"), value_error);
  CHECK_NOTHROW(make_line_mask(options(mask_pattern::kt_uniform, 3, 8, 7, 31, 1)));
}

TEST_CASE("mask: k-t Gaussian seeds and lines") {
  CHECK(mri::frame_seeds(10, 7) ==
        std::vector<std::uint64_t>{771321, 20752, 633648, 748804, 498507, 224797, 198063});
  const auto drawn = [](std::uint64_t seed, index_t nt, index_t ny, double r, index_t frame) {
    auto lines = mri::gaussian_lines(ny, r, 0.2, mri::frame_seeds(seed, nt)[std::size_t(frame)]);
    std::sort(lines.begin(), lines.end());
    return lines;
  };
  CHECK(drawn(10, 7, 31, 4, 0) == lines_t{1, 12, 13, 14, 18, 19, 20, 22});
  CHECK(drawn(10, 7, 31, 4, 1) == lines_t{2, 7, 8, 10, 14, 15, 17, 19});
  CHECK(drawn(10, 7, 31, 4, 2) == lines_t{0, 11, 12, 13, 15, 19, 25, 29});
  CHECK(drawn(10, 7, 31, 4, 6) == lines_t{6, 11, 13, 14, 15, 26, 28, 30});
  CHECK(drawn(7, 1, 31, 8, 0) == lines_t{7, 12, 14, 24});
  CHECK(drawn(42, 7, 31, 8, 0) == lines_t{9, 15, 19, 26});
  CHECK(drawn(42, 7, 31, 8, 1) == lines_t{16, 17, 18, 21});
  const double expected[] = {5.39, 7.61, 8.67};
  for (int i = 0; i < 3; ++i)
    CHECK(
        net(mri::make_mask(options(mask_pattern::kt_gaussian, 8 * (i + 1), 20, 12, 255, 2, 10))) ==
        doctest::Approx(expected[i]).epsilon(0.005 / expected[i]));

  // golden.json: ny 204, acs 16, seed 10; lines counted from 1.
  CHECK(mri::frame_seeds(10, 12) == std::vector<std::uint64_t>{771321, 20752, 633648, 748804,
                                                               498507, 224797, 198063, 760531,
                                                               169111, 88340, 685360, 953393});
  const auto from_one = [](lines_t lines) {
    for (auto& l : lines) ++l;
    return lines;
  };
  CHECK(from_one(drawn(10, 12, 204, 8, 0)) == lines_t{10,  11,  69,  72,  81,  82,  84,  85,  86,
                                                      87,  91,  92,  96,  97,  98,  124, 126, 132,
                                                      140, 141, 142, 147, 155, 164, 166, 197});
  CHECK(from_one(drawn(10, 12, 204, 8, 11)) == lines_t{24,  25,  32,  38,  50,  53,  62,  63,  66,
                                                       79,  89,  90,  94,  100, 101, 106, 114, 115,
                                                       121, 122, 123, 126, 150, 159, 166, 190});
  CHECK(from_one(drawn(10, 12, 204, 24, 0)) == lines_t{11, 84, 87, 91, 97, 124, 126, 132, 147});
  CHECK(from_one(drawn(10, 12, 204, 24, 11)) == lines_t{24, 25, 53, 66, 106, 121, 159, 166, 190});
  CHECK(sum(counts(make_line_mask(options(mask_pattern::kt_gaussian, 8, 16, 12, 204, 1, 10)))) ==
        456);
  CHECK(sum(counts(make_line_mask(options(mask_pattern::kt_gaussian, 24, 16, 12, 204, 1, 10)))) ==
        285);
}

TEST_CASE("mask: k-t radial beams and samples") {
  const std::vector<index_t> beams = {75, 60, 50, 42, 37, 33, 30, 27, 25, 23, 21,
                                      20, 18, 17, 16, 15, 15, 14, 13, 13, 12};
  for (int r = 4; r <= 24; ++r) CHECK(mri::radial_beams(0.6 * r) == beams[std::size_t(r - 4)]);

  const auto samples = [](double r, index_t acs, index_t nt, index_t nx, index_t ny) {
    return frame_samples(mri::make_mask(options(mask_pattern::kt_radial, r, acs, nt, ny, nx)));
  };
  using counts_t = std::vector<index_t>;
  CHECK(samples(8, 8, 3, 32, 31) == counts_t{750, 749, 751});
  CHECK(samples(8, 9, 3, 45, 37) == counts_t{1163, 1141, 1165});
  CHECK(samples(8, 9, 3, 37, 45) == counts_t{1159, 1141, 1167});
  CHECK(samples(24, 16, 3, 91, 61) == counts_t{963, 997, 1000});
  const auto r8 = mri::make_mask(options(mask_pattern::kt_radial, 8, 20, 12, 255, 256));
  const auto r16 = mri::make_mask(options(mask_pattern::kt_radial, 16, 20, 12, 255, 256));
  const auto r24 = mri::make_mask(options(mask_pattern::kt_radial, 24, 20, 12, 255, 256));
  // scikit-image 0.26, ties at odd multiples of 45 degrees included (R = 16: frames 2, 6, 10;
  // R = 24: frames 0, 6). Frames 0 and 1 of R = 8 and 16 are in the specification.
  CHECK(frame_samples(r8) ==
        counts_t{9236, 9264, 9248, 9264, 9244, 9260, 9256, 9246, 9257, 9241, 9249, 9260});
  CHECK(frame_samples(r16) ==
        counts_t{4842, 4827, 4827, 4829, 4844, 4830, 4853, 4833, 4841, 4832, 4809, 4834});
  CHECK(frame_samples(r24) ==
        counts_t{3376, 3429, 3430, 3426, 3433, 3432, 3469, 3435, 3430, 3429, 3430, 3436});
  CHECK(net(r8) == doctest::Approx(7.06).epsilon(0.005 / 7.06));
  CHECK(net(r16) == doctest::Approx(13.5).epsilon(0.05 / 13.5));
  CHECK(net(r24) == doctest::Approx(19.1).epsilon(0.1 / 19.1));

  const auto m = mri::make_mask(options(mask_pattern::kt_radial, 8, 8, 3, 31, 32));
  lines_t ky, kx;
  for (index_t y = 0; y < 31; ++y)
    if (m(1, y, 0)) ky.push_back(y);
  for (index_t x = 0; x < 32; ++x)
    if (m(1, 0, x)) kx.push_back(x);
  CHECK(ky == lines_t{11, 13, 14, 15, 17, 18});
  CHECK(kx == lines_t{10, 11, 13, 14, 15, 16, 18, 19, 20, 21, 22});
}

TEST_CASE("mask: every array of the reference file") {
  const auto& ref = reference();
  const auto same = [&](const char* name, const host_tensor<std::uint8_t, 3>& mask) {
    INFO(name);
    CHECK(differing(values(mask), ref.at(name).values) == 0);
  };
  const auto whole = [&](const char* name, mask_pattern p, double r, index_t acs, index_t nt,
                         std::uint64_t seed = 1) {
    same(name, mri::make_mask(options(p, r, acs, nt, 31, 32, seed, true)));
  };
  whole("uniform", mask_pattern::uniform, 4, 8, 1);
  whole("uniform_r8", mask_pattern::uniform, 8, 8, 1);
  whole("uniform_nt1", mask_pattern::uniform, 8, 8, 1);
  whole("ktmask_uniform", mask_pattern::uniform, 8, 8, 7);
  whole("kt_uniform", mask_pattern::kt_uniform, 4, 8, 7);
  whole("kt_uniform_nt1", mask_pattern::kt_uniform, 4, 8, 1);
  whole("ktmask_ktuniform", mask_pattern::kt_uniform, 8, 8, 7);
  whole("kt_gaussian", mask_pattern::kt_gaussian, 4, 8, 7, 10);
  whole("kt_gaussian_nt1", mask_pattern::kt_gaussian, 8, 8, 1, 7);
  whole("ktmask_ktgaussian", mask_pattern::kt_gaussian, 8, 8, 7, 42);
  whole("skimage_kt_radial", mask_pattern::kt_radial, 8, 8, 3);
  whole("skimage_kt_radial_nt1", mask_pattern::kt_radial, 8, 8, 1);
  same("skimage_kt_radial_big",
       mri::make_mask(options(mask_pattern::kt_radial, 8, 20, 4, 204, 246)));

  auto open_corners =
      zeros<std::uint8_t>(host_space{}, shape{index_t(3), index_t(31), index_t(32)});
  mri::add_spokes(open_corners, 4.8, 137.5, false);
  for (index_t f = 0; f < 3; ++f)
    for (index_t y = 11; y < 19; ++y)
      for (index_t x = 12; x < 20; ++x) open_corners(f, y, x) = 1;
  same("skimage_kt_radial_nocrop", open_corners);
  CHECK(frame_samples(open_corners) == std::vector<index_t>{866, 882, 869});

  const auto lines = [&](const char* name, mask_pattern p, double r, index_t nt, index_t ny,
                         std::uint64_t seed = 1) {
    INFO(name);
    CHECK(differing(values(make_line_mask(options(p, r, 20, nt, ny, 1, seed))),
                    ref.at(name).values) == 0);
  };
  lines("big_uniform_r8", mask_pattern::uniform, 8, 1, 246);
  lines("big_ktuniform_r8", mask_pattern::kt_uniform, 8, 12, 246);
  lines("big_ktgaussian_r8_seed10", mask_pattern::kt_gaussian, 8, 12, 246, 10);
  lines("big_ktgaussian_r16_seed123", mask_pattern::kt_gaussian, 16, 12, 204, 123);
  lines("big_ktgaussian_r24_seed999", mask_pattern::kt_gaussian, 24, 12, 162, 999);

  const auto bins = [&](const char* name, const std::vector<double>& w, std::uint64_t seed) {
    const auto& expected = ref.at(name).values;
    const auto found = mri::weighted_bins(w, seed, index_t(expected.size()));
    CHECK(std::vector<int>(found.begin(), found.end()) == expected);
  };
  bins("randp_weighted", {1, 2, 1}, 42);
  bins("randp_equal", {1, 1, 1, 1}, 7);

  // ktdup: the points (0, 0), (0, 0), (1, 0), (2, 1) about the centre of 6 lines and 4 frames.
  lines_t first = {0, 0, 1};
  for (auto& l : first) l += 3;
  mri::make_distinct(first, 6);
  CHECK(ref.at("ktdup_ti").values == std::vector<int>{0, 0, 0, 1});
  CHECK(ref.at("ktdup_ph").values ==
        std::vector<int>{int(first[0] - 3), int(first[1] - 3), int(first[2] - 3), 2});
}

TEST_CASE("mask: centred padding and cropping") {
  const auto& ref = reference();
  const auto counted = [](auto s) {
    auto t = make_tensor<int>(host_space{}, s);
    std::iota(t.data(), t.data() + t.size(), 1);
    return t;
  };
  const auto flat = counted(shape{index_t(6), index_t(4)});
  const auto even = mri::zero_pad(flat, shape{index_t(10), index_t(8)});
  const auto odd = mri::zero_pad(flat, shape{index_t(9), index_t(7)});
  CHECK(values(even) == ref.at("zpad_even").values);
  CHECK(values(odd) == ref.at("zpad_odd").values);
  CHECK(values(mri::centre_crop(even, shape_of(flat))) == ref.at("crop_even").values);
  CHECK(values(mri::centre_crop(odd, shape_of(flat))) == ref.at("crop_odd").values);
  const auto block = counted(shape{index_t(4), index_t(3), index_t(2)});
  const auto padded = mri::zero_pad(block, shape{index_t(8), index_t(6), index_t(4)});
  CHECK(values(padded) == ref.at("zpad_3d").values);
  CHECK(values(mri::centre_crop(padded, shape_of(block))) == ref.at("crop_3d").values);

  const auto same = mri::centre_crop(flat, shape_of(flat));
  CHECK(same.data() != flat.data());
  CHECK(values(same) == values(flat));
  const auto line = counted(shape{index_t(3)});  // a missing leading axis has the extent 1
  CHECK(values(mri::zero_pad(line, shape{index_t(3), index_t(5)})) ==
        std::vector<int>{0, 0, 0, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0, 0, 0});
  CHECK_THROWS_AS(mri::zero_pad(flat, shape{index_t(10), index_t(3)}), shape_error);
  CHECK_THROWS_AS(mri::centre_crop(flat, shape{index_t(2), index_t(5)}), shape_error);
  CHECK(mri::centre_start(256, 20) == 118);
  CHECK(mri::centre_start(255, 20) == 117);
  CHECK(mri::centre_start(31, 8) == 11);
}

TEST_CASE("mask: properties of every pattern") {
  for (int p = 0; p < 4; ++p)
    for (const index_t nt : {1, 7})
      for (const double r : {8.0, 16.0, 24.0}) {
        const auto m = mri::make_mask(options(mask_pattern(p), r, 8, nt, 31, 32, 3));
        CHECK(shape_of(m) == shape{nt, index_t(31), index_t(32)});
        bool binary = true, centre = true;
        for (std::size_t i = 0; i < m.size(); ++i) binary &= m.data()[i] <= 1;
        const bool square = mask_pattern(p) == mask_pattern::kt_radial;
        for (index_t f = 0; f < nt; ++f)
          for (index_t y = 11; y < 19; ++y)
            for (index_t x = square ? 12 : 0; x < (square ? 20 : 32); ++x)
              centre &= m(f, y, x) == 1;
        CHECK(binary);
        CHECK(centre);
        CHECK(mri::line_pattern(m).has_value() == !square);
        CHECK(mri::mask_pattern_of(mri::mask_pattern_names[std::size_t(p)]) == mask_pattern(p));
      }
  const auto o = options(mask_pattern::kt_gaussian, 8, 8, 3, 31, 4, 5);
  const auto lines = mri::line_pattern(mri::make_mask(o));
  REQUIRE(lines.has_value());
  CHECK(values(*lines) == values(make_line_mask(o)));
  // Exactly round(ny / R) distinct lines before the centre lines, denser at the centre.
  std::vector<index_t> use(204, 0);
  for (const auto seed : mri::frame_seeds(77, 400)) {
    const auto drawn = mri::gaussian_lines(204, 8, 0.2, seed);
    CHECK(std::set<index_t>(drawn.begin(), drawn.end()).size() == 26);
    for (const auto l : drawn) ++use[std::size_t(l)];
  }
  const auto part = [&](int first, int last) {
    return std::accumulate(use.begin() + first, use.begin() + last, index_t(0));
  };
  CHECK(part(92, 112) > part(62, 82));
  CHECK(part(62, 82) > part(20, 40));
  CHECK(mri::round_half_up(-0.5) == 0);
  CHECK(mri::round_half_up(-1.5) == -1);
  CHECK(mri::round_half_up(2.5) == 3);
}

TEST_CASE("mask: sampler and removal of repetitions") {
  CHECK(mri::weighted_bins({0, 0, 0}, 1, 4) == lines_t{0, 0, 0, 0});
  CHECK(mri::weighted_bins({3}, 1, 3) == lines_t{1, 1, 1});
  CHECK_THROWS_AS(mri::weighted_bins({1, -1}, 1, 3), value_error);
  CHECK(mri::weighted_bins({1, 1}, 1, 50) != mri::weighted_bins({1, 1}, 2, 50));
  std::vector<index_t> histogram(5, 0);
  for (const auto b : mri::weighted_bins({1, 1, 1, 1}, 9, 10000)) ++histogram.at(std::size_t(b));
  for (int b = 1; b <= 4; ++b) CHECK(std::abs(double(histogram[std::size_t(b)]) - 2500) < 500);
  lines_t lines = {4, 4, 4, 5, 5};
  mri::make_distinct(lines, 7);
  CHECK(lines == lines_t{4, 3, 2, 5, 6});
  lines_t distinct = {6, 0, 3};
  mri::make_distinct(distinct, 7);
  CHECK(distinct == lines_t{6, 0, 3});
  lines_t many = {0, 0, 0};
  CHECK_THROWS_AS(mri::make_distinct(many, 2), value_error);
}

TEST_CASE("mask: options that no mask can have") {
  const auto refused = [](const mask_options& o, const char* text) {
    CHECK_THROWS_WITH_AS(mri::make_mask(o), doctest::Contains(text), value_error);
  };
  refused(options(mask_pattern::uniform, 2.5, 8, 1, 31, 32), "integer");
  refused(options(mask_pattern::kt_uniform, 2.5, 8, 1, 31, 32), "integer");
  refused(options(mask_pattern::kt_gaussian, 0, 8, 1, 31, 32), "at least 1, found 0");
  refused(options(mask_pattern::kt_gaussian, std::nan(""), 8, 1, 31, 32), "at least 1");
  refused(options(mask_pattern::kt_radial, -3, 8, 1, 31, 32), "at least 1, found -3");
  refused(options(mask_pattern::kt_radial, 400, 8, 1, 31, 32), "no spoke");
  refused(options(mask_pattern::uniform, 4, 32, 1, 31, 32), "acs: expected 0 to 31");
  refused(options(mask_pattern::kt_radial, 4, 32, 1, 40, 31), "acs: expected 0 to 31");
  refused(options(mask_pattern::uniform, 4, -1, 1, 31, 32), "acs");
  refused(options(mask_pattern::uniform, 4, 8, 0, 31, 32), "positive extents");
  refused(options(mask_pattern::uniform, 4, 8, 1 << 19, 1 << 19, 1 << 19), "2^36");
  refused(options(mask_pattern::kt_gaussian, 100, 0, 1, 31, 32), "empty");
  refused(options(mask_pattern::kt_gaussian, 4, 8, 1, 31, 32, std::uint64_t(1) << 32), "2^32");
  CHECK_THROWS_AS(mri::mask_pattern_of("spiral"), value_error);
  CHECK_THROWS_AS(mri::radial_beams(200), value_error);
}

TEST_CASE("mask: sampling of real files") {
  // ktGaussian, R = 8, seed 744 in the 10-coil slice of CMRxRecon2025.
  SHARED_OR_SKIP(file, "data/cmrxrecon2025_slice_10ch/line_index.npy");
  std::ifstream in(file, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const std::size_t n = 32;
  REQUIRE(bytes.size() > n * 4);
  lines_t real;
  for (std::size_t i = 0; i < n; ++i) {
    std::int32_t line = 0;
    std::memcpy(&line, bytes.data() + bytes.size() - 4 * n + 4 * i, 4);
    real.push_back(line);
  }
  CHECK(lines_of(make_line_mask(options(mask_pattern::kt_gaussian, 8, 20, 1, 162, 1, 744)), 0) ==
        real);
  // Uniform, R = 8, 16 centre lines 115..130 for the 246 lines of the CMRxRecon2024 frame.
  lines_t every8;
  for (index_t l = 0; l < 246; l += 8) every8.push_back(l);
  CHECK(lines_of(make_line_mask(options(mask_pattern::uniform, 8, 16, 1, 246, 512)), 0) ==
        joined(every8, range(115, 130)));
}
