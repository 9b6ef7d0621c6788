// SPDX-License-Identifier: Apache-2.0
/// \file
/// The built program from phantom to picture: what its contract promises.

#include <doctest/doctest.h>

#include "cardiomm/io/cfl.hpp"
#include "cardiomm/io/image.hpp"
#include "cardiomm/io/npy.hpp"
#include "cardiomm/io/safetensors.hpp"
#include "program/run.hpp"

namespace io = cardiomm::io;
using cardiomm::complex;
using cardiomm_tests::slurp;
using cardiomm_tests::spit;
using cardiomm_tests::workplace;

namespace {
io::array read(const workplace& w, const std::string& name) { return io::read_npy(w / name); }

double distance(const io::array& a, const io::array& b) {
  const auto x = a.values<complex<double>>(), y = b.values<complex<double>>();
  REQUIRE(x.size() == y.size());
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    difference += cardiomm::abs2(complex<double>(x[i] - y[i]));
    size += cardiomm::abs2(y[i]);
  }
  return std::sqrt(difference / size);
}

/// A small phantom "p" and a mask "m.npy" for it.
void prepare(const workplace& w, const std::string& shape = "40,56") {
  REQUIRE(w.run("phantom --coils 4 --frames 3 --slices 1 --shape " + shape +
                " --snr 40 --seed 3 --out p")
              .code == 0);
  REQUIRE(w.run("mask --pattern kt-gaussian --acceleration 3 --acs 12 --shape 3," + shape +
                " --seed 1 --out m.npy")
              .code == 0);
}
}  // namespace

TEST_CASE("phantom writes five files that fit each other") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  const auto j = w.json("phantom --coils 4 --frames 3 --slices 2 --shape 40,56 --out a/b");
  CHECK(read(w, "a/b/kspace.npy").shape == io::extents{3, 2, 4, 40, 56});
  CHECK(read(w, "a/b/kspace.npy").type == io::dtype::c64);
  CHECK(read(w, "a/b/maps.npy").shape == io::extents{2, 4, 40, 56});
  CHECK(read(w, "a/b/image.npy").shape == io::extents{3, 2, 40, 56});
  CHECK(read(w, "a/b/labels.npy").shape == io::extents{3, 2, 40, 56});
  CHECK(read(w, "a/b/labels.npy").type == io::dtype::u8);
  const auto truth = nlohmann::json::parse(slurp(w / "a/b/truth.json"));
  CHECK(truth == j["truth"]);
  CHECK(truth["lv"]["volume_ml"].size() == 3);
  const double edv = truth["lv"]["edv_ml"], esv = truth["lv"]["esv_ml"];
  CHECK(truth["lv"]["ef_percent"].get<double>() == doctest::Approx(100 * (edv - esv) / edv));
  CHECK(truth["spacing_mm"]["y"].get<double>() > 0);
  // the same seed gives the same numbers, another one does not
  REQUIRE(w.run("phantom --coils 4 --frames 3 --slices 2 --shape 40,56 --out c").code == 0);
  CHECK(slurp(w / "c/kspace.npy") == slurp(w / "a/b/kspace.npy"));
  REQUIRE(w.run("phantom --coils 4 --frames 3 --slices 2 --shape 40,56 --seed 2 --out c").code ==
          0);
  CHECK(slurp(w / "c/kspace.npy") != slurp(w / "a/b/kspace.npy"));
  CHECK(slurp(w / "c/labels.npy") == slurp(w / "a/b/labels.npy"));
}

