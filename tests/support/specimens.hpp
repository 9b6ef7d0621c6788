// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_SUPPORT_SPECIMENS_HPP
#define CARDIOMM_TESTS_SUPPORT_SPECIMENS_HPP
/// \file
/// The shared property checks on every specimen of a header, in both precisions and on every
/// enabled execution space. CMake writes one unit for each operator header that ends in
/// CARDIOMM_RUN_SPECIMENS(stem), where the header defines `linop::stem_specimens<T, Ex>`.

#include <doctest/doctest.h>

#include "cardiomm/linop/check.hpp"
#include "support/counters.hpp"
#include "support/spaces.hpp"

namespace cardiomm_tests {

template <class Op>
void check_specimen() {
  using namespace cardiomm;
  using T = typename Op::real_type;
  using C = typename Op::value_type;
  namespace check = linop::check;
  const typename Op::execution_space ex;
  const double tolerance = check::tolerance<T>;
  for (const linop::size_class size : linop::all_sizes) {
    const auto a = linop::specimen<Op>::make(ex, size, 7);
    const auto d = linop::specimen<Op>::domain(size);
    const auto r = a.range_for(d);
    CAPTURE(std::string(Op::name));
    CAPTURE(std::string(typename Op::execution_space().name()));
    CAPTURE(to_string(d));
    CHECK(to_string(a.domain_for(r)) == to_string(d));
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      CHECK(check::adjoint_error(ex, a, d, seed) <= tolerance);
      CHECK(check::linearity_error(ex, a, d, seed) <= tolerance);
    }
    CHECK(check::accumulate_error(ex, a, d, 4) <= tolerance);
    CHECK(check::gram_error(ex, a, d, 5) <= 10 * tolerance);
    CHECK(check::double_adjoint_error(ex, a, d, 6) <= tolerance);
    CHECK(check::flags_error(ex, a, d, 7) <= tolerance);
    CHECK(check::refuses_aliasing(ex, a, d));

    // A second apply of the operator, its adjoint and its gram does nothing but compute.
    const auto x = check::detail::noise<C>(ex, d, 8, 1);
    auto y = make_tensor<C>(ex, r);
    auto z = make_tensor<C>(ex, d);
    const auto g = linop::gram(a);
    const auto all = [&] {
      linop::apply(ex, a, x, y);
      linop::apply_adjoint(ex, a, y, z);
      linop::apply(ex, g, x, z);
    };
    all();
    const event_counts counts = count_events(all);
    CHECK_MESSAGE(counts.none(), counts);
  }
}

/// Runs the same operator on the default space and compares: results do not depend on the back-end.
template <class Op, class Reference>
void compare_spaces() {
  using namespace cardiomm;
  using C = typename Op::value_type;
  const typename Op::execution_space ex;
  const typename Reference::execution_space ref;
  for (const linop::size_class size : linop::all_sizes) {
    const auto a = linop::specimen<Op>::make(ex, size, 7);
    const auto b = linop::specimen<Reference>::make(ref, size, 7);
    const auto d = linop::specimen<Op>::domain(size);
    const auto x = linop::check::detail::noise<C>(ref, d, 3, 1);
    const auto here = to_host(linop::evaluate(ex, a, to_space(ex, x)));
    const auto there = to_host(linop::evaluate(ref, b, x));
    CAPTURE(std::string(Op::name));
    CHECK(linop::check::detail::distance(host_space(), here, there) <= 1e-5);
  }
}

template <class... Ops, class... References>
void check_all(cardiomm::linop::type_list<Ops...>, cardiomm::linop::type_list<References...>) {
  (check_specimen<Ops>(), ...);
  (compare_spaces<Ops, References>(), ...);
}

}  // namespace cardiomm_tests

#define CARDIOMM_SPECIMENS_ON(stem, Space)                                          \
  cardiomm_tests::check_all(                                                        \
      cardiomm::linop::stem##_specimens<float, Space>{},                            \
      cardiomm::linop::stem##_specimens<float, cardiomm_tests::reference_space>{}); \
  cardiomm_tests::check_all(                                                        \
      cardiomm::linop::stem##_specimens<double, Space>{},                           \
      cardiomm::linop::stem##_specimens<double, cardiomm_tests::reference_space>{});

#define CARDIOMM_RUN_SPECIMENS(stem)                                                          \
  TEST_CASE("properties of the operators of " #stem                                           \
            " on the default space"){CARDIOMM_SPECIMENS_ON(                                   \
      stem, Kokkos::DefaultExecutionSpace)} TEST_CASE("properties of the operators of " #stem \
                                                      " on Serial") {                         \
    if constexpr (!std::is_same_v<Kokkos::DefaultExecutionSpace,                              \
                                  cardiomm_tests::reference_space>) {                         \
      CARDIOMM_SPECIMENS_ON(stem, cardiomm_tests::reference_space)                            \
    } else {                                                                                  \
      CHECK(Kokkos::is_initialized());                                                        \
    }                                                                                         \
  }

#endif
