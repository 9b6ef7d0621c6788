// SPDX-License-Identifier: Apache-2.0
// Radial reconstructions of a simulated golden-angle cine, whose samples come from a finer image,
// and of real data.
#include "cardiomm/mri/radial.hpp"

#include <doctest/doctest.h>

#include "cardiomm/io/npy.hpp"
#include "support/radial_cine.hpp"
#include "support/shared.hpp"

using namespace cardiomm;
using cardiomm_tests::radial_cine;
using Ex = default_space;
using C = complex<float>;

TEST_CASE("gridding of many spokes is the image of the coils, in its units") {
  const radial_cine cine(40, 1, 80, 3, 0);
  const auto coils = to_host(mri::gridded(Ex(), cine.samples, cine.trajectory, cine.matrix));
  double d = 0, n = 0;
  const std::size_t pixels = 40 * 40;
  for (std::size_t i = 0; i < coils.size(); ++i) {
    const C expected = mul(cine.truth.maps.data()[i], cine.truth.image.data()[i % pixels]);
    d += abs2(coils.data()[i] - expected);
    n += abs2(expected);
  }
  MESSAGE("gridded: " << std::sqrt(d / n));
  CHECK(std::sqrt(d / n) < 0.35);  // the ramp at single steps lifts the ground; no corners
}

TEST_CASE("maps from the centre of undersampled spokes") {
  const radial_cine cine(48, 4, 9, 4, 0.003);
  const auto maps = to_host(mri::radial_maps(Ex(), cine.samples, cine.trajectory, cine.matrix,
                                             {.calib = 16, .kernel = 5}));
  REQUIRE(to_string(shape_of(maps)) == "(1, 1, 4, 48, 48)");
  double worst = 1, sum = 0;
  int count = 0;
  const std::size_t pixels = 48 * 48;
  for (std::size_t p = 0; p < pixels; ++p) {
    if (abs2(cine.truth.image.data()[p]) < 0.09) continue;  // where there is tissue
    complex<double> along = 0;
    double size = 0;
    for (std::size_t c = 0; c < 4; ++c) {
      const C ours = maps.data()[c * pixels + p], truth = cine.truth.maps.data()[c * pixels + p];
      along += complex<double>(conj_mul(ours, truth));
      size += abs2(ours);
    }
    if (size < 0.5) continue;
    const double match = std::sqrt(abs2(along));
    worst = std::min(worst, match);
    sum += match;
    ++count;
  }
  MESSAGE("maps: mean correlation " << sum / count << ", worst " << worst << " of " << count);
  CHECK(count > 300);
  CHECK(sum / count > 0.98);
}

TEST_CASE("radial: all solvers reach the same objective, and beat gridding by far") {
  const radial_cine cine(48, 6, 9, 4, 0.005);
  const double lambda = 0.01;
  const linop::nufft<float, Ex> f(cine.trajectory, cine.matrix);
  const auto a = f * linop::sensitivity<float, Ex>(cine.maps);
  const auto objective = [&](const tensor<C, 5, Ex>& x) {
    const auto image =
        make_tensor<C>(Ex(), shape{index_t(6), index_t(1), index_t(48), index_t(48)});
    Kokkos::deep_copy(flatten(image), flatten(x));
    const auto y = a * image;
    auto r = clone(Ex(), cine.samples);
    blas1::axpby(Ex(), C(-1), y, C(1), r);
    const double misfit = blas1::norm(Ex(), r);
    return misfit * misfit / 2 +
           prox::total_variation_in_time<float, Ex>(lambda).value(Ex(), image);
  };
  const auto run = [&](mri::algorithm solver, int iterations) {
    return mri::radial(Ex(), cine.samples, cine.trajectory, cine.maps,
                       {.lambda = lambda, .iterations = iterations, .solver = solver})
        .image;
  };
  const double best = objective(run(mri::algorithm::fista, 300));
  const double admm = objective(run(mri::algorithm::admm, 100)),
               pdhg = objective(run(mri::algorithm::pdhg, 1000));
  MESSAGE("objectives: fista " << best << ", admm " << admm << ", pdhg " << pdhg);
  CHECK(admm < 1.02 * best);
  CHECK(pdhg < 1.25 * best);  // gradient steps in a system of wide spectrum
  const double error = cine.nmse(run(mri::algorithm::admm, 30));
  MESSAGE("nmse " << error);
  CHECK(error < 0.02);
  const auto coils = mri::gridded(Ex(), cine.samples, cine.trajectory, cine.matrix);
  const auto combined = linop::adjoint(linop::sensitivity<float, Ex>(cine.maps)) * coils;
  CHECK(cine.nmse(combined) > 5 * error);
  // Without variation: the ridge alone, which conjugate gradients solve.
  const auto square =
      mri::radial(Ex(), cine.samples, cine.trajectory, cine.maps,
                  {.lambda = 0.1, .iterations = 60, .penalty = mri::radial_penalty::square});
  CHECK(square.report.residual.at(0) < 1e-3);
}