TEST_CASE("masks are reproducible and say what they are") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  for (const char* pattern : {"uniform", "kt-uniform", "kt-gaussian", "kt-radial"}) {
    const auto j = w.json(std::string("mask --acceleration 4 --acs 8 --shape 7,32,31 --out m.npy "
                                      "--pattern ") +
                          pattern);
    const auto mask = read(w, "m.npy");
    CHECK(mask.type == io::dtype::u8);
    CHECK(mask.shape == io::extents{7, 32, 31});
    double samples = 0;
    for (const double v : mask.values<double>()) samples += v;
    CHECK(j["net_acceleration"].get<double>() == doctest::Approx(7 * 32 * 31 / samples));
  }
  // spec/undersampling.md A.8: lines of kt-uniform, 31 lines, 7 frames, R 4, intended and released
  const auto lines = [&](const std::string& options) {
    REQUIRE(w.run("mask --pattern kt-uniform --acceleration 4 --acs 8 --shape 7,31,2 --out m.npy" +
                  options)
                .code == 0);
    const auto v = read(w, "m.npy").values<int>();
    std::vector<int> counts(7, 0);
    for (std::size_t i = 0; i < v.size(); i += 2) counts[i / 62] += v[i];
    return counts;
  };
  CHECK(lines("") == std::vector<int>{14, 14, 14, 13, 14, 14, 14});
  CHECK(lines(" --compat released") == std::vector<int>{15, 14, 13, 13, 15, 14, 10});
}

TEST_CASE("from k-space to scores") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  prepare(w);
  REQUIRE(w.run("maps --kspace p/kspace.npy --calib 24 --out s.npy").code == 0);
  CHECK(read(w, "s.npy").shape == io::extents{1, 4, 40, 56});
  CHECK(read(w, "s.npy").type == io::dtype::c64);
  const std::string data = " --kspace p/kspace.npy --mask m.npy --maps s.npy ";
  const auto j =
      w.json("recon --method sense" + data + "--lambda 0.001 --iterations 20 --out x.npy");
  CHECK(j["iterations"] == 20);
  CHECK(j["seconds"]["total"].get<double>() > 0);
  CHECK(j["shape"] == nlohmann::json({3, 1, 40, 56}));
  CHECK(read(w, "x.npy").type == io::dtype::c64);
  CHECK(read(w, "x.npy").shape == io::extents{3, 1, 40, 56});
  REQUIRE(w.run("recon --method zf" + data + "--out z.npy").code == 0);
  CHECK(read(w, "z.npy").type == io::dtype::c64);
  REQUIRE(w.run("recon --method rss --kspace p/kspace.npy --mask m.npy --out r.npy").code == 0);
  CHECK(read(w, "r.npy").type == io::dtype::f32);
  CHECK(read(w, "r.npy").shape == io::extents{3, 1, 40, 56});

  const auto score = [&](const char* image, const char* more = "") {
    return w.json(std::string("eval --reference p/image.npy --image ") + image + more);
  };
  const auto sense = score("x.npy"), zero_filled = score("z.npy");
  CHECK(sense["psnr"].get<double>() > zero_filled["psnr"].get<double>() + 3);
  CHECK(sense["nmse"].get<double>() < zero_filled["nmse"].get<double>() / 2);
  CHECK(sense["images"].size() == 3);
  double mean = 0;
  for (int f = 0; f < 3; ++f) {
    CHECK(sense["images"][f]["frame"] == f);
    CHECK(sense["images"][f]["slice"] == 0);
    mean += sense["images"][f]["ssim"].get<double>() / 3;
  }
  CHECK(sense["ssim"].get<double>() == doctest::Approx(mean));
  CHECK(score("x.npy", " --convention 2025") == sense);
  const auto text = w.run("eval --reference p/image.npy --image x.npy --json").out;
  CHECK(text.find("\"psnr\"") < text.find("\"images\""));  // the means come first, for scripts
  CHECK(score("x.npy", " --convention 2023")["psnr"] != sense["psnr"]);

  // double arithmetic agrees with float to its precision; the files stay complex64
  REQUIRE(w.run("recon --method sense" + data +
                "--lambda 0.001 --iterations 20 --precision double --out d.npy")
              .code == 0);
  CHECK(read(w, "d.npy").type == io::dtype::c64);
  CHECK(distance(read(w, "d.npy"), read(w, "x.npy")) < 1e-4);
  // what is left out is found: maps by ESPIRiT, mask from the zeros
  REQUIRE(w.run("recon --method sense --kspace p/kspace.npy --mask m.npy --lambda 0.001 "
                "--iterations 20 --out e.npy")
              .code == 0);
  CHECK(score("e.npy")["psnr"].get<double>() > zero_filled["psnr"].get<double>() + 2);
  const auto stopped = w.json("recon --method sense" + data +
                              "--lambda 0.1 --iterations 100 --tol 1e-2 --out t.npy");
  CHECK(stopped["converged"] == true);
  CHECK(stopped["iterations"].get<int>() < 30);
}

