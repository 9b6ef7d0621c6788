// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_BENCH_SUPPORT_NETWORK_HPP
#define CARDIOMM_BENCH_SUPPORT_NETWORK_HPP
/// \file
/// The CardioMM network in its published sizes, and the work of one image.

#include "cardiomm/models/cardiomm.hpp"

namespace bench {

/// Sizes of the published network: 12 cascades in the code, 10 in the released recipe.
inline cardiomm::models::cardiomm_sizes published_sizes(cardiomm::index_t cascades) {
  const auto unet = [](cardiomm::index_t n) {  // in units of the sensitivity network's widths
    cardiomm::models::unet_sizes u;
    u.in = u.out = 2;
    u.first = 24 * n;
    u.bottleneck = 3;
    u.embedding = 256;
    u.levels = {{36 * n, 2, 2, 1, 12 * n, 3, 64},
                {48 * n, 3, 2, 1, 24 * n, 3, 32},
                {60 * n, 3, 3, 1, 36 * n, 3, 16}};
    return u;
  };
  return {cascades, 1, 256, unet(2), unet(1)};
}

/// A small network that is trained within an hour on two cores; texts are short codes.
inline cardiomm::models::cardiomm_sizes small_sizes() {
  cardiomm::models::cardiomm_sizes s{5, 1, 32, {}, {}};
  s.image = {2, 2, 16, 1, 4, 32, {{24, 1, 1, 1, 8, 3, 32}, {32, 1, 1, 1, 12, 3, 16}}};
  s.sensitivity = {2, 2, 8, 1, 4, 32, {{12, 1, 1, 1, 4, 3, 32}, {16, 1, 1, 1, 6, 3, 16}}};
  return s;
}

/// Multiplications and additions of all convolutions of one image, by their definition.
struct network_work {
  double all = 0, minimal = 0;  ///< minimal: those of 3 x 3 with stride 1
};
inline network_work work_of(const cardiomm::models::cardiomm_sizes& s, cardiomm::index_t coils,
                            cardiomm::index_t ny, cardiomm::index_t nx) {
  network_work w;
  const auto add = [&](const cardiomm::models::unet_sizes& u, double items) {
    const auto conv = [&](double pixels, double in, double out, double taps, bool minimal) {
      const double flop = 2 * items * pixels * in * out * taps;
      w.all += flop;
      if (minimal) w.minimal += flop;
    };
    const double whole = double((ny + 7) / 8 * 8) * double((nx + 7) / 8 * 8);
    const auto pixels = [&](std::size_t level) { return whole / double(1 << (2 * level)); };
    const auto blocks = [&](double n, std::size_t level, double width) {
      for (int i = 0; i < 2; ++i) conv(n * pixels(level), width, width, 9, true);
    };
    conv(whole, double(u.in), double(u.first), 9, true);
    conv(whole, double(u.first), double(u.out), 25, false);
    for (std::size_t l = 0; l < u.levels.size(); ++l) {
      const auto& at = u.levels[l];
      const double inner = double(u.width(l)), outer = double(at.width);
      const double joined = outer + double(at.prompt);
      blocks(double(at.encoder + at.skip + 2), l, inner);  // and the last block and the text's
      conv(pixels(l + 1), inner, outer, 9, false);
      blocks(double(at.fuse), l + 1, joined);
      conv(pixels(l + 1), joined, outer, 1, false);
      conv(pixels(l), outer, inner, 1, false);
    }
    blocks(double(u.bottleneck), u.levels.size(), double(u.width(u.levels.size())));
  };
  add(s.sensitivity, double(coils));
  add(s.image, double(s.cascades));
  return w;
}

}  // namespace bench

#endif
