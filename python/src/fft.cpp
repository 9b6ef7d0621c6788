// SPDX-License-Identifier: Apache-2.0
/// \file
/// Fourier transforms over any axes of arrays of any rank.

#include <nanobind/stl/vector.h>

#include "axes_transform.hpp"
#include "binding.hpp"

namespace binding {

void bind_fft(nb::module_& m) {
  m.def(
      "transform",
      [](const any_in& x, const any_out& y, const std::vector<int>& axes, bool inverse,
         bool orthonormal, bool centred) {
        dims s(x.ndim());
        for (std::size_t i = 0; i < s.size(); ++i) s[i] = static_cast<index_t>(x.shape(i));
        const computing now;
        transform_axes(space(), s, axes, inverse, orthonormal, centred, data_of(x.data()),
                       reinterpret_cast<C*>(y.data()));
        space().fence();
      },
      nb::arg("x").noconvert(), nb::arg("y").noconvert(), "axes"_a, "inverse"_a, "orthonormal"_a,
      "centred"_a, "y = transform of x over axes; y may be x.");
  m.def(
      "empty",
      [](const std::vector<index_t>& s) {
        index_t n = 1;
        for (const index_t e : s) n *= e;
        const auto t = computed(
            [&] { return cardiomm::make_tensor<C>(space(), shape{n}, "cardiomm::python"); });
        auto* kept = new holder<cardiomm::tensor<C, 1>>(t);
        nb::capsule owner(
            kept, [](void* p) noexcept { delete static_cast<holder<cardiomm::tensor<C, 1>>*>(p); });
        std::vector<std::size_t> extents(s.begin(), s.end());
        return nb::cast(nb::ndarray<nb::numpy, std::complex<float>>(t.data(), extents.size(),
                                                                    extents.data(), owner));
      },
      "shape"_a, "An array of complex64 whose memory Kokkos owns; contents undefined.");
}

}  // namespace binding
