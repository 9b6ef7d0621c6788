// SPDX-License-Identifier: Apache-2.0
/// \file
/// The recipes of `cardiomm recon`: each removes what undersampling did, and its options reach it.

#include <doctest/doctest.h>

#include "cardiomm/io/npy.hpp"
#include "program/run.hpp"

namespace io = cardiomm::io;
using cardiomm::complex;
using cardiomm::index_t;
using cardiomm_tests::slurp;
using cardiomm_tests::workplace;

namespace {

/// |a - b| / |b|
double distance(const io::array& a, const io::array& b) {
  const auto x = a.values<complex<double>>(), y = b.values<complex<double>>();
  REQUIRE(x.size() == y.size());
  double apart = 0, all = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    apart += cardiomm::abs2(complex<double>(x[i] - y[i]));
    all += cardiomm::abs2(y[i]);
  }
  return std::sqrt(apart / all);
}

struct heart : workplace {
  heart() {
    REQUIRE(run("phantom --coils 6 --frames 8 --shape 48,64 --snr 40 --seed 3 --out p").code == 0);
    REQUIRE(run("mask --pattern kt-gaussian --acceleration 4 --acs 12 --shape 8,48,64 --seed 1 "
                "--out m.npy")
                .code == 0);
  }
  double nmse(const std::string& options, const std::string& mask = "m.npy") const {
    const auto o = run("recon --kspace p/kspace.npy --mask " + mask + " --out x.npy " + options);
    CAPTURE(options);
    CAPTURE(o.err);
    REQUIRE(o.code == 0);
    return json("eval --reference p/image.npy --image x.npy")["nmse"].get<double>();
  }
};

const std::string maps = " --maps p/maps.npy";

}  // namespace

TEST_CASE("every method beats zero filling") {
  BUILT_PROGRAM_OR_SKIP();
  const heart w;
  const double zero = w.nmse("--method zf" + maps);
  struct request {
    const char* options;
    double better;  ///< than zero filling, times
  };
  const request table[] = {
      {"--method l1wavelet --lambda 0.002", 1.5},
      {"--method l1wavelet --lambda 0.002 --wavelet haar --levels 2", 1.5},
      {"--method tv --lambda 0.002", 2.5},
      {"--method tv --tv space --lambda 0.002", 1.5},
      {"--method ktsparse --lambda 0.005", 2},
      {"--method llr --lambda 0.02 --block 6", 2},
      {"--method lps --lambda 0.003 --lambda-low-rank 0.05", 2},
      {"--method tv --lambda 0.002 --precision double", 2.5},
  };
  for (const auto& [options, better] : table) {
    CAPTURE(options);
    CHECK(w.nmse(options + maps) * better < zero);
  }
  // moving grids average what the edges of blocks and wavelets leave
  for (const auto& [method, moved] : {std::pair{"--method l1wavelet --lambda 0.005", "random"},
                                      {"--method llr --lambda 0.02 --block 6", "cycle"}}) {
    CAPTURE(method);
    const auto with = [&](const std::string& grid) {
      return w.nmse(method + (" --shift " + grid) + maps);
    };
    CHECK(with(moved) < with("none"));
    CHECK(with("random") != with("none"));
  }
  CHECK(w.nmse("--method llr --lambda 0.02 --shift none" + maps) !=
        w.nmse("--method llr --lambda 0.02 --shift none --data-step" + maps));
  // lambda is where it should be: too much of it makes the series stand still
  CHECK(w.nmse("--method tv --lambda 10" + maps) > w.nmse("--method tv --lambda 0.002" + maps));
}

TEST_CASE("solvers of one problem meet") {
  BUILT_PROGRAM_OR_SKIP();
  const heart w;
  const std::string command =
      "recon --kspace p/kspace.npy --mask m.npy --maps p/maps.npy --lambda "
      "0.04 --iterations 250 ";
  for (const std::string method : {"--method tv ", "--method llr "}) {
    CAPTURE(method);
    const std::string fixed = method == "--method llr " ? "--shift none " : "";
    REQUIRE(w.run(command + method + fixed + "--out fista.npy").code == 0);
    for (const char* solver : {"admm", "pdhg"}) {
      CAPTURE(solver);
      REQUIRE(w.run(command + method + "--solver " + solver + " --out other.npy").code == 0);
      CHECK(distance(io::read_npy(w / "other.npy"), io::read_npy(w / "fista.npy")) < 0.01);
    }
  }
}