TEST_CASE("the order of the axes and the format do not matter") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  prepare(w);
  const std::string options = " --lambda 0.01 --iterations 8 ";
  REQUIRE(
      w.run("recon --kspace p/kspace.npy --maps p/maps.npy --mask m.npy" + options + "--out x5.npy")
          .code == 0);
  const auto reference = read(w, "x5.npy");
  // four axes: (frame, coil, y, x), the same bytes
  const auto k = read(w, "p/kspace.npy");
  io::write_npy(w / "k4.npy", io::array{k.type, {3, 4, 40, 56}, k.bytes});
  io::write_npy(w / "s3.npy", io::array{k.type, {4, 40, 56}, read(w, "p/maps.npy").bytes});
  REQUIRE(
      w.run("recon --kspace k4.npy --maps s3.npy --mask m.npy" + options + "--out x4.npy").code ==
      0);
  CHECK(read(w, "x4.npy").shape == io::extents{3, 40, 56});
  CHECK(read(w, "x4.npy").bytes == reference.bytes);
  // three axes in MATLAB's order, one frame
  const auto values = k.values<complex<float>>();
  io::array turned{k.type, {56, 40, 4}, std::vector<std::byte>(56 * 40 * 4 * 8)};
  io::permute(values.data(), {4, 40, 56}, {2, 1, 0},
              reinterpret_cast<complex<float>*>(turned.bytes.data()));
  io::write_npy(w / "k3.npy", turned);
  const auto m = read(w, "m.npy").values<std::uint8_t>();
  io::array line{io::dtype::boolean, {40}, std::vector<std::byte>(40)};
  for (std::size_t i = 0; i < 40; ++i) line.bytes[i] = std::byte(m[i * 56]);
  io::write_npy(w / "m1.npy", line);
  REQUIRE(w.run("recon --kspace k3.npy --axes x,y,coil --maps s3.npy --mask m1.npy" + options +
                "--out x3.npy")
              .code == 0);
  CHECK(read(w, "x3.npy").shape == io::extents{40, 56});
  auto first = reference;
  first.shape = {40, 56};
  first.bytes.resize(40 * 56 * 8);
  CHECK(distance(read(w, "x3.npy"), first) < 1e-6);
  // BART's files in and out
  REQUIRE(w.run("convert p/kspace.npy k.cfl").code == 0);
  REQUIRE(w.run("convert p/maps.npy s --as maps").code == 0);
  REQUIRE(w.run("convert m.npy m.cfl").code == 0);
  REQUIRE(w.run("recon --kspace k --maps s.hdr --mask m" + options + "--out xc.cfl").code == 0);
  REQUIRE(w.run("convert xc xc.npy").code == 0);
  CHECK(read(w, "xc.npy").shape == io::extents{3, 40, 56});
  CHECK(read(w, "xc.npy").bytes == reference.bytes);
  // a mask of lines instead of samples
  std::vector<float> lines;
  for (std::size_t i = 0; i < m.size(); i += 56) lines.push_back(m[i]);
  io::array lined{io::dtype::f32, {3, 40}, std::vector<std::byte>(3 * 40 * 4)};
  std::memcpy(lined.bytes.data(), lines.data(), lined.bytes.size());
  io::write_npy(w / "ml.npy", lined);
  REQUIRE(
      w.run("recon --kspace k4.npy --maps s3.npy --mask ml.npy" + options + "--out xl.npy").code ==
      0);
  CHECK(read(w, "xl.npy").bytes == reference.bytes);
}

