// SPDX-License-Identifier: Apache-2.0
/// \file
/// Scores of masks against MedPy, distances against SciPy, the ellipsoids of golden.json.

#include "cardiomm/analysis/surface_distance.hpp"
#include "cardiomm/analysis/overlap.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>

#include "support/shared.hpp"

using cardiomm::host_space;
using cardiomm::host_tensor;
using cardiomm::index_t;
using cardiomm::shape;
namespace analysis = cardiomm::analysis;
using nlohmann::json;

namespace {

json reference_values() { return json::parse(std::ifstream(own_path("scores/segmentation.json"))); }

template <int R>
host_tensor<std::uint8_t, R> unpack(const std::string& hex, const shape<R>& s) {
  auto m = cardiomm::make_tensor<std::uint8_t>(host_space{}, s);
  for (std::size_t i = 0; i < m.size(); ++i) {
    const char c = hex[i / 4];
    const int digit = c <= '9' ? c - '0' : c - 'a' + 10;
    m.data()[i] = std::uint8_t(digit >> (3 - i % 4) & 1);
  }
  return m;
}

template <int R>
void check_case(const json& c) {
  shape<R> s{};
  std::array<double, R> spacing{};
  for (int i = 0; i < R; ++i) {
    s[i] = c["shape"][std::size_t(i)].get<index_t>();
    spacing[std::size_t(i)] = c["spacing"][std::size_t(i)].get<double>();
  }
  const auto a = unpack(c["a"].get<std::string>(), s), b = unpack(c["b"].get<std::string>(), s);
  const auto o = analysis::compare_masks(a, b);
  const auto near = [&](const char* what, double value) {
    CAPTURE(what);
    if (c[what].is_null())
      CHECK(std::isnan(value));
    else
      CHECK(std::abs(value - c[what].get<double>()) <=
            1e-12 * std::max(1.0, std::abs(c[what].get<double>())));
  };
  near("dc", o.dice());
  near("jc", o.jaccard());
  near("sensitivity", o.sensitivity());
  near("specificity", o.specificity());
  near("precision", o.precision());
  near("ravd", o.relative_volume_difference());
  const auto d = analysis::compare_surfaces(a, b, spacing);
  near("hd", d.hausdorff());
  near("hd95", d.hausdorff(95));
  near("asd", d.mean_to_reference());
  near("back", d.mean_to_segmentation());
  near("assd", d.mean_symmetric());
  CHECK(d.hausdorff(100) == d.hausdorff());
  CHECK(d.surface_dice(d.hausdorff()) == 1);
  const auto turned = analysis::compare_surfaces(b, a, spacing);
  CHECK(turned.to_reference == d.to_segmentation);
  CHECK(analysis::compare_surfaces(a, a, spacing).hausdorff() == 0);
}

/// The ellipsoids of the specification, (x, y, z) with the spacing 2, 2, 8.
host_tensor<std::uint8_t, 3> ellipsoid(shape<3> s, std::array<double, 3> c,
                                       std::array<double, 3> r) {
  auto m = cardiomm::make_tensor<std::uint8_t>(host_space{}, s);
  for (index_t i = 0; i < s[0]; ++i)
    for (index_t j = 0; j < s[1]; ++j)
      for (index_t k = 0; k < s[2]; ++k) {
        const double x = (double(i) - c[0]) / r[0], y = (double(j) - c[1]) / r[1],
                     z = (double(k) - c[2]) / r[2];
        m(i, j, k) = x * x + y * y + z * z <= 1;
      }
  return m;
}

}  // namespace

TEST_CASE("masks of all kinds score as MedPy scores them") {
  const json all = reference_values();
  CHECK(all["cases"].size() >= 12);
  for (const json& c : all["cases"]) {
    CAPTURE(c["name"].get<std::string>());
    switch (c["shape"].size()) {
      case 2:
        check_case<2>(c);
        break;
      case 3:
        check_case<3>(c);
        break;
      default:
        check_case<4>(c);
    }
  }
}

TEST_CASE("the distance transform is SciPy's") {
  const json e = reference_values()["edt"];
  const auto mask = unpack(e["mask"].get<std::string>(), shape<3>{{3, 6, 5}});
  const auto d = analysis::distance_to(mask, {4.0, 1.2, 0.8});
  for (std::size_t i = 0; i < d.size(); ++i)
    CHECK(d.data()[i] == doctest::Approx(e["distance"][i].get<double>()).epsilon(1e-14));
  const auto none = cardiomm::zeros<std::uint8_t>(host_space{}, shape<2>{{3, 4}});
  CHECK(std::isinf(analysis::distance_to(none, {1.0, 1.0})(2, 3)));
}

