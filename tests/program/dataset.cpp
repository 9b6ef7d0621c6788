// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm dataset` on a small data set in the layout of CMRxRecon2025 that the program's phantom
/// fills.

#include <doctest/doctest.h>

#include "cardiomm/io/npy.hpp"
#include "cardiomm/io/text.hpp"
#include "program/run.hpp"

namespace io = cardiomm::io;
namespace fs = std::filesystem;
using cardiomm::complex;
using cardiomm::index_t;
using cardiomm_tests::slurp;
using cardiomm_tests::spit;
using cardiomm_tests::workplace;

namespace {

constexpr index_t nt = 3, nz = 2, nc = 3, ny = 32, nx = 40;
const char* const first = "Center001/Siemens_30T_Vida/P001/";
const char* const second = "Center007/UIH_055T_umr670/P002/";

struct data_set : workplace {
  data_set() {
    run("phantom --coils 3 --frames 3 --slices 2 --shape 32,40 --snr 50 --out ph");
    kspace = io::read_npy(*this / "ph/kspace.npy").values<complex<float>>();
    put("cine/Cine/TestSet/FullSample/", first, "cine_sax");
    put("cine/Cine/TestSet/FullSample/", second, "cine_lax");
    put("cine/LGE/TrainingSet/FullSample/", first, "lge_sax");
    spit(*this / (std::string("cine/Cine/TestSet/FullSample/") + first + "cine_sax_info.csv"),
         "Parameter,Value\nFOVx (mm),360\nFOVy (mm),300\nReconMatrix_X,180\nReconMatrix_Y,200\n"
         "SliceThickness (mm),6\nTR (ms),40\n");
  }
  void put(const std::string& kind, const std::string& place, const std::string& name) const {
    fs::create_directories(path() / (kind + place));
    fs::copy_file(path() / "ph/kspace.npy", path() / (kind + place + name + ".npy"));
  }
  /// Names and bytes of all files below a folder, the journal too.
  std::string all_bytes(const std::string& folder) const {
    std::vector<std::string> files;
    for (const auto& e : fs::recursive_directory_iterator(path() / folder))
      if (e.is_regular_file()) files.push_back(e.path().lexically_relative(path() / folder));
    std::sort(files.begin(), files.end());
    std::string all;
    for (const auto& f : files) all += f + "\n" + slurp((path() / folder / f).string()) + "\n";
    return all;
  }
  std::vector<double> numbers(const std::string& file) const {
    return io::read_npy(*this / file).values<double>();
  }
  std::vector<complex<float>> kspace;
};

/// A Python with these modules, or nothing.
bool have_python(const std::string& modules) {
  return std::system(("python3 -c 'import " + modules + "' >/dev/null 2>&1").c_str()) == 0;
}

}  // namespace

TEST_CASE("scan and stats tell what is there") {
  BUILT_PROGRAM_OR_SKIP();
  const data_set w;
  const auto s = w.json("dataset scan cine");
  CHECK(s["measurements"] == 3);
  CHECK(s["patients"] == 3);
  CHECK(s["by"]["modality"]["Cine"] == 2);
  CHECK(s["by"]["centre"]["Center001"] == 2);
  CHECK(s["by"]["scanner"]["UIH 0.55T umr670"] == 1);
  CHECK(s["problems"].empty());
  CHECK(s["scans"][0]["sentence"] ==
        "Adult cardiac MRI reconstruction.Vendor: 3.0T, Siemens, Vida. Modality: cine, "
        "short-axis.");
  CHECK(w.json("dataset scan cine --modality lge")["measurements"] == 1);
  CHECK(w.json("dataset scan cine --centre Center007")["measurements"] == 1);
  const auto csv = w.run("dataset scan cine --csv table.csv");
  CHECK(csv.code == 0);
  CHECK(csv.out.find("3 measurements of 3 patients") != std::string::npos);
  CHECK(slurp(w / "table.csv").find("Center007,UIH,0.55,umr670,P002,cine_lax") !=
        std::string::npos);

  const auto t = w.json("dataset stats cine --jobs 2");
  CHECK(t["failed"] == 0);
  CHECK(t["modalities"]["Cine"]["measurements"] == 2);
  CHECK(t["modalities"]["Cine"]["images"] == 2 * nt * nz);
  CHECK(t["all"]["coils"]["max"] == nc);
  CHECK(t["all"]["shapes"]["(3, 2, 3, 32, 40)"] == 3);
  CHECK(t["all"]["fields"]["0.55 T"] == 1);
}