TEST_CASE("a tie of masks asks for --axes, which settles it") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  REQUIRE(w.run("phantom --coils 2 --frames 16 --shape 16,16 --out p").code == 0);
  REQUIRE(w.run("mask --pattern kt-uniform --acceleration 2 --acs 8 --shape 16,16,16 --out m.npy")
              .code == 0);
  const auto m = read(w, "m.npy").values<std::uint8_t>();
  io::array lines{io::dtype::u8, {16, 16}, {}};
  for (std::size_t i = 0; i < m.size(); i += 16) lines.bytes.push_back(std::byte(m[i]));
  io::write_npy(w / "ml.npy", lines);
  const std::string command = "recon --kspace p/kspace.npy --maps p/maps.npy --iterations 3 ";
  const auto tie = w.run(command + "--mask ml.npy --out x.npy");
  CHECK(tie.code == 2);
  CHECK(tie.err.find("--axes") != std::string::npos);
  REQUIRE(w.run(command + "--mask ml.npy --axes frame,y --out x.npy").code == 0);
  REQUIRE(w.run(command + "--mask m.npy --out full.npy").code == 0);
  CHECK(read(w, "x.npy").bytes == read(w, "full.npy").bytes);
}

TEST_CASE("noise, compression, oversampling and scale") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  prepare(w, "40,64");
  const std::string command =
      "recon --kspace p/kspace.npy --mask m.npy --lambda 0 --iterations 15 --out ";
  // prewhitening undoes gains of the coils: coil 1 louder by 100, noise too
  auto k = read(w, "p/kspace.npy");
  auto* values = reinterpret_cast<complex<float>*>(k.bytes.data());
  for (std::size_t i = 0; i < 3 * 4 * 40 * 64; ++i)
    if (i / (40 * 64) % 4 == 1) values[i] *= 100.0f;
  io::write_npy(w / "loud.npy", k);
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  io::array noise{io::dtype::c64, {4, 5000}, std::vector<std::byte>(4 * 5000 * 8)};
  auto* n = reinterpret_cast<complex<float>*>(noise.bytes.data());
  for (std::size_t i = 0; i < 4 * 5000; ++i)
    n[i] = complex<float>(normal(random), normal(random)) * (i / 5000 == 1 ? 100.0f : 1.0f);
  io::write_npy(w / "noise.npy", noise);
  REQUIRE(w.run("recon --kspace loud.npy --mask m.npy --lambda 0 --iterations 15 --noise noise.npy "
                "--out white.npy")
              .code == 0);
  const auto score = [&](const std::string& image, const std::string& reference = "p/image.npy") {
    return w.json("eval --reference " + reference + " --image " + image)["psnr"].get<double>();
  };
  REQUIRE(w.run(command + "plain.npy").code == 0);
  CHECK(std::abs(score("white.npy") - score("plain.npy")) < 0.5);
  // three virtual coils carry nearly all of four smooth ones
  REQUIRE(w.run(command + "c3.npy --compress 3").code == 0);
  CHECK(score("c3.npy") > score("plain.npy") - 3);
  REQUIRE(w.run(command + "c4.npy --compress 4 --maps p/maps.npy").code == 0);
  REQUIRE(w.run(command + "m4.npy --maps p/maps.npy").code == 0);
  CHECK(distance(read(w, "c4.npy"), read(w, "m4.npy")) < 1e-4);  // a rotation of the coils
  // the readout's centre half; maps of the full or the cropped readout
  REQUIRE(w.run(command + "half.npy --crop-readout --maps p/maps.npy").code == 0);
  CHECK(read(w, "half.npy").shape == io::extents{3, 1, 40, 32});
  const auto whole = read(w, "m4.npy").values<complex<float>>();
  const auto half = read(w, "half.npy").values<complex<float>>();
  double error = 0, size = 0;
  for (std::size_t row = 0; row < 3 * 40; ++row)
    for (std::size_t i = 0; i < 32; ++i) {
      error += cardiomm::abs2(complex<float>(half[row * 32 + i] - whole[row * 64 + 16 + i]));
      size += cardiomm::abs2(whole[row * 64 + 16 + i]);
    }
  CHECK(std::sqrt(error / size) < 0.02);  // without regularisation readout columns are independent

  // with --scale the weight of the regularisation does not depend on units
  k = read(w, "p/kspace.npy");
  values = reinterpret_cast<complex<float>*>(k.bytes.data());
  for (std::size_t i = 0; i < k.bytes.size() / 8; ++i) values[i] *= 1024.0f;
  io::write_npy(w / "big.npy", k);
  const std::string scaled =
      " --mask m.npy --maps p/maps.npy --lambda 0.05 --iterations 10 --scale --out ";
  REQUIRE(w.run("recon --kspace big.npy" + scaled + "big_x.npy").code == 0);
  REQUIRE(w.run("recon --kspace p/kspace.npy" + scaled + "small_x.npy").code == 0);
  auto big = read(w, "big_x.npy");
  auto* b = reinterpret_cast<complex<float>*>(big.bytes.data());
  for (std::size_t i = 0; i < big.bytes.size() / 8; ++i) b[i] /= 1024.0f;
  CHECK(distance(big, read(w, "small_x.npy")) < 1e-5);
}

