// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_FFT_BACKEND_CUFFT_HPP
#define CARDIOMM_FFT_BACKEND_CUFFT_HPP
/// \file
/// Transforms by cuFFT on the stream of the execution space instance.

#include "cardiomm/fft/backend/vendor.hpp"
#if CARDIOMM_HAS_CUFFT
#include <cufft.h>

namespace cardiomm::inline CARDIOMM_ABI::fft::detail {

struct cufft_api {
  using handle = cufftHandle;

  static void check(cufftResult code, const char* what) {
    require(code == CUFFT_SUCCESS, "fft: cuFFT: ", what, ": error ", static_cast<int>(code));
  }
  static handle make(int rank, int* n, int stride, int batch, bool single, const Kokkos::Cuda& ex,
                     std::size_t* work) {
    handle h;
    int distance = 1;
    for (int d = 0; d < rank && stride == 1; ++d) distance *= n[d];
    check(cufftCreate(&h), "create");
    check(cufftSetAutoAllocation(h, 0), "set auto allocation");
    check(cufftMakePlanMany(h, rank, n, n, stride, distance, n, stride, distance,
                            single ? CUFFT_C2C : CUFFT_Z2Z, batch, work),
          "make plan");
    check(cufftSetStream(h, ex.cuda_stream()), "set stream");
    return h;
  }
  static void destroy(handle h) { (void)cufftDestroy(h); }

  static void execute(handle h, void* work, const complex<float>* in, complex<float>* out,
                      bool forward) {
    check(cufftSetWorkArea(h, work), "set work area");
    check(
        cufftExecC2C(h, reinterpret_cast<cufftComplex*>(const_cast<complex<float>*>(in)),
                     reinterpret_cast<cufftComplex*>(out), forward ? CUFFT_FORWARD : CUFFT_INVERSE),
        "execute");
  }
  static void execute(handle h, void* work, const complex<double>* in, complex<double>* out,
                      bool forward) {
    check(cufftSetWorkArea(h, work), "set work area");
    check(cufftExecZ2Z(h, reinterpret_cast<cufftDoubleComplex*>(const_cast<complex<double>*>(in)),
                       reinterpret_cast<cufftDoubleComplex*>(out),
                       forward ? CUFFT_FORWARD : CUFFT_INVERSE),
          "execute");
  }
};

template <class T, int R>
using cufft_backend = vendor_backend<cufft_api, T, R, Kokkos::Cuda>;

}  // namespace cardiomm::inline CARDIOMM_ABI::fft::detail

#endif
#endif
