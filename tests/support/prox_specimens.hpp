// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_SUPPORT_PROX_SPECIMENS_HPP
#define CARDIOMM_TESTS_SUPPORT_PROX_SPECIMENS_HPP
/// \file
/// The laws of prox/check.hpp on every specimen of a header, in both precisions and on every
/// enabled execution space; the counterpart of specimens.hpp for `prox::stem_specimens<T, Ex>`.

#include <doctest/doctest.h>

#include "cardiomm/prox/check.hpp"
#include "support/counters.hpp"
#include "support/spaces.hpp"

namespace cardiomm_tests {

template <class P>
void check_prox_specimen() {
  using namespace cardiomm;
  namespace check = prox::check;
  const typename P::execution_space ex;
  constexpr double tolerance = check::tolerance<P>;
  for (const linop::size_class size : linop::all_sizes) {
    const auto p = prox::specimen<P>::make(ex, size, 7);
    const auto s = prox::specimen<P>::domain(size);
    CAPTURE(std::string(P::name));
    CAPTURE(std::string(ex.name()));
    CAPTURE(to_string(s));
    std::uint64_t seed = 0;
    for (const double sigma : {0.3, 1., 2.5}) {
      CAPTURE(sigma);
      ++seed;
      CHECK(check::in_place_error(ex, p, s, sigma, seed) <= tolerance);
      CHECK(check::projection_error(ex, p, s, sigma, seed) <= tolerance);
      CHECK(check::zero_step_error(ex, p, s, seed) <= tolerance);
      CHECK(check::conjugate_error(ex, p, s, sigma, seed) <= tolerance);
      if constexpr (P::convex) {
        CHECK(check::expansion_error(ex, p, s, sigma, seed) <= tolerance);
        CHECK(check::optimality_error(ex, p, s, sigma, seed) <= tolerance);
        CHECK(check::moreau_error(ex, p, s, sigma, seed) <= tolerance);
      }
    }
    // A second call does nothing but compute.
    const auto x = check::detail::noise<typename P::value_type>(ex, s, 8, 1);
    const auto u = make_tensor<typename P::value_type>(ex, s);
    const auto run = [&] { p.prox(ex, x, 0.5, u); };
    run();
    const event_counts counts = count_events(run);
    CHECK_MESSAGE(counts.none(), counts);
  }
}

/// The same operator on another space: results do not depend on the back-end.
template <class P, class Reference>
void compare_prox_spaces() {
  using namespace cardiomm;
  using C = typename P::value_type;
  const typename P::execution_space ex;
  const typename Reference::execution_space ref;
  for (const linop::size_class size : linop::all_sizes) {
    const auto p = prox::specimen<P>::make(ex, size, 7);
    const auto q = prox::specimen<Reference>::make(ref, size, 7);
    const auto x = prox::check::detail::noise<C>(ref, prox::specimen<P>::domain(size), 3, 1);
    const auto here = to_host(prox::check::detail::prox_of(ex, p, to_space(ex, x), 0.5));
    const auto there = to_host(prox::check::detail::prox_of(ref, q, x, 0.5));
    CAPTURE(std::string(P::name));
    CHECK(prox::check::detail::distance(host_space(), here, there) <=
          std::max(1e-5, 3 * P::accuracy));
  }
}

template <class... Ps, class... References>
void check_all_prox(cardiomm::linop::type_list<Ps...>, cardiomm::linop::type_list<References...>) {
  (check_prox_specimen<Ps>(), ...);
  (compare_prox_spaces<Ps, References>(), ...);
}

}  // namespace cardiomm_tests

#define CARDIOMM_PROX_SPECIMENS_ON(stem, Space)                                    \
  cardiomm_tests::check_all_prox(                                                  \
      cardiomm::prox::stem##_specimens<float, Space>{},                            \
      cardiomm::prox::stem##_specimens<float, cardiomm_tests::reference_space>{}); \
  cardiomm_tests::check_all_prox(                                                  \
      cardiomm::prox::stem##_specimens<double, Space>{},                           \
      cardiomm::prox::stem##_specimens<double, cardiomm_tests::reference_space>{});

#define CARDIOMM_RUN_PROX_SPECIMENS(stem)                                                        \
  TEST_CASE("laws of the proximal operators of " #stem                                           \
            " on the default space"){CARDIOMM_PROX_SPECIMENS_ON(                                 \
      stem, Kokkos::DefaultExecutionSpace)} TEST_CASE("laws of the proximal operators of " #stem \
                                                      " on Serial") {                            \
    if constexpr (!std::is_same_v<Kokkos::DefaultExecutionSpace,                                 \
                                  cardiomm_tests::reference_space>) {                            \
      CARDIOMM_PROX_SPECIMENS_ON(stem, cardiomm_tests::reference_space)                          \
    } else {                                                                                     \
      CHECK(Kokkos::is_initialized());                                                           \
    }                                                                                            \
  }

#endif
