// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_BACKEND_CUDNN_HPP
#define CARDIOMM_NN_BACKEND_CUDNN_HPP
/// \file
/// Convolutions by cuDNN (8 or 9) on the stream of the execution space instance, channels last.
/// Only deterministic algorithms. Products of float32 stay float32 (CUDNN_FMA_MATH) unless TF32 is
/// asked for.

#include "cardiomm/nn/backend/vendor.hpp"
#ifndef CARDIOMM_HAS_CUDNN
#define CARDIOMM_HAS_CUDNN 0  // a library has to be linked as well, so it is never guessed
#endif
#if CARDIOMM_HAS_CUDNN
#include <cudnn.h>

namespace cardiomm::inline CARDIOMM_ABI::nn::detail {

struct cudnn_api {
  using handle = cudnnHandle_t;

  static void check(cudnnStatus_t code, const char* what) {
    require(code == CUDNN_STATUS_SUCCESS, "conv: cuDNN: ", what, ": ", cudnnGetErrorString(code));
  }
  static handle create(const Kokkos::Cuda& ex) {
    handle h;
    check(cudnnCreate(&h), "create");
    use(h, ex);
    return h;
  }
  static void use(handle h, const Kokkos::Cuda& ex) {
    check(cudnnSetStream(h, ex.cuda_stream()), "set stream");
  }
  static void destroy(handle h) { (void)cudnnDestroy(h); }

  struct plan {
    bool usable = false;
    std::size_t work = 0;
    int algorithm = 0;
    cudnnTensorDescriptor_t x = nullptr, y = nullptr;
    cudnnFilterDescriptor_t w = nullptr;
    cudnnConvolutionDescriptor_t conv = nullptr;

    plan() = default;
    plan(const plan&) = delete;
    plan& operator=(const plan&) = delete;
    ~plan() {
      if (x) (void)cudnnDestroyTensorDescriptor(x);
      if (y) (void)cudnnDestroyTensorDescriptor(y);
      if (w) (void)cudnnDestroyFilterDescriptor(w);
      if (conv) (void)cudnnDestroyConvolutionDescriptor(conv);
    }
  };

  static void make(handle h, const conv_sizes& s, bool single, bool tf32, conv_pass pass, plan& p) {
    const cudnnDataType_t type = single ? CUDNN_DATA_FLOAT : CUDNN_DATA_DOUBLE;
    const conv_axes a(s);
    check(cudnnCreateTensorDescriptor(&p.x), "create descriptor");
    check(cudnnCreateTensorDescriptor(&p.y), "create descriptor");
    check(cudnnCreateFilterDescriptor(&p.w), "create descriptor");
    check(cudnnCreateConvolutionDescriptor(&p.conv), "create descriptor");
    const channels_last x(a.items, s.in_channels, s.in + a.first, a.count);
    const channels_last y(a.items, s.out_channels, s.out + a.first, a.count);
    const channels_last w(s.out_channels, s.group_in(), s.kernel + a.first, a.count);
    check(cudnnSetTensorNdDescriptor(p.x, type, a.count + 2, x.extent, x.step),
          "describe features");
    check(cudnnSetTensorNdDescriptor(p.y, type, a.count + 2, y.extent, y.step),
          "describe features");
    check(cudnnSetFilterNdDescriptor(p.w, type, CUDNN_TENSOR_NHWC, a.count + 2, w.extent),
          "describe weights");
    check(cudnnSetConvolutionNdDescriptor(p.conv, a.count, a.padding, a.stride, a.dilation,
                                          CUDNN_CROSS_CORRELATION, type),
          "describe convolution");
    check(cudnnSetConvolutionGroupCount(p.conv, static_cast<int>(s.groups)), "set groups");
    check(cudnnSetConvolutionMathType(p.conv, tf32 ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH),
          "set math type");
    switch (pass) {
      case conv_pass::forward:
        return choose<cudnnConvolutionFwdAlgoPerf_t>(
            p, tf32,
            [&](int n, int* found, cudnnConvolutionFwdAlgoPerf_t* all) {
              return cudnnGetConvolutionForwardAlgorithm_v7(h, p.x, p.w, p.conv, p.y, n, found,
                                                            all);
            },
            [&](cudnnConvolutionFwdAlgo_t a) {
              return cudnnGetConvolutionForwardWorkspaceSize(h, p.x, p.w, p.conv, p.y, a, &p.work);
            });
      case conv_pass::adjoint:
        return choose<cudnnConvolutionBwdDataAlgoPerf_t>(
            p, tf32,
            [&](int n, int* found, cudnnConvolutionBwdDataAlgoPerf_t* all) {
              return cudnnGetConvolutionBackwardDataAlgorithm_v7(h, p.w, p.y, p.conv, p.x, n, found,
                                                                 all);
            },
            [&](cudnnConvolutionBwdDataAlgo_t a) {
              return cudnnGetConvolutionBackwardDataWorkspaceSize(h, p.w, p.y, p.conv, p.x, a,
                                                                  &p.work);
            });
      case conv_pass::weight:
        return choose<cudnnConvolutionBwdFilterAlgoPerf_t>(
            p, tf32,
            [&](int n, int* found, cudnnConvolutionBwdFilterAlgoPerf_t* all) {
              return cudnnGetConvolutionBackwardFilterAlgorithm_v7(h, p.x, p.y, p.conv, p.w, n,
                                                                   found, all);
            },
            [&](cudnnConvolutionBwdFilterAlgo_t a) {
              return cudnnGetConvolutionBackwardFilterWorkspaceSize(h, p.x, p.y, p.conv, p.w, a,
                                                                    &p.work);
            });
    }
  }