TEST_CASE("undersample writes the masks that `mask` makes, and k-space under them") {
  BUILT_PROGRAM_OR_SKIP();
  const data_set w;
  const auto u = w.json(
      "dataset undersample cine --set TestSet --pattern Uniform,ktGaussian,ktRadial,ktUniform "
      "--acceleration 4 --acs 8 --seed 11 --same-seed --kspace --as npy --out under");
  CHECK(u["files"] == 2);
  CHECK(u["outputs"] == 16);
  const std::string folder = std::string("under/Cine/TestSet/");
  const std::pair<const char*, const char*> patterns[] = {{"Uniform", "uniform"},
                                                          {"ktGaussian", "kt-gaussian"},
                                                          {"ktRadial", "kt-radial"},
                                                          {"ktUniform", "kt-uniform"}};
  for (const auto& p : patterns) {
    const char *const file = p.first, *const name = p.second;
    CAPTURE(file);
    REQUIRE(w.run(std::string("mask --pattern ") + name +
                  " --acceleration 4 --acs 8 --seed 11 --shape 3,32,40 --out m.npy")
                .code == 0);
    const auto mask =
        w.numbers(folder + "Mask_TaskAll/" + first + "cine_sax_mask_" + file + "4.npy");
    CHECK(mask == w.numbers("m.npy"));
    const auto k = io::read_npy(
        w / (folder + "UnderSample_TaskAll/" + first + "cine_sax_kus_" + file + "4.npy"));
    CHECK(k.shape == io::extents{nt, nz, nc, ny, nx});
    const auto values = k.values<complex<float>>();
    index_t wrong = 0;
    for (index_t i = 0; i < nt * nz * nc * ny * nx; ++i) {
      const index_t frame = i / (nz * nc * ny * nx), pixel = i % (ny * nx);
      const auto want = mask[static_cast<std::size_t>(frame * ny * nx + pixel)] != 0
                            ? w.kspace[static_cast<std::size_t>(i)]
                            : complex<float>{};
      wrong += !(values[static_cast<std::size_t>(i)] == want);
    }
    CHECK(wrong == 0);
  }
  // without --same-seed every file has a seed of its own, the same one each time
  const auto seeds = w.json(
      "dataset undersample cine --pattern ktGaussian --acceleration 4 --acs 8 --as npy --out s");
  const auto& made = seeds["measurements"];
  CHECK(made[0]["made"][0]["seed"] != made[1]["made"][0]["seed"]);
  for (const auto& m : made) {
    CHECK(m["made"][0]["seed"] >= 1);
    CHECK(m["made"][0]["seed"] <= 1000);
  }
}

TEST_CASE("the masks read back in Python with MATLAB's shapes") {
  BUILT_PROGRAM_OR_SKIP();
  if (!have_python("h5py, numpy")) return cardiomm_tests::report_skip("python3 with h5py");
  const data_set w;
  REQUIRE(w.run("dataset undersample cine --modality Cine --pattern ktGaussian --acceleration 8 "
                "--acs 8 --kspace --out cine")
              .code == 0);
  const auto o = w.shell(std::string("python3 -c \"import h5py; f = h5py.File('cine/Cine/TestSet/"
                                     "Mask_TaskAll/") +
                         first +
                         "cine_sax_mask_ktGaussian8.mat'); m = f['mask']; print(m.shape[::-1], "
                         "m.dtype, m.attrs['MATLAB_class'].decode(), m[()].min(), m[()].max())\"");
  CHECK(o.err == "");
  CHECK(o.out == "(40, 32, 3) float64 double 0.0 1.0\n");
  CHECK(w.json("dataset check cine")["failed"] == 0);  // the k-space fits its mask and full data
}

