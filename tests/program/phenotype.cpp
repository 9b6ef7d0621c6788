// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm phenotype`: numbers of files with known truth, tables of folders, bad input.

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>

#include "cardiomm/io/csv.hpp"
#include "cardiomm/io/nifti.hpp"
#include "cardiomm/io/npy.hpp"
#include "cardiomm/mri/phantom.hpp"
#include "program/run.hpp"

namespace io = cardiomm::io;
namespace mri = cardiomm::mri;
using cardiomm::index_t;
using cardiomm_tests::slurp;
using cardiomm_tests::spit;
using cardiomm_tests::workplace;
using labels = std::vector<std::uint8_t>;

namespace {

constexpr index_t nz = 10, n = 80;
constexpr double pixel = 2, thick = 10;

/// The phantom's labels at a contraction, base last as the wall thickness expects it.
labels volume(double contraction) {
  labels v(static_cast<std::size_t>(nz * n * n));
  for (index_t k = 0; k < nz; ++k) {
    const double z = -40 + thick * double(nz - 1 - k);
    mri::draw_labels(mri::beating_ellipses(z, contraction), {n, n, pixel, pixel, z},
                     v.data() + k * n * n);
  }
  return v;
}
double exact(double contraction, bool left) {
  double ml = 0;
  for (index_t k = 0; k < nz; ++k) {
    const auto s = mri::section_of_heart(-40 + thick * double(k), contraction);
    ml += (left ? s.lv_area() : s.rv_area()) * thick * 1e-3;
  }
  return ml;
}

io::array array_of(const labels& v, const io::extents& shape) {
  io::array a;
  a.type = io::dtype::u8;
  a.shape = shape;
  a.bytes.resize(v.size());
  std::memcpy(a.bytes.data(), v.data(), v.size());
  return a;
}
void put_nifti(const std::string& path, const labels& v, const io::extents& shape, double dt = 0) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  io::write_nifti(path, array_of(v, shape), io::nifti_geometry::voxels(pixel, pixel, thick, dt));
}
/// A cycle of 8 frames: ED is 6, ES is 2.
const double cycle[] = {0.2, 0.6, 1, 0.9, 0.5, 0.2, 0, 0.1};
labels cine() {
  labels all;
  for (const double c : cycle) {
    const labels v = volume(c);
    all.insert(all.end(), v.begin(), v.end());
  }
  return all;
}
const std::string order = " --labels lv=1,myo=2,rv=3 ";

}  // namespace

TEST_CASE("a cine: frames, volumes of the phantom, heart rate, curve") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  put_nifti(w / "cine.nii.gz", cine(), {8, nz, n, n}, 0.1);
  const auto j =
      w.json("phenotype --cine cine.nii.gz --csv all.csv --report r.html --bullseye b.svg" + order);
  CHECK(j["ed"] == 6);
  CHECK(j["es"] == 2);
  // a raster of 2 mm: below 1 % of the volumes
  const auto near = [&](const std::string& name, double truth, double part) {
    CAPTURE(name);
    CHECK(j[name].get<double>() == doctest::Approx(truth).epsilon(part));
  };
  near("LVEDV", exact(0, true), 0.01);
  near("LVESV", exact(1, true), 0.02);
  near("RVEDV", exact(0, false), 0.01);
  near("RVESV", exact(1, false), 0.02);
  near("LVEF", 60, 0.02);
  near("RVEF", 52, 0.02);
  near("HR", 75, 1e-6);
  near("LVCO", j["LVSV"].get<double>() * 0.075, 1e-6);
  CHECK(j["units"]["LVCO"] == "L/min");
  CHECK(j["curve"]["lv_ml"].size() == 8);
  CHECK(j["curve"]["time_s"][7].get<double>() == doctest::Approx(0.7));
  // the wall of the phantom at ED, from its radii
  double thickness = 0, weight = 0;
  for (index_t k = 0; k < nz; ++k) {
    const auto s = mri::section_of_heart(-40 + thick * double(k), 0);
    if (s.lv_radius <= 0) continue;
    thickness += s.lv_radius * (s.epi_radius - s.lv_radius);
    weight += s.lv_radius;
  }
  CHECK(std::abs(j["WT_Global"].get<double>() - thickness / weight) < 0.5);
  CHECK(j["wall_thickness"]["mean"].size() == 16);
  CHECK(j["doubts"].empty());
  // files
  const auto t = io::read_csv(w / "all.csv");
  REQUIRE(t.rows.size() == 1);
  CHECK(t.number(0, "LVEF (%)") == doctest::Approx(j["LVEF"].get<double>()));
  CHECK(t.number(0, "WT_AHA_16 (mm)") ==
        doctest::Approx(j["wall_thickness"]["mean"][15].get<double>()));
  CHECK(slurp(w / "b.svg").rfind("<svg", 0) == 0);
  const std::string page = slurp(w / "r.html");
  CHECK(page.find("LVEDV") != std::string::npos);
  CHECK(page.find("cm-bullseye") != std::string::npos);
  CHECK(page.find("cm-chart") != std::string::npos);
  const auto o = w.run("phenotype --cine cine.nii.gz" + order);
  CHECK(o.code == 0);
  CHECK(o.out.find("ED 6, ES 2") != std::string::npos);
  CHECK(o.out.find("L/min") != std::string::npos);
}

