// SPDX-License-Identifier: Apache-2.0
/// \file
/// Wall thickness of drawn hearts and of a real one, equal to a reimplementation with OpenCV and
/// SciPy (tests/data/phenotypes.json, written by make_phenotypes.py); of circles in closed form.

#include "cardiomm/analysis/wall.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "cardiomm/io/nifti.hpp"
#include "support/shared.hpp"

using namespace cardiomm;
using analysis::label_names;
using analysis::measure_wall;
using analysis::wall_options;

namespace {

using volume = host_tensor<std::uint8_t, 3>;
const label_names names{1, 2, 3};

nlohmann::json reference() {
  return nlohmann::json::parse(std::ifstream(own_path("phenotypes.json")));
}
analysis::affine_matrix affine_of(const nlohmann::json& j) {
  analysis::affine_matrix a{};
  for (std::size_t i = 0; i < 16; ++i) a[i] = j[i / 4][i % 4];
  return a;
}
analysis::affine_matrix diagonal(double x, double y, double z) {
  return {x, 0, 0, 0, 0, y, 0, 0, 0, 0, z, 0, 0, 0, 0, 1};
}

/// The circles of make_phenotypes.py.
volume heart(const nlohmann::json& p) {
  const index_t nx = p["size"][0], ny = p["size"][1], nz = p["size"][2];
  auto v = make_tensor<std::uint8_t>(host_space{}, shape<3>{{nz, ny, nx}});
  for (index_t z = 0; z < nz; ++z) {
    const double grown = p["growth"].get<double>() * double(z);
    const double cx = p["centre"][0].get<double>() + p["drift"].get<double>() * double(z);
    const double cy = p["centre"][1], ex = cx + p["offset"].get<double>();
    const double rx = cx + p["rv"][0].get<double>(), ry = cy + p["rv"][1].get<double>();
    for (index_t y = 0; y < ny; ++y)
      for (index_t x = 0; x < nx; ++x) {
        const auto inside = [&](double px, double py, double r) {
          return (double(x) - px) * (double(x) - px) + (double(y) - py) * (double(y) - py) <= r * r;
        };
        std::uint8_t& label = v(z, y, x);
        label = inside(rx, ry, p["rv"][2]) ? 3 : 0;
        if (inside(cx, cy, p["outer"].get<double>() + grown)) label = 2;
        if (inside(ex, cy, p["inner"].get<double>() + grown)) label = 1;
      }
    for (const auto& q : p["holes"])
      for (index_t x = 0; q[2] == z && x < q[3]; ++x)
        for (index_t y = 0; y < q[4]; ++y)
          v(z, q[1].get<index_t>() + y, q[0].get<index_t>() + x) = q[5].get<std::uint8_t>();
  }
  return v;
}

void compare(const analysis::wall_thickness& w, const nlohmann::json& expected) {
  REQUIRE_MESSAGE(w.reason.empty(), w.reason);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(std::abs(w.frame.lv_to_septum[i] - expected["septal"][i].get<double>()) < 1e-9);
  for (std::size_t k = 0; k < 17; ++k) {
    CAPTURE(k);
    CHECK(w.points_in[k] == expected["points"][k].get<index_t>());
    CHECK(w.mean[k] == doctest::Approx(expected["mean"][k].get<double>()).epsilon(1e-6));
    CHECK(w.maximum[k] == doctest::Approx(expected["maximum"][k].get<double>()).epsilon(1e-6));
  }
}

}  // namespace

TEST_CASE("thickness and segments equal the reimplementation with OpenCV and SciPy") {
  for (const auto& c : reference()["walls"]) {
    const std::string name = c["name"];
    CAPTURE(name);
    const auto v = heart(c["heart"]);
    const auto a = affine_of(c["affine"]);
    compare(measure_wall(v, names, a), c["angular"]);
    wall_options released;
    released.middle = analysis::septum_middle::listed;
    compare(measure_wall(v, names, a, released), c["listed"]);
  }
}