TEST_CASE(
    "export: images equal those of recon, spacing follows the table, the split is published") {
  BUILT_PROGRAM_OR_SKIP();
  const data_set w;
  REQUIRE(w.run("dataset undersample cine --pattern Uniform --acceleration 4 --acs 8 --out cine")
              .code == 0);
  const auto e = w.json("dataset export cine --what gtsos,zfsos,training --as mat,nii,png --out o");
  CHECK(e["failed"] == 0);
  const std::string kspace = std::string("cine/Cine/TestSet/FullSample/") + first + "cine_sax.npy";
  REQUIRE(w.run("recon --method rss --kspace " + kspace + " --out rss.npy").code == 0);
  const std::string in = std::string("o/Cine/TestSet/");
  REQUIRE(w.run("convert " + in + "GTSOS/" + first + "cine_sax.mat gt.npy").code == 0);
  const auto a = w.numbers("gt.npy"), b = w.numbers("rss.npy");
  REQUIRE(a.size() == b.size());
  double most = 0, error = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    most = std::max(most, b[i]);
    error = std::max(error, std::abs(a[i] - b[i]));
  }
  CHECK(error < 1e-6 * most);
  const std::string nii = io::read_text(w / (in + "GTSOS_NII/" + first + "cine_sax.nii.gz"));
  float zooms[8];
  std::int16_t dim[8];
  std::memcpy(zooms, nii.data() + 76, sizeof zooms);
  std::memcpy(dim, nii.data() + 40, sizeof dim);
  CHECK(dim[1] == nx);
  CHECK(dim[2] == ny);
  CHECK(dim[3] == nz);
  CHECK(dim[4] == nt);
  CHECK(zooms[1] == 2.0f);  // 360 / 180
  CHECK(zooms[2] == 1.5f);  // 300 / 200
  CHECK(zooms[3] == 6.0f);
  CHECK(zooms[4] == 0.04f);  // 40 ms
  CHECK(fs::exists(w.path() / (in + "GTSOS_PNG/" + first + "cine_sax_2_3.png")));
  CHECK(fs::exists(w.path() / (in + "ZFSOS_TaskAll/" + first + "cine_sax_mask_Uniform4.mat")));
  CHECK(slurp(w / "o/split.csv") ==
        std::string("Modality,Part,Number,Patient\nCine,train,P0001,Cine/TestSet/") +
            "Center001/Siemens_30T_Vida/P001\nCine,train,P0002,Cine/TestSet/"
            "Center007/UIH_055T_umr670/P002\nLGE,train,P0001,LGE/TrainingSet/"
            "Center001/Siemens_30T_Vida/P001\n");
  CHECK(fs::exists(w.path() / "o/Cine/train/P0002/cine_lax.h5"));
  if (!have_python("h5py, numpy")) return cardiomm_tests::report_skip("python3 with h5py");
  const auto o = w.shell(
      "python3 -c \"import h5py, numpy as np; f = h5py.File('o/Cine/train/P0001/cine_sax.h5'); k = "
      "np.load('ph/kspace.npy'); print(f['kspace'].shape, f['kspace'].dtype, "
      "(f['kspace'][()] == k.reshape(6,3,32,40).swapaxes(2,3)).all(), "
      "abs(f['reconstruction_rss'][()].max() - f.attrs['max']) < 1e-6, f.attrs['vendor'], "
      "f.attrs['field'], f.attrs['view'], f.attrs['medcon'], list(f.attrs['recon_size']) == "
      "[40, 32, 1])\"");
  CHECK(o.err == "");
  CHECK(o.out == "(6, 3, 40, 32) complex64 True True Siemens 3.0T short-axis unknown True\n");
}