TEST_CASE("two volumes say the same as the cine; other label orders, .npy, spacing, gap") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  put_nifti(w / "ed.nii.gz", volume(0), {nz, n, n});
  put_nifti(w / "es.nii", volume(1), {nz, n, n});
  const auto a = w.json("phenotype --ed ed.nii.gz --es es.nii" + order);
  CHECK(a["LVEF"].get<double>() == doctest::Approx(60).epsilon(0.02));
  CHECK(a["LVCO"].is_null());
  CHECK(a["missing"]["LVCO"].get<std::string>().find("--heart-rate") != std::string::npos);
  CHECK(a["wall_thickness"].is_object());
  // 1 = RV, 2 = myocardium, 3 = LV
  const auto turned = [](labels v) {
    for (auto& l : v) l = l == 1 ? 3 : l == 3 ? 1 : l;
    return v;
  };
  io::write_npy(w / "ed.npy", array_of(turned(volume(0)), {nz, n, n}));
  io::write_npy(w / "es.npy", array_of(turned(volume(1)), {1, nz, n, n}));
  const auto b = w.json(
      "phenotype --ed ed.npy --es es.npy --spacing 10,2,2 --heart-rate 60 "
      "--labels rv=1,myo=2,lv=3");
  for (const char* name : {"LVEDV", "LVESV", "LVEF", "LVM", "RVEDV", "RVEF", "WT_Global"})
    CHECK(b[name].get<double>() == doctest::Approx(a[name].get<double>()).epsilon(1e-6));
  CHECK(b["LVCO"].get<double>() == doctest::Approx(0.06 * a["LVSV"].get<double>()));
  const auto c = w.json("phenotype --ed ed.nii.gz --es es.nii --slice-gap 2" + order);
  CHECK(c["LVEDV"].get<double>() == doctest::Approx(1.2 * a["LVEDV"].get<double>()));
  CHECK(c["LVEF"].get<double>() == doctest::Approx(a["LVEF"].get<double>()));
  // exchanged volumes are noticed, and labels that the file lacks have a reason
  const auto d = w.json("phenotype --ed es.nii --es ed.nii.gz --labels lv=1,myo=2,rv=7");
  CHECK(d["LVEF"].get<double>() < 0);
  CHECK(d["doubts"].size() > 0);
  CHECK(d["RVEDV"].is_null());
  CHECK(d["missing"]["RVEDV"] == "label 7 (rv) has no voxel");
  CHECK(d["wall_thickness"].is_null());
}

