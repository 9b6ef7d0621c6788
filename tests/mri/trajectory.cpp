// SPDX-License-Identifier: Apache-2.0
// Trajectories and density compensation against closed forms and `bart traj`, and the conventions
// of `bart nufft`.
#include "cardiomm/mri/trajectory.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "cardiomm/mri/density.hpp"
#include "support/bart.hpp"

using namespace cardiomm;
using cardiomm_tests::bart_session;
using Ex = default_space;

namespace {
void put_trajectory(const bart_session& bart, const std::string& name,
                    const host_tensor<double, 4>& k) {
  std::vector<complex<float>> three;
  for (std::size_t i = 0; i < k.size(); i += 2) {
    three.emplace_back(float(k.data()[i]));
    three.emplace_back(float(k.data()[i + 1]));
    three.emplace_back(0.f);
  }
  io::cfl_shape dims;
  dims.fill(1);
  dims[0] = 3;
  dims[1] = index_t(k.extent(2));
  dims[2] = index_t(k.extent(1));
  dims[10] = index_t(k.extent(0));
  io::write_cfl(bart.path(name), dims, three.data());
}
std::vector<complex<float>> get_all(const bart_session& bart, const std::string& name) {
  const auto file = io::open_cfl(bart.path(name));
  std::vector<complex<float>> values(std::size_t(file.values.size()));
  file.values.read(values.data());
  return values;
}
template <class A, class B>
double distance(const A& a, const B& b) {
  REQUIRE(a.size() == b.size());
  double d = 0, n = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    d += abs2(complex<double>(a.data()[i]) - complex<double>(b.data()[i]));
    n += abs2(complex<double>(b.data()[i]));
  }
  return std::sqrt(d / n);
}
}  // namespace

TEST_CASE("radial trajectories are those of bart traj") {
  PROGRAM_OR_SKIP("bart");
  const bart_session bart;
  const auto compare = [&](const char* options, const mri::radial_trajectory_options& o) {
    bart.run(std::string("traj -r ") + options + " t");
    const auto theirs = get_all(bart, "t");
    const auto ours = mri::radial_trajectory(o);
    REQUIRE(theirs.size() == ours.size() / 2 * 3);
    double worst = 0;
    for (std::size_t i = 0; i < ours.size(); ++i)
      worst = std::max(worst, std::fabs(ours.data()[i] - double(theirs[i / 2 * 3 + i % 2].real())));
    CAPTURE(options);
    CHECK(worst < 2e-4);  // angles are floats there
  };
  compare("-x 16 -y 5", {.samples = 16, .spokes = 5, .angles = mri::spoke_angles::uniform});
  compare("-x 16 -y 5 -t 3",
          {.samples = 16, .spokes = 5, .frames = 3, .angles = mri::spoke_angles::uniform});
  compare("-x 16 -y 4 -D",
          {.samples = 16, .spokes = 4, .angles = mri::spoke_angles::uniform, .full_circle = true});
  compare("-G -x 16 -y 5 -t 3", {.samples = 16, .spokes = 5, .frames = 3});
  compare("-G -s 7 -x 16 -y 5 -t 3", {.samples = 16, .spokes = 5, .frames = 3, .tiny = 7});
  compare("-G -c -x 16 -y 3", {.samples = 16, .spokes = 3, .centre_sampled = true});
  compare("-G -x 8 -o 2 -y 3", {.samples = 16, .spokes = 3, .readout_oversampling = 2});
}

TEST_CASE("nufft has the units, signs and centre of bart nufft") {
  PROGRAM_OR_SKIP("bart");
  const index_t ny = 20, nx = 28;
  const auto k = mri::radial_trajectory({.samples = 18, .spokes = 7, .frames = 2});
  auto x = make_tensor<complex<float>>(Ex(), shape{index_t(2), index_t(1), index_t(3), ny, nx});
  random::fill_normal(Ex(), x, 1);
  const linop::nufft<float, Ex> a(k, shape{ny, nx});
  const auto y = linop::evaluate(Ex(), a, x);
  const auto back = linop::evaluate(Ex(), linop::adjoint(a), y);
  const bart_session bart;
  put_trajectory(bart, "t", k);
  bart.put("x", x);
  bart.run("nufft t x y");
  bart.run("nufft -a -d 28:20:1 t y back");
  auto theirs = get_all(bart, "y");  // (frame, coil, spoke, sample)
  const double forward = distance(to_host(y), theirs);
  const double adjoint = distance(to_host(back), bart.get("back"));
  MESSAGE("distance to bart nufft: forward " << forward << ", adjoint " << adjoint);
  CHECK(forward < 2e-3);  // its own error against FINUFFT
  CHECK(adjoint < 4e-3);
}

TEST_CASE("tiny golden angles") {
  CHECK(mri::golden_angle() * 180 / M_PI == doctest::Approx(111.24611797).epsilon(1e-9));
  CHECK(mri::golden_angle(7) * 180 / M_PI == doctest::Approx(23.6281).epsilon(1e-5));
  CHECK_THROWS_AS(mri::golden_angle(0), value_error);
}