  static void run(handle h, const plan& p, conv_pass pass, bool single, void* x, void* w, void* y,
                  void* work) {
    // The library takes the factors in the precision of the sums.
    const float float_one = 1, float_zero = 0;
    const double double_one = 1, double_zero = 0;
    const void* one = single ? static_cast<const void*>(&float_one) : &double_one;
    const void* zero = single ? static_cast<const void*>(&float_zero) : &double_zero;
    switch (pass) {
      case conv_pass::forward:
        return check(cudnnConvolutionForward(h, one, p.x, x, p.w, w, p.conv,
                                             static_cast<cudnnConvolutionFwdAlgo_t>(p.algorithm),
                                             work, p.work, zero, p.y, y),
                     "forward");
      case conv_pass::adjoint:
        return check(
            cudnnConvolutionBackwardData(h, one, p.w, w, p.y, y, p.conv,
                                         static_cast<cudnnConvolutionBwdDataAlgo_t>(p.algorithm),
                                         work, p.work, zero, p.x, x),
            "backward data");
      case conv_pass::weight:
        return check(cudnnConvolutionBackwardFilter(
                         h, one, p.x, x, p.y, y, p.conv,
                         static_cast<cudnnConvolutionBwdFilterAlgo_t>(p.algorithm), work, p.work,
                         zero, p.w, w),
                     "backward filter");
    }
  }

 private:
  /// The first of the library's algorithms, best first, that is deterministic and keeps to the
  /// precision asked for.
  template <class Perf, class List, class Work>
  static void choose(plan& p, bool tf32, const List& list, const Work& work) {
    Perf all[16];
    int found = 0;
    if (list(16, &found, all) != CUDNN_STATUS_SUCCESS) return;
    for (int i = 0; i < found && !p.usable; ++i) {
      const bool rounds = all[i].mathType == CUDNN_TENSOR_OP_MATH ||
                          all[i].mathType == CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION;
      if (all[i].status != CUDNN_STATUS_SUCCESS || (rounds && !tf32) ||
          all[i].determinism != CUDNN_DETERMINISTIC)
        continue;
      if (tf32) check(cudnnSetConvolutionMathType(p.conv, all[i].mathType), "set math type");
      if (work(all[i].algo) != CUDNN_STATUS_SUCCESS) continue;
      p.algorithm = static_cast<int>(all[i].algo);
      p.usable = true;
    }
  }
};

}  // namespace cardiomm::inline CARDIOMM_ABI::nn::detail

#endif
#endif
