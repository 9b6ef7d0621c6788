// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm eval`: the golden pair under all conventions, folders in the published layout, tables
/// that are updated in place, files that cannot be scored.

#include <doctest/doctest.h>

#include "cardiomm/io/csv.hpp"
#include "cardiomm/io/npy.hpp"
#include "cardiomm/mri/metrics.hpp"
#include "program/run.hpp"

namespace io = cardiomm::io;
using cardiomm_tests::slurp;
using cardiomm_tests::spit;
using cardiomm_tests::workplace;
using doctest::Approx;

namespace {

void put(const workplace& w, const std::string& name, const io::extents& shape,
         const std::vector<float>& values) {
  std::filesystem::create_directories(std::filesystem::path(w / name).parent_path());
  io::atomic_file out(w / name);
  io::put_npy(out, io::dtype::f32, shape, values.data());
  out.commit();
}

/// The pair of golden.json: g = 1 + sin(.1 i) cos(.07 j), p = g + .05 sin(.3 i + .2 j).
std::vector<float> golden(bool image, double scale = 1) {
  std::vector<float> v;
  for (int i = 0; i < 64; ++i)
    for (int j = 0; j < 48; ++j)
      v.push_back(float(scale * (1 + std::sin(.1 * i) * std::cos(.07 * j) +
                                 (image ? .05 * std::sin(.3 * i + .2 * j) : 0))));
  return v;
}
std::vector<float> joined(std::initializer_list<std::vector<float>> parts) {
  std::vector<float> all;
  for (const auto& p : parts) all.insert(all.end(), p.begin(), p.end());
  return all;
}

constexpr double psnr_2023 = 33.732869955824384, ssim_2023 = 0.9742655292970849,
                 nmse_2023 = 0.0013426941448361936;
constexpr double psnr_2024 = 29.047104708503934, psnr_2025 = 33.45343105774957;

const std::string scan = "/Center007/Siemens_30T_Vida/P001/";

/// A tree of references and the results of two methods, as they are published.
void published(const workplace& w) {
  put(w, "data/Cine/TestSet/GTSOS" + scan + "cine_sax.npy", {1, 2, 64, 48},
      joined({golden(false), golden(false, 3)}));
  put(w, "data/Cine/TestSet/GTSOS/Center007/Siemens_30T_Vida/P002/cine_sax.npy", {64, 48},
      golden(false));
  // k-space and masks lie beside the references and are none
  put(w, "data/Cine/TestSet/FullSample" + scan + "cine_sax.npy", {1, 2, 64, 48},
      joined({golden(true), golden(true)}));
  put(w, "data/Cine/TestSet/Mask_TaskAll" + scan + "cine_sax_mask_ktGaussian16.npy", {64, 48},
      golden(true));
  for (const char* method : {"sense", "llr"}) {
    const std::string root = std::string("results/") + method + "/ReconResult/Cine/TestSet/TaskAll";
    put(w, root + scan + "cine_sax_mask_ktGaussian16.npy", {2, 1, 64, 48},
        joined({golden(true), golden(true, 0.2)}));
    put(w, root + scan + "cine_sax_mask_Uniform4.npy", {2, 64, 48},
        joined({golden(true), golden(true)}));
    put(w, std::string("results/") + method + "/SegNII/x.npy", {2, 64, 48},
        joined({golden(true), golden(true)}));
  }
}

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("eval: the golden pair, one convention as before and all at once") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  put(w, "g.npy", {64, 48}, golden(false));
  put(w, "p.npy", {64, 48}, golden(true));
  const auto one = w.json("eval --reference g.npy --image p.npy --convention 2024");
  CHECK(one["psnr"].get<double>() == Approx(psnr_2024).epsilon(1e-6));
  CHECK(one["convention"] == 2024);
  CHECK(one["count"] == 1);
  CHECK(one["images"][0]["frame"] == 0);
  const auto all = w.json("eval --reference g.npy --image p.npy --convention all");
  const auto& s = all["files"][0]["scores"];
  CHECK(s["2023"]["psnr"].get<double>() == Approx(psnr_2023).epsilon(1e-6));
  CHECK(s["2023"]["ssim"].get<double>() == Approx(ssim_2023).epsilon(1e-6));
  CHECK(s["2023"]["nmse"].get<double>() == Approx(nmse_2023).epsilon(1e-5));
  CHECK(s["2024"]["psnr"].get<double>() == Approx(psnr_2024).epsilon(1e-6));
  CHECK(s["2025"]["psnr"].get<double>() == Approx(psnr_2025).epsilon(1e-6));
  CHECK(s["2025"]["images"].size() == 1);
  const auto rounded = w.json("eval --reference g.npy --image p.npy --decimals 4");
  CHECK(rounded["psnr"] == 33.4534);
  CHECK(rounded["nmse"] == 0.0014);
  for (const char* bad : {"2022", "2023,2023", "2023,", "maximum"}) {
    const auto o = w.run(std::string("eval --reference g.npy --image p.npy --convention ") + bad);
    CHECK(o.code == 2);
    CHECK(o.err.find("--convention") != std::string::npos);
  }
}

