// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_CORE_RUNTIME_HPP
#define CARDIOMM_CORE_RUNTIME_HPP
/// \file
/// Start and end of a program that uses the library.

#include "cardiomm/core/compat.hpp"

namespace cardiomm::inline CARDIOMM_ABI {

/// How a `runtime` starts Kokkos.
struct runtime_options {
  int threads = 0;  ///< host threads; 0 takes what Kokkos and OMP_NUM_THREADS say
};

/// Initialises Kokkos, unless the program did so already, and finalises what it initialised. FFT
/// plans and workspaces are released by finalize hooks before that.
///
///     int main(int argc, char** argv) {
///       cardiomm::runtime guard(argc, argv);
///       ...
///     }
class runtime {
 public:
  explicit runtime(runtime_options options = {}) { start(options); }
  /// Kokkos options (--kokkos-...) are taken from the command line and removed.
  runtime(int& argc, char** argv) {
    if (Kokkos::is_initialized()) return;
    Kokkos::initialize(argc, argv);
    mine_ = true;
  }
  ~runtime() {
    if (mine_ && Kokkos::is_initialized()) Kokkos::finalize();
  }
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;

 private:
  void start(const runtime_options& options) {
    if (Kokkos::is_initialized()) return;
    compat::initialize(options.threads);
    mine_ = true;
  }
  bool mine_ = false;
};

}  // namespace cardiomm::inline CARDIOMM_ABI

#endif
