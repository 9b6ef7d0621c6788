// SPDX-License-Identifier: Apache-2.0
/// \file
/// Volumes and ejection fractions: of the phantom, whose volumes are known in closed form; of real
/// hearts, as their descriptions say.

#include "cardiomm/analysis/ventricles.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "cardiomm/io/nifti.hpp"
#include "cardiomm/io/npy.hpp"
#include "cardiomm/mri/phantom.hpp"
#include "support/shared.hpp"

using namespace cardiomm;
using analysis::count_labels;
using analysis::label_names;
using analysis::phenotypes_of;
using analysis::ventricles;

namespace {

double value(const std::vector<analysis::phenotype>& all, const std::string& name) {
  for (const auto& p : all)
    if (p.name == name && p.value) return *p.value;
  FAIL(name);
  return 0;
}
std::string reason(const std::vector<analysis::phenotype>& all, const std::string& name) {
  for (const auto& p : all)
    if (p.name == name) return p.value ? "a value" : p.reason;
  return "not there";
}

}  // namespace

TEST_CASE("the phantom's volumes are recovered within the limit of the voxels") {
  // Slices of 2 mm from base to apex; the exact volume of such a stack is the sum of its sections'
  // areas. Pixels are counted by their centres, so the error of a section is that of a circle's
  // raster, at most half a pixel along its border and far less in the sum.
  const label_names names{mri::label_lv, mri::label_myocardium, mri::label_rv};
  double worst_before = 1e9;
  for (const double pixel : {4.0, 2.0, 1.0, 0.5}) {
    const auto n = static_cast<index_t>(160 / pixel);
    double exact[2][3] = {}, border[2][3] = {};
    analysis::label_counts counts[2];
    std::vector<std::uint8_t> plane(static_cast<std::size_t>(n * n));
    for (int state = 0; state < 2; ++state)
      for (double z = -44; z < 62; z += 2) {
        const auto s = mri::section_of_heart(z, state);
        mri::draw_labels(mri::beating_ellipses(z, state), {n, n, pixel, pixel, z}, plane.data());
        const auto c = count_labels(plane.data(), n * n, names);
        counts[state].lv += c.lv;
        counts[state].myo += c.myo;
        counts[state].rv += c.rv;
        exact[state][0] += 2e-3 * s.lv_area();
        exact[state][1] += 2e-3 * s.myocardium_area();
        exact[state][2] += 2e-3 * s.rv_area();
        const double turn = 2 * mri::heart_section::pi * 2e-3 * pixel / 2;
        border[state][0] += turn * s.lv_radius;
        border[state][1] += turn * (s.lv_radius + s.epi_radius);
        border[state][2] += turn * s.rv_major;
      }
    const auto all = phenotypes_of({counts[0], counts[1], names, 2e-3 * pixel * pixel, {}, {}});
    const struct {
      const char* name;
      double exact, border;
    } volumes[] = {{"LVEDV", exact[0][0], border[0][0]},
                   {"LVESV", exact[1][0], border[1][0]},
                   {"RVEDV", exact[0][2], border[0][2]},
                   {"RVESV", exact[1][2], border[1][2]},
                   {"LVM", 1.05 * exact[0][1], 1.05 * border[0][1]},
                   {"LVM_ES", 1.05 * exact[1][1], 1.05 * border[1][1]}};
    double worst = 0;
    for (const auto& v : volumes) {
      const double error = std::abs(value(all, v.name) - v.exact);
      CAPTURE(v.name);
      CHECK(error < 0.1 * v.border);  // half a pixel all along the border would be 1
      worst = std::max(worst, error / v.exact);
    }
    MESSAGE("pixels of ", pixel, " mm: largest relative error ", worst, ", LVEF ",
            value(all, "LVEF"), ", RVEF ", value(all, "RVEF"));
    CHECK(worst < 0.012 * pixel);
    CHECK(std::abs(value(all, "LVEF") - 60) < 0.8 * pixel);
    CHECK(std::abs(value(all, "RVEF") - 52) < 0.8 * pixel);
    if (pixel < 4) CHECK(worst < worst_before);
    worst_before = worst;
  }
}

TEST_CASE("Sunnybrook SCD0003701: the volumes of its description") {
  SHARED_OR_SKIP(folder, "data/sunnybrook_scd0003701");
  const auto masks = io::read_npy<std::uint8_t, 4>(folder + "/endo_masks.npy");
  const auto meta = nlohmann::json::parse(std::ifstream(folder + "/meta.json"));
  const double dy = meta[0]["pixel_mm"][0], dx = meta[0]["pixel_mm"][1], dz = meta[0]["spacing_mm"];
  const auto s = shape_of(masks);  // (pair, ED or ES, row, column)
  ventricles v;
  v.names.lv = 1;
  v.voxel_ml = dz * dy * dx * 1e-3;
  for (index_t i = 0; i < s[0]; ++i) {
    v.ed.lv += count_labels(&masks(i, 0, 0, 0), s[2] * s[3], v.names).lv;
    v.es.lv += count_labels(&masks(i, 1, 0, 0), s[2] * s[3], v.names).lv;
  }
  const auto all = phenotypes_of(v);
  CHECK(std::abs(value(all, "LVEDV") - 78.328) < 5e-4);
  CHECK(std::abs(value(all, "LVESV") - 32.016) < 5e-4);
  CHECK(std::abs(value(all, "LVEF") - 59.126) < 5e-4);
  CHECK(reason(all, "LVM") == "no label is named myo");
  CHECK(reason(all, "RVEDV") == "no label is named rv");
}

