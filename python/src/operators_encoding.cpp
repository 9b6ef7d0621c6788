// SPDX-License-Identifier: Apache-2.0
/// \file
/// Coil maps, and the fused kernels of mask * fourier * maps.

#include "cardiomm/linop/any.hpp"
#include "cardiomm/linop/difference.hpp"
#include "cardiomm/linop/wavelet.hpp"
#include "cardiomm/mri/encoding.hpp"
#include "node.hpp"

#include <nanobind/stl/string.h>

namespace binding {

namespace linop = cardiomm::linop;

namespace {

using one_set = linop::sensitivity<float, space>;
using many_sets = linop::soft_sensitivity<float, space>;

/// The types of A and its gram are erased: their kernels are inside.
template <class A>
node_ptr with_normal(A a, int lead, std::shared_ptr<void> kept) {
  constexpr int R = A::domain_rank;
  using normal = linop::any_normal<float, R, space>;
  using erased = linop::any_operator<float, R, 5, space>;
  const std::string name = "mask * fourier * sensitivity (fused)";
  const auto n = std::make_shared<leaf<normal>>(normal(linop::gram(a)), lead, nullptr, kept,
                                                "gram of " + name);
  return std::make_shared<leaf<erased>>(erased(std::move(a)), lead, n, std::move(kept), name);
}

}  // namespace

maps_node::maps_node(const complex_in<5>& maps)
    : maps_(view_of(maps)),
      kept_(std::make_shared<complex_in<5>>(maps)),
      inner_(maps_.extent(0) == 1
                 ? node_ptr(std::make_shared<leaf<one_set>>(one_set(maps_)))
                 : node_ptr(std::make_shared<leaf<many_sets>>(many_sets(maps_), 1))) {}

node_ptr fuse_encoding(const mask_node& mask, const maps_node& maps) {
  return std::visit(
      [&](const auto& sampling) -> node_ptr {
        if (maps.maps().extent(0) == 1)
          return with_normal(cardiomm::mri::encoding(sampling, one_set(maps.maps())), 0,
                             maps.kept());
        return with_normal(cardiomm::mri::encoding(sampling, many_sets(maps.maps())), 1,
                           maps.kept());
      },
      mask.sampling());
}

void bind_encoding(nb::module_& m) {
  m.def(
      "op_maps",
      [](const complex_in<5>& maps) {
        const computing now;
        return operator_handle{std::make_shared<maps_node>(maps)};
      },
      nb::arg("maps").noconvert());
  m.def(
      "op_wavelet",
      [](index_t ny, index_t nx, const std::string& wavelet, int levels) {
        const computing now;
        linop::wavelet_options o;
        o.name = wavelet;
        o.levels = levels;
        return operator_handle{std::make_shared<leaf<linop::wavelet<float, space>>>(
            linop::wavelet<float, space>(ny, nx, o))};
      },
      "ny"_a, "nx"_a, "wavelet"_a, "levels"_a);
  m.def(
      "op_difference",
      [](const std::string& axis, bool periodic) {
        const auto along = axis == "frame"   ? linop::axis::frame
                           : axis == "slice" ? linop::axis::slice
                           : axis == "y"     ? linop::axis::y
                                             : linop::axis::x;
        const linop::difference<float, space> d(
            along, periodic ? linop::ends::periodic : linop::ends::free);
        const auto normal =
            std::make_shared<leaf<linop::difference_gram<float, space>>>(d.normal());
        return operator_handle{
            std::make_shared<leaf<linop::difference<float, space>>>(d, 0, normal)};
      },
      "axis"_a, "periodic"_a);
}

}  // namespace binding
