// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm scores`, `agreement` and `dicom`: files, folders, tables, errors.

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "cardiomm/io/csv.hpp"
#include "cardiomm/io/nifti.hpp"
#include "cardiomm/io/npy.hpp"
#include "program/run.hpp"

namespace io = cardiomm::io;
using cardiomm::index_t;
using cardiomm_tests::spit;
using cardiomm_tests::workplace;

namespace {

/// The ellipsoids of the specification, (z, y, x), with the number `label`.
std::vector<std::uint8_t> ellipsoid(std::array<double, 3> c, std::array<double, 3> r, int label) {
  std::vector<std::uint8_t> v;
  for (int z = 0; z < 10; ++z)
    for (int y = 0; y < 40; ++y)
      for (int x = 0; x < 48; ++x)
        v.push_back(std::pow((x - c[0]) / r[0], 2) + std::pow((y - c[1]) / r[1], 2) +
                                std::pow((z - c[2]) / r[2], 2) <=
                            1
                        ? std::uint8_t(label)
                        : std::uint8_t(0));
  return v;
}
template <class T>
void put(const std::string& path, const io::extents& shape, const std::vector<T>& values) {
  io::atomic_file out(path);
  io::put_npy(out, io::dtype_of<T>(), shape, values.data());
  out.commit();
}
void put_nifti(const std::string& path, const io::extents& shape,
               const std::vector<std::uint8_t>& values) {
  io::nifti_output out(path, io::dtype::u8, shape, io::nifti_geometry::voxels(2, 2, 8));
  out.write(values.data(), values.size());
  out.commit();
}
void check_golden(const nlohmann::json& label) {
  CHECK(label["dice"].get<double>() == doctest::Approx(0.8064938465566902).epsilon(1e-12));
  CHECK(label["hausdorff95"].get<double>() == doctest::Approx(8.0).epsilon(1e-12));
  CHECK(label["hausdorff"].get<double>() == doctest::Approx(10.0).epsilon(1e-12));
  CHECK(label["assd"].get<double>() == doctest::Approx(2.657084470684367).epsilon(1e-9));
  CHECK(label["volume_reference"].get<double>() == doctest::Approx(2036 * 32 / 1000.0));
  CHECK(label["volume_segmentation"].get<double>() == doctest::Approx(1783 * 32 / 1000.0));
}

}  // namespace

