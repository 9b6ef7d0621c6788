// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_METHODS_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_METHODS_HPP
/// \file
/// The methods of `recon`: what each needs, and the functions behind them. Each group of functions
/// is compiled in a file of its own, method_*.cpp.

#include "cardiomm/mri/algorithm.hpp"
#include "cardiomm/mri/reconstruct.hpp"
#include "recon.hpp"

namespace program {

namespace mri = cardiomm::mri;
using space = cardiomm::default_space;

/// What a method is asked to do, beside what `recon_command` says.
template <class T>
struct request {
  const space& ex;
  const recon_command& command;
  const recon_inputs& inputs;
  cardiomm::tensor<complex<T>, 5, space> kspace;  ///< (frame, slice, coil, y, x)
  host_tensor<std::uint8_t, 3> mask;              ///< (frame, y, x)
  cardiomm::tensor<complex<T>, 5, space> maps;    ///< (set, slice, coil, y, x), or empty
  cardiomm::solve::monitor monitor;
};

/// The image (set, frame, slice, y, x) of some frames and how its solver ended.
template <class T>
using solution = mri::sense_result<complex<T>, space>;

template <class T>
solution<T> run_l1wavelet(const request<T>& r);
template <class T>
solution<T> run_tv(const request<T>& r);
template <class T>
solution<T> run_ktsparse(const request<T>& r);
template <class T>
solution<T> run_llr(const request<T>& r);
template <class T>
solution<T> run_lps(const request<T>& r);
template <class T>
solution<T> run_nlinv(const request<T>& r);
template <class T>
solution<T> run_radial(const request<T>& r);
template <class T>
solution<T> run_grappa(const request<T>& r);
template <class T>
solution<T> run_pisf(const request<T>& r);

/// All of `recon`: the files that a command names are read, reconstructed and written.
void run_recon(const recon_command& c, const common_options& common);

/// All of `recon --method cardiomm` after its inputs were opened: image by image.
template <class T>
void run_network(const recon_command& c, const recon_inputs& in, const common_options& common);

inline mri::algorithm algorithm_of(const recon_command& c) {
  const std::string name = c.algorithm();
  return name == "admm"   ? mri::algorithm::admm
         : name == "pdhg" ? mri::algorithm::pdhg
                          : mri::algorithm::fista;
}

/// The recipe of a method; zf, rss and sense are recon's own.
template <class T>
solution<T> run_recipe(const request<T>& r) {
  const std::string& m = r.command.method;
  if (m == "l1wavelet") return run_l1wavelet(r);
  if (m == "tv") return run_tv(r);
  if (m == "ktsparse") return run_ktsparse(r);
  if (m == "llr") return run_llr(r);
  if (m == "lps") return run_lps(r);
  if (m == "nlinv") return run_nlinv(r);
  if (m == "radial") return run_radial(r);
  if (m == "pisf") return run_pisf(r);
  return run_grappa(r);
}

}  // namespace program

#endif
