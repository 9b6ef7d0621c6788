// SPDX-License-Identifier: Apache-2.0
/// \file
/// `recon --dry-run`: the memory that it tells is what the run takes, and it leaves nothing behind.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "cardiomm/io/npy.hpp"
#include "program/run.hpp"

namespace io = cardiomm::io;
using cardiomm::complex;
using cardiomm_tests::workplace;

namespace {

/// The largest resident set of a run of the program, in bytes; negative where it fails.
double peak_of(const workplace& w, const std::string& arguments) {
  const std::string command = std::string("exec '") + workplace::program() + "' " + arguments;
  const pid_t child = ::fork();
  if (child == 0) {
    const int null = ::open("/dev/null", O_WRONLY);
    ::dup2(null, STDOUT_FILENO);
    if (::chdir(w.path().c_str()) == 0) ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  struct rusage used {};
  if (::wait4(child, &status, 0, &used) != child) return -1;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 1024.0 * double(used.ru_maxrss) : -1;
}

}  // namespace

TEST_CASE("the forecast of memory is the memory that the run takes") {
  BUILT_PROGRAM_OR_SKIP();
#if defined(__SANITIZE_ADDRESS__)
  return;  // the sanitizer's own memory is several times ours
#endif
  const workplace w;
  REQUIRE(w.run("phantom --coils 10 --frames 10 --slices 2 --shape 96,160 --out p").code == 0);
  REQUIRE(w.run("phantom --coils 4 --frames 1 --slices 1 --shape 32,40 --out tiny").code == 0);
  REQUIRE(
      w.run("mask --pattern kt-gaussian --acceleration 4 --acs 24 --shape 10,96,160 --out m.npy")
          .code == 0);
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  io::array noise{io::dtype::c64, {10, 2000}, std::vector<std::byte>(10 * 2000 * 8)};
  auto* n = reinterpret_cast<complex<float>*>(noise.bytes.data());
  for (std::size_t i = 0; i < 10 * 2000; ++i) n[i] = complex<float>(normal(random), normal(random));
  io::write_npy(w / "n.npy", noise);
  const std::string data = "--kspace p/kspace.npy --mask m.npy --iterations 4 ";
  for (const std::string& options : {
           data + "--method zf",
           data + "--method rss",
           data + "--method sense",
           data + "--method sense --maps p/maps.npy",
           data + "--method sense --joint --precision double --maps p/maps.npy",
           data + "--method sense --noise n.npy --compress 4",
           data + "--method sense --crop-readout --threads 1 --scale",
           std::string("--kspace p/kspace.npy --method rss --compress 2 --precision double"),
           std::string("--kspace tiny/kspace.npy --method sense --maps tiny/maps.npy"),
       }) {
    CAPTURE(options);
    const auto told = w.json("recon --dry-run --out x.npy " + options);
    const double real = peak_of(w, "recon --out y.npy " + options);
    REQUIRE(real > 0);
    const double expected = told["bytes"]["peak"];
    CAPTURE(told.dump());
    CAPTURE(real);
    CHECK(expected < 1.2 * real);
    CHECK(expected > 0.8 * real);
    double sum = 0;
    for (const auto& [part, bytes] : told["bytes"].items())
      if (part != "peak") sum += bytes.get<double>();
    CHECK(sum == doctest::Approx(expected));
    CHECK(told["bytes"]["kspace"].get<double>() > 0);
    CHECK(told["seconds"]["total"].get<double>() > 0);
    CHECK(told["available_bytes"].get<double>() > 0);
  }
}

TEST_CASE("a dry run checks what a run checks, and writes nothing") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  REQUIRE(w.run("phantom --coils 3 --frames 2 --shape 24,32 --out p").code == 0);
  const std::string command = "recon --dry-run --kspace p/kspace.npy ";
  const auto text = w.run(command + "--out x.npy");
  CHECK(text.code == 0);
  CHECK(text.err == "");
  CHECK(text.out.find("k-space") != std::string::npos);
  CHECK(text.out.find("peak") != std::string::npos);
  for (const char* wrong :
       {"--out x.npy --method magic", "--out x.npy --calib 60", "--out x.npy --compress 4",
        "--out none/x.npy", "--out x.npy --mask p/labels.npy", "--out x.npy --noise p/image.npy",
        "--out p/image.npy --no-clobber", "--out x.tiff"}) {
    CAPTURE(wrong);
    const auto o = w.run(command + wrong);
    CHECK(o.code == 2);
    CHECK(o.err.find("cardiomm: error: ") == 0);
    CHECK(w.run("recon --kspace p/kspace.npy " + std::string(wrong)).err == o.err);
  }
  CHECK(w.count() == 1);
  // headers alone decide: a file that is all holes and larger than any memory is no trouble
  const auto header = io::npy_header(io::dtype::c64, {4000, 100, 1024, 1024});
  cardiomm_tests::spit(w / "huge.npy", header);
  std::filesystem::resize_file(w / "huge.npy",
                               header.size() + 8ull * 4000 * 100 * 1024 * 1024);  // 3.4 TB
  const auto o = w.run("recon --dry-run --kspace huge.npy --out x.npy --json");
  CHECK(o.code == 0);
  const auto j = nlohmann::json::parse(o.out);
  CHECK(j["bytes"]["peak"].get<double>() > 8.0 * 4000 * 100 * 1024 * 1024);
  // the same line warns at the start of a real run
  CHECK(o.err.find("cardiomm: warning: the run needs ") == 0);
  CHECK(o.err.find("available") != std::string::npos);
}
