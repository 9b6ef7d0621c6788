// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_MRI_SPARSE_REFERENCE_HPP
#define CARDIOMM_TESTS_MRI_SPARSE_REFERENCE_HPP
/// \file
/// The small problem of tests/data/make_sparse_reference.py and what regularised reconstructions
/// are compared by.

#include "cardiomm/io/npy.hpp"
#include "cardiomm/mri/detail/regularised.hpp"
#include "support/shared.hpp"

namespace cardiomm_tests {

struct sparse_problem {
  using C = cardiomm::complex<float>;
  using Ex = cardiomm::default_space;
  cardiomm::tensor<C, 5, Ex> kspace, maps;
  cardiomm::host_tensor<std::uint8_t, 3> mask;

  static sparse_problem reference() {
    using namespace cardiomm;
    const std::string folder = own_path("sparse/");
    const auto k = io::read_npy<C, 4>(folder + "kspace.npy");
    const auto m = io::read_npy<C, 3>(folder + "maps.npy");
    const auto lines = io::read_npy<std::uint8_t, 2>(folder + "mask.npy");
    const shape<4> s = shape_of(k);
    sparse_problem p;
    p.kspace =
        to_space(Ex(), clone(host_space(), reshape(k, shape{s[0], index_t(1), s[1], s[2], s[3]})));
    p.maps = to_space(
        Ex(), clone(host_space(), reshape(m, shape{index_t(1), index_t(1), s[1], s[2], s[3]})));
    p.mask = make_tensor<std::uint8_t>(host_space(), shape{s[0], s[2], s[3]});
    for (std::size_t i = 0; i < p.mask.size(); ++i)
      p.mask.data()[i] = lines.data()[i / p.mask.extent(2)];
    return p;
  }
  /// A result of the script as an image (set, frame, slice, y, x).
  cardiomm::tensor<C, 5, Ex> result(const std::string& name) const {
    using namespace cardiomm;
    const auto x = io::read_npy<C, 4>(own_path("sparse/" + name + ".npy"));
    const shape<4> s = shape_of(x);
    return to_space(Ex(),
                    clone(host_space(), reshape(x, shape{index_t(1), s[0], s[1], s[2], s[3]})));
  }
  /// 1/2 |A x - y|^2, worked out from A itself.
  double misfit(const cardiomm::tensor<C, 5, Ex>& x) const {
    using namespace cardiomm;
    return mri::detail::with_sampling<float, Ex>(mask, [&](const auto& sampling) {
      const auto a = mri::encoding(sampling, linop::soft_sensitivity<float, Ex>(maps));
      const auto left = clone(Ex(), kspace);
      linop::apply(Ex(), sampling, kspace, left);
      linop::apply(Ex(), a, x, left, {C(-1), true});
      const double norm = blas1::norm(Ex(), left);
      return norm * norm / 2;
    });
  }
  static double distance(const cardiomm::tensor<C, 5, Ex>& a, const cardiomm::tensor<C, 5, Ex>& b) {
    using namespace cardiomm;
    const auto d = clone(Ex(), a);
    blas1::axpby(Ex(), C(-1), b, C(1), d);
    return blas1::norm(Ex(), d) / blas1::norm(Ex(), b);
  }
};

}  // namespace cardiomm_tests

#endif
