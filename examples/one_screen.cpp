// SPDX-License-Identifier: Apache-2.0
// The idea of the library on one screen: undersampled multi-coil cine k-space to images.
#include <cstdio>

#include "cardiomm/cardiomm.hpp"

using namespace cardiomm;
using namespace cardiomm::linop;

int main(int argc, char** argv) {
  runtime guard(argc, argv);
  const default_space ex;
  // A beating heart seen by 8 coils: 12 frames of 96 x 128 (phase encodes x readout), of which a
  // quarter of the phase encodes and 20 centre lines are kept, others in each frame.
  const auto heart = mri::simulate({.coils = 8, .frames = 12, .ny = 96, .nx = 128});
  const auto m = mri::make_line_mask({.pattern = mri::mask_pattern::kt_gaussian,
                                      .acceleration = 4,
                                      .frames = 12,
                                      .ny = 96,
                                      .nx = 128});
  const auto y = line_mask(m) * to_space(ex, heart.kspace);  // (frame, slice, coil, y, x)
  const auto s = mri::espirit(ex, y);                        // (set, slice, coil, y, x)
  const double lambda = 0.01;

  // clang-format off
  auto A = line_mask(m) * fourier * sensitivity(s);      // an expression type; nothing is computed yet
  auto x = solve::cg(gram(A) + lambda * identity, adjoint(A) * y, {.iterations = 30});
  // clang-format on

  // Magnitudes, because the phase belongs to the maps, which are known up to a common phase only.
  const auto error = [&](const auto& image) {
    const auto found = to_host(image);
    double difference = 0, size = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      const double truth = std::sqrt(abs2(heart.image.data()[i]));
      difference += std::pow(std::sqrt(abs2(found.data()[i])) - truth, 2);
      size += truth * truth;
    }
    return std::sqrt(difference / size);
  };
  const double before = error(adjoint(A) * y), after = error(x);
  std::printf("relative error: zero-filled %.3f, SENSE %.3f\n", before, after);
  return after < before ? 0 : 1;
}
