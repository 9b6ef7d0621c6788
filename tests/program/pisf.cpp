// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm recon --method pisf`: the network of lines that ships on a small phantom, and what bad
/// input is told.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "cardiomm/io/npy.hpp"
#include "program/run.hpp"

namespace io = cardiomm::io;
using cardiomm::index_t;
using cardiomm_tests::outcome;
using cardiomm_tests::spit;
using cardiomm_tests::workplace;

namespace {

constexpr index_t frames = 2, rows = 48, columns = 40;

std::string shipped(const std::string& name) {
  return "'" + cardiomm_tests::source_dir() + "/examples/cardiomm/weights/" + name + "'";
}
std::vector<float> image(const std::string& path) {
  const auto file = io::open_npy(path);
  CHECK(file.type() == io::dtype::f32);
  CHECK(file.size() == frames * rows * columns);
  std::vector<float> v(static_cast<std::size_t>(file.size()));
  file.read(v.data());
  return v;
}
/// |x - truth|^2 / |truth|^2
double nmse(const std::vector<float>& x, const std::vector<float>& truth) {
  double error = 0, energy = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    error += std::pow(double(x[i]) - double(truth[i]), 2);
    energy += std::pow(double(truth[i]), 2);
  }
  return error / energy;
}

/// A phantom of four coils, every third line and 14 central ones of it.
struct sampled : workplace {
  sampled() {
    expect(run("phantom --coils 4 --frames 2 --shape 48,40 --snr 30 --seed 1 --out ph"));
    mask("kt-uniform", "m.npy");
  }
  static void expect(const outcome& o) { REQUIRE_MESSAGE(o.code == 0, o.err); }
  void mask(const std::string& pattern, const std::string& name) const {
    expect(run("mask --pattern " + pattern +
               " --acceleration 3 --acs 14 --shape 2,48,40 --seed 1 --out " + name));
  }
  outcome pisf(const std::string& options) const {
    return run("recon --method pisf --kspace ph/kspace.npy " + options);
  }
};

}  // namespace

TEST_CASE("recon --method pisf: magnitudes nearer to the truth than zero-filled ones") {
  BUILT_PROGRAM_OR_SKIP();
  const sampled w;
  const std::string weights = " --weights " + shipped("pisf.safetensors");
  w.expect(w.run("recon --method rss --kspace ph/kspace.npy --out full.npy"));
  w.expect(w.run("recon --method rss --kspace ph/kspace.npy --mask m.npy --out zero.npy"));
  w.expect(w.pisf("--mask m.npy --out found.npy" + weights));
  w.expect(w.pisf("--mask m.npy --out double.npy --precision double" + weights));
  const auto full = image(w / "full.npy"), found = image(w / "found.npy");
  // 0.0074 and 0.0368 when this was written
  CHECK(nmse(found, full) < 0.4 * nmse(image(w / "zero.npy"), full));
  CHECK(nmse(image(w / "double.npy"), found) < 1e-9);

  // all lines, said or found: what was measured stays as it is
  w.expect(w.pisf("--out whole.npy" + weights));
  CHECK(nmse(image(w / "whole.npy"), full) < 1e-10);

  const std::size_t before = w.contents().size();
  const outcome dry = w.pisf("--mask m.npy --out none.npy --dry-run" + weights);
  w.expect(dry);
  CHECK(dry.out.find("(frame 2, slice 1, coil 4, y 48, x 40)") != std::string::npos);
  CHECK(w.contents().size() == before);
}

TEST_CASE("recon --method pisf: bad input is told in one line, and nothing is written") {
  BUILT_PROGRAM_OR_SKIP();
  const sampled w;
  const std::string weights = " --weights " + shipped("pisf.safetensors");
  w.mask("kt-radial", "spokes.npy");
  spit(w / "text.safetensors", "weights");
  const auto before = w.contents();
  const auto refused = [&](const std::string& options, const std::string& says) {
    CAPTURE(options);
    const outcome o = w.pisf("--out x.npy " + options);
    CHECK(o.code == 2);
    CHECK(o.err.rfind("cardiomm: error: ", 0) == 0);
    CHECK(std::count(o.err.begin(), o.err.end(), '\n') == 1);
    CHECK_MESSAGE(o.err.find(says) != std::string::npos, o.err);
    CHECK(w.contents() == before);
  };
  refused("--mask m.npy", "--weights: expected the .safetensors file of --method pisf, found none");
  refused("--mask m.npy --weights none.safetensors", "none.safetensors: cannot be opened");
  refused("--mask m.npy --weights text.safetensors", "text.safetensors: ");
  refused("--mask m.npy --weights " + shipped("cardiomm-small.safetensors"),
          "pisf: weights: expected a tensor phases.0.image_analysis.0.weight");
  refused("--mask spokes.npy" + weights, "expected whole phase-encode lines, found single samples");
  refused("--mask m.npy --maps ph/maps.npy" + weights,
          "--maps: expected a method that uses coil maps, found --method pisf");
  refused("--mask m.npy --batch 3" + weights, "--batch: expected --method cardiomm");
}