TEST_CASE("eval: folders in the published layout, two methods, tables and JSON") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  published(w);
  const auto j = w.json(
      "eval --reference data --image results/sense --image LLR=results/llr --convention 2025 "
      "--csv scores.csv --csv-images images.csv --json-out scores.json --decimals 4");
  CHECK(j["count"] == 4);
  CHECK(j["errors"].empty());
  CHECK(j["references_without_image"].size() == 2);  // P002, for each method
  const auto& first = j["files"][0];
  CHECK(first["identity"]["Method"] == "sense");
  CHECK(first["identity"]["AF"] == "4");  // Uniform4 before ktGaussian16
  CHECK(first["shape"] == nlohmann::json({1, 2, 64, 48}));
  CHECK(first["reference"] == "data/Cine/TestSet/GTSOS" + scan + "cine_sax.npy");
  const auto t = io::read_csv(w / "scores.csv");
  const std::vector<std::string> columns = {"Method", "Modality", "Task",     "Center", "Vendor",
                                            "Field",  "Pfolder",  "Datatype", "Mask",   "AF",
                                            "Medcon", "PSNR",     "SSIM",     "NMSE"};
  CHECK(t.columns == columns);
  REQUIRE(t.rows.size() == 4);
  const std::vector<std::string> row = {"sense", "Cine",    "TaskAll",  "Center007",  "Siemens",
                                        "30T",   "P001",    "cine_sax", "ktGaussian", "16",
                                        "NC",    "33.4534", "0.9742",   "0.0014"};
  CHECK(t.rows[1] == row);
  CHECK(t.rows[2][0] == "LLR");
  CHECK(lines(slurp(w / "images.csv")) == 1 + 4 * 2);
  const auto whole = nlohmann::json::parse(slurp(w / "scores.json"));
  CHECK(whole["files"][3]["scores"]["2025"]["images"].size() == 2);
  CHECK(whole["means"][1]["method"] == "LLR");
  CHECK(whole["means"][1]["psnr"]["mean"] == 33.4534);
  CHECK(whole["groups"].size() == 4);

  // the same again changes nothing; another method adds rows; a changed score replaces its row
  const std::string before = slurp(w / "scores.csv");
  CHECK(w.run("eval --reference data --image results/sense --csv scores.csv --decimals 4").code ==
        0);
  CHECK(slurp(w / "scores.csv") == before);
  CHECK(
      w.run("eval --reference data --image zf=results/sense --csv scores.csv --decimals 4").code ==
      0);
  CHECK(lines(slurp(w / "scores.csv")) == 7);
  put(w, "results/sense/ReconResult/Cine/TestSet/TaskAll" + scan + "cine_sax_mask_Uniform4.npy",
      {2, 64, 48}, joined({golden(true), golden(false, 3)}));
  CHECK(w.run("eval --reference data --image results/sense --csv scores.csv --decimals 4").code ==
        0);
  const auto changed = io::read_csv(w / "scores.csv");
  CHECK(changed.rows.size() == 6);
  CHECK(changed.rows[0] != t.rows[0]);
  CHECK(changed.rows[0][11] == "inf");  // equal images: as NumPy's mean has it
  CHECK(changed.rows[1] == t.rows[1]);
  // the published tables, one for each method and convention
  std::filesystem::create_directory(w / "tables");
  for (int again = 0; again < 2; ++again)
    CHECK(w.run("eval --reference data --image results/sense --image results/llr --convention all "
                "--csv tables --decimals 4")
              .code == 0);
  for (const char* norm : {"percentile", "std", "maxval"})
    for (const char* method : {"sense", "llr"}) {
      const auto p = io::read_csv(
          w / (std::string("tables/ObjCal_TestSet_TaskAll_") + norm + "_" + method + ".csv"));
      CHECK(p.columns == columns);
      CHECK(p.rows.size() == 2);
    }
  CHECK(io::read_csv(w / "tables/ObjCal_TestSet_TaskAll_std_llr.csv").rows[1][11] == "29.0471");
  // another table is not touched
  const auto o =
      w.run("eval --reference data --image results/sense --csv scores.csv --convention all");
  CHECK(o.code == 2);
  CHECK(o.err.find("scores.csv: expected a table of scores of several conventions") !=
        std::string::npos);
  CHECK(io::read_csv(w / "scores.csv").rows == changed.rows);
}

