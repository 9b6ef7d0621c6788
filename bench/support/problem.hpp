// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_BENCH_SUPPORT_PROBLEM_HPP
#define CARDIOMM_BENCH_SUPPORT_PROBLEM_HPP
/// \file
/// A k-t undersampled scan of the sizes that a benchmark asks for.

#include <cmath>

#include "cardiomm/mri/reconstruct.hpp"

namespace bench {

using Ex = cardiomm::default_space;
using C = cardiomm::complex<float>;
using cardiomm::index_t;

struct extents {
  index_t frames = 25, coils = 10, ny = 208, nx = 256;
};

/// Maps of loops around the object, and a mask of every fourth line, shifted from frame to frame,
/// with 24 lines in the centre.
struct scan {
  extents n;
  cardiomm::tensor<C, 5, Ex> maps;              ///< (1, 1, coil, y, x)
  cardiomm::host_tensor<std::uint8_t, 3> mask;  ///< (frame, y, x)
  index_t lines = 0;                            ///< sampled lines of all frames

  explicit scan(const extents& of) : n(of) {
    using namespace cardiomm;
    mask = make_tensor<std::uint8_t>(host_space(), shape{n.frames, n.ny, n.nx});
    for (index_t f = 0; f < n.frames; ++f)
      for (index_t y = 0; y < n.ny; ++y) {
        const index_t from_centre = y - n.ny / 2;
        const bool taken = (y + f) % 4 == 0 || (from_centre >= -12 && from_centre < 12);
        lines += taken;
        for (index_t x = 0; x < n.nx; ++x) mask(f, y, x) = taken ? 1 : 0;
      }
    maps = make_tensor<C>(Ex(), shape{index_t(1), index_t(1), n.coils, n.ny, n.nx});
    random::fill_normal(Ex(), maps, 2);
    blas1::scale(Ex(), C(1 / std::sqrt(float(n.coils))), maps);
  }
  cardiomm::shape<4> image_shape() const { return {{n.frames, 1, n.ny, n.nx}}; }
  cardiomm::shape<5> kspace_shape() const { return {{n.frames, 1, n.coils, n.ny, n.nx}}; }

  auto encoding() const {
    const auto lines_of = cardiomm::mri::line_pattern(mask);
    return cardiomm::mri::encoding(cardiomm::linop::line_mask<float, Ex>(*lines_of),
                                   cardiomm::linop::sensitivity<float, Ex>(maps));
  }
  cardiomm::tensor<C, 4, Ex> image() const {
    auto x = cardiomm::make_tensor<C>(Ex(), image_shape());
    cardiomm::random::fill_normal(Ex(), x, 1);
    return x;
  }
  /// k-space of a random image.
  cardiomm::tensor<C, 5, Ex> kspace() const {
    auto y = cardiomm::make_tensor<C>(Ex(), kspace_shape());
    cardiomm::linop::apply(Ex(), encoding(), image(), y);
    Ex().fence();
    return y;
  }
};

}  // namespace bench

#endif
