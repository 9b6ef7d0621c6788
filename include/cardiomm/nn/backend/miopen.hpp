// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_BACKEND_MIOPEN_HPP
#define CARDIOMM_NN_BACKEND_MIOPEN_HPP
/// \file
/// Convolutions by MIOpen on the stream of the execution space instance, channels last, in its
/// immediate mode: the best known solution, without trials. Only deterministic kernels.

#include "cardiomm/nn/backend/vendor.hpp"
#ifndef CARDIOMM_HAS_MIOPEN
#define CARDIOMM_HAS_MIOPEN 0  // a library has to be linked as well, so it is never guessed
#endif
#if CARDIOMM_HAS_MIOPEN
#include <miopen/miopen.h>

namespace cardiomm::inline CARDIOMM_ABI::nn::detail {

struct miopen_api {
  using handle = miopenHandle_t;

  static void check(miopenStatus_t code, const char* what) {
    require(code == miopenStatusSuccess, "conv: MIOpen: ", what, ": ", miopenGetErrorString(code));
  }
  static handle create(const Kokkos::HIP& ex) {
    handle h;
    check(miopenCreateWithStream(&h, ex.hip_stream()), "create");
    return h;
  }
  static void use(handle h, const Kokkos::HIP& ex) {
    check(miopenSetStream(h, ex.hip_stream()), "set stream");
  }
  static void destroy(handle h) { (void)miopenDestroy(h); }

  struct plan {
    bool usable = false;
    std::size_t work = 0;
    std::uint64_t solution = 0;
    miopenTensorDescriptor_t x = nullptr, y = nullptr, w = nullptr;
    miopenConvolutionDescriptor_t conv = nullptr;

    plan() = default;
    plan(const plan&) = delete;
    plan& operator=(const plan&) = delete;
    ~plan() {
      for (miopenTensorDescriptor_t t : {x, y, w})
        if (t) (void)miopenDestroyTensorDescriptor(t);
      if (conv) (void)miopenDestroyConvolutionDescriptor(conv);
    }
  };

  /// The library has no switch for reduced precision of float32: `tf32` changes nothing.
  static void make(handle h, const conv_sizes& s, bool single, bool, conv_pass pass, plan& p) {
    const miopenDataType_t type = single ? miopenFloat : miopenDouble;
    const conv_axes a(s);
    check(miopenCreateTensorDescriptor(&p.x), "create descriptor");
    check(miopenCreateTensorDescriptor(&p.y), "create descriptor");
    check(miopenCreateTensorDescriptor(&p.w), "create descriptor");
    check(miopenCreateConvolutionDescriptor(&p.conv), "create descriptor");
    const channels_last x(a.items, s.in_channels, s.in + a.first, a.count);
    const channels_last y(a.items, s.out_channels, s.out + a.first, a.count);
    const channels_last w(s.out_channels, s.group_in(), s.kernel + a.first, a.count);
    check(miopenSetTensorDescriptor(p.x, type, a.count + 2, x.extent, x.step), "describe features");
    check(miopenSetTensorDescriptor(p.y, type, a.count + 2, y.extent, y.step), "describe features");
    check(miopenSetTensorDescriptor(p.w, type, a.count + 2, w.extent, w.step), "describe weights");
    check(miopenInitConvolutionNdDescriptor(p.conv, a.count, a.padding, a.stride, a.dilation,
                                            miopenConvolution),
          "describe convolution");
    check(miopenSetConvolutionGroupCount(p.conv, static_cast<int>(s.groups)), "set groups");
    check(miopenSetConvolutionAttribute(p.conv, MIOPEN_CONVOLUTION_ATTRIB_DETERMINISTIC, 1),
          "set determinism");
    miopenConvSolution_t best{};
    std::size_t found = 0;
    miopenStatus_t code = miopenStatusUnknownError;
    switch (pass) {
      case conv_pass::forward:
        code = miopenConvolutionForwardGetSolution(h, p.w, p.x, p.conv, p.y, 1, &found, &best);
        break;
      case conv_pass::adjoint:
        code = miopenConvolutionBackwardDataGetSolution(h, p.y, p.w, p.conv, p.x, 1, &found, &best);
        break;
      case conv_pass::weight:
        code =
            miopenConvolutionBackwardWeightsGetSolution(h, p.y, p.x, p.conv, p.w, 1, &found, &best);
        break;
    }
    if (code != miopenStatusSuccess || found == 0) return;
    switch (pass) {
      case conv_pass::forward:
        code = miopenConvolutionForwardCompileSolution(h, p.w, p.x, p.conv, p.y, best.solution_id);
        break;
      case conv_pass::adjoint:
        code = miopenConvolutionBackwardDataCompileSolution(h, p.y, p.w, p.conv, p.x,
                                                            best.solution_id);
        break;
      case conv_pass::weight:
        code = miopenConvolutionBackwardWeightsCompileSolution(h, p.y, p.x, p.conv, p.w,
                                                               best.solution_id);
        break;
    }
    p.usable = code == miopenStatusSuccess;
    p.solution = best.solution_id;
    p.work = best.workspace_size;
  }

  static void run(handle h, const plan& p, conv_pass pass, bool, void* x, void* w, void* y,
                  void* work) {
    switch (pass) {
      case conv_pass::forward:
        return check(miopenConvolutionForwardImmediate(h, p.w, w, p.x, x, p.conv, p.y, y, work,
                                                       p.work, p.solution),
                     "forward");
      case conv_pass::adjoint:
        return check(miopenConvolutionBackwardDataImmediate(h, p.y, y, p.w, w, p.conv, p.x, x, work,
                                                            p.work, p.solution),
                     "backward data");
      case conv_pass::weight:
        return check(miopenConvolutionBackwardWeightsImmediate(h, p.y, y, p.x, x, p.conv, p.w, w,
                                                               work, p.work, p.solution),
                     "backward weights");
    }
  }
};

}  // namespace cardiomm::inline CARDIOMM_ABI::nn::detail

#endif
#endif