TEST_CASE("segmentations in files and folders") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  const auto a = ellipsoid({22, 20, 4.5}, {12, 10, 4}, 1);
  const auto b = ellipsoid({24, 19, 5}, {11, 11, 3.5}, 1);
  auto three = b;  // the same, numbered otherwise
  for (auto& v : three) v = v ? 3 : 0;
  put(w / "a.npy", {10, 40, 48}, a);
  put(w / "b.npy", {10, 40, 48}, b);
  put_nifti(w / "a.nii.gz", {10, 40, 48}, a);
  put_nifti(w / "three.nii.gz", {10, 40, 48}, three);
  const auto plain =
      w.json("scores --reference a.npy --segmentation b.npy --labels lv=1 --spacing 8,2,2");
  check_golden(plain["cases"][0]["labels"]["lv"]);
  const auto packed = w.json(
      "scores --reference a.nii.gz --segmentation three.nii.gz --labels lv=1,rv=2 "
      "--segmentation-labels rv=1,lv=3 --csv scores.csv");
  check_golden(packed["cases"][0]["labels"]["lv"]);
  CHECK(packed["cases"][0]["labels"]["rv"]["dice"].is_null());
  CHECK(packed["notes"].size() == 1);
  const auto table = io::read_csv(w / "scores.csv");
  CHECK(table.rows.size() == 2);
  CHECK(table.number(0, "dice") == packed["cases"][0]["labels"]["lv"]["dice"].get<double>());
  CHECK(table.at(1, "dice").empty());

  // one of the two lacks a label
  const auto empty = w.json(
      "scores --reference a.npy --segmentation three.nii.gz --labels lv=1 --empty-distance 373");
  CHECK(empty["cases"][0]["labels"]["lv"]["dice"].get<double>() == 0);
  CHECK(empty["cases"][0]["labels"]["lv"]["hausdorff95"].get<double>() == 373);
  CHECK(w.json("scores --reference a.npy --segmentation three.nii.gz "
               "--labels lv=1")["cases"][0]["labels"]["lv"]["hausdorff95"]
            .is_null());

  // a cine of which one frame is drawn
  std::vector<std::uint8_t> cine(2 * a.size(), 0), drawn = cine;
  std::copy(a.begin(), a.end(), drawn.begin() + static_cast<std::ptrdiff_t>(a.size()));
  std::copy(b.begin(), b.end(), cine.begin() + static_cast<std::ptrdiff_t>(a.size()));
  put_nifti(w / "drawn.nii", {2, 10, 40, 48}, drawn);
  put_nifti(w / "cine.nii", {2, 10, 40, 48}, cine);
  const auto frames = w.json("scores --reference drawn.nii --segmentation cine.nii --labels lv=1");
  CHECK(frames["cases"].size() == 1);
  CHECK(frames["cases"][0]["frame"] == 1);
  check_golden(frames["cases"][0]["labels"]["lv"]);

  const auto slices = w.json(
      "scores --reference a.npy --segmentation b.npy --labels lv=1 --spacing 8,2,2 --per-slice");
  CHECK(slices["cases"].size() == 10);

  // the same numbers at another place
  io::nifti_output moved(w / "moved.nii", io::dtype::u8, {10, 40, 48}, [] {
    auto g = io::nifti_geometry::voxels(2, 2, 8);
    g.affine[3] = 40;
    return g;
  }());
  moved.write(b.data(), b.size());
  moved.commit();
  const auto elsewhere =
      w.json("scores --reference a.nii.gz --segmentation moved.nii --labels lv=1");
  CHECK(elsewhere["notes"].size() == 1);
  check_golden(elsewhere["cases"][0]["labels"]["lv"]);

  // folders
  for (const char* d : {"truth", "found"}) std::filesystem::create_directory(w / d);
  put_nifti(w / "truth/P1_gt.nii.gz", {10, 40, 48}, a);
  put_nifti(w / "found/P1_seg.nii.gz", {10, 40, 48}, b);
  put_nifti(w / "truth/P2.nii.gz", {10, 40, 48}, a);
  put_nifti(w / "found/P2.nii.gz", {10, 40, 48}, a);
  put_nifti(w / "truth/P3.nii.gz", {10, 40, 48}, a);
  const std::string folders = "scores --reference truth --segmentation found --labels lv=1";
  const auto both = w.json(folders);
  CHECK(both["cases"].size() == 2);
  check_golden(both["cases"][0]["labels"]["lv"]);
  CHECK(both["summary"]["lv"]["dice"]["n"] == 2);
  CHECK(both["summary"]["lv"]["dice"]["mean"].get<double>() ==
        doctest::Approx((1 + 0.8064938465566902) / 2));
  CHECK(both["unmatched"].size() == 1);
  spit(w / "found/P3.nii.gz", "no image");
  const auto bad = w.run(folders);
  CHECK(bad.code == 2);
  CHECK(bad.out.find("P2") != std::string::npos);  // the others are scored all the same
  CHECK(bad.err.find("P3") != std::string::npos);
}