TEST_CASE("M&Ms A1D9Z7: counts and ejection fractions of its description") {
  SHARED_OR_SKIP(folder, "data/mnms_labels_A1D9Z7");
  ventricles v;
  v.names = {1, 2, 3};
  v.voxel_ml = 1e-3;
  const auto counts = [&](const char* name) {
    const auto labels = io::open_nifti(folder + name).values.tensor<std::uint8_t, 3>();
    return count_labels(labels.data(), static_cast<index_t>(labels.size()), v.names);
  };
  v.ed = counts("/ED_label.nii.gz");
  v.es = counts("/ES_label.nii.gz");
  CHECK(v.ed.lv == 12176);
  CHECK(v.ed.myo == 17557);
  CHECK(v.ed.rv == 12658);
  CHECK(v.es.lv == 7921);
  CHECK(v.es.myo == 16689);
  CHECK(v.es.rv == 8959);
  const auto all = phenotypes_of(v);
  CHECK(std::abs(value(all, "LVEF") - 34.95) < 0.005);
  CHECK(std::abs(value(all, "RVEF") - 29.22) < 0.005);
}

TEST_CASE("formulas by hand, and reasons where there is no value") {
  ventricles v;
  v.names = {3, 2, 1};
  v.ed = {1200, 1000, 1500};
  v.es = {480, 1010, 750};
  v.voxel_ml = 0.1;
  v.heart_rate = analysis::heart_rate(25, 0.04);
  const auto all = phenotypes_of(v);
  CHECK(value(all, "HR") == doctest::Approx(60));
  CHECK(value(all, "LVEDV") == doctest::Approx(120));
  CHECK(value(all, "LVESV") == doctest::Approx(48));
  CHECK(value(all, "LVSV") == doctest::Approx(72));
  CHECK(value(all, "LVEF") == doctest::Approx(60));
  CHECK(value(all, "LVCO") == doctest::Approx(4.32));
  CHECK(value(all, "LVM") == doctest::Approx(105));
  CHECK(value(all, "RVEDV") == doctest::Approx(150));
  CHECK(value(all, "RVESV") == doctest::Approx(75));
  CHECK(value(all, "RVSV") == doctest::Approx(75));
  CHECK(value(all, "RVEF") == doctest::Approx(50));
  CHECK(value(all, "RVCO") == doctest::Approx(4.5));
  CHECK(value(all, "LVM_ES") == doctest::Approx(106.05));
  CHECK(value(all, "LVSV-RVSV") == doctest::Approx(-3));
  const char* order[] = {"LVEDV", "LVESV", "LVSV",  "LVEF", "LVCO",
                         "LVM",   "RVEDV", "RVESV", "RVSV", "RVEF"};
  for (std::size_t i = 0; i < analysis::tabulated_phenotypes; ++i) CHECK(all[i].name == order[i]);
  CHECK(analysis::doubts_about(all).empty());
  v.heart_rate.reset();
  v.no_heart_rate = "two frames only";
  CHECK(reason(phenotypes_of(v), "LVCO") == "two frames only");
  std::swap(v.ed, v.es);
  CHECK(analysis::doubts_about(phenotypes_of(v)).size() == 2);
  v.ed.rv = v.es.rv = 0;
  CHECK(reason(phenotypes_of(v), "RVEF") == "label 1 (rv) has no voxel");
  v.ed.lv = 0;
  CHECK(reason(phenotypes_of(v), "LVEF") == "the volume at ED is 0");
}

TEST_CASE("end diastole and end systole: the first of equals") {
  const auto frames = [](const std::vector<int>& lv) {
    std::vector<analysis::label_counts> counts;
    for (const int n : lv) counts.push_back({n, 0, 0});
    return analysis::find_frames(counts);
  };
  CHECK(frames({5, 9, 9, 2, 2, 7}).ed == 1);
  CHECK(frames({5, 9, 9, 2, 2, 7}).es == 3);
  CHECK(frames({4}).es == 0);
  CHECK_THROWS_AS(frames({0, 0}), value_error);
  CHECK_THROWS_AS(frames({}), value_error);
  auto cine = make_tensor<std::uint8_t>(host_space{}, shape<4>{{2, 1, 2, 3}});
  for (index_t i = 0; i < 12; ++i) cine.data()[i] = static_cast<std::uint8_t>(i % 4);
  const auto counts = analysis::count_frames(cine, {3, 1, 2});
  CHECK(counts[0].lv == 1);
  CHECK(counts[1].lv == 2);
  CHECK(counts[1].myo == 1);
}