TEST_CASE("a real heart: M&Ms A1D9Z7 at end diastole") {
  SHARED_OR_SKIP(path, "data/mnms_labels_A1D9Z7/ED_label.nii.gz");
  const auto image = io::open_nifti(path);
  const auto v = image.values.tensor<std::uint8_t, 3>();
  const auto expected = reference()["mnms"];
  compare(measure_wall(v, names, image.affine), expected["angular"]);
  wall_options released;
  released.middle = analysis::septum_middle::listed;
  compare(measure_wall(v, names, image.affine, released), expected["listed"]);
}

TEST_CASE("circles: the thickness is the difference of the radii") {
  const auto cases = reference()["walls"];
  // radii 8 and 14 pixels of 1.5 mm: 9 mm; contours run through pixel centres, so each segment is
  // within a third of a pixel
  const auto even = measure_wall(heart(cases[0]["heart"]), names, diagonal(1.5, 1.5, 8));
  for (std::size_t k = 0; k < 17; ++k) CHECK(std::abs(even.mean[k] - 9) < 0.5);
  CHECK(std::abs(even.mean[0] - 9) < 0.05);
  CHECK(even.maximum[0] < 9.75);
  // the inner circle 3 pixels off: from (6 - 3) to (6 + 3) pixels of 1.25 mm
  const auto apart = measure_wall(heart(cases[1]["heart"]), names, diagonal(1.25, 1.25, 8));
  double least = 1e9;
  for (const auto& p : apart.points) least = std::min(least, p.thickness);
  CHECK(std::abs(least - 3.75) < 0.5);
  CHECK(std::abs(apart.maximum[0] - 11.25) < 0.5);
  // the right ventricle lies at small x: so does the septum, where the wall is thick
  CHECK(apart.frame.lv_to_septum[0] < -0.9);
  CHECK(apart.mean[14] > apart.mean[16] + 4);
}

TEST_CASE("the base is the upper end, unless it is said to be the lower one") {
  auto p = reference()["walls"][0]["heart"];
  p["growth"] = 0.5;  // larger upwards
  p["rv"] = {-22.0, 2.0, 14.0};
  const auto v = heart(p);
  const auto up = measure_wall(v, names, diagonal(1, 1, 8));
  const auto down = measure_wall(v, names, diagonal(1, 1, -8));
  REQUIRE(up.reason.empty());
  REQUIRE(down.reason.empty());
  const auto slice_of = [](const analysis::wall_thickness& w, int first, int last) {
    for (const auto& q : w.points)
      if (q.segment >= first && q.segment <= last) return q.slice;
    return index_t(-1);
  };
  CHECK(slice_of(up, 1, 6) == 8);
  CHECK(slice_of(down, 1, 6) == 0);
  wall_options o;
  o.base_first = true;
  CHECK(slice_of(measure_wall(v, names, diagonal(1, 1, 8), o), 1, 6) == 0);
}

TEST_CASE("what fails the quality control says why") {
  const auto p = reference()["walls"][0]["heart"];
  const auto a = diagonal(1, 1, 8);
  const auto reason = [&](const volume& v, const label_names& n = names) {
    const auto w = measure_wall(v, n, a);
    CHECK(std::isnan(w.mean[0]));
    CHECK(w.points.empty());
    return w.reason;
  };
  CHECK(reason(heart(p), {1, 2, 0}) == "no label is named rv");
  CHECK(reason(heart(p), {1, 2, 9}) == "label 9 (rv) has 0 voxels, fewer than 10");
  auto few = p;
  few["size"][2] = 5;
  CHECK(reason(heart(few)) == "5 slices have both cavity and myocardium, fewer than 6");
  auto torn = heart(p);
  for (index_t i = 0; i < 64 * 72; ++i) torn.data()[4 * 64 * 72 + i] = 0;
  CHECK(reason(torn) == "the slices with cavity and myocardium are not contiguous");
  auto bare = heart(p);
  for (index_t i = 0; i < 64 * 72; ++i)
    if (bare.data()[4 * 64 * 72 + i] == 3) bare.data()[4 * 64 * 72 + i] = 0;
  CHECK(reason(bare) == "the mid slice 4 has 0 pixels of the right ventricle, fewer than 10");
}