TEST_CASE("frame times: given, missing, a tenth in UIH's headers") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  labels small;
  for (const int count : {9, 4, 6}) {
    labels v(3 * 8 * 8, 0);
    std::fill_n(v.begin(), count, std::uint8_t(1));
    small.insert(small.end(), v.begin(), v.end());
  }
  const auto hr = [&](const std::string& path, double dt, const std::string& more) {
    put_nifti(w / path, small, {3, 3, 8, 8}, dt);
    return w.json("phenotype --cine " + path + " --labels lv=1 " + more);
  };
  CHECK(hr("a.nii.gz", 0.3, "")["HR"].get<double>() == doctest::Approx(60 / 0.9));
  CHECK(hr("UIH_30T/a.nii.gz", 0.03, "")["HR"].get<double>() == doctest::Approx(60 / 0.9));
  CHECK(hr("UIH_30T/b.nii.gz", 0.3, "")["HR"].get<double>() == doctest::Approx(60 / 0.9));
  CHECK(hr("UIH_30T/a.nii.gz", 0.03, "--uih off")["HR"].get<double>() ==
        doctest::Approx(600 / 0.9));
  CHECK(hr("b.nii.gz", 0.03, "--uih on")["HR"].get<double>() == doctest::Approx(60 / 0.9));
  CHECK(hr("c.nii.gz", 0.03, "")["doubts"].size() == 1);
  CHECK(hr("d.nii.gz", 0.7, "--frame-time 0.3")["HR"].get<double>() == doctest::Approx(60 / 0.9));
  io::write_npy(w / "e.npy", array_of(small, {3, 3, 8, 8}));
  const auto j = w.json("phenotype --cine e.npy --labels lv=1 --spacing 10,1,1");
  CHECK(j["HR"].is_null());
  CHECK(j["LVEDV"].get<double>() == doctest::Approx(0.09));
  CHECK(j["LVEF"].get<double>() == doctest::Approx(500 / 9.0));
  CHECK(j["missing"]["LVCO"].get<std::string>().find("--frame-time") != std::string::npos);
}

TEST_CASE("a folder: published tables, rows that are updated, errors at the end") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  const std::string below = "/Cine/TestSet/Task1/Center002/Siemens_30T_Vida/";
  const std::string root = "CardioMM/SegNII" + below;
  put_nifti(w / (root + "P001/cine_sax_mask_ktGaussian16_label.nii.gz"), cine(), {8, nz, n, n},
            0.1);
  put_nifti(w / (root + "P002/cine_sax_mask_ktGaussian16_label_ED.nii.gz"), volume(0), {nz, n, n});
  put_nifti(w / (root + "P002/cine_sax_mask_ktGaussian16_label_ES.nii.gz"), volume(1), {nz, n, n});
  put_nifti(w / (root + "P003/cine_sax_mask_ktGaussian16_label_ED.nii.gz"), volume(0), {nz, n, n});
  put_nifti(w / (root + "P004/cine_lax_4ch_label.nii.gz"), cine(), {8, nz, n, n}, 0.1);
  put_nifti(w / ("CardioMM/SegNII/Cine/TestSet/Task1/Center010/UIH_30T_u/P001/"
                 "cine_sax_label.nii.gz"),
            cine(), {8, nz, n, n}, 0.1);
  spit(w / (root + "P005_label.nii.gz"), "not a file");
  const std::string command =
      "phenotype CardioMM --out tables --csv all.csv --report r.html" + order;
  const auto j = w.json(command);
  CHECK(j["count"] == 2);
  CHECK(j["errors"].size() == 3);
  const auto t = io::read_csv(w / "tables/CliCal_TestSet_VentricularVolume_CardioMM.csv");
  const std::vector<std::string> columns = {
      "Method",   "Modality",     "Task",    "Center",     "Vendor",     "Field",      "Pfolder",
      "Datatype", "Mask",         "AF",      "Medcon",     "LVEDV (mL)", "LVESV (mL)", "LVSV (mL)",
      "LVEF (%)", "LVCO (L/min)", "LVM (g)", "RVEDV (mL)", "RVESV (mL)", "RVSV (mL)",  "RVEF (%)"};
  CHECK(t.columns == columns);
  REQUIRE(t.rows.size() == 2);
  const std::vector<std::string> who = {"CardioMM",   "Cine", "Task1",  "Center002",
                                        "Siemens",    "30T",  "P001",   "cine_sax",
                                        "ktGaussian", "16",   "unknown"};
  CHECK(std::vector<std::string>(t.rows[0].begin(), t.rows[0].begin() + 11) == who);
  CHECK(t.rows[1][15] == "nan");
  CHECK(t.number(0, "LVEF (%)") == doctest::Approx(60).epsilon(0.02));
  const auto wall = io::read_csv(w / "tables/CliCal_TestSet_WallThickness_CardioMM.csv");
  const auto most = io::read_csv(w / "tables/CliCal_TestSet_WallThicknessMax_CardioMM.csv");
  CHECK(wall.columns[11] == "WT_AHA_1 (mm)");
  CHECK(wall.columns.back() == "WT_Global (mm)");
  CHECK(most.columns[26] == "WT_Max_AHA_16 (mm)");
  CHECK(most.number(1, "WT_Max_Global (mm)") > wall.number(1, "WT_Global (mm)"));
  CHECK(io::read_csv(w / "all.csv").rows.size() == 2);
  CHECK(slurp(w / "r.html").find("P005_label") != std::string::npos);
  // again: the same bytes; other data: the row is replaced
  const std::string before = slurp(w / "tables/CliCal_TestSet_VentricularVolume_CardioMM.csv");
  w.json(command);
  CHECK(slurp(w / "tables/CliCal_TestSet_VentricularVolume_CardioMM.csv") == before);
  put_nifti(w / (root + "P002/cine_sax_mask_ktGaussian16_label_ES.nii.gz"), volume(0.5),
            {nz, n, n});
  w.json(command);
  const auto after = io::read_csv(w / "tables/CliCal_TestSet_VentricularVolume_CardioMM.csv");
  REQUIRE(after.rows.size() == 2);
  CHECK(after.rows[0] == t.rows[0]);
  CHECK(after.number(1, "LVESV (mL)") > t.number(1, "LVESV (mL)"));
  // the reference, with centres that the publication leaves out
  const auto all = w.json("phenotype CardioMM --method GTSOS --all-centres --out tables" + order);
  CHECK(all["count"] == 3);
  const auto reference = io::read_csv(w / "tables/CliCal_TestSet_VentricularVolume_GTSOS.csv");
  CHECK(reference.rows.size() == 3);
  CHECK(reference.at(0, "Mask") == "Full");
  CHECK(reference.at(0, "AF") == "1");
}