TEST_CASE("a run that was killed goes on, and ends with the same bytes") {
  BUILT_PROGRAM_OR_SKIP();
  const data_set w;
  REQUIRE(w.run("dataset undersample cine --acceleration 4,8 --acs 8 --out cine").code == 0);
  const std::string work = "dataset export cine --what gtsos,zfsos,training --as mat,nii,png";
  REQUIRE(w.run(work + " --out whole").code == 0);
  for (const char* when : {"0.1", "0.25", "0.4", "0.6"})
    w.shell("timeout -s KILL " + std::string(when) + " CARDIOMM " + work +
            " --out killed --jobs 1");
  const auto last = w.json(work + " --out killed");
  CHECK(last["failed"] == 0);
  CHECK(w.all_bytes("killed") == w.all_bytes("whole"));
  const auto again = w.json(work + " --out killed");
  CHECK(again["skipped"] == 3);
  CHECK(again["done"] == 0);
  // an output that was changed meanwhile is made again
  const std::string file = w / (std::string("killed/Cine/TestSet/GTSOS/") + first + "cine_sax.mat");
  spit(file, slurp(file) + "x");
  CHECK(w.json(work + " --out killed")["done"] == 1);
  std::string bytes = slurp(file);
  bytes[200] = static_cast<char>(bytes[200] ^ 1);
  spit(file, bytes);
  CHECK(w.json(work + " --out killed --verify")["done"] == 1);
  CHECK(w.all_bytes("killed") == w.all_bytes("whole"));
}

TEST_CASE("bad files are listed at the end; the others are done") {
  BUILT_PROGRAM_OR_SKIP();
  const data_set w;
  const std::string full = "cine/Cine/TestSet/FullSample/";
  const std::string good = slurp(w / (full + first + "cine_sax.npy"));
  const auto add = [&](const char* patient, const std::string& bytes, const char* name) {
    const std::string place = full + "Center001/Siemens_30T_Vida/" + patient + "/";
    fs::create_directories(w.path() / place);
    spit(w / (place + name), bytes);
  };
  add("P010", good.substr(0, good.size() / 2), "cine_sax.npy");
  add("P011", "this is no MATLAB file\n", "cine_sax.mat");
  std::string nan = good;
  const float bad = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(nan.data() + nan.size() - 800, &bad, 4);
  add("P012", nan, "cine_sax.npy");
  std::string coil = good;  // the second coil is silent
  const std::size_t head = good.size() - nt * nz * nc * ny * nx * 8, plane = ny * nx * 8;
  for (std::size_t i = 0; i < std::size_t(nt * nz); ++i)
    std::fill_n(coil.begin() + static_cast<std::ptrdiff_t>(head + (i * nc + 1) * plane), plane,
                '\0');
  add("P013", coil, "cine_sax.npy");
  std::string moved = good;  // DC in the corner, as without fftshift
  for (std::size_t i = 0; i < std::size_t(nt * nz * nc); ++i)
    for (std::size_t y = 0; y < ny; ++y)
      for (std::size_t x = 0; x < nx; ++x)
        std::memcpy(
            moved.data() + head + i * plane + (y * nx + x) * 8,
            good.data() + head + i * plane + ((y + ny / 2) % ny * nx + (x + nx / 2) % nx) * 8, 8);
  add("P014", moved, "cine_sax.npy");
  fs::create_directories(w.path() / "cine/Cine/TestSet/Mask_TaskAll" / first);
  REQUIRE(
      w.run("mask --pattern uniform --acceleration 4 --acs 8 --shape 3,30,40 --out m.npy").code ==
      0);
  fs::copy_file(w.path() / "m.npy",
                w.path() / "cine/Cine/TestSet/Mask_TaskAll" / first / "cine_sax_mask_Uniform4.npy");

  const auto check = w.run("dataset check cine --jobs 2");
  CHECK(check.code == 2);
  CHECK(check.err.find("6 of 8 files failed") != std::string::npos);
  const auto j = w.run("dataset check cine --json");
  CHECK(j.code == 2);
  const auto report = nlohmann::json::parse(j.out);
  CHECK(report["failed"] == 6);
  const auto error = [&](const std::string& file) {
    for (const auto& e : report["errors"])
      if (e["file"].get<std::string>().find(file) != std::string::npos)
        return e["error"].get<std::string>();
    return std::string("none");
  };
  CHECK(error("P010").find("expected") != std::string::npos);
  CHECK(error("P011") != "none");
  CHECK(error("P012").find("NaN") != std::string::npos);
  CHECK(error("P013").find("(coil 1)") != std::string::npos);
  CHECK(error("P014").find("not shifted") != std::string::npos);
  CHECK(error("cine_sax_mask_Uniform4").find("mask: expected") != std::string::npos);
  for (const auto& e : report["errors"])
    CHECK(e["error"].get<std::string>().find('\n') == std::string::npos);

  const auto e = w.run("dataset export cine --out o --json");
  CHECK(e.code == 2);
  const auto done = nlohmann::json::parse(e.out);
  CHECK(done["failed"] == 3);  // half a file, text, NaN
  CHECK(done["done"] == 5);
  CHECK(fs::exists(w.path() / "o/Cine/TestSet/GTSOS" / first / "cine_sax.mat"));
  for (const auto& f : fs::recursive_directory_iterator(w.path() / "o"))
    CHECK(f.path().extension() != ".part");
}

