// SPDX-License-Identifier: Apache-2.0
// Low-rank series: the code of docs/recipes/{llr,lps}.md and what made their pictures.
// Usage: low_rank_recipes [FOLDER of the pictures]
#include <cstdio>

#include "cardiomm/io/image.hpp"
#include "cardiomm/mri/low_rank.hpp"
#include "cardiomm/mri/simulate.hpp"

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

  // [recipes]
  const auto A = line_mask(m) * fourier * sensitivity(s);
  const auto N = gram(A);
  const auto b = adjoint(A) * y;
  const double width = prox::noise_width(8 * 8, frames, (ny / 8) * (nx / 8));
  const prox::low_rank<float> blocks(0.004 * width);
  const auto local = solve::fista(N, blocks, b, {.iterations = 40, .step = 1});
  // [recipes]
  auto mask = make_tensor<std::uint8_t>(host_space(), shape{frames, ny, nx});
  for (std::size_t i = 0; i < mask.size(); ++i) mask.data()[i] = m.data()[i / mask.extent(2)] != 0;
  // [lps]
  const auto found = mri::lps(ex, y, mask, s, {.lambda = 0.005, .iterations = 60});
  // [lps]

  const auto truth = to_host(heart.image);
  const auto flat = [&](const auto& x) {
    return to_host(clone(ex, reshape(x, shape{frames, index_t(1), ny, nx})));
  };
  const auto magnitude = [&](const auto& image) {  // of frame 10
    std::vector<float> v(static_cast<std::size_t>(ny * nx));
    for (std::size_t i = 0; i < v.size(); ++i)
      v[i] = math::sqrt(abs2(image.data()[10 * v.size() + i]));
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
  const auto reference = magnitude(truth);
  const auto white = io::percentile(reference.data(), ny * nx, 99.5);
  const auto tile = [&](const std::vector<float>& v, double most) {
    return io::render(v.data(), int(ny), int(nx), {0, most});
  };
  const auto zero = flat(b), llr = flat(local), lps = flat(found.image);
  const auto low = magnitude(flat(found.low_rank)), sparse = magnitude(flat(found.sparse));
  std::vector<io::picture> tiles;
  for (const auto* x : {&zero, &llr, &truth}) tiles.push_back(tile(magnitude(*x), white));
  for (const auto* x : {&zero, &llr, &truth})
    tiles.push_back(
        tile(io::error_map(magnitude(*x).data(), reference.data(), ny * nx), white / 5));
  io::write_png(folder + "llr.png", io::mosaic(tiles, 3));
  io::write_png(folder + "lps.png",
                io::mosaic({tile(low, white), tile(sparse, white / 2), tile(magnitude(lps), white),
                            tile(reference, white)},
                           4));
  std::printf("NMSE: zero-filled %.5f, llr %.5f, lps %.5f\n", error(zero), error(llr), error(lps));
  return error(llr) < error(zero) && error(lps) < error(zero) ? 0 : 1;
}