TEST_CASE("hearts of folders without a published layout are all kept") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  for (const char* patient : {"a", "b"}) {
    put_nifti(w / (std::string("set/") + patient + "/ED_label.nii.gz"), volume(0), {nz, n, n});
    put_nifti(w / (std::string("set/") + patient + "/ES_label.nii.gz"), volume(1), {nz, n, n});
  }
  put_nifti(w / "set/c_ED.nii.gz", volume(0), {nz, n, n});  // no label: an image
  for (int run = 0; run < 2; ++run) {
    CHECK(w.json("phenotype set --out tables" + order)["count"] == 2);
    const auto t = io::read_csv(w / "tables/CliCal_AllSet_VentricularVolume_GTSOS.csv");
    REQUIRE(t.rows.size() == 2);
    CHECK(t.at(0, "Pfolder") == "a");
    CHECK(t.at(1, "Pfolder") == "b");
  }
}

TEST_CASE("Sunnybrook and M&Ms through the program") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  SHARED_OR_SKIP(sunnybrook, "data/sunnybrook_scd0003701");
  const auto masks = io::read_npy(sunnybrook + "/endo_masks.npy");
  const std::size_t plane = 256 * 256;
  labels ed, es;
  for (std::size_t i = 0; i < 10; ++i) {
    const auto* p = reinterpret_cast<const std::uint8_t*>(masks.bytes.data()) + i * plane;
    labels& to = i % 2 ? es : ed;
    to.insert(to.end(), p, p + plane);
  }
  io::write_nifti(w / "ED.nii.gz", array_of(ed, {5, 256, 256}),
                  io::nifti_geometry::voxels(1.3672, 1.3672, 8));
  io::write_nifti(w / "ES.nii.gz", array_of(es, {5, 256, 256}),
                  io::nifti_geometry::voxels(1.3672, 1.3672, 8));
  const auto j = w.json("phenotype --ed ED.nii.gz --es ES.nii.gz --labels lv=1");
  CHECK(std::abs(j["LVEDV"].get<double>() - 78.328) < 6e-4);
  CHECK(std::abs(j["LVESV"].get<double>() - 32.016) < 6e-4);
  CHECK(std::abs(j["LVEF"].get<double>() - 59.126) < 6e-4);
  CHECK(j["missing"]["LVM"] == "no label is named myo");
  SHARED_OR_SKIP(mnms, "data/mnms_labels_A1D9Z7");
  const auto k = w.json("phenotype --ed '" + mnms + "/ED_label.nii.gz' --es '" + mnms +
                        "/ES_label.nii.gz'" + order);
  CHECK(k["voxels"]["ed"]["lv"] == 12176);
  CHECK(k["voxels"]["ed"]["myo"] == 17557);
  CHECK(k["voxels"]["ed"]["rv"] == 12658);
  CHECK(k["voxels"]["es"]["lv"] == 7921);
  CHECK(k["voxels"]["es"]["myo"] == 16689);
  CHECK(k["voxels"]["es"]["rv"] == 8959);
  CHECK(std::abs(k["LVEF"].get<double>() - 34.95) < 0.005);
  CHECK(std::abs(k["RVEF"].get<double>() - 29.22) < 0.005);
  CHECK(k["WT_Global"].get<double>() == doctest::Approx(9.86736).epsilon(1e-5));
}