TEST_CASE("a journal remembers what was checked") {
  BUILT_PROGRAM_OR_SKIP();
  const data_set w;
  CHECK(w.json("dataset check cine --journal c.jsonl")["done"] == 3);
  CHECK(w.json("dataset check cine --journal c.jsonl")["skipped"] == 3);
  const std::string file =
      w / (std::string("cine/Cine/TestSet/FullSample/") + first + "cine_sax.npy");
  spit(file, slurp(file) + "more");
  const auto o = w.run("dataset check cine --journal c.jsonl");
  CHECK(o.out.find("2 of 3 are done already") != std::string::npos);
}

TEST_CASE("the reference image of a real slice") {
  BUILT_PROGRAM_OR_SKIP();
  SHARED_OR_SKIP(lines, "data/cmrxrecon2025_slice_10ch/lines.npy");
  SHARED_OR_SKIP(index, "data/cmrxrecon2025_slice_10ch/line_index.npy");
  SHARED_OR_SKIP(wanted, "data/cmrxrecon2025_slice_10ch/rss_zero_filled.npy");
  const workplace w;
  constexpr index_t coils = 10, rows = 162, columns = 448;
  const auto values = io::read_npy(lines).values<complex<float>>();
  const auto at = io::read_npy(index).values<std::int32_t>();
  const auto k = cardiomm::zeros<complex<float>>(cardiomm::host_space(),
                                                 cardiomm::shape{coils, rows, columns});
  for (index_t c = 0; c < coils; ++c)
    for (std::size_t l = 0; l < at.size(); ++l)
      std::copy_n(values.data() + (static_cast<std::size_t>(c) * at.size() + l) * columns, columns,
                  k.data() + (c * rows + at[l]) * columns);
  fs::create_directories(w.path() / "real");
  io::write_npy(w / "real/cine_sax.npy", k);
  CHECK(w.json("dataset check real")["failed"] == 0);
  REQUIRE(w.run("dataset export real --out o").code == 0);
  REQUIRE(w.run("convert o/GTSOS/cine_sax.mat o.npy").code == 0);
  const auto a = io::read_npy(w / "o.npy").values<double>();
  const auto b = io::read_npy(wanted).values<double>();
  REQUIRE(a.size() == b.size());
  double most = 0, error = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    most = std::max(most, b[i]);
    error = std::max(error, std::abs(a[i] - b[i]));
  }
  CHECK(error < 2e-6 * most);
}

