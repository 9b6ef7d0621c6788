// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_DEVICE_SPECIMENS_HPP
#define CARDIOMM_TESTS_DEVICE_SPECIMENS_HPP
/// \file
/// The entries of a header with specimens. `apply` has to launch kernels; `make` may.

#include "cardiomm/linop/gram.hpp"
#include "cardiomm/solve/direct.hpp"
#include "device/entry.hpp"

namespace cardiomm_tests {

template <class Op>
struct specimen_entry {
  using Ex = typename Op::execution_space;
  using C = typename Op::value_type;
  using in = cardiomm::view<C, Op::domain_rank, Ex>;
  using out = cardiomm::view<C, Op::range_rank, Ex>;

  static void apply(const Ex& ex, const Op& a, in x, out y, in z) {
    using namespace cardiomm;
    linop::apply(ex, a, x, y);
    linop::apply_adjoint(ex, a, y, x);
    linop::apply(ex, linop::gram(a), x, z);
    if constexpr (solve::Solvable<Op>) solve::direct(ex, a, x, z);
  }
  static void make(const Ex& ex) {
    using namespace cardiomm::linop;
    const auto a = specimen<Op>::make(ex, size_class::tiny, 7);
    (void)a.range_for(specimen<Op>::domain(size_class::tiny));
  }
};

/// Their addresses, so that they are compiled.
template <class... Ops>
auto entries_of(cardiomm::linop::type_list<Ops...>) {
  static const void* const all[] = {reinterpret_cast<const void*>(&specimen_entry<Ops>::apply)...,
                                    reinterpret_cast<const void*>(&specimen_entry<Ops>::make)...};
  return &all[0];
}

}  // namespace cardiomm_tests

#ifdef CARDIOMM_DEVICE_DOUBLE
#define CARDIOMM_DEVICE_SPECIMENS(stem)                                             \
  const void* const* specimens_##stem##_double() {                                  \
    return cardiomm_tests::entries_of(                                              \
        cardiomm::linop::stem##_specimens<double, cardiomm_tests::device_space>{}); \
  }                                                                                 \
  const void* const* specimens_##stem() {                                           \
    return cardiomm_tests::entries_of(                                              \
        cardiomm::linop::stem##_specimens<float, cardiomm_tests::device_space>{});  \
  }
#else
#define CARDIOMM_DEVICE_SPECIMENS(stem)                                            \
  const void* const* specimens_##stem() {                                          \
    return cardiomm_tests::entries_of(                                             \
        cardiomm::linop::stem##_specimens<float, cardiomm_tests::device_space>{}); \
  }
#endif

#endif
