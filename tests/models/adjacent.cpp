// SPDX-License-Identifier: Apache-2.0
// Other networks than the published ones: neighbouring slices together, two levels, no skip block;
// the short way of inference against the long way of training, and a gradient by differences.
#include "cardiomm/models/cardiomm_pass.hpp"

#include <doctest/doctest.h>

using namespace cardiomm;

namespace {

using Ex = host_space;
using T = double;

models::cardiomm_sizes small_sizes(index_t adjacent) {
  models::cardiomm_sizes s;
  s.cascades = 2;
  s.adjacent = adjacent;
  s.embedding = 5;
  s.image = {
      2 * adjacent, 2 * adjacent, 4, 1, 2, 5, {{6, 1, 1, 0, 2, 2, 5}, {8, 2, 1, 1, 3, 3, 4}}};
  s.sensitivity = {2, 2, 4, 1, 2, 5, {{4, 1, 1, 1, 2, 2, 3}}};
  return s;
}

}  // namespace

TEST_CASE("cardiomm: neighbouring slices and other depths, inference and training agree") {
  const Ex ex;
  for (const index_t adjacent : {index_t(1), index_t(3)}) {
    const models::cardiomm<T, Ex> net(ex, small_sizes(adjacent));
    const auto parameters = net.parameters();
    std::uint64_t stream = 0;
    for (const auto& [name, p] : parameters)
      if (name.find("gamma") != std::string::npos || name.find("beta") != std::string::npos ||
          name.find("prompt_param") != std::string::npos)
        random::fill_normal(ex, p.value(), 11, stream++);
    net.cascades()[1].weight.value()(0) = -0.5;
    const shape<4> s{{2, 2 * adjacent, 13, 10}};
    const auto k = make_tensor<complex<T>>(ex, s);
    random::fill_normal(ex, k, 3);
    const auto mask = make_tensor<std::uint8_t>(host_space(), shape{index_t(1), s[2], s[3]});
    for (index_t y = 0; y < s[2]; ++y)
      for (index_t x = 0; x < s[3]; ++x) mask(0, y, x) = y % 3 != 1;
    for (index_t row = 0; row < s[0] * s[1]; ++row)
      for (index_t y = 0; y < s[2]; ++y)
        for (index_t x = 0; x < s[3]; ++x)
          if (!mask(0, y, x)) k.data()[(row * s[2] + y) * s[3] + x] = 0;
    const auto meta = make_tensor<T>(ex, shape{index_t(2), index_t(5)}), us = clone(ex, meta);
    random::fill_normal(ex, meta, 4);
    random::fill_normal(ex, us, 5);
    models::cardiomm_options o;
    o.acs = 6;
    const auto image = make_tensor<T>(ex, shape{s[0], s[2], s[3]});
    net.reconstruct(ex, k, mask, meta, us, image, o);
    models::cardiomm_pass<T, Ex> pass(ex, net, s, mask, 2, o);
    const auto loss = [&](const auto& of) {
      double sum = 0;
      for (std::size_t i = 0; i < of.size(); ++i) sum += of.data()[i] * double(1 + i % 3);
      return sum;
    };
    double apart = 0, most = 0;
    {
      const auto long_way = pass.forward(k, meta, us);
      for (std::size_t i = 0; i < image.size(); ++i) {
        apart = std::max(apart, std::abs(image.data()[i] - long_way.data()[i]));
        most = std::max(most, std::abs(image.data()[i]));
      }
    }
    CHECK(apart <= 1e-12 * most);
    // along one direction of the texts and of k-space
    const auto dimage = clone(ex, image);
    for (std::size_t i = 0; i < image.size(); ++i) dimage.data()[i] = double(1 + i % 3);
    const auto dk = clone(ex, k);
    const auto dmeta = clone(ex, meta), dus = clone(ex, us);
    pass.backward(dimage, dk, dmeta, dus);
    const auto kept_k = clone(ex, k);
    const auto kept_meta = clone(ex, meta), kept_us = clone(ex, us);
    double along = 0;
    for (std::size_t i = 0; i < k.size(); ++i)
      along += (dk.data()[i].real() * kept_k.data()[i].imag() + dk.data()[i].imag());
    for (std::size_t i = 0; i < meta.size(); ++i) along += dmeta.data()[i] - dus.data()[i];
    const auto at = [&](double h) {
      for (std::size_t i = 0; i < k.size(); ++i)
        k.data()[i] = kept_k.data()[i] + complex<T>(h * kept_k.data()[i].imag(), h);
      for (std::size_t i = 0; i < meta.size(); ++i) {
        meta.data()[i] = kept_meta.data()[i] + h;
        us.data()[i] = kept_us.data()[i] - h;
      }
      return loss(pass.forward(k, meta, us));
    };
    const double h = 1e-7, slope = (at(h) - at(-h)) / (2 * h);
    CHECK(std::abs(slope - along) <= 1e-5 * std::abs(along));
  }
}
