// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm run`: what it finds in folders, what it makes of them, and that a run which was killed
/// ends with the bytes of one that was not.

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <random>

#include "cardiomm/io/npy.hpp"
#include "cardiomm/io/safetensors.hpp"
#include "program/run.hpp"

namespace io = cardiomm::io;
namespace fs = std::filesystem;
using cardiomm::complex;
using cardiomm::index_t;
using cardiomm_tests::outcome;
using cardiomm_tests::slurp;
using cardiomm_tests::spit;
using cardiomm_tests::workplace;

namespace {

/// Every file below a folder, by its name there.
std::map<std::string, std::string> all_files(const fs::path& folder) {
  std::map<std::string, std::string> found;
  for (const auto& e : fs::recursive_directory_iterator(folder))
    if (e.is_regular_file()) found[fs::relative(e.path(), folder).string()] = slurp(e.path());
  return found;
}
std::string names(const std::map<std::string, std::string>& files) {
  std::string text;
  for (const auto& f : files) text += f.first + " ";
  return text;
}
void check_same(const fs::path& a, const fs::path& b) {
  const auto x = all_files(a), y = all_files(b);
  CHECK(names(x) == names(y));
  for (const auto& [name, bytes] : x) {
    CAPTURE(name);
    CHECK(y.count(name) == 1);
    if (y.count(name) == 1) CHECK((bytes == y.at(name)));
  }
}

io::array array_of(const io::extents& shape, const std::vector<complex<float>>& values) {
  io::array a;
  a.type = io::dtype::c64;
  a.shape = shape;
  a.bytes.resize(values.size() * sizeof values[0]);
  std::memcpy(a.bytes.data(), values.data(), a.bytes.size());
  return a;
}

struct pipeline : workplace {
  /// A small cine in FOLDER/kspace.npy, nothing else.
  void phantom(const std::string& folder, const std::string& frames = "4") const {
    REQUIRE(run("phantom --coils 4 --frames " + frames + " --shape 48,64 --out ph").code == 0);
    fs::create_directories(fs::path(*this / folder));
    fs::copy_file(*this / "ph/kspace.npy", *this / (folder + "/kspace.npy"),
                  fs::copy_options::overwrite_existing);
  }
  std::vector<float> image(const std::string& file) const {
    const auto a = io::read_npy(*this / file);
    if (!io::is_complex_type(a.type)) return a.values<float>();
    std::vector<float> v;
    for (const auto& z : a.values<complex<float>>()) v.push_back(std::hypot(z.real(), z.imag()));
    return v;
  }
  outcome good(const std::string& arguments) const {
    const outcome o = run(arguments);
    CAPTURE(arguments);
    CAPTURE(o.out);
    CAPTURE(o.err);
    REQUIRE(o.code == 0);
    return o;
  }
};

double difference(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double d = 0, n = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    d += (double(a[i]) - b[i]) * (double(a[i]) - b[i]);
    n += double(b[i]) * b[i];
  }
  return std::sqrt(d / n);
}

}  // namespace

TEST_CASE("a series that was measured in full: undersampled, reconstructed, scored, reported") {
  BUILT_PROGRAM_OR_SKIP();
  const pipeline w;
  w.phantom("d");
  const auto o = w.good("run d --method llr --iterations 10 --out r");
  CHECK(o.out.find("kspace.npy: k-space, read as (frame 4, coil 4, y 48, x 64)") !=
        std::string::npos);
  for (const char* name : {"report.html", "evaluation.html", "scores.csv", "scores.json",
                           "run.json", "kspace/image.npy", "kspace/image.nii.gz",
                           "kspace/image.png", "kspace/cine.png", "kspace/comparison.png",
                           "kspace/reference.npy", "kspace/zero_filled.npy", "kspace/mask.npy"}) {
    CAPTURE(name);
    CHECK(fs::file_size(w / ("r/" + std::string(name))) > 50);
  }
  // the reference is all of the data, and llr comes nearer to it than zeros do
  w.good("recon --method rss --kspace d/kspace.npy --out rss.npy");
  CHECK(slurp(w / "rss.npy") == slurp(w / "r/kspace/reference.npy"));
  const auto truth = w.image("rss.npy");
  CHECK(difference(w.image("r/kspace/image.npy"), truth) <
        0.7 * difference(w.image("r/kspace/zero_filled.npy"), truth));
  // the image is that of recon with the same options
  w.good(
      "recon --method llr --iterations 10 --scale --calib 20 --kspace d/kspace.npy --mask "
      "r/kspace/mask.npy --out llr.npy");
  CHECK(slurp(w / "llr.npy") == slurp(w / "r/kspace/image.npy"));
  // again: nothing is done; other options: what depends on them
  auto told = w.json("run d --method llr --iterations 10 --out r");
  CHECK(told["stages"]["made"] == 0);
  told = w.json("run d --method llr --iterations 11 --out r");
  CHECK(told["stages"]["made"] == 3);
  w.good("run d --method llr --iterations 11 --out fresh");
  check_same(w / "r", w / "fresh");
}

