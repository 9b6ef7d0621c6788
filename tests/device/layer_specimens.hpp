// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_DEVICE_LAYER_SPECIMENS_HPP
#define CARDIOMM_TESTS_DEVICE_LAYER_SPECIMENS_HPP
/// \file
/// The entries of a header with specimens of layers. `apply` (forward and backward) has to launch
/// kernels; `make` may.

#include "cardiomm/nn/concept.hpp"
#include "device/entry.hpp"

namespace cardiomm_tests {

template <class L>
struct specimen_entry {
  using Ex = typename L::execution_space;

  static void apply(const Ex& ex, const L& l, typename L::in x, typename L::result dy,
                    typename L::gradient dx) {
    cardiomm::nn::recording<L> pass(ex, l, cardiomm::shape_of(x));
    (void)cardiomm::nn::evaluate(ex, l, x);
    pass.forward(x);
    pass.backward(dy, dx);
  }
  static void make(const Ex& ex) {
    (void)cardiomm::nn::specimen<L>::make(ex, cardiomm::linop::size_class::tiny, 7);
  }
};

template <class... Ls>
auto entries_of(cardiomm::linop::type_list<Ls...>) {
  static const void* const all[] = {reinterpret_cast<const void*>(&specimen_entry<Ls>::apply)...,
                                    reinterpret_cast<const void*>(&specimen_entry<Ls>::make)...};
  return &all[0];
}

}  // namespace cardiomm_tests

#ifdef CARDIOMM_DEVICE_DOUBLE
#define CARDIOMM_DEVICE_LAYER_SPECIMENS(stem)                                    \
  const void* const* layer_specimens_##stem##_double() {                         \
    return cardiomm_tests::entries_of(                                           \
        cardiomm::nn::stem##_specimens<double, cardiomm_tests::device_space>{}); \
  }                                                                              \
  const void* const* layer_specimens_##stem() {                                  \
    return cardiomm_tests::entries_of(                                           \
        cardiomm::nn::stem##_specimens<float, cardiomm_tests::device_space>{});  \
  }
#else
#define CARDIOMM_DEVICE_LAYER_SPECIMENS(stem)                                   \
  const void* const* layer_specimens_##stem() {                                 \
    return cardiomm_tests::entries_of(                                          \
        cardiomm::nn::stem##_specimens<float, cardiomm_tests::device_space>{}); \
  }
#endif

#endif