TEST_CASE("classes: the twenty cases of the specification") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  const int truth[] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 0, 1, 2, 0, 1, 2, 0, 1};
  const int found[] = {0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 1, 0, 1, 2, 0, 0, 2, 1, 1};
  std::string text = "case,true,predicted\n", words = "pred;truth\n", bare;
  const char* names[] = {"a mild", "b some", "c severe"};
  for (int i = 0; i < 20; ++i) {
    text += "P" + std::to_string(i) + "," + std::to_string(truth[i]) + "," +
            std::to_string(found[i]) + "\n";
    words += std::string(names[found[i]]) + ";" + names[truth[i]] + "\n";
    bare += std::to_string(truth[i]) + "," + std::to_string(found[i]) + "\n";
  }
  spit(w / "t.csv", text);
  spit(w / "w.csv", words);
  spit(w / "bare.csv", bare);
  for (const std::string file : {"t.csv", "w.csv", "bare.csv", "t.csv --columns true,predicted"}) {
    CAPTURE(file);
    const auto j = w.json("scores --classes " + file);
    CHECK(j["cases"] == 20);
    CHECK(j["accuracy"].get<double>() == doctest::Approx(0.75));
    const auto& k = j["cohen_kappa"];
    CHECK(k["unweighted"]["kappa"].get<double>() == doctest::Approx(0.62406015).epsilon(1e-7));
    CHECK(k["linear"]["kappa"].get<double>() == doctest::Approx(0.70930233).epsilon(1e-7));
    CHECK(k["quadratic"]["kappa"].get<double>() == doctest::Approx(0.8).epsilon(1e-12));
    CHECK(j["classes"].size() == 3);
  }
}

TEST_CASE("tables of two methods are joined and compared") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  spit(w / "a.csv",
       "Method,Pfolder,LVEF (%),mass\nm,P1,60,100\nm,P2,55,120\nm,P3,40,90\nm,P4,30,\nm,P5,1,1\n");
  spit(
      w / "b.csv",
      "Method,Pfolder,LVEF (%),mass\nn,P4,33,80\nn,P3,37,91\nn,P2,57,118\nn,P1,58,103\nn,P9,1,1\n");
  const auto j = w.json("agreement --a a.csv --b b.csv --report r.html --svg plots --csv out.csv");
  CHECK(j["matched"] == 4);
  CHECK(j["keys"] == nlohmann::json({"Pfolder"}));
  CHECK(j["unmatched"].size() == 2);
  CHECK(j["notes"].size() == 1);
  const auto& ef = j["columns"][0];
  CHECK(ef["column"] == "LVEF (%)");
  CHECK(ef["pairs"] == 4);
  CHECK(ef["bias"]["value"].get<double>() == doctest::Approx(0).scale(1));
  CHECK(ef["sd"].get<double>() == doctest::Approx(std::sqrt(26.0 / 3)));
  CHECK(ef["coefficient_of_variation_percent"].get<double>() ==
        doctest::Approx(4.68598313).epsilon(1e-8));
  CHECK(ef["icc"].size() == 6);
  CHECK(j["columns"][1]["missing"] == 1);
  const auto page = cardiomm_tests::slurp(w / "r.html");
  CHECK(page.find("<svg") != std::string::npos);
  CHECK(page.find("P9") != std::string::npos);
  CHECK(j["plots"].size() == 4);
  for (const auto& p : j["plots"])
    CHECK(cardiomm_tests::slurp(w / p.get<std::string>()).find("</svg>") != std::string::npos);
  CHECK(io::read_csv(w / "out.csv").rows.size() == 2);
  CHECK(w.json("agreement --a a.csv --b b.csv --key Pfolder --columns mass")["columns"].size() ==
        1);
}

TEST_CASE("a DICOM series from the command line") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  std::vector<float> cine(2 * 3 * 8 * 9);
  for (std::size_t i = 0; i < cine.size(); ++i) cine[i] = float(i) * 0.01f;
  put(w / "cine.npy", {2, 3, 8, 9}, cine);
  const auto o = w.run("dicom cine.npy --out series --spacing 8,1.5,1.5 --frame-time 40");
  if (o.code != 0 && o.err.find("needs DCMTK") != std::string::npos) return;
  CHECK(o.code == 0);
  std::set<std::string> files;
  for (const auto& e : std::filesystem::directory_iterator(w / "series"))
    files.insert(e.path().filename().string());
  CHECK(files.size() == 6);
  CHECK(files.count("IM_3_2.dcm") == 1);
  const auto bytes = cardiomm_tests::slurp(w / "series/IM_1_1.dcm");
  CHECK(bytes.substr(128, 4) == "DICM");
  CHECK(w.run("dicom cine.npy --out other").err.find("--spacing") != std::string::npos);
  CHECK(w.run("dicom cine.npy --out series --spacing 8,1,1 --no-clobber").code == 2);
}

