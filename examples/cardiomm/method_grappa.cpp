// SPDX-License-Identifier: Apache-2.0
/// \file
/// `recon --method grappa`: the missing samples, then the root sum of squares, or maps if given.

#include "cardiomm/mri/grappa.hpp"
#include "methods.hpp"

namespace program {

template <class T>
solution<T> run_grappa(const request<T>& r) {
  const recon_command& c = r.command;
  const auto full = mri::grappa(r.ex, r.kspace, r.mask, {.lambda = c.lambda()});
  if (r.maps.size() > 0) {
    const auto s = cardiomm::shape_of(r.mask);
    const auto all =
        cardiomm::make_tensor<std::uint8_t>(host_space{}, cardiomm::shape{index_t(1), s[1], s[2]});
    std::fill_n(all.data(), all.size(), std::uint8_t(1));
    return {mri::zero_filled(r.ex, full, all, r.maps), {}};
  }
  const auto magnitude = mri::rss(r.ex, full);
  const auto s = cardiomm::shape_of(magnitude);
  const auto host = cardiomm::to_host(magnitude);
  const auto image = cardiomm::make_tensor<complex<T>>(
      host_space{}, cardiomm::shape{index_t(1), s[0], s[1], s[2], s[3]});
  std::copy_n(host.data(), host.size(), image.data());
  return {cardiomm::to_space(r.ex, image), {}};
}

template solution<float> run_grappa(const request<float>&);
template solution<double> run_grappa(const request<double>&);

}  // namespace program
