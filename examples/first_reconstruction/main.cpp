// SPDX-License-Identifier: Apache-2.0
// A first reconstruction: k-space in a file to images in a file.
//   first_reconstruction [KSPACE.npy [IMAGES.npy]]
// KSPACE is complex64 (frame, slice, coil, y, x), x = readout, zero where nothing was measured.
// Without it a beating heart is simulated, and the images are compared with the truth.
#include <cstdio>
#include <string>

#include "cardiomm/core/runtime.hpp"
#include "cardiomm/io/npy.hpp"
#include "cardiomm/mri/calibrate.hpp"
#include "cardiomm/mri/reconstruct.hpp"
#include "cardiomm/mri/simulate.hpp"

using namespace cardiomm;
using kspace = host_tensor<complex<float>, 5>;

// A heart seen by 8 coils, 8 frames of 96 x 112, of which every 4th phase encode and 20 centre
// lines are kept, others in each frame.
kspace measure(const mri::phantom_data& heart) {
  const mri::mask_options pattern{.pattern = mri::mask_pattern::kt_uniform,
                                  .acceleration = 4,
                                  .frames = 8,
                                  .ny = 96,
                                  .nx = 112};
  return linop::line_mask<float, host_space>(mri::make_line_mask(pattern)) * heart.kspace;
}

// Relative distance of magnitudes; the phase belongs to the maps.
template <class Image>
double distance(const Image& found, const host_tensor<complex<float>, 4>& truth) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const double t = std::sqrt(abs2(truth.data()[i]));
    difference += std::pow(std::sqrt(abs2(found.data()[i])) - t, 2);
    size += t * t;
  }
  return std::sqrt(difference / size);
}

int main(int argc, char** argv) try {
  runtime guard(argc, argv);  // starts Kokkos
  const default_space ex;     // a GPU if Kokkos was built for one, else the processor

  mri::phantom_data heart;
  kspace measured;
  if (argc > 1) {
    measured = io::read_npy<complex<float>, 5>(argv[1]);
  } else {
    heart = mri::simulate({.coils = 8, .frames = 8, .ny = 96, .nx = 112});
    measured = measure(heart);
  }

  const auto y = to_space(ex, measured);      // on a GPU: the only copy
  const auto mask = mri::sampling_of(ex, y);  // (frame, y, x), from the zeros
  const auto maps = mri::espirit(ex, y);      // (set, slice, coil, y, x), from the centre
  const auto zf = mri::zero_filled(ex, y, mask, maps);
  const auto sense = mri::sense(ex, y, mask, maps, {.lambda = 0.01, .iterations = 20});
  const auto images = to_host(sense.image);  // (set, frame, slice, y, x)

  std::printf("k-space (%d, %d, %d, %d, %d), CG-SENSE: %d iterations\n", int(y.extent(0)),
              int(y.extent(1)), int(y.extent(2)), int(y.extent(3)), int(y.extent(4)),
              sense.report.iterations);
  if (argc > 2) io::write_npy(argv[2], images);
  if (argc > 1) return 0;
  const double before = distance(to_host(zf), heart.image);
  const double after = distance(images, heart.image);
  std::printf("relative error: zero-filled %.3f, SENSE %.3f\n", before, after);
  return after < before ? 0 : 1;
} catch (const std::exception& e) {  // every error of the library says what was found, and where
  std::fprintf(stderr, "first_reconstruction: %s\n", e.what());
  return 2;
}
