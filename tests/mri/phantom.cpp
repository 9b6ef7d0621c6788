// SPDX-License-Identifier: Apache-2.0
/// \file
/// Geometry of the beating heart: nothing overlaps, volumes and ejection fractions are known.
#include "cardiomm/mri/phantom.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

using namespace cardiomm;

TEST_CASE("phantom: ellipses are nested or apart, so intensities add up to tissues") {
  // An ellipse that stuck out of its parent would make an intensity that no tissue has.
  const double tissues[] = {0,   .05, .33, .38, .40, .42, .50, .60,
                            .70, .85, .90, .94, .95, .96, .97, 1.0};
  std::set<int> seen;
  for (double z = -110; z <= 110; z += 11)
    for (const double contraction : {0.0, 0.3, 0.7, 1.0}) {
      auto all = mri::resting_ellipses(z);
      const auto beating = mri::beating_ellipses(z, contraction);
      all.insert(all.end(), beating.begin(), beating.end());
      int strange = 0;
      for (double y = -120; y <= 120; y += 1.7)
        for (double x = -165; x <= 165; x += 1.9) {
          double sum = 0;
          for (const auto& e : all) sum += e.contains(x, y) ? e.value : 0;
          const auto t = std::find_if(std::begin(tissues), std::end(tissues),
                                      [&](double v) { return std::abs(v - sum) < 1e-9; });
          if (t == std::end(tissues))
            ++strange;
          else
            seen.insert(int(t - tissues));
        }
      INFO("z = ", z, ", contraction ", contraction);
      CHECK(strange == 0);
    }
  CHECK(seen.size() == std::size(tissues));
}

TEST_CASE("phantom: contraction over a cycle") {
  CHECK(mri::contraction_at(0) == doctest::Approx(0));
  CHECK(mri::contraction_at(0.37) == doctest::Approx(1));
  CHECK(mri::contraction_at(1.37) == doctest::Approx(1));
  CHECK(mri::contraction_at(0.75) == doctest::Approx(0.22));
  double largest = 0, step = 0, before = mri::contraction_at(-1e-3);
  for (int i = 0; i < 1000; ++i) {
    const double s = mri::contraction_at(i * 1e-3);
    largest = std::max(largest, s);
    step = std::max(step, std::abs(s - before));
    CHECK(s >= 0);
    before = s;
  }
  CHECK(largest <= 1);
  CHECK(step < 0.01);  // continuous, also across the end of the cycle
}

TEST_CASE("phantom: volumes are those of half ellipsoids and EF is the same in every section") {
  double lv = 0, rv = 0;
  const double h = 0.05;
  for (double z = -45 + h / 2; z < 60; z += h) {
    const auto ed = mri::section_of_heart(z, 0), es = mri::section_of_heart(z, 1);
    lv += ed.lv_area() * h / 1000;
    rv += ed.rv_area() * h / 1000;
    if (ed.lv_radius > 0) CHECK(1 - es.lv_area() / ed.lv_area() == doctest::Approx(0.60));
    if (ed.rv_minor > 0) CHECK(1 - es.rv_area() / ed.rv_area() == doctest::Approx(0.52));
    for (const double c : {0.25, 0.5, 1.0})
      CHECK(std::abs(mri::section_of_heart(z, c).myocardium_area() - ed.myocardium_area()) < 1e-9);
    CHECK(es.epi_radius - es.lv_radius >= ed.epi_radius - ed.lv_radius - 1e-12);  // it thickens
  }
  // 2/3 pi r^2 L with the radius at the base: r^2 = 23^2 / (1 - (45/95)^2).
  const double pi = 3.14159265358979;
  const double base2 = 529 / (1 - 45.0 * 45 / (95 * 95));
  CHECK(lv == doctest::Approx(2.0 / 3 * pi * base2 * 95 / 1000).epsilon(1e-4));
  CHECK(lv > 100);
  CHECK(lv < 200);
  CHECK(rv > 100);
  CHECK(mri::section_of_heart(-46, 0).epi_radius == 0);
  CHECK(mri::section_of_heart(70, 0).epi_radius == 0);
  CHECK(mri::section_of_heart(55, 0).lv_radius == 0);  // the apex is a cap of muscle
  CHECK(mri::section_of_heart(55, 0).epi_radius > 0);
}
