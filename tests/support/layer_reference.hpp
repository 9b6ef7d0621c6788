// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_SUPPORT_LAYER_REFERENCE_HPP
#define CARDIOMM_TESTS_SUPPORT_LAYER_REFERENCE_HPP
/// \file
/// Values and gradients of a layer against a case of tests/data/layers.safetensors, or another
/// file, made by PyTorch (tests/data/make_layers.py, ...).

#include <doctest/doctest.h>

#include "cardiomm/io/safetensors.hpp"
#include "cardiomm/nn/check.hpp"
#include "support/shared.hpp"

namespace cardiomm_tests {

/// The cases; read once.
inline const cardiomm::io::safetensors_file& layer_cases() {
  static const cardiomm::io::safetensors_file file(own_path("layers.safetensors"));
  return file;
}

/// An array of a file in the memory of the space, converted to T.
template <class T, int R, class Ex>
auto stored(const Ex& ex, const cardiomm::io::safetensors_file& file, const std::string& name) {
  return cardiomm::to_space(ex, file.at(name).tensor<T, R>());
}
template <class T, int R, class Ex>
auto stored(const Ex& ex, const std::string& name) {
  return stored<T, R>(ex, layer_cases(), name);
}

/// max |a - b| / max |b|
template <class A, class B>
double worst(const A& a, const B& b) {
  const auto x = cardiomm::to_host(a);
  const auto y = cardiomm::to_host(b);
  REQUIRE(cardiomm::shape_of(x) == cardiomm::shape_of(y));
  double error = 0, scale = 1e-300;
  for (std::size_t i = 0; i < x.size(); ++i) {
    error = std::max(error, std::abs(double(x.data()[i]) - double(y.data()[i])));
    scale = std::max(scale, std::abs(double(y.data()[i])));
  }
  return error / scale;
}

/// Loads the parameters that the case has.
template <class L>
void load_parameters(const L& l, const std::string& name,
                     const cardiomm::io::safetensors_file& cases = layer_cases()) {
  for (const auto& p : l.parameters()) {
    const std::string key = name + ".param." + p.first;
    if (!cases.contains(key)) continue;
    REQUIRE(cases.at(key).size() == p.second.size());
    std::vector<typename L::value_type> values(static_cast<std::size_t>(p.second.size()));
    cases.at(key).read(values.data());
    const auto host = cardiomm::borrow(cardiomm::host_space(), values.data(),
                                       cardiomm::shape<1>{{p.second.size()}});
    cardiomm::copy(p.second.value(), host);
  }
}

/// Values, gradient of the input and gradients of the parameters.
template <class L>
void check_reference(const L& l, const std::string& name, double tolerance = 1e-12,
                     const cardiomm::io::safetensors_file& cases = layer_cases()) {
  using namespace cardiomm;
  using V = typename L::value_type;
  const typename L::execution_space ex;
  CAPTURE(name);
  load_parameters(l, name, cases);
  const auto x = stored<V, L::in_rank>(ex, cases, name + ".x");
  const auto y = stored<V, L::out_rank>(ex, cases, name + ".y");
  const auto dy = stored<V, L::out_rank>(ex, cases, name + ".dy");
  const auto dx = make_tensor<V>(ex, shape_of(x));
  REQUIRE(l.output(shape_of(x)) == shape_of(y));
  const auto all = l.parameters();
  zero_gradients(ex, all);
  nn::recording<L> pass(ex, l, shape_of(x));
  CHECK(worst(clone(ex, pass.forward(x)), y) <= tolerance);
  CHECK(worst(nn::evaluate(ex, l, x), y) <= tolerance);
  pass.backward(dy, dx);
  CHECK(worst(dx, stored<V, L::in_rank>(ex, cases, name + ".dx")) <= tolerance);
  for (const auto& p : all) {
    if (!p.second.gradient()) continue;
    const auto& expected = cases.at(name + ".grad." + p.first);
    std::vector<V> values(static_cast<std::size_t>(expected.size()));
    expected.read(values.data());
    CAPTURE(p.first);
    CHECK(worst(clone(ex, p.second.gradient_view()),
                borrow(host_space(), values.data(), shape<1>{{p.second.size()}})) <= tolerance);
  }
}

}  // namespace cardiomm_tests

#endif
