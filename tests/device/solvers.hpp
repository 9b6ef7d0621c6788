// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_DEVICE_SOLVERS_HPP
#define CARDIOMM_TESTS_DEVICE_SOLVERS_HPP
/// \file
/// Solvers on operators that users write, type erasure included, and the vectors' arithmetic.

#include "cardiomm/linop/any.hpp"
#include "cardiomm/linop/diagonal.hpp"
#include "cardiomm/linop/norm.hpp"
#include "cardiomm/solve/cg.hpp"
#include "device/entry.hpp"

namespace cardiomm_tests::device_entries {

template <class T>
void cg(const device_space& ex, const device_data<T>& d) {
  using namespace cardiomm;
  const linop::identity_op<T, 4, device_space> one;
  (void)solve::cg(ex, T(2) * one, d.image, d.image_out);
}
template <class T>
void any_operator(const device_space& ex, const device_data<T>& d) {
  using namespace cardiomm;
  const linop::any_operator<T, 4, 4, device_space> a =
      T(2) * linop::identity_op<T, 4, device_space>{};
  (void)solve::cg(ex, linop::gram(a), d.image, d.image_out);
}
template <class T>
void norm(const device_space& ex, const device_data<T>& d) {
  using namespace cardiomm;
  const linop::identity_op<T, 4, device_space> one;
  (void)linop::norm(ex, T(2) * one, shape_of(d.image));
}
template <class T>
void blas1(const device_space& ex, const device_data<T>& d) {
  using namespace cardiomm;
  double* sums = nullptr;
  (void)cardiomm::blas1::dot(ex, d.image, d.image_out);
  cardiomm::blas1::real_dot(ex, 1, d.image, d.image_out, sums);
  (void)cardiomm::blas1::norm(ex, d.image);
  cardiomm::blas1::axpby(ex, complex<T>(2), d.image, complex<T>(1), d.image_out);
  cardiomm::blas1::scale(ex, complex<T>(2), d.image);
}
template <class T>
void random(const device_space& ex, const device_data<T>& d) {
  cardiomm::random::fill_normal(ex, d.image, 1);
  cardiomm::random::fill_uniform(ex, d.real_image, 1);
}

}  // namespace cardiomm_tests::device_entries

CARDIOMM_DEVICE_ENTRY(cg)
CARDIOMM_DEVICE_ENTRY(any_operator)
CARDIOMM_DEVICE_ENTRY(norm)
CARDIOMM_DEVICE_ENTRY(blas1)
CARDIOMM_DEVICE_ENTRY(random)

#endif
