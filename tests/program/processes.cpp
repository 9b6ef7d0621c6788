// SPDX-License-Identifier: Apache-2.0
/// \file
/// `mpirun -n N cardiomm recon`: the same files as one process writes, and nothing left behind when
/// one of the processes fails or dies.

#include <doctest/doctest.h>

#include "cardiomm/io/npy.hpp"
#include "program/run.hpp"

namespace io = cardiomm::io;
using cardiomm::complex;
using cardiomm::index_t;
using cardiomm_tests::slurp;
using cardiomm_tests::workplace;

namespace {

const char* launcher() { return std::getenv("CARDIOMM_MPIRUN"); }

#define LAUNCHER_OR_SKIP()                       \
  BUILT_PROGRAM_OR_SKIP();                       \
  if (launcher() == nullptr) {                   \
    cardiomm_tests::report_skip("MPI launcher"); \
    return;                                      \
  }

std::string processes(int n, const std::string& arguments) {
  return std::string(launcher()) + " -n " + std::to_string(n) + " CARDIOMM " + arguments;
}

/// A phantom "p", a mask of lines "m.npy", one of single samples "r.npy", and noise "n.npy".
void prepare(const workplace& w, int frames, int slices, const std::string& shape) {
  const std::string f = std::to_string(frames);
  REQUIRE(w.run("phantom --coils 4 --frames " + f + " --slices " + std::to_string(slices) +
                " --shape " + shape + " --snr 40 --seed 3 --out p")
              .code == 0);
  REQUIRE(w.run("mask --pattern kt-gaussian --acceleration 3 --acs 12 --shape " + f + "," + shape +
                " --seed 1 --out m.npy")
              .code == 0);
  REQUIRE(w.run("mask --pattern kt-radial --acceleration 3 --acs 12 --shape " + f + "," + shape +
                " --seed 1 --out r.npy")
              .code == 0);
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  io::array noise{io::dtype::c64, {4, 300}, std::vector<std::byte>(4 * 300 * 8)};
  auto* n = reinterpret_cast<complex<float>*>(noise.bytes.data());
  for (std::size_t i = 0; i < 4 * 300; ++i) n[i] = complex<float>(normal(random), normal(random));
  io::write_npy(w / "n.npy", noise);
}

/// A mask "u.npy" whose frames differ as much as they can: all lines, few lines, single samples,
/// none, and few lines again.
void prepare_mixed(const workplace& w, index_t ny, index_t nx) {
  io::array mask{io::dtype::u8, {5, ny, nx}, std::vector<std::byte>(std::size_t(5 * ny * nx))};
  for (index_t f = 0; f < 5; ++f)
    for (index_t y = 0; y < ny; ++y)
      for (index_t x = 0; x < nx; ++x) {
        const bool centre = std::abs(y - ny / 2) < 6;
        const bool here = f == 0   ? true
                          : f == 3 ? false
                          : f == 2 ? centre || (x + 3 * y) % 4 == 0
                                   : centre || y % 10 == f;
        mask.bytes[std::size_t((f * ny + y) * nx + x)] = std::byte(here);
      }
  io::write_npy(w / "u.npy", mask);
}

/// Largest difference, relative to the largest value.
double difference(const io::array& a, const io::array& b) {
  const auto x = a.values<complex<double>>(), y = b.values<complex<double>>();
  REQUIRE(x.size() == y.size());
  double worst = 0, top = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    worst = std::max(worst, cardiomm::abs2(complex<double>(x[i] - y[i])));
    top = std::max(top, cardiomm::abs2(y[i]));
  }
  return std::sqrt(worst / top);
}

/// Waits until process number `rank` runs and kills it. $launcher is the launcher's process.
std::string kill_one(int rank, const std::string& signal) {
  return "victim=; for i in $(seq 3000); do for p in $(pgrep -P $launcher); do "
         "grep -qz '^OMPI_COMM_WORLD_RANK=" +
         std::to_string(rank) +
         "$' /proc/$p/environ && victim=$p; done; "
         "[ -n \"$victim\" ] && grep -q iteration log && break; sleep 0.02; done; "
         "[ -n \"$victim\" ] && kill -" +
         signal + " $victim || kill -TERM $launcher; ";
}
}  // namespace

