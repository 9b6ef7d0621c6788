// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_DEVICE_MATRICES_HPP
#define CARDIOMM_TESTS_DEVICE_MATRICES_HPP
/// \file
/// Batches of small matrices.

#include "cardiomm/la/cholesky.hpp"
#include "cardiomm/la/hermitian.hpp"
#include "cardiomm/la/least_squares.hpp"
#include "cardiomm/la/svd.hpp"
#include "device/entry.hpp"

namespace cardiomm_tests::device_entries {

template <class T>
void cholesky(const device_space& ex, const device_data<T>& d) {
  cardiomm::la::cholesky(ex, d.matrices);
  cardiomm::la::cholesky_solve(ex, d.matrices, d.right);
  cardiomm::la::lower_solve(ex, d.matrices, d.right);
}
template <class T>
void hermitian(const device_space& ex, const device_data<T>& d) {
  cardiomm::la::hermitian_eigen(ex, d.matrices, d.values);
  cardiomm::la::hermitian_leading(ex, d.matrices, d.values, d.found, 0.1);
}
template <class T>
void svd(const device_space& ex, const device_data<T>& d) {
  cardiomm::la::svd(ex, d.matrices, d.left, d.values, d.right);
}
template <class T>
void least_squares(const device_space& ex, const device_data<T>& d) {
  cardiomm::la::least_squares(ex, d.matrices, d.left, d.right);
}

}  // namespace cardiomm_tests::device_entries

CARDIOMM_DEVICE_ENTRY(cholesky)
CARDIOMM_DEVICE_ENTRY(hermitian)
CARDIOMM_DEVICE_ENTRY(svd)
CARDIOMM_DEVICE_ENTRY(least_squares)

#endif
