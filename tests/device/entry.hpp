// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_DEVICE_ENTRY_HPP
#define CARDIOMM_TESTS_DEVICE_ENTRY_HPP
/// \file
/// What `./dev cuda-check` and `./dev hip-check` compile. An entry is a function whose host code
/// has to launch kernels on the device: `./dev` finds entries in the object by their names, follows
/// what each refers to, and fails where an entry reaches no kernel of the library, or one that the
/// object's device code does not hold.
///
/// - Every header with specimens (`linop::stem_specimens<T, Ex>`) becomes a unit by itself, with an
///   entry for each specimen: apply, adjoint and gram.
/// - Every other header of this folder is a unit; its entries are the functions named in
///   CARDIOMM_DEVICE_ENTRY. Those that only have to compile (host code) are CARDIOMM_HOST_ENTRY.
///
/// Precision float, and double too where CARDIOMM_DEVICE_DOUBLE is defined.

#include "cardiomm/core/tensor.hpp"

namespace cardiomm_tests {

using device_space = Kokkos::DefaultExecutionSpace;

/// Arguments of the entries; nothing runs, so nothing is filled.
template <class T>
struct device_data {
  using C = cardiomm::complex<T>;
  template <class V, int R>
  using array = cardiomm::tensor<V, R, device_space>;

  array<C, 5> kspace, maps, coils, kspace_out;
  array<C, 4> image, image_out;
  array<C, 3> matrices, left, right;
  array<C, 2> noise, square;
  array<T, 4> real_image;
  array<T, 2> values;
  array<cardiomm::index_t, 1> found;
  cardiomm::host_tensor<std::uint8_t, 3> mask;
};

/// Functions with the signature (const device_space&, const device_data<T>&).
namespace device_entries {}
namespace host_entries {}

}  // namespace cardiomm_tests

#define CARDIOMM_ENTRY_OF(space, name, T)                                             \
  template void cardiomm_tests::space::name<T>(const ::cardiomm_tests::device_space&, \
                                               const ::cardiomm_tests::device_data<T>&);
#ifdef CARDIOMM_DEVICE_DOUBLE
#define CARDIOMM_DEVICE_ENTRY(name)              \
  CARDIOMM_ENTRY_OF(device_entries, name, float) \
  CARDIOMM_ENTRY_OF(device_entries, name, double)
#define CARDIOMM_HOST_ENTRY(name)              \
  CARDIOMM_ENTRY_OF(host_entries, name, float) \
  CARDIOMM_ENTRY_OF(host_entries, name, double)
#else
#define CARDIOMM_DEVICE_ENTRY(name) CARDIOMM_ENTRY_OF(device_entries, name, float)
#define CARDIOMM_HOST_ENTRY(name) CARDIOMM_ENTRY_OF(host_entries, name, float)
#endif

#endif