TEST_CASE("any number of processes writes the file of one") {
  LAUNCHER_OR_SKIP();
  const workplace w;
  prepare(w, 5, 2, "40,54");
  prepare_mixed(w, 40, 54);
  struct request {
    const char* options;
    int processes;
  };
  const request table[] = {
      {"--method sense --mask m.npy --iterations 6", 2},
      {"--method sense --mask m.npy --iterations 6 --maps p/maps.npy --scale", 4},
      {"--method sense --mask r.npy --iterations 4 --noise n.npy --compress 3", 4},
      {"--method sense --mask u.npy --iterations 4", 10},
      {"--method zf --mask u.npy", 3},
      {"--method sense --iterations 4 --crop-readout --compress 3 --calib 16", 3},
      {"--method zf --mask m.npy --noise n.npy --crop-readout", 12},  // more than there is to do
      {"--method rss --scale --precision double", 4},
  };
  for (const auto& [options, count] : table) {
    const std::string command = std::string("recon --kspace p/kspace.npy --threads 1 ") + options;
    CAPTURE(command);
    const auto alone = w.run(command + " --out one.npy");
    REQUIRE(alone.err == "");
    const auto many = w.shell(processes(count, command + " --json --out many.npy"));
    CAPTURE(many.err);
    REQUIRE(many.code == 0);
    // one of them prints; MPI itself may have had something to say before
    CHECK(nlohmann::json::parse(many.out.substr(many.out.find("{\n")))["processes"] == count);
    CHECK(slurp(w / "one.npy") == slurp(w / "many.npy"));
  }
  // BART's files: slices are slower than frames there
  REQUIRE(w.run("convert p/kspace.npy k.cfl").code == 0);
  const std::string command = "recon --kspace k --mask m.npy --iterations 3 --threads 1 --out ";
  REQUIRE(w.run(command + "one.cfl").code == 0);
  REQUIRE(w.shell(processes(4, command + "many.cfl")).code == 0);
  CHECK(slurp(w / "one.cfl") == slurp(w / "many.cfl"));
  CHECK(slurp(w / "one.hdr") == slurp(w / "many.hdr"));
  // one process by mpirun is one process
  REQUIRE(w.shell(processes(1, command + "many.cfl")).code == 0);
  CHECK(slurp(w / "one.cfl") == slurp(w / "many.cfl"));
}

TEST_CASE("a joint system of several processes") {
  LAUNCHER_OR_SKIP();
  const workplace w;
  prepare(w, 5, 1, "40,54");
  const std::string command =
      "recon --kspace p/kspace.npy --mask m.npy --maps p/maps.npy --joint --iterations 12 --lambda "
      "0.01 --threads 1 --out ";
  REQUIRE(w.run(command + "one.npy").code == 0);
  for (const int count : {2, 4, 7}) {
    const auto o = w.shell(processes(count, command + "many.npy"));
    CAPTURE(o.err);
    REQUIRE(o.code == 0);
    CHECK(difference(io::read_npy(w / "many.npy"), io::read_npy(w / "one.npy")) < 1e-6);
  }
  std::filesystem::rename(w / "one.npy", w / "joint.npy");
  // frames of lines and frames of samples in one system; more processes than frames
  prepare_mixed(w, 40, 54);
  const std::string mixed =
      "recon --kspace p/kspace.npy --mask u.npy --maps p/maps.npy --joint --iterations 12 --lambda "
      "0.01 --threads 1 --out ";
  REQUIRE(w.run(mixed + "one.npy").code == 0);
  REQUIRE(w.shell(processes(3, mixed + "many.npy")).code == 0);
  CHECK(difference(io::read_npy(w / "many.npy"), io::read_npy(w / "one.npy")) < 1e-6);
  // a system of its own for each frame is something else
  REQUIRE(w.run("recon --kspace p/kspace.npy --mask m.npy --maps p/maps.npy --iterations 12 "
                "--lambda 0.01 --out own.npy")
              .code == 0);
  CHECK(difference(io::read_npy(w / "own.npy"), io::read_npy(w / "joint.npy")) > 1e-6);
}

