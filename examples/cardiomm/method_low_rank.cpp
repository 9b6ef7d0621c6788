// SPDX-License-Identifier: Apache-2.0
/// \file
/// `recon --method llr` and `lps`.

#include "cardiomm/mri/low_rank.hpp"
#include "methods.hpp"

namespace program {

template <class T>
solution<T> run_llr(const request<T>& r) {
  const recon_command& c = r.command;
  return mri::llr(r.ex, r.kspace, r.mask, r.maps,
                  {.lambda = c.lambda(),
                   .iterations = c.iterations(),
                   .tolerance = c.tolerance,
                   .block = c.block,
                   .shift = c.grid() == "cycle"    ? cardiomm::prox::block_shift::cycle
                            : c.grid() == "random" ? cardiomm::prox::block_shift::random
                                                   : cardiomm::prox::block_shift::none,
                   .solver = algorithm_of(c),
                   .data_step = c.ends_on_data(),
                   .monitor = r.monitor});
}

template <class T>
solution<T> run_lps(const request<T>& r) {
  const recon_command& c = r.command;
  const auto parts = mri::lps(r.ex, r.kspace, r.mask, r.maps,
                              {.lambda = c.lambda(),
                               .ratio = c.low_rank && c.lambda() > 0 ? *c.low_rank / c.lambda() : 0,
                               .iterations = c.iterations(),
                               .tolerance = c.tolerance,
                               .monitor = r.monitor});
  return {parts.image, parts.report};
}

template solution<float> run_llr(const request<float>&);
template solution<double> run_llr(const request<double>&);
template solution<float> run_lps(const request<float>&);
template solution<double> run_lps(const request<double>&);

}  // namespace program
