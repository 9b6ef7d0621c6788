// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_SUPPORT_LAYER_SPECIMENS_HPP
#define CARDIOMM_TESTS_SUPPORT_LAYER_SPECIMENS_HPP
/// \file
/// The checks of nn/check.hpp on every specimen of a header and every enabled execution space; the
/// counterpart of specimens.hpp for `nn::stem_specimens<T, Ex>`. Gradients are checked in double;
/// float has to agree with double.

#include <doctest/doctest.h>

#include "cardiomm/nn/check.hpp"
#include "support/counters.hpp"
#include "support/spaces.hpp"

namespace cardiomm_tests {

template <class L>
void check_layer() {
  using namespace cardiomm;
  using V = typename L::value_type;
  const typename L::execution_space ex;
  for (const linop::size_class size : linop::all_sizes) {
    const auto l = nn::specimen<L>::make(ex, size, 7);
    const auto in = nn::specimen<L>::domain(size);
    CAPTURE(std::string(L::name));
    CAPTURE(std::string(ex.name()));
    CAPTURE(to_string(in));
    CHECK(nn::check::gradient_error(ex, l, in, 1) <= 1e-6);
    CHECK(nn::check::modes_error(ex, l, in, 2) <= 1e-12);

    // A second pass does nothing but compute.
    const auto x = nn::check::detail::noise<V>(ex, in, 8, 1);
    auto y = make_tensor<V>(ex, l.output(in));
    auto dx = make_tensor<V>(ex, in);
    nn::recording<L> pass(ex, l, in);
    const auto run = [&] {
      l.forward(ex, x, y);
      pass.forward(x);
      pass.backward(y, dx);
    };
    run();
    const event_counts counts = count_events(run);
    CHECK_MESSAGE(counts.none(), counts);
  }
}

/// Another precision and another space give the same: the parameters are those of the reference.
template <class L, class Reference>
void compare_layers(double tolerance) {
  using namespace cardiomm;
  using V = typename L::value_type;
  using W = typename Reference::value_type;
  const typename L::execution_space ex;
  const typename Reference::execution_space ref;
  const auto convert = [&](const auto& from, const auto& to) {
    const auto source = to_host(from);
    const auto target = make_tensor<element_of<decltype(to)>>(host_space(), shape_of(to));
    using E = element_of<decltype(to)>;
    for (std::size_t i = 0; i < source.size(); ++i) {
      if constexpr (is_complex<E>) {
        target.data()[i] =
            E(real_of<E>(source.data()[i].real()), real_of<E>(source.data()[i].imag()));
      } else {
        target.data()[i] = E(source.data()[i]);
      }
    }
    copy(to, target);
  };
  for (const linop::size_class size : linop::all_sizes) {
    const auto reference = nn::specimen<Reference>::make(ref, size, 7);
    const auto l = nn::specimen<L>::make(ex, size, 7);
    const auto from = reference.parameters();
    const auto to = l.parameters();
    REQUIRE(from.size() == to.size());
    for (std::size_t i = 0; i < to.size(); ++i) {
      CHECK(from[i].first == to[i].first);
      convert(from[i].second.value(), to[i].second.value());
    }
    const auto in = nn::specimen<L>::domain(size);
    const auto x = nn::check::detail::noise<W>(ref, in, 3, 1);
    const auto mine = make_tensor<V>(ex, in);
    convert(x, mine);
    const auto there = nn::evaluate(ref, reference, x);
    const auto here = nn::evaluate(ex, l, mine);
    ex.fence();
    const auto same = make_tensor<W>(host_space(), shape_of(there));
    convert(here, same);
    CAPTURE(std::string(L::name));
    CHECK(nn::check::detail::distance(host_space(), same, to_host(there)) <= tolerance);
  }
}

template <class... L, class... Float, class... Reference>
void check_all_layers(cardiomm::linop::type_list<L...>, cardiomm::linop::type_list<Float...>,
                      cardiomm::linop::type_list<Reference...>) {
  (check_layer<L>(), ...);
  (compare_layers<L, Reference>(1e-12), ...);
  (compare_layers<Float, Reference>(1e-5), ...);
}

}  // namespace cardiomm_tests

#define CARDIOMM_LAYER_SPECIMENS_ON(stem, Space)       \
  cardiomm_tests::check_all_layers(                    \
      cardiomm::nn::stem##_specimens<double, Space>{}, \
      cardiomm::nn::stem##_specimens<float, Space>{},  \
      cardiomm::nn::stem##_specimens<double, cardiomm_tests::reference_space>{});

#define CARDIOMM_RUN_LAYER_SPECIMENS(stem)                              \
  TEST_CASE("checks of the layers of " #stem " on the default space") { \
    CARDIOMM_LAYER_SPECIMENS_ON(stem, Kokkos::DefaultExecutionSpace)    \
  }

#endif