TEST_CASE("an error in one process's part ends all with one line and no file") {
  LAUNCHER_OR_SKIP();
  const workplace w;
  prepare(w, 4, 1, "24,32");
  auto k = io::read_npy(w / "p/kspace.npy");
  auto* values = reinterpret_cast<complex<float>*>(k.bytes.data());
  values[(3 * 4 + 2) * 24 * 32 + 5 * 32 + 6] = complex<float>(NAN, 0);  // frame 3, coil 2
  io::write_npy(w / "nan.npy", k);
  const auto before = w.count();
  const auto o = w.shell(processes(4, "recon --kspace nan.npy --method rss --out x.npy"));
  CHECK(o.code == 2);
  const std::string line =
      "cardiomm: error: nan.npy: expected finite values, found NaN or infinity at (frame 3, slice "
      "0, coil 2, y 5, x 6)\n";
  const auto at = o.err.find(line);
  CHECK(at != std::string::npos);
  CHECK(o.err.find("cardiomm: error", at + 1) == std::string::npos);
  CHECK(w.count() == before);
  // what was there before stays
  io::write_npy(w / "x.npy", io::array{io::dtype::u8, {1}, std::vector<std::byte>(1)});
  const std::string old = slurp(w / "x.npy");
  CHECK(w.shell(processes(2, "recon --kspace nan.npy --method rss --out x.npy")).code == 2);
  CHECK(slurp(w / "x.npy") == old);
  CHECK(w.count() == before + 1);
  // errors that all processes meet are told once; only recon takes several
  const auto mask = w.shell(processes(2, "mask --shape 2,16,12 --out y.npy"));
  CHECK(mask.code == 2);
  CHECK(mask.err.find("mask: expected one process, found 2") != std::string::npos);
  const auto wrong = w.shell(processes(2, "recon --kspace p/kspace.npy --lambda -1 --out y.npy"));
  CHECK(wrong.code == 2);
  CHECK(wrong.err.find("--lambda") == wrong.err.rfind("--lambda"));
  CHECK(w.count() == before + 1);
}

TEST_CASE("a process that dies ends all, and nothing is left") {
  LAUNCHER_OR_SKIP();
  PROGRAM_OR_SKIP("pgrep");
  const workplace w;
  prepare(w, 4, 1, "128,160");
  const auto before = w.count();
  for (const bool joint : {false, true})
    for (const int victim : {0, 1}) {
      CAPTURE(joint);
      CAPTURE(victim);
      const auto o = w.shell(
          processes(2, std::string("recon --kspace p/kspace.npy --maps p/maps.npy --lambda 0 "
                                   "--iterations 100000 --threads 1 ") +
                           (joint ? "--joint " : "") + "--out x.npy >log & launcher=$!; ") +
          kill_one(victim, "KILL") + "wait $launcher");
      CHECK(o.code != 0);
      CHECK(o.err.find("illed") != std::string::npos);  // the launcher says who and how
      CHECK(slurp(w / "log").find("iteration") != std::string::npos);
      std::filesystem::remove(w / "log");
      CHECK(w.count() == before);
    }
  // and an interruption of all
  const auto o = w.shell(
      processes(2,
                "recon --kspace p/kspace.npy --maps p/maps.npy --lambda 0 --iterations 100000 "
                "--threads 1 --out x.npy >log & launcher=$!; ") +
      "for i in $(seq 3000); do grep -q iteration log && break; sleep 0.02; done; "
      "kill -TERM $launcher; wait $launcher");
  CHECK(o.code != 0);
  std::filesystem::remove(w / "log");
  CHECK(w.count() == before);
}

TEST_CASE("a program that nobody launched does not start MPI") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  REQUIRE(w.run("phantom --coils 2 --frames 1 --shape 16,16 --out p").code == 0);
  // Open MPI would leave its session folder in TMPDIR, or fail without a writable one
  REQUIRE(
      w.shell("mkdir t && TMPDIR=$PWD/t CARDIOMM recon --method rss --kspace p/kspace.npy --out "
              "x.npy && [ -z \"$(ls -A t)\" ]")
          .code == 0);
}