TEST_CASE("density of spokes: the ramp, areas of discs, and images with the right scale") {
  const auto k = mri::radial_trajectory({.samples = 64,
                                         .spokes = 50,
                                         .angles = mri::spoke_angles::uniform,
                                         .readout_oversampling = 2});
  const auto w = mri::radial_density(k);
  for (index_t i = 0; i < 64; ++i)
    CHECK(w(0, 3, i) ==
          doctest::Approx(std::fabs(double(i) - 31.5) / 4 * M_PI / 50).epsilon(1e-12));
  for (const bool centre : {false, true}) {  // all of the disc, whatever the angles
    const auto golden = mri::radial_density(
        mri::radial_trajectory({.samples = 32, .spokes = 13, .centre_sampled = centre}));
    double area = 0;
    for (std::size_t i = 0; i < golden.size(); ++i) area += golden.data()[i];
    const double high = centre ? 15.5 : 16, low = centre ? 16.5 : 16;
    CHECK(area == doctest::Approx(M_PI * (high * high + low * low) / 2).epsilon(1e-9));
  }
  // A smooth image comes back in its own units from spokes dense enough.
  const index_t n = 32;
  auto x =
      make_tensor<complex<float>>(host_space(), shape{index_t(1), index_t(1), index_t(1), n, n});
  for (index_t j = 0; j < n; ++j)
    for (index_t i = 0; i < n; ++i)
      x(0, 0, 0, j, i) =
          float(std::exp(-0.05 * (double((j - 14) * (j - 14)) + double((i - 17) * (i - 17)))));
  const linop::nufft<float, Ex> a(k, shape{n, n});
  auto y = to_host(a * to_space(Ex(), x));
  for (std::size_t i = 0; i < y.size(); ++i) y.data()[i] *= float(w.data()[i]);
  CHECK(distance(to_host(linop::adjoint(a) * to_space(Ex(), y)), x) < 0.05);
}

TEST_CASE("density refuses what is not radial") {
  const auto spiral = mri::spiral_trajectory({.samples = 64, .interleaves = 4, .matrix = 32});
  CHECK_THROWS_WITH_AS(mri::radial_density(spiral), doctest::Contains("pipe_menon"), value_error);
}

TEST_CASE("spirals end at the edge, cover all and continue over frames") {
  const auto k =
      mri::spiral_trajectory({.samples = 800, .interleaves = 8, .frames = 2, .matrix = 64});
  CHECK(k(0, 0, 0, 0) == 0);
  for (index_t s = 0; s < 8; ++s)
    CHECK(std::hypot(k(1, s, 799, 0), k(1, s, 799, 1)) == doctest::Approx(32));
  // Samples lie at equal distances.
  const auto step = [&](index_t i) {
    return std::hypot(k(0, 2, i + 1, 0) - k(0, 2, i, 0), k(0, 2, i + 1, 1) - k(0, 2, i, 1));
  };
  CHECK(step(10) == doctest::Approx(step(700)).epsilon(1e-2));
  // The samples of one frame resolve the image: gridding with Pipe-Menon weights restores it.
  const index_t n = 64;
  auto one =
      make_tensor<double>(host_space(), shape{index_t(1), index_t(8), index_t(800), index_t(2)});
  std::copy_n(k.data(), one.size(), one.data());
  auto x =
      make_tensor<complex<float>>(host_space(), shape{index_t(1), index_t(1), index_t(1), n, n});
  for (index_t j = 0; j < n; ++j)
    for (index_t i = 0; i < n; ++i)
      x(0, 0, 0, j, i) =
          float(std::exp(-0.02 * (double((j - 30) * (j - 30)) + double((i - 36) * (i - 36)))));
  const linop::nufft<float, Ex> a(one, shape{n, n});
  const auto w = to_host(mri::pipe_menon<float>(Ex(), one, shape{n, n}));
  auto y = to_host(a * to_space(Ex(), x));
  for (std::size_t i = 0; i < y.size(); ++i) y.data()[i] *= w.data()[i];
  const double error = distance(to_host(linop::adjoint(a) * to_space(Ex(), y)), x);
  MESSAGE("spiral, gridded: " << error);
  CHECK(error < 0.1);
}

TEST_CASE("Pipe-Menon weights: one on a grid, and their own condition") {
  auto grid =
      make_tensor<double>(host_space(), shape{index_t(1), index_t(12), index_t(12), index_t(2)});
  for (index_t y = 0; y < 12; ++y)
    for (index_t x = 0; x < 12; ++x) {
      grid(0, y, x, 0) = double(x - 6);
      grid(0, y, x, 1) = double(y - 6);
    }
  const auto one = to_host(mri::pipe_menon<float>(Ex(), grid, shape{index_t(12), index_t(12)}));
  for (std::size_t i = 0; i < one.size(); ++i)
    CHECK(one.data()[i] == doctest::Approx(1).epsilon(1e-3));

  const auto four = mri::radial_trajectory({.samples = 32, .spokes = 21});
  const auto w = to_host(mri::pipe_menon<double>(Ex(), four, shape{index_t(32), index_t(32)}));
  // The condition, by definition: sinc^2 sums.
  const auto sinc2 = [](double u) {
    const double p = M_PI * u;
    return std::fabs(p) < 1e-9 ? 1.0 : std::sin(p) * std::sin(p) / (p * p);
  };
  double worst = 0;
  for (index_t m = 0; m < 21 * 32; m += 7) {
    double sum = 0;
    for (index_t i = 0; i < 21 * 32; ++i)
      sum += w.data()[i] * sinc2(four.data()[2 * i] - four.data()[2 * m]) *
             sinc2(four.data()[2 * i + 1] - four.data()[2 * m + 1]);
    worst = std::max(worst, std::fabs(sum - 1));
  }
  MESSAGE("condition violated by " << worst);
  CHECK(worst < 0.1);  // the samples at the centre converge slowly
}