TEST_CASE("distances are exact: brute force on masks in large grids") {
  std::uint64_t state = 7;
  const auto draw = [&] {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return double(state >> 11) / 9007199254740992.0;
  };
  const shape<3> s{{7, 31, 43}};
  const std::array<double, 3> h{9.3, 0.37, 1.91};
  auto m = cardiomm::make_tensor<std::uint8_t>(host_space{}, s);
  for (std::size_t i = 0; i < m.size(); ++i) m.data()[i] = draw() < 0.002;
  m(3, 15, 20) = 1;
  const auto d = analysis::distance_to(m, h);
  double worst = 0;
  for (index_t z = 0; z < s[0]; ++z)
    for (index_t y = 0; y < s[1]; ++y)
      for (index_t x = 0; x < s[2]; ++x) {
        double least = 1e300;
        for (index_t c = 0; c < s[0]; ++c)
          for (index_t b = 0; b < s[1]; ++b)
            for (index_t a = 0; a < s[2]; ++a)
              if (m(c, b, a))
                least = std::min(least, std::sqrt(std::pow(h[0] * double(z - c), 2) +
                                                  std::pow(h[1] * double(y - b), 2) +
                                                  std::pow(h[2] * double(x - a), 2)));
        worst = std::max(worst, std::abs(least - d(z, y, x)));
      }
  CHECK(worst < 1e-12);
}

TEST_CASE("the ellipsoids of the specification") {
  const shape<3> s{{48, 40, 10}};
  const auto a = ellipsoid(s, {22, 20, 4.5}, {12, 10, 4});
  const auto b = ellipsoid(s, {24, 19, 5}, {11, 11, 3.5});
  const auto o = analysis::compare_masks(b, a);
  CHECK(o.reference() == 2036);
  CHECK(o.segmented() == 1783);
  CHECK(o.both == 1540);
  CHECK(o.dice() == doctest::Approx(0.8064938465566902).epsilon(1e-14));
  const auto d = analysis::compare_surfaces(b, a, {2, 2, 8});
  CHECK(d.hausdorff(95) == doctest::Approx(8.0).epsilon(1e-12));
  CHECK(d.hausdorff() == doctest::Approx(10.0).epsilon(1e-12));
  CHECK(d.mean_symmetric() == doctest::Approx(2.657084470684367).epsilon(1e-12));
}

TEST_CASE("labels are compared one by one; empty masks are named") {
  host_tensor<int, 2> labels("labels", 4, 5), other("other", 4, 5);
  labels(1, 1) = labels(1, 2) = 2;
  labels(3, 3) = 7;
  other(1, 2) = 2;
  const auto two = analysis::mask_of_label(labels, 2), none = analysis::mask_of_label(labels, 3);
  const auto o = analysis::compare_masks(analysis::mask_of_label(other, 2), two);
  CHECK(o.both == 1);
  CHECK(o.only_reference == 1);
  CHECK(o.neither == 18);
  CHECK(analysis::compare_masks(none, two).dice() == 0);
  CHECK(std::isnan(analysis::compare_masks(none, none).dice()));
  CHECK_THROWS_WITH(analysis::compare_surfaces(none, two, {1, 1}),
                    "surface distance: expected a segmentation with voxels, found none");
  CHECK_THROWS_WITH(analysis::compare_surfaces(two, none, {1, 1}),
                    "surface distance: expected a reference with voxels, found none");
  CHECK_THROWS_AS(analysis::compare_surfaces(two, two, {0, 1}), cardiomm::value_error);
  const auto larger = cardiomm::zeros<int>(host_space{}, shape<2>{{4, 6}});
  CHECK_THROWS_AS(analysis::compare_masks(larger, labels), cardiomm::shape_error);
  CHECK_THROWS_AS(analysis::compare_surfaces(larger, labels, {1, 1}), cardiomm::shape_error);
}

TEST_CASE("a heart of 256x256x12 takes milliseconds") {
  const shape<3> s{{12, 256, 256}};
  const auto a = ellipsoid(s, {5.5, 128, 120}, {5, 38, 36});
  const auto b = ellipsoid(s, {5.5, 130, 121}, {5, 36, 38});
  double best = 1e9;
  for (int round = 0; round < 3; ++round) {
    const auto start = std::chrono::steady_clock::now();
    const auto d = analysis::compare_surfaces(a, b, {8, 1.4, 1.4});
    const std::chrono::duration<double> t = std::chrono::steady_clock::now() - start;
    best = std::min(best, t.count());
    CHECK(d.hausdorff() > 1);
  }
  MESSAGE("milliseconds: ", 1e3 * best);
  CHECK(best < 2);  // some hundred times what it takes: only a wrong order of growth is caught
}
