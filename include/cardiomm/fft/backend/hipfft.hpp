// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_FFT_BACKEND_HIPFFT_HPP
#define CARDIOMM_FFT_BACKEND_HIPFFT_HPP
/// \file
/// Transforms by hipFFT on the stream of the execution space instance.

#include "cardiomm/fft/backend/vendor.hpp"
#if CARDIOMM_HAS_HIPFFT
#include <hipfft/hipfft.h>

namespace cardiomm::inline CARDIOMM_ABI::fft::detail {

struct hipfft_api {
  using handle = hipfftHandle;

  static void check(hipfftResult code, const char* what) {
    require(code == HIPFFT_SUCCESS, "fft: hipFFT: ", what, ": error ", static_cast<int>(code));
  }
  static handle make(int rank, int* n, int stride, int batch, bool single, const Kokkos::HIP& ex,
                     std::size_t* work) {
    handle h;
    int distance = 1;
    for (int d = 0; d < rank && stride == 1; ++d) distance *= n[d];
    check(hipfftCreate(&h), "create");
    check(hipfftSetAutoAllocation(h, 0), "set auto allocation");
    check(hipfftMakePlanMany(h, rank, n, n, stride, distance, n, stride, distance,
                             single ? HIPFFT_C2C : HIPFFT_Z2Z, batch, work),
          "make plan");
    check(hipfftSetStream(h, ex.hip_stream()), "set stream");
    return h;
  }
  static void destroy(handle h) { (void)hipfftDestroy(h); }

  static void execute(handle h, void* work, const complex<float>* in, complex<float>* out,
                      bool forward) {
    check(hipfftSetWorkArea(h, work), "set work area");
    check(hipfftExecC2C(h, reinterpret_cast<hipfftComplex*>(const_cast<complex<float>*>(in)),
                        reinterpret_cast<hipfftComplex*>(out),
                        forward ? HIPFFT_FORWARD : HIPFFT_BACKWARD),
          "execute");
  }
  static void execute(handle h, void* work, const complex<double>* in, complex<double>* out,
                      bool forward) {
    check(hipfftSetWorkArea(h, work), "set work area");
    check(hipfftExecZ2Z(h, reinterpret_cast<hipfftDoubleComplex*>(const_cast<complex<double>*>(in)),
                        reinterpret_cast<hipfftDoubleComplex*>(out),
                        forward ? HIPFFT_FORWARD : HIPFFT_BACKWARD),
          "execute");
  }
};

template <class T, int R>
using hipfft_backend = vendor_backend<hipfft_api, T, R, Kokkos::HIP>;

}  // namespace cardiomm::inline CARDIOMM_ABI::fft::detail

#endif
#endif