TEST_CASE("eval: one bad file does not stop the others") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  auto dark = golden(true);
  put(w, "ref/a/x.npy", {3, 64, 48},
      joined({golden(false), std::vector<float>(64 * 48), golden(false)}));
  put(w, "ref/b/x.npy", {64, 48}, golden(false));
  put(w, "ref/c/x.npy", {64, 48}, golden(false));
  put(w, "ref/d/x.npy", {64, 48}, golden(false));
  dark[7] = NAN;
  put(w, "img/a/x.npy", {3, 64, 48}, joined({golden(true), golden(true), dark}));
  put(w, "img/b/x.npy", {48, 64}, golden(true));
  spit(w / "img/c.npy", "");
  std::filesystem::create_directories(w / "img/c");
  spit(w / "img/c/x.npy", "this is no array");
  put(w, "img/e/y.npy", {64, 48}, golden(true));
  const auto o = w.run("eval --reference ref --image img --json --report r.html");
  CHECK(o.code == 2);  // told, after everything else was scored and written
  CHECK(lines(o.err) == 1);
  CHECK(o.err.find("2 of 3 files cannot be scored") != std::string::npos);
  const auto j = nlohmann::json::parse(o.out);
  REQUIRE(j["count"] == 1);
  CHECK(j["files"][0]["empty_references"] == 1);
  CHECK(j["files"][0]["without_score"] == 1);
  CHECK(j["files"][0]["scores"]["2025"]["psnr"].get<double>() == Approx(psnr_2025).epsilon(1e-6));
  CHECK(j["files"][0]["why"].get<std::string>().find("frame 2") != std::string::npos);
  REQUIRE(j["errors"].size() == 4);
  CHECK(j["errors"][0]["reason"].get<std::string>().find("expected the shape") !=
        std::string::npos);
  CHECK(j["errors"][1]["path"] == "img/c/x.npy");
  CHECK(j["errors"][2]["reason"].get<std::string>().find("no reference") != std::string::npos);
  const std::string html = slurp(w / "r.html");
  CHECK(html.find("no reference y") != std::string::npos);
  // a pair of files is strict
  const auto nan = w.run("eval --reference ref/a/x.npy --image img/a/x.npy");
  CHECK(nan.code == 2);
  CHECK(nan.err.find("(frame 2, slice 0, y 0, x 7)") != std::string::npos);
  for (const char* bad :
       {"eval --reference ref --image img/e/y.npy", "eval --reference ref/b/x.npy --image img",
        "eval --reference ref --image no", "eval --reference img/e --image ref",
        "eval --reference ref --image img --report no/r.html",
        "eval --reference ref --image img --crop-frames 2"}) {
    INFO(bad);
    const auto e = w.run(bad);
    CHECK(e.code == 2);
    CHECK(lines(e.err) == 1);
    CHECK(e.err.find("expected") + e.err.find("cannot") != 2 * std::string::npos);
  }
}