TEST_CASE("bad input has one line that says what was found, and leaves no file") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  put_nifti(w / "ed.nii.gz", volume(0), {nz, n, n});
  put_nifti(w / "cine.nii.gz", cine(), {8, nz, n, n});
  std::filesystem::create_directories(w / "empty");
  labels image(nz * n * n);
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<std::uint8_t>(i * 7 % 251);
  put_nifti(w / "image.nii.gz", image, {nz, n, n});
  io::write_npy(w / "ed.npy", array_of(volume(0), {nz, n, n}));
  const std::pair<std::string, std::string> bad[] = {
      {"--ed ed.nii.gz --es ed.nii.gz", "--labels"},
      {"--ed ed.nii.gz" + order, "--es"},
      {order, "--cine"},
      {"--cine cine.nii.gz --ed ed.nii.gz --es ed.nii.gz" + order, "several"},
      {"--ed ed.nii.gz --es ed.nii.gz --labels lv=9,myo=2", "0 (5"},
      {"--ed ed.nii.gz --es ed.nii.gz --labels lv=1,myo=1", "number of its own"},
      {"--ed ed.nii.gz --es ed.nii.gz --labels lv=1,lv=2", "once"},
      {"--ed ed.nii.gz --es ed.nii.gz --labels myo=2", "lv"},
      {"--ed ed.nii.gz --es ed.nii.gz --labels heart=1", "'heart'"},
      {"--ed ed.nii.gz --es ed.nii.gz --labels lv=one", "lv=one"},
      {"--ed image.nii.gz --es image.nii.gz" + order, "is it an image?"},
      {"--ed cine.nii.gz --es cine.nii.gz" + order, "--cine takes all frames"},
      {"--cine ed.nii.gz" + order, "--ed and --es"},
      {"--ed ed.npy --es ed.npy" + order, "--spacing"},
      {"--ed ed.npy --es ed.npy --spacing 1,2" + order, "DZ,DY,DX"},
      {"--ed ed.npy --es ed.npy --spacing 1,2,-2" + order, "DZ,DY,DX"},
      {"--ed none.nii.gz --es ed.nii.gz" + order, "none.nii.gz"},
      {"empty" + order, "found none"},
      {"none" + order, "expected a folder"},
      {"--ed ed.nii.gz --es ed.nii.gz --wall maybe" + order, "--wall"},
      {"--ed ed.nii.gz --es ed.nii.gz --wall on --labels lv=1,rv=3", "no label is named myo"},
      {"--ed ed.nii.gz --es ed.nii.gz --bullseye b.svg --wall off" + order, "--bullseye"},
      {"--ed ed.nii.gz --es ed.nii.gz --slice-gap -1" + order, "--slice-gap"},
      {"--ed ed.nii.gz --es ed.nii.gz --csv no/folder.csv" + order, "no/folder.csv"}};
  for (const auto& b : bad) {
    const std::string &arguments = b.first, &text = b.second;
    CAPTURE(arguments);
    const auto o = w.run("phenotype --report never.html " + arguments);
    CHECK(o.code == 2);
    CHECK(std::count(o.err.begin(), o.err.end(), '\n') == 1);
    CHECK_MESSAGE(o.err.find(text) != std::string::npos, o.err);
    CHECK(!std::filesystem::exists(w / "never.html"));
  }
  SHARED_OR_SKIP(acdc, "data/cine_nifti_ed_es");
  const auto o = w.run("phenotype --ed '" + acdc + "/acdc_sax_ed.nii.gz' --es '" + acdc +
                       "/acdc_sax_es.nii.gz' --labels rv=1,myo=2,lv=3");
  CHECK(o.code == 2);
  CHECK(o.err.find("is it an image?") != std::string::npos);
  CHECK(o.err.find("voxels)") != std::string::npos);
}
