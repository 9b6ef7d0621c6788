// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_SUPPORT_RADIAL_CINE_HPP
#define CARDIOMM_TESTS_SUPPORT_RADIAL_CINE_HPP
/// \file
/// A golden-angle radial cine of the phantom. Its samples are sums over coil images of twice the
/// resolution, so that no grid of the reconstruction is built into the data.

#include "cardiomm/core/blas1.hpp"
#include "cardiomm/linop/nufft.hpp"
#include "cardiomm/mri/simulate.hpp"
#include "cardiomm/mri/trajectory.hpp"

namespace cardiomm_tests {

using namespace cardiomm;

struct radial_cine {
  using Ex = default_space;
  using C = complex<float>;
  shape<2> matrix;
  host_tensor<double, 4> trajectory;  ///< (frame, spoke, sample, 2)
  mri::phantom_data truth;            ///< on the matrix
  tensor<C, 5, Ex> samples;           ///< (frame, 1, coil, spoke, sample)
  tensor<C, 5, Ex> maps;              ///< (1, 1, coil, y, x), the true ones

  radial_cine(index_t n, index_t frames, index_t spokes, index_t coils, double noise)
      : matrix{{n, n}},
        trajectory(mri::radial_trajectory({.samples = n, .spokes = spokes, .frames = frames})),
        truth(mri::simulate(options(n, frames, coils))) {
    const Ex ex;
    const auto fine = mri::simulate(options(2 * n, frames, coils));
    auto images = make_tensor<C>(ex, shape_of(fine.kspace));
    linop::apply_adjoint(ex, linop::fourier_op<float, 5, Ex>(), to_space(ex, fine.kspace), images);
    samples = make_tensor<C>(ex, shape{frames, index_t(1), coils, spokes, n});
    // Pixels of a quarter of the area, twice as many along an axis.
    linop::apply(ex, linop::nufft<float, Ex>(trajectory, shape{2 * n, 2 * n}), images, samples,
                 {C(0.5f), false});
    auto more = make_tensor<C>(ex, shape_of(samples));
    random::fill_normal(ex, more, 9);
    blas1::axpby(ex, C(float(noise)), more, C(1), samples);
    auto host = make_tensor<C>(host_space(), shape{index_t(1), index_t(1), coils, n, n});
    std::copy_n(truth.maps.data(), host.size(), host.data());
    maps = to_space(ex, host);
  }

  /// Squared error of an image series to the truth, relative.
  template <class X>
  double nmse(const X& image) const {
    const auto x = to_host(image);
    double d = 0, n = 0;
    for (std::size_t i = 0; i < truth.image.size(); ++i) {
      d += abs2(x.data()[i] - truth.image.data()[i]);
      n += abs2(truth.image.data()[i]);
    }
    return d / n;
  }

 private:
  static mri::phantom_options options(index_t n, index_t frames, index_t coils) {
    return {.coils = coils,
            .frames = frames,
            .ny = n,
            .nx = n,
            .snr = 0,
            .field_y = 360,
            .field_x = 360};
  }
};

}  // namespace cardiomm_tests

#endif