TEST_CASE("methods that need no maps") {
  BUILT_PROGRAM_OR_SKIP();
  const heart w;
  REQUIRE(
      w.run("mask --pattern uniform --acceleration 2 --acs 16 --shape 8,48,64 --out u.npy").code ==
      0);
  const double zero = w.nmse("--method rss", "u.npy");
  CHECK(w.nmse("--method grappa", "u.npy") * 4 < zero);
  CHECK(io::read_npy(w / "x.npy").type == io::dtype::f32);
  CHECK(w.nmse("--method grappa" + maps, "u.npy") * 4 < zero);
  CHECK(io::read_npy(w / "x.npy").type == io::dtype::c64);
  CHECK(w.nmse("--method nlinv --iterations 9", "u.npy") * 2 < zero);
  const auto told =
      w.json("recon --method nlinv --iterations 3 --kspace p/kspace.npy --mask u.npy --out y.npy");
  CHECK(told["iterations"] == 3);
}

TEST_CASE("a Cartesian trajectory is Cartesian") {
  BUILT_PROGRAM_OR_SKIP();
  const heart w;
  const index_t ny = 48, nx = 64;
  io::array where{io::dtype::f32, {ny, nx, 2}, std::vector<std::byte>(std::size_t(ny * nx * 8))};
  auto* k = reinterpret_cast<float*>(where.bytes.data());
  for (index_t y = 0; y < ny; ++y)
    for (index_t x = 0; x < nx; ++x) {
      *k++ = float(x - nx / 2);
      *k++ = float(y - ny / 2);
    }
  io::write_npy(w / "t.npy", where);
  const std::string common = " --kspace p/kspace.npy --lambda 0.01 --iterations 20 --out ";
  REQUIRE(w.run("recon --method tv --maps p/maps.npy" + common + "tv.npy").code == 0);
  const auto o = w.run("recon --method radial --solver fista --traj t.npy --maps p/maps.npy" +
                       common + "r.npy");
  CAPTURE(o.err);
  REQUIRE(o.code == 0);
  CHECK(distance(io::read_npy(w / "r.npy"), io::read_npy(w / "tv.npy")) < 1e-3);
  // without maps they come from the data; another matrix is another field of pixels
  REQUIRE(w.run("recon --method radial --traj t.npy" + common + "own.npy").code == 0);
  REQUIRE(w.run("recon --method radial --traj t.npy --matrix 40,56" + common + "small.npy").code ==
          0);
  CHECK(io::read_npy(w / "small.npy").shape == io::extents{8, 1, 40, 56});
  const auto bad = w.run("recon --method radial --traj p/maps.npy" + common + "bad.npy");
  CHECK(bad.code == 2);
  CHECK(bad.err.find("p/maps.npy: trajectory: expected (frame 8 or 1, spoke 48, sample 64, 2)") !=
        std::string::npos);
}

TEST_CASE("what does not fit a method is told") {
  BUILT_PROGRAM_OR_SKIP();
  const heart w;
  const auto before = w.count();
  const std::pair<const char*, const char*> table[] = {
      {"--method magic", "--method: expected zf, rss, sense"},
      {"--method l1wavelet --wavelet sym4", "sym4"},
      {"--method l1wavelet --levels -1", "--levels"},
      {"--method tv --tv depth", "--tv: expected time or space"},
      {"--method llr --block 0", "--block"},
      {"--method llr --shift sideways", "--shift"},
      {"--method llr --solver admm --shift random", "--shift"},
      {"--method l1wavelet --shift cycle", "--shift"},
      {"--method tv --shift random", "--shift"},
      {"--method tv --data-step", "--data-step"},
      {"--method tv --solver magic", "--solver"},
      {"--method ktsparse --solver admm", "--solver: expected fista"},
      {"--method radial", "--traj"},
      {"--method tv --traj m.npy", "--traj"},
      {"--method tv --joint", "--joint"},
      {"--method tv --lambda -1", "--lambda"},
      {"--method nlinv --maps p/maps.npy", "--maps"},
      {"--method tv --iterations 0", "--iterations"},
  };
  for (const auto& [options, text] : table) {
    CAPTURE(options);
    const auto o = w.run(std::string("recon --kspace p/kspace.npy --out x.npy ") + options);
    CAPTURE(o.err);
    CHECK(o.code == 2);
    CHECK(o.err.find(text) != std::string::npos);
    CHECK(w.count() == before);
  }
}
