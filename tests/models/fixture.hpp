// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_MODELS_FIXTURE_HPP
#define CARDIOMM_TESTS_MODELS_FIXTURE_HPP
/// \file
/// The tiny CardioMM fixtures in this library's order of axes: their rows are our x.

#include <doctest/doctest.h>

#include "cardiomm/io/safetensors.hpp"
#include "cardiomm/models/cardiomm.hpp"
#include "support/shared.hpp"

namespace cardiomm_tests {

namespace cm = cardiomm;
using cm::index_t;

/// Largest |a - b| over the largest |b|.
template <class A, class B>
double error_of(const A& a, const B& b, std::size_t n) {
  double most = 0, scale = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double d = std::abs(double(a[i]) - double(b[i]));
    most = !(d <= most) ? d : most;
    scale = std::max(scale, std::abs(double(b[i])));
  }
  return most / scale;
}

template <class T>
struct fixture {
  using Ex = cm::host_space;
  using C = cm::complex<T>;
  Ex ex;
  cm::io::safetensors_file io, weights;

  explicit fixture(const std::string& folder)
      : io(folder + "/io.safetensors"), weights(folder + "/weights.safetensors") {}

  cm::models::cardiomm<T, Ex> load(std::vector<std::string>* warnings = nullptr) const {
    return cm::models::load_cardiomm<T>(ex, cm::models::source_of(weights), warnings);
  }
  /// (a, b, h, w, 2) as complex (a, b, y = w, x = h)
  static cm::tensor<C, 4, Ex> complex_of(const cm::io::safetensors_file& f,
                                         const std::string& name) {
    const auto v = f.at(name).template tensor<T, 5>();
    const cm::shape<5> s = cm::shape_of(v);
    auto out = cm::make_tensor<C>(Ex(), cm::shape{s[0], s[1], s[3], s[2]});
    for (index_t a = 0; a < s[0]; ++a)
      for (index_t b = 0; b < s[1]; ++b)
        for (index_t h = 0; h < s[2]; ++h)
          for (index_t w = 0; w < s[3]; ++w)
            out(a, b, w, h) = C(v(a, b, h, w, 0), v(a, b, h, w, 1));
    return out;
  }
  /// (n, c, h, w) as features (n, y = w, x = h, c)
  cm::tensor<T, 4, Ex> features_of(const std::string& name) const {
    const auto v = io.at(name).template tensor<T, 4>();
    const cm::shape<4> s = cm::shape_of(v);
    auto out = cm::make_tensor<T>(Ex(), cm::shape{s[0], s[3], s[2], s[1]});
    for (index_t n = 0; n < s[0]; ++n)
      for (index_t c = 0; c < s[1]; ++c)
        for (index_t h = 0; h < s[2]; ++h)
          for (index_t w = 0; w < s[3]; ++w) out(n, w, h, c) = v(n, c, h, w);
    return out;
  }
  /// (n, h, w) as (n, y, x)
  static cm::tensor<T, 3, Ex> image_of(const cm::io::safetensors_file& f, const std::string& name) {
    const auto v = f.at(name).template tensor<T, 3>();
    const cm::shape<3> s = cm::shape_of(v);
    auto out = cm::make_tensor<T>(Ex(), cm::shape{s[0], s[2], s[1]});
    for (index_t n = 0; n < s[0]; ++n)
      for (index_t h = 0; h < s[1]; ++h)
        for (index_t w = 0; w < s[2]; ++w) out(n, w, h) = v(n, h, w);
    return out;
  }
  cm::tensor<C, 4, Ex> kspace() const { return complex_of(io, "in.masked_kspace"); }
  cm::host_tensor<std::uint8_t, 3> mask() const {
    const auto v = io.at("in.mask").template tensor<std::uint8_t, 5>();
    const auto k = io.at("in.masked_kspace").shape();
    auto out = cm::make_tensor<std::uint8_t>(cm::host_space(),
                                             cm::shape{index_t(v.extent(0)), k[3], k[2]});
    for (index_t b = 0; b < index_t(v.extent(0)); ++b)
      for (index_t h = 0; h < k[2]; ++h)
        for (index_t w = 0; w < k[3]; ++w) out(b, w, h) = v(b, 0, v.extent(2) == 1 ? 0 : h, w, 0);
    return out;
  }
  cm::tensor<T, 2, Ex> text(const std::string& name) const {
    const auto v = io.at(name).template tensor<T, 3>();
    auto out = cm::make_tensor<T>(Ex(), cm::shape{index_t(v.extent(0)), index_t(v.extent(2))});
    std::copy_n(v.data(), v.size(), out.data());
    return out;
  }
  cm::tensor<T, 2, Ex> acquisition() const { return text("in.lm_embd_adapt"); }
  cm::tensor<T, 2, Ex> sampling() const { return text("in.lm_embd_adapt2"); }
  index_t acs() const {
    std::vector<std::int64_t> n(1);
    io.at("in.num_low_frequencies").read(n.data());
    return n[0];
  }
};

template <class A, class B>
double distance(const A& a, const B& b) {
  REQUIRE(cm::shape_of(a) == cm::shape_of(b));
  if constexpr (cm::is_complex<cm::element_of<A>>)
    return error_of(cm::blas1::detail::reals(a.data()), cm::blas1::detail::reals(b.data()),
                    2 * a.size());
  else
    return error_of(a.data(), b.data(), a.size());
}

}  // namespace cardiomm_tests

#endif