TEST_CASE("the same data in other orders, formats and with the centre elsewhere") {
  BUILT_PROGRAM_OR_SKIP();
  const pipeline w;
  w.phantom("d", "1");
  const auto k = io::read_npy(w / "d/kspace.npy").values<complex<float>>();
  constexpr index_t nc = 4, ny = 48, nx = 64;
  REQUIRE(k.size() == nc * ny * nx);
  std::vector<complex<float>> order(k.size()), corner(k.size()), under(k);
  for (index_t c = 0; c < nc; ++c)
    for (index_t y = 0; y < ny; ++y)
      for (index_t x = 0; x < nx; ++x) {
        const auto v = k[std::size_t((c * ny + y) * nx + x)];
        const bool on = y % 2 == 0 || std::abs(y - ny / 2) < 8;
        if (!on) under[std::size_t((c * ny + y) * nx + x)] = 0;
        order[std::size_t((x * ny + y) * nc + c)] = on ? v : complex<float>(0);
        corner[std::size_t((c * ny + (y + ny / 2) % ny) * nx + (x + nx / 2) % nx)] =
            on ? v : complex<float>(0);
      }
  for (const char* d : {"a", "b", "c", "e"}) fs::create_directories(fs::path(w / d));
  io::write_npy(w / "a/k.npy", array_of({nc, ny, nx}, under));
  io::write_npy(w / "b/k.npy", array_of({nx, ny, nc}, order));
  io::write_npy(w / "c/k.npy", array_of({nc, ny, nx}, corner));
  w.good("convert a/k.npy e/k.cfl --axes coil,y,x");
  for (const char* d : {"a", "b", "c", "e"}) {
    CAPTURE(d);
    const auto o = w.good(std::string("run ") + d + " --method sense --out r" + d);
    CAPTURE(o.out);
    CHECK(difference(w.image("r" + std::string(d) + "/k/image.npy"), w.image("ra/k/image.npy")) <
          1e-5);
  }
  // both formats in one folder are one case
  fs::copy_file(w / "a/k.npy", w / "e/other.npy");
  const auto plan = w.json("run e --dry-run --out nothing");
  CHECK(plan["cases"].size() == 1);
  CHECK(!fs::exists(w / "nothing"));
}

TEST_CASE("several cases, one of them broken; a noise scan") {
  BUILT_PROGRAM_OR_SKIP();
  const pipeline w;
  w.phantom("d/one", "1");
  w.phantom("d/two", "1");
  spit(w / "d/two/broken.npy", slurp(w / "ph/kspace.npy").substr(0, 5000));
  spit(w / "d/notes.txt", "text");
  std::mt19937 draw(3);
  std::normal_distribution<float> normal(0, 0.01f);
  std::vector<complex<float>> noise;
  for (int i = 0; i < 4 * 600; ++i) noise.emplace_back(normal(draw), normal(draw));
  io::write_npy(w / "d/one/noise.npy", array_of({4, 600}, noise));
  const auto o = w.run("run d --method sense --acceleration 2 --out r");
  CAPTURE(o.out);
  CHECK(o.code == 2);
  CHECK(o.err.find("broken.npy") != std::string::npos);
  CHECK(o.out.find("2 cases, 1 failed") != std::string::npos);
  w.good(
      "recon --method sense --calib 20 --noise d/one/noise.npy --kspace d/one/kspace.npy "
      "--mask r/one/kspace/mask.npy --out x.npy");
  CHECK(slurp(w / "x.npy") == slurp(w / "r/one/kspace/image.npy"));
  CHECK(fs::exists(w / "r/two/kspace/image.npy"));
  CHECK(fs::exists(w / "r/report.html"));
}

TEST_CASE("nothing to reconstruct, and what contradicts itself") {
  BUILT_PROGRAM_OR_SKIP();
  const pipeline w;
  fs::create_directories(fs::path(w / "d"));
  spit(w / "d/notes.txt", "text");
  const auto fails = [&](const std::string& arguments, const std::string& why) {
    const auto o = w.run(arguments);
    CAPTURE(arguments);
    CAPTURE(o.err);
    CHECK(o.code == 2);
    CHECK(o.err.find(why) != std::string::npos);
    CHECK(!fs::exists(w / "r"));
  };
  fails("run d --out r", "expected k-space");
  fails("run missing --out r", "expected a folder, found nothing");
  fails("run d --method none --out r", "--method: expected");
  fails("run d --method cardiomm --text-weights none --out r", "--text-weights: expected");
  fails("run d --out d", "--out: expected another folder");
  spit(w / "d/run.json", "{\"lamda\": 1}");
  fails("run d --out r", "found 'lamda'");
}

