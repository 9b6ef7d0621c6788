// SPDX-License-Identifier: Apache-2.0
/// \file
/// `recon --method nlinv`.

#include "cardiomm/mri/nlinv.hpp"
#include "methods.hpp"

namespace program {

template <class T>
solution<T> run_nlinv(const request<T>& r) {
  const recon_command& c = r.command;
  const auto found = mri::nlinv(r.ex, r.kspace, r.mask,
                                {.iterations = c.iterations(),
                                 .lambda = c.lambda(),
                                 .tolerance = c.tolerance,
                                 .monitor = r.monitor});
  return {found.image, found.report};
}

template solution<float> run_nlinv(const request<float>&);
template solution<double> run_nlinv(const request<double>&);

}  // namespace program
