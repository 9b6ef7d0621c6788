// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_DEVICE_PROX_SPECIMENS_HPP
#define CARDIOMM_TESTS_DEVICE_PROX_SPECIMENS_HPP
/// \file
/// The entries of a header with specimens of proximal operators. `apply` has to launch kernels;
/// `make` may.

#include "cardiomm/prox/concept.hpp"
#include "device/entry.hpp"

namespace cardiomm_tests {

template <class P>
struct specimen_entry {
  using Ex = typename P::execution_space;
  using image = cardiomm::view<typename P::value_type, P::rank, Ex>;

  static void apply(const Ex& ex, const P& p, image x, image y) {
    cardiomm::prox::apply(ex, p, x, 0.5, y);
    (void)cardiomm::prox::value(ex, p, x);
  }
  static void make(const Ex& ex) {
    using namespace cardiomm::prox;
    (void)specimen<P>::make(ex, size_class::tiny, 7);
  }
};

template <class... Ps>
auto entries_of(cardiomm::linop::type_list<Ps...>) {
  static const void* const all[] = {reinterpret_cast<const void*>(&specimen_entry<Ps>::apply)...,
                                    reinterpret_cast<const void*>(&specimen_entry<Ps>::make)...};
  return &all[0];
}

}  // namespace cardiomm_tests

#ifdef CARDIOMM_DEVICE_DOUBLE
#define CARDIOMM_DEVICE_PROX_SPECIMENS(stem)                                       \
  const void* const* prox_specimens_##stem##_double() {                            \
    return cardiomm_tests::entries_of(                                             \
        cardiomm::prox::stem##_specimens<double, cardiomm_tests::device_space>{}); \
  }                                                                                \
  const void* const* prox_specimens_##stem() {                                     \
    return cardiomm_tests::entries_of(                                             \
        cardiomm::prox::stem##_specimens<float, cardiomm_tests::device_space>{});  \
  }
#else
#define CARDIOMM_DEVICE_PROX_SPECIMENS(stem)                                      \
  const void* const* prox_specimens_##stem() {                                    \
    return cardiomm_tests::entries_of(                                            \
        cardiomm::prox::stem##_specimens<float, cardiomm_tests::device_space>{}); \
  }
#endif

#endif
