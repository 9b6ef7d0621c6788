// SPDX-License-Identifier: Apache-2.0
/// \file
/// `recon --method pisf`: the unrolled network of lines, then the root sum of squares.

#include "cardiomm/io/safetensors.hpp"
#include "cardiomm/models/pisf_image.hpp"
#include "methods.hpp"

namespace program {

template <class T>
solution<T> run_pisf(const request<T>& r) {
  namespace models = cardiomm::models;
  const std::string& path = r.command.weights;
  const io::safetensors_file file(path);
  const auto net =
      naming(path + ": ", [&] { return models::load_pisf<T>(r.ex, models::source_of(file)); });
  const auto full = models::reconstruct_lines<T, space>(r.ex, net, r.kspace, r.mask);
  const auto magnitude = mri::rss(r.ex, full.kspace);
  const auto s = cardiomm::shape_of(magnitude);
  const auto host = cardiomm::to_host(magnitude);
  const auto image = cardiomm::make_tensor<complex<T>>(
      host_space{}, cardiomm::shape{index_t(1), s[0], s[1], s[2], s[3]});
  std::copy_n(host.data(), host.size(), image.data());
  return {cardiomm::to_space(r.ex, image), {}};
}

template solution<float> run_pisf(const request<float>&);
template solution<double> run_pisf(const request<double>&);

}  // namespace program
