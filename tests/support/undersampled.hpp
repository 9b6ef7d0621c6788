// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_SUPPORT_UNDERSAMPLED_HPP
#define CARDIOMM_TESTS_SUPPORT_UNDERSAMPLED_HPP
/// \file
/// A small undersampled encoding of noise, on which solvers are tested.

#include "cardiomm/linop/check.hpp"
#include "cardiomm/linop/fourier.hpp"
#include "cardiomm/linop/sampling.hpp"
#include "cardiomm/linop/sensitivity.hpp"

namespace cardiomm_tests {

struct undersampled {
  using Ex = cardiomm::default_space;
  using C = cardiomm::complex<double>;
  static constexpr auto size = cardiomm::linop::size_class::multiple_of_four;

  cardiomm::shape<4> d = cardiomm::linop::specimen_image(size);
  cardiomm::linop::chain<cardiomm::linop::line_mask<double, Ex>,
                         cardiomm::linop::fourier_op<double, 5, Ex>,
                         cardiomm::linop::sensitivity<double, Ex>>
      a = cardiomm::linop::specimen<cardiomm::linop::line_mask<double, Ex>>::make(Ex(), size, 1) *
          cardiomm::linop::fourier_op<double, 5, Ex>{} *
          cardiomm::linop::specimen<cardiomm::linop::sensitivity<double, Ex>>::make(Ex(), size, 2);
  cardiomm::tensor<C, 4, Ex> b = cardiomm::make_tensor<C>(Ex(), d);
  undersampled() {
    const auto y = cardiomm::linop::check::detail::noise<C>(Ex(), a.range_for(d), 3, 1);
    cardiomm::linop::apply_adjoint(Ex(), a, y, b);
  }
};

}  // namespace cardiomm_tests

#endif
