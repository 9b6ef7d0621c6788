// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm snr` on noise alone, and `recon --partial-fourier`.

#include <doctest/doctest.h>

#include <random>

#include "cardiomm/io/npy.hpp"
#include "program/run.hpp"

namespace io = cardiomm::io;
using cardiomm::complex;
using cardiomm::index_t;
using cardiomm::make_tensor;
using cardiomm::shape;
using cardiomm_tests::workplace;

namespace {

constexpr index_t coils = 4, ny = 64, nx = 64;
using number = complex<float>;

/// Noise of a deviation, `scale` times as much in the second coil.
template <int R>
auto noise(const shape<R>& s, int coil_axis, double deviation, double scale, unsigned seed) {
  auto t = make_tensor<number>(cardiomm::host_space(), s);
  std::mt19937 g(seed);
  std::normal_distribution<double> normal(0, deviation / std::sqrt(2.0));
  index_t inner = 1;
  for (int i = coil_axis + 1; i < R; ++i) inner *= s[i];
  for (index_t i = 0; i < s.size(); ++i) {
    const double f = i / inner % s[coil_axis] == 1 ? scale : 1;
    t.data()[i] = number(float(f * normal(g)), float(f * normal(g)));
  }
  return t;
}

struct scan : workplace {
  scan() {
    auto maps = make_tensor<number>(cardiomm::host_space(), shape{coils, ny, nx});
    for (index_t i = 0; i < maps.extent_int(0) * ny * nx; ++i)
      maps.data()[i] = i / (ny * nx) % 2 == 0 ? number(0.5f, 0) : number(0, 0.5f);
    io::write_npy(*this / "maps.npy", maps);
  }
  double deviation(const std::string& file) const {
    const auto x = io::read_npy(*this / file).values<complex<double>>();
    double sum = 0;
    for (const auto& v : x) sum += cardiomm::abs2(v);
    return std::sqrt(sum / double(x.size()));
  }
};

}  // namespace

TEST_CASE("noise alone has the deviation one, whatever its scale and coils") {
  BUILT_PROGRAM_OR_SKIP();
  const scan w;
  for (const double scale : {1e-3, 50.}) {
    CAPTURE(scale);
    io::write_npy(w / "k.npy", noise(shape{coils, ny, nx}, 0, scale, 3, 1));
    io::write_npy(w / "n.npy", noise(shape{coils, index_t(20000)}, 0, scale, 3, 2));
    const std::string command = "snr --kspace k.npy --maps maps.npy --lambda 0 --out x.npy ";
    REQUIRE(w.run(command + "--noise n.npy --gfactor g.npy").code == 0);
    CHECK(w.deviation("x.npy") == doctest::Approx(1).epsilon(0.03));
    for (const double g : io::read_npy(w / "g.npy").values<double>())
      CHECK(g == doctest::Approx(1).epsilon(1e-4));
    REQUIRE(w.run(command + "--noise n.npy --per-component").code == 0);
    CHECK(w.deviation("x.npy") == doctest::Approx(std::sqrt(2.0)).epsilon(0.03));
    const auto told = w.json(command);  // all of it is noise, the edge too
    CHECK(told["noise"] == "edge");
    CHECK(w.deviation("x.npy") == doctest::Approx(1).epsilon(0.06));
  }
}

TEST_CASE("what snr refuses leaves no file") {
  BUILT_PROGRAM_OR_SKIP();
  const scan w;
  io::write_npy(w / "k.npy", noise(shape{coils, ny, nx}, 0, 1, 1, 1));
  io::write_npy(w / "two.npy", noise(shape{index_t(2), index_t(1), coils, ny, nx}, 2, 1, 1, 1));
  io::write_npy(w / "few.npy", noise(shape{coils - 1, index_t(100)}, 0, 1, 1, 1));
  const auto before = w.count();
  for (const std::string options :
       {"--maps two.npy", "--maps maps.npy --noise few.npy", "--maps maps.npy --lambda -1",
        "--maps maps.npy --replicas 1", "--maps maps.npy --gfactor no/such/folder/g.npy"}) {
    CAPTURE(options);
    const auto o = w.run("snr --kspace k.npy --out x.npy " + options);
    CHECK(o.code == 2);
    CHECK(o.err.size() > 20);
    CHECK(w.count() == before);
  }
}

TEST_CASE("half of k-space is completed from the phase of its centre") {
  BUILT_PROGRAM_OR_SKIP();
  const workplace w;
  REQUIRE(w.run("phantom --coils 4 --frames 2 --shape 64,64 --snr 60 --seed 2 --out p").code == 0);
  auto mask = cardiomm::zeros<std::uint8_t>(cardiomm::host_space(), shape{ny, nx});
  std::fill_n(mask.data(), 42 * nx, std::uint8_t(1));
  io::write_npy(w / "m.npy", mask);
  const auto nmse = [&](const std::string& options) {
    const auto o = w.run(
        "recon --method zf --kspace p/kspace.npy --mask m.npy --maps p/maps.npy "
        "--out x.npy " +
        options);
    CAPTURE(o.err);
    REQUIRE(o.code == 0);
    return w.json("eval --reference p/image.npy --image x.npy")["nmse"].get<double>();
  };
  const double zero = nmse("");
  CHECK(nmse("--partial-fourier pocs") < 0.8 * zero);
  CHECK(nmse("--partial-fourier homodyne") < zero);
  const auto count = w.count();
  CHECK(w.run("recon --method zf --kspace p/kspace.npy --maps p/maps.npy --partial-fourier pocs "
              "--out y.npy")
            .err.find("farther on one side") != std::string::npos);
  CHECK(w.run("recon --method rss --kspace p/kspace.npy --partial-fourier pocs --out y.npy").code ==
        2);
  CHECK(w.count() == count);
}
