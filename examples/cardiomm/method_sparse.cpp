// SPDX-License-Identifier: Apache-2.0
/// \file
/// `recon --method l1wavelet`, `tv` and `ktsparse`.

#include "cardiomm/mri/kt_sparse.hpp"
#include "cardiomm/mri/l1_wavelet.hpp"
#include "cardiomm/mri/total_variation.hpp"
#include "methods.hpp"

namespace program {

template <class T>
solution<T> run_l1wavelet(const request<T>& r) {
  const recon_command& c = r.command;
  return mri::l1_wavelet(r.ex, r.kspace, r.mask, r.maps,
                         {.lambda = c.lambda(),
                          .iterations = c.iterations(),
                          .tolerance = c.tolerance,
                          .wavelet = c.wavelet,
                          .levels = c.levels,
                          .random_shift = c.grid() == "random",
                          .data_step = c.ends_on_data(),
                          .monitor = r.monitor});
}

template <class T>
solution<T> run_tv(const request<T>& r) {
  const recon_command& c = r.command;
  return mri::total_variation(
      r.ex, r.kspace, r.mask, r.maps,
      {.lambda = c.lambda(),
       .iterations = c.iterations(),
       .tolerance = c.tolerance,
       .along = c.tv == "time" ? mri::variation::time : mri::variation::space,
       .solver = algorithm_of(c),
       .monitor = r.monitor});
}

template <class T>
solution<T> run_ktsparse(const request<T>& r) {
  const recon_command& c = r.command;
  return mri::kt_sparse(r.ex, r.kspace, r.mask, r.maps,
                        {.lambda = c.lambda(),
                         .iterations = c.iterations(),
                         .tolerance = c.tolerance,
                         .monitor = r.monitor});
}

template solution<float> run_l1wavelet(const request<float>&);
template solution<double> run_l1wavelet(const request<double>&);
template solution<float> run_tv(const request<float>&);
template solution<double> run_tv(const request<double>&);
template solution<float> run_ktsparse(const request<float>&);
template solution<double> run_ktsparse(const request<double>&);

}  // namespace program