TEST_CASE("plain folders: results beside the data never replace them; a single coil; --axes") {
  BUILT_PROGRAM_OR_SKIP();
  const data_set w;
  fs::create_directories(w.path() / "plain");
  fs::copy_file(w.path() / "ph/kspace.npy", w.path() / "plain/scan.npy");
  const std::string before = slurp(w / "plain/scan.npy");
  REQUIRE(w.run("dataset undersample plain --pattern Uniform --acceleration 4 --acs 8 --kspace "
                "--as npy --out plain")
              .code == 0);
  const auto e = w.json("dataset export plain --what gtsos,zfsos --as mat,png --out plain");
  CHECK(e["failed"] == 0);
  CHECK(slurp(w / "plain/scan.npy") == before);
  CHECK(fs::exists(w.path() / "plain/GTSOS/scan.mat"));
  CHECK(fs::exists(w.path() / "plain/ZFSOS_TaskAll/scan_mask_Uniform4.mat"));
  const auto s = w.json("dataset scan plain");
  CHECK(s["measurements"] == 1);
  CHECK(s["masks"] == 1);
  CHECK(s["problems"].empty());
  CHECK(w.json("dataset check plain")["failed"] == 0);

  const auto plane =
      cardiomm::zeros<complex<float>>(cardiomm::host_space(), cardiomm::shape{nt, nz, ny, nx});
  for (index_t i = 0; i < nt * nz * ny * nx; ++i) {
    const index_t image = i / (ny * nx);
    plane.data()[i] = w.kspace[static_cast<std::size_t>(image * nc * ny * nx + i % (ny * nx))];
  }
  const std::string single = "s/SingleCoil/Cine/TrainingSet/FullSample/P001";
  fs::create_directories(w.path() / single);
  io::write_npy(w / (single + "/cine_sax.npy"), plane);
  const auto one = w.json("dataset stats s");
  CHECK(one["all"]["shapes"]["(3, 2, 1, 32, 40)"] == 1);
  REQUIRE(w.run("dataset undersample s --pattern Uniform --acceleration 4 --acs 8 --as npy --out s")
              .code == 0);
  CHECK(fs::exists(w.path() / "s/SingleCoil/Cine/TrainingSet/AccFactor04/P001/cine_sax_mask.npy"));
  CHECK(w.json("dataset check s")["failed"] == 0);

  fs::create_directories(w.path() / "turned");
  io::write_npy(w / "turned/scan.npy", plane);
  CHECK(w.json("dataset stats turned --axes frame,coil,y,x")["all"]["coils"]["max"] == nz);
  CHECK(w.json("dataset stats turned --axes coil,frame,x,y")["all"]["ny"]["max"] == nx);
}

TEST_CASE("wrong options end with one line") {
  BUILT_PROGRAM_OR_SKIP();
  const data_set w;
  const std::pair<const char*, const char*> cases[] = {
      {"dataset scan nothing", "found nothing"},
      {"dataset scan ph/maps.npy", "found a file"},
      {"dataset scan cine --modality Aorta", "none of them"},
      {"dataset export cine --what pictures --out o", "gtsos, zfsos or training"},
      {"dataset export cine --as jpg --out o", "mat, nii or png"},
      {"dataset export cine --what zfsos --out o", "expected masks"},
      {"dataset undersample cine --pattern spiral --out o", "expected uniform"},
      {"dataset undersample cine --as csv --out o", "mat, mat5 or npy"},
      {"dataset undersample cine --acceleration 0 --out o", "1 to 300"},
      {"dataset undersample cine --no-mask --out o", "--kspace"},
      {"dataset check cine --axes a,b", "--axes: expected names"}};
  for (const auto& c : cases) {
    const char *const command = c.first, *const text = c.second;
    CAPTURE(command);
    const auto o = w.run(command);
    CHECK(o.code == 2);
    CHECK(o.err.find(text) != std::string::npos);
    CHECK(std::count(o.err.begin(), o.err.end(), '\n') == 1);
    CHECK_FALSE(fs::exists(w.path() / "o"));
  }
  const auto wide = w.run("dataset undersample cine --acs 99 --out o");
  CHECK(wide.code == 2);
  CHECK(wide.out.find("acs: expected 0 to 32") != std::string::npos);
}