TEST_CASE("radial refuses arguments that do not fit") {
  const radial_cine cine(32, 2, 5, 2, 0);
  const auto maps = cine.maps;
  auto other =
      make_tensor<float>(host_space(), shape{index_t(3), index_t(5), index_t(32), index_t(2)});
  Kokkos::deep_copy(other, 0.f);
  CHECK_THROWS_WITH_AS(mri::radial(Ex(), cine.samples, other, maps),
                       doctest::Contains("expected (frame or 1, spoke, sample, 2)"), shape_error);
  CHECK_THROWS_AS(mri::radial(Ex(), cine.samples, cine.trajectory, maps, {.lambda = -1}),
                  value_error);
  auto two = zeros<C>(Ex(), shape{index_t(1), index_t(1), index_t(3), index_t(32), index_t(32)});
  CHECK_THROWS_AS(mri::radial(Ex(), cine.samples, cine.trajectory, two), shape_error);
}

TEST_CASE("the real radial heart") {
  SHARED_OR_SKIP(data_path, "data/radial_cardiac_12ch/rawdata.npy");
  SHARED_OR_SKIP(traj_path, "data/radial_cardiac_12ch/traj.npy");
  const auto raw = io::read_npy<C, 3>(data_path);
  auto k = io::read_npy<float, 3>(traj_path);
  const index_t n = 192;  // of the 256 pixels that were read; the body fills about as much
  for (std::size_t i = 0; i < k.size(); ++i) k.data()[i] *= float(n);  // were cycles per pixel
  const shape<5> s{{1, 1, 12, 25, 256}};
  auto y = make_tensor<C>(host_space(), s);
  float most = 0;
  for (std::size_t i = 0; i < raw.size(); ++i) most = std::max(most, abs2(raw.data()[i]));
  for (std::size_t i = 0; i < y.size(); ++i) y.data()[i] = raw.data()[i] / std::sqrt(most);
  const auto samples = to_space(Ex(), y);
  const auto traj = reshape(k, shape{index_t(1), index_t(25), index_t(256), index_t(2)});
  const auto maps = mri::radial_maps(Ex(), samples, traj, shape{n, n});
  const double size = blas1::norm(Ex(), samples);
  const auto image =
      to_host(mri::radial(Ex(), samples, traj, maps,
                          {.lambda = 1e-3, .iterations = 15, .penalty = mri::radial_penalty::space})
                  .image);
  // The model explains the data but for their noise and the neighbours of the slice.
  const linop::nufft<float, Ex> f(traj, shape{n, n});
  const auto back = (f * linop::soft_sensitivity<float, Ex>(maps)) * to_space(Ex(), image);
  auto rest = clone(Ex(), samples);
  blas1::axpby(Ex(), C(-1), back, C(1), rest);
  const double misfit = blas1::norm(Ex(), rest) / size;
  MESSAGE("misfit " << misfit);
  CHECK(misfit < 0.3);
}