TEST_CASE("what cannot be scored is told in one line") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  std::vector<std::uint8_t> m(24, 1);
  put(w / "m.npy", {2, 3, 4}, m);
  put(w / "n.npy", {3, 2, 4}, m);
  put(w / "half.npy", {2, 3, 4}, std::vector<float>(24, 0.5f));
  put(w / "complex.npy", {2, 3, 4}, std::vector<cardiomm::complex<float>>(24));
  std::filesystem::create_directory(w / "empty");
  spit(w / "twice.csv", "id,v\na,1\na,2\n");
  spit(w / "once.csv", "id,v\na,1\nb,2\n");
  spit(w / "words.csv", "id,v\na,x\nb,2\n");
  spit(w / "others.csv", "id,v\nc,1\nd,2\n");
  spit(w / "single.csv", "true\n1\n");
  const std::string pair = "scores --reference m.npy --segmentation ";
  const std::vector<std::pair<std::string, std::string>> table = {
      {"scores", "expected --reference"},
      {pair + "m.npy --labels lv=1", "--spacing"},
      {pair + "n.npy --labels lv=1 --spacing 1,1,1", "n.npy: expected the shape"},
      {pair + "half.npy --labels lv=1 --spacing 1,1,1", "half.npy: labels: expected whole numbers"},
      {pair + "complex.npy --labels lv=1 --spacing 1,1,1", "complex.npy: labels"},
      {pair + "none.npy --labels lv=1 --spacing 1,1,1", "none.npy: "},
      {pair + "empty --labels lv=1", "empty: expected a file"},
      {pair + "m.npy --labels lv --spacing 1,1,1", "--labels: expected NAME=NUMBER"},
      {pair + "m.npy --labels lv=0 --spacing 1,1,1", "--labels"},
      {pair + "m.npy --labels lv=1,lv=2 --spacing 1,1,1", "every name once"},
      {pair + "m.npy --labels lv=1 --spacing 1,1", "--spacing: expected three"},
      {pair + "m.npy --labels lv=1 --segmentation-labels rv=1 --spacing 1,1,1",
       "--segmentation-labels"},
      {pair + "m.npy --labels lv=1 --spacing 1,1,1 --empty-distance -3", "--empty-distance"},
      {"scores --reference empty --segmentation empty --labels lv=1", "found none"},
      {"scores --classes single.csv", "two columns"},
      {"scores --classes once.csv --columns id,x", "expected a column 'x'"},
      {"agreement --a twice.csv --b once.csv", "twice.csv: expected every id once"},
      {"agreement --a once.csv --b others.csv", "found none"},
      {"agreement --a once.csv --b words.csv --key id --columns v", "expected a number"},
      {"agreement --a once.csv --b once.csv --key id --columns w", "expected a column 'w'"},
      {"agreement --a once.csv --b once.csv --confidence 2", "--confidence"},
      {"agreement --a once.csv --b none.csv", "none.csv: "},
  };
  for (const auto& row : table) {
    const std::string &arguments = row.first, &message = row.second;
    CAPTURE(arguments);
    const auto o = w.run(arguments);
    CHECK(o.code == 2);
    CAPTURE(o.err);
    CHECK(o.err.find(message) != std::string::npos);
    CHECK(std::count(o.err.begin(), o.err.end(), '\n') == 1);
  }
}
