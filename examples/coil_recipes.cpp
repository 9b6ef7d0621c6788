// SPDX-License-Identifier: Apache-2.0
// Coils, noise and spokes: the code of docs/recipes/{grappa,nlinv,noise,radial}.md and nlinv's
// picture. Usage: coil_recipes [FOLDER of the picture]
#include <cstdio>

#include "cardiomm/io/image.hpp"
#include "cardiomm/mri/nlinv.hpp"
#include "cardiomm/mri/radial.hpp"
#include "cardiomm/mri/simulate.hpp"
#include "cardiomm/mri/snr.hpp"
#include "cardiomm/mri/trajectory.hpp"

using namespace cardiomm;

int main(int argc, char** argv) {
  Kokkos::ScopeGuard guard(argc, argv);
  const default_space ex;
  const index_t frames = 1, coils = 8, ny = 144, nx = 160;
  const auto heart = mri::simulate({.coils = coils, .frames = frames, .ny = ny, .nx = nx});
  const auto mask = make_tensor<std::uint8_t>(host_space(), shape{frames, ny, nx});
  for (index_t i = 0; i < frames * ny * nx; ++i) {
    const index_t y = i / nx % ny;
    mask.data()[i] = y % 3 == 0 || (y >= ny / 2 - 12 && y < ny / 2 + 12);
  }
  const auto full_kspace = to_space(ex, heart.kspace);
  const auto kspace = clone(ex, full_kspace);
  linop::apply(ex, linop::point_mask<float, default_space>(mask), full_kspace, kspace);
  const auto maps = clone(ex, reshape(to_space(ex, heart.maps), shape<5>{{1, 1, coils, ny, nx}}));

  // [grappa]
  const auto full = mri::grappa(ex, kspace, mask);
  const auto image = mri::rss(ex, full);
  // [grappa]
  // [nlinv]
  const auto out = mri::nlinv(ex, kspace, mask);
  const auto longer = mri::nlinv(ex, kspace, mask, {.iterations = 10, .reduction = 2.5});
  // [nlinv]
  // [noise]
  const auto psi = mri::noise_from_edge(ex, kspace, mask);
  const auto units = mri::snr_units(ex, kspace, mask, maps, psi, {.lambda = 0.01});
  const auto sense = mri::sense_noise(ex, mask, maps, 0.01);
  const auto g = mri::gfactor(ex, sense, mask, maps);
  // [noise]
  const auto trajectory = mri::radial_trajectory({.samples = 160, .spokes = 55});
  const auto points = mri::detail::checked_trajectory(
      "example",
      zeros<complex<float>>(ex, shape{frames, index_t(1), coils, index_t(55), index_t(160)}),
      trajectory);
  const linop::nufft<float, default_space> transform(points, {ny, nx});
  const auto truth = to_space(ex, heart.image);
  const auto samples =
      make_tensor<complex<float>>(ex, shape{frames, index_t(1), coils, index_t(55), index_t(160)});
  linop::apply(ex, transform * linop::soft_sensitivity<float, default_space>(maps),
               reshape(truth, shape{index_t(1), frames, index_t(1), ny, nx}), samples);
  // [radial]
  const auto own_maps = mri::radial_maps(ex, samples, trajectory, {ny, nx});
  const auto spokes = mri::radial(ex, samples, trajectory, own_maps,
                                  {.lambda = 1e-3, .penalty = mri::radial_penalty::space});
  // [radial]

  const std::size_t pixels = static_cast<std::size_t>(ny * nx);
  const auto magnitude = [&](const auto& x) {
    const auto host = to_host(x);
    std::vector<float> v(pixels);
    for (std::size_t i = 0; i < pixels; ++i) v[i] = std::sqrt(float(abs2(host.data()[i])));
    return v;
  };
  const auto reference = magnitude(truth);
  const auto error = [&](const std::vector<float>& v) {  // at the best scale
    double product = 0, own = 0, all = 0;
    for (std::size_t i = 0; i < pixels; ++i) {
      product += double(v[i]) * reference[i];
      own += double(v[i]) * v[i];
      all += double(reference[i]) * reference[i];
    }
    return 1 - product * product / own / all;
  };
  const auto zero = magnitude(mri::rss(ex, kspace));
  const auto deviation = to_host(g);
  float most = 0;
  for (std::size_t i = 0; i < pixels; ++i) most = std::max(most, deviation.data()[i]);
  std::printf("NMSE: zero-filled %.5f, grappa %.5f, nlinv %.5f (10 steps %.5f), radial %.5f\n",
              error(zero), error(magnitude(image)), error(magnitude(out.image)),
              error(magnitude(longer.image)), error(magnitude(spokes.image)));
  std::printf("largest g %.2f, largest signal to noise %.0f\n", most, [&] {
    const auto v = magnitude(units.image);
    return *std::max_element(v.begin(), v.end());
  }());

  const std::string folder = argc > 1 ? std::string(argv[1]) + "/" : std::string();
  const auto tile = [&](std::vector<float> v, double white) {
    return io::render(v.data(), int(ny), int(nx), {0, white});
  };
  const auto white = [&](const std::vector<float>& v) {
    return io::percentile(v.data(), ny * nx, 99.5);
  };
  std::vector<io::picture> tiles;
  const auto found = magnitude(out.image);
  for (const auto& v : {zero, found, reference}) tiles.push_back(tile(v, white(v)));
  const auto coil_maps = to_host(out.maps);
  for (const index_t c : {0, 3, 6}) {
    std::vector<float> v(pixels);
    for (std::size_t i = 0; i < pixels; ++i)
      v[i] = std::sqrt(float(abs2(coil_maps.data()[std::size_t(c) * pixels + i])));
    tiles.push_back(tile(v, 1));
  }
  io::write_png(folder + "nlinv.png", io::mosaic(tiles, 3));
  return error(found) < 0.5 * error(zero) && error(magnitude(image)) < 0.5 * error(zero) ? 0 : 1;
}
