// SPDX-License-Identifier: Apache-2.0
/// \file
/// The extension module `cardiomm._core`: one function a file, so that each compiles in little
/// time.

#include "binding.hpp"

NB_MODULE(_core, m) {
  using namespace binding;
  m.doc() =
      "Kernels of cardiomm on NumPy arrays. Use the package cardiomm, which checks arguments.";
  bind_runtime(m);
  bind_fft(m);
  bind_simulation(m);
  bind_calibration(m);
  bind_operators(m);
  bind_encoding(m);
  bind_nufft(m);
  bind_prox(m);
  bind_solvers(m);
  bind_sense(m);
  bind_sparse(m);
  bind_total_variation(m);
  bind_low_rank(m);
  bind_grappa(m);
  bind_nlinv(m);
  bind_radial(m);
  bind_metrics(m);
  bind_network(m);
}
