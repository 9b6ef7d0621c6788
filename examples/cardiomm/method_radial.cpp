// SPDX-License-Identifier: Apache-2.0
/// \file
/// `recon --method radial`: non-Cartesian k-space (frame, slice, coil, spoke, sample).

#include "cardiomm/mri/radial.hpp"
#include "methods.hpp"

namespace program {

template <class T>
solution<T> run_radial(const request<T>& r) {
  const recon_command& c = r.command;
  // a forecast tries fewer frames and spokes
  const auto& whole = r.inputs.trajectory;
  const auto k = cardiomm::shape_of(r.kspace);
  const index_t frames = std::min(static_cast<index_t>(whole.extent(0)), k[0]);
  const auto trajectory =
      cardiomm::make_tensor<double>(host_space{}, cardiomm::shape{frames, k[3], k[4], index_t(2)});
  for (index_t f = 0; f < frames; ++f)
    std::copy_n(whole.data() + f * index_t(whole.extent(1)) * k[4] * 2, k[3] * k[4] * 2,
                trajectory.data() + f * k[3] * k[4] * 2);
  auto maps = r.maps;
  if (maps.size() == 0)
    maps = naming(c.kspace + ": coil maps: ", [&] {
      mri::espirit_options o;
      o.calib = c.calib.value_or(-1);
      return mri::radial_maps(r.ex, r.kspace, trajectory, r.inputs.matrix, o);
    });
  return mri::radial(r.ex, r.kspace, trajectory, maps,
                     {.lambda = c.lambda(),
                      .iterations = c.iterations(),
                      .tolerance = c.tolerance,
                      .penalty = c.tv == "time"    ? mri::radial_penalty::time
                                 : c.tv == "space" ? mri::radial_penalty::space
                                                   : mri::radial_penalty::square,
                      .solver = algorithm_of(c),
                      .monitor = r.monitor});
}

template solution<float> run_radial(const request<float>&);
template solution<double> run_radial(const request<double>&);

}  // namespace program