TEST_CASE("scores of our fixtures") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  const io::safetensors_file images(own_path("metrics/images.safetensors"));
  const auto expected = nlohmann::json::parse(slurp(own_path("metrics/expected.json")));
  for (const char* name : {"noise", "blur_scaled", "shift_bias"}) {
    io::write_npy(w / "r.npy", images.at(std::string(name) + ".gt").load());
    io::write_npy(w / "x.npy", images.at(std::string(name) + ".pred").load());
    const std::pair<int, const char*> conventions[] = {
        {2023, "maxval"}, {2024, "std"}, {2025, "percentile"}};
    for (const auto& [year, how] : conventions) {
      const auto j =
          w.json("eval --reference r.npy --image x.npy --convention " + std::to_string(year));
      const auto& e = expected[name]["float64"][how];
      CHECK(j["psnr"].get<double>() == doctest::Approx(e["psnr"].get<double>()).epsilon(1e-9));
      CHECK(j["ssim"].get<double>() == doctest::Approx(e["ssim"].get<double>()).epsilon(1e-9));
      CHECK(j["nmse"].get<double>() == doctest::Approx(e["nmse"].get<double>()).epsilon(1e-9));
    }
  }
}

TEST_CASE("pictures and animation") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  prepare(w);
  REQUIRE(w.run("convert p/image.npy a.png --columns 3").code == 0);
  const auto mosaic = io::read_png(w / "a.png");
  CHECK(mosaic.width == 3 * 57 - 1);
  CHECK(mosaic.height == 40);
  REQUIRE(w.run("convert p/image.npy --out f.png --frame 1 --window 0,1").code == 0);
  const auto frame = io::read_png(w / "f.png");
  const auto values = read(w, "p/image.npy").values<complex<double>>();
  for (int y = 0; y < 40; y += 7)
    for (int x = 0; x < 56; x += 5) {
      const double v =
          std::sqrt(cardiomm::abs2(values[static_cast<std::size_t>((40 + y) * 56 + x)]));
      CHECK(std::abs(frame.row(y)[x] - std::min(255.0, 255 * v)) <= 1);
    }
  REQUIRE(w.run("convert p/image.npy e.png --reference p/image.npy --gain 5").code == 0);
  for (const auto p : io::read_png(w / "e.png").pixels) CHECK((p == 0 || p == 64));
  REQUIRE(w.run("convert p/image.npy c.png --animate").code == 0);
  CHECK(slurp(w / "c.png").find("acTL") != std::string::npos);
  CHECK(io::read_png(w / "c.png").width == 56);
}