TEST_CASE("eval: the ranking block of 2023 and 2024") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  // frames 5, slices 7, 33 phase encodes (ny), 40 readout (nx)
  const cardiomm::index_t nt = 5, nz = 7, ny = 33, nx = 40;
  std::vector<float> g, p;
  for (int i = 0; i < nt * nz * ny * nx; ++i) {
    g.push_back(float(2 + std::sin(0.37 * i) + std::cos(0.011 * i)));
    p.push_back(float(g.back() + 0.1 * std::sin(1.7 * i)));
  }
  for (const char* name : {"cine_sax", "T1map"}) {
    put(w, std::string("ref/P001/") + name + ".npy", {nt, nz, ny, nx}, g);
    put(w, std::string("img/P001/") + name + "_mask_Uniform4.npy", {nt, nz, ny, nx}, p);
  }
  // 1-based in MATLAB: round(40/3) = 13 from floor(40/2)+1+ceil(-13/2) = 15; round(33/2) = 17 from
  // floor(33/2)+1+ceil(-17/2) = 9; slices round(7/2)-1 = 3 and 4; frames 1 to 3
  const auto cut = [&](const std::vector<float>& v, cardiomm::index_t frames) {
    auto t = cardiomm::make_tensor<float>(cardiomm::host_space{},
                                          cardiomm::shape<4>{{frames, 2, 17, 13}});
    for (int f = 0; f < frames; ++f)
      for (int z = 0; z < 2; ++z)
        for (int y = 0; y < 17; ++y)
          for (int x = 0; x < 13; ++x)
            t(f, z, y, x) = v[std::size_t(((f * nz + z + 2) * ny + y + 8) * nx + x + 14)];
    return t;
  };
  const auto j = w.json("eval --reference ref --image img --convention 2023,2024 --crop-centre");
  REQUIRE(j["count"] == 2);
  for (const auto& f : j["files"]) {
    const cardiomm::index_t frames = f["identity"]["Modality"] == "Mapping" ? 5 : 3;
    CHECK(f["shape"] == nlohmann::json({frames, 2, 17, 13}));
    for (const int year : {2023, 2024}) {
      const auto q = cardiomm::mri::compare_stack(cut(g, frames), cut(p, frames),
                                                  cardiomm::mri::normalisation_of_year(year));
      const auto& s = f["scores"][std::to_string(year)];
      CHECK(s["psnr"].get<double>() == Approx(q.mean.psnr).epsilon(1e-9));
      CHECK(s["ssim"].get<double>() == Approx(q.mean.ssim).epsilon(1e-9));
      CHECK(s["nmse"].get<double>() == Approx(q.mean.nmse).epsilon(1e-9));
    }
  }
  // what is submitted may be the block itself
  const auto block = cut(p, 3);
  put(w, "small.npy", {3, 2, 17, 13},
      std::vector<float>(block.data(), block.data() + block.size()));
  const auto one = w.json(
      "eval --reference ref/P001/cine_sax.npy --image small.npy --convention 2023 --crop-centre");
  CHECK(one["psnr"] == j["files"][1]["scores"]["2023"]["psnr"]);
}

TEST_CASE("eval: results do not depend on the number of threads, and reports repeat") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  published(w);
  const std::string command =
      "CARDIOMM eval --reference data --image results/sense --image results/llr --report r.html "
      "--json-out s.json >/dev/null";
  CHECK(w.shell("OMP_NUM_THREADS=1 " + command).code == 0);
  const std::string report = slurp(w / "r.html"), scores = slurp(w / "s.json");
  CHECK(report.size() > 10000);
  CHECK(w.shell("OMP_NUM_THREADS=2 " + command).code == 0);
  CHECK(slurp(w / "r.html") == report);
  CHECK(slurp(w / "s.json") == scores);
  CHECK(w.shell(command + " --no-clobber").code == 2);
}
