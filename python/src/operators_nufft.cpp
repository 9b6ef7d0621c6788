// SPDX-License-Identifier: Apache-2.0
/// \file
/// The non-uniform Fourier transform, alone and with coil maps.

#include "cardiomm/linop/any.hpp"
#include "cardiomm/linop/nufft.hpp"
#include "node.hpp"

namespace binding {

namespace linop = cardiomm::linop;
using transform = linop::nufft<float, space>;

node_ptr fuse_nufft(const node& first, const maps_node& maps) {
  const auto* f = dynamic_cast<const leaf<transform>*>(&first);
  if (f == nullptr || maps.maps().extent(0) != 1) return nullptr;
  const auto a = f->op() * linop::sensitivity<float, space>(maps.maps());
  using A = std::remove_const_t<decltype(a)>;
  using normal = linop::any_normal<float, 4, space>;
  const std::string name = "nufft * sensitivity (fused)";
  const auto n = std::make_shared<leaf<normal>>(normal(linop::gram(a)), 0, nullptr, maps.kept(),
                                                "gram of " + name);
  return std::make_shared<leaf<A>>(a, 0, n, maps.kept(), name);
}

void bind_nufft(nb::module_& m) {
  m.def(
      "op_nufft",
      [](const array_in<double, 4>& trajectory, index_t ny, index_t nx, double tolerance) {
        const computing now;
        linop::nufft_options o;
        o.tolerance = tolerance;
        return operator_handle{
            std::make_shared<leaf<transform>>(transform(view_of(trajectory), shape{ny, nx}, o))};
      },
      nb::arg("trajectory").noconvert(), "ny"_a, "nx"_a, "tolerance"_a);
}

}  // namespace binding
