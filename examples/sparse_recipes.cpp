// SPDX-License-Identifier: Apache-2.0
// One encoding, several regularisers: the code of docs/recipes/{l1wavelet,tv,ktsparse}.md and what
// made their pictures. Usage: sparse_recipes [FOLDER of the pictures]
#include <cstdio>

#include "cardiomm/io/image.hpp"
#include "cardiomm/mri/kt_sparse.hpp"
#include "cardiomm/mri/l1_wavelet.hpp"
#include "cardiomm/mri/simulate.hpp"
#include "cardiomm/mri/total_variation.hpp"

using namespace cardiomm;
using namespace cardiomm::linop;

int main(int argc, char** argv) {
  Kokkos::ScopeGuard guard(argc, argv);
  const default_space ex;
  const index_t frames = 25, ny = 144, nx = 160;
  const auto heart = mri::simulate({.coils = 10, .frames = frames, .ny = ny, .nx = nx});
  const auto m =
      mri::make_line_mask({.acceleration = 6, .acs = 12, .frames = frames, .ny = ny, .nx = nx});
  const auto s = clone(ex, reshape(to_space(ex, heart.maps), shape<5>{{1, 1, 10, ny, nx}}));
  const auto y = line_mask(m) * to_space(ex, heart.kspace);

  const auto A = line_mask(m) * fourier * sensitivity(s);
  const auto N = gram(A);
  const auto b = adjoint(A) * y;
  const solve::fista_options options{.iterations = 40, .step = 1};  // |N| = 1: unit-norm maps

  // [recipes]
  const auto sense = solve::cg(N + 0.01 * identity, b, {.iterations = 30});
  const auto wavelet = solve::fista(N, prox::wavelet_l1<float, 4>(0.005, ny, nx), b, options);
  const prox::total_variation_in_time<float> tv(0.01, shape_of(b),
                                                {.iterations = 20, .tolerance = 0, .warm = true});
  const auto time = solve::fista(N, tv, b, options);
  const auto xf = solve::fista(N, prox::frequency_l1<float>(0.005, frames), b, options);
  // [recipes]

  const auto truth = to_host(heart.image);
  const auto magnitude = [&](const auto& image, index_t frame) {
    std::vector<float> v(static_cast<std::size_t>(ny * nx));
    for (std::size_t i = 0; i < v.size(); ++i)
      v[i] = math::sqrt(abs2(image.data()[std::size_t(frame) * v.size() + i]));
    return v;
  };
  const auto error = [&](const auto& image) {
    double difference = 0, size = 0;
    for (std::size_t i = 0; i < truth.size(); ++i) {
      difference += abs2(image.data()[i] - truth.data()[i]);
      size += abs2(truth.data()[i]);
    }
    return difference / size;
  };
  const std::string folder = argc > 1 ? std::string(argv[1]) + "/" : std::string();
  const auto zero = to_host(b), cg = to_host(sense);
  const auto white = io::percentile(magnitude(truth, 10).data(), ny * nx, 99.5);
  const auto show = [&](const char* name, const auto& image) {
    const auto result = to_host(image);
    std::vector<io::picture> tiles;
    const auto add = [&](const std::vector<float>& v, double most) {
      tiles.push_back(io::render(v.data(), int(ny), int(nx), {0, most}));
    };
    const auto reference = magnitude(truth, 10);
    for (const auto* x : {&zero, &cg, &result, &truth}) add(magnitude(*x, 10), white);
    for (const auto* x : {&zero, &cg, &result, &truth})
      add(io::error_map(magnitude(*x, 10).data(), reference.data(), ny * nx), white / 5);
    io::write_png(folder + name + ".png", io::mosaic(tiles, 4));
    std::printf("%-10s NMSE %.5f\n", name, error(result));
    return error(result);
  };
  std::printf("zero-filled NMSE %.5f, CG-SENSE %.5f\n", error(zero), error(cg));
  const double worst =
      std::max({show("l1wavelet", wavelet), show("tv", time), show("ktsparse", xf)});
  return worst < error(cg) ? 0 : 1;
}