TEST_CASE("nothing is replaced by half, or against the user's will") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  prepare(w);
  spit(w / "x.npy", "precious");
  const std::string good = "recon --method rss --kspace p/kspace.npy --out x.npy";
  CHECK(w.run(good + " --no-clobber").code == 2);
  CHECK(slurp(w / "x.npy") == "precious");
  CHECK(w.run("recon --kspace p/kspace.npy --maps m.npy --out x.npy").code == 2);
  CHECK(slurp(w / "x.npy") == "precious");
  CHECK(w.count() == 3);
  CHECK(w.run(good).code == 0);
  CHECK(read(w, "x.npy").shape == io::extents{3, 1, 40, 56});
  CHECK(w.run("phantom --coils 4 --frames 3 --shape 40,56 --no-clobber --out p").code == 2);
  CHECK(w.run("mask --shape 1,32,32 --no-clobber --out new.npy").code == 0);
}

TEST_CASE("an interrupt ends the work with 130 and without output") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  REQUIRE(w.run("phantom --coils 8 --frames 8 --shape 128,160 --out p").code == 0);
  const auto o = w.shell(
      "CARDIOMM recon --kspace p/kspace.npy --maps p/maps.npy --iterations 1000000 --lambda 0 "
      "--out x.npy >log & pid=$!; "
      "while kill -0 $pid && ! grep -qs iteration log; do sleep 0.01; done; kill -INT $pid; "
      "wait $pid");
  CHECK(o.code == 130);
  CHECK(o.err == "cardiomm: error: interrupted\n");
  CHECK(slurp(w / "log").find("iteration") != std::string::npos);  // progress in plain lines
  CHECK(w.count() == 2);                                           // phantom and log
}

TEST_CASE("info tells about build and files") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  const auto j = w.json("info");
  CHECK(j["version"] == CARDIOMM_VERSION_STRING);
  CHECK(!j["kokkos"]["backends"].empty());
  CHECK(j["lanes"]["float"].get<int>() >= 1);
  CHECK(j["lanes"]["narrow"].get<bool>() ==
        (j["lanes"]["float"].get<int>() < j["lanes"]["processor"].get<int>()));
  CHECK(!j["fft"].get<std::string>().empty());
  CHECK(w.run("info").out.find("Kokkos") != std::string::npos);
  REQUIRE(w.run("mask --shape 2,16,12 --acs 4 --out m.npy").code == 0);
  CHECK(w.json("info m.npy")[0]["shape"] == nlohmann::json({2, 16, 12}));
  CHECK(w.json("info '" + own_path("metrics/images.safetensors") + "'")[0]["arrays"].size() == 8);
  CHECK(w.run("--help").code == 0);
  for (const char* command : {"phantom", "mask", "maps", "recon", "eval", "convert", "info"}) {
    const auto help = w.run(std::string(command) + " --help");
    CHECK(help.code == 0);
    CHECK(help.out.find("Examples:\n  cardiomm ") != std::string::npos);
    CHECK(help.out.find("--threads") != std::string::npos);
  }
}

TEST_CASE("the same image as BART's pics, maps and data from its own files") {
  BUILT_PROGRAM_OR_SKIP();
  PROGRAM_OR_SKIP("bart");
  SHARED_OR_SKIP(kspace, "data/brain_8ch/ksp.cfl");
  const workplace w;
  const std::string base = kspace.substr(0, kspace.size() - 4);
  // The data are about 1e13: one scale for both, so that lambda means the same.
  REQUIRE(w.shell("bart scale 1e-12 '" + base + "' k && bart ecalib -m1 k s").code == 0);
  REQUIRE(w.shell("bart pics -S -w1 -l2 -r 0.01 -i 20 k s b").code == 0);
  REQUIRE(
      w.run("recon --kspace k --maps s --lambda 0.01 --iterations 20 --joint --out x.cfl").code ==
      0);
  // -s: BART leaves out the constant phase of its centring, a sign for n = 2 modulo 4
  const auto o = w.shell("bart nrmse -s -t 0.0001 b x");  // the dimensions are equal too
  CHECK(o.code == 0);
}