TEST_CASE("a run that is killed at ten random moments goes on, to the same bytes") {
  BUILT_PROGRAM_OR_SKIP();
  const pipeline w;
  w.phantom("d", "6");
  const std::string rest = "run d --method llr --iterations 40 --threads 1 --out ";
  const auto start = std::chrono::steady_clock::now();
  w.good(rest + "whole");
  const double took =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::mt19937 draw(11);
  int killed = 0;
  for (int i = 0; i < 10; ++i) {
    char delay[32];
    std::snprintf(delay, sizeof delay, "%.4f", took * double(draw() % 1000) / 1000);
    const auto o =
        w.shell("CARDIOMM " + rest + "r > log & p=$!; sleep " + delay + "; kill -KILL $p; wait $p");
    killed += o.code != 0 ? 1 : 0;
    if (i == 4) fs::remove_all(w / "r");  // half of them start anew
  }
  CHECK(killed > 0);
  w.good(rest + "r");
  check_same(w / "whole", w / "r");
}

TEST_CASE("an interrupt ends a run, which then goes on; two at once are refused") {
  BUILT_PROGRAM_OR_SKIP();
  const pipeline w;
  w.phantom("d", "8");
  const std::string rest = "run d --method llr --iterations 4000 --threads 1 --out ";
  const auto o = w.shell("CARDIOMM " + rest +
                         "r > log & p=$!; while kill -0 $p && ! grep -q reconstructing log; do "
                         "sleep 0.01; done; CARDIOMM " +
                         rest + "r > log2 2> err2; echo $? > code; kill -INT $p; wait $p");
  CHECK(slurp(w / "code") == "2\n");
  CHECK(slurp(w / "err2").find("another run is writing this folder") != std::string::npos);
  CHECK(o.code == 130);
  CHECK(o.err.find("the same command goes on") != std::string::npos);
}

TEST_CASE("outside data") {
  BUILT_PROGRAM_OR_SKIP();
  SHARED_OR_SKIP(cardiac, "data/cmrxrecon2025_slice_10ch");
  SHARED_OR_SKIP(frame, "data/cmrxrecon2024_cine_frame_1ch");
  SHARED_OR_SKIP(brain, "data/brain_8ch");
  SHARED_OR_SKIP(images, "data/brain_4ch_full");
  SHARED_OR_SKIP(maps, "data/coil_maps_32ch");
  const pipeline w;
  w.good("run '" + cardiac + "' --method sense --iterations 5 --out a");
  const auto zf = io::read_npy(cardiac + "/rss_zero_filled.npy").values<float>();
  CHECK(difference(w.image("a/underkslice/zero_filled.npy"), zf) < 1e-6);
  const auto f = w.json("run '" + frame + "' --method sense --iterations 5 --out b");
  CHECK(f["cases"].size() == 1);
  CHECK(fs::exists(w / "b/scores.csv"));
  const auto b = w.json("run '" + brain + "' --method llr --iterations 8 --out c");
  CHECK(b["cases"].size() == 2);
  CHECK(b["failed"].empty());
  const auto i = w.json("run '" + images + "' --method sense --iterations 5 --out e");
  CHECK(i["cases"].size() == 1);
  const auto none = w.run("run '" + maps + "' --method sense --out n");
  CHECK(none.code == 2);
  CHECK(none.err.find("sens.npy (coil maps)") != std::string::npos);
}

TEST_CASE("outside data: spokes, raw files, the network") {
  BUILT_PROGRAM_OR_SKIP();
  SHARED_OR_SKIP(radial, "data/radial_cardiac_12ch");
  SHARED_OR_SKIP(raw, "data/ismrmrd_samples");
  SHARED_OR_SKIP(tiny, "fixtures/cardiomm_tiny_1d");
  const pipeline w;
  const auto s = w.json("run '" + radial + "' --method sense --iterations 5 --out a");
  CHECK(s["cases"].size() == 1);
  CHECK(s["failed"].empty());
  const auto r = w.json("run '" + raw + "' --method sense --iterations 5 --out b");
  CHECK(r["cases"].size() == 3);
  CHECK(r["failed"].empty());
  const io::safetensors_file file(tiny + "/io.safetensors");
  const auto cut = [&](const char* name) {
    auto a = file.at(name).load();
    a.shape = {1, 1, 16};
    a.bytes.resize(16 * io::size_of(a.type));
    return a;
  };
  io::write_safetensors(w / "e.safetensors", {{"lm_embd_adapt", cut("in.lm_embd_adapt")},
                                              {"lm_embd_adapt2", cut("in.lm_embd_adapt2")}});
  const auto n = w.json("run '" + raw + "' --only siemens_phantom_r3_14ch --method cardiomm " +
                        "--weights '" + tiny +
                        "/weights.safetensors' --embedding e.safetensors "
                        "--compress 4 --out c");
  CHECK(n["cases"].size() == 1);
}
